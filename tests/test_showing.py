"""How objects show themselves: one line for ``repr``, text and a small picture in notebooks."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

import isx
from openisx import _pictures as pictures

CLASSES = (isx.Movie, isx.Image, isx.CellSet, isx.EventSet, isx.VesselSet, isx.GpioSet)
TIMING = isx.Timing(num_samples=5, period=isx.Duration.from_msecs(50), dropped=[2])


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    scene = isx.synthetic.Scene(num_frames=60, shape=(100, 160), num_neurons=12)
    return isx.synthetic.write(tmp_path_factory.mktemp("recording"), scene)


def parsed(text):
    """HTML of an object as a tree; fails unless it is well formed."""
    return ET.fromstring(text.replace("<br>", "<br/>"))


def images(text):
    found = re.findall(r'href="data:image/png;base64,([^"]+)"', text)
    return [np.asarray(Picture.open(io.BytesIO(base64.b64decode(encoded)))) for encoded in found]


@pytest.mark.parametrize("cls", CLASSES)
def test_made_by_the_constructor_alone(cls):
    assert repr(cls()) == f"<isx.{cls.__name__}, not opened>"
    assert "not opened" in "".join(parsed(cls()._repr_html_()).itertext())


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        ("movie", "isx.Movie '*_video.isxd' 60 x 100 x 160 uint16, 20 Hz, 3 dropped"),
        ("cells", "isx.CellSet '*_cells.isxd' 12 cells, 60 samples of 100 x 160, 20 Hz, 3 dropped"),
        ("events", "isx.EventSet '*_events.isxd' 12 cells, 60 samples, 20 Hz"),
        ("velocities", "isx.VesselSet '*_blood-velocities.isxd' 4 vessels, 2 samples of 100 x 160, 1 Hz"),
        ("gpio", "isx.GpioSet '*.gpio' 27 channels, 3.076 s"),
        ("imu", "isx.GpioSet '*.imu' 9 IMU channels, 3.01 s"),
    ],
)
def test_one_line(recording, sample, text):
    opened = isx.open(recording[sample])
    shown = re.sub(r"2024-03-12-10-15-30", "*", repr(opened))
    assert re.sub(r"3\.0\d+ s", "3 s", shown) == f"<{re.sub(r'3[.]0[0-9]+ s', '3 s', text)}>"
    opened.close()
    assert repr(opened).endswith(", closed>")
    assert "closed" in "".join(parsed(opened._repr_html_()).itertext())


def test_kinds_of_missing_samples(tmp_path):
    timing = isx.Timing(num_samples=9, dropped=[1], cropped=[(3, 5)])
    with isx.Movie.write(tmp_path / "m.isxd", timing, isx.Spacing((2, 3)), np.float32) as movie:
        assert repr(movie) == "<isx.Movie 'm.isxd' 9 x 2 x 3 float32, 20 Hz, 4 missing, being written>"
        movie.flush(fill_missing=True)
        assert repr(movie) == "<isx.Movie 'm.isxd' 9 x 2 x 3 float32, 20 Hz, 4 missing>"


def test_while_being_written(tmp_path):
    spacing = isx.Spacing((4, 4))
    with isx.CellSet.write(tmp_path / "c.isxd", TIMING, spacing) as cells:
        cells.set_cell_data(0, np.eye(4, dtype=np.float32), np.arange(5, dtype=np.float32), "<b>C0</b>")
        assert (
            repr(cells)
            == "<isx.CellSet 'c.isxd' 1 cell, 5 samples of 4 x 4, 20 Hz, 1 dropped, being written>"
        )
        text = cells._repr_html_()
        assert "<b>C0</b>" in "".join(parsed(text).itertext())  # escaped, so it is text
        assert (images(text)[0][..., 0] > 0).tolist() == np.eye(4, dtype=bool).tolist()
    with isx.EventSet.write(tmp_path / "e.isxd", TIMING, ["a"]) as events:
        assert repr(events).endswith(", being written>")
        assert images(events._repr_html_()) == []


def test_movie_shows_its_first_valid_frame(tmp_path):
    timing = isx.Timing(num_samples=3, dropped=[0])
    with isx.Movie.write(tmp_path / "a&b.isxd", timing, isx.Spacing((6, 8)), np.uint16) as movie:
        movie.set_frame_data(1, np.arange(48, dtype=np.uint16).reshape(6, 8))
        movie.set_frame_data(2, np.zeros((6, 8), np.uint16))
    opened = isx.open(tmp_path / "a&b.isxd")
    (picture,) = images(opened._repr_html_())
    assert picture.shape == (6, 8)
    assert picture[0, 0] == 0
    assert picture[-1, -1] == 255
    assert "Movie a&b.isxd" in "".join(parsed(opened._repr_html_()).itertext())


def test_image(tmp_path):
    data = np.arange(12, dtype=np.float32).reshape(3, 4)
    image = isx.Image.write(tmp_path / "i.isxd", isx.Spacing((3, 4)), np.float32, data)
    assert repr(image) == "<isx.Image 'i.isxd' 3 x 4 float32>"
    np.testing.assert_array_equal(images(image._repr_html_())[0], pictures.to_gray(data))


def test_pictures_are_small(tmp_path):
    size = (1000, 700)
    image = isx.Image.write(
        tmp_path / "big.isxd", isx.Spacing(size), np.uint16, np.zeros(size, dtype=np.uint16)
    )
    (picture,) = images(image._repr_html_())
    assert picture.shape == (200, 140)
    assert pictures.affordable(1000, 2**30) == 0


@pytest.mark.filterwarnings("error")
def test_data_that_show_nothing(tmp_path):
    with isx.Movie.write(
        tmp_path / "m.isxd", isx.Timing(num_samples=2), isx.Spacing((0, 5)), np.uint8
    ) as movie:
        movie.flush(fill_missing=True)
        assert movie._picture() == ""
    with isx.CellSet.write(tmp_path / "c.isxd", TIMING, isx.Spacing((2, 3))) as cells:
        assert len(images(cells._picture())) == 1  # of no cell
        cells.set_cell_data(0, np.full((2, 3), np.nan, np.float32), np.full(5, np.nan, np.float32))
        cells.set_cell_data(1, np.full((2, 3), np.inf, np.float32), np.full(5, np.inf, np.float32))
        assert len(images(cells._picture())) == 1
    movie = isx.Movie.from_array(np.ones((3, 4, 5), np.float32))
    assert repr(movie) == "<isx.Movie in memory 3 x 4 x 5 float32, 20 Hz>"
    assert images(movie._repr_html_())[0].shape == (4, 5)


def test_sets_draw_their_rows(recording):
    cells = parsed(isx.open(recording["cells"])._repr_html_())
    names = [element.text for element in cells.iter() if element.tag.endswith("}text")]
    assert names == [*(f"C{i:02}" for i in range(10)), "and 2 more"]
    gpio = parsed(isx.open(recording["gpio"])._repr_html_())
    names = [element.text for element in gpio.iter() if element.tag.endswith("}text")]
    assert "BNC Sync Output" in names
    vessels = isx.open(recording["velocities"])
    lines = [e.get("points") for e in parsed(vessels._repr_html_()).iter() if e.tag.endswith("}polyline")]
    assert len(lines) == len(vessels)
    first = vessels.lines[0][0].tolist()
    assert lines[0].split(" ")[0] == f"{first[0]:.1f},{first[1]:.1f}"


def test_events_are_marks_at_their_time(tmp_path):
    timing = isx.Timing(num_samples=10, period=isx.Duration.from_secs(1))
    with isx.EventSet.write(tmp_path / "e.isxd", timing, ["a", "b"]) as events:
        events.set_cell_data(1, np.array([5_000_000], np.uint64), np.ones(1, np.float32))
    (picture,) = images(isx.open(tmp_path / "e.isxd")._repr_html_())
    rows, columns = np.nonzero(picture[..., 0] == 0)
    assert set(rows.tolist()) == {6, 7, 8, 9, 10}  # the second of two rows of 6 pixels
    assert abs(columns[0] / picture.shape[1] - 0.5) < 0.06


def test_damaged_files_give_text_alone(recording, tmp_path):
    damaged = tmp_path / "cut.isxd"
    with isx.EventSet.write(damaged, TIMING, ["a"]) as events:
        events.set_cell_data(0, np.array([5], np.uint64), np.ones(1, np.float32))
    opened: Any = isx.open(damaged)
    opened._picture = lambda: 1 / 0
    text = opened._repr_html_()
    assert images(text) == []
    assert "1 cell, 5 samples, 20 Hz" in "".join(parsed(text).itertext())


def test_extremes_of_samples_and_of_levels():
    low, high = pictures.extremes(np.arange(600, dtype=np.float32))
    np.testing.assert_array_equal(low, np.arange(0, 600, 2))
    np.testing.assert_array_equal(high, np.arange(1, 600, 2))
    offsets = np.array([100, 200], np.uint64)
    low, high = pictures.extremes(np.array([1, 3], np.float32), offsets, 300)
    assert np.isnan(low[:99]).all()
    np.testing.assert_array_equal(low[100:200], 1)  # a level holds until the next one
    np.testing.assert_array_equal(high[200:], 3)
    assert np.isnan(pictures.extremes(np.zeros(0, np.float32))[0]).all()
