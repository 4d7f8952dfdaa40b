"""The vendor's package reads the sets of a sample recording as they were meant."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from openisx import synthetic as samples

SCENE = samples.Scene(seed=3, num_frames=100, shape=(60, 80), num_neurons=6)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return samples.write(
        tmp_path_factory.mktemp("sets"), SCENE, ["cells", "events", "diameters", "velocities"]
    )


def test_cells(vendor, paths):
    out = vendor.run(
        "c = isx.CellSet.read(path); n = range(c.num_cells);"
        "out = [(c.get_cell_name(i), c.get_cell_status(i), c.get_cell_trace_data(i), c.get_cell_image_data(i))"
        " for i in n], str(c.timing), c.get_acquisition_info()",
        path=paths["cells"],
    )
    with isx.CellSet.read(paths["cells"]) as cells:
        assert [row[:2] for row in out[0]] == list(zip(cells.names, cells.statuses, strict=True))
        np.testing.assert_array_equal([row[2] for row in out[0]], cells.traces)
        np.testing.assert_array_equal([row[3] for row in out[0]], cells.footprints)
        assert out[1] == str(cells.timing)
        assert out[2] == cells.get_acquisition_info()


def test_events(vendor, paths):
    out = vendor.run(
        "e = isx.EventSet.read(path);"
        "out = [(e.get_cell_name(i), *e.get_cell_data(i)) for i in range(e.num_cells)], str(e.timing)",
        path=paths["events"],
    )
    with isx.EventSet.read(paths["events"]) as events:
        assert out[1] == str(events.timing)
        for i, (name, offsets, amplitudes) in enumerate(out[0]):
            ours = events.get_cell_data(i)
            assert name == events.names[i]
            assert np.abs(ours[0].astype(np.int64) - offsets.astype(np.int64)).max(initial=0) <= 1
            np.testing.assert_array_equal(ours[1], amplitudes)


@pytest.mark.parametrize("kind", ["diameters", "velocities"])
def test_vessels(vendor, paths, kind):
    second = "direction" if kind == "velocities" else "center"
    out = vendor.run(
        f"v = isx.VesselSet.read(path); read = v.get_vessel_{second}_trace_data\n"
        "out = [(v.get_vessel_name(i), v.get_vessel_line_data(i), v.get_vessel_trace_data(i), read(i))"
        " for i in range(v.num_vessels)], v.get_vessel_image_data(0), v.get_vessel_set_type().name",
        path=paths[kind],
    )
    with isx.VesselSet.read(paths[kind]) as vessels:
        assert [row[0] for row in out[0]] == vessels.names
        np.testing.assert_array_equal([row[1] for row in out[0]], vessels.lines)
        np.testing.assert_array_equal([row[2] for row in out[0]], vessels.traces)
        ours = vessels.direction_traces if kind == "velocities" else vessels.center_traces
        np.testing.assert_array_equal([row[3] for row in out[0]], ours)
        np.testing.assert_array_equal(out[1], vessels.get_vessel_image_data(0))
        assert out[2] == vessels.get_vessel_set_type().name
