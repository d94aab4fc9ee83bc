"""Which reading an item is, and what writing it takes: by docs/workload.md and AWS's
rules, and not by hrload's code."""

import re
from typing import NamedTuple

ID = re.compile(r"([0-9]{1,14})\.([0-9]{6})-([0-9]{1,10})-([0-9]{1,10})")
DEVICE = re.compile(r"d-([0-9]{1,10})")
MOST = 1 << 32


class Reading(NamedTuple):
    """When it was due (microseconds since the epoch), whose, and which of theirs."""

    intended: int
    device: int
    sequence: int


def reading_of(item):
    """The reading that an item in DynamoDB JSON is; `None` for any other item."""
    if not isinstance(item, dict):
        return None
    found = by_id(text(item, "id", "S")) or by_time(item)
    return found if found and max(found.device, found.sequence) < MOST else None


def by_id(written):
    """Layouts `post` and `fhir`: `1721011165.891550-4217-12`."""
    parts = ID.fullmatch(written or "")
    if parts is None:
        return None
    seconds, micros, device, sequence = (int(part) for part in parts.groups())
    return Reading(seconds * 1_000_000 + micros, device, sequence)


def by_time(item):
    """Layout `timeseries`: device and time are the key, the number stands beside them."""
    device = DEVICE.fullmatch(text(item, "device", "S") or "")
    numbers = [text(item, name, "N") for name in ("intended", "seq")]
    if device is None or not all(number and number.isdecimal() for number in numbers):
        return None
    return Reading(int(numbers[0]), int(device[1]), int(numbers[1]))


def text(item, name, kind):
    value = item.get(name)
    found = value.get(kind) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def write_units(item):
    """One for every started KB."""
    return -(-item_bytes(item) // 1024)


def item_bytes(item):
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    return sum(len(name.encode()) + value_bytes(value) for name, value in item.items())


def value_bytes(value):
    ((kind, inner),) = value.items()
    if kind == "S":
        return len(inner.encode())
    if kind == "N":
        return (len(inner.strip("0")) + 1) // 2 + 1
    if kind == "M":
        return 3 + len(inner) + item_bytes(inner)
    if kind == "L":
        return 3 + len(inner) + sum(value_bytes(one) for one in inner)
    assert kind in ("BOOL", "NULL"), f"no layout has a value of type {kind}"
    return 1
