"""Vessel sets as tables of traces and lines, and as images (docs/formats/exports.md, Vessel sets).

The vendor's package only declares this export. The tables of velocity sets follow files of the desktop
application; those of diameter sets, and the layout of the heat maps, are this package's own.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFiles, require_free_space
from openisx._files.paths import as_path, as_paths
from openisx._files.tiff_writer import TiffWriter, page_by_rows
from openisx._formats.isxd.vessel_metadata import vessel_notes
from openisx._formats.isxd.vessel_set import VesselSetType
from openisx._formats.registry import open_vessel_set
from openisx._series import Part, time_order
from openisx.core._records import IsxRatio
from openisx.errors import IsxError, IsxFileError, IsxFormatError, IsxSeriesError
from openisx.export._options import no_progress
from openisx.export._roi_tables import Steps, absent, file_names, rgb
from openisx.export.csv import _text as csv_text
from openisx.export.csv._clock import Clock, require_wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from openisx._files.output import OutputFile
    from openisx._files.paths import PathInput, PathInputs
    from openisx._formats.isxd.vessel_metadata import VesselNotes
    from openisx._formats.isxd.vessel_set import VesselSetIsxd
    from openisx.export._options import Progress

__all__ = ["export_vessel_set_to_csv_tiff"]

_CHUNK = 1 << 16  # rows formatted at a time
_BLOCK_BYTES = 8 << 20
_CLASSIC_TIFF = 2**32 - 2**22  # bytes a classic TIFF holds, less room for directories
_ERROR_COLUMNS = (
    "Clipping Error",
    "Direction Change Error",
    "No Significant Pixels Error",
    "Invalid Frame Error",
)
#: Text of the four error columns for each number 0 to 15; bit k is column k.
_ERROR_TEXTS = np.array(
    [",".join(str(bool(code >> k & 1)) for k in range(4)) for code in range(16)], dtype=object
)


def export_vessel_set_to_csv_tiff(
    input_vessel_set_files: PathInputs,
    output_trace_csv_file: PathInput = "",
    output_line_csv_file: PathInput = "",
    output_map_tiff_file: PathInput = "",
    output_heatmaps_tiff_dir: PathInput = "",
    time_ref: str = "start",
    *,
    progress: Progress = no_progress,
) -> None:
    """Write traces and lines of vessels as text, and image and correlation heat maps as TIFF.

    Each output is left out if its path is empty. All files of one call appear together, or none does. Several
    files are put in the order of their starts and must be parts of one recording.

    Parameters
    ----------
    input_vessel_set_files : path or sequence of paths
        One vessel set, or several of one recording with the same vessels.
    output_trace_csv_file : path
        New file with one row per vessel and sample: time (the middle of the time window, where the file names
        its length), diameter or velocity, and for velocities the direction and four kinds of errors.
    output_line_csv_file : path
        New file with one row per vessel: status, colour, points of the line, largest value.
    output_map_tiff_file : path
        New file for the image on which the lines were drawn, float32.
    output_heatmaps_tiff_dir : path
        Existing folder for one file ``NAME.tiff`` per vessel, float32, one page per sample with the heat maps
        of the offsets -1, 0 and +1 below each other: ``tifffile.imread(f).reshape(samples, 3, height, width)``.
    time_ref : {'start', 'unix'}
        Seconds since the start of the earliest file, or since 1970-01-01 UTC.
    progress : callable, keyword only
        Called with (done, total), in rows of the traces and pages of heat maps; an exception it raises stops
        the export.

    Raises
    ------
    ValueError
        `time_ref` is unknown, there are no input files, or no output is asked for.
    IsxFileExistsError, IsxFileError
        An output exists or cannot be written; an input is missing, damaged, or no vessel set.
    IsxSeriesError
        The files do not fit together.
    IsxError
        The set has no heat maps, or no vessels and so no image.
    """
    require_wall_clock(time_ref)
    wanted = [as_path(p) for p in (output_trace_csv_file, output_line_csv_file, output_map_tiff_file)]
    folder = as_path(output_heatmaps_tiff_dir)
    if not any((*wanted, folder)):
        raise ValueError("Must provide at least one output file path.")
    paths = as_paths(input_vessel_set_files)
    absent(*wanted)
    with ExitStack() as stack:
        sets = _in_order([stack.enter_context(closing(open_vessel_set(path))) for path in paths])
        steps = Steps(progress, _num_steps(sets, bool(wanted[0]), bool(folder)))
        outputs = stack.enter_context(OutputFiles())
        if wanted[0]:
            _write_traces(outputs.create(wanted[0]), sets, Clock.relative_to(time_ref, sets[0].timing), steps)
        if wanted[1]:
            outputs.create(wanted[1]).write(csv_text.encoded("".join(_line_rows(sets))))
        if wanted[2]:
            outputs.create(wanted[2]).write(page_by_rows(_image(sets[0])))
        if folder:
            _write_heatmaps(outputs, sets, folder, steps)


def _in_order(sets: Sequence[VesselSetIsxd]) -> list[VesselSetIsxd]:
    parts = [
        Part(
            "vessel set",
            vessels.given_path,
            vessels.timing,
            vessels.spacing,
            count=len(vessels.rois),
            content=(vessels.body.set_type, vessels.body.has_second),
        )
        for vessels in sets
    ]
    return [sets[i] for i in time_order(parts)]


def _num_steps(sets: Sequence[VesselSetIsxd], traces: bool, heatmaps: bool) -> int:
    samples = sum(vessels.timing.num_samples for vessels in sets)
    return samples * len(sets[0].rois) * (traces + heatmaps)


def _is_velocity(vessels: VesselSetIsxd) -> bool:
    return vessels.body.set_type is VesselSetType.RBC_VELOCITY


def _quantity(vessels: VesselSetIsxd, notes: VesselNotes) -> tuple[str, str]:
    """What the traces hold, and in which unit; files that name no unit are in micrometres."""
    unit = "pixels" if notes.in_pixels else "um"
    return ("Velocity", f"{unit}/s") if _is_velocity(vessels) else ("Diameter", unit)


# -- traces --------------------------------------------------------------------------------------------


def _write_traces(output: OutputFile, sets: Sequence[VesselSetIsxd], clock: Clock, steps: Steps) -> None:
    notes = [vessel_notes(vessels) for vessels in sets]
    name, unit = _quantity(sets[0], notes[0])
    header = ["Vessel ID", "Vessel Status", "Index", "Time (s)", f"{name} ({unit})"]
    header += ["Direction (deg)", *_ERROR_COLUMNS] if _is_velocity(sets[0]) else []
    output.write(csv_text.encoded(",".join(header) + "\n"))
    statuses = sets[0].statuses()
    require_free_space(output.path, 10 * len(statuses) * sum(v.timing.num_samples for v in sets))
    for vessel, (label, status) in enumerate(zip(sets[0].rois.names, statuses, strict=True)):
        index = 0
        for vessels, note in zip(sets, notes, strict=True):
            centred = _to_window_centres(clock, note.time_window)
            for text, rows in _trace_rows(
                vessels, note, vessel, f"{csv_text.quoted(label)},{status}", index, centred
            ):
                output.write(csv_text.encoded(text))
                steps.advance(rows)
            index += vessels.timing.num_samples


def _trace_rows(
    vessels: VesselSetIsxd, notes: VesselNotes, vessel: int, beginning: str, index: int, clock: Clock
) -> Iterator[tuple[str, int]]:
    """Rows of one vessel in one file, whose first sample is number `index` of the series, in chunks."""
    specs = ["%s", "%d", "%.16g", "%.3f"]
    columns: list[Any] = [vessels.read("trace", vessel)]
    if _is_velocity(vessels):
        specs += ["%.3f", "%s"]
        missing = np.full(len(columns[0]), np.nan, dtype=np.float32)
        columns.append(vessels.read("second", vessel) if vessels.body.has_second else missing)
        columns.append(_ERROR_TEXTS[_error_codes(vessels, notes, vessel, columns[0])])
    for first in range(0, vessels.timing.num_samples, _CHUNK):
        stop = min(first + _CHUNK, vessels.timing.num_samples)
        times = clock.sample_seconds(vessels.timing, first, stop)
        front: list[Any] = [[beginning] * (stop - first), range(index + first, index + stop), times]
        yield csv_text.rows(specs, [*front, *(column[first:stop] for column in columns)], ","), stop - first


def _to_window_centres(clock: Clock, window: float) -> Clock:
    """A clock that shows the middle of a time window that begins at the time of a sample."""
    half = Fraction(window).limit_denominator(1_000_000) / 2
    return Clock(clock.zero - IsxRatio(half.numerator, half.denominator))


def _error_codes(
    vessels: VesselSetIsxd, notes: VesselNotes, vessel: int, values: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Errors of each sample as a number, bit k for column k.

    They are as stored. Where the file does not say which samples are invalid, those without a value are that
    have none of the stored errors.
    """
    codes = np.zeros(len(values), dtype=np.uint8)
    name = vessels.rois.names[vessel]
    for bit, stored in enumerate(notes.errors):
        if stored is not None and name in stored:
            codes[stored[name]] |= np.uint8(1 << bit)
    invalid = np.uint8(1 << len(notes.errors))
    if notes.invalid is not None:
        codes[notes.invalid] |= invalid
    else:
        codes[(codes == 0) & np.isnan(values)] = invalid
    return codes


# -- lines ---------------------------------------------------------------------------------------------


def _line_rows(sets: Sequence[VesselSetIsxd]) -> Iterator[str]:
    first = sets[0]
    name, unit = _quantity(first, vessel_notes(first))
    points = [f"Point{axis}{i}" for i in range(first.body.num_points) for axis in "XY"]
    header = ["Name", "Status", "ColorR", "ColorG", "ColorB", *points, f"Max {name}({unit})"]
    yield ",".join(header) + "\n"
    for i, (label, status) in enumerate(zip(first.rois.names, first.statuses(), strict=True)):
        largest = csv_text.formatted("%.6g", np.array([_largest(sets, i)], dtype=np.float32))[0]
        coordinates = first.read("line", i).ravel().tolist()
        cells = [csv_text.quoted(label), status, *rgb(first.rois.colors[i]), *coordinates, largest]
        yield ",".join(map(str, cells)) + "\n"


def _largest(sets: Sequence[VesselSetIsxd], vessel: int) -> float:
    """Largest value of a vessel in all files; NaN if there is none."""
    largest = [np.fmax.reduce(vessels.read("trace", vessel), initial=np.nan) for vessels in sets]
    return float(np.fmax.reduce(largest))


# -- images --------------------------------------------------------------------------------------------


def _image(vessels: VesselSetIsxd) -> NDArray[np.float32]:
    if not len(vessels.rois):
        raise IsxError(f"{vessels.given_path} holds no vessels and therefore no image.")
    if 0 in vessels.spacing.num_pixels:
        raise IsxFormatError(f"{vessels.given_path}: an image without pixels cannot be written as TIFF.")
    return vessels.read("image", 0)


def _write_heatmaps(outputs: OutputFiles, sets: Sequence[VesselSetIsxd], folder: str, steps: Steps) -> None:
    first = sets[0]
    for vessels in sets:
        vessels.body.require_heatmaps()
        _require_equal_heatmaps(first, vessels)
    if not os.path.isdir(folder):
        raise IsxFileError(f"The folder for heat maps does not exist: {folder}")
    samples = sum(vessels.timing.num_samples for vessels in sets)
    sizes = [12 * width * height * samples for width, height in first.body.heatmap_sizes]
    if 0 in sizes:
        raise IsxFormatError(f"{first.given_path}: heat maps without pixels cannot be written as TIFF.")
    require_free_space(os.path.join(folder, "heatmaps"), sum(sizes))
    names = [os.path.join(folder, f"{name}.tiff") for name in file_names(first.rois.names)]
    for vessel, (path, size) in enumerate(zip(names, sizes, strict=True)):
        writer = TiffWriter(outputs.create(path), big=size > _CLASSIC_TIFF)
        for vessels in sets:
            count, offsets, height, width = vessels.view("heatmaps", vessel).shape
            pages = vessels.view("heatmaps", vessel).reshape(count, offsets * height, width)
            step = max(1, _BLOCK_BYTES // pages[0].nbytes) if count else 1
            for at in range(0, count, step):
                writer.write(pages[at : at + step])
                steps.advance(len(pages[at : at + step]))
        writer.finish()
        writer.output.seal()


def _require_equal_heatmaps(first: VesselSetIsxd, other: VesselSetIsxd) -> None:
    sizes = zip(first.rois.names, first.body.heatmap_sizes, other.body.heatmap_sizes, strict=True)
    for name, (width, height), (other_width, other_height) in sizes:
        if (width, height) != (other_width, other_height):
            raise IsxSeriesError(
                f"The heat maps of vessel {name!r} differ in size and cannot share a file: they have {height} x {width} "
                f"pixels (rows x columns) in {first.given_path}, {other_height} x {other_width} in {other.given_path}. "
                "Leave out output_heatmaps_tiff_dir, or export the files one by one."
            )
