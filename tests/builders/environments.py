"""Virtual environments and wheels, for the tests of installing; no network is used."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

PROBE = """
import importlib, json, sys
def found(name):
    try:
        movie = getattr(importlib.import_module(name), "Movie", None)
    except ImportError as error:
        return type(error).__name__
    return "openisx" if getattr(movie, "__module__", "") == "openisx.movie" else "vendor" if movie else "nothing"
try:
    from openisx import _installation
    said = _installation.diagnose()
except ImportError:
    said = [[], False, ""]
print(json.dumps([[found("isx"), found("openisx"), found("isx.io")], said]))
"""


class Environment:
    """A virtual environment with neither package."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=os.name != "nt")
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = str(self.bin / "python")
        names = {"base": str(folder), "platbase": str(folder)}
        self.packages = Path(sysconfig.get_path("purelib", "venv", names))
        dependencies = folder / "dependencies"
        dependencies.mkdir()
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            if not entry.name.startswith(("isx", "openisx", "__pycache__")) and entry.suffix != ".pth":
                try:
                    (dependencies / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())
                except OSError:
                    pytest.skip("this system makes no symbolic links")
        (self.packages / "dependencies.pth").write_text(f"{dependencies}\n", encoding="utf-8")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {
            k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_FILE")
        }
        done = subprocess.run(
            command,
            cwd=self.bin,
            env=environment | {"NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def pip(self, *arguments: str) -> str:
        options = ("--disable-pip-version-check", "--no-input", "--no-cache-dir")
        return self.run(sys.executable, "-m", "pip", "--python", self.python, *options, *arguments).stdout

    def complaints(self) -> str:
        """What ``pip check`` says."""
        done = self.run(sys.executable, "-m", "pip", "--python", self.python, "check", check=False)
        return done.stdout + done.stderr

    def install(self, *wheels: Path, again: bool = False) -> None:
        options = ["--force-reinstall"] if again else []
        self.pip("install", "-q", "--no-index", "--no-deps", "--no-compile", *options, *map(str, wheels))

    def uninstall(self, name: str) -> None:
        self.pip("uninstall", "-q", "-y", name)

    def imports(self) -> list[str]:
        """What ``import isx``, ``import openisx`` and ``import isx.io`` give."""
        return self.probe()[0]

    def probe(self) -> Any:
        """The same, and what ``openisx doctor`` finds."""
        return json.loads(self.run(self.python, "-c", PROBE).stdout)

    def doctor(self, *options: str) -> tuple[int, str]:
        done = self.run(self.python, "-m", "openisx", "doctor", *options, check=False)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr


def make_wheel(
    folder: Path, name: str, version: str, files: dict[str, str], requires: tuple[str, ...] = ()
) -> Path:
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = files | {
        f"{info}/METADATA": metadata + "".join(f"Requires-Dist: {text}\n" for text in requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return wheel
