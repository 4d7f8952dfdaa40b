"""Behaviour movies whose answers the vendor's package gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx

DATA = Path(__file__).parent.parents[1] / "data" / "isxb"
try:
    import av  # noqa: F401

    EQUAL = 0.999  # share of pixels that must not differ
except ImportError:
    EQUAL = 0.95

pytestmark = pytest.mark.filterwarnings("ignore:.*decoding with Pillow:isx.IsxWarning")

NAMES = sorted(path.stem for path in DATA.glob("*.isxb"))


def expected(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"{name}.expected.json").read_text(encoding="utf-8"))


def ratio(duration: Any) -> list[int]:
    return [duration._impl.num, duration._impl.den]


def test_all_cases_are_here() -> None:
    assert len(NAMES) == 10


@pytest.mark.parametrize("name", NAMES)
def test_metadata(name: str) -> None:
    answer = expected(name)
    with isx.Movie.read(DATA / f"{name}.isxb") as movie:
        timing, spacing = movie.timing, movie.spacing._impl
        assert {
            "num_samples": timing.num_samples,
            "period": ratio(timing.period),
            "start": ratio(timing.start._to_secs_since_epoch()),
            "utc_offset": timing.start._impl.utc_offset,
            "dropped": timing.dropped,
            "cropped": timing.cropped,
            "blank": timing.blank,
        } == answer["timing"]
        assert {
            "num_pixels": list(movie.spacing.num_pixels),
            "pixel_size": [[r.num, r.den] for r in (spacing.pixel_width, spacing.pixel_height)],
            "top_left": [[r.num, r.den] for r in (spacing.left, spacing.top)],
        } == answer["spacing"]
        assert str(timing) == answer["str_timing"]
        assert np.dtype(movie.data_type).name == answer["data_type"]
        info = movie.get_acquisition_info()
        assert info == answer["acquisition_info"]
        assert info is None or list(info) == list(answer["acquisition_info"])


@pytest.mark.parametrize("name", NAMES)
def test_time_stamps(name: str) -> None:
    answer = expected(name)["timestamps"]
    with isx.Movie.read(DATA / f"{name}.isxb") as movie:
        if isinstance(answer[0], str):
            with pytest.raises(isx.IsxError, match="No frame timestamps stored in movie"):
                movie.get_frame_timestamp(0)
            assert movie.timestamps is None
        else:
            assert [movie.get_frame_timestamp(i) for i in range(len(movie))] == answer
            assert movie.timestamps.tolist() == answer


@pytest.mark.parametrize("name", NAMES)
def test_pixels(name: str) -> None:
    frames = np.load(DATA / f"{name}.expected.npz")["frames"]
    with isx.Movie.read(DATA / f"{name}.isxb") as movie:
        order = np.random.default_rng(1).permutation(len(movie))  # not the order of the file
        read = np.empty_like(frames)
        for i in order:
            read[i] = movie.get_frame_data(int(i))
    difference = np.abs(read.astype(int) - frames)
    assert difference.max() <= (1 if name == "natural" else 0)
    assert (difference == 0).mean() >= EQUAL


def test_tracking() -> None:
    with isx.Movie.read(DATA / "tracking.isxb") as movie:
        tracking = movie.tracking
        assert movie.tracking is tracking
    found = np.flatnonzero(tracking.detected).tolist()
    assert found == [2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16]
    np.testing.assert_array_equal(
        tracking.boxes[2], np.float32([22.927726824, 8.472893454, 33.427726824, 15.722893454])
    )
    assert f"{tracking.centers[2][0]:.6f} {tracking.centers[2][1]:.6f}" == "28.177727 12.097894"
    assert f"{tracking.confidence[2]:.6f}" == "57.559483"
    assert np.isnan(tracking.boxes[8]).all()
    assert np.isnan(tracking.confidence[8])  # a box of zeros is no box
    events = tracking.events
    assert events.sample.tolist() == [3, 4, 5, 5, 5, 6, 12, 13, 14, 14, 14, 15]
    assert [events.event[i] for i in events.of_sample(5)] == ["entry", "exit", "occupying"]
    assert [events.trigger[i] for i in events.of_sample(5)] == ["softTrig-3", "softTrig-2", ""]
    assert [events.name[i] for i in events.of_sample(3)] == ["ZONE#1 rectangle"]
    assert events.zone[:6].tolist() == [0, 0, 0, 3, 2, -1]  # joined modulo 2^32
    assert tracking.zone_ids[[2, 3, 5, 6]].tolist() == [0, 1705077750976, 1705077750976, 0]
    assert tracking.occupancy[5].tolist() == [True, False, True, False]
    assert [zone.shape for zone in tracking.zones] == ["rectangle", "polygon", "ellipse", ""]
    ellipse = tracking.zones[2]
    assert (ellipse.id, ellipse.major_axis, ellipse.minor_axis, ellipse.angle) == (
        1705077751050,
        30.25,
        10.125,
        45,
    )
    np.testing.assert_array_equal(ellipse.coordinates, np.float32([[57.405, 48.8939]]))
    assert ellipse.color_inside == (255, 0, 0, 255)
    assert not tracking.zones[1].enabled


def test_tracking_with_drops() -> None:
    with isx.Movie.read(DATA / "tracking_dropped.isxb") as movie:
        tracking = movie.tracking
        assert tracking.num_samples == len(movie) == 23
        assert np.isnan(tracking.boxes[movie.timing.dropped]).all()
    assert tracking.events.sample[:2].tolist() == [5, 6]
    assert tracking.zone_names[5] == "ZONE#1 rectangle"


def test_tracking_tables() -> None:
    pytest.importorskip("pandas")
    with isx.Movie.read(DATA / "tracking.isxb") as movie:
        table = movie.tracking.to_dataframe()
        events = movie.tracking.events_to_dataframe()
    assert list(table) == [
        "left", "top", "right", "bottom", "center_x", "center_y", "confidence", "zone_id", "zone_name",
    ]  # fmt: skip
    assert len(table) == 20
    assert table.loc[3, "zone_name"] == "ZONE#1 rectangle"
    assert len(events) == 12
    assert events.loc[3].tolist() == [5, 4270701871, "ZONE#4 blob", "exit", "softTrig-2"]


def test_movies_without_tracking() -> None:
    with isx.Movie.read(DATA / "plain.isxb") as movie:
        assert movie.tracking is None
