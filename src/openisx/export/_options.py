"""Arguments that several exports share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["TIME_REFS", "Progress", "no_progress", "require_time_ref"]

#: Called with (done, total) in units of the export's own; an exception raised in it stops the export.
Progress: TypeAlias = Callable[[int, int], object]

TIME_REFS = ("start", "unix", "tsc")


def no_progress(done: int, total: int) -> None:
    """Default of every ``progress=`` parameter."""


def require_time_ref(time_ref: str) -> None:
    """Raise ValueError unless `time_ref` is one of `TIME_REFS`."""
    if time_ref not in TIME_REFS:
        raise ValueError(f"Unknown time_ref {time_ref!r}. Options are start, unix, tsc.")
