"""Opening the movies an export was given, and which of their frames can be read, and their order."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from openisx._files.paths import PathInput, as_path, as_paths
from openisx._formats.kinds import WrongKindError, wrong_kind
from openisx._series import part_of, time_order
from openisx._views.interleaving import keys_at_the_beginning, keys_text
from openisx.errors import warn
from openisx.movie import Movie

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import ExitStack

    import numpy as np
    from numpy.typing import NDArray

    from openisx._formats.kinds import DataKind

__all__ = [
    "MovieInput",
    "MovieInputs",
    "as_inputs",
    "hint_at_interleaving",
    "in_order_of_time",
    "kind_of",
    "open_movie",
    "open_movies",
    "readable",
    "shown",
]

#: What an export takes: the path of a file, or a movie that is open.
MovieInput: TypeAlias = "PathInput | Movie"
MovieInputs: TypeAlias = "MovieInput | Iterable[MovieInput]"


def as_inputs(movies: MovieInputs) -> list[str | Movie]:
    """One movie or any sequence as a list; paths as text.

    Raises
    ------
    TypeError
        An element is neither a path nor a movie.
    ValueError
        The sequence is empty.
    """
    if isinstance(movies, Movie):
        return [movies]
    if isinstance(movies, (str, bytes, os.PathLike)):
        return [*as_paths(movies)]
    listed = [movie if isinstance(movie, Movie) else as_path(movie) for movie in movies]
    if not listed:
        raise ValueError("no input files given")
    return listed


@contextmanager
def open_movie(movie: MovieInput) -> Iterator[Movie]:
    """A movie to read from, which is closed at the end if it was a path."""
    if isinstance(movie, Movie):
        yield movie
        return
    with Movie.read(movie) as opened:
        yield opened


def shown(movie: Movie) -> str:
    """What messages call a movie: its path as the caller gave it, and what is done to it."""
    return movie._open_source().given_path


def hint_at_interleaving(movies: Sequence[Movie]) -> None:
    """Warn of movies in which planes or colours take turns."""
    for movie in movies:
        keys = keys_at_the_beginning(movie._open_source())
        if len(keys) > 1:
            warn(
                f"{shown(movie)}: frames of {keys_text(keys)} take turns. Movie.split() makes a movie of each."
            )


def kind_of(movie: Movie) -> DataKind:
    """Kind of data set an open movie was read from."""
    return movie._open_source().kind


def open_movies(
    inputs: Sequence[str | Movie], stack: ExitStack, *kinds: DataKind, also: Sequence[DataKind] = ()
) -> list[Movie]:
    """Open files in the order given, to be closed with `stack`; movies that are open are taken as they are.

    Files of the kinds `also` are taken too, but errors do not name these, since the vendor's do not.

    Raises
    ------
    IsxFileError
        A file is missing, damaged, or of none of these kinds.
    """
    movies = []
    for given in inputs:
        if isinstance(given, Movie):
            movies.append(given)
            continue
        try:
            movie = stack.enter_context(Movie.read(given))
        except WrongKindError as error:
            raise wrong_kind(given, error.found, *kinds) from None
        if kind_of(movie) not in (*kinds, *also):
            raise wrong_kind(given, kind_of(movie), *kinds)
        movies.append(movie)
    return movies


def readable(movie: Movie) -> NDArray[np.bool_]:
    """Which samples can be read: the valid ones, less those that a shortened file no longer holds."""
    source = movie._open_source()
    mask = source.timing.samples.mask()
    if source.num_stored < source.timing.samples.num_valid:
        mask[source.timing.samples.sample(source.num_stored) :] = False
    return mask


def in_order_of_time(movies: Sequence[Movie]) -> list[tuple[str, Movie]]:
    """Movies of one recording with what messages call them, earliest first.

    Raises
    ------
    IsxSeriesError
        Neighbours differ in pixel type or spacing, or overlap in time.
    """
    parts = [part for movie in movies if (part := part_of(movie, shown(movie)))]
    return [(parts[i].path, movies[i]) for i in time_order(parts)]
