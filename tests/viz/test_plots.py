"""Pictures of cell sets: what is on them, not how they look."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

import isx

pytest.importorskip("matplotlib")

from matplotlib.colors import to_hex

from openisx.viz._plots import STATUS_COLORS, background_image, plot_cell_set, save_figure


@pytest.fixture
def make(tmp_path):
    def write(images, traces, statuses=None, names=None, dropped=()):
        path = tmp_path / "cells.isxd"
        timing = isx.Timing(np.shape(traces)[1] if len(traces) else 5, dropped=dropped)
        with isx.CellSet.write(path, timing, isx.Spacing(np.shape(images)[1:])) as cells:
            for i, (image, trace) in enumerate(zip(images, traces, strict=True)):
                cells.set_cell_data(i, image, trace, names[i] if names else None)
            if statuses:
                cells.set_cell_statuses(statuses)
        return isx.CellSet.read(path)

    return write


def square(row, column, shape=(20, 30)):
    image = np.zeros(shape, np.float32)
    image[row : row + 4, column : column + 5] = 2
    return image


@pytest.fixture
def three(make):
    traces = np.random.default_rng(0).normal(size=(3, 50)).astype(np.float32)
    images = np.stack([square(0, 0), square(8, 12), square(16, 25)])
    return make(images, traces, ["accepted", "rejected", "undecided"], ["A", "$x_1", "C"])


def test_outlines_traces_and_names(three):
    figure = plot_cell_set(three)
    left, right = figure.axes
    outlines = left.collections
    assert [to_hex(outline.get_edgecolor()[0]) for outline in outlines] == [
        STATUS_COLORS[status] for status in ("accepted", "rejected", "undecided")
    ]
    boxes = [np.concatenate([p.vertices for p in outline.get_paths()]) for outline in outlines]
    np.testing.assert_allclose(boxes[0].min(axis=0), [-0.5, -0.5])
    np.testing.assert_allclose(boxes[1].min(axis=0), [11.5, 7.5])
    np.testing.assert_allclose(boxes[1].max(axis=0), [16.5, 11.5])
    assert [text.get_text() for text in left.texts] == ["A", "$x_1", "C"]
    assert [line.get_color() for line in right.lines] == [to_hex(o.get_edgecolor()[0]) for o in outlines]
    assert [label.get_text() for label in right.get_yticklabels()] == ["A", "$x_1", "C"]
    np.testing.assert_allclose(right.lines[0].get_xdata()[[0, -1]], [0, 49 * 0.05])
    assert {text.get_text()[2:] for text in figure.texts} >= {"1 accepted", "1 undecided", "1 rejected"}


def test_choice_of_cells(three):
    figure = plot_cell_set(three, statuses=["accepted", "undecided"], max_traces=1)
    left, right = figure.axes
    assert [text.get_text() for text in left.texts] == ["A", "C"]
    assert [label.get_text() for label in right.get_yticklabels()] == ["A"]
    assert "traces of 1 of 2 cells" in [text.get_text() for text in figure.texts]
    with pytest.raises(ValueError, match="Unknown status 'good'"):
        plot_cell_set(three, statuses=["good"])


def test_image(three):
    image = np.arange(600).reshape(20, 30)
    shown = plot_cell_set(three, image).axes[0].images[0].get_array()
    assert shown.shape == (20, 30)
    assert shown[0, 0] == 0
    with pytest.raises(ValueError, match=r"the image has the size \(3, 3\), the footprints have \(20, 30\)"):
        plot_cell_set(three, np.zeros((3, 3)))


def test_odd_cells_are_drawn_without_warnings(make, tmp_path):
    images = np.stack([np.zeros((4, 4)), np.full((4, 4), np.nan), np.ones((4, 4)), -np.ones((4, 4))])
    traces = np.stack([np.zeros(6), np.full(6, np.nan), np.arange(6), np.full(6, np.inf)])
    cells = make(images.astype(np.float32), traces.astype(np.float32), dropped=[2])
    save_figure(plot_cell_set(cells), tmp_path / "odd.png")
    assert len(plot_cell_set(cells).axes[0].collections) == 1


def test_no_cells_and_tiny_images(make, tmp_path):
    save_figure(plot_cell_set(make(np.zeros((0, 3, 3)), np.zeros((0, 5)))), tmp_path / "none.png")


def test_one_pixel(make, tmp_path):
    cells = make(np.ones((1, 1, 1), np.float32), np.ones((1, 1), np.float32))
    save_figure(plot_cell_set(cells), tmp_path / "one.png")


def test_long_traces_keep_their_peaks(make):
    trace = np.zeros((1, 100_000), np.float32)
    trace[0, 77_777] = 1
    line = plot_cell_set(make(np.ones((1, 2, 2), np.float32), trace)).axes[1].lines[0]
    assert len(line.get_ydata()) < 10_000
    assert line.get_xdata()[np.argmin(line.get_ydata())] == pytest.approx(77_777 * 0.05, abs=5)


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_saving(three, tmp_path, ending, magic):
    path = tmp_path / f"cells.{ending}"
    save_figure(plot_cell_set(three), path)
    assert path.read_bytes().startswith(magic)
    with pytest.raises(isx.IsxFileExistsError):
        save_figure(plot_cell_set(three), path)
    if ending == "png":
        with Image.open(path) as image:
            assert image.width == 1800


def test_background(tmp_path):
    path = tmp_path / "movie.isxd"
    with isx.Movie.write(path, isx.Timing(3, dropped=[1]), isx.Spacing((2, 2)), np.uint16) as movie:
        movie.set_frame_data(0, np.full((2, 2), 60000, np.uint16))
        movie.set_frame_data(2, np.full((2, 2), 20000, np.uint16))
    np.testing.assert_array_equal(background_image(path), np.full((2, 2), 40000, np.float32))
    image = tmp_path / "image.isxd"
    isx.Image.write(image, isx.Spacing((1, 2)), np.float32, np.array([[1, 2]], np.float32))
    np.testing.assert_array_equal(background_image(image), [[1, 2]])
    with pytest.raises(isx.IsxFileNotFoundError):
        background_image(tmp_path / "missing.isxd")
    empty = tmp_path / "empty.isxd"
    isx.Movie.write(empty, isx.Timing(1, dropped=[0]), isx.Spacing((2, 2)), np.uint16).flush()
    with pytest.raises(isx.IsxError, match="no frames to draw"):
        background_image(empty)


def test_matplotlib_missing(three, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(isx.IsxImportError, match=r'pip install "openisx\[plot\]"'):
        plot_cell_set(three)
