"""hrload itself, with each of its clients.

It is an open loop: it sends at a rate, and what it cannot send it drops, which
costs it time too. Flat out is therefore a rate a little above what it reaches,
and that is looked for before every measurement.
"""

import json

from clients import Client, Count
from home import first_output


class Hrload(Client):
    accepted = (0, 3)  # 3: the rate was not held, which is the purpose
    client = ""
    first_rate = 0
    """Items a second that the first search starts from."""

    STEP = 1.3
    OVER = 1.1
    """What is offered while measuring, as a multiple of what was reached."""
    PROBES = 20
    DEVICES = 40_000
    MOST = 100 * DEVICES
    """Items a second at most: a device of the profile makes no more than 100."""

    def __init__(self):
        self.rate = self.first_rate

    def install(self, home):
        self.program = home.hrload

    def version(self):
        return first_output([self.program, "--version"])

    def settle(self, work, run):
        rate, reached, worse = self.rate / self.STEP, 0.0, 0
        for _ in range(self.PROBES):
            run(self._command(work, rate, "800ms"))
            achieved = self._result(work)["rate"]["achieved"]
            # One that is no better may be something else on the machine.
            worse += achieved <= reached
            reached = max(reached, achieved)
            if worse == 2:
                break
            rate = min(rate * self.STEP, self.MOST)
        self.rate = min(self.OVER * reached, self.MOST)

    def work(self, work):
        return self._command(work, self.rate, f"{work.seconds}s")

    def start(self, work):
        return self._command(work, 25, "100ms")

    def count(self, work, output):
        result = self._result(work)
        ledger = result["ledger"]
        items = ledger["acknowledged"] + ledger["warm_up"]["acknowledged"]
        return Count(items, result["rate"]["achieved"])

    def _command(self, work, rate, duration):
        command = [self.program, "--endpoint-url", work.endpoint, "--table", work.table]
        command += ["--via", "none", "--client", self.client, "--threads", 1]
        command += ["--devices", self.DEVICES, "--concurrency", work.connections, f"--rate={rate:.0f}/s"]
        # A short queue: what is dropped late has cost more than what is dropped early.
        command += ["--backlog", 20_000, "--warmup", "200ms", "--duration", duration]
        return command + ["--quiet", "--output", work.folder / "result.json"]

    @staticmethod
    def _result(work):
        return json.loads((work.folder / "result.json").read_text())


class Direct(Hrload):
    name = "hrload-direct"
    driven = "--client direct -t 1, at 1.1 times the rate that a search just before found it reaches"
    client = "direct"
    first_rate = 200_000


class Sdk(Hrload):
    name = "hrload-sdk"
    driven = "--client sdk (aws-sdk-dynamodb) -t 1, at a rate found in the same way"
    client = "sdk"
    first_rate = 50_000
