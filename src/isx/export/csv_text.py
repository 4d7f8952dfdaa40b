"""Number text exactly as C's ``printf`` writes it, for whole columns at once (spec 12, section 12.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["cells", "quoted", "rows"]


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
