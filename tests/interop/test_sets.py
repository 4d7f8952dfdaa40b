"""Cell sets, event sets and vessel sets against the vendor's package, in both directions, with random content."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import isx
from builders.isxd import metadata_of

NAMES = [
    "",
    "C0",
    "cell 1",
    'a,"b"',
    "back\\slash",
    "神経 7",
    "😀",
    "tab\there",
    "new\nline",
    "x/y",
    "é" * 100,
    "C0",
]
STATUSES = ["accepted", "undecided", "rejected"]

READ_CELLS = """
cells = isx.CellSet.read(path)
n = cells.num_cells
out = dict(
    timing=str(cells.timing), start=cells.timing.start._impl.secs_since_epoch.num, shape=cells.spacing.num_pixels,
    names=[cells.get_cell_name(i) for i in range(n)], statuses=[cells.get_cell_status(i) for i in range(n)],
    traces=[cells.get_cell_trace_data(i) for i in range(n)], images=[cells.get_cell_image_data(i) for i in range(n)],
    info=cells.get_acquisition_info(), text=str(cells),
)
"""

READ_EVENTS = """
events = isx.EventSet.read(path)
n = events.num_cells
out = dict(
    timing=str(events.timing), names=[events.get_cell_name(i) for i in range(n)], cells=events.cell_dict,
    data=[events.get_cell_data(i) for i in range(n)], info=events.get_acquisition_info(), text=str(events),
)
"""

READ_VESSELS = """
vessels = isx.VesselSet.read(path)
n = vessels.num_vessels
diameter = vessels.get_vessel_set_type().value == 0
maps = vessels.has_correlation_heatmaps()
out = dict(
    timing=str(vessels.timing), kind=vessels.get_vessel_set_type().name, maps=maps,
    names=[vessels.get_vessel_name(i) for i in range(n)], statuses=[vessels.get_vessel_status(i) for i in range(n)],
    images=[vessels.get_vessel_image_data(i) for i in range(n)],
    lines=[vessels.get_vessel_line_data(i) for i in range(n)],
    traces=[vessels.get_vessel_trace_data(i) for i in range(n)],
    second=[
        vessels.get_vessel_center_trace_data(i) if diameter else vessels.get_vessel_direction_trace_data(i)
        for i in range(n)
    ],
    heatmaps=[
        [vessels.get_vessel_correlations_data(i, f) for f in range(vessels.timing.num_samples)] if maps else []
        for i in range(n)
    ],
    info=vessels.get_acquisition_info(), text=str(vessels),
)
"""


def ours_of(code, path):
    scope = {"isx": isx, "np": np, "path": path}
    exec(code, scope)
    return scope["out"]


def assert_same(ours, theirs):
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for key in theirs:
            assert_same(ours[key], theirs[key])
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for mine, yours in zip(ours, theirs, strict=True):
            assert_same(mine, yours)
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
    else:
        assert ours == theirs


def cut(offsets):
    """What the vendor makes of stored offsets."""
    return (offsets / 1e6 * 1e6).astype(np.uint64)


def random_timing(rng, num_samples):
    """Constructor arguments of a timing, as plain numbers that both packages take."""
    picked = rng.permutation(num_samples)[: num_samples // 3]
    a, b = len(picked) // 3, 2 * len(picked) // 3
    crop = sorted(picked[b:].tolist())
    return {
        "num_samples": num_samples,
        "period": [(50, 1000), (33333, 1000000), (1, 3)][rng.integers(3)],
        "start": (int(rng.integers(0, 2 * 10**12)), 1000),
        "offset": int(rng.integers(-12, 13)) * 3600,
        "dropped": picked[:a].tolist(),
        "blank": picked[a:b].tolist(),
        "cropped": [[i, i] for i in crop],
    }


MAKE_TIMING = """
def make_timing(t):
    start = isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(*t["start"]), t["offset"])
    period = isx.Duration._from_num_den(*t["period"])
    return isx.Timing(t["num_samples"], period, start, t["dropped"], t["cropped"], t["blank"])
"""

WRITE_CELLS = (
    MAKE_TIMING
    + """
cells = isx.CellSet.write(path, make_timing(t), isx.Spacing(shape))
for i, (image, trace, name, status) in enumerate(content):
    cells.set_cell_data(i, image, trace, name)
    if status != "undecided" and i == len(content) - 1:
        cells.set_cell_status(i, status)
cells.flush()
del cells
cells = isx.CellSet.read(path, read_only=False)
for i, (_, _, _, status) in enumerate(content):
    cells.set_cell_status(i, status)
del cells
out = None
"""
)

WRITE_EVENTS = (
    MAKE_TIMING
    + """
events = isx.EventSet.write(path, make_timing(t), names)
for i, offsets, amplitudes in content:
    events.set_cell_data(i, offsets, amplitudes)
events.flush()
out = None
"""
)

WRITE_VESSELS = (
    MAKE_TIMING
    + """
vessels = isx.VesselSet.write(path, make_timing(t), isx.Spacing(shape), kind)
for i, (line, trace, second, maps, name) in enumerate(content):
    if kind == "vessel diameter":
        vessels.set_vessel_diameter_data(i, image, line, trace, second, name)
    else:
        vessels.set_rbc_velocity_data(i, image, line, trace, second, maps, name)
if statuses:
    vessels.set_vessel_status(len(content) - 1, statuses[-1])
vessels.flush()
out = None
"""
)


def write_with_ours(code, **inputs):
    exec(code, {"isx": isx, "np": np, **inputs})


def floats(rng, *shape):
    values = rng.normal(size=shape).astype(np.float32)
    values[rng.random(shape) < 0.05] = np.nan
    values[rng.random(shape) < 0.02] = np.inf
    return values


OURS = b'"name": "isx",\n        "version": [\n            3,\n            0,\n            0\n'
VENDORS = b'"name": "isxcore",\n        "version": [\n            2,\n            0,\n            1\n'


def assert_same_bytes(ours: Path, theirs: Path):
    mine, yours = ours.read_bytes(), theirs.read_bytes()
    assert mine[:-8].replace(OURS, VENDORS) == yours[:-8]
    assert int.from_bytes(yours[-8:], "little") - int.from_bytes(mine[-8:], "little") == len(VENDORS) - len(
        OURS
    )


@pytest.mark.parametrize("seed", range(12))
def test_cell_sets(vendor, tmp_path, seed):
    rng = np.random.default_rng(seed)
    count, num_samples = [0, 1, 3, 11, 12][seed % 5], int(rng.integers(1, 40))
    shape = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    content = [
        (
            floats(rng, *shape),
            floats(rng, num_samples),
            [None, *NAMES][rng.integers(len(NAMES) + 1)],
            STATUSES[rng.integers(3)],
        )
        for _ in range(count)
    ]
    inputs = {"t": random_timing(rng, num_samples), "shape": shape, "content": content}
    mine, yours = tmp_path / "mine.isxd", tmp_path / "yours.isxd"
    vendor.run(WRITE_CELLS if count else WRITE_CELLS.partition("del cells")[0], path=str(yours), **inputs)
    write_with_ours(WRITE_CELLS, path=str(mine), **inputs)
    assert_same_bytes(mine, yours)
    assert_same(ours_of(READ_CELLS, yours), vendor.run(READ_CELLS, path=str(yours)))
    assert_same(ours_of(READ_CELLS, mine), vendor.run(READ_CELLS, path=str(mine)))


@pytest.mark.parametrize("seed", range(12))
def test_event_sets(vendor, tmp_path, seed):
    rng = np.random.default_rng(100 + seed)
    names = [NAMES[i] for i in rng.permutation(len(NAMES) - 1)[: rng.integers(1, 8)]]
    t = random_timing(rng, int(rng.integers(1, 400)))
    content = []
    for i in rng.permutation(np.repeat(np.arange(len(names)), 2)).tolist():
        size = int(rng.integers(0, 40))
        content.append((i, rng.integers(0, 2_000_000, size).astype(np.uint64), floats(rng, size)))
    mine, yours = tmp_path / "mine.isxd", tmp_path / "yours.isxd"
    vendor.run(WRITE_EVENTS, path=str(yours), t=t, names=names, content=content)
    write_with_ours(WRITE_EVENTS, path=str(mine), t=t, names=names, content=content)
    assert_same_bytes(mine, yours)
    for path in (mine, yours):
        ours, theirs = ours_of(READ_EVENTS, path), vendor.run(READ_EVENTS, path=str(path))
        ours["data"] = [(cut(offsets), amplitudes) for offsets, amplitudes in ours["data"]]
        assert_same(ours, theirs)


@pytest.mark.parametrize("seed", range(12))
def test_vessel_sets(vendor, tmp_path, seed):
    rng = np.random.default_rng(200 + seed)
    count, num_samples = [0, 1, 2, 5][seed % 4], int(rng.integers(1, 12))
    shape = (int(rng.integers(1, 6)), int(rng.integers(1, 6)))
    kind = ["vessel diameter", "rbc velocity"][seed % 2]
    points = 2 if seed % 2 == 0 else 4
    has_maps = seed % 3 == 0
    content = []
    for _ in range(count):
        size = (num_samples, 3, int(rng.integers(1, 5)), int(rng.integers(1, 5)))
        maps = floats(rng, *size) if has_maps and points == 4 else None
        line = rng.integers(-5, 500, (points, 2)).astype(np.int64)
        name = [None, *NAMES][rng.integers(len(NAMES) + 1)]
        content.append((line, floats(rng, num_samples), floats(rng, num_samples), maps, name))
    inputs = {
        "t": random_timing(rng, num_samples),
        "shape": shape,
        "kind": kind,
        "image": floats(rng, *shape),
        "content": content,
        "statuses": [STATUSES[rng.integers(3)] for _ in range(count)],
    }
    mine, yours = tmp_path / "mine.isxd", tmp_path / "yours.isxd"
    vendor.run(WRITE_VESSELS, path=str(yours), **inputs)
    write_with_ours(WRITE_VESSELS, path=str(mine), **inputs)
    assert_same_bytes(mine, yours)
    assert_same(ours_of(READ_VESSELS, yours), vendor.run(READ_VESSELS, path=str(yours)))
    assert_same(ours_of(READ_VESSELS, mine), vendor.run(READ_VESSELS, path=str(mine)))


@pytest.mark.parametrize(
    "name",
    [
        "cellset_accepted_undecided_and_rejected_cells.isxd",
        "cellset_series_part1.isxd",
        "sample_eventset_msr_1.isxd",
    ],
)
def test_real_sets(vendor, name):
    folder = os.environ.get("ISX_REAL_RECORDINGS")
    if not folder or not (Path(folder) / name).exists():
        pytest.skip("ISX_REAL_RECORDINGS does not name a folder with this recording")
    path = Path(folder) / name
    code = READ_CELLS if name.startswith("cellset") else READ_EVENTS
    ours, theirs = ours_of(code, path), vendor.run(code, path=str(path))
    if code is READ_EVENTS:
        ours["data"] = [(cut(offsets), amplitudes) for offsets, amplitudes in ours["data"]]
    assert_same(ours, theirs)


@pytest.mark.parametrize("count", [1, 3, 12])
def test_sets_that_are_still_being_written(vendor, tmp_path, count):
    """The vendor reads a set whose writer lives and was not flushed once a status was set, and after every later call."""
    rng = np.random.default_rng(count)
    path = tmp_path / "s.isxd"
    cells = isx.CellSet.write(path, isx.Timing(num_samples=4), isx.Spacing((2, 3)))
    for i in range(count):
        cells.set_cell_data(i, floats(rng, 2, 3), floats(rng, 4), f"cell {i}")
    cells.set_cell_status(count - 1, "accepted")
    assert_same(ours_of(READ_CELLS, path), vendor.run(READ_CELLS, path=str(path)))
    cells.set_cell_data(count, floats(rng, 2, 3), floats(rng, 4), "one more")
    cells.set_cell_data(0, floats(rng, 2, 3), floats(rng, 4), "another")
    assert_same(ours_of(READ_CELLS, path), vendor.run(READ_CELLS, path=str(path)))
    cells.set_cell_status(0, "rejected")
    theirs = vendor.run(READ_CELLS, path=str(path))
    assert_same(ours_of(READ_CELLS, path), theirs)
    assert [cells.get_cell_status(i) for i in range(count + 1)] == theirs["statuses"]


@pytest.mark.parametrize("seed", range(4))
def test_edits(vendor, tmp_path, seed):
    """The same changes to the same file give the same bytes, and each side reads what the other edited."""
    rng = np.random.default_rng(300 + seed)
    count = int(rng.integers(1, 15))
    content = [(floats(rng, 2, 3), floats(rng, 4), f"cell {i}", "accepted") for i in range(count)]
    inputs = {"t": random_timing(rng, 4), "shape": (2, 3), "content": content}
    mine, yours = tmp_path / "mine.isxd", tmp_path / "yours.isxd"
    for path in (mine, yours):
        vendor.run(WRITE_CELLS, path=str(path), **inputs)
    changes = [(int(i), STATUSES[rng.integers(3)]) for i in rng.integers(0, count, 20)]
    last = (count - 1, -content[-1][0], -content[-1][1], "renamed")
    code = """
cells = isx.CellSet.read(path, read_only=False)
for i, status in changes:
    cells.set_cell_status(i, status)
cells.set_cell_data(*last)
cells.flush()
del cells
out = None
"""
    vendor.run(code, path=str(yours), changes=changes, last=last)
    write_with_ours(code, path=str(mine), changes=changes, last=last)
    ours, theirs = ours_of(READ_CELLS, mine), vendor.run(READ_CELLS, path=str(mine))
    assert_same(ours, theirs)
    assert metadata_of(mine) | {"producer": 0} == metadata_of(yours) | {"producer": 0}
    assert_same_bytes(mine, yours)


@pytest.mark.parametrize(
    "name", ["cellset_accepted_undecided_and_rejected_cells.isxd", "cellset_series_part1.isxd"]
)
def test_edits_of_real_sets(vendor, tmp_path, name):
    folder = os.environ.get("ISX_REAL_RECORDINGS")
    if not folder or not (Path(folder) / name).exists():
        pytest.skip("ISX_REAL_RECORDINGS does not name a folder with this recording")
    mine, yours = (
        Path(shutil.copyfile(Path(folder) / name, tmp_path / side)) for side in ("m.isxd", "y.isxd")
    )
    code = "cells = isx.CellSet.read(path, read_only=False); cells.set_cell_status(2, 'accepted'); del cells; out = 0"
    vendor.run(code, path=str(yours))
    write_with_ours(code, path=str(mine))
    # The vendor leaves the rest of a longer description behind a shorter one.
    text = yours.read_bytes()
    begin = text.rindex(b'{\n    "CellActivity"')
    theirs = json.loads(text[begin : text.index(b"\0", begin)])
    assert metadata_of(mine) | {"producer": 0} == theirs | {"producer": 0}
    assert mine.read_bytes()[:begin] == text[:begin]
    assert_same(ours_of(READ_CELLS, mine), vendor.run(READ_CELLS, path=str(mine)))
