"""Cell maps: time and peak memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from compare import Benchmark
from make_files import write

from builders.sets import cell_members


def write_cells(path: Path, count: int, shape: tuple[int, int], samples: int) -> str:
    """A cell set with one round footprint per cell."""
    return write(
        path, cells(count, shape, samples), cell_members(count, shape, samples, CellStatuses=[0] * count)
    )


def cells(count: int, shape: tuple[int, int], samples: int) -> Iterator[memoryview]:
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    trace = np.ones(samples, "<f4")
    for _ in range(count):
        y, x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        yield np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / 150).astype("<f4").data
        yield trace.data


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
