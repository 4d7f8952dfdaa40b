"""NumPy indexing of a movie that reads no more than is asked for."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from isx.errors import IsxIndexError
from isx.formats.frames import SpanSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from isx.formats.frames import FrameSource
    from isx.timing import SampleIndex

__all__ = ["select"]

_Missing = Callable[["FrameSource", int], Exception]


def _split(key: Any) -> tuple[Any, tuple[Any, Any]]:
    """Selection along the samples, and of pixels; Ellipsis and left-out axes stand for everything."""
    keys = key if isinstance(key, tuple) else (key,)
    at = next((i for i, k in enumerate(keys) if k is Ellipsis), None)
    if at is not None:
        keys = keys[:at] + (slice(None),) * (4 - len(keys)) + keys[at + 1 :]
    if len(keys) > 3 or any(k is None or k is Ellipsis for k in keys):
        raise IndexError("a movie has three axes: samples, rows, columns")
    keys += (slice(None),) * (3 - len(keys))
    return keys[0], (keys[1], keys[2])


def _sample_numbers(key: Any, count: int) -> tuple[NDArray[np.int64], bool]:
    """Samples asked for, and whether their axis goes away."""
    if isinstance(key, slice):
        return np.arange(*key.indices(count), dtype=np.int64), False
    array = np.asarray(key)
    if array.dtype == np.bool_ and array.ndim == 1:
        if len(array) != count:
            raise IndexError(f"a mask of {len(array)} samples does not fit a movie of {count}")
        return np.flatnonzero(array), False
    if array.ndim == 1 and (array.dtype.kind in "iu" or not len(array)):
        numbers, scalar = array.astype(np.int64), False
    else:
        numbers, scalar = np.array([operator.index(key)], dtype=np.int64), True
    numbers = np.where(numbers < 0, numbers + count, numbers)
    if ((numbers < 0) | (numbers >= count)).any():
        raise IsxIndexError(f"sample {key} is out of range for a movie of {count} samples")
    return numbers, scalar


def select(source: FrameSource, samples: SampleIndex, key: Any, missing: _Missing) -> NDArray[Any]:
    """What ``movie[key]`` gives.

    Parameters
    ----------
    source, samples
        The open movie and its index of valid samples.
    key
        An index NumPy would take for a three-dimensional array; the samples may also be a list or a mask.
    missing
        Makes the error for a sample that the file announces but does not hold.
    """
    sample_key, pixel_key = _split(key)
    numbers, scalar = _sample_numbers(sample_key, samples.num_samples)
    stored = samples.stored_many(numbers)
    absent = np.flatnonzero(stored >= source.num_stored)
    if len(absent):
        raise missing(source, int(numbers[absent[0]]))
    if scalar:
        return _one(source, int(stored[0]), pixel_key)
    view = source.frames()
    valid = np.flatnonzero(stored >= 0)
    if view is not None and isinstance(source, SpanSource) and len(valid):
        few = _few_pixels(source, view, stored[valid], pixel_key)
        if few is not None:
            return few if len(valid) == len(stored) else _scattered(few, valid, len(stored))
    rows = _as_slice(stored)
    if view is not None and rows is not None and view.dtype.isnative:
        return _picked(view, rows, pixel_key)
    template = np.broadcast_to(np.zeros((), source.dtype), source.spacing.num_pixels)[pixel_key]
    result = np.zeros((len(numbers), *template.shape), source.dtype)
    if view is None:
        frame = np.empty(source.spacing.num_pixels, source.dtype)
        for i in valid:
            source.read_frame(int(stored[i]), frame)
            result[i] = frame[pixel_key]
        return result
    _copy_runs(view, stored, valid, pixel_key, result)
    return result


def _few_pixels(
    source: SpanSource, view: NDArray[Any], stored: NDArray[np.int64], pixel_key: tuple[Any, Any]
) -> NDArray[Any] | None:
    """Some pixels of each of the `stored` frames, if they lie so close together that reading them is cheap.

    Touching a mapped page costs several microseconds, reading a few bytes less than one.
    """
    if not all(isinstance(key, slice) or np.ndim(key) == 0 for key in pixel_key):
        return None
    picked = np.asarray(_picked(view, 0, pixel_key))
    if not picked.size:
        return None
    reach = [(n - 1) * step for n, step in zip(picked.shape, picked.strides, strict=True)]
    address = _address(picked) if picked.ndim else _address(_picked(view, 0, _as_slices(pixel_key)))
    lowest = address + sum(min(0, r) for r in reach)
    size = sum(abs(r) for r in reach) + view.itemsize
    if size > _FEW_BYTES or 4 * size > view[0].nbytes:
        return None
    data = source.read_spans(stored, lowest - _address(view), size)
    few: NDArray[Any] = np.ndarray(
        (len(stored), *picked.shape), view.dtype, data, address - lowest, (size, *picked.strides)
    )
    return few.astype(view.dtype.newbyteorder("="))  # in order, writable, and free of the bytes between


def _as_slices(pixel_key: tuple[Any, Any]) -> tuple[Any, Any]:
    """A key of two integers as one that keeps both axes, so that the result is a view."""
    row, col = (slice(k, k + 1 or None) for k in map(operator.index, pixel_key))
    return row, col


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _scattered(values: NDArray[Any], valid: NDArray[np.int64], count: int) -> NDArray[Any]:
    result = np.zeros((count, *values.shape[1:]), values.dtype)
    result[valid] = values
    return result


_FEW_BYTES = 1 << 15


def _one(source: FrameSource, stored: int, pixel_key: tuple[Any, Any]) -> NDArray[Any]:
    if stored < 0:
        return np.asarray(np.zeros(source.spacing.num_pixels, source.dtype)[pixel_key])
    view = source.frames()
    if view is not None and view.dtype.isnative:
        return _picked(view, stored, pixel_key)
    frame = np.empty(source.spacing.num_pixels, source.dtype)
    source.read_frame(stored, frame)
    picked: NDArray[Any] = frame[pixel_key]
    return picked


def _picked(view: NDArray[Any], stored: slice | int, pixel_key: tuple[Any, Any]) -> NDArray[Any]:
    key = (stored, *pixel_key)
    picked: NDArray[Any] = view[key]
    return picked


def _as_slice(stored: NDArray[np.int64]) -> slice | None:
    """The slice that selects exactly `stored`, if all are valid and evenly ascending."""
    if not len(stored):
        return slice(0, 0)
    if len(stored) == 1:
        return slice(int(stored[0]), int(stored[0]) + 1) if stored[0] >= 0 else None
    step = int(stored[1] - stored[0])
    if step <= 0 or stored[0] < 0 or (np.diff(stored) != step).any():
        return None
    return slice(int(stored[0]), int(stored[-1]) + 1, step)


def _copy_runs(
    view: NDArray[Any],
    stored: NDArray[np.int64],
    valid: NDArray[np.int64],
    pixel_key: tuple[Any, Any],
    result: NDArray[Any],
) -> None:
    """Copy valid samples run by run, so that each run is one strided copy."""
    positions = stored[valid]
    breaks = np.flatnonzero((np.diff(positions) != 1) | (np.diff(valid) != 1)) + 1
    if len(breaks) > len(valid) // 2:
        for sample, position in zip(valid.tolist(), positions.tolist(), strict=True):
            result[sample] = _picked(view, position, pixel_key)
        return
    for run in np.split(np.arange(len(valid)), breaks):
        if len(run):
            target = slice(valid[run[0]], valid[run[-1]] + 1)
            source = slice(positions[run[0]], positions[run[-1]] + 1)
            result[target] = _picked(view, source, pixel_key)
