"""Text of tables, whole columns at once (docs/formats/exports.md, Tables: text and numbers).

Two ways lead to the same bytes, those of C's ``printf``. The first half of this module formats in Python and serves tables of
any kind. The second assembles columns of bytes, about ten times as fast, for tables with a row per frame or point.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "Column",
    "choices",
    "encoded",
    "formatted",
    "integers",
    "lines",
    "matrix_rows",
    "microseconds",
    "quoted",
    "replaced",
    "rows",
    "short_microseconds",
    "sparse_rows",
]

#: One column of a table as bytes: a row per line, as wide as the longest text. Bytes that a text does not need are 0, wherever
#: they are; :func:`lines` drops them.
Column = np.ndarray[Any, np.dtype[np.uint8]]

_GROUP = 10_000
_MICRO = np.uint64(1_000_000)
_MINUS, _POINT, _ZERO = (ord(character) for character in "-.0")


def rows(specs: Sequence[str], columns: Sequence[NDArray[Any] | Sequence[Any]], separator: str = ", ") -> str:
    """Lines of a table, each closed by a line feed.

    Parameters
    ----------
    specs
        One ``printf`` conversion per column, e.g. ``"%.16g"``, ``"%d"``, ``"%s"``.
    columns
        Equally long columns; those with a ``%s`` conversion hold text.
    separator
        Between columns.
    """
    count = len(columns[0])
    flat: list[Any] = [None] * (count * len(columns))
    used = list(specs)
    for i, (spec, column) in enumerate(zip(specs, columns, strict=True)):
        if isinstance(column, np.ndarray) and column.dtype.kind == "f" and _negative_nans(column).any():
            flat[i :: len(columns)] = formatted(spec, column)
            used[i] = "%s"
        else:
            flat[i :: len(columns)] = column.tolist() if isinstance(column, np.ndarray) else column
    return ((separator.join(used) + "\n") * count) % tuple(flat)


def formatted(spec: str, values: NDArray[Any]) -> list[str]:
    """Text of each value; NaN with its sign bit set is ``-nan`` as in C."""
    if not len(values):
        return []
    texts = ((spec + "\n") * len(values) % tuple(values.tolist())).split("\n")[:-1]
    if values.dtype.kind == "f":
        for i in np.flatnonzero(_negative_nans(values)):
            texts[i] = "-nan"
    return texts


def _negative_nans(values: NDArray[Any]) -> NDArray[np.bool_]:
    negative: NDArray[np.bool_] = np.isnan(values) & np.signbit(values)
    return negative


def quoted(name: str) -> str:
    """A name as CSV holds it: quoted only when it has a comma, a double quote or a line break (RFC 4180)."""
    if any(c in name for c in ',"\r\n'):
        return '"' + name.replace('"', '""') + '"'
    return name


def matrix_rows(
    first: Sequence[str], spec: str, values: NDArray[Any], separator: str = ", ", end: str = "\n"
) -> str:
    """Lines of a table whose cells have one format.

    Parameters
    ----------
    first
        Text of the first cell of each row.
    spec
        ``printf`` conversion of all others.
    values
        Shape (rows, columns).
    separator, end
        Between cells, and after the last one of a row.
    """
    count, width = values.shape
    flat: list[Any] = [None] * (count * (width + 1))
    flat[:: width + 1] = first
    row = "%s" + (separator + spec) * width + end
    if _negative_nans(values).any():
        row = separator.join(["%s"] * (width + 1)) + end
        columns = [formatted(spec, column) for column in np.ascontiguousarray(values.T)]
    else:
        columns = values.T.tolist()
    for i, column in enumerate(columns, start=1):
        flat[i :: width + 1] = column
    text: str = (row * count) % tuple(flat)
    return text


def sparse_rows(
    first: Sequence[str],
    width: int,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    texts: Sequence[str],
    separator: str = ", ",
) -> str:
    """Lines of a table in which most cells are ``0``.

    The work grows with the number of rows and of other cells, not with the size of the table: every run of
    zeros is one ready-made piece of text.

    Parameters
    ----------
    first
        Text of the first cell of each row.
    width
        Number of cells after the first.
    rows, columns
        Where the other cells are, ordered by row, then column, without repetition.
    texts
        What they hold.
    separator
        Between cells.
    """
    if not first:
        return ""
    zeros = np.array([(separator + "0") * k for k in range(width + 1)], dtype=object)
    others = len(texts)
    last = np.full(len(first), -1, dtype=np.int64)  # column of the last other cell of each row
    last[rows] = columns
    before = np.empty(others, dtype=np.int64)  # column of the other cell before, in the same row
    before[:1] = -1
    before[1:] = np.where(rows[1:] == rows[:-1], columns[:-1], -1)
    # A row is: its first cell, (a run of zeros, another cell) for each other cell, a run of zeros.
    pieces = np.empty(2 * (len(first) + others), dtype=object)
    begin = 2 * (np.arange(len(first)) + rows.searchsorted(np.arange(len(first))))
    pieces[begin] = first
    at = 2 * (rows + np.arange(others)) + 1
    pieces[at] = zeros[columns - before - 1]
    pieces[at + 1] = [separator + text for text in texts]
    end = np.append(begin[1:], len(pieces)) - 1
    pieces[end] = zeros[width - 1 - last] + "\n"
    text: str = "".join(pieces.tolist())
    return text


def encoded(text: str) -> bytes:
    """Bytes of the file: UTF-8 without mark; half surrogates, which damaged names may hold, as they are."""
    return text.encode("utf-8", "surrogatepass")


# -- columns of bytes ------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _four_digits() -> Column:
    """The digits of 0000 to 9999."""
    numbers = np.arange(_GROUP)[:, None] // np.array([1000, 100, 10, 1]) % 10
    table: Column = (numbers + ord("0")).astype(np.uint8)
    return table


def _digits(values: NDArray[np.uint64], width: int) -> Column:
    """The decimal digits of each value, which has at most `width`, with leading zeros."""
    groups = -(-width // 4)
    digits = np.empty((len(values), 4 * groups), np.uint8)
    rest: NDArray[Any] = values.astype(np.uint32) if width < 10 else values  # divides twice as fast
    for group in range(groups - 1, -1, -1):
        higher = rest // rest.dtype.type(_GROUP)
        digits[:, 4 * group : 4 * group + 4] = _four_digits()[rest - higher * rest.dtype.type(_GROUP)]
        rest = higher
    return digits[:, 4 * groups - width :]


def _magnitudes(values: NDArray[Any]) -> tuple[NDArray[np.uint64], Column]:
    """Absolute values of integers, and a column of minus signs for the negative ones (none if there are none)."""
    if values.dtype.kind == "u" or not len(values) or values.min() >= 0:
        return values.astype(np.uint64), np.zeros((len(values), 0), np.uint8)
    sign = np.where(values < 0, _MINUS, 0).astype(np.uint8)[:, None]
    return np.where(values < 0, -values, values).astype(np.uint64), sign


def integers(values: NDArray[Any]) -> Column:
    """Integers as ``%d`` writes them."""
    if not len(values):
        return np.zeros((0, 0), np.uint8)
    magnitudes, sign = _magnitudes(values)
    low, high = (len(str(int(end))) for end in (magnitudes.min(), magnitudes.max()))
    digits = _digits(magnitudes, high)
    for k in range(high - low):
        digits[:, k] *= magnitudes >= np.uint64(10 ** (high - 1 - k))
    return np.hstack([sign, digits])


def microseconds(values: NDArray[np.int64]) -> Column:
    """Whole microseconds as seconds with six decimals."""
    magnitudes, sign = _magnitudes(values)
    whole = magnitudes // _MICRO
    point = np.full((len(values), 1), _POINT, np.uint8)
    return np.hstack([sign, integers(whole), point, _digits(magnitudes - whole * _MICRO, 6)])


def short_microseconds(values: NDArray[np.int64]) -> Column:
    """Whole microseconds as seconds with as many decimals as they need."""
    column = microseconds(values)
    needless = np.ones(len(column), np.bool_)
    for place in range(1, 7):  # from the last decimal on
        needless &= column[:, -place] == _ZERO
        column[needless, -place] = 0
    column[needless, -7] = 0  # the point
    return column


def choices(texts: Sequence[str], indices: NDArray[np.int64]) -> Column:
    """Text number ``indices[i]`` in row i; nothing for negative indices."""
    table = _padded([*texts, ""])
    column: Column = table[np.where(indices < 0, len(texts), indices)]
    return column


def replaced(column: Column, rows: NDArray[np.int64], texts: Sequence[str]) -> Column:
    """Copy of `column` with other text in some rows: one for each of `rows`, or one for all."""
    if not len(rows):
        return column
    other = _padded(texts)
    result = np.zeros((len(column), max(column.shape[1], other.shape[1])), np.uint8)
    result[:, : column.shape[1]] = column
    result[rows] = 0
    result[rows, : other.shape[1]] = other
    return result


def lines(columns: Sequence[Column], separator: str = ",") -> bytes:
    """Lines of a table, each closed by a line feed."""
    between, end = (np.frombuffer(text.encode(), np.uint8)[None] for text in (separator, "\n"))
    parts = [part for column in columns for part in (column, np.repeat(between, len(column), axis=0))]
    parts[-1] = np.repeat(end, len(columns[0]), axis=0)
    return np.hstack(parts).tobytes().translate(None, b"\0")


def _padded(texts: Sequence[str]) -> Column:
    """Each text in a row of its own."""
    try:
        table = np.array(texts, dtype=np.bytes_)
    except UnicodeEncodeError:
        table = np.array([encoded(text) for text in texts], dtype=np.bytes_)
    return table.view(np.uint8).reshape(len(texts), -1)
