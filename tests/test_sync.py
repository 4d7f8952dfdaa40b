"""Start times on one clock: the vendor's files, what is computed, what is written, what is refused."""

from __future__ import annotations

import json
import os
import shutil
import struct
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import isx
from builders.isxd import body_of, isxd, metadata_of, parts, ratio
from builders.movie import UUID, header_line, isxd_movie
from builders.paired import behavior, gpio, microscope
from openisx import sync as alignment

GOLDEN = Path(__file__).parent / "data" / "csv"
FRAME = np.zeros((1, 2, 3), np.uint16)


def header_of(path):
    return struct.unpack("<Qq", path.read_bytes()[16:32])


def session_of(path):
    place, size = struct.unpack("<QQ", path.read_bytes()[80:96])
    return json.loads(path.read_bytes()[place : place + size])


def compact(path):
    """Take all blanks out of the session metadata."""
    data = path.read_bytes()
    (place,) = struct.unpack("<Q", data[80:88])
    session = json.dumps(session_of(path), separators=(",", ":")).encode()
    path.write_bytes(data[:88] + struct.pack("<Q", len(session)) + data[96:place] + session)


def start_of(path):
    start = metadata_of(path)["timingInfo"]["start"]
    return start["secsSinceEpoch"]["num"], start["secsSinceEpoch"]["den"], start["utcOffset"]


# -- the vendor's files ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["align_isxb", "align_isxd"])
def test_golden(tmp_path, name):
    case = next(c for c in json.loads((GOLDEN / "cases.json").read_text()) if c["name"] == name)
    reference, files = case["args"]
    for path in [reference, *files]:
        shutil.copy(GOLDEN / path, tmp_path)
    isx.align_start_times(tmp_path / reference, [tmp_path / path for path in files])
    assert (tmp_path / reference).read_bytes() == (GOLDEN / reference).read_bytes()
    for path, change in case["changed_files"].items():
        new, old = (tmp_path / path).read_bytes(), (GOLDEN / path).read_bytes()
        if path.endswith("isxb"):
            assert list(header_of(tmp_path / path)) == change["epoch_ms_and_utc_min"]
            assert new[:16] + new[32:] == old[:16] + old[32:]
        else:
            assert metadata_of(tmp_path / path) == change["footer"] | {
                "producer": {"name": "isx", "version": [int(n) for n in isx.__version__.split(".")]}
            }
            assert body_of(tmp_path / path) == body_of(GOLDEN / path)


# -- what is computed --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("difference", "shift"),
    [
        (0, 0),
        (499, 0),
        (500, 1),
        (-500, -1),
        (1500, 2),
        (2500, 3),
        (-2500, -3),
        (7_000_000, 7000),
        (-6000, -6),
    ],
)
def test_shift_is_rounded_to_milliseconds(tmp_path, difference, shift):
    first = 10_000_000
    reference = microscope(tmp_path / "ref.isxd", [first, first + 50_000])
    moved = microscope(
        tmp_path / "m.isxd", [first + difference, first + difference + 50_000], start=(5, 1000)
    )
    (planned,) = alignment.plan_start_times(reference, moved)
    assert planned.shift == pytest.approx((1_600_000_000_000 + shift - 5) / 1000)
    isx.align_start_times(reference, moved)
    assert start_of(moved) == (1_600_000_000_000 + shift, 1000, -25200)


def test_every_kind_of_reference(tmp_path):
    first = 10_000_000
    references = [
        gpio(tmp_path / "g.isxd", first),
        microscope(tmp_path / "r.isxd", [first, first + 50_000]),
        behavior(tmp_path / "r.isxb", [first, first + 50_000], start=1_600_000_000_000, offset=-420),
    ]
    for k, reference in enumerate(references):
        a = microscope(tmp_path / f"a{k}.isxd", [first + 2_000_000, first + 2_050_000], start=(1, 1))
        b = behavior(tmp_path / f"b{k}.isxb", [first + 3_000_000, first + 3_050_000])
        isx.align_start_times(reference, [a, b])
        assert start_of(a) == (1_600_000_002_000, 1000, -25200)
        assert header_of(b) == (1_600_000_003_000, -420)


def test_a_missing_first_frame_is_counted_back(tmp_path):
    reference = gpio(tmp_path / "g.isxd", 10_000_000)
    moved = microscope(
        tmp_path / "m.isxd", [20_000_000, 20_050_007, 20_100_001], num_samples=5, dropped=[0], blank=[1]
    )
    # the period by the counters is (20100001 - 20000000) / 2 us
    expected = 1_600_000_000_000 + round((20_000_000 - 2 * 50_000.5 - 10_000_000) / 1000)
    isx.align_start_times(reference, moved)
    assert start_of(moved)[0] == expected


def test_starts_in_other_units(tmp_path):
    first = 10_000_000
    for k, start in enumerate([(1_600_000_000, 1), (1_600_000_000_123_500, 1_000_000)]):
        reference = microscope(tmp_path / f"r{k}.isxd", [first, first + 50_000], start=start)
        moved = microscope(tmp_path / f"m{k}.isxd", [first + 1000, first + 51_000])
        isx.align_start_times(reference, moved)
        exact = Fraction(*start) * 1000 + 1
        assert start_of(moved) == (int(exact + Fraction(1, 2)), 1000, -25200)


@pytest.mark.parametrize(("seconds", "minutes"), [(-25230, -420), (59, 0), (-59, 0), (19800, 330), (0, 0)])
def test_utc_offset_of_behaviour_movies_is_in_minutes(tmp_path, seconds, minutes):
    reference = gpio(tmp_path / "g.isxd", utc_offset=seconds)
    moved = behavior(tmp_path / "b.isxb", [11_000_000, 11_050_000])
    isx.align_start_times(reference, moved)
    assert header_of(moved) == (1_600_000_001_000, minutes)


# -- what is written ---------------------------------------------------------------------------------


def test_everything_unknown_is_kept(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    moved = microscope(
        tmp_path / "m.isxd",
        [12_000_000, 12_050_000, 12_100_000],
        start=(7, 1000),
        lab={"mouse": [1, 2.5, None]},
    )
    frames, before = parts(moved)
    before["timingInfo"]["start"]["note"] = "kept"
    before["timingInfo"]["other"] = [1]
    moved.write_bytes(isxd(frames, before))
    isx.align_start_times(reference, moved)
    after = metadata_of(moved)
    assert after["lab"] == {"mouse": [1, 2.5, None]}
    assert after["timingInfo"]["other"] == [1]
    assert after["timingInfo"]["start"] == {
        "note": "kept",
        "secsSinceEpoch": ratio(1_600_000_002_000, 1000),
        "utcOffset": -25200,
    }
    assert after["timingInfo"]["period"] == ratio(100_000, 2_000_000)
    assert {k: v for k, v in after.items() if k not in ("timingInfo", "producer")} == {
        k: v for k, v in before.items() if k not in ("timingInfo", "producer")
    }
    assert body_of(moved) == frames


@pytest.mark.parametrize("padding", range(12))
def test_shorter_metadata_leave_a_sound_file(tmp_path, padding):
    # the vendor tears the length field when the new text is 1 to 7 bytes shorter
    reference = gpio(tmp_path / "g.isxd")
    moved = microscope(tmp_path / "m.isxd", [12_000_000, 12_050_000, 12_100_000], start=(7, 1000))
    data = moved.read_bytes()
    isx.align_start_times(reference, moved)
    shortened = len(data) - moved.stat().st_size
    moved.write_bytes(data)
    text = json.dumps(metadata_of(moved), indent=4, sort_keys=True).encode() + b" " * (
        padding - shortened + 20
    )
    moved.write_bytes(isxd(body_of(moved), text))
    isx.align_start_times(reference, moved)
    assert start_of(moved)[0] == 1_600_000_002_000
    assert len(isx.Movie.read(moved)) == 3


def test_aligning_twice_changes_nothing(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    files = [
        microscope(tmp_path / "m.isxd", [12_000_000, 12_050_000]),
        behavior(tmp_path / "b.isxb", [11_000_000, 11_050_000]),
    ]
    assert [p.changes for p in alignment.plan_start_times(reference, files)] == [True, True]
    isx.align_start_times(reference, files)
    assert [p.changes for p in alignment.plan_start_times(reference, files)] == [False, False]
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    isx.align_start_times(reference, files)
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before


def test_a_right_start_with_another_utc_offset_is_not_touched(tmp_path):
    reference = gpio(tmp_path / "g.isxd", utc_offset=3600)
    moved = microscope(tmp_path / "m.isxd", [10_000_000, 10_050_000])
    before = moved.read_bytes()
    isx.align_start_times(reference, moved)
    assert moved.read_bytes() == before


def test_planning_writes_nothing(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    moved = microscope(tmp_path / "m.isxd", [12_000_000, 12_050_000], start=(1_600_000_000_500, 1000))
    before = moved.read_bytes()
    (planned,) = alignment.plan_start_times(str(reference), str(moved))
    assert (planned.path, planned.changes, planned.shift) == (str(moved), True, 1.5)
    assert str(planned.new) == "2020-09-13 05:26:42"
    assert moved.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g.isxd", "m.isxd"]


def test_reference_and_repeated_files_are_left_out(tmp_path):
    reference = microscope(tmp_path / "r.isxd", [10_000_000, 10_050_000])
    moved = microscope(tmp_path / "m.isxd", [12_000_000, 12_050_000])
    os.symlink(moved, tmp_path / "z.isxd")
    before = reference.read_bytes()
    files = [tmp_path / "z.isxd", moved, reference, moved, tmp_path / "." / "m.isxd"]
    assert [p.path for p in alignment.plan_start_times(reference, files)] == [str(moved)]
    isx.align_start_times(reference, files)
    assert reference.read_bytes() == before
    assert start_of(moved)[0] == 1_600_000_002_000
    isx.align_start_times(reference, reference)
    isx.align_start_times(reference, [])


OWN = {
    "blank": [],
    "dropped": [],
    "numTimes": 2,
    "period": ratio(1, 20),
    "start": {"secsSinceEpoch": ratio(1_600_000_009_000, 1000), "utcOffset": 0, "note": "k\u00fcpt"},
}


@pytest.mark.parametrize("spaced", [True, False])
def test_a_behaviour_movie_with_a_timing_of_its_own(tmp_path, spaced):
    reference = gpio(tmp_path / "g.isxd")
    info = {**OWN, "cropped": []} if not spaced else OWN
    moved = behavior(tmp_path / "b.isxb", [11_000_000, 11_050_000], note="\u00e4[{", timingInfo=info, zoo=[1])
    if not spaced:
        compact(moved)
    before = moved.read_bytes()
    isx.align_start_times(reference, moved)
    assert header_of(moved) == (1_600_000_001_000, -420)
    after = moved.read_bytes()
    assert len(after) == len(before)
    start = {"secsSinceEpoch": ratio(1_600_000_001_000, 1000), "utcOffset": -25_200, "note": "k\u00fcpt"}
    session = session_of(moved)
    kept = {key: value for key, value in info.items() if spaced or value != []}
    assert session["timingInfo"] == {**kept, "start": start}
    assert session["note"] == "\u00e4[{"
    assert session["zoo"] == [1]
    with isx.Movie.read(moved) as movie:
        assert movie.timing.start._impl.secs_since_epoch.num == 1_600_000_001_000
        assert movie.timestamps.tolist() == [11_000_000, 11_050_000]
    assert not alignment.plan_start_times(reference, moved)[0].changes


def replace_session(path, text):
    """Let `text`, a text, take the place of the session metadata."""
    data = path.read_bytes()
    (place,) = struct.unpack("<Q", data[80:88])
    path.write_bytes(data[:88] + struct.pack("<Q", len(text)) + data[96:place] + text)


@pytest.mark.parametrize("number", ["0.12345678901234567", "123456789012345678901234", "-0.0", "1e-7", "5.0"])
def test_other_numbers_of_a_timing_keep_their_value(tmp_path, number):
    reference = gpio(tmp_path / "g.isxd")
    moved = behavior(tmp_path / "b.isxb", [11_000_000, 11_050_000], timingInfo={"odd": "NUMBER", **OWN})
    text = json.dumps(session_of(moved)).replace('"NUMBER"', number)
    replace_session(moved, text.encode())
    before = session_of(moved)
    isx.align_start_times(reference, moved)
    after = session_of(moved)
    assert after["timingInfo"]["start"] != before["timingInfo"].pop("start")
    del after["timingInfo"]["start"]
    assert repr(after) == repr(before) or sorted(map(repr, after["timingInfo"].items())) == sorted(
        map(repr, before["timingInfo"].items())
    )


def test_a_number_beyond_all_others_is_never_written(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    moved = behavior(tmp_path / "b.isxb", [11_000_000, 11_050_000], timingInfo={"odd": "NUMBER", **OWN})
    replace_session(moved, json.dumps(session_of(moved)).replace('"NUMBER"', "1e400").encode())
    before = moved.read_bytes()
    with pytest.warns(isx.IsxWarning, match="no room for the new start"):
        isx.align_start_times(reference, moved)
    assert moved.read_bytes()[32:] == before[32:]


def test_of_two_timings_the_one_that_readers_take_is_moved(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    moved = behavior(tmp_path / "b.isxb", [11_000_000, 11_050_000])
    first = json.dumps({**OWN, "numTimes": 7})
    plain = json.dumps(session_of(moved))
    text = f'{{"timingInfo": {first}, "timing\\u0049nfo": {json.dumps(OWN)}, {plain[1:]}'
    replace_session(moved, text.encode())
    isx.align_start_times(reference, moved)
    assert first.encode() in moved.read_bytes()
    with isx.Movie.read(moved) as movie:
        assert movie.timing.start._impl.secs_since_epoch.num == 1_600_000_001_000


def test_a_timing_without_room_for_another_start_is_reported(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    info = {key: value for key, value in OWN.items() if value != []}
    moved = behavior(tmp_path / "b.isxb", [11_000_000, 11_050_000], timingInfo=info)
    compact(moved)
    before = session_of(moved)
    with pytest.warns(isx.IsxWarning, match="no room for the new start"):
        isx.align_start_times(reference, moved)
    assert header_of(moved) == (1_600_000_001_000, -420)
    assert session_of(moved) == before


# -- what is refused ---------------------------------------------------------------------------------


def unchanged(paths, call, error, match):
    before = [path.read_bytes() for path in paths]
    with pytest.raises(error, match=match):
        call()
    assert [path.read_bytes() for path in paths] == before


def test_unpaired_files(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    good = microscope(tmp_path / "a.isxd", [12_000_000, 12_050_000])
    other = microscope(tmp_path / "b.isxd", [12_000_000, 12_050_000], uuid="other")
    none = behavior(tmp_path / "c.isxb", [12_000_000, 12_050_000], uuid=None)
    text = (
        r"recording UUID of align file \({}\) does not match recording UUID of timing reference file \({}\)\."
    )
    for bad, uuid in ((other, "other"), (none, "")):
        unchanged(
            [good, bad],
            lambda bad=bad: isx.align_start_times(reference, [good, bad]),
            isx.IsxError,
            "Files are not paired and synchronized - " + text.format(uuid, UUID),
        )
    for files in (good, [], [none]):
        with pytest.raises(isx.IsxError, match="no recording UUID in timing reference file metadata"):
            isx.align_start_times(none, files)


def test_kinds_without_counters(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    good = microscope(tmp_path / "a.isxd", [12_000_000, 12_050_000])
    image = isxd_movie(tmp_path / "i.isxd", FRAME, kind=4)
    imu = gpio(tmp_path / "imu.isxd", kind=7)
    video = tmp_path / "v.avi"
    video.write_bytes(b"")
    events = GOLDEN / "events_a.isxd"
    for bad in (image, imu, video, events):
        with pytest.raises(isx.IsxFormatError, match="movies are supported as a timing reference"):
            isx.align_start_times(bad, good)
    for bad in (image, imu, video, events, gpio(tmp_path / "h.isxd")):
        with pytest.raises(
            isx.IsxFormatError, match="only isxd movies and isxb movies are supported as input files to align"
        ):
            isx.align_start_times(reference, [good, bad])


def test_files_without_counters_leave_all_others_untouched(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    good = microscope(tmp_path / "a.isxd", [12_000_000, 12_050_000])
    plain = isxd_movie(tmp_path / "p.isxd", np.zeros((2, 2, 3), np.uint16))
    old = microscope(tmp_path / "o.isxd", [12_000_000, 12_050_000], version="1.1.0")
    empty = microscope(tmp_path / "e.isxd", [], num_samples=2, dropped=[0, 1])
    for bad, text in (
        (plain, "Cannot get first tsc from movie with no frame timestamps."),
        (old, "Cannot get first tsc from movie with no frame timestamps."),
        (empty, "Failed to find index of first valid frame"),
    ):
        unchanged([good], lambda bad=bad: isx.align_start_times(reference, [good, bad]), isx.IsxError, text)
    silent = gpio(tmp_path / "s.isxd", None)
    unchanged(
        [good],
        lambda: isx.align_start_times(silent, good),
        isx.IsxError,
        "GPIO first tsc not stored in file metadata.",
    )


def test_missing_files(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    good = microscope(tmp_path / "a.isxd", [12_000_000, 12_050_000])
    for name in ("x.isxd", "x.isxb", "x.gpio"):
        missing = tmp_path / name
        with pytest.raises(FileNotFoundError, match=f"File does not exist: .*{name}"):
            isx.align_start_times(missing, good)
        unchanged(
            [good],
            lambda missing=missing: isx.align_start_times(reference, [good, missing]),
            FileNotFoundError,
            "File does not exist",
        )


def test_absurd_counters(tmp_path):
    reference = gpio(tmp_path / "g.isxd", 2**63)
    moved = microscope(tmp_path / "m.isxd", [1, 50_001])
    unchanged([moved], lambda: isx.align_start_times(reference, moved), isx.IsxFormatError, "damaged")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_read_only_files(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    moved = microscope(tmp_path / "m.isxd", [12_000_000, 12_050_000])
    moved.chmod(0o444)
    with pytest.raises(isx.IsxFileError, match="Cannot edit"):
        isx.align_start_times(reference, moved)


def test_cut_files_keep_their_warning_and_can_be_aligned(tmp_path):
    reference = gpio(tmp_path / "g.isxd")
    moved = microscope(tmp_path / "m.isxd", [12_000_000, 12_050_000], num_samples=3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        isx.align_start_times(reference, moved)
    assert len(caught) == 1
    assert metadata_of(moved)["timingInfo"]["numTimes"] == 3
    assert start_of(moved)[0] == 1_600_000_002_000


def test_half_away():
    values = [0.5, -0.5, 1.5, 2.5, -2.5, 0.49, 1e15, Fraction(1, 2), Fraction(-5, 2), Fraction(7, 3)]
    assert [alignment.half_away(v) for v in values] == [1, -1, 2, 3, -3, 0, 10**15, 1, -3, 2]
    assert [alignment.half_away(v) for v in (2.0**52 + 1, -(2.0**53) + 1, 0.5 - 2**-54)] == [
        2**52 + 1,
        1 - 2**53,
        0,
    ]


def test_header_line_helper():
    line = np.frombuffer(header_line(0x0102030405060708), np.uint16)
    assert (line[1272:1280] >> 4).tolist() == [8, 7, 6, 5, 4, 3, 2, 1]
