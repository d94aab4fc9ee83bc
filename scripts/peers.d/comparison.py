"""The comparison: every client in turn, in as many rounds as asked for.

Before it is measured, each client writes to a server that keeps what it gets;
what the table then holds must be what the client says was acknowledged. Then
all meet a server that keeps nothing. A client that fails is left out, with what
it said, and the others go on.

CPU time is that of the whole process tree from start to end, divided by all
items acknowledged in that time. What starting and ending without work costs (the
least of all rounds) is taken off first.
"""

import datetime
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import machine
from clients import BATCH, Work
from home import Missing
from machine import Failed
from server import TABLE, Server

ATTRIBUTES = {"id", "HeartRate", "SensorID", "ReportTime"}


@dataclass(frozen=True)
class Plan:
    """How long, how often, how wide."""

    seconds: int
    repeat: int
    connections: int


@dataclass(frozen=True)
class Run:
    """One measured run of one client."""

    items: int
    per_second: float
    cpu_us: float
    memory_bytes: int
    server_busy: float
    """CPU time of the server over the time of the run: 1 is a whole core."""
    others_busy: float
    """The same of everything that is neither client nor server."""


@dataclass
class Row:
    """A client and what it did."""

    client: object
    version: str
    item_bytes: float = 0.0
    """Mean size of an item that it wrote."""
    stored: int = 0
    start_cpu_us: list = field(default_factory=list)
    runs: list = field(default_factory=list)

    @property
    def name(self):
        return self.client.name

    def cpu_us_per_1000(self):
        """One figure a round."""
        start = min(self.start_cpu_us)
        return [max(run.cpu_us - start, 0.0) / run.items * 1000 for run in self.runs]


@dataclass
class Outcome:
    """All that the report needs."""

    plan: Plan
    cores: machine.Cores
    begin: datetime.datetime
    load_before: float
    rows: list
    left_out: list


@dataclass(frozen=True)
class LeftOut:
    """A client that has no row."""

    name: str
    why: str
    missing: bool
    """It is not here, and so could not fail."""


class Comparison:
    """A comparison under way."""

    def __init__(self, home, plan, folder):
        self.home = home
        self.plan = plan
        self.folder = Path(folder)
        self.cores = machine.Cores.split()
        self.left_out = []

    def trying(self, clients, step):
        """Does a step for each client; those for which it fails are left out."""
        able = []
        for client in clients:
            name = client.name
            try:
                able.append(step(client))
            except (Failed, Missing, OSError, LookupError, ValueError) as error:
                why = str(error) if isinstance(error, (Failed, Missing, OSError)) else repr(error)
                self.left_out.append(LeftOut(name, why, isinstance(error, Missing)))
                say(f"left out: {name}: {why}")
        return able

    def prepare(self, client):
        """Installs a client."""
        client.install(self.home)
        return Row(client, client.version())

    def verify(self, row):
        """Has a client write to a server that keeps items, and counts them."""
        with Server(self.home.hrload, self.cores.server, null=False) as server:
            work = self._work(server, 1)
            spent = self._run(row.client, work, row.client.work(work))
            claimed = row.client.count(work, spent.output).items
            row.stored, sample = server.items()
        # Calls in flight at the end may be carried out and not be counted.
        least, most = claimed, claimed + self.plan.connections * BATCH
        if row.client.canned:
            least = most = BATCH if claimed else 0
        if not (0 < least <= row.stored <= most):
            raise Failed(f"says it wrote {claimed} items, and the table has {row.stored}")
        for item in sample:
            if set(item) != ATTRIBUTES or any(set(value) != {"S"} for value in item.values()):
                raise Failed(f"wrote something else than the post's layout: {item}")
        sizes = [sum(len(name) + len(value["S"]) for name, value in item.items()) for item in sample]
        row.item_bytes = sum(sizes) / len(sizes)
        return row

    def measure(self, row, server):
        """One round of one client."""
        client, work = row.client, self._work(server, self.plan.seconds)
        client.settle(work, lambda command: self._run(client, work, command).output)
        row.start_cpu_us.append(self._run(client, work, client.start(work)).cpu_us)

        server_before, all_before = server.cpu_seconds(), machine.busy_seconds()
        begin = time.monotonic()
        spent = self._run(client, work, client.work(work))
        seconds = time.monotonic() - begin
        server_cpu = server.cpu_seconds() - server_before
        others = machine.busy_seconds() - all_before - server_cpu - spent.cpu_us / 1e6

        count = client.count(work, spent.output)
        if count.items <= 0:
            raise Failed("no item was acknowledged")
        run = Run(
            items=count.items,
            per_second=count.per_second,
            cpu_us=spent.cpu_us,
            memory_bytes=spent.memory_bytes,
            server_busy=server_cpu / seconds,
            others_busy=max(others, 0.0) / seconds,
        )
        row.runs.append(run)
        say(f"  {client.name:<15} {run.per_second:>12,.0f} items/s")
        return row

    def _work(self, server, seconds):
        # A folder of its own, so that no result of an earlier run can be read.
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return Work(server.endpoint, TABLE, seconds, self.plan.connections, folder)

    def _run(self, client, work, command):
        return machine.measure(
            command,
            self.cores.client,
            work.folder,
            timeout=60 + 5 * work.seconds,
            env=client.environment(work),
            accepted=client.accepted,
        )


def run(clients, home, plan):
    """Compares the clients."""
    begin = datetime.datetime.now(datetime.timezone.utc)
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(home, plan, folder)
        rows = comparison.trying(clients, comparison.prepare)
        load_before = os.getloadavg()[0]
        # What watches the clients must not take their core.
        os.sched_setaffinity(0, comparison.cores.server)
        say("verifying that what each says it wrote is written")
        rows = comparison.trying(rows, comparison.verify)
        with Server(home.hrload, comparison.cores.server, null=True) as server:
            for at in range(plan.repeat):
                say(f"round {at + 1} of {plan.repeat}")
                # Another one goes first in each round.
                first = at % len(rows) if rows else 0
                turn = rows[first:] + rows[:first]
                able = comparison.trying(turn, lambda row: comparison.measure(row, server))
                rows = [row for row in rows if row in able]
    return Outcome(
        plan=plan,
        cores=comparison.cores,
        begin=begin,
        load_before=load_before,
        rows=rows,
        left_out=comparison.left_out,
    )


def say(line):
    print(line, file=sys.stderr, flush=True)
