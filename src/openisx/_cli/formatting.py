"""Values as text for people, and for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

__all__ = [
    "Formatted",
    "Sections",
    "clock_text",
    "for_json",
    "image_size",
    "length_text",
    "size_text",
    "value_text",
]

#: Title of a section -> name -> value. Values are JSON values or :class:`Formatted`; a list of mappings is a table.
#: Lower-case names get underscores in JSON, others stay as they are.
Sections: TypeAlias = "dict[str, dict[str, Any]]"


class Formatted(NamedTuple):
    """A value for programs with the text that people see."""

    value: Any
    text: str


def image_size(rows: int, columns: int) -> Formatted:
    """Size of an image."""
    return Formatted([rows, columns], f"{rows} x {columns} pixels (rows x columns)")


def length_text(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 120:
        return f"{seconds:.3f} s"
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    clock = f"{hours} h {minutes:02} min {rest:04.1f} s" if hours else f"{minutes} min {rest:04.1f} s"
    return f"{clock} ({seconds:.3f} s)"


def clock_text(seconds: float) -> str:
    """A length of time as short as clocks show it: 0:05.2, 12:34, 1:02:03."""
    if round(seconds, 1) < 60:
        return f"0:{seconds:04.1f}"
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def size_text(size: float) -> str:
    """A number of bytes for people."""
    if size < 1000:
        return "1 byte" if size == 1 else f"{size:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.3g} {unit}"
    return f"{size / 1000:.3g} TB"


def value_text(value: Any) -> str:
    """Any value on one line."""
    if isinstance(value, Formatted):
        return value.text
    if value is None or value == "":
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
    if isinstance(value, Formatted):
        return for_json(value.value)
    if isinstance(value, Mapping):
        return {
            (key.replace(" ", "_") if key == key.lower() else key): for_json(inner)
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [for_json(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return for_json(value.tolist())
    if isinstance(value, np.generic):
        return for_json(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
