"""Each client, by itself, on an `hrload local` that is started for it."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import callers
import steps


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hrload", type=Path, required=True, help="the binary")
    parser.add_argument("--folder", type=Path, required=True, help="where clients are installed")
    parser.add_argument("clients", nargs="+", choices=callers.ALL, help="which")
    return parser.parse_args()


def environment():
    """The machine's own settings for AWS stay out of this."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_REGION="us-east-1",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_PAGER="",
    )


def main():
    given = arguments()
    environment()
    failed = 0
    for name in given.clients:
        command = [given.hrload, "local", "--listen", "127.0.0.1:0", "--quiet"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                url = server.stdout.readline().strip()
                with callers.ALL[name](url, given.folder) as caller:
                    print(f"{name} ({caller.version}): {steps.whole_way(caller)}", flush=True)
            except (AssertionError, callers.Refused, subprocess.SubprocessError) as reason:
                print(f"{name}: FAILED: {reason!r}", flush=True)
                failed += 1
            finally:
                server.terminate()
    print(f"{len(given.clients) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
