"""Cell maps: time and peak memory."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from compare import Benchmark


def write_cells(path: Path, count: int, shape: tuple[int, int], samples: int) -> str:
    """A cell set with one round footprint per cell, written without either package."""
    one = {"num": 1, "den": 1}
    square = {"x": one, "y": one}
    metadata = {
        "CellActivity": [],
        "CellColors": [],
        "CellNames": [f"C{i}" for i in range(count)],
        "CellStatuses": [0] * count,
        "CentroidDistances": [],
        "Matches": [],
        "PairScores": [],
        "SizeGlobalCS": 0,
        "cellMetrics": None,
        "dataType": "float",
        "efocusValues": [0],
        "extraProperties": None,
        "fileVersion": 5,
        "isRoiSet": False,
        "spacingInfo": {
            "numPixels": {"x": shape[1], "y": shape[0]},
            "pixelSize": square,
            "topLeft": square,
        },
        "timingInfo": {
            "numTimes": samples,
            "period": one,
            "start": {"secsSinceEpoch": one, "utcOffset": 0},
            "dropped": [],
            "cropped": [],
            "blank": [],
        },
        "type": 1,
    }
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    trace = np.ones(samples, "<f4")
    with path.open("wb") as file:
        for _ in range(count):
            y, x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
            file.write(np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / 150).astype("<f4").data)
            file.write(trace.data)
        text = json.dumps(metadata).encode()
        file.write(text + b"\0" + struct.pack("<Q", len(text)))
    return str(path)


def main() -> None:
    bench = Benchmark("Cell maps")
    out = bench.folder / "map.tif"
    for shape in ((540, 640), (800, 1280)):
        path = write_cells(bench.folder / "cells.isxd", 200, shape, 10_000)
        for options in ("", ", cell_thresh=None", ", cell_thresh=0.5, binary=True"):
            bench.run(
                f"200 cells of {shape[1]} x {shape[0]}{options}",
                f"isx.create_cell_map(path, output_tiff_cell_map_file=out{options})",
                before=lambda: out.unlink(missing_ok=True),
                repeat=3,
                fresh=True,
                path=path,
                out=str(out),
            )


if __name__ == "__main__":
    main()
