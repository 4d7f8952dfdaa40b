"""One channel of a GPIO or IMU set: what it measures, and what one can do with its points."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx._formats.gpio.imu import COUNTS_PER_G, IMU_CHANNELS
from openisx._tables import table
from openisx.structures import ChannelKind, GpioChannel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["describe_channel", "edges", "imu_table", "point_table"]

_DIGITAL = re.compile(
    r"Digital GP[IO] \d|SoftTrig-\d|BNC (Sync Output|Trigger Input)|GPIO[1-4]|SYNC|TRIG|IO[12]|sync|trigger"
)
_POWER = re.compile(r"(EX|OG|DI)[-_]LED[12]?|GPIO4_AI")
_COUNTS = re.compile(r"GPIO-\d")


def describe_channel(
    name: str,
    index: int,
    offsets: NDArray[np.uint64],
    values: NDArray[np.float32],
    *,
    dense: bool,
    in_counts_per_g: bool,
) -> GpioChannel:
    """The record of a channel; `in_counts_per_g` tells that its values are to be made g."""
    values = values / COUNTS_PER_G if in_counts_per_g else values.view()
    offsets = offsets.view()
    offsets.flags.writeable = values.flags.writeable = False
    kind, unit = _nature(name, values)
    finite = values[~np.isnan(values)]
    limits = (float(finite.min()), float(finite.max())) if len(finite) else None
    return GpioChannel(name, index, kind, unit, dense, offsets, values, len(values), limits)


def _nature(name: str, values: NDArray[np.float32]) -> tuple[ChannelKind, str]:
    """Kind and unit, by name where devices use it, else by what the values look like."""
    if name in IMU_CHANNELS:
        return "analog", {"A": "g", "O": "rad", "M": "counts"}[name[0]]
    if name == "Frame Count":
        return "event", "frames"
    if _DIGITAL.fullmatch(name):
        return "digital", ""
    if _POWER.fullmatch(name):
        return "analog", "mW/mm^2"
    if _COUNTS.fullmatch(name):
        return "analog", "counts"
    two_levels = len(values) > 0 and bool(((values == 0) | (values == 1) | np.isnan(values)).all())
    return ("digital" if two_levels else "analog"), ""


def edges(
    offsets: NDArray[np.uint64], values: NDArray[np.float32], threshold: float, *, rising: bool
) -> NDArray[np.uint64]:
    """Offsets at which values cross `threshold` upwards (or downwards); NaN is on neither side."""
    high = values >= threshold
    low = values < threshold
    crossed = (low[:-1] & high[1:]) if rising else (high[:-1] & low[1:])
    found: NDArray[np.uint64] = offsets[1:][crossed]
    return found


def point_table(channels: Sequence[GpioChannel]) -> pd.DataFrame:
    """A DataFrame with a row per point, channel after channel."""
    categorical = require("pandas", "tables").Categorical
    counts = [channel.num_points for channel in channels]
    names = list(dict.fromkeys(channel.name for channel in channels))
    codes = np.repeat([names.index(channel.name) for channel in channels], counts)
    empty = np.zeros(0)
    return table(
        {
            "Time (s)": np.concatenate([empty, *(channel.offsets / 1e6 for channel in channels)]),
            "Channel Name": categorical.from_codes(codes.astype(np.int64), names),
            "Value": np.concatenate([empty.astype(np.float32), *(channel.values for channel in channels)]),
        }
    )


def imu_table(channels: Sequence[GpioChannel]) -> pd.DataFrame:
    """A DataFrame with a row per time and a column per channel."""
    times = np.unique(np.concatenate([np.zeros(0, np.uint64), *(channel.offsets for channel in channels)]))
    columns: dict[str, NDArray[Any]] = {"Time (s)": times / 1e6}
    for channel in channels:
        column = np.full(len(times), np.nan, dtype=np.float32)
        column[times.searchsorted(channel.offsets)] = channel.values
        columns[channel.label] = column
    return table(columns)
