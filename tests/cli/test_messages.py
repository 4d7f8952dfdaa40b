"""What people at a terminal are told when something is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from openisx._cli.terminal import one_line

OUTPUTS = ".tif, .tiff, .png, .mp4, .mov, .mkv, .avi, .csv, .isxd, .nwb"
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a movie, a cell set, a compressed movie, a folder and files of no use."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(DATA / "isxb" / "raw.isxc", "m.isxc")
    shutil.copy(DATA / "isxb" / "plain.isxb", "m.isxb")
    shutil.copy(DATA / "export_movies" / "cells.isxd", "cells.isxd")
    Path("folder").mkdir()
    Path("text.txt").write_text("text")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("export folder -o a.csv", "'FILE': folder is a folder; give the files in it."),
        ("timestamps folder -o a.csv", "'FILE': folder is a folder; give the files in it."),
        ("align m.isxb folder", "'FILE': folder is a folder; give the files in it."),
        ("decompress folder", "'FILE': folder is a folder; give the files in it."),
        ("export m.isxb -o ''", "'-o' / '--output': the name of the file is empty."),
        ("decompress m.isxc -o nowhere", "--output-dir: there is no folder nowhere."),
        (
            "export cells.isxd -o a.csv --time-ref tsc",
            "--time-ref: only frames of movies are counted by the hardware counter; use start or unix.",
        ),
        ("export m.isxb -o a.csv --time-ref x", "'--time-ref'"),
        ("export m.isxb -o a.mp4 --codec x", "'--codec'"),
    ],
)
def test_wrong_usage(run, folder, command, problem):
    before = sorted(folder.iterdir())
    status, out, err = run(*[word.strip("'") for word in command.split()])
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"Error: Invalid value for {problem}")
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("export m.isxb -o a/b.csv", "Cannot write a/b.csv: there is no folder a."),
        ("timestamps m.isxb -o a/b.csv", "Cannot write a/b.csv: there is no folder a."),
        ("export cells.isxd -o a.csv --properties b/c.csv", "Cannot write b/c.csv: there is no folder b."),
        ("export text.txt -o a.csv", "File extension not supported: txt (text.txt)"),
        (
            "export cells.isxd -o cells.isxd --overwrite",
            "cells.isxd is an input; choose another name for the output.",
        ),
        (
            "export m.isxb -o a",
            f"m.isxb (movie) cannot be exported to a, which has no extension. Possible outputs are {OUTPUTS}.",
        ),
        ("timestamps missing.isxd -o a.csv", "File does not exist: missing.isxd"),
        (
            "decompress m.isxb",
            "File extension not supported: isxb (m.isxb). Only .isxc files are compressed.",
        ),
    ],
)
def test_failures(run, folder, command, problem):
    before = sorted(folder.iterdir())
    assert run(*command.split()) == (1, "", f"error: {problem}\n")
    assert sorted(folder.iterdir()) == before


def test_pictures_that_do_not_fit(run, folder, write_movie):
    pytest.importorskip("matplotlib")
    write_movie("movie.isxd", shape=(7, 9))
    status, _, err = run("export", "cells.isxd", "-o", "a.png", "--background", "movie.isxd")
    assert status == 1
    assert err.startswith("error: movie.isxd does not fit: it has 7 x 9 pixels, the cell set ")


def test_warnings_are_told_once_and_in_good_english(run, folder):
    with open("cells.isxd", "ab") as file:
        file.write(b"x")
    status, _, err = run("export", "cells.isxd", "-o", "a.csv")
    assert (status, err) == (0, "warning: cells.isxd: ignored 1 byte behind the data.\n")


def test_no_advice_for_programmers():
    for told, shown in {
        "File: a.isxd. isx.open() chooses the right class by itself.": "File: a.isxd.",
        "not closed (see isx.recover).": "not closed (see isx recover).",
        "isx.recover('a b') makes a movie": "isx recover a b makes a movie",
        "(write_invalid_frames=True writes them)": "(--write-invalid-frames writes them)",
        "with sparse_output=False all events": "with --list all events",
        "is flushed or closed, by flush() or close(). If": "is flushed or closed. If",
        "two\n  lines": "two lines",
    }.items():
        assert one_line(told) == shown
