"""Damaged files through the exports and the alignment: data or an IsxError, and no file is ever harmed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import isx
from builders.paired import behavior, gpio, microscope
from openisx.sync import plan_start_times

BOX = {
    "box": [1, 2, 30, 40],
    "conf": 9,
    "zones": [{"id": 3, "name": "z", "event": "e", "trig": "softTrig-1"}],
}
ZONES = [
    {
        "id": 3,
        "name": "z",
        "description": "",
        "enable": True,
        "geometry": {"type": "ellipse", "coordinates": [[5, 6]], "properties": {"majorAxis": 9, "angle": 3}},
    }
]


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originals")
    section = [{"cameraName": "top", "zones": ZONES}]
    return {
        "isxd": microscope(
            folder / "m.isxd", [12_000_000, 12_050_000, 12_100_000], num_samples=4, dropped=[1]
        ),
        "isxb": behavior(
            folder / "b.isxb", [11_000_000, 11_050_000], trackers=[BOX, None], trackingInterface=section
        ),
        "gpio": gpio(folder / "g.isxd", points=[(0, 5, 1.0), (2, 7, 2.0)]),
    }


def mutations(data, rng, count):
    """Cut files, and files with single bytes changed; the metadata are hit more often than pixels."""
    for size in sorted(
        {*rng.integers(0, len(data), count // 4).tolist(), len(data) - 1, len(data) - 9, 0, 96}
    ):
        yield data[:size]
    for _ in range(count):
        changed = bytearray(data)
        low = max(0, len(data) - 2500) if rng.integers(2) else 0
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(low, len(data)))
            changed[at] = int(rng.choice([0, 0xFF, ord("9"), ord("-"), ord('"'), ord("["), changed[at] ^ 1]))
        yield bytes(changed)


def attempt(call, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            call(*args)
        except (isx.IsxError, ValueError):
            return False
    return True


@pytest.mark.parametrize("kind", ["isxd", "isxb"])
def test_aligning_damaged_files(tmp_path, originals, kind):
    rng = np.random.default_rng(1)
    path = tmp_path / f"x.{kind}"
    aligned = 0
    for data in mutations(originals[kind].read_bytes(), rng, 150):
        path.write_bytes(data)
        planned = attempt(plan_start_times, originals["gpio"], path)
        assert path.read_bytes() == data
        done = attempt(isx.align_start_times, originals["gpio"], path)
        assert done == planned
        if not done:
            assert path.read_bytes() == data
            continue
        aligned += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            after = isx.Movie.read(path)
            path.write_bytes(data)
            before = isx.Movie.read(path)
            assert (len(after), after.timing.period) == (len(before), before.timing.period)
            isx.align_start_times(originals["gpio"], path)
            assert not any(start.changes for start in plan_start_times(originals["gpio"], path))
    assert aligned > 20
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize("kind", ["isxd", "isxb", "gpio"])
def test_exports_of_damaged_files(tmp_path, originals, kind):
    rng = np.random.default_rng(2)
    path = tmp_path / f"x.{'isxb' if kind == 'isxb' else 'isxd'}"
    output = tmp_path / "o.csv"
    other = originals["isxd" if kind == "gpio" else "gpio"]
    table: dict[str, list[Any]] = {
        "isxd": [(isx.export_movie_timestamps_to_csv, path, output)],
        "isxb": [
            (isx.export_movie_timestamps_to_csv, path, output, "unix"),
            (isx.export_nvision_movie_tracking_frame_data_to_csv, path, output),
            (isx.export_nvision_movie_tracking_zone_data_to_csv, path, output),
        ],
        "gpio": [],
    }
    calls = table[kind]
    calls.append((isx.export_aligned_timestamps, path, other, "a", "b", output))
    done = 0
    for data in mutations(originals[kind].read_bytes(), rng, 100):
        path.write_bytes(data)
        for call in calls:
            output.unlink(missing_ok=True)
            worked = attempt(*call)
            assert output.exists() == worked
            done += worked
    assert done > (0 if kind == "gpio" else 20)  # hardly a byte of the GPIO file may change


def test_videos_of_damaged_files(tmp_path, originals):
    pytest.importorskip("av")
    rng = np.random.default_rng(3)
    for kind in ("isxd", "isxb"):
        path, output = tmp_path / f"x.{kind}", tmp_path / "o.mp4"
        for data in mutations(originals[kind].read_bytes(), rng, 40):
            path.write_bytes(data)
            output.unlink(missing_ok=True)
            assert attempt(isx.export_movie_to_mp4, path, output) == output.exists()


def test_damaged_ethovision_tables(tmp_path, originals):
    pytest.importorskip("pandas")
    table, output = tmp_path / "t.csv", tmp_path / "o.csv"
    good = b'"Number of header lines:","4",""\n"a","b",""\n"Time","X","Note"\n"s","cm",""\n0.0,-,"a,b"\n0.1,2.5,x\n'
    for data in mutations(good, np.random.default_rng(4), 100):
        table.write_bytes(data)
        output.unlink(missing_ok=True)
        call = (
            isx.export_ethovision_data_with_isxb_timestamps,
            table,
            originals["isxb"],
            output,
            None,
            "tsc",
        )
        assert attempt(*call) == output.exists()
