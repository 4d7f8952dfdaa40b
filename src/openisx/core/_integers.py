"""Integers from files: they may be wrong by any amount, so nothing here overflows."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["half_away", "int64", "line"]


def int64(value: Any) -> int:
    """The integer `value`; ValueError if files cannot hold it."""
    number = operator.index(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{number} does not fit into a signed 64-bit integer")
    return number


def half_away(value: Fraction | float) -> int:
    """Nearest integer, halves away from zero."""
    size = math.floor(abs(Fraction(value)) + Fraction(1, 2))  # a float from 2^52 on cannot hold the half
    return size if value >= 0 else -size


def line(first: int, step: int, ticks: NDArray[Any], divisor: int = 1) -> NDArray[Any]:
    """``first + k * step`` for each k of the integers `ticks`, to be divided by `divisor`.

    Returns
    -------
    ndarray of int64, or of object
        Python's unbounded integers where a number on the way, or `divisor`, does not fit into 64 bits.
    """
    low, high = (int(ticks.min()), int(ticks.max())) if len(ticks) else (0, 0)
    ends = [low, high, low * step, high * step, first + low * step, first + high * step]
    fits = max(map(abs, [*ends, first, step, divisor])) < 2**63
    numbers: NDArray[Any] = ticks.astype(np.int64 if fits else object) * step + first
    return numbers
