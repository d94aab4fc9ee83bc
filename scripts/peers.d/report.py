"""The comparison as a page: tables, how they were made, what they are held to."""

import statistics
import sys

import machine
from clients import BATCH

REFERENCE = "hrload-direct"
QUIET_CORES = 0.1
"""Of other processes' CPU time, above which figures are marked as noise."""


def markdown(outcome, command):
    """The whole page."""
    plan = outcome.plan
    others = [run.others_busy for row in outcome.rows for run in row.runs]
    others_busy = statistics.median(others) if others else 0.0
    parts = [
        "# hrload beside its peers",
        "\n".join(
            [
                f"    {command}",
                "",
                f"{outcome.begin:%Y-%m-%d %H:%M} UTC; {machine.description()}.",
                f"Load average before: {outcome.load_before:.2f}; other processes took "
                f"{others_busy:.2f} cores meanwhile (median).",
            ]
        ),
    ]
    if others_busy > QUIET_CORES:
        parts.append(
            "**The machine was busy with other work: these figures are noise.** Ratios say "
            "more than absolutes, and neither says much."
        )
    parts.append(
        f"{plan.repeat} round{'s'[: plan.repeat > 1]} of {plan.seconds} s each, the clients in turn within a "
        f"round; {plan.connections} connections, {BATCH} items of the post's layout a call, against "
        f"`hrload local --null`, which answers and keeps nothing; {outcome.cores}. "
        "Figures are median (minimum to maximum)."
    )
    if outcome.rows:
        parts += [results(outcome.rows), ratios(outcome.rows)]
    parts += [HOW, driven(outcome.rows)]
    if outcome.left_out:
        left = [f"- {out.name}: {out.why}" for out in outcome.left_out]
        parts.append("Left out:\n\n" + "\n".join(left))
    held = targets({row.name: row for row in outcome.rows})
    if held:
        parts += ["## Targets", held]
    return "\n\n".join(parts) + "\n"


HOW = """\
CPU is user and system time of the client's process tree from start to end, less what
starting and ending without work costs, over all items acknowledged; JIT and connecting are
in it. Memory is the peak of resident memory. The server's core is how busy the server was:
near 100 %, items/s is the server's limit and not the client's. Ratios are taken within a
round. Before measuring, every client wrote to a server that keeps what it gets, and the
table held what the client said was acknowledged ("stored"; wrk and oha repeat one body)."""


def results(rows):
    """What each did."""
    lines = [
        ["client", "items/s", "CPU us per 1,000 items", "peak memory MB", "server's core"],
        ["---", "--:", "--:", "--:", "--:"],
    ]
    for row in rows:
        lines.append(
            [
                row.name,
                spread([run.per_second for run in row.runs]),
                spread(row.cpu_us_per_1000()),
                spread([run.memory_bytes / 1e6 for run in row.runs]),
                spread([run.server_busy * 100 for run in row.runs]) + " %",
            ]
        )
    return table(lines)


def ratios(rows):
    """How each compares with the reference, round by round."""
    reference = next((row for row in rows if row.name == REFERENCE), None)
    if not reference:
        return f"No ratios: {REFERENCE} did not take part."
    lines = [
        ["client", f"items/s of {REFERENCE} over its own", f"its CPU an item over {REFERENCE}'s"],
        ["---", "--:", "--:"],
    ]
    for row in rows:
        faster = over([run.per_second for run in reference.runs], [run.per_second for run in row.runs])
        dearer = over(row.cpu_us_per_1000(), reference.cpu_us_per_1000())
        lines.append([row.name, spread(faster), spread(dearer)])
    return table(lines)


def driven(rows):
    """How each was driven, and which version of it."""
    lines = [["client", "version", "driven", "stored", "bytes an item"], ["---", "---", "---", "--:", "--:"]]
    for row in rows:
        size = f"{row.item_bytes:.1f}"
        lines.append([row.name, row.version, row.client.driven, f"{row.stored:,}", size])
    return table(lines)


def targets(rows):
    """What hrload is held to, with what was measured."""
    lines = [["of items per CPU second", "at least", "measured", ""], ["---", "--:", "--:", "---"]]

    def hold(what, least, measured):
        middle = statistics.median(measured)
        lines.append([what, number(least), spread(measured), "held" if middle >= least else "**missed**"])

    def per_cpu_second(name):
        return [1e9 / us for us in rows[name].cpu_us_per_1000() if us > 0]

    for name, least in (("hrload-direct", 600_000), ("hrload-sdk", 150_000)):
        if name in rows:
            hold(name, least, per_cpu_second(name))
    for name, other, least in (
        ("hrload-direct", "hrload-sdk", 3.5),
        ("hrload-direct", "wrk", 0.5),
        ("hrload-direct", "latte", 3.0),
        ("hrload-sdk", "latte", 1.0),
    ):
        if name in rows and other in rows:
            hold(f"{name} over {other}", least, over(per_cpu_second(name), per_cpu_second(other)))
    return table(lines) if len(lines) > 2 else ""


def check(outcome, text):
    """Whether every client that is installed got items through and has its rows:
    an exit code."""
    wrong = []
    for row in outcome.rows:
        name = row.name
        if not (row.runs and row.stored > 0 and all(run.per_second > 0 for run in row.runs)):
            wrong.append(f"{name}: no items")
        if not all(us > 0 for us in row.cpu_us_per_1000()):
            wrong.append(f"{name}: no CPU time")
        if not all(run.memory_bytes > 0 for run in row.runs):
            wrong.append(f"{name}: no memory")
        if text.count(f"\n| {name} ") < 2:
            wrong.append(f"{name}: not in the tables")
    wrong += [f"{out.name}: {out.why}" for out in outcome.left_out if not out.missing]
    if not outcome.rows:
        wrong.append("no client took part")
    for line in wrong:
        print(f"check: {line}", file=sys.stderr)
    print(f"check: {len(outcome.rows)} passed, {len(wrong)} failed", file=sys.stderr)
    return 1 if wrong else 0


def over(these, those):
    """Round by round, one over the other."""
    return [a / b for a, b in zip(these, those) if b > 0]


def spread(values):
    """Median (minimum to maximum)."""
    if not values:
        return "-"
    middle = number(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({number(min(values))} to {number(max(values))})"


def number(value):
    """Three digits or so."""
    if value >= 10_000:
        digits = len(str(int(value))) - 3
        return f"{round(value, -digits):,.0f}"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(lines):
    """Rows of cells as Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
