"""Locks on files, among all processes, and locks of objects, which forked processes must not inherit."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WithLock", "lock", "locked", "unlock"]


def lock(fd: int, *, wait: bool = False) -> bool:
    """Claim an open file for this object; False if another one, in any process, has claimed it.

    Released when the file is closed. With `wait`, until the other has released it. Where there are no such locks
    (Windows, some network file systems) the claim always succeeds.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def unlock(fd: int) -> None:
    """Release the claim of :func:`lock` at once; closing does so only when no forked process has the file open too."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_UN)


@contextlib.contextmanager
def locked(fd: int) -> Iterator[None]:
    """Claim an open file for the duration of a block, after waiting for others that have claimed it."""
    lock(fd, wait=True)
    try:
        yield
    finally:
        unlock(fd)


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
