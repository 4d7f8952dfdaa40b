"""Opening, reading and writing microscope movies."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from compare import Benchmark
from make_files import write

from builders.movies import metadata


def write_movie(
    path: Path, frames: int, shape: tuple[int, int], *, dropped: Sequence[int] = (), extra: Any = None
) -> str:
    """A uint16 movie of `frames` stored frames."""
    frame = np.random.default_rng(0).integers(0, 4096, shape, dtype=np.uint16)
    members = metadata(shape, "uint16", frames + len(dropped), dropped=dropped, extraProperties=extra)
    return write(path, ((frame + np.uint16(i % 100)).data for i in range(frames)), members)


def import_time(python: str, module: str, path: str = "") -> float:
    code = f"import time; s = time.perf_counter(); import {module}; print(time.perf_counter() - s)"
    environment = {"PYTHONPATH": path} if path else {}
    return min(
        float(subprocess.run([python, "-c", code], env=environment, capture_output=True, check=True).stdout)
        for _ in range(7)
    )


def main() -> None:
    bench = Benchmark("Microscope movies")
    source = str(Path(__file__).parent.parent / "src")
    numpy, ours = import_time(sys.executable, "numpy"), import_time(sys.executable, "isx", source)
    print(
        f"import isx {ours * 1e3:.0f} ms, import numpy {numpy * 1e3:.0f} ms: {ours / numpy:.2f}x numpy alone"
    )
    if bench.options.vendor_python:
        print(f"vendor's import isx {import_time(bench.options.vendor_python, 'isx') * 1e3:.0f} ms")

    folder = bench.folder
    small = write_movie(folder / "small.isxd", 2000, (64, 64))
    full = write_movie(folder / "full.isxd", 400, (800, 1280))
    drops = write_movie(folder / "drops.isxd", 100_010, (4, 4), dropped=list(range(1, 200_001, 2)))
    bulk = {"idps": {"table": [[i, i / 7] for i in range(70_000)]}}
    heavy = write_movie(folder / "heavy.isxd", 10, (64, 64), extra=bulk)
    print(f"metadata of heavy.isxd: {(Path(heavy).stat().st_size - 10 * 64 * 64 * 2) / 1e6:.1f} MB")

    opening = "for _ in range(n): m = isx.Movie.read(path)"
    bench.run("open a small movie, 200 times", opening, path=small, n=200)
    bench.run("open 7 MB of metadata, 3 times", opening, path=heavy, n=3)
    bench.run("open 100,000 dropped frames, 3 times", opening, path=drops, n=3)

    setup = "m = isx.Movie.read(path); order = np.random.default_rng(0).permutation(m.timing.num_samples).tolist()"
    sequential = "for i in range(m.timing.num_samples): f = m.get_frame_data(i)"
    shuffled = "for i in order: f = m.get_frame_data(i)"
    bench.run("2,000 frames of 64 x 64 in order", sequential, setup=setup, path=small)
    bench.run("2,000 frames of 64 x 64 in random order", shuffled, setup=setup, path=small)
    bench.run("400 frames of 800 x 1280 in order", sequential, setup=setup, path=full)
    bench.run("400 frames of 800 x 1280 in random order", shuffled, setup=setup, path=full)
    plain = (
        "fd = os.open(path, os.O_RDONLY)\n"
        "for i in range(400):\n    a = np.empty((800, 1280), np.uint16); os.preadv(fd, [a], i * a.nbytes)"
    )
    bench.run("  a plain read of the same", plain, path=full, vendor_code="")
    every = "t = np.array([m.get_frame_data(i)[{k}] for i in range(m.timing.num_samples)])"
    bench.run(
        "one pixel over 400 frames",
        "t = np.array(m[:, 400, 640])",
        vendor_code=every.format(k="400, 640"),
        setup=setup,
        path=full,
    )
    bench.run(
        "a 20 x 20 region over 400 frames",
        "t = np.array(m[:, 400:420, 640:660])",
        vendor_code=every.format(k="400:420, 640:660"),
        setup=setup,
        path=full,
    )
    threads = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor({n}) as pool: list(pool.map(lambda i: m.get_frame_data(i)[0, 0], range(400)))"
    )
    bench.run("400 full frames by one thread", threads.format(n=1), setup=setup, path=full, vendor_code="")
    bench.run("400 full frames by two threads", threads.format(n=2), setup=setup, path=full, vendor_code="")

    target = folder / "written.isxd"
    frames = np.random.default_rng(1).integers(0, 4096, (8, 800, 1280), dtype=np.uint16)
    writing = (
        "m = isx.Movie.write(target, isx.Timing(num_samples=n), isx.Spacing((800, 1280)), np.uint16)\n"
        "for i in range(n): m.set_frame_data(i, frames[i % 8])\n"
        "m.flush()"
    )
    raw = (
        "f = open(target, 'wb', buffering=0)\n"
        "for i in range(n): f.write(frames[i % 8])\n"
        "os.fsync(f.fileno()); f.close()"
    )
    remove = {"before": lambda: target.unlink(missing_ok=True), "target": str(target), "frames": frames}
    bench.run("write 30 frames of 800 x 1280", writing, n=30, repeat=3, **remove)
    bench.run("write 400 frames of 800 x 1280", writing, vendor_code="", n=400, repeat=3, **remove)
    bench.run("  raw writing and fsync of the same bytes", raw, vendor_code="", n=400, repeat=3, **remove)

    target.unlink(missing_ok=True)
    start = time.perf_counter()
    large = write_movie(folder / "large.isxd", 1000, (800, 1280))
    print(f"made a 2 GB movie in {time.perf_counter() - start:.1f} s")
    bench.run("read all of a 2 GB movie", sequential, setup=setup, path=large, repeat=1, fresh=True)


if __name__ == "__main__":
    main()
