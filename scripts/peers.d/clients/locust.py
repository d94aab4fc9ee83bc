"""Locust with boto3: users without pauses."""

from clients.worker import Worker
from home import WORKERS


class Locust(Worker):
    name = "locust"
    driven = "Locust, one process, a user for each connection, no wait time, one boto3 client"

    def install(self, home):
        self.home = home
        self.python = home.python("locust", "boto3")

    def version(self):
        versions = [f"{name} {self.home.python_version(name)}" for name in ("locust", "boto3")]
        return ", ".join(versions)

    def work(self, work):
        return self._command(work, work.seconds, work.connections)

    def start(self, work):
        return self._command(work, 1, 0)

    def _command(self, work, seconds, users):
        command = [self.python, "-m", "locust", "--locustfile", WORKERS / "locustfile.py"]
        command += ["--headless", "--users", max(users, 1), "--spawn-rate", max(users, 1)]
        command += ["--run-time", f"{seconds}s", "--loglevel", "WARNING"]
        # Calls in flight at the end are finished, and counted.
        command += ["--only-summary", "--stop-timeout", 10]
        return command if users else command + ["--tags", "idle"]
