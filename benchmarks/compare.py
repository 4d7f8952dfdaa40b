"""Time the same job in this package and in the vendor's, alternating, and print the ratio.

    python benchmarks/bench_movies.py --vendor-python VENV/bin/python

Both sides run in a process of their own that stays up, so imports and caches are warm for both. Each job is run
A B A B ... ; the best time of each side counts, since noise only ever adds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WORKER = """
import os, pickle, resource, struct, sys, time, warnings
warnings.simplefilter("ignore")
replies = os.fdopen(os.dup(1), "wb")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
os.dup2(1, 2)
import numpy as np
import isx
while True:
    head = sys.stdin.buffer.read(8)
    if len(head) < 8:
        break
    setup, code, inputs = pickle.loads(sys.stdin.buffer.read(struct.unpack("<Q", head)[0]))
    scope = {"isx": isx, "np": np, "os": os, **inputs}
    try:
        exec(setup, scope)
        compiled = compile(code, "job", "exec")
        start = time.perf_counter()
        exec(compiled, scope)
        reply = (time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, None)
    except BaseException as error:
        reply = (float("nan"), 0.0, repr(error)[:300])
    data = pickle.dumps(reply)
    replies.write(struct.pack("<Q", len(data)) + data)
    replies.flush()
"""


class Side:
    """One package in one interpreter."""

    def __init__(self, name: str, python: str, path: str | None = None) -> None:
        self.name = name
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        if path:
            environment["PYTHONPATH"] = path
        self._start = lambda: subprocess.Popen(
            [python, "-c", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=tempfile.gettempdir(),
        )
        self._process = self._start()

    def time(self, setup: str, code: str, inputs: dict[str, Any]) -> tuple[float, float]:
        """Seconds that `code` takes after `setup`, and peak memory of the process so far in MB."""
        import pickle
        import struct

        assert self._process.stdin
        assert self._process.stdout
        message = pickle.dumps((setup, code, inputs), protocol=4)
        self._process.stdin.write(struct.pack("<Q", len(message)) + message)
        self._process.stdin.flush()
        head = self._process.stdout.read(8)
        if len(head) < 8:
            print(f"  {self.name} crashed", file=sys.stderr)
            self._process = self._start()
            return float("nan"), 0.0
        seconds, memory, error = pickle.loads(self._process.stdout.read(struct.unpack("<Q", head)[0]))
        if error:
            print(f"  {self.name}: {error}", file=sys.stderr)
        return seconds, memory

    def restart(self) -> None:
        """A fresh process, so that its peak memory starts anew."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()
        self._process = self._start()


class Benchmark:
    """Prints one line per job: ours, the vendor's, and how many times faster ours is."""

    def __init__(self, title: str) -> None:
        parser = argparse.ArgumentParser(description=title)
        parser.add_argument("--vendor-python", default=os.environ.get("ISX_VENDOR_PYTHON"))
        parser.add_argument("--only", default="", help="run jobs whose name holds this text")
        self.options = parser.parse_args()
        source = str(Path(__file__).parent.parent / "src")
        self.ours = Side("isx", sys.executable, source)
        self.vendor = Side("vendor", self.options.vendor_python) if self.options.vendor_python else None
        self._folder = tempfile.TemporaryDirectory(prefix="isx-bench-")
        self.folder = Path(self._folder.name)
        print(f"{title}\n{'job':<52}{'isx':>12}{'vendor':>12}{'ratio':>9}{'MB':>7}{'MB v.':>7}")

    def run(
        self,
        name: str,
        code: str,
        *,
        setup: str = "",
        vendor_code: str | None = None,
        vendor_setup: str | None = None,
        repeat: int = 5,
        before: Callable[[], object] = lambda: None,
        fresh: bool = False,
        **inputs: Any,
    ) -> None:
        """Time `code` (and `vendor_code`, the same unless given) after `setup`.

        `before` runs before every repetition, e.g. to remove outputs. With `fresh` each repetition gets a new
        process, so that the memory column is that of this job alone. An empty `vendor_code` leaves the vendor
        out.
        """
        if self.options.only not in name:
            return
        sides = [(self.ours, setup, code)]
        theirs = code if vendor_code is None else vendor_code
        if self.vendor is not None and theirs:
            sides.append((self.vendor, setup if vendor_setup is None else vendor_setup, theirs))
        best = [float("inf")] * 2
        memory = [0.0] * 2
        for _ in range(repeat):
            for i, (side, prepare, job) in enumerate(sides):
                if fresh:
                    side.restart()
                before()
                seconds, peak = side.time(prepare, job, inputs)
                best[i] = min(best[i], seconds)
                memory[i] = max(memory[i], peak)
        ratio = f"{best[1] / best[0]:8.1f}x" if best[1] < float("inf") else ""
        print(
            f"{name:<52}{_seconds(best[0]):>12}{_seconds(best[1]):>12}{ratio:>9}{memory[0]:>7.0f}{memory[1]:>7.0f}",
            flush=True,
        )


def _seconds(value: float) -> str:
    if value == float("inf"):
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= scale:
            return f"{value / scale:.2f} {unit}"
    return f"{value / 1e-9:.0f} ns"
