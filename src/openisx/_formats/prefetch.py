"""Other threads prepare what comes next while the reader looks at what it has."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

__all__ = ["prefetched"]

_Item = TypeVar("_Item")
_T = TypeVar("_T")
_MOST_WORKERS = 4


def _num_workers() -> int:
    return min(os.cpu_count() or 1, _MOST_WORKERS)


def prefetched(
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
    pool = ThreadPoolExecutor(workers, "isx-prefetch")
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
        yield from prefetched(read, chain([item for item, _ in waiting], coming), workers)
