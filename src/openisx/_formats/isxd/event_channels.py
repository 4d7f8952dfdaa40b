"""What the metadata of an event file say of each cell beyond its events (spec 04, sections 1 and 1.3).

==================  ==================================================================================
``signalSteps``     sample period of each channel, a ratio
``signalTypes``     0: points in time, 1: one value per sample
``numSamples``      number of points of each channel
``metrics``         null, or for each channel ``{}`` or nine numbers (null for NaN): signal to noise
                    ratio, median absolute deviation, event rate (Hz), median and standard deviation
                    of event amplitude, of rise time, of decay time
==================  ==================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.isxd.events import num_samples
from openisx._formats.isxd.metadata import MAX_SAMPLES, ratio_from_json
from openisx._formats.json_reading import JsonObject
from openisx.core.timing import Duration, Timing
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._formats.signals import SignalSource
    from openisx.core._records import IsxRatio

__all__ = ["NUM_METRICS", "channel_timing", "event_metrics"]

NUM_METRICS = 9


def channel_timing(source: SignalSource, channel: int) -> Timing:
    """Samples of one channel, which in files of other writers need not be those of the set.

    Raises
    ------
    IsxFormatError
        The metadata are damaged.
    """
    metadata = source.metadata or {}
    if metadata.get("fileType") != 1:
        return source.timing
    members = JsonObject(metadata, source.given_path)
    steps, types, counts = (members.array(key) for key in ("signalSteps", "signalTypes", "numSamples"))
    if channel >= min(len(steps), len(types), len(counts)):
        raise IsxFormatError(
            f"{source.given_path}: signalSteps, signalTypes and numSamples do not have an entry for each cell. "
            "The metadata of the file are damaged."
        )
    where = f"signalSteps[{channel}]"
    step = ratio_from_json(JsonObject(steps[channel], source.given_path, where))
    if step.num <= 0:
        step = source.timing.period.ratio
    count: float
    if types[channel] == 1:
        count = JsonObject({"numSamples": counts[channel]}, source.given_path).integer("numSamples", 0)
    else:
        start, end = (_seconds(time, source.given_path) for time in members.array("global times"))
        count = num_samples(start, end, step)
    if not 0 <= count <= MAX_SAMPLES:
        raise IsxFormatError(
            f"{source.given_path}: channel {channel} would have {count} samples of {float(step)!r} s. "
            "The metadata of the file are damaged."
        )
    return Timing(int(count), Duration.from_ratio(*step), source.timing.start)


def _seconds(time: Any, path: str) -> IsxRatio:
    return ratio_from_json(JsonObject(time, path, "global times").object("secsSinceEpoch"))


def event_metrics(source: SignalSource) -> list[NDArray[np.float32] | None] | None:
    """The nine metrics of each cell as float32, None for a cell without any; None if there are none at all.

    Raises
    ------
    IsxFormatError
        The metadata are damaged.
    """
    stored = (source.metadata or {}).get("metrics")
    if not stored:
        return None
    if not isinstance(stored, list) or len(stored) != len(source.names):
        raise IsxFormatError(
            f"{source.given_path}: metrics should be a list with one entry for each of the "
            f"{len(source.names)} cells. The metadata of the file are damaged."
        )
    return [_metrics(entry, f"{source.given_path}: metrics[{i}]") for i, entry in enumerate(stored)]


def _metrics(entry: Any, where: str) -> NDArray[np.float32] | None:
    if not entry:
        return None
    try:
        numbers = np.array([np.nan if number is None else float(number) for number in entry])
    except (TypeError, ValueError, OverflowError):
        numbers = np.zeros(0)
    if len(numbers) != NUM_METRICS:
        raise IsxFormatError(
            f"{where} should be {NUM_METRICS} numbers. The metadata of the file are damaged."
        )
    with np.errstate(over="ignore"):  # numbers beyond float32 read as infinite
        metrics: NDArray[np.float32] = numbers.astype(np.float32)
    return metrics
