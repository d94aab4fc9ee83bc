// Writes batches with the AWS SDK for JavaScript v3: sdk.mjs SECONDS.

import { createRequire } from "node:module";

const { BatchWriteItemCommand, DynamoDBClient } = createRequire(
  `${process.env.PEERS_MODULES}/`,
)("@aws-sdk/client-dynamodb");

const SECONDS = Number(process.argv[2]);
const TABLE = process.env.PEERS_TABLE;
const CONNECTIONS = Number(process.env.PEERS_CONNECTIONS);
const BATCH = 25;

const client = new DynamoDBClient({ endpoint: process.env.PEERS_ENDPOINT });
const start = Math.floor(Date.now() / 1000);
let number = 0;
let items = 0;

const two = (value) => String(value).padStart(2, "0");

function reportTime() {
  const now = new Date();
  const date = [now.getMonth() + 1, now.getDate(), now.getFullYear() % 100];
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()];
  return date.map(two).join("/") + time.map(two).join(":");
}

function put(time) {
  const n = number++;
  const device = 1000 + (n % 9000);
  const id = `${start}.${100000 + (n % 900000)}-${device}-${10 + Math.floor(n / 9000)}`;
  return {
    PutRequest: {
      Item: {
        id: { S: id },
        HeartRate: { S: String(60 + (n % 81)) },
        SensorID: { S: String(1 + (n % 5)) },
        ReportTime: { S: time },
      },
    },
  };
}

const begin = performance.now();
const elapsed = () => (performance.now() - begin) / 1000;

async function loop() {
  while (elapsed() < SECONDS) {
    const time = reportTime();
    const puts = Array.from({ length: BATCH }, () => put(time));
    const command = new BatchWriteItemCommand({ RequestItems: { [TABLE]: puts } });
    const answer = await client.send(command);
    items += BATCH - (answer.UnprocessedItems?.[TABLE]?.length ?? 0);
  }
}

await Promise.all(Array.from({ length: CONNECTIONS }, loop));
console.log(JSON.stringify({ items, seconds: elapsed() }));
client.destroy();
