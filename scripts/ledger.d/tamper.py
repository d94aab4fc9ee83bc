"""Is the judge awake? Results falsified by one reading, so that all of their own sums
still hold: each must be noticed, unless nobody but hrload can know the difference."""

import copy

from judge import judge

SENT = {"acknowledged": 1, "sent": 1, "scheduled": 1}
FALSE = [
    SENT | {"seen": 1},
    {"missing": 1, "seen": -1},
    {"duplicates": 1},
    {"foreign": 1},
    {"reordered": 1},
    {"seen_unacknowledged": 1},
    {"failed": 1, "acknowledged": -1, "seen": -1},
    {"failed": 1, "acknowledged": -1, "missing": -1},
    {"failed": 1, "acknowledged": -1, "seen": -1, "seen_unacknowledged": 1},
]


def unnoticed(mix, result, exit_code, found):
    """How many were falsified, and in words those that the judge lets pass."""
    tried, passed = 0, []
    for measured in (True, False):
        for by in (*FALSE, *({name: -change for name, change in false.items()} for false in FALSE)):
            false = falsified(result, by, measured)
            if false is None:
                continue
            tried += 1
            if all(figure.agrees() for figure in judge(mix, false, exit_code, found)):
                told = ", ".join(f"{name} {change:+}" for name, change in by.items())
                passed.append(told if measured else f"warm-up {told}")
    return tried, passed


def falsified(result, by, measured):
    false = copy.deepcopy(result)
    of = false["ledger"] if measured else false["ledger"]["warm_up"]
    followed = result["config"]["via"] != "none"
    by = {name: change for name, change in by.items() if of.get(name) is not None and (followed or name != "foreign")}
    if not by or any(of[name] + change < 0 for name, change in by.items()):
        return None
    for name, change in by.items():
        of[name] += change
    if measured and false["series"]:
        second = false["series"][-1]
        for name, change in by.items():
            seen = "seen" if name == "seen_unacknowledged" else name
            if seen in second:
                second[seen] += change
    return false
