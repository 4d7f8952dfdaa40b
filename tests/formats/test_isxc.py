from __future__ import annotations

import json
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders.isxc import counter_values, expanded, isxc, session
from openisx._formats.isxc import expand

pytest.importorskip("av")

import contextlib

from builders.video import LOSSLESS, video

SHAPE, TILE = (32, 48), (8, 16)


def parts(count: int = 6, tiles: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    luma = rng.integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    return luma, rng.integers(0, 256, (count, tiles), dtype=np.uint8)


def made(path: Path, *, meta: Any = None, count: int = 6, **options: Any) -> Path:
    luma, tiles = parts(count)
    return isxc(path, video(luma), tiles, meta or session(count, SHAPE), SHAPE, TILE, **options)


@pytest.mark.parametrize("tiles", [1, 2, 3, 4, 11, 12])
def test_expansion(tiles: int) -> None:
    luma, numbers = parts(2, tiles)
    numbers[0, : min(tiles, 8)] = [0, 17, 18, 80, 81, 208, 209, 255][:tiles]
    out = np.full(SHAPE, 7, np.uint16)
    for k in range(2):
        expand(luma[k], numbers[k], TILE, out)
        np.testing.assert_array_equal(out, expanded(luma, numbers, TILE)[k])


def test_every_tile_byte() -> None:
    luma = np.full((1, 16, 16), 255, np.uint8)
    numbers = np.arange(256, dtype=np.uint8)
    out = np.empty((16, 16), np.uint16)
    expand(luma[0], numbers, (1, 1), out)
    np.testing.assert_array_equal(out, expanded(luma, numbers[None], (1, 1))[0])


def test_tiles_that_leave_a_margin() -> None:
    luma = np.full((1, 20, 50), 9, np.uint8)
    numbers = np.full((1, 6), 100, np.uint8)
    out = np.empty((20, 50), np.uint16)
    expand(luma[0], numbers[0], (8, 16), out)
    assert (out[:16, :48] == 72).all()
    assert not out[16:].any()
    assert not out[:, 48:].any()


@pytest.mark.parametrize("kind", LOSSLESS)
def test_codecs(tmp_path: Path, kind: str) -> None:
    luma, tiles = parts(20)
    luma[:] = np.cumsum(np.random.default_rng(1).integers(0, 4, luma.shape), axis=0)
    path = isxc(tmp_path / "m.isxc", video(luma, **LOSSLESS[kind]), tiles, session(20, SHAPE), SHAPE, TILE)
    frames = expanded(luma, tiles, TILE)
    with isx.Movie.read(path) as movie:
        for index in (19, 3, 4, 5, 0, 12, 11):
            np.testing.assert_array_equal(movie.get_frame_data(index), frames[index])
        np.testing.assert_array_equal(list(movie), frames)
    with isx.Movie.read(isx.decompress(path, tmp_path)) as movie:
        np.testing.assert_array_equal(movie[:], frames)


def test_time_stamps(tmp_path: Path) -> None:
    luma, tiles = parts(3)
    stamps = np.array([2**40, 2**40 + 101_000, 2**40 + 150_000])
    meta = session(4, SHAPE, (1,), extraProperties={"producer": {"version": "1.3.0"}, "name": "S"})
    path = isxc(tmp_path / "m.isxc", video(luma), tiles, meta, SHAPE, TILE, counter_values(stamps, 10))
    with isx.Movie.read(path) as movie:
        assert movie.timestamps.tolist() == [2**40, 0, 2**40 + 101_000, 2**40 + 150_000]
        assert (movie.timing.period._impl.num, movie.timing.period._impl.den) == (150_000, 3_000_000)
        assert movie.get_frame_header(2).timestamp == 2**40 + 101_000
        assert movie.get_acquisition_info() == {"Session Name": "S"}
        assert not movie.get_frame_data(1).any()
        with pytest.raises(IndexError, match=r"The index of the frame \(4\) is out of range \(0-3\)\."):
            movie.get_frame_data(4)


def test_a_single_frame_is_expanded_to_an_image(tmp_path: Path) -> None:
    path = isx.decompress(made(tmp_path / "m.isxc", count=1), tmp_path)
    image = isx.open(path)
    assert isinstance(image, isx.Image)
    luma, tiles = parts(1)
    np.testing.assert_array_equal(image.get_data(), expanded(luma, tiles, TILE)[0])


def test_surplus_frames_are_ignored(tmp_path: Path) -> None:
    luma, tiles = parts(6)
    path = isxc(tmp_path / "m.isxc", video(luma), tiles[:4], session(4, SHAPE), SHAPE, TILE)
    with isx.Movie.read(isx.decompress(path, tmp_path)) as movie:
        np.testing.assert_array_equal(movie[:], expanded(luma[:4], tiles[:4], TILE))


def test_missing_frames_are_named(tmp_path: Path) -> None:
    luma, tiles = parts(6)
    path = isxc(tmp_path / "m.isxc", video(luma[:4]), tiles, session(7, SHAPE, (1,)), SHAPE, TILE)
    frames = expanded(luma, tiles, TILE)
    with isx.Movie.read(path) as movie:
        np.testing.assert_array_equal(movie.get_frame_data(4), frames[3])
        for index in (5, 6):
            with pytest.raises(isx.IsxFormatError, match=rf"Frame {index}: the video holds 4 frames"):
                movie.get_frame_data(index)
        np.testing.assert_array_equal(movie.get_frame_data(2), frames[1])
        with pytest.raises(isx.IsxFormatError, match="Frame 5"):
            list(movie)
    with pytest.raises(isx.IsxFormatError, match="Frame 5"):
        isx.decompress(path, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.isxc"]


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ({"tiles": 0}, "impossible"),
        ({"tiles": 1001}, "impossible"),
        ({"num_values": 23}, "impossible"),
        ({"tiles": 11}, "metadata size=72!66"),
        ({"table_size": 2**63}, "metadata size="),
        ({"table": 140}, "metadata size is not correct"),
        ({"tile_height": 16}, "do not fit"),
        ({"tile_width": 64}, "do not fit"),
        ({"tile_width": 0}, "do not fit"),
        ({"width": 64}, "do not match"),
        ({"session_size": 2**63}, "beyond its end"),
        ({"session": 2**63}, "beyond its end"),
    ],
)
def test_impossible_headers(tmp_path: Path, header: dict[str, int], text: str) -> None:
    with pytest.raises(isx.IsxFormatError, match=text):
        isx.Movie.read(made(tmp_path / "m.isxc", **header))


@pytest.mark.parametrize("video_offset", [0, 137, 2**40, 2**64 - 1])
def test_video_elsewhere(tmp_path: Path, video_offset: int) -> None:
    with isx.Movie.read(made(tmp_path / "m.isxc", video_at=video_offset)) as movie:
        with pytest.raises(isx.IsxFormatError, match="Frame 0: no readable video"):
            movie.get_frame_data(0)
        with pytest.raises(isx.IsxFormatError, match="Frame 0: no readable video"):
            list(movie)


def test_unknown_codec(tmp_path: Path) -> None:
    path = made(tmp_path / "m.isxc")
    path.write_bytes(path.read_bytes().replace(b"FFV1", b"\xff?!\x01"))
    with isx.Movie.read(path) as movie, pytest.raises(isx.IsxFormatError, match="Frame 0: no decoder"):
        movie.get_frame_data(0)


def test_container_that_points_far_beyond_its_end(tmp_path: Path) -> None:
    path = tmp_path / "m.isxc"
    data = bytearray(small(path))
    data[243] = 0xFF
    path.write_bytes(data)
    use(path)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"type": 1}, "Expected type to be Movie or Image. Instead got 1."),
        ({"dataType": 1}, "U16 pixels requested"),
        ({"timingInfo": None}, "timingInfo"),
    ],
)
def test_other_session_metadata(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    with pytest.raises(isx.IsxFormatError, match=text):
        isx.Movie.read(made(tmp_path / "m.isxc", meta=session(6, SHAPE, **change)))


def test_errors_of_decompress(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="File does not exist"):
        isx.decompress(tmp_path / "none.isxc", tmp_path)
    path = made(tmp_path / "m.isxc")
    with pytest.raises(isx.IsxFileError, match="File extension not supported: isxd"):
        isx.decompress(path.rename(tmp_path / "m.isxd"), tmp_path)
    (tmp_path / "m.isxd").rename(path)
    with pytest.raises(isx.IsxFileError):
        isx.decompress(path, tmp_path / "missing")

    def stop(done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isx.decompress(path, tmp_path, progress=stop)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.isxc"]


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "m.isxc")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(isx.IsxImportError, match="video"):
        isx.Movie.read(path)


def use(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", isx.IsxWarning)
        try:
            movie = isx.Movie.read(path)
        except isx.IsxError:
            return
        with movie:
            for index in (2, 0):
                with contextlib.suppress(isx.IsxError):
                    movie.get_frame_data(index)
            with contextlib.suppress(isx.IsxError):
                assert movie.timestamps is None or len(movie.timestamps) == len(movie)


def small(path: Path) -> bytes:
    luma = np.arange(3 * 64, dtype=np.uint8).reshape(3, 8, 8)
    tiles = np.full((3, 2), 100, np.uint8)
    meta = session(3, (8, 8), extraProperties={"producer": {"version": "2.0.0"}})
    avi = video(luma, codec="rawvideo")
    values = counter_values(np.array([1, 2, 3]), 8)
    return isxc(path, avi, tiles, meta, (8, 8), (8, 4), values).read_bytes()


def test_fuzz_cut(tmp_path: Path) -> None:
    path = tmp_path / "m.isxc"
    data = small(path)
    for size in [*range(140), *range(140, len(data), 37), *range(len(data) - 40, len(data))]:
        path.write_bytes(data[:size])
        use(path)


def test_fuzz_changed(tmp_path: Path) -> None:
    path = tmp_path / "m.isxc"
    data = small(path)
    rng = np.random.default_rng(11)
    session_at = struct.unpack_from("<Q", data, 120)[0]
    places = [*range(32, 136), *rng.integers(136, session_at, 150), *range(session_at, len(data), 5)]
    for place in places:
        changed = bytearray(data)
        changed[place] = rng.choice([0, 0xFF, changed[place] ^ 1 << int(rng.integers(8))])
        path.write_bytes(changed)
        use(path)
    assert json.loads(data[session_at:])["type"] == 0
