"""GPIO and IMU of a sample recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import isx
from openisx import synthetic as samples
from openisx.synthetic._gpio import lever_presses

SCENE = samples.Scene(seed=3, num_frames=1300, shape=(20, 30), num_neurons=3)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return samples.write(tmp_path_factory.mktemp("samples"), SCENE, ["gpio", "imu"])


def test_a_seed_decides_every_byte(paths, tmp_path):
    again = samples.write(tmp_path, SCENE, ["gpio", "imu"])
    for name, path in again.items():
        assert Path(path).read_bytes() == Path(paths[name]).read_bytes()


def test_gpio_belongs_to_the_movie(paths):
    gpio = isx.open(paths["gpio"])
    assert gpio.recording_uuid == SCENE.recording_uuid
    assert gpio.timing.start._impl.secs_since_epoch.num == SCENE.start._impl.secs_since_epoch.num - 100
    assert gpio.first_timestamp == SCENE.counter(-0.1)
    assert gpio.statistics.damage == ""
    stamps = gpio.first_timestamp + gpio.rising_edges("BNC Sync Output")
    np.testing.assert_array_equal(stamps, SCENE.counter(SCENE.frame_times()))
    np.testing.assert_array_equal(gpio["EX-LED"].values, np.float32(0.9))
    np.testing.assert_array_equal(gpio["e-focus"].values, 420)
    np.testing.assert_array_equal(gpio.sample("Frame Count", SCENE.timing), np.arange(1300))
    presses = np.rint(lever_presses(SCENE) * 1e6) + 100_000
    assert len(presses) > 4
    np.testing.assert_array_equal(gpio.rising_edges("Digital GPI 0"), presses[::2])
    np.testing.assert_array_equal(gpio.falling_edges("Digital GPI 0"), presses[1::2])
    assert len(gpio.rising_edges("OG-LED", 1)) == 3 * 40
    assert gpio["OG-LED"].range == (0, 8.5)
    assert gpio.get_acquisition_info()["Animal ID"] == "M-0417"


def test_pulses_of_the_shutter_are_the_frames_of_the_camera(tmp_path):
    scene = samples.Scene(seed=3, num_frames=200, shape=(8, 8), num_neurons=0)
    made = samples.write(tmp_path, scene, ["gpio", "behavior"])
    gpio = isx.open(made["gpio"])
    pulses = gpio.rising_edges("Digital GPI 1") + np.uint64(gpio.first_timestamp)
    with isx.open(made["behavior"]) as movie:
        assert len(pulses) == len(movie)
        kept = movie.timing.get_valid_samples()
        assert len(kept) == len(movie) - 2
        np.testing.assert_array_equal(pulses[kept], movie.timestamps[kept])
    lengths = gpio.falling_edges("Digital GPI 1") - gpio.rising_edges("Digital GPI 1")
    assert set(lengths.tolist()) <= {11_999, 12_000, 12_001}


def test_pulses_go_on_over_the_spans_in_which_they_are_written(paths):
    assert SCENE.duration > 60
    rises = isx.open(paths["gpio"]).rising_edges("Digital GPI 1")
    assert len(rises) == int((SCENE.duration - 0.412) * 30)
    assert abs(np.diff(rises.astype(int)) - 33_333).max() < 400


def test_imu_belongs_to_the_movie(paths):
    imu = isx.open(paths["imu"])
    assert imu.recording_uuid == SCENE.recording_uuid
    assert imu.timing.start == SCENE.start
    assert imu.statistics.damage == ""
    acceleration = np.array([imu[f"Acc {axis}"].values for axis in "xyz"])
    assert 0.9 < np.nanmedian(np.linalg.norm(acceleration, axis=0)) < 1.1
    assert 0 < np.isnan(acceleration[0]).sum() < 30
    assert abs(imu["Acc x"].offsets[-1] / 1e6 - SCENE.duration) < 0.05
    assert abs(imu["Mag x"].offsets[-1] / 1e6 - SCENE.duration) < 0.5


def test_shortest(tmp_path):
    made = samples.write(tmp_path, samples.Scene(num_frames=1, shape=(8, 8), num_neurons=0), ["gpio", "imu"])
    assert isx.open(made["gpio"])["EX-LED"].num_points == 2
    assert isx.open(made["imu"])["Acc x"].num_points == 2
