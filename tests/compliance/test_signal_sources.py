"""The questions that every source of signals must answer alike, whatever it reads from.

A new source, of this package or foreign, is a new row.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders import gpio, sets
from openisx._formats.kinds import DataKind

Points = list[tuple[int, float]]
START = 1_600_000_000_000_000  # microseconds


@dataclass(frozen=True)
class Row:
    """A kind of file: how to write one, and what is to be read from it."""

    file: str
    write: Callable[[Path], object]
    channels: list[tuple[str, Points]]
    samples: int
    kind: DataKind = DataKind.GPIO

    @property
    def cls(self) -> Any:
        return isx.EventSet if self.kind is DataKind.EVENT_SET else isx.GpioSet


# Two channels mixed, out of order, with a repeated time, of which the last counts.
PACKETS = sets.packets(
    (1, 249, 1), (0, 4_100_000, 2), (1, 251, 3), (0, 50_000, 4), (0, 50_000, 5), (1, 0, 0.5)
)
SORTED: list[tuple[str, Points]] = [
    ("b", [(50_000, 5), (4_100_000, 2)]),
    ("a", [(0, 0.5), (249, 1), (251, 3)]),
    ("none", []),
]
BLOCKS = {
    "b": sets.old_block("b", [(1_500_000, 0, 1), (1_250_000, 2.5, 1), (1_250_001, 2.5, 0)]),
    "a": sets.old_block("a", [(1_000_249, 0, 0), (1_000_249, 1.5, 1)]),
}
FROM_BLOCKS: list[tuple[str, Points]] = [
    ("a", [(249, 1.5)]),
    ("b", [(250_000, 2.5), (250_001, 0), (500_000, 1)]),
]
AXES = np.array([[16384, 0, -8192], [4, 5, 6]])
IMU_NAMES = ["Acc x", "Acc y", "Acc z", "Ori yaw", "Ori pitch", "Ori roll", "Mag x", "Mag y", "Mag z"]


def second_layout(path: Path, kind: int) -> None:
    sets.events(path, ["b", "a", "none"], PACKETS, type=kind)


def first_layout(path: Path, kind: int) -> None:
    sets.old_events(path, BLOCKS, type=kind)


def imu_set(path: Path) -> None:
    rows = [(channel, 1000 * i, 16384 * i) for channel in range(9) for i in range(2)]
    sets.events(path, IMU_NAMES, sets.packets(*rows), type=7, signalTypes=[1] * 9)


def nvista3(path: Path) -> None:
    packets = [
        gpio.event(0x08, 0, 1_000, 15),
        gpio.event(0x08, 1, 1_249, 15),
        gpio.event(0x08, 2, 1_500, 20),
        gpio.event(0x0D, 3, 2_000, 1),
    ]
    path.write_bytes(gpio.gpio_file(packets, {"adMode": "ad", "ad": {"clock": 1000}}))


def nvoke(path: Path) -> None:
    packets = [
        gpio.raw_digital(1, 0x80, START),
        gpio.raw_digital(2, 0x80, START + 300),
        gpio.raw_digital(1, 0x80, START + 249),
        gpio.raw_digital(1, 0x00, START + 249),
    ]
    path.write_bytes(gpio.RAW_SYNC + b"".join(packets))


def nvista2(path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["timeStamp"] = np.array([1.6e9])
        file["anc_data"] = np.array([[0x0B15] + [0] * 14], np.uint16)  # samples 5, 1, 11, 0
        file["anc_data_count"] = np.array([1], np.uint8)


def imu(path: Path) -> None:
    timing = {
        "start": gpio.instant(START // 1000),
        "end": gpio.instant(START // 1000 + 60),
        "accelerometer": gpio.sensor((20, 1), 3, [1]),
    }
    path.write_bytes(gpio.imu_file(AXES, [], AXES, {"timingInfo": timing}))


def imu_points(*values: float) -> Points:
    return [(0, values[0]), (20_000, np.nan), (40_000, values[1])]


ROWS = [
    Row("events.isxd", lambda p: second_layout(p, 5), SORTED, 40, DataKind.EVENT_SET),
    Row("first.isxd", lambda p: first_layout(p, 5), FROM_BLOCKS, 30, DataKind.EVENT_SET),
    Row("gpio.isxd", lambda p: second_layout(p, 3), SORTED, 40),
    Row("gpio-first.isxd", lambda p: first_layout(p, 3), FROM_BLOCKS, 30),
    Row("imu.isxd", imu_set, [(name, [(0, 0), (1000, 16384)]) for name in IMU_NAMES], 40, DataKind.IMU),
    Row(
        "x.gpio", nvista3,
        [("EX-LED", [(0, 1.5), (500, 2), (1000, 2)]), ("BNC Sync Output", [(1000, 1)])], 2,
    ),
    Row("x.raw", nvoke, [("GPIO1", [(0, 1), (249, 0)]), ("GPIO2", [(300, 1)])], 1),
    Row(
        "x.hdf5", nvista2,
        [
            (name, [(1000 * i, v) for i, v in enumerate(values)])
            for name, values in {
                "IO1": (1, 1, 1, 0), "IO2": (0, 0, 1, 0), "sync": (1, 0, 0, 0), "trigger": (0, 0, 1, 0),
            }.items()
        ],
        4,
    ),
    Row(
        "x.imu", imu,
        [
            *zip(IMU_NAMES[:3], [imu_points(1, 4 / 16384), imu_points(0, 5 / 16384), imu_points(-0.5, 6 / 16384)],
                 strict=True),
            *zip(IMU_NAMES[3:6], [imu_points(8, 4 / 2048), imu_points(0, 5 / 2048), imu_points(-4, 6 / 2048)],
                 strict=True),
            *((name, []) for name in IMU_NAMES[6:]),
        ],
        3, DataKind.IMU,
    ),
]  # fmt: skip


class ForeignSource(isx.SignalSource):
    """What someone else may write: points that come from no file."""

    def __init__(self) -> None:
        start = isx.Time.from_secs_since_epoch(isx.Duration.from_secs(1_600_000_000))
        super().__init__(["b", "a", "none"], isx.Timing(40, start=start))

    def read_signals(self) -> isx.Signals:
        packets = np.frombuffer(PACKETS, sets.PACKET)
        return isx.Signals.from_points(self.names, packets["channel"], packets["offset"], packets["value"])


FOREIGN = Row("foreign", lambda _: None, SORTED, 40)


@pytest.fixture(params=[*ROWS, FOREIGN], ids=lambda row: row.file)
def row(request):
    return request.param


@pytest.fixture
def path(row, tmp_path):
    path = tmp_path / row.file
    row.write(path)
    return path


@pytest.fixture
def opened(row, path):
    with isx.GpioSet.from_source(ForeignSource()) if row is FOREIGN else isx.open(path) as opened:
        yield opened


@pytest.fixture(params=ROWS, ids=lambda row: row.file)
def file_row(request):
    return request.param


@pytest.fixture
def file_path(file_row, tmp_path):
    path = tmp_path / file_row.file
    file_row.write(path)
    return path


def data_of(opened: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    one = opened.get_cell_data if isinstance(opened, isx.EventSet) else opened.get_channel_data
    return [one(i) for i in range(len(opened))]


def assert_holds(opened: Any, row: Row) -> None:
    for (offsets, values), (_, points) in zip(data_of(opened), row.channels, strict=True):
        assert offsets.dtype == np.uint64
        assert values.dtype == np.float32
        np.testing.assert_array_equal(offsets, np.array([time for time, _ in points], np.uint64))
        np.testing.assert_array_equal(values, np.array([value for _, value in points], np.float32))


def test_points(opened, row):
    """Each channel in order of time, of equal times the last, and offsets to the microsecond."""
    assert type(opened) is row.cls
    assert_holds(opened, row)


def test_answers_belong_to_the_caller(opened, row):
    for offsets, values in data_of(opened):
        offsets[:] = 7
        values[:] = 7
    assert_holds(opened, row)


def test_channels(opened, row):
    names = [name for name, _ in row.channels]
    assert opened.names == [channel.name for channel in opened] == names
    assert len(opened) == len(names)
    for i, name in enumerate(names):
        assert name in opened
        assert opened[name].index == opened[i].index == i
        assert len(opened[name].offsets) == len(row.channels[i][1])
        assert not opened[name].offsets.flags.writeable
    assert "nothing" not in opened
    with pytest.raises(KeyError):
        opened["nothing"]
    for index in (len(names), -1):
        with pytest.raises(isx.IsxIndexError):
            opened[index]


def test_timing(opened, row):
    assert opened.timing.num_samples == row.samples
    assert opened.timing.period.fraction > 0
    assert str(row.samples) in str(opened)


def test_metadata(opened, row):
    if row is FOREIGN:
        assert opened.metadata is None
        assert opened.file_path is None
        return
    assert opened.file_path
    assert "type" in opened.metadata
    with pytest.raises(TypeError):
        opened.metadata["type"] = 3
    assert opened.get_acquisition_info() is None


def test_tables(opened, row):
    pytest.importorskip("pandas")
    table = opened.to_dataframe()
    assert len(table) == (3 if row.file == "x.imu" else 2 if row.file == "imu.isxd" else sum(
        len(points) for _, points in row.channels
    ))  # fmt: skip


def test_threads(opened, row):
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda _: assert_holds(opened, row), range(16)):
            pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork(opened, row):
    """In a new process, even while a thread of the old one holds the lock."""
    with opened._source._lock:
        child = os.fork()
        if not child:
            status = 1
            try:
                assert_holds(opened, row)
                status = 0
            finally:
                os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert_holds(opened, row)


def test_pickling(opened, row):
    assert_holds(pickle.loads(pickle.dumps(opened)), row)


def test_spawned_process(file_row, file_path):
    """As multiprocessing and dask hand sets over: another process opens the file again."""
    with isx.open(file_path) as opened:
        expected = [(o.tolist(), np.nan_to_num(v).tolist()) for o, v in data_of(opened)]
        sent = pickle.dumps(opened)
    code = (
        "import pickle, sys, numpy as np; s = pickle.loads(sys.stdin.buffer.read());"
        "one = getattr(s, 'get_cell_data', None) or s.get_channel_data;"
        "print([(o.tolist(), np.nan_to_num(v).tolist()) for o, v in map(one, range(len(s)))])"
    )
    done = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=True)
    assert eval(done.stdout) == expected


def test_closing(file_row, file_path):
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    before = descriptors()
    opened = isx.open(file_path)
    assert_holds(opened, file_row)
    opened.close()
    opened.close()
    assert descriptors() == before
    with pytest.raises(isx.IsxStateError, match="is closed"):
        data_of(opened)
    assert opened.timing.num_samples == file_row.samples
    assert opened.file_path == os.path.realpath(file_path)


def test_shortened_while_open(file_row, file_path):
    """Data or an error, never a crash."""
    with isx.open(file_path) as opened:
        try:
            os.truncate(file_path, 10)
        except PermissionError:
            pytest.skip("an open file cannot be cut here")
        with contextlib.suppress(isx.IsxFormatError):
            assert_holds(opened, file_row)


@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_cut_files(file_row, file_path):
    data = file_path.read_bytes()
    for size in {*range(0, min(len(data), 200), 9), *range(0, len(data), 1 + len(data) // 40)}:
        file_path.write_bytes(data[:size])
        try:
            opened = file_row.cls.read(file_path)
        except isx.IsxFileError:
            continue
        with opened:
            data_of(opened)
        assert not file_row.file.endswith("isxd")
