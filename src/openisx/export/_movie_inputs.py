"""Opening the movies an export was given, and which of their frames can be read, and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openisx._formats.kinds import WrongKindError, wrong_kind
from openisx._series import part_of, time_order
from openisx.movie import Movie

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    import numpy as np
    from numpy.typing import NDArray

    from openisx._formats.kinds import DataKind

__all__ = ["in_order_of_time", "kind_of", "open_movies", "readable"]


def kind_of(movie: Movie) -> DataKind:
    """Kind of data set an open movie was read from."""
    return movie._open_source().kind


def open_movies(
    paths: Sequence[str], stack: ExitStack, *kinds: DataKind, also: Sequence[DataKind] = ()
) -> list[Movie]:
    """Open files in the order given, to be closed with `stack`.

    Files of the kinds `also` are taken too, but errors do not name these, since the vendor's do not.

    Raises
    ------
    IsxFileError
        A file is missing, damaged, or of none of these kinds.
    """
    movies = []
    for path in paths:
        try:
            movie = stack.enter_context(Movie.read(path))
        except WrongKindError as error:
            raise wrong_kind(path, error.found, *kinds) from None
        if kind_of(movie) not in (*kinds, *also):
            raise wrong_kind(path, kind_of(movie), *kinds)
        movies.append(movie)
    return movies


def readable(movie: Movie) -> NDArray[np.bool_]:
    """Which samples can be read: the valid ones, less those that a shortened file no longer holds."""
    source = movie._open_source()
    mask = source.timing.samples.mask()
    if source.num_stored < source.timing.samples.num_valid:
        mask[source.timing.samples.sample(source.num_stored) :] = False
    return mask


def in_order_of_time(paths: Sequence[str], movies: Sequence[Movie]) -> list[tuple[str, Movie]]:
    """Movies of one recording with their paths, earliest first.

    Raises
    ------
    IsxSeriesError
        Neighbours differ in pixel type or spacing, or overlap in time.
    """
    parts = [part for path, movie in zip(paths, movies, strict=True) if (part := part_of(movie, path))]
    return [(paths[i], movies[i]) for i in time_order(parts)]
