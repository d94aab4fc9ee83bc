"""`hrload local`, and what boto3 reads out of it: table, streams; and a lake's objects."""

import gzip
import json
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import boto3
from botocore.config import Config
from readings import Reading, reading_of

TABLE, STREAM = "readings", "changes"
PATIENCE_S = 60
MAKING = threading.Lock()


class Change(NamedTuple):
    """A record of a stream, as far as it matters."""

    shard: str
    kind: str | None
    """INSERT, MODIFY or REMOVE; `None` for what is no change record of the table."""
    reading: Reading | None
    new: dict | None
    old: dict | None
    arrived: float | None
    """When it was in the stream; a table's own stream does not say."""
    created: float = 0.0
    """When the table's own stream says that it was made, in whole seconds."""
    is_object: bool = True
    """Whether it is a JSON object at all."""


@dataclass
class Lake:
    """What lies in a lake."""

    objects: int = 0
    bytes: int = 0
    records: int = 0
    failed: int = 0
    """Records that lie under the error prefix."""
    readings: list = field(default_factory=list)


class Services:
    """An `hrload local` on a port of its own, and clients that know nothing of hrload."""

    def __init__(self, hrload, arguments):
        command = [hrload, "local", "--listen", "127.0.0.1:0", "--quiet", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise OSError(f"hrload local did not start: {self.process.stderr.read().strip()}")
        config = Config(retries={"total_max_attempts": 20, "mode": "standard"}, read_timeout=20)
        once = Config(retries={"total_max_attempts": 1})
        names = (("dynamodb", config), ("kinesis", config), ("dynamodbstreams", config), ("kinesis", once))
        # Clients work in any thread, but are made in one at a time.
        with MAKING:
            self.dynamodb, self.kinesis, self.streams, self.impatient = (
                boto3.client(name, endpoint_url=self.url, config=how) for name, how in names
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stdout.close()
        self.process.stderr.close()

    def items(self):
        """Every item of the table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def shards(self):
        pages = self.kinesis.get_paginator("list_shards").paginate(StreamName=STREAM)
        return [shard["ShardId"] for page in pages for shard in page["Shards"]]

    def changes(self):
        """Every record of the Kinesis stream from its beginning, shard by shard; those of
        closed shards and their children too."""
        return [
            change_of(shard, record["Data"], record["ApproximateArrivalTimestamp"].timestamp())
            for shard in self.shards()
            for record in self.records(shard)
        ]

    def records(self, shard):
        iterator = self.kinesis.get_shard_iterator(StreamName=STREAM, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
        return read_on(self.kinesis, iterator, lambda page: page["MillisBehindLatest"] == 0)

    def table_changes(self):
        """Every record of the table's own stream."""
        arn = self.dynamodb.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
        pages, after = [], {}
        while not pages or after:
            pages.append(self.streams.describe_stream(StreamArn=arn, **after)["StreamDescription"])
            last = pages[-1].get("LastEvaluatedShardId")
            after = {"ExclusiveStartShardId": last} if last else {}
        found = []
        for shard in (shard["ShardId"] for page in pages for shard in page["Shards"]):
            iterator = self.streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
                "ShardIterator"
            ]
            for record in read_on(self.streams, iterator, lambda page: not page["Records"]):
                made = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
                told = change(shard, record["eventName"], record["dynamodb"], None)
                found.append(told._replace(created=made))
        return found


def read_on(client, iterator, at_its_end):
    """Every record from there to the newest, or to the shard's end."""
    found, end = [], time.monotonic() + PATIENCE_S
    while iterator:
        assert time.monotonic() < end, "a shard has no end"
        page = client.get_records(ShardIterator=iterator)
        found += page["Records"]
        if at_its_end(page):
            break
        iterator = page.get("NextShardIterator")
        time.sleep(0.2)
    return found


def change_of(shard, data, arrived):
    """The change that a record of a Kinesis stream tells of."""
    told = None
    try:
        told = json.loads(data)
        if told["tableName"] == TABLE:
            return change(shard, told["eventName"], told["dynamodb"], arrived)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return Change(shard, None, None, None, None, arrived, is_object=isinstance(told, dict))


def change(shard, kind, body, arrived):
    new, old = body.get("NewImage"), body.get("OldImage")
    reading = reading_of(new) or reading_of(body.get("Keys")) or reading_of(old)
    return Change(shard, kind, reading, new, old, arrived)


def lake(folder):
    """What lies in a lake."""
    found = Lake()
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).parts
        if not path.is_file() or any(part[0] in "._" for part in place):
            continue
        data = path.read_bytes()
        found.objects += 1
        found.bytes += len(data)
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).split(b"\n")
        assert lines.pop() == b"", f"{path} does not end with a newline"
        if place[0].endswith("-failed"):
            found.failed += len(lines)
            continue
        found.records += len(lines)
        found.readings += [change_of("", line, None) for line in lines]
    return found
