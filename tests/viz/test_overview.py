"""The overview of a movie."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from openisx import synthetic as samples
from openisx.viz import _overview as overview

pytest.importorskip("matplotlib")

SCENE = samples.Scene(seed=9, num_frames=600, shape=(100, 160), num_neurons=8)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return samples.write(tmp_path_factory.mktemp("movie"), SCENE, ["movie"])["movie"]


def test_spots_are_neurons(path):
    with isx.Movie.read(path) as movie:
        valid = np.flatnonzero(movie.timing.get_valid_samples_mask())
        mean, flicker = overview._statistics(movie, valid, lambda done: None)
        np.testing.assert_allclose(mean, movie[:][valid].mean(0), rtol=1e-9)
        centres = overview.find_spots(flicker, 2, 5)
        assert centres == sorted(centres)
        spots = overview._watch(movie, valid, centres, 2, lambda done: None)
    assert len(spots) == 5
    traces = SCENE.traces()[:, valid]
    for spot in spots:
        distances = [np.hypot(n.row - spot.row, n.column - spot.column) for n in SCENE.neurons]
        assert min(distances) < 4
        truth = traces[int(np.argmin(distances))]
        assert np.corrcoef(spot.trace[valid], truth)[0, 1] > 0.8
        assert np.isnan(spot.trace[list(SCENE.dropped)]).all()


def test_smoothing_keeps_constants_and_means():
    np.testing.assert_allclose(overview._smooth(np.full((5, 9), 3.5), 2), 3.5)
    image = np.zeros((21, 21))
    image[10, 10] = 1
    smooth = overview._smooth(image, 1)
    assert smooth.sum() == pytest.approx(1)
    np.testing.assert_allclose(smooth[10, 8:13], np.array([1, 2, 3, 2, 1]) * 3 / 81)


@pytest.mark.parametrize("value", [0.0012, 0.2, 0.5, 0.99, 1, 7])
def test_round_numbers(value):
    assert overview._round(value) == {0.0012: 0.001, 0.2: 0.2, 0.5: 0.5, 0.99: 0.5, 1: 1, 7: 5}[value]


def test_picture(path, tmp_path):
    heard = []
    target = tmp_path / "overview.png"
    overview.export_movie_overview(path, target, progress=lambda done, total: heard.append((done, total)))
    from PIL import Image

    with Image.open(target) as image:
        assert image.width == 1800
        assert np.asarray(image.convert("L")).std() > 20
    assert heard == [(done, 1195) for done in range(1, 1196)]
    with pytest.raises(isx.IsxFileExistsError):
        overview.export_movie_overview(path, target)


@pytest.mark.parametrize(
    ("dtype", "shape", "frames"), [(np.float32, (3, 4), 2), (np.uint8, (40, 5), 3), (np.uint16, (1, 1), 1)]
)
def test_dull_and_odd_movies(dtype, shape, frames, tmp_path):
    path = tmp_path / "dull.isxd"
    with isx.Movie.write(path, isx.Timing(num_samples=frames), isx.Spacing(shape), dtype) as movie:
        for i in range(frames):
            frame = np.zeros(shape, dtype)
            if dtype is np.float32:
                frame[0, 0] = np.nan
            movie.set_frame_data(i, frame)
    overview.export_movie_overview(path, tmp_path / "dull.png")
    assert (tmp_path / "dull.png").stat().st_size > 1000


def test_without_frames_there_is_no_picture(tmp_path):
    path = tmp_path / "empty.isxd"
    with isx.Movie.write(path, isx.Timing(num_samples=2, dropped=[0, 1]), isx.Spacing((2, 2)), np.uint8):
        pass
    with pytest.raises(isx.IsxError, match="has no frames to draw"):
        overview.export_movie_overview(path, tmp_path / "empty.png")
    assert [p.name for p in tmp_path.iterdir()] == ["empty.isxd"]
