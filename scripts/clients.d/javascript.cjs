// The SDK for JavaScript v3 behind lines of JSON: [service, operation, parameters]
// comes in, {answer} or {refused, message} goes out. The first line out is its version.
const { createRequire } = require('node:module');
const { createInterface } = require('node:readline');

const [, , endpoint, folder] = process.argv;
const installed = createRequire(`${folder}/`);
const modules = {
  dynamodb: installed('@aws-sdk/client-dynamodb'),
  kinesis: installed('@aws-sdk/client-kinesis'),
};
const clients = {
  dynamodb: new modules.dynamodb.DynamoDBClient({ endpoint }),
  kinesis: new modules.kinesis.KinesisClient({ endpoint }),
};
const bytes = (_, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value);
// A Buffer would turn itself into a list of numbers before `bytes` sees it.
delete Buffer.prototype.toJSON;

async function call(line) {
  const [service, operation, parameters] = JSON.parse(line);
  try {
    const command = new modules[service][`${operation}Command`](parameters);
    return { answer: await clients[service].send(command) };
  } catch (error) {
    return { refused: error.name, message: error.message };
  }
}

(async () => {
  console.log(installed('@aws-sdk/client-dynamodb/package.json').version);
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await call(line), bytes));
  }
})();
