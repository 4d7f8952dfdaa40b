"""isx info."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

import isx
from builders.isxd import isxd
from builders.movies import header_line, metadata
from builders.video import video
from openisx import synthetic as samples
from openisx._cli import descriptions
from openisx._cli.descriptions import timing_section
from openisx._cli.formatting import Formatted, clock_text, for_json, length_text, size_text, value_text
from openisx._cli.info import _look_into


def test_a_movie_tells_its_story(run, sample):
    status, out, err = run("info", sample)
    assert (status, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0].startswith(f"{sample} movie, ")
    assert "size 50 x 70 pixels (rows x columns)" in lines
    assert "pixel type uint16" in lines
    assert "start 2024-03-12 10:15:30.250 -07:00" in lines
    assert "duration 6.000 s" in lines
    assert "period 50 ms (20 Hz)" in lines
    assert "dropped 3: 20, 76, 77" in lines
    assert "first time stamp 30106021072 us" in lines
    assert "electronic focus 420" in lines
    assert "Animal ID M-0417" in lines


def test_json_for_programs(run, sample, write_movie, tmp_path):
    image = write_movie(tmp_path / "image.isxd", frames=1)
    status, out, _ = run("info", "--json", sample, image)
    assert status == 0
    document = json.loads(out)
    movie, picture = document["files"]
    assert document["series"] is None
    assert movie["kind"] == "movie"
    assert movie["picture"] == {"size": [50, 70], "pixel_type": "uint16", "pixel_size": [24.0, 24.0]}
    assert movie["timing"]["frames"] == 120
    assert movie["timing"]["dropped"] == [20, 76, 77]
    assert movie["timing"]["start"] == "2024-03-12T10:15:30.250-07:00"
    assert movie["session"]["Recording UUID"] == "AC-20413307-0000000000-1710263730250"
    assert picture["kind"] == "image"
    assert picture["picture"]["brightest"] == 0


def test_what_no_file_tells_is_marked(run, sample, tmp_path):
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.zeros((3, 4, 5), np.uint16), photometric="minisblack")
    assert "assumed   start and period, which the file does not tell" in run("info", path)[1]
    stack, movie = json.loads(run("info", "--json", path, sample)[1])["files"]
    assert stack["timing"]["assumed"] == ["start", "period"]
    assert stack["picture"]["assumed"] == ["pixel size"]
    assert "assumed" not in movie["timing"] | movie["picture"]
    tifffile.imwrite(path, np.zeros((4, 5), np.uint16), photometric="minisblack")
    assert "assumed     pixel size, which the file does not tell" in run("info", path)[1]


def test_broken_files_do_not_hide_the_others(run, sample, tmp_path):
    broken = tmp_path / "broken.isxd"
    broken.write_bytes(b"nothing of use")
    (tmp_path / "unknown.xyz").touch()
    status, out, err = run("info", broken, tmp_path / "missing.isxd", tmp_path / "unknown.xyz", sample)
    assert status == 1
    assert "pixel type" in out
    first, second, third = err.splitlines()
    assert first.startswith("error: ")
    assert str(broken) in first
    assert second == f"error: File does not exist: {tmp_path / 'missing.isxd'}"
    assert third == f"error: File extension not supported: xyz ({tmp_path / 'unknown.xyz'})"
    status, out, _ = run("info", "--json", broken, sample)
    assert status == 1
    assert [sorted(file)[:2] for file in json.loads(out)["files"]] == [
        ["error", "path"],
        ["bytes", "hardware"],
    ]


def test_what_was_repaired_is_told(run, write_movie, tmp_path):
    path = tmp_path / "cut.isxd"
    write_movie(path, frames=4)
    data = path.read_bytes()
    path.write_bytes(data[12:])  # the first frame is gone: 4 are announced, 3 there
    status, out, _ = run("info", path)
    assert status == 0
    assert "warning: " in out
    status, out, _ = run("info", "--json", path)
    assert len(json.loads(out)["files"][0]["warnings"]) == 1


def test_series(run, write_movie, tmp_path):
    late = write_movie(tmp_path / "late.isxd", start=10, frames=8, dropped=[1])
    early = write_movie(tmp_path / "early.isxd", start=2, frames=4)
    status, out, _ = run("info", late, early)
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert status == 0
    assert lines[lines.index("Series of 2 files") + 1 :] == [
        "one recording yes",
        "order 2, 1",
        "samples 12",
        "dropped 1",
        "recorded 0.600 s",
        "first to last 8.400 s",
        "longest gap 7.800 s",
    ]
    _, out, _ = run("info", "--json", late, early)
    assert json.loads(out)["series"]["files"] == [early, late]
    other = write_movie(tmp_path / "other.isxd", start=20, shape=(3, 3))
    status, out, _ = run("info", early, other)
    assert status == 0
    assert "one recording" in out
    assert f"{other} does not fit behind {early}: 3 x 3 pixels instead of 2 x 3." in out


def test_missing_samples_are_summed_up():
    facts = timing_section(isx.Timing(100, dropped=range(50), cropped=[(60, 62), (70, 70)], blank=[99]))
    assert facts["dropped"].text == "50: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ... 49"
    assert facts["cropped"].text == "4: 60-62, 70"
    assert facts["blank"] == ([99], "1: 99")


@pytest.mark.parametrize(
    ("seconds", "offset", "shown", "plain"),
    [
        (0, 0, "1970-01-01 00:00:00.000 UTC", "1970-01-01T00:00:00.000Z"),
        (60, 19800, "1970-01-01 05:31:00.000 +05:30", "1970-01-01T05:31:00.000+05:30"),
        (0, 10**6, "1970-01-12 13:46:40.000 (local time is UTC +1e+06 s)", None),
        (10**15, 0, "1e+15 s after 1970", None),
    ],
)
def test_start(seconds, offset, shown, plain):
    start = isx.Time._from_secs_since_epoch(isx.Duration.from_secs(seconds), offset)
    fact = timing_section(isx.Timing(1, start=start))["start"]
    assert fact.text == shown
    assert fact.value == plain or plain is None


def test_a_period_of_zero_is_no_error():
    assert timing_section(isx.Timing(3, isx.Duration()))["period"].text == "0"


def test_values_as_text_and_json():
    assert [size_text(n) for n in (0, 999, 1000, 123_456, 5.5e9, 2e15)] == [
        "0 bytes",
        "999 bytes",
        "1 kB",
        "123 kB",
        "5.5 GB",
        "2e+03 TB",
    ]
    assert [size_text(n) for n in (1, 999_600)] == ["1 byte", "1 MB"]
    assert [length_text(s) for s in (1.5, 125, 7265)] == [
        "1.500 s",
        "2 min 05.0 s (125.000 s)",
        "2 h 01 min 05.0 s (7265.000 s)",
    ]
    assert length_text(179.99) == "3 min 00.0 s (179.990 s)"
    assert [clock_text(s) for s in (0, 5.25, 59.96, 754, 3723.4)] == [
        "0:00.0",
        "0:05.2",
        "1:00",
        "12:34",
        "1:02:03",
    ]
    assert value_text("") == "-"
    assert value_text([True, None, 0.1234567, {"a": 1}]) == "yes, -, 0.123457, a: 1"
    facts = {
        "a b": Formatted(np.float32(0.5), "half"),
        "Animal ID": [np.int64(3), float("nan")],
        "x": np.arange(2),
    }
    assert for_json(facts) == {"a_b": 0.5, "Animal ID": [3, None], "x": [0, 1]}


def _golden():
    folder = Path(__file__).parent.parent / "data"
    endings = {".isxd", ".isxb", ".isxc", ".gpio", ".imu", ".raw", ".hdf5", ".xml", ".tif", ".tiff"}
    return sorted(path for path in folder.rglob("*") if path.suffix in endings)


@pytest.mark.parametrize("path", _golden(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_any_file_is_told_or_refused(path):
    """Every golden file of every kind, the damaged ones included."""
    file = _look_into(str(path))
    assert (file.error is None) == bool(file.sections)
    json.dumps(for_json(file.sections), allow_nan=False)
    if file.error is None:
        assert file.kind
    else:
        assert isinstance(file.error, isx.IsxError)


def test_series_of_every_kind(run, tmp_path):
    """Three recordings, one after the other; the files of each kind make up a series."""
    pytest.importorskip("av")  # writes the compressed movies
    starts = [isx.Time._from_secs_since_epoch(isx.Duration.from_secs(s)) for s in (300, 100, 200)]
    scenes = [
        samples.Scene(seed=2, num_frames=20, shape=(30, 40), num_neurons=2, start=start) for start in starts
    ]
    written = [samples.write(tmp_path, scene) for scene in scenes]
    for name in written[0]:
        paths = [paths[name] for paths in written]
        status, out, err = run("info", "--json", *paths)
        assert status == 0, out + err
        series = json.loads(out)["series"]
        assert series["one_recording"] is True, name
        assert series["files"] == [paths[1], paths[2], paths[0]], name
        assert 97 < series["longest_gap"] < 100, name


def test_headers_of_all_frames(run, tmp_path, monkeypatch):
    """Planes, powers and colours that take turns are all told, not those of the first frame alone."""
    turns = [(0, 71, 1000), (500, 71, 1000), (900, 72, 800)]
    body = b"".join(
        header_line(efocus=focus, color_id=color, led1_power=power) + bytes(12) + bytes(5120)
        for focus, color, power in turns * 4
    )
    path = tmp_path / "planes.isxd"
    path.write_bytes(isxd(body, metadata((2, 3), "uint16", 12, hasFrameHeaderFooter=True)))
    lines = [" ".join(line.split()) for line in run("info", path)[1].splitlines()]
    turns_text = (
        "3 planes and colours (e-focus 0, green; e-focus 500, green; e-focus 900, color72), 6.67 Hz each"
    )
    assert f"interleaved {turns_text}" in lines
    assert "electronic focus 0, 500, 900" in lines
    assert "led powers LED 1: 800, 1000, LED 2: 0 (raw values)" in lines
    assert "color ids 71, 72" in lines
    hardware = json.loads(run("info", "--json", path)[1])["files"][0]["hardware"]
    assert hardware == {
        "interleaved": [
            {"efocus": 0, "channel": "green", "name": "efocus_0000-green", "rate": pytest.approx(20 / 3)},
            {"efocus": 500, "channel": "green", "name": "efocus_0500-green", "rate": pytest.approx(20 / 3)},
            {
                "efocus": 900,
                "channel": "color72",
                "name": "efocus_0900-color72",
                "rate": pytest.approx(20 / 3),
            },
        ],
        "electronic_focus": [0, 500, 900],
        "led_powers": [[800, 1000], [0]],
        "color_ids": [71, 72],
    }
    monkeypatch.setattr(descriptions, "_MOST_HEADERS", 6)  # of a long movie only some are read
    lines = [" ".join(line.split()) for line in run("info", path)[1].splitlines()]
    assert f"interleaved {turns_text}" in lines
    assert "headers read 6 of 12" in lines
    assert descriptions._frames_to_look_at(12) == [0, 1, 2, 3, 7, 11]


def test_files_that_do_not_tell_their_start_may_be_one_recording(run, tmp_path, monkeypatch):
    pytest.importorskip("av")
    monkeypatch.chdir(tmp_path)
    for name in ("a.avi", "b.avi"):
        (tmp_path / name).write_bytes(video(np.zeros((3, 4, 6), np.uint8)))
    status, out, _ = run("info", "a.avi", "b.avi")
    assert status == 0
    assert "one recording  perhaps: the files fit together, but do not all tell when they start" in out
