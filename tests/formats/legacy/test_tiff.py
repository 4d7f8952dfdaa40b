"""TIFF movies: types, byte orders, strips, compression, damage."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from builders import movies as make

FRAMES = np.random.default_rng(1).integers(0, 2**16, (5, 6, 7), dtype=np.uint16)


def movie_of(path, data):
    path.write_bytes(data)
    return isx.Movie.read(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "movie.tif"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("rows_per_strip", [None, 1, 4])
@pytest.mark.parametrize("data_first", [False, True])
def test_every_plain_layout(path, order, big, rows_per_strip, data_first):
    if data_first:
        data = make.tiff_bytes(list(FRAMES), order=order, big=big, rows_per_strip=rows_per_strip)
    else:  # frames in one block, as some programs write them
        import tifffile

        tifffile.imwrite(
            path, FRAMES, byteorder=order, bigtiff=big, rowsperstrip=rows_per_strip, metadata=None
        )
        data = path.read_bytes()
    with movie_of(path, data) as movie:
        np.testing.assert_array_equal(movie[:], FRAMES)
        np.testing.assert_array_equal(movie[:, 2, 3], FRAMES[:, 2, 3])
        np.testing.assert_array_equal(movie.get_frame_data(4), FRAMES[4])
        assert movie[:].dtype.isnative
        assert movie._open_source().frames() is not None  # at equal distances: a view
        assert repr(movie.timing._impl.step) == "IsxRatio(50, 1000)"
        assert movie.timing == isx.Timing(5)
        assert movie.spacing == isx.Spacing((6, 7))


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "i1", "i2", "f2"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_types(path, dtype, order):
    frames = np.arange(-12, 12).reshape(4, 2, 3).astype(dtype)
    with movie_of(path, make.tiff_bytes(list(frames), order=order)) as movie:
        assert movie.data_type is (frames.dtype.type if dtype in ("u1", "u2", "f4") else np.float32)
        np.testing.assert_array_equal(movie[:], frames)
        np.testing.assert_array_equal(movie[1:3, 0], frames[1:3, 0])
        np.testing.assert_array_equal(movie.get_frame_data(3), frames[3])


@pytest.mark.parametrize("dtype", ["u4", "i4", "f8", "u8"])
def test_types_that_are_refused(path, dtype):
    with pytest.raises(isx.IsxFormatError, match=f"pixels of type {np.dtype(dtype).name} are not supported"):
        movie_of(path, make.tiff_bytes([np.zeros((2, 3), dtype)]))


def test_samples_per_pixel(path):
    with movie_of(path, make.tiff_bytes(list(FRAMES), extra={277: (3, 0)})) as movie:
        np.testing.assert_array_equal(movie[:], FRAMES)
    import tifffile

    tifffile.imwrite(path, np.zeros((4, 4, 3), np.uint16), photometric="rgb")
    with pytest.raises(isx.IsxFormatError, match="3 samples per pixel"):
        isx.Movie.read(path)


@pytest.mark.parametrize(
    "options",
    [{"compression": "deflate"}, {"compression": "deflate", "predictor": True}, {"tile": (16, 16)}],
    ids=["deflate", "predictor", "tiles"],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_what_tifffile_decodes(path, options, order):
    import tifffile

    frames = np.random.default_rng(2).integers(0, 2**16, (4, 20, 30), dtype=np.uint16)
    tifffile.imwrite(path, frames, photometric="minisblack", byteorder=order, metadata=None, **options)
    with isx.Movie.read(path) as movie:
        np.testing.assert_array_equal(movie[:], frames)
        np.testing.assert_array_equal(movie[::-1, 3:5, 7], frames[::-1, 3:5, 7])


def test_missing_decoders_are_named(path):
    pytest.importorskip("tifffile")
    data = bytearray(make.tiff_bytes(list(FRAMES[:1])))
    at = data.index(b"\x03\x01\x03\x00\x01\x00\x00\x00\x01\x00")  # compression 1
    data[at + 8] = 5  # LZW
    with movie_of(path, bytes(data)) as movie:
        try:
            import imagecodecs  # noqa: F401
        except ImportError:
            with pytest.raises(isx.IsxImportError, match="pip install imagecodecs"):
                movie.get_frame_data(0)


def test_descriptions_do_not_count(path):
    import tifffile

    for options in ({"imagej": True}, {"ome": True}, {}):
        tifffile.imwrite(path, FRAMES, photometric="minisblack", **options)
        with isx.Movie.read(path) as movie:
            np.testing.assert_array_equal(movie[:], FRAMES)
            assert movie.timing == isx.Timing(5)


def test_pages_unlike_the_first(path):
    pages = [FRAMES[0], FRAMES[1][:3], FRAMES[2].astype(np.float32), FRAMES[3]]
    with movie_of(path, make.tiff_bytes(pages)) as movie:
        assert movie.shape == (4, 6, 7)
        np.testing.assert_array_equal(movie.get_frame_data(0), FRAMES[0])
        np.testing.assert_array_equal(movie.get_frame_data(3), FRAMES[3])
        for index in (1, 2):
            with pytest.raises(isx.IsxFormatError, match=f"Page {index} is damaged or unlike the first"):
                movie.get_frame_data(index)
        with pytest.raises(isx.IsxFormatError):
            movie[:]


def test_pages_at_unequal_distances(path):
    import tifffile

    with tifffile.TiffWriter(path) as writer:
        for i, frame in enumerate(FRAMES):
            writer.write(frame, description="x" * 20 * i, contiguous=False, metadata=None)
    with isx.Movie.read(path) as movie:
        assert movie._open_source().frames() is None
        np.testing.assert_array_equal(movie[:], FRAMES)
        np.testing.assert_array_equal(movie[[4, 0], 1:3], FRAMES[[4, 0], 1:3])


def test_a_file_that_lost_its_end(path):
    data = make.tiff_bytes(list(FRAMES), data_first=False)
    with movie_of(path, data) as movie:
        assert movie._open_source().frames() is None or not movie[:].flags.owndata
        np.testing.assert_array_equal(movie[:], FRAMES)
    with pytest.warns(isx.IsxWarning, match="announces 5 frames but holds only 3"):
        movie = movie_of(path, data[: len(data) - FRAMES[0].nbytes - 1])
    np.testing.assert_array_equal(movie[:3], FRAMES[:3])
    with pytest.raises(isx.IsxFormatError, match="Error reading movie frame"):
        movie.get_frame_data(3)
    movie.close()


def test_a_broken_chain_of_pages(path):
    data = make.tiff_bytes(list(FRAMES))
    with pytest.warns(isx.IsxWarning, match="damaged behind its page 4"):
        movie = movie_of(path, data[:-30])
    np.testing.assert_array_equal(movie[:], FRAMES[:4])
    movie.close()


def test_many_pages(path):
    pages = [np.full((2, 3), i, np.uint16) for i in range(10_000)]
    with movie_of(path, make.tiff_bytes(pages)) as movie:
        assert movie.shape == (10_000, 2, 3)
        assert not movie[:].flags.owndata
        np.testing.assert_array_equal(movie[:, 1, 2], np.arange(10_000))


def test_not_a_tiff(path):
    for data in (b"", b"junk", b"II*\0", b"II*\0\0\0\0\0", b"II*\0\x08\0\0\0\0\0\0\0\0\0"):
        path.write_bytes(data)
        with pytest.raises(isx.IsxFormatError, match=r"movie\.tif"):
            isx.Movie.read(path)


@pytest.mark.parametrize("tag", [322, 259, 266, 277, 278, 317, 258, 256, 257])
def test_tags_of_two_values_where_one_belongs(path, tag):
    """Damage that makes a list of what should be a number; any answer but an inner error will do."""
    data = make.tiff_bytes([FRAMES[0]])
    wanted = tag.to_bytes(2, "little")
    given = wanted if tag in (256, 257, 258, 259, 277, 278) else (339).to_bytes(2, "little")
    at = data.index(given + b"\x03\x00\x01" if given + b"\x03\x00\x01" in data else given + b"\x04\x00\x01")
    path.write_bytes(data[:at] + wanted + b"\x03\x00\x02" + data[at + 5 :])
    try:
        movie = isx.Movie.read(path)
        assert movie.get_frame_data(0).shape == movie.shape[1:]
    except isx.IsxError:
        pass
