"""Event sets, and GPIO and IMU sets, in `.isxd` files (spec 04; spec 07, sections 7 and 7b).

Second layout (``fileType`` 1): the body is packets of 20 bytes in any order,

=======  ========  ==========================================================
offset   type      meaning
=======  ========  ==========================================================
0        uint64    microseconds since the start of the set
8        uint64    channel, as position in ``channel list``
16       float32   value
=======  ========  ==========================================================

and the metadata hold ``channel list`` (names), ``global times`` (start and end), ``signalSteps`` (period of each
channel), ``numSamples`` and ``startOffsets`` (number and first time of the packets of each channel),
``signalTypes`` (0 sparse, 1 dense), ``metrics``, ``extraProperties``, ``fileVersion``.

First layout (no ``fileType``, or 0): one block for each channel, its place named in ``channel offsets``: a JSON
object with ``Number of Packets``, one byte 00, and packets of 16 bytes,

=======  ========  ==========================================================
offset   type      meaning
=======  ========  ==========================================================
0        uint64    microseconds since 1970-01-01 UTC
8        uint32    a float32 without sign; the top bit is a state
12       uint32    not used
=======  ========  ==========================================================

Its metadata hold ``timing info``, ``dataType`` (0 GPIO, 1 events), ``analog`` and ``fileVersion``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.locks import WithLock
from openisx._formats.acquisition_info import acquisition_info
from openisx._formats.isxd.container import open_container
from openisx._formats.isxd.metadata import MAX_SAMPLES, ratio_from_json, time_from_json, timing_from_json
from openisx._formats.json_reading import JsonObject, parse_object, plain
from openisx._formats.kinds import DataKind, wrong_kind
from openisx._formats.signals import Signals
from openisx.core._records import IsxRatio
from openisx.core.timing import Duration, Time, Timing
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


__all__ = [
    "MAX_GPIO_SAMPLES",
    "PACKET",
    "EventMetrics",
    "EventsIsxd",
    "num_samples",
    "set_timing",
]

#: One point of the second layout.
PACKET = np.dtype([("offset", "<u8"), ("channel", "<u8"), ("value", "<f4")])
_OLD_PACKET = np.dtype([("time", "<u8"), ("bits", "<u4"), ("reserved", "<u4")])

#: Nothing is allocated by the number of samples of a GPIO set.
MAX_GPIO_SAMPLES = 2**62
_DEFAULT_STEP = IsxRatio(1, 1000)


@dataclass(frozen=True)
class EventMetrics:
    """What the desktop application measured of the events of one cell; NaN where it could not."""

    snr: float
    mad: float
    event_rate: float
    amplitude_median: float
    amplitude_sd: float
    rise_median: float
    rise_sd: float
    decay_median: float
    decay_sd: float


class EventsIsxd(WithLock):
    """An open `.isxd` set of named channels; implements :class:`openisx._formats.signals.SignalSource`.

    Parameters
    ----------
    path
        As the caller gave it.
    expected
        Kinds of data sets to accept.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is damaged, or holds another kind of data set.
    """

    def __init__(self, path: str, *expected: DataKind) -> None:
        self._file, container = open_container(path)
        self.path = self._file.path
        self.given_path = path
        self._make_lock()
        self._signals: Signals | None = None
        try:
            self.kind = container.kind(path)
            if self.kind not in expected:
                raise wrong_kind(path, self.kind, *expected)
            self._metadata = container.metadata
            self._body_size = container.body_size
            members = container.members(path)
            layout = members.integer("fileType") if "fileType" in members else 0
            if layout == 1:
                self._open_second(members)
            elif layout == 0:
                self._open_first(members)
            else:
                raise IsxFormatError(
                    f"The file is not a valid events file. {path}: fileType {layout} is neither 0 nor 1."
                )
        except BaseException:
            self._file.close()
            raise

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The trailing JSON object."""
        return MappingProxyType(plain(self._metadata))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`openisx._formats.acquisition_info.acquisition_info`; None in the first layout."""
        return None if self._blocks is not None else acquisition_info(self._metadata.get("extraProperties"))

    def metrics(self) -> list[EventMetrics | None] | None:
        """Stored metrics of each channel; None if the file has none at all.

        Raises
        ------
        IsxFormatError
            The metrics are malformed, or not one entry for each channel.
        """
        stored = None if self._blocks is not None else self._metadata.get("metrics")
        if stored is None:
            return None
        if not isinstance(stored, list) or len(stored) != len(self.names):
            raise IsxFormatError(f"{self.given_path}: metrics should have one entry for each channel.")
        return [self._one_metrics(i, entry) for i, entry in enumerate(stored)]

    def _one_metrics(self, index: int, entry: Any) -> EventMetrics | None:
        if entry == {}:
            return None
        where = f"metrics[{index}]"
        if not isinstance(entry, list) or len(entry) != len(fields(EventMetrics)):
            raise IsxFormatError(f"{self.given_path}: {where} should be {{}} or a list of nine.")
        members = JsonObject({str(i): v for i, v in enumerate(entry)}, self.given_path, where)
        return EventMetrics(
            *(math.nan if members.get(key) is None else members.number(key) for key in members.members)
        )

    def signals(self) -> Signals:
        """All points; read once and kept.

        Raises
        ------
        IsxFormatError
            A packet names an unknown channel or a time before the start.
        """
        with self._lock:
            if self._signals is None:
                self._signals = self._read_second() if self._blocks is None else self._read_first()
            return self._signals

    def close(self) -> None:
        """Release the file; points already read stay available."""
        self._file.close()

    # -- second layout ---------------------------------------------------------------------------

    def _open_second(self, members: JsonObject) -> None:
        path = self.given_path
        if members.integer("fileVersion", minimum=0) == 0:
            raise IsxFormatError(
                f"Version 0 of the new type of events file is not supported. {path} should have version 1 or 2."
            )
        self._blocks: list[_Block] | None = None
        self.names = tuple(members.strings("channel list"))
        for key in ("numSamples", "startOffsets", "signalTypes"):
            members.array(key)
        steps = [ratio_from_json(JsonObject(s, path, "signalSteps")) for s in members.array("signalSteps")]
        times = [JsonObject(t, path, "global times") for t in members.array("global times")]
        if len(times) != 2:
            raise IsxFormatError(f"{path}: global times should be the start and the end of the set.")
        start, end = (time_from_json(time) for time in times)
        # In GPIO sets the end is the time of a packet; a single wrong one must not cost the others.
        limit = MAX_SAMPLES if self.kind is DataKind.EVENT_SET else MAX_GPIO_SAMPLES
        self.timing = set_timing(start, end, steps, path, limit)
        if self._body_size % PACKET.itemsize:
            raise IsxFormatError(
                f"{path}: the {self._body_size} bytes before the metadata are not whole packets of "
                f"{PACKET.itemsize} bytes. The file is damaged."
            )

    def _read_second(self) -> Signals:
        packets = np.frombuffer(self._file.read(0, self._body_size), PACKET)
        return signals_from_packets(self.names, packets, self.given_path)

    # -- first layout ----------------------------------------------------------------------------

    def _open_first(self, members: JsonObject) -> None:
        self.timing = timing_from_json(members.object("timing info"))
        places = members.object("channel offsets")
        names = sorted(places.members)  # code points sort as their UTF-8 bytes do
        self.names = tuple(names)
        version = members.integer("fileVersion", minimum=0)
        members.integer("dataType")
        self._analog = members.boolean("analog") if version else "GPIO4_AI" in names
        starts = {name: places.integer(name, 0, self._body_size) for name in names}
        places_in_order = [*sorted(starts.values()), self._body_size]
        ends = dict(pairwise(places_in_order))
        self._blocks = [
            _Block(self._file.read(at, ends[at] - at), self._analog, f"{self.given_path}, channel {name!r}")
            for name, at in starts.items()
        ]

    def _read_first(self) -> Signals:
        blocks = self._blocks or []
        packets = np.concatenate([np.zeros(0, _OLD_PACKET), *(block.packets for block in blocks)])
        channels = np.repeat(np.arange(len(blocks)), [len(block.packets) for block in blocks])
        magnitude = (packets["bits"] & np.uint32(0x7FFFFFFF)).view("<f4").astype(np.float32)
        if self._analog:
            values = magnitude
        else:
            state = (packets["bits"] >> np.uint32(31)).astype(np.float32)
            with np.errstate(invalid="ignore"):  # infinity times 0, as the vendor computes it
                values = np.where(magnitude == 0, state, magnitude * state)
        offsets = self._since_start(packets["time"])
        return Signals.from_points(self.names, channels, offsets, values)

    def _since_start(self, times: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Microseconds from the start, fractions cut, of microseconds since the epoch."""
        first = math.ceil(self.timing.start.secs_since_epoch.fraction * 1_000_000)
        if not len(times):
            return times.astype(np.uint64)
        earliest, latest = int(times.min()), int(times.max())
        if earliest < first or latest - first >= 2**63:
            at = int(times.argmin() if earliest < first else times.argmax())
            raise IsxFormatError(
                f"Found negative offset for event {at}. {self.given_path}: its time of {times[at]} us after "
                f"1970 does not lie after the start of the set at {first} us. The file is damaged."
            )
        shift = np.uint64(abs(first))
        offsets: NDArray[np.uint64] = times - shift if first >= 0 else times + shift
        return offsets


class _Block:
    """One channel of the first layout."""

    def __init__(self, data: bytes, analog: bool, where: str) -> None:
        text, zero, body = data.partition(b"\0")
        if not zero:
            raise IsxFormatError(f"{where}: its description does not end. The file is damaged.")
        members = JsonObject(parse_object(text, where), where)
        count = members.integer("Number of Packets", 0)
        available = len(body) // _OLD_PACKET.itemsize
        if count == 0 and analog:
            count = available  # such files do not count their packets
        if count > available:
            raise IsxFormatError(
                f"{where}: {count} packets are announced, but there is room for {available}. "
                "The file is damaged."
            )
        self.packets = np.frombuffer(body, _OLD_PACKET, count)


def signals_from_packets(names: tuple[str, ...], packets: NDArray[Any], path: str) -> Signals:
    """Sort packets of the second layout into channels.

    Raises
    ------
    IsxFormatError
        A packet names a channel that does not exist, or a time of 2^63 us and more.
    """
    channels = np.ascontiguousarray(packets["channel"])
    offsets = np.ascontiguousarray(packets["offset"])
    if len(packets) and channels.max() >= len(names):
        at = int((channels >= len(names)).argmax())
        raise IsxFormatError(
            f"{path}: packet {at} at byte {at * PACKET.itemsize} belongs to channel {channels[at]}, but there "
            f"are only {len(names)} channels. The file is damaged."
        )
    if len(packets) and offsets.max() >= 2**63:
        at = int((offsets >= 2**63).argmax())
        raise IsxFormatError(
            f"Found negative offset for event {at}. {path}: packet {at} at byte {at * PACKET.itemsize} "
            f"has the time {offsets[at]} us. The file is damaged."
        )
    return Signals.from_points(names, channels, offsets, np.ascontiguousarray(packets["value"]))


def set_timing(
    start: Time, end: Time, steps: list[IsxRatio], path: str, max_samples: int = MAX_SAMPLES
) -> Timing:
    """Timing of a set that stores two times and one step for each channel.

    Raises
    ------
    IsxFormatError
        The times and steps make more samples than there can be, or fewer than none.
    """
    period = _smallest_step(steps)
    count = num_samples(start.secs_since_epoch.ratio, end.secs_since_epoch.ratio, period)
    if not 0 <= count <= max_samples:
        raise IsxFormatError(
            f"{path}: global times from {start.secs_since_epoch.secs_float!r} to "
            f"{end.secs_since_epoch.secs_float!r} s with a period of {float(period)!r} s make {count} samples. "
            "The metadata of the file are damaged."
        )
    return Timing(int(count), Duration.from_ratio(*period), start)


def _smallest_step(steps: list[IsxRatio]) -> IsxRatio:
    """Period of a set: the smallest positive step, but 1 ms if the first step is 0 (spec 04, section 1.1)."""
    if not steps:
        return _DEFAULT_STEP
    period = steps[0]
    for step in steps[1:]:
        if 0 < step.fraction < period.fraction:
            period = step
    return period if period.num else _DEFAULT_STEP


def num_samples(start: IsxRatio, end: IsxRatio, period: IsxRatio) -> float:
    """Samples between two times, rounded up from the same double the vendor computes (spec 01, section 7)."""
    span = end - start
    if span.den == period.den:
        num, den = span.num, period.num
    else:
        reduced, inverse = span.fraction, 1 / period.fraction
        num, den = reduced.numerator * inverse.numerator, reduced.denominator * inverse.denominator
    try:
        return math.ceil(float(num) / float(den))
    except OverflowError:
        return math.inf
