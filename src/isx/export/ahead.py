"""Preparing the next items while the present one is used."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

__all__ = ["prepared"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def prepared(
    prepare: Callable[[_Item], _Result], items: Iterable[_Item], depth: int = 4
) -> Iterator[_Result]:
    """``map(prepare, items)`` with up to `depth` results made ahead by another thread.

    An error in `prepare` is raised where its result would have come. Leaving the loop early waits for no more
    than the item being prepared.
    """
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    waiting: deque[Future[_Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(prepare, item))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
