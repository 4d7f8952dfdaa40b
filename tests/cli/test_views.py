"""``isx process``, ``isx project``, ``isx split``, and what ``isx info`` says of interleaved movies."""

import json
import os

import numpy as np
import pytest
import tifffile

import isx
from builders.interleaved import GREEN, RED, interleaved, three_planes


def test_process(run, sample, tmp_path):
    out = tmp_path / "o.isxd"
    arguments = ("--trim", 10, 90, "--crop", 2, 4, 42, 64, "--bin-space", 2, "--bin-time", 4, "--dff", "min")
    status, printed, _ = run("process", sample, "-o", out, *arguments)
    assert (status, printed.split()) == (0, ["wrote", str(out)])
    with isx.Movie.read(sample) as movie, isx.Movie.read(out) as saved:
        expected = movie.trim(10, 90).crop((2, 42), (4, 64)).bin(2, 4).dff("min")
        np.testing.assert_array_equal(saved[:], expected[:])
        assert saved.timing == expected.timing
        assert saved.spacing == expected.spacing
    assert run("process", sample, "-o", out, "--bin-space", 2)[0] == 1
    assert run("process", sample, "-o", out, "--bin-space", 2, "--overwrite")[0] == 0
    with isx.Movie.read(out) as saved:
        assert saved.shape == (120, 25, 35)


@pytest.mark.parametrize("ending", ["tif", "mp4", "png"])
def test_process_to_other_formats(run, sample, tmp_path, ending):
    out = tmp_path / f"o.{ending}"
    status, _, errors = run("process", sample, "-o", out, "--crop", 0, 0, 20, 30, "--fix-pixels")
    assert (status, errors) == (0, "")
    if ending == "tif":
        assert tifffile.imread(out).shape[1:] == (20, 30)
    assert out.stat().st_size > 100


def test_process_keeps_frame_headers(run, sample, tmp_path):
    assert run("process", sample, "-o", tmp_path / "o.isxd", "--trim", 5, 20, "--frame-headers")[0] == 0
    with isx.Movie.read(sample) as movie, isx.Movie.read(tmp_path / "o.isxd") as saved:
        assert saved.timestamps.tolist() == movie.timestamps[5:20].tolist()


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("--crop", 0, 0, 51, 70), 1, "rows 0 to 51 (not included) are none of a frame with 50 rows"),
        (("--bin-space", 0), 1, "space must be from 1 to 50"),
        (("--bin-time", 121), 1, "time must be from 1 to 120"),
        (("--trim", 5, 5), 1, "samples 5 to 5"),
        (("--dff", "median"), 2, "'median' is not one of"),
    ],
)
def test_process_refuses(run, sample, tmp_path, arguments, status, text):
    code, _, errors = run("process", sample, "-o", tmp_path / "o.isxd", *arguments)
    assert code == status
    assert text in " ".join(errors.split())
    assert not os.listdir(tmp_path)


def test_outputs_that_cannot_be(run, sample, tmp_path):
    assert run("process", sample, "-o", tmp_path / "o.txt")[0] == 2
    assert run("process", sample, "-o", sample, "--overwrite")[0] == 1
    assert run("project", sample, "-o", tmp_path / "o.mp4")[0] == 1
    assert run("process", tmp_path, "-o", tmp_path / "o.isxd")[0] == 2
    assert not os.listdir(tmp_path)


def test_project(run, sample, tmp_path):
    for ending in ("isxd", "tif", "png"):
        assert run("project", sample, "-o", tmp_path / f"o.{ending}", "--stat", "std")[0] == 0
    with isx.Movie.read(sample) as movie:
        expected = movie.project("std")
    np.testing.assert_array_equal(isx.Image.read(tmp_path / "o.isxd").get_data(), expected)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "o.tif"), expected)


def test_split(run, tmp_path):
    interleaved(tmp_path / "rec.isxd", three_planes, 30, dropped=[4]).close()
    (tmp_path / "out").mkdir()
    status, printed, errors = run("split", tmp_path / "rec.isxd", "-o", tmp_path / "out", "--frame-headers")
    names = [f"rec-efocus_{focus:04}.isxd" for focus in (0, 500, 900)]
    assert (status, errors) == (0, "")
    assert [os.path.basename(line.split()[1]) for line in printed.splitlines()] == names
    assert sorted(os.listdir(tmp_path / "out")) == names
    for name, focus in zip(names, (0, 500, 900), strict=True):
        assert isx.verify_deinterleave(tmp_path / "out" / name, focus)
    status, _, errors = run("split", tmp_path / "rec.isxd", "-o", tmp_path / "out")
    assert status == 1
    assert "already exists" in errors


def test_split_refuses(run, sample, tmp_path):
    status, _, errors = run("split", sample)
    assert status == 1
    assert "has one plane (e-focus" in errors
    interleaved(tmp_path / "odd.isxd", lambda k: three_planes(0 if k == 50 else k), 99).close()
    status, _, errors = run("split", tmp_path / "odd.isxd")
    assert status == 1
    assert "sample 50 has e-focus 0" in errors
    assert "isx split --lenient takes what fits" in errors
    assert os.listdir(tmp_path) == ["odd.isxd"]
    assert run("split", tmp_path / "odd.isxd", "--lenient")[0] == 0
    assert len(os.listdir(tmp_path)) == 4
    assert run("split", tmp_path / "odd.isxd", "-o", tmp_path / "none")[0] == 2


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (three_planes, "3 planes (e-focus 0, 500, 900), 6.67 Hz each"),
        (lambda k: {"color_id": (GREEN, RED)[k % 2]}, "2 colours (green, red), 10 Hz each"),
        (lambda k: {"color_id": (GREEN, RED, GREEN)[k % 3]}, "2 colours (green, red), 13.3, 6.67 Hz"),
        (
            lambda k: {"color_id": (GREEN, RED)[k % 2], "efocus": (0, 0, 800, 800)[k % 4]},
            "4 planes and colours (e-focus 0, green; e-focus 0, red; e-focus 800, green; e-focus 800, red), 5 Hz each",
        ),
        (lambda k: {"efocus": 10 * (k // 20)}, "without a rhythm"),
    ],
)
def test_info(run, tmp_path, key, text):
    interleaved(tmp_path / "rec.isxd", key, 48, dropped=[5]).close()
    status, printed, _ = run("info", tmp_path / "rec.isxd")
    assert status == 0
    assert text in printed
    status, printed, _ = run("info", "--json", tmp_path / "rec.isxd")
    found = json.loads(printed)["files"][0]["hardware"]["interleaved"]
    assert (found is None) == (text == "without a rhythm")
    if found:
        assert [part["name"] for part in found] == [
            p.name for p in isx.Movie.read(tmp_path / "rec.isxd").split()
        ]


@pytest.mark.parametrize("command", [("export",), ("process", "--bin-space", 2), ("project",)])
def test_hint(run, tmp_path, command):
    interleaved(tmp_path / "rec.isxd", three_planes, 12).close()
    status, _, errors = run(command[0], tmp_path / "rec.isxd", "-o", tmp_path / "o.tif", *command[1:])
    assert status == 0
    assert "frames of 3 planes (e-focus 0, 500, 900) take turns. isx split makes a movie of each." in errors
