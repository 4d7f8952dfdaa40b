"""Exporting event sets and cell sets as text, and cell sets as images and pictures.

The vendor's package cannot export cell sets; there the yardstick is ``DataFrame.to_csv`` with the same number
format, timed in the column of the vendor if the interpreter of this process has pandas.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
from compare import Benchmark, Side

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))
import isx

EVENTS = "isx.export_event_set_to_csv(path, out, sparse_output={table})"
CELLS = "isx.export_cell_set_to_csv_tiff(path, {csv}, {tiff})"
PANDAS_SETUP = """
import pandas as pd
cells = isx.CellSet.read(path)
frame = pd.DataFrame(cells.traces.T, columns=cells.names, index=np.arange(cells.timing.num_samples) * 0.05)
"""
PLOT = (
    "from isx.viz import plot_cell_set, save_figure; save_figure(plot_cell_set(isx.CellSet.read(path)), out)"
)


def write_events(path: Path, cells: int, events: int, samples: int) -> str:
    rng = np.random.default_rng(0)
    with isx.EventSet.write(path, isx.Timing(samples), [f"C{i}" for i in range(cells)]) as event_set:
        for i in range(cells):
            at = np.sort(rng.choice(samples, events, replace=False)).astype(np.uint64)
            event_set.set_cell_data(i, at * np.uint64(50_000), rng.normal(size=events).astype(np.float32))
    return str(path)


def write_cells(path: Path, cells: int, samples: int, shape: tuple[int, int]) -> str:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    with isx.CellSet.write(path, isx.Timing(samples), isx.Spacing(shape)) as cell_set:
        for i in range(cells):
            row, column = rng.uniform(0, shape)
            image = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 30).astype(np.float32)
            cell_set.set_cell_data(i, image, rng.normal(size=samples).astype(np.float32), f"C{i}")
    return str(path)


def main() -> None:
    bench = Benchmark("Exports of cell sets and event sets")
    outputs = bench.folder / "outputs"

    def clean() -> None:
        shutil.rmtree(outputs, ignore_errors=True)
        outputs.mkdir()

    out = str(outputs / "out.csv")
    path = write_events(bench.folder / "events.isxd", 100, 1000, 20_000)
    for name, table in (("table", True), ("list", False)):
        code = EVENTS.format(table=table)
        bench.run(f"event {name}, 100 cells x 1,000 events", code, path=path, out=out, before=clean, repeat=3)

    path = write_cells(bench.folder / "cells.isxd", 200, 20_000, (200, 300))
    code = CELLS.format(csv="out", tiff="''")
    bench.vendor = Side("pandas", sys.executable, str(Path(__file__).parent.parent / "src"))
    bench.run(
        "cell traces CSV, 200 x 20,000 (vendor column: pandas)",
        code,
        vendor_setup=PANDAS_SETUP,
        vendor_code="frame.to_csv(out, float_format='%.7g')",
        path=path,
        out=out,
        before=clean,
        repeat=3,
        fresh=True,
    )
    bench.vendor = None
    tiff = CELLS.format(csv="''", tiff="out")
    bench.run("200 footprints and map as TIFF", tiff, path=path, out=out[:-3] + "tif", before=clean, repeat=3)
    bench.run("picture of 200 cells", PLOT, path=path, out=out[:-3] + "png", before=clean, repeat=2)


if __name__ == "__main__":
    main()
