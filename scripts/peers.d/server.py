"""The server that all clients meet: `hrload local`, on a free loopback port.

`null` answers every BatchWriteItem at once and keeps nothing, so that what is
measured is the client. Without it the items are kept and can be counted.
"""

import subprocess

import aws_request
import machine

TABLE = "peers"


class Server:
    """A running server with the post's layout's table, for a `with` block."""

    def __init__(self, binary, cores, null):
        command = [binary, "local", "--listen", "127.0.0.1:0", "--threads", "1", "--quiet"]
        command += ["--null"] if null else ["--capacity", "unlimited", "--change-delay", "0"]
        self.process = machine.start(
            command, cores, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.endpoint = self.process.stdout.readline().strip()
        if not self.endpoint:
            self.process.wait()
            raise machine.Failed(f"the server did not start: {' '.join(map(str, command))}")

    def __enter__(self):
        try:
            aws_request.call(
                self.endpoint,
                "CreateTable",
                TableName=TABLE,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def cpu_seconds(self):
        """CPU time used so far."""
        return machine.cpu_seconds(self.process.pid)

    def items(self):
        """How many items the table holds, and one page of them."""
        count, sample, start = 0, [], {}
        while True:
            page = aws_request.call(self.endpoint, "Scan", TableName=TABLE, **start)
            count += page["Count"]
            sample = sample or page["Items"]
            if "LastEvaluatedKey" not in page:
                return count, sample
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
