"""latte-alternator, scylladb/latte's DynamoDB edition: Rune scripts over
aws-sdk-dynamodb."""

import json
import re
import time

from clients import BATCH, Client, Count
from home import WORKERS, first_output


class Latte(Client):
    name = "latte"
    driven = "latte-alternator run -t 1, unlimited rate; a Rune script makes the items"

    def install(self, home):
        self.program = home.latte()

    def version(self):
        said = first_output([self.program, "version"])
        version = re.search(r"Version: (\S+)", said)
        return f"latte {version[1]}" if version else "latte, version unknown"

    def work(self, work):
        return self._command(work, f"{work.seconds}s")

    def start(self, work):
        return self._command(work, "1")

    def count(self, work, output):
        result = json.loads((work.folder / "latte.json").read_text())["result"]
        cycles = result["cycle_count"] - result["error_count"]
        return Count(cycles * BATCH, cycles * BATCH / result["elapsed_time_s"])

    def _command(self, work, duration):
        command = [self.program, "run", "--quiet", "--threads", 1, "--duration", duration]
        command += ["--concurrency", work.connections, "--warmup", 0]
        # It saves no report of fewer than two samples.
        command += ["--sampling", "250ms", "--generate-report", "--output", work.folder / "latte.json"]
        command += ["-P", f'table="{work.table}"', "-P", f"start={int(time.time())}"]
        return command + [WORKERS / "batch.rn", work.endpoint]
