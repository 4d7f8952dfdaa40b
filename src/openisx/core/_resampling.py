"""Which sample of a recording a time falls on, and the other way round. Times are compared exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.core._integers import line
from openisx.core._records import IsxRatio
from openisx.errors import IsxError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.core.timing import Timing

__all__ = ["hold", "nearest_samples"]

_MICROSECOND = IsxRatio(1, 1_000_000)


def nearest_samples(
    offsets: NDArray[np.uint64], source: Timing, target: Timing
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Sample of `target` nearest to each time; half way between two it is the earlier one.

    Parameters
    ----------
    offsets
        Microseconds since the start of `source`.

    Returns
    -------
    samples, inside
        Index of the sample, and whether it lies within `target`; the index is 0 where it does not.

    Raises
    ------
    IsxError
        The period of `target` is not positive.
    """
    step = target.period.ratio
    if step.fraction <= 0:
        raise IsxError(f"A period of {step.num}/{step.den} s puts no event on a sample.")
    shift, microsecond, period = _common_den(_shift(source, target), _MICROSECOND, step)
    # sample = ceil((shift + offset * microsecond) / period - 1/2)
    divisor = 2 * period
    samples = -(line(period - 2 * shift, -2 * microsecond, offsets, divisor) // divisor)
    inside = ((samples >= 0) & (samples < target.num_samples)).astype(np.bool_)
    return np.where(inside, samples, 0).astype(np.int64), inside


def hold(
    offsets: NDArray[np.uint64], values: NDArray[np.float32], source: Timing, target: Timing
) -> NDArray[np.float32]:
    """Value of the last point at or before each sample of `target`; NaN before the first point.

    Parameters
    ----------
    offsets, values
        Points; the offsets in microseconds since the start of `source`, below 2^63, ascending.
    """
    first, period, microsecond = _common_den(_shift(target, source), target.period.ratio, _MICROSECOND)
    times = line(first, period, np.arange(target.num_samples, dtype=np.int64), microsecond) // microsecond
    micros: NDArray[Any] = np.clip(times, -1, 2**63 - 1).astype(np.int64)
    point = offsets.searchsorted(np.maximum(micros, 0).astype(np.uint64), "right") - 1
    point[micros < 0] = -1
    held = np.full(len(point), np.nan, dtype=np.float32)
    known = point >= 0
    held[known] = values[point[known]]
    return held


def _shift(source: Timing, target: Timing) -> IsxRatio:
    """How much later `source` starts than `target`, in seconds."""
    return source.start.secs_since_epoch.ratio - target.start.secs_since_epoch.ratio


def _common_den(*ratios: IsxRatio) -> tuple[int, ...]:
    """Numerators of the ratios over one common denominator."""
    fractions = [ratio.fraction for ratio in ratios]
    den = math.lcm(*(fraction.denominator for fraction in fractions))
    return tuple(int(fraction * den) for fraction in fractions)
