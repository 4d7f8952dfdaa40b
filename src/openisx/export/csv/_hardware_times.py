"""Hardware time stamps as the text exports write them (docs/formats/exports.md, Hardware time stamps)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from openisx.export.csv import _columns as text_cells
from openisx.export.csv import _numbers as csv_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.core._records import IsxRatio
    from openisx.export.csv._columns import Cells

__all__ = ["StampClock"]

# Seconds are written with six decimals. Below 2^50 us, the quotient of a whole number of microseconds by 1e6
# is nearer to that number than to any other, so its digits are the text.
_EXACT_MICROSECONDS = 2**50
# A float64 in this range is a whole number of 2^-42 s, whose product with 1e6 fits 64 bits with its fraction.
_LEAST_SECONDS, _MOST_SECONDS = 2.0**10, 2.0**33
_FRACTION_BITS = 42


@dataclass(frozen=True)
class StampClock:
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

    def cells(self, counters: NDArray[np.uint64]) -> Cells:
        """Text of each counter."""
        if self.time_ref == "tsc":
            return text_cells.integers(counters)
        shown = self._microseconds(counters)
        if shown is not None:
            return text_cells.microseconds(shown)
        texts = csv_text.cells("%.6f", self._seconds(counters))
        return text_cells.choices(texts, np.arange(len(texts)))

    def values(self, counters: NDArray[np.uint64]) -> NDArray[np.float64] | NDArray[np.uint64]:
        """The numbers that a reader of the text gets."""
        if self.time_ref == "tsc":
            return counters
        shown = self._microseconds(counters)
        if shown is not None:
            return shown / 1e6
        return np.array([float(text) for text in csv_text.cells("%.6f", self._seconds(counters))])

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
