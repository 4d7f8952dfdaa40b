"""Clocks of the older movie formats (HDF5, TIFF, XML recordings), which are whole milliseconds or made up.

Without a clock of its own a movie starts at the epoch with 50 ms per sample (docs/formats/movies.md).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from openisx.core._integers import half_away
from openisx.core.timing import Duration, Time, Timing

__all__ = ["made_up_timing", "timing_from_stamps", "utc"]


def made_up_timing(num_samples: int, dropped: Any = ()) -> Timing:
    """Without a clock: 50 ms per sample from the epoch on."""
    return Timing(num_samples, dropped=np.asarray(dropped, dtype=np.uint64)).normalized()


def timing_from_stamps(num_samples: int, parts: list[tuple[int, float, float]], dropped: Any = ()) -> Timing:
    """Clock of one file or of several parts in sequence.

    Parameters
    ----------
    num_samples
        All samples, the dropped ones included.
    parts
        Number, first and last of the stamps of each part.
    dropped
        Indices of dropped samples.
    """
    elapsed = math.fsum(last - first for _, first, last in parts)
    period = (
        Duration.from_ratio(half_away(elapsed / num_samples * 1000), 1000)
        if elapsed > 0
        else Duration.from_msecs(50)
    )
    return Timing(num_samples, period, utc(int(parts[0][1])), dropped).normalized()


def utc(secs_since_epoch: int, den: int = 1) -> Time:
    """An instant in UTC."""
    return Time.from_secs_since_epoch(Duration.from_ratio(secs_since_epoch, den))
