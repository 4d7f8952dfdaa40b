"""HDF5 movies: clock, layouts, types."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import isx
from builders import movies as make

h5py = pytest.importorskip("h5py")

FRAMES = np.random.default_rng(1).integers(0, 2**16, (4, 6, 7), dtype=np.uint16)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "movie.hdf5"


def ratios(movie):
    impl = movie.timing._impl
    return repr(impl.step), repr(impl.start.secs_since_epoch), movie.timing.num_samples


@pytest.mark.parametrize(
    ("stamps", "step", "start", "count"),
    [
        (None, (50, 1000), (0, 1), 4),
        ([], (50, 1000), (0, 1), 4),
        ([100.7, 100.8, 100.9, 101.0], (75, 1000), (100, 1), 4),  # by the number of stamps, not of intervals
        ([100.7, 100.8], (50, 1000), (100, 1), 2),
        ([1.5e9 + 0.25] * 4, (50, 1000), (1_500_000_000, 1), 4),
        ([9.0, 8.0, 7.0, 6.0], (50, 1000), (9, 1), 4),
        ([5.0], (50, 1000), (5, 1), 1),
    ],
)
def test_clock(path, stamps, step, start, count):
    with isx.Movie.read(make.write_hdf5(path, FRAMES, stamps)) as movie:
        assert ratios(movie) == (f"IsxRatio{step}", f"IsxRatio{start}", count)
        assert movie.timing.start._impl.utc_offset == 0
        assert movie.spacing == isx.Spacing((6, 7))
        np.testing.assert_array_equal(movie[:], FRAMES[:count])


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i8", "<u2"])
def test_any_numbers_are_stamps(path, dtype):
    with isx.Movie.read(make.write_hdf5(path, FRAMES, np.array([1, 2, 3, 4], dtype))) as movie:
        assert ratios(movie) == ("IsxRatio(750, 1000)", "IsxRatio(1, 1)", 4)


@pytest.mark.parametrize(
    "stamps", [np.zeros((2, 2)), np.array([np.nan, 1.0]), np.array([1.0, np.inf]), [b"a", b"b"], 5.0]
)
def test_stamps_that_are_none(path, stamps):
    make.write_hdf5(path, FRAMES, stamps)
    with pytest.warns(isx.IsxWarning, match="/timeStamp is not a list of times"):
        movie = isx.Movie.read(path)
    assert movie.timing == isx.Timing(4)
    movie.close()


def test_more_stamps_than_frames(path):
    make.write_hdf5(path, FRAMES, np.arange(6.0))
    with pytest.warns(isx.IsxWarning, match="announces 6 frames but holds only 4"):
        movie = isx.Movie.read(path)
    assert len(movie) == 6
    np.testing.assert_array_equal(movie[:4], FRAMES)
    with pytest.raises(isx.IsxFormatError, match="Error reading movie frame"):
        movie.get_frame_data(4)
    movie.close()


@pytest.mark.parametrize(
    ("options", "is_view"),
    [
        ({}, True),
        ({"chunks": (1, 6, 7)}, False),
        ({"chunks": (3, 2, 5), "compression": "gzip"}, False),
        ({"compression": "lzf", "shuffle": True, "fletcher32": True}, False),
    ],
)
@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_layouts_and_byte_orders(path, options, is_view, dtype):
    with isx.Movie.read(make.write_hdf5(path, FRAMES.astype(dtype), **options)) as movie:
        assert (movie._open_source().frames() is not None) == is_view
        assert movie.data_type is np.uint16
        np.testing.assert_array_equal(movie[:], FRAMES)
        np.testing.assert_array_equal(movie[1:, 2, 3], FRAMES[1:, 2, 3])
        np.testing.assert_array_equal(movie.get_frame_data(2), FRAMES[2])
        assert movie.get_frame_data(2).dtype.isnative


def test_one_frame_is_an_image(path):
    np.testing.assert_array_equal(isx.Image.read(make.write_hdf5(path, FRAMES[:1])).get_data(), FRAMES[0])


def test_a_file_that_lost_its_end(path):
    make.write_hdf5(path, FRAMES)
    data = path.read_bytes()
    start = data.index(FRAMES.tobytes())
    with h5py.File(path, "r+") as file:  # a file that ends early does not open at all
        file["other"] = np.zeros(1000)
    isx.Movie.read(path).close()
    path.write_bytes(data[: start + 3 * FRAMES[0].nbytes])
    with pytest.raises(isx.IsxFormatError, match="not an HDF5 file, or is damaged"):
        isx.Movie.read(path)


@pytest.mark.parametrize("size", [0, 3, 2**31])
def test_blocks_of_impossible_size_are_not_read(path, size):
    """The HDF5 library dies of some of them."""
    make.write_hdf5(path, FRAMES, chunks=(2, 6, 7), fletcher32=True)
    with h5py.File(path) as file:
        block = file["images"].id.get_chunk_info(0)
    entry = np.array([block.size, 0], "<u4").tobytes() + bytes(
        8
    )  # size, filters left out, and index 0 of the first axis
    data = path.read_bytes()
    assert data.count(entry) >= 1
    path.write_bytes(data.replace(entry, np.array([size, 0], "<u4").tobytes() + bytes(8), 1))
    with isx.Movie.read(path) as movie:
        for index in (0, 1):
            with pytest.raises(isx.IsxFormatError, match="Error reading movie frame"):
                movie.get_frame_data(index)
        np.testing.assert_array_equal(movie[2:], FRAMES[2:])


def test_without_h5py(path, monkeypatch):
    make.write_hdf5(path, FRAMES)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(isx.IsxImportError, match=r'pip install "openisx\[hdf5\]"'):
        isx.Movie.read(path)


@pytest.mark.parametrize(
    ("names", "attributes", "told"),
    [
        (["estimates/A", "params/data"], {}, "the result of an analysis with CaImAn, whose load_CNMF"),
        (
            ["acquisition/x", "units/y"],
            {"nwb_version": "2.7.0"},
            "Neurodata Without Borders, which pynwb reads",
        ),
        (
            ["unit_id", "frame"],
            {"_NCProperties": "version=2"},
            "netCDF file, .* minian stores its results so",
        ),
        (["Fall", "stat"], {}, "an HDF5 file of another kind, which holds Fall, stat"),
        ([], {}, "an empty HDF5 file"),
    ],
)
def test_other_hdf5_files_are_called_what_they_are(tmp_path, names, attributes, told):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "result.hdf5"
    with h5py.File(path, "w") as file:
        for name in names:
            file[name] = np.zeros(3)
        file.attrs.update(attributes)
    for read in (isx.open, isx.Movie.read, isx.GpioSet.read):
        with pytest.raises(isx.IsxFormatError, match=rf"result\.hdf5.*: it is .*{told}"):
            read(path)
