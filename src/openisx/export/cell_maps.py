"""Pictures of the cells of a cell set (docs/formats/exports.md, Images and cell maps)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.paths import as_path, require_absent
from openisx.cell_set import CellSet
from openisx.errors import IsxFileExistsError
from openisx.export._options import no_progress
from openisx.export.images import (
    convert_type_numpy_array,
    export_image_to_isxd_tiff,
    read_picture,
    require_input,
    write_pair,
    write_picture,
)
from openisx.image import Image

if TYPE_CHECKING:
    from collections.abc import Container

    from numpy.typing import NDArray

    from openisx._files.paths import PathInput
    from openisx.export._options import Progress

__all__ = ["create_cell_map", "overlay_cell_map_on_image", "overlay_cellmaps"]

_MIN_VARIANCE = 1e-4  # of a normalised footprint; one with less shows nothing
_TRACE_BLOCK = 1 << 14


def create_cell_map(
    isxd_cellset_file: PathInput,
    selected_cell_statuses: Container[str] = ["accepted"],
    cell_thresh: float | None = 0.3,
    binary: bool = False,
    rgb: str | None = None,
    output_isxd_cell_map_file: PathInput | None = None,
    output_tiff_cell_map_file: PathInput | None = None,
    *,
    progress: Progress = no_progress,
) -> None:
    """Write one image that shows the footprints of all cells: the maximum over the cells, each scaled to 0 to 1.

    Parameters
    ----------
    isxd_cellset_file : path
        Cell set.
    selected_cell_statuses : sequence of str
        Cells of other statuses are left out, as are cells whose trace is NaN throughout.
    cell_thresh : float or None
        Pixels below this part of a footprint's maximum do not count.
    binary : bool
        All pixels that count are 1.
    rgb : {'red', 'green', 'blue'}, optional
        Colour of the TIFF, which is 16 bit grey otherwise.
    output_isxd_cell_map_file, output_tiff_cell_map_file : path, optional
        Must not exist; pixels are uint16 over the whole range.
    progress : callable, optional
        Called with the number of cells done and their total.

    Raises
    ------
    IsxFileError
        The cell set is missing or damaged, an output exists or cannot be written.
    ValueError
        There are no cells to draw; `binary` without `cell_thresh`; an unknown colour.
    """
    require_input(isxd_cellset_file, "ISXD cellset")
    for path in (output_isxd_cell_map_file, output_tiff_cell_map_file):
        if path is not None:
            _require_new(path)
    with CellSet.read(isxd_cellset_file) as cells:
        image = cell_map(cells, selected_cell_statuses, cell_thresh, binary, progress=progress)
    write_pair(image, image, output_isxd_cell_map_file, output_tiff_cell_map_file, rgb)


def cell_map(
    cells: CellSet,
    selected_cell_statuses: Container[str] = ("accepted",),
    cell_thresh: float | None = 0.3,
    binary: bool = False,
    *,
    progress: Progress = no_progress,
) -> NDArray[np.uint16]:
    """The image that :func:`create_cell_map` writes.

    Returns
    -------
    ndarray of uint16, shape (rows, columns)
        Stretched over 0 to 65535.

    Raises
    ------
    ValueError
        There are no cells to draw, or `binary` comes without `cell_thresh`.
    """
    if binary and cell_thresh is None:
        raise ValueError("binary=True needs a cell_thresh: it tells which pixels belong to a cell")
    assert cells.timing is not None
    assert cells.spacing is not None
    valid = cells.timing.get_valid_samples_mask()
    chosen = [
        i
        for i, status in enumerate(cells.statuses)
        if status in selected_cell_statuses and _has_values(cells.traces[i], valid)
    ]
    if not chosen:
        raise ValueError(
            "There are no cells to create a cell map with! Only selected cells will be used for the cell map."
        )
    drawn = 0
    whole = np.zeros(cells.spacing.num_pixels, np.float32)
    for done, i in enumerate(chosen):
        progress(done, len(chosen))
        footprint = _normalised(cells.get_cell_image_data(i))
        if footprint is not None:
            _draw(footprint, whole, cell_thresh, binary)
            drawn += 1
    progress(len(chosen), len(chosen))
    if not drawn:
        raise ValueError(
            f"None of the footprints of the {len(chosen)} selected cells shows anything to draw."
        )
    return convert_type_numpy_array(whole)


def _has_values(trace: NDArray[np.float32], valid: NDArray[np.bool_]) -> bool:
    """Whether any valid sample is not NaN; reads no further than to the first."""
    return any(
        bool((valid[first : first + _TRACE_BLOCK] & ~np.isnan(trace[first : first + _TRACE_BLOCK])).any())
        for first in range(0, len(trace), _TRACE_BLOCK)
    )


def _normalised(footprint: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Scale a footprint, in place, to 0 to 1; None if it is too uniform. Pixels that are not finite become 0."""
    if not footprint.size:
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = footprint.min(), footprint.max()
        if not np.isfinite(high - low):
            finite = np.isfinite(footprint)
            if not finite.any():
                return None
            low, high = footprint[finite].min(), footprint[finite].max()
            footprint[~finite] = low
        if not 0 < high - low < np.inf:
            return None
    footprint -= low
    footprint /= high - low
    return footprint if _varies(footprint) else None


def _varies(footprint: NDArray[np.float32]) -> bool:
    """Whether the variance over all pixels reaches the minimum.

    The short formula is several times faster; only near the limit does rounding need the long one.
    """
    flat = footprint.ravel()
    mean = float(flat.mean())
    rough = float(np.dot(flat, flat)) / flat.size - mean * mean
    if abs(rough - _MIN_VARIANCE) > 0.1 * _MIN_VARIANCE + 1e-5 * mean * mean:
        return rough > _MIN_VARIANCE
    return not np.var(flat) < _MIN_VARIANCE


def _draw(
    footprint: NDArray[np.float32], whole: NDArray[np.float32], cell_thresh: float | None, binary: bool
) -> None:
    """Raise `whole` to the maximum of itself and the pixels of `footprint` that reach the threshold."""
    if cell_thresh is None:
        np.maximum(whole, footprint, out=whole)
        return
    inside = np.flatnonzero(footprint >= np.float32(cell_thresh))
    values = np.float32(1) if binary else footprint.ravel()[inside]
    flat = whole.reshape(-1)
    flat[inside] = np.maximum(flat[inside], values)


def overlay_cellmaps(
    first_tiff_cellmap_file: PathInput,
    second_tiff_cellmap_file: PathInput,
    overlayed_tiff_cellmap_file: PathInput,
    background_color: str = "#000000",
    first_color: str = "#00ff00",
    second_color: str = "#ff00ff",
    cell_thresh: float = 0.5,
) -> None:
    """Draw two cell maps over each other in two colours.

    Parameters
    ----------
    first_tiff_cellmap_file, second_tiff_cellmap_file : path
        Pictures of the same size. Coloured ones count by their brightest channel; one without any contrast
        counts as empty.
    overlayed_tiff_cellmap_file : path
        Picture of 8 bits per channel. An existing file is replaced.
    background_color, first_color, second_color : str
        Colours as in HTML: ``#rgb``, ``#rrggbb``, names, ``rgb(...)``. Pixels in both maps get, channel by
        channel, the larger value of the two.
    cell_thresh : float
        Part of the full range from which on a pixel belongs to a cell.

    Raises
    ------
    IsxFileError
        An input is missing or not a picture, the output cannot be written.
    ValueError
        The sizes differ, or a colour is unknown.
    """
    from PIL import ImageColor

    inputs = (first_tiff_cellmap_file, second_tiff_cellmap_file)
    for path in inputs:
        require_input(path, "Input file")
    colours = [ImageColor.getcolor(text, "RGB") for text in (background_color, first_color, second_color)]
    background, first_rgb, second_rgb = np.array(colours, np.uint8)
    first, second = (_cells_in(read_picture(path), cell_thresh) for path in inputs)
    if first.shape != second.shape:
        raise ValueError(
            f"The two images do not have the same size: {first.shape[::-1]} vs {second.shape[::-1]}"
        )
    by_membership = np.stack([background, first_rgb, second_rgb, np.maximum(first_rgb, second_rgb)])
    write_picture(by_membership[first + 2 * second.astype(np.uint8)], overlayed_tiff_cellmap_file)


def _cells_in(picture: NDArray[Any], cell_thresh: float) -> NDArray[np.bool_]:
    """Which pixels of a cell map belong to cells."""
    if picture.ndim == 3:
        channels = picture.shape[2]
        picture = picture[..., : channels - (channels in (2, 4))]  # without transparency
    if picture.dtype.kind == "b":
        picture = picture.astype(np.uint8)
    finite = picture[np.isfinite(picture)]
    if not finite.size or finite.min() == finite.max():
        return np.zeros(picture.shape[:2], np.bool_)
    bright = convert_type_numpy_array(picture, np.uint8)
    if bright.ndim == 3:
        bright = bright.max(axis=2)
    inside: NDArray[np.bool_] = bright >= 255 * cell_thresh
    return inside


def overlay_cell_map_on_image(
    input_isxd_cell_map_file: PathInput,
    input_isxd_image_file: PathInput,
    output_tiff_image_file: PathInput,
    *,
    same_range: bool = False,
) -> None:
    """Draw a cell map over an image: the maximum of the two in each pixel, as a 16 bit grey TIFF.

    Parameters
    ----------
    input_isxd_cell_map_file, input_isxd_image_file : path
        Images of the same size.
    output_tiff_image_file : path
        Must not exist. Values are stretched over 0 to 65535.
    same_range : bool
        Stretch both images over the whole range first. Without that an image of a camera, with values up to
        4095, is hardly seen beside a map with values up to 65535.

    Raises
    ------
    IsxFileError
        An input is missing or not an image, the output exists or cannot be written.
    ValueError
        The sizes differ.
    """
    require_input(input_isxd_cell_map_file, "ISXD cell map")
    require_input(input_isxd_image_file, "ISXD image")
    _require_new(output_tiff_image_file)
    image, drawn = (Image.read(path).get_data() for path in (input_isxd_image_file, input_isxd_cell_map_file))
    assert image is not None
    assert drawn is not None
    if image.shape != drawn.shape:
        raise ValueError(
            f"operands could not be broadcast together with shapes ({image.shape[0]},{image.shape[1]}) "
            f"({drawn.shape[0]},{drawn.shape[1]}): the image {input_isxd_image_file} has {image.shape[0]} x "
            f"{image.shape[1]} pixels, the cell map {input_isxd_cell_map_file} {drawn.shape[0]} x {drawn.shape[1]}; "
            "they should be equal."
        )
    if same_range:
        image, drawn = convert_type_numpy_array(image), convert_type_numpy_array(drawn)
    export_image_to_isxd_tiff(np.maximum(image, drawn), None, output_tiff_image_file)


def _require_new(path: PathInput) -> None:
    try:
        require_absent(as_path(path))
    except IsxFileExistsError:
        raise IsxFileExistsError(f"Output file already exists: {as_path(path)}") from None
