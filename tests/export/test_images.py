"""Stretching of values, and single images to and from picture files."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tifffile

import isx
from builders.movie import isxd_movie
from openisx.export.images import read_picture

NUM_PIXELS = r"num_pixels must be specified as a two element list/tuple/array \(num_rows, num_cols\)"


def grid(dtype, shape=(3, 5)):
    return np.random.default_rng(4).integers(0, 250, shape).astype(dtype)


def pixels(path):
    with PIL.Image.open(path) as picture:
        return picture.mode, np.array(picture)


def listing(folder):
    return sorted(p.name for p in Path(folder).iterdir())


# -- convert_type_numpy_array ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "of", "arguments", "expected"),
    [
        ([1, 2, 4], "u2", (), [0, 21845, 65535]),
        ([0, 0.5, 1], "f8", (), [0, 32767, 65535]),
        ([0, 1, 2], "i8", (np.float32,), [0, 1.7014117e38, 3.4028235e38]),
        ([0, 1, 2], "i8", (np.float32, True), [0, 0.5, 1]),
        ([-5, 0, 127], "i2", (np.int16,), [0, 1241, 32767]),
        ([0, 65535, 30000], "u2", (np.uint8,), [0, 255, 116]),
        ([0, 1, 2], "i8", ("uint32",), [0, 2147483647, 4294967295]),
        ([[1, 2], [3, 5]], "i4", (), [[0, 16383], [32767, 65535]]),
        ([[1, 2], [3, 5]], "i4", ("uint8",), [[0, 63], [127, 255]]),
        ([1, 2, 4], ">u2", (), [0, 21845, 65535]),
        ([1 + 1j, 2, 3 + 2j], "c16", (), [0, 13107, 65535]),
        # differences from the vendor, see docs/differences.md
        ([0, 0.3, np.nan, 1], "f8", (), [0, 19660, 0, 65535]),
        ([0, np.inf, 1, -np.inf, 4], "f8", (), [0, 65535, 16383, 0, 65535]),
        ([0, np.nan, np.inf, 1], "f4", (np.float32, True), [0, np.nan, 1, 1]),
        ([np.nan, np.nan], "f4", (), [0, 0]),
        ([np.inf, -np.inf], "f4", (), [65535, 0]),
        ([3, 3], "u2", (), [0, 0]),
        ([0, 0], "u1", (), [0, 0]),
        ([3, 3], "i4", (np.float32,), [0, 0]),
        ([0.5, 0.5], "f8", (), [32767, 32767]),
        ([1, 1], "f4", (), [65535, 65535]),
        ([7, 7, np.nan], "f4", (np.uint8,), [255, 255, 0]),
        ([-1, -1], "f4", (), [0, 0]),
        ([-128, 0, 127], "i1", (), [0, 32896, 65535]),
        ([-128, 0, 127], "i1", (np.uint8,), [0, 128, 255]),
        ([1, 2, 3], "f2", (), [0, 32767, 65535]),
        ([1, 2, 4], "i8", (np.int64,), [0, 3074457345618258432, 9223372036854775807]),
        ([1, 2, 4], "f4", (np.uint32,), [0, 1431655808, 4294967295]),
        ([0, 2**63, 2**64 - 1], "u8", (), [0, 32767, 65535]),
        ([-3e38, 0, 3e38], "f4", (), [0, 32767, 65535]),
    ],
)
def test_stretching(values, of, arguments, expected):
    array = np.array(values, of)
    before = array.copy()
    result = isx.convert_type_numpy_array(array, *arguments)
    assert result.dtype == np.dtype(arguments[0] if arguments else np.uint16)
    np.testing.assert_array_equal(array, before)
    if result.dtype.kind == "f":
        np.testing.assert_array_equal(result, np.array(expected, result.dtype))
    else:
        assert result.tolist() == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_full_range_is_unchanged(dtype):
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    np.testing.assert_array_equal(isx.convert_type_numpy_array(values, dtype), values)


def test_list():
    assert isx.convert_type_numpy_array([1, 2, 4]).tolist() == [0, 21845, 65535]


@pytest.mark.parametrize(
    ("values", "arguments", "error"),
    [
        (np.array([True, False]), (), TypeError),
        (np.array(["a"]), (), TypeError),
        (np.array([None]), (), TypeError),
        (np.zeros((0, 3)), (), ValueError),
        (np.ones(3), (bool,), ValueError),
        (np.ones(3), ("nonsense",), TypeError),
    ],
)
def test_what_cannot_be_stretched(values, arguments, error):
    with pytest.raises(error):
        isx.convert_type_numpy_array(values, *arguments)


# -- export_image_to_tiff ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, np.int32])
@pytest.mark.parametrize(("rgb", "mode", "bits"), [(False, "I;16", 16), (True, "L", 8)])
def test_grey_picture(tmp_path, dtype, rgb, mode, bits):
    image = grid(dtype)
    isx.export_image_to_tiff(image, tmp_path / "a.tif", rgb)
    got_mode, got = pixels(tmp_path / "a.tif")
    assert got_mode == mode
    np.testing.assert_array_equal(got, isx.convert_type_numpy_array(image, f"u{bits // 8}"))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        (page,) = file.pages
        tags = {tag.code: tag.value for tag in page.tags}
    assert not {270, 282, 283, 305, 306, 339} & set(tags)
    assert (tags[256], tags[257], tags[258], tags[259], tags[262]) == (5, 3, bits, 1, 1)
    assert (tmp_path / "a.tif").read_bytes()[:4] == b"II\x2a\0"


def test_colour_picture(tmp_path):
    image = grid(np.uint16, (3, 5, 3))
    isx.export_image_to_tiff(image, str(tmp_path / "a.tif"), write_rgb=True)
    mode, got = pixels(tmp_path / "a.tif")
    assert mode == "RGB"
    np.testing.assert_array_equal(got, isx.convert_type_numpy_array(image, np.uint8))
    with pytest.raises(TypeError, match=r"Cannot handle this data type.*write_rgb"):
        isx.export_image_to_tiff(image, tmp_path / "b.tif")
    assert listing(tmp_path) == ["a.tif"]


def test_extension_decides(tmp_path):
    image = grid(np.uint16)
    isx.export_image_to_tiff(image, tmp_path / "a.PNG")
    mode, got = pixels(tmp_path / "a.PNG")
    assert mode in ("I;16", "I")  # what older versions of Pillow call it when reading
    np.testing.assert_array_equal(got, isx.convert_type_numpy_array(image))
    for name in ("a.npy", "a"):
        with pytest.raises(ValueError, match="unknown file extension: "):
            isx.export_image_to_tiff(image, tmp_path / name)
    with pytest.raises(isx.IsxFileError, match="cannot write mode I;16 as JPEG"):
        isx.export_image_to_tiff(image, tmp_path / "a.jpg")
    assert listing(tmp_path) == ["a.PNG"]


def test_replaces_an_existing_file_only_when_complete(tmp_path, monkeypatch):
    (tmp_path / "a.tif").write_bytes(b"old")
    real = os.write

    def full(fd, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(isx.IsxFileError, match="No space left"):
        isx.export_image_to_tiff(grid(np.uint8), tmp_path / "a.tif")
    assert (tmp_path / "a.tif").read_bytes() == b"old"
    assert listing(tmp_path) == ["a.tif"]
    monkeypatch.setattr(os, "write", real)
    isx.export_image_to_tiff(grid(np.uint8), tmp_path / "a.tif")
    assert pixels(tmp_path / "a.tif")[0] == "I;16"


def test_where_pictures_cannot_be_written(tmp_path):
    with pytest.raises(isx.IsxFileError, match="Unable to open file for writing"):
        isx.export_image_to_tiff(grid(np.uint8), tmp_path / "none" / "a.tif")
    (tmp_path / "b.tif").mkdir()
    with pytest.raises(isx.IsxFileError, match="is a folder"):
        isx.export_image_to_tiff(grid(np.uint8), tmp_path / "b.tif")
    assert listing(tmp_path) == ["b.tif"]


# -- export_isxd_image_to_tiff -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_isxd_image_to_tiff(tmp_path, dtype):
    image = grid(dtype)
    source = isxd_movie(tmp_path / "a.isxd", [image], kind=4)
    (tmp_path / "a.tif").write_bytes(b"old")
    isx.export_isxd_image_to_tiff(source, tmp_path / "a.tif")
    mode, got = pixels(tmp_path / "a.tif")
    assert mode == "I;16"
    np.testing.assert_array_equal(got, isx.convert_type_numpy_array(image))
    isx.export_isxd_image_to_tiff(source, tmp_path / "b.tif", keep_values=True)
    kept = pixels(tmp_path / "b.tif")[1]
    assert kept.dtype == dtype
    np.testing.assert_array_equal(kept, image)


def test_isxd_image_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"ISXD image not found: .*none\.isxd"):
        isx.export_isxd_image_to_tiff(tmp_path / "none.isxd", tmp_path / "a.tif")
    source = isxd_movie(tmp_path / "a.isxd", [grid(np.uint16)] * 3, kind=4)
    with pytest.raises(AttributeError, match="more than one frame"):
        isx.export_isxd_image_to_tiff(source, tmp_path / "a.tif")
    (tmp_path / "b.isxd").write_bytes(b"junk")
    with pytest.raises(isx.IsxFormatError):
        isx.export_isxd_image_to_tiff(tmp_path / "b.isxd", tmp_path / "a.tif")
    assert listing(tmp_path) == ["a.isxd", "b.isxd"]


# -- export_tiff_to_isxd_image -----------------------------------------------------------------------


def as_isxd(path, target):
    isx.export_tiff_to_isxd_image(path, target)
    image = isx.Image.read(target)
    assert image.spacing == isx.Spacing(image.get_data().shape)
    return image.get_data()


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_kept_types(tmp_path, dtype, byteorder):
    pages = grid(dtype, (2, 3, 5))
    tifffile.imwrite(tmp_path / "a.tif", pages, byteorder=byteorder)
    got = as_isxd(tmp_path / "a.tif", tmp_path / "a.isxd")
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, pages[0])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint32])
def test_stretched_types(tmp_path, dtype):
    image = grid(dtype)
    tifffile.imwrite(tmp_path / "a.tif", image)
    got = as_isxd(tmp_path / "a.tif", tmp_path / "a.isxd")
    assert got.dtype == np.uint16
    np.testing.assert_array_equal(got, isx.convert_type_numpy_array(image))


def test_black_and_white_and_png(tmp_path):
    image = grid(np.uint8) > 100
    PIL.Image.fromarray(image).save(tmp_path / "a.png")
    got = as_isxd(tmp_path / "a.png", tmp_path / "a.isxd")
    assert got.dtype == np.uint16
    np.testing.assert_array_equal(got, image)


def test_no_grey_picture(tmp_path):
    tifffile.imwrite(tmp_path / "rgb.tif", grid(np.uint8, (3, 5, 3)), photometric="rgb")
    with pytest.raises(ValueError, match=NUM_PIXELS):
        isx.export_tiff_to_isxd_image(tmp_path / "rgb.tif", tmp_path / "a.isxd")
    tifffile.imwrite(tmp_path / "double.tif", grid(np.float64))
    (tmp_path / "junk.tif").write_bytes(b"II*\0junk")
    (tmp_path / "empty.tif").write_bytes(b"")
    for name in ("double.tif", "junk.tif", "empty.tif"):
        with pytest.raises(isx.IsxFormatError, match="not a readable picture"):
            isx.export_tiff_to_isxd_image(tmp_path / name, tmp_path / "a.isxd")
    with pytest.raises(FileNotFoundError, match=r"TIFF file not found: .*none\.tif"):
        isx.export_tiff_to_isxd_image(tmp_path / "none.tif", tmp_path / "a.isxd")
    (tmp_path / "folder.tif").mkdir()
    with pytest.raises(isx.IsxFileError, match="is a folder"):
        isx.export_tiff_to_isxd_image(tmp_path / "folder.tif", tmp_path / "a.isxd")
    assert not (tmp_path / "a.isxd").exists()


def test_existing_isxd_is_kept(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", grid(np.uint16))
    (tmp_path / "a.isxd").write_bytes(b"old")
    with pytest.raises(isx.IsxFileExistsError, match=r"File already exists: .*a\.isxd"):
        isx.export_tiff_to_isxd_image(tmp_path / "a.tif", tmp_path / "a.isxd")
    assert (tmp_path / "a.isxd").read_bytes() == b"old"


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some damages
def test_damaged_pictures_end_in_data_or_isx_error(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", grid(np.uint16, (2, 3, 5)), compression="zlib")
    data = (tmp_path / "a.tif").read_bytes()
    rng = np.random.default_rng(0)
    damaged = [data[:n] for n in range(0, len(data), 3)]
    for _ in range(300):
        bent = bytearray(data)
        for at in rng.integers(0, len(data), rng.integers(1, 4)):
            bent[at] = rng.integers(256)
        damaged.append(bytes(bent))
    outcomes = set()
    for content in damaged:
        (tmp_path / "b.tif").write_bytes(content)
        try:
            assert read_picture(tmp_path / "b.tif").ndim in (2, 3)
            outcomes.add("data")
        except isx.IsxError:
            outcomes.add("error")
    assert outcomes == {"data", "error"}


def test_absurd_size(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 3), np.uint16))
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        for tag in (256, 257):
            where = file.pages[0].tags[tag]
            struct.pack_into("<HIH", data, where.offset + 2, 3, 1, 65535)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(isx.IsxFormatError, match="not a readable picture"):
        isx.export_tiff_to_isxd_image(tmp_path / "a.tif", tmp_path / "a.isxd")


# -- export_image_to_isxd_tiff -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (grid(np.float32), grid(np.float32)),
        (grid(np.uint16), grid(np.uint16)),
        (grid(">u2"), grid(np.uint16)),
        (grid(np.float64) / 3, (grid(np.float64) / 3).astype(np.float32)),
        (grid(np.uint8) > 99, (grid(np.uint8) > 99).astype(np.uint16)),
        (grid(np.int32), isx.convert_type_numpy_array(grid(np.int32))),
        (grid(np.uint8), isx.convert_type_numpy_array(grid(np.uint8))),
        (grid(np.int32).tolist(), isx.convert_type_numpy_array(grid(np.int32))),
    ],
)
def test_isxd_and_tiff(tmp_path, image, expected):
    isx.export_image_to_isxd_tiff(image, tmp_path / "a.isxd", tmp_path / "a.tif")
    got = isx.Image.read(tmp_path / "a.isxd").get_data()
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
    mode, picture = pixels(tmp_path / "a.tif")
    assert mode == "I;16"
    assert np.abs(picture.astype(int) - isx.convert_type_numpy_array(expected).astype(int)).max() <= 1


@pytest.mark.parametrize(("rgb", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_coloured_tiff(tmp_path, rgb, channel):
    image = grid(np.uint16)
    isx.export_image_to_isxd_tiff(image, None, tmp_path / "a.tif", rgb)
    mode, picture = pixels(tmp_path / "a.tif")
    assert mode == "RGB"
    stretched = isx.convert_type_numpy_array(image)
    np.testing.assert_array_equal(picture[..., channel], (stretched / 65535 * 255).astype(np.uint8))
    assert not np.delete(picture, channel, axis=2).any()
    assert listing(tmp_path) == ["a.tif"]


def test_flat_images(tmp_path):
    isx.export_image_to_isxd_tiff(np.zeros((2, 3), np.uint16), None, tmp_path / "a.tif", "red")
    assert not pixels(tmp_path / "a.tif")[1].any()
    isx.export_image_to_isxd_tiff(np.ones((2, 3), bool), None, tmp_path / "a.tif")
    assert (pixels(tmp_path / "a.tif")[1] == 65535).all()


def test_isxd_alone_and_nothing(tmp_path):
    isx.export_image_to_isxd_tiff(grid(np.uint16), tmp_path / "a.isxd", None)
    isx.export_image_to_isxd_tiff(grid(np.uint16), None, None, "white")
    assert listing(tmp_path) == ["a.isxd"]


def test_nothing_is_written_on_errors(tmp_path):
    image = grid(np.uint16)
    with pytest.raises(ValueError, match="Value white for rgb not one of red, green, blue"):
        isx.export_image_to_isxd_tiff(image, tmp_path / "a.isxd", tmp_path / "a.tif", "white")
    with pytest.raises(ValueError, match=NUM_PIXELS):
        isx.export_image_to_isxd_tiff(grid(np.uint8, (3, 5, 3)), tmp_path / "a.isxd", tmp_path / "a.tif")
    with pytest.raises(ValueError, match="unknown file extension"):
        isx.export_image_to_isxd_tiff(image, tmp_path / "a.isxd", tmp_path / "a.xyz")
    with pytest.raises(isx.IsxFileError, match="Unable to open file for writing"):
        isx.export_image_to_isxd_tiff(image, tmp_path / "a.isxd", tmp_path / "none" / "a.tif")
    assert listing(tmp_path) == []
    (tmp_path / "a.isxd").write_bytes(b"old")
    with pytest.raises(isx.IsxFileExistsError, match="File already exists"):
        isx.export_image_to_isxd_tiff(image, tmp_path / "a.isxd", tmp_path / "a.tif")
    assert listing(tmp_path) == ["a.isxd"]
