"""What is tried on whom, and what is expected of it."""

import json
import re
import uuid
from dataclasses import dataclass

from bench import PORTS

CLIENTS = ("sdk", "direct")
LAYOUTS = ("post", "timeseries", "fhir")
RECORDS = 200

# Slow servers hold this, and what they get wrong shows.
PACE = "--devices 100 -r 100/s -w 1s -d 2s --drain 20s -q".split()


class Wrong(Exception):
    """Something was not as expected."""


@dataclass
class Row:
    """One case as it was seen."""

    servers: tuple
    title: str
    seen: str
    wrong: bool = False
    left_out: bool = False


@dataclass
class Case:
    """`check` gets the bench and the case and says what was seen, or raises `Wrong`."""

    servers: tuple
    title: str
    check: object
    words: tuple = ()
    says: str = ""

    def try_on(self, bench):
        missing = [name for name in self.servers if not bench.url(name)]
        if missing:
            return Row(self.servers, self.title, f"left out: no {', '.join(missing)} here", left_out=True)
        try:
            return Row(self.servers, self.title, self.check(bench, self))
        except Wrong as reason:
            return Row(self.servers, self.title, f"NOT AS EXPECTED: {reason}", wrong=True)


def endpoints(bench, case):
    words = ["--endpoint-url", bench.url(case.servers[0])]
    if len(case.servers) > 1:
        words += ["--kinesis-endpoint-url", bench.url(case.servers[1])]
    return words


def nothing_left(bench, case):
    dynamodb = "-" if case.servers[0].startswith("kinesis") else bench.url(case.servers[0])
    kinesis = "-"
    if case.servers[-1] != "dynamodb-local":
        kinesis = bench.url(PORTS.get(case.servers[-1], case.servers[-1]))
    names = bench.ask("left", dynamodb, kinesis)
    if names:
        raise Wrong(f"left behind: {', '.join(names)}")


def last_line(text):
    return text.strip().splitlines()[-1] if text.strip() else "nothing"


def counted(bench, file, via):
    """The result is whole and its ledger closed, nothing failed or went missing."""
    result = json.loads(file.read_text())
    ledger = result["ledger"]
    numbers = {name: ledger[name] for name in ("scheduled", "dropped", "cut_off", "sent", "acknowledged", "failed")}
    if not ledger["closed"] or result["run"]["phase"] != "complete":
        raise Wrong(f"phase {result['run']['phase']}, ledger {numbers}")
    if ledger["scheduled"] == 0 or ledger["acknowledged"] != ledger["scheduled"]:
        raise Wrong(f"not all was written: {numbers}")
    seen = ""
    if via != "none":
        if ledger["seen"] != ledger["acknowledged"] or ledger["missing"] or ledger["duplicates"]:
            raise Wrong(f"{ledger['seen']} seen, {ledger['missing']} missing, {ledger['duplicates']} twice")
        seen = f", {ledger['seen']} seen"
        if result["latency"]["e2e"]["count"] != ledger["seen"]:
            raise Wrong(f"{result['latency']['e2e']['count']} latencies of {ledger['seen']} readings")
    shown = bench.hrload("show", str(file))
    if shown.returncode != 0 or "closed" not in shown.stdout:
        raise Wrong(f"hrload show: exit code {shown.returncode}, {last_line(shown.stderr)}")
    units = result["capacity"]
    consumed = units["consumed_units"]
    told = "none told" if consumed is None else f"{consumed:g} told"
    return f"{ledger['acknowledged']} written{seen}; write units: {units['computed_units']:g} computed, {told}"


def held(bench, case):
    """A run that has to hold."""
    file = bench.folder / "result.json"
    file.unlink(missing_ok=True)
    run = bench.hrload("run", *PACE, *endpoints(bench, case), *case.words, "-o", str(file))
    if run.returncode != 0:
        raise Wrong(f"exit code {run.returncode}: {last_line(run.stderr)}")
    text = counted(bench, file, "none" if "none" in case.words else "kinesis")
    nothing_left(bench, case)
    if "--lake" in case.words:
        text += f"; {in_lake(bench.folder / 'lake', file)}"
    return text


def lines_of(lake):
    """What is in the objects of a lake; their names hold the time."""
    return [
        json.loads(line)
        for file in sorted(lake.rglob("*"))
        if file.is_file() and re.search(r"\d{4}-\d\d-\d\d-\d\d", file.name)
        for line in file.read_text().splitlines()
    ]


def in_lake(lake, file):
    """Readings of the warm-up are there as well."""
    ids = [record["dynamodb"]["NewImage"]["id"]["S"] for record in lines_of(lake)]
    ledger = json.loads(file.read_text())["ledger"]
    written = ledger["acknowledged"] + ledger["warm_up"]["acknowledged"]
    if len(ids) != written or len(set(ids)) != written:
        raise Wrong(f"{len(ids)} records in the lake, {len(set(ids))} different ones, of {written}")
    return f"with the warm-up, {written} records are in the lake, each once"


def refused(bench, case):
    """A run that this combination cannot do: one message that says why, nothing left."""
    action = case.words[0] if case.words[:1] == ("setup",) else "run"
    words = ["--state", str(bench.folder / "state.json")] if action == "setup" else [*PACE, *case.words]
    run = bench.hrload(action, *words, *endpoints(bench, case))
    told = last_line(run.stderr)
    if run.returncode != 1:
        raise Wrong(f"exit code {run.returncode}: {told}")
    errors = [line for line in run.stderr.splitlines() if line.startswith("error:")]
    if len(errors) != 1 or case.says not in errors[0] or len(errors[0]) > 600:
        raise Wrong(f"told {run.stderr.strip()!r}, not {case.says!r}")
    nothing_left(bench, case)
    return "refused: `" + re.sub(r"hrload-\d{8}-\d{6}-\d+", "NAME", re.sub(r":\d{4,5}/", ":PORT/", errors[0])) + "`"


def set_up_and_torn_down(bench, case):
    """setup, a run on what it made, teardown."""
    state, file = bench.folder / "state.json", bench.folder / "result.json"
    file.unlink(missing_ok=True)
    for words in (
        ["setup", *endpoints(bench, case), "--state", str(state)],
        ["run", *PACE, "--state", str(state), "-o", str(file)],
        ["teardown", "--state", str(state), "--yes"],
    ):
        done = bench.hrload(*words)
        if done.returncode != 0:
            raise Wrong(f"{words[0]}: exit code {done.returncode}: {last_line(done.stderr)}")
    text = counted(bench, file, "kinesis")
    nothing_left(bench, case)
    return f"{text}; nothing left"


def delivered(bench, case):
    """Records that boto3 puts are in the lake once each."""
    url, lake = bench.url(case.servers[0]), bench.folder / f"lake-{case.servers[0]}"
    stream = f"records-{uuid.uuid4().hex[:8]}"
    shards = bench.ask("put", url, stream, str(RECORDS))
    words = ["deliver", "--stream", stream, "--lake", str(lake), "--endpoint-url", url]
    done = bench.hrload(*words, "--until-idle", "3s", "--buffer-interval", "2s", "-q")
    bench.ask("delete", url, stream)
    if done.returncode != 0:
        raise Wrong(f"exit code {done.returncode}: {last_line(done.stderr)}")
    numbers = sorted(record["number"] for record in lines_of(lake))
    if numbers != list(range(RECORDS)):
        raise Wrong(f"{len(numbers)} records, {len(set(numbers))} of {RECORDS} different ones")
    return f"{RECORDS} records that boto3 put on {shards} shards are in the lake, each once"


def all_cases():
    both = [(client, layout) for client in CLIENTS for layout in LAYOUTS]
    cases = []
    for server, title, words in (
        ("dynamodb-local", "writes alone", ("--via", "none")),
        ("moto", "writes alone", ("--via", "none")),
        ("localemu", "the whole pipeline", ()),
    ):
        for client, layout in both:
            options = (*words, "--client", client, "--layout", layout)
            cases.append(Case((server,), f"{title}, {client}, {layout}", held, options))
    local, moto, mock, emu = ("dynamodb-local",), ("moto",), ("kinesis-mock",), ("localemu",)
    return cases + [
        Case(emu, "enhanced fan-out", held, ("--consumer", "enhanced-fan-out")),
        Case(local, "the table's own stream", held, ("--via", "dynamodb-streams")),
        Case(moto, "the table's own stream", held, ("--via", "dynamodb-streams")),
        Case(emu, "the table's own stream", held, ("--via", "dynamodb-streams")),
        Case(local + mock, "records put by hrload", held, ("--via", "put-records")),
        Case(moto, "records put by hrload", held, ("--via", "put-records")),
        Case(emu, "records put by hrload", held, ("--via", "put-records")),
        Case(emu, "a run with a lake", held, ("--lake", "lake", "--lake-interval", "1s")),
        Case(emu, "setup, run, teardown", set_up_and_torn_down),
        Case(emu, "deliver", delivered),
        Case(moto, "deliver", delivered),
        Case(mock, "deliver", delivered),
        Case(moto, "the whole pipeline", refused, says="HTTP 500 without an AWS error"),
        Case(moto, "setup", refused, ("setup",), says="HTTP 500 without an AWS error"),
        Case(local, "the whole pipeline", refused, says="InvalidAction"),
        Case(local + mock, "the whole pipeline", refused, says="UnknownOperationException"),
        Case(local + mock, "setup", refused, ("setup",), says="UnknownOperationException"),
        Case(local + ("kinesis-mock-tls",), "TLS of a certificate nobody knows", refused, says="UnknownIssuer"),
        Case(local + ("kinesis-mock-tls-as-plain",), "a port with TLS, spoken to without", refused, says="connection closed"),
        Case(mock, "writes to a server without tables", refused, ("--via", "none"), "UnknownOperationException"),
    ]
