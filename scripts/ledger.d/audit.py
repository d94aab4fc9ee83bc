"""Runs each mix on an `hrload local` of its own, reads everything with boto3 and compares."""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import mixes
import services
import tamper
from check import environment
from judge import Reach, judge
from network import BadNetwork
from readings import reading_of

PACE = "--devices 200 -r 600/s -d 3s -w 0s --drain 4s"
LINE = "{:<28}{:<18}{:<18}{}"
LONGEST_S = 120


@dataclass
class Found:
    """What boto3 counted."""

    written: dict
    """Every reading that was ever in the table, and its item."""
    changes: list
    lake: services.Lake | None


@dataclass
class Run:
    """One mix as it goes on."""

    mix: mixes.Mix
    services: services.Services
    hrload: Path
    folder: Path
    network: BadNetwork | None = None
    process: subprocess.Popen | None = None
    begun: float = 0.0
    deleted: dict = field(default_factory=dict)
    trouble: BaseException | None = None

    def command(self, output, lake="lake"):
        mix, network = self.mix, self.network.url if self.network else None
        words = ["--endpoint-url", network if mix.network_of_all else self.services.url]
        words += ["--table", services.TABLE, "--keep", "--quiet", "-o", output]
        if not {"none", "dynamodb-streams"} & set(mix.run.split()):
            words += ["--stream", services.STREAM]
            if network:
                words += ["--kinesis-endpoint-url", network]
        if mix.lake:
            words += ["--lake", self.folder / lake, "--lake-interval", "1s", "--lake-compression", mix.lake]
        return [self.hrload, *words, *merged(PACE.split(), mix.run.split())]

    def sleep_until(self, second):
        """So long after the first write."""
        time.sleep(max(0.0, self.begun + second - time.monotonic()))

    def while_it_goes_on(self):
        while self.process.poll() is None:
            yield

    def key(self, item):
        return {"device": item["device"], "intended": item["intended"]} if "intended" in item else {"id": item["id"]}

    def go(self):
        """Runs to the end; returns the result, the exit code and what boto3 counted."""
        if self.mix.before:
            self.mix.before(self)
        before = self.count() if self.mix.before else 0
        output = self.folder / "result.json"
        self.process = subprocess.Popen(self.command(output), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        beside = threading.Thread(target=self.beside, args=(before,)) if self.mix.during else None
        if beside:
            beside.start()
        try:
            _, said = self.process.communicate(timeout=LONGEST_S)
        finally:
            self.process.kill()
            if beside:
                beside.join()
        if self.trouble:
            raise self.trouble
        assert output.exists(), f"no result, exit code {self.process.returncode}: {said.strip()}"
        result = json.loads(output.read_text())
        return result, self.process.returncode, self.read(result["config"]["via"])

    def beside(self, before):
        try:
            for _ in self.while_it_goes_on():
                if self.count() > before:
                    break
                time.sleep(0.02)
            self.begun = time.monotonic()
            self.mix.during(self)
        except BaseException as trouble:  # noqa: BLE001 # told by the thread that waits
            self.trouble = trouble

    def count(self):
        dynamodb = self.services.dynamodb
        try:
            return dynamodb.scan(TableName=services.TABLE, Select="COUNT")["Count"]
        except dynamodb.exceptions.ResourceNotFoundException:
            return 0

    def read(self, via):
        """Everything there is, once all that is on its way has come."""
        time.sleep(self.mix.on_its_way_s())
        written = {reading_of(item): item for item in self.services.items()} | self.deleted
        written.pop(None, None)
        changes = []
        if via == "dynamodb-streams":
            changes = self.services.table_changes()
        elif via != "none":
            changes = self.services.changes()
        lake = services.lake(self.folder / "lake") if self.mix.lake else None
        return Found(written, changes, lake)


def merged(usual, wanted):
    """The usual words, but for those that are given otherwise."""
    given = set(wanted)
    pairs = zip(usual[::2], usual[1::2], strict=True)
    return [word for pair in pairs if pair[0] not in given for word in pair] + wanted


@dataclass
class Line:
    """A line of the table, and what stands below it."""

    text: str
    figures: list = field(default_factory=list)
    trouble: str | None = None
    tampered: tuple = (0, [])
    """How many false results were tried, and those that went unnoticed."""

    def wrong(self):
        told = [str(figure) for figure in self.figures if not figure.agrees()]
        return told + [self.trouble] if self.trouble else told


def audit(mix, hrload, tampers):
    """One mix: a line of the table."""
    words = [*mix.local.split(), *(["--fault", mix.faults] if mix.faults else [])]
    try:
        with tempfile.TemporaryDirectory() as folder, services.Services(hrload, words) as served:
            run = Run(mix, served, hrload, Path(folder))
            with BadNetwork(served.url, mix.network) if mix.network else nullcontext() as run.network:
                result, exit_code, found = run.go()
        figures = judge(mix, result, exit_code, found)
    except Exception as reason:  # noqa: BLE001 # the other mixes go on
        return Line(LINE.format(mix.name[:27], "-", "-", "NO"), trouble=f"{type(reason).__name__}: {reason}")
    wrong = sum(not figure.agrees() for figure in figures)
    agrees = f"NO {wrong}" if wrong else len(figures)
    text = LINE.format(mix.name[:27], *columns(result, found), f"{agrees:<5}{result['verdict']['word']}")
    line = Line(text, figures)
    if tampers and not wrong and not mix.shared:
        line.tampered = tamper.unnoticed(mix, result, exit_code, found)
    return line


def columns(result, found):
    """Measured readings written/seen+seen again, as boto3 counts them and as the ledger does."""
    reach, of = Reach(result), result["ledger"]
    seen = [one.reading for one in found.changes if reach.is_own(one) and reach.measures(one.reading)]
    written = sum(reach.covers(reading) and reach.measures(reading) for reading in found.written)
    if of.get("seen") is None:
        return f"{written:,}", f"{of['acknowledged']:,}"
    counted = written, len(set(seen)), len(seen) - len(set(seen))
    told = of["acknowledged"], of["seen"] + of["seen_unacknowledged"], of["duplicates"]
    return ["{:,}/{:,}+{:,}".format(*three).removesuffix("+0") for three in (counted, told)]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hrload", type=Path, required=True, help="the binary")
    parser.add_argument("--short", action="store_true", help="eight mixes")
    parser.add_argument("--seed", type=int, help="of what is drawn")
    parser.add_argument("--only", default="", help="mixes with this in their names")
    parser.add_argument("--tamper", action="store_true", help="falsify results, which must be noticed")
    parser.add_argument("--at-once", type=int, default=4, help="runs at a time")
    return parser.parse_args()


def main():
    given = arguments()
    environment()
    seed = given.seed if given.seed is not None else random.randrange(10**6)
    chosen = mixes.short() if given.short else mixes.full(seed)
    chosen = [mix for mix in chosen if given.only in mix.name]
    begun, lines = time.monotonic(), []
    print(f"{len(chosen)} mixes" + ("" if given.short else f", --seed {seed}"))
    print(LINE.format("mix", "boto3", "ledger", "agrees"), flush=True)
    with ThreadPoolExecutor(given.at_once) as pool:
        for mix, line in zip(chosen, pool.map(lambda mix: audit(mix, given.hrload, given.tamper), chosen), strict=True):
            lines.append(line)
            print(line.text, *(f"    {wrong}" for wrong in line.wrong()), sep="\n", flush=True)
            for passed in line.tampered[1]:
                print(f"    could not be told from: {passed}", flush=True)
            if line.wrong():
                print(f"    --fault '{mix.faults}' {mix.run} {mix.local}", flush=True)
    figures = [figure for line in lines for figure in line.figures]
    differ = sum(bool(line.wrong()) for line in lines)
    exact = sum(figure.is_exact() for figure in figures)
    print(f"{len(figures):,} figures compared, {exact:,} of them to the one")
    if given.tamper:
        tried = sum(line.tampered[0] for line in lines)
        passed = sum(len(line.tampered[1]) for line in lines)
        print(f"{tried:,} results falsified by one reading, {tried - passed:,} of them noticed")
    print(f"{len(lines) - differ} agree, {differ} differ, {time.monotonic() - begun:.0f} s")
    return 1 if differ or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
