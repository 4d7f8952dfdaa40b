"""Views, projections and saving against copying the same frames; planes of long movies; memory.

    python benchmarks/bench_views.py

Each job and the copy of the frames it reads run A B A B; the best of each counts. A ratio of 0.5 means half the speed
of copying.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))
from make_files import write

import isx
from builders.movies import header_line, metadata

SHAPE, FRAMES = (400, 640), 1500


def long_movie(path: Path, frames: int = FRAMES) -> str:
    """12-bit frames, not all alike."""
    some = np.random.default_rng(0).integers(0, 4096, (16, *SHAPE), dtype=np.uint16)
    return write(path, (some[k % 16].data for k in range(frames)), metadata(SHAPE, "uint16", frames))


def three_planes(path: Path, frames: int) -> str:
    """Small frames with headers, of three planes in turns."""
    lines = [header_line(efocus=focus, color_id=71) for focus in (0, 500, 900)]
    frame = bytes(8 * 8 * 2) + bytes(5120)
    members = metadata((8, 8), "uint16", frames, hasFrameHeaderFooter=True)
    return write(path, (lines[k % 3] + frame for k in range(frames)), members)


def best(*jobs: Callable[[], object], repeat: int = 5) -> list[float]:
    times = [[0.0] * 0 for _ in jobs]
    for _ in range(repeat):
        for job, taken in zip(jobs, times, strict=True):
            start = time.perf_counter()
            job()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]


def consume(movie: isx.Movie) -> None:
    """As saving and exports read: one frame after another, none of them kept."""
    source = movie._open_source()
    for _ in source.stream(np.arange(source.num_stored), reuse=True):
        pass


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="isx-bench-") as name:
        folder = Path(name)
        movie = isx.Movie.read(long_movie(folder / "movie.isxd"))
        size = FRAMES * SHAPE[0] * SHAPE[1] * 2
        frame = np.empty(SHAPE, np.uint16)
        frames = np.asarray(movie)

        def copy() -> None:
            for one in frames:
                np.copyto(frame, one)

        def get() -> None:
            for k in range(FRAMES):
                movie.get_frame_data(k)

        jobs: dict[str, Callable[[], object]] = {
            "get_frame_data of each": get,
            'project("mean")': movie.project,
            'project("max")': lambda: movie.project("max"),
            'project("std")': lambda: movie.project("std"),
            "bin(space=2)": lambda: consume(movie.bin(space=2)),
            "bin(space=4)": lambda: consume(movie.bin(space=4)),
            "bin(time=2)": lambda: consume(movie.bin(time=2)),
            "bin(time=4)": lambda: consume(movie.bin(time=4)),
            "bin(space=2, time=4)": lambda: consume(movie.bin(2, 4)),
            "dff(f0=image)": lambda: consume(movie.dff(np.ones(SHAPE))),
            "crop to a quarter": lambda: consume(movie.crop((0, 200), (0, 320))),
        }
        print(f"{'job':<28}{'GB/s':>8}{'copy GB/s':>12}{'ratio':>8}")
        for title, job in jobs.items():
            ours, copied = best(job, copy)
            print(f"{title:<28}{size / ours / 1e9:>8.2f}{size / copied / 1e9:>12.2f}{copied / ours:>8.2f}")
        disk(movie, folder, size)
        memory(folder)
        planes(folder)


def disk(movie: isx.Movie, folder: Path, size: int) -> None:
    """Saving against the slower of reading the file anew and writing as many bytes durably."""
    output = folder / "saved.isxd"
    for title, view, written in (
        ("save", movie, size), ("bin(space=2).save", movie.bin(space=2), size // 4),
    ):  # fmt: skip

        def save(view: isx.Movie = view) -> None:
            view.save(output)
            output.unlink()

        def plain(written: int = written) -> None:
            block = bytes(1 << 22)
            with open(folder / "plain", "wb", buffering=0) as file:
                file.writelines(block for _ in range(written // len(block)))
                os.fsync(file.fileno())
            (folder / "plain").unlink()

        def read() -> None:
            with open(movie.file_path, "rb", buffering=0) as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                block = bytearray(1 << 22)
                while file.readinto(block):
                    pass

        def cold() -> None:
            with open(movie.file_path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            save()

        ours, write_only, read_only = best(cold, plain, read, repeat=3)
        slower = max(write_only, read_only)
        print(
            f"{title:<28}{ours:>8.2f} s; writing {write_only:.2f} s, reading {read_only:.2f} s: {slower / ours:.2f}x"
        )


def memory(folder: Path) -> None:
    """How much the process grows by processing movies of two lengths."""
    code = (
        "import sys, resource; sys.path.insert(0, sys.argv[1]); import isx; m = isx.Movie.read(sys.argv[2]);"
        "m.get_frame_data(0); a = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "m.bin(2, 4).dff().save(sys.argv[3]); m.project('std');"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - a) / 1024)"
    )
    for frames in (FRAMES, 4 * FRAMES):
        path = long_movie(folder / f"{frames}.isxd", frames)
        arguments = [
            sys.executable,
            "-c",
            code,
            str(Path(isx.__file__).parent),
            path,
            str(folder / f"{frames}o.isxd"),
        ]
        grown = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip()
        print(
            f"memory for {frames * SHAPE[0] * SHAPE[1] * 2 / 1e9:.1f} GB: {float(grown):.0f} MB more than before"
        )
        os.unlink(path)


def planes(folder: Path) -> None:
    """Finding the planes of 100,000 frames, beside reading their headers."""
    from openisx._views import interleaving

    movie = isx.Movie.read(three_planes(folder / "planes.isxd", 100_000))
    source: Any = movie._open_source()
    everything = np.arange(source.num_stored)
    headers = source.headers(everything)
    original, source.headers = source.headers, lambda _: headers
    (found,) = best(lambda: interleaving.find_interleaving(source))
    source.headers = original
    (split,) = best(movie.split)
    (read,) = best(lambda: source.headers(everything))
    print(
        f"planes of 100,000 frames: {found * 1e3:.1f} ms, reading headers {read * 1e3:.0f} ms, split {split * 1e3:.0f} ms"
    )
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
