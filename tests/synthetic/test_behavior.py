from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import isx
import isx.synthetic

pytestmark = pytest.mark.filterwarnings("ignore:.*decoding with Pillow:isx.IsxWarning")

SCENE = isx.synthetic.Scene(num_frames=150, shape=(64, 96), num_neurons=4)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return isx.synthetic.write(tmp_path_factory.mktemp("samples"), SCENE, ["movie", "behavior", "compressed"])


def test_behavior_movie(paths: dict[str, str]) -> None:
    with isx.Movie.read(paths["behavior"]) as movie, isx.Movie.read(paths["movie"]) as microscope:
        assert movie.shape == (212, 480, 640)
        assert movie.timing.dropped == [65, 163]
        assert abs(1 / movie.timing.period.secs_float - 30) < 0.01
        stamps = movie.timestamps[movie.timing.get_valid_samples()]
        assert abs(np.diff(stamps[:60].astype(int)) - 33_333).max() < 400
        assert abs(int(stamps[0]) - int(microscope.timestamps[0]) - 412_000) < 200
        info = movie.get_acquisition_info()
        assert (
            info["Recording UUID"]
            == microscope.get_acquisition_info()["Recording UUID"]
            == SCENE.recording_uuid
        )
        assert info["Animal ID"] == "M-0417"
        assert info["Camera Name"] == "top view"


def test_the_mouse_is_where_the_tracker_says(paths: dict[str, str]) -> None:
    with isx.Movie.read(paths["behavior"]) as movie:
        tracking = movie.tracking
        assert tracking.detected[0]
        assert not tracking.detected[106:109].any()  # stored frames 105 to 107
        assert tracking.detected.mean() > 0.95
        for sample in np.flatnonzero(tracking.detected)[::40].tolist():
            x, y = tracking.centers[sample].astype(int)
            frame = movie.get_frame_data(sample).astype(float)
            assert frame[y - 5 : y + 6, x - 5 : x + 6].mean() < 70
            assert frame.mean() > 110
        assert [zone.name for zone in tracking.zones] == ["nest", "centre", "feeder"]
        events = tracking.events
        assert set(events.event) <= {"entry", "occupying", "exit"}
        assert events.event.count("entry") >= events.event.count("exit") > 0
        assert (events.zone >= 0).all()


def test_alignment_corrects_the_clock_of_the_camera(tmp_path: Path) -> None:
    align = getattr(isx, "align_start_times", None) or pytest.skip("isx.align_start_times does not exist yet")
    paths = isx.synthetic.write(tmp_path, SCENE, ["movie", "behavior"])
    align(paths["movie"], [paths["behavior"]])
    with isx.Movie.read(paths["behavior"]) as movie:
        shift = (
            movie.timing.start._to_secs_since_epoch().secs_float
            - SCENE.start._to_secs_since_epoch().secs_float
        )
    assert abs(shift - 0.412) < 0.0011


def test_compressed_movie(paths: dict[str, str]) -> None:
    pytest.importorskip("av")
    with isx.Movie.read(paths["compressed"]) as movie, isx.Movie.read(paths["movie"]) as microscope:
        assert len(movie) == 96
        original = microscope[: len(movie)].astype(int)
        lost = original - movie[:].astype(int)
        assert lost.min() >= 0
        assert lost.max() < 16  # the bits below the leading eight of 12
        assert (lost == 0).mean() > 0.05
        np.testing.assert_array_equal(movie.timestamps, microscope.timestamps[:96])
        assert movie.get_acquisition_info() == microscope.get_acquisition_info()


@pytest.mark.parametrize("shape", [(9, 7), (1, 1), (40, 64)])
def test_any_scene_can_be_written(tmp_path: Path, shape: tuple[int, int]) -> None:
    scene = isx.synthetic.Scene(num_frames=2, shape=shape, num_neurons=0)
    paths = isx.synthetic.write(tmp_path, scene, ["behavior", "compressed"])
    with isx.Movie.read(paths["behavior"]) as movie:
        assert len(movie) == 3
        assert movie.get_frame_data(2).mean() > 100
    pytest.importorskip("av")
    with isx.Movie.read(paths["compressed"]) as movie:
        assert movie[:].shape == (2, *shape)
        assert movie[:].any()
