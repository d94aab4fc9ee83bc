"""What else happens while a run goes on, or before: all by boto3, or by signals.

Each is called with the run (`audit.Run`), once the table has its first item; it returns
when it has done its part.
"""

import json
import signal
import subprocess
import time

from botocore.exceptions import ClientError
from readings import reading_of
from services import STREAM, TABLE

KPL = b"\xf3\x89\x9a\xc2" + b"\x0a\x01a\x1a\x07\x08\x00\x1a\x03abc" + bytes(16)
"""An aggregated record, as the Kinesis Producer Library makes them."""


def together(*these):
    def all_of_them(run):
        for this in these:
            this(run)

    return all_of_them


def signal_at(*seconds):
    """SIGINT so long after the first write, each."""

    def interrupt(run):
        for second in seconds:
            run.sleep_until(second)
            run.process.send_signal(signal.SIGINT)

    return interrupt


def reshard(shards):
    def update(run):
        run.sleep_until(1.5)
        run.services.kinesis.update_shard_count(
            StreamName=STREAM, TargetShardCount=shards, ScalingType="UNIFORM_SCALING"
        )

    return update


def some(run, number, wait_s=1.0):
    """Items of the run itself, a while after it began."""
    run.sleep_until(wait_s)
    return run.services.items()[:number]


def deletions(run):
    """As a time to live would: REMOVE records."""
    for item in some(run, 60):
        run.deleted[reading_of(item)] = item
        run.services.dynamodb.delete_item(TableName=TABLE, Key=run.key(item))


def overwrites(run):
    """Somebody corrects readings: MODIFY records, with the reading's own id in them."""
    for number, item in enumerate(some(run, 60)):
        # The same once more changes nothing, and makes no record.
        note = {"note": {"S": f"corrected {number}"}} if number % 3 else {}
        run.services.dynamodb.put_item(TableName=TABLE, Item=item | note)


def put_again(run):
    """Removed, and written once more: a second INSERT."""
    items = some(run, 40)
    for item in items:
        run.services.dynamodb.delete_item(TableName=TABLE, Key=run.key(item))
    for item in items:
        run.services.dynamodb.put_item(TableName=TABLE, Item=item)


def another_table(run):
    """Readings of the same devices in another table, whose changes go to the same stream."""
    other = "other"
    set_up(run, other)
    for number in range(40):
        item = {"id": {"S": f"{int(time.time())}.000001-{number}-{number}"}}
        run.services.dynamodb.put_item(TableName=other, Item=item)


def forged(run):
    """Readings that look like this run's own, put into the stream alone."""
    run.sleep_until(1.0)
    for number in range(20):
        now = int(time.time() * 1e6)
        body = {
            "ApproximateCreationDateTime": now // 1000,
            "Keys": {"id": {"S": "x"}},
            "NewImage": {"id": {"S": f"{now // 10**6}.{now % 10**6:06}-{number}-4000000"}},
        }
        change = {"eventName": "INSERT", "tableName": TABLE, "dynamodb": body}
        run.services.kinesis.put_record(StreamName=STREAM, Data=json.dumps(change), PartitionKey="x")


def run_beside(words):
    """Another run on the same table and stream."""

    def beside(run):
        command = run.command(run.folder / "beside.json", "lake-beside") + ["--seed", "2", *words.split()]
        kept = {word: command[at + 1] for at, word in enumerate(command) if word in ("-r", "-d", "--devices", "--seed")}
        plain = [word for at, word in enumerate(command) if word not in kept and command[at - 1] not in kept]
        command = plain + [word for pair in kept.items() for word in pair]
        subprocess.run(command, timeout=60, check=False, capture_output=True)

    return beside


def strays(run):
    """Records that tell of no change of this table, or of nothing this run wrote."""
    run.sleep_until(1.0)
    now_us = int(time.time() * 1e6)
    body = {
        "ApproximateCreationDateTime": now_us // 1000,
        "Keys": {"id": {"S": "x"}},
        "NewImage": {"id": {"S": f"{now_us // 10**6 - 600}.000001-1-1"}},
        "SizeBytes": 10,
    }
    change = {"awsRegion": "us-east-1", "eventName": "INSERT", "tableName": TABLE, "dynamodb": body}

    def having(**changed):
        return json.dumps(change | changed).encode()

    def image(**item):
        return having(dynamodb=body | {"NewImage": item})

    present = f"{now_us // 10**6}.000001"
    texts = [
        b"hello",
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b'{"eventName":"INSERT"}',
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf" + having(),
        KPL,
        having(),
        having(tableName="another"),
        having(tableName="another", dynamodb=body | {"NewImage": {"id": {"S": f"{present}-1-1"}}}),
        having(tableName=None),
        having(eventName="REMOVE"),
        having(eventName="TRUNCATE"),
        having(dynamodb=None),
        having()[:-1],
        having() + b"{}",
        having(dynamodb=body | {"NewImage": None, "Keys": {}}),
        image(id={"S": f"{present}-4000000000-1"}),
        image(id={"S": f"{present}-4300000000-1"}),
        image(id={"S": f"{now_us // 10**6 + 3600}.000001-1-1"}),
        image(id={"S": f"{present}-1-"}),
        image(id={"S": f"{present}-1--1"}),
        image(id={"S": f" {present}-1-1"}),
        image(id={"S": f"{present}-1-1 "}),
        image(id={"N": "1"}),
        image(device={"S": "d-0000001"}, intended={"N": "1.5"}, seq={"N": "1"}),
        image(device={"S": "d-0000001"}, intended={"N": str(now_us)}),
    ]
    entries = [{"Data": data, "PartitionKey": str(number)} for number, data in enumerate(texts)]
    refused = []
    for entry in entries:
        try:
            run.services.kinesis.put_record(StreamName=STREAM, **entry)
        except ClientError as error:
            refused.append((entry["Data"][:20], str(error)))
    assert not refused, refused


def eats(run):
    """Another consumer, which takes all the reads that a shard has."""
    kinesis = run.services.impatient
    for _ in run.while_it_goes_on():
        for shard in run.services.shards():
            try:
                iterator = kinesis.get_shard_iterator(StreamName=STREAM, ShardId=shard, ShardIteratorType="LATEST")
                kinesis.get_records(ShardIterator=iterator["ShardIterator"])
            except ClientError as error:
                assert "ProvisionedThroughputExceeded" in str(error), error
        time.sleep(0.05)


def filled(run):
    """The table holds readings of an hour ago and other items before the run begins."""
    set_up(run)
    hour_ago = int(time.time()) - 3600
    ids = [f"{hour_ago}.{number:06}-{number % 50}-{number // 50}" for number in range(200)]
    ids += [f"other-{number}" for number in range(50)]
    for of in range(0, len(ids), 25):
        puts = [{"PutRequest": {"Item": {"id": {"S": name}, "HeartRate": {"S": "60"}}}} for name in ids[of : of + 25]]
        run.services.dynamodb.batch_write_item(RequestItems={TABLE: puts})


def run_before(run):
    """A run with the same seed has written into the same table, and into the stream."""
    subprocess.run(run.command(run.folder / "before.json", "lake-before"), timeout=60, check=False, capture_output=True)


def set_up(run, name=TABLE):
    """A table whose changes go to a stream, which is made if it is not there."""
    dynamodb, kinesis = run.services.dynamodb, run.services.kinesis
    table = {
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if "dynamodb-streams" in run.mix.run:
        table["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        dynamodb.create_table(**table)
        dynamodb.get_waiter("table_exists").wait(TableName=name)
        return
    dynamodb.create_table(**table)
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    if STREAM not in kinesis.list_streams()["StreamNames"]:
        kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=STREAM)
    arn = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    dynamodb.enable_kinesis_streaming_destination(TableName=name, StreamArn=arn)
    end = time.monotonic() + 30
    while True:
        told = dynamodb.describe_kinesis_streaming_destination(TableName=name)
        if told["KinesisDataStreamDestinations"][0]["DestinationStatus"] == "ACTIVE":
            return
        assert time.monotonic() < end, told
        time.sleep(0.1)
