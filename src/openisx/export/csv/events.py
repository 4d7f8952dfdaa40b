"""Event sets as text: one row per sample, or one row per event, and a table of the cells' properties (docs/guide/exporting-csv.md)."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFiles, require_free_space
from openisx._files.paths import as_path, as_paths, require_absent
from openisx._formats.registry import open_event_source
from openisx._series import Part, time_order
from openisx.core._resampling import nearest_samples
from openisx.errors import IsxError
from openisx.export._options import no_progress
from openisx.export.csv import _text as csv_text
from openisx.export.csv._clock import Clock, require_wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from openisx._files.output import OutputFile
    from openisx._files.paths import PathInput, PathInputs
    from openisx._formats.signals import Signals
    from openisx.core.timing import Timing
    from openisx.export._options import Progress
    from openisx.structures import EventMetrics

__all__ = ["export_event_set_to_csv"]

_CANNOT_WRITE = "Error writing to output file. ({path}: {error})"
_CHUNK = 1 << 17  # rows, or cells of a table, formatted at a time


def export_event_set_to_csv(
    input_event_set_files: PathInputs,
    output_csv_file: PathInput,
    time_ref: str = "start",
    output_props_file: PathInput = "",
    sparse_output: bool = True,
    write_amplitude: bool = True,
    *,
    progress: Progress = no_progress,
) -> None:
    """Write event sets as a table with one row per sample, or as a list with one row per event.

    Files are taken in the order given and the names of the cells from the first; later files are asked for
    cells of these names. Both outputs appear together, or none does.

    Parameters
    ----------
    input_event_set_files : path or sequence of paths
        One event set, or several of one recording.
    output_csv_file : path
        New file.
    time_ref : {'start', 'unix'}
        Seconds since the start of the first file given, or since 1970-01-01 UTC.
    output_props_file : path, optional
        New file for one row per cell: its name and, if the files hold them, its signal to noise ratio and
        event rate, averaged over the files by their durations. The files must then fit together in time.
    sparse_output : bool
        True for the table, in which a cell without an event in a sample has the value 0; False for the list.
        (The name is the vendor's.) The table has one place per cell and sample: of several events nearest
        to the same sample it shows the first, and warns of the others; it leaves out events more than half a
        period after the last sample. The list has all events.
    write_amplitude : bool
        Whether the table shows amplitudes instead of ones, and the list has a column for them.
    progress : callable, keyword only
        Called with (rows written, rows in total); an exception it raises stops the export.

    Raises
    ------
    ValueError
        `time_ref` is unknown, or there are no input files.
    IsxFileExistsError, IsxFileError
        An output exists or cannot be written; an input is missing, damaged, or no event set.
    IsxSeriesError
        With `output_props_file`: the files have other cells or overlap in time.
    IsxError
        The first file has no cells, or a later one lacks one of them.
    """
    require_wall_clock(time_ref)
    paths = as_paths(input_event_set_files)
    require_absent(as_path(output_csv_file))
    files = _open(paths)
    clock = Clock.relative_to(time_ref, files[0].timing)
    if as_path(output_props_file):
        require_absent(as_path(output_props_file))
        properties = "".join(_property_rows(files))
    with OutputFiles() as outputs:
        output = outputs.create(output_csv_file, cannot_open=_CANNOT_WRITE)
        if as_path(output_props_file):
            outputs.create(output_props_file, cannot_open=_CANNOT_WRITE).write(csv_text.encoded(properties))
        if sparse_output:
            _write_table(output, files, clock, write_amplitude, progress)
        else:
            _write_list(output, files, clock, write_amplitude, progress)


@dataclass(frozen=True)
class _File:
    """One input, with its cells in the order of the first input's."""

    path: str
    timing: Timing  # of the set
    rows: Timing  # of the table: that of the first cell
    names: tuple[str, ...]
    signals: Signals
    channels: tuple[int, ...]  # channel of each cell
    metrics: Sequence[EventMetrics | None] | None  # of each channel

    def events(self, cell: int) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        return self.signals.channel(self.channels[cell])


def _open(paths: Sequence[str]) -> list[_File]:
    files: list[_File] = []
    for path in paths:
        source = open_event_source(path)
        try:
            if not source.names:
                raise IsxError(f"{path} holds no cells, so there are no events to export.")
            channels = _matching(files[0], path, source.names) if files else tuple(range(len(source.names)))
            rows = source.channel_timing(channels[0])
            metrics = source.metrics()
            files.append(_File(path, source.timing, rows, source.names, source.signals(), channels, metrics))
        finally:
            source.close()
    return files


def _matching(first: _File, path: str, names: Sequence[str]) -> tuple[int, ...]:
    """Where a later file has the cells of the first; the k-th cell of a name is the k-th of that name."""
    if names == first.names:
        return first.channels
    places = {key: i for i, key in enumerate(_numbered(names))}
    try:
        return tuple(places[key] for key in _numbered(first.names))
    except KeyError as error:
        raise IsxError(
            f"{path} lacks the cell {error.args[0][0]!r} of the first file, {first.path}. "
            "Files of one export need the same cells."
        ) from None


def _numbered(names: Sequence[str]) -> Iterator[tuple[str, int]]:
    seen: Counter[str] = Counter()
    for name in names:
        yield name, seen[name]
        seen[name] += 1


# -- one row per sample --------------------------------------------------------------------------------


def _write_table(
    output: OutputFile, files: Sequence[_File], clock: Clock, write_amplitude: bool, progress: Progress
) -> None:
    names = [csv_text.quoted(name) for name in files[0].names]
    output.write(csv_text.encoded(", ".join(["Time (s)", *names]) + "\n"))
    total = sum(file.rows.num_samples for file in files)
    # The smallest text there can be: "0, 0, 0\n". Metadata that announce absurdly many samples end here.
    require_free_space(output.path, total * (2 + 3 * len(names)))
    done = hidden = 0
    per_chunk = max(1, _CHUNK // len(names))
    for file in files:
        rows, columns, values, unseen = _placed(file)
        hidden += unseen
        for first in range(0, file.rows.num_samples, per_chunk):
            stop = min(first + per_chunk, file.rows.num_samples)
            part = slice(*rows.searchsorted([first, stop]).tolist())
            texts = (
                csv_text.formatted("%.7g", values[part])
                if write_amplitude
                else ["1"] * (part.stop - part.start)
            )
            times = csv_text.formatted("%.16g", clock.sample_seconds(file.rows, first, stop))
            text = csv_text.sparse_rows(times, len(names), rows[part] - first, columns[part], texts)
            output.write(csv_text.encoded(text))
            done += stop - first
            progress(done, total)
    if hidden:
        warnings.warn(
            f"{hidden} events share a sample with an earlier event of the same cell and are not in the table "
            f"{output.given_path}; with sparse_output=False all events are listed.",
            UserWarning,
            stacklevel=3,
        )


def _placed(
    file: _File,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], int]:
    """Row, column and value of the events of a table, ordered by row and column, and how many share a place."""
    offsets, values, columns = _by_cell(file)
    rows, inside = nearest_samples(offsets, file.rows, file.rows)
    rows, values, columns = rows[inside], values[inside], columns[inside]
    keys = rows * len(file.channels) + columns
    # Events are ordered by cell, then time: events of one place are neighbours, the earliest first.
    first = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    chosen = np.flatnonzero(first)
    chosen = chosen[np.argsort(keys[chosen], kind="stable")]
    return rows[chosen], columns[chosen], values[chosen], len(keys) - len(chosen)


def _by_cell(file: _File) -> tuple[NDArray[np.uint64], NDArray[np.float32], NDArray[np.int64]]:
    """Offsets, values and column of all events, by cell in the order of the columns, then by time."""
    events = [file.events(cell) for cell in range(len(file.channels))]
    columns = np.repeat(np.arange(len(events), dtype=np.int64), [len(offsets) for offsets, _ in events])
    return np.concatenate([o for o, _ in events]), np.concatenate([v for _, v in events]), columns


# -- one row per event ---------------------------------------------------------------------------------


def _write_list(
    output: OutputFile, files: Sequence[_File], clock: Clock, write_amplitude: bool, progress: Progress
) -> None:
    header = ("Time (s)", "Cell Name", "Value") if write_amplitude else ("Time (s)", "Cell Name")
    output.write(csv_text.encoded(", ".join(header) + "\n"))
    total = sum(len(file.events(cell)[0]) for file in files for cell in range(len(file.channels)))
    times = [PacketTimes(clock, file.timing, file.signals.offsets) for file in files]
    done = 0
    for cell, name in enumerate(files[0].names):
        shown = csv_text.quoted(name)
        for file, texts in zip(files, times, strict=True):
            offsets, values = file.events(cell)
            for first in range(0, len(offsets), _CHUNK):
                part = slice(first, first + _CHUNK)
                columns: list[Any] = [texts(offsets[part]), [shown] * len(offsets[part]), values[part]]
                specs = ["%s", "%s", "%.7g"]
                width = 3 if write_amplitude else 2
                output.write(csv_text.encoded(csv_text.rows(specs[:width], columns[:width])))
                done += len(offsets[part])
                progress(done, total)


class PacketTimes:
    """Text of the times of packets of one file.

    Where channels share most of their times, as cells whose events lie on the frames of a movie do, each time
    is formatted only once.

    Parameters
    ----------
    clock
        Zero of the times.
    timing
        Of the file.
    offsets
        All offsets of the file that may be asked for, in microseconds.
    """

    _MAX_KEPT = 1 << 18  # texts; 20 MB

    def __init__(self, clock: Clock, timing: Timing, offsets: NDArray[np.uint64]) -> None:
        self._clock = clock
        self._timing = timing
        self._known = np.unique(offsets)
        self._texts: NDArray[np.object_] | None = None
        if len(self._known) <= min(self._MAX_KEPT, len(offsets) // 2):
            self._texts = np.array(self._format(self._known), dtype=object)

    def _format(self, offsets: NDArray[np.uint64]) -> list[str]:
        return csv_text.formatted("%.16g", self._clock.packet_seconds(self._timing, offsets))

    def __call__(self, offsets: NDArray[np.uint64]) -> list[str]:
        """Text of the time of each of `offsets`."""
        if self._texts is None:
            return self._format(offsets)
        texts: list[str] = self._texts[self._known.searchsorted(offsets)].tolist()
        return texts


# -- properties ----------------------------------------------------------------------------------------


def _property_rows(files: Sequence[_File]) -> Iterator[str]:
    parts = [Part("event set", file.path, file.timing, names=file.names) for file in files]
    ordered = [files[i] for i in time_order(parts)]
    names = [csv_text.quoted(name) for name in ordered[0].names]
    if not ordered[0].metrics:
        yield csv_text.rows(("%s",), (["Name", *names],))
        return
    yield "Name,SNR,EventRate(Hz)\n"
    means = _weighted_metrics(ordered)
    yield csv_text.rows(("%s", "%.6g", "%.6g"), (names, *means.T), ",")


def _weighted_metrics(files: Sequence[_File]) -> NDArray[np.float32]:
    """Signal to noise ratio and event rate of each cell averaged over files, weighted by duration.

    Sums are float32 as the vendor's. A file without metrics for a cell adds nothing, and keeps its weight.
    """
    durations = np.array([_duration(file.timing) for file in files])
    means = np.zeros((len(files[0].names), 2), dtype=np.float32)
    with np.errstate(invalid="ignore", over="ignore"):  # files without samples; infinite metrics
        weights = durations / sum(durations)
        for weight, file in zip(weights, files, strict=True):
            for cell, metrics in enumerate(file.metrics or ()):
                if metrics is not None:
                    stored = np.array([metrics.snr, metrics.event_rate], dtype=np.float32)
                    means[cell] += (weight * stored.astype(np.float64)).astype(np.float32)
    return means


def _duration(timing: Timing) -> float:
    step = timing.period.ratio
    return float(step.num * timing.num_samples) / float(step.den)
