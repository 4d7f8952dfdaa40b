"""Hardware time stamps to tables, and aligning start times.

python benchmarks/bench_timestamps.py --vendor-python VENV/bin/python
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from compare import Benchmark

FIRST = 459_472_000_000


def microscope(path: Path, frames: int) -> str:
    """A movie of 2 x 2 pixels with frame headers; only the time stamps differ between frames."""
    ratio = lambda num, den=1: {"num": num, "den": den}  # noqa: E731
    square = lambda num: {"x": ratio(num), "y": ratio(num)}  # noqa: E731
    counters = FIRST + np.cumsum(np.random.default_rng(0).integers(49_000, 51_000, frames))
    metadata = {
        "dataType": 0,
        "extraProperties": {
            "processingInterface": {"recordingUUID": "R"},
            "producer": {"name": "nVista", "version": "1.1.1"},
        },
        "fileVersion": 1,
        "hasFrameHeaderFooter": True,
        "spacingInfo": {"numPixels": {"x": 2, "y": 2}, "pixelSize": square(3), "topLeft": square(0)},
        "timingInfo": {
            "blank": [],
            "cropped": [],
            "dropped": [],
            "numTimes": frames,
            "period": ratio(50, 1000),
            "start": {"secsSinceEpoch": ratio(1_600_000_000_000, 1000), "utcOffset": 0},
        },
        "type": 0,
    }
    text = json.dumps(metadata, indent=4, sort_keys=True).encode()
    frame = np.zeros((5120 * 2 + 8) // 2, np.uint16)
    with path.open("wb") as file:
        for counter in counters.tolist():
            frame[1272:1280] = [((counter >> (8 * k)) & 0xFF) << 4 for k in range(8)]
            file.write(frame.data)
        file.write(text + b"\0" + struct.pack("<Q", len(text)))
    return str(path)


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
