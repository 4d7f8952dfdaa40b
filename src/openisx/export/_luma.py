"""Microscope pixels as 8-bit brightness for video (docs/formats/exports.md, Videos)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Brightness", "ValueRange"]


@dataclass
class ValueRange:
    """Smallest and largest finite value of the frames seen so far."""

    low: float = np.inf
    high: float = -np.inf
    all_finite: bool = True

    def include(self, frame: NDArray[Any]) -> None:
        """Widen the range to hold the finite values of `frame`."""
        if not frame.size:
            return
        with np.errstate(invalid="ignore"):
            low, high = frame.min(), frame.max()  # NaN if there is one
        if not (np.isfinite(low) and np.isfinite(high)):
            self.all_finite = False
            finite = frame[np.isfinite(frame)]
            if not finite.size:
                return
            low, high = finite.min(), finite.max()
        self.low, self.high = min(self.low, float(low)), max(self.high, float(high))


class Brightness:
    """Maps pixels to 0 ... 255: ``trunc(255 * ((pixel - low) / (high - low)))`` in float32, in this order.

    NaN becomes 0, infinities the nearest end. Everything is 0 where all values are equal, or there were none.
    """

    def __init__(self, seen: ValueRange) -> None:
        self._flat = not seen.high > seen.low
        self._all_finite = seen.all_finite
        if not self._flat:
            # a range wider than float32 can hold is computed in float64
            with np.errstate(over="ignore"):
                narrow = np.isfinite(np.float32(seen.high) - np.float32(seen.low))
            self._type: type[np.floating[Any]] = np.float32 if narrow else np.float64
            self._low = self._type(seen.low)
            self._span = self._type(seen.high) - self._low

    def __call__(self, frame: NDArray[Any]) -> NDArray[np.uint8]:
        """New array with the brightness of every pixel of `frame`."""
        if self._flat:
            return np.zeros(frame.shape, np.uint8)
        values: NDArray[Any] = np.subtract(frame, self._low, dtype=self._type)
        np.divide(values, self._span, out=values)
        np.multiply(values, self._type(255), out=values)
        if not self._all_finite:
            np.nan_to_num(values, copy=False, nan=0, posinf=255, neginf=0)
        return values.astype(np.uint8)
