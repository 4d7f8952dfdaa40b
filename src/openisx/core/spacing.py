"""Size, pixel size and position of an image on the sensor: :class:`Spacing`."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from numbers import Rational
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from openisx.core._integers import int64
from openisx.core._records import IsxRatio, IsxSpacingInfo, fitting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Spacing"]

Length: TypeAlias = "float | Rational | IsxRatio"

_MAX_DENOMINATOR = 1_000_000_000


class Spacing:
    """Number of pixels of an image, with pixel size and top left corner in micrometres of the sensor.

    Parameters
    ----------
    num_pixels : sequence of two ints
        (rows, columns).
    pixel_size : sequence of two numbers, keyword only
        (height, width) of a pixel in micrometres. Integers, fractions and ratios are kept exactly, a float becomes
        the nearest fraction with a denominator up to 10^9.
    top_left : sequence of two numbers, keyword only
        (top, left) of the image on the sensor in micrometres.

    Raises
    ------
    TypeError, ValueError
        `num_pixels` is not a pair of non-negative integers, or a length is not a number of 64 bits.

    Examples
    --------
    >>> spacing = isx.Spacing((480, 752), pixel_size=(2.2, 2.2))
    >>> spacing.pixel_size, spacing.pixel_size_ratios[0]
    ((2.2, 2.2), IsxRatio(11, 5))
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        num_pixels: Sequence[int] | NDArray[np.integer] = (0, 0),
        *,
        pixel_size: Sequence[Length] = (3, 3),
        top_left: Sequence[Length] = (0, 0),
    ) -> None:
        if len(num_pixels) != 2:
            raise ValueError(
                "num_pixels must be specified as a two element list/tuple/array (num_rows, num_cols)"
            )
        rows, cols = (operator.index(n) for n in num_pixels)
        if rows < 0 or cols < 0:
            raise ValueError(f"num_pixels must not be negative, got ({rows}, {cols})")
        height, width = _ratios(pixel_size, "pixel_size")
        top, left = _ratios(top_left, "top_left")
        self._impl = IsxSpacingInfo(cols, rows, width, height, left, top)

    @classmethod
    def _from_impl(cls, impl: IsxSpacingInfo) -> Spacing:
        self = cls.__new__(cls)
        self._impl = impl
        return self

    def copy(self) -> Spacing:
        """Independent copy."""
        return Spacing(self.num_pixels, pixel_size=self.pixel_size_ratios, top_left=self.top_left_ratios)

    def _part(self, num_pixels: tuple[int, int], first: tuple[int, int] = (0, 0), factor: int = 1) -> Spacing:
        """That of some pixels from `first` (row, column) on, or of blocks of `factor` x `factor` pixels."""
        sizes, corner = self.pixel_size_ratios, self.top_left_ratios
        at = [fitting(c + size * n) if n else c for c, size, n in zip(corner, sizes, first, strict=True)]
        return Spacing(num_pixels, pixel_size=[fitting(size * factor) for size in sizes], top_left=at)

    @property
    def num_pixels(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self._impl.num_rows, self._impl.num_cols

    @property
    def pixel_size(self) -> tuple[float, float]:
        """(height, width) of a pixel in micrometres of the sensor."""
        return float(self._impl.pixel_height), float(self._impl.pixel_width)

    @property
    def top_left(self) -> tuple[float, float]:
        """(top, left) of the image in micrometres on the sensor."""
        return float(self._impl.top), float(self._impl.left)

    @property
    def pixel_size_ratios(self) -> tuple[IsxRatio, IsxRatio]:
        """(height, width) of a pixel exactly: two records with `num`, `den` and `fraction`."""
        return self._impl.pixel_height.copy(), self._impl.pixel_width.copy()

    @property
    def top_left_ratios(self) -> tuple[IsxRatio, IsxRatio]:
        """(top, left) of the image exactly: two records with `num`, `den` and `fraction`."""
        return self._impl.top.copy(), self._impl.left.copy()

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


def _ratios(lengths: Sequence[Length], name: str) -> tuple[IsxRatio, ...]:
    if len(lengths) != 2:
        raise ValueError(f"{name} must be a pair (vertical, horizontal) of micrometres, got {lengths!r}")
    return tuple(_ratio(length, name) for length in lengths)


def _ratio(length: Length, name: str) -> IsxRatio:
    if isinstance(length, IsxRatio):
        return IsxRatio(int64(length.num), int64(length.den))
    if not isinstance(length, Rational):
        length = float(length)
        if not math.isfinite(length):
            raise ValueError(f"{name} must be finite, got {length!r}")
        length = Fraction(length).limit_denominator(_MAX_DENOMINATOR)
    return IsxRatio(int64(length.numerator), int64(length.denominator))
