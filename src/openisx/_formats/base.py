"""What movies of every format have in common: :class:`MovieSource`, which :class:`isx.Movie` stands on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.kinds import DataKind
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing
    from openisx.structures import Tracking

__all__ = ["BEST_COMPRESSION", "MovieSource", "refuse_absurd_size"]

_PLAUSIBLE_SAMPLES = 2**24
_PLAUSIBLE_FRAME = 2**26
_MAPPED_BYTES = 32 << 20  # of a file, which are in memory at a time

#: No compressed frame is ever smaller on disk than this part of itself.
BEST_COMPRESSION = 1100


class MovieSource(ABC):
    """Frames in time, from a file of any format or from anywhere else; what :class:`isx.Movie` is made of.

    A subclass sets the attributes without a default and implements :meth:`read_frame`. Everything else has a default
    that stands for "there is no such thing"; :class:`isx.Movie` asks for nothing that a source says it lacks.

    "Stored" indices count the frames that the source holds; :class:`isx.Movie` maps samples to them with
    ``timing.samples``, answers for missing samples itself, and refuses indices outside the movie.

    Attributes
    ----------
    timing : Timing
        Samples and which of them are missing; normalised.
    spacing : Spacing
        Number, size and position of the pixels.
    dtype : numpy.dtype
        Pixel type, native byte order.
    num_stored : int
        Complete frames, at most as many as the timing has valid samples.
    path : str or None
        Canonical path of the file; None without one.
    given_path : str
        What messages call the source: the path as the caller gave it.
    kind : DataKind
        Kind of data set.
    has_timestamps : bool
        Whether frames carry hardware time stamps.
    steps : tuple of str
        What was done to the frames of a file, as calls of the methods of :class:`isx.Movie`.
    is_encoded : bool
        Whether frames take time to decode, so that :meth:`stream` is faster than one :meth:`read_frame` after another.
    assumed : tuple of str
        Values of the timing and spacing that the file does not tell: "start", "period", "pixel size".
    stored_dtype : numpy.dtype or None
        Pixel type and byte order of plain frames (row after row, without gaps) for :meth:`read_spans`; None where
        frames are stored in another way.
    """

    timing: Timing
    spacing: Spacing
    dtype: np.dtype[Any]
    num_stored: int
    path: str | None = None
    given_path: str = "the movie"
    kind: DataKind = DataKind.MOVIE
    has_timestamps: bool = False
    steps: tuple[str, ...] = ()
    is_encoded: bool = False
    assumed: tuple[str, ...] = ()
    stored_dtype: np.dtype[Any] | None = None

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Sources of a file are opened anew where they are unpickled; others pickle as other objects do."""
        if self.path is None:
            return super().__reduce_ex__(protocol)
        from openisx._formats.registry import open_movie_source

        return open_movie_source, (self.path,)

    @property
    def is_ready(self) -> bool:
        """Whether the first frame can be had without reading much else."""
        return True

    @property
    def origin(self) -> str | None:
        """Path of the file that frames come from, whatever is done to them on the way."""
        return self.path

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """Everything the file says about itself, decoded JSON; None where the format has no such thing."""
        return None

    @property
    def extra_properties(self) -> Any:
        """Session metadata, which `.isxd` and `.isxc` files call ``extraProperties``; None without any."""
        return None if self.metadata is None else self.metadata.get("extraProperties")

    @abstractmethod
    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Read one frame.

        Parameters
        ----------
        stored : int
            Which of the stored frames; below `num_stored`.
        out : ndarray
            To be filled: C-contiguous, shape (rows, columns), type `dtype`.
        """

    def read_frames(self, first: int, out: NDArray[Any]) -> None:
        """Read neighbouring frames.

        Parameters
        ----------
        first : int
            The first of the stored frames.
        out : ndarray
            To be filled: C-contiguous, shape (frames, rows, columns), type `dtype`.
        """
        for i, frame in enumerate(out):
            self.read_frame(first + i, frame)

    def read_spans(self, stored: NDArray[np.int64], first: int, size: int) -> bytes:
        """A few bytes of each of many frames, joined; only called where `stored_dtype` is not None.

        Parameters
        ----------
        stored : ndarray of int64
            Which of the stored frames.
        first, size : int
            Where the bytes are among those of the pixels of a frame, and how many.
        """
        raise NotImplementedError

    def frames(self) -> NDArray[Any] | None:
        """Read-only zero-copy array (num_stored, rows, columns), None where there cannot be one."""
        return None

    def read_rows(self, stored: int, first: int, out: NDArray[Any]) -> None:
        """Read neighbouring rows of one frame.

        Parameters
        ----------
        stored : int
            Which of the stored frames.
        first : int
            The first of the rows.
        out : ndarray
            To be filled: C-contiguous, shape (some rows, all columns), type `dtype`.
        """
        frame = np.empty(self.spacing.num_pixels, self.dtype)
        self.read_frame(stored, frame)
        out[...] = frame[first : first + len(out)]

    def stream(self, stored: NDArray[np.int64], *, reuse: bool = False) -> Iterator[NDArray[Any]]:
        """Frames one after another; memory is bounded.

        Sources whose frames take time to decode have several threads work on the next ones.

        Parameters
        ----------
        stored : ndarray of int64
            Which of the stored frames, in the order wanted.
        reuse : bool, keyword only
            Frames need only be valid until the next one is asked for, and are not written to: a source may hand out views
            of its file, or the same array again and again. Otherwise each is a new array.
        """
        view = self.frames() if reuse else None
        if view is not None and view.dtype.isnative:
            yield from self._mapped(stored)
            return
        frame = np.empty(self.spacing.num_pixels, self.dtype)
        for number in stored.tolist():
            self.read_frame(number, frame)
            yield frame
            if not reuse:
                frame = np.empty_like(frame)

    def _mapped(self, stored: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
        """Views of the file, of which a few MB are in memory at a time."""
        rows, cols = self.spacing.num_pixels
        together = max(1, _MAPPED_BYTES // max(1, rows * cols * self.dtype.itemsize))
        parts = np.split(stored, range(together, len(stored), together))
        for part in parts:
            for number in part.tolist():
                frames = self.frames()  # which notices that a file was shortened
                assert frames is not None
                yield frames[number]
            if len(part) == together:
                self.forget(int(part.min()), int(part.max()))

    def forget(self, first: int, last: int) -> None:  # noqa: B027 - for views of files only
        """Give back the memory that views of frames take; they can be read again.

        Parameters
        ----------
        first, last : int
            The first and the last of these stored frames.
        """

    def encoded(self, stored: int) -> bytes | None:
        """A frame as it is stored, where each is an image of its own (JPEG); None for other formats.

        Parameters
        ----------
        stored : int
            Which of the stored frames.
        """
        return None

    def timestamps(self) -> NDArray[np.uint64] | None:
        """Hardware time stamp of every stored frame in microseconds."""
        return None

    def timestamp(self, stored: int) -> int:
        """Hardware time stamp of one frame in microseconds; only called if there are any.

        Parameters
        ----------
        stored : int
            Which of the stored frames.
        """
        stamps = self.timestamps()
        return 0 if stamps is None else int(stamps[stored])

    def headers(self, stored: NDArray[np.int64]) -> NDArray[Any] | None:
        """What the microscope recorded with frames: an array with the fields of :class:`isx.structures.FrameHeader`.

        Parameters
        ----------
        stored : ndarray of int64
            Which of the stored frames.
        """
        return None

    def lines(self, stored: int) -> tuple[bytes, bytes] | None:
        """Header and footer line of a frame, 5120 bytes each, as `.isxd` files hold them.

        Parameters
        ----------
        stored : int
            Which of the stored frames.
        """
        return None

    def tracking(self) -> Tracking | None:
        """What a tracker found, on the samples of the movie; decoded anew by each call."""
        return None

    def codec(self) -> str | None:
        """How compressed frames are encoded, in a few words for people."""
        return None

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as ``get_acquisition_info`` hands them out."""
        return None

    def close(self) -> None:  # noqa: B027 - not every source has something to release
        """Release the file."""


def refuse_absurd_size(
    path: str, num_samples: int, frame_bytes: int, file_size: int, compression: int = 1
) -> None:
    """Raise :class:`IsxFormatError` for sizes that only a damaged file announces.

    Ordinary sizes always pass; extraordinary ones must be in proportion to the size of the file, so that nothing
    is ever allocated on the word of a few flipped bytes.
    """
    if num_samples > max(_PLAUSIBLE_SAMPLES, file_size):
        raise IsxFormatError(
            f"{path} announces {num_samples} samples but has only {file_size} bytes. The file is damaged."
        )
    if frame_bytes > max(_PLAUSIBLE_FRAME, file_size * compression):
        raise IsxFormatError(
            f"{path} announces frames of {frame_bytes} bytes but has only {file_size}. The file is damaged."
        )
