from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import isx

pytest.importorskip("av")

from builders.video import LOSSLESS, video


def stack(count: int = 24, rows: int = 32, columns: int = 48) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.cumsum(rng.integers(0, 5, (count, rows, columns)), axis=0).astype(np.uint8)


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("ending", ["avi", "mp4"])
def test_frames_in_any_order(tmp_path: Path, kind: str, ending: str) -> None:
    if ending == "mp4" and kind in ("raw", "intra"):
        pytest.skip("MP4 does not hold this codec")
    frames = stack()
    path = saved(tmp_path / f"m.{ending}", video(frames, container=ending, **LOSSLESS[kind]))
    with isx.Movie.read(path) as movie:
        assert movie.shape == frames.shape
        assert movie.data_type is np.uint8
        order = np.random.default_rng(3).permutation(len(frames)).tolist()
        for index in [*order, 23, 0, 1, 2, 20, 21, 22, 5]:
            np.testing.assert_array_equal(movie.get_frame_data(index), frames[index], err_msg=str(index))
        np.testing.assert_array_equal(list(movie), frames)
        np.testing.assert_array_equal(movie[3:20:4, 2:9], frames[3:20:4, 2:9])


@pytest.mark.parametrize("rate", [20, Fraction(30000, 1001), 25])
@pytest.mark.parametrize("ending", ["avi", "mp4"])
def test_timing(tmp_path: Path, rate: Fraction, ending: str) -> None:
    path = saved(tmp_path / f"m.{ending}", video(stack(7), container=ending, rate=rate, **LOSSLESS["groups"]))
    with isx.Movie.read(path) as movie:
        assert Fraction(movie.timing.period._impl.num, movie.timing.period._impl.den) == 1 / Fraction(rate)
        assert str(movie.timing.start) == "1970-01-01 00:00:00"
        assert movie.timestamps is None
        assert movie.get_acquisition_info() is None
        assert movie.tracking is None
        with pytest.raises(IndexError):
            movie.get_frame_data(7)


@pytest.mark.parametrize("container", ["mpeg", "mpegts"])
def test_streams_without_an_index(tmp_path: Path, container: str) -> None:
    codec = {
        "codec": "mpeg2video",
        "pixels": "yuv420p",
        "options": {"g": "7", "bf": "2", "sc_threshold": "0"},
    }
    path = saved(tmp_path / "m.mpg", video(stack(40), container=container, **codec))
    with isx.Movie.read(path) as movie:
        frames = list(movie)
        assert len(frames) == 40
        for index in [39, 3, 38, 20, 21, 22, 9, 0, 30]:
            np.testing.assert_array_equal(movie.get_frame_data(index), frames[index], err_msg=str(index))


@pytest.mark.parametrize(
    ("ending", "container", "codec"), [("wmv", "asf", "wmv2"), ("mpg", "mpeg", "mpeg1video")]
)
def test_timing_of_short_files_that_state_no_rate(
    tmp_path: Path, ending: str, container: str, codec: str
) -> None:
    for count in (2, 3):
        data = video(
            stack(count), container=container, codec=codec, pixels="yuv420p", rate=Fraction(30000, 1001)
        )
        with isx.Movie.read(saved(tmp_path / f"m.{ending}", data)) as movie:
            assert movie.timing.period.secs_float == pytest.approx(1001 / 30000, abs=1e-3)


def test_open_gives_a_movie(tmp_path: Path) -> None:
    with isx.open(saved(tmp_path / "m.AVI", video(stack(2)))) as movie:
        assert isinstance(movie, isx.Movie)


VENDOR = "Expected data set to be of type: Movie or Image or nVision Movie. Instead it is of type: Behavioral Movie. "


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "no readable video"),
        (b"not a video at all" * 100, "no readable video"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n", "no readable video"),
    ],
)
def test_no_video(tmp_path: Path, data: bytes, text: str) -> None:
    with pytest.raises(isx.IsxFormatError) as raised:
        isx.Movie.read(saved(tmp_path / "m.avi", data))
    assert str(raised.value).startswith(VENDOR)
    assert text in str(raised.value)


def test_changing_rates_are_refused(tmp_path: Path) -> None:
    data = video(stack(6), container="mp4", stamps=[0, 1, 2, 7, 8, 20], **LOSSLESS["groups"])
    with pytest.raises(isx.IsxFormatError, match="time between its frames changes"):
        isx.Movie.read(saved(tmp_path / "m.mp4", data))


def test_frames_without_luma_are_refused(tmp_path: Path) -> None:
    data = video(stack(3), codec="ffv1", pixels="bgr0")
    with pytest.raises(isx.IsxFormatError, match="no 8-bit luma"):
        isx.Movie.read(saved(tmp_path / "m.avi", data))


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "m.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(8000))
    with pytest.raises(isx.IsxFormatError, match="Behavioral Movie"):
        isx.Movie.read(path.rename(tmp_path / "m.avi"))


def test_damaged_frames_are_named(tmp_path: Path) -> None:
    data = video(stack(8), codec="mjpeg", pixels="yuvj420p")
    with isx.Movie.read(saved(tmp_path / "whole.avi", data)) as movie:
        frames = movie[:]
    starts = [k for k in range(data.index(b"movi"), len(data) - 4) if data[k : k + 4] == b"00dc"][:8]
    damaged = data[: starts[4] + 8] + bytes(starts[5] - starts[4] - 8) + data[starts[5] :]
    with isx.Movie.read(saved(tmp_path / "m.avi", damaged)) as movie:
        with pytest.raises(isx.IsxFormatError, match="Frame 4"):
            movie.get_frame_data(4)
        for index in (3, 5, 7, 0):
            np.testing.assert_array_equal(movie.get_frame_data(index), frames[index])
        with pytest.raises(isx.IsxFormatError, match="Frame 4"):
            list(movie)
