"""Sample movies in which planes or colours take turns."""

import numpy as np
import pytest

import isx
from openisx.synthetic import Scene, write
from openisx.synthetic._movie import movie_frames

SCENE = Scene(seed=4, num_frames=120, shape=(40, 50), num_neurons=4)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write(tmp_path_factory.mktemp("samples"), SCENE, ["planes", "colors", "movie"])


@pytest.mark.parametrize(("name", "parts"), [("planes", 3), ("colors", 2)])
def test_parts(paths, name, parts):
    with isx.Movie.read(paths[name]) as movie:
        assert len(movie) == 60
        assert len(movie.timing.dropped) == 3
        found = movie.split()
        assert len(found) == parts
        samples = sorted(
            int(part.movie.timing.get_valid_samples()[k]) * parts + place
            for place, part in enumerate(found)
            for k in range(part.movie.timing.samples.num_valid)
        )
        assert samples == movie.timing.get_valid_samples().tolist()
        half = len(found[0].movie) // 2
        early, late = (
            [part.movie.trim(a, b).project() for part in found] for a, b in ((0, half), (half, None))
        )
        within = max(np.abs(a - b).mean() for a, b in zip(early, late, strict=True))
        assert np.abs(early[0] - early[1]).mean() > 2 * within, "parts show different tissue"
        with isx.Movie.read(paths["movie"]) as other:
            assert other.timing.start.secs_since_epoch.fraction < movie.timing.start.secs_since_epoch.fraction
            assert (
                other.get_acquisition_info()["Recording UUID"]
                != movie.get_acquisition_info()["Recording UUID"]
            )


def test_names(paths):
    with isx.Movie.read(paths["planes"]) as movie:
        assert list(movie.planes()) == [0, 450, 900]
    with isx.Movie.read(paths["colors"]) as movie:
        assert list(movie.channels()) == ["green", "red"]


def test_chosen_samples_are_those_of_any_span():
    samples = np.arange(1, 60, 3)
    whole = movie_frames(SCENE, 0, 60, samples)
    split = [
        movie_frames(SCENE, first, first + 16, samples[(samples >= first) & (samples < first + 16)])
        for first in (0, 16)
    ]
    np.testing.assert_array_equal(np.concatenate(split), whole[: len(split[0]) + len(split[1])])
