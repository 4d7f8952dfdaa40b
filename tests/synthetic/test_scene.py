"""What is behind a sample recording."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from openisx import synthetic as samples
from openisx.synthetic._movie import movie_frames

SCENE = samples.Scene(seed=3, num_frames=900, shape=(80, 128), num_neurons=10)


def test_neurons_lie_apart_within_the_image():
    centres = np.array([(n.row, n.column) for n in SCENE.neurons])
    assert len(centres) == 10
    distances = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1)) + np.eye(10) * 1e9
    assert distances.min() > 3
    assert len({n.name for n in SCENE.neurons}) == 10
    images = SCENE.footprints()
    assert images.shape == (10, 80, 128)
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images.max(axis=(1, 2)), 1)
    weights = images / images.sum(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose((weights * np.arange(80)[:, None]).sum(axis=(1, 2)), centres[:, 0], atol=0.6)


def test_traces_follow_from_events():
    traces = SCENE.traces()
    assert traces.shape == (10, 900)
    assert traces.dtype == np.float32
    assert traces.min() >= 0
    times = SCENE.frame_times()
    for trace, (when, amplitude) in zip(traces, SCENE.events, strict=True):
        assert (np.diff(when) > 0).all()
        assert ((when >= 0) & (when < SCENE.duration)).all()
        assert len(when) == len(amplitude)
        np.testing.assert_array_equal(np.rint(when * 1e6) / 1e6, when)
        assert not trace[times <= when[0]].any()
        after = np.searchsorted(times, when[0])
        lone = len(when) == 1 or when[1] - when[0] > 0.5
        if lone and after + 5 < len(trace):
            assert trace[after : after + 8].max() == pytest.approx(amplitude[0], rel=0.1)
    rate = sum(len(when) for when, _ in SCENE.events) / SCENE.duration / 10
    assert 0.05 < rate < 0.6


def test_any_span_gives_the_same_values():
    whole = SCENE.traces()
    spans = [(0, 1), (1, 333), (333, 640), (640, 900)]
    np.testing.assert_array_equal(np.hstack([SCENE.traces(*span) for span in spans]), whole)
    assert SCENE.traces(5, 5).shape == (10, 0)
    np.testing.assert_array_equal(
        np.concatenate([movie_frames(SCENE, 0, 16), movie_frames(SCENE, 16, 40)]), movie_frames(SCENE, 0, 40)
    )
    with pytest.raises(ValueError, match="multiple of 16"):
        movie_frames(SCENE, 3, 20)


def test_frames_are_plausible_light():
    frames = movie_frames(SCENE, 0, 64).astype(np.float64)
    assert frames.dtype == np.float64
    assert 300 < frames.mean() < 2000
    assert frames.max() < 4095  # no saturation
    centre, corner = frames[:, 35:45, 59:69].mean(), frames[:, :5, :5].mean()
    assert centre > 1.5 * corner  # vignetting
    pairs = np.diff(frames, axis=0)[::2]
    noise = np.median(np.abs(pairs)) / 0.6745 / np.sqrt(2)
    assert 0.7 < noise / np.sqrt(1.35 * (frames.mean() - 96)) < 1.6  # shot noise


def test_the_truth_can_be_found_in_the_movie():
    frames = movie_frames(SCENE, 0, 896).astype(np.float64)
    found = 0
    for neuron, trace in zip(SCENE.neurons, SCENE.traces(0, 896), strict=True):
        patch = frames[:, neuron.region[0], neuron.region[1]]
        core, ring = neuron.footprint > 0.5, neuron.footprint < 0.05
        measured = patch[:, core].mean(1) - patch[:, ring].mean(1)
        found += np.corrcoef(measured, trace)[0, 1] > 0.8
    assert found >= 8


def test_the_clock_is_shared():
    assert SCENE.counter(0) == SCENE.counter([0, 1])[0]
    np.testing.assert_array_equal(np.diff(SCENE.counter([0, 0.05, 1])), [50_000, 950_000])
    assert SCENE.counter(0) > 2**32
    assert SCENE.recording_uuid.endswith("-1710263730250")
    assert SCENE.session_name == "2024-03-12-10-15-30"
    assert SCENE.timing.dropped == list(SCENE.dropped) == [153, 576, 577]
    assert samples.Scene(num_frames=5).dropped == ()
    assert samples.Scene(dropped=(1,)).timing.dropped == [1]


def test_streams_of_random_numbers():
    first = SCENE.rng("behaviour", 1).random(3)
    np.testing.assert_array_equal(first, SCENE.rng("behaviour", 1).random(3))
    assert not np.array_equal(first, SCENE.rng("behaviour", 2).random(3))


@pytest.mark.parametrize("wrong", [{"num_frames": 0}, {"shape": (0, 3)}, {"num_neurons": -1}])
def test_impossible_scenes(wrong):
    with pytest.raises(ValueError, match="at least one frame"):
        samples.Scene(**wrong)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (7, 3), (30, 1300)])
def test_odd_shapes(shape, tmp_path):
    scene = samples.Scene(num_frames=2, shape=shape)
    with isx.open(samples.write(tmp_path, scene, ["movie"])["movie"]) as movie:
        assert movie.shape == (2, *shape)


def test_writing(tmp_path):
    scene = samples.Scene(num_frames=3, shape=(8, 9))
    with pytest.raises(ValueError, match="no sample file is called 'film'"):
        samples.write(tmp_path / "new", scene, ["film"])
    heard = []
    paths = samples.write(tmp_path / "new", scene, ["movie"], progress=lambda *state: heard.append(state))
    assert heard == [(3, 3)]
    with pytest.raises(isx.IsxFileExistsError):
        samples.write(tmp_path / "new", scene, ["movie"])
    assert [p.name for p in (tmp_path / "new").iterdir()] == [
        paths["movie"].rpartition("_")[0][-19:] + "_video.isxd"
    ]


def test_memory_is_bounded(tmp_path):
    import tracemalloc

    def peak(frames):
        scene = samples.Scene(num_frames=frames, shape=(100, 160), num_neurons=4)
        tracemalloc.start()
        try:
            samples.write(tmp_path / str(frames), scene, ["movie"])
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(800) < 1.3 * peak(400) < 100e6
