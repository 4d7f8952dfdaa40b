"""Single images."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from builders import movies as make
from builders.isxd import isxd

PIXELS = np.arange(12, dtype=np.float32).reshape(3, 4) / 3


@pytest.fixture
def path(tmp_path):
    return tmp_path / "image.isxd"


def test_writing_and_reading(path):
    for image in (isx.Image.write(path, isx.Spacing((3, 4)), np.float32, PIXELS), isx.Image.read(path)):
        np.testing.assert_array_equal(image.get_data(), PIXELS)
        np.testing.assert_array_equal(np.asarray(image), PIXELS)
        assert image.get_data() is image.get_data()
        assert image.data_type is np.float32
        assert image.spacing == isx.Spacing((3, 4))
        assert not hasattr(image, "timing")
        assert str(image) == (
            f"Image\n    file_path: {image.file_path}\n    mode: {image.mode}\n"
            "    spacing: Spacing(num_pixels=(3, 4))\n    data_type: <class 'numpy.float32'>        "
        )
    assert image.mode == "r"
    with isx.Movie.read(path) as movie:
        assert movie.metadata["type"] == 4
        assert movie.timing == isx.Timing(num_samples=1)


@pytest.mark.parametrize("dtype", [np.uint16, np.uint8, "float32"])
def test_other_types_are_converted_with_a_warning(path, dtype):
    name = np.dtype(dtype).name
    with pytest.warns(UserWarning, match=rf"^Converting from float64 to {name}\.$") as caught:
        image = isx.Image.write(path, isx.Spacing((3, 4)), dtype, PIXELS.astype(np.float64) * 3)
    assert caught[0].filename == __file__
    want = (PIXELS.astype(np.float64) * 3).astype(dtype)
    np.testing.assert_array_equal(image.get_data(), want)
    np.testing.assert_array_equal(isx.Image.read(path).get_data(), want)


@pytest.mark.parametrize(
    ("spacing", "dtype", "data", "error"),
    [
        (isx.Spacing((4, 3)), np.float32, PIXELS, ValueError),
        (isx.Spacing((3, 4)), np.float32, PIXELS.tolist(), TypeError),
        (isx.Spacing((3, 4)), np.float64, PIXELS, ValueError),
        ((3, 4), np.float32, PIXELS, TypeError),
    ],
)
def test_a_refused_image_leaves_no_file(path, spacing, dtype, data, error):
    with pytest.raises(error):
        isx.Image.write(path, spacing, dtype, data)
    assert list(path.parent.iterdir()) == []


def test_an_existing_file_stays(path):
    path.write_bytes(b"precious")
    with pytest.raises(isx.IsxFileExistsError, match="File already exists: "):
        isx.Image.write(path, isx.Spacing((3, 4)), np.float32, PIXELS)
    assert path.read_bytes() == b"precious"


def test_a_bare_image():
    image = isx.Image()
    assert {image.file_path, image.mode, image.spacing, image.data_type, image.get_data()} == {None}
    assert str(image).startswith("Image\n    file_path: None\n")


def test_movies_are_refused_with_the_error_of_the_vendor(path):
    path.write_bytes(isxd(bytes(24), make.metadata((2, 3), "uint16", 2)))
    with pytest.raises(
        AttributeError, match=r"File has more than one frame. Use isx.Movie.read instead\."
    ) as caught:
        isx.Image.read(path)
    assert isinstance(caught.value, isx.IsxError)


def test_a_dropped_image_is_zeros(path):
    path.write_bytes(isxd(b"", make.metadata((2, 3), "float32", 1, dropped=[0])))
    assert isx.Image.read(path).get_data().tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_tiff_of_one_page_is_an_image(tmp_path):
    file = tmp_path / "one.tif"
    file.write_bytes(make.tiff_bytes([PIXELS]))
    np.testing.assert_array_equal(isx.Image.read(file).get_data(), PIXELS)
