"""GPIO and IMU sets as text: golden files, several files, arguments."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import isx

CSV = Path(__file__).parent.parents[1] / "data" / "csv"
GPIO = Path(__file__).parent.parents[1] / "data" / "gpio"
CASES = [c for c in json.loads((CSV / "cases.json").read_text()) if c["fn"] == "export_gpio_set_to_csv"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_golden(case, tmp_path):
    inputs = [CSV / name for name in case["args"][0]]
    isx.export_gpio_set_to_csv(inputs, tmp_path / "out.csv", **case["kwargs"])
    assert (tmp_path / "out.csv").read_bytes() == (CSV / case["outputs"]["OUT"]).read_bytes()


def test_several_files_by_channel_then_file(tmp_path):
    one, two = GPIO / "nv3_no_header.gpio", GPIO / "nv3_no_header.gpio"
    isx.export_gpio_set_to_csv([one, two], tmp_path / "both.csv")
    isx.export_gpio_set_to_csv(one, tmp_path / "one.csv")
    single = (tmp_path / "one.csv").read_text().splitlines()
    doubled = (tmp_path / "both.csv").read_text().splitlines()
    assert doubled[0] == single[0]
    with isx.GpioSet.read(one) as gpio:
        counts = [len(gpio.get_channel_data(i)[0]) for i in range(gpio.num_channels)]
    expected, at = [], 1
    for count in counts:
        expected += 2 * single[at : at + count]
        at += count
    assert doubled[1:] == expected


def test_other_names_are_told(tmp_path):
    with pytest.warns(isx.IsxWarning, match="not called"):
        isx.export_gpio_set_to_csv([GPIO / "set_v1_analog.isxd", GPIO / "set_v1.isxd"], tmp_path / "x.csv")
    assert "chan 0" not in (tmp_path / "x.csv").read_text()


def test_fewer_channels(tmp_path):
    with pytest.raises(isx.IsxError, match="fewer than"):
        isx.export_gpio_set_to_csv([GPIO / "set_v1.isxd", GPIO / "set_v1_analog.isxd"], tmp_path / "x.csv")
    assert not list(tmp_path.iterdir())


def test_gpio_and_imu_do_not_mix(tmp_path):
    with pytest.raises(isx.IsxError, match="one table"):
        isx.export_gpio_set_to_csv([GPIO / "imu_no_mag.imu", GPIO / "set_v1.isxd"], tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([], "x.csv"), ValueError, "no input files"),
        (("in.gpio", "x.csv", "/tmp", "tsc"), ValueError, "Invalid setting for writeTimeRelativeTo"),
        (("in.gpio", "x.csv", "/tmp", "Start"), ValueError, "Unknown time_ref 'Start'"),
        (("in.gpio", "x.csv"), isx.IsxFileNotFoundError, "File does not exist: in.gpio"),
        (("in.gpio", "there.csv"), isx.IsxFileExistsError, "File already exists: there.csv"),
    ],
)
def test_arguments(arguments, error, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(error, match=text):
        isx.export_gpio_set_to_csv(*arguments)
    assert (tmp_path / "there.csv").read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["there.csv"]


def test_progress_and_interruption(tmp_path):
    seen = []
    isx.export_gpio_set_to_csv(
        GPIO / "nv3_all_kinds.gpio", tmp_path / "x.csv", progress=lambda *p: seen.append(p)
    )
    lines = (tmp_path / "x.csv").read_text().count("\n") - 1
    assert seen[-1] == (lines, lines)

    def stop(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isx.export_gpio_set_to_csv(GPIO / "nv3_all_kinds.gpio", tmp_path / "y.csv", progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]


def test_read_only_folder_and_same_name(tmp_path):
    """The vendor writes intermediate files under one name; two inputs of a name must not meet."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, case in zip(folders, ("nv3_no_header", "nv3_wrap"), strict=True):
        folder.mkdir()
        shutil.copy(GPIO / f"{case}.gpio", folder / "same.gpio")
    first = isx.GpioSet.read(folders[0] / "same.gpio")
    second = isx.GpioSet.read(folders[1] / "same.gpio")
    assert first.get_channel_data(0)[1].tolist() != second.get_channel_data(0)[1].tolist()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "same.gpio", "same.gpio"]


class TestImu:
    def test_isxd_and_imu_agree(self, tmp_path):
        isx.export_gpio_to_isxd(GPIO / "imu_basic.imu", tmp_path)
        isx.export_gpio_set_to_csv(tmp_path / "imu_basic_imu.isxd", tmp_path / "x.csv")
        assert (tmp_path / "x.csv").read_bytes() == (GPIO / "imu_basic.start.csv").read_bytes()

    def test_files_are_strung_together(self, tmp_path):
        isx.export_gpio_set_to_csv(
            [GPIO / "imu_basic.imu", GPIO / "imu_dropped.imu"], tmp_path / "x.csv", time_ref="unix"
        )
        rows = [line.split(", ") for line in (tmp_path / "x.csv").read_text().splitlines()[1:]]
        singles = []
        for case in ("imu_basic", "imu_dropped"):
            text = (GPIO / f"{case}.unix.csv").read_text().splitlines()[1:]
            singles.append([line.split(", ") for line in text])
        assert [row[:7] for row in rows] == [row[:7] for single in singles for row in single]
        right = [row[7:] for single in singles for row in single if row[7:]]
        assert [row[7:] for row in rows] == right + [[]] * (len(rows) - len(right))


def test_names_are_quoted(tmp_path):
    """RFC 4180 where the plain name would break the table."""
    from openisx._formats.isxd.container import trailer_bytes

    point = np.array([(5, 0, 1.5)], dtype=[("o", "<u8"), ("c", "<u8"), ("v", "<f4")])
    time = {"secsSinceEpoch": {"num": 0, "den": 1}, "utcOffset": 0}
    metadata = {
        "channel list": ['a,"b"\nc'],
        "fileType": 1,
        "fileVersion": 2,
        "global times": [time, time],
        "numSamples": [1],
        "signalSteps": [{"num": 1, "den": 1000}],
        "signalTypes": [0],
        "startOffsets": [5],
        "type": 3,
    }
    (tmp_path / "x.isxd").write_bytes(point.tobytes() + trailer_bytes(metadata))
    isx.export_gpio_set_to_csv(tmp_path / "x.isxd", tmp_path / "x.csv")
    expected = 'Time (s), Channel Name, Value\n5e-06, "a,""b""\nc", 1.5\n'
    assert (tmp_path / "x.csv").read_text() == expected
