"""Tables of samples for `to_dataframe()`, whose pandas is imported on use, and matching of times to samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from openisx.core.timing import Timing

__all__ = ["samples_of", "samples_table", "seconds_since_start", "table"]


def table(columns: Mapping[str, Any], index: Any = None) -> pd.DataFrame:
    """A table of named columns."""
    frame: pd.DataFrame = require("pandas", "tables").DataFrame(columns, index=index)
    return frame


def seconds_since_start(timing: Timing) -> NDArray[np.float64]:
    """Time of every sample, float64."""
    step = timing.period.ratio
    seconds: NDArray[np.float64] = np.arange(timing.num_samples, dtype=np.float64) * step.num / step.den
    return seconds


def samples_table(values: NDArray[Any], names: Sequence[str], timing: Timing) -> pd.DataFrame:
    """One row per sample and one column per row of `values`; the index is the time in seconds."""
    pandas = require("pandas", "tables")
    index = pandas.Index(seconds_since_start(timing), name="Time (s)")
    # A copy in the order of the columns, so that the table owns its values and the file can be closed.
    columns = pandas.Index(names, dtype=object)
    frame: pd.DataFrame = pandas.DataFrame(np.array(values).T, index=index, columns=columns)
    return frame


def samples_of(
    offsets: NDArray[np.uint64], source: Timing, target: Timing
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Sample of `target` nearest to each time, computed exactly; half way between two it is the earlier one.

    Parameters
    ----------
    offsets
        Microseconds since the start of `source`.

    Returns
    -------
    samples, inside
        Index of the sample, meaningless where `inside` is False.
    """
    starts = [timing.start.secs_since_epoch.fraction for timing in (source, target)]
    period = target.period.fraction
    if period <= 0:
        raise ValueError("the period of the samples must be positive")
    # index = ceil((offset / 1e6 + shift) / period - 1/2) = -floor((half - offset * factor - first) / divisor)
    scale, shift = 1 / (period * 1_000_000), (starts[0] - starts[1]) / period
    divisor = 2 * math.lcm(scale.denominator, shift.denominator)
    factor, first, half = int(scale * divisor), int(shift * divisor), divisor // 2
    largest = int(offsets.max(initial=0)) * factor + abs(first) + divisor
    # Python's integers where 64 bits do not do
    times = offsets.astype(np.int64) if largest < 2**63 else offsets.astype(object)
    samples = -((half - first - times * factor) // divisor)
    inside = ((samples >= 0) & (samples < target.num_samples)).astype(np.bool_)
    return np.where(inside, samples, 0).astype(np.int64), inside
