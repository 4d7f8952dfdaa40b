"""Time ``import isx`` in fresh interpreters, alternating with ``import numpy`` and with the vendor's package.

python benchmarks/bench_import.py [--vendor-python VENV/bin/python]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"


def seconds(python: str, code: str, path: str = "") -> float:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
    if path:
        environment["PYTHONPATH"] = path
    begin = time.perf_counter()
    subprocess.run([python, "-c", code], env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vendor-python")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    jobs = {
        "nothing": (sys.executable, "pass", ""),
        "numpy": (sys.executable, "import numpy", ""),
        "isx": (sys.executable, "import isx", str(SOURCE)),
        "isx, every name used": (sys.executable, "import isx.io", str(SOURCE)),
    }
    if arguments.vendor_python:
        jobs["vendor's numpy"] = (arguments.vendor_python, "import numpy", "")
        jobs["vendor's isx"] = (arguments.vendor_python, "import isx", "")
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(arguments.rounds):
        for name, job in jobs.items():
            best[name] = min(best[name], seconds(*job))
    for name, value in best.items():
        print(f"{name:22} {value * 1000:7.1f} ms   {value / best['numpy']:5.2f} x numpy")


if __name__ == "__main__":
    main()
