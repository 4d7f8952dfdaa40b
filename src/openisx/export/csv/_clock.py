"""Times of samples and packets as the text exports write them (docs/formats/exports.md, Tables: times).

Files hold times as fractions that nothing ever reduces. The time of the k-th tick of a file, seen from the zero
of the time column, is the fraction ``(offset + k * scale) / den`` with whole numbers; only numerator and
denominator are rounded to float64, and then divided. Reducing the fraction, or rounding earlier, would change
the last digit of some times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.core._integers import line
from openisx.core._records import IsxRatio
from openisx.errors import IsxFormatError
from openisx.export._options import require_time_ref

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.core.timing import Timing

__all__ = ["MICROSECOND", "Clock", "Ticks", "require_wall_clock"]

#: Unit of the offsets of events, GPIO and IMU packets.
MICROSECOND = IsxRatio(1, 1_000_000)


def require_wall_clock(time_ref: str) -> None:
    """Raise ValueError unless `time_ref` is 'start' or 'unix'."""
    require_time_ref(time_ref)
    if time_ref == "tsc":
        raise ValueError(
            "Invalid setting for writeTimeRelativeTo: 'tsc' counts exist for the frames of movies only. "
            "Options are start, unix."
        )


@dataclass(frozen=True)
class Ticks:
    """The whole numbers behind a column of times: tick k is at ``(offset + k * scale) / den`` seconds."""

    offset: int
    scale: int
    den: int

    def seconds(self, ticks: NDArray[Any]) -> NDArray[np.float64]:
        """Time of each of the integers `ticks`, float64."""
        return line(self.offset, self.scale, ticks).astype(np.float64) / float(self.den)


@dataclass(frozen=True)
class Clock:
    """The zero of a column of times.

    Parameters
    ----------
    zero
        Seconds since the epoch that the column shows as 0.
    """

    zero: IsxRatio

    @classmethod
    def relative_to(cls, time_ref: str, first: Timing) -> Clock:
        """Clock of a ``time_ref`` argument.

        Parameters
        ----------
        time_ref
            ``'start'``: the start of the first file given is 0; ``'unix'``: the epoch is.
        first
            Timing of the first file in the order of the arguments, which need not be the earliest.

        Raises
        ------
        ValueError
            `time_ref` is something else.
        """
        require_wall_clock(time_ref)
        if time_ref == "unix":
            return cls(IsxRatio(0, 1))
        return cls(first.start.secs_since_epoch.ratio)

    def ticks(self, start: IsxRatio, unit: IsxRatio) -> Ticks:
        """Ticks of length `unit` counted from `start` (both in seconds), on this clock.

        Raises
        ------
        IsxFormatError
            One of the fractions has the denominator 0.
        """
        if not (start.den and unit.den and self.zero.den):
            raise IsxFormatError("A time with the denominator 0 has no value; the file is damaged.")
        den = math.lcm(start.den, unit.den, self.zero.den)
        offset = start.num * (den // start.den) - self.zero.num * (den // self.zero.den)
        return Ticks(offset, unit.num * (den // unit.den), den)

    def sample_seconds(self, timing: Timing, first: int = 0, stop: int | None = None) -> NDArray[np.float64]:
        """Times of the samples `first` to `stop` (excluded; all by default) of a file, float64.

        Sample 0 is at the start itself, whose fraction is not extended by the denominator of the period
        (docs/formats/isxd.md); that shows in the last digit of some times.
        """
        start = _start(timing)
        count = timing.num_samples if stop is None else stop
        seconds = self.ticks(start, timing.period.ratio).seconds(np.arange(first, count, dtype=np.int64))
        if first == 0 < len(seconds):
            seconds[0] = self.ticks(start, IsxRatio(0, start.den)).seconds(np.zeros(1, np.int64))[0]
        return seconds

    def packet_seconds(self, timing: Timing, offsets: NDArray[Any]) -> NDArray[np.float64]:
        """Times of packets `offsets` microseconds after the start of a file, float64."""
        return self.ticks(_start(timing), MICROSECOND).seconds(offsets)


def _start(timing: Timing) -> IsxRatio:
    return timing.start.secs_since_epoch.ratio
