"""Damaged cell sets, event sets and vessel sets: reading ends in data or in an IsxError."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

import isx
from builders.isxd import isxd, parts

DATA = Path(__file__).parent.parent / "data" / "sets"
FILES = [
    "cellset_metrics.isxd",
    "cellset_version0.isxd",
    "eventset_first_layout.isxd",
    "eventset_written.isxd",
    "vesselset_diameter_no_center.isxd",
    "vesselset_rbc_written.isxd",
]
JUNK: list[object] = [None, True, -1, 3.7, 2**70, 1e308, "x", [], [None], [2**40], {}]

pytestmark = pytest.mark.filterwarnings("ignore::isx.IsxWarning")


def use(path: Path, name: str) -> None:
    """Open a file as what it was, and ask for everything."""
    if name.startswith("cellset"):
        with isx.CellSet.read(path) as cells:
            for i in range(min(cells.num_cells, 5)):
                cells.get_cell_name(i)
                assert cells.get_cell_trace_data(i).shape == (cells.timing.num_samples,)
                assert cells.get_cell_image_data(i).shape == cells.spacing.num_pixels
            assert len(cells.traces) == len(cells.footprints) == cells.num_cells
            assert len(cells.colors) == len(cells.active) == cells.num_cells
            cells.get_acquisition_info()
            ask(lambda: cells.statuses)
            ask(lambda: cells.metrics)
    elif name.startswith("eventset"):
        with isx.EventSet.read(path) as events:
            for i in range(events.num_cells):
                offsets, amplitudes = events.get_cell_data(i)
                assert len(offsets) == len(amplitudes)
            ask(lambda: events.metrics)
            events.get_acquisition_info()
    else:
        with isx.VesselSet.read(path) as vessels:
            assert len(vessels.traces) == len(vessels.lines) == vessels.num_vessels
            for i in range(min(vessels.num_vessels, 5)):
                vessels.get_vessel_image_data(i)
                vessels.get_vessel_line_data(i)
                ask(lambda: vessels.center_traces)
                ask(lambda: vessels.direction_traces)
                ask(lambda i=i: vessels.correlation_heatmaps(i))
            vessels.get_acquisition_info()
            ask(lambda: vessels.statuses)


def ask(question) -> None:
    with contextlib.suppress(isx.IsxError):
        question()


def survives(path: Path, name: str, data: bytes) -> None:
    path.write_bytes(data)
    with contextlib.suppress(isx.IsxError):
        use(path, name)


def whole(body: bytes, metadata: object) -> bytes:
    return isxd(body, json.dumps(metadata, separators=(",", ":")).encode())


@pytest.mark.parametrize("name", FILES)
def test_cut_at_every_byte(name, tmp_path):
    data = whole(*parts(DATA / name))
    path = tmp_path / "cut.isxd"
    path.write_bytes(data)
    use(path, name)
    for size in range(len(data) - 1, -1, -1):
        os.truncate(path, size)
        with pytest.raises(isx.IsxFormatError):
            use(path, name)


@pytest.mark.parametrize("name", FILES)
def test_bytes_missing_at_the_start(name, tmp_path):
    data = (DATA / name).read_bytes()
    for size in (1, 3, 4, 8, 20, 24, 100, 168, len(data) // 2, len(data) - 12):
        survives(tmp_path / "cut.isxd", name, data[size:])


@pytest.mark.parametrize("name", FILES)
def test_flipped_bytes(name, tmp_path):
    rng = np.random.default_rng(1)
    data = (DATA / name).read_bytes()
    for _ in range(150):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        survives(tmp_path / "damaged.isxd", name, bytes(damaged))


@pytest.mark.parametrize("name", FILES)
def test_missing_and_mistyped_members(name, tmp_path):
    body, metadata = parts(DATA / name)

    def variants(value, depth=0):
        if not isinstance(value, (dict, list)):
            return
        for key in list(value) if isinstance(value, dict) else range(min(len(value), 2)):
            kept = value[key]
            for junk in JUNK if depth < 2 else JUNK[:4]:
                value[key] = junk
                yield
            value[key] = kept
            yield from variants(kept, depth + 1)
        if isinstance(value, dict):
            for key in list(value):
                kept = value.pop(key)
                yield
                value[key] = kept
        else:
            value.append(value[0] if value else 0)
            yield
            value.pop()
            if value:
                last = value.pop()
                yield
                value.append(last)

    tried = 0
    for _ in variants(metadata):
        survives(tmp_path / "changed.isxd", name, whole(body, metadata))
        tried += 1
    assert tried > 100
    assert metadata == parts(DATA / name)[1]


@pytest.mark.parametrize("name", FILES)
def test_absurd_counts(name, tmp_path):
    body, metadata = parts(DATA / name)
    text = json.dumps(metadata)
    assert '": ' in text
    for number in ("4294967295", "9223372036854775807"):
        for key in ("numTimes", "x", "y", "num", "den", "Number of Packets"):
            changed = text.replace(f'"{key}": ', f'"{key}": {number}').encode()  # more digits in front
            data = isxd(body, changed)
            survives(tmp_path / "absurd.isxd", name, data)
