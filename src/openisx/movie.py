"""Movies of any format: :class:`Movie`."""

from __future__ import annotations

import operator
import os
import weakref
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from openisx._checks import as_frame_dtype, not_open, of_opened, output_path
from openisx._data_set import WritableDataSet, rate_text
from openisx._files.paths import as_path
from openisx._formats.base import MovieSource
from openisx._formats.kinds import DataKind
from openisx._formats.registry import open_movie_source
from openisx._movie_views import MovieViews
from openisx._movie_writing import MovieWriting
from openisx._pictures import affordable, image_html, thinned
from openisx.core._timestamps import Timestamps, counted_back
from openisx.core.spacing import Spacing
from openisx.core.timing import Timing
from openisx.errors import IsxError, IsxFormatError, IsxIndexError, IsxStateError, warn
from openisx.structures import FrameHeader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import DTypeLike, NDArray

    from openisx._files.paths import PathInput
    from openisx.structures import Tracking

__all__ = ["Movie"]

#: Stands for what has not been read yet, where None is a possible value.
_UNKNOWN: Any = object()


class Movie(MovieViews, WritableDataSet["MovieSource | MovieWriting"]):
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

    _heading = "Movie"
    _attributes = ("file_path", "mode", "timing", "spacing", "data_type")

    def __init__(self) -> None:
        self._source: MovieSource | None = None
        self._writer: MovieWriting | None = None
        self._spacing: Spacing | None = None
        self._dtype: np.dtype[Any] | None = None
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
        return cls.from_source(open_movie_source(as_path(file_path)))

    @classmethod
    def from_source(cls, source: MovieSource) -> Movie:
        """A movie of any source of frames.

        Parameters
        ----------
        source : MovieSource
            Closed with the movie.

        Examples
        --------
        >>> class Noise(isx.MovieSource):
        ...     timing, spacing = isx.Timing(num_samples=100), isx.Spacing((30, 40))
        ...     dtype, num_stored = np.dtype(np.uint8), 100
        ...
        ...     def read_frame(self, stored, out):
        ...         out[:] = np.random.default_rng(stored).integers(0, 256, out.shape)
        >>> movie = isx.Movie.from_source(Noise())
        """
        if not isinstance(source, MovieSource):
            raise TypeError("source must be a MovieSource; isx.Movie.from_array() takes arrays")
        self = cls()
        self._attach(source)
        return self

    @classmethod
    def from_array(cls, array: Any, timing: Timing | None = None, spacing: Spacing | None = None) -> Movie:
        """A movie of an array, to be used wherever a movie is.

        Parameters
        ----------
        array : array-like
            Shape (samples, rows, columns): a NumPy array, a memory map, a data set of h5py or zarr, an array of
            dask, or whatever else has ``shape``, ``dtype`` and can be indexed. It is not copied, and frames are read
            when they are asked for. Pixels are uint8, uint16 or float32; bool is read as uint8, and int8, int16
            and float16 as float32.
        timing : Timing, optional
            By default 50 ms per sample from the epoch on. If samples are missing (dropped, cropped or blank), the
            array holds either all samples or only the valid ones; what it has at missing samples is never used.
        spacing : Spacing, optional
            By default pixels of 3 x 3 um.

        Raises
        ------
        TypeError, ValueError
            `array` is no array, has another number of axes, of frames or of pixels, or another type of pixels.
        """
        from openisx._formats.array import MovieArray

        return cls.from_source(MovieArray(array, timing, spacing))

    def _attach(self, source: MovieSource) -> None:
        self._source = source
        self._timing, self._spacing, self._dtype = source.timing, source.spacing, source.dtype
        self._mode = "r"
        announced = source.timing.samples.num_valid
        if source.num_stored < announced and not source.steps:  # which was told of the file they are views of
            warn(
                f"{source.given_path} announces {announced} frames but holds only {source.num_stored}; "
                f"the last {announced - source.num_stored} cannot be read."
            )

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
        self._writer = MovieWriting(path, self._timing, self._spacing, dtype, extra_properties)
        self._mode = "w"
        self._finalizer = weakref.finalize(self, self._writer.end)
        return self

    @property
    def spacing(self) -> Spacing:
        """Number, size and position of the pixels; a copy. None for a bare ``Movie()``."""
        return of_opened(None if self._spacing is None else self._spacing.copy())

    @property
    def data_type(self) -> type[np.generic]:
        """Scalar class of the pixels, e.g. ``numpy.uint16``. None for a bare ``Movie()``."""
        return of_opened(None if self._dtype is None else self._dtype.type)

    # -- frames ----------------------------------------------------------------------------------

    def _content(self) -> MovieSource | MovieWriting | None:
        return self._writer if self._source is None else self._source

    def _reader(self) -> MovieSource | MovieWriting:
        if self._source is None and self._writer is not None:
            return self._writer
        return self._frame_source()

    def _frame_source(self) -> MovieSource:
        """The source to read frames from."""
        source = self._open_source()
        if self._closed:
            raise IsxStateError(f"{source.given_path} is closed.")
        return source

    def _open_source(self) -> MovieSource:
        if self._source is None:
            if self._writer is not None:
                raise IsxStateError(
                    f"{self.file_path} is being written; this is available once it is flushed."
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
        num_samples = self._timing.num_samples if self._timing is not None else self._layout[0].num_samples
        if 0 <= index < num_samples:
            return index
        if self._source is not None and self._source.kind is DataKind.NVISION_MOVIE:
            raise IsxIndexError(
                f"Failed to read {what} from file. Index is out of bounds. (sample {index} of {num_samples} in "
                f"{self._source.given_path})"
            )
        last = (num_samples - 1) % 2**64  # the vendor's text for a movie without frames
        raise IsxIndexError(f"The index of the frame ({index}) is out of range (0-{last}).")

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
        if isinstance(reader, MovieSource) and stored >= reader.num_stored:
            raise self._not_stored(reader, index)
        reader.read_frame(stored, frame)
        return frame

    def _stored(self, source: MovieSource, index: int, what: str) -> int:
        """Where the file holds a sample; -1 for a missing one."""
        stored = source.timing.samples.stored(self._index(index, what))
        if stored >= source.num_stored:
            raise self._not_stored(source, index)
        return stored

    @staticmethod
    def _not_stored(source: MovieSource, index: int) -> IsxFormatError:
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
        stored = source.timestamps()
        if stored is None:
            return None
        stamps = np.zeros(source.timing.num_samples, dtype=np.uint64)
        stamps[np.flatnonzero(source.timing.samples.mask())[: source.num_stored]] = stored
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
        headers = None if stored < 0 else source.headers(np.array([stored]))
        return None if headers is None else FrameHeader(*headers[0].tolist())

    def set_frame_data(self, index: int, frame: NDArray[Any]) -> None:
        """Write the next frame.

        Frames are stored in the order of the calls, whatever their index; a warning tells the first time that differs.
        Missing samples may be left out, and are ignored when set.

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
            The movie was read, the shape is wrong, or the movie has all of its frames.
        IsxStateError
            The movie is already flushed.
        """
        writer = self._writer
        if writer is None:
            if self._source is not None:
                raise ValueError("Cannot set frame data if movie is read-only.")
            raise not_open()
        writer.set_frame(self._index(index), frame)

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
        writer.complete(fill_missing=fill_missing)
        self._source = open_movie_source(writer.output.path)

    # -- metadata --------------------------------------------------------------------------------

    @property
    def tracking(self) -> Tracking | None:
        """What the nVision tracker found in the frames, and the zones of the arena.

        None for movies without tracking. Decoded when first asked for.
        """
        if self._tracking is _UNKNOWN:
            self._tracking = self._open_source().tracking()
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
        return self._stream(self._frame_source())

    def _stream(self, source: MovieSource) -> Iterator[NDArray[Any]]:
        """Every sample in order; where decoding takes time, several threads do it."""
        timing, shape, dtype = self._layout
        frames = source.stream(np.arange(source.num_stored, dtype=np.int64))
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
        return select(self._frame_source(), timing.samples, key, self._not_stored)

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

    @property
    def _writing(self) -> bool:
        return self._writer is not None and self._source is None

    def _discard(self) -> None:
        assert self._writer is not None
        self._writer.discard()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            super().__exit__(kind, *rest)
        finally:
            if self._writer is not None:  # after a failed flush: keep the frames for isx.recover
                self._writer.output.abandon()

    def __reduce__(self) -> tuple[Any, ...]:
        return super().__reduce__() if self._source is None else (Movie.from_source, (self._source,))

    def _file_name(self) -> str:
        source = self._source
        if source is None or not source.steps:
            return super()._file_name()
        origin = "in memory" if source.origin is None else repr(os.path.basename(source.origin))
        return ".".join([origin, *source.steps])

    def _summary(self) -> str:
        timing, (height, width), dtype = self._layout
        return f"{timing.num_samples} x {height} x {width} {dtype}, {rate_text(timing)}"

    def _picture(self) -> str:
        timing, shape, _ = self._layout
        if not self._writing and not self._frame_source().is_ready:
            return ""
        if self._writing or not timing.samples.num_valid or not affordable(1, 8 * shape[0] * shape[1]):
            return ""
        return image_html(self[(timing.samples.sample(0), *thinned(shape))])
