"""Writes one item after the other, each with a new `aws dynamodb put-item`:
put_item_loop.py SECONDS."""

import json
import os
import subprocess
import sys
import time

from items import Items

SECONDS = float(sys.argv[1])
COMMAND = [os.environ["PEERS_AWS"], "dynamodb", "put-item", "--return-consumed-capacity", "TOTAL"]
COMMAND += ["--table-name", os.environ["PEERS_TABLE"]]
COMMAND += ["--endpoint-url", os.environ["PEERS_ENDPOINT"], "--item"]

items = Items()
written = 0
begin = time.monotonic()
while time.monotonic() - begin < SECONDS:
    (item,) = items.batch(1)
    subprocess.run([*COMMAND, json.dumps(item)], check=True, stdout=subprocess.DEVNULL)
    written += 1
print(json.dumps({"items": written, "seconds": time.monotonic() - begin}))
