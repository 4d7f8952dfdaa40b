"""Behaviour movies and compressed movies on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import isx

DATA = Path(__file__).parents[1] / "data" / "isxb"


def test_info(run):
    status, out, err = run("info", DATA / "tracking.isxb")
    assert (status, err) == (0, "")
    assert "JPEG, baseline, 4:2:0, 8 bit" in out
    assert "12 of 20 frames (60.0 %)" in out
    assert "ZONE#3 ellipse" in out
    status, out, _ = run("info", "--json", DATA / "tracking_dropped.isxb")
    (facts,) = json.loads(out)["files"]
    assert facts["kind"] == "behaviour movie"
    assert facts["timing"]["dropped"] == [0, 3, 9, 10]
    assert facts["tracking"]["zones"][2] == {
        "id": 1705077751050,
        "name": "ZONE#3 ellipse",
        "shape": "ellipse",
        "enabled": True,
        "frames_inside": 2,
    }


def test_info_of_compressed_movies(run):
    pytest.importorskip("av")
    status, out, err = run("info", DATA / "h264.isxc")
    assert (status, err) == (0, "")
    assert "h264, yuv420p, 12 tiles of 16 x 16 pixels" in out


def test_decompress(run, tmp_path):
    pytest.importorskip("av")
    source = shutil.copy(DATA / "raw.isxc", tmp_path / "m.isxc")
    status, out, err = run("decompress", source)
    assert (status, err) == (0, "")
    assert "m-decompressed.isxd" in out
    with isx.Movie.read(tmp_path / "m-decompressed.isxd") as movie:
        assert len(movie) == 5
    folder = tmp_path / "there"
    folder.mkdir()
    assert run("decompress", source, DATA / "extra.isxc", "-o", folder)[0] == 0
    assert {path.name for path in folder.iterdir()} == {"m-decompressed.isxd", "extra-decompressed.isxd"}
    status, out, err = run("decompress", DATA / "plain.isxb", DATA / "raw.isxc", "-o", folder)
    assert status == 1
    assert "Only .isxc files are compressed" in err
    assert out.endswith("raw-decompressed.isxd\n")  # one failure keeps none of the others from their turn


def test_info_of_ordinary_videos(run, tmp_path):
    pytest.importorskip("av")
    from builders.video import LOSSLESS, video

    path = tmp_path / "m.avi"
    path.write_bytes(video(np.zeros((3, 16, 16), np.uint8), container="avi", **LOSSLESS["groups"]))
    assert "assumed   start, which the file does not tell" in run("info", path)[1]
