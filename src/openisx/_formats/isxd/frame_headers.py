"""The line of 2560 values in front of a frame of the microscope, in which each value carries one byte (docs/formats/movies.md).

Bytes are in bits 4 to 11, numbers least significant byte first:

===========  ==========================  ===========  ==========================
values       meaning                     values       meaning
===========  ==========================  ===========  ==========================
1256         colour id                   1266-1267    LED 2 power
1257         write enable                1268-1269    LED 2 forward voltage
1258-1261    frame count                 1270-1271    electronic focus
1262-1263    LED 1 power                 1272-1279    time stamp, microseconds
1264-1265    LED 1 forward voltage
===========  ==========================  ===========  ==========================
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.core.timing import Duration, Timing

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "COUNTER",
    "COUNTER_VALUES",
    "FIRST_VALUE",
    "HEADER",
    "LINE_BYTES",
    "LINE_VALUES",
    "NUM_VALUES",
    "announces_timestamps",
    "counter_of",
    "decode_counter",
    "decode_headers",
    "timing_by_counter",
]

LINE_VALUES = 2560
LINE_BYTES = 2 * LINE_VALUES
COUNTER = 1272  # first value of the time stamp
COUNTER_VALUES = 8
FIRST_VALUE = 1256  # in front of it there is nothing to know
NUM_VALUES = COUNTER + COUNTER_VALUES - FIRST_VALUE
_COUNTER = struct.Struct("<8H")
#: First value and number of values of each field but the time stamp.
_PLACES = {
    "color_id": (1256, 1),
    "write_enable": (1257, 1),
    "frame_count": (1258, 4),
    "led1_power": (1262, 2),
    "led1_forward_voltage": (1264, 2),
    "led2_power": (1266, 2),
    "led2_forward_voltage": (1268, 2),
    "efocus": (1270, 2),
}
#: A row of :attr:`isx.Movie.frame_headers` without the sample; the fields are those of :class:`isx.structures.FrameHeader`.
HEADER = np.dtype(
    [(name, np.uint32 if name == "frame_count" else np.uint16) for name in _PLACES]
    + [("timestamp", np.uint64)]
)
_VERSION_PART = re.compile(r"\s*[+-]?\d{1,9}\s*", re.ASCII)
_FIRST_VERSION_WITH_TIMESTAMPS = (1, 1, 1)


def announces_timestamps(metadata: Mapping[str, Any]) -> bool:
    """Whether the acquisition software was recent enough to stamp frames (docs/formats/movies.md, Time stamps)."""
    extra = metadata.get("extraProperties")
    producer = extra.get("producer") if isinstance(extra, Mapping) else None
    version = producer.get("version") if isinstance(producer, Mapping) else None
    if not isinstance(version, str):
        return False
    parts = version.partition("-")[0].split(".")[:3]
    if not all(_VERSION_PART.fullmatch(part) for part in parts):
        return False
    numbers = [int(part) for part in parts]
    return (*numbers, 0, 0)[:3] >= _FIRST_VERSION_WITH_TIMESTAMPS


def decode_counter(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Time stamps from the last axis of 8 header values, modulo 2^64."""
    values = values.astype(np.uint64)
    low, high = values[..., 0::2], values[..., 1::2]
    words = (high << np.uint64(4)) | (low >> np.uint64(4))
    shifted = words << np.array([0, 16, 32, 48], dtype=np.uint64)
    counter: NDArray[np.uint64] = np.bitwise_or.reduce(shifted, axis=-1)
    return counter


def counter_of(raw: bytes) -> int:
    """:func:`decode_counter` of the bytes of a single time stamp, faster."""
    values = _COUNTER.unpack(raw)
    counter = 0
    for k in range(0, COUNTER_VALUES, 2):
        counter |= ((values[k + 1] << 4) | (values[k] >> 4)) << (8 * k)
    return counter & (2**64 - 1)


def decode_headers(values: NDArray[Any]) -> NDArray[Any]:
    """What header lines tell, as an array of type `HEADER`.

    Parameters
    ----------
    values
        Shape (frames, `NUM_VALUES`): those of each line from `FIRST_VALUE` on.
    """
    content = values.astype(np.uint64) >> np.uint64(4)
    headers = np.zeros(len(content), HEADER)
    for name, (first, count) in _PLACES.items():
        shifts = np.arange(0, 8 * count, 8, dtype=np.uint64)
        place = slice(first - FIRST_VALUE, first - FIRST_VALUE + count)
        headers[name] = (content[:, place] << shifts).sum(axis=1, dtype=np.uint64).astype(HEADER[name])
    headers["timestamp"] = decode_counter(values[:, COUNTER - FIRST_VALUE :])
    return headers


def timing_by_counter(timing: Timing, first_stamp: int, last_stamp: int) -> Timing:
    """`timing` with the period measured by the time stamps of its first and last valid sample (docs/formats/movies.md, Time stamps)."""
    samples = timing.samples
    if samples.num_valid < 2:
        return timing
    first, last = samples.sample(0), samples.sample(samples.num_valid - 1)
    elapsed = last_stamp - first_stamp
    if last - first <= 1 or not 0 < elapsed < 2**63:
        return timing
    return timing.replace(period=Duration.from_ratio(elapsed, (last - first) * 1_000_000))
