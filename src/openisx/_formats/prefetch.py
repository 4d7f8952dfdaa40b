"""Working ahead: other threads prepare what comes next while the reader looks at what it has."""

from __future__ import annotations

import os
import threading
from collections import deque
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from itertools import chain, islice
from typing import TYPE_CHECKING, Generic, TypeVar

from openisx._files.locks import WithLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

__all__ = ["Prefetcher", "read_ahead"]

_Item = TypeVar("_Item")
_T = TypeVar("_T")
_MOST_WORKERS = 4


def _num_workers() -> int:
    return min(os.cpu_count() or 1, _MOST_WORKERS)


def read_ahead(
    read: Callable[[_Item], _T], items: Iterable[_Item], workers: int | None = None
) -> Iterator[_T]:
    """``read(item)`` for each of `items` in their order.

    Parameters
    ----------
    read
        Makes one result; called from several threads at once, unless `workers` is 1.
    items
        What to read.
    workers
        Threads beside the caller's; by default as many as there are processors, up to 4, or none where there is
        only one. At most twice as many results wait to be fetched. An error is raised where its result would come.
    """
    coming = iter(items)
    first = list(islice(coming, 2))
    if workers is None:
        workers = _num_workers()
        if workers == 1 or len(first) < 2:
            yield from map(read, chain(first, coming))
            return
    coming = chain(first, coming)
    waiting: deque[tuple[_Item, Future[_T]]] = deque()
    process = os.getpid()
    pool = ThreadPoolExecutor(workers, "isx-read-ahead")
    try:
        waiting.extend((item, pool.submit(read, item)) for item in islice(coming, 2 * workers))
        while waiting and os.getpid() == process:
            result = waiting.popleft()[1].result()
            waiting.extend((item, pool.submit(read, item)) for item in islice(coming, 1))
            yield result
    finally:
        # Without waiting: the collector may end this generator within any thread, even one that is just starting.
        pool.shutdown(wait=False, cancel_futures=True)
    if waiting:  # the process was forked, and the threads stayed in the other one
        yield from read_ahead(read, chain([item for item, _ in waiting], coming), workers)


class _SharedPool:
    """Threads that all prefetchers share; started when needed, and ended before the process forks.

    A child would inherit the locks that working threads hold, but not the threads that release them.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._gate = threading.Lock()
        if hasattr(os, "register_at_fork"):
            release = self._gate.release
            os.register_at_fork(before=self._end, after_in_parent=release, after_in_child=release)

    def _end(self) -> None:
        self._gate.acquire()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def submit(self, read: Callable[[int], _T], number: int) -> Future[_T]:
        with self._gate:
            self._pool = self._pool or ThreadPoolExecutor(_num_workers(), "isx-prefetch")
            return self._pool.submit(read, number)


_pool = _SharedPool()


class Prefetcher(WithLock, Generic[_T]):
    """Prepares what comes next for callers who ask for one number after the other.

    Nothing is prepared until three consecutive numbers were asked for, and any other number ends it.
    """

    _IN_ORDER = 3

    def __init__(self) -> None:
        self._make_lock()

    def _after_fork(self) -> None:
        """Start afresh: what was under way stayed in the other process."""
        super()._after_fork()
        self._coming: dict[int, Future[_T]] = {}
        self._next = -1
        self._run = 0

    def take(self, number: int, count: int, read: Callable[[int], _T]) -> _T | None:
        """The result of ``read(number)`` if it was prepared; None if the caller has to read it.

        `read` is called from other threads, for numbers below `count`. What it raises is raised here.
        """
        with self._lock:
            self._run = self._run + 1 if number == self._next else 1
            self._next = number + 1
            if self._run == 1:
                self._drop()
            prepared = self._coming.pop(number, None)
            if self._run >= self._IN_ORDER and _num_workers() > 1:
                self._prepare(range(number + 1, min(number + 1 + 2 * _num_workers(), count)), read)
        try:
            return None if prepared is None else prepared.result()
        except CancelledError:
            return None

    def _prepare(self, numbers: range, read: Callable[[int], _T]) -> None:
        for number in numbers:
            if number not in self._coming:
                try:
                    self._coming[number] = _pool.submit(read, number)
                except RuntimeError:  # no more threads, or the interpreter is about to end
                    return

    def _drop(self) -> list[Future[_T]]:
        """Cancel what was prepared in vain; returns what is under way already."""
        dropped = list(self._coming.values())
        self._coming = {}
        return [future for future in dropped if not future.cancel()]

    def close(self) -> None:
        """Drop everything, and wait for what is under way."""
        with self._lock:
            under_way = self._drop()
        wait(under_way)
