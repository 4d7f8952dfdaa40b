"""isx export and isx info of cell sets, event sets and vessel sets."""

from __future__ import annotations

import json

import pytest

from openisx import synthetic as samples

SCENE = samples.Scene(seed=5, num_frames=60, shape=(50, 70), num_neurons=5)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return samples.write(
        tmp_path_factory.mktemp("sets"), SCENE, ["movie", "cells", "events", "diameters", "velocities"]
    )


def test_cell_set_to_csv(run, files, tmp_path):
    output, properties = tmp_path / "traces.csv", tmp_path / "cells.csv"
    status, out, err = run("export", files["cells"], "-o", output, "--properties", properties)
    assert (status, out, err) == (0, f"wrote {output}\nwrote {properties}\n", "")
    names = ", ".join(neuron.name for neuron in SCENE.neurons)
    lines = output.read_text().splitlines()
    assert lines[0] == f" , {names}"
    assert len(lines) == 62
    assert properties.read_text().startswith("Name,Status,ColorR")


def test_cell_set_to_images(run, files, tmp_path):
    status, out, err = run("export", files["cells"], "-o", tmp_path / "i.tif")
    assert (status, err) == (0, "")
    images, cell_map = tmp_path / "i_NAME.tif", tmp_path / "i_accepted-cells-map.tif"
    assert out == f"wrote {images} for each cell, and {cell_map} of those not rejected\n"
    names = [neuron.name for neuron in SCENE.neurons]
    assert {p.name for p in tmp_path.iterdir()} == {
        f"i_{name}.tif" for name in [*names, "accepted-cells-map"]
    }


def test_cell_set_to_picture(run, files, tmp_path):
    pytest.importorskip("matplotlib")
    assert run("export", files["cells"], "-o", tmp_path / "i.png")[0] == 0
    assert (tmp_path / "i.png").read_bytes()[:4] == b"\x89PNG"
    assert run("export", files["cells"], "-o", tmp_path / "k.svg", "--background", files["movie"])[0] == 0
    status, _, err = run("export", files["cells"], files["cells"], "-o", tmp_path / "j.png", "--join-anyway")
    assert status == 1
    assert "takes one input, not 2" in err


def test_event_set_to_csv(run, files, tmp_path):
    output = tmp_path / "events.csv"
    assert run("export", files["events"], "-o", output, "--time-ref", "unix")[0] == 0
    lines = output.read_text().splitlines()
    assert lines[1].startswith("1710263730.25, 0, ")
    assert len(lines) == 61
    assert run("export", files["events"], "-o", tmp_path / "list.csv", "--list")[0] == 0
    assert (tmp_path / "list.csv").read_text().startswith("Time (s), Cell Name, Value\n")
    status, _, err = run("export", files["events"], "-o", tmp_path / "x.csv", "--time-ref", "tsc")
    assert status == 2
    assert "only frames of movies are counted by the hardware counter; use start or unix" in err


def test_info(run, files):
    status, out, _ = run("info", files["cells"], files["events"], "--json")
    assert status == 0
    cells, events = json.loads(out)["files"]
    assert (cells["kind"], events["kind"]) == ("cell set", "event set")
    decided = [cells["cells"][status] for status in ("accepted", "undecided", "rejected")]
    assert sum(decided) == cells["cells"]["number"] == 5
    assert cells["picture"]["size"] == [50, 70]
    assert events["cells"]["names"] == [neuron.name for neuron in SCENE.neurons]
    assert events["cells"]["events"] > 0
    assert "Animal ID" in run("info", files["events"])[1]


def test_vessel_sets(run, files, tmp_path):
    traces, lines = tmp_path / "t.csv", tmp_path / "l.csv"
    assert run("export", files["velocities"], "-o", traces, "--properties", lines)[0] == 0
    assert traces.read_text().startswith("Vessel ID,Vessel Status,Index,Time (s),Velocity (um/s)")
    assert lines.read_text().count("\n") == 5
    assert run("export", files["diameters"], "-o", tmp_path / "map.tif")[0] == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["l.csv", "map.tif", "t.csv"]
    shown = json.loads(run("info", files["velocities"], "--json")[1])["files"][0]
    assert shown["vessels"]["measured"] == "rbc velocity"
    assert shown["vessels"]["heat_maps"] is True
