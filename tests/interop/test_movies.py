"""Movies and images against the vendor's package, in both directions, over randomised content."""

from __future__ import annotations

import json
import os
import warnings
from typing import Any

import numpy as np
import pytest

import isx
from builders import movies as make
from builders.isxd import isxd
from openisx._formats.json_writing import dump

DESCRIBE = """
def describe(path):
    m = isx.Movie.read(path)
    t, s = m.timing._impl, m.spacing._impl
    frames, stamps = [], []
    for i in range(m.timing.num_samples):
        try:
            frames.append(m.get_frame_data(i))
        except Exception:
            frames.append(None)
        try:
            stamps.append(m.get_frame_timestamp(i))
        except Exception as error:
            stamps.append(str(error).split(chr(10))[-1])
    pair = lambda r: (r.num, r.den)
    start = t.start.secs_since_epoch
    return dict(
        num_samples=m.timing.num_samples, step=pair(t.step), start=pair(start), utc_offset=t.start.utc_offset,
        dropped=m.timing.dropped, cropped=m.timing.cropped, blank=m.timing.blank, text=str(m.timing),
        offsets=[pair(d._impl) for d in m.timing.get_offsets_since_start()],
        num_pixels=m.spacing.num_pixels, corner=(pair(s.left), pair(s.top)),
        pixel=(pair(s.pixel_width), pair(s.pixel_height)), dtype=np.dtype(m.data_type).name,
        info=m.get_acquisition_info(), frames=frames, stamps=stamps, whole=str(m),
    )
"""
SEEDS = range(12)


def ours(path) -> dict[str, Any]:
    scope: dict[str, Any] = {"isx": isx, "np": np}
    exec(DESCRIBE, scope)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", isx.IsxWarning)
        return scope["describe"](path)


def theirs(vendor, path) -> dict[str, Any]:
    return vendor.run(DESCRIBE + "\nout = describe(path)", path=str(path))


def assert_same(mine: dict[str, Any], other: dict[str, Any]) -> None:
    frames, expected = mine.pop("frames"), other.pop("frames")
    assert mine == other
    assert len(frames) == len(expected)
    for frame, want in zip(frames, expected, strict=True):
        if want is None:
            assert frame is None
            continue
        assert (frame.dtype, frame.shape) == (want.dtype, want.shape)
        assert frame.tobytes() == want.tobytes()


def random_missing(rng, count: int, *, blank_alone: bool = True) -> dict[str, Any]:
    """Dropped, cropped and blank samples, overlapping at times; without duplicates."""
    pick = lambda k: rng.permutation(count)[:k].tolist()  # noqa: E731
    missing: dict[str, Any] = {"dropped": [], "cropped": [], "blank": []}
    if rng.random() < 0.7:
        missing["dropped"] = pick(int(rng.integers(1, 4)))
        missing["blank"] = pick(int(rng.integers(0, 3)))
    elif blank_alone:
        missing["blank"] = pick(int(rng.integers(0, 3)))
    for _ in range(int(rng.integers(0, 4))):
        first = int(rng.integers(count))
        missing["cropped"].append((first, min(count - 1, first + int(rng.integers(4)))))
    return missing


def random_frames(rng, dtype: str, count: int, shape: tuple[int, int]) -> np.ndarray:
    if dtype == "float32":  # all bit patterns: not-a-number, infinities, subnormal numbers
        bits = rng.integers(0, 2**32, (count, *shape), dtype=np.uint32)
        quiet = np.isnan(bits.view(np.float32)) * np.uint32(1 << 22)  # the vendor's writer sets this bit
        return (bits | quiet).view(np.float32)
    return rng.integers(0, np.iinfo(dtype).max + 1, (count, *shape)).astype(dtype)


def random_times(rng) -> dict[str, Any]:
    den = int(rng.choice([1, 3, 7, 1000, 20000, 1_000_000]))
    return {
        "period": make.ratio(int(rng.integers(1, 10**5)), den),
        "start": {
            "secsSinceEpoch": make.ratio(int(rng.integers(0, 4 * 10**9)) * 1000 + 261, 1000),
            "utcOffset": int(rng.integers(-50400, 50400)),
        },
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_vendor_reads_what_we_write(vendor, tmp_path, seed):
    rng = np.random.default_rng(seed)
    count, shape = int(rng.integers(1, 15)), (int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    dtype = str(rng.choice(["uint16", "float32", "uint8"]))
    start = isx.Time._from_secs_since_epoch(
        isx.Duration._from_num_den(int(rng.integers(0, 10**15)), 10**6), int(rng.integers(-50400, 50400))
    )
    period = isx.Duration._from_num_den(int(rng.integers(1, 10**6)), int(rng.choice([3, 7, 1000, 10**6])))
    timing = isx.Timing(count, period, start, **random_missing(rng, count))
    spacing = isx.Spacing(shape)
    spacing._impl.pixel_width = isx._internal.IsxRatio(int(rng.integers(1, 50)), int(rng.integers(1, 4)))
    spacing._impl.top = isx._internal.IsxRatio(int(rng.integers(-50, 50)), 2)
    frames = random_frames(rng, dtype, count, shape)
    path = tmp_path / "ours.isxd"
    with isx.Movie.write(path, timing, spacing, dtype, extra_properties=random_session(rng)) as movie:
        for i in range(count):
            movie.set_frame_data(i, frames[i])
    assert_same(ours(path), theirs(vendor, path))


@pytest.mark.parametrize("seed", SEEDS)
def test_both_write_the_same_bytes(vendor, tmp_path, seed):
    rng = np.random.default_rng(100 + seed)
    count, shape = int(rng.integers(0, 15)), (int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    dtype = str(rng.choice(["uint16", "float32"]))
    missing = random_missing(rng, count, blank_alone=False) if count else {}
    frames = random_frames(rng, dtype, max(count, 1), shape)
    numbers = [int(n) for n in rng.integers(1, 10**6, 3)]
    code = """
start = isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(numbers[0] * 1000, 1000), numbers[1] - 500000)
timing = isx.Timing(count, isx.Duration._from_num_den(numbers[2], 10**6), start, **missing)
movie = isx.Movie.write(path, timing, isx.Spacing(shape), getattr(np, dtype))
for i in range(count):
    movie.set_frame_data(i, frames[i])
movie.flush()
del movie
"""
    inputs = {"count": count, "shape": shape, "dtype": dtype, "missing": missing, "frames": frames}
    inputs["numbers"] = numbers
    vendor.run(code, path=str(tmp_path / "theirs.isxd"), **inputs)
    exec(code, {"isx": isx, "np": np, "path": str(tmp_path / "ours.isxd"), **inputs})
    mine, other = ((tmp_path / f"{who}.isxd").read_bytes() for who in ("ours", "theirs"))
    producer = b'"name": "isx",\n        "version": [\n            3,\n            0,\n            0\n'
    vendors = b'"name": "isxcore",\n        "version": [\n            2,\n            0,\n            1\n'
    assert mine[:-8].replace(producer, vendors) == other[:-8]
    assert_same(
        ours(tmp_path / "theirs.isxd"), theirs(vendor, tmp_path / "ours.isxd") | dict_of_path(tmp_path)
    )


def dict_of_path(tmp_path) -> dict[str, Any]:
    """The printed form holds the path, which differs between the two files."""
    return {"whole": ours(tmp_path / "theirs.isxd")["whole"]}


def random_session(rng) -> Any:
    """Session metadata as acquisition software stores them, with members left out at random."""

    def number():
        return float(np.round(rng.normal() * 10.0 ** rng.integers(-8, 18), 6))

    def text():
        return "".join(rng.choice(list('aé"\\/日\n\x01 {}'), 6))

    def value():
        choices = [number(), text(), int(rng.integers(-5, 10**12)), True, None, [1, 2.0], {}]
        return choices[int(rng.integers(7))]

    dual: Any = [None, {"enabled": True}, {"enabled": False}][int(rng.integers(3))]
    names = {
        "animal": ["sex", "dob", "id", "species", "weight", "description"],
        "probe": ["diameter", "flip", "length", "pitch", "rotation", "type"],
        "microscope": ["focus", "gain", "serial", "type", "exp"],
    }
    session: dict[str, Any] = {key: {name: value() for name in members} for key, members in names.items()}
    session["microscope"] |= {
        "led": {"exPower": number(), "ogPower": number(), "exPower2": number()},
        "dualColor": dual,
        "customMetadata": {text(): value() for _ in range(3)},
        "widefield": bool(rng.integers(2)),
    }
    session |= {
        "name": value(),
        "personnel": {"name": text()},
        "producer": {"version": "1.0.0", "versionBE": "1.9.0-07a8ccc"},
        "idps": {
            "efocus": float(rng.integers(0, 10**5)) + 0.5,
            "channel": "green",
            "interpolatedFrames": [1, 5, int(rng.integers(1000))],
            "mc_padding": True,
            "cellset": {"method": "cnmfe", "units": "dF"},
        },
        "processingInterface": {"recordingUUID": text()},
    }
    kept = [key for key in session if rng.random() < 0.7]
    return {key: session[key] for key in kept} or None


@pytest.mark.parametrize("seed", SEEDS)
def test_built_files_read_the_same(vendor, tmp_path, seed):
    rng = np.random.default_rng(200 + seed)
    count, shape = int(rng.integers(1, 15)), (int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    dtype = str(rng.choice(["uint16", "float32", "uint8"]))
    missing = random_missing(rng, count)
    missing["cropped"] = [str(a) if a == b else f"{a} - {b}" for a, b in missing["cropped"]]
    session = random_session(rng) or {}
    lines = bool(rng.integers(2))
    if rng.random() < 0.8:
        session.setdefault("producer", {})["version"] = str(rng.choice(["1.1.1", "1.9.0", "1.1.0", "2"]))
    members = make.metadata(
        shape,
        dtype,
        count,
        extraProperties=session,
        hasFrameHeaderFooter=lines,
        pixelSize={"x": make.ratio(48, 2), "y": make.ratio(24, 1)},
        topLeft={"x": make.ratio(333, 1), "y": make.ratio(-7, 2)},
        **missing,
        **random_times(rng),
    )
    frames = random_frames(rng, dtype, count, shape)
    stamps = np.cumsum(rng.integers(1, 10**5, count)) + int(rng.integers(2**60))
    if rng.random() < 0.2:
        stamps = stamps[::-1]
    headers = [make.header_line(timestamp=int(s), efocus=i) for i, s in enumerate(stamps)]
    path = tmp_path / "built.isxd"
    probe = isxd(frames.tobytes(), members | {"hasFrameHeaderFooter": False})
    path.write_bytes(probe)
    with isx.Movie.read(path) as movie:  # the number of frames stored
        stored = movie.timing.samples.num_valid
    body = make.with_lines(frames[:stored], headers[:stored]) if lines else frames[:stored].tobytes()
    path.write_bytes(isxd(body, members))
    assert_same(ours(path), theirs(vendor, path))


def test_dirty_bits_of_time_stamps_are_joined_with_or(vendor, tmp_path):
    rng = np.random.default_rng(5)
    count = 40
    lines = np.zeros((count, 2560), "<u2")
    lines[:, 1272:1280] = rng.integers(0, 2**16, (count, 8))
    members = make.metadata((1, 1), "uint16", count, extraProperties={"producer": {"version": "1.9.0"}})
    members["hasFrameHeaderFooter"] = True
    path = tmp_path / "dirty.isxd"
    body = make.with_lines(np.zeros((count, 1, 1), "<u2"), [line.tobytes() for line in lines])
    path.write_bytes(isxd(body, members))
    with isx.Movie.read(path) as movie:
        mine = [movie.get_frame_timestamp(i) for i in range(count)]
        assert movie.timestamps.tolist() == mine
    assert mine == vendor.run(
        "m = isx.Movie.read(path); out = [m.get_frame_timestamp(i) for i in range(n)]",
        path=str(path),
        n=count,
    )


@pytest.mark.parametrize("version", [
    "1.1.1", "1.1.1-rc2", "1.2", "2", "10.0.0", "1.1.2.3", " 1.1.1", "1. 1 .1", "1.1.0", "1.1", "0.9.9", "abc",
    "1.x.1", "v2.0", "", "1.1.1 beta", "-1.1.1", "1.-1.9", "+1.1.1", "1.1.1.x", "1_0.0.0", "1..5", "2.", "٢.0.0", 2, None,
])  # fmt: skip
def test_versions_with_time_stamps(vendor, tmp_path, version):
    members = make.metadata((1, 1), "uint16", 2, extraProperties={"producer": {"version": version}})
    members["hasFrameHeaderFooter"] = True
    body = make.with_lines(np.zeros((2, 1, 1), "<u2"), [make.header_line(timestamp=7)] * 2)
    path = tmp_path / "m.isxd"
    path.write_bytes(isxd(body, members))
    assert_same(ours(path), theirs(vendor, path))


@pytest.mark.parametrize("seed", range(6))
def test_tiff(vendor, tmp_path, seed):
    rng = np.random.default_rng(300 + seed)
    shape = (int(rng.integers(1, 20)), int(rng.integers(1, 20)))
    frames = random_frames(rng, str(rng.choice(["uint16", "float32"])), int(rng.integers(1, 9)), shape)
    path = tmp_path / "m.tif"
    options = {"order": str(rng.choice(["<", ">"])), "big": bool(rng.integers(2))}
    rows = int(rng.choice([0, 1, 3]))
    path.write_bytes(make.tiff_bytes(list(frames), rows_per_strip=rows or None, **options))
    assert_same(ours(path), theirs(vendor, path))


@pytest.mark.parametrize("seed", range(8))
def test_hdf5(vendor, tmp_path, seed):
    pytest.importorskip("h5py")
    rng = np.random.default_rng(400 + seed)
    count = int(rng.integers(1, 9))
    frames = random_frames(rng, "uint16", count, (int(rng.integers(1, 9)), int(rng.integers(1, 9))))
    number = max(1, count + int(rng.integers(-1, 2)))
    stamps = 1.5e9 + np.cumsum(rng.random(number)) if rng.random() < 0.8 else None
    if rng.random() < 0.2:
        stamps = np.zeros(0)
    options = {"chunks": (1, *frames.shape[1:])} if rng.random() < 0.5 else {}
    path = make.write_hdf5(tmp_path / "m.hdf5", frames, stamps, **options)
    assert_same(ours(path), theirs(vendor, path))


@pytest.mark.parametrize("seed", range(16))
def test_xml(vendor, tmp_path, seed):
    pytest.importorskip("h5py")
    rng = np.random.default_rng(500 + seed)
    ending = str(rng.choice(["tif", "hdf5"]))
    shape = (int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    parts: list[Any] = []
    total = 0
    announce = bool(ending == "tif" and rng.random() < 0.4)
    for k in range(int(rng.integers(1, 4))):
        frames = random_frames(rng, "uint16", int(rng.integers(1, 5)), shape)
        total += len(frames)
        path = tmp_path / f"r-{k:03}.{ending}"
        if ending == "tif":
            path.write_bytes(make.tiff_bytes(list(frames)))
        else:
            stamps = 1.5e9 + np.cumsum(rng.random(len(frames))) + 100 * k if rng.random() < 0.7 else None
            make.write_hdf5(path, frames, stamps)
        parts.append((path.name, len(frames)) if announce else path.name)
    dropped = sorted(rng.permutation(total + 2)[:2].tolist())
    attributes = {
        "width": shape[1], "height": shape[0], "left": int(rng.integers(-5, 50)), "top": int(rng.integers(50)),
        "downsample": str(rng.choice(["1", "2", "2 x 2", "4"])), "fps": float(np.round(rng.random() * 30 + 1, 4)),
        "frames": total + int(rng.integers(-1, 2)) if not announce else 99,
        "record_start": f"Jul 14, 2017 {int(rng.integers(1, 13)):02}:40:00.{int(rng.integers(1000)):03}000 PM",
        "dropped": str(dropped),
    }  # fmt: skip
    if (
        ending == "hdf5"
    ):  # without a clock of its own, a TIFF recording has the period 0 in the vendor's package
        for key in ("fps", "record_start", "left"):
            if rng.random() < 0.2:
                del attributes[key]
    path = tmp_path / "r.xml"
    path.write_text(make.xml_text(attributes, parts))
    assert_same(ours(path), theirs(vendor, path))


def test_value_types(vendor):
    code = """
out = []
for num, den in ratios:
    d = isx.Duration._from_num_den(num, den)
    t = isx.Time._from_secs_since_epoch(d, num % 5000)
    try:
        shown = str(t)
    except Exception as error:
        shown = type(error).__name__
    out.append((str(d), d.secs_float, d.to_secs(), d.to_usecs(), shown))
for x in floats:
    f = isx.Duration._from_secs_float(x)._impl
    made = [g(x)._impl for g in (isx.Duration.from_secs, isx.Duration.from_msecs, isx.Duration.from_usecs)]
    out.append([(r.num, r.den) for r in (f, *made)])
"""
    rng = np.random.default_rng(9)
    ratios = [
        (int(n), int(d))
        for n, d in zip(rng.integers(-(10**11), 10**11, 300), rng.integers(1, 10**6, 300), strict=True)
    ]
    ratios += [(int(n), 10**6) for n in rng.integers(0, 2 * 10**15, 300)]
    floats = [float(x) for x in rng.normal(0, 1000, 200)]
    scope: dict[str, Any] = {"isx": isx, "ratios": ratios, "floats": floats}
    exec(code, scope)
    assert scope["out"] == vendor.run(code, ratios=ratios, floats=floats)


def test_timing(vendor):
    code = """
out = []
for count, missing, num, den in cases:
    start = isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(5, 7))
    t = isx.Timing(count, isx.Duration._from_num_den(num, den), start, **missing)
    offsets = [(d._impl.num, d._impl.den) for d in t.get_offsets_since_start()]
    mask, valid = t.get_valid_samples_mask(), t.get_valid_samples()
    out.append((str(t), offsets, mask.tolist(), str(mask.dtype), valid.tolist(), str(valid.dtype)))
"""
    rng = np.random.default_rng(10)
    cases = [
        (n, random_missing(rng, n), int(rng.integers(1, 1000)), int(rng.integers(1, 1000)))
        for n in rng.integers(1, 20, 60).tolist()
    ]
    cases.append((0, {}, 1, 3))
    cases.append((3, {"dropped": [7, 1, 1], "cropped": [2, 5]}, 2000, 20000))
    scope: dict[str, Any] = {"isx": isx, "cases": cases}
    exec(code, scope)
    assert scope["out"] == vendor.run(code, cases=cases)


def test_metadata_text(vendor, tmp_path):
    """The vendor rewrites the metadata of a movie when it aligns its start: the same text as ours."""
    rng = np.random.default_rng(11)
    numbers = [
        5.0,
        1e5,
        0.1,
        12.5,
        0.30000000000000004,
        1e-5,
        -1.5e-10,
        1e15,
        1e16,
        1e22,
        123456789012345.0,
        -0.0,
    ]
    numbers += [
        1234567890123456.0,
        123456789.123456789,
        18446744073709551616,
        2**64 - 1,
        -(2**63),
        0.0,
        5e-324,
    ]
    numbers += [float(x) for x in rng.normal(size=200) * 10.0 ** rng.integers(-30, 30, 200)]
    texts = ["\x01\x1f\x7f\x80é日\U0001f600", '"\\/\b\f\n\r\t', "", *map(chr, range(1, 32))]
    extra = {
        "processingInterface": {"recordingUUID": "a"},
        "producer": {"version": "1.9.0"},
        "numbers": numbers,
        "texts": texts,
        "keys": dict.fromkeys(["a", "A", "_", "a b", "é", "1", "日", "", *texts]),
        "empty": [{}, [], [[]], {"a": {}}],
        "others": [True, False, None],
    }
    body = make.with_lines(np.zeros((2, 1, 1), "<u2"), [make.header_line(timestamp=10**9)] * 2)
    reference, movie = tmp_path / "ref.isxd", tmp_path / "movie.isxd"
    for path, start in ((reference, 5000), (movie, 7000)):
        members = make.metadata((1, 1), "uint16", 2, extraProperties=extra, hasFrameHeaderFooter=True)
        members["timingInfo"]["start"]["secsSinceEpoch"] = make.ratio(start, 1000)
        path.write_bytes(isxd(body, members))
    vendor.run("isx.align_start_times(ref, [movie])", ref=str(reference), movie=str(movie))
    with isx.Movie.read(movie) as changed:
        assert changed.timing._impl.start.secs_since_epoch.num == 5000
        text = dump(dict(changed.metadata))
    assert movie.read_bytes()[len(body) :].startswith(text + b"\0")
    assert json.loads(text)["extraProperties"]["others"] == [True, False, None]


def test_images(vendor, tmp_path):
    code = """
image = isx.Image.write(path, isx.Spacing((3, 4)), np.float32, data)
image = isx.Image.read(path)
out = str(image), image.get_data(), image.mode
"""
    data = np.random.default_rng(12).random((3, 4)).astype(np.float32)
    text, pixels, mode = vendor.run(code, path=str(tmp_path / "theirs.isxd"), data=data)
    scope: dict[str, Any] = {"isx": isx, "np": np, "path": str(tmp_path / "ours.isxd"), "data": data}
    exec(code, scope)
    assert scope["out"][0].replace("ours", "theirs") == text
    assert scope["out"][2] == mode
    np.testing.assert_array_equal(scope["out"][1], pixels)
    assert isx.Image.read(tmp_path / "theirs.isxd").get_data().tobytes() == data.tobytes()
    read = vendor.run("out = isx.Image.read(path).get_data()", path=str(tmp_path / "ours.isxd"))
    assert read.tobytes() == data.tobytes()


@pytest.mark.parametrize("name", ["movie_u8.isxd", "movie_part3.isxd"])
def test_real_recordings(vendor, name):
    folder = os.environ.get("ISX_REAL_RECORDINGS")
    if not folder:
        pytest.skip("ISX_REAL_RECORDINGS does not name a folder with this recording")
    path = os.path.join(folder, name)
    assert_same(ours(path), theirs(vendor, path))
