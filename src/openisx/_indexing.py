"""NumPy indexing of a movie that reads no more than is asked for."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.errors import IsxIndexError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._formats.base import MovieSource
    from openisx.core._sample_index import SampleIndex

__all__ = ["select"]

_Missing = Callable[["MovieSource", int], Exception]


def _axes(key: Any) -> int:
    """Number of axes one element of an index stands for: a mask has as many as it has itself."""
    array = None if isinstance(key, (int, slice)) else np.asarray(key)
    return array.ndim if array is not None and array.dtype == np.bool_ and array.ndim else 1


def _split(key: Any) -> tuple[Any, tuple[Any, ...]]:
    """Selection along the samples, and of pixels; Ellipsis and left-out axes stand for everything."""
    keys = key if isinstance(key, tuple) else (key,)
    if any(k is None for k in keys) or sum(k is Ellipsis for k in keys) > 1:
        raise IndexError("a movie has three axes: samples, rows, columns")
    if not any(k is Ellipsis for k in keys):
        keys += (Ellipsis,)
    at = next(i for i, k in enumerate(keys) if k is Ellipsis)
    given = sum(_axes(k) for k in keys if k is not Ellipsis)
    if given > 3:
        raise IndexError("a movie has three axes: samples, rows, columns")
    if given == 3 and 0 < at < len(keys) - 1 and any(np.ndim(k) for k in keys if not isinstance(k, slice)):
        raise IndexError("an Ellipsis that stands for no axis cannot stand between lists")
    keys = keys[:at] + (slice(None),) * (3 - given) + keys[at + 1 :]
    if _axes(keys[0]) > 1:
        raise IndexError("a mask cannot span samples and pixels; select the samples first")
    return keys[0], keys[1:]


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
    elif array.ndim == 0 and array.dtype != np.bool_:
        numbers, scalar = np.array([operator.index(key)]), True
    else:
        raise IndexError("samples are selected by a number, a slice, a list or a mask")
    numbers = np.where(numbers < 0, numbers + count, numbers)
    if ((numbers < 0) | (numbers >= count)).any():
        raise IsxIndexError(f"sample {key} is out of range for a movie of {count} samples")
    return numbers, scalar


def select(source: MovieSource, samples: SampleIndex, key: Any, missing: _Missing) -> NDArray[Any]:
    """What ``movie[key]`` gives.

    Parameters
    ----------
    source, samples
        The open movie and its index of valid samples.
    key
        An index NumPy would take for a three-dimensional array, with the same meaning; only new axes and
        masks over samples and pixels at once are not supported.
    missing
        Makes the error for a sample that the file announces but does not hold.
    """
    frame = _one_frame(source, samples, key) if type(key) is int else None
    if frame is not None:
        return frame
    sample_key, pixel_key = _split(key)
    numbers, scalar = _sample_numbers(sample_key, samples.num_samples)
    stored = samples.stored_many(numbers)
    absent = np.flatnonzero(stored >= source.num_stored)
    if len(absent):
        raise missing(source, int(numbers[absent[0]]))
    lists_pixels = any(not isinstance(k, slice) and np.ndim(k) for k in pixel_key)
    if lists_pixels and not isinstance(sample_key, slice):
        # NumPy pairs lists of several axes; whole frames are gathered for it to do so.
        needed, positions = np.unique(stored, return_inverse=True)
        block = _stacked(source, needed, (slice(None), slice(None)))
        return _picked(block, 0 if scalar else positions.reshape(-1), pixel_key)
    valid = np.flatnonzero(stored >= 0)
    if source.stored_dtype is not None and len(valid) and not scalar:
        few = _few_pixels(source, source.stored_dtype, stored[valid], pixel_key)
        if few is not None:
            return few if len(valid) == len(stored) else _scattered(few, valid, len(stored))
    view = source.frames()
    if view is not None and view.dtype.isnative:
        rows = _as_slice(stored)
        if scalar and stored[0] >= 0:
            return _picked(view, int(stored[0]), pixel_key)
        if rows is not None and not scalar:
            return _picked(view, rows, pixel_key)
    result = _stacked(source, stored, pixel_key)
    first: NDArray[Any] = result[0] if scalar else result
    return first


def _one_frame(source: MovieSource, samples: SampleIndex, key: int) -> NDArray[Any] | None:
    """View of one frame, the most frequent of all cases; None where the general way has to be gone."""
    count = samples.num_samples
    if not -count <= key < count:
        return None
    stored = samples.stored(key % count)
    view = source.frames() if 0 <= stored < source.num_stored else None
    if view is None or not view.dtype.isnative:
        return None
    frame: NDArray[Any] = view[stored]
    return frame


def _stacked(source: MovieSource, stored: NDArray[np.int64], pixel_key: tuple[Any, ...]) -> NDArray[Any]:
    """Copies of frames, zeros where `stored` is negative."""
    template = np.broadcast_to(np.zeros((), source.dtype), source.spacing.num_pixels)[pixel_key]
    result = np.zeros((len(stored), *template.shape), source.dtype)
    valid = np.flatnonzero(stored >= 0)
    view = source.frames()
    if view is not None:
        _copy_runs(view, stored, valid, pixel_key, result)
        return result
    for i, frame in zip(valid.tolist(), source.stream(stored[valid]), strict=True):
        result[i] = frame[pixel_key]
    return result


def _few_pixels(
    source: MovieSource, dtype: np.dtype[Any], stored: NDArray[np.int64], pixel_key: tuple[Any, ...]
) -> NDArray[Any] | None:
    """Some pixels of each of the `stored` frames, if they lie so close together that reading them is cheap.

    Touching a mapped page costs several microseconds, reading a few bytes less than one.
    """
    if not all(isinstance(key, slice) or np.ndim(key) == 0 for key in pixel_key):
        return None
    frame = np.empty(source.spacing.num_pixels, dtype)  # tells where pixels are; its own are never touched
    picked = np.asarray(frame[pixel_key])
    if not picked.size:
        return None
    reach = [(n - 1) * step for n, step in zip(picked.shape, picked.strides, strict=True)]
    address = _address(picked if picked.ndim else frame[_as_slices(pixel_key)]) - _address(frame)
    lowest = address + sum(min(0, r) for r in reach)
    size = sum(abs(r) for r in reach) + dtype.itemsize
    if size > _FEW_BYTES or 4 * size > frame.nbytes:
        return None
    data = source.read_spans(stored, lowest, size)
    few: NDArray[Any] = np.ndarray(
        (len(stored), *picked.shape), dtype, data, address - lowest, (size, *picked.strides)
    )
    return few.astype(source.dtype)  # in order, writable, and free of the bytes between


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


def _picked(
    view: NDArray[Any], stored: slice | int | NDArray[np.int64], pixel_key: tuple[Any, ...]
) -> NDArray[Any]:
    key = (stored, *pixel_key)
    picked: NDArray[Any] = view[key]
    return picked


def _as_slice(stored: NDArray[np.int64]) -> slice | None:
    """The slice that selects exactly `stored`, if all are valid and at equal distances."""
    if not len(stored):
        return slice(0, 0)
    if stored.min() < 0:
        return None
    first, last = int(stored[0]), int(stored[-1])
    step = int(stored[1] - stored[0]) if len(stored) > 1 else 1
    if not step or (np.diff(stored) != step).any():
        return None
    if step > 0:
        return slice(first, last + 1, step)
    return slice(first, last - 1 if last else None, step)


def _copy_runs(
    view: NDArray[Any],
    stored: NDArray[np.int64],
    valid: NDArray[np.int64],
    pixel_key: tuple[Any, ...],
    result: NDArray[Any],
) -> None:
    """Copy valid samples run by run, so that each run is one strided copy."""
    positions = stored[valid]
    breaks = np.flatnonzero((np.diff(positions) != 1) | (np.diff(valid) != 1)) + 1
    if len(breaks) > len(valid) // 2:
        for sample, position in zip(valid.tolist(), positions.tolist(), strict=True):
            result[sample] = view[position][pixel_key]  # an integer beside lists would move axes
        return
    for run in np.split(np.arange(len(valid)), breaks):
        if len(run):
            target = slice(valid[run[0]], valid[run[-1]] + 1)
            source = slice(positions[run[0]], positions[run[-1]] + 1)
            result[target] = _picked(view, source, pixel_key)
