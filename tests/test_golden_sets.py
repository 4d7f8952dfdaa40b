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


VESSEL_SETS = sorted(path.stem for path in DATA.glob("vesselset*.isxd"))


def assert_as_expected(call, expected):
    """`call` gives the expected values, or raises where the vendor does, with its text."""
    if isinstance(expected, dict):
        with pytest.raises(isx.IsxError) as error:
            call()
        assert expected["message"].partition("\n")[2] in str(error.value)
    else:
        values = call()
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, floats(expected))


@pytest.mark.parametrize("name", VESSEL_SETS)
def test_vessel_set(name):
    expected = expected_of(name)
    with isx.VesselSet.read(DATA / f"{name}.isxd") as vessels:
        count = expected["num_vessels"]
        kinds = isx.VesselSet.VesselSetType
        kind = {"rbc": kinds.RBC_VELOCITY, "diameter": kinds.VESSEL_DIAMETER}[expected["kind"]]
        assert vessels.num_vessels == count
        assert vessels.get_vessel_set_type() is kind
        assert_timing(vessels.timing, expected["timing"])
        assert list(vessels.spacing.num_pixels) == expected["num_pixels"]
        assert vessels.mode == expected["mode"]
        assert [vessels.get_vessel_name(i) for i in range(count)] == expected["names"] == vessels.names
        assert [vessels.get_vessel_status(i) for i in range(count)] == expected["statuses"]
        assert vessels.has_correlation_heatmaps() == expected["has_correlations"]
        for i in range(count):
            line = vessels.get_vessel_line_data(i)
            assert line.dtype == np.int64
            np.testing.assert_array_equal(line, expected["lines"][i])
            np.testing.assert_array_equal(vessels.lines[i], line)
            assert_as_expected(lambda i=i: vessels.get_vessel_image_data(i), expected["images"][i])
            assert_as_expected(lambda i=i: vessels.get_vessel_trace_data(i), expected["traces"][i])
            assert_as_expected(lambda i=i: vessels.get_vessel_center_trace_data(i), expected["centers"][i])
            assert_as_expected(lambda i=i: vessels.center_traces[i], expected["centers"][i])
            assert_as_expected(
                lambda i=i: vessels.get_vessel_direction_trace_data(i), expected["directions"][i]
            )
            assert_as_expected(lambda i=i: vessels.direction_traces[i], expected["directions"][i])
            heatmaps = expected["correlations"][i]
            assert_as_expected(lambda i=i: vessels.correlation_heatmaps(i), heatmaps)
            for frame in range(len(heatmaps)) if vessels.has_correlation_heatmaps() else ():
                maps = vessels.get_vessel_correlations_data(i, frame)
                np.testing.assert_array_equal(maps, floats(heatmaps[frame]))
        if count:
            np.testing.assert_array_equal(vessels.traces, floats(expected["traces"]))
            np.testing.assert_array_equal(vessels.image, floats(expected["images"][0]))
        assert vessels.get_acquisition_info() == expected["acquisition_info"]
        assert_out_of_range(lambda: vessels.get_vessel_name(count), expected)
        assert_out_of_range(lambda: vessels.get_vessel_trace_data(count), expected)


@pytest.mark.parametrize("name", ["vesselset_diameter_written", "vesselset_rbc_written", "vesselset_empty"])
def test_write_vessel_set(name, tmp_path):
    golden = isx.VesselSet.read(DATA / f"{name}.isxd")
    path = tmp_path / "new.isxd"
    diameter = golden.get_vessel_set_type() is isx.VesselSet.VesselSetType.VESSEL_DIAMETER
    kind = "vessel diameter" if diameter else "rbc velocity"
    vessels = isx.VesselSet.write(path, golden.timing, golden.spacing, kind)
    for i in range(golden.num_vessels):
        line, trace = golden.lines[i], np.nan_to_num(golden.traces[i], nan=5)
        if diameter:
            vessels.set_vessel_diameter_data(
                i, golden.image, line, trace, golden.center_traces[i], golden.names[i]
            )
        else:
            maps = golden.correlation_heatmaps(i)
            directions = golden.direction_traces[i]
            vessels.set_rbc_velocity_data(i, golden.image, line, trace, directions, maps, golden.names[i])
        vessels.set_vessel_status(i, golden.get_vessel_status(i))
    vessels.flush()
    assert with_vendors_producer(path) == (DATA / f"{name}.isxd").read_bytes()
    with isx.VesselSet.read(path, read_only=False) as edited:
        if edited.num_vessels:
            edited.set_vessel_status(1, "accepted")
            edited.set_vessel_status(1, "rejected")
    assert with_vendors_producer(path) == (DATA / f"{name}.isxd").read_bytes()
