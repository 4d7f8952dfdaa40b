"""Movies of arrays: what is refused, and what is made of the arrays of other libraries."""

from __future__ import annotations

import numpy as np
import pytest

import isx

FRAMES = np.arange(5 * 6 * 8, dtype=np.uint16).reshape(5, 6, 8)


@pytest.mark.parametrize(
    ("dtype", "wanted"),
    [
        ("u1", "u1"), ("u2", "u2"), (">u2", "u2"), ("f4", "f4"), (">f4", "f4"),
        ("?", "u1"), ("i1", "f4"), ("i2", "f4"), (">i2", "f4"), ("f2", "f4"),
    ],
)  # fmt: skip
def test_types_of_pixels(dtype, wanted):
    array = FRAMES.astype(dtype)
    movie = isx.Movie.from_array(array)
    assert movie.dtype == np.dtype(wanted)
    assert movie.dtype.isnative
    np.testing.assert_array_equal(movie[:], array.astype(wanted))
    np.testing.assert_array_equal(movie.get_frame_data(3), array[3].astype(wanted))


@pytest.mark.parametrize("dtype", ["f8", "i4", "u4", "i8", "c8", "U3", "O", "M8[s]"])
def test_types_that_are_refused(dtype):
    with pytest.raises(ValueError, match=r"not supported: convert the array first"):
        isx.Movie.from_array(np.zeros((2, 3, 4), dtype))


def test_what_is_no_movie():
    for wrong in ([[[1]]], None, 5, "x.tif"):
        with pytest.raises(TypeError, match="shape and a dtype"):
            isx.Movie.from_array(wrong)
    for shape in ((), (3,), (3, 4), (2, 3, 4, 1)):
        with pytest.raises(ValueError, match=r"axes \(samples, rows, columns\)"):
            isx.Movie.from_array(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="spacing has"):
        isx.Movie.from_array(FRAMES, spacing=isx.Spacing((6, 7)))
    with pytest.raises(TypeError, match="from_array"):
        isx.Movie.from_source(FRAMES)


@pytest.mark.parametrize("count", [4, 6, 8, 0])
def test_numbers_of_frames_that_do_not_fit(count):
    timing = isx.Timing(num_samples=7, dropped=[0, 3])
    with pytest.raises(ValueError, match=rf"{count} frames; the timing has 7 samples, of which 5 are valid"):
        isx.Movie.from_array(np.zeros((count, 6, 8), np.uint8), timing)


def test_views_and_copies():
    movie = isx.Movie.from_array(FRAMES)
    assert np.shares_memory(movie[1:4], FRAMES)
    assert not movie[1:4].flags.writeable
    assert FRAMES.flags.writeable
    assert not np.shares_memory(movie.get_frame_data(2), FRAMES)
    assert movie.timing.period == isx.Duration.from_msecs(50)
    assert movie._open_source().assumed == ("start", "period", "pixel size")
    spacing = isx.Spacing((6, 8), pixel_size=(2, 2))
    known = isx.Movie.from_array(FRAMES, isx.Timing(num_samples=5), spacing)
    assert known._open_source().assumed == ()
    assert known.spacing == spacing


def test_nothing_and_one_frame():
    empty = isx.Movie.from_array(FRAMES[:0])
    assert empty[:].shape == (0, 6, 8)
    assert list(empty) == []
    one = isx.Movie.from_array(FRAMES[:1])
    np.testing.assert_array_equal(list(one), FRAMES[:1])


def test_data_sets_of_h5py(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        data = file.create_dataset("frames", data=FRAMES, chunks=(2, 6, 8), compression="gzip")
        movie = isx.Movie.from_array(data, isx.Timing(num_samples=6, dropped=[2]))
        wanted = np.insert(FRAMES, 2, 0, axis=0)
        np.testing.assert_array_equal(movie[:], wanted)
        np.testing.assert_array_equal(list(movie), wanted)
        np.testing.assert_array_equal(movie[[5, 0], 2:4], wanted[[5, 0], 2:4])
