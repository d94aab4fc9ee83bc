"""What was seen, as lines and as the table of docs/compatibility.md."""

import datetime
import platform
import subprocess

from bench import names

BEGIN, END = "<!-- seen: scripts/compatibility --write -->", "<!-- /seen -->"


def line(row):
    return f"{' + '.join(row.servers)}: {row.title}: {row.seen}"


def table(rows, bench):
    version = subprocess.run([bench.binary, "--version"], capture_output=True, text=True, check=True)
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    lines = [
        f"Seen on {day} with {version.stdout.strip()} on {platform.system()} {platform.machine()}: "
        + ", ".join(f"`{bench.version(name)}`" for name in names(rows))
        + ".",
        "",
        "| servers | what | seen |",
        "|---|---|---|",
    ]
    for row in rows:
        seen = row.seen.replace("|", "\\|")
        lines.append(f"| {' + '.join(row.servers)} | {row.title} | {seen} |")
    return "\n".join(lines)


def write(path, text):
    """Replaces what stands between the marks."""
    page = path.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
