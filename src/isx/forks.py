"""What forked processes must not inherit: locks, and work half done, of threads that do not exist in them."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol

__all__ = ["Forkable", "WithLock", "reset_when_forked"]


class Forkable(Protocol):
    """An object with locks, or work under way in other threads."""

    def _after_fork(self) -> None:
        """Make new locks, and drop what other threads may have left half done; called in the new process."""


_forkable: weakref.WeakSet[Forkable] = weakref.WeakSet()


def reset_when_forked(thing: Forkable) -> None:
    """Have ``thing._after_fork()`` called in every process forked from now on, as long as `thing` lives."""
    _forkable.add(thing)


def _reset() -> None:
    for thing in list(_forkable):
        thing._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)


class WithLock:
    """Base of objects with a lock, ``self._lock``, which is free in a forked process even if a thread held it.

    (A lock of our own, with ``__enter__`` in Python, would stay locked if Ctrl-C came while that returns.)
    """

    _lock: threading.Lock

    def _make_lock(self) -> None:
        self._after_fork()
        reset_when_forked(self)

    def _after_fork(self) -> None:
        """Make a new lock."""
        self._lock = threading.Lock()
