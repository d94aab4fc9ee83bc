"""The blog post's simulator: the AWS command line, started for every item."""

from clients.worker import Worker
from home import WORKERS


class PutItem(Worker):
    name = "aws-cli"
    driven = "`aws dynamodb put-item` for every item, one after the other, as the blog post's script"

    def install(self, home):
        self.home = home
        self.python = home.python("awscli")

    def version(self):
        return f"awscli {self.home.python_version('awscli')}"

    def environment(self, work):
        return super().environment(work) | {"PEERS_AWS": str(self.python.parent / "aws")}

    def work(self, work):
        return [self.python, WORKERS / "put_item_loop.py", work.seconds]

    def start(self, work):
        return [self.python, WORKERS / "put_item_loop.py", 0]
