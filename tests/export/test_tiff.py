"""export_movie_to_tiff: pages, parts, inputs, errors."""

from __future__ import annotations

import errno
import itertools
import json
import os
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

import isx
from openisx.export import tiff

GOLDEN = Path(__file__).parents[1] / "data" / "export_movies"
CODES = {np.dtype(np.uint16): 0, np.dtype(np.float32): 1, np.dtype(np.uint8): 2}


def ratio(num, den=1):
    return {"num": num, "den": den}


def write_movie(path, frames, num_samples=None, *, dropped=(), cropped=(), blank=(), kind=0, lines=False):
    """An `.isxd` movie of the given stored frames, built from the layout tables."""
    frames = np.asarray(frames)
    count, rows, cols = frames.shape
    point = {"x": ratio(0), "y": ratio(0)}
    metadata = {
        "type": kind,
        "dataType": CODES[frames.dtype],
        "fileVersion": 1,
        "hasFrameHeaderFooter": lines,
        "extraProperties": None,
        "producer": {"name": "test", "version": [1, 0, 0]},
        "timingInfo": {
            "numTimes": count if num_samples is None else num_samples,
            "period": ratio(50, 1000),
            "start": {"secsSinceEpoch": ratio(0), "utcOffset": 0},
            "dropped": list(dropped),
            "cropped": [f"{first} - {last}" for first, last in cropped],
            "blank": list(blank),
        },
        "spacingInfo": {
            "numPixels": {"x": cols, "y": rows},
            "pixelSize": {"x": ratio(3), "y": ratio(3)},
            "topLeft": point,
        },
    }
    line = b"\xab" * 5120 if lines else b""
    body = b"".join(line + frame.tobytes() + line for frame in frames)
    text = json.dumps(metadata).encode()
    Path(path).write_bytes(body + text + b"\0" + struct.pack("<Q", len(text)))
    return str(path)


def random_frames(count, rows=3, cols=4, dtype=np.uint16, seed=0):
    return np.random.default_rng(seed).integers(0, 200, (count, rows, cols)).astype(dtype)


def pages_of(path):
    with tifffile.TiffFile(path) as file:
        return [page.asarray() for page in file.pages]


def listing(folder):
    return sorted(p.name for p in Path(folder).iterdir())


# -- the vendor's files ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["series_invalid0.tif", "series_invalid1.tif", "one_f32.tif"])
def test_golden(tmp_path, name):
    call = next(c for c in json.loads((GOLDEN / "expected.json").read_text())["calls"] if name in c["a"])
    isx.export_movie_to_tiff([GOLDEN / path for path in call["a"][0]], tmp_path / name, **call["k"])
    with tifffile.TiffFile(tmp_path / name) as ours, tifffile.TiffFile(GOLDEN / name) as theirs:
        assert (ours.is_bigtiff, ours.byteorder) == (theirs.is_bigtiff, theirs.byteorder)
        assert ours.series[0].axes == theirs.series[0].axes
        assert len(ours.pages) == len(theirs.pages)
        for our_page, their_page in zip(ours.pages, theirs.pages, strict=True):
            mine, wanted = our_page.aspage().tags, their_page.aspage().tags
            assert [(t.code, t.dtype) for t in mine] == [(t.code, t.dtype) for t in wanted]
            for tag in wanted:  # one strip per page instead of one per row
                if tag.code not in (273, 278, 279):
                    assert mine[tag.code].value == tag.value
            assert sum(mine[279].value) == sum(wanted[279].value)
            assert our_page.asarray().tobytes() == their_page.asarray().tobytes()
    assert (tmp_path / name).read_bytes()[:8] == (GOLDEN / name).read_bytes()[:8]


# -- pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("lines", [False, True])
def test_valid_and_all_frames(tmp_path, dtype, lines):
    frames = random_frames(6, dtype=dtype)
    gaps = {"num_samples": 12, "dropped": [0, 5], "cropped": [(7, 8)], "blank": [10, 11]}
    path = write_movie(tmp_path / "m.isxd", frames, lines=lines, **gaps)
    isx.export_movie_to_tiff(path, tmp_path / "valid.tif")
    isx.export_movie_to_tiff(path, tmp_path / "all.tif", write_invalid_frames=True)
    expected = np.zeros((12, 3, 4), dtype)
    expected[[1, 2, 3, 4, 6, 9]] = frames
    valid, every = tifffile.imread(tmp_path / "valid.tif"), tifffile.imread(tmp_path / "all.tif")
    assert valid.dtype == every.dtype == dtype
    np.testing.assert_array_equal(valid, frames)
    np.testing.assert_array_equal(every, expected)


def test_special_floats_keep_their_bits(tmp_path):
    bits = np.array([[0x7FC00001, 0xFFC12345, 0x7F800000], [0xFF800000, 0x80000000, 0x00000001]], np.uint32)
    path = write_movie(tmp_path / "m.isxd", np.stack([bits, bits[:, ::-1]]).view(np.float32))
    isx.export_movie_to_tiff(path, tmp_path / "o.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "o.tif").view(np.uint32)[0], bits)


def test_order_given_and_other_sizes(tmp_path):
    a = write_movie(tmp_path / "a.isxd", random_frames(2, 3, 5, np.uint8))
    b = write_movie(tmp_path / "b.isxd", random_frames(3, 4, 2, np.float32))
    isx.export_movie_to_tiff((Path(b), a, b), tmp_path / "o.tif")
    pages = pages_of(tmp_path / "o.tif")
    assert [p.shape for p in pages] == [(4, 2)] * 3 + [(3, 5)] * 2 + [(4, 2)] * 3
    np.testing.assert_array_equal(np.stack(pages[3:5]), random_frames(2, 3, 5, np.uint8))
    np.testing.assert_array_equal(np.stack(pages[5:]), random_frames(3, 4, 2, np.float32))


@pytest.mark.parametrize("missing", [{}, {"dropped": [0]}, {"cropped": [(0, 0)]}, {"blank": [0]}])
@pytest.mark.parametrize("invalid", [False, True])
def test_one_movie_of_one_frame_is_classic(tmp_path, missing, invalid):
    frames = random_frames(0 if missing else 1)
    path = write_movie(tmp_path / "m.isxd", frames, 1, **missing)
    isx.export_movie_to_tiff(path, tmp_path / "o.tif", invalid)
    assert (tmp_path / "o.tif").read_bytes()[:4] == b"II\x2a\0"
    expected = np.zeros((3, 4), np.uint16) if missing else frames[0]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "o.tif"), expected)


def test_everything_else_is_bigtiff(tmp_path):
    one = write_movie(tmp_path / "m.isxd", random_frames(1))
    many = write_movie(tmp_path / "n.isxd", random_frames(1), 4, dropped=[0, 1, 3])
    isx.export_movie_to_tiff([one, one], tmp_path / "two.tif")
    isx.export_movie_to_tiff(many, tmp_path / "many.tif")
    for name, count in (("two.tif", 2), ("many.tif", 1)):
        assert (tmp_path / name).read_bytes()[:8] == b"II\x2b\0\x08\0\0\0"
        assert len(pages_of(tmp_path / name)) == count


def test_nothing_to_write(tmp_path):
    path = write_movie(tmp_path / "m.isxd", random_frames(0), 3, dropped=[0, 1, 2])
    with pytest.warns(isx.IsxWarning, match="no valid frames"):
        isx.export_movie_to_tiff(path, tmp_path / "o.tif")
    assert (tmp_path / "o.tif").read_bytes() == b"II\x2b\0\x08\0\0\0" + bytes(8)


def test_truncated_movie_gives_what_is_there(tmp_path):
    frames = random_frames(4)
    path = write_movie(tmp_path / "m.isxd", frames, 9, dropped=[1, 8])
    for invalid, expected in ((False, [0, 2, 3, 4]), (True, [0, 1, 2, 3, 4])):
        with pytest.warns(isx.IsxWarning, match="holds only 4"):
            isx.export_movie_to_tiff(path, tmp_path / f"{invalid}.tif", invalid)
        full = np.zeros((5, 3, 4), np.uint16)
        full[[0, 2, 3, 4]] = frames
        np.testing.assert_array_equal(tifffile.imread(tmp_path / f"{invalid}.tif"), full[expected])


def test_blocks_smaller_than_the_movie(tmp_path, monkeypatch):
    frames = random_frames(50)
    path = write_movie(tmp_path / "m.isxd", frames, 60, dropped=range(5, 55, 5))
    monkeypatch.setattr(tiff, "_BLOCK_BYTES", 7 * frames[0].nbytes)
    calls = []
    isx.export_movie_to_tiff(
        path, tmp_path / "o.tif", write_invalid_frames=True, progress=lambda *a: calls.append(a)
    )
    expected = np.zeros((60, 3, 4), np.uint16)
    expected[np.setdiff1d(np.arange(60), np.arange(5, 55, 5))] = frames
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "o.tif"), expected)
    assert calls == [(n, 60) for n in (0, 7, 14, 21, 28, 35, 42, 49, 56, 60)]


def test_stack_of_a_stack(tmp_path):
    frames = random_frames(5)
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="minisblack")
    isx.export_movie_to_tiff(tmp_path / "a.tif", tmp_path / "o.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "o.tif"), frames)
    tifffile.imwrite(tmp_path / "b.tif", frames[0])
    with pytest.raises(isx.IsxFormatError, match="Instead it is of type: Image"):
        isx.export_movie_to_tiff(tmp_path / "b.tif", tmp_path / "p.tif")


def test_behaviour_movie(tmp_path):
    pytest.importorskip("av")
    path = GOLDEN / "tracking.isxb"
    isx.export_movie_to_tiff(path, tmp_path / "valid.tif")
    isx.export_movie_to_tiff(path, tmp_path / "all.tif", write_invalid_frames=True)
    with isx.Movie.read(path) as movie:
        expected = np.stack(list(movie))
        valid = movie.timing.get_valid_samples()
    every = tifffile.imread(tmp_path / "all.tif")
    assert every.dtype == np.uint8
    np.testing.assert_array_equal(every, expected)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "valid.tif"), expected[valid])


# -- parts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("my.out.file.tif", ["my_01.tif", "my_02.tif", "my_03.tif"]),
        ("rel.tiff", ["rel_01.tiff", "rel_02.tiff", "rel_03.tiff"]),
        ("noext", ["noext_01.", "noext_02.", "noext_03."]),
    ],
)
@pytest.mark.parametrize("block", [1, 4, 1000])
def test_parts(tmp_path, monkeypatch, name, others, block):
    monkeypatch.setattr(tiff, "_PAGES_PER_FILE", 5)
    monkeypatch.setattr(tiff, "_BLOCK_BYTES", block * 24)
    first, second = random_frames(12), random_frames(6, seed=1)
    inputs = [
        write_movie(tmp_path / "a.isxd", first, 14, dropped=[3, 9]),
        write_movie(tmp_path / "b.isxd", second),
    ]
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    isx.export_movie_to_tiff(inputs, name)
    assert listing(out) == sorted([name, *others])
    stacks = [np.stack(pages_of(out / n)) for n in [name, *others]]
    assert [len(s) for s in stacks] == [5, 5, 5, 3]
    np.testing.assert_array_equal(np.concatenate(stacks), np.concatenate([first, second]))


@pytest.mark.parametrize(
    ("samples", "digits"), [(1, 1), (10, 1), (11, 2), (100, 2), (101, 3), (65538, 5), (131076, 6)]
)
def test_digits_of_part_names(samples, digits):
    assert tiff._part_paths(os.path.join("d", "x.tif"), samples, 3 * 65535) == [
        os.path.join("d", "x.tif"),
        os.path.join("d", f"x_{1:0{digits}}.tif"),
        os.path.join("d", f"x_{2:0{digits}}.tif"),
    ]


def test_exactly_full_file_has_no_second(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff, "_PAGES_PER_FILE", 5)
    path = write_movie(tmp_path / "m.isxd", random_frames(5))
    isx.export_movie_to_tiff(path, tmp_path / "o.tif")
    assert listing(tmp_path) == ["m.isxd", "o.tif"]


def test_real_limit_of_pages(tmp_path):
    frames = np.arange(65540, dtype=np.uint32).view(np.uint16).reshape(65540, 1, 2)
    path = write_movie(tmp_path / "m.isxd", frames)
    isx.export_movie_to_tiff(path, tmp_path / "o.tif")
    assert listing(tmp_path) == ["m.isxd", "o.tif", "o_00001.tif"]
    with tifffile.TiffFile(tmp_path / "o.tif") as file:
        assert len(file.pages) == 65535
    np.testing.assert_array_equal(tifffile.memmap(tmp_path / "o.tif", mode="r"), frames[:65535])
    np.testing.assert_array_equal(np.stack(pages_of(tmp_path / "o_00001.tif")), frames[65535:])


def test_existing_later_part_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff, "_PAGES_PER_FILE", 5)
    path = write_movie(tmp_path / "m.isxd", random_frames(16))
    (tmp_path / "o_02.tif").write_bytes(b"precious")
    with pytest.raises(isx.IsxFileExistsError, match=r"File already exists: .*o_02\.tif"):
        isx.export_movie_to_tiff(path, tmp_path / "o.tif")
    assert listing(tmp_path) == ["m.isxd", "o_02.tif"]
    assert (tmp_path / "o_02.tif").read_bytes() == b"precious"


def test_part_that_appears_meanwhile_takes_all_back(tmp_path, monkeypatch):
    monkeypatch.setattr(tiff, "_PAGES_PER_FILE", 5)
    path = write_movie(tmp_path / "m.isxd", random_frames(16))

    def progress(done, total):
        if done == total:
            (tmp_path / "o_01.tif").write_bytes(b"precious")

    with pytest.raises(isx.IsxFileExistsError, match=r"o_01\.tif"):
        isx.export_movie_to_tiff(path, tmp_path / "o.tif", progress=progress)
    assert listing(tmp_path) == ["m.isxd", "o_01.tif"]
    assert (tmp_path / "o_01.tif").read_bytes() == b"precious"


# -- errors ------------------------------------------------------------------------------------------


def test_output_is_checked_first_of_all(tmp_path):
    (tmp_path / "o.tif").mkdir()
    with pytest.raises(isx.IsxFileExistsError, match=r"File already exists: .*o\.tif"):
        isx.export_movie_to_tiff(tmp_path / "missing.isxd", tmp_path / "o.tif")


def test_missing_input(tmp_path):
    movie = write_movie(tmp_path / "m.isxd", random_frames(2))
    with pytest.raises(isx.IsxFileNotFoundError, match=r"File does not exist: .*missing\.isxd"):
        isx.export_movie_to_tiff([movie, tmp_path / "missing.isxd"], tmp_path / "o.tif")
    assert listing(tmp_path) == ["m.isxd"]


@pytest.mark.parametrize(("kind", "label"), [(1, "Cell Set"), (3, "GPIO"), (4, "Image"), (5, "Event Set")])
def test_wrong_kind(tmp_path, kind, label):
    path = write_movie(tmp_path / "m.isxd", random_frames(1), kind=kind)
    text = f"Expected data set to be of type: Movie. Instead it is of type: {label}. "
    with pytest.raises(isx.IsxFormatError, match=text):
        isx.export_movie_to_tiff(path, tmp_path / "o.tif")
    assert listing(tmp_path) == ["m.isxd"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.mp4", "Expected data set to be of type: Movie. Instead it is of type: Behavioral Movie. "),
        ("m.XYZ", "File extension not supported: xyz"),
        ("m", "File extension not supported: "),
    ],
)
def test_other_files(tmp_path, name, text):
    (tmp_path / name).write_bytes(b"something")
    with pytest.raises(isx.IsxFileError, match=text):
        isx.export_movie_to_tiff(tmp_path / name, tmp_path / "o.tif")


def test_missing_folder(tmp_path):
    path = write_movie(tmp_path / "m.isxd", random_frames(2))
    with pytest.raises(isx.IsxFileError, match=r"Unable to open file for writing\."):
        isx.export_movie_to_tiff(path, tmp_path / "none" / "o.tif")


def test_arguments(tmp_path):
    with pytest.raises(ValueError, match="no input files"):
        isx.export_movie_to_tiff([], tmp_path / "o.tif")
    with pytest.raises(ValueError, match="no output file"):
        isx.export_movie_to_tiff(tmp_path / "m.isxd", "")
    for bad in (None, 3, [None]):
        with pytest.raises(TypeError):
            isx.export_movie_to_tiff(bad, tmp_path / "o.tif")
    assert listing(tmp_path) == []


def test_frames_without_pixels(tmp_path):
    path = write_movie(tmp_path / "m.isxd", np.zeros((2, 0, 4), np.uint16))
    with pytest.raises(isx.IsxFormatError, match="without pixels"):
        isx.export_movie_to_tiff(path, tmp_path / "o.tif")


def test_too_small_disk(tmp_path, monkeypatch):
    path = write_movie(tmp_path / "m.isxd", random_frames(2))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=9))
    with pytest.raises(isx.IsxFileError, match="MB free"):
        isx.export_movie_to_tiff(path, tmp_path / "o.tif")
    assert listing(tmp_path) == ["m.isxd"]


@pytest.mark.parametrize("at", range(1, 7))
def test_disk_full_leaves_nothing(tmp_path, monkeypatch, at):
    monkeypatch.setattr(tiff, "_PAGES_PER_FILE", 5)
    path = write_movie(tmp_path / "m.isxd", random_frames(12))
    calls, real = itertools.count(1), os.write

    def write(fd, data):
        if next(calls) == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(isx.IsxFileError, match=r"No space left on device\. Free some space"):
        isx.export_movie_to_tiff(path, tmp_path / "o.tif")
    assert listing(tmp_path) == ["m.isxd"]


@pytest.mark.parametrize("at", range(13))
def test_interruption_leaves_nothing(tmp_path, monkeypatch, at):
    monkeypatch.setattr(tiff, "_PAGES_PER_FILE", 5)
    monkeypatch.setattr(tiff, "_BLOCK_BYTES", 1)
    path = write_movie(tmp_path / "m.isxd", random_frames(12))

    def progress(done, total):
        assert total == 12
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isx.export_movie_to_tiff(path, tmp_path / "o.tif", progress=progress)
    assert listing(tmp_path) == ["m.isxd"]
    isx.export_movie_to_tiff(path, tmp_path / "o.tif")


def test_file_shortened_while_open(tmp_path, monkeypatch):
    frames = random_frames(12)
    path = write_movie(tmp_path / "m.isxd", frames)
    monkeypatch.setattr(tiff, "_BLOCK_BYTES", 1)

    def progress(done, total):
        if done == 3:
            os.truncate(path, 5 * frames[0].nbytes)

    with pytest.raises(isx.IsxFormatError, match="shortened while it was open"):
        isx.export_movie_to_tiff(path, tmp_path / "o.tif", progress=progress)
    assert listing(tmp_path) == ["m.isxd"]


@pytest.mark.parametrize(
    ("stored", "asked", "values", "expected"),
    [
        ("float32", "uint16", [-3.0, 0.5, 1.5, 70000.0, np.nan, np.inf], [0, 0, 2, 65535, 0, 65535]),
        ("float32", "uint8", [254.4, 255.0, 300.0, -np.inf, 7.0, 1e30], [254, 255, 255, 0, 7, 255]),
        ("uint16", "uint8", [0, 1, 255, 256, 65535, 7], [0, 1, 255, 255, 255, 7]),
        ("uint16", "float32", [0, 1, 255, 256, 65535, 7], [0, 1, 255, 256, 65535, 7]),
        ("uint8", np.uint16, [0, 1, 2, 3, 4, 255], [0, 1, 2, 3, 4, 255]),
        ("uint16", "uint16", [0, 1, 2, 3, 4, 65535], [0, 1, 2, 3, 4, 65535]),
    ],
)
def test_pixel_type(tmp_path, stored, asked, values, expected):
    frames = np.array(values, stored).reshape(2, 1, 3)
    path = write_movie(tmp_path / "m.isxd", frames)
    isx.export_movie_to_tiff(path, tmp_path / "o.tif", dtype=asked)
    pages = tifffile.imread(tmp_path / "o.tif")
    assert pages.dtype == asked
    np.testing.assert_array_equal(pages.reshape(-1), expected)
    with pytest.raises((TypeError, ValueError)):
        isx.export_movie_to_tiff(path, tmp_path / "p.tif", dtype="int32")
    assert listing(tmp_path) == ["m.isxd", "o.tif"]
