"""The servers, the binary, and what asks a server without hrload."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path


# Ports of kinesis-mock beside its plain one: with TLS, and the same spoken to without.
PORTS = {name: "kinesis-mock" for name in ("kinesis-mock-tls", "kinesis-mock-tls-as-plain")}


class Missing(Exception):
    """What is needed is not here."""


class Bench:
    """Servers that run, and a folder for the files of the cases."""

    def __init__(self, root, binary, servers):
        self.root, self.binary, self.wanted = root, binary, servers
        if not binary.is_file():
            raise Missing(f"no hrload at {binary}: build it, or name it in HRLOAD")

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hrload-compatibility-"))
        self.before = self.urls_of("env")
        self.urls = self.urls_of("start")
        if not self.urls:
            raise Missing("none of the servers could be started")
        self.python = self.python_with_boto3()
        return self

    def __exit__(self, *_):
        ours = [name for name in self.wanted if variable(name) not in self.before]
        if ours:
            self.servers("stop", *ours)
        shutil.rmtree(self.folder)

    def servers(self, action, *names):
        command = [self.root / "scripts" / "servers", action, *names]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout

    def urls_of(self, action):
        """Endpoints by the variable that names each."""
        printed = self.servers(action, *self.wanted)
        return dict(re.findall(r"^export (HRLOAD_TEST_\w+)=(\S+)$", printed, re.MULTILINE))

    def python_with_boto3(self):
        command = [self.root / "scripts" / "clients", "python"]
        asked = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if asked.returncode != 0:
            raise Missing("boto3 cannot be installed; scripts/clients says why")
        return asked.stdout.strip()

    def url(self, server):
        """A server's endpoint; those of `PORTS` are other ports of one."""
        url = self.urls.get(variable(PORTS.get(server, server)))
        if url and server == "kinesis-mock-tls":
            url = self.urls[variable(server)]
        if url and server == "kinesis-mock-tls-as-plain":
            url = self.urls[variable("kinesis-mock-tls")].replace("https:", "http:")
        return url

    def version(self, server):
        pinned = dict(line.split(" ", 1) for line in self.servers("versions").splitlines())
        return pinned[server]

    def environment(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "HRLOAD_"))}
        return clean | {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_COLOR": "1",
        }

    def hrload(self, *words):
        """Runs it; output is kept as text."""
        return subprocess.run(
            [self.binary, *words],
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def ask(self, action, *words):
        """What boto3 says: `ask.py` is run by the Python that has it."""
        asked = subprocess.run(
            [self.python, self.root / "scripts" / "compatibility.d" / "ask.py", action, *words],
            env=self.environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return json.loads(asked.stdout)


def names(cases):
    """The servers that these cases need."""
    return sorted({PORTS.get(name, name) for case in cases for name in case.servers})


def variable(server):
    return "HRLOAD_TEST_" + server.upper().replace("-", "_")
