"""The bytes of TIFF stacks, parsed by hand."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
import tifffile

from openisx._files.output import OutputFile
from openisx._files.tiff_writer import TiffWriter, directory_bytes

TAGS = [256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 339]


def write(path, *stacks, big=True):
    with OutputFile(path) as output:
        writer = TiffWriter(output, big=big)
        for stack in stacks:
            writer.write(stack)
        writer.finish()
    return path.read_bytes()


def directories(data):
    """Every directory as {tag: (type, number, value)}, with its position."""
    big = data[:4] == b"II\x2b\0"
    if big:
        assert data[4:8] == b"\x08\0\0\0"
    at = struct.unpack_from("<Q" if big else "<I", data, 8 if big else 4)[0]
    found = []
    while at:
        assert at % 2 == 0
        head, entry, link = ("<Q", "<HHQQ", "<Q") if big else ("<H", "<HHII", "<I")
        (count,) = struct.unpack_from(head, data, at)
        start, size = at + struct.calcsize(head), struct.calcsize(entry)
        entries = [struct.unpack_from(entry, data, start + i * size) for i in range(count)]
        assert [e[0] for e in entries] == sorted(e[0] for e in entries)
        found.append((at, {e[0]: e[1:] for e in entries}))
        (at,) = struct.unpack_from(link, data, start + count * size)
    return found


@pytest.mark.parametrize(("big", "position"), [(False, 4), (True, 16)])
@pytest.mark.parametrize(("dtype", "bits", "form"), [("u1", 8, 1), ("u2", 16, 1), ("f4", 32, 3)])
def test_every_byte_of_two_pages(tmp_path, big, position, dtype, bits, form):
    frames = np.arange(1, 31).reshape(2, 3, 5).astype(dtype)
    data = write(tmp_path / "a.tif", frames, big=big)
    size, header = 15 * bits // 8, 16 if big else 8
    pages = directories(data)
    assert len(pages) == 2
    for i, (_, tags) in enumerate(pages):
        assert tags == {
            256: (3, 1, 5),
            257: (3, 1, 3),
            258: (3, 1, bits),
            259: (3, 1, 1),
            262: (3, 1, 1),
            273: (position, 1, header + i * size),
            274: (3, 1, 1),
            277: (3, 1, 1),
            278: (3, 1, 3),
            279: (position, 1, size),
            284: (3, 1, 1),
            339: (3, 1, form),
        }
    assert data[header : header + 2 * size] == frames.astype(frames.dtype.newbyteorder("<")).tobytes()
    assert pages[0][0] + directory_bytes(big) == pages[1][0]
    assert pages[1][0] + directory_bytes(big) == len(data)


def test_pages_of_different_size_and_type(tmp_path):
    stacks = [
        np.full((2, 3, 3), 7, np.uint8),
        np.full((1, 2, 5), -1.5, np.float32),
        np.full((3, 2, 2), 65535, np.uint16),
        np.full((1, 2, 2), 1, np.uint16),
    ]
    data = write(tmp_path / "a.tif", *stacks)
    offsets = [tags[273][2] for _, tags in directories(data)]
    assert offsets[2] % 4 == 0
    assert offsets[3] % 2 == 0
    assert np.diff(offsets).min() > 0
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        pages = [page.asarray() for page in file.pages]
    expected: list[Any] = [page for stack in stacks for page in stack]  # type: ignore[attr-defined]
    assert len(pages) == len(expected)
    for got, want in zip(pages, expected, strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


def test_no_pages(tmp_path):
    assert write(tmp_path / "a.tif") == b"II\x2b\0\x08\0\0\0" + bytes(8)


def test_sizes_beyond_16_bits_are_long(tmp_path):
    data = write(tmp_path / "a.tif", np.ones((1, 1, 65536), np.uint8), big=False)
    tags = directories(data)[0][1]
    assert tags[256] == (4, 1, 65536)
    assert tags[257] == (3, 1, 1)
    write(tmp_path / "b.tif", np.ones((1, 65536, 1), np.uint8))
    tags = directories((tmp_path / "b.tif").read_bytes())[0][1]
    assert (tags[257], tags[278]) == ((4, 1, 65536), (4, 1, 65536))
    assert tifffile.imread(tmp_path / "b.tif").shape == (65536, 1)


def test_strided_and_swapped_frames(tmp_path):
    frames = np.arange(48, dtype=">u2").reshape(2, 4, 6)[:, ::2, ::-3]
    write(tmp_path / "a.tif", frames)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), frames)


def test_memory_mappable(tmp_path):
    frames = np.random.default_rng(1).integers(0, 99, (5, 3, 7)).astype(np.uint8)
    write(tmp_path / "a.tif", frames)
    mapped = tifffile.memmap(tmp_path / "a.tif", mode="r")
    np.testing.assert_array_equal(mapped, frames)
    mapped._mmap.close()  # type: ignore[attr-defined]
