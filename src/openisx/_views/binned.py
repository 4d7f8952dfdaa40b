"""Means of neighbouring pixels and samples: :class:`BinnedFrames`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._views.base import ComputedView
from openisx.core._sample_states import BLANK, CROPPED, DROPPED, VALID, sample_states, timing_of_states

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from openisx._formats.base import MovieSource
    from openisx.core.timing import Timing

__all__ = ["BinnedFrames", "binned_states", "binned_timing"]


class BinnedFrames(ComputedView):
    """The mean of blocks of `space` x `space` pixels and `time` samples; what is left over at the ends is cut.

    Missing samples do not count, and a bin of nothing else is missing. Whole numbers are summed exactly and rounded once,
    halves up; sums of floats have 64 bits.

    Parameters
    ----------
    parent
        Where frames come from.
    space, time
        Pixels along each side of a block, and samples.

    Raises
    ------
    ValueError
        A factor is below 1 or exceeds the frame or the movie.
    """

    def __init__(self, parent: MovieSource, space: int, time: int) -> None:
        rows, cols = parent.spacing.num_pixels
        if not 1 <= space <= max(1, min(rows, cols)):
            raise ValueError(
                f"space must be from 1 to {min(rows, cols)} for frames of {rows} x {cols} pixels, not {space}"
            )
        timing = binned_timing(parent.timing, time)
        spacing = parent.spacing._part((rows // space, cols // space), factor=space)
        factors = {"spatialDownsampling": space, "temporalDownsampling": time}
        super().__init__(
            parent,
            f"bin(space={space}, time={time})",
            timing=timing,
            spacing=spacing,
            factors={name: by for name, by in factors.items() if by > 1},
        )
        self._space, self._time = space, time
        valid = (sample_states(parent.timing) == VALID)[: timing.num_samples * time].reshape(-1, time)
        counts = valid.sum(axis=1, dtype=np.int64)
        self._first = (np.cumsum(counts) - counts)[counts > 0]
        self._counts = counts[counts > 0]
        self.num_stored = int((self._first + self._counts <= parent.num_stored).sum())
        if time > 1:
            self.has_timestamps = False

    def needed(self, stored: NDArray[np.int64]) -> NDArray[np.int64]:
        """The frames of all bins, one bin after the other."""
        counts = self._counts[stored]
        behind = np.cumsum(counts) - counts
        frames: NDArray[np.int64] = np.repeat(self._first[stored] - behind, counts) + np.arange(counts.sum())
        return frames

    def compute(
        self, stored: NDArray[np.int64], frames: Iterator[NDArray[Any]], outs: Iterable[NDArray[Any]]
    ) -> Iterator[NDArray[Any]]:
        """Sum rows of all frames of a bin, then the columns of that, which are strided; then divide."""
        k, (rows, cols) = self._space, self.spacing.num_pixels
        total = np.empty((rows, cols * k), self._accumulator)
        block = np.empty((rows, cols), self._accumulator) if k > 1 else total
        for count, out in zip(self._counts[stored].tolist(), outs, strict=True):
            with np.errstate(all="ignore"):  # NaN and infinities spread
                for number in range(count):
                    frame = next(frames)[: rows * k, : cols * k]
                    _add_rows(frame, k, total, begin=not number)
                if k > 1:
                    np.add(total[:, 0::k], total[:, 1::k], out=block)
                    for i in range(2, k):
                        block += total[:, i::k]
                _divide(block, count * k * k, out)
            yield out

    @property
    def _accumulator(self) -> np.dtype[Any]:
        if self.dtype.kind == "f":
            return np.dtype(np.float64)
        largest = np.iinfo(self.dtype).max * self._space**2 * self._time
        return np.dtype(np.uint32 if 2 * largest < 2**32 else np.uint64)

    def timestamps(self) -> NDArray[np.uint64] | None:
        """A bin of several samples has no time stamp."""
        return None if self._time > 1 else super().timestamps()

    def headers(self, stored: NDArray[np.int64]) -> NDArray[Any] | None:
        """Nor has it a header."""
        return None if self._time > 1 else super().headers(stored)

    def lines(self, stored: int) -> tuple[bytes, bytes] | None:
        """Nor lines."""
        return None if self._time > 1 else super().lines(stored)


def _add_rows(frame: NDArray[Any], k: int, total: NDArray[Any], *, begin: bool) -> None:
    """Add each `k` neighbouring rows of a frame to one row of `total`, or `begin` it with them."""
    if begin and k > 1:
        np.add(frame[0::k], frame[1::k], out=total, dtype=total.dtype)
    elif begin:
        total[...] = frame
    for i in range(min(2, k) if begin else 0, k):
        np.add(total, frame[i::k], out=total)


def _divide(total: NDArray[Any], count: int, out: NDArray[Any]) -> None:
    """Mean of `count` numbers each; whole ones are rounded, halves up. `total` is used up."""
    if total.dtype.kind == "f":
        np.divide(total, count, out=out, casting="unsafe")
        return
    if count > 1:
        total += total.dtype.type(count // 2)
        total //= total.dtype.type(count)
    out[...] = total


def binned_states(states: NDArray[np.uint8], time: int) -> NDArray[np.uint8]:
    """States of bins of `time` samples: missing ones are cropped or blank if all of their samples are, else dropped."""
    bins = states[: len(states) // time * time].reshape(-1, time)
    binned = np.full(len(bins), DROPPED, np.uint8)
    binned[(bins == VALID).any(axis=1)] = VALID
    for state in (BLANK, CROPPED):
        binned[(bins == state).all(axis=1)] = state
    return binned


def binned_timing(timing: Timing, time: int) -> Timing:
    """Timing of bins of `time` samples; ValueError if there is no whole one."""
    if time < 1 or time > max(1, timing.num_samples):
        raise ValueError(f"time must be from 1 to {timing.num_samples}, the number of samples, not {time}")
    states = binned_states(sample_states(timing), time)
    return timing_of_states(states, timing.period._times(time), timing.start)
