"""Writing movies and images: order, completeness, atomicity, errors."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
import openisx

SOURCE = str(Path(openisx.__file__).parent.parent)
SPACING = isx.Spacing((2, 3))


def frame(value: float, dtype: str = "uint16") -> np.ndarray:
    return np.full((2, 3), value, dtype)


def start(path, num_samples=3, dtype="uint16", **timing):
    return isx.Movie.write(path, isx.Timing(num_samples=num_samples, **timing), SPACING, dtype)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "movie.isxd"


def write_whole(path, **kwargs):
    with start(path, **kwargs) as movie:
        for i in range(3):
            movie.set_frame_data(i, frame(i))


def test_nothing_under_the_final_name_before_flush(path):
    movie = start(path)
    movie.set_frame_data(0, frame(1))
    assert not path.exists()
    movie.flush(fill_missing=True)
    assert path.exists()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("dtype", ["uint16", "float32", "uint8", np.uint8, np.dtype("f4")])
def test_every_type_is_written_and_read_back(path, dtype):
    with start(path, dtype=dtype) as movie:
        for i in range(3):
            movie.set_frame_data(i, frame(i, np.dtype(dtype).name))
    with isx.Movie.read(path) as movie:
        assert movie.data_type is np.dtype(dtype).type
        np.testing.assert_array_equal(movie[:, 1, 2], [0, 1, 2])


@pytest.mark.parametrize("indices", [[0, 1, 0, 1, 2], [4, 3, 2, 1, 0], [0, 2, 2, 2, 4]])
def test_frames_are_stored_in_the_order_of_calls(path, indices):
    movie = start(path, num_samples=5)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for value, index in enumerate(indices):
            movie.set_frame_data(index, frame(value))
    assert len(told) == 1
    assert told[0].category is isx.IsxWarning
    assert "stored in the order in which they are set" in str(told[0].message)
    assert told[0].filename == __file__
    np.testing.assert_array_equal(movie.get_frame_data(3), frame(3))
    with pytest.raises(ValueError, match="has all of its 5 frames"):
        movie.set_frame_data(0, frame(9))
    with pytest.raises(IndexError):
        movie.set_frame_data(5, frame(9))
    movie.close()
    np.testing.assert_array_equal(isx.Movie.read(path)[:, 0, 0], range(5))


@pytest.mark.parametrize("refused", [np.zeros((9, 9), np.uint16), "no array"])
def test_nothing_is_left_behind_where_a_frame_was_refused(path, refused):
    movie = start(path)
    movie.set_frame_data(0, frame(0))
    with pytest.raises((TypeError, ValueError)):
        movie.set_frame_data(1, refused)
    assert len(list(path.parent.iterdir())) == 2  # it can be mended yet
    del movie
    gc.collect()
    assert list(path.parent.iterdir()) == []


def test_a_file_that_is_being_written_is_called_so(path):
    movie = start(path)
    movie.set_frame_data(0, frame(0))
    for read in (isx.Movie.read, isx.Image.read, isx.open):
        with pytest.raises(
            isx.IsxFileNotFoundError, match=r"does not exist: .*still being written.*flush\(\)"
        ):
            read(path)
    movie.flush(fill_missing=True)
    isx.Movie.read(path).close()


@pytest.mark.parametrize("kind", ["CellSet", "EventSet", "VesselSet"])
def test_a_set_that_is_being_written_is_called_so(path, kind):
    timing = isx.Timing(num_samples=3)
    unfinished: Any
    if kind == "EventSet":
        unfinished = isx.EventSet.write(path, timing, ["C0", "C1"])
    elif kind == "CellSet":
        unfinished = isx.CellSet.write(path, timing, isx.Spacing((4, 5)))
    else:
        unfinished = isx.VesselSet.write(path, timing, isx.Spacing((4, 5)), "vessel diameter")
    with pytest.raises(isx.IsxFileNotFoundError, match="still being written"):
        getattr(isx, kind).read(path)
    del unfinished


def test_missing_samples_are_skipped_silently(path):
    with start(path, num_samples=5, dropped=[0], cropped=[(2, 2)], blank=[4]) as movie:
        for i in range(5):
            movie.set_frame_data(i, frame(i + 1))
    assert path.stat().st_size < 2000
    np.testing.assert_array_equal(isx.Movie.read(path)[:, 0, 0], [0, 2, 0, 4, 0])


def test_flush_names_the_missing_frames_and_can_be_repeated(path):
    movie = start(path)
    movie.set_frame_data(0, frame(5))
    with pytest.raises(isx.IsxStateError, match="2 of 3 frames were not set, from sample 1"):
        movie.flush()
    movie.set_frame_data(1, frame(6))
    movie.flush(fill_missing=True)
    movie.flush()
    np.testing.assert_array_equal(isx.Movie.read(path)[:, 0, 0], [5, 6, 0])


def test_frames_can_be_read_while_writing(path):
    movie = start(path)
    movie.set_frame_data(0, frame(5))
    np.testing.assert_array_equal(movie.get_frame_data(0), frame(5))
    movie.set_frame_data(1, frame(6))
    with pytest.raises(isx.IsxStateError, match="not been set"):
        movie.get_frame_data(2)
    movie.set_frame_data(2, frame(7))
    movie.flush()
    np.testing.assert_array_equal(movie.get_frame_data(1), frame(6))
    assert movie.mode == "w"
    assert movie.get_acquisition_info() is None


def test_setting_after_flush_and_on_read_movies(path):
    movie = start(path, num_samples=1)
    movie.set_frame_data(0, frame(1))
    movie.flush()
    with pytest.raises(isx.IsxStateError, match="Writing frame after file was closed for writing: "):
        movie.set_frame_data(0, frame(1))
    with pytest.raises(ValueError, match=r"Cannot set frame data if movie is read-only\."):
        isx.Movie.read(path).set_frame_data(0, frame(1))


def test_wrong_frames_leave_the_movie_usable(path):
    movie = start(path, num_samples=1)
    with pytest.raises(TypeError, match="Frame must be a numpy array"):
        movie.set_frame_data(0, [[1, 2, 3], [4, 5, 6]])
    for shape in [(3, 2), (6,), (1, 2, 3)]:
        with pytest.raises(ValueError, match="Cannot set frame with different shape than movie"):
            movie.set_frame_data(0, np.zeros(shape, np.uint16))
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        movie.set_frame_data(0.0, frame(1))
    movie.set_frame_data(np.int64(0), frame(1))
    movie.flush()


@pytest.mark.parametrize(
    ("given", "warning", "stored"),
    [
        (np.full((2, 3), 0.7), "Converting from float64 to uint16.", 0),
        (np.full((2, 3), -1, np.int32), "Converting from int32 to uint16.", 65535),
        (np.full((2, 3), 70000, np.int32), "Converting from int32 to uint16.", 4464),
        (np.full((2, 3), 258, ">u2"), "Converting from >u2 to uint16.", 258),
        (np.full((2, 3), True), "Converting from bool to uint16.", 1),
    ],
)
def test_other_types_are_converted_with_a_warning(path, given, warning, stored):
    with start(path, num_samples=1) as movie, pytest.warns(UserWarning, match="^Converting from") as caught:
        movie.set_frame_data(0, given)
    assert [str(w.message) for w in caught] == [warning]
    assert isx.Movie.read(path).get_frame_data(0)[0, 0] == stored


def test_any_memory_order_is_stored_by_value(path):
    values = np.arange(6, dtype=np.uint16).reshape(2, 3)
    with start(path) as movie:
        movie.set_frame_data(0, np.asfortranarray(values))
        movie.set_frame_data(1, np.repeat(values, 2, axis=1)[:, ::2])
        movie.set_frame_data(2, np.ma.masked_array(values, mask=values > 2))
    for stored in isx.Movie.read(path):
        np.testing.assert_array_equal(stored, values)


def test_arguments_are_checked_before_any_file_appears(tmp_path):
    timing = isx.Timing(num_samples=1)
    for args, error, text in [
        (("a.isxb", timing, SPACING, np.uint16), ValueError, "Cannot write isxb movies."),
        (("a.tif", timing, SPACING, np.uint16), ValueError, "Expected extension: isxd"),
        (("a", timing, SPACING, np.uint16), ValueError, "Expected extension: isxd"),
        (("a.isxd", 3, SPACING, np.uint16), TypeError, "Timing"),
        (("a.isxd", timing, (2, 3), np.uint16), TypeError, "Spacing"),
        (("a.isxd", timing, SPACING, np.float64), ValueError, "Unknown data_type"),
        (
            ("a.isxd", timing, SPACING, "nonsense"),
            ValueError,
            "Unknown data_type 'nonsense'. Options are <class",
        ),
        (("a.isxd", timing, SPACING, None), ValueError, "Unknown data_type"),
    ]:
        with pytest.raises(error, match=text):
            isx.Movie.write(tmp_path / args[0], *args[1:])
    with pytest.raises(TypeError):
        isx.Movie.write(None, timing, SPACING, np.uint16)
    assert list(tmp_path.iterdir()) == []


def test_existing_files_are_never_touched(path):
    path.write_bytes(b"precious")
    with pytest.raises(isx.IsxFileExistsError, match="File already exists: "):
        start(path)
    with pytest.raises(isx.IsxFileExistsError, match="File already exists: "):
        isx.Image.write(path, SPACING, np.uint16, frame(1))
    assert path.read_bytes() == b"precious"
    assert list(path.parent.iterdir()) == [path]


def test_two_writers_of_one_file(path):
    movie = start(path)
    with pytest.raises(isx.IsxFileExistsError, match="File already exists: "):
        start(path)
    movie.flush(fill_missing=True)
    with pytest.raises(isx.IsxFileExistsError):
        start(path)


def test_a_file_that_appears_meanwhile_survives_and_so_do_the_frames(path):
    movie = start(path, num_samples=1)
    movie.set_frame_data(0, frame(4))
    path.write_bytes(b"precious")
    with pytest.raises(isx.IsxFileExistsError, match="complete new content is in"):
        movie.flush()
    assert path.read_bytes() == b"precious"
    path.unlink()
    isx.recover(path)
    assert isx.Movie.read(path).get_frame_data(0)[0, 0] == 4


def test_missing_folder(tmp_path):
    with pytest.raises(
        isx.IsxFileError, match=r"Failed to open movie file for read/write \(.*\) with error: "
    ):
        start(tmp_path / "nowhere" / "movie.isxd")


def test_disk_full_while_writing(path, monkeypatch):
    movie = start(path)

    def full(fd, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("openisx._files.output.os.write", full)
        with pytest.raises(isx.IsxFileError, match="No space left on device"):
            movie.set_frame_data(0, frame(1))
    assert not path.exists()
    movie.set_frame_data(0, frame(1))
    movie.flush(fill_missing=True)
    np.testing.assert_array_equal(isx.Movie.read(path)[:, 0, 0], [1, 0, 0])


def test_too_little_space_is_noticed_before_the_first_byte(path):
    with pytest.raises(isx.IsxFileError, match="MB are needed"):
        isx.Movie.write(path, isx.Timing(num_samples=2**31), isx.Spacing((10_000, 10_000)), np.float32)
    assert list(path.parent.iterdir()) == []


def test_an_error_inside_the_with_block_leaves_nothing(path):
    with pytest.raises(KeyboardInterrupt), start(path) as movie:
        movie.set_frame_data(0, frame(1))
        raise KeyboardInterrupt
    assert list(path.parent.iterdir()) == []
    write_whole(path)


def test_missing_frames_at_the_end_of_the_with_block(path):
    with pytest.raises(isx.IsxStateError, match="not set"), start(path) as movie:
        movie.set_frame_data(0, frame(1))
    del movie
    gc.collect()
    assert isx.recover(path).num_frames == 1


def test_a_complete_movie_that_is_deleted_is_kept(path):
    movie = start(path)
    for i in range(3):
        movie.set_frame_data(i, frame(i))
    del movie
    gc.collect()
    np.testing.assert_array_equal(isx.Movie.read(path)[:, 0, 0], [0, 1, 2])


def test_an_incomplete_movie_that_is_deleted_can_be_recovered(path):
    movie = start(path)
    movie.set_frame_data(0, frame(8))
    finish = movie._finalizer
    with pytest.warns(isx.IsxWarning, match="1 of 3 frames were written"):
        finish()
    assert not path.exists()
    assert isx.recover(path).num_frames == 1


def test_scripts_that_never_flush_get_their_file(path):
    code = (
        f"import sys; sys.path.insert(0, {SOURCE!r}); import isx, numpy as np\n"
        f"m = isx.Movie.write({str(path)!r}, isx.Timing(num_samples=1), isx.Spacing((2, 3)), np.uint16)\n"
        "m.set_frame_data(0, np.full((2, 3), 3, np.uint16))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert isx.Movie.read(path).get_frame_data(0)[0, 0] == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_does_not_disturb_the_writer(path):
    movie = start(path)
    movie.set_frame_data(0, frame(1))
    pid = os.fork()
    if pid == 0:
        del movie
        gc.collect()
        os._exit(0)
    os.waitpid(pid, 0)
    movie.flush(fill_missing=True)
    np.testing.assert_array_equal(isx.Movie.read(path)[:, 0, 0], [1, 0, 0])


def test_session_metadata_are_passed_on(path, tmp_path):
    session = {"animal": {"id": "m7", "weight": 20.5}, "name": "é", "idps": {"steps": []}}
    with isx.Movie.write(
        path, isx.Timing(num_samples=1), SPACING, np.uint16, extra_properties=session
    ) as movie:
        movie.set_frame_data(0, frame(1))
    with isx.Movie.read(path) as first:
        assert first.metadata["extraProperties"] == session
        assert first.get_acquisition_info() == {
            "Animal ID": "m7",
            "Animal Weight": 20.5,
            "Session Name": "é",
        }
        copy = tmp_path / "copy.isxd"
        with isx.Movie.write(
            copy, first.timing, first.spacing, first.dtype, extra_properties=first.metadata["extraProperties"]
        ) as second:
            second.set_frame_data(0, first.get_frame_data(0))
    assert copy.read_bytes() == path.read_bytes()


def test_session_metadata_that_are_not_json(path):
    with pytest.raises(TypeError, match="cannot write"):
        isx.Movie.write(path, isx.Timing(num_samples=1), SPACING, np.uint16, extra_properties={"a": object()})
    assert list(path.parent.iterdir()) == []


def test_timing_and_spacing_given_are_copied(path):
    spacing = isx.Spacing((2, 3))
    movie = isx.Movie.write(path, isx.Timing(num_samples=1), spacing, np.uint16)
    spacing._impl.pixel_width = isx._internal.IsxRatio(22, 10)
    movie.set_frame_data(0, frame(0))
    movie.flush()
    assert isx.Movie.read(path).spacing == isx.Spacing((2, 3))


def test_exact_ratios_survive(path):
    spacing = isx.Spacing((2, 3))
    spacing._impl.pixel_width = isx._internal.IsxRatio(22, 10)
    time = isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(2000, 4000), -25200)
    timing = isx.Timing(num_samples=1, period=isx.Duration._from_num_den(2000, 20000), start=time)
    with isx.Movie.write(path, timing, spacing, np.uint16) as movie:
        movie.set_frame_data(0, frame(0))
    with isx.Movie.read(path) as movie:
        info = movie.metadata["timingInfo"]
        assert info["period"] == {"num": 2000, "den": 20000}
        assert info["start"] == {"secsSinceEpoch": {"num": 2000, "den": 4000}, "utcOffset": -25200}
        assert movie.metadata["spacingInfo"]["pixelSize"]["x"] == {"num": 22, "den": 10}
        assert movie.spacing == spacing


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)])
def test_movies_without_pixels(path, shape):
    with isx.Movie.write(path, isx.Timing(num_samples=2), isx.Spacing(shape), np.float32) as movie:
        movie.set_frame_data(0, np.zeros(shape, np.float32))
        movie.set_frame_data(1, np.zeros(shape, np.float32))
    with isx.Movie.read(path) as movie:
        assert movie.get_frame_data(1).shape == shape
        assert np.asarray(movie).shape == (2, *shape)


def test_movies_without_samples(path):
    start(path, num_samples=0).flush()
    with isx.Movie.read(path) as movie:
        assert movie.metadata["type"] == 4
        assert np.asarray(movie).shape == (0, 2, 3)
        with pytest.raises(isx.IsxIndexError, match=r"The index of the frame \(0\) is out of range"):
            movie.get_frame_data(0)


class TestImages:
    def test_round_trip(self, path):
        values = np.arange(6, dtype=np.float32).reshape(2, 3)
        image = isx.Image.write(path, SPACING, np.float32, values)
        assert image.mode == "w"
        assert image.get_data() is values
        again = isx.Image.read(path)
        assert again.mode == "r"
        assert again.data_type is np.float32
        assert again.get_data() is again.get_data()
        np.testing.assert_array_equal(again.get_data(), values)
        assert str(again).split("\n") == [
            "Image",
            f"    file_path: {path.resolve()}",
            "    mode: r",
            "    spacing: Spacing(num_pixels=(2, 3))",
            "    data_type: <class 'numpy.float32'>        ",
        ]

    def test_wrong_data_leave_no_file(self, path):
        with pytest.raises(ValueError, match="different shape"):
            isx.Image.write(path, SPACING, np.float32, np.zeros((3, 2), np.float32))
        with pytest.raises(TypeError):
            isx.Image.write(path, SPACING, np.float32, [[1, 2, 3], [4, 5, 6]])
        assert list(path.parent.iterdir()) == []

    def test_more_than_one_frame(self, path):
        write_whole(path)
        with pytest.raises(
            AttributeError, match=r"File has more than one frame\. Use isx\.Movie\.read instead\."
        ):
            isx.Image.read(path)
        with pytest.raises(isx.IsxError):
            isx.Image.read(path)

    def test_bare(self):
        image = isx.Image()
        assert image.file_path is image.mode is image.spacing is image.data_type is image.get_data() is None
        assert "file_path: None" in str(image)
