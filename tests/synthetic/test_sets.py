"""The cell set, event set and vessel sets of a sample recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import isx
from openisx import synthetic as samples

SCENE = samples.Scene(seed=3, num_frames=400, shape=(60, 80), num_neurons=6)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return samples.write(
        tmp_path_factory.mktemp("samples"), SCENE, ["cells", "events", "diameters", "velocities"]
    )


def test_a_seed_decides_every_byte(paths, tmp_path):
    again = samples.write(
        tmp_path, samples.Scene(seed=3, num_frames=400, shape=(60, 80), num_neurons=6), paths
    )
    for name, path in paths.items():
        assert Path(path).read_bytes() == Path(again[name]).read_bytes()


def test_cells_are_those_of_the_movie(paths):
    with isx.CellSet.read(paths["cells"]) as cells:
        assert cells.names == [neuron.name for neuron in SCENE.neurons]
        assert cells.timing == SCENE.timing
        assert cells.spacing == SCENE.spacing
        np.testing.assert_array_equal(cells.footprints, SCENE.footprints())
        missing = ~SCENE.timing.get_valid_samples_mask()
        np.testing.assert_array_equal(np.isnan(cells.traces), np.broadcast_to(missing, cells.traces.shape))
        noise = cells.traces[:, ~missing] - SCENE.traces()[:, ~missing]
        assert (noise.std(axis=1) > 0.01).all()
        assert (noise.std(axis=1) < 0.1).all()
        assert set(cells.statuses) == {"accepted", "undecided", "rejected"}
        info = cells.get_acquisition_info()
    assert info["Recording UUID"] == SCENE.recording_uuid
    assert info["Trace Units"] == "dF over F"


def test_events_are_those_of_the_cells(paths):
    with isx.EventSet.read(paths["events"]) as events:
        assert events.names == [neuron.name for neuron in SCENE.neurons]
        assert events.timing.num_samples == 400
        for i, (seconds, _) in enumerate(SCENE.events):
            offsets, amplitudes = events.get_cell_data(i)
            assert len(offsets) <= len(seconds)
            assert not (offsets % 50_000).any()
            assert (amplitudes > 0).all()
            late = offsets[:, None] / 1e6 - seconds
            assert ((late >= -1e-9) & (late < 0.05)).any(axis=1).all()


def test_a_scene_without_neurons(tmp_path):
    scene = samples.Scene(num_frames=3, shape=(8, 8), num_neurons=0)
    paths = samples.write(tmp_path, scene, ["cells", "events"])
    assert isx.CellSet.read(paths["cells"]).num_cells == 0
    assert isx.EventSet.read(paths["events"]).names == ["C00"]


def test_the_smallest_scene_has_all_sets(tmp_path):
    names = ["cells", "events", "diameters", "velocities"]
    assert list(samples.write(tmp_path, samples.Scene(num_frames=1, shape=(2, 2)), names)) == names


def test_diameters(paths):
    with isx.VesselSet.read(paths["diameters"]) as vessels:
        assert vessels.names == ["V0", "V1", "V2", "V3"]
        assert vessels.get_vessel_set_type() is isx.VesselSet.VesselSetType.VESSEL_DIAMETER
        assert vessels.timing == isx.Timing(19, isx.Duration.from_secs(1), SCENE.start)
        assert (vessels.traces > 0).all()
        assert ((vessels.center_traces > 0) & (vessels.center_traces < 1)).all()
        image = vessels.get_vessel_image_data(0)
        for line in vessels.lines:
            (x, top), (_, bottom) = line
            profile = image[top : bottom + 1, x]
            assert profile.min() < min(profile[0], profile[-1])  # the line crosses something dark
        info = vessels.get_acquisition_info()
    assert info["Vessel Set Type"] == "vessel diameter"
    assert info["Recording UUID"] == SCENE.recording_uuid


def test_velocities(paths, tmp_path):
    with isx.VesselSet.read(paths["velocities"]) as vessels:
        assert vessels.get_vessel_set_type() is isx.VesselSet.VesselSetType.RBC_VELOCITY
        assert vessels.correlation_heatmaps(0).shape == (19, 3, 9, 21)
        missing = np.isnan(vessels.traces)
        assert missing.sum() == 4
        assert missing[:, 6].all()
    output = tmp_path / "v.csv"
    isx.export_vessel_set_to_csv_tiff(paths["velocities"], output)
    rows = output.read_text().splitlines()
    assert rows[7] == "V0,undecided,6,7,nan,nan,False,False,False,True"
    assert rows[1].startswith("V0,undecided,0,1,")
