"""Sessions: which files belong together, and when each of their samples was."""

from __future__ import annotations

import os
import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
import isx.synthetic
from builders.interleaved import TICK, interleaved, three_planes
from builders.movie import UUID, isxd_movie

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    scene = isx.synthetic.Scene(seed=3, num_frames=120, shape=(40, 50), num_neurons=4)
    return isx.synthetic.write(tmp_path_factory.mktemp("session"), scene)


@pytest.fixture(scope="module")
def session(sample: dict[str, str]) -> isx.Session:
    return isx.open_session([path for name, path in sample.items() if name not in ("planes", "colors")])


def test_what_belongs_together(sample: dict[str, str], session: isx.Session) -> None:
    assert (
        session.start.secs_since_epoch.ratio
        == isx.Duration.from_ratio(1_710_263_730_150_000, 1_000_000).ratio
    )
    assert session.start.utc_offset == -25_200
    kinds = [(item.kind, item.role) for item in session.items]
    assert kinds == [
        ("movie", "raw"), ("gpio", ""), ("imu", ""), ("cells", ""), ("events", ""), ("vessels", ""), ("vessels", ""),
        ("behavior", ""),
    ]  # fmt: skip
    assert session.notes == [
        f"{os.path.basename(sample['compressed'])} holds what {os.path.basename(sample['movie'])} holds, and is left out"
    ]
    assert session.subject == {
        "id": "M-0417", "species": "Mus musculus", "sex": "f", "date_of_birth": "2023-10-02", "weight": 24.6,
        "description": "GCaMP6f in CA1, GRIN lens implanted eight weeks before",
    }  # fmt: skip
    assert [device["kind"] for device in session.devices] == ["microscope", "lens", "camera"]
    assert session.name.endswith("open field")
    assert len(session.files) == len(session) == 8


def test_devices_agree_by_counter(sample: dict[str, str], session: isx.Session) -> None:
    """The camera's own clock is 0.230 s fast."""
    (movie,), (camera,), (gpio,) = session.movies, session.behavior, session.gpio
    with isx.Movie.read(movie.path) as m, isx.Movie.read(camera.path) as b, isx.GpioSet.read(gpio.path) as g:
        assert m.timestamps is not None
        assert b.timestamps is not None
        stamps, frames = np.asarray(b.timestamps), np.asarray(m.timestamps)
        first = g.first_timestamp
        assert first is not None
        np.testing.assert_allclose(
            movie.times, (frames[frames > 0].astype(np.int64) - first) / 1e6, atol=1e-9
        )
        np.testing.assert_allclose(
            camera.times, (stamps[stamps > 0].astype(np.int64) - first) / 1e6, atol=1e-9
        )
        pulses = gpio.seconds(g.rising_edges("BNC Sync Output"))
    assert np.abs(pulses[: len(movie.times)] - pulses[0] - 0.05 * np.arange(len(movie.times))).max() < 1e-6
    assert camera.shift == pytest.approx(-0.230, abs=1e-3)
    assert (movie.clock, camera.clock) == ("hardware counter", "hardware counter")
    assert "whose clock is 0.230 s fast" in str(session)


def test_derived_data_are_on_the_frames(session: isx.Session) -> None:
    movie, cells, events = session.movies[0], session.cells[0], session.events[0]
    np.testing.assert_array_equal(cells.times, movie.times)
    assert cells.clock == f"frames of {movie.name}"
    frames = movie.times
    with isx.EventSet.read(events.path) as opened:
        offsets = np.concatenate([opened.get_cell_data(k)[0] for k in range(opened.num_cells)])
    nominal = 0.1 + offsets.astype(float) / 1e6
    nearest = np.abs(events.times[:, None] - np.unique(nominal)[None]).min(axis=1)
    assert nearest.max() < 1e-6
    assert events.times.min() >= frames[0]


def test_gaps(session: isx.Session) -> None:
    with isx.Movie.read(session.movies[0].path) as movie:
        dropped = movie.timing.dropped
    gaps = session.movies[0].gaps
    assert sum(round((end - begin) / 0.05) for begin, end in gaps) == len(dropped)
    assert gaps[0][0] == pytest.approx(0.1 + 0.05 * dropped[0])


def test_all_sessions_of_a_folder(sample: dict[str, str]) -> None:
    sessions = isx.find_sessions(Path(sample["movie"]).parent)
    assert [len(found.items) for found in sessions] == [8, 3, 2]
    assert [(item.efocus, item.channel) for item in sessions[1].movies] == [
        (0, "green"),
        (450, "green"),
        (900, "green"),
    ]
    assert [item.channel for item in sessions[2].movies] == ["green", "red"]
    with pytest.raises(
        ValueError, match=r"these are 3 sessions: .*M-0417.*; .*_planes.isxd .*; .*_colors.isxd"
    ):
        isx.open_session(Path(sample["movie"]).parent)
    assert len(isx.open_session(Path(sample["movie"]).parent, one=True).items) == 13


def test_planes_are_views_with_their_own_times(tmp_path: Path) -> None:
    interleaved(tmp_path / "planes.isxd", three_planes, 30, dropped=[4]).close()
    session = isx.open_session(tmp_path / "planes.isxd")
    for place, item in enumerate(session.movies):
        samples = [k for k in range(place, 30, 3) if k != 4]
        np.testing.assert_allclose(item.times, np.array(samples) * TICK / 1e6, atol=1e-9)
        with item.open() as movie:
            assert movie.shape == (10, 3, 4)
    movie = isx.Movie.read(tmp_path / "planes.isxd")
    movie.planes()[500].save(tmp_path / "plane.isxd", frame_headers=True)
    session = isx.open_session(tmp_path)
    assert session.notes == ["plane.isxd holds what planes.isxd holds, and is left out"]
    assert len(session.movies) == 3


def test_planes_without_stamps(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "planes.isxd", three_planes, 9, stamped=False)
    period = movie.timing.period.secs_float
    session = isx.open_session(tmp_path / "planes.isxd")
    for place, item in enumerate(session.movies):
        np.testing.assert_allclose(item.times, period * np.arange(place, 9, 3), atol=1e-9)
        assert item.clock == "wall clock"


FRAMES = np.zeros((4, 3, 5), np.uint16)


def movie_at(
    path: Path,
    seconds: float,
    *,
    uuid: str | None = UUID,
    counter: int = 10**9,
    animal: str = "m1",
    name: str = "s",
) -> str:
    counters = [counter + 50_000 * k for k in range(4)]
    isxd_movie(path, FRAMES, counters=counters, start=(round(seconds * 1000), 1000), uuid=uuid)
    if animal or name:
        from openisx._formats.isxd.editing import edit_metadata

        def change(metadata: dict[str, Any]) -> dict[str, Any]:
            metadata["extraProperties"] |= {
                "animal": {
                    "id": animal,
                    "sex": "m",
                    "species": "",
                    "dob": "",
                    "description": "",
                    "weight": 0,
                },
                "name": name,
            }
            return metadata

        edit_metadata(str(path), change)
    return str(path)


def test_grouping(tmp_path: Path) -> None:
    base = 1_600_000_000.0
    files = {
        "a": movie_at(tmp_path / "a.isxd", base, uuid="U1"),
        "b": movie_at(tmp_path / "b.isxd", base + 3600, uuid="U2", counter=10**9 + 3_600_000_000),
        "later": movie_at(tmp_path / "later.isxd", base + 14 * 3600, uuid="U3"),
        "other animal": movie_at(tmp_path / "other.isxd", base + 14 * 3600 + 60, uuid="U4", animal="m2"),
        "other name": movie_at(
            tmp_path / "name.isxd", base + 14 * 3600 + 120, uuid="U5", animal="m2", name="t"
        ),
    }
    sessions = isx.find_sessions(tmp_path)
    assert [[os.path.basename(path) for path in found.files] for found in sessions] == [
        ["a.isxd", "b.isxd"], ["later.isxd"], ["other.isxd"], ["name.isxd"],
    ]  # fmt: skip
    both = isx.open_session([files["b"], files["a"]])
    assert [item.start for item in both.movies] == [0, 3600]
    with pytest.raises(
        ValueError, match=r"2 sessions: a.isxd \(animal m1, 2020-09-13 05:26:40\); other.isxd \(animal m2"
    ):
        isx.open_session([files["a"], files["other animal"]])


def test_files_without_uuid_join_the_recording_of_their_time(tmp_path: Path) -> None:
    movie_at(tmp_path / "m.isxd", 1_600_000_000)
    start = isx.Time.from_secs_since_epoch(isx.Duration.from_ratio(16_000_000_001, 10))
    with isx.EventSet.write(tmp_path / "e.isxd", isx.Timing(4, start=start), ["a"]) as events:
        events.set_cell_data(0, np.array([50_000], np.uint64), np.ones(1, np.float32))
    session = isx.open_session(tmp_path)
    assert [item.kind for item in session.items] == ["movie", "events"]
    np.testing.assert_allclose(session.events[0].times, [0.15], atol=1e-12)


def test_the_time_map_follows_the_frames(tmp_path: Path) -> None:
    """Frames that came late take what was computed of them along."""
    counters = [10**9 + k for k in (0, 50_000, 170_000, 220_000)]
    isxd_movie(tmp_path / "m.isxd", FRAMES, counters=counters, start=(1_600_000_000_000, 1000))
    with isx.Movie.read(tmp_path / "m.isxd") as movie:
        period = movie.timing.period
        start = movie.timing.start
    with isx.CellSet.write(tmp_path / "c.isxd", isx.Timing(6, period, start), isx.Spacing((3, 5))) as cells:
        cells.set_cell_data(0, np.zeros((3, 5), np.float32), np.arange(6, dtype=np.float32))
    session = isx.open_session(tmp_path)
    p = period.secs_float
    np.testing.assert_allclose(
        session.cells[0].times, [0, 0.05, 0.17, 0.22, 0.22 + p, 0.22 + 2 * p], atol=1e-9
    )


def test_a_camera_that_was_not_synchronised(tmp_path: Path) -> None:
    movie_at(tmp_path / "a.isxd", 1_600_000_000)
    movie_at(tmp_path / "b.isxd", 1_600_000_001, counter=10**9 + 100_000_000)
    session = isx.open_session(tmp_path)
    assert session.movies[1].start == 1
    assert session.notes == ["b.isxd: its counter would move it by 99 s"]
    assert session.movies[1].clock == "wall clock, since its counter would move it by 99 s"


def test_files_without_a_clock(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((3, 4, 5), np.uint16), photometric="minisblack")
    alone = isx.open_session(tmp_path / "stack.tif")
    assert alone.notes == ["without a clock, so placed at the start: stack.tif"]
    assert alone.start.secs_since_epoch.fraction == 0
    movie = movie_at(tmp_path / "m.isxd", 1_600_000_000)
    both = isx.open_session([movie, tmp_path / "stack.tif"])
    assert [item.start for item in both.movies] == [0, 0]
    assert both.movies[1].clock == "no clock: at the start of the session"
    folder = isx.open_session(tmp_path)
    assert [item.name for item in folder.items] == ["m.isxd"]
    assert folder.notes == ["left out, since they do not tell when they start: stack.tif"]


def test_the_coarser_of_two_movies_was_made_of_the_other(tmp_path: Path) -> None:
    path = movie_at(tmp_path / "m.isxd", 1_600_000_000)
    with isx.Movie.read(path) as movie:
        movie.bin(space=3).save(tmp_path / "small.isxd")
    roles = {item.name: item.role for item in isx.open_session(tmp_path).movies}
    assert roles == {"m.isxd": "raw", "small.isxd": "processed"}


def test_damaged_and_foreign_files_are_told(sample: dict[str, str], tmp_path: Path) -> None:
    shutil.copy(sample["cells"], tmp_path)
    (tmp_path / "broken.isxd").write_bytes(b"nothing")
    (tmp_path / "notes.docx").write_bytes(b"foreign")
    with pytest.warns(isx.IsxWarning, match=r"1 files cannot be read: broken\.isxd"):
        (session,) = isx.find_sessions(tmp_path)
    assert len(session.items) == 1
    assert session.notes[0].startswith("broken.isxd (")
    with pytest.raises(isx.IsxFormatError):
        isx.open_session([tmp_path / "broken.isxd"])
    with pytest.raises(isx.IsxFileNotFoundError):
        isx.open_session(tmp_path / "none")
    with pytest.raises(ValueError, match="no files of a session given"):
        isx.open_session([])
    assert len(isx.open_session(tmp_path).items) == 1


def test_it_shows_itself(session: isx.Session) -> None:
    assert repr(session).startswith(
        "<isx.Session 2024-03-12-10-15-30 open field, animal M-0417, 2024-03-12 10:15:30.150000, 8 files"
    )
    lines = str(session).splitlines()
    assert len(lines) == 1 + 8 + 1
    assert all("=" in line for line in lines[1:9])
    html = session._repr_html_()
    lost = 2 * len(session.movies[0].gaps) + len(
        session.behavior[0].gaps
    )  # of the movie, its cells, and the camera
    assert html.count("<rect") == 8 + lost
    assert "M-0417" in html
    assert repr(session.movies[0]).startswith(
        "<isx.SessionItem movie '2024-03-12-10-15-30_video.isxd' from 0.100"
    )


def test_texts_of_files_are_data(tmp_path: Path) -> None:
    movie_at(tmp_path / "<b>.isxd", 1_600_000_000, name="<script>")
    html = isx.open_session(tmp_path)._repr_html_()
    assert "<script>" not in html
    assert "<b>.isxd" not in html


def test_nothing_is_kept_open_or_changed(sample: dict[str, str]) -> None:
    before = {path: (os.stat(path).st_mtime_ns, os.stat(path).st_size) for path in sample.values()}
    found = isx.open_session([sample["movie"], sample["cells"], sample["behavior"]])
    assert len(found.movies[0].times)
    if os.path.isdir("/proc/self/fd"):
        names = [
            os.readlink(f"/proc/self/fd/{fd}")
            for fd in os.listdir("/proc/self/fd")
            if os.path.lexists(f"/proc/self/fd/{fd}")
        ]
        assert not any(os.path.realpath(path) in names for path in sample.values())
    assert before == {path: (os.stat(path).st_mtime_ns, os.stat(path).st_size) for path in sample.values()}


def test_starts_are_whole_microseconds(tmp_path: Path) -> None:
    start = isx.Time.from_secs_since_epoch(
        isx.Duration.from_ratio(1_600_000_000 * 3_000_000 + 1, 3_000_000), -25_230
    )
    with isx.Movie.write(
        tmp_path / "m.isxd", isx.Timing(2, start=start), isx.Spacing((2, 2)), np.uint8
    ) as movie:
        for k in range(2):
            movie.set_frame_data(k, np.zeros((2, 2), np.uint8))
    session = isx.open_session(tmp_path / "m.isxd")
    assert session.start.secs_since_epoch.fraction == 1_600_000_000
    assert session.start.utc_offset == -25_200
    assert session.movies[0].times[0] == pytest.approx(float(Fraction(1, 3_000_000)), abs=1e-15)
