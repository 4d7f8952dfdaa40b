"""The container: where the metadata are, and what is repaired."""

from __future__ import annotations

import struct

import numpy as np
import pytest

import isx
from builders import movies as make
from builders.isxd import isxd
from openisx._formats.isxd.container import open_container, trailer_bytes

FRAMES = np.arange(18, dtype="<u2").reshape(3, 2, 3)
MEMBERS = make.metadata((2, 3), "uint16", 3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "m.isxd"


def check(path, data):
    path.write_bytes(data)
    with isx.Movie.read(path) as movie:
        np.testing.assert_array_equal(movie[:], FRAMES)


def test_layout():
    trailer = trailer_bytes({"type": 0})
    assert trailer == b'{\n    "type": 0\n}\0' + struct.pack("<Q", 17)


def test_bytes_between_the_text_and_the_length_are_ignored(path):
    """The vendor's package shortens metadata without shortening the file."""
    text = isxd(b"", MEMBERS)[:-9]
    for junk in (b"x", b"xyz" * 10, b"\0\0\0", b'"}' * 5000):
        length = len(text) + len(junk)
        check(path, FRAMES.tobytes() + text + b"\0" + junk + struct.pack("<Q", length))


@pytest.mark.parametrize("shorter", range(1, 8))
def test_a_torn_length_field_is_repaired(path, shorter):
    """One to seven bytes less of metadata leave the end of the old length behind the new one."""
    old = isxd(FRAMES.tobytes(), make.metadata((2, 3), "uint16", 3, note="x" * shorter))
    new = isxd(FRAMES.tobytes(), make.metadata((2, 3), "uint16", 3, note=""))
    assert len(old) - len(new) == shorter
    path.write_bytes(new + old[len(new) :])
    with pytest.warns(isx.IsxWarning, match=f"ignored {shorter} bytes? behind the data") as caught:
        movie = isx.Movie.read(path)
    assert len(caught) == 1
    np.testing.assert_array_equal(movie[:], FRAMES)
    movie.close()


@pytest.mark.parametrize("shorter", [8, 9, 20, 5000])
def test_longer_remains_need_no_repair(path, shorter):
    old = isxd(FRAMES.tobytes(), make.metadata((2, 3), "uint16", 3, note="x" * shorter))
    new = isxd(FRAMES.tobytes(), make.metadata((2, 3), "uint16", 3, note=""))
    check(path, new + old[len(new) :])


@pytest.mark.parametrize("white", [b"\n", b"\r\n", b" \t\n" * 20, b"\n" * 5000])
def test_white_space_behind_the_container(path, white):
    path.write_bytes(isxd(FRAMES.tobytes(), MEMBERS, junk=white))
    with pytest.warns(isx.IsxWarning, match=f"ignored {len(white)} bytes? behind the data"):
        movie = isx.Movie.read(path)
    np.testing.assert_array_equal(movie[:], FRAMES)
    movie.close()


def test_other_junk_is_not_guessed_at(path):
    path.write_bytes(isxd(FRAMES.tobytes(), MEMBERS, junk=b"\0" * 9))
    with pytest.raises(isx.IsxFormatError, match=r"no readable metadata|parse error"):
        isx.Movie.read(path)


def test_a_byte_order_mark_and_white_space_around_the_text(path):
    text = isxd(b"", MEMBERS)[:-9]
    for changed in (b"\xef\xbb\xbf" + text, b"\n  " + text + b"  \n"):
        check(path, isxd(FRAMES.tobytes(), changed))


def test_metadata_of_several_megabytes(path):
    members = make.metadata((2, 3), "uint16", 3, extraProperties={"note": "é" * 3_000_000})
    check(path, isxd(FRAMES.tobytes(), members))
    file, container = open_container(str(path))
    file.close()
    assert container.body_size == FRAMES.nbytes
    assert container.metadata["extraProperties"]["note"] == "é" * 3_000_000


def test_a_wild_length_does_not_read_the_whole_movie(path):
    """The text ends at the first 00 byte, so pixels taken for text are read only up to that."""
    body = b"{" + bytes(64_000_000)
    path.write_bytes(body + b"\0" + struct.pack("<Q", len(body)))
    with pytest.raises(isx.IsxFormatError, match=r"unexpected end of input|Expecting"):
        isx.Movie.read(path)


def test_text_without_its_end(path):
    text = isxd(b"", MEMBERS)[:-9]
    path.write_bytes(text + b" " + struct.pack("<Q", len(text)))
    with pytest.raises(isx.IsxFormatError, match="its end is missing"):
        isx.Movie.read(path)
