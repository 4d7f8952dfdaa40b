"""Movies that were read: attributes, errors, time stamps, threads, processes, life cycle."""

from __future__ import annotations

import gc
import os
import pickle
import sys
from fractions import Fraction

import numpy as np
import pytest

import isx
from builders import movies as make
from builders.isxd import isxd

FRAMES = np.random.default_rng(1).integers(0, 2**16, (20, 6, 7), dtype=np.uint16)
EXTRA = {"producer": {"version": "1.9.0", "versionBE": "1.9.0-abc"}, "animal": {"id": "m1"}}


def with_lines(path, stamps, **changes):
    headers = [
        make.header_line(timestamp=int(s), efocus=100 * i, frame_count=i) for i, s in enumerate(stamps)
    ]
    body = make.with_lines(FRAMES[: len(stamps)], headers)
    count = changes.pop("numTimes", len(stamps))
    members = make.metadata(
        (6, 7), "uint16", count, hasFrameHeaderFooter=True, **{"extraProperties": EXTRA, **changes}
    )
    path.write_bytes(isxd(body, members))
    return path


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "movie.isxd"
    members = make.metadata((6, 7), "uint16", 21, dropped=[3], extraProperties=EXTRA)
    file.write_bytes(isxd(FRAMES.tobytes(), members))
    return file


# -- attributes ----------------------------------------------------------------------------------


def test_attributes(path):
    movie = isx.Movie.read(path)
    assert movie.file_path == os.path.realpath(path)
    assert movie.mode == "r"
    assert movie.data_type is np.uint16
    assert movie.spacing.num_pixels == (6, 7)
    assert movie.timing.num_samples == 21
    assert str(movie) == (
        f"Movie\n    file_path: {movie.file_path}\n    mode: r\n    timing: {movie.timing}\n"
        "    spacing: Spacing(num_pixels=(6, 7))\n    data_type: <class 'numpy.uint16'>        "
    )
    assert movie != isx.Movie.read(path)
    assert len({movie, movie}) == 1
    for name in ("file_path", "mode", "timing", "spacing", "data_type"):
        with pytest.raises(AttributeError):
            setattr(movie, name, None)
    movie.note = "other attributes can be added"  # type: ignore[attr-defined]


def test_timing_and_spacing_outlive_the_movie_and_do_not_change_it(path):
    timing, spacing = isx.Movie.read(path).timing, isx.Movie.read(path).spacing
    gc.collect()
    assert timing.dropped == [3]
    assert spacing == isx.Spacing((6, 7))
    movie = isx.Movie.read(path)
    movie.timing._impl.num_samples = 2
    movie.spacing._impl.num_rows = 2
    assert movie.shape == (21, 6, 7)
    assert movie.timing == timing


def test_a_bare_movie():
    assert pickle.loads(pickle.dumps(isx.Movie())).file_path is None
    movie = isx.Movie()
    assert {movie.file_path, movie.mode, movie.timing, movie.spacing, movie.data_type} == {None}
    assert str(movie).startswith("Movie\n    file_path: None\n    mode: None\n")
    calls = [
        lambda: movie.get_frame_data(0),
        lambda: movie.get_frame_timestamp(0),
        lambda: movie.set_frame_data(0, FRAMES[0]),
        movie.flush,
        movie.get_acquisition_info,
        lambda: movie[0],
        lambda: len(movie),
        lambda: movie.metadata,
        lambda: np.asarray(movie),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match="Underlying pointer is null"):
            call()
    movie.close()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege here")
def test_paths_are_resolved_once(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.isxd").symlink_to(path)
    for given in ("movie.isxd", "./../" + tmp_path.name + "//movie.isxd", "link.isxd", path, str(path)):
        movie = isx.Movie.read(given)
        assert movie.file_path == os.path.realpath(path)
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(movie.get_frame_data(0), FRAMES[0])
    with pytest.raises(isx.IsxFileNotFoundError, match=r"File does not exist: nowhere/m\.isxd"):
        isx.Movie.read("nowhere/m.isxd")
    for wrong in (None, 5, ["a.isxd"]):
        with pytest.raises(TypeError):
            isx.Movie.read(wrong)


@pytest.mark.parametrize("name", ["é日本.isxd", "a b;#%'.isxd", 'q"q.isxd', "x.ISXD"])
def test_odd_file_names(path, tmp_path, name):
    if sys.platform == "win32" and '"' in name:
        pytest.skip("this system has no such names")
    other = path.rename(tmp_path / name)
    np.testing.assert_array_equal(isx.Movie.read(other).get_frame_data(0), FRAMES[0])


# -- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [True, np.int8(1), np.uint64(1), np.array(1)])
def test_anything_that_is_an_integer_is_an_index(path, index):
    np.testing.assert_array_equal(isx.Movie.read(path).get_frame_data(index), FRAMES[1])


@pytest.mark.parametrize("index", [1.0, np.float32(1), "1", None, np.array([1]), 1j, (1,), {1}, {}])
def test_anything_else_is_not(path, index):
    movie = isx.Movie.read(path)
    for call in (movie.get_frame_data, movie.get_frame_timestamp, movie.get_frame_header):
        with pytest.raises((TypeError, isx.IsxError)):
            call(index)
    with pytest.raises(TypeError):
        movie.get_frame_data(index)


@pytest.mark.parametrize("index", [21, -1, -21, 2**63, 2**64, 2**64 + 1, 18446744073709551615])
def test_out_of_range(path, index):
    movie = isx.Movie.read(path)
    with pytest.raises(isx.IsxIndexError) as caught:
        movie.get_frame_data(index)
    assert str(caught.value) == f"The index of the frame ({index}) is out of range (0-20)."
    np.testing.assert_array_equal(movie.get_frame_data(0), FRAMES[0])  # still usable


def test_a_movie_without_samples(tmp_path):
    file = tmp_path / "m.isxd"
    file.write_bytes(isxd(b"", make.metadata((6, 7), "float32", 0)))
    movie = isx.Movie.read(file)
    with pytest.raises(isx.IsxIndexError, match=r"\(0-18446744073709551615\)"):
        movie.get_frame_data(0)
    assert np.asarray(movie).shape == (0, 6, 7)
    assert list(movie) == []
    with pytest.raises(isx.IsxIndexError):
        isx.Image.read(file)


def test_float_bits_are_untouched(tmp_path):
    bits = np.array([[0x7FC00001, 0xFF800000, 0x80000000], [0x7F800001, 1, 0x3F800000]], np.uint32)
    file = tmp_path / "m.isxd"
    file.write_bytes(isxd(bits.tobytes(), make.metadata((2, 3), "float32", 2, dropped=[1])))
    movie = isx.Movie.read(file)
    np.testing.assert_array_equal(movie.get_frame_data(0).view(np.uint32), bits)
    assert movie.get_frame_data(1).tobytes() == bytes(24)  # zeros, not NaN


def test_frames_that_are_not_complete_are_errors(tmp_path):
    file = tmp_path / "m.isxd"
    members = make.metadata((6, 7), "uint16", 5)
    file.write_bytes(isxd(FRAMES[:3].tobytes() + b"x" * 80, members))
    with pytest.warns(isx.IsxWarning, match="holds only 3; the last 2 cannot be read") as caught:
        movie = isx.Movie.read(file)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(movie.get_frame_data(2), FRAMES[2])
    for index in (3, 4):
        with pytest.raises(isx.IsxFormatError, match=r"Error reading movie frame: .*m\.isxd"):
            movie.get_frame_data(index)
    np.testing.assert_array_equal(movie.get_frame_data(0), FRAMES[0])


def test_frames_beyond_the_announced_number_are_ignored(tmp_path):
    file = tmp_path / "m.isxd"
    file.write_bytes(isxd(FRAMES.tobytes(), make.metadata((6, 7), "uint16", 2)))
    np.testing.assert_array_equal(isx.Movie.read(file)[:], FRAMES[:2])


# -- time stamps and frame headers ----------------------------------------------------------------


def test_time_stamps_and_headers(tmp_path):
    stamps = 2**63 + 1000 * np.arange(5, dtype=object) ** 2
    path = with_lines(tmp_path / "m.isxd", stamps, numTimes=7, dropped=[1], blank=[6])
    movie = isx.Movie.read(path)
    valid = [0, 2, 3, 4, 5]
    assert [movie.get_frame_timestamp(i) for i in valid] == stamps.tolist()
    assert [movie.get_frame_timestamp(i) for i in (1, 6)] == [0, 0]
    assert movie.timestamps.dtype == np.uint64
    assert movie.timestamps.tolist() == [int(stamps[0]), 0, *map(int, stamps[1:]), 0]
    header = movie.get_frame_header(4)
    assert (header.efocus, header.frame_count, header.timestamp) == (300, 3, int(stamps[3]))
    assert movie.get_frame_header(1) is None
    for call in (movie.get_frame_timestamp, movie.get_frame_header):
        with pytest.raises(isx.IsxIndexError):
            call(7)


def test_seconds_of_both_clocks(tmp_path):
    counters = [1_000_000, 1_120_000, 1_150_000, 1_201_000]
    path = with_lines(tmp_path / "m.isxd", counters, numTimes=6, dropped=[1], blank=[5])
    movie = isx.Movie.read(path)
    assert movie.timing.period.fraction == Fraction(201_000, 4 * 10**6)
    np.testing.assert_array_equal(movie.seconds(), [0, np.nan, 0.1005, 0.15075, 0.201, np.nan])
    np.testing.assert_array_equal(movie.seconds(clock="hardware"), [0, np.nan, 0.12, 0.15, 0.201, np.nan])
    np.testing.assert_array_equal(
        movie.timestamps - movie.timestamps[0], movie.seconds(clock="hardware") * 1e6
    )
    with pytest.raises(ValueError, match=r"Unknown clock 'tsc'\. Options are timing, hardware"):
        movie.seconds(clock="tsc")
    path = with_lines(tmp_path / "m.isxd", [1_100_000, 1_150_000, 1_220_000], numTimes=5, dropped=[0, 1])
    movie = isx.Movie.read(path)  # a period of 60 ms: sample 0 was at 980,000
    assert np.array_equal(movie.seconds(clock="hardware")[2:], [0.12, 0.17, 0.24])
    assert np.isnan(movie.seconds(clock="hardware")[:2]).all()


def test_every_field_of_a_header(tmp_path):
    values = {
        "color_id": 2,
        "write_enable": 1,
        "frame_count": 0x89ABCDEF,
        "led1_power": 0x1234,
        "led1_forward_voltage": 0x2345,
        "led2_power": 0x3456,
        "led2_forward_voltage": 0x4567,
        "efocus": 1000,
        "timestamp": 0xFEDCBA9876543210,
    }
    body = make.with_lines(FRAMES[:1], [make.header_line(**values)])
    members = make.metadata((6, 7), "uint16", 1, hasFrameHeaderFooter=True)
    path = tmp_path / "m.isxd"
    path.write_bytes(isxd(body, members))
    header = isx.Movie.read(path).get_frame_header(0)
    assert {name: getattr(header, name) for name in values} == values


def test_period_from_the_time_stamps(tmp_path):
    path = with_lines(tmp_path / "m.isxd", [1000, 5000, 101000])
    assert repr(isx.Movie.read(path).timing._impl.step) == "IsxRatio(100000, 2000000)"
    kept = "IsxRatio(50, 1000)"
    for stamps, changes in [
        ([1000, 5000], {}),  # neighbours
        ([5000, 1000, 1000], {}),  # going back
        ([1000, 2000, 3000], {"extraProperties": None}),  # no time stamps
        ([1000, 2000, 3000], {"extraProperties": {"producer": {"version": "1.1.0"}}}),
        ([1000], {"numTimes": 3, "dropped": [0, 1]}),
    ]:
        path = with_lines(tmp_path / "m.isxd", stamps, **changes)
        assert repr(isx.Movie.read(path).timing._impl.step) == kept
    path = with_lines(tmp_path / "m.isxd", [1000, 3000], numTimes=4, dropped=[0, 2])
    assert repr(isx.Movie.read(path).timing._impl.step) == "IsxRatio(2000, 2000000)"


def test_time_stamps_of_a_file_that_lost_its_end(tmp_path):
    path = with_lines(tmp_path / "m.isxd", [1000, 2000, 3000], numTimes=9)
    with pytest.warns(isx.IsxWarning, match="holds only 3"):
        movie = isx.Movie.read(path)
    assert repr(movie.timing._impl.step) == "IsxRatio(50, 1000)"
    assert movie.timestamps.tolist() == [1000, 2000, 3000, 0, 0, 0, 0, 0, 0]
    with pytest.raises(isx.IsxFormatError):
        movie.get_frame_timestamp(3)


def test_movies_without_time_stamps(path):
    movie = isx.Movie.read(path)
    for index in (0, 3, 99, -1):
        with pytest.raises(isx.IsxError, match=r"No frame timestamps stored in movie\."):
            movie.get_frame_timestamp(index)
    assert movie.timestamps is None
    assert movie.get_frame_header(0) is None
    with pytest.raises(isx.IsxError, match=r"No frame timestamps stored in movie\."):
        movie.seconds(clock="hardware")
    assert movie.seconds()[0] == 0


# -- metadata ------------------------------------------------------------------------------------


def test_metadata(path):
    movie = isx.Movie.read(path)
    assert movie.get_acquisition_info() == {"Acquisition SW Version": "1.9.0", "Animal ID": "m1"}
    assert movie.get_acquisition_info() is not movie.get_acquisition_info()
    assert movie.metadata["extraProperties"] == EXTRA
    assert movie.footer == movie.metadata
    with pytest.raises(TypeError):
        movie.metadata["type"] = 5


def test_metadata_of_a_movie_being_written(tmp_path):
    for session, info in ((None, None), (EXTRA, {"Acquisition SW Version": "1.9.0", "Animal ID": "m1"})):
        path = tmp_path / f"{bool(session)}.isxd"
        movie = isx.Movie.write(path, isx.Timing(1), isx.Spacing((6, 7)), "u2", extra_properties=session)
        assert movie.get_acquisition_info() == info
        movie.set_frame_data(0, FRAMES[0])
        movie.flush()
        assert movie.get_acquisition_info() == info
        movie.close()


# -- life --------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be deleted here")
def test_a_deleted_file_can_still_be_read(path):
    movie = isx.Movie.read(path)
    path.unlink()
    np.testing.assert_array_equal(movie.get_frame_data(5), FRAMES[4])


def test_a_file_that_shrinks_is_an_error(path):
    movie = isx.Movie.read(path)
    with path.open("r+b") as file:
        file.truncate(100)
    for ask in (
        lambda: movie.get_frame_data(20),
        lambda: movie[4:],
        lambda: movie[4:, 0],
        lambda: np.asarray(movie),
    ):
        with pytest.raises(isx.IsxFormatError, match="shortened while it was open"):
            ask()
