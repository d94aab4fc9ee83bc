"""The blog post's steps, whoever the client is: `caller(service, operation, **parameters)`."""

import json
import time

from callers import Refused

TABLE, STREAM = "heartrate-ddb-dev", "samplestream"
PRECISION = "MICROSECOND"


def reading(number):
    """An item as the post's simulator writes it."""
    epoch = 1637712000 + number
    return {
        "id": {"S": f"{epoch}"},
        "HeartRate": {"S": str(60 + number)},
        "SensorID": {"S": f"{number % 5}"},
        "ReportTime": {"S": f"2021-11-24 00:00:{number:02d}"},
    }


def until(what, look, wanted, patience_s=20):
    """Asks again until the answer is as wanted."""
    end = time.monotonic() + patience_s
    while (found := look()) != wanted:
        assert time.monotonic() < end, f"{what} is {found}, not {wanted}"
        time.sleep(0.2)


def set_up(call):
    call("kinesis", "CreateStream", StreamName=STREAM, ShardCount=1)

    def stream():
        return call("kinesis", "DescribeStreamSummary", StreamName=STREAM)["StreamDescriptionSummary"]

    until("the stream", lambda: stream()["StreamStatus"], "ACTIVE")
    call(
        "dynamodb",
        "CreateTable",
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def table():
        return call("dynamodb", "DescribeTable", TableName=TABLE)["Table"]

    until("the table", lambda: table()["TableStatus"], "ACTIVE")
    call(
        "dynamodb",
        "EnableKinesisStreamingDestination",
        TableName=TABLE,
        StreamArn=stream()["StreamARN"],
        EnableKinesisStreamingConfiguration={"ApproximateCreationDateTimePrecision": PRECISION},
    )

    def destination():
        found = call("dynamodb", "DescribeKinesisStreamingDestination", TableName=TABLE)
        return [one["DestinationStatus"] for one in found["KinesisDataStreamDestinations"]]

    until("the destination", destination, ["ACTIVE"])
    return stream()["StreamARN"]


def write(call):
    """Writes, and says what change records must come of it, in their order for each item."""
    expected = []
    for number in range(3):
        # The last line of the post's loop.
        answer = call(
            "dynamodb",
            "PutItem",
            TableName=TABLE,
            Item=reading(number),
            ReturnConsumedCapacity="TOTAL",
        )
        assert answer["ConsumedCapacity"] == {"TableName": TABLE, "CapacityUnits": 1.0}, answer
        expected.append(("INSERT", None, reading(number)))
    batch = [reading(number) for number in range(3, 28)]
    answer = call(
        "dynamodb",
        "BatchWriteItem",
        RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in batch]},
    )
    assert not answer.get("UnprocessedItems"), answer
    expected += [("INSERT", None, item) for item in batch]
    # The post's `id` is a second: a second reading in it overwrites the first.
    changed = reading(0) | {"HeartRate": {"S": "180"}}
    call("dynamodb", "PutItem", TableName=TABLE, Item=changed)
    expected.append(("MODIFY", reading(0), changed))
    call("dynamodb", "DeleteItem", TableName=TABLE, Key={"id": reading(1)["id"]})
    expected.append(("REMOVE", reading(1), None))
    got = call("dynamodb", "GetItem", TableName=TABLE, Key={"id": changed["id"]}, ConsistentRead=True)
    assert got["Item"] == changed, got
    counted = call("dynamodb", "Scan", TableName=TABLE, Select="COUNT")
    assert counted["Count"] == 27, counted
    return expected


def read(call, count):
    """Every record of the stream, `count` at least."""
    (shard,) = call("kinesis", "ListShards", StreamName=STREAM)["Shards"]
    iterator = call(
        "kinesis",
        "GetShardIterator",
        StreamName=STREAM,
        ShardId=shard["ShardId"],
        ShardIteratorType="TRIM_HORIZON",
    )["ShardIterator"]
    records, end = [], time.monotonic() + 20
    while len(records) < count:
        assert time.monotonic() < end, f"{len(records)} records of {count} came"
        page = call("kinesis", "GetRecords", ShardIterator=iterator)
        records += page["Records"]
        iterator = page["NextShardIterator"]
        time.sleep(0.25)
    return records


def key_of(change):
    _, old, new = change
    return (new or old)["id"]["S"]


def compare(records, expected):
    changes = []
    for record in records:
        told = json.loads(record["Data"])
        assert told["tableName"] == TABLE and told["eventSource"] == "aws:dynamodb", told
        assert told["recordFormat"] == "application/json" and told["userIdentity"] is None, told
        change = told["dynamodb"]
        assert change["ApproximateCreationDateTimePrecision"] == PRECISION, change
        age_s = time.time() - change["ApproximateCreationDateTime"] / 1e6
        assert -1 < age_s < 120, f"created {age_s} s ago"
        assert 1 <= len(record["PartitionKey"]) <= 256 and int(record["SequenceNumber"]) > 0
        changes.append((told["eventName"], change.get("OldImage"), change.get("NewImage")))
        assert change["Keys"] == {"id": {"S": key_of(changes[-1])}}, change
    # Order holds for each item; between items there is none.
    found, wanted = sorted(changes, key=key_of), sorted(expected, key=key_of)
    assert found == wanted, f"{found}\nis not\n{wanted}"


def refusal(call):
    try:
        call("dynamodb", "PutItem", TableName=TABLE, Item={"HeartRate": {"S": "60"}})
    except Refused as reason:
        assert reason.code == "ValidationException", reason
        return
    raise AssertionError("an item without its key was taken")


def take_down(call, arn):
    call("dynamodb", "DisableKinesisStreamingDestination", TableName=TABLE, StreamArn=arn)
    call("dynamodb", "DeleteTable", TableName=TABLE)
    call("kinesis", "DeleteStream", StreamName=STREAM)
    until("tables", lambda: call("dynamodb", "ListTables")["TableNames"], [])
    until("streams", lambda: call("kinesis", "ListStreams")["StreamNames"], [])


def whole_way(call):
    arn = set_up(call)
    expected = write(call)
    refusal(call)
    records = read(call, len(expected))
    compare(records, expected)
    take_down(call, arn)
    return f"{len(expected)} changes written, {len(records)} records read, each as it has to be"
