"""GPIO signals inside the HDF5 recordings of nVista 2 (docs/formats/gpio.md, `.hdf5`)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx._formats.gpio.recording import Points, RecordedChannel, RecordedSignals, end_time
from openisx._formats.kinds import DataKind
from openisx._formats.legacy.hdf5 import content
from openisx.core._records import IsxRatio
from openisx.core.timing import Duration, Time
from openisx.errors import IsxFormatError
from openisx.structures import PacketStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["read_nvista2"]

_CHANNELS = ("IO1", "IO2", "sync", "trigger")
_WORDS = 15
_STEP = IsxRatio(1000, 1_000_000)
_ROWS = 1 << 16
_NO_TIMES = "The file does not contain any GPIO data. Timestamps could not be read."


def read_nvista2(file: ByteSource) -> RecordedSignals:
    """Decode the GPIO signals of an nVista 2 recording, and close it; needs h5py.

    Raises
    ------
    IsxFormatError
        The file is not HDF5, or lacks one of the data sets.
    IsxImportError
        h5py is not installed.
    """
    h5py, path = require("h5py", "hdf5"), file.given_path
    try:
        with contextlib.closing(file), h5py.File(file.stream(), "r") as recording:
            start = _start(recording, path)
            samples = _samples(recording, path)
    except IsxFormatError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:  # what h5py makes of damage
        raise IsxFormatError(f"Failure caused by H5File operations. {path}: {error}") from None
    offsets = np.arange(len(samples), dtype=np.uint64) * np.uint64(1000)
    begin = Time.from_secs_since_epoch(start)
    return RecordedSignals(
        file,
        DataKind.GPIO,
        (begin, end_time(begin, _STEP * len(samples))),
        [
            RecordedChannel(name, True, _STEP, Points(offsets, ((samples >> bit) & 1).astype(np.float32)))
            for bit, name in enumerate(_CHANNELS)
        ],
        PacketStatistics(packets=len(samples)),
    )


def _start(file: Any, path: str) -> Duration:
    name = next((name for name in ("timeStamp", "timestamp") if name in file), None)
    if name is None:
        raise IsxFormatError(f"{_NO_TIMES} File: {path}: {content(file)}.")
    times = file[name]
    if not times.shape or not times.shape[0] or times.dtype.kind not in "fiu":
        raise IsxFormatError(f"{_NO_TIMES} File: {path}")
    microseconds = float(times[(0,) * times.ndim]) * 1e6
    if not abs(microseconds) < 2**62:
        raise IsxFormatError(f"{path}: the first time stamp, {microseconds / 1e6} s, cannot be right.")
    return Duration.from_usecs(microseconds)


def _samples(file: Any, path: str) -> NDArray[np.uint8]:
    """Four bits per sample, all rows strung together."""
    for name in ("anc_data", "anc_data_count"):
        if name not in file:
            raise IsxFormatError(f"Failure caused by H5File operations. {path} has no data set {name!r}.")
    words, counts = file["anc_data"], file["anc_data_count"]
    if words.ndim != 2 or words.dtype.kind not in "iu" or counts.dtype.kind not in "iu":
        raise IsxFormatError(f"{path}: anc_data and anc_data_count should hold integers, 15 and one a frame.")
    rows = min(words.shape[0], counts.shape[0] if counts.ndim else 0)
    parts = [np.zeros(0, dtype=np.uint8)]
    for first in range(0, rows, _ROWS):
        block = words[first : min(first + _ROWS, rows)].astype(np.uint16)
        valid = counts[first : min(first + _ROWS, rows)].reshape(len(block), -1)[:, 0].astype(np.uint8)
        block = block[np.arange(block.shape[1]) < np.minimum(valid, _WORDS)[:, None]]
        nibbles = (block[:, None] >> np.array([0, 4, 8, 12], dtype=np.uint16)) & 15
        parts.append(nibbles.astype(np.uint8).ravel())
    return np.concatenate(parts)
