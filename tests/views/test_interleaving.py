"""Planes and colours that take turns, from frame headers built value by value."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import isx
from builders import movies as make
from builders.interleaved import FIRST_STAMP, GREEN, RED, TICK, interleaved, three_planes
from builders.isxd import isxd
from builders.movie import UUID


def sample_numbers(movie: isx.Movie) -> list[int]:
    """The sample of the whole movie that each sample is, -1 for a missing one."""
    valid = movie.timing.get_valid_samples_mask()
    return [int(frame[0, 0]) if known else -1 for frame, known in zip(movie, valid, strict=True)]


def test_three_planes_with_gaps(tmp_path: Path) -> None:
    movie = interleaved(
        tmp_path / "m.isxd", three_planes, 31, dropped=[0, 4, 9], cropped=["15-19"], blank=[23]
    )
    parts = movie.split()
    assert [(p.efocus, p.channel, p.name) for p in parts] == [
        (0, "green", "efocus_0000"), (500, "green", "efocus_0500"), (900, "green", "efocus_0900"),
    ]  # fmt: skip
    assert [sample_numbers(p.movie) for p in parts] == [
        [-1, 3, 6, -1, 12, -1, -1, 21, 24, 27, 30],
        [1, -1, 7, 10, 13, -1, -1, 22, 25, 28],
        [2, 5, 8, 11, 14, -1, 20, -1, 26, 29],
    ]
    assert [(p.movie.timing.dropped, p.movie.timing.cropped, p.movie.timing.blank) for p in parts] == [
        ([0, 3], [(5, 6)], []), ([1], [(5, 6)], []), ([], [(5, 5)], [7]),
    ]  # fmt: skip
    start = Fraction(1_600_000_000_123, 1000)
    for place, part in enumerate(parts):
        timing = part.movie.timing
        assert timing.period.fraction == Fraction(3 * TICK, 10**6)
        assert timing.start.secs_since_epoch.fraction == start + Fraction(place * TICK, 10**6)
        assert timing.start.secs_since_epoch.ratio.den == 10**6
        stamps = part.movie.timestamps
        assert stamps is not None
        own = np.array(sample_numbers(part.movie))
        assert stamps.tolist() == np.where(own < 0, 0, FIRST_STAMP + TICK * own).tolist()
        header = part.movie.get_frame_header(2)
        assert header is not None
        assert (header.efocus, header.frame_count) == (part.efocus, 7 + own[2])
    assert list(movie.planes()) == [0, 500, 900]
    with pytest.raises(isx.IsxError, match=r"planes and colours that take turns|does not tell") as caught:
        movie.channels()
    assert "efocus_0500" in str(caught.value)


def test_stamps_that_jitter(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(-2, 3, 3000).tolist()
    dropped = sorted(rng.choice(np.arange(3, 2990), 40, replace=False).tolist())
    movie = interleaved(tmp_path / "m.isxd", three_planes, 3000, jitter=lambda k: noise[k], dropped=dropped)
    for place, part in enumerate(movie.split()):
        timing, stamps = part.movie.timing, part.movie.timestamps
        assert stamps is not None
        assert timing.dropped == [k // 3 for k in dropped if k % 3 == place]
        valid = timing.get_valid_samples()
        exact = timing.start.secs_since_epoch.fraction - Fraction(1_600_000_000_123, 1000)
        times = np.array([float(exact + int(k) * timing.period.fraction) for k in valid])
        stored = np.asarray(stamps)[valid].astype(np.int64) - FIRST_STAMP - noise[0]
        assert np.abs(times * 1e6 - stored).max() < 5


def test_without_stamps_times_follow_from_the_period(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "m.isxd", three_planes, 9, stamped=False)
    period = movie.timing.period.fraction
    for place, part in enumerate(movie.split()):
        assert part.movie.timing.period.fraction == 3 * period
        start = movie.timing.start.secs_since_epoch.fraction + place * period
        assert part.movie.timing.start.secs_since_epoch.fraction == start


@pytest.mark.parametrize(
    ("key", "names"),
    [
        (lambda k: {"efocus": 100 * (k % 4)}, ["efocus_0000", "efocus_0100", "efocus_0200", "efocus_0300"]),
        (lambda k: {"color_id": (GREEN, RED)[k % 2], "efocus": 7}, ["green", "red"]),
        (lambda k: {"color_id": (GREEN, 5)[k % 2]}, ["color5", "green"]),
        (lambda k: {"led1_power": (9, 0)[k % 2], "led2_power": (0, 9)[k % 2]}, ["led1", "led2"]),
        (
            lambda k: {"color_id": (GREEN, RED)[k % 2], "efocus": (0, 0, 800, 800)[k % 4]},
            ["efocus_0000-green", "efocus_0000-red", "efocus_0800-green", "efocus_0800-red"],
        ),
    ],
)  # fmt: skip
def test_names(tmp_path: Path, key: Callable[[int], dict[str, int]], names: list[str]) -> None:
    movie = interleaved(tmp_path / "m.isxd", key, 24, dropped=[5])
    parts = movie.split()
    assert [part.name for part in parts] == names
    found = sorted(number for part in parts for number in sample_numbers(part.movie) if number >= 0)
    assert found == [k for k in range(24) if k != 5]
    for part in parts:
        for number in sample_numbers(part.movie):
            assert number < 0 or number % len(names) == sample_numbers(part.movie)[-1] % len(names)


def test_colours(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "m.isxd", lambda k: {"color_id": (RED, GREEN)[k % 2], "efocus": 300}, 10)
    channels = movie.channels()
    assert {name: sample_numbers(part) for name, part in channels.items()} == {
        "green": [1, 3, 5, 7, 9], "red": [0, 2, 4, 6, 8],
    }  # fmt: skip
    info = channels["red"].get_acquisition_info()
    assert info is not None
    assert (info["channel"], info["efocus"], info["Recording UUID"]) == ("red", 300, UUID)
    with pytest.raises(isx.IsxError, match="colours that take turns"):
        movie.planes()


def test_unequal_turns_keep_the_samples_of_the_whole(tmp_path: Path) -> None:
    """Two green frames for each red one: others are blank."""
    movie = interleaved(
        tmp_path / "m.isxd", lambda k: {"color_id": (GREEN, GREEN, RED)[k % 3]}, 12, dropped=[3]
    )
    green, red = (part.movie for part in movie.split())
    assert sample_numbers(green) == [0, 1, -1, -1, 4, -1, 6, 7, -1, 9, 10, -1]
    assert green.timing.dropped == [3]
    assert green.timing.blank == [2, 5, 8, 11]
    assert green.timing.period.fraction == movie.timing.period.fraction
    assert green.timing.start == movie.timing.start
    assert sample_numbers(red) == [2, 5, 8, 11]
    assert red.timing.period.fraction == Fraction(3 * TICK, 10**6)


def test_one_plane_is_the_movie_itself(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "m.isxd", lambda k: {"efocus": 400, "color_id": GREEN}, 5)
    (part,) = movie.split()
    assert part.movie is movie
    assert (part.efocus, part.channel, part.name) == (400, "green", "")
    assert movie.planes() == {400: movie}
    assert movie.channels() == {"green": movie}


def test_movies_without_headers(tmp_path: Path) -> None:
    movie = isx.Movie.from_array(np.zeros((3, 2, 2), np.uint16))
    (part,) = movie.split()
    assert part.movie is movie
    assert (part.efocus, part.channel) == (None, None)
    assert movie.frame_headers is None
    with pytest.raises(isx.IsxError, match="does not tell its planes"):
        movie.planes()
    path = tmp_path / "plane.isxd"
    members = make.metadata((2, 2), "uint16", 1, extraProperties={"idps": {"efocus": 700, "channel": "red"}})
    path.write_bytes(isxd(bytes(8), members))
    with isx.Movie.read(path) as split_elsewhere:
        assert list(split_elsewhere.planes()) == [700]
        assert list(split_elsewhere.channels()) == ["red"]


def test_a_frame_that_was_lost_without_being_listed(tmp_path: Path) -> None:
    """From sample 100 on every frame is one late."""
    movie = interleaved(
        tmp_path / "m.isxd", lambda k: three_planes(k + (k >= 100)), 300, counter=lambda k: k + (k >= 100)
    )
    text = r"every 3 samples, but sample 100 has e-focus 900, green where e-focus 500, green was expected.*jumps by 2 before sample 100"
    with pytest.raises(isx.IsxError, match=text):
        movie.split()
    parts = movie.split(strict=False)
    assert [(part.efocus, sample_numbers(part.movie)) for part in parts] == [
        (focus, [k if k >= 100 else -1 for k in range(place, 300, 3)])
        for focus, place in ((0, 2), (500, 0), (900, 1))
    ]


def test_one_frame_out_of_step(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "m.isxd", lambda k: three_planes(0 if k == 50 else k), 99)
    with pytest.raises(
        isx.IsxError, match=r"sample 50 has e-focus 0, green where e-focus 900, green was expected"
    ):
        movie.split()
    parts = movie.split(strict=False)
    assert [sample_numbers(part.movie) for part in parts] == [
        list(range(0, 99, 3)),
        list(range(1, 99, 3)),
        [-1 if k == 50 else k for k in range(2, 99, 3)],
    ]
    assert parts[2].movie.timing.dropped == [16]


def test_focus_moved_by_hand_is_no_rhythm(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "m.isxd", lambda k: {"efocus": 100 * (k // 20)}, 40)
    with pytest.raises(isx.IsxError, match="sample 20 has e-focus 100 where e-focus 0 was expected"):
        movie.split()


def test_long_cycles_and_many_lost_frames(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    dropped = np.flatnonzero(rng.random(2000) < 0.2).tolist()
    movie = interleaved(tmp_path / "m.isxd", lambda k: {"efocus": k % 64}, 2000, dropped=dropped)
    parts = movie.split()
    assert len(parts) == 64
    for part in parts:
        assert part.efocus is not None
        expected = [k if k not in set(dropped) else -1 for k in range(part.efocus, 2000, 64)]
        assert sample_numbers(part.movie) == expected


def test_a_short_movie_of_each_plane_once(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "m.isxd", three_planes, 3)
    assert [sample_numbers(part.movie) for part in movie.split()] == [[0], [1], [2]]


def test_frame_headers_are_those_of_the_frames(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "m.isxd", three_planes, 7, dropped=[2])
    table = movie.frame_headers
    assert table is not None
    assert table["sample"].tolist() == [0, 1, 3, 4, 5, 6]
    for row in table:
        header = movie.get_frame_header(int(row["sample"]))
        assert header is not None
        assert {name: int(row[name]) for name in table.dtype.names[1:]} == vars(header)
    plane = movie.planes()[500].frame_headers
    assert plane is not None
    assert plane["sample"].tolist() == [0, 1]
    assert plane["frame_count"].tolist() == [8, 11]


def test_closed(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "m.isxd", three_planes, 6)
    planes = movie.planes()
    planes[0].close()
    with pytest.raises(isx.IsxStateError, match=r"split\(\)\['efocus_0000'\] is closed"):
        planes[0].get_frame_data(0)
    assert planes[500].get_frame_data(0)[0, 0] == 1
    movie.close()
    for ask in (lambda: planes[500].get_frame_data(0), lambda: planes[500][0], lambda: list(planes[500])):
        with pytest.raises(isx.IsxStateError, match=r"m\.isxd is closed"):
            ask()
    with pytest.raises(isx.IsxStateError, match="is closed"):
        movie.split()
