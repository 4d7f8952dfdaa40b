"""isx info of many files and of folders."""

from __future__ import annotations

import json

import pytest

import isx
from openisx import synthetic as samples
from openisx._cli import table


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A folder with a recording."""
    folder = tmp_path_factory.mktemp("session")
    scene = samples.Scene(seed=2, num_frames=60, shape=(30, 40), num_neurons=2)
    samples.write(folder, scene, ["movie", "behavior", "gpio", "imu", "cells", "events", "diameters"])
    return folder


def test_one_line_for_each_of_many(run, session):
    status, out, err = run("info", *sorted(session.iterdir()))
    assert (status, err) == (0, "")
    heading, *lines = out.splitlines()
    assert heading == str(session)
    assert lines[0].split() == ["name", "kind", "size", "duration", "rate", "start", "notes"]
    assert [line.split()[1:] for line in lines[1:-1]] == [
        ["GPIO", "27", "channels", "0:03.1", "1000", "Hz", "2024-03-12", "10:15:30"],
        ["IMU", "9", "channels", "0:03.0", "48.61", "Hz", "2024-03-12", "10:15:30"],
        ["behaviour", "77x480x640", "0:02.6", "30", "Hz", "2024-03-12", "10:15:30", "2", "dropped"],
        ["cell", "set", "2", "cells", "0:03.0", "20", "Hz", "2024-03-12", "10:15:30", "3", "dropped"],
        ["event", "set", "2", "cells", "0:03.0", "20", "Hz", "2024-03-12", "10:15:30"],
        ["vessel", "set", "4", "vessels", "0:02.0", "1", "Hz", "2024-03-12", "10:15:30"],
        ["movie", "60x30x40", "0:03.0", "20", "Hz", "2024-03-12", "10:15:30", "3", "dropped"],
    ]
    assert lines[-1] == "7 files"
    assert len({line.index("2024-03-12 10:15:30") for line in lines[1:-1]}) == 1
    assert [line for line in lines if line != line.rstrip()] == []


def test_brief_and_full(run, sample, session):
    assert "animal" not in run("info", "--brief", sample)[1].lower()
    assert run("info", "--brief", sample)[1].splitlines()[-1] == "1 file"
    assert run("info", "--full", session)[1].count("Animal ID") == 7
    assert run("info", *[sample] * 5)[1].count("Animal ID") == 5
    assert "Animal ID" not in run("info", *[sample] * 6)[1]


def test_folder(run, session, write_movie, tmp_path):
    """Known files in all folders within, in the order of their numbers; the others are counted."""
    (tmp_path / "day2").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("part10", "part2", "day2/part1", ".hidden/part3"):
        write_movie(tmp_path / f"{name}.isxd", start=int(name[-1]))
    (tmp_path / ".part2.isxd.01234567.partial").touch()
    for name in ("notes.txt", "day2/log.txt", "README"):
        (tmp_path / name).touch()
    (tmp_path / "part3.isxd").write_bytes(b"of no use")
    status, out, err = run("info", tmp_path)
    assert status == 1
    lines = out.splitlines()
    names = ["part2.isxd", "part3.isxd", "part10.isxd", "day2/part1.isxd"]
    assert [line.split()[0] for line in lines[2:6]] == [name.replace("/", table.os.sep) for name in names]
    assert lines[3].split()[1:] == ["-"] * 5 + ["cannot", "be", "read"]
    assert lines[6] == "4 files; 1 cannot be read; 3 of other kinds (2 .txt, 1 no extension)"
    assert err.startswith("error: ")
    assert str(tmp_path / "part3.isxd") in err
    status, out, _ = run("info", "--json", tmp_path)
    document = json.loads(out)
    assert [file["path"] for file in document["files"]] == [
        str(tmp_path.joinpath(*name.split("/"))) for name in names
    ]
    assert len(document["other_files"]) == 3
    assert run("info", tmp_path / ".hidden")[0] == 0


def test_folder_without_recordings(run, tmp_path):
    assert run("info", tmp_path) == (0, "0 files\n", "")


def test_parts_of_one_recording_are_summed_up(run, write_movie, tmp_path):
    parts = [write_movie(tmp_path / f"{k}.isxd", start=k) for k in range(6)]
    out = run("info", *parts)[1]
    assert out.splitlines()[9:11] == ["Series of 6 files", "    one recording  yes"]


def test_warnings_are_counted(run, write_movie, tmp_path):
    path = write_movie(tmp_path / "cut.isxd", frames=4, dropped=[2])
    data = (tmp_path / "cut.isxd").read_bytes()
    (tmp_path / "cut.isxd").write_bytes(data[12:])
    assert run("info", "--brief", path)[1].splitlines()[2].endswith("1 dropped, 1 warning")


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (80, ["name", "kind", "size", "duration", "notes"]),
        (100, ["name", "kind", "size", "duration", "start", "notes"]),
        (120, ["name", "kind", "size", "duration", "rate", "start", "notes"]),
    ],
)
def test_lines_fit_terminals(session, width, headings):
    rows = [table.row_of(str(path), isx.open(path)) for path in sorted(session.iterdir())]
    names = [table.os.path.basename(row.path) for row in rows]
    columns = dict(zip(table.Row._fields[1:], zip(*[row[1:] for row in rows], strict=True), strict=True))
    fitting = table._fit(names, columns, width)
    assert ["name", *columns] == headings
    for number, name in enumerate(fitting):
        used = max(map(len, fitting)) + sum(
            2 + max(len(heading), *map(len, texts)) for heading, texts in columns.items()
        )
        assert used <= width
        assert name == names[number] or (name.split("…")[0], name.split("…")[1]) == (
            names[number][: name.index("…")],
            names[number][name.index("…") + 1 - len(name) :],
        )
