"""Whatever bytes a movie file holds, reading it ends in data or in an IsxError."""

from __future__ import annotations

import contextlib
import json
import os
import re
import struct
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import isx
import openisx
from builders import movies as make
from builders.isxd import isxd

FRAMES = np.arange(24, dtype="<u2").reshape(4, 2, 3)
ABSURD = [-1, -(2**63), 2**31, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, 1e300, 3.7]
WRONG = [None, True, "5", "", [], [1], {}, {"num": 1}, 0, -1, 1e400]


def touch(path):
    """Open and use everything that can be asked of a movie; None if it does not open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", isx.IsxWarning)
        try:
            movie = isx.Movie.read(path)
        except isx.IsxError:
            return None
        with movie:
            return use(movie, path)


def use(movie, path):
    count = len(movie)
    asks = [
        lambda: movie[:4],
        lambda: movie[::-1, 0, 0],
        lambda: movie.timestamps,
        movie.get_acquisition_info,
        lambda: movie.metadata,
        movie.timing.get_valid_samples,
        lambda: isx.Image.read(path),
    ]
    for ask in asks:
        with contextlib.suppress(isx.IsxError, IndexError):  # there may be no pixel (0, 0)
            ask()
    assert str(movie)
    assert movie._repr_html_()
    frames = []
    for i in [*range(min(count, 6)), count - 1]:
        for ask in (movie.get_frame_data, movie.get_frame_timestamp, movie.get_frame_header):
            with contextlib.suppress(isx.IsxError):
                frames.append(ask(i))
    return frames


def movie(lines=False):
    headers = [make.header_line(timestamp=1000 + 50 * i, efocus=i) for i in range(4)]
    body = make.with_lines(FRAMES, headers) if lines else FRAMES.tobytes()
    extra = {"producer": {"version": "1.9.0"}, "idps": {"efocus": 3}, "animal": {"sex": "f"}}
    members = make.metadata((2, 3), "uint16", 5, dropped=[1], extraProperties=extra)
    members["hasFrameHeaderFooter"] = lines
    return body, members


def test_isxd_truncated_at_every_byte(tmp_path):
    path = tmp_path / "m.isxd"
    data = isxd(*movie())
    path.write_bytes(data)
    assert touch(path) is not None
    for size in range(len(data)):
        path.write_bytes(data[:size])
        assert touch(path) is None


def test_isxd_flipped_bytes(tmp_path):
    path = tmp_path / "m.isxd"
    rng = np.random.default_rng(7)
    body, members = movie()
    data = isxd(body, members)
    for at in range(len(body), len(data)):
        for value in {data[at] ^ (1 << int(rng.integers(8))), int(rng.integers(256))}:
            path.write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
            touch(path)


def members_of(value, where=()):
    """Key paths of everything inside decoded JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*where, key)
            yield from members_of(inner, (*where, key))


def test_isxd_wrong_types_and_absurd_counts(tmp_path):
    path = tmp_path / "m.isxd"
    body, members = movie()
    for keys in list(members_of(members)):
        for value in [*ABSURD, *WRONG]:
            changed = json.loads(json.dumps(members))
            target = changed
            for key in keys[:-1]:
                target = target[key]
            target[keys[-1]] = value
            path.write_bytes(isxd(body, changed))
            touch(path)
        del target[keys[-1]]
        path.write_bytes(isxd(body, changed))
        touch(path)


@pytest.mark.parametrize("literal", [b"1e400", b"-1e400", b"1e308", b"-0", b"9" * 400, b"1" + b"0" * 5000])
def test_isxd_numbers_beyond_all_bounds(tmp_path, literal):
    path = tmp_path / "m.isxd"
    body, members = movie()
    text = json.dumps(members).encode()
    for match in re.finditer(rb"(?<=[ \[])\d+", text):
        path.write_bytes(isxd(body, text[: match.start()] + literal + text[match.end() :]))
        touch(path)


@pytest.mark.parametrize("key", ["dropped", "blank", "cropped"])
def test_isxd_odd_lists_of_missing_samples(tmp_path, key):
    path = tmp_path / "m.isxd"
    texts = [
        "5",
        "2-3",
        " 1 - 2",
        "",
        "a",
        "3 - 1",
        "1,2",
        "1 - ",
        "-1",
        "9" * 30,
        "0 - 18446744073709551615",
    ]
    values = [*ABSURD, *WRONG, *texts, [1, [2]], 2**53, float("nan")]
    for value in values:
        for listed in ([value], [0, value], [value, value, 1]):
            members = make.metadata((2, 3), "uint16", 5, **{key: listed})
            path.write_bytes(isxd(FRAMES.tobytes(), members))
            touch(path)


def test_isxd_with_lines_and_missing_frames(tmp_path):
    path = tmp_path / "m.isxd"
    body, members = movie(lines=True)
    frame_bytes = len(body) // 4
    for size in [
        0,
        1,
        5119,
        5120,
        5132,
        frame_bytes - 1,
        frame_bytes,
        2 * frame_bytes + 5,
        4 * frame_bytes - 1,
    ]:
        path.write_bytes(isxd(body[:size], members))
        frames = touch(path)
        assert frames is not None
        pictures = [f for f in frames if isinstance(f, np.ndarray) and f.any()]
        assert len(pictures) == size // frame_bytes + (size == len(body))  # the last is asked for twice
    for count in (0, 1, 2, 10**6):
        members["timingInfo"]["numTimes"] = count
        path.write_bytes(isxd(body, members))
        assert touch(path) is not None


@pytest.mark.parametrize("count", [2**25, 2**32, 2**63])
def test_more_samples_than_bytes_are_refused(tmp_path, count):
    path = tmp_path / "m.isxd"
    for changes in ({}, {"cropped": [f"0 - {count - 1}"]}):
        members = make.metadata((2, 3), "uint16", count, **changes)
        path.write_bytes(isxd(FRAMES.tobytes(), members))
        with pytest.raises(isx.IsxFormatError):
            isx.Movie.read(path)


def test_frames_larger_than_the_file_are_refused(tmp_path):
    path = tmp_path / "m.isxd"
    members = make.metadata((2**31, 2**31), "float32", 3, dropped=[0, 1, 2])
    path.write_bytes(isxd(b"", members))
    with pytest.raises(isx.IsxFormatError, match="damaged"):
        isx.Movie.read(path)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"null",
        b"\xff\xfe{}",
        b'{"type": NaN}',
        b'{"a": "\\ud800"}',
        b"{}",
        b'{"type": 0}',
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"type": ' + b"9" * 10_000 + b"}",
    ],
)
def test_text_that_is_no_metadata(tmp_path, text):
    path = tmp_path / "m.isxd"
    path.write_bytes(isxd(b"", text))
    assert touch(path) is None


@pytest.mark.parametrize("depth", [10, 200, 450, 900, 5000])
def test_deep_nesting(tmp_path, depth):
    nested = b'{"a":' * depth + b"1" + b"}" * depth
    text = json.dumps(make.metadata((2, 3), "uint16", 4)).encode()
    text = text.replace(b'"extraProperties": null', b'"extraProperties": {"animal": {"id": ' + nested + b"}}")
    path = tmp_path / "m.isxd"
    path.write_bytes(isxd(FRAMES.tobytes(), text))
    touch(path)


def test_large_metadata_of_any_layout(tmp_path):
    """The fast path for large metadata takes only the layout that writers give it."""
    path = tmp_path / "m.isxd"
    members = make.metadata((2, 3), "uint16", 8_000, dropped=list(range(4, 8_000)))
    rng = np.random.default_rng(3)
    for indent in (None, 1, 2, 4, 8):
        text = json.dumps(members, indent=indent).encode()
        path.write_bytes(isxd(FRAMES.tobytes(), text))
        with isx.Movie.read(path) as movie:
            assert movie.timing.get_valid_samples().tolist() == [0, 1, 2, 3]
            np.testing.assert_array_equal(movie[:4], FRAMES)
    text = json.dumps(members, indent=4).encode()
    for ending in (b"\n", b"\n\n\n", b"\n\n}", b",\n}", b"\n    \n}", b'\n    "\n}', b'\n    "a": \n}'):
        path.write_bytes(isxd(FRAMES.tobytes(), text[:-2] + ending))
        touch(path)
    for _ in range(100):
        at = int(rng.integers(len(text)))
        changed = text[:at] + bytes([int(rng.choice(list(b'0 ,"[]{}\n9x')))]) + text[at + 1 :]
        path.write_bytes(isxd(FRAMES.tobytes(), changed))
        touch(path)
    for last in (b"9" * 19, b"9" * 25, b"1.5", b"-3"):
        path.write_bytes(isxd(FRAMES.tobytes(), text.replace(b"7999", last)))
        touch(path)


def tiff(**kwargs):
    return make.tiff_bytes(list(FRAMES), **kwargs)


@pytest.mark.parametrize("options", [{}, {"big": True, "order": ">"}, {"rows_per_strip": 1}])
def test_tiff_truncated_at_every_byte(tmp_path, options):
    path = tmp_path / "m.tif"
    data = tiff(**options)
    path.write_bytes(data)
    assert touch(path) is not None
    for size in range(len(data)):
        path.write_bytes(data[:size])
        touch(path)


@pytest.mark.parametrize("options", [{}, {"big": True}, {"rows_per_strip": 1, "order": ">"}])
def test_tiff_flipped_bytes(tmp_path, options):
    path = tmp_path / "m.tif"
    rng = np.random.default_rng(11)
    data = make.tiff_bytes(list(FRAMES[:2]), **options)
    for at in range(len(data)):
        for value in {data[at] ^ (1 << int(rng.integers(8))), int(rng.choice([0, 0x7F, 0x80, 0xFF]))}:
            path.write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
            touch(path)


def test_tiff_chain_that_bites_its_tail(tmp_path):
    path = tmp_path / "m.tif"
    data = bytearray(tiff())
    first = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<I", data, len(data) - 4, first)
    path.write_bytes(data)
    with pytest.warns(isx.IsxWarning, match="damaged behind its page 4"):
        movie = isx.Movie.read(path)
    np.testing.assert_array_equal(movie[:], FRAMES)


@pytest.mark.parametrize("options", [{}, {"chunks": (1, 2, 3), "compression": "gzip"}])
def test_hdf5_damaged(tmp_path, options):
    pytest.importorskip("h5py")
    whole = make.write_hdf5(tmp_path / "whole.hdf5", FRAMES, np.arange(4) + 0.5, **options)
    data = whole.read_bytes()
    path = tmp_path / "m.hdf5"
    rng = np.random.default_rng(5)
    for size in sorted({0, 1, 7, 8, *rng.integers(len(data), size=40).tolist()}):
        path.write_bytes(data[:size])
        touch(path)
    used = np.flatnonzero(np.frombuffer(data, np.uint8))
    for at in rng.choice(used, size=min(400, len(used)), replace=False).tolist():
        path.write_bytes(data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :])
        touch(path)


def test_hdf5_without_the_expected_data_sets(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "m.hdf5"
    cases: list[dict[str, Any]] = [
        {},
        {"images": np.zeros((2, 3), "<u2")},
        {"images": np.zeros((4, 2, 3), "<f4")},
        {"images": np.zeros((4, 2, 3), "<i2")},
        {"images": np.zeros((4, 2, 3, 1), "<u2")},
        {"images": np.uint16(5)},
        {"images": b"text"},
        {"other": np.zeros((4, 2, 3), "<u2")},
    ]
    for case in cases:
        with h5py.File(path, "w") as file:
            for name, value in case.items():
                file[name] = value
        with pytest.raises(isx.IsxFormatError, match=r"m\.hdf5"):
            isx.Movie.read(path)
    with h5py.File(path, "w") as file:
        file.create_group("images")
    with pytest.raises(isx.IsxFormatError, match="not a data set"):
        isx.Movie.read(path)


@pytest.mark.parametrize("name", ["recording_tif.xml", "recording_hdf5.xml"])
def test_xml_damaged(tmp_path, name):
    pytest.importorskip("h5py")
    make.write_hdf5(tmp_path / "a.hdf5", FRAMES, np.arange(4) + 0.5)
    (tmp_path / "a.tif").write_bytes(tiff())
    attributes = {
        "width": 3, "height": 2, "left": 1, "top": 2, "downsample": 2, "fps": 15.0, "frames": 8,
        "record_start": "Jul 14, 2017 02:40:00.123000 PM", "dropped": "[1, 4]",
    }  # fmt: skip
    ending = "tif" if "tif" in name else "hdf5"
    text = make.xml_text(attributes, [f"a.{ending}", (f"a.{ending}", 4)]).encode()
    path = tmp_path / "m.xml"
    path.write_bytes(text)
    assert touch(path) is not None
    rng = np.random.default_rng(13)
    for size in range(len(text)):
        path.write_bytes(text[:size])
        assert touch(path) is None
    for at in range(len(text)):
        path.write_bytes(text[:at] + bytes([int(rng.integers(256))]) + text[at + 1 :])
        touch(path)
    for key in attributes:
        for value in ["", "abc", "-1", "0", "1e999", "nan", "9" * 30, "[", "[-1]", "[1 2, x]", "[9]"]:
            path.write_text(make.xml_text({**attributes, key: value}, [f"a.{ending}"]))
            touch(path)


def test_xml_bombs(tmp_path):
    path = tmp_path / "m.xml"
    lol = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    bombs = [
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{lol}]><recording>&l11;</recording>',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><recording>&f;</recording>',
        f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]><recording>{"&a;" * 10_000}</recording>',
    ]
    for bomb in bombs:
        path.write_text(bomb)
        with pytest.raises(isx.IsxFormatError, match="refused"):
            isx.Movie.read(path)
    path.write_text('<!DOCTYPE recording SYSTEM "http://localhost/x.dtd"><recording/>')
    with pytest.raises(isx.IsxFormatError, match="names no file"):  # what it points to is not fetched
        isx.Movie.read(path)
    path.write_text("<a>" * 100_000 + "</a>" * 100_000)
    with pytest.raises(isx.IsxFormatError, match="no recording"):
        isx.Movie.read(path)


@pytest.mark.parametrize("ending", ["isxd", "tif", "hdf5", "xml"])
def test_what_is_no_file(tmp_path, ending):
    for reader in (isx.Movie.read, isx.Image.read):
        with pytest.raises(isx.IsxFileNotFoundError, match="File does not exist: "):
            reader(tmp_path / f"missing.{ending}")
        empty = tmp_path / f"empty.{ending}"
        empty.write_bytes(b"")
        with pytest.raises(isx.IsxFormatError):
            reader(empty)
        folder = tmp_path / f"folder.{ending}"
        folder.mkdir(exist_ok=True)
        with pytest.raises(isx.IsxFileError, match="File extension not supported: "):
            reader(folder)
    for size in (1, 7, 8, 9, 100):
        empty.write_bytes(b"\0" * size)
        with pytest.raises(isx.IsxFormatError):
            isx.Movie.read(empty)


def test_nothing_is_printed(tmp_path):
    """Not even about damaged TIFF files, of which tifffile has much to tell."""
    path = tmp_path / "m.tif"
    data = bytearray(tiff())
    data[struct.unpack_from("<I", data, 4)[0] + 4] = 200  # type of the first tag
    path.write_bytes(data)
    code = "import isx, sys\ntry: isx.Movie.read(sys.argv[1])\nexcept isx.IsxError: pass"
    source = os.path.dirname(os.path.dirname(openisx.__file__))
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env=os.environ | {"PYTHONPATH": source},
        capture_output=True,
        check=True,
    )
    assert done.stdout + done.stderr == b""


@pytest.mark.parametrize("name", ["m", "m.txt", "m.h5", "m.isxd.bak", ".isxd", "m.", ""])
def test_unknown_extensions(tmp_path, name):
    path = tmp_path / name if name else tmp_path
    if name:
        path.write_bytes(b"x")
    with pytest.raises(isx.IsxFileError, match="File extension not supported: "):
        isx.Movie.read(path)
    with pytest.raises(isx.IsxFileNotFoundError, match="File does not exist: "):
        isx.Movie.read("")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_no_permission(tmp_path):
    path = tmp_path / "m.isxd"
    path.write_bytes(isxd(*movie()))
    path.chmod(0)
    with pytest.raises(isx.IsxFileError, match="Permission denied"):
        isx.Movie.read(path)
