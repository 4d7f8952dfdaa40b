"""EthoVision tables with the time stamps of the behaviour movie they come from (docs/formats/exports.md, Hardware time stamps)."""

from __future__ import annotations

import csv
import io
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx._files.output import OutputFile
from openisx._files.paths import as_path, extension, require_absent, require_existing
from openisx._formats.kinds import DataKind
from openisx.errors import IsxError, IsxFormatError
from openisx.export._movie_inputs import open_movies, readable
from openisx.export._options import require_time_ref
from openisx.export.csv._clock import TimestampClock
from openisx.sync import align_start_times, aligned_start, first_counter, open_paired

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from openisx._files.paths import PathInput
    from openisx.movie import Movie

__all__ = ["export_ethovision_data_with_isxb_timestamps"]

_KINDS = "Only .csv or .xlsx file formats are accepted for Ethovision files."
_HEADER_COUNT = "Number of header lines:"
_SEARCHED_ROWS, _MOST_HEADER_LINES = 200, 10_000
_SHORT = (
    "Your Ethovision data file is one element shorter than the number of frames in your movie. The first time stamp "
    "is left out, since EthoVision often misses the first frame of a video."
)


def export_ethovision_data_with_isxb_timestamps(
    input_ethovision_file: PathInput,
    input_isxb_file: PathInput,
    output_csv_file: PathInput,
    input_ref_file: PathInput | None = None,
    time_ref: str = "start",
    *,
    rewrite_start_time: bool = False,
) -> None:
    """Put the time stamps of a behaviour movie in front of the EthoVision table made from it.

    Parameters
    ----------
    input_ethovision_file : path
        Table exported by EthoVision, `.csv` or `.xlsx`, with its header lines.
    input_isxb_file : path
        The `.isxb` movie the table was made from, with one row for each frame or one less.
    output_csv_file : path
        Must not exist. The time stamp is empty for dropped frames.
    input_ref_file : path, optional
        File of the same recording whose start is the zero of the times; needed for ``'start'`` and ``'unix'``.
    time_ref : {'start', 'unix', 'tsc'}
        Seconds since the first counter of the reference, seconds since 1970 by the start of the reference (rounded to
        milliseconds), or microseconds of the counter.
    rewrite_start_time : bool
        With ``'unix'``, also store the aligned start in the movie, as :func:`isx.align_start_times` does.

    Raises
    ------
    ValueError
        An option is unknown, a reference is missing, the table is of another format or has no header count, or its
        length does not fit the movie.
    IsxFileError
        A file is missing, damaged or of another kind; the output exists or cannot be written.
    IsxError
        The files are not of one recording, or have no time stamps.
    IsxImportError
        pandas (or for `.xlsx` openpyxl) is not installed.
    """
    table_path, movie_path = as_path(input_ethovision_file), as_path(input_isxb_file)
    require_absent(as_path(output_csv_file))
    if time_ref in ("start", "unix") and input_ref_file is None:
        raise ValueError("An input reference file is required for time_ref = 'start' or time_ref = 'unix'.")
    require_time_ref(time_ref)
    if extension(table_path) not in ("csv", "xlsx"):
        raise ValueError(_KINDS)
    name, stamps = _stamps(movie_path, input_ref_file, time_ref)
    table = _read_table(table_path)
    if len(table) == len(stamps) - 1:
        warnings.warn(_SHORT, UserWarning, stacklevel=2)
        stamps = stamps[1:]
    elif len(table) != len(stamps):
        raise ValueError(
            f"Length of timestamps array ({len(stamps)}) is not the same as (or within one) of the ethovision table "
            f"({len(table)})"
        )
    table.insert(0, name, stamps, allow_duplicates=True)
    with OutputFile(output_csv_file) as output:
        text: str = table.to_csv(index=False, lineterminator="\n")
        output.write(text.encode("utf-8", "backslashreplace"))
    if rewrite_start_time and time_ref == "unix" and input_ref_file is not None:
        align_start_times(input_ref_file, movie_path)


def _stamps(
    path: str, input_ref_file: PathInput | None, time_ref: str
) -> tuple[str, NDArray[np.float64] | NDArray[np.uint64]]:
    """Name and values of the time column; dropped frames are NaN."""
    with ExitStack() as stack:
        if input_ref_file is None or time_ref == "tsc":
            (movie,) = open_movies([path], stack, DataKind.NVISION_MOVIE, DataKind.MOVIE)
            stamps = _required_stamps(movie, path)
            clock = TimestampClock(time_ref, 0, movie._layout[0].start.secs_since_epoch.ratio)
        else:
            reference, recording = open_paired(as_path(input_ref_file), [path], stack, gpio=False)
            assert recording.movie is not None
            movie = recording.movie
            stamps = _required_stamps(movie, path)
            if time_ref == "start":
                start = reference.timing.start
                first = reference.first_counter()
            else:
                start = aligned_start(reference, recording)
                first = first_counter(movie, path)
            clock = TimestampClock(time_ref, first, start.secs_since_epoch.ratio)
        known = readable(movie)
        values = clock.values(np.where(known, stamps, np.uint64(clock.first % 2**64)))
        if not known.all():
            values = np.where(known, values.astype(np.float64), np.nan)
        return f"isxb Frame Timestamp ({clock.unit})", values


def _required_stamps(movie: Movie, path: str) -> NDArray[np.uint64]:
    stamps = movie.timestamps
    if stamps is None:
        raise IsxError(f"Input movie does not have frame timestamps stored in file. ({path})")
    return stamps


# -- the table -----------------------------------------------------------------------------------


def _read_table(path: str) -> pd.DataFrame:
    """The table below the header lines; cells that are exactly ``-`` are missing."""
    require_existing(path)
    pandas = require("pandas", "tables")
    if extension(path) == "xlsx":
        require("openpyxl", "tables")
    read = _read_xlsx if extension(path) == "xlsx" else _read_csv
    try:
        table: pd.DataFrame = read(path, pandas)
    except (IsxFormatError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the readers raise anything on damaged files
        raise IsxFormatError(f"{path} cannot be read as an EthoVision table: {error}") from None
    for place in range(table.shape[1]):
        values = table.iloc[:, place]
        if not pandas.api.types.is_numeric_dtype(values.dtype):
            cells = values.to_numpy(dtype=object, copy=True)
            cells[cells == "-"] = None
            table.isetitem(place, cells)
    return table


def _read_csv(path: str, pandas: Any) -> pd.DataFrame:
    with open(path, "rb") as file:
        encoding = "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    with open(path, encoding=encoding, newline="") as text:
        reader = csv.reader(text)
        head: list[list[str]] = []
        count = 0
        for row in reader:
            head.append(row)
            if not count and row and row[0] == _HEADER_COUNT:
                count = _header_count(path, row[1] if len(row) > 1 else "")
            if count and len(head) >= count:
                break
        if not count:
            raise _no_header_count(path)
        if len(head) < count:
            raise IsxFormatError(f"{path} announces {count} header lines but has only {len(head)} lines.")
        body = io.StringIO()
        csv.writer(body, lineterminator="\n").writerow(head[count - 2])
        body.write(text.read())
    body.seek(0)
    table: pd.DataFrame = pandas.read_csv(body, index_col=False, low_memory=False)
    return table


def _read_xlsx(path: str, pandas: Any) -> pd.DataFrame:
    with pandas.ExcelFile(path, engine="openpyxl") as book:
        head = pandas.read_excel(book, header=None, nrows=_SEARCHED_ROWS, dtype=object)
        first = head.iloc[:, 0].tolist() if head.size else []
        rows = [i for i, cell in enumerate(first) if cell == _HEADER_COUNT]
        if not rows:
            raise _no_header_count(path)
        count = _header_count(path, head.iloc[rows[0], 1] if head.shape[1] > 1 else "")
        table: pd.DataFrame = pandas.read_excel(book, header=count - 2, skiprows=[count - 1])
    return table


def _header_count(path: str, cell: Any) -> int:
    try:
        count = int(str(cell).strip())
    except ValueError:
        count = 0
    if not 2 <= count <= _MOST_HEADER_LINES:
        raise IsxFormatError(
            f"{path}: the cell right of '{_HEADER_COUNT}' should be the number of header lines, not {cell!r}."
        )
    return count


def _no_header_count(path: str) -> IsxFormatError:
    return IsxFormatError(
        f"{path} has no cell '{_HEADER_COUNT}' in its first column. Export the table from EthoVision with its header, "
        "columns separated by commas."
    )
