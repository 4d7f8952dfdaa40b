"""Hardware time stamps of movies as a table (docs/formats/exports.md, Hardware time stamps)."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from openisx._files.output import OutputFile
from openisx._files.paths import as_path, require_absent
from openisx._formats.kinds import DataKind
from openisx.errors import IsxError
from openisx.export._movie_inputs import as_inputs, in_order_of_time, open_movies, readable
from openisx.export._options import no_progress, require_time_ref
from openisx.export.csv._clock import TimestampClock, require_wall_clock
from openisx.export.csv._text import choices, integers, lines, replaced
from openisx.sync import first_counter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from openisx._files.paths import PathInput
    from openisx.export._movie_inputs import MovieInputs
    from openisx.export._options import Progress
    from openisx.movie import Movie

__all__ = ["export_movie_timestamps_to_csv"]

FRAME_COLUMNS = ("Global Frame Number", "Movie Number", "Local Frame Number")
_ROWS_AT_ONCE = 1 << 15


def export_movie_timestamps_to_csv(
    input_movie_files: MovieInputs,
    output_csv_file: PathInput,
    time_ref: str = "start",
    *,
    sample_times: bool = False,
    progress: Progress = no_progress,
) -> None:
    """Write the time stamp of every frame of a series of movies.

    Parameters
    ----------
    input_movie_files : path or Movie, or a sequence of these
        Microscope or behaviour movies of one recording, or open movies, with hardware time stamps, in any order.
    output_csv_file : path
        Must not exist. One row per frame, missing ones included: number in the series, number of the movie, number
        in the movie (all from 0), and time stamp, ``NaN`` for missing frames.
    time_ref : {'start', 'unix', 'tsc'}
        Seconds since the first frame of the earliest movie, seconds since 1970, or microseconds of the counter.
    sample_times : bool
        Write the times of the samples instead, which start and period give: the only times of processed movies and
        of ordinary videos.
    progress : callable, optional
        Called with the rows written and their total.

    Raises
    ------
    ValueError
        `time_ref` is unknown, or ``'tsc'`` for the times of samples, or there is no input.
    IsxFileError
        A file is missing, damaged or no movie; the output exists or cannot be written.
    IsxSeriesError
        The movies differ in pixel type or spacing, or overlap in time.
    IsxError
        A movie has no time stamps.
    """
    require_time_ref(time_ref)
    kinds = [DataKind.MOVIE, DataKind.NVISION_MOVIE, *[DataKind.BEHAVIORAL_MOVIE] * sample_times]
    with opened_series(input_movie_files, output_csv_file, *kinds) as series:
        clock = (_clock_of_samples if sample_times else clock_of_series)(series, time_ref)
        total = sum(len(movie) for _, movie in series)
        cannot_open = "Failed to open movie file for write: {path} ({error})"
        with OutputFile(output_csv_file, cannot_open=cannot_open) as output:
            what = "Time" if sample_times else "Timestamp"
            output.write(f"{','.join(FRAME_COLUMNS)},Frame {what} ({clock.unit})\n".encode())
            for done, rows in _rows(series, clock, sample_times=sample_times):
                output.write(rows)
                progress(done, total)


@contextmanager
def opened_series(
    input_movie_files: MovieInputs, output_csv_file: PathInput, *kinds: DataKind
) -> Iterator[list[tuple[str, Movie]]]:
    """The movies given to an export with their paths, earliest first, closed at the end; no output may exist yet."""
    inputs = as_inputs(input_movie_files)
    require_absent(as_path(output_csv_file))
    with ExitStack() as stack:
        yield in_order_of_time(open_movies(inputs, stack, *kinds))


def clock_of_series(series: list[tuple[str, Movie]], time_ref: str) -> TimestampClock:
    """Clock of the time stamps of movies in order of time; it starts with the first of them.

    Raises
    ------
    IsxError
        A movie has no time stamps, or the first has no frame.
    """
    for path, movie in series:
        if not movie._open_source().has_timestamps:
            raise IsxError(f"Input movie does not have frame timestamps stored in file. ({path})")
    path, movie = series[0]
    epoch = movie._layout[0].start.secs_since_epoch.ratio
    return TimestampClock(time_ref, 0 if time_ref == "tsc" else first_counter(movie, path), epoch)


def _clock_of_samples(series: list[tuple[str, Movie]], time_ref: str) -> TimestampClock:
    """Clock of the times of samples, in microseconds since the first one."""
    require_wall_clock(time_ref)
    return TimestampClock(time_ref, 0, series[0][1]._layout[0].start.secs_since_epoch.ratio)


def _sample_times(movie: Movie, first: Movie) -> NDArray[np.uint64]:
    """Time of each sample in whole microseconds since the start of `first`."""
    timing = movie._layout[0]
    between = timing.start.secs_since_epoch.fraction - first._layout[0].start.secs_since_epoch.fraction
    return np.rint(timing.seconds() * 1e6).astype(np.uint64) + np.uint64(round(between * 1_000_000))


def _rows(
    series: list[tuple[str, Movie]], clock: TimestampClock, *, sample_times: bool
) -> Iterator[tuple[int, bytes]]:
    """Blocks of lines, each with the number of lines up to its end."""
    before = 0
    for number, (_, movie) in enumerate(series):
        stamps = _sample_times(movie, series[0][1]) if sample_times else movie.timestamps
        assert stamps is not None
        valid = readable(movie)
        for first in range(0, len(movie), _ROWS_AT_ONCE):
            local = np.arange(first, min(first + _ROWS_AT_ONCE, len(movie)))
            known = valid[local]
            column = clock.column(np.where(known, stamps[local], np.uint64(clock.first % 2**64)))
            shown = replaced(column, np.flatnonzero(~known), ["NaN"])
            in_movie = integers(local)
            in_series = integers(local + before) if before else in_movie
            columns = [in_series, choices([str(number)], np.zeros_like(local)), in_movie, shown]
            yield before + int(local[-1]) + 1, lines(columns)
        before += len(movie)
