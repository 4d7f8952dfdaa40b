"""Time stamps of several devices side by side (docs/formats/exports.md, Hardware time stamps)."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from openisx._files.output import OutputFile
from openisx._files.paths import as_path, as_paths, canonical
from openisx.errors import IsxError
from openisx.export._movie_inputs import readable
from openisx.export._options import no_progress, require_time_ref
from openisx.export.csv._clock import TimestampClock
from openisx.export.csv._text import choices, lines, quoted, replaced
from openisx.sync import Recording, open_paired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from openisx._files.paths import PathInput, PathInputs
    from openisx.export._options import Progress
    from openisx.export.csv._text import Column

__all__ = ["export_aligned_timestamps"]

_ROWS_AT_ONCE = 1 << 15


class _Samples(NamedTuple):
    """The samples of one file in the order of the table."""

    counters: NDArray[np.uint64]
    known: NDArray[np.bool_]
    channel_names: tuple[str, ...] | None  # of GPIO data
    channels: NDArray[np.int64]

    def columns(self, clock: TimestampClock, first: int, stop: int) -> list[Column]:
        """Columns of the rows `first` to `stop`; those beyond the last sample are empty."""
        part = slice(first, stop)
        counters, known = self.counters[part], self.known[part]
        column = clock.column(np.where(known, counters, np.uint64(clock.first % 2**64)))
        columns = [replaced(column, np.flatnonzero(~known), [""])]
        if self.channel_names is not None:
            columns.append(choices(self.channel_names, self.channels[part]))
        rows = stop - first
        return [np.vstack([c, np.zeros((rows - len(c), c.shape[1]), np.uint8)]) for c in columns]


def export_aligned_timestamps(
    input_ref_file: PathInput,
    input_align_files: PathInputs,
    input_ref_name: str,
    input_align_names: str | Sequence[str],
    output_csv_file: PathInput,
    time_ref: str = "start",
    *,
    progress: Progress = no_progress,
) -> None:
    """Write the time stamps of all samples of several files of one recording side by side.

    Row k holds sample k of every file; rows are not matched in time. GPIO data give two columns, the time stamps of
    all points, channel by channel, and the names of the channels. Cells are empty for missing frames, and from the
    end of a file on.

    Parameters
    ----------
    input_ref_file : path
        GPIO data (`.gpio`, `.isxd`) or a movie (`.isxd`, `.isxb`) with time stamps.
    input_align_files : path or sequence of paths
        Files of the same kinds and the same recording; there may be none.
    input_ref_name : str
        Name of the reference in the head of the table.
    input_align_names : str or sequence of str
        One name for each file.
    output_csv_file : path
        An existing file is replaced when the new one is complete.
    time_ref : {'start', 'unix', 'tsc'}
        Seconds since the first counter of the reference, seconds since 1970 by the start of the reference, or
        microseconds of the counter (the head of the table says ``(s)`` all the same).
    progress : callable, optional
        Called with the rows written and their total.

    Raises
    ------
    ValueError
        `time_ref` is unknown, the names do not fit the files, or the output is one of the inputs.
    IsxFileError
        A file is missing, damaged or of another kind; the output cannot be written.
    IsxError
        The files are not of one recording, or have no time stamps.
    """
    reference = as_path(input_ref_file)
    files = as_paths(input_align_files, may_be_empty=True)
    names = [input_align_names] if isinstance(input_align_names, str) else list(input_align_names)
    require_time_ref(time_ref)
    if len(names) != len(files):
        raise ValueError(f"{len(files)} files to align need as many names, not {len(names)}.")
    if canonical(output_csv_file) in map(canonical, [reference, *files]):
        raise ValueError(
            f"The output {as_path(output_csv_file)} is one of the inputs; it would be overwritten."
        )
    with ExitStack() as stack:
        recordings = open_paired(reference, files, stack, gpio=True)
        epoch = recordings[0].timing.start.secs_since_epoch.ratio
        clock = TimestampClock(time_ref, recordings[0].first_counter(), epoch)
        tables = [_samples(recording) for recording in recordings]
        head = [
            column
            for name, table in zip([input_ref_name, *names], tables, strict=True)
            for column in (
                [f"{name} Timestamp (s)"] + ([f"{name} Channel"] if table.channel_names is not None else [])
            )
        ]
        total = max(len(table.counters) for table in tables)
        with OutputFile(output_csv_file, overwrite=True) as output:
            output.write((",".join(map(quoted, head)) + "\n").encode("utf-8", "backslashreplace"))
            for first in range(0, total, _ROWS_AT_ONCE):
                stop = min(first + _ROWS_AT_ONCE, total)
                output.write(
                    lines([column for table in tables for column in table.columns(clock, first, stop)])
                )
                progress(stop, total)


def _samples(recording: Recording) -> _Samples:
    if recording.gpio is not None:
        first = recording.first_counter()
        points = [recording.gpio.get_channel_data(i)[0] for i in range(len(recording.gpio))]
        offsets = np.concatenate([np.zeros(0, np.uint64), *points])
        channels = np.repeat(np.arange(len(points)), [len(p) for p in points])
        names = tuple(quoted(name) for name in recording.gpio.names)
        return _Samples(offsets + np.uint64(first % 2**64), np.ones(len(offsets), np.bool_), names, channels)
    assert recording.movie is not None
    stamps = recording.movie.timestamps
    if stamps is None:
        raise IsxError(f"No frame timestamps stored in movie file to export. ({recording.path})")
    return _Samples(np.asarray(stamps), readable(recording.movie), None, np.zeros(0, np.int64))
