"""Times of samples, packets and hardware counters in tables (docs/formats/exports.md, Tables: times, Hardware time stamps).

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
from openisx.export.csv._text import choices, formatted, integers, microseconds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.core.timing import Timing
    from openisx.export.csv._text import Column

__all__ = ["MICROSECOND", "Clock", "Ticks", "TimestampClock", "require_wall_clock"]

#: Unit of the offsets of events, GPIO and IMU packets.
MICROSECOND = IsxRatio(1, 1_000_000)

# Seconds are written with six decimals. Below 2^50 us, the quotient of a whole number of microseconds by 1e6
# is nearer to that number than to any other, so its digits are the text.
_EXACT_MICROSECONDS = 2**50
# A float64 in this range is a whole number of 2^-42 s, whose product with 1e6 fits 64 bits with its fraction.
_LEAST_SECONDS, _MOST_SECONDS = 2.0**10, 2.0**33
_FRACTION_BITS = 42


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


@dataclass(frozen=True)
class TimestampClock:
    """Zero and unit of a column of time stamps.

    Parameters
    ----------
    time_ref
        ``'start'``: seconds since the counter `first`; ``'unix'``: since 1970, `first` being at `epoch`;
        ``'tsc'``: the counters themselves.
    first
        Counter that is the zero.
    epoch
        Wall clock in seconds at that counter.
    """

    time_ref: str
    first: int
    epoch: IsxRatio

    @property
    def unit(self) -> str:
        """Unit of the column: 's' or 'us'."""
        return "us" if self.time_ref == "tsc" else "s"

    def column(self, counters: NDArray[np.uint64]) -> Column:
        """Text of each counter."""
        if self.time_ref == "tsc":
            return integers(counters)
        shown = self._microseconds(counters)
        if shown is not None:
            return microseconds(shown)
        written = formatted("%.6f", self._seconds(counters))
        return choices(written, np.arange(len(written)))

    def values(self, counters: NDArray[np.uint64]) -> NDArray[np.float64] | NDArray[np.uint64]:
        """The numbers that a reader of the text gets."""
        if self.time_ref == "tsc":
            return counters
        shown = self._microseconds(counters)
        if shown is not None:
            return shown / 1e6
        return np.array([float(text) for text in formatted("%.6f", self._seconds(counters))])

    def _elapsed(self, counters: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Microseconds since `first`, signed."""
        elapsed: NDArray[np.int64] = (counters - np.uint64(self.first % 2**64)).view(np.int64)
        return elapsed

    def _seconds(self, counters: NDArray[np.uint64]) -> NDArray[np.float64]:
        seconds = self._elapsed(counters).astype(np.float64) / 1e6
        if self.time_ref == "unix":
            seconds += self.epoch.num / self.epoch.den
        return seconds

    def _microseconds(self, counters: NDArray[np.uint64]) -> NDArray[np.int64] | None:
        """What ``%.6f`` shows of the seconds, in microseconds; None where that takes more than 64 bits."""
        if self.time_ref == "start":
            elapsed = self._elapsed(counters)
            fits = not len(elapsed) or max(-int(elapsed.min()), int(elapsed.max())) < _EXACT_MICROSECONDS
            return elapsed if fits else None
        seconds = self._seconds(counters)
        size = np.abs(seconds)
        if not ((size >= _LEAST_SECONDS) & (size < _MOST_SECONDS)).all():
            return None
        whole = np.floor(seconds)
        fraction = ((seconds - whole) * 2.0**_FRACTION_BITS).astype(np.int64) * 1_000_000
        rounded = fraction >> _FRACTION_BITS
        rest = fraction - (rounded << _FRACTION_BITS)
        half = 1 << (_FRACTION_BITS - 1)
        rounded += (rest > half) | ((rest == half) & (rounded % 2 == 1))  # ties to even, as printf
        shown: NDArray[np.int64] = whole.astype(np.int64) * 1_000_000 + rounded
        return shown
