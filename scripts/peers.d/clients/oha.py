"""oha: a load generator in Rust, hyper underneath."""

import json

from clients import BATCH, Client, Count, canned
from home import first_output


class Oha(Client):
    name = "oha"
    driven = "oha, the same canned body as wrk"
    canned = True

    def install(self, home):
        self.program = home.crate("oha")

    def version(self):
        return first_output([self.program, "--version"])

    def work(self, work):
        return self._command(work, ["-z", f"{work.seconds}s"])

    def start(self, work):
        return self._command(work, ["-n", 1])

    def count(self, work, output):
        said = json.loads(output)
        answered = said["statusCodeDistribution"].get("200", 0)
        return Count(answered * BATCH, answered * BATCH / said["summary"]["total"])

    def _command(self, work, amount):
        headers, body = canned.call(work)
        (work.folder / "body").write_bytes(body)
        command = [self.program, "--no-tui", "--output-format", "json", "-c", work.connections]
        command += ["-m", "POST", "-D", work.folder / "body", *amount]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        return command + [work.endpoint]
