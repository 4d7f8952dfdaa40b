"""Cell sets as tables of traces and properties, and as images (docs/formats/exports.md, Cell sets).

The vendor's package only declares this export; what is written follows the desktop application.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import numpy as np

from openisx._files.output import OutputFiles, require_free_space
from openisx._files.paths import as_path, as_paths
from openisx._files.tiff_writer import page_by_rows
from openisx._formats.isxd.cell_set import cell_metrics
from openisx._formats.registry import open_cell_set
from openisx._series import Part, time_order
from openisx.errors import IsxFormatError, IsxSeriesError
from openisx.export._options import no_progress
from openisx.export._roi_tables import Steps, absent, file_names, named_beside, rgb
from openisx.export.csv import _text as csv_text
from openisx.export.csv._clock import Clock, require_wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from openisx._files.output import OutputFile
    from openisx._files.paths import PathInput, PathInputs
    from openisx._formats.isxd.cell_set import CellSetIsxd
    from openisx.export._options import Progress
    from openisx.structures import CellMetrics

__all__ = ["export_cell_set_to_csv_tiff"]

_CHUNK = 1 << 18  # values formatted at a time
_MAP_NAME = "accepted-cells-map"
_METRIC_COLUMNS = ("CentroidX", "CentroidY", "NumComponents", "Size")


def export_cell_set_to_csv_tiff(
    input_cell_set_files: PathInputs,
    output_csv_file: PathInput,
    output_tiff_file: PathInput,
    time_ref: str = "start",
    output_props_file: PathInput = "",
    *,
    progress: Progress = no_progress,
) -> None:
    """Write traces and properties of cells as text, and their footprints as TIFF images.

    Each output is left out if its path is empty. All files of one call appear together, or none does.

    Parameters
    ----------
    input_cell_set_files : path or sequence of paths
        One cell set, or several of one recording with the same cells.
    output_csv_file : path
        New file for the traces: names, statuses, then one row per sample, missing ones included, file after
        file in the order given. Names and statuses are those of the first file given.
    output_tiff_file : path
        ``FOLDER/BASE.EXT``, a pattern: the footprint of each cell of the first file goes to
        ``FOLDER/BASE_NAME.EXT``, the map of all cells that are not rejected to
        ``FOLDER/BASE_accepted-cells-map.EXT`` (see :func:`accepted_cells_map`); float32.
    time_ref : {'start', 'unix'}
        Seconds since the start of the first file given, or since 1970-01-01 UTC.
    output_props_file : path
        New file for one row per cell: status, colour, stored metrics of the footprint, and in which of the
        files (by time) it is active. The files must then fit together in time.
    progress : callable, keyword only
        Called with (done, total), in rows of the traces and images; an exception it raises stops the export.

    Raises
    ------
    ValueError
        `time_ref` is unknown, or there are no input files.
    IsxFileExistsError, IsxFileError
        An output exists or cannot be written; an input is missing, damaged, or no cell set.
    IsxSeriesError
        The numbers of cells differ; with `output_props_file`, also sizes of images, or files overlap.
    """
    require_wall_clock(time_ref)
    paths = as_paths(input_cell_set_files)
    absent(output_csv_file, output_props_file)
    with ExitStack() as stack:
        sets = [stack.enter_context(closing(open_cell_set(path))) for path in paths]
        _require_equal_counts(sets)
        clock = Clock.relative_to(time_ref, sets[0].timing)
        properties = "".join(_property_rows(sets)) if as_path(output_props_file) else ""
        images = _image_paths(sets[0], output_tiff_file) if as_path(output_tiff_file) else []
        rows = sum(cells.timing.num_samples for cells in sets) if as_path(output_csv_file) else 0
        steps = Steps(progress, rows + len(images))
        outputs = stack.enter_context(OutputFiles())
        if as_path(output_csv_file):
            _write_traces(outputs.create(output_csv_file), sets, clock, steps)
        if as_path(output_props_file):
            outputs.create(output_props_file).write(csv_text.encoded(properties))
        if images:
            _write_images(outputs, images, sets[0], steps)


def _require_equal_counts(sets: Sequence[CellSetIsxd]) -> None:
    for cells in sets[1:]:
        if len(cells.rois) != len(sets[0].rois):
            raise IsxSeriesError(
                "Number of cells has to be the same for all input files.\n"
                f"{cells.given_path} has {len(cells.rois)} cells, {sets[0].given_path} has {len(sets[0].rois)}."
            )


# -- traces --------------------------------------------------------------------------------------------


def _write_traces(output: OutputFile, sets: Sequence[CellSetIsxd], clock: Clock, steps: Steps) -> None:
    first = sets[0]
    names = [csv_text.quoted(name) for name in first.rois.names]
    total = sum(cells.timing.num_samples for cells in sets)
    require_free_space(output.path, total * (2 + 3 * len(names)))
    output.write(csv_text.encoded(", ".join([" ", *names]) + "\n"))
    output.write(csv_text.encoded(", ".join(["Time(s)/Cell Status", *first.statuses()]) + "\n"))
    per_chunk = max(1, _CHUNK // (len(names) + 1))
    for cells in sets:
        traces = cells.all("trace")
        for start in range(0, cells.timing.num_samples, per_chunk):
            stop = min(start + per_chunk, cells.timing.num_samples)
            times = csv_text.formatted("%.16g", clock.sample_seconds(cells.timing, start, stop))
            output.write(csv_text.encoded(csv_text.matrix_rows(times, "%.7g", traces[:, start:stop].T)))
            steps.advance(stop - start)


# -- images --------------------------------------------------------------------------------------------


def _image_paths(cells: CellSetIsxd, output: PathInput) -> list[str]:
    """Paths of the image of each cell, and of the map."""
    if 0 in cells.spacing.num_pixels:
        raise IsxFormatError(f"{cells.given_path}: images without pixels cannot be written as TIFF.")
    reserved_last = file_names([_MAP_NAME, *cells.rois.names])
    return named_beside(output, [*reserved_last[1:], reserved_last[0]])


def _write_images(outputs: OutputFiles, paths: Sequence[str], cells: CellSetIsxd, steps: Steps) -> None:
    require_free_space(paths[0], len(paths) * cells.body.image_bytes)
    for path, image in zip(paths, cells.all("image"), strict=False):
        _write_image(outputs, path, image)
        steps.advance(1)
    _write_image(outputs, paths[-1], accepted_cells_map(cells.all("image"), cells.statuses()))
    steps.advance(1)


def _write_image(outputs: OutputFiles, path: str, image: NDArray[np.float32]) -> None:
    output = outputs.create(path)
    output.write(page_by_rows(image))
    output.seal()


def accepted_cells_map(footprints: NDArray[np.float32], statuses: Sequence[str]) -> NDArray[np.float32]:
    """Sum of the footprints of all cells that are not rejected, each scaled to a sum of 1 (docs/formats/exports.md, Cell sets).

    Parameters
    ----------
    footprints
        float32, shape (cells, rows, columns). Negative pixels count as 0.
    statuses
        Status of each cell; undecided cells are part of the map in spite of its name.

    Returns
    -------
    ndarray
        float32, shape (rows, columns). A footprint whose pixels are all 0 makes it NaN, as in the vendor's.
    """
    total = np.zeros(footprints.shape[1:], dtype=np.float32)
    for footprint, status in zip(footprints, statuses, strict=True):
        if status != "rejected":
            positive = np.where(footprint < 0, np.float32(0), footprint)
            with np.errstate(invalid="ignore", divide="ignore"):
                total += positive / np.float32(positive.sum(dtype=np.float64))
    return total


# -- properties ----------------------------------------------------------------------------------------


def _property_rows(sets: Sequence[CellSetIsxd]) -> Iterator[str]:
    parts = [Part("cell set", s.given_path, s.timing, s.spacing, count=len(s.rois)) for s in sets]
    ordered = [sets[i] for i in time_order(parts)]
    first = ordered[0]
    metrics = cell_metrics(first.metadata, len(first.rois), first.given_path)
    header = ["Name", "Status", "ColorR", "ColorG", "ColorB"]
    header += _METRIC_COLUMNS if metrics else ()
    header += [f"ActiveSegment{i}" for i in range(len(ordered))]
    yield ",".join(header) + "\n"
    for i, (name, status) in enumerate(zip(first.rois.names, first.statuses(), strict=True)):
        cells: list[object] = [csv_text.quoted(name), status, *rgb(first.rois.colors[i])]
        cells += _metric_cells(metrics[i]) if metrics else []
        cells += [int(s.rois.active[i]) for s in ordered]
        yield ",".join(map(str, cells)) + "\n"


def _metric_cells(metrics: CellMetrics | None) -> list[object]:
    """Centre of the largest component, number of components, largest width; empty where nothing is stored."""
    if metrics is None:
        return [""] * len(_METRIC_COLUMNS)
    with np.errstate(over="ignore"):  # of damaged numbers, which are infinite then
        width = np.array([metrics.largest_component_max_contour_width]).astype(np.float32)
    return [*metrics.largest_component_center, metrics.num_components, csv_text.formatted("%.6g", width)[0]]
