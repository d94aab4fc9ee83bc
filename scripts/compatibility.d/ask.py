"""Asks a server by boto3, and prints the answer as JSON.

ask.py left DYNAMODB-URL KINESIS-URL      tables and streams whose names are hrload's
ask.py put KINESIS-URL STREAM COUNT       a new stream of two shards with so many records
ask.py delete KINESIS-URL STREAM          the stream is removed

A URL `-` stands for a server that does not have that service.
"""

import json
import sys
import time

import boto3


def left(dynamodb, kinesis):
    """A deletion is over when it is over: servers take a moment."""
    for _ in range(20):
        names = []
        if dynamodb != "-":
            names += boto3.client("dynamodb", endpoint_url=dynamodb).list_tables()["TableNames"]
        if kinesis != "-":
            names += boto3.client("kinesis", endpoint_url=kinesis).list_streams()["StreamNames"]
        names = [name for name in names if name.startswith("hrload-")]
        if not names:
            break
        time.sleep(0.5)
    return names


def put(url, stream, count):
    kinesis = boto3.client("kinesis", endpoint_url=url)
    kinesis.create_stream(StreamName=stream, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
    records = [
        {"Data": json.dumps({"number": number}).encode(), "PartitionKey": f"key-{number}"}
        for number in range(int(count))
    ]
    answer = kinesis.put_records(StreamName=stream, Records=records)
    assert answer["FailedRecordCount"] == 0, answer
    return len({record["ShardId"] for record in answer["Records"]})


def delete(url, stream):
    boto3.client("kinesis", endpoint_url=url).delete_stream(StreamName=stream)


if __name__ == "__main__":
    action = {"left": left, "put": put, "delete": delete}[sys.argv[1]]
    print(json.dumps(action(*sys.argv[2:])))
