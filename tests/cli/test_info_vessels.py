"""isx info of vessel sets, and of sets without cells or vessels."""

from __future__ import annotations

import json

import numpy as np

from builders import sets as make


def told(run, path):
    status, out, err = run("info", path)
    assert (status, err) == (0, "")
    return [" ".join(line.split()) for line in out.splitlines()]


def test_vessel_set(run, tmp_path):
    part = (np.zeros((4, 2), int), np.zeros(4), np.zeros(4), np.zeros((4, 3, 1, 2)))
    changes = {"VesselDirectionSaved": True, "VesselCorrelationSizes": [[2, 1]] * 2}
    path = make.vessels(tmp_path / "v.isxd", np.zeros((2, 4)), [part, part], velocity=True, **changes)
    lines = told(run, path)
    for line in (
        "number 2",
        "accepted 1",
        "rejected 0",
        "names V0, V1",
        "measured rbc velocity",
        "heat maps yes",
        "size 2 x 4 pixels (rows x columns)",
        "samples 4",
    ):
        assert line in lines
    document = json.loads(run("info", "--json", path)[1])["files"][0]
    assert document["kind"] == "vessel set"
    assert document["vessels"]["names"] == ["V0", "V1"]


def test_empty_sets(run, tmp_path):
    cells = make.cells(tmp_path / "c.isxd", np.zeros((0, 2, 4)), np.zeros((0, 5)))
    events = make.old_events(tmp_path / "e.isxd", {})
    vessels = make.vessels(tmp_path / "v.isxd", np.zeros((2, 4)), [])
    for path in (cells, events, vessels):
        assert "number 0" in told(run, path)
