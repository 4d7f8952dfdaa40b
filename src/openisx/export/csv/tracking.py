"""Tracking results of behaviour movies as tables (docs/formats/exports.md, Tracking)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFile
from openisx._formats.kinds import DataKind
from openisx.export._movie_inputs import readable
from openisx.export._options import no_progress, require_time_ref
from openisx.export.csv._text import formatted, lines, quoted
from openisx.export.csv.timestamps import FRAME_COLUMNS, clock_of_series, opened_series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._files.paths import PathInput, PathInputs
    from openisx.export._options import Progress
    from openisx.export.csv._clock import TimestampClock
    from openisx.movie import Movie
    from openisx.structures import Tracking, Zone, ZoneEvents

__all__ = [
    "export_nvision_movie_tracking_frame_data_to_csv",
    "export_nvision_movie_tracking_zone_data_to_csv",
]

_BOX_COLUMNS = (
    *(f"Bounding Box {side}" for side in ("Left", "Top", "Right", "Bottom", "Center X", "Center Y")),
    "Confidence",
)
_ZONE_COLUMNS = ("Zone ID", "Zone Name", "Zone Event", "Zone Trigger")
_NO_ZONES = "," * (len(_ZONE_COLUMNS) - 1)
_NO_RESULT = "," * (len(_BOX_COLUMNS) + len(_ZONE_COLUMNS) - 1)
_NO_FRAME = "," + _NO_RESULT


def export_nvision_movie_tracking_frame_data_to_csv(
    input_movie_files: PathInputs,
    output_csv_file: PathInput,
    time_ref: str = "start",
    *,
    progress: Progress = no_progress,
) -> None:
    """Write what the tracker found in every frame of a series of behaviour movies.

    Parameters
    ----------
    input_movie_files : path or sequence of paths
        `.isxb` movies of one recording, in any order.
    output_csv_file : path
        Must not exist. One row per frame: number in the series, number of the movie, number in the movie (all from
        0), time stamp, bounding box and its centre in pixels, confidence in per cent, and what happened in zones.
        Cells stay empty where a frame is missing or nothing was found. With several zones, their cells hold lists.
    time_ref : {'start', 'unix', 'tsc'}
        Seconds since the first frame of the earliest movie, seconds since 1970, or microseconds of the counter.
        Pixels have six decimals in the first two cases and six significant digits in the third.
    progress : callable, optional
        Called with the rows written and their total.

    Raises
    ------
    ValueError
        `time_ref` is unknown, or there is no input.
    IsxFileError
        A file is missing, damaged or no behaviour movie; the output exists or cannot be written.
    IsxSeriesError
        The movies differ in pixel type or spacing, or overlap in time.
    IsxError
        A movie has no frame metadata.
    """
    require_time_ref(time_ref)
    with opened_series(input_movie_files, output_csv_file, DataKind.NVISION_MOVIE) as series:
        clock = clock_of_series(series, time_ref)
        total = sum(len(movie) for _, movie in series)
        done = 0
        with OutputFile(output_csv_file) as output:
            header = (*FRAME_COLUMNS, f"Frame Timestamp ({clock.unit})", *_BOX_COLUMNS, *_ZONE_COLUMNS)
            output.write((",".join(header) + "\n").encode())
            for number, (_, movie) in enumerate(series):
                output.write(_frame_rows(movie, number, done, clock).encode("utf-8", "backslashreplace"))
                done += len(movie)
                progress(done, total)


def _frame_rows(movie: Movie, number: int, before: int, clock: TimestampClock) -> str:
    """All lines of one movie; `before` frames come before it in the series."""
    count = len(movie)
    if not count:
        return ""
    stamps = movie.timestamps
    assert stamps is not None
    valid = readable(movie)
    texts = (
        lines([clock.column(np.where(valid, stamps, np.uint64(clock.first % 2**64)))]).decode().split("\n")
    )
    results = _results(movie.tracking, count, "%.6g" if clock.time_ref == "tsc" else "%.6f")
    return "".join(
        f"{before + i},{number},{i},{text},{result}\n" if ok else f"{before + i},{number},{i},{_NO_FRAME}\n"
        for i, (text, ok, result) in enumerate(zip(texts, valid.tolist(), results, strict=False))
    )


def _results(tracking: Tracking | None, count: int, number_format: str) -> list[str]:
    """Cells from the bounding box on, for every sample."""
    results = [_NO_RESULT] * count
    if tracking is None:
        return results
    found = np.flatnonzero(tracking.detected)
    table = np.column_stack([tracking.boxes, tracking.centers, tracking.confidence])[found]
    columns = [_numbers(number_format, column) for column in table.T]
    zones = _zone_cells(tracking.events, found)
    for i, sample in enumerate(found.tolist()):
        results[sample] = ",".join([column[i] for column in columns] + [zones.get(sample, _NO_ZONES)])
    return results


def _numbers(number_format: str, column: NDArray[np.float32]) -> list[str]:
    """Text of a column; empty where there is no number."""
    texts = formatted(number_format, column)
    for i in np.flatnonzero(np.isnan(column)).tolist():
        texts[i] = ""
    return texts


def _zone_cells(events: ZoneEvents, found: NDArray[np.int64]) -> dict[int, str]:
    """The four cells about zones of each sample that has some.

    Of several events each cell is a quoted list. A comma is only put where the list is not empty yet, as the
    vendor does it, so empty items at its front vanish.
    """
    told = [i for i in range(len(events)) if events.event[i] or events.zone_id[i]]
    by_sample: dict[int, list[tuple[str, ...]]] = {}
    wanted = set(found.tolist())
    for i in told:
        sample = int(events.sample[i])
        if sample in wanted:
            row = (str(events.zone_id[i]), events.name[i], events.event[i], events.trigger[i])
            by_sample.setdefault(sample, []).append(row)
    return {sample: _joined(rows) for sample, rows in by_sample.items()}


def _joined(rows: list[tuple[str, ...]]) -> str:
    if len(rows) == 1:
        return ",".join(map(quoted, rows[0]))
    joined = []
    for items in zip(*rows, strict=True):
        text = ""
        for item in items:
            text += ("," if text else "") + item
        joined.append('"' + text.replace('"', '""') + '"')
    return ",".join(joined)


def export_nvision_movie_tracking_zone_data_to_csv(
    input_movie_files: PathInputs, output_csv_file: PathInput
) -> None:
    """Write the zones of the arena that a series of behaviour movies was recorded with.

    Parameters
    ----------
    input_movie_files : path or sequence of paths
        `.isxb` movies of one recording, in any order; the zones are those of the earliest.
    output_csv_file : path
        Must not exist. One row per zone: id, whether it was in use, name, description, shape, the coordinates of its
        corners (of an ellipse: its centre) in pixels, and axes and angle of an ellipse.

    Raises
    ------
    ValueError
        There is no input.
    IsxFileError
        A file is missing, damaged or no behaviour movie; the output exists or cannot be written.
    IsxSeriesError
        The movies differ in pixel type or spacing, or overlap in time.
    """
    with opened_series(input_movie_files, output_csv_file, DataKind.NVISION_MOVIE) as series:
        _, first = series[0]
        zones = first.tracking.zones if first.tracking is not None else ()
        with OutputFile(output_csv_file) as output:
            output.write(_zone_table(zones).encode("utf-8", "backslashreplace"))


def _zone_table(zones: tuple[Zone, ...]) -> str:
    corners = max((len(zone.coordinates) for zone in zones), default=0)
    header = ["ID", "Enabled", "Name", "Description", "Type"]
    header += [f"{axis} {i}" for i in range(corners) for axis in "XY"]
    rows = [",".join([*header, "Major Axis", " Minor Axis", " Angle"])]  # the blanks are the vendor's
    rows += [",".join(_zone_row(zone, corners)) for zone in zones]
    return "\n".join(rows) + "\n"


def _zone_row(zone: Zone, corners: int) -> list[str]:
    row = [str(zone.id), str(int(zone.enabled)), quoted(zone.name), quoted(zone.description), zone.shape]
    row += [_short(value) for value in zone.coordinates.ravel()]
    row += [""] * (2 * (corners - len(zone.coordinates)))
    if zone.shape != "ellipse":
        return [*row, "", "", ""]
    return row + [_short(value) for value in (zone.major_axis, zone.minor_axis, zone.angle)]


def _short(value: Any) -> str:
    with np.errstate(over="ignore"):
        return f"{np.float32(value):.6g}"
