"""isx export."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import isx
from builders.video import LOSSLESS, video
from openisx import synthetic as samples
from openisx._cli.export import EXPORTERS, Exporter


def test_series_to_tiff(run, write_movie, tmp_path):
    paths = [write_movie(tmp_path / f"{k}.isxd", start=k, frames=3, dropped=[1]) for k in range(2)]
    output = tmp_path / "movie.tif"
    status, out, err = run("export", *paths, "-o", output)
    assert (status, out, err) == (0, f"wrote {output}\n", "")
    np.testing.assert_array_equal(tifffile.imread(output)[:, 0, 0], [0, 2, 0, 2])
    output = tmp_path / "all.TIFF"
    assert run("export", *paths, "-o", output, "--write-invalid-frames")[0] == 0
    np.testing.assert_array_equal(tifffile.imread(output)[:, 0, 0], [0, 0, 2, 0, 0, 2])


def test_parts_are_sorted_by_time(run, write_movie, tmp_path):
    """Whatever a glob makes of their names: part10 comes before part2."""
    paths = [write_movie(tmp_path / f"part{k}.isxd", start=k, frames=k, dtype=np.float32) for k in (10, 2, 5)]
    output = tmp_path / "movie.tif"
    assert run("export", *paths, "-o", output)[0] == 0
    assert tifffile.imread(output)[:, 0, 0].tolist() == [*range(2), *range(5), *range(10)]
    assert run("export", *paths, "-o", output, "--overwrite", "--join-anyway")[0] == 0
    assert tifffile.imread(output)[:, 0, 0].tolist() == [*range(10), *range(2), *range(5)]


def test_only_parts_of_one_recording_are_joined(run, write_movie, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_movie("a.isxd", frames=4)
    write_movie("b.isxd", start=0.1, frames=4)
    write_movie("c.isxd", start=9, frames=4, dtype=np.float32)
    write_movie("d.isxd", start=9, frames=4, shape=(3, 3))
    write_movie("image.isxd", start=20, frames=1)
    (tmp_path / "link.isxd").symlink_to("a.isxd")
    isx.CellSet.write("cells.isxd", isx.Timing(num_samples=4), isx.Spacing((2, 3))).close()
    anyway = " --join-anyway joins the files all the same."
    for second, problem in {
        "a.isxd": "a.isxd is given twice." + anyway,
        "link.isxd": "link.isxd is given twice." + anyway,
        "b.isxd": "b.isxd does not fit behind a.isxd: they share 0.1 s." + anyway,
        "c.isxd": "c.isxd does not fit behind a.isxd: float is not uint16." + anyway,
        "d.isxd": "d.isxd does not fit behind a.isxd: 3 x 3 pixels instead of 2 x 3." + anyway,
        "cells.isxd": "cells.isxd and a.isxd are of different kinds.",
        "image.isxd": "image.isxd is an image, which cannot be part of a recording of several files.",
    }.items():
        assert run("export", "a.isxd", second, "-o", "o.tif") == (1, "", f"error: {problem}\n")
        assert not (tmp_path / "o.tif").exists()
    for second, count in {"a.isxd": 8, "b.isxd": 8}.items():
        assert run("export", "a.isxd", second, "-o", "o.tif", "--join-anyway", "--overwrite")[0] == 0
        assert len(tifffile.imread("o.tif")) == count


def test_image_to_png(run, tmp_path):
    path = tmp_path / "image.isxd"
    isx.Image.write(path, isx.Spacing((4, 5)), np.float32, np.arange(20, dtype=np.float32).reshape(4, 5))
    assert run("export", path, "-o", tmp_path / "image.png")[0] == 0
    with Image.open(tmp_path / "image.png") as image:
        assert image.size == (5, 4)
        assert image.getextrema() == (0, 255)


def test_image_to_tiff_keeps_its_values(run, tmp_path):
    path, output = tmp_path / "image.isxd", tmp_path / "image.tif"
    values = np.arange(20, dtype=np.uint16).reshape(4, 5)
    isx.Image.write(path, isx.Spacing((4, 5)), np.uint16, values)
    assert run("export", path, "-o", output) == (0, f"wrote {output}\n", "")
    np.testing.assert_array_equal(tifffile.imread(output), values)
    status, _, err = run("export", path, "-o", output)
    assert (status, err) == (1, f"error: File already exists: {output}\n")


def test_cell_map(run, tmp_path):
    cells = str(Path(__file__).parents[1] / "data" / "export_movies" / "cells.isxd")
    isx.create_cell_map(cells, output_isxd_cell_map_file=tmp_path / "expected.isxd")
    expected = isx.Image.read(tmp_path / "expected.isxd").get_data()
    for name in ("map.tif", "map.png", "map.isxd"):
        output = tmp_path / name
        status, out, err = run("export", cells, "-o", output, "--cell-map")
        assert (status, err) == (0, "")
        assert "".join(out.split()) == "".join(f"wrote {output}: map of the accepted cells".split())
        if name.endswith("isxd"):
            got = isx.Image.read(output).get_data()
        else:
            with Image.open(output) as picture:
                got = np.array(picture)
        np.testing.assert_array_equal(got, expected)
        assert run("export", cells, "-o", output, "--cell-map")[0] == 1


def test_mistakes_are_one_line(run, sample, tmp_path):
    def error(*arguments):
        status, out, err = run("export", *arguments)
        assert (status, out) == (1, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err

    assert (
        "cannot be exported to .docx. Possible outputs are .tif, .tiff, .png, .mp4, .mov, .mkv, .avi, .csv, .isxd, .nwb."
        in error(sample, "-o", tmp_path / "a.docx")
    )
    assert "File does not exist" in error(tmp_path / "no.isxd", "-o", tmp_path / "a.tif")
    (tmp_path / "there.tif").write_text("mine")
    assert "File already exists" in error(sample, "-o", tmp_path / "there.tif")
    assert (tmp_path / "there.tif").read_text() == "mine"
    assert "is given twice. --join" in error(sample, sample, "-o", tmp_path / "a.png")
    assert "takes one input, not 2" in error(sample, sample, "-o", tmp_path / "a.png", "--join-anyway")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["there.tif"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["export"],
        ["export", "x.isxd"],
        ["info"],
        ["nonsense"],
        ["info", "--no"],
        ["export", "x.isxd", "-o", "x.tif", "--time-ref", "noon"],
        ["export", "x.isxd", "-o", "x.mp4", "--codec", "theora"],
        ["export", "x.isxd", "-o", "x.mp4", "--quality", "-1"],
        ["timestamps", "x.isxd", "-o", "x.csv", "--time-ref", "noon"],
        ["demo", "x", "--frames", "1"],
    ],
)
def test_wrong_usage(run, arguments):
    assert run(*arguments)[0] == 2


def test_options_without_effect_are_told(run, sample, tmp_path):
    status, _, err = run("export", sample, "-o", tmp_path / "a.csv", "--list", "--codec", "mpeg4")
    assert status == 0
    assert err.splitlines() == [
        "warning: --list has no effect on this export",
        "warning: --codec has no effect on this export",
    ]
    status, _, err = run("export", sample, "-o", tmp_path / "a.tif", "--write-invalid-frames")
    assert (status, err) == (0, "")


def test_every_option_that_an_exporter_uses_is_listed():
    for exporter in EXPORTERS.values():
        used = set(re.findall(r"\boptions\.(\w+)", inspect.getsource(exporter.run)))
        assert used <= set(exporter.uses), exporter


def test_interruption_leaves_nothing(run, sample, tmp_path, monkeypatch):
    def interrupted(inputs, output, options, progress):
        from openisx._files.output import OutputFile

        with OutputFile(output) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    monkeypatch.setitem(EXPORTERS, ("Movie", "tif"), Exporter(interrupted, ()))
    status, out, err = run("export", sample, "-o", tmp_path / "movie.tif")
    assert (status, out) == (130, "")
    assert err == "Interrupted; nothing half-written is left.\n"
    assert not list(tmp_path.iterdir())


def test_overwrite(run, sample, write_movie, tmp_path):
    output = tmp_path / "movie.tif"
    assert run("export", write_movie(tmp_path / "m.isxd", frames=3), "-o", output)[0] == 0
    before = output.read_bytes()
    other = write_movie(tmp_path / "n.isxd", frames=5)
    assert run("export", other, "-o", output)[0] == 1
    assert output.read_bytes() == before
    assert run("export", other, "-o", output, "--overwrite") == (0, f"wrote {output}\n", "")
    assert len(tifffile.imread(output)) == 5
    before = output.read_bytes()
    status, _, err = run("export", output, "-o", tmp_path / "." / "movie.tif", "--overwrite")
    assert (status, err) == (
        1,
        f"error: {output} is an input; choose another name for the output.\n",
    )
    folder = tmp_path / "folder.tif"
    folder.mkdir()
    assert run("export", other, "-o", folder, "--overwrite")[0] == 1
    assert folder.is_dir()
    assert output.read_bytes() == before


def test_every_output_can_be_overwritten(run, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("av")
    scene = samples.Scene(seed=3, num_frames=40, shape=(50, 70), num_neurons=3)
    files = samples.write(tmp_path / "session", scene)
    for name, endings in {
        "movie": ("png", "mp4", "csv"),
        "behavior": ("csv",),
        "gpio": ("csv", "isxd"),
        "cells": ("csv", "tif", "isxd", "png", "svg"),
        "events": ("csv",),
        "diameters": ("csv", "tif"),
    }.items():
        for ending in endings:
            output = tmp_path / f"{name}.{ending}"
            assert run("export", files[name], "-o", output)[0] == 0
            made = {path: path.read_bytes() for path in tmp_path.glob(f"{name}*.{ending}")}
            for path in made:
                path.write_bytes(b"old")
            assert run("export", files[name], "-o", output)[0] == 1, output
            assert {path.read_bytes() for path in made} == {b"old"}
            assert run("export", files[name], "-o", output, "--overwrite")[0] == 0, output
            if ending != "svg":  # which holds the time it was made
                assert {path: path.read_bytes() for path in made} == made
    assert run("timestamps", files["movie"], "-o", tmp_path / "movie.csv")[0] == 1
    assert run("timestamps", files["movie"], "-o", tmp_path / "movie.csv", "--overwrite")[0] == 0


def test_every_output_offered_for_an_ordinary_video_works(run, tmp_path):
    pytest.importorskip("av")
    pytest.importorskip("matplotlib")
    path = tmp_path / "m.avi"
    path.write_bytes(video(np.full((4, 16, 32), 9, np.uint8), container="avi", **LOSSLESS["groups"]))
    for kind, ending in EXPORTERS:
        if kind == "Movie":
            status, out, err = run("export", path, "-o", tmp_path / f"o.{ending}")
            assert (status, out) == (0, f"wrote {tmp_path / f'o.{ending}'}\n")
            assert (err == "") == (ending != "nwb"), "which tells that there is no date, and no animal"
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "o.tif"), np.full((4, 16, 32), 9))
    assert len(isx.Movie.read(tmp_path / "o.isxd")) == len(isx.Movie.read(tmp_path / "o.mp4")) == 4
    assert (tmp_path / "o.csv").read_text().count("\n") == 5


def test_times_of_processed_movies(run, write_movie, tmp_path):
    path = write_movie(tmp_path / "m.isxd", frames=3, dropped=[1])
    rows = "0,0,0,0.000000\n1,0,1,NaN\n2,0,2,0.100000\n"
    for command in ("export", "timestamps"):
        output = tmp_path / f"{command}.csv"
        assert run(command, path, "-o", output) == (0, f"wrote {output}\n", "")
        assert output.read_text().partition("\n")[2] == rows
        status, _, err = run(command, path, "-o", tmp_path / "t.csv", "--time-ref", "tsc")
        assert status == 2
        assert f"{path} has no counts of the hardware counter; use start or unix." in err


def test_pixel_type_of_pages(run, write_movie, tmp_path):
    path = write_movie(tmp_path / "m.isxd", frames=3, dtype=np.float32)
    assert run("export", path, "-o", tmp_path / "m.tif", "--dtype", "uint8")[0] == 0
    pages = tifffile.imread(tmp_path / "m.tif")
    assert (pages.dtype, pages[:, 0, 0].tolist()) == (np.uint8, [0, 1, 2])
    assert run("export", path, "-o", tmp_path / "n.tif", "--dtype", "int8")[0] == 2
