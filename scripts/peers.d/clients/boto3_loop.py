"""boto3, as a script would use it: BatchWriteItem in a loop."""

from clients.worker import Worker
from home import WORKERS


class Boto3(Worker):
    threads = ""

    def install(self, home):
        self.home = home
        self.python = home.python("boto3")

    def version(self):
        return f"boto3 {self.home.python_version('boto3')}"

    def work(self, work):
        return [self.python, WORKERS / "boto3_loop.py", work.seconds, self.threads or work.connections]

    def start(self, work):
        return [self.python, WORKERS / "boto3_loop.py", 0, self.threads or work.connections]


class One(Boto3):
    name = "boto3"
    driven = "a plain loop: one call at a time, so one connection"
    threads = 1


class Threads(Boto3):
    name = "boto3-threads"
    driven = "the same loop in as many threads as there are connections (one interpreter lock)"
