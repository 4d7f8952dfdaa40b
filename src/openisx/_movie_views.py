"""What is done with movies without reading them: :class:`MovieViews`, the part of :class:`isx.Movie` that makes views."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from openisx._checks import as_frame_dtype, output_path
from openisx._movie_writing import save_movies
from openisx._progress import Progress, no_progress
from openisx.errors import IsxError
from openisx.structures import MoviePart

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.base import MovieSource
    from openisx.movie import Movie

__all__ = ["MovieViews"]


class MovieViews(ABC):
    """Views of a movie, which are movies themselves: nothing is read before their frames are asked for.

    They stay valid as long as the movie they are made of is open, and closing them leaves it open. Dropped, cropped and
    blank samples stay missing, and never count.
    """

    @abstractmethod
    def _frame_source(self) -> MovieSource:
        """The source to read frames from."""

    @classmethod
    @abstractmethod
    def from_source(cls, source: MovieSource) -> Self:
        """A movie of any source of frames."""

    def _viewed(self, source: MovieSource) -> Movie:
        movie: Any = type(self).from_source(source)
        view: Movie = movie
        return view

    # -- parts of a movie --------------------------------------------------------------------------

    def crop(self, rows: tuple[int, int] | None = None, columns: tuple[int, int] | None = None) -> Movie:
        """Some rows and columns of every frame.

        Parameters
        ----------
        rows, columns : tuple of two ints, optional
            First, and last plus one, as in ``movie[:, rows[0]:rows[1], columns[0]:columns[1]]``; all by default.

        Returns
        -------
        Movie
            Its :attr:`spacing` tells where on the sensor it is; pixels outside are not read.

        Raises
        ------
        ValueError
            A range is empty or reaches beyond the frame.

        Examples
        --------
        >>> middle = movie.crop(rows=(100, 300), columns=(50, 450))
        """
        from openisx._views.cropped import CroppedFrames

        source = self._frame_source()
        height, width = source.spacing.num_pixels
        return self._viewed(
            CroppedFrames(source, _pair(rows, height, "rows"), _pair(columns, width, "columns"))
        )

    def bin(self, space: int = 1, time: int = 1) -> Movie:
        """Means of blocks of `space` x `space` pixels and `time` samples.

        Rows, columns and samples that are left over at the end are cut. The mean is that of the samples that exist; a bin
        without any is missing. Whole numbers are rounded once, halves up; the pixel type stays.

        Parameters
        ----------
        space : int
            Pixels along each side of a block.
        time : int
            Samples that become one. Frame headers and time stamps are gone if there are several.

        Raises
        ------
        ValueError
            A factor is below 1, or larger than the frame or the movie.

        Examples
        --------
        >>> small = movie.bin(space=2, time=4)
        """
        from openisx._views.binned import BinnedFrames

        return self._viewed(BinnedFrames(self._frame_source(), operator.index(space), operator.index(time)))

    def trim(self, first: int = 0, last: int | None = None, *, drop: Sequence[tuple[int, int]] = ()) -> Movie:
        """Samples `first` to `last` - 1.

        Parameters
        ----------
        first, last : int
            Samples, as in ``movie[first:last]``; all to the end by default. The start moves with `first`.
        drop : sequence of (first, last), keyword only
            Further samples to leave out, `last` not included. They become cropped samples: time goes on.

        Raises
        ------
        ValueError
            A range is empty or lies outside the movie.

        Examples
        --------
        >>> quiet = movie.trim(100, 1000, drop=[(400, 420)])
        """
        from openisx._views.selected import trimmed

        source = self._frame_source()
        end = source.timing.num_samples if last is None else operator.index(last)
        ranges = [(operator.index(begin), operator.index(stop)) for begin, stop in drop]
        return self._viewed(trimmed(source, operator.index(first), end, ranges))

    # -- other pixels --------------------------------------------------------------------------------

    def dff(self, f0: ArrayLike | Literal["mean", "min"] = "mean") -> Movie:
        """Relative change of brightness, (F - F0) / F0.

        Parameters
        ----------
        f0 : {'mean', 'min'} or array-like
            F0: the mean or the minimum of all frames of this movie, computed when the first frame is asked for, or an image.

        Returns
        -------
        Movie
            float32; 0 where F0 is 0. A warning tells at how many pixels F0 is not positive.

        Raises
        ------
        ValueError
            `f0` is another word, or has not the shape of a frame.

        Examples
        --------
        >>> movie.bin(space=4).dff().save("dff.isxd")
        """
        from openisx._views.computed import RelativeChange

        if isinstance(f0, str) and f0 not in ("mean", "min"):
            raise ValueError(f"f0 must be 'mean', 'min' or an image, not {f0!r}")
        return self._viewed(RelativeChange(self._frame_source(), f0))

    def map(self, function: Callable[[NDArray[Any]], Any], dtype: DTypeLike | None = None) -> Movie:
        """What a function makes of every frame.

        Parameters
        ----------
        function : callable
            Called with one frame, which it may change; gives an array of the same shape. It may be called for any frame,
            in any order, repeatedly and from several threads. Views pickle if it does, so not with a lambda.
        dtype : dtype-like, optional
            uint8, uint16 or float32, to which results are converted. Otherwise the type of what becomes of the first
            frame decides, which is read at once; other floats become float32.

        Raises
        ------
        ValueError
            A result has another shape, or a type that `dtype` cannot hold; told when that frame is asked for.

        Examples
        --------
        >>> smooth = movie.map(scipy.ndimage.gaussian_filter, dtype=np.float32)
        """
        from openisx._views.computed import MappedFrames

        if not callable(function):
            raise TypeError("function must be callable with a frame")
        target = None if dtype is None else as_frame_dtype(dtype)
        return self._viewed(MappedFrames(self._frame_source(), function, target))

    def fix_pixels(self, threshold: float = 8) -> Movie:
        """Replace defective pixels of the sensor by the median of their sound neighbours.

        A pixel is defective if, in the mean of all frames, it differs from the median of its 3 x 3 pixels by more than
        `threshold` standard deviations, estimated as 1.4826 times the median absolute deviation of these differences over the
        image. The mean is computed when the first frame is asked for.

        Parameters
        ----------
        threshold : float
            Positive; a smaller one finds more pixels.

        Examples
        --------
        >>> clean = movie.fix_pixels()
        """
        from openisx._views.computed import FixedPixels

        if not threshold > 0:
            raise ValueError(f"threshold must be positive, not {threshold!r}")
        return self._viewed(FixedPixels(self._frame_source(), float(threshold)))

    # -- all frames ----------------------------------------------------------------------------------

    def project(
        self,
        stat: Literal["mean", "min", "max", "std"] = "mean",
        *,
        ignore_nan: bool = False,
        progress: Progress = no_progress,
    ) -> NDArray[Any]:
        """One image of all frames; missing samples do not count.

        Parameters
        ----------
        stat : {'mean', 'min', 'max', 'std'}
            'std' divides by the number of frames.
        ignore_nan : bool, keyword only
            Leave out NaN of float movies instead of letting it spread, as NumPy does.
        progress : callable, keyword only
            Called with the number of frames read and their total.

        Returns
        -------
        ndarray, shape (rows, columns)
            float32 for 'mean' and 'std', else the pixel type of the movie.

        Raises
        ------
        ValueError
            `stat` is unknown, or there is no frame.

        Examples
        --------
        >>> brightest = movie.project("max")
        """
        from openisx._views.projection import project

        return project((self._frame_source(),), stat, ignore_nan=ignore_nan, progress=progress)

    def save(self, path: PathInput, *, frame_headers: bool = False, progress: Progress = no_progress) -> None:
        """Write the movie to a new `.isxd` file, frame by frame.

        Missing samples are written as such, session metadata are taken along, and what views did to the data is told in
        their section ``idps``.

        Parameters
        ----------
        path : path
            Must end in ``.isxd`` and not exist; appears when it is complete.
        frame_headers : bool, keyword only
            Keep the header and footer line of every frame, and with them time stamps, which align devices. For movies that
            have them, and views of these but for binning in time.
        progress : callable, keyword only
            Called with the number of frames written and their total. An exception raised in it leaves nothing behind.

        Raises
        ------
        IsxFileExistsError, IsxFileError
            The file exists or cannot be written; the disk is too small.
        ValueError
            There are no frame headers to keep, or `path` has another extension.

        Examples
        --------
        >>> movie.crop(rows=(100, 300)).bin(space=2).save("small.isxd")
        """
        target = output_path(path)
        save_movies([(self._frame_source(), target)], frame_headers=frame_headers, progress=progress)

    # -- planes and colours --------------------------------------------------------------------------

    @property
    def frame_headers(self) -> NDArray[Any] | None:
        """What the microscope recorded with every stored frame; None for movies without frame headers.

        A structured array with one row per frame: ``sample``, and the fields of :class:`isx.structures.FrameHeader`.
        """
        source = self._frame_source()
        headers = source.headers(np.arange(source.num_stored, dtype=np.int64))
        if headers is None:
            return None
        table = np.empty(len(headers), [("sample", np.int64), *headers.dtype.descr])
        table["sample"] = source.timing.samples.stored_samples(len(headers))
        for name in headers.dtype.names or ():
            table[name] = headers[name]
        return table

    def split(self, *, strict: bool = True) -> list[MoviePart]:
        """The planes and colours of an interleaved movie, as movies of their own.

        The headers of all frames are read, which tell the electronic focus and the colour; the frames are not. Each part
        has its own samples and missing samples, and the times of its own time stamps. Where planes take unequal turns, the
        parts keep the samples of the whole movie, and those of other parts are blank.

        Parameters
        ----------
        strict : bool, keyword only
            Refuse movies in which a frame does not follow the rhythm of the others. Otherwise such frames become dropped
            samples.

        Returns
        -------
        list of MoviePart
            By focus and colour. The movie itself if nothing takes turns in it, or it has no frame headers.

        Raises
        ------
        IsxError
            The rhythm breaks; the message tells where.

        Examples
        --------
        >>> for part in movie.split():
        ...     part.movie.save(f"{part.name}.isxd", frame_headers=True)
        """
        from openisx._views.interleaving import find_interleaving, parts_of

        source = self._frame_source()
        found = find_interleaving(source, strict=strict)
        if found is None or len(found[0].keys) == 1:
            itself: Any = self
            key = found[0].keys[0] if found is not None else None
            efocus, channel = _told(source) if key is None else (key.efocus, key.channel)
            return [MoviePart(efocus, channel, "", itself)]
        turns = found[0]
        return [
            MoviePart(key.efocus, key.channel, name, self._viewed(part))
            for key, name, part in zip(turns.keys, turns.names, parts_of(source, *found), strict=True)
        ]

    def planes(self) -> dict[int, Movie]:
        """The planes of :meth:`split` by their electronic focus.

        Raises
        ------
        IsxError
            Colours take turns too, the rhythm breaks, or the movie does not tell the focus.
        """
        return {
            part.efocus: part.movie
            for part in self._parts_by("efocus", "channel", "planes")
            if part.efocus is not None
        }

    def channels(self) -> dict[str, Movie]:
        """The colours of :meth:`split` by their name.

        Raises
        ------
        IsxError
            Planes take turns too, the rhythm breaks, or the movie does not tell the colour.
        """
        return {
            part.channel: part.movie
            for part in self._parts_by("channel", "efocus", "channels")
            if part.channel is not None
        }

    def _parts_by(self, wanted: str, other: str, what: str) -> list[MoviePart]:
        parts = self.split()
        path = self._frame_source().given_path
        if any(getattr(part, wanted) is None for part in parts):
            raise IsxError(f"{path} does not tell its {what}: its frames have no headers that do.")
        if len({getattr(part, other) for part in parts}) > 1:
            names = ", ".join(part.name for part in parts)
            raise IsxError(f"{path} has planes and colours that take turns ({names}); use split().")
        return parts


def _pair(given: tuple[int, int] | None, size: int, name: str) -> tuple[int, int]:
    if given is None:
        return 0, size
    try:
        first, last = given
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a pair (first, last plus one), not {given!r}") from None
    return operator.index(first), operator.index(last)


def _told(source: MovieSource) -> tuple[int | None, str | None]:
    """Focus and colour that the session metadata of one plane tell."""
    info = source.acquisition_info() or {}
    efocus, channel = info.get("efocus"), info.get("channel")
    return (efocus if isinstance(efocus, int) else None), (channel if isinstance(channel, str) else None)
