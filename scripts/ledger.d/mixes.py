"""The mixes: faults, clients, ways to read, tables; and what else happens meanwhile."""

import random
from dataclasses import dataclass

import meanwhile
from judge import READ_WITHIN_S

UNANSWERED = ("disconnect-after", "stall")
"""Faults after which an answer may be lost though all is written."""
WAY = ("delay", "lose", "duplicate", "reorder")
"""Faults of records, which no writer notices."""


@dataclass
class Mix:
    """A run and what happens to it."""

    name: str
    faults: str = ""
    run: str = ""
    local: str = ""
    signals: int = 0
    before: object = None
    during: object = None
    read_within_s: float = READ_WITHIN_S
    lake: str | None = None
    network: float = 0.0
    """The share of Kinesis calls that a bad network strikes."""
    network_of_all: bool = False
    """It strikes those of DynamoDB, too."""
    shared: bool = False
    """Another run writes to the same table, so that no reading is surely this run's."""

    def loses_answers(self):
        kinds = self.kinds()
        return (
            self.network_of_all
            or "--timeout" in self.run
            or self.signals > 1
            or any(kind in UNANSWERED for kind in kinds)
        )

    def writes_all(self):
        """Whether what fails was written all the same."""
        throttled = self.signals or self.network_of_all or "provisioned" in self.run
        return not throttled and all(kind in (*WAY, "disconnect-after", "respond") for kind in self.kinds())

    def on_its_way_s(self):
        """How long a record may be on its way to the stream."""
        delays = [fault.removeprefix("delay=") for fault in self.faults.split(",") if fault.startswith("delay=")]
        seconds = sum(float(of.removesuffix("ms")) / 1000 if of.endswith("ms") else float(of[:-1]) for of in delays)
        return 1.0 + seconds

    def kinds(self):
        return [fault.split("=")[0] for fault in self.faults.split(",") if fault]


ALONE = {
    "delay": "delay=400ms",
    "lose": "lose=3%",
    "duplicate": "duplicate=3%",
    "reorder": "reorder=5%",
    "throttle": "throttle=10%",
    "unprocessed": "unprocessed=5%",
    "disconnect": "disconnect=10%",
    "disconnect-after": "disconnect-after=10%",
    "error": "error=10%",
    "error-html": "error-html=10%",
    "respond": "respond=80ms",
    "stall": "stall=800ms@1s",
}
ONE_SHARD = "--shards 1 --layout timeseries"


def short():
    """Eight that between them touch every figure."""
    return [
        Mix("nothing at all", run="-w 1s --client direct"),
        Mix("lose, duplicate", "lose=2%,duplicate=2%", "-w 1s"),
        Mix("reorder, one shard", "reorder=5%,duplicate=1%", ONE_SHARD),
        Mix("answers lost, one attempt", "disconnect-after=10%,lose=2%", "--attempts 1 --client direct"),
        Mix("all refusals, two attempts", "throttle=9%,unprocessed=9%,error=9%", "--attempts 2"),
        Mix("table's own stream", "lose=2%,duplicate=2%", "--via dynamodb-streams -w 1s"),
        Mix("lake, gzip", "duplicate=2%,lose=1%", "--consumer enhanced-fan-out", lake="gzip"),
        Mix("strays and overwrites", during=meanwhile.together(meanwhile.strays, meanwhile.overwrites)),
    ]


def full(seed):
    return [*short(), *alone(), *tables(), *readers(), *pairs(), *interrupted(), *others(), *networks(), *drawn(seed)]


def alone():
    for kind, fault in ALONE.items():
        yield Mix(f"{kind}", fault, "-w 2s")
        yield Mix(f"{kind}, 1 attempt", fault, "--attempts 1 --client direct")
    yield Mix("lose, counted", "lose=300", "-w 1s")
    yield Mix("duplicate, counted", "duplicate=20", "-w 1s")
    yield Mix("lose all", "lose=100%", "--drain 2s")
    yield Mix("duplicate all", "duplicate=100%")
    yield Mix("respond beyond --timeout", "respond=600ms", "--timeout 200ms --attempts 1")
    yield Mix("stall beyond --timeout", "stall=1s@1s", "--timeout 300ms --client direct")


def tables():
    yield Mix("provisioned, too small", run="--mode provisioned --wcu 4 -w 1s")
    yield Mix("provisioned, too small, direct", run="--mode provisioned --wcu 3 --attempts 2 --client direct")
    yield Mix("provisioned, losses", "lose=2%,disconnect-after=5%", "--mode provisioned --wcu 3 --attempts 2")
    yield Mix("fhir", "lose=2%", "--layout fhir -w 1s")
    yield Mix("fhir, direct", "duplicate=2%", "--layout fhir --client direct")
    yield Mix("timeseries", "reorder=3%", "--layout timeseries --shards 3")
    yield Mix("stream on demand", "lose=1%", "--stream-mode on-demand")
    yield Mix("four load threads", "throttle=5%", "-t 4 --client direct -w 1s")
    yield Mix("backlog of 50", "stall=1500ms@1s", "--backlog 50 -p 2")


def readers():
    for via in ("--consumer enhanced-fan-out", "--via dynamodb-streams", "--via put-records", "--via none"):
        way = via.split()[-1]
        yield Mix(f"{way}", "", f"{via} -w 1s")
        yield Mix(
            f"{way}, lose, duplicate",
            "lose=2%,duplicate=2%",
            f"{via} {ONE_SHARD if 'none' not in via and 'dynamodb' not in via else ''}",
        )
        yield Mix(f"{way}, answers lost", "disconnect-after=10%,error=5%", f"{via} --attempts 1")
    yield Mix("lake", "lose=2%", "-w 1s", lake="none")
    yield Mix("lake, answers lost", "disconnect-after=8%,duplicate=1%", "--attempts 1", lake="gzip")


def pairs():
    kinds = list(ALONE)
    for at, kind in enumerate(kinds):
        other = kinds[(at + 5) % len(kinds)]
        attempts = "--attempts 1" if at % 2 else "-w 1s"
        client = "--client direct" if at % 3 else ""
        yield Mix(f"{kind}, {other}", f"{ALONE[kind]},{ALONE[other]}", f"{attempts} {client}")


def interrupted():
    yield Mix("SIGINT while measuring", "lose=1%", "-w 1s", signals=1, during=meanwhile.signal_at(2.5))
    yield Mix("SIGINT while warming up", "", "-w 3s", signals=1, during=meanwhile.signal_at(1.0))
    yield Mix("SIGINT in the drain", "lose=2%,delay=1s", "--drain 8s", signals=1, during=meanwhile.signal_at(5.5))
    yield Mix(
        "SIGINT, answers lost", "disconnect-after=10%", "--attempts 2", signals=1, during=meanwhile.signal_at(2.0)
    )
    yield Mix("SIGINT twice", "respond=300ms", "", signals=2, during=meanwhile.signal_at(2.0, 2.1))
    yield Mix(
        "SIGINT twice, direct", "respond=300ms", "--client direct", signals=2, during=meanwhile.signal_at(2.0, 2.05)
    )
    yield Mix("SIGINT, put-records", "", "--via put-records", signals=1, during=meanwhile.signal_at(2.0))
    yield Mix("SIGINT, efo", "duplicate=2%", "--consumer enhanced-fan-out", signals=1, during=meanwhile.signal_at(2.0))
    yield Mix("SIGINT, own stream", "lose=2%", "--via dynamodb-streams", signals=1, during=meanwhile.signal_at(2.0))
    yield Mix("a threshold out of reach", "error=10%", "--attempts 1 --threshold failed=0 --abort-on-fail")
    yield Mix("late, not lost", "delay=3s", "--drain 1s")
    yield Mix("late and lost", "delay=2s,lose=2%,duplicate=3%", "--drain 1s -w 1s")
    yield Mix("SIGINT, lake", "", "", signals=1, during=meanwhile.signal_at(2.0), lake="gzip")


def networks():
    yield Mix("bad network", "", "-w 1s", network=0.2)
    yield Mix("bad network, lose, one shard", "lose=2%,duplicate=2%", ONE_SHARD, network=0.3)
    yield Mix("bad network, put-records", "", "--via put-records -w 1s", network=0.2)
    yield Mix("bad network, puts, 1 attempt", "", "--via put-records --attempts 1", network=0.3)
    yield Mix("bad network, lake", "duplicate=1%", "", network=0.2, lake="gzip")
    yield Mix(
        "bad network, resharded", "", "--shards 2 -d 5s", "--time-scale 60", during=meanwhile.reshard(4), network=0.2
    )
    for words in ("-w 1s", "--client direct --attempts 2", "--via dynamodb-streams -w 1s", "--via none --attempts 1"):
        yield Mix(f"all calls struck, {words.split()[1]}", "lose=1%", words, network=0.2, network_of_all=True)
    yield Mix("all calls struck, puts", "", "--via put-records -w 1s", network=0.2, network_of_all=True)


def others():
    fast = "--time-scale 60"
    yield Mix("resharded, 2 to 4", "lose=1%", "--shards 2 -d 5s", fast, during=meanwhile.reshard(4))
    yield Mix(
        "resharded, 4 to 2, efo",
        "duplicate=1%",
        "--shards 4 -d 5s --consumer enhanced-fan-out",
        fast,
        during=meanwhile.reshard(2),
    )
    yield Mix("resharded, lake", "", "--shards 2 -d 5s", fast, during=meanwhile.reshard(3), lake="gzip")
    yield Mix("resharded, put-records", "", "--shards 2 -d 5s --via put-records", fast, during=meanwhile.reshard(4))
    yield Mix("strays", "", "-w 1s", during=meanwhile.strays)
    yield Mix("strays, efo, lake", "lose=1%", "--consumer enhanced-fan-out", during=meanwhile.strays, lake="gzip")
    yield Mix("deletions", "", "-w 1s", during=meanwhile.deletions)
    yield Mix("deletions, own stream", "", "--via dynamodb-streams", during=meanwhile.deletions)
    yield Mix("overwrites", "", "-w 1s", during=meanwhile.overwrites)
    yield Mix("overwrites, lose", "lose=30%", "", during=meanwhile.overwrites)
    yield Mix("overwrites, own stream, lose", "lose=30%", "--via dynamodb-streams", during=meanwhile.overwrites)
    yield Mix("overwrites, lake, lose", "lose=30%", "", during=meanwhile.overwrites, lake="none")
    yield Mix("overwrites, timeseries", "lose=30%", "--layout timeseries", during=meanwhile.overwrites)
    yield Mix("deleted and put again", "lose=2%", during=meanwhile.put_again)
    yield Mix("another table in the stream", "lose=2%", "-w 1s", during=meanwhile.another_table)
    yield Mix("two runs at once", "", "", during=meanwhile.run_beside(""), shared=True)
    yield Mix("two runs at once, lose", "lose=2%", "", during=meanwhile.run_beside(""), shared=True)
    yield Mix("a small run beside", "", "", during=meanwhile.run_beside("-r 10/s -d 1s --devices 20"), shared=True)
    yield Mix(
        "two runs at once, own stream", "", "--via dynamodb-streams", during=meanwhile.run_beside(""), shared=True
    )
    yield Mix("readings that nobody wrote", "", "", during=meanwhile.forged, shared=True)
    yield Mix("a reader that eats", "", "--drain 20s", during=meanwhile.eats, read_within_s=5)
    yield Mix("a reader that eats, lose", "lose=2%", "--drain 6s", during=meanwhile.eats, read_within_s=5)
    yield Mix("filled before", "", "-w 1s", before=meanwhile.filled)
    yield Mix("filled before, own stream", "lose=1%", "--via dynamodb-streams", before=meanwhile.filled)
    yield Mix("same seed again", "lose=1%", "-w 1s", before=meanwhile.run_before)
    yield Mix("same seed again, own stream", "", "--via dynamodb-streams -w 1s", before=meanwhile.run_before)
    yield Mix("same seed again, efo, lake", "", "--consumer enhanced-fan-out", before=meanwhile.run_before, lake="gzip")


def drawn(seed):
    dice = random.Random(seed)
    for number in range(20):
        kinds = dice.sample(list(ALONE), dice.randint(1, 4))
        faults = ",".join(amount(kind, dice) for kind in kinds)
        via = dice.choice(
            ["", "", "", "--consumer enhanced-fan-out", "--via dynamodb-streams", "--via put-records", "--via none"]
        )
        words = [
            via,
            dice.choice(["", "--client direct"]),
            dice.choice(["", "--attempts 1", "--attempts 2"]),
            dice.choice(["", "-w 2s"]),
            dice.choice(["", "--layout timeseries", "--layout fhir"]),
            dice.choice(["", "", f"--mode provisioned --wcu {dice.randrange(1, 20)}"]),
            "" if via in ("--via none", "--via dynamodb-streams") else f"--shards {dice.randint(1, 4)}",
            f"--seed {dice.randrange(1000)}",
        ]
        lake = dice.choice([None, None, "gzip", "none"]) if "--shards" in words[6] and "put" not in via else None
        yield Mix(
            f"drawn {number + 1}", faults, " ".join(filter(None, words)), f"--seed {dice.randrange(1000)}", lake=lake
        )


def amount(kind, dice):
    if kind in ("delay", "respond"):
        return f"{kind}={dice.randrange(20, 600)}ms"
    if kind == "stall":
        return f"stall={dice.randrange(200, 1200)}ms@{dice.randint(1, 2)}s"
    return f"{kind}={dice.choice([dice.randint(1, 300), f'{dice.randint(1, 20)}%'])}"
