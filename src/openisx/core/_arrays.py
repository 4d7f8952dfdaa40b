"""Arrays as callers give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["as_indices", "as_ranges", "one_dimensional"]


def one_dimensional(values: ArrayLike) -> NDArray[Any] | None:
    """`values` as an array of one axis, where axes of length 1 do not count; None if they have none or several.

    Columns, of shape (n, 1), are what ``numpy.argwhere`` and files of MATLAB give.
    """
    array = np.asarray(values)
    if array.ndim == 1:
        return array
    if not array.ndim or sum(length != 1 for length in array.shape) > 1:
        return None
    return array.reshape(-1)


def as_indices(values: ArrayLike, name: str) -> NDArray[np.uint64]:
    """Sample indices, in any order, as a read-only array; TypeError with `name` if they are none."""
    if isinstance(values, tuple) and not values:
        return _NONE
    message = f"{name} must be an 1D array-like"
    try:
        array = one_dimensional(values)
    except ValueError:
        raise TypeError(message) from None
    if array is None or array.dtype.kind not in "buif":
        raise TypeError(message)
    if array.size and not (array.min() >= 0 and array.max() < 2**64):
        raise TypeError(message)
    return _frozen(array.astype(np.uint64))


def as_ranges(values: ArrayLike) -> NDArray[np.uint64]:
    """Ranges of samples (first, last), in any order, as a read-only array of shape (N, 2)."""
    if isinstance(values, tuple) and not values:
        return _NO_RANGES
    message = "cropped must be an Nx2 array-like"
    try:
        array = np.asarray(values).reshape(-1, 2)
    except (ValueError, TypeError):
        raise TypeError(message) from None
    if array.dtype.kind not in "buif" or (array.size and not 0 <= array.min() <= array.max() < 2**64):
        raise TypeError(message)
    ranges = array.astype(np.uint64)
    if (ranges[:, 0] > ranges[:, 1]).any():
        raise ValueError("cropped ranges are (first, last) with first <= last")
    return _frozen(ranges)


def _frozen(array: NDArray[np.uint64]) -> NDArray[np.uint64]:
    array.flags.writeable = False
    return array


_NONE = _frozen(np.zeros(0, dtype=np.uint64))
_NO_RANGES = _frozen(np.zeros((0, 2), dtype=np.uint64))
