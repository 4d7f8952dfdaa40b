"""The vendor's compiled package as an oracle, in a process and a virtual environment of its own.

Set ``ISX_VENDOR_PYTHON`` to the interpreter of an environment that holds ``isx==2.1.0``; without it these tests
are skipped.
"""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class VendorError(Exception):
    """An exception inside the vendor's package; `kind` is its type name, `text` its message."""

    def __init__(self, kind: str, text: str, trace: str) -> None:
        super().__init__(f"{kind}: {text}\n{trace}")
        self.kind = kind
        self.text = text


class VendorCrashError(Exception):
    """The vendor's process died."""


class Vendor:
    """Runs snippets in the vendor's process; restarts it when it crashed."""

    def __init__(self, python: str) -> None:
        self._python = python
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, code: str, **inputs: Any) -> Any:
        """Execute `code` with `isx`, `np` and `inputs` in scope; returns what it assigns to `out`."""
        if self._process is None:
            worker = Path(__file__).with_name("vendor_worker.py")
            environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"TZ": "UTC"}
            self._process = subprocess.Popen(
                [self._python, str(worker)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd="/",
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        message = pickle.dumps((code, inputs), protocol=4)
        try:
            self._process.stdin.write(struct.pack("<Q", len(message)) + message)
            self._process.stdin.flush()
            head = self._process.stdout.read(8)
            if len(head) < 8:
                raise EOFError
            status, value = pickle.loads(self._process.stdout.read(struct.unpack("<Q", head)[0]))
        except (EOFError, BrokenPipeError):
            self.close()
            raise VendorCrashError(code) from None
        if status == "error":
            raise VendorError(*value)
        return value

    def close(self) -> None:
        if self._process is not None:
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def vendor() -> Iterator[Vendor]:
    python = os.environ.get("ISX_VENDOR_PYTHON")
    if not python:
        pytest.skip("ISX_VENDOR_PYTHON does not name an interpreter with the vendor's package")
    worker = Vendor(python)
    yield worker
    worker.close()
