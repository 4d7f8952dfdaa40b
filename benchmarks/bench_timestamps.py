"""Hardware time stamps to tables, and aligning start times.

python benchmarks/bench_timestamps.py --vendor-python VENV/bin/python
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from compare import Benchmark
from make_files import write

from builders.movie import header_line
from builders.movies import metadata

FIRST = 459_472_000_000


def microscope(path: Path, frames: int) -> str:
    """A movie of 2 x 2 pixels with frame headers; only the time stamps differ between frames."""
    counters = FIRST + np.cumsum(np.random.default_rng(0).integers(49_000, 51_000, frames))
    recorded = {
        "processingInterface": {"recordingUUID": "R"},
        "producer": {"name": "nVista", "version": "1.1.1"},
    }
    members = metadata((2, 2), "uint16", frames, hasFrameHeaderFooter=True, extraProperties=recorded)
    pixels_and_footer = bytes(8 + 5120)
    return write(path, (header_line(counter) + pixels_and_footer for counter in counters.tolist()), members)


def main() -> None:
    bench = Benchmark("Time stamps")
    for frames in (10_000, 100_000):
        movie = microscope(bench.folder / f"{frames}.isxd", frames)
        for time_ref in ("start", "unix", "tsc"):
            output = bench.folder / "o.csv"
            bench.run(
                f"{frames:,} time stamps to CSV, {time_ref}",
                f"isx.export_movie_timestamps_to_csv(movie, output, {time_ref!r})",
                setup="if os.path.exists(output): os.unlink(output)",
                repeat=5 if frames < 50_000 else 3,
                movie=movie,
                output=str(output),
            )
    big = str(bench.folder / "100000.isxd")
    bench.run(
        "aligned table of two movies of 100,000 frames",
        "isx.export_aligned_timestamps(movie, [movie, movie], 'a', ['b', 'c'], output)",
        repeat=2,
        movie=big,
        output=str(bench.folder / "a.csv"),
    )


if __name__ == "__main__":
    main()
