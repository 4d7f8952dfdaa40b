"""Event sets, and GPIO and IMU sets, in `.isxd` files of the current layout (docs/formats/event-sets.md, Second layout)."""

from __future__ import annotations

import math
from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.isxd.container import read_container
from openisx._formats.isxd.metadata import (
    MAX_SAMPLES,
    PRODUCER,
    ratio_from_json,
    ratio_to_json,
    time_from_json,
    time_to_json,
)
from openisx._formats.json_reading import JsonObject
from openisx._formats.kinds import DataKind, wrong_kind
from openisx._formats.signals import Signals, SignalSource
from openisx.core._records import IsxRatio
from openisx.core.timing import Duration, Time, Timing
from openisx.errors import IsxFormatError
from openisx.structures import EventMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource
    from openisx._formats.isxd.container import Container

__all__ = [
    "MAX_GPIO_SAMPLES",
    "PACKET",
    "EventsIsxd",
    "event_metadata",
    "open_events",
    "set_timing",
    "signals_from_packets",
]

#: One point.
PACKET = np.dtype([("offset", "<u8"), ("channel", "<u8"), ("value", "<f4")])

#: Nothing is allocated by the number of samples of a GPIO set.
MAX_GPIO_SAMPLES = 2**62
_DEFAULT_STEP = IsxRatio(1, 1000)
_VERSION = 2


def open_events(file: ByteSource, *expected: DataKind) -> SignalSource:
    """A set of either layout.

    Parameters
    ----------
    file
        Stays open as long as the source is used.
    expected
        Kinds of data sets to accept.

    Raises
    ------
    IsxFormatError
        The file is damaged, or holds another kind of data set.
    """
    from openisx._formats.isxd.events_first import EventsFirstIsxd

    path = file.given_path
    container = read_container(file)
    kind = container.kind(path)
    if kind not in expected:
        raise wrong_kind(path, kind, *expected)
    members = container.members(path)
    layout = members.integer("fileType") if "fileType" in members else 0
    if layout not in (0, 1):
        raise IsxFormatError(
            f"The file is not a valid events file. {path}: fileType {layout} is neither 0 nor 1."
        )
    return EventsIsxd(file, container) if layout else EventsFirstIsxd(file, container)


class EventsIsxd(SignalSource):
    """An open `.isxd` set of the current layout."""

    def __init__(self, file: ByteSource, container: Container) -> None:
        path, kind = file.given_path, container.kind(file.given_path)
        self._file, self._container = file, container
        members = self._members = container.members(path)
        if members.integer("fileVersion", minimum=0) == 0:
            raise IsxFormatError(
                f"Version 0 of the new type of events file is not supported. {path} should have version 1 or 2."
            )
        names = members.strings("channel list")
        self._steps = [
            ratio_from_json(JsonObject(s, path, "signalSteps")) for s in members.array("signalSteps")
        ]
        self._types, self._counts = members.array("signalTypes"), members.array("numSamples")
        members.array("startOffsets")
        times = [time_from_json(JsonObject(t, path, "global times")) for t in members.array("global times")]
        if len(times) != 2:
            raise IsxFormatError(f"{path}: global times should be the start and the end of the set.")
        self._start, self._end = times
        # In GPIO sets the end is the time of a packet; a single wrong one must not cost the others.
        limit = MAX_SAMPLES if kind is DataKind.EVENT_SET else MAX_GPIO_SAMPLES
        timing = set_timing(self._start, self._end, self._steps, path, limit)
        if container.body_size % PACKET.itemsize:
            raise IsxFormatError(
                f"{path}: the {container.body_size} bytes before the metadata are not whole packets of "
                f"{PACKET.itemsize} bytes. The file is damaged."
            )
        super().__init__(names, timing, kind=kind, path=file.path, given_path=path)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The trailing JSON object."""
        return MappingProxyType(self._container.metadata)

    def read_signals(self) -> Signals:
        """Read all packets and sort them into channels; raises as :func:`signals_from_packets`."""
        packets = np.frombuffer(self._file.read(0, self._container.body_size), PACKET)
        return signals_from_packets(self.names, packets, self.given_path)

    def channel_timing(self, channel: int) -> Timing:
        """Samples of one channel, which in files of other writers need not be those of the set.

        Raises
        ------
        IsxFormatError
            The metadata are damaged.
        """
        path = self.given_path
        if channel >= min(len(self._steps), len(self._types), len(self._counts)):
            raise IsxFormatError(
                f"{path}: signalSteps, signalTypes and numSamples do not have an entry for each cell. "
                "The metadata of the file are damaged."
            )
        step = self._steps[channel]
        if step.num <= 0:
            step = self.timing.period.ratio
        if self.is_dense(channel):
            counted = JsonObject({"numSamples": self._counts[channel]}, path)
            count = counted.integer("numSamples", 0, MAX_SAMPLES)
            return Timing(count, Duration.from_ratio(*step), self.timing.start)
        return set_timing(self._start, self._end, [step], path)

    def is_dense(self, channel: int) -> bool:
        """Whether every sample of a channel is stored."""
        return channel < len(self._types) and self._types[channel] == 1

    def metrics(self) -> list[EventMetrics | None] | None:
        """Stored metrics of each channel; None if the file has none at all.

        Raises
        ------
        IsxFormatError
            The metrics are malformed, or not one entry for each channel.
        """
        if self._members.get("metrics") is None:
            return None
        entries = self._members.array("metrics")
        if len(entries) != len(self.names):
            raise IsxFormatError(f"{self.given_path}: metrics should have one entry for each channel.")
        return [self._one_metrics(entry, f"metrics[{i}]") for i, entry in enumerate(entries)]

    def _one_metrics(self, entry: Any, where: str) -> EventMetrics | None:
        if entry in (None, {}):
            return None
        if not isinstance(entry, list) or len(entry) != len(fields(EventMetrics)):
            raise IsxFormatError(f"{self.given_path}: {where} should be {{}} or a list of nine numbers.")
        members = JsonObject({str(i): v for i, v in enumerate(entry)}, self.given_path, where)
        return EventMetrics(
            *(math.nan if v is None else members.number(k) for k, v in members.members.items())
        )

    def close(self) -> None:
        """Release the file; points already read stay available."""
        self._file.close()


def event_metadata(
    kind: DataKind,
    names: Sequence[str],
    times: tuple[Time, Time],
    *,
    steps: Sequence[IsxRatio],
    dense: Sequence[bool],
    counts: Sequence[int],
    first_offsets: Sequence[int],
    extra_properties: Any,
) -> dict[str, Any]:
    """Metadata of a set in the current layout; all sequences have one entry for each channel."""
    ratios = {id(step): ratio_to_json(step) for step in steps}  # one object for channels of one step
    return {
        "channel list": list(names),
        "extraProperties": extra_properties,
        "fileType": 1,
        "fileVersion": _VERSION,
        "global times": [time_to_json(time) for time in times],
        "metrics": None,
        "numSamples": list(counts),
        "producer": PRODUCER,
        "signalSteps": [ratios[id(step)] for step in steps],
        "signalTypes": [int(each) for each in dense],
        "startOffsets": list(first_offsets),
        "type": kind.code,
    }


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
    """Period of a set: the smallest positive step, but 1 ms if the first step is 0 (docs/formats/event-sets.md, Timing)."""
    if not steps:
        return _DEFAULT_STEP
    period = steps[0]
    for step in steps[1:]:
        if 0 < step.fraction < period.fraction:
            period = step
    return period if period.num else _DEFAULT_STEP


def num_samples(start: IsxRatio, end: IsxRatio, period: IsxRatio) -> float:
    """Samples between two times, rounded up from the same double the vendor computes (docs/formats/event-sets.md, Timing)."""
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
