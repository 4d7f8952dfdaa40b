"""The plain records inside :class:`isx.Duration`, :class:`isx.Time`, :class:`isx.Timing` and :class:`isx.Spacing`.

Scripts written for the vendor's package reach into ``_impl`` of these classes and assign to its attributes,
so the records are mutable and keep the vendor's names. Only this folder touches ``_impl``; everything else
takes what the four classes offer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from openisx.errors import IsxError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["IsxRatio", "IsxSpacingInfo", "IsxTime", "IsxTimingInfo", "fitting"]

_NO_INDICES = np.zeros(0, dtype=np.uint64)
_NO_RANGES = np.zeros((0, 2), dtype=np.uint64)


class _Record:
    """A dataclass whose repr has no field names."""

    def __repr__(self) -> str:
        values = ", ".join(repr(getattr(self, f.name)) for f in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({values})"


@dataclass(repr=False, eq=False)
class IsxRatio(_Record):
    """An exact rational number, kept unreduced as files store it; equal when the float values are equal.

    Sums keep a common denominator, else they take the least common multiple; products with whole numbers keep the
    denominator (docs/formats/isxd.md, Ratios). Results have any number of digits.
    """

    num: int
    den: int

    @property
    def fraction(self) -> Fraction:
        """The value, reduced; IsxError for a denominator of 0."""
        if not self.den:
            raise IsxError(f"{self.num}/0 has no value: a time or length with the denominator 0.")
        return Fraction(self.num, self.den)

    def copy(self) -> IsxRatio:
        """Independent copy."""
        return IsxRatio(self.num, self.den)

    def __iter__(self) -> Iterator[int]:
        return iter((self.num, self.den))

    def __float__(self) -> float:
        return self.num / self.den

    def __add__(self, other: IsxRatio) -> IsxRatio:
        den = math.lcm(self.den, other.den)
        if not den:
            raise IsxError("A time or length with the denominator 0 has no value.")
        return IsxRatio(self.num * (den // self.den) + other.num * (den // other.den), den)

    def __sub__(self, other: IsxRatio) -> IsxRatio:
        return self + other * -1

    def __mul__(self, factor: int) -> IsxRatio:
        return IsxRatio(self.num * factor, self.den)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IsxRatio):
            return NotImplemented
        return float(self) == float(other)

    __hash__ = None  # type: ignore[assignment]


def fitting(ratio: IsxRatio) -> IsxRatio:
    """`ratio` if files can hold it, else the same number reduced.

    Raises
    ------
    IsxError
        It does not fit into 64 bits in either form.
    """
    if max(abs(ratio.num), abs(ratio.den)) < 2**63:
        return ratio
    reduced = IsxRatio(*ratio.fraction.as_integer_ratio())
    if max(abs(reduced.num), reduced.den) >= 2**63:
        raise IsxError(f"{ratio.num}/{ratio.den} does not fit into two numbers of 64 bits.")
    return reduced


@dataclass(repr=False)
class IsxTime(_Record):
    """An instant (seconds since 1970-01-01 UTC) and the offset of local time from UTC in seconds."""

    secs_since_epoch: IsxRatio = field(default_factory=lambda: IsxRatio(0, 1))
    utc_offset: int = 0


@dataclass(repr=False, eq=False)
class IsxTimingInfo(_Record):
    """What :class:`isx.Timing` holds: samples, their period and start, and the indices of missing ones."""

    num_samples: int = 0
    start: IsxTime = field(default_factory=IsxTime)
    step: IsxRatio = field(default_factory=lambda: IsxRatio(50, 1000))
    dropped: NDArray[np.uint64] = field(default_factory=lambda: _NO_INDICES)
    cropped: NDArray[np.uint64] = field(default_factory=lambda: _NO_RANGES)
    blank: NDArray[np.uint64] = field(default_factory=lambda: _NO_INDICES)


@dataclass(repr=False)
class IsxSpacingInfo(_Record):
    """What :class:`isx.Spacing` holds: columns, rows, pixel size and top left corner in micrometres."""

    num_cols: int = 0
    num_rows: int = 0
    pixel_width: IsxRatio = field(default_factory=lambda: IsxRatio(3, 1))
    pixel_height: IsxRatio = field(default_factory=lambda: IsxRatio(3, 1))
    left: IsxRatio = field(default_factory=lambda: IsxRatio(0, 1))
    top: IsxRatio = field(default_factory=lambda: IsxRatio(0, 1))
