"""XML recordings: clock, dropped frames, parts, damage."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from builders import movies as make

FRAMES = np.random.default_rng(1).integers(1, 2**16, (9, 2, 3), dtype=np.uint16)
CLOCK = {"fps": "15.0", "record_start": "Jul 14, 2017 02:40:00.123000 PM", "dropped": "[]"}
START = 1500043200123


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.tif").write_bytes(make.tiff_bytes(list(FRAMES[:4])))
    (tmp_path / "b.tif").write_bytes(make.tiff_bytes(list(FRAMES[4:])))
    return tmp_path


def read(folder, attributes, parts=("a.tif", "b.tif")):
    path = folder / "r.xml"
    path.write_text(make.xml_text(attributes, list(parts)), encoding="utf-8")
    return isx.Movie.read(path)


def ratios(movie):
    impl = movie.timing._impl
    start = impl.start.secs_since_epoch
    return (impl.step.num, impl.step.den), (start.num, start.den)


def test_everything(folder):
    attributes = CLOCK | {
        "frames": "9",
        "dropped": "[1, 4]",
        "width": "3",
        "height": "2",
        "left": "10",
        "top": "-20",
    }
    with read(folder, attributes | {"downsample": "2 x 2"}) as movie:
        assert ratios(movie) == ((1000, 15000), (START, 1000))
        assert movie.timing.num_samples == 11
        assert movie.timing.dropped == [1, 4]
        dense = np.insert(FRAMES, [1, 3], 0, axis=0)
        np.testing.assert_array_equal(movie[:], dense)
        np.testing.assert_array_equal([movie.get_frame_data(i) for i in range(11)], dense)
        spacing = movie.spacing._impl
        assert [r.num for r in (spacing.pixel_width, spacing.pixel_height, spacing.left, spacing.top)] == [
            6,
            6,
            10,
            -20,
        ]


@pytest.mark.parametrize(
    ("fps", "period"),
    [("15.0", 15000), ("7.5", 7500), ("15.0003", 15000), ("10", 10000), ("1e1", 10000), ("29.97", 29970)],
)
def test_period(folder, fps, period):
    with read(folder, CLOCK | {"fps": fps, "frames": "9"}) as movie:
        assert ratios(movie)[0] == (1000, period)


@pytest.mark.parametrize("fps", ["abc", "0", "-5", "nan", "inf", "1e-9", "1e400"])
def test_rates_that_are_refused(folder, fps):
    with pytest.raises(isx.IsxFormatError, match="fps should be a number of frames per second"):
        read(folder, CLOCK | {"fps": fps, "frames": "9"})


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Jul 14, 2017 02:40:00.123000 PM", (START, 1000)),
        ("jul 14, 2017 02:40:00.123000 pm", (START, 1000)),
        ("Jul 14, 2017 12:00:00.500000 AM", (1499990400500, 1000)),
        ("Jul 14, 2017 12:00:00.500000 PM", (1500033600500, 1000)),
        ("Jul 4, 2017 2:40:00 PM", (1499179200000, 1000)),
        ("July 14, 2017 02:40:00.123456 PM", (1500043200123456, 1_000_000)),
        ("2017-07-14T14:40:00.123000", (START, 1000)),
        ("2017-07-14 14:40:00.123000+02:00", (START - 7200_000, 1000)),
    ],
)
def test_start(folder, text, start):
    with read(folder, CLOCK | {"record_start": text, "frames": "9"}) as movie:
        assert ratios(movie)[1] == start


@pytest.mark.parametrize(
    "text", ["yesterday", "Foo 14, 2017 02:40:00.123000 PM", "Jul 34, 2017 02:40:00.000000 PM"]
)
def test_starts_that_are_none(folder, text):
    with read(folder, CLOCK | {"record_start": text, "frames": "5"}) as movie:
        assert ratios(movie) == ((50, 1000), (0, 1))
        assert movie.timing.num_samples == 9


@pytest.mark.parametrize("dropped", ["", "[]", None, "[ ]"])
def test_nothing_dropped(folder, dropped):
    attributes = {k: v for k, v in (CLOCK | {"frames": "9", "dropped": dropped}).items() if v is not None}
    with read(folder, attributes) as movie:
        np.testing.assert_array_equal(movie[:], FRAMES)


@pytest.mark.parametrize(
    ("text", "dropped"),
    [("[1,]", [1]), ("(2, 0)", [0, 2]), ("[1 4]", [1]), ("[3,3]", [3]), ("[9]", [9]), (" [1] ", [1])],
)
def test_ways_to_write_dropped(folder, text, dropped):
    with read(folder, CLOCK | {"frames": "9", "dropped": text}) as movie:
        assert movie.timing.dropped == dropped
        assert movie.timing.num_samples == 9 + len(dropped)


@pytest.mark.parametrize("text", ["[a]", "[-1]", "[1, x]"])
def test_dropped_that_is_refused(folder, text):
    with pytest.raises(isx.IsxFormatError, match="dropped should be a list"):
        read(folder, CLOCK | {"dropped": text})


def test_dropped_behind_the_end(folder):
    with pytest.warns(isx.IsxWarning, match="ignored 2 dropped frames behind its end"):
        movie = read(folder, CLOCK | {"frames": "9", "dropped": "[1, 12, 99]"})
    assert movie.timing.dropped == [1]
    assert movie.timing.num_samples == 10
    movie.close()


@pytest.mark.parametrize(("frames", "count"), [("5", 5), ("0", 9), ("abc", 9), ("4.7", 9)])
def test_number_of_frames(folder, frames, count):
    with read(folder, CLOCK | {"frames": frames}) as movie:
        np.testing.assert_array_equal(movie[:], FRAMES[:count])


def test_more_frames_than_there_are(folder):
    with pytest.warns(isx.IsxWarning, match="announces 12 frames but holds only 9"):
        movie = read(folder, CLOCK | {"frames": "12"})
    np.testing.assert_array_equal(movie[:9], FRAMES)
    with pytest.raises(isx.IsxFormatError, match="Error reading movie frame"):
        movie.get_frame_data(9)
    movie.close()


def test_frames_of_each_part(folder):
    with read(folder, CLOCK, [("a.tif", 2), ("b.tif", 3)]) as movie:
        assert ratios(movie)[0] == (1000, 15000)
        np.testing.assert_array_equal(movie[:], FRAMES[[0, 1, 4, 5, 6]])
    with read(folder, CLOCK, [("a.tif", 0), ("b.tif", 0)]) as movie:
        np.testing.assert_array_equal(movie[:], FRAMES)
    with (
        pytest.warns(isx.IsxWarning) if False else read(folder, CLOCK, [("a.tif", 5), ("b.tif", 5)]) as movie
    ):
        np.testing.assert_array_equal(movie.get_frame_data(5), FRAMES[4])
        with pytest.raises(isx.IsxFormatError, match="holds only 4 of the 5 frames announced"):
            movie.get_frame_data(4)


def test_parts_that_differ(folder):
    (folder / "c.tif").write_bytes(make.tiff_bytes([FRAMES[0, :1]]))
    (folder / "d.tif").write_bytes(make.tiff_bytes([FRAMES[0].astype(np.float32)]))
    for name in ("c.tif", "d.tif"):
        for parts in (["a.tif", name], ["a.tif", "b.tif", name]):
            with pytest.raises(isx.IsxFormatError, match=f"the part {name} has frames of"):
                read(folder, CLOCK, parts)


def test_names_of_parts(folder):
    with read(folder, CLOCK, [" a.tif\n", str(folder / "b.tif")]) as movie:
        np.testing.assert_array_equal(movie[:], FRAMES)
    with pytest.raises(isx.IsxFileNotFoundError, match=r"File does not exist: .*missing"):
        read(folder, CLOCK, ["a.tif", "missing.tif"])
    for parts in ([], [""], ["a.tif", " "]):
        with pytest.raises(isx.IsxFormatError, match="names no file with frames"):
            read(folder, CLOCK, parts)
    for name in ("a.raw", "a", "a.isxd"):
        with pytest.raises(isx.IsxFileError, match="File extension not supported: "):
            read(folder, CLOCK, [name])


def test_elements_of_any_name_and_order(folder):
    path = folder / "r.xml"
    path.write_text(
        "<nvista><x/><recording><y/><decompressed><part>a.tif</part></decompressed>"
        '<attrs><a name="dropped">[0]</a><b>no name</b></attrs></recording></nvista>'
    )
    with isx.Movie.read(path) as movie:
        np.testing.assert_array_equal(movie[1:], FRAMES[:4])
        assert ratios(movie) == ((50, 1000), (0, 1))
        assert movie.file_path.endswith("r.xml")
        assert movie.get_acquisition_info() is None


@pytest.mark.parametrize(
    "text", ["", "<recording>", "junk", "<other/>", '<?xml version="1.0" encoding="no-such"?><recording/>']
)
def test_not_a_recording(folder, text):
    path = folder / "r.xml"
    path.write_text(text)
    with pytest.raises(isx.IsxFormatError, match=r"r\.xml"):
        isx.Movie.read(path)


def test_clock_of_hdf5_parts(folder):
    pytest.importorskip("h5py")
    make.write_hdf5(folder / "a.hdf5", FRAMES[:4], [100.7, 100.8, 100.9, 100.95])
    make.write_hdf5(folder / "b.hdf5", FRAMES[4:6], [200.1, 200.4])
    make.write_hdf5(folder / "c.hdf5", FRAMES[6:])
    with read(folder, {"dropped": "[1]"}, ["a.hdf5", "b.hdf5"]) as movie:  # (0.25 + 0.3) / 7
        assert ratios(movie) == ((79, 1000), (100, 1))
        np.testing.assert_array_equal(movie[[0, 2, 3, 4, 5, 6]], FRAMES[:6])
    with read(folder, {}, ["a.hdf5", "c.hdf5"]) as movie:
        assert ratios(movie) == ((50, 1000), (0, 1))
    with read(folder, CLOCK | {"frames": "6"}, ["a.hdf5", "b.hdf5"]) as movie:
        assert ratios(movie) == ((1000, 15000), (START, 1000))


def test_spacing_needs_all_of_its_members(folder):
    with read(folder, CLOCK | {"left": "10", "top": "20", "downsample": "2"}) as movie:
        assert movie.spacing == isx.Spacing((2, 3))
    whole = {"left": "1.5", "top": "x", "downsample": "?", "width": "9", "height": "9"}
    with read(folder, CLOCK | whole) as movie:
        assert movie.spacing == isx.Spacing((2, 3))
