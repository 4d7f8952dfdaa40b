"""Files to files: projections, dF/F, and the planes of interleaved movies, for single movies and recordings of several files."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._checks import output_path
from openisx._files.output import OutputFile
from openisx._files.paths import as_path, as_paths, extension, require_absent
from openisx._formats.kinds import DataKind
from openisx._movie_writing import save_movies
from openisx._pictures import png_bytes, to_gray
from openisx._progress import no_progress
from openisx._views.computed import RelativeChange
from openisx._views.projection import STATISTICS, project
from openisx.core.timing import Timing
from openisx.errors import IsxError
from openisx.export._movie_inputs import as_inputs, hint_at_interleaving, in_order_of_time, open_movies, shown
from openisx.export.images import encoded
from openisx.movie import Movie

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from openisx._files.paths import PathInput, PathInputs
    from openisx._formats.base import MovieSource
    from openisx._progress import Progress
    from openisx.export._movie_inputs import MovieInputs
    from openisx.structures import MoviePart

__all__ = ["de_interleave", "dff", "project_movie"]

_KINDS = (DataKind.MOVIE, DataKind.NVISION_MOVIE)


def project_movie(
    input_movie_files: MovieInputs,
    output_image_file: PathInput,
    stat_type: str = "mean",
    *,
    progress: Progress = no_progress,
) -> None:
    """Write one image of all frames of a recording.

    Parameters
    ----------
    input_movie_files : path or Movie, or a sequence of these
        Movies of one recording, in any order. Missing samples do not count.
    output_image_file : path
        Must not exist. ``.isxd`` for an image with the position on the sensor and the session metadata of the earliest
        movie; ``.tif`` with the same values; ``.png`` to look at.
    stat_type : {'mean', 'min', 'max', 'std'}
        What each pixel becomes: float32 for 'mean' and 'std', else the pixel type of the movies.
    progress : callable, keyword only
        Called with the number of frames read and their total.

    Raises
    ------
    ValueError
        The statistic is unknown, the output has another extension, or there is no frame.
    IsxSeriesError
        The movies differ in pixel type or spacing, or overlap in time.
    IsxFileError
        A file is missing, damaged or no movie; the output exists or cannot be written.

    Examples
    --------
    >>> isx.project_movie(["part1.isxd", "part2.isxd"], "brightest.isxd", "max")
    """
    path = as_path(output_image_file)
    if extension(path) not in ("isxd", "tif", "tiff", "png"):
        raise ValueError(f"{path}: an image can be written to .isxd, .tif, .tiff or .png.")
    if stat_type not in STATISTICS:
        raise ValueError(f"stat_type must be one of {', '.join(STATISTICS)}, not {stat_type!r}")
    require_absent(path)
    with ExitStack() as stack:
        opened = open_movies(as_inputs(input_movie_files), stack, *_KINDS, also=[DataKind.BEHAVIORAL_MOVIE])
        hint_at_interleaving(opened)
        sources = [movie._open_source() for _, movie in in_order_of_time(opened)]
        image = project(sources, stat_type, progress=progress)
        _write_image(image, sources[0], path)


def _write_image(image: NDArray[Any], like: MovieSource, path: str) -> None:
    if extension(path) != "isxd":
        with OutputFile(path) as output:
            output.write(png_bytes(to_gray(image)) if extension(path) == "png" else encoded(image, path))
        return
    timing = Timing(1, like.timing.period, like.timing.start)
    with Movie.write(path, timing, like.spacing, image.dtype, extra_properties=like.extra_properties) as new:
        new.set_frame_data(0, image)


def dff(
    input_movie_files: MovieInputs,
    output_movie_files: PathInputs,
    f0_type: str | ArrayLike = "mean",
    *,
    progress: Progress = no_progress,
) -> None:
    """Write the relative change of brightness, (F - F0) / F0, of the movies of a recording.

    Parameters
    ----------
    input_movie_files : path or Movie, or a sequence of these
        Movies of one recording. F0 is that of all of their frames, so that values can be compared between them.
    output_movie_files : path or sequence of paths
        One for each input, in the same order; each must end in ``.isxd`` and not exist. All appear together, or none does.
    f0_type : {'mean', 'min'} or array-like
        F0: the mean or the minimum of all frames, or an image.
    progress : callable, keyword only
        Called with the number of frames written and their total.

    Raises
    ------
    ValueError
        `f0_type` is unknown, or there are more or fewer outputs than inputs.
    IsxSeriesError
        The movies differ in pixel type or spacing, or overlap in time.
    IsxFileError
        A file is missing, damaged or no movie; an output exists or cannot be written.

    See Also
    --------
    isx.Movie.dff : the same for one movie, without writing anything.
    """
    outputs = _outputs(output_movie_files)
    if isinstance(f0_type, str) and f0_type not in ("mean", "min"):
        raise ValueError(f"f0_type must be 'mean', 'min' or an image, not {f0_type!r}")
    with ExitStack() as stack:
        movies = open_movies(as_inputs(input_movie_files), stack, *_KINDS, also=[DataKind.BEHAVIORAL_MOVIE])
        if len(movies) != len(outputs):
            raise ValueError(f"{len(movies)} movies need as many outputs, not {len(outputs)}")
        in_order_of_time(movies)  # for its checks
        hint_at_interleaving(movies)
        sources = [movie._open_source() for movie in movies]
        f0 = RelativeChange(sources[0], f0_type, of=sources).known
        changes = [RelativeChange(source, f0, told=True) for source in sources]
        save_movies(list(zip(changes, outputs, strict=True)), frame_headers=False, progress=progress)


def de_interleave(
    input_movie_files: MovieInputs,
    output_movie_files: PathInputs,
    in_efocus_values: Sequence[int],
    *,
    frame_headers: bool = False,
    progress: Progress = no_progress,
) -> None:
    """Write the planes of multi-plane movies to files of their own.

    Parameters
    ----------
    input_movie_files : path or Movie, or a sequence of these
        Movies in which planes take turns, as their frame headers tell.
    output_movie_files : path or sequence of paths
        For each input one for each focus value, in the order of the values. They must end in ``.isxd`` and not exist. All
        appear together, or none does.
    in_efocus_values : sequence of int
        Electronic focus of the planes to write.
    frame_headers : bool, keyword only
        Keep header and footer lines, and with them time stamps, which align devices.
    progress : callable, keyword only
        Called with the number of frames written and their total.

    Raises
    ------
    ValueError
        There are more or fewer outputs than planes, or no value is given.
    IsxError
        A movie has no plane with one of the values; its planes do not take turns; it has colours, too.
    IsxFileError
        A file is missing, damaged or no movie; an output exists or cannot be written.

    See Also
    --------
    isx.Movie.split : planes and colours without writing anything.
    """
    outputs = _outputs(output_movie_files)
    values = [int(value) for value in np.atleast_1d(np.asarray(in_efocus_values)).tolist()]
    if not values or len(set(values)) < len(values):
        raise ValueError(f"in_efocus_values must name each plane once, not {values}")
    with ExitStack() as stack:
        movies = open_movies(as_inputs(input_movie_files), stack, *_KINDS)
        if len(outputs) != len(movies) * len(values):
            raise ValueError(
                f"{len(values)} planes of {len(movies)} movies need {len(movies) * len(values)} outputs, not {len(outputs)}"
            )
        planes = [plane._open_source() for movie in movies for plane in _planes(movie, values)]
        save_movies(list(zip(planes, outputs, strict=True)), frame_headers=frame_headers, progress=progress)


def _planes(movie: Movie, values: Sequence[int]) -> Iterator[Movie]:
    planes = movie.planes()
    for value in values:
        if value not in planes:
            known = ", ".join(map(str, planes))
            raise IsxError(f"{shown(movie)} has no plane with e-focus {value}; it has {known}.")
        yield planes[value]


def split_movie(
    movie: Movie, base: str, *, frame_headers: bool, strict: bool, progress: Progress
) -> list[str]:
    """Write the planes and colours of a movie to ``BASE-NAME.isxd``; the paths written.

    Raises
    ------
    IsxError
        Nothing takes turns in the movie, or the rhythm breaks.
    """
    parts: list[MoviePart] = movie.split(strict=strict)
    if len(parts) == 1:
        plane = (
            "no frame headers that tell"
            if parts[0].efocus is None
            else f"one plane (e-focus {parts[0].efocus})"
        )
        raise IsxError(f"{shown(movie)} has {plane}; there is nothing to split.")
    outputs = [f"{base}-{part.name}.isxd" for part in parts]
    for path in outputs:
        require_absent(path)
    pairs = [(part.movie._open_source(), path) for part, path in zip(parts, outputs, strict=True)]
    save_movies(pairs, frame_headers=frame_headers, progress=progress)
    return outputs


def _outputs(paths: PathInputs) -> list[str]:
    outputs = [output_path(path) for path in as_paths(paths)]
    for path in outputs:
        require_absent(path)
    return outputs
