"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Progress", "no_progress"]

#: Called with (done, total) in units of the work's own; an exception raised in it stops the work.
Progress: TypeAlias = Callable[[int, int], object]


def no_progress(done: int, total: int) -> None:
    """Default of every ``progress=`` parameter."""
