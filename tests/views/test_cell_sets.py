"""Cell sets whose samples are binned."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import isx


@pytest.fixture
def cells(tmp_path: Path) -> isx.CellSet:
    rng = np.random.default_rng(1)
    timing = isx.Timing(11, isx.Duration.from_msecs(50), dropped=[1, 4, 5], cropped=[[8, 9]])
    path = tmp_path / "cells.isxd"
    extra = {"animal": {"id": "m1"}, "idps": {"temporalDownsampling": 2, "efocus": 500}}
    with isx.CellSet.write(path, timing, isx.Spacing((4, 5)), extra_properties=extra) as new:
        for k in range(3):
            new.set_cell_data(k, rng.random((4, 5), np.float32), rng.random(11, np.float32), f"N{k}")
    with isx.CellSet.read(path, read_only=False) as edited:
        edited.set_cell_statuses(["accepted", "rejected", "undecided"])
    return isx.CellSet.read(path)


def test_means_of_the_samples_that_exist(cells: isx.CellSet) -> None:
    binned, traces = cells.bin(time=2), cells.traces
    expected = np.full((3, 5), np.nan, np.float32)
    expected[:, 0] = traces[:, 0]
    expected[:, 1] = traces[:, 2:4].mean(axis=1)
    expected[:, 3] = traces[:, 6:8].mean(axis=1)
    np.testing.assert_allclose(binned.traces, expected, rtol=1e-6)
    np.testing.assert_allclose(binned.get_cell_trace_data(2), expected[2], rtol=1e-6)
    np.testing.assert_array_equal(binned["N1"].trace, binned.traces[1])
    assert (binned.timing.dropped, binned.timing.cropped) == ([2], [(4, 4)])
    assert binned.timing.num_samples == 5
    assert binned.timing.period.ratio == isx.Duration.from_msecs(100).ratio
    np.testing.assert_array_equal(binned.footprints, cells.footprints)
    assert (binned.names, binned.statuses) == (cells.names, cells.statuses)
    assert binned.mode == "r"
    assert binned.file_path is None
    assert "'cells.isxd'.bin(time=2)" in repr(binned)
    assert "base64" in binned._repr_html_()
    with pytest.raises(isx.IsxStateError, match="read-only"):
        binned.set_cell_status(0, "accepted")


def test_binned_twice_saved_and_pickled(cells: isx.CellSet, tmp_path: Path) -> None:
    binned = cells.bin(time=2).bin(time=2)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(binned)).traces, binned.traces)
    binned.save(tmp_path / "binned.isxd")
    with isx.CellSet.read(tmp_path / "binned.isxd") as saved:
        np.testing.assert_array_equal(saved.traces, binned.traces)
        np.testing.assert_array_equal(saved.footprints, cells.footprints)
        assert saved.timing == binned.timing
        assert (saved.names, saved.statuses) == (cells.names, cells.statuses)
        assert saved.metadata is not None
        assert saved.metadata["extraProperties"]["idps"] == {"temporalDownsampling": 8, "efocus": 500}
        assert saved.metadata["extraProperties"]["animal"] == {"id": "m1"}
        assert saved.metadata["efocusValues"] == cells.metadata["efocusValues"]  # type: ignore[index]
    with pytest.raises(isx.IsxFileExistsError):
        binned.save(tmp_path / "binned.isxd")


@pytest.mark.parametrize("time", [0, -1, 12])
def test_factors_that_cannot_be(cells: isx.CellSet, time: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 to 11, the number of samples, not {time}"):
        cells.bin(time=time)
