"""Facts about files, for programs and for people alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

__all__ = ["Sections", "Shown", "for_json", "length_text", "size_fact", "size_text", "value_text"]

#: Title of a section -> label -> value. Values are JSON values or :class:`Shown`; a list of mappings is a table.
#: Lower-case labels become names with underscores in JSON, others stay as they are.
Sections: TypeAlias = "dict[str, dict[str, Any]]"


class Shown(NamedTuple):
    """A value for programs with the text that people see."""

    value: Any
    text: str


def size_fact(rows: int, columns: int) -> Shown:
    """Size of an image."""
    return Shown([rows, columns], f"{rows} x {columns} pixels (rows x columns)")


def length_text(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 120:
        return f"{seconds:.3f} s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    clock = f"{hours} h {minutes:02} min {rest:04.1f} s" if hours else f"{minutes} min {rest:04.1f} s"
    return f"{clock} ({seconds:.3f} s)"


def size_text(size: float) -> str:
    """A number of bytes for people."""
    if size < 1000:
        return f"{size:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.3g} {unit}"
    return f"{size / 1000:.3g} TB"


def value_text(value: Any) -> str:
    """Any value on one line."""
    if isinstance(value, Shown):
        return value.text
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(value_text(v) for v in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {value_text(v)}" for k, v in value.items())
    return " ".join(str(value).split())


def for_json(value: Any) -> Any:
    """`value` for JSON: NumPy scalars as Python's, NaN and infinities as null."""
    if isinstance(value, Shown):
        return for_json(value.value)
    if isinstance(value, Mapping):
        return {
            (key.replace(" ", "_") if key == key.lower() else key): for_json(member)
            for key, member in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [for_json(member) for member in value]
    if isinstance(value, np.ndarray):
        return for_json(value.tolist())
    if isinstance(value, np.generic):
        return for_json(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
