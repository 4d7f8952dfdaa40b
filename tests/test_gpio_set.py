"""The public face of GPIO and IMU sets."""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from openisx._formats.isxd.container import trailer_bytes

sys.path.insert(0, str(Path(__file__).parent))
from builders import gpio as make

DATA = Path(__file__).parent / "data" / "gpio"
POINT = np.dtype([("offset", "<u8"), ("channel", "<u8"), ("value", "<f4")])


def isxd(path, names, points, **changes):
    """A set of the second layout."""
    time = {"secsSinceEpoch": {"num": 1_600_000_000_000, "den": 1000}, "utcOffset": 0}
    metadata = {
        "channel list": names,
        "extraProperties": None,
        "fileType": 1,
        "fileVersion": 2,
        "global times": [time, time],
        "numSamples": [0] * len(names),
        "signalSteps": [{"num": 1, "den": 1000}] * len(names),
        "signalTypes": [0] * len(names),
        "startOffsets": [0] * len(names),
        "type": 3,
    }
    path.write_bytes(np.array(points, POINT).tobytes() + trailer_bytes(metadata | changes))
    return path


@pytest.fixture
def gpio():
    return isx.GpioSet.read(DATA / "nv3_all_kinds.gpio")


def test_unread():
    gpio = isx.GpioSet()
    assert (gpio.file_path, gpio.mode, gpio.timing, gpio.num_channels) == (None,) * 4
    assert gpio.channel_dict == {}
    expected = "GPIO Set\n    file_path: None\n    mode: None\n    timing: None\n    num_channels: None"
    assert str(gpio).rstrip() == expected
    for call in (
        lambda: gpio.get_channel_name(0),
        lambda: gpio.get_channel_data(0),
        gpio.get_acquisition_info,
        gpio.to_dataframe,
        lambda: gpio.channels,
        lambda: len(gpio),
    ):
        with pytest.raises(isx.IsxStateError, match="Underlying pointer is null"):
            call()
    with pytest.raises(KeyError, match="does not exist"):
        gpio.get_channel_index("x")


def test_names_and_indices(gpio):
    assert gpio.mode == "r"
    assert gpio.file_path == os.path.realpath(DATA / "nv3_all_kinds.gpio")
    assert str(gpio).startswith("GPIO Set\n    file_path: /") or os.name == "nt"
    assert f"num_channels: {gpio.num_channels}" in str(gpio)
    for index in (0, np.uint8(3), np.int64(5), True):
        name = gpio.get_channel_name(index)
        assert gpio.get_channel_index(name) == gpio.channel_dict[name] == index
    for index in (gpio.num_channels, -1, 2**64 - 1, 2**64):
        with pytest.raises(isx.IsxIndexError, match=f"There are only {gpio.num_channels} channels."):
            gpio.get_channel_data(index)
    with pytest.raises(IndexError, match="Channel index 18446744073709551615 is too large"):
        gpio.get_channel_name(-1)
    bad: list[Any] = [1.0, "0", None, np.array([1])]
    for index in bad:
        with pytest.raises(TypeError):
            gpio.get_channel_name(index)
    with pytest.raises(KeyError, match='Channel with name "x" does not exist'):
        gpio.get_channel_index("x")
    assert "EX-LED" in gpio
    assert "x" not in gpio


def test_data_belong_to_the_caller(gpio):
    offsets, values = gpio.get_channel_data(0)
    kept = offsets.copy(), values.copy()
    offsets[:] = 7
    values[:] = 7
    for again, expected in zip(gpio.get_channel_data(0), kept, strict=True):
        np.testing.assert_array_equal(again, expected)
        assert again.flags.writeable


@pytest.mark.parametrize("name", ["x.GPIO", "x.Gpio"])
def test_any_case_of_the_extension(name, tmp_path):
    shutil.copy(DATA / "nv3_wrap.gpio", tmp_path / name)
    assert isx.open(tmp_path / name).num_channels == 2
    isx.export_gpio_to_isxd(tmp_path / name, tmp_path)
    assert (tmp_path / "x_gpio.isxd").exists()


def test_upper_case_imu_is_in_g(tmp_path):
    shutil.copy(DATA / "imu_basic.imu", tmp_path / "x.IMU")
    ours = isx.GpioSet.read(str(tmp_path / "x.IMU")).get_channel_data(0)[1]
    np.testing.assert_array_equal(ours, isx.GpioSet.read(DATA / "imu_basic.imu").get_channel_data(0)[1])


def test_what_is_refused(tmp_path):
    with pytest.raises(isx.IsxFileNotFoundError, match="File does not exist: "):
        isx.GpioSet.read(tmp_path / "no.gpio")
    (tmp_path / "x.txt").write_text("")
    with pytest.raises(isx.IsxFileError, match="File extension not supported: txt"):
        isx.GpioSet.read(tmp_path / "x.txt")
    isxd(tmp_path / "events.isxd", ["a"], [], type=5)
    text = "Expected data set to be of type: GPIO or IMU. Instead it is of type: Event Set. "
    for use in (isx.GpioSet.read, lambda p: isx.export_gpio_to_isxd(p, tmp_path)):
        with pytest.raises(isx.IsxFormatError, match=text):
            use(tmp_path / "events.isxd")
    (tmp_path / "x.mp4").write_text("")
    with pytest.raises(isx.IsxFormatError, match="Instead it is of type: Behavioral Movie"):
        isx.GpioSet.read(tmp_path / "x.mp4")
    (tmp_path / "folder.gpio").mkdir()
    with pytest.raises(isx.IsxFileError):
        isx.GpioSet.read(tmp_path / "folder.gpio")


def test_repeated_names_are_served_by_index(tmp_path):
    path = isxd(tmp_path / "x.isxd", ["a", "a"], [(1, 1, 5.0), (2, 0, 6.0)])
    gpio = isx.GpioSet.read(path)
    assert gpio.channel_dict == {"a": 1}
    assert [gpio.get_channel_data(i)[1].tolist() for i in range(2)] == [[6], [5]]
    assert [gpio[i].values.tolist() for i in range(2)] == [[6], [5]]
    assert gpio["a"].values.tolist() == [5]


def test_plain_times_of_offsets(tmp_path):
    path = isxd(tmp_path / "g.isxd", ["A"], [(1_500_000, 0, 1), (2**62 + 1, 0, 2)])
    gpio = isx.GpioSet.read(path)
    offsets, _ = gpio.get_channel_data(0)
    assert gpio.timing.seconds(offsets).tolist() == [1.5, (2**62 + 1) / 1_000_000]
    assert str(gpio.timing.datetimes(offsets)[0]) == "2020-09-13T12:26:41.500000"


def test_offsets_are_exact(tmp_path):
    stored = np.arange(20000)
    path = isxd(tmp_path / "x.isxd", ["a"], [(n, 0, n) for n in stored])
    np.testing.assert_array_equal(isx.GpioSet.read(path).get_channel_data(0)[0], stored)


def test_records_of_channels(gpio):
    channels = gpio.channels
    assert list(channels) == gpio.names
    sync = channels["BNC Sync Output"]
    assert (sync.kind, sync.unit, sync.dense) == ("digital", "", False)
    led = gpio["EX-LED"]
    assert (led.kind, led.unit, led.label) == ("analog", "mW/mm^2", "EX-LED (mW/mm^2)")
    offsets, values = gpio.get_channel_data(gpio.get_channel_index("EX-LED"))
    np.testing.assert_array_equal(led.offsets, offsets)
    np.testing.assert_array_equal(led.values, values)
    assert led.num_points == len(values)
    assert led.range == (values.min(), values.max())
    assert gpio["GPIO-1"].unit == "counts"
    assert gpio["Frame Count"].kind == "event"
    with pytest.raises(ValueError, match="read-only"):
        led.values[0] = 1
    with pytest.raises(KeyError):
        gpio["nothing"]


def test_kinds_of_unknown_channels(tmp_path):
    points = [(0, 0, 0.0), (1, 0, 1.0), (2, 0, np.nan), (0, 1, 0.5), (0, 2, np.nan)]
    gpio = isx.GpioSet.read(isxd(tmp_path / "x.isxd", ["d", "a", "n", "e"], points, signalTypes=[0, 1, 0, 0]))
    assert [(c.kind, c.dense, c.range) for c in gpio.channels.values()] == [
        ("digital", False, (0, 1)),
        ("analog", True, (0.5, 0.5)),
        ("digital", False, None),
        ("analog", False, None),
    ]


def test_edges(tmp_path):
    values = [0, 1, 1, 0, np.nan, 1, 0, 1, np.nan, 0, 1]
    gpio = isx.GpioSet.read(isxd(tmp_path / "x.isxd", ["a"], [(10 * i, 0, v) for i, v in enumerate(values)]))
    assert gpio.rising_edges("a").tolist() == [10, 70, 100]
    assert gpio.falling_edges(0).tolist() == [30, 60]
    assert gpio.rising_edges("a", threshold=2).tolist() == []
    assert gpio.rising_edges("a").dtype == np.uint64
    empty = isx.GpioSet.read(isxd(tmp_path / "y.isxd", ["a"], []))
    assert empty.rising_edges("a").tolist() == []


def timing(num_samples, period, start):
    at = isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(*start))
    return isx.Timing(num_samples, isx.Duration._from_num_den(*period), at)


def test_sampling_holds_the_last_value(tmp_path):
    points = [(10_000, 0, 1.0), (20_000, 0, np.nan), (30_001, 0, 3.0)]
    gpio = isx.GpioSet.read(isxd(tmp_path / "x.isxd", ["a"], points))
    own = gpio.sample("a", timing(6, (1, 100), (1_600_000_000, 1)))
    assert own.dtype == np.float32
    np.testing.assert_array_equal(own, [np.nan, 1, np.nan, np.nan, 3, 3])
    earlier = gpio.sample(0, timing(4, (1, 100), (1_599_999_999_990, 1000)))
    np.testing.assert_array_equal(earlier, [np.nan, np.nan, 1, np.nan])
    assert np.isnan(gpio.sample("a", timing(3, (1, 100), (5, 1)))).all()
    assert (gpio.sample("a", timing(3, (1, 100), (1_700_000_000, 1))) == 3).all()
    assert len(gpio.sample("a", timing(0, (1, 100), (5, 1)))) == 0


@pytest.mark.parametrize("period", [(1, 30), (33337, 10**6), (2**40 + 1, 2**45 - 1), (1, 2**40 + 1)])
def test_sampling_compares_exact_times(tmp_path, period):
    from fractions import Fraction

    rng = np.random.default_rng(period[0])
    offsets = np.unique(rng.integers(0, 3_000_000, 300))
    gpio = isx.GpioSet.read(isxd(tmp_path / "x.isxd", ["a"], [(n, 0, i) for i, n in enumerate(offsets)]))
    asked = timing(60, period, (1_600_000_000_123_457, 10**6))
    expected = []
    for k in range(60):
        since = Fraction(1_600_000_000_123_457, 10**6) + k * Fraction(*period) - 1_600_000_000
        before = [i for i, n in enumerate(offsets) if Fraction(int(n), 10**6) <= since]
        expected.append(before[-1] if before else np.nan)
    np.testing.assert_array_equal(gpio.sample("a", asked), np.array(expected, np.float32))


def test_dataframe(gpio, tmp_path):
    pytest.importorskip("pandas")
    table = gpio.to_dataframe()
    isx.export_gpio_set_to_csv(gpio.file_path, tmp_path / "x.csv")
    header, *rows = [line.split(", ") for line in (tmp_path / "x.csv").read_text().splitlines()]
    assert list(table.columns) == header
    assert table["Time (s)"].tolist() == [float(time) for time, _, _ in rows]
    assert list(table["Channel Name"]) == [name for _, name, _ in rows]
    np.testing.assert_allclose(table["Value"], [float(value) for _, _, value in rows], rtol=1e-6)
    empty = isx.GpioSet.read(isxd(tmp_path / "x.isxd", [], []))
    assert empty.to_dataframe().shape == (0, 3)


def test_plain_times(gpio):
    led = gpio["EX-LED"]
    assert gpio.seconds("EX-LED").tolist() == gpio.seconds(led.index).tolist() == (led.offsets / 1e6).tolist()
    first = np.datetime64(gpio.timing.start.to_datetime())
    since = gpio.datetimes("EX-LED") - first
    assert since.astype("timedelta64[us]").astype(int).tolist() == led.offsets.tolist()


def test_metadata(gpio):
    assert gpio.metadata["type"] == 3
    assert gpio.metadata["extraProperties"]["firstTsc"] == gpio.first_timestamp
    isx_set = isx.GpioSet.read(DATA / "nv3_all_kinds.exported.isxd")
    assert isx_set.first_timestamp == gpio.first_timestamp
    assert isx_set.statistics is None
    assert dict(isx_set.metadata) | {"producer": 0} == dict(gpio.metadata) | {"producer": 0}


def test_closing(gpio):
    with gpio:
        gpio.get_channel_data(0)
    with pytest.raises(isx.IsxStateError, match="is closed"):
        gpio.get_channel_data(0)
    assert gpio.timing.num_samples
    gpio.close()


def test_pickling(gpio, tmp_path, monkeypatch):
    again = pickle.loads(pickle.dumps(gpio))
    np.testing.assert_array_equal(again.get_channel_data(3)[1], gpio.get_channel_data(3)[1])
    assert pickle.loads(pickle.dumps(isx.GpioSet())).num_channels is None
    monkeypatch.chdir(DATA)
    imu = isx.GpioSet.read("imu_basic.imu")
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(imu)).get_channel_data(0)[1], imu.get_channel_data(0)[1]
    )


def test_many_threads(gpio):
    with ThreadPoolExecutor(8) as pool:
        sets = list(pool.map(lambda _: isx.GpioSet.read(DATA / "set_v2.isxd"), range(16)))
        shared = isx.GpioSet.read(DATA / "set_v2.isxd")
        read = list(pool.map(lambda g: g.get_channel_data(1)[1].tobytes(), sets + [shared] * 16))
    assert all(values == read[0] for values in read)


def test_nothing_is_written_on_reading(tmp_path, monkeypatch):
    for name in ("nv3_wrap.gpio", "nvoke_basic.raw", "imu_basic.imu"):
        shutil.copy(DATA / name, tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = sorted(os.listdir(tmp_path)), sorted(os.listdir("."))
    for path in list(tmp_path.iterdir()):
        gpio = isx.GpioSet.read(path)
        [gpio.get_channel_data(i) for i in range(gpio.num_channels)]
    assert (sorted(os.listdir(tmp_path)), sorted(os.listdir("."))) == before


class TestConversion:
    def test_name_ends_at_the_first_dot(self, tmp_path):
        shutil.copy(DATA / "nv3_wrap.gpio", tmp_path / "t1.x.gpio")
        out = tmp_path / "out"
        out.mkdir()
        isx.export_gpio_to_isxd(tmp_path / "t1.x.gpio", out)
        assert os.listdir(out) == ["t1_gpio.isxd"]
        with pytest.raises(isx.IsxFileExistsError, match="File already exists"):
            isx.export_gpio_to_isxd(tmp_path / "t1.x.gpio", out)

    def test_isxd_input_writes_nothing(self, tmp_path):
        assert isx.export_gpio_to_isxd(DATA / "set_v2.isxd", tmp_path) is None  # type: ignore[func-returns-value]
        assert not os.listdir(tmp_path)

    def test_missing_folder(self, tmp_path):
        with pytest.raises(
            isx.IsxFileError, match=r"Failed to open events file for writing .*nv3_wrap_gpio\.isxd"
        ):
            isx.export_gpio_to_isxd(DATA / "nv3_wrap.gpio", tmp_path / "no")

    def test_interruption_leaves_nothing(self, tmp_path):
        def stop(_done, _total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            isx.export_gpio_to_isxd(DATA / "nv3_wrap.gpio", tmp_path, progress=stop)
        assert not os.listdir(tmp_path)

    def test_progress(self, tmp_path):
        seen = []
        isx.export_gpio_to_isxd(DATA / "imu_basic.imu", tmp_path, progress=lambda *p: seen.append(p))
        assert seen[-1][0] == seen[-1][1] == 186

    @pytest.mark.parametrize("chunk", [1, 7])
    def test_chunks_do_not_show(self, tmp_path, monkeypatch, chunk):
        content = make.gpio_file(make.random_packets(np.random.default_rng(0), 30))
        (tmp_path / "x.gpio").write_bytes(content)
        (tmp_path / "y.gpio").write_bytes(content)
        isx.export_gpio_to_isxd(tmp_path / "x.gpio", tmp_path)
        monkeypatch.setattr("openisx._formats.gpio.recording._CHUNK", chunk)
        isx.export_gpio_to_isxd(tmp_path / "y.gpio", tmp_path)
        assert (tmp_path / "x_gpio.isxd").read_bytes() == (tmp_path / "y_gpio.isxd").read_bytes()
