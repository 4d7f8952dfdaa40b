"""Movies of any format: :class:`Movie`."""

from __future__ import annotations

import operator
import warnings
import weakref
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from openisx._checks import as_frame_dtype, converted, not_open, output_path
from openisx._files.paths import as_path
from openisx._formats.acquisition_info import acquisition_info
from openisx._formats.base import TrackedSource, range_text, stream
from openisx._formats.isxd.movie import MovieIsxdWriter
from openisx._formats.registry import open_movie_source
from openisx.core._timestamps import Timestamps, counted_back
from openisx.core.spacing import Spacing
from openisx.core.timing import Timing
from openisx.errors import IsxError, IsxFormatError, IsxIndexError, IsxStateError, IsxWarning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from numpy.typing import DTypeLike, NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.base import FrameSource
    from openisx.structures import FrameHeader, Tracking

__all__ = ["Movie"]

#: Stands for what has not been read yet, where None is a possible value.
_UNKNOWN: Any = object()


def _finish(writer: MovieIsxdWriter, num_frames: int) -> None:
    """What becomes of a movie that was never flushed: complete ones are kept, others can be recovered."""
    output = writer.output
    if not output.is_open:
        return
    if writer.num_written == num_frames:
        writer.commit()
        return
    if not writer.num_written:
        writer.discard()
        return
    output.abandon()
    warnings.warn(
        f"{output.given_path} was not finished: {writer.num_written} of {num_frames} frames were written. "
        f"They are kept; isx.recover({output.given_path!r}) makes a movie of them.",
        IsxWarning,
        stacklevel=2,
    )


class Movie:
    """A movie: frames in time.

    Made by :meth:`read` (or :func:`isx.open`) and :meth:`write`; the constructor alone gives an object whose
    attributes are None. A movie behaves as a read-only array of shape (samples, rows, columns): it can be
    indexed, sliced and iterated, and ``np.asarray(movie)`` costs nothing where the file layout allows a view.
    Dropped, cropped and blank frames read as zeros. Movies can be read from several threads at once, pickled,
    and used in forked or spawned processes.

    Examples
    --------
    >>> with isx.Movie.read("recording.isxd") as movie:
    ...     first = movie.get_frame_data(0)
    ...     one_pixel = movie[:, 100, 200]
    """

    def __init__(self) -> None:
        self._source: FrameSource | None = None
        self._writer: MovieIsxdWriter | None = None
        self._timing: Timing | None = None
        self._spacing: Spacing | None = None
        self._dtype: np.dtype[Any] | None = None
        self._file_path: str | None = None
        self._finalizer: weakref.finalize[..., Any] | None = None
        self._tracking: Any = _UNKNOWN

    @classmethod
    def read(cls, file_path: PathInput) -> Movie:
        """Open a movie or an image; only its metadata are read.

        Parameters
        ----------
        file_path : path
            An `.isxd` movie or image, a behaviour movie (`.isxb`), a compressed movie (`.isxc`), a movie in one of
            the older formats (`.hdf5`, `.tif`, `.tiff`, `.xml`), or an ordinary video (`.avi`, `.mp4`, `.mpg`,
            `.mpeg`, `.wmv`).

        Returns
        -------
        Movie
            Open for reading.

        Raises
        ------
        IsxFileError
            The file is missing, damaged, or holds something else.
        IsxImportError
            HDF5 files need h5py; compressed movies and ordinary videos need PyAV.
        """
        self = cls()
        self._attach(open_movie_source(as_path(file_path)))
        return self

    def _attach(self, source: FrameSource) -> None:
        self._source = source
        self._timing, self._spacing, self._dtype = source.timing, source.spacing, source.dtype
        self._file_path = source.path

    @classmethod
    def write(
        cls,
        file_path: PathInput,
        timing: Timing,
        spacing: Spacing,
        data_type: DTypeLike,
        *,
        extra_properties: Mapping[str, Any] | None = None,
    ) -> Movie:
        """Start a new `.isxd` movie.

        The file appears under its name when :meth:`flush` has written all of it; until then its frames are in
        a temporary file beside it, from which :func:`isx.recover` can save them.

        Parameters
        ----------
        file_path : path
            Must end in ``.isxd`` and not exist.
        timing : Timing
            Its valid samples are the frames to set.
        spacing : Spacing
            Size of a frame.
        data_type : dtype-like
            uint16, float32 or uint8.
        extra_properties : mapping, optional
            Session metadata to store, for example ``other.metadata["extraProperties"]``.

        Raises
        ------
        IsxFileExistsError, IsxFileError
            The file exists, its folder is missing or not writable, or the disk is too small.
        TypeError, ValueError
            An argument is not what it should be.
        """
        path = output_path(file_path)
        if not isinstance(timing, Timing):
            raise TypeError("timing must be a Timing object")
        if not isinstance(spacing, Spacing):
            raise TypeError("spacing must be a Spacing object")
        dtype = as_frame_dtype(data_type)
        self = cls()
        self._timing, self._spacing, self._dtype = timing.normalized(), spacing.copy(), dtype
        self._writer = MovieIsxdWriter(path, self._timing, self._spacing, dtype, extra_properties)
        self._file_path = self._writer.output.path
        self._finalizer = weakref.finalize(self, _finish, self._writer, self._timing.samples.num_valid)
        return self

    @property
    def file_path(self) -> str | None:
        """Absolute path of the file, symbolic links resolved."""
        return self._file_path

    @property
    def mode(self) -> str | None:
        """'r' for movies that were read, 'w' for those being written."""
        if self._file_path is None:
            return None
        return "r" if self._writer is None else "w"

    @property
    def timing(self) -> Timing | None:
        """Start, period, number of samples, and which are missing; a copy."""
        return None if self._timing is None else self._timing.copy()

    @property
    def spacing(self) -> Spacing | None:
        """Number, size and position of the pixels; a copy."""
        return None if self._spacing is None else self._spacing.copy()

    @property
    def data_type(self) -> type[np.generic] | None:
        """Scalar class of the pixels, e.g. ``numpy.uint16``."""
        return None if self._dtype is None else self._dtype.type

    # -- frames ----------------------------------------------------------------------------------

    def _reader(self) -> FrameSource | MovieIsxdWriter:
        reader = self._source or self._writer
        if reader is None:
            raise not_open()
        return reader

    def _open_source(self) -> FrameSource:
        if self._source is None:
            if self._writer is not None:
                raise IsxStateError(
                    f"{self._file_path} is being written; this is available once it is flushed."
                )
            raise not_open()
        return self._source

    @property
    def _layout(self) -> tuple[Timing, tuple[int, int], np.dtype[Any]]:
        if self._timing is None or self._spacing is None or self._dtype is None:
            raise not_open()
        return self._timing, self._spacing.num_pixels, self._dtype

    def _index(self, index: int, what: str = "frame") -> int:
        index = operator.index(index)
        num_samples = self._layout[0].num_samples
        if not 0 <= index < num_samples:
            source = self._source
            raise IsxIndexError(
                range_text(index, num_samples) if source is None else source.index_error(index, what)
            )
        return index

    def get_frame_data(self, index: int) -> NDArray[Any]:
        """Pixels of one sample.

        Parameters
        ----------
        index : int
            Sample, counted from 0 over all samples; negative numbers do not count from the end.

        Returns
        -------
        ndarray
            New array of shape (rows, columns) and type `data_type`; zeros for a dropped, cropped or blank
            sample.

        Raises
        ------
        IsxIndexError
            `index` lies outside the movie.
        IsxFormatError
            The file does not hold that frame.
        """
        reader = self._reader()
        timing, shape, dtype = self._layout
        stored = timing.samples.stored(self._index(index))
        if stored < 0:
            return np.zeros(shape, dtype)
        frame = np.empty(shape, dtype)
        if isinstance(reader, MovieIsxdWriter):
            if stored >= reader.num_written:
                raise IsxStateError(f"Frame {index} of {self._file_path} has not been set yet.")
        elif stored >= reader.num_stored:
            raise self._not_stored(reader, index)
        reader.read_frame(stored, frame)
        return frame

    def _stored(self, source: FrameSource, index: int, what: str) -> int:
        """Where the file holds a sample; -1 for a missing one."""
        stored = source.timing.samples.stored(self._index(index, what))
        if stored >= source.num_stored:
            raise self._not_stored(source, index)
        return stored

    @staticmethod
    def _not_stored(source: FrameSource, index: int) -> IsxFormatError:
        return IsxFormatError(
            f"Error reading movie frame: {source.given_path}. The file holds {source.num_stored} of the "
            f"{source.timing.samples.num_valid} frames it announces; sample {index} is not among them."
        )

    def get_frame_timestamp(self, index: int) -> int:
        """Hardware counter of one sample.

        Parameters
        ----------
        index : int
            Sample, counted from 0.

        Returns
        -------
        int
            Microseconds of the acquisition box; 0 for a dropped, cropped or blank sample.

        Raises
        ------
        IsxError
            The movie holds no time stamps.
        IsxIndexError
            `index` lies outside the movie.
        """
        source = self._open_source()
        if not source.has_timestamps:
            raise IsxError("No frame timestamps stored in movie.")
        stored = self._stored(source, index, "frame timestamp")
        return 0 if stored < 0 else source.timestamp(stored)

    @property
    def timestamps(self) -> NDArray[np.uint64] | None:
        """Hardware counter of every sample in microseconds, uint64, 0 where a sample is missing.

        None if the movie holds no time stamps. Differences (``stamps - stamps[0]``, ``np.diff(stamps)``) and
        quotients are float64 and NaN where a sample is missing; ``stamps.astype(np.int64)`` is a plain array.
        :meth:`seconds` gives plain times.
        """
        source = self._open_source()
        if not source.has_timestamps:
            return None
        stamps = np.zeros(source.timing.num_samples, dtype=np.uint64)
        stamps[np.flatnonzero(source.timing.samples.mask())[: source.num_stored]] = source.timestamps()
        return stamps.view(Timestamps)

    def seconds(self, *, clock: Literal["timing", "hardware"] = "timing") -> NDArray[np.float64]:
        """Time from the start to every sample in seconds, NaN where a sample is missing.

        Parameters
        ----------
        clock : {'timing', 'hardware'}, keyword only
            Whose time: that of the evenly spaced samples of :attr:`timing`, or that of the hardware counter, which
            knows when each frame really came. If sample 0 is missing, its counter is counted back by the period
            from that of the first frame.

        Returns
        -------
        ndarray of float64, shape (samples,)

        Raises
        ------
        IsxError
            Hardware time is asked for, and the movie holds no time stamps.
        """
        timing = self._open_source().timing
        if clock == "timing":
            return np.where(timing.samples.mask(), timing.seconds(), np.nan)
        if clock != "hardware":
            raise ValueError(f"Unknown clock {clock!r}. Options are timing, hardware.")
        stamps = self.timestamps
        if stamps is None:
            raise IsxError("No frame timestamps stored in movie.")
        found = np.flatnonzero(stamps)[:1].tolist()
        first = counted_back(int(stamps[found[0]]), found[0], timing) if found else 0
        seconds: NDArray[np.float64] = (stamps - np.uint64(first % 2**64)) / 1e6
        return seconds

    def get_frame_header(self, index: int) -> FrameHeader | None:
        """What the microscope recorded with a frame: colour, e-focus, frame count, LEDs, time stamp.

        Parameters
        ----------
        index : int
            Sample, counted from 0.

        Returns
        -------
        FrameHeader or None
            None for a missing sample, and for movies without frame headers.

        Raises
        ------
        IsxIndexError
            `index` lies outside the movie.
        IsxFormatError
            The file has lost this frame.
        """
        source = self._open_source()
        stored = self._stored(source, index, "frame")
        return None if stored < 0 else source.header(stored)

    def set_frame_data(self, index: int, frame: NDArray[Any]) -> None:
        """Write the next frame.

        Frames are set in ascending order of their index; missing samples may be left out, and are ignored
        when set.

        Parameters
        ----------
        index : int
            Sample the frame belongs to.
        frame : ndarray
            Shape (rows, columns). Another type than `data_type` is converted as C does, with a warning.

        Raises
        ------
        TypeError
            `frame` is no array, or `index` no integer.
        ValueError
            The movie was read, the shape is wrong, or the order is.
        IsxStateError
            The movie is already flushed.
        """
        writer = self._writer
        if writer is None:
            if self._source is not None:
                raise ValueError("Cannot set frame data if movie is read-only.")
            raise not_open()
        timing, shape, dtype = self._layout
        if not isinstance(frame, np.ndarray):
            raise TypeError("Frame must be a numpy array")
        if frame.shape != shape:
            raise ValueError("Cannot set frame with different shape than movie")
        if not writer.output.is_open:
            raise IsxStateError(f"Writing frame after file was closed for writing: {self._file_path}")
        stored = timing.samples.stored(self._index(index))
        if stored < 0:
            return
        if stored != writer.num_written:
            expected = timing.samples.sample(writer.num_written)
            raise ValueError(
                f"Frames must be set in order: the next one of {self._file_path} is {expected}, not {index}."
            )
        writer.append(converted(frame, dtype))

    def flush(self, *, fill_missing: bool = False) -> None:
        """Finish writing: store the metadata and give the file its name.

        Does nothing on movies that were read or are already flushed.

        Parameters
        ----------
        fill_missing : bool
            Write zeros for the frames that were not set, instead of raising.

        Raises
        ------
        IsxStateError
            Frames are missing; they can still be set.
        """
        writer = self._writer
        if writer is None:
            if self._source is None:
                raise not_open()
            return
        if not writer.output.is_open:
            return
        timing, shape, dtype = self._layout
        missing = timing.samples.num_valid - writer.num_written
        if missing and not fill_missing:
            raise IsxStateError(
                f"{self._file_path}: {missing} of {timing.samples.num_valid} frames were not set, from sample "
                f"{timing.samples.sample(writer.num_written)} on. Set them, or call flush(fill_missing=True); "
                "isx.recover() saves those written so far."
            )
        blank = np.zeros(shape, dtype)
        for _ in range(missing):
            writer.append(blank)
        writer.commit()
        self._source = open_movie_source(writer.output.path)

    # -- metadata --------------------------------------------------------------------------------

    def get_acquisition_info(self) -> dict[str, Any] | None:
        """What was recorded about the session: animal, microscope, probe, software, processing.

        Returns
        -------
        dict or None
            Names in ascending order; None when the file has nothing to tell.
        """
        if self._source is None and self._writer is not None:
            return acquisition_info(self._writer.metadata["extraProperties"])
        return self._open_source().acquisition_info()

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """Everything the file says about itself, as decoded JSON; None for formats without metadata."""
        return self._open_source().metadata

    @property
    def tracking(self) -> Tracking | None:
        """What the nVision tracker found in the frames, and the zones of the arena.

        None for movies without tracking. Decoded when first asked for.
        """
        if self._tracking is _UNKNOWN:
            source = self._open_source()
            self._tracking = source.tracking() if isinstance(source, TrackedSource) else None
        tracking: Tracking | None = self._tracking
        return tracking

    @property
    def footer(self) -> Mapping[str, Any] | None:
        """Another name of :attr:`metadata`."""
        return self.metadata

    # -- the movie as an array -------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int, int]:
        """(samples, rows, columns)."""
        timing, (rows, cols), _ = self._layout
        return timing.num_samples, rows, cols

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type as a dtype."""
        return self._layout[2]

    @property
    def ndim(self) -> int:
        """Always 3."""
        return 3

    @property
    def size(self) -> int:
        """Number of elements."""
        samples, rows, cols = self.shape
        return samples * rows * cols

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        if self._source is None:
            return (self.get_frame_data(i) for i in range(len(self)))
        return self._stream(self._source)

    def _stream(self, source: FrameSource) -> Iterator[NDArray[Any]]:
        """Every sample in order, decoded ahead where that takes time."""
        timing, shape, dtype = self._layout
        frames = stream(source, np.arange(source.num_stored, dtype=np.int64))
        for sample in range(timing.num_samples):
            stored = timing.samples.stored(sample)
            if stored >= source.num_stored:
                raise self._not_stored(source, sample)
            yield np.zeros(shape, dtype) if stored < 0 else next(frames)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """NumPy indexing; reads only the frames and pages asked for.

        The result is a read-only view of the file where that is possible (no missing samples among those asked
        for, a format that stores plain frames), else a new array with zeros for missing samples.
        """
        from openisx._indexing import select

        timing, _, _ = self._layout
        return select(self._open_source(), timing.samples, key, self._not_stored)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        array = self[:]
        is_view = not array.flags.owndata
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"converting from {array.dtype} to {np.dtype(dtype)} needs a copy")
            cast: NDArray[Any] = array.astype(dtype)
            return cast
        if copy and is_view:
            array = array.copy()
        if copy is False and not is_view:
            raise ValueError("the missing samples of this movie can only be filled in a copy")
        return array

    # -- life ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release the file. A movie being written is flushed first."""
        if self._writer is not None and self._source is None:
            self.flush()
        if self._source is not None:
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._writer is not None and self._source is None:
            self._writer.discard()
            return
        try:
            self.close()
        finally:
            if self._writer is not None:  # after a failed flush: keep the frames for isx.recover
                self._writer.output.abandon()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._file_path is None:
            return Movie, ()
        if self._source is None:
            raise IsxStateError(f"{self._file_path} is being written and cannot be pickled.")
        return Movie.read, (self._file_path,)

    def __str__(self) -> str:
        return (
            f"Movie\n    file_path: {self.file_path}\n    mode: {self.mode}\n    timing: {self.timing}\n"
            f"    spacing: {self.spacing}\n    data_type: {self.data_type}" + " " * 8
        )

    def _repr_html_(self) -> str:
        from openisx.viz._html import movie_html

        return movie_html(self)
