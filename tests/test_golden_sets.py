"""Cell sets, event sets and vessel sets with the vendor's answers for every value (see data/sets/README.md)."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

import isx

DATA = Path(__file__).parent / "data" / "sets"
CELL_SETS = sorted(path.stem for path in DATA.glob("cellset*.isxd"))
EVENT_SETS = sorted(path.stem for path in DATA.glob("eventset*.isxd"))


def expected_of(name):
    return json.loads((DATA / f"{name}.expected.json").read_text(encoding="utf-8"))


def floats(values):
    """Numbers of an expected.json, where not-a-number and infinities are text."""
    return np.array(values, dtype=object).astype(np.float32)


def assert_timing(timing, expected):
    impl = timing._impl
    assert timing.num_samples == expected["num_samples"]
    assert [impl.step.num, impl.step.den] == expected["period"]
    start = impl.start
    assert [start.secs_since_epoch.num, start.secs_since_epoch.den] == expected["start"]
    assert start.utc_offset == expected["utc_offset"]
    assert timing.dropped == expected["dropped"]
    assert [list(pair) for pair in timing.cropped] == expected["cropped"]
    assert timing.blank == expected["blank"]


def assert_out_of_range(call, expected):
    with pytest.raises(isx.IsxIndexError) as error:
        call()
    assert expected["out_of_range"]["message"].partition("\n")[2] in str(error.value)


@pytest.mark.parametrize("name", CELL_SETS)
def test_cell_set(name):
    expected = expected_of(name)
    with isx.CellSet.read(DATA / f"{name}.isxd") as cells:
        count = expected["num_cells"]
        assert cells.num_cells == count
        assert_timing(cells.timing, expected["timing"])
        assert list(cells.spacing.num_pixels) == expected["num_pixels"]
        assert cells.mode == expected["mode"]
        assert [cells.get_cell_name(i) for i in range(count)] == expected["names"] == cells.names
        assert [cells.get_cell_status(i) for i in range(count)] == expected["statuses"] == cells.statuses
        for i in range(count):
            trace, image = cells.get_cell_trace_data(i), cells.get_cell_image_data(i)
            assert trace.dtype == image.dtype == np.float32
            assert trace.flags.writeable
            assert image.flags.c_contiguous
            np.testing.assert_array_equal(trace, floats(expected["traces"][i]))
            np.testing.assert_array_equal(image, floats(expected["images"][i]))
            np.testing.assert_array_equal(cells.traces[i], trace)
            np.testing.assert_array_equal(cells.footprints[i], image)
        assert cells.get_acquisition_info() == expected["acquisition_info"]
        assert_out_of_range(lambda: cells.get_cell_name(count), expected)
        assert_out_of_range(lambda: cells.get_cell_trace_data(count), expected)


def as_the_vendor_cuts(offsets):
    """The vendor passes offsets through seconds as a double, which loses a microsecond of some."""
    return (offsets.astype(np.float64) / 1e6 * 1e6).astype(np.uint64)


@pytest.mark.parametrize("name", EVENT_SETS)
def test_event_set(name):
    expected = expected_of(name)
    with isx.EventSet.read(DATA / f"{name}.isxd") as events:
        count = expected["num_cells"]
        assert events.num_cells == count
        assert_timing(events.timing, expected["timing"])
        assert [events.get_cell_name(i) for i in range(count)] == expected["names"]
        assert events.cell_dict == expected["cell_dict"]
        for i, (offsets, amplitudes) in enumerate(expected["events"]):
            got_offsets, got_amplitudes = events.get_cell_data(i)
            assert got_offsets.dtype == np.uint64
            assert got_amplitudes.dtype == np.float32
            np.testing.assert_array_equal(as_the_vendor_cuts(got_offsets), np.array(offsets, np.uint64))
            np.testing.assert_array_equal(got_amplitudes, floats(amplitudes))
        assert events.get_acquisition_info() == expected["acquisition_info"]
        assert_out_of_range(lambda: events.get_cell_data(count), expected)


OURS = b'"name": "isx",\n        "version": [\n            3,\n            0,\n            0\n'
VENDORS = b'"name": "isxcore",\n        "version": [\n            2,\n            0,\n            1\n'


def with_vendors_producer(path):
    """The bytes of one of our files as if the vendor had written it."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[-8:])
    body, text = data[: -9 - length], data[-9 - length : -9]
    assert OURS in text
    text = text.replace(OURS, VENDORS)
    return body + text + b"\0" + struct.pack("<Q", len(text))


@pytest.mark.parametrize("name", ["cellset_written", "cellset_empty"])
def test_write_cell_set(name, tmp_path):
    golden = isx.CellSet.read(DATA / f"{name}.isxd")
    cells = isx.CellSet.write(tmp_path / "new.isxd", golden.timing, golden.spacing)
    for i in range(golden.num_cells):
        cell_name = ["", None, golden.get_cell_name(i)][i]
        trace = np.nan_to_num(golden.get_cell_trace_data(i), nan=7)
        cells.set_cell_data(i, golden.get_cell_image_data(i), trace, cell_name)
    cells.flush()
    assert with_vendors_producer(tmp_path / "new.isxd") == (DATA / f"{name}.isxd").read_bytes()


def test_edit_cell_set(tmp_path):
    path = shutil.copy(DATA / "cellset_edited_before.isxd", tmp_path / "edited.isxd")
    with isx.CellSet.read(path, read_only=False) as cells:
        cells.set_cell_status(0, "accepted")
        cells.set_cell_status(2, "undecided")
    assert with_vendors_producer(path) == (DATA / "cellset_edited_after.isxd").read_bytes()
    with isx.CellSet.read(path, read_only=False) as cells:
        cells.set_cell_statuses({0: "undecided", 2: "rejected"})
        cells.set_cell_statuses(["accepted", "undecided", "undecided"])
    assert with_vendors_producer(path) == (DATA / "cellset_edited_after.isxd").read_bytes()


def test_write_event_set(tmp_path):
    golden = isx.EventSet.read(DATA / "eventset_written.isxd")
    events = isx.EventSet.write(tmp_path / "new.isxd", golden_event_timing(), golden.names)
    body = np.frombuffer((DATA / "eventset_written.isxd").read_bytes(), PACKET, 6)
    for cell in range(2):
        packets = body[body["channel"] == cell]
        events.set_cell_data(cell, packets["offset"].copy(), packets["value"].copy())
    events.flush()
    assert with_vendors_producer(tmp_path / "new.isxd") == (DATA / "eventset_written.isxd").read_bytes()


PACKET = np.dtype([("offset", "<u8"), ("channel", "<u8"), ("value", "<f4")])


def golden_event_timing():
    start = isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(1700000000123, 1000))
    return isx.Timing(40, isx.Duration._from_num_den(99922, 1000000), start)
