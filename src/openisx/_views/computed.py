"""Frames that become others one by one: dF/F, repaired pixels, and any function of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._views.base import ComputedView, PreparedView
from openisx._views.projection import project
from openisx.errors import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from openisx._formats.base import MovieSource

__all__ = ["FixedPixels", "MappedFrames", "RelativeChange", "frame_type"]


class RelativeChange(PreparedView):
    """dF/F: (F - F0) / F0 as float32, 0 where F0 is 0.

    Parameters
    ----------
    parent
        Where frames come from.
    f0
        The image F0, or ``"mean"`` or ``"min"`` for that projection of `of`.
    of
        Sources whose frames make F0; `parent` alone by default.
    told
        Whether the user knows of pixels at which an image F0 means nothing.
    """

    def __init__(
        self, parent: MovieSource, f0: Any, of: Sequence[MovieSource] = (), *, told: bool = False
    ) -> None:
        shown = repr(f0) if isinstance(f0, str) else "array"
        super().__init__(parent, f"dff(f0={shown})", dtype=np.dtype(np.float32))
        self._stat = f0 if isinstance(f0, str) else ""
        self._of = tuple(of)
        if not self._stat:
            self._knowledge = _checked(np.asarray(f0, np.float32), parent, told=told)

    def learn(self) -> NDArray[np.float32]:
        """F0."""
        image = project(self._of or (self.parent,), self._stat)
        return _checked(image.astype(np.float32), self.parent)

    def compute(
        self, stored: NDArray[np.int64], frames: Iterator[NDArray[Any]], outs: Iterable[NDArray[Any]]
    ) -> Iterator[NDArray[Any]]:
        """Subtract and divide."""
        f0: NDArray[np.float32] = self.known
        nothing = f0 == 0
        has_nothing = bool(nothing.any())
        for frame, out in zip(frames, outs, strict=True):
            with np.errstate(all="ignore"):
                out[...] = frame
                np.subtract(out, f0, out=out)
                np.divide(out, f0, out=out)
            if has_nothing:
                out[nothing] = 0
            yield out


def _checked(f0: NDArray[np.float32], parent: MovieSource, *, told: bool = False) -> NDArray[np.float32]:
    if f0.shape != parent.spacing.num_pixels:
        raise ValueError(f"f0 must have the shape of a frame, {parent.spacing.num_pixels}, not {f0.shape}")
    odd = int((f0 <= 0).sum())
    if odd and not told:
        warn(
            f"{parent.given_path}: F0 is 0 or negative at {odd} pixels; dF/F means nothing there (0 where F0 is 0)."
        )
    return f0


class FixedPixels(PreparedView):
    """Defective pixels become the median of their sound neighbours.

    A pixel is defective if, in the mean of all frames, it differs from the median of its 3 x 3 pixels by more than
    `threshold` standard deviations, estimated as 1.4826 times the median absolute deviation of these differences.
    """

    def __init__(self, parent: MovieSource, threshold: float) -> None:
        super().__init__(parent, f"fix_pixels(threshold={threshold:g})")
        self._threshold = threshold

    def learn(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places of defective pixels that have sound neighbours, and of these, -1 for none; in the flattened frame."""
        mean = project((self.parent,), "mean").astype(np.float64)
        around = _neighbours(mean, np.nan)
        with np.errstate(all="ignore"):
            median = np.nanmedian(np.concatenate([around, mean[None]]), axis=0) if mean.size else mean
            difference = mean - median
            spread = 1.4826 * np.nanmedian(np.abs(difference - np.nanmedian(difference))) if mean.size else 0
            defective = np.abs(difference) > self._threshold * spread
        places = np.where(defective, -1, np.arange(mean.size).reshape(mean.shape))
        sound = _neighbours(places, -1)[:, defective].T
        has_sound = (sound >= 0).any(axis=1)
        return np.flatnonzero(defective)[has_sound], sound[has_sound]

    @property
    def defective(self) -> NDArray[np.int64]:
        """Row and column of each pixel that is repaired, shape (N, 2)."""
        return np.column_stack(np.unravel_index(self.known[0], self.spacing.num_pixels))

    def compute(
        self, stored: NDArray[np.int64], frames: Iterator[NDArray[Any]], outs: Iterable[NDArray[Any]]
    ) -> Iterator[NDArray[Any]]:
        """Copy, and replace the defective pixels."""
        places, sound = self.known
        count = (sound >= 0).sum(axis=1)
        middle = np.stack([(count - 1) // 2, count // 2], axis=1)
        for frame, out in zip(frames, outs, strict=True):
            out[...] = frame
            if len(places):
                out.flat[places] = _medians(frame.ravel()[sound], sound < 0, middle)
            yield out


def _neighbours(image: NDArray[Any], outside: Any) -> NDArray[Any]:
    """The 8 neighbours of each pixel, shape (8, rows, columns)."""
    rows, cols = image.shape
    padded = np.pad(image, 1, constant_values=outside)
    around = [(dy, dx) for dy in range(3) for dx in range(3) if (dy, dx) != (1, 1)]
    return np.stack([padded[dy : dy + rows, dx : dx + cols] for dy, dx in around])


def _medians(values: NDArray[Any], absent: NDArray[np.bool_], middle: NDArray[np.int64]) -> NDArray[Any]:
    """Median of each row without what is `absent`; that of whole numbers is rounded, halves up."""
    if values.dtype.kind == "f":
        lost = (np.isnan(values) & ~absent).any(axis=1)
        pair = np.take_along_axis(np.sort(np.where(absent, np.inf, values), axis=1), middle, axis=1)
        medians: NDArray[Any] = pair.mean(axis=1)
        medians[lost] = np.nan
        return medians
    filled = np.where(absent, np.uint32(2**31), values.astype(np.uint32))
    pair = np.take_along_axis(np.sort(filled, axis=1), middle, axis=1)
    rounded: NDArray[np.uint32] = (pair.sum(axis=1, dtype=np.uint32) + 1) // 2
    return rounded


class MappedFrames(ComputedView):
    """What a function of the user makes of each frame.

    Parameters
    ----------
    parent
        Where frames come from.
    function
        Takes a frame, which is its own, and gives one of the same shape.
    dtype
        Pixel type of the results, which are converted to it; None to take that of the first frame, which is then
        asked for at once.
    """

    def __init__(
        self, parent: MovieSource, function: Callable[[NDArray[Any]], Any], dtype: np.dtype[Any] | None
    ) -> None:
        name = getattr(function, "__name__", type(function).__name__)
        self._function = function
        self._expected: np.dtype[Any] | None = None
        self.given_path = f"{parent.given_path}, map({name})"
        if dtype is None:
            self._expected = self._first_result(parent).dtype
            dtype = frame_type(self._expected)
        super().__init__(parent, f"map({name})", dtype=dtype)

    def _first_result(self, parent: MovieSource) -> NDArray[Any]:
        if not parent.num_stored:
            return np.zeros(0, parent.dtype)
        frame = np.empty(parent.spacing.num_pixels, parent.dtype)
        parent.read_frame(0, frame)
        return np.asarray(self._function(frame))

    def compute(
        self, stored: NDArray[np.int64], frames: Iterator[NDArray[Any]], outs: Iterable[NDArray[Any]]
    ) -> Iterator[NDArray[Any]]:
        """Call the function with copies, which it may keep and change."""
        for number, frame, out in zip(stored.tolist(), frames, outs, strict=True):
            result = np.asarray(self._function(frame.copy()))
            if result.shape != out.shape:
                raise ValueError(
                    f"{self.given_path}: sample {self.timing.samples.sample(number)} became an array of shape "
                    f"{result.shape}; frames must keep their shape {out.shape}"
                )
            if self._expected not in (None, result.dtype):
                raise ValueError(
                    f"{self.given_path}: sample {self.timing.samples.sample(number)} became {result.dtype}, the first "
                    f"frame {self._expected}; give dtype= or return one type"
                )
            if not np.can_cast(result.dtype, out.dtype, "same_kind"):
                raise ValueError(
                    f"{self.given_path}: sample {self.timing.samples.sample(number)} became {result.dtype}, which "
                    f"does not fit {out.dtype}; convert it in the function, or give another dtype="
                )
            with np.errstate(over="ignore"):
                np.copyto(out, result, casting="same_kind")
            yield out


def frame_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Pixel type of a movie of frames of type `dtype`.

    Raises
    ------
    ValueError
        Its numbers would not survive.
    """
    if dtype in (np.dtype(np.uint8), np.dtype(np.uint16)):
        return dtype.newbyteorder("=")
    if dtype == np.bool_:
        return np.dtype(np.uint8)
    if dtype.kind == "f" or np.can_cast(dtype, np.float32):
        return np.dtype(np.float32)
    raise ValueError(f"the function gives {dtype}; give dtype=, one of uint8, uint16 and float32")
