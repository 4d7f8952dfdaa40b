"""isx align, isx timestamps, and videos from isx export."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from builders.isxb import isxb, jpeg, samples, session
from builders.paired import behavior, gpio, microscope


@pytest.fixture
def files(tmp_path):
    return {
        "g": gpio(tmp_path / "g.isxd", 10_000_000, points=[(0, 5, 1.0)]),
        "m": microscope(tmp_path / "m.isxd", [12_000_000, 12_050_000], start=(1_600_000_000_500, 1000)),
        "b": behavior(tmp_path / "b.isxb", [9_000_000, 9_050_000], start=1_599_999_999_000, offset=-420),
    }


def test_align(run, files):
    before = files["m"].read_bytes()
    status, out, err = run("align", files["g"], files["m"], files["b"], "--dry-run")
    assert (status, err) == (0, "")
    assert [line.split() for line in out.strip().split("\n")] == [
        ["kept", "2020-09-13", "05:26:39.000", str(files["b"])],
        ["would", "move", "+1.500", "s", "to", "2020-09-13", "05:26:42.000", str(files["m"])],
    ]
    assert out == "".join(line.rstrip() + "\n" for line in out.splitlines())
    assert files["m"].read_bytes() == before
    status, out, err = run("align", files["g"], files["m"])
    assert (status, err) == (0, "")
    assert out.split()[:3] == ["moved", "+1.500", "s"]
    assert str(isx.Movie.read(files["m"]).timing.start) == "2020-09-13 05:26:42"
    status, out, err = run("align", files["g"], files["g"])
    assert (status, out) == (0, "Nothing to align: the reference is the only file.\n")


def test_align_refuses_unpaired_files(run, files, tmp_path):
    other = microscope(tmp_path / "o.isxd", [1, 50_001], uuid="other")
    status, out, err = run("align", files["g"], other)
    assert (status, out) == (1, "")
    assert err.startswith("error: Files are not paired and synchronized")
    assert err.count("\n") == 1
    assert run("align", files["g"])[0] == 2


def test_timestamps(run, files, tmp_path):
    status, out, err = run("timestamps", files["m"], "-o", tmp_path / "o.csv", "--time-ref", "tsc")
    assert (status, out, err) == (0, f"wrote {tmp_path / 'o.csv'}\n", "")
    assert (tmp_path / "o.csv").read_text().split("\n")[1:] == ["0,0,0,12000000", "1,0,1,12050000", ""]
    status, out, err = run(
        "timestamps", files["g"], files["m"], files["b"], "--side-by-side", "-o", tmp_path / "s.csv"
    )
    assert (status, err) == (0, "")
    assert (tmp_path / "s.csv").read_text().split("\n")[:2] == [
        "g Timestamp (s),g Channel,m Timestamp (s),b Timestamp (s)",
        "0.000005,A,2.000000,-1.000000",
    ]
    status, out, err = run("timestamps", files["g"], "--side-by-side", "-o", tmp_path / "s.csv")
    assert (status, out) == (1, "")
    assert "File already exists" in err
    assert run("timestamps", files["m"], "-o", tmp_path / "p.csv", "--time-ref", "x")[0] == 2


def test_movie_to_csv(run, files, tmp_path):
    assert run("export", files["m"], "-o", tmp_path / "m.csv")[0] == 0
    assert (tmp_path / "m.csv").read_text().startswith("Global Frame Number,Movie Number,Local Frame Number,")
    records = samples(2)
    records[0]["tracker"] = {"box": [1, 2, 3, 4], "conf": 50}
    image = jpeg(np.zeros((48, 64), np.uint8))
    tracked = isxb(tmp_path / "t.isxb", [image] * 2, session(), records)
    assert run("export", tracked, "-o", tmp_path / "t.csv", "--time-ref", "tsc")[0] == 0
    assert ",1,2,3,4,2,3,50,,,,\n" in (tmp_path / "t.csv").read_text()


@pytest.mark.parametrize("ending", ["mp4", "MOV", "mkv", "avi"])
def test_movie_to_video(run, files, tmp_path, ending):
    av = pytest.importorskip("av")
    output = tmp_path / f"o.{ending}"
    status, out, err = run("export", files["b"], "-o", output, "--quality", "0.2", "--codec", "mpeg4")
    assert (status, out, err) == (0, f"wrote {output}\n", "")
    with av.open(str(output)) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
        assert sum(1 for _ in container.decode(video=0)) == 2
