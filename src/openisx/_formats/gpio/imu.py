"""Recordings of the inertial measurement unit, `.imu` (docs/formats/imu.md)."""

from __future__ import annotations

import contextlib
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.gpio.recording import Points, RecordedChannel, RecordedSignals
from openisx._formats.gpio.session_metadata import read_session
from openisx._formats.json_reading import JsonObject
from openisx._formats.kinds import DataKind
from openisx.core._integers import line
from openisx.core._records import IsxRatio
from openisx.core.timing import Duration, Time
from openisx.errors import IsxFormatError
from openisx.structures import PacketStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["COUNTS_PER_G", "IMU_CHANNELS", "read_imu"]

IMU_CHANNELS = (
    "Acc x", "Acc y", "Acc z", "Ori yaw", "Ori pitch", "Ori roll", "Mag x", "Mag y", "Mag z",
)  # fmt: skip

COUNTS_PER_G = np.float32(16384)
_COUNTS_PER_RADIAN = np.float32(2048)

_HEADER = struct.Struct("<24x3Q3Q3QQQ")
_AXES = "xyz"
_RECORD = np.dtype([("time", "<u8"), ("axes", "<i2", (3,)), ("reserved", "<i2")])
_DEFAULT_STEP = IsxRatio(20, 1000)
_MAG_PER_ACC = 20


@dataclass(frozen=True)
class _Clock:
    """Timing of one sensor."""

    step: IsxRatio
    num_times: int
    dropped: NDArray[np.int64]  # ascending, unique, below num_times

    @property
    def num_recorded(self) -> int:
        """Number of records the file should hold."""
        return self.num_times - len(self.dropped)


_NO_CLOCK = _Clock(IsxRatio(0, 1), 0, np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class _Timing:
    """What ``timingInfo`` says."""

    start: Time
    end: Time
    accelerometer: _Clock
    magnetometer: _Clock
    problem: str = ""


def read_imu(file: ByteSource) -> RecordedSignals:
    """Decode an `.imu` file, and close it.

    Accelerometer values are raw counts, as in the `.isxd` made of such a file.

    Raises
    ------
    IsxFormatError
        The session metadata are missing or damaged, or announce more than the file can hold.
    """
    with contextlib.closing(file):
        if file.size < _HEADER.size:
            raise IsxFormatError(
                "Error parsing extra properties: parse error - unexpected end of input. "
                f"{file.given_path} has {file.size} bytes, fewer than its header needs; it is incomplete."
            )
        numbers = _HEADER.unpack(file.read(0, _HEADER.size))
        session = read_session(file, numbers[-2])
        return _decoded(file, numbers, session)


def _decoded(file: ByteSource, header: tuple[int, ...], session: Any) -> RecordedSignals:
    timing = _timing(session, file)
    blocks = (
        (timing.accelerometer, header[0:2], None),
        (timing.accelerometer, header[6:8], _COUNTS_PER_RADIAN),
        (timing.magnetometer, header[3:5], None),
    )
    channels: list[RecordedChannel] = []
    found = missing = 0
    for clock, (count, offset), scale in blocks:
        records = _records(file, count, offset, clock.num_recorded)
        found += len(records)
        missing += clock.num_recorded - len(records)
        offsets = _offsets(timing.start.secs_since_epoch.ratio, clock, file.given_path)
        for values in _axes(clock, records, scale):
            name = IMU_CHANNELS[len(channels)]
            channels.append(RecordedChannel(name, True, clock.step, Points(offsets, values)))
    recorded = RecordedSignals(
        file,
        DataKind.IMU,
        (timing.start, timing.end),
        channels,
        PacketStatistics(packets=found, missing_samples=missing),
        session,
    )
    recorded.in_g = True
    recorded.warn_of_damage(timing.problem)
    return recorded


# -- timing ----------------------------------------------------------------------------------------------


class _ZeroDenominatorError(IsxFormatError):
    """The one mistake in ``timingInfo`` that makes a file unreadable."""


def _timing(session: Any, file: ByteSource) -> _Timing:
    """Timing of both sensors; without samples, and with a problem, where something is missing."""
    start = end = Time()
    acc = mag = _NO_CLOCK
    try:
        info = JsonObject(session, file.given_path).object("timingInfo")
        start = end = _time(info.object("start"))
        end = _time(info.object("end"))
        first = _clock(info, "accelerometer", _DEFAULT_STEP, file)
        slow = IsxRatio(first.step.num * _MAG_PER_ACC, first.step.den)
        acc, mag = first, _clock(info, "magnetometer", slow, file)
    except _ZeroDenominatorError:
        raise
    except IsxFormatError as error:
        return _Timing(
            start, end, _NO_CLOCK, _NO_CLOCK, f"the timing of its samples cannot be read ({error})"
        )
    if end.secs_since_epoch.secs_float < start.secs_since_epoch.secs_float:
        return _Timing(start, start, acc, mag, "it says that it ended before it started")
    return _Timing(start, end, acc, mag)


def _ratio(obj: JsonObject, scale: int = 1) -> IsxRatio:
    num = obj.integer("num", maximum=2**63 - 1)
    den = obj.integer("den", maximum=2**63 - 1) * scale
    if den == 0:
        raise _ZeroDenominatorError(f"Division by zero. {obj.path}: {obj.where} has the denominator 0.")
    return IsxRatio(num, den)


def _time(obj: JsonObject) -> Time:
    seconds = Duration.from_ratio(*_ratio(obj.object("secsSinceEpoch")))
    return Time.from_secs_since_epoch(seconds, obj.integer("utcOffset", -(2**31), 2**31 - 1))


def _clock(info: JsonObject, sensor: str, default: IsxRatio, file: ByteSource) -> _Clock:
    if sensor not in info:
        return _Clock(default, 0, np.zeros(0, dtype=np.int64))
    section = info.object(sensor)
    step = _ratio(section.object("periodMs"), 1000)
    if max(abs(step.num) * _MAG_PER_ACC, abs(step.den)) >= 2**63:
        raise IsxFormatError(
            f"{file.given_path}: the {sensor} period {step.num}/{step.den} s cannot be right."
        )
    listed = section.list_of("dropped", lambda v: isinstance(v, int) and abs(v) < 2**62, "sample indices")
    num_times = section.integer("numTimes", 0)
    if num_times > file.size:  # a sample takes 16 bytes, a dropped one its index in the list
        raise IsxFormatError(
            f"{file.given_path}: {num_times} {sensor} samples do not fit into {file.size} bytes."
        )
    dropped = np.unique(np.array(listed, dtype=np.int64))
    return _Clock(step, num_times, dropped[(dropped >= 0) & (dropped < num_times)])


def _offsets(start: IsxRatio, clock: _Clock, path: str) -> NDArray[np.uint64]:
    """Stored offset of each sample (docs/formats/imu.md, Session metadata and timing).

    Both times are rounded to double before they are subtracted, as in the vendor's software.
    """
    step = clock.step
    den = math.lcm(start.den, step.den)
    first, width = start.num * (den // start.den), step.num * (den // step.den)
    numerators = line(first, width, np.arange(clock.num_times)).astype(np.float64)
    absolute = np.trunc(numerators / float(den) * 1e6)
    absolute[:1] = math.trunc(start.num / start.den * 1e6)
    since = absolute - absolute[:1]
    if not (since >= 0).all() or not (np.abs(absolute) < 2**62).all():
        raise IsxFormatError(
            f"{path}: samples from {float(start)!r} s every {float(step)!r} s cannot be right."
        )
    return since.astype(np.uint64)


# -- samples ---------------------------------------------------------------------------------------------


def _records(file: ByteSource, count: int, offset: int, wanted: int) -> NDArray[Any]:
    """Records of one block, at most `wanted`; fewer if the file ends before."""
    available = max(0, file.size - offset) // _RECORD.itemsize
    number = min(count, available, wanted)
    return np.frombuffer(file.read(offset, number * _RECORD.itemsize) if number else b"", dtype=_RECORD)


def _axes(clock: _Clock, records: NDArray[Any], scale: np.float32 | None) -> NDArray[np.float32]:
    """Values of the three axes, shape (3, samples); NaN for dropped and missing samples."""
    values = np.full((len(_AXES), clock.num_times), np.nan, dtype=np.float32)
    recorded = np.ones(clock.num_times, dtype=np.bool_)
    recorded[clock.dropped] = False
    present = np.flatnonzero(recorded)[: len(records)]
    values[:, present] = records["axes"].T
    if scale is not None:
        values /= scale
    return values
