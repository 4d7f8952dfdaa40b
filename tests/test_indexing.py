"""A movie indexes exactly as the dense array of its frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import isx
from builders import movies as make
from builders.isxd import isxd

COUNT, ROWS, COLS = 9, 4, 5
STORED = np.arange(6 * ROWS * COLS, dtype="<u2").reshape(6, ROWS, COLS) + 1
MISSING = {"dropped": [1], "cropped": ["4"], "blank": [8]}
VALID = [0, 2, 3, 5, 6, 7]
DENSE = np.zeros((COUNT, ROWS, COLS), np.uint16)
DENSE[VALID] = STORED


@pytest.fixture(scope="module")
def movies(tmp_path_factory):
    """The same frames in every layout: views, copies, frames with lines, swapped bytes, compressed."""
    folder = tmp_path_factory.mktemp("indexing")
    lines = make.with_lines(STORED, [make.header_line()] * 6)
    for name, body in (("plain", STORED.tobytes()), ("lines", lines)):
        members = make.metadata(
            (ROWS, COLS), "uint16", COUNT, hasFrameHeaderFooter=name == "lines", **MISSING
        )
        (folder / f"{name}.isxd").write_bytes(isxd(body, members))
    (folder / "swapped.tif").write_bytes(make.tiff_bytes(list(STORED), order=">"))
    attributes = {"dropped": "[1, 4, 8]"}
    (folder / "parts.xml").write_text(make.xml_text(attributes, ["swapped.tif"]))
    opened = {
        "plain": isx.Movie.read(folder / "plain.isxd"),
        "lines": isx.Movie.read(folder / "lines.isxd"),
        "parts": isx.Movie.read(folder / "parts.xml"),
    }
    yield opened
    for movie in opened.values():
        movie.close()


integers = st.integers(-COUNT - 1, COUNT)


def axis_keys(n):
    number = st.integers(-n, n - 1)
    step = st.integers(-3, 3).filter(bool)
    bound = st.none() | st.integers(-n - 2, n + 2)
    return st.one_of(
        number,
        number.map(np.int64),
        st.builds(slice, bound, bound, st.none() | step),
        st.lists(number, max_size=4),
        st.lists(number, min_size=1, max_size=4).map(np.array),
        st.lists(st.booleans(), min_size=n, max_size=n).map(np.array),
    )


@st.composite
def keys(draw):
    axes = [axis_keys(COUNT), axis_keys(ROWS), axis_keys(COLS)][: draw(st.integers(1, 3))]
    chosen = [draw(axis) for axis in axes]
    if draw(st.booleans()):
        at = draw(st.integers(0, len(chosen)))
        if len(chosen) < 3:
            tail = [draw(axis) for axis in [axis_keys(ROWS), axis_keys(COLS)][2 - (len(chosen) - at) :]]
            return (*chosen[:at], Ellipsis, *tail) if at else (Ellipsis, *tail)
        return (*chosen[:at], Ellipsis, *chosen[at:])
    return tuple(chosen) if len(chosen) > 1 or draw(st.booleans()) else chosen[0]


@settings(deadline=None, max_examples=300)
@given(key=keys())
@example(key=(slice(None, None, -1), Ellipsis, [0, 0, 0, 0]))
@example(key=(slice(None, None, -1), Ellipsis, []))
def test_any_index(movies, key):
    try:
        want = DENSE[key]
    except IndexError:  # lists that cannot be paired
        want = None
    if isinstance(key, tuple) and len(key) == 4 and any(k is Ellipsis for k in key[1:3]):
        # NumPy moves axes for an Ellipsis between lists even if it stands for nothing; that is refused.
        want = None if any(isinstance(k, (list, np.ndarray)) for k in key) else want
    for movie in movies.values():
        if want is None:
            with pytest.raises(IndexError):
                movie[key]
            continue
        got = movie[key]
        assert isinstance(got, (np.ndarray, np.generic))
        assert got.dtype == np.uint16
        assert got.dtype.isnative
        np.testing.assert_array_equal(got, want)
        assert got.shape == want.shape


MASK = np.zeros((ROWS, COLS), bool)
MASK[1, 2] = MASK[3, 0] = True


@pytest.mark.parametrize(
    "key",
    [
        (slice(None), MASK),
        (3, MASK),
        (1, MASK),
        (..., MASK),
        ([2, 1, 2], 3),
        ([0, 1], [1, 2]),
        (5, [1, 2], slice(None)),
        (5, slice(None), [1, 2]),
        (slice(None), slice(None), [1, 2]),
        (slice(None, None, -1),),
        (slice(7, 4, -1), 0, 0),
        [],
        np.arange(COUNT) % 2 == 0,
        (...,),
        (),
        (0, 0, 0),
        (1, 0, 0),
    ],
    ids=repr,
)
def test_indices_people_use(movies, key):
    for movie in movies.values():
        np.testing.assert_array_equal(movie[key], DENSE[key])
        assert movie[key].shape == DENSE[key].shape


@pytest.mark.parametrize(
    "key",
    [
        COUNT, -COUNT - 1, [0, COUNT], 1.5, "a", None, (0, None), (0, 0, 0, 0), (..., ...), np.zeros(3, bool),
        np.zeros((COUNT, ROWS), bool), np.zeros((COUNT, ROWS, COLS), bool), [[0, 1]], (0, ROWS), (0, 0, COLS), (0, 1.5), True, np.False_,
        2**70, [2**70],
    ],
    ids=repr,
)  # fmt: skip
def test_indices_that_are_refused(movies, key):
    for movie in movies.values():
        with pytest.raises((IndexError, TypeError)):
            movie[key]


def test_out_of_range_is_an_error_of_this_package(movies):
    with pytest.raises(isx.IsxIndexError, match="sample 9 is out of range for a movie of 9 samples"):
        movies["plain"][9]


def test_views_where_the_layout_allows(movies):
    for name in ("plain", "lines"):
        view = movies[name][5:8, 1:]
        assert not view.flags.owndata
        assert not view.flags.writeable
    assert movies["plain"][0:4].flags.writeable  # a sample in it is missing


def test_arrays(movies, tmp_path):
    for movie in movies.values():
        np.testing.assert_array_equal(np.asarray(movie), DENSE)
        np.testing.assert_array_equal(np.array(movie), DENSE)
        np.testing.assert_array_equal(np.stack(list(movie)), DENSE)
        assert np.asarray(movie, dtype=np.float64).dtype == np.float64
        assert (movie.shape, movie.ndim, movie.size, len(movie)) == (DENSE.shape, 3, DENSE.size, COUNT)
        assert movie.dtype == np.dtype(np.uint16)
        np.testing.assert_array_equal(np.mean(movie, axis=0), DENSE.mean(axis=0))
    path = tmp_path / "whole.isxd"
    path.write_bytes(isxd(STORED.tobytes(), make.metadata((ROWS, COLS), "uint16", 6)))
    with isx.Movie.read(path) as movie:
        assert not np.asarray(movie).flags.owndata
        assert np.array(movie).flags.writeable


def test_copy_rules_of_numpy(movies, tmp_path):
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("copy=False means something else before NumPy 2")
    path = tmp_path / "whole.isxd"
    path.write_bytes(isxd(STORED.tobytes(), make.metadata((ROWS, COLS), "uint16", 6)))
    with isx.Movie.read(path) as movie:
        np.testing.assert_array_equal(np.asarray(movie, copy=False), STORED)
        with pytest.raises(ValueError, match="needs a copy"):
            np.asarray(movie, dtype=np.float32, copy=False)
    with pytest.raises(ValueError, match="copy"):
        np.asarray(movies["plain"], copy=False)


def test_missing_frames_are_told(tmp_path):
    path = tmp_path / "short.isxd"
    path.write_bytes(isxd(STORED[:2].tobytes(), make.metadata((ROWS, COLS), "uint16", 6)))
    with pytest.warns(isx.IsxWarning, match="announces 6 frames but holds only 2"):
        movie = isx.Movie.read(path)
    np.testing.assert_array_equal(movie[:2], STORED[:2])
    for key in (slice(None), 2, [0, 5], (slice(None), 0, 0)):
        with pytest.raises(isx.IsxFormatError, match=r"Error reading movie frame: .*short"):
            movie[key]
