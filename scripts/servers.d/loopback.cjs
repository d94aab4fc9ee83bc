// Loaded before kinesis-mock, for this machine alone: left to itself it listens to all.
const { Server } = require('node:net');

const listen = Server.prototype.listen;
Server.prototype.listen = function (first, ...rest) {
  const given = first !== null && typeof first === 'object' ? first : { port: first };
  const ready = rest.find((argument) => typeof argument === 'function');
  return listen.call(this, { ...given, host: '127.0.0.1' }, ...(ready ? [ready] : []));
};
