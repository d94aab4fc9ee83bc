"""A Locust user that writes batches with boto3, without pauses."""

import json
import os
import time

import boto3
from botocore.config import Config
from items import Items
from locust import User, constant, events, tag, task

TABLE = os.environ["PEERS_TABLE"]
BATCH = 25

client = boto3.client(
    "dynamodb",
    endpoint_url=os.environ["PEERS_ENDPOINT"],
    config=Config(max_pool_connections=int(os.environ["PEERS_CONNECTIONS"])),
)
items = Items()
written = {"items": 0, "begin": None, "end": None}


class Wearables(User):
    wait_time = constant(0)

    @tag("batch")
    @task
    def batch(self):
        puts = [{"PutRequest": {"Item": item}} for item in items.batch(BATCH)]
        begin = time.perf_counter()
        written["begin"] = written["begin"] or begin
        exception, answer = None, {"UnprocessedItems": {}}
        try:
            answer = client.batch_write_item(RequestItems={TABLE: puts})
        except Exception as error:  # reported to Locust, as its own clients do
            exception = error
        end = written["end"] = time.perf_counter()
        self.environment.events.request.fire(
            request_type="dynamodb",
            name="BatchWriteItem",
            response_time=(end - begin) * 1000,
            response_length=0,
            exception=exception,
            context={},
        )
        if exception is None:
            written["items"] += BATCH - len(answer["UnprocessedItems"].get(TABLE, []))

    @tag("idle")
    @task
    def idle(self):
        time.sleep(0.1)


# Without tags asked for, every task is run; idling is not a part of the work.
@events.init.add_listener
def leave_idling_out(environment, **_):
    options = environment.parsed_options
    if options and not options.tags:
        environment.parsed_options.tags = ["batch"]


@events.quit.add_listener
def say(**_):
    begin, end = written["begin"], written["end"]
    seconds = end - begin if end else 0
    print(json.dumps({"items": written["items"], "seconds": seconds}), flush=True)
