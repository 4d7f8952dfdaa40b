"""Number text exactly as C's ``printf`` writes it, for whole columns at once (docs/formats/exports.md, Tables: text and numbers)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["cells", "encoded", "matrix_rows", "quoted", "rows", "sparse_rows"]


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
            flat[i :: len(columns)] = cells(spec, column)
            used[i] = "%s"
        else:
            flat[i :: len(columns)] = column.tolist() if isinstance(column, np.ndarray) else column
    return ((separator.join(used) + "\n") * count) % tuple(flat)


def cells(spec: str, values: NDArray[Any]) -> list[str]:
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
        columns = [cells(spec, column) for column in np.ascontiguousarray(values.T)]
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
