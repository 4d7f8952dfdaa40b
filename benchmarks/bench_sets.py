"""Reading, writing and editing cell sets, event sets and vessel sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from compare import Benchmark
from make_files import write

from builders.isxd import instant
from builders.sets import PACKET, cell_members, event_members, timing


def cell_set(path: Path, count: int, shape: tuple[int, int], samples: int) -> str:
    rng = np.random.default_rng(0)
    image, trace = (
        rng.random(shape, dtype=np.float32).tobytes(),
        rng.random(samples, dtype=np.float32).tobytes(),
    )
    metadata = cell_members(
        count,
        shape,
        samples,
        CellNames=[f"C{i:04d}" for i in range(count)],
        CellStatuses=[1] * count,
        timingInfo=timing(samples, dropped=[], cropped=[], blank=[]),
    )
    return write(path, [image + trace] * count, metadata)


def event_set(path: Path, cells: int, events: int, *, mixed: bool = False) -> str:
    rng = np.random.default_rng(0)
    packets = np.empty(cells * events, PACKET)
    packets["channel"] = np.repeat(np.arange(cells), events)
    packets["offset"] = (np.tile(np.arange(events), cells) * 100_000) + 50_000
    packets["value"] = rng.random(len(packets))
    if mixed:
        packets = rng.permutation(packets)
    metadata = event_members(
        [f"C{i:04d}" for i in range(cells)],
        **{"global times": [instant(0), instant(events, 10)]},
        numSamples=[events] * cells,
        startOffsets=[50_000] * cells,
    )
    return write(path, [packets.tobytes()], metadata)


LOOP = "s = isx.CellSet.read(path); r = [s.get_cell_{0}_data(i) for i in range(s.num_cells)]"
EACH = "s = isx.CellSet.read(path)\nfor i in range(s.num_cells): s.get_cell_{0}_data(i)"
WRITE = """
s = isx.CellSet.write(path, isx.Timing(num_samples=trace.size), isx.Spacing(image.shape))
for i in range(n):
    s.set_cell_data(i, image, trace, 'C')
s.flush()
del s
"""
EVENTS = "s = isx.EventSet.read(path); r = [s.get_cell_data(i) for i in range(s.num_cells)]"
WRITE_EVENTS = """
s = isx.EventSet.write(path, isx.Timing(num_samples=100), names)
for i in range(len(names)):
    s.set_cell_data(i, offsets, values)
s.flush()
del s
"""
STATUSES = """
s = isx.CellSet.read(path, read_only=False)
for i in range(s.num_cells):
    s.set_cell_status(i, status)
del s
"""


def main() -> None:
    bench = Benchmark("Cell sets and event sets")
    folder = bench.folder
    traces = cell_set(folder / "traces.isxd", 500, (50, 50), 40_000)
    images = cell_set(folder / "images.isxd", 300, (400, 400), 2_000)
    many = cell_set(folder / "many.isxd", 500, (10, 10), 10)
    out = folder / "out.isxd"

    def fresh() -> None:
        out.unlink(missing_ok=True)

    read = "s = isx.CellSet.read(path); "
    loop_traces, loop_images = LOOP.format("trace"), LOOP.format("image")
    bench.run("open a cell set of 500 cells", read, path=many)
    bench.run("traces of 500 cells x 40,000, cell by cell", loop_traces, path=traces)
    bench.run("the same, each dropped before the next", EACH.format("trace"), path=traces)
    bench.run(
        "the same at once, copied", read + "r = np.array(s.traces)", vendor_code=loop_traces, path=traces
    )
    bench.run("the same at once, as a view", read + "r = s.traces", vendor_code=loop_traces, path=traces)
    bench.run(
        "mean trace of 500 cells x 40,000",
        read + "r = s.traces.mean(axis=0)",
        vendor_code=loop_traces + "; r = np.mean(r, axis=0)",
        path=traces,
    )
    bench.run(
        "largest value of 300 footprints of 400 x 400",
        read + "r = s.footprints.max(axis=(1, 2))",
        vendor_code=loop_images + "; r = np.max(r, axis=(1, 2))",
        path=images,
    )
    bench.run("footprints of 300 cells of 400 x 400, cell by cell", loop_images, path=images)
    bench.run("the same, each dropped before the next", EACH.format("image"), path=images)
    bench.run(
        "the same at once, copied", read + "r = np.array(s.footprints)", vendor_code=loop_images, path=images
    )
    bench.run("the same at once, as a view", read + "r = s.footprints", vendor_code=loop_images, path=images)

    rng = np.random.default_rng(0)
    for count, side, samples in ((500, 50, 10_000), (200, 500, 5_000)):
        image, trace = rng.random((side, side), dtype=np.float32), rng.random(samples, dtype=np.float32)
        bench.run(
            f"write {count} cells of {side} x {side} and {samples:,} samples",
            WRITE,
            before=fresh,
            path=str(out),
            image=image,
            trace=trace,
            n=count,
            repeat=3,
        )
    for status in ("accepted", "rejected"):
        bench.run("set the status of 500 cells one by one", STATUSES, path=many, status=status, repeat=2)

    small, large = (event_set(folder / f"{n}.isxd", n, m) for n, m in ((100, 1_000), (500, 2_000)))
    mixed = event_set(folder / "mixed.isxd", 500, 2_000, mixed=True)
    bench.run("events of 100 cells x 1,000", EVENTS, path=small, repeat=2)
    bench.run("events of 500 cells x 2,000", EVENTS, vendor_code="", path=large)
    bench.run("events of 500 cells x 2,000, mixed", EVENTS, vendor_code="", path=mixed)
    bench.run(
        "one table of 500 cells x 2,000 events",
        "r = isx.EventSet.read(path).events",
        vendor_code="",
        path=large,
    )
    bench.run(
        "500 cells x 2,000 events on 4,000 samples",
        "r = isx.EventSet.read(path).binned()",
        vendor_code="",
        path=large,
    )
    offsets = np.arange(2_000, dtype=np.uint64) * 50_000
    bench.run(
        "write 500 cells x 2,000 events",
        WRITE_EVENTS,
        before=fresh,
        path=str(out),
        names=[f"C{i}" for i in range(500)],
        offsets=offsets,
        values=rng.random(2_000, dtype=np.float32),
        repeat=2,
    )


if __name__ == "__main__":
    main()
