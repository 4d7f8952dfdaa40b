"""Some of the frames of a movie: trimmed movies, and the planes and colours of an interleaved one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._views.base import View
from openisx.core._sample_states import CROPPED, sample_states, timing_of_states

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from openisx._formats.base import MovieSource
    from openisx.core.timing import Timing

__all__ = ["SelectedFrames", "trimmed"]


class SelectedFrames(View):
    """Stored frames of another source, in order.

    Parameters
    ----------
    parent, step, timing, processing
        As for :class:`View`.
    places
        Which of the parent's stored frames each valid sample of `timing` is; ascending.
    """

    def __init__(
        self,
        parent: MovieSource,
        step: str,
        timing: Timing,
        places: NDArray[np.int64],
        processing: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(parent, step, timing=timing, processing=processing)
        self._places = places[places < parent.num_stored]
        self.num_stored = len(self._places)
        self.stored_dtype = parent.stored_dtype

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with a frame."""
        self.parent.read_frame(int(self._places[stored]), out)

    def read_frames(self, first: int, out: NDArray[Any]) -> None:
        """Fill `out` (frames, rows, columns) with neighbouring frames."""
        places = self._places[first : first + len(out)]
        done = 0
        for run in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1) if len(places) else ():
            self.parent.read_frames(int(run[0]), out[done : done + len(run)])
            done += len(run)

    def read_rows(self, stored: int, first: int, out: NDArray[Any]) -> None:
        """Fill `out` (some rows, all columns) with rows of a frame from `first` on."""
        self.parent.read_rows(int(self._places[stored]), first, out)

    def forget(self, first: int, last: int) -> None:
        """Give back the memory that the views of some frames take."""
        self.parent.forget(int(self._places[first]), int(self._places[last]))

    def read_spans(self, stored: NDArray[np.int64], first: int, size: int) -> bytes:
        """A few bytes of each of many frames, joined."""
        return self.parent.read_spans(self._places[stored], first, size)

    def frames(self) -> NDArray[Any] | None:
        """View of the parent's frames, if they are evenly spaced there."""
        places = self._places
        step = int(places[1] - places[0]) if len(places) > 1 else 1
        frames = self.parent.frames()
        if frames is None or (np.diff(places) != step).any():
            return None
        return frames[places[0] : places[-1] + 1 : step] if len(places) else frames[:0]

    def stream(self, stored: NDArray[np.int64], *, reuse: bool = False) -> Iterator[NDArray[Any]]:
        """Frames one after another."""
        return self.parent.stream(self._places[stored], reuse=reuse)

    def timestamps(self) -> NDArray[np.uint64] | None:
        """Hardware time stamp of every stored frame in microseconds."""
        stamps = self.parent.timestamps()
        return None if stamps is None else stamps[self._places]

    def timestamp(self, stored: int) -> int:
        """Hardware time stamp of one frame in microseconds."""
        return self.parent.timestamp(int(self._places[stored]))

    def headers(self, stored: NDArray[np.int64]) -> NDArray[Any] | None:
        """What the microscope recorded with frames."""
        return self.parent.headers(self._places[stored])

    def lines(self, stored: int) -> tuple[bytes, bytes] | None:
        """Header and footer line of a frame."""
        return self.parent.lines(int(self._places[stored]))


def trimmed(
    source: MovieSource, first: int, last: int, drop: Sequence[tuple[int, int]] = ()
) -> SelectedFrames:
    """Samples `first` to `last` - 1 without those of the ranges `drop`, which become cropped samples.

    Raises
    ------
    ValueError
        A range is empty or lies outside the movie.
    """
    count = source.timing.num_samples
    if not 0 <= first < last <= count and (first, last) != (0, count):
        raise ValueError(f"samples {first} to {last} (not included) are none of a movie of {count} samples")
    states = sample_states(source.timing)
    valid = states == 0
    for begin, end in drop:
        if not first <= begin < end <= last:
            raise ValueError(
                f"samples {begin} to {end} (not included) cannot be dropped from samples {first} to {last}"
            )
        states[begin:end] = CROPPED
    kept = first + np.flatnonzero(states[first:last] == 0)
    places = (np.cumsum(valid) - 1)[kept]
    period = source.timing.period
    timing = timing_of_states(states[first:last], period, source.timing.start._later(period.ratio * first))
    step = f"trim({first}, {last}{f', drop={list(drop)}' if drop else ''})"
    return SelectedFrames(source, step, timing, places)
