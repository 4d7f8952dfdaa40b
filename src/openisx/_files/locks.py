"""What forked processes must not inherit: locks, and work half done, of threads that do not exist in them."""

from __future__ import annotations

import os
import threading
import weakref

__all__ = ["WithLock"]


class WithLock:
    """Base of objects with a lock, ``self._lock``, which is free in a forked process even if a thread held it.

    (A lock of our own, with ``__enter__`` in Python, would stay locked if Ctrl-C came while that returns.)
    """

    _lock: threading.Lock

    def _make_lock(self) -> None:
        self._after_fork()
        _with_locks.add(self)

    def _after_fork(self) -> None:
        """Make a new lock, and drop what other threads may have left half done; called in the new process."""
        self._lock = threading.Lock()


_with_locks: weakref.WeakSet[WithLock] = weakref.WeakSet()


def _reset() -> None:
    for thing in list(_with_locks):
        thing._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset)
