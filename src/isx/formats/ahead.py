"""Decoding ahead: frames are prepared by several threads while the reader looks at earlier ones."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

__all__ = ["read_ahead"]

_T = TypeVar("_T")
_MOST_WORKERS = 4


def read_ahead(read: Callable[[int], _T], numbers: Sequence[int], workers: int | None = None) -> Iterator[_T]:
    """``read(n)`` for each of `numbers` in their order.

    Parameters
    ----------
    read
        Reads one frame; called from several threads at once.
    numbers
        What to read.
    workers
        Threads; as many as there are processors, up to 4, by default. At most twice as many results wait to be
        fetched. An error is raised where its frame would come.
    """
    workers = min(workers or min(os.cpu_count() or 1, _MOST_WORKERS), len(numbers))
    if workers <= 1:
        yield from map(read, numbers)
        return
    waiting: deque[Future[_T]] = deque()
    coming = iter(numbers)
    with ThreadPoolExecutor(workers, "isx-read-ahead") as pool:
        try:
            waiting.extend(pool.submit(read, number) for number in islice(coming, 2 * workers))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(read, number) for number in islice(coming, 1))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)
