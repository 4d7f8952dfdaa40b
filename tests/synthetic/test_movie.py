"""The movie of a sample recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import isx
from openisx import synthetic as samples

SCENE = samples.Scene(seed=3, num_frames=100, shape=(60, 80), num_neurons=6)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return samples.write(tmp_path_factory.mktemp("samples"), SCENE, ["movie"])["movie"]


def test_a_seed_decides_every_byte(path, tmp_path):
    same = samples.Scene(seed=3, num_frames=100, shape=(60, 80), num_neurons=6)
    other = samples.Scene(seed=4, num_frames=100, shape=(60, 80), num_neurons=6)
    assert Path(samples.write(tmp_path / "a", same)["movie"]).read_bytes() == Path(path).read_bytes()
    assert Path(samples.write(tmp_path / "b", other)["movie"]).read_bytes() != Path(path).read_bytes()


def test_it_is_a_complete_recording(path):
    with isx.open(path) as movie:
        assert movie.shape == (100, 60, 80)
        assert movie.timing.dropped == list(SCENE.dropped) == [17, 64, 65]
        assert movie.timing.period == isx.Duration.from_msecs(50)
        np.testing.assert_array_equal(movie.timestamps[:3], SCENE.counter([0, 0.05, 0.1]))
        assert movie.get_frame_header(20).efocus == 420
        assert movie.get_frame_header(20).frame_count == 1020
        info = movie.get_acquisition_info()
    assert info["Recording UUID"] == SCENE.recording_uuid
    assert set(info) > {
        "Animal ID",
        "Experimenter Name",
        "Exposure Time (ms)",
        "Microscope Type",
        "Probe Type",
    }
