"""Exports of damaged cell, event and vessel sets: text and images, or an error of this package; never files in part."""

from __future__ import annotations

import json
import random
import struct
import warnings
from pathlib import Path

import pytest

import isx
from builders.isxd import isxd
from openisx import synthetic as samples

SCENE = samples.Scene(seed=3, num_frames=40, shape=(8, 9), num_neurons=3)
VALUES: list[object] = [None, True, -1, 0, 2**70, 1e300, "", "x", [], [1], {}, [[]], [None] * 4, {"a": 1}]


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    names = ["cells", "events", "diameters", "velocities"]
    paths = samples.write(tmp_path_factory.mktemp("sets"), SCENE, names)
    return {name: Path(path).read_bytes() for name, path in paths.items()}


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)


def export(kind, path, out):
    if kind == "cells":
        isx.export_cell_set_to_csv_tiff(path, out / "a.csv", out / "b.tif", "start", out / "c.csv")
    elif kind == "events":
        isx.export_event_set_to_csv(path, out / "a.csv", "unix", out / "c.csv")
        isx.export_event_set_to_csv(path, out / "d.csv", sparse_output=False)
    else:
        maps = out if kind == "velocities" else ""
        isx.export_vessel_set_to_csv_tiff(path, out / "a.csv", out / "b.csv", out / "c.tif", maps)


def survives(kind, data, folder):
    """Export `data`; whatever comes of it, no temporary file is left."""
    path, out = folder / "set.isxd", folder / "out"
    path.write_bytes(data)
    out.mkdir(exist_ok=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            export(kind, path, out)
    except isx.IsxError:
        pass
    for left in out.iterdir():
        assert not left.name.endswith(".partial")
        left.unlink()


def places(value, path=()):
    """Every place inside a JSON value."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in list(members)[:12]:
        yield (*path, key)
        yield from places(member, (*path, key))


def replaced(metadata, place, value):
    copy = json.loads(json.dumps(metadata))
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return copy


@pytest.mark.parametrize("kind", ["cells", "events", "diameters", "velocities"])
def test_damaged_metadata(sets, kind, tmp_path):
    data, rng = sets[kind], random.Random(1)
    size = struct.unpack("<Q", data[-8:])[0]
    body, metadata = data[: -9 - size], json.loads(data[-9 - size : -9])
    metadata["metrics" if kind == "events" else "cellMetrics"] = [[1] * 9] * 3 if kind == "events" else None
    every = [(place, rng.choice(VALUES)) for place in places(metadata) if "customMetadata" not in place]
    for place, value in rng.sample(every, min(len(every), 110)):
        survives(kind, isxd(body, replaced(metadata, place, value)), tmp_path)


@pytest.mark.parametrize("kind", ["cells", "events", "diameters", "velocities"])
def test_flipped_bytes(sets, kind, tmp_path):
    rng = random.Random(2)
    for _ in range(60):
        data = bytearray(sets[kind])
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        survives(kind, bytes(data[: rng.choice([len(data), rng.randrange(len(data))])]), tmp_path)
