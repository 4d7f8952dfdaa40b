"""What a GPIO or IMU recording holds, whatever device wrote it: channels of points, and what became of its packets.

The vendor's software turns each of these formats into an `.isxd` set (docs/formats/gpio.md, `.isxd` sets, current
layout); :class:`RecordedSignals` is what that set would hold, point for point.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.isxd.events import MAX_GPIO_SAMPLES, PACKET, event_metadata, set_timing
from openisx._formats.signals import Signals, SignalSource
from openisx.core._records import IsxRatio
from openisx.core.timing import Duration, Time
from openisx.errors import IsxWarning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource
    from openisx._formats.kinds import DataKind
    from openisx.structures import PacketStatistics

__all__ = ["NO_SYNC", "Points", "RecordedChannel", "RecordedSignals", "end_time"]

#: Text of the error for a file without a beginning that one could find.
NO_SYNC = "Failed to find the beginning of the data stream and parse the file."

_CHUNK = 1 << 19


@dataclass(frozen=True)
class Points:
    """Points of one channel in the order of the file.

    Attributes
    ----------
    offsets, values
        Microseconds after the start (uint64) and values (float32), equally long.
    order
        Place of each point among those of all channels, int64 and ascending; None where channels follow one
        another.
    """

    offsets: NDArray[np.uint64]
    values: NDArray[np.float32]
    order: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class RecordedChannel:
    """A channel as a device recorded it.

    Attributes
    ----------
    name : str
    dense : bool
        Sampled at a fixed rate rather than stored at changes.
    step : IsxRatio
        Sampling period, or resolution, in seconds.
    points : Points
    """

    name: str
    dense: bool
    step: IsxRatio
    points: Points


class RecordedSignals(SignalSource):
    """A recording, decoded as a whole, with what the `.isxd` set made of it would hold.

    Parameters
    ----------
    file
        It was read from.
    times
        Start and end, the "global times" of the set.
    channels
        In their order.
    statistics
        What became of the packets.
    extra_properties
        Decoded session metadata; None without.
    """

    def __init__(
        self,
        file: ByteSource,
        kind: DataKind,
        times: tuple[Time, Time],
        channels: Sequence[RecordedChannel],
        statistics: PacketStatistics,
        extra_properties: Any = None,
    ) -> None:
        steps = [channel.step for channel in channels]
        timing = set_timing(*times, steps, file.given_path, MAX_GPIO_SAMPLES)
        names = [channel.name for channel in channels]
        super().__init__(names, timing, kind=kind, path=file.path, given_path=file.given_path)
        self.channels = channels
        self.statistics: PacketStatistics = statistics
        self._times, self._extra = times, extra_properties

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Metadata of the `.isxd` set this recording is exported to."""
        stored = [channel.points.offsets for channel in self.channels]
        return MappingProxyType(
            event_metadata(
                self.kind,
                self.names,
                self._times,
                steps=[channel.step for channel in self.channels],
                dense=[channel.dense for channel in self.channels],
                counts=[len(offsets) for offsets in stored],
                first_offsets=[int(offsets[0]) if len(offsets) else 0 for offsets in stored],
                extra_properties=self._extra,
            )
        )

    def is_dense(self, channel: int) -> bool:
        """Whether a channel was sampled at a fixed rate."""
        return self.channels[channel].dense

    def read_signals(self) -> Signals:
        """Put the points of each channel in order of time."""
        points = [channel.points for channel in self.channels]
        return Signals.from_points(
            self.names,
            np.repeat(np.arange(len(points)), [len(p.offsets) for p in points]),
            np.concatenate([np.zeros(0, np.uint64), *(p.offsets for p in points)]),
            np.concatenate([np.zeros(0, np.float32), *(p.values for p in points)]),
        )

    def packets(self) -> Iterator[NDArray[Any]]:
        """Points as the body of the `.isxd` set holds them, in parts, type :data:`PACKET`."""
        points = [channel.points for channel in self.channels]
        orders = [p.order for p in points if p.order is not None]
        if orders:
            yield from _interleaved(points, orders)
            return
        for index, channel in enumerate(points):
            for first in range(0, len(channel.offsets), _CHUNK):
                part = slice(first, first + _CHUNK)
                packets = np.empty(len(channel.offsets[part]), PACKET)
                packets["offset"], packets["value"] = channel.offsets[part], channel.values[part]
                packets["channel"] = index
                yield packets

    def warn_of_damage(self, problem: str = "") -> None:
        """One :class:`IsxWarning` saying what a damaged file has lost; `problem` adds to it."""
        texts = ", ".join(text for text in (self.statistics.damage, problem) if text)
        if texts:
            warnings.warn(
                f"{self.given_path} is damaged: {texts}. The rest is returned.", IsxWarning, stacklevel=7
            )


def end_time(start: Time, length: IsxRatio) -> Time:
    """The end of a set, over the common denominator of start and length.

    Where that does not fit into 64 bits the fraction is reduced, or rounded to what fits; the vendor's software
    overflows.
    """
    end = start.secs_since_epoch.ratio + length
    exact = end.fraction
    units = (exact.denominator, 1_000_000, 1000, 1)
    if max(abs(end.num), end.den) >= 2**63:
        end = next(
            (
                IsxRatio(round(exact * unit), unit)
                for unit in units
                if abs(exact) * unit < 2**63 - 1 and unit < 2**63
            ),
            IsxRatio(2**63 - 1, 1),
        )
    return Time.from_secs_since_epoch(Duration.from_ratio(*end), start.utc_offset)


def _interleaved(points: list[Points], orders: list[NDArray[np.int64]]) -> Iterator[NDArray[Any]]:
    """Points of all channels merged by their order."""
    order = np.argsort(np.concatenate(orders), kind="stable")
    offsets = np.concatenate([p.offsets for p in points])
    values = np.concatenate([p.values for p in points])
    channels = np.repeat(np.arange(len(points)), [len(p.offsets) for p in points])
    for first in range(0, len(order), _CHUNK):
        part = order[first : first + _CHUNK]
        packets = np.empty(len(part), PACKET)
        packets["offset"], packets["channel"], packets["value"] = offsets[part], channels[part], values[part]
        yield packets
