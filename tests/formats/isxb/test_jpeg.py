from __future__ import annotations

import contextlib
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.isxb import blocks, jpeg
from builders.jpeg import expected, jpeg_of_levels, segment
from isx.errors import IsxWarning
from openisx._files.source import InputFile
from openisx._formats.isxb import jpeg as subject
from openisx._formats.isxb.jpeg import JpegIndex, PillowDecoder, UndecodableError, luma_decoders, picture_size

LEVELS = np.random.default_rng(3).integers(0, 255, (8, 16), dtype=np.uint8)

KINDS = {
    "4:2:0": ((2, 2), (1, 1), (1, 1)),
    "4:2:2": ((2, 1), (1, 1), (1, 1)),
    "4:4:4": ((1, 1), (1, 1), (1, 1)),
    "4:4:0": ((1, 2), (1, 1), (1, 1)),
    "4:1:1": ((4, 1), (1, 1), (1, 1)),
    "4:1:0": ((4, 2), (1, 1), (1, 1)),
    "grey": ((1, 1),),
    "grey, odd factors": ((2, 2),),
}


def image(seed: int = 0, **options: object) -> bytes:
    rng = np.random.default_rng(seed)
    return jpeg_of_levels(rng.integers(0, 255, (2, 3), dtype=np.uint8), 24, 16, **options)


def index_of(tmp_path: Path, data: bytes, count: int = 100, start: int = 0, end: int = 2**62) -> JpegIndex:
    path = tmp_path / "stream"
    path.write_bytes(data)
    return JpegIndex(InputFile(str(path)), start, end, count)


def ranges(index: JpegIndex) -> list[tuple[int, int] | None]:
    """Every image of a stream of unknown length."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsxWarning)
        return [index.range_of(i) for i in range(index.count())]


def concatenated(images: list[bytes], first: int = 0) -> list[tuple[int, int]]:
    starts = first + np.cumsum([0, *map(len, images)])[:-1]
    return [(int(start), len(data)) for start, data in zip(starts, images, strict=True)]


def test_images_are_found(tmp_path: Path) -> None:
    images = [image(k) for k in range(5)]
    index = index_of(tmp_path, b"junk" + b"".join(images) + b'{"json": "\xff\xd8\xff"}', 5, start=4)
    assert [index.range_of(k) for k in (4, 0, 2)] == [concatenated(images, 4)[k] for k in (4, 0, 2)]


def test_markers_inside_segments_do_not_count(tmp_path: Path) -> None:
    thumbnail = segment(0xE1, image(9))
    comment = segment(0xFE, b"\xff\xd9\xff\xd8\xff\xda\x00\x02")
    images = [image(1, before=thumbnail), image(2, before=comment + thumbnail), image(3)]
    assert ranges(index_of(tmp_path, b"".join(images))) == concatenated(images)


def test_restart_and_fill_bytes(tmp_path: Path) -> None:
    images = [image(1, restart=1), image(2, after_sos_fill=b"\xff\xff\xff"), image(3)]
    assert ranges(index_of(tmp_path, b"".join(images))) == concatenated(images)


def test_progressive_images_have_several_scans(tmp_path: Path) -> None:
    images = [jpeg(blocks(k, color=True), progressive=True) for k in range(3)]
    assert all(data.count(b"\xff\xda") > 2 for data in images)
    assert ranges(index_of(tmp_path, b"".join(images))) == concatenated(images)


def test_bytes_between_images_are_skipped(tmp_path: Path) -> None:
    images = [image(1), image(2), image(3)]
    data = images[0] + b"\xff\xd9\xff\xe1\xff\xff junk" + images[1] + b"\0" * 7 + images[2]
    first, second = len(images[0]) + 11, len(images[0]) + 11 + len(images[1]) + 7
    assert ranges(index_of(tmp_path, data)) == [
        (0, len(images[0])), (first, len(images[1])), (second, len(images[2])),
    ]  # fmt: skip


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 16, 61, 64])
def test_any_size_of_chunks_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    comment = segment(0xFE, b"\xff\xd9\xff\xd8\xff\xda\x00\x02" * 20)
    images = [image(k, before=comment if k % 2 else b"", restart=k % 3) for k in range(6)]
    images[3] = images[3][:-3]  # an image without an end
    monkeypatch.setattr(subject, "_FIRST_CHUNK", chunk)
    monkeypatch.setattr(subject, "_LARGEST_CHUNK", chunk)
    places: list[tuple[int, int] | None] = list(concatenated(images))
    places[3] = None
    assert ranges(index_of(tmp_path, b"".join(images))) == places


def test_only_what_is_needed_is_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [image(k) for k in range(50)]
    index = index_of(tmp_path, b"".join(images))
    monkeypatch.setattr(index, "_chunk", 2 * len(images[0]))
    assert index.range_of(1) == concatenated(images)[1]
    assert index._known.scanned < 8 * len(images[0])


def test_surplus_images_are_not_counted(tmp_path: Path) -> None:
    assert index_of(tmp_path, b"".join(image(k) for k in range(5)), count=3).count() == 3


@pytest.mark.parametrize("cut", range(1, 30))
def test_cut_streams(tmp_path: Path, cut: int) -> None:
    images = [image(1), image(2)]
    index = index_of(tmp_path, b"".join(images)[:-cut], count=2)
    assert index.range_of(0) == (0, len(images[0]))
    assert index.range_of(1) is None
    assert index.range_of(2) is None
    assert index.count() == 2  # the second has no end


def test_every_cut_of_one_image(tmp_path: Path) -> None:
    data = image(1, restart=1)
    assert index_of(tmp_path, data, 1).range_of(0) == (0, len(data))
    for size in range(len(data)):
        index = index_of(tmp_path, data[:size], 1 if size > 1 else 0)
        assert index.range_of(0) is None


@pytest.mark.parametrize("size", [2, 20, 40, 100, 150])
def test_an_image_cut_in_its_tables_keeps_its_place(tmp_path: Path, size: int) -> None:
    images = [image(1), image(2)[:size] + b"\xff\xd9", image(3)]
    places = concatenated(images)
    found = ranges(index_of(tmp_path, b"".join(images), 3))
    assert (found[0], found[2]) == (places[0], places[2])
    assert found[1] in (None, places[1])


def test_interruptions_lose_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at any line of a scan leaves an index that goes on from there."""
    images = [image(k) for k in range(6)]
    monkeypatch.setattr(subject, "_FIRST_CHUNK", 2 * len(images[0]))
    monkeypatch.setattr(subject, "_LARGEST_CHUNK", 2 * len(images[0]))

    def interrupted(at: int) -> int:
        """Lines run up to the interruption before line `at`."""
        index = index_of(tmp_path, b"".join(images), 6)
        done = 0

        def count(frame: Any, event: str, _: Any) -> Any:
            nonlocal done
            if frame.f_code.co_filename != subject.__file__ or frame.f_code.co_name == "range_of":
                return None  # the interpreter itself does not interrupt between getting a lock and its "with"
            if event == "line":
                done += 1
                if done == at:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            return count

        before = sys.gettrace()
        with contextlib.suppress(KeyboardInterrupt):
            try:
                sys.settrace(count)
                index.range_of(5)
            finally:
                sys.settrace(before)
        assert ranges(index) == concatenated(images)
        return done

    at = 1
    while interrupted(at) == at:
        at += 1
    assert at > 50


def test_a_decoder_that_was_interrupted_is_not_used_again() -> None:
    pytest.importorskip("av")

    class Interrupted:
        def decode(self, _: Any) -> None:
            raise KeyboardInterrupt

    decoder = subject.FfmpegDecoder(10_000)
    decoder._context = Interrupted()
    out = np.empty((16, 24), np.uint8)
    with pytest.raises(KeyboardInterrupt):
        decoder.decode(image(1), out)
    decoder.decode(image(1), out)


def test_missing_images_are_told_once(tmp_path: Path) -> None:
    index = index_of(tmp_path, image(1) + image(2), count=4)
    with pytest.warns(IsxWarning, match="2 images for 4 frames"):
        assert index.range_of(1) is not None
    assert index.range_of(2) is None
    assert index.range_of(3) is None


def test_stream_outside_the_file(tmp_path: Path) -> None:
    index = index_of(tmp_path, image(), start=2**40, end=2**41)
    assert index.range_of(0) is None
    assert index.count() == 0


def test_agrees_with_a_walk_over_random_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    alphabet = np.frombuffer(b"\xff\xff\xff\xd8\xd9\xda\xe1\x00\x01\x02\x03\x10\xd0\xd7\x42", np.uint8)
    for _ in range(200):
        data = rng.choice(alphabet, 300).tobytes()
        assert ranges(index_of(tmp_path, data)) == walk(data)


def walk(data: bytes) -> list[tuple[int, int] | None]:
    """Images by a plain walk from marker to marker."""
    found: list[tuple[int, int] | None] = []
    begin, at = None, 0
    while True:
        while at + 1 < len(data) and (
            data[at] != 0xFF
            or data[at + 1] in (0, 0xFF, *range(0xD0, 0xD8))
            or (begin is None and data[at + 1] != 0xD8)
        ):
            at += 1
        if at + 1 >= len(data):
            return found + [None] * (begin is not None)
        code = data[at + 1]
        if code == 0xD8:
            if begin is not None:
                found.append(None)
            begin = at
        elif code == 0xD9:
            found.append((begin, at + 2 - begin))
            begin = None
        at += 2
        if code not in (0xD8, 0xD9, 0x01):
            length = int.from_bytes((data[at : at + 2] + b"\0\0")[:2], "big")
            at += max(2, length)


@pytest.mark.parametrize("size", [(64, 48), (8, 8), (1, 1), (17, 33), (72, 20), (128, 64)])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("library", ["ffmpeg", "pillow"])
def test_luma_is_exact(kind: str, size: tuple[int, int], library: str) -> None:
    width, height = size
    data = jpeg_of_levels(LEVELS, width, height, sampling=KINDS[kind], chroma=70)
    assert picture_size(data) == (height, width)
    if library == "ffmpeg":
        pytest.importorskip("av")
    decoder = luma_decoders("x", 1 << 20)() if library == "ffmpeg" else PillowDecoder()
    out = np.empty((height, width), np.uint8)
    decoder.decode(data, out)
    np.testing.assert_array_equal(out, expected(LEVELS, width, height))


NOTES = {
    "broken EXIF": segment(0xE1, b"Exif\0\0II*\0garbage"),
    "short JFIF": segment(0xE0, b"JFIF\0\1"),
    "AVI": segment(0xE0, b"AVI1\x01" + bytes(9)),
    "Adobe": segment(0xEE, b"Adobe\0\x64\0\0\0\0\0"),
    "empty": segment(0xE5, b""),
    "comment": segment(0xFE, b"CS=ITU601\0\xff\xd9"),
}


@pytest.mark.parametrize("note", NOTES)
@pytest.mark.parametrize("library", ["ffmpeg", "pillow"])
def test_notes_of_cameras_do_no_harm(note: str, library: str) -> None:
    data = jpeg_of_levels(LEVELS, 64, 48, before=NOTES[note])
    if library == "ffmpeg":
        pytest.importorskip("av")
    out = np.empty((48, 64), np.uint8)
    (luma_decoders("x", 1 << 20)() if library == "ffmpeg" else PillowDecoder()).decode(data, out)
    np.testing.assert_array_equal(out, expected(LEVELS, 64, 48))


def test_decoder_survives_damage() -> None:
    pytest.importorskip("av")
    decoder = luma_decoders("x", 1 << 20)()
    out = np.empty((16, 24), np.uint8)
    good = image(4)
    for bad in (
        b"",
        b"\xff\xd8",
        good[:40],
        b"\xff\xd8" + bytes(100) + b"\xff\xd9",
        good[:-12] + b"\xff\xd9",
    ):
        with pytest.raises(UndecodableError):
            decoder.decode(bad, out)
        decoder.decode(good, out)


@pytest.mark.parametrize("library", ["ffmpeg", "pillow"])
def test_an_image_without_a_scan_is_damaged(library: str) -> None:
    """Not a picture left in memory by an image before."""
    if library == "ffmpeg":
        pytest.importorskip("av")
    decoder = subject.FfmpegDecoder(10_000) if library == "ffmpeg" else PillowDecoder()
    out = np.empty((16, 24), np.uint8)
    decoder.decode(image(1), out)
    decoder.decode(image(2), out)
    with pytest.raises(UndecodableError):
        decoder.decode(image(3).replace(b"\xff\xda", b"\xff\x9a"), out)


def test_sizes_are_read_without_decoding() -> None:
    assert picture_size(image(before=segment(0xE1, b"\xff\xc0" + bytes(40)))) == (16, 24)
    assert picture_size(b"\xff\xd8\xff\xd9") is None
    assert picture_size(b"\xff\xd8" + bytes(1000)) is None
    huge = b"\xff\xd8" + segment(0xC0, struct.pack(">BHHB", 8, 65535, 65535, 1))
    assert picture_size(huge) == (65535, 65535)


def test_pillow_serves_without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.warns(IsxWarning, match="Pillow"):
        decoder = luma_decoders("movie.isxb", 1 << 20)()
    assert isinstance(decoder, PillowDecoder)


def test_pillow_is_within_one_grey_level_of_ffmpeg() -> None:
    pytest.importorskip("av")
    rng = np.random.default_rng(1)
    smooth = rng.normal(0, 40, (96, 128, 3)).cumsum(0).cumsum(1)
    data = jpeg((smooth % 255).astype(np.uint8), quality=95)
    a, b = np.empty((96, 128), np.uint8), np.empty((96, 128), np.uint8)
    luma_decoders("x", 1 << 20)().decode(data, a)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PillowDecoder().decode(data, b)
    assert np.abs(a.astype(int) - b).max() <= 1
