"""The machine: which cores there are, how loaded it is, and running a process
while watching what it costs.

Knows nothing of clients or servers.
"""

import os
import platform
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05


class Failed(Exception):
    """A process that did not do what it was started for."""


@dataclass(frozen=True)
class Cores:
    """Who runs where: server and clients must not take each other's CPU."""

    server: frozenset
    client: frozenset

    @classmethod
    def split(cls):
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            return cls(frozenset(allowed), frozenset(allowed))
        return cls(frozenset(allowed[:1]), frozenset(allowed[1:2]))

    def __str__(self):
        if self.server == self.client:
            return "one core for server and clients alike: they compete for it"
        return f"server on core {min(self.server)}, each client on core {min(self.client)} alone"


@dataclass(frozen=True)
class Spent:
    """What a process and its children cost, from start to end."""

    cpu_us: float
    memory_bytes: int
    output: str


def environment():
    """Variables for server and clients: made-up credentials, no file of the
    user's, no way out of this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        kept.pop(name, None)
        kept.pop(name.upper(), None)
    return kept | {
        "AWS_ACCESS_KEY_ID": "peers",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def start(command, cores, **options):
    """Starts a process on its cores, in a session of its own."""
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        env=environment() | options.pop("env", {}),
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        **options,
    )


def measure(command, cores, folder, timeout, env=None, accepted=(0,)):
    """Runs a command to its end and tells what it cost.

    CPU time is user and system time of the process and of the children it
    waited for (wait4). Peak memory is the kernel's high-water mark of resident
    memory, of all processes of the tree at once. It is polled, because the
    figure that wait4 gives starts at that of the process it was forked from.
    """
    out, err = folder / "stdout", folder / "stderr"
    with out.open("w") as stdout, err.open("w") as stderr:
        process = start(command, cores, stdout=stdout, stderr=stderr, env=env or {})
    deadline = time.monotonic() + timeout
    memory_bytes, ended = 0, False
    try:
        while not ended:
            memory_bytes = max(memory_bytes, tree_memory_bytes(process.pid))
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if not ended:
                if time.monotonic() > deadline:
                    raise Failed(f"did not end within {timeout:.0f} s: {last_words(err, out)}")
                time.sleep(POLL_SECONDS)
    finally:
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
            _, status, _ = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in accepted:
        raise Failed(f"exit code {process.returncode}: {last_words(err, out)}")
    cpu_us = (usage.ru_utime + usage.ru_stime) * 1e6
    return Spent(cpu_us, memory_bytes, out.read_text(errors="replace"))


def last_words(*files):
    """The last line of the first file that has one."""
    for file in files:
        lines = file.read_text(errors="replace").strip().splitlines()
        if lines:
            return lines[-1].strip()[:300]
    return "it printed nothing"


def tree_memory_bytes(pid):
    """High-water marks of a process and its descendants; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    own = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
    own_bytes = int(own.split()[1]) * 1024 if own else 0
    return own_bytes + sum(tree_memory_bytes(int(child)) for child in children)


def cpu_seconds(pid):
    """CPU time that a running process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def description():
    """Processor, cores, memory and system, on one line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return (
        f"{model}, {os.cpu_count()} cores, {memory_bytes / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.release()}"
    )


def busy_seconds():
    """CPU time that all processes have used, and that the host took away."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    ticks = user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")
