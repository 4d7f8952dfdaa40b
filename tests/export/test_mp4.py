"""export_movie_to_mp4: the vendor's files, options, overlays, errors."""

from __future__ import annotations

import itertools
import json
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders.isxb import isxb, jpeg, samples, session
from builders.movie import isxd_movie
from openisx.export import mp4

av = pytest.importorskip("av")

GOLDEN = Path(__file__).parents[1] / "data" / "export_movies"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text())
CALLS = [call for call in EXPECTED["calls"] if call["f"] == "export_movie_to_mp4"]


def decode(path):
    """Brightness of every frame, and what the container says."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames: list[Any] = []
        found: dict[str, list[Any]] = {"pts": [], "keyframe": []}
        for frame in container.decode(stream):
            for plane, size in zip(frame.planes, (1, 2, 2), strict=True):
                pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
                if size == 1:
                    frames.append(pixels[:, : plane.width].copy())
                else:
                    assert abs(pixels[:, : plane.width].astype(int) - 128).max() <= 1
            found["pts"].append(frame.pts)
            found["keyframe"].append(bool(frame.key_frame))
        context = stream.codec_context
        found |= {
            "codec": context.name,
            "tag": context.codec_tag,
            "pix_fmt": context.pix_fmt,
            "width": context.width,
            "height": context.height,
            "time_base": [stream.time_base.numerator, stream.time_base.denominator],
        }
    return np.stack(frames), found


def picture(seed=0, rows=32, cols=48, dtype=np.uint16):
    y, x = np.mgrid[:rows, :cols]
    return (500 + 400 * np.sin(x / 7 + seed) * np.cos(y / 5)).astype(dtype)


def stack(count, **options):
    return np.stack([picture(k, **options) for k in range(count)])


def left_overs(folder):
    return sorted(p.name for p in folder.iterdir() if p.suffix not in (".isxd", ".isxb"))


# -- the vendor's files ------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call["a"][1])
def test_golden(tmp_path, call, codec):
    inputs, name = call["a"]
    output = tmp_path / name
    isx.export_movie_to_mp4([GOLDEN / path for path in inputs], output, **call["k"], codec=codec)
    luma, found = decode(output)
    expected = EXPECTED[name]
    vendors = np.load(GOLDEN / name.replace(".mp4", ".decoded.npz"))["luma"]
    for key in ("pts", "pix_fmt", "width", "height", "time_base"):
        assert found[key] == expected[key], key
    if codec == "mpeg4":
        assert found["codec"] == "mpeg4"
        assert found["tag"] == expected["tag"]
        assert found["keyframe"] == expected["keyframe"]
        assert abs(output.stat().st_size / expected["bytes"] - 1) < 0.03
    if name == "tracking.mp4":
        assert ((luma > 127) != (vendors > 127)).sum() < 0.03 * (vendors > 127).sum()
    else:
        assert abs(luma.astype(int) - vendors).max() <= (6 if codec == "mpeg4" else 12)


def test_golden_overlays_keep_the_specified_distance_from_the_ideal_curves(tmp_path):
    isx.export_movie_to_mp4(GOLDEN / "tracking.isxb", tmp_path / "t.mp4", 1000.0, True, codec="mpeg4")
    white = decode(tmp_path / "t.mp4")[0][2] > 127  # a dropped frame: zones only
    rows, cols = white.shape
    y, x = np.mgrid[:rows, :cols].astype(float)
    corners = [[20, 10], [60, 10], [60, 40], [20, 40]], [[70, 51], [111, 45], [100, 80]]
    angle = np.linspace(0, 2 * np.pi, 4000)
    turn = np.radians(30)
    # half axes 25 and 10.5, rounded away from zero
    cx = 40 + 25 * np.cos(angle) * np.cos(turn) - 11 * np.sin(angle) * np.sin(turn)
    cy = 70 + 25 * np.cos(angle) * np.sin(turn) + 11 * np.sin(angle) * np.cos(turn)
    curve: list[Any] = [np.column_stack([cx, cy])]
    for points in corners:
        closed = np.array([*points, points[0]], float)
        for a, b in itertools.pairwise(closed):
            curve.append(a + (b - a) * np.linspace(0, 1, 800)[:, None])
    path = np.concatenate(curve)
    distance = np.min([np.hypot(x - px, y - py) for px, py in path[::3]], axis=0)
    assert white[distance <= 1].all()
    assert not white[distance > 1.95].any()


# -- brightness --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_brightness_is_cut_not_rounded(dtype):
    seen = mp4.ValueRange()
    frames = [np.array([[3, 10]], dtype), np.array([[1000, 77]], dtype)]
    for frame in frames:
        seen.include(frame)
    scale = mp4.Brightness(seen)
    low, span = np.float32(3), np.float32(1000) - np.float32(3)
    for frame in frames:
        expected = np.float32(255) * ((frame.astype(np.float32) - low) / span)
        np.testing.assert_array_equal(scale(frame), expected.astype(np.uint8))
    assert scale(frames[1])[0, 0] == 255
    assert scale(np.array([[999]], dtype))[0, 0] == 254


def test_brightness_of_values_that_are_not_finite():
    seen = mp4.ValueRange()
    seen.include(np.array([[np.nan, np.inf, -np.inf]], np.float32))
    frame = np.array([[np.nan, 5, np.inf, -np.inf, 15, 10]], np.float32)
    seen.include(frame)
    assert mp4.Brightness(seen)(frame).tolist() == [[0, 0, 255, 0, 255, 127]]


@pytest.mark.parametrize("values", [[-1.0, -1.0], [np.nan, np.nan], [7.0, 7.0], [np.inf, np.inf]])
def test_brightness_without_contrast_is_black(values):
    seen = mp4.ValueRange()
    frame = np.array([values], np.float32)
    seen.include(frame)
    assert not mp4.Brightness(seen)(frame).any()


def test_brightness_of_the_whole_range_of_float32():
    seen = mp4.ValueRange()
    top = np.finfo(np.float32).max
    frame = np.array([[-top, 0, top]], np.float32)
    seen.include(frame)
    assert mp4.Brightness(seen)(frame).tolist() == [[0, 127, 255]]


def test_brightness_without_pixels_or_frames():
    seen = mp4.ValueRange()
    seen.include(np.zeros((0, 3), np.float32))
    assert mp4.Brightness(seen)(np.ones((2, 2), np.float32)).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_pixels_of_uint8_movies_are_not_scaled(tmp_path, codec):
    frame = np.kron(np.array([[50, 60], [70, 80]], np.uint8), np.ones((16, 16), np.uint8))
    isxd_movie(tmp_path / "m.isxd", np.stack([frame] * 3))
    isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4", 1.0, codec=codec)
    luma, _ = decode(tmp_path / "o.mp4")
    assert abs(luma.astype(int) - frame).max() <= 3


def test_movies_of_a_series_share_one_scale(tmp_path):
    flat = np.ones((1, 16, 16), np.uint16)
    isxd_movie(tmp_path / "a.isxd", np.concatenate([flat * 100, flat * 200]))
    isxd_movie(tmp_path / "b.isxd", (flat * 300).astype(np.float32))
    isx.export_movie_to_mp4([tmp_path / "b.isxd", tmp_path / "a.isxd"], tmp_path / "o.mp4", 1.0)
    luma, _ = decode(tmp_path / "o.mp4")
    assert [round(frame.mean()) for frame in luma] == pytest.approx([255, 0, 127], abs=2)


def test_missing_frames_do_not_count_for_the_scale_and_are_black(tmp_path):
    frames = stack(3) + 1000
    isxd_movie(tmp_path / "m.isxd", frames, num_samples=6, dropped=[1], cropped=[(4, 4)], blank=[5])
    isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "all.mp4", 1.0, write_invalid_frames=True)
    isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "valid.mp4", 1.0)
    luma, found = decode(tmp_path / "all.mp4")
    assert len(luma) == 6
    assert luma[[1, 4, 5]].max() <= 4
    assert luma[[0, 2, 3]].mean() > 60
    assert np.diff(found["pts"]).tolist() == [512] * 5
    luma, found = decode(tmp_path / "valid.mp4")
    assert len(luma) == 3
    assert np.diff(found["pts"]).tolist() == [512] * 2


def test_a_movie_of_missing_frames_can_be_written_as_black(tmp_path):
    isxd_movie(tmp_path / "m.isxd", np.zeros((0, 16, 16), np.uint16), num_samples=2, dropped=[0, 1])
    isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4", write_invalid_frames=True)
    assert decode(tmp_path / "o.mp4")[0].shape == (2, 16, 16)
    with pytest.raises(isx.IsxError, match="no frame to write"):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "p.mp4")
    assert left_overs(tmp_path) == ["o.mp4"]


def test_frames_that_a_cut_file_lost_count_as_missing(tmp_path):
    path = isxd_movie(tmp_path / "m.isxd", stack(3), num_samples=5)
    with pytest.warns(isx.IsxWarning, match="announces 5 frames"):
        isx.export_movie_to_mp4(path, tmp_path / "o.mp4")
    assert len(decode(tmp_path / "o.mp4")[0]) == 3


# -- the container -----------------------------------------------------------------------------------


def atoms(path):
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8].decode())
        at += size
    return names


def test_default_is_h264_that_starts_playing_before_it_is_loaded(tmp_path):
    isxd_movie(tmp_path / "m.isxd", stack(25))
    isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4")
    names = atoms(tmp_path / "o.mp4")
    assert names.index("moov") < names.index("mdat")
    luma, found = decode(tmp_path / "o.mp4")
    assert (found["codec"], found["tag"], found["pix_fmt"]) == ("h264", "avc1", "yuv420p")
    assert len(luma) == 25
    keys = np.flatnonzero(found["keyframe"])
    assert np.diff([*keys, 25]).max() <= 10
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert all(p.pts == p.dts for p in container.demux(video=0) if p.size)


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
@pytest.mark.parametrize("ending", ["mp4", "MP4", "mov", "mkv", "avi"])
def test_containers(tmp_path, caplog, codec, ending):
    isxd_movie(tmp_path / "m.isxd", stack(4))
    output = tmp_path / f"o.{ending}"
    isx.export_movie_to_mp4(str(tmp_path / "m.isxd"), str(output), 1.0, codec=codec)
    assert not caplog.records  # Python prints what a library logs
    luma, found = decode(output)
    assert len(luma) == 4
    assert found["codec"] == codec
    with av.open(str(output)) as container:
        assert {"mp4": "mov", "mov": "mov", "mkv": "matroska", "avi": "avi"}[ending.lower()] in (
            container.format.name
        )


@pytest.mark.parametrize("name", ["o.m4v", "o.wmv", "o.gif", "o.mpg", "o", "o.isxd"])
def test_other_extensions_are_refused(tmp_path, name):
    isxd_movie(tmp_path / "m.isxd", stack(2))
    with pytest.raises(ValueError, match=r"must be one of \.mp4, \.mov, \.mkv, \.avi"):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / name)
    assert left_overs(tmp_path) == []


@pytest.mark.parametrize(
    ("period", "form", "expected"),
    [
        ((50, 1000), "float", Fraction(1, 20)),
        ((50, 1000), "int", Fraction(1, 20)),
        ((49987, 1000000), "float", Fraction(769, 15384)),
        ((49987, 1000000), "int", Fraction(1, 20)),
        ((33337, 1000000), "float", Fraction(303, 9089)),
        ((33337, 1000000), "int", Fraction(1, 30)),
        ((3, 1), "float", Fraction(3, 1)),
        ((1, 1000), "float", Fraction(1, 1000)),
        ((2, 3), "int", Fraction(1, 2)),
        ((2, 1), "int", Fraction(1, 1)),
        ((1893, 56773), "float", Fraction(1893, 56773)),
    ],
)
@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_time_base(tmp_path, period, form, expected, codec):
    isxd_movie(tmp_path / "m.isxd", stack(3), period=period)
    isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4", frame_rate_format=form, codec=codec)
    _, found = decode(tmp_path / "o.mp4")
    scale = expected.denominator
    while scale < 10_000:
        scale *= 2
    assert found["time_base"] == [1, scale]
    ticks = expected.numerator * scale // expected.denominator
    assert found["pts"] == [0, ticks, 2 * ticks]


@pytest.mark.parametrize(("period", "form"), [((3, 1), "int"), ((1, 10_000_000), "float")])
def test_periods_without_a_frame_rate(tmp_path, period, form):
    isxd_movie(tmp_path / "m.isxd", stack(2), period=period)
    with pytest.raises(ValueError, match="no frame rate that video can hold"):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4", frame_rate_format=form)
    assert left_overs(tmp_path) == []


@pytest.mark.parametrize("period", [(0, 1), (-50, 1000)])
def test_periods_that_are_not_positive(tmp_path, period):
    isxd_movie(tmp_path / "m.isxd", stack(2), period=period)
    with pytest.raises(isx.IsxFormatError, match="allows no video"):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4")


def test_an_odd_row_and_column_are_left_out(tmp_path):
    frames = stack(2, rows=17, cols=35).astype(np.uint8)
    isxd_movie(tmp_path / "m.isxd", frames)
    isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4", 2.0)
    luma, _ = decode(tmp_path / "o.mp4")
    assert luma.shape == (2, 16, 34)
    assert abs(luma.astype(int) - frames[:, :16, :34]).mean() < 3


@pytest.mark.parametrize("shape", [(1, 20), (20, 1)])
def test_frames_of_one_row_or_column_are_refused(tmp_path, shape):
    isxd_movie(tmp_path / "m.isxd", np.zeros((2, *shape), np.uint16))
    with pytest.raises(ValueError, match="too small for a video"):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4")


def test_slow_movies_are_held_to_few_bits_too(tmp_path):
    frames = np.clip(stack(12) / 4 + np.random.default_rng(0).normal(0, 20, (12, 32, 48)), 0, 255)
    sizes = []
    for period in ((1, 20), (100, 1)):  # a picture every 100 s at quality 0.01 is about 1 bit/s
        path = isxd_movie(tmp_path / f"{period[0]}.isxd", frames.astype(np.uint8), period=period)
        output = tmp_path / f"{period[0]}.mp4"
        isx.export_movie_to_mp4(path, output, 0.01, codec="mpeg4")
        sizes.append(output.stat().st_size)
    assert sizes[1] == pytest.approx(sizes[0], rel=0.2)


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_quality_decides_the_size_within_bounds(tmp_path, codec):
    rng = np.random.default_rng(1)
    isxd_movie(tmp_path / "m.isxd", rng.integers(0, 4000, (20, 64, 96)).astype(np.uint16))
    sizes = []
    for k, quality in enumerate((-1, 0, 0.001, 0.1, 1000, 1e30)):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / f"{k}.mp4", quality, codec=codec)
        sizes.append((tmp_path / f"{k}.mp4").stat().st_size)
    assert sizes[0] == sizes[1]
    assert sizes[2] < sizes[3] < sizes[4] == sizes[5]


# -- overlays ----------------------------------------------------------------------------------------


def zone(kind, points, **properties):
    geometry = {"type": kind, "coordinates": points, "properties": properties}
    return {"id": 1, "name": "z", "description": "", "enable": False, "geometry": geometry}


def tracked(path, boxes, zones, dropped=()):
    count = len(boxes) + len(dropped)
    records = samples(count, dropped)
    for record, box in zip(records, boxes, strict=True):
        if box is not None:
            record["tracker"] = {"box": box, "conf": 50.0}
    made = session(96, 64, trackingInterface=[{"cameraName": "top", "zones": zones}])
    black = jpeg(np.zeros((64, 96), np.uint8))
    return isxb(path, [black] * len(boxes), made, records, dropped=dropped)


def white(path):
    return decode(path)[0] > 127


def shape_of(text):
    return np.array([[c == "#" for c in line] for line in text.split()])


def test_box_and_center(tmp_path):
    boxes = [[10.4, 20.5, 30.6, 40.4], [0, 0, 0, 0], None, [5, 5, 5, 9], [30.6, 40.4, 10.4, 20.5]]
    path = tracked(tmp_path / "m.isxb", boxes, [])
    isx.export_movie_to_mp4(path, tmp_path / "o.mp4", 1000.0)
    found = white(tmp_path / "o.mp4")
    expected = np.zeros((64, 96), bool)
    # corners (10, 21) and (31 - 1, 40 - 1), three pixels wide, without the outermost corner pixels
    expected[20:41, 9:32] = True
    expected[23:38, 12:29] = False
    expected[[20, 20, 40, 40], [9, 31, 9, 31]] = False
    disc = shape_of("...#... .#####. .#####. ####### .#####. .#####. ...#...")
    expected[27:34, 17:24] |= disc  # centre (20.5, 30.45), cut
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_array_equal(found[4], expected)
    assert not found[1:4].any()


@pytest.mark.parametrize("box", [True, False])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("zones", [True, False])
def test_switches(tmp_path, box, center, zones):
    path = tracked(tmp_path / "m.isxb", [[10, 10, 40, 40]], [zone("polygon", [[60, 10], [80, 10], [80, 30]])])
    isx.export_movie_to_mp4(path, tmp_path / "o.mp4", 1000.0, False, "float", box, center, zones)
    frame = white(tmp_path / "o.mp4")[0]
    assert frame[10, 20] == box
    assert frame[25, 25] == center
    assert frame[10, 70] == zones


def test_zones_are_drawn_on_dropped_frames_and_boxes_are_not(tmp_path):
    path = tracked(
        tmp_path / "m.isxb", [[5, 5, 20, 20]] * 2, [zone("polygon", [[60, 10], [80, 10], [80, 30]])], (1,)
    )
    isx.export_movie_to_mp4(path, tmp_path / "o.mp4", 1000.0, True)
    found = white(tmp_path / "o.mp4")
    assert found[:, 10, 70].all()
    assert found[:, 5, 10].tolist() == [True, False, True]


def test_zones_of_one_point_and_repeated_corners(tmp_path):
    corners = [[40.0, 20.0], [80.0, 20.0], [80.0, 50.0]]
    repeated = [corners[0], *corners, corners[0]]  # closed by hand, and a corner twice
    isx.export_movie_to_mp4(
        tracked(tmp_path / "a.isxb", [None], [zone("polygon", corners), zone("polygon", [[10, 9]])]),
        tmp_path / "a.mp4",
        1000.0,
    )
    isx.export_movie_to_mp4(
        tracked(tmp_path / "b.isxb", [None], [zone("polygon", repeated)]), tmp_path / "b.mp4", 1000.0
    )
    once, twice = white(tmp_path / "a.mp4")[0], white(tmp_path / "b.mp4")[0]
    np.testing.assert_array_equal(once[:, 30:], twice[:, 30:])
    np.testing.assert_array_equal(once[7:12, 8:13], shape_of("..... ..#.. .###. ..#.. ....."))
    assert once[:, :30].sum() == 5


def test_overlays_are_clipped_and_survive_absurd_numbers(tmp_path):
    boxes = [[-50, -50, 200, 30], [-1e38, -1e38, 1e38, 1e38], [1e300, 1, 1e301, 5]]
    zones = [
        zone("polygon", [[-1e9, 5], [1e9, 7]]),
        zone("polygon", [[1e300, 5], [3, 7]]),
        zone("polygon", []),
        zone("polygon", [[90, 60]]),
        zone("ellipse", [[10, 10]], majorAxis=1e12, minorAxis=1e11, angle=1e9),
        zone("ellipse", [[48, 50]], majorAxis=0, minorAxis=0),
        zone("what", [[20, 40], [30, 50], [20, 50]]),
    ]
    path = tracked(tmp_path / "m.isxb", boxes, zones)
    isx.export_movie_to_mp4(path, tmp_path / "o.mp4", 1000.0)
    found = white(tmp_path / "o.mp4")
    assert found[0, 29, 40]
    assert found[:, 60, 90].all()
    assert found[:, 50, 25].all()


def test_movies_without_tracking_have_no_overlays(tmp_path):
    black = jpeg(np.zeros((48, 64), np.uint8))
    path = isxb(tmp_path / "m.isxb", [black] * 2, session())
    isx.export_movie_to_mp4(path, tmp_path / "o.mp4")
    assert not white(tmp_path / "o.mp4").any()


def test_overlays_belong_to_each_movie(tmp_path):
    plain = isxb(tmp_path / "a.isxb", [jpeg(np.zeros((64, 96), np.uint8))] * 2, session(96, 64))
    path = tracked(tmp_path / "b.isxb", [[10, 10, 40, 40]], [])
    isx.export_movie_to_mp4([plain, path], tmp_path / "o.mp4", 1000.0)
    found = white(tmp_path / "o.mp4")
    assert [frame.any() for frame in found] == [False, False, True]


@pytest.mark.parametrize(
    "name",
    [
        "movies/movie.tif",
        "movies/movie.hdf5",
        "movies/recording_tif.xml",
        "isxb/natural.isxb",
        "isxb/raw.isxc",
    ],
)
def test_other_formats(tmp_path, name):
    path = GOLDEN.parent / name
    if path.suffix in (".hdf5", ".xml"):
        pytest.importorskip("h5py")
    with isx.Movie.read(path) as movie:
        count, rows, cols = movie.timing.samples.num_valid, *movie.shape[1:]
    isx.export_movie_to_mp4(path, tmp_path / "o.mp4")
    assert decode(tmp_path / "o.mp4")[0].shape == (count, rows // 2 * 2, cols // 2 * 2)


# -- errors ------------------------------------------------------------------------------------------


def test_options_are_checked_before_files(tmp_path):
    missing = tmp_path / "missing.isxd"
    with pytest.raises(
        ValueError, match=r"Invalid frame rate format. Valid frame rate formats include: float, int"
    ):
        isx.export_movie_to_mp4(missing, tmp_path / "o.mp4", frame_rate_format="double")
    with pytest.raises(ValueError, match=r"Unknown codec 'vp9'. Options are h264, mpeg4"):
        isx.export_movie_to_mp4(missing, tmp_path / "o.mp4", codec="vp9")
    with pytest.raises(TypeError, match="compression_quality must be a number"):
        isx.export_movie_to_mp4(missing, tmp_path / "o.mp4", "0.1")
    with pytest.raises(ValueError, match="must be finite"):
        isx.export_movie_to_mp4(missing, tmp_path / "o.mp4", float("nan"))
    with pytest.raises(ValueError, match="no input files"):
        isx.export_movie_to_mp4([], tmp_path / "o.mp4")
    with pytest.raises(isx.IsxFileNotFoundError, match=r"File does not exist: .*missing.isxd"):
        isx.export_movie_to_mp4(missing, tmp_path / "o.mp4")


def test_an_existing_output_is_kept(tmp_path):
    (tmp_path / "o.mp4").write_bytes(b"precious")
    with pytest.raises(isx.IsxFileExistsError, match=r"File already exists: .*o.mp4"):
        isx.export_movie_to_mp4(tmp_path / "missing.isxd", tmp_path / "o.mp4")
    assert (tmp_path / "o.mp4").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("name", "found"), [("cells.isxd", "Cell Set"), ("map.isxd", "Image"), ("x.avi", "Behavioral Movie")]
)
def test_other_kinds_are_refused(tmp_path, name, found):
    path = GOLDEN / name
    if not path.exists():
        path = tmp_path / name
        path.write_bytes(b"")
    text = f"Expected data set to be of type: Movie or nVision Movie. Instead it is of type: {found}. "
    with pytest.raises(isx.IsxFormatError, match=re.escape(text)):
        isx.export_movie_to_mp4(path, tmp_path / "o.mp4")


def test_movies_must_fit_together(tmp_path):
    isxd_movie(tmp_path / "a.isxd", stack(2))
    isxd_movie(tmp_path / "b.isxd", stack(2, rows=16))
    isxd_movie(tmp_path / "c.isxd", stack(2).astype(np.uint8))
    with pytest.raises(ValueError, match=r"32 x 48 pixels, .*b.isxd has 16 x 48"):
        isx.export_movie_to_mp4([tmp_path / "a.isxd", tmp_path / "b.isxd"], tmp_path / "o.mp4")
    for pair in ("ac", "ca"):
        with pytest.raises(ValueError, match="8-bit pixels cannot share a video"):
            isx.export_movie_to_mp4([tmp_path / f"{n}.isxd" for n in pair], tmp_path / "o.mp4")
    assert left_overs(tmp_path) == []


def test_a_missing_folder(tmp_path):
    isxd_movie(tmp_path / "m.isxd", stack(2))
    with pytest.raises(isx.IsxFileError, match="Unable to open file for writing"):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "no" / "o.mp4")


@pytest.mark.parametrize("at", [1, 3, 7, 10])
def test_progress_counts_and_can_stop_the_export(tmp_path, at):
    isxd_movie(tmp_path / "m.isxd", stack(5))
    calls = []

    def progress(done, total):
        calls.append((done, total))
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4", progress=progress)
    assert calls == [(k, 10) for k in range(1, at + 1)]
    assert left_overs(tmp_path) == []


def test_a_damaged_frame_leaves_nothing_behind(tmp_path):
    images = [jpeg(np.zeros((48, 64), np.uint8))] * 3
    images[1] = images[1][:40] + b"\xff\xd9"
    path = isxb(tmp_path / "m.isxb", images, session())
    with pytest.raises(isx.IsxFormatError, match="Frame 1"):
        isx.export_movie_to_mp4(path, tmp_path / "o.mp4")
    assert left_overs(tmp_path) == []


def test_a_full_disk(tmp_path, monkeypatch):
    from openisx.export import _video_writer as video

    isxd_movie(tmp_path / "m.isxd", stack(2))

    class FullContainer:
        def __init__(self, container):
            self._container = container

        def mux(self, packet):
            raise av.FFmpegError(28, "No space left on device")

        def __getattr__(self, name):
            return getattr(self._container, name)

    made = video.VideoWriter.__init__

    def init(self, *args):
        made(self, *args)
        self._container = FullContainer(self._container)

    monkeypatch.setattr(video.VideoWriter, "__init__", init)
    with pytest.raises(isx.IsxFileError, match=r"o.mp4.*No space left"):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4")
    assert left_overs(tmp_path) == []


def test_without_pyav(tmp_path, monkeypatch):
    isxd_movie(tmp_path / "m.isxd", stack(2))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(isx.IsxImportError, match=r"openisx\[video\]"):
        isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "o.mp4")
    assert left_overs(tmp_path) == []


def test_unicode_paths(tmp_path):
    folder = tmp_path / "Größe 日本"
    folder.mkdir()
    isxd_movie(folder / "m.isxd", stack(2))
    isx.export_movie_to_mp4(folder / "m.isxd", folder / "vidéo.mp4")
    assert len(decode(folder / "vidéo.mp4")[0]) == 2
