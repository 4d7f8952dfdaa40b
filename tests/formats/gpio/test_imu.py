"""`.imu` files, built record by record."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import isx

sys.path.insert(0, str(Path(__file__).parent.parents[1]))
from builders import gpio as make

ACC = np.array([[16384, -16384, 1], [2, 3, 4], [5, 6, 7]])
ORI = np.array([[2048, -2048, 1], [1024, 0, -1], [3, 4, 5]])
MAG = np.array([[-32768, 0, 32767]])


def session(**timing):
    base = {
        "start": make.instant(1581619401465, utc=-28800),
        "end": make.instant(1581619401465 + 62),
        "accelerometer": make.sensor((20570732, 1000000), 3),
        "magnetometer": make.sensor((411414640, 1000000), 1),
    }
    return {"timingInfo": base | timing, "name": "walk"}


def read(tmp_path, *parts, damaged="", **options):
    (tmp_path / "x.imu").write_bytes(make.imu_file(*parts, **options))
    if not damaged:
        return isx.GpioSet.read(tmp_path / "x.imu")
    with pytest.warns(isx.IsxWarning, match=damaged):
        return isx.GpioSet.read(tmp_path / "x.imu")


def test_values(tmp_path):
    gpio = read(tmp_path, ACC, MAG, ORI, session(), gap=5)
    assert gpio.is_imu
    data = [gpio.get_channel_data(i) for i in range(9)]
    assert data[0][0].tolist() == data[5][0].tolist() == [0, 20571, 41141]
    np.testing.assert_array_equal([values for _, values in data[:3]], ACC.T / np.float32(16384))
    np.testing.assert_array_equal([values for _, values in data[3:6]], ORI.T / np.float32(2048))
    assert [values.tolist() for _, values in data[6:]] == [[-32768], [0], [32767]]
    assert gpio.timing.num_samples == 4  # 62 ms of 20.57 ms
    assert gpio.timing.start._impl.utc_offset == -28800
    assert gpio.get_acquisition_info() == {"Session Name": "walk"}
    assert gpio.first_timestamp is None
    assert [c.unit for c in gpio.channels.values()] == ["g"] * 3 + ["rad"] * 3 + ["counts"] * 3
    assert all(c.kind == "analog" and c.dense for c in gpio.channels.values())


def test_long_recording_offsets(tmp_path):
    """The offsets of the specification's example, from doubles of absolute times."""
    axes = np.zeros((10, 3))
    gpio = read(tmp_path, axes, MAG, axes, session(accelerometer=make.sensor((20570732, 1000000), 10)))
    expected = [0, 20571, 41141, 61712, 82283, 102853, 123424, 143995, 164566, 185136]
    assert gpio.get_channel_data(0)[0].tolist() == expected


def test_dropped(tmp_path):
    timing = session(
        accelerometer=make.sensor((20, 1), 5, [3, 0, 3, 99]), magnetometer=make.sensor((400, 1), 2, [0])
    )
    gpio = read(tmp_path, ACC, MAG, ORI, timing)
    np.testing.assert_array_equal(gpio.get_channel_data(1)[1] * 16384, [np.nan, -16384, 3, np.nan, 6])
    np.testing.assert_array_equal(gpio.get_channel_data(3)[1], [np.nan, 1, 0.5, np.nan, np.float32(3 / 2048)])
    np.testing.assert_array_equal(gpio.get_channel_data(8)[1], [np.nan, 32767])


def test_converted_set_is_in_counts_but_tables_in_g(tmp_path):
    gpio = read(tmp_path, ACC, MAG, ORI, session())
    isx.export_gpio_to_isxd(tmp_path / "x.imu", tmp_path)
    converted = isx.GpioSet.read(tmp_path / "x_imu.isxd")
    assert converted.get_channel_data(0)[1].tolist() == [16384, 2, 5]
    assert converted.is_imu
    np.testing.assert_array_equal(converted["Acc x"].values, gpio["Acc x"].values)
    assert converted["Acc x"].range == (2 / 16384, 1.0)


def test_table(tmp_path):
    pytest.importorskip("pandas")
    table = read(tmp_path, ACC, MAG, ORI, session()).to_dataframe()
    assert list(table.columns[:3]) == ["Time (s)", "Acc x (g)", "Acc y (g)"]
    assert list(table.columns[4:]) == [
        "Ori yaw (rad)", "Ori pitch (rad)", "Ori roll (rad)",
        "Mag x (counts)", "Mag y (counts)", "Mag z (counts)",
    ]  # fmt: skip
    np.testing.assert_array_equal(table["Time (s)"], [0, 0.020571, 0.041141])
    np.testing.assert_array_equal(table["Mag z (counts)"], np.float32([32767, np.nan, np.nan]))
    np.testing.assert_array_equal(table["Acc x (g)"], gpio_g := np.float32([1, 2 / 16384, 5 / 16384]))
    assert gpio_g.dtype == table["Acc x (g)"].dtype


def test_too_few_records(tmp_path):
    timing = session(accelerometer=make.sensor((20, 1), 5))
    gpio = read(tmp_path, ACC, MAG, ORI[:1], timing, damaged="6 announced samples missing")
    np.testing.assert_array_equal(gpio.get_channel_data(2)[1] * 16384, [1, 4, 7, np.nan, np.nan])
    np.testing.assert_array_equal(np.isnan(gpio.get_channel_data(3)[1]), [False, True, True, True, True])


@pytest.mark.parametrize("counts", [(2**60, 2**63, 2**64 - 1), (0, 0, 0)])
def test_counts_that_cannot_be(tmp_path, counts):
    damaged = "announced samples missing" if counts[0] == 0 else ""
    gpio = read(tmp_path, ACC, MAG, ORI, session(), counts=counts, damaged=damaged)
    assert np.isnan(gpio.get_channel_data(0)[1]).all() == (counts[0] == 0)


@pytest.mark.parametrize(
    "timing",
    [
        session(accelerometer=make.sensor((20, 1), 10**15)),
        session(accelerometer=make.sensor((20, 1), -1)),
        session(accelerometer={"periodMs": {"num": 20, "den": 1}, "numTimes": 3}),
        session(accelerometer=None),
        session(start=None),
        session(end=None),
        {"timingInfo": []},
        {},
        [],
        None,
        7,
    ],
)
def test_timing_that_cannot_be_read(tmp_path, timing):
    gpio = read(tmp_path, ACC, MAG, ORI, timing, damaged="timing of its samples cannot be read")
    assert gpio.num_channels == 9
    assert [len(gpio.get_channel_data(i)[0]) for i in range(9)] == [0] * 9
    assert gpio.timing.period.secs_float == 0.001


def test_end_before_start(tmp_path):
    gpio = read(tmp_path, ACC, MAG, ORI, session(end=make.instant(5)), damaged="ended before it started")
    assert gpio.timing.num_samples == 0
    assert len(gpio["Acc x"].values) == 3


def test_numerators_beyond_64_bits(tmp_path):
    start = make.instant(2**62, 2**61 - 1)
    gpio = read(
        tmp_path, ACC, MAG, ORI, session(start=start, end=start, accelerometer=make.sensor((20, 3), 3))
    )
    assert gpio.get_channel_data(0)[0].tolist() == [0, 6666, 13333]


@pytest.mark.parametrize(
    ("timing", "text"),
    [
        (session(start=make.instant(5, 0)), "Division by zero"),
        (session(accelerometer=make.sensor((20, 0), 3)), "Division by zero"),
        (session(accelerometer=make.sensor((-20, 1), 3)), "cannot be right"),
        (b"", "Error parsing extra properties"),
        (b"\0" * 50, "Error parsing extra properties"),
        (b'{"timingInfo": ', "Error parsing extra properties"),
    ],
)
def test_refused(tmp_path, timing, text):
    with pytest.raises(isx.IsxFormatError, match=text):
        read(tmp_path, ACC, MAG, ORI, timing)


def test_shorter_than_the_header(tmp_path):
    for size in (0, 50, 111):
        (tmp_path / "x.imu").write_bytes(bytes(size))
        with pytest.raises(isx.IsxFormatError, match="Error parsing extra properties"):
            isx.GpioSet.read(tmp_path / "x.imu")


def test_magnetometer_beyond_the_accelerometer_in_csv(tmp_path):
    timing = session(accelerometer=make.sensor((400, 1), 1), magnetometer=make.sensor((400, 1), 2))
    read(tmp_path, ACC[:1], np.arange(6), ORI[:1], timing)
    isx.export_gpio_set_to_csv(tmp_path / "x.imu", tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text().splitlines()[1:] == [
        "0, 1, -1, 6.103515625e-05, 1, -1, 0.00048828125, 0, 0, 1, 2",
        ", , , , , , , 0.4, 3, 4, 5",
    ]


@pytest.mark.parametrize("period", [(2**63 - 1, 1), (-(2**63), 3), (1, 2**62)])
def test_periods_beyond_all_bounds(tmp_path, period):
    empty = session(accelerometer=make.sensor(period, 0))
    gpio = read(
        tmp_path, ACC[:0], MAG[:0], ORI[:0], empty, damaged="the accelerometer period .* cannot be right"
    )
    assert gpio.get_channel_data(0)[0].tolist() == []
