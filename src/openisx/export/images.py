"""Single images to and from picture files (docs/formats/exports.md, Images and cell maps)."""

from __future__ import annotations

import io
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFile
from openisx._files.paths import as_path, extension, reading_error
from openisx.core.spacing import Spacing
from openisx.errors import IsxFileError, IsxFileNotFoundError, IsxFormatError
from openisx.image import Image

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from openisx._files.paths import PathInput

__all__ = [
    "convert_type_numpy_array",
    "export_image_to_isxd_tiff",
    "export_image_to_tiff",
    "export_isxd_image_to_tiff",
    "export_tiff_to_isxd_image",
]

_CHANNELS = ("red", "green", "blue")


def convert_type_numpy_array(
    array: ArrayLike, dtype: DTypeLike = np.uint16, keep_0_to_1: bool = False
) -> NDArray[Any]:
    """Stretch the values of an array over the whole range of a type.

    The smallest finite value becomes 0, the largest the maximum of `dtype`; results are cut, not rounded, to
    integers.

    Parameters
    ----------
    array : array-like
        Numbers of any shape and type, at least one.
    dtype : dtype-like
        Type of the result, uint16 by default.
    keep_0_to_1 : bool
        For floating `dtype`: leave the values between 0 and 1.

    Returns
    -------
    ndarray
        Same shape as `array`. Infinite values become the ends of the range; NaN becomes 0 in integer types. A
        constant array of integers becomes 0, one of floats is taken as already lying between 0 and 1.

    Raises
    ------
    TypeError
        `array` does not hold numbers.
    ValueError
        `array` is empty, or `dtype` is not a numeric type.
    """
    values, target = np.asarray(array), np.dtype(dtype)
    if values.dtype.kind not in "iufc":
        raise TypeError(f"an array of {values.dtype} cannot be stretched; it should hold numbers")
    if not values.size:
        raise ValueError("an empty array cannot be stretched")
    if target.kind not in "iufc":
        raise ValueError(f"data type {target} is not numeric")
    with np.errstate(all="ignore"):
        scaled = _from_0_to_1(values)
        # Scalars get the type of the arithmetic, which NumPy 1 would choose otherwise than NumPy 2.
        if target.kind in "iu":
            scaled = scaled * scaled.dtype.type(np.iinfo(target).max)
        elif not keep_0_to_1:
            wide = np.result_type(scaled, target)
            scaled = scaled.astype(wide, copy=False) * wide.type(np.finfo(target).max)
        if scaled.dtype.kind == "c" and target.kind != "c":
            scaled = scaled.real
        return _cut(scaled, target)


def _from_0_to_1(values: NDArray[Any]) -> NDArray[Any]:
    """(values - lowest) / (highest - lowest), in the arithmetic of the values (integers: in double)."""
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if low == high:
            return np.zeros(values.shape)
        unsigned = values.astype(f"u{values.dtype.itemsize}")  # the difference always fits, modulo 2^bits
        offset = unsigned.dtype.type(low % 2 ** (8 * values.dtype.itemsize))
        divided: NDArray[Any] = np.true_divide(unsigned - offset, float(high - low), dtype=np.float64)
        return divided
    if values.dtype == np.float16:
        values = values.astype(np.float32)  # 65535 is more than a float16 can hold
    finite = np.isfinite(values)
    everything = bool(finite.all())
    used = values if everything else values[finite]
    if not used.size or (low := used.min()) == (high := used.max()):
        clipped: NDArray[Any] = np.clip(values.real, 0, 1)
        return clipped
    if not np.isfinite(high - low):
        return _from_0_to_1(values / 4)
    scaled: NDArray[Any] = (values - low) / (high - low)
    return scaled if everything or scaled.dtype.kind == "c" else np.clip(scaled, 0, 1)


def _cut(scaled: NDArray[Any], target: np.dtype[Any]) -> NDArray[Any]:
    """`scaled` as `target`, without wrapping around; NaN is 0 in integers."""
    if target.kind not in "iu" or scaled.dtype.kind != "f":
        return scaled.astype(target)
    result: NDArray[Any] = np.nan_to_num(scaled, nan=0.0).astype(target)
    if target.itemsize >= 4:  # the maximum of wide types is not a float: it was rounded up
        result[scaled >= float(np.iinfo(target).max)] = np.iinfo(target).max
    return result


def export_image_to_tiff(image: ArrayLike, tiff_file: PathInput, write_rgb: bool = False) -> None:
    """Write an array as a picture, stretched over the whole range of its pixels.

    Parameters
    ----------
    image : array-like
        Shape (rows, columns), or with `write_rgb` also (rows, columns, 3). See
        :func:`convert_type_numpy_array` for what becomes of its values.
    tiff_file : path
        The extension decides the format: `.tif`, `.png` and others. An existing file is replaced.
    write_rgb : bool
        Write 8 bits per channel instead of 16 bit grey.

    Raises
    ------
    TypeError, ValueError
        The array has a shape or type that no picture has, or the extension is unknown.
    IsxFileError
        The file cannot be written.
    """
    write_picture(convert_type_numpy_array(image, np.uint8 if write_rgb else np.uint16), tiff_file)


def export_isxd_image_to_tiff(
    input_isxd_image: PathInput, output_tiff_file: PathInput, *, keep_values: bool = False
) -> None:
    """Write the image in an `.isxd` file as a 16 bit grey TIFF.

    Parameters
    ----------
    input_isxd_image : path
        Any file that :meth:`isx.Image.read` takes.
    output_tiff_file : path
        An existing file is replaced.
    keep_values : bool
        Write pixels and their type unchanged, instead of stretching them over 0 to 65535.

    Raises
    ------
    IsxFileError
        The input is missing, damaged or not an image; the output cannot be written.
    """
    require_input(input_isxd_image, "ISXD image")
    data = _pixels(input_isxd_image)
    if not data.size:
        raise IsxFormatError(f"{as_path(input_isxd_image)} has no pixels; there is nothing to write.")
    write_picture(data if keep_values else convert_type_numpy_array(data), output_tiff_file)


def export_tiff_to_isxd_image(input_tiff_file: PathInput, output_isxd_file: PathInput) -> None:
    """Write the first page of a grey picture file as an `.isxd` image.

    Parameters
    ----------
    input_tiff_file : path
        TIFF, PNG or another picture. Pixels of uint16 and float32 are kept; black and white becomes 0 and 1;
        others are stretched over 0 to 65535 as :func:`convert_type_numpy_array` does.
    output_isxd_file : path
        Must not exist.

    Raises
    ------
    IsxFileError
        The input is missing, damaged or in colour; the output exists or cannot be written.
    """
    require_input(input_tiff_file, "TIFF file")
    picture = read_picture(input_tiff_file)
    if picture.ndim != 2:
        raise IsxFormatError(
            f"{as_path(input_tiff_file)} has {picture.shape[2:][0]} channels per pixel, but an image has one: "
            "num_pixels must be specified as a two element list/tuple/array (num_rows, num_cols)"
        )
    _write_image(output_isxd_file, picture)


def export_image_to_isxd_tiff(
    image: ArrayLike, isxd_file: PathInput | None, tiff_file: PathInput | None, rgb: str | None = None
) -> None:
    """Write an array as an `.isxd` image, as a TIFF, or as both.

    Parameters
    ----------
    image : array-like, shape (rows, columns)
        In the `.isxd` file uint16 and float32 are kept, float64 becomes float32, bool becomes 0 and 1, and
        other types are stretched over 0 to 65535.
    isxd_file : path or None
        Must not exist.
    tiff_file : path or None
        Values are stretched over the whole range. An existing file is replaced.
    rgb : {'red', 'green', 'blue'}, optional
        Write the TIFF in this colour with 8 bits, instead of 16 bit grey.

    Raises
    ------
    ValueError
        `image` has not two dimensions, or `rgb` is another word.
    IsxFileError
        A file exists or cannot be written; neither file is left behind then.
    """
    values = np.asarray(image)
    pixels = _as_frame(values)
    write_pair(pixels, _as_grey(values, pixels), isxd_file, tiff_file, rgb)


def write_pair(
    pixels: NDArray[Any],
    grey: NDArray[np.uint16],
    isxd_file: PathInput | None,
    tiff_file: PathInput | None,
    rgb: str | None,
) -> None:
    """Write an image as `.isxd`, and the 16 bit picture of it, in a colour or grey; both files or none."""
    if rgb is not None and tiff_file is not None and rgb not in _CHANNELS:
        raise ValueError(f"Value {rgb} for rgb not one of {', '.join(_CHANNELS)}")
    if tiff_file is None:
        if isxd_file is not None:
            _write_image(isxd_file, pixels)
        return
    picture = encoded(grey if rgb is None else _coloured(grey, rgb), tiff_file)
    with OutputFile(tiff_file, overwrite=True) as output:  # made before and named after the other file
        output.write(picture)
        if isxd_file is not None:
            _write_image(isxd_file, pixels)


def _as_grey(values: NDArray[Any], pixels: NDArray[Any]) -> NDArray[np.uint16]:
    """The 16 bit picture of an image given as `values` and stored as `pixels`."""
    if values.dtype.kind == "b":
        return convert_type_numpy_array(values.astype(np.float32))  # so that all True is white
    if values.dtype == np.float64:  # two steps, for the same rounding as in the vendor's pictures
        return convert_type_numpy_array(convert_type_numpy_array(values, np.float32))
    return convert_type_numpy_array(pixels)


def _coloured(grey: NDArray[np.uint16], rgb: str) -> NDArray[np.uint8]:
    picture = np.zeros((*grey.shape, 3), np.uint8)
    if grey.any():
        # The other channels hold 0, so the range is that from 0 to the maximum.
        picture[..., _CHANNELS.index(rgb)] = grey / float(grey.max()) * 255
    return picture


def _as_frame(image: NDArray[Any]) -> NDArray[Any]:
    """`image` with an element type that images can have."""
    Spacing(image.shape)  # raises unless there are two dimensions
    if image.dtype.kind == "b":
        return image.astype(np.uint16)
    if image.dtype.kind == "f" and image.dtype.itemsize >= 4:
        with np.errstate(over="ignore"):
            return image.astype(np.float32, copy=False)
    return image.astype(np.uint16, copy=False) if _is_uint16(image) else convert_type_numpy_array(image)


def _is_uint16(image: NDArray[Any]) -> bool:
    return image.dtype.kind == "u" and image.dtype.itemsize == 2


def _write_image(path: PathInput, image: NDArray[Any]) -> None:
    frame = _as_frame(image)
    Image.write(path, Spacing(frame.shape), frame.dtype, frame)


# -- files -------------------------------------------------------------------------------------------


def require_input(path: PathInput, what: str) -> None:
    """Raise :class:`IsxFileNotFoundError`, which names `what`, unless `path` exists."""
    if not os.path.exists(as_path(path)):
        raise IsxFileNotFoundError(f"{what} not found: {as_path(path)}")


def _pixels(path: PathInput) -> NDArray[Any]:
    data = Image.read(path).get_data()
    assert data is not None
    return data


def read_picture(path: PathInput) -> NDArray[Any]:
    """First page of a picture file of any format, in native byte order.

    Returns
    -------
    ndarray
        Shape (rows, columns), or (rows, columns, channels) for colours and transparency.

    Raises
    ------
    IsxFormatError
        The file is damaged or not a picture.
    """
    import PIL.Image

    given = as_path(path)
    try:
        with open(given, "rb") as file:
            with warnings.catch_warnings():
                warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
                picture = PIL.Image.open(file)
            pixels = np.asarray(picture)
    except OSError as error:
        if error.errno is not None:
            raise reading_error(given, error) from None
        raise IsxFormatError(f"{given} is not a readable picture: {error}") from None
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they meet
        raise IsxFormatError(f"{given} is not a readable picture: {error!r}") from None
    if pixels.dtype.kind not in "biuf" or not pixels.size:
        raise IsxFormatError(f"{given} is not a readable picture: it has no pixels.")
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def write_picture(picture: NDArray[Any], path: PathInput) -> None:
    """Write pixels unchanged in the format that the extension names, replacing an existing file.

    Raises
    ------
    TypeError, ValueError
        No picture has that shape and type; the extension is unknown.
    IsxFileError
        The file cannot be written.
    """
    data = encoded(picture, path)
    with OutputFile(path, overwrite=True) as output:
        output.write(data)


def encoded(picture: NDArray[Any], path: PathInput) -> bytes:
    """The picture as a file of the format that the extension of `path` names."""
    import PIL.Image

    ending = extension(as_path(path))
    known = "TIFF" if ending in ("tif", "tiff") else PIL.Image.registered_extensions().get(f".{ending}")
    if known is None:
        raise ValueError(f"unknown file extension: {ending and '.' + ending} ({as_path(path)})")
    try:
        made = PIL.Image.fromarray(picture)
    except TypeError as error:
        hint = " (colours need write_rgb=True)" if picture.ndim == 3 and picture.dtype == np.uint16 else ""
        raise TypeError(f"{error}{hint}") from None
    buffer = io.BytesIO()
    try:
        made.save(buffer, format=known)
    except (OSError, KeyError) as error:
        raise IsxFileError(f"Cannot write {as_path(path)}: {error}. TIFF and PNG take every image.") from None
    return buffer.getvalue()
