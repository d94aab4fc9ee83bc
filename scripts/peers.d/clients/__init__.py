"""The clients, one file each.

A client says how it is installed, the command that makes it work for a while,
the command that starts and ends it without work, and how many items its output
says were acknowledged. It measures nothing: the comparison does, the same way
for all.
"""

from dataclasses import dataclass
from pathlib import Path

BATCH = 25


@dataclass(frozen=True)
class Work:
    """What a client is to do."""

    endpoint: str
    table: str
    seconds: int
    connections: int
    folder: Path


@dataclass(frozen=True)
class Count:
    """What a client says it did."""

    items: int
    """Acknowledged from its start to its end, warm-up included."""
    per_second: float
    """Acknowledged a second, while it was at full speed."""


class Client:
    """One way to write items. Subclasses fill in the class attributes."""

    name = ""
    driven = ""
    """How it is driven, for the reader of the table."""
    accepted = (0,)
    """Exit codes that mean it did its work."""
    canned = False
    """Whether it sends the same items again and again."""

    def install(self, home):
        """Puts what it needs into `home`, or raises `Missing`."""
        raise NotImplementedError

    def version(self):
        """What is installed."""
        raise NotImplementedError

    def settle(self, work, run):
        """Finds out what it needs to know before it is measured. `run` takes a
        command and returns what it printed."""

    def work(self, work):
        """The command that works for `work.seconds`."""
        raise NotImplementedError

    def start(self, work):
        """The command that starts and ends it without work."""
        raise NotImplementedError

    def count(self, work, output):
        """What it did, from what it printed."""
        raise NotImplementedError

    def environment(self, work):
        """Variables for its command."""
        return {}


def all_clients():
    """Every client, in the table's order."""
    from clients import boto3_loop, hrload, javascript, latte, locust, oha, put_item, wrk

    return [
        hrload.Direct(),
        hrload.Sdk(),
        latte.Latte(),
        locust.Locust(),
        boto3_loop.One(),
        boto3_loop.Threads(),
        javascript.JavaScript(),
        wrk.Wrk(),
        oha.Oha(),
        put_item.PutItem(),
    ]
