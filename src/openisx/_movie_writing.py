"""New movies: :class:`MovieWriting`, frame by frame, and :func:`save_movies`, of other movies."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._checks import converted
from openisx._files.output import OutputFiles
from openisx._formats.isxd.movie import MovieIsxdWriter
from openisx.core.timing import Timing
from openisx.errors import IsxStateError, IsxWarning, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from openisx._formats.base import MovieSource
    from openisx._progress import Progress
    from openisx.core.spacing import Spacing

__all__ = ["MovieWriting", "save_movies"]


class MovieWriting(MovieIsxdWriter):
    """Frames in the order of calls, as many as the timing has valid samples."""

    def __init__(
        self,
        path: str,
        timing: Timing,
        spacing: Spacing,
        dtype: np.dtype[Any],
        extra_properties: Mapping[str, Any] | None,
    ) -> None:
        super().__init__(path, timing, spacing, dtype, extra_properties)
        self._samples, self._shape, self._pixel_dtype = timing.samples, spacing.num_pixels, dtype
        self._told = False  # that frames come in another order than their indices
        self._refused = False  # whether the last frame was not taken

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with a frame already written."""
        if stored >= self.num_written:
            sample = self._samples.sample(stored)
            raise IsxStateError(f"Frame {sample} of {self.output.path} has not been set yet.")
        super().read_frame(stored, out)

    def set_frame(self, index: int, frame: NDArray[Any]) -> None:
        """Write the next frame, unless sample `index`, which is one of the movie, is missing.

        Raises
        ------
        TypeError, ValueError
            `frame` is no array, has another shape, or is one more than the timing has valid samples.
        IsxStateError
            The movie is finished.
        """
        self._refused = True
        if not isinstance(frame, np.ndarray):
            raise TypeError("Frame must be a numpy array")
        if frame.shape != self._shape:
            raise ValueError("Cannot set frame with different shape than movie")
        if not self.output.is_open:
            raise IsxStateError(f"Writing frame after file was closed for writing: {self.output.path}")
        stored = self._samples.stored(index)
        if stored >= 0:
            if self.num_written >= self._samples.num_valid:
                raise ValueError(
                    f"{self.output.path} has all of its {self._samples.num_valid} frames; the timing given to "
                    "Movie.write says how many there are."
                )
            if stored != self.num_written and not self._told:
                self._told = True
                warn(
                    f"{self.output.given_path}: frames are stored in the order in which they are set: this one, with "
                    f"index {index}, becomes sample {self._samples.sample(self.num_written)}."
                )
            self.append(converted(frame, self._pixel_dtype))
        self._refused = False

    def complete(self, *, fill_missing: bool) -> None:
        """Give the file its name; IsxStateError if frames are missing and may not be filled with zeros."""
        missing = self._samples.num_valid - self.num_written
        if missing and not fill_missing:
            raise IsxStateError(
                f"{self.output.path}: {missing} of {self._samples.num_valid} frames were not set, from sample "
                f"{self._samples.sample(self.num_written)} on. Set them, or call flush(fill_missing=True); "
                "isx.recover() saves those written so far."
            )
        blank = np.zeros(self._shape, self._pixel_dtype)
        for _ in range(missing):
            self.append(blank)
        self.commit()

    def end(self) -> None:
        """What becomes of a movie that was never flushed.

        A complete one is kept. Others can be recovered, unless the last frame was refused: who wrote the movie knows
        of that, and nothing is left behind, as where a ``with`` block is left by an error.
        """
        if not self.output.is_open:
            return
        if self.num_written == self._samples.num_valid:
            self.commit()
            return
        if self._refused or not self.num_written:
            self.discard()
            return
        self.output.abandon()
        path = self.output.given_path
        warnings.warn(
            f"{path} was not finished: {self.num_written} of {self._samples.num_valid} frames were written. They "
            f"are kept; isx.recover({path!r}) makes a movie of them.",
            IsxWarning,
            stacklevel=2,
        )


def save_movies(
    movies: Sequence[tuple[MovieSource, str]], *, frame_headers: bool, progress: Progress
) -> None:
    """Write movies to `.isxd` files, of which all appear together or none.

    Raises
    ------
    ValueError
        Frame headers are asked for, and a movie has none.
    IsxFileError
        A file exists or cannot be written; the disk is too small.
    """
    for source, _ in movies:
        if frame_headers and source.num_stored and source.lines(0) is None:
            raise ValueError(f"{source.given_path} has no frame headers to keep; leave out frame_headers.")
    total, done = sum(source.num_stored for source, _ in movies), 0
    progress(0, total)
    with OutputFiles() as files:
        for source, path in movies:
            writer = MovieIsxdWriter(
                path,
                _held(source),
                source.spacing,
                source.dtype,
                source.extra_properties,
                has_lines=frame_headers,
            )
            files.add(writer.output)
            stored = np.arange(source.num_stored, dtype=np.int64)
            for number, frame in enumerate(source.stream(stored, reuse=True)):
                lines = source.lines(number) if frame_headers else None
                writer.append(frame, lines or (b"", b""))
                done += 1
                progress(done, total)
            writer.finish()


def _held(source: MovieSource) -> Timing:
    """Timing of a source, which ends with the last frame of a cut file."""
    timing, count = source.timing, source.num_stored
    if count == timing.samples.num_valid:
        return timing
    missing = timing.dropped, timing.cropped, timing.blank
    end = timing.samples.sample(count - 1) + 1 if count else 0
    return Timing(end, timing.period, timing.start, *missing).normalized()
