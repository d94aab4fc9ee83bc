"""The folder that clients are installed into, and how that is done.

Every installer is an ordinary package client, run at the lowest priority. What
is there already is used as it is.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

WORKERS = Path(__file__).resolve().parent / "workers"


class Missing(Exception):
    """Something a client needs is not here and cannot be had."""


class Home:
    """Where the clients' programs and packages are."""

    def __init__(self, folder, binary, may_install):
        if not os.access(binary, os.X_OK):
            raise Missing(f"{binary}: no such program; build it, or leave --binary out")
        self.folder = folder
        self.hrload = binary
        self.may_install = may_install
        folder.mkdir(parents=True, exist_ok=True)

    def python(self, *packages):
        """The Python of the virtual environment, with these packages in it."""
        python = self.folder / "venv" / "bin" / "python"
        if not python.exists():
            self._install("a virtual environment", [sys.executable, "-m", "venv", self.folder / "venv"])
        installed = first_output([python, "-m", "pip", "list", "--format=freeze"])
        names = {line.split("==")[0].lower() for line in installed.splitlines()}
        absent = [package for package in packages if package not in names]
        if absent:
            self._install(", ".join(absent), [python, "-m", "pip", "install", "--quiet", *absent])
        return python

    def python_version(self, package):
        """Version of a package in the virtual environment."""
        code = f"import importlib.metadata as m; print(m.version('{package}'))"
        return first_output([self.folder / "venv" / "bin" / "python", "-c", code])

    def node(self, package):
        """The folder whose `node_modules` has this package."""
        if not shutil.which("node"):
            raise Missing("needs Node.js: no `node` in PATH")
        folder = self.folder / "node"
        if not (folder / "node_modules" / package).exists():
            self._install(
                package, ["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", package]
            )
        return folder

    def debian(self, program, package):
        """A program, from a Debian package if it is not there."""
        if not shutil.which(program):
            self._install(f"{package} (package lists)", ["apt-get", "update", "--quiet"])
            self._install(package, ["apt-get", "install", "--yes", "--quiet", package])
        found = shutil.which(program)
        if not found:
            raise Missing(f"no `{program}` in PATH after installing {package}")
        return Path(found)

    def crate(self, name):
        """A program from crates.io."""
        program = self.folder / name / "bin" / name
        if not program.exists():
            self._install(
                f"{name} (compiled: minutes)",
                ["cargo", "install", "--locked", "--quiet", "--root", self.folder / name, name],
            )
        return program

    def latte(self):
        """latte-alternator, built from a copy of the source that LATTE_SRC names."""
        given = os.environ.get("LATTE_SRC")
        if not given:
            raise Missing("LATTE_SRC does not name its source")
        source = Path(given).resolve()
        driver = Path(os.environ.get("LATTE_DRIVER_SRC", source.parent / "alternator-client-rust"))
        if not (source / "Cargo.toml").exists():
            raise Missing(f"LATTE_SRC={source}: no Cargo.toml there")
        if not (driver / "Cargo.toml").exists():
            raise Missing(f"its driver's source is not at {driver}: name it in LATTE_DRIVER_SRC")
        program = self.folder / "latte" / "release" / "latte-alternator"
        if program.exists():
            return program
        self._may_install("latte-alternator")
        copy = self.folder / "latte-source"
        shutil.rmtree(copy, ignore_errors=True)
        # Without the toolchain it pins, which may not be here.
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("target", "rust-toolchain*"))
        # The driver is a git dependency; here it comes from a folder.
        manifest = copy / "Cargo.toml"
        by_path = f'alternator-driver = {{ path = "{driver.resolve()}", optional = true }}'
        text = re.sub(r"(?m)^alternator-driver = .*$", by_path, manifest.read_text())
        if "[workspace]" not in text:
            # It lies in a folder of this checkout, but is no member of its workspace.
            text += "\n[workspace]\n"
        manifest.write_text(text)
        build = ["cargo", "build", "--release", "--quiet", "--bin", "latte-alternator"]
        build += ["--no-default-features", "--features", "alternator"]
        self._install(
            "latte-alternator (compiled: minutes)",
            build,
            cwd=copy,
            env=os.environ | {"CARGO_TARGET_DIR": str(self.folder / "latte")},
        )
        return program

    def _may_install(self, what):
        if not self.may_install:
            raise Missing(f"{what.split(' (')[0]} is not installed")

    def _install(self, what, command, **options):
        self._may_install(what)
        print(f"installing {what}", file=sys.stderr, flush=True)
        command = ["nice", "-n", "19", *[str(part) for part in command]]
        log = self.folder / "install.log"
        with log.open("a") as out:
            try:
                done = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options
                )
            except OSError as error:
                raise Missing(f"cannot install {what}: {error}") from error
        if done.returncode:
            raise Missing(f"cannot install {what}: see {log}")


def first_output(command):
    """What a short command prints, empty if it fails."""
    try:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).strip()


def build_hrload(root):
    """hrload from this checkout, in release mode."""
    print("building hrload", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=root)
    except OSError as error:
        raise Missing(f"cannot build hrload: {error}; name one with --binary") from error
    if done.returncode:
        raise Missing("hrload does not build; name one that is built with --binary")
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    return target / "release" / "hrload"
