"""Columns of a table as bytes, made for all rows at once.

Cells are a uint8 array with a row per line and as many columns as the longest text needs; places that a text does
not need hold 0, wherever they are. :func:`lines` puts columns beside each other and drops the zeros. This is ten
times as fast as formatting in Python where a table has a row per frame; tables of few rows use
:mod:`openisx.export.csv._numbers`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Cells", "choices", "integers", "lines", "microseconds", "where"]

#: One column of a table.
Cells = np.ndarray[Any, np.dtype[np.uint8]]

_GROUP = 10_000
_MINUS, _POINT = ord("-"), ord(".")


@lru_cache(maxsize=1)
def _four_digits() -> Cells:
    """The digits of 0000 to 9999."""
    numbers = np.arange(_GROUP)[:, None] // np.array([1000, 100, 10, 1]) % 10
    table: Cells = (numbers + ord("0")).astype(np.uint8)
    return table


def _digits(values: NDArray[np.uint64], width: int) -> Cells:
    """The last `width` decimal digits of each value, with leading zeros."""
    groups = -(-width // 4)
    digits = np.empty((len(values), 4 * groups), np.uint8)
    rest = values
    for group in range(groups - 1, -1, -1):
        higher = rest // np.uint64(_GROUP)
        digits[:, 4 * group : 4 * group + 4] = _four_digits()[rest - higher * np.uint64(_GROUP)]
        rest = higher
    return digits[:, 4 * groups - width :]


def _magnitudes(values: NDArray[Any]) -> tuple[NDArray[np.uint64], Cells]:
    """Absolute values of integers, and a column of minus signs for the negative ones (none if there are none)."""
    if values.dtype.kind == "u" or not len(values) or values.min() >= 0:
        return values.astype(np.uint64), np.zeros((len(values), 0), np.uint8)
    sign = np.where(values < 0, _MINUS, 0).astype(np.uint8)[:, None]
    return np.where(values < 0, -values, values).astype(np.uint64), sign


def integers(values: NDArray[Any]) -> Cells:
    """Integers as ``%d`` writes them."""
    if not len(values):
        return np.zeros((0, 0), np.uint8)
    magnitudes, sign = _magnitudes(values)
    low, high = (len(str(int(end))) for end in (magnitudes.min(), magnitudes.max()))
    digits = _digits(magnitudes, high)
    for k in range(high - low):
        digits[:, k] *= magnitudes >= np.uint64(10 ** (high - 1 - k))
    return np.hstack([sign, digits])


def microseconds(values: NDArray[np.int64]) -> Cells:
    """Whole microseconds as seconds with six decimals."""
    magnitudes, sign = _magnitudes(values)
    whole = magnitudes // np.uint64(1_000_000)
    point = np.full((len(values), 1), _POINT, np.uint8)
    return np.hstack([sign, integers(whole), point, _digits(magnitudes - whole * np.uint64(1_000_000), 6)])


def choices(texts: Sequence[str], indices: NDArray[np.int64]) -> Cells:
    """Text number ``indices[i]`` in row i; nothing for negative indices."""
    encoded = [text.encode("utf-8", "backslashreplace") for text in texts]
    table = np.zeros((len(encoded) + 1, max(map(len, encoded), default=0)), np.uint8)
    for row, text in zip(table, encoded, strict=False):
        row[: len(text)] = np.frombuffer(text, np.uint8)
    cells: Cells = table[np.where(indices < 0, len(encoded), indices)]
    return cells


def where(mask: NDArray[np.bool_], cells: Cells, other: str = "") -> Cells:
    """Copy of `cells` with `other` in the rows where `mask` is False."""
    text = np.frombuffer(other.encode(), np.uint8)
    result = np.zeros((len(cells), max(cells.shape[1], len(text))), np.uint8)
    result[:, : cells.shape[1]] = cells
    rows = np.flatnonzero(~mask)
    result[rows] = 0
    result[rows[:, None], np.arange(len(text))] = text
    return result


def lines(columns: Sequence[Cells], separator: str = ",") -> bytes:
    """Lines of a table, each closed by a line feed."""
    count = len(columns[0])
    between = np.full((count, 1), ord(separator), np.uint8)
    parts = [part for column in columns for part in (column, between)]
    parts[-1] = np.full((count, 1), ord("\n"), np.uint8)
    return np.hstack(parts).tobytes().translate(None, b"\0")
