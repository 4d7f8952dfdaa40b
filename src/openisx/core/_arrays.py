"""Arrays as callers give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["one_dimensional"]


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
