"""wrk: the least that an HTTP client costs."""

import json

from clients import BATCH, Client, Count, canned
from home import WORKERS, first_output


class Wrk(Client):
    name = "wrk"
    driven = "wrk -t1, one canned signed body: no items made, nothing signed"
    canned = True

    def install(self, home):
        self.program = home.debian("wrk", "wrk")

    def version(self):
        return first_output([self.program, "--version"]).split(" Copyright")[0].strip()

    def work(self, work):
        headers, body = canned.call(work)
        (work.folder / "body").write_bytes(body)
        command = [self.program, "-t1", f"-c{work.connections}", f"-d{work.seconds}s"]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        return command + ["-s", WORKERS / "canned.lua", work.endpoint, "--", work.folder / "body"]

    def start(self, work):
        # It exits 1 after printing its version.
        return ["sh", "-c", '"$0" --version >/dev/null; true', self.program]

    def count(self, work, output):
        said = json.loads(output.strip().splitlines()[-1])
        answered = said["requests"] - said["errors"]
        return Count(answered * BATCH, answered * BATCH / said["seconds"])
