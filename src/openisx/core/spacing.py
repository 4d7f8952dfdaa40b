"""Size, pixel pitch and position of an image on the sensor: :class:`Spacing`."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np

from openisx.core._records import IsxRatio, IsxSpacingInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Spacing"]


class Spacing:
    """Number of pixels of an image, with pixel size and top left corner in micrometres of the sensor.

    Parameters
    ----------
    num_pixels : sequence of two ints
        (rows, columns). Pixels of a new spacing are 3 x 3 um with the corner at 0.

    Raises
    ------
    TypeError, ValueError
        `num_pixels` is not a pair of non-negative integers.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, num_pixels: Sequence[int] | NDArray[np.integer] = (0, 0)) -> None:
        if len(num_pixels) != 2:
            raise ValueError(
                "num_pixels must be specified as a two element list/tuple/array (num_rows, num_cols)"
            )
        rows, cols = (operator.index(n) for n in num_pixels)
        if rows < 0 or cols < 0:
            raise ValueError(f"num_pixels must not be negative, got ({rows}, {cols})")
        self._impl = IsxSpacingInfo(num_cols=cols, num_rows=rows)

    @classmethod
    def _from_impl(cls, impl: IsxSpacingInfo) -> Spacing:
        self = cls.__new__(cls)
        self._impl = impl
        return self

    def copy(self) -> Spacing:
        """Independent copy."""
        impl = self._impl
        ratios = (IsxRatio(r.num, r.den) for r in (impl.pixel_width, impl.pixel_height, impl.left, impl.top))
        return Spacing._from_impl(IsxSpacingInfo(impl.num_cols, impl.num_rows, *ratios))

    @property
    def num_pixels(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self._impl.num_rows, self._impl.num_cols

    @property
    def _pixel_coordinates(self) -> NDArray[np.int64]:
        impl = self._impl
        left = round(float(impl.left) / float(impl.pixel_width))
        top = round(float(impl.top) / float(impl.pixel_height))
        return np.array([left, top, impl.num_cols, impl.num_rows], dtype=np.int64)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spacing):
            return NotImplemented
        return self._impl == other._impl

    def __str__(self) -> str:
        return f"Spacing(num_pixels={self.num_pixels})"
