"""The clients, each as `caller(service, operation, **parameters)`.

Answers have the API's own names; a record's `Data` is the bytes.
"""

import base64
import json
import re
import subprocess
from pathlib import Path

import boto3
import botocore.exceptions


class Refused(Exception):
    """The service said no."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Boto3:
    """In this process."""

    version = boto3.__version__

    def __init__(self, url, _folder):
        self.clients = {name: boto3.client(name, endpoint_url=url) for name in ("dynamodb", "kinesis")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __call__(self, service, operation, **parameters):
        method = re.sub(r"(?<!^)([A-Z])", r"_\1", operation).lower()
        try:
            return getattr(self.clients[service], method)(**parameters)
        except botocore.exceptions.ClientError as error:
            raise Refused(error.response["Error"]["Code"], error) from error


class AwsCli:
    """A process for each call, as the blog post does."""

    def __init__(self, url, folder):
        self.url, self.program = url, folder / "venv" / "bin" / "aws"
        asked = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True)
        self.version = asked.stdout.split()[0].removeprefix("aws-cli/")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __call__(self, service, operation, **parameters):
        words = [self.program, service, dashed(operation), "--endpoint-url", self.url, "--output", "json"]
        for name, value in parameters.items():
            if value is True:
                words.append(f"--{dashed(name)}")
            else:
                words += [f"--{dashed(name)}", value if isinstance(value, str) else json.dumps(value)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            code = re.search(r"An error occurred \((\w+)\)", done.stderr)
            raise Refused(code and code.group(1), done.stderr.strip())
        return with_bytes(json.loads(done.stdout or "{}"))


class JavaScript:
    """One Node.js process; calls and answers are lines of JSON."""

    def __init__(self, url, folder):
        script = Path(__file__).with_name("javascript.cjs")
        self.process = subprocess.Popen(
            ["node", script, url, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.version = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def __call__(self, service, operation, **parameters):
        print(json.dumps([service, operation, parameters]), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if "refused" in answer:
            raise Refused(answer["refused"], answer["message"])
        return with_bytes(answer["answer"])


def dashed(name):
    """`StreamName` as `stream-name`, `StreamARN` as `stream-arn`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def with_bytes(answer):
    for record in answer.get("Records", []):
        record["Data"] = base64.b64decode(record["Data"])
    return answer


ALL = {"boto3": Boto3, "aws-cli": AwsCli, "javascript": JavaScript}
