from __future__ import annotations

import contextlib
import json
import pickle
import struct
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders.isxb import blocks, isxb, jpeg, movie, samples, session
from builders.jpeg import expected, jpeg_of_levels
from openisx._formats.isxb import jpeg as jpeg_module

pytestmark = pytest.mark.filterwarnings("ignore:.*decoding with Pillow:isx.IsxWarning")


def pictures(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    return [blocks(k, width, height) for k in range(count)]


def period(opened: isx.Movie) -> tuple[int, int]:
    impl = opened.timing.period._impl
    return impl.num, impl.den


def test_timing_from_header_and_frames(tmp_path: Path) -> None:
    frames = samples(6, (2, 3), step=33_333, fc=17)
    with isx.Movie.read(movie(tmp_path / "m.isxb", 4, dropped=(2, 3), frames=frames, offset=-330)) as opened:
        timing = opened.timing
        assert timing.num_samples == 6
        assert timing.dropped == [2, 3]
        assert period(opened) == (5 * 33_333, 5_000_000)
        assert (timing.start._impl.secs_since_epoch.num, timing.start._impl.secs_since_epoch.den) == (
            1_700_000_000_123,
            1000,
        )
        assert timing.start._impl.utc_offset == -330 * 60
        assert opened.timestamps.tolist() == [10_000_000, 10_033_333, 0, 0, 10_133_332, 10_166_665]
        spacing = opened.spacing._impl
        assert (spacing.left.num, spacing.left.den, spacing.top.num) == (4, 1, 6)
        assert opened.data_type is np.uint8
        assert opened.get_frame_header(0) is None
        assert opened.metadata["cameraName"] == "camera-1"


def test_frames_of_dropped_samples_are_zero(tmp_path: Path) -> None:
    with isx.Movie.read(movie(tmp_path / "m.isxb", 3, dropped=(0, 2))) as opened:
        wanted = np.zeros((5, 48, 64), np.uint8)
        wanted[[1, 3, 4]] = pictures(3)
        np.testing.assert_array_equal(opened[:], wanted)
        np.testing.assert_array_equal(list(opened), wanted)
        np.testing.assert_array_equal(opened[[4, 0, 1], 3:9, ::7], wanted[[4, 0, 1], 3:9, ::7])
        assert opened.get_frame_data(0).flags.writeable


def test_iteration_is_lazy_and_can_be_left(tmp_path: Path) -> None:
    with isx.Movie.read(movie(tmp_path / "m.isxb", 20)) as opened:
        frames = iter(opened)
        np.testing.assert_array_equal(next(frames), blocks(0))
        frames.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name.startswith("isx-read-ahead"):
            thread.join(10)  # it finishes what it is at, and ends
            assert not thread.is_alive()


def test_one_warning_of_the_other_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with (
        isx.Movie.read(movie(tmp_path / "m.isxb", 12)) as opened,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        for k in range(12):
            opened.get_frame_data(k)
        for _ in opened:
            pass
        opened[:]
    assert [w.filename for w in caught] == [__file__]


def test_any_case_of_the_extension(tmp_path: Path) -> None:
    with isx.Movie.read(movie(tmp_path / "M.ISXB", 2)) as opened:
        np.testing.assert_array_equal(opened.get_frame_data(1), blocks(1))
    with isx.open(tmp_path / "M.ISXB") as opened:
        assert isinstance(opened, isx.Movie)


@pytest.mark.parametrize("size", [(40, 33), (70, 45), (100, 7), (16, 16)])
def test_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    levels = np.random.default_rng(1).integers(0, 255, (6, 13), dtype=np.uint8)
    image = jpeg_of_levels(levels, width, height)
    with isx.Movie.read(isxb(tmp_path / "m.isxb", [image] * 2, session(width, height))) as opened:
        np.testing.assert_array_equal(opened.get_frame_data(1), expected(levels, width, height))


def test_chroma_is_ignored(tmp_path: Path) -> None:
    levels = np.random.default_rng(1).integers(0, 255, (6, 8), dtype=np.uint8)
    images = [jpeg_of_levels(levels, 64, 48, chroma=value) for value in (-100, 0, 100)]
    with isx.Movie.read(isxb(tmp_path / "m.isxb", images, session())) as opened:
        for frame in opened:
            np.testing.assert_array_equal(frame, expected(levels, 64, 48))


def test_many_threads_read_one_movie(tmp_path: Path) -> None:
    with isx.Movie.read(movie(tmp_path / "m.isxb", 12)) as opened, ThreadPoolExecutor(8) as pool:
        order = np.random.default_rng(0).permutation(np.repeat(np.arange(12), 8)).tolist()
        for number, frame in zip(order, pool.map(opened.get_frame_data, order), strict=True):
            np.testing.assert_array_equal(frame, blocks(number))


def test_pickled(tmp_path: Path) -> None:
    with isx.Movie.read(movie(tmp_path / "m.isxb", 2)) as opened:
        copy = pickle.loads(pickle.dumps(opened))
    with copy:
        np.testing.assert_array_equal(copy.get_frame_data(1), blocks(1))


@pytest.mark.parametrize("index", [-1, 3, 2**64])
def test_index_out_of_range(tmp_path: Path, index: int) -> None:
    with isx.Movie.read(movie(tmp_path / "m.isxb")) as opened:
        with pytest.raises(IndexError, match=r"Failed to read frame from file\. Index is out of bounds\."):
            opened.get_frame_data(index)
        with pytest.raises(
            IndexError, match=r"Failed to read frame timestamp from file\. Index is out of bounds\."
        ):
            opened.get_frame_timestamp(index)


def test_layout_with_gaps_and_junk_in_unused_fields(tmp_path: Path) -> None:
    for k, options in enumerate(
        [
            {"version": 999, "size": 7, "video_size": 3},
            {"session": 0},
            {"session": 2**63},
            {"gaps": (7, 5, 0)},
            {"gaps": (0, 0, 2)},
        ]
    ):
        with isx.Movie.read(movie(tmp_path / f"{k}.isxb", **options)) as opened:
            np.testing.assert_array_equal(opened.get_frame_data(2), blocks(2))


def test_bytes_behind_the_file_are_ignored(tmp_path: Path) -> None:
    path = movie(tmp_path / "m.isxb")
    path.write_bytes(path.read_bytes() + b"\n")
    with isx.Movie.read(path) as opened:
        assert len(opened) == 3


RATIO = {"num": 7, "den": 210}
TIMING = {
    "numTimes": 6, "period": RATIO, "start": {"secsSinceEpoch": {"num": 5, "den": 10}, "utcOffset": 3600},
    "dropped": [1], "cropped": ["3 - 4"], "blank": [0],
}  # fmt: skip
SPACING = {
    "numPixels": {"x": 64, "y": 48}, "pixelSize": {"x": RATIO, "y": RATIO}, "topLeft": {"x": RATIO, "y": RATIO},
}  # fmt: skip


@pytest.mark.parametrize("frames", [None, False])
def test_rewritten_files(tmp_path: Path, frames: Any) -> None:
    changed = {"timingInfo": TIMING, "spacingInfo": SPACING, "cameraName": "camera-1"}
    path = isxb(tmp_path / "m.isxb", [jpeg(p) for p in pictures(2)], changed, frames, start=2**64 - 1)
    with isx.Movie.read(path) as opened:
        assert period(opened) == (7, 210)
        assert (opened.timing.dropped, opened.timing.cropped, opened.timing.blank) == ([1], [(3, 4)], [0])
        wanted = np.zeros((6, 48, 64), np.uint8)
        wanted[[2, 5]] = pictures(2)
        np.testing.assert_array_equal(opened[:], wanted)
        assert opened.spacing._impl.left.den == 210
        assert opened.get_acquisition_info() is None
        if frames is None:
            assert opened.timestamps.tolist() == [0, 0, 10_000_000, 0, 0, 10_050_000]
        else:
            assert opened.timestamps is None
            with pytest.raises(isx.IsxError, match="No frame timestamps stored in movie"):
                opened.get_frame_timestamp(99)


@pytest.mark.parametrize(
    ("sensor", "wanted"),
    [
        ({"fps": 25}, (1000, 25000)),
        ({"sensorFov": {"fps": 12.5}, "fps": 1}, (1000, 12500)),
        ({}, (0, 1)),
        (3, (0, 1)),
    ],
)
def test_period_of_a_single_frame(tmp_path: Path, sensor: Any, wanted: tuple[int, int]) -> None:
    meta = session()
    meta["processingInterface"]["camera-1"]["sensorParams"] = sensor
    with isx.Movie.read(isxb(tmp_path / "m.isxb", [jpeg(blocks(0))], meta)) as opened:
        assert period(opened) == wanted


def test_offset_in_seconds_as_some_versions_wrote_it(tmp_path: Path) -> None:
    with isx.Movie.read(movie(tmp_path / "m.isxb", offset=-25_200)) as opened:
        assert opened.timing.start._impl.utc_offset == -25_200


# -- damage ------------------------------------------------------------------------------------------------------------


def test_counters_that_do_not_increase(tmp_path: Path) -> None:
    frames = [{"fc": 4, "tsc": 5}, {"fc": 4, "tsc": 9}]
    path = movie(tmp_path / "m.isxb", 2, frames=frames)
    with pytest.warns(isx.IsxWarning, match="do not increase"):
        opened = isx.Movie.read(path)
    with opened:
        assert period(opened) == (0, 1)
        assert opened.timestamps.tolist() == [5, 9]


@pytest.mark.parametrize(
    ("drops", "listed", "dropped"), [(3, [1], [1, 4, 5]), (0, [1, 2], [1, 2]), (2, [1, 77], [1, 4])]
)
def test_numbers_of_drops_that_differ(
    tmp_path: Path, drops: int, listed: list[int], dropped: list[int]
) -> None:
    path = movie(tmp_path / "m.isxb", 3, frames={"droppedFrames": listed, "samples": samples(3)}, drops=drops)
    with pytest.warns(isx.IsxWarning, match="dropped"):
        opened = isx.Movie.read(path)
    with opened:
        assert opened.timing.dropped == dropped
        assert len(opened) == 3 + len(dropped)
        valid = opened.timing.get_valid_samples()
        np.testing.assert_array_equal(opened[valid], pictures(3))


@pytest.mark.parametrize("drops", [2**20, 2**40, 2**63, 2**64 - 1])
def test_absurd_numbers_of_drops(tmp_path: Path, drops: int) -> None:
    with pytest.raises(isx.IsxFormatError, match="damaged"):
        isx.Movie.read(movie(tmp_path / "m.isxb", drops=drops))


def test_frames_behind_a_cut_video_are_named(tmp_path: Path) -> None:
    images = [jpeg(p) for p in pictures(4)]
    images = [*images[:2], images[2][:-30], b""]
    meta = {"droppedFrames": [1], "samples": samples(5, (1,))}
    with isx.Movie.read(isxb(tmp_path / "m.isxb", images, session(), meta, drops=1)) as opened:
        with pytest.warns(isx.IsxWarning, match="3 images for 4 frames"):
            np.testing.assert_array_equal(opened.get_frame_data(2), blocks(1))
        np.testing.assert_array_equal(opened.get_frame_data(0), blocks(0))
        for sample in (3, 4):
            with pytest.raises(
                isx.IsxFormatError, match=rf"Error reading movie frame: .*Frame {sample}: .*missing or cut"
            ):
                opened.get_frame_data(sample)
        with pytest.raises(isx.IsxFormatError, match="Frame 3"):
            list(opened)


def test_a_damaged_image_costs_no_other(tmp_path: Path) -> None:
    pytest.importorskip("av")  # Pillow fills up what is missing
    images = [jpeg(p) for p in pictures(3)]
    images[1] = images[1][:-40] + b"\xff\xd9"
    with isx.Movie.read(isxb(tmp_path / "m.isxb", images, session())) as opened:
        with pytest.raises(isx.IsxFormatError, match="Frame 1: its JPEG image is damaged"):
            opened.get_frame_data(1)
        np.testing.assert_array_equal(opened[[0, 2]], [blocks(0), blocks(2)])


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the end of the video scanned only when its last images are wanted, as in large files."""
    monkeypatch.setattr(jpeg_module, "_FIRST_CHUNK", 16)
    monkeypatch.setattr(jpeg_module, "_LARGEST_CHUNK", 16)


@pytest.mark.usefixtures("small_chunks")
def test_a_damaged_length_that_swallows_images_is_told(tmp_path: Path) -> None:
    images = [jpeg(blocks(k), comment=b"x") for k in range(5)]
    at = images[1].index(b"\xff\xfe") + 2
    images[1] = images[1][:at] + struct.pack(">H", len(images[1]) + 200) + images[1][at + 2 :]
    with isx.Movie.read(isxb(tmp_path / "m.isxb", images, session())) as opened:
        np.testing.assert_array_equal(opened.get_frame_data(0), blocks(0))
        told = pytest.warns(isx.IsxWarning, match="image 1 of the video seems to hold more than one")
        with told, contextlib.suppress(isx.IsxFormatError):
            opened.get_frame_data(1)


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.usefixtures("small_chunks")
def test_an_image_without_a_start_is_told_before_frames_shift(tmp_path: Path, at: int) -> None:
    images = [jpeg(blocks(k)) for k in range(5)]
    images[at] = b"\xff\x58" + images[at][2:]
    with (
        isx.Movie.read(isxb(tmp_path / "m.isxb", images, session())) as opened,
        pytest.warns(
            isx.IsxWarning, match=rf"{len(images[at])} bytes .* in front of image {at} are no image"
        ),
    ):
        opened.get_frame_data(at)


@pytest.mark.usefixtures("small_chunks")
def test_a_video_that_starts_within_an_image_is_told(tmp_path: Path) -> None:
    path = movie(tmp_path / "m.isxb", 5, video=96 + 40)
    told = pytest.warns(isx.IsxWarning, match="in front of image 0 are no image")
    with isx.Movie.read(path) as opened, told:
        opened.get_frame_data(0)


@pytest.mark.parametrize("frames", [False, None])
def test_absurd_numbers_of_samples_are_refused(tmp_path: Path, frames: Any) -> None:
    start = {"secsSinceEpoch": {"num": 1, "den": 1}, "utcOffset": 0}
    timing = {"numTimes": 2**31, "period": {"num": 1, "den": 20}, "start": start}
    images = [jpeg(blocks(0))] * 2
    with pytest.raises(isx.IsxFormatError, match="announces 2147483648 samples"):
        isx.Movie.read(isxb(tmp_path / "m.isxb", images, session(timingInfo=timing), frames))


def test_surplus_images_are_ignored(tmp_path: Path) -> None:
    images = [jpeg(p) for p in pictures(3)]
    with isx.Movie.read(isxb(tmp_path / "m.isxb", images, session(), samples(2), stored=2)) as opened:
        np.testing.assert_array_equal(opened[:], pictures(2))


def test_images_of_another_size(tmp_path: Path) -> None:
    images = [jpeg(blocks(0)), jpeg(blocks(1, 32, 24))]
    with isx.Movie.read(isxb(tmp_path / "m.isxb", images, session())) as opened:
        with pytest.raises(
            isx.IsxFormatError,
            match=r"Dimensions of decoded frame \(32 x 24\) do not match dimensions in metadata \(64 x 48\)\.",
        ):
            opened.get_frame_data(1)
        np.testing.assert_array_equal(opened.get_frame_data(0), blocks(0))


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("cameraName", ["cameraName"]),
        ("processingInterface", ["processingInterface"]),
        ("camera-1", ["processingInterface", "camera-1"]),
        ("recordFov", ["processingInterface", "camera-1", "recordFov"]),
        ("width", ["processingInterface", "camera-1", "recordFov", "width"]),
    ],
)
def test_missing_session_members(tmp_path: Path, key: str, path: list[str]) -> None:
    meta = section = session()
    for name in path[:-1]:
        section = section[name]
    del section[path[-1]]
    with pytest.raises(isx.IsxFormatError, match=rf"No key \({key}\) in JSON object"):
        isx.Movie.read(isxb(tmp_path / "m.isxb", [jpeg(blocks(0))], meta))


@pytest.mark.parametrize(
    ("frames", "options", "text"),
    [
        ({}, {}, r"No key \(samples\) in JSON object"),
        (False, {}, r"No key \(samples\) in JSON object"),
        ([1, 2, 3], {}, "samples should be a list of objects"),
        ({"samples": samples(3), "droppedFrames": ["x"]}, {}, "droppedFrames"),
        ([{"tsc": 1}, {}, {"tsc": 3}], {}, r"No key \(fc\)"),
        ([{"fc": 1}, {}, {"fc": 3}], {}, r"No key \(tsc\)"),
        (None, {"start": 2**64 - 1}, "impossible"),
        (None, {"offset": 2**62}, "impossible"),
    ],
)
@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_unusable_metadata(tmp_path: Path, frames: Any, options: dict[str, int], text: str) -> None:
    with pytest.raises(isx.IsxFormatError, match=text):
        isx.Movie.read(movie(tmp_path / "m.isxb", frames=frames, **options))


def test_foreign_session(tmp_path: Path) -> None:
    with pytest.raises(isx.IsxFormatError, match="an object"):
        isx.Movie.read(isxb(tmp_path / "m.isxb", [jpeg(blocks(0))], b"[1]"))
    path = tmp_path / "n.isxb"
    path.write_bytes(b"x" * 95)
    with pytest.raises(isx.IsxFormatError, match="Failed to read header"):
        isx.Movie.read(path)


def opened_in_part(path: Path, text: str) -> isx.Movie:
    with pytest.warns(isx.IsxWarning, match=text) as caught:
        opened = isx.Movie.read(path)
    assert len(caught) == 1
    return opened


@pytest.mark.parametrize(
    "options", [{"session_size": 0}, {"session_size": 2**63}, {"meta_size": 2**62}, {"meta": 2**62}]
)
def test_headers_that_point_outside_the_file(tmp_path: Path, options: dict[str, int]) -> None:
    with opened_in_part(movie(tmp_path / "m.isxb", **options), "cut or damaged") as opened:
        np.testing.assert_array_equal(opened[:], pictures(3))


def test_a_cut_session_keeps_its_whole_members(tmp_path: Path) -> None:
    tail = {"note": "x", **session(), "spacingInfo": SPACING, "timingInfo": TIMING}
    text = json.dumps(tail).encode()
    cut = text[: text.index(b'"dropped"')]  # within the timing, which is not to be guessed
    path = isxb(tmp_path / "m.isxb", [jpeg(p) for p in pictures(2)], cut)
    with opened_in_part(
        path, r"parse json session metadata .* 2 images, 2 of them with time stamps"
    ) as opened:
        assert list(opened.metadata) == ["note", "cameraName", "processingInterface", "spacingInfo"]
        assert opened.spacing._impl.left.den == 210
        assert period(opened) == (50_000, 1_000_000)
        assert opened.timestamps.tolist() == [10_000_000, 10_050_000]
        np.testing.assert_array_equal(opened[:], pictures(2))


def test_a_session_cut_before_the_field_of_view(tmp_path: Path) -> None:
    path = isxb(tmp_path / "m.isxb", [jpeg(p) for p in pictures(2)], b'{"cameraName": "camera-1", "proc')
    with opened_in_part(path, "Failed to parse json session metadata") as opened:
        assert opened.spacing == isx.Spacing(num_pixels=(48, 64))
        assert opened.metadata == {"cameraName": "camera-1"}
        np.testing.assert_array_equal(opened[:], pictures(2))


@pytest.mark.parametrize("dropped_first", [True, False])
def test_frame_metadata_cut_between_records(tmp_path: Path, dropped_first: bool) -> None:
    meta: dict[str, Any] = {"samples": samples(6, (1, 5))}
    meta = {"droppedFrames": [1, 5], **meta} if dropped_first else {**meta, "droppedFrames": [1, 5]}
    path = isxb(tmp_path / "m.isxb", [jpeg(p) for p in pictures(4)], session(), meta, drops=2)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'"tsc": 10150000') + 12])  # in the third record
    with opened_in_part(path, "4 images, 2 of them with time stamps") as opened:
        lost = [1] if dropped_first else []  # drop 5 lies behind the last frame
        assert opened.timing.dropped == lost
        assert len(opened) == 4 + len(lost)
        stamps = [10_000_000, 0, 10_100_000, 0, 0] if dropped_first else [10_000_000, 10_100_000, 0, 0]
        assert opened.timestamps.tolist() == stamps
        assert period(opened) == (100_000, 2_000_000)
        assert opened.timing.start._impl.secs_since_epoch.num == 1_700_000_000_123
        with pytest.raises(isx.IsxFormatError, match=r"No key \(tsc\)"):
            opened.get_frame_timestamp(len(opened) - 1)
        valid = opened.timing.get_valid_samples()
        np.testing.assert_array_equal(opened[valid], pictures(4))


def test_a_video_cut_in_its_last_image(tmp_path: Path) -> None:
    path = movie(tmp_path / "m.isxb", 5, dropped=(2,))
    images = [jpeg(blocks(i, color=True)) for i in range(5)]
    path.write_bytes(path.read_bytes()[: 96 + sum(len(i) for i in images[:4]) - 9])
    text = r"4 images, 0 of them with time stamps\. Nothing is known of the period"
    with opened_in_part(path, text) as opened:
        assert len(opened) == 4
        assert opened.timestamps is None
        assert opened.timing.dropped == []
        assert opened.tracking is None
        assert opened.get_acquisition_info() is None
        np.testing.assert_array_equal(opened[:3], pictures(3))
        with pytest.raises(isx.IsxFormatError, match=r"Frame 3: .*missing or cut"):
            opened.get_frame_data(3)


def test_damage_within_the_frame_metadata(tmp_path: Path) -> None:
    meta = json.dumps({"droppedFrames": [], "samples": samples(4)}).encode()
    meta = meta.replace(b'"tsc": 10100000', b'"tsc": 101\x00\xff000')
    with opened_in_part(movie(tmp_path / "m.isxb", 4, frames=meta), "per-frame metadata") as opened:
        assert opened.timestamps.tolist() == [10_000_000, 10_050_000, 0, 0]
        assert opened.get_acquisition_info()["Recording UUID"] == "AB-1"
        np.testing.assert_array_equal(opened[:], pictures(4))


@pytest.mark.parametrize("described", [0, 1, 2, 5])
def test_other_numbers_of_records_than_frames(tmp_path: Path, described: int) -> None:
    path = movie(tmp_path / "m.isxb", 3, frames=samples(described))
    with opened_in_part(path, "Unexpected number of samples") as opened:
        stamps = [10_000_000, 10_050_000, 10_100_000][:described]
        if described:
            assert opened.timestamps.tolist() == stamps + [0] * (3 - len(stamps))
        else:
            assert opened.timestamps is None
        np.testing.assert_array_equal(opened[:], pictures(3))


def test_damage_without_images_is_refused(tmp_path: Path) -> None:
    path = movie(tmp_path / "m.isxb")
    data = path.read_bytes()
    for size in (96, 97, 150):
        path.write_bytes(data[:size])
        with pytest.raises(isx.IsxFormatError, match="Failed to read session metadata"):
            isx.Movie.read(path)


@pytest.mark.parametrize("size", [(65535, 65535), (70000, 2), (2**31, 2**31)])
def test_absurd_sizes_are_refused_before_allocating(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(isx.IsxFormatError):
        isx.Movie.read(isxb(tmp_path / "m.isxb", [jpeg(blocks(0))], session(*size)))


def test_frames_without_time_stamps(tmp_path: Path) -> None:
    frames = samples(4)
    del frames[1]["tsc"]
    frames[2]["tsc"] = -1
    with pytest.warns(isx.IsxWarning, match="2 of 4 frames have no usable time stamp"):
        opened = isx.Movie.read(movie(tmp_path / "m.isxb", 4, frames=frames))
    with opened:
        assert opened.timestamps.tolist() == [10_000_000, 0, 0, 10_150_000]
        with pytest.raises(isx.IsxFormatError, match=r"No key \(tsc\)"):
            opened.get_frame_timestamp(1)


def test_more_frames_announced_than_described(tmp_path: Path) -> None:
    changed = session(timingInfo=TIMING | {"dropped": [], "cropped": [], "blank": []})
    path = isxb(tmp_path / "m.isxb", [jpeg(p) for p in pictures(2)], changed)
    with pytest.warns(isx.IsxWarning, match="announces 6 frames but holds only 2"):
        opened = isx.Movie.read(path)
    with opened, pytest.raises(isx.IsxFormatError, match="sample 2 is not among them"):
        opened.get_frame_data(2)
