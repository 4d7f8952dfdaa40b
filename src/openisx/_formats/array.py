"""Movies of arrays: NumPy, memory maps, data sets of h5py and zarr, arrays of dask that compute what is asked for.

Types of pixels:

==============================  ==================================================
of the array                    of the movie
==============================  ==================================================
uint8, uint16, float32          the same, in native byte order
bool                            uint8
int8, int16, float16            float32, which holds all of their values
anything else                   refused, since no export takes it; convert it first
==============================  ==================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.base import MovieSource
from openisx._formats.kinds import DataKind
from openisx.core.spacing import Spacing
from openisx.core.timing import Timing
from openisx.errors import IsxStateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["MovieArray"]

_KEPT = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))
_BLOCK_BYTES = 1 << 24


class MovieArray(MovieSource):
    """An array of frames as a movie; the parameters are those of :meth:`isx.Movie.from_array`."""

    given_path = "the array"

    def __init__(self, array: Any, timing: Timing | None, spacing: Spacing | None) -> None:
        try:
            shape, dtype = tuple(map(int, array.shape)), np.dtype(array.dtype)
        except (AttributeError, TypeError) as error:
            raise TypeError(f"array must have a shape and a dtype, as NumPy arrays have: {error}") from None
        if len(shape) != 3:
            raise ValueError(f"array must have the axes (samples, rows, columns), not the shape {shape}")
        self._array: Any = array
        self.dtype = _pixel_type(dtype)
        self.assumed = (() if timing is not None else ("start", "period")) + (
            () if spacing is not None else ("pixel size",)
        )
        self.spacing = spacing.copy() if spacing is not None else Spacing(shape[1:])
        if self.spacing.num_pixels != shape[1:]:
            raise ValueError(
                f"spacing has {self.spacing.num_pixels} pixels, a frame of the array {shape[1:]}"
            )
        self.timing = (Timing(num_samples=shape[0]) if timing is None else timing).normalized()
        samples = self.timing.samples
        if shape[0] not in (samples.num_samples, samples.num_valid):
            raise ValueError(
                f"array has {shape[0]} frames; the timing has {samples.num_samples} samples, of which "
                f"{samples.num_valid} are valid: give either all of them, or only the valid ones"
            )
        self.num_stored = samples.num_valid
        self.kind = DataKind.of_frames(samples.num_samples)
        #: Where in the array each valid sample is, if that also holds the missing ones.
        self._places = np.flatnonzero(samples.mask()) if shape[0] > samples.num_valid else None

    def _open_array(self) -> Any:
        if self._array is None:
            raise IsxStateError(f"{self.given_path} is closed.")
        return self._array

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with a frame."""
        out[...] = self._open_array()[stored if self._places is None else int(self._places[stored])]

    def read_frames(self, first: int, out: NDArray[Any]) -> None:
        """Fill `out` (frames, rows, columns), asking the array for as many at once as follow each other in it."""
        array = self._open_array()
        places = np.arange(first, first + len(out))
        if self._places is not None:
            places = self._places[places]
        done = 0
        for run in np.split(places, np.flatnonzero(np.diff(places) != 1) + 1) if len(places) else ():
            out[done : done + len(run)] = array[int(run[0]) : int(run[-1]) + 1]
            done += len(run)

    def read_rows(self, stored: int, first: int, out: NDArray[Any]) -> None:
        """Fill `out` (some rows, all columns) with rows of a frame from `first` on."""
        place = stored if self._places is None else int(self._places[stored])
        out[...] = self._open_array()[place, first : first + len(out)]

    def frames(self) -> NDArray[Any] | None:
        """The array itself, if it is one of NumPy with exactly the valid samples, and of a type that is kept."""
        array = self._open_array()
        if not isinstance(array, np.ndarray) or self._places is not None or array.dtype != self.dtype:
            return None
        view = np.asarray(array).view()
        view.flags.writeable = False
        return view

    def stream(self, stored: NDArray[np.int64], *, reuse: bool = False) -> Iterator[NDArray[Any]]:
        """The frames `stored`; several of neighbouring ones are read together, unless they are in memory anyway."""
        if self.frames() is not None:
            yield from super().stream(stored, reuse=reuse)
            return
        frame_bytes = max(1, self.spacing.num_pixels[0] * self.spacing.num_pixels[1] * self.dtype.itemsize)
        together = max(1, _BLOCK_BYTES // frame_bytes)
        for run in np.split(stored, np.flatnonzero(np.diff(stored) != 1) + 1):
            for first in range(0, len(run), together):
                part = run[first : first + together]
                block = np.empty((len(part), *self.spacing.num_pixels), self.dtype)
                self.read_frames(int(part[0]), block)
                for frame in block:
                    yield frame if reuse else frame.copy()

    def close(self) -> None:
        """Let go of the array, which stays as it is."""
        self._array = None


def _pixel_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    native: np.dtype[Any] = dtype.newbyteorder("=")
    if native in _KEPT:
        return native
    if native == np.bool_:
        return np.dtype(np.uint8)
    if native.kind in "iuf" and np.can_cast(native, np.float32, "safe"):
        return np.dtype(np.float32)
    raise ValueError(
        f"pixels of type {native} are not supported: convert the array first, for example by "
        "array.astype(numpy.float32)"
    )
