"""Writes batches with boto3: boto3_loop.py SECONDS THREADS."""

import json
import os
import sys
import threading
import time

import boto3
from botocore.config import Config
from items import Items

SECONDS, THREADS = float(sys.argv[1]), int(sys.argv[2])
TABLE = os.environ["PEERS_TABLE"]
BATCH = 25

client = boto3.client(
    "dynamodb",
    endpoint_url=os.environ["PEERS_ENDPOINT"],
    config=Config(max_pool_connections=THREADS),
)
items = Items()
written = [0] * THREADS
begin = time.monotonic()


def loop(thread):
    while time.monotonic() - begin < SECONDS:
        puts = [{"PutRequest": {"Item": item}} for item in items.batch(BATCH)]
        answer = client.batch_write_item(RequestItems={TABLE: puts})
        written[thread] += BATCH - len(answer["UnprocessedItems"].get(TABLE, []))


threads = [threading.Thread(target=loop, args=(at,)) for at in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"items": sum(written), "seconds": time.monotonic() - begin}))
