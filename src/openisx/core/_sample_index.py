"""Which samples of a recording exist: :class:`SampleIndex`, and the lists of missing ones it is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SampleIndex", "each_named_once"]


_NONE = np.zeros(0, dtype=np.int64)


class SampleIndex:
    """Which samples exist, and where the body of a file stores them (docs/formats/isxd.md, timingInfo).

    Missing samples are held as sorted, disjoint intervals, so looking up a sample costs one binary search and
    memory grows with the number of gaps, not of samples.

    Parameters
    ----------
    num_samples
        Number of samples including missing ones.
    starts, ends
        First and last samples of sorted, disjoint ranges of missing samples, all below `num_samples`.
    """

    def __init__(self, num_samples: int, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        self.num_samples = num_samples
        self._starts = np.ascontiguousarray(starts)
        self._ends = np.ascontiguousarray(ends)
        self._missing_before = np.zeros(len(starts) + 1, dtype=np.int64)
        np.cumsum(self._ends - self._starts + 1, out=self._missing_before[1:])
        self.num_valid = num_samples - int(self._missing_before[-1])
        self.complete = not len(starts)

    @classmethod
    def without(
        cls,
        num_samples: int,
        dropped: NDArray[np.uint64],
        cropped: NDArray[np.uint64],
        blank: NDArray[np.uint64],
    ) -> SampleIndex:
        """All samples but those in the lists of a timing, in which they may come in any order and repeatedly."""
        if not len(dropped) and not len(cropped) and not len(blank):
            return cls(num_samples, _NONE, _NONE)
        singles = np.concatenate([dropped, blank]) if len(blank) else dropped
        if len(cropped):
            pairs = np.concatenate([np.column_stack([singles, singles]), cropped])
            starts, ends = _merge(pairs, num_samples).T
        else:
            starts = ends = _ascending(singles, num_samples).astype(np.int64)
        return cls(num_samples, starts, ends)

    def stored(self, index: int) -> int:
        """Position in the body of sample `index` (which must lie within the recording); -1 if it is missing."""
        if self.complete:
            return index
        k = int(self._starts.searchsorted(index, "right"))
        if k and index <= self._ends[k - 1]:
            return -1
        return index - int(self._missing_before[k])

    def stored_many(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Vectorised :meth:`stored`."""
        if self.complete:
            return indices.astype(np.int64)
        k = self._starts.searchsorted(indices, "right")
        missing = (k > 0) & (indices <= self._ends[np.maximum(k, 1) - 1])
        return np.where(missing, -1, indices - self._missing_before[k])

    def sample(self, stored: int) -> int:
        """Index of the valid sample at position `stored` of the body (the inverse of :meth:`stored`)."""
        if self.complete:
            return stored
        valid_before = self._starts - self._missing_before[:-1]
        k = int(valid_before.searchsorted(stored, "right"))
        return stored + int(self._missing_before[k])

    def stored_samples(self, count: int) -> NDArray[np.int64]:
        """Index of each of the first `count` valid samples."""
        if self.complete:
            return np.arange(count, dtype=np.int64)
        return np.flatnonzero(self.mask())[:count].astype(np.int64, copy=False)

    def mask(self) -> NDArray[np.bool_]:
        """Boolean array over all samples, True where the sample exists."""
        if self.complete:
            return np.ones(self.num_samples, dtype=np.bool_)
        if self._ends is self._starts:  # single samples
            mask = np.ones(self.num_samples, dtype=np.bool_)
            mask[self._starts] = False
            return mask
        change = np.zeros(self.num_samples + 1, dtype=np.int8)
        change[0] = 1
        change[self._starts] -= 1  # each index comes once, since the ranges are disjoint
        change[self._ends + 1] += 1
        return np.cumsum(change[:-1], dtype=np.int8).view(np.bool_)


def each_named_once(
    num_samples: int, dropped: NDArray[np.uint64], cropped: NDArray[np.uint64], blank: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
    """The three lists as :meth:`isx.Timing.normalized` holds them."""
    ranges = _merge(cropped, num_samples)
    blank = _outside(_ascending(blank, num_samples), ranges)
    dropped = _outside(_ascending(dropped, num_samples), ranges)
    if len(blank):
        dropped = np.setdiff1d(dropped, blank, assume_unique=True)
    return dropped, ranges.astype(np.uint64), blank


def _merge(ranges: NDArray[np.uint64], num_samples: int) -> NDArray[np.int64]:
    """Sorted, disjoint, non-touching ranges covering the same samples below `num_samples`."""
    ranges = ranges[ranges[:, 0] < num_samples]
    if not len(ranges):
        return np.zeros((0, 2), dtype=np.int64)
    clipped = np.minimum(ranges, np.uint64(num_samples - 1)).astype(np.int64)
    if (clipped[1:, 0] < clipped[:-1, 0]).any():
        clipped = clipped[np.argsort(clipped[:, 0], kind="stable")]
    reach = np.maximum.accumulate(clipped[:, 1])
    opens = np.flatnonzero(np.r_[True, clipped[1:, 0] > reach[:-1] + 1])
    closes = np.r_[opens[1:] - 1, len(clipped) - 1]
    return np.column_stack([clipped[opens, 0], reach[closes]])


def _ascending(indices: NDArray[np.uint64], num_samples: int) -> NDArray[np.uint64]:
    """The indices below `num_samples`, sorted and each once."""
    if not len(indices) or ((indices[1:] > indices[:-1]).all() and indices[-1] < num_samples):
        return indices
    return np.unique(indices[indices < num_samples])


def _outside(indices: NDArray[np.uint64], ranges: NDArray[np.int64]) -> NDArray[np.uint64]:
    if not len(ranges) or not len(indices):
        return indices
    k = ranges[:, 0].searchsorted(indices.astype(np.int64), "right")
    inside = (k > 0) & (indices.astype(np.int64) <= ranges[np.maximum(k, 1) - 1, 1])
    outside: NDArray[np.uint64] = indices[~inside]
    return outside
