"""Frames into the chunks of an HDF5 data set, compressed by several threads (docs/formats/nwb.md, Chunks)."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.prefetch import prefetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["chunk_shape", "fill", "options"]

_CHUNK = 1 << 20  # bytes; readers whose cache is smaller would unpack a chunk anew for each frame


def chunk_shape(count: int, frame: tuple[int, int], dtype: np.dtype[Any]) -> tuple[int, int, int]:
    """Whole frames, together at most 1 MiB; `frame` is (width, height)."""
    together = max(1, _CHUNK // max(1, frame[0] * frame[1] * dtype.itemsize))
    return max(1, min(together, count)), *frame


def options(chunks: tuple[int, ...], compression: int | None) -> dict[str, Any]:
    """Arguments with which h5py makes a data set that :func:`fill` can fill."""
    if compression is None:
        return {}
    return {"chunks": chunks, "compression": "gzip", "compression_opts": compression, "shuffle": True}


def fill(
    dataset: Any, frames: Iterable[NDArray[Any]], compression: int | None, advance: Callable[[int], object]
) -> None:
    """Write frames, each transposed, into an empty data set of shape (frames, width, height).

    Parameters
    ----------
    dataset
        Of h5py, made with :func:`options`.
    frames
        As many as the data set has; each is valid until the next one.
    compression
        Level of deflate; None if the data set is not compressed.
    advance
        Called with the number of frames written since the last call.
    """
    shape, dtype = dataset.shape, dataset.dtype
    together = dataset.chunks[0] if compression is not None else chunk_shape(shape[0], shape[1:], dtype)[0]
    if compression is None:
        first = 0
        for block, count in _blocks(frames, together, shape[1:], dtype):
            dataset[first : first + count] = block[:count]
            first += count
            advance(count)
        return

    def packed(item: tuple[NDArray[Any], int]) -> tuple[bytes, int]:
        return zlib.compress(_shuffled(item[0]).data, compression), item[1]

    offset = 0
    for data, count in prefetched(packed, _blocks(frames, together, shape[1:], dtype)):
        dataset.id.write_direct_chunk((offset, 0, 0), data, 0)
        offset += together
        advance(count)


def _blocks(
    frames: Iterable[NDArray[Any]], together: int, shape: tuple[int, int], dtype: np.dtype[Any]
) -> Iterator[tuple[NDArray[Any], int]]:
    """Whole chunks, the last one filled with zeros, and how many frames each has."""
    block, count = np.zeros((together, *shape), dtype), 0
    for frame in frames:
        block[count] = frame.T
        count += 1
        if count == together:
            yield block, count
            block, count = np.zeros((together, *shape), dtype), 0
    if count:
        yield block, count


def _shuffled(block: NDArray[Any]) -> NDArray[np.uint8]:
    """What the shuffle filter of HDF5 makes: the first bytes of all elements, then the second ones, ..."""
    size = block.dtype.itemsize
    return np.ascontiguousarray(block.reshape(-1).view(np.uint8).reshape(-1, size).T)
