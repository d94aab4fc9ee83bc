"""Each figure of a result beside what boto3 counted.

Where boto3 cannot know a figure to the one (which writes were acknowledged when answers
got lost; what came just as the reader stopped), it knows between which numbers it lies,
and the figures together leave nothing unexplained.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from readings import write_units

READ_WITHIN_S = 0.6
"""After that a record in a shard was read, where nobody eats the shard's reads."""
CODES = {"held": 0, "rate-held": 3, "not-held": 3, "ended-early": 3, "ledger-open": 5, "interrupted": 130}


@dataclass
class Figure:
    """What the result says, and between which numbers it has to lie."""

    name: str
    told: object
    low: object
    high: object

    def is_exact(self):
        return self.low == self.high

    def agrees(self):
        return self.told is not None and self.low <= self.told <= self.high

    def __str__(self):
        span = f"{self.low}" if self.is_exact() else f"{self.low} to {self.high}"
        return f"{self.name}: the result says {self.told}, boto3 counts {span}"


class Sighted:
    """What a reader has seen that read so many of the records: by readings."""

    def __init__(self, records, reach):
        self.counted = Counter(record.reading for record in records if reach.is_own(record))
        self.foreign = len(records) - sum(self.counted.values())

    def of(self, readings):
        """Sightings of the readings that `readings` says yes to, and how many of them are."""
        chosen = {reading: count for reading, count in self.counted.items() if readings(reading)}
        return set(chosen), sum(chosen.values())


class Reach:
    """What belongs to a run."""

    def __init__(self, result):
        config, run = result["config"], result["run"]
        self.devices = config["devices"]
        self.measured_from = micros(run["measured_from"])
        self.begin = self.measured_from - round(config["warm_up"] * 1e6)
        self.end = micros(run["ended"])

    def covers(self, reading):
        return reading.device < self.devices and self.begin <= reading.intended <= self.end

    def measures(self, reading):
        return reading.intended >= self.measured_from

    def warms_up(self, reading):
        return reading.intended < self.measured_from

    def is_own(self, record):
        """A reading's item is written once and never changed."""
        return record.kind == "INSERT" and record.reading is not None and self.covers(record.reading)


def micros(timestamp):
    whole, fraction = re.fullmatch(r"([^.]*?)(?:\.(\d{1,9}))?Z", timestamp).groups(default="")
    seconds = (datetime.fromisoformat(whole).replace(tzinfo=UTC) - datetime.fromtimestamp(0, UTC)) / timedelta(
        seconds=1
    )
    return int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def judge(mix, result, exit_code, found):
    """Every figure; `found` is what boto3 counted."""
    return Judge(mix, result, exit_code, found).figures()


class Judge:
    def __init__(self, mix, result, exit_code, found):
        self.mix, self.result, self.exit_code, self.found = mix, result, exit_code, found
        self.reach = Reach(result)
        self.ledger, self.warm_up = result["ledger"], result["ledger"]["warm_up"]
        own = {reading: item for reading, item in found.written.items() if self.reach.covers(reading)}
        self.measured = {reading: item for reading, item in own.items() if self.reach.measures(reading)}
        self.warming = {reading: item for reading, item in own.items() if self.reach.warms_up(reading)}
        self.list = []

    def expect(self, name, told, low, high=None):
        self.list.append(Figure(name, told, low, low if high is None else high))

    def figures(self):
        self.identities()
        if self.mix.shared:
            self.another_writer()
            return self.list
        self.written()
        if self.result["config"]["via"] != "none":
            self.streamed()
        if self.found.lake is not None:
            self.delivered()
        self.verdict()
        return self.list

    def identities(self):
        for name, of in (("", self.ledger), ("warm-up ", self.warm_up)):
            self.expect(f"{name}scheduled", of["scheduled"], of["sent"] + of["dropped"] + of["cut_off"])
            self.expect(f"{name}sent", of["sent"], of["acknowledged"] + of["failed"])
            if of.get("seen") is not None:
                self.expect(f"{name}acknowledged", of["acknowledged"], of["seen"] + of["missing"])
        self.expect("closed", self.ledger["closed"], True)
        seconds = [second for second in self.result["series"] if second["second"] >= 0]
        for name in ("scheduled", "acknowledged", "failed"):
            self.expect(f"series, {name}", sum(second[name] for second in seconds), self.ledger[name])

    def another_writer(self):
        """No reading is surely this run's own: every record counts once all the same, as
        something, and what is left is to say so."""
        # The other one may write on; a table's own stream tells seconds, and no arrivals.
        records, surely = self.read()
        end = self.reach.end / 1e6
        records = [one for one in records if one.created <= end]
        begun = [one for one in surely if self.came_while_it_read(one) and one.created < end - 2.5]
        counted = sum(self.ledger[name] for name in ("seen", "seen_unacknowledged", "duplicates", "foreign"))
        counted += self.warm_up["sightings"] + self.warm_up["foreign"]
        self.expect("records, as whatever", counted, len(begun), len(records))
        word, reasons = (self.result["verdict"][name] for name in ("word", "reasons"))
        numbers = [one.reading[1:] for one in begun if self.reach.is_own(one)]
        if len(numbers) > min(len(set(numbers)), self.ledger["sent"] + self.warm_up["sent"]):
            told = {reason["kind"] for reason in reasons} & {"other-writer", "duplicates"}
            self.expect("another writer is told", bool(told), True)
            self.expect("word is not `held`", word != "held", True)
        self.expect("exit code", self.exit_code, CODES[word])

    def written(self):
        for name, of, items in (("", self.ledger, self.measured), ("warm-up ", self.warm_up, self.warming)):
            unanswered = of["failed"] if self.mix.loses_answers() else 0
            self.expect(f"{name}acknowledged, of the table", of["acknowledged"], len(items) - unanswered, len(items))
            if self.mix.writes_all():
                self.expect(f"{name}sent, of the table", of["sent"], len(items))
        everything = not any(
            of[name] for of in (self.ledger, self.warm_up) for name in ("dropped", "cut_off", "failed")
        )
        if everything:
            # Each device numbers its readings from 0 without gaps.
            numbered = Counter()
            for reading in (*self.measured, *self.warming):
                numbered[reading.device] = max(numbered[reading.device], reading.sequence + 1)
            due = self.ledger["scheduled"] + self.warm_up["scheduled"]
            self.expect("scheduled, by the devices' numbers", due, sum(numbered.values()))
        each, capacity = [write_units(item) for item in self.measured.values()], self.result["capacity"]
        # Told in answers, so that what was not acknowledged is not told.
        low, high = (size(each, default=1) * self.ledger["acknowledged"] for size in (min, max))
        self.expect("units consumed", capacity["consumed_units"], low, high)
        if self.ledger["sent"] == len(self.measured):
            self.expect("units computed", capacity["computed_units"], sum(each))

    def streamed(self):
        records, surely = self.read()
        low, high = (Sighted(of, self.reach) for of in (surely, records))
        begun = [one for one in surely if self.came_while_it_read(one)]
        foreign = self.ledger["foreign"] + self.warm_up["foreign"]
        self.expect("foreign", foreign, Sighted(begun, self.reach).foreign, high.foreign)
        self.unreadable(begun, records)
        self.of_stream("", self.ledger, self.measured, self.reach.measures, low, high)
        self.of_stream("warm-up ", self.warm_up, self.warming, self.reach.warms_up, low, high)
        self.order(surely, records)
        for example in self.ledger.get("missing_examples", []):
            name = (example["device"], example["sequence"])
            written = {reading[1:] for reading in self.measured}
            seen = {reading[1:] for reading in low.of(self.reach.measures)[0]}
            self.expect(f"missing example {name}", name in written and name not in seen, True)
        seconds = [second for second in self.result["series"] if second["second"] >= 0]
        told = self.ledger["seen"] + self.ledger["seen_unacknowledged"]
        self.expect("series, seen", sum(second["seen"] for second in seconds), told)
        if self.result.get("puts"):
            put, given_up = self.result["puts"]["records"], sum(self.result["puts"]["failed"].values())
            acknowledged = self.ledger["acknowledged"] + self.warm_up["acknowledged"]
            self.expect("records put or given up", put + given_up, acknowledged)
            self.expect("records put", put, 0 if self.mix.network else len(records), len(records))

    def unreadable(self, begun, records):
        """Records that are no change records stand in a warning."""
        told = re.search(r"([\d,]+) records of the stream are no change records", "\n".join(self.result["warnings"]))
        count = int(told[1].replace(",", "")) if told else 0
        strange = sum(one.kind is None for one in records)
        self.expect("records that are no change records", count, sum(not one.is_object for one in begun), strange)

    def read(self):
        """The records that may have been read, and those that surely were."""
        end = self.reach.end / 1e6
        records = [one for one in self.found.changes if one.arrived is None or one.arrived <= end]
        read_until = self.read_until(records)
        return records, [one for one in records if one.arrived is None or one.arrived <= read_until]

    def came_while_it_read(self, record):
        """What was there before is read or not, as the reader begins."""
        came = record.created - 1 if record.arrived is None else record.arrived
        return came >= self.reach.begin / 1e6

    def read_until(self, records):
        """Up to which arrival a record was surely read, in seconds since the epoch."""
        first = {}
        for record in records:
            if self.reach.is_own(record) and record.arrived is not None:
                first[record.reading] = min(first.get(record.reading, record.arrived), record.arrived)
        whole = first.keys() >= {*self.measured, *self.warming}
        waited = self.reach.end / 1e6 - self.mix.read_within_s
        # When the last has come, it waits half a second for more.
        return max(waited, max(first.values())) if whole and first and not self.mix.signals else waited

    def of_stream(self, prefix, of, items, belongs, low, high):
        (seen_low, sightings_low), (seen_high, sightings_high) = low.of(belongs), high.of(belongs)
        unanswered = len(items) - of["acknowledged"]
        copies = self.result["config"]["via"] == "put-records"
        lost_low, lost_high = len(items.keys() - seen_high), len(items.keys() - seen_low)
        # What was written without an answer and got lost as well is missed by nobody; a
        # copy is made only of what was acknowledged.
        least = lost_low - unanswered if copies else max(0, lost_low - unanswered)
        self.expect(f"{prefix}missing", of["missing"], least, lost_high - unanswered if copies else lost_high)
        if prefix:
            self.expect(f"{prefix}sightings", of["sightings"], sightings_low, sightings_high)
        of_these = of["seen"] + of["seen_unacknowledged"]
        self.expect(f"{prefix}seen, of the stream", of_these, len(seen_low), len(seen_high))
        unexplained = len(seen_high - items.keys())
        self.expect(f"{prefix}seen unacknowledged", of["seen_unacknowledged"], 0, unanswered + unexplained)
        again = sightings_low - len(seen_low), sightings_high - len(seen_high)
        self.expect(f"{prefix}duplicates", of["duplicates"], *again)

    def order(self, surely, records):
        """Between shards there is no order, so that there it can only be bounded."""
        if len(surely) == len(records) and len({one.shard for one in records if self.reach.is_own(one)}) <= 1:
            self.expect("reordered", self.ledger["reordered"], self.overtaken(records))
        elif self.mix.during is None:
            certain = self.overtaken(surely)
            self.expect("reordered", self.ledger["reordered"], certain, len(self.measured))

    def overtaken(self, records):
        """First sightings after a later reading of the same device in the same shard."""
        newest, known, count = {}, set(), 0
        for record in records:
            if not self.reach.is_own(record) or not self.reach.measures(record.reading):
                continue
            place, sequence = (record.shard, record.reading.device), record.reading.sequence
            if record.reading not in known and newest.get(place, -1) > sequence:
                count += 1
            known.add(record.reading)
            newest[place] = max(newest.get(place, -1), sequence)
        return count

    def delivered(self):
        lake, told = self.found.lake, self.result["lake"]
        for name in ("objects", "bytes", "records", "failed"):
            self.expect(f"lake {name}", told[name], getattr(lake, name))
        seen, sightings = Sighted(lake.readings, self.reach).of(self.reach.measures)
        self.expect("lake readings", told["readings"], len(seen))
        self.expect("lake duplicates", told["duplicates"], sightings - len(seen))
        unanswered = len(self.measured) - self.ledger["acknowledged"]
        absent = len(self.measured.keys() - seen)
        self.expect("lake missing", told["missing"], max(0, absent - unanswered), absent)

    def verdict(self):
        word = self.result["verdict"]["word"]
        self.expect("exit code", self.exit_code, CODES[word])
        troubles = self.troubles()
        if troubles:
            self.expect(f"word is not `held` ({troubles[0]})", word != "held", True)
        else:
            self.expect("word, without any trouble", word, "held")
        if (self.ledger.get("foreign") or 0) > 0.01 * self.ledger["acknowledged"]:
            doubts = " ".join(self.result["verdict"]["doubts"])
            self.expect("a doubt tells of others' records", "not of this run" in doubts, True)

    def troubles(self):
        """What speaks against the run, by boto3's count."""
        followed = self.result["config"]["via"] != "none"
        records = [one for one in self.found.changes if self.reach.is_own(one)] if followed else []
        seen = Counter(one.reading for one in records)
        unwritten = self.ledger["scheduled"] - len(self.measured)
        own = {*self.measured, *self.warming}
        # Nobody makes a copy of what was not acknowledged; where that was in the warm-up,
        # it is told and does not count.
        copies = self.result["config"]["via"] == "put-records"
        acknowledged = self.ledger["acknowledged"] + self.warm_up["acknowledged"]
        uncopied = len(own) - acknowledged if copies else 0
        troubles = {
            "interrupted": self.mix.signals,
            "due and not in the table": max(unwritten, 0),
            "given up": self.ledger["failed"],
            "lost on the way": max(0, len(own - seen.keys()) - uncopied) if followed else 0,
            "seen and never written": len(seen.keys() - own),
            "seen more than once": sum(seen.values()) - len(seen),
            "missing in the lake": self.result["lake"]["missing"] if self.found.lake is not None else 0,
            "missing": (self.ledger.get("missing") or 0) + (self.warm_up.get("missing") or 0),
        }
        return [f"{count} {what}" for what, count in troubles.items() if count]
