"""Time stamps, tracking, alignment and EthoVision tables against the vendor's package, on random recordings."""

from __future__ import annotations

import csv
import shutil
import warnings

import numpy as np
import pytest

import isx
from builders import paired as make_paired
from builders.isxb import isxb, jpeg, samples, session
from builders.movie import UUID, isxd_movie
from builders.paired import gpio

FIRST = 459_472_000_000


def random_counters(rng, count, step=50_000, hours=0):
    return (
        FIRST
        + hours * 3_600_000_000
        + int(rng.integers(0, 10**7))
        + np.cumsum(rng.integers(step - 900, step + 900, count))
    ).tolist()


def random_start(rng):
    return int(rng.integers(1_500_000_000_000, 1_700_000_000_000))


def missing_samples(rng, count, most=4):
    return sorted(rng.choice(count, int(rng.integers(0, most)), replace=False).tolist())


def microscope(path, rng, *, start=None, missing=True, counters=None, hours=0):
    count = int(rng.integers(3, 40)) if counters is None else len(counters)
    lost = missing_samples(rng, count) if missing else []
    counters = random_counters(rng, count, hours=hours) if counters is None else counters
    kept = [c for i, c in enumerate(counters) if i not in lost]
    dropped, blank = lost[::2], lost[1::2]
    frames = rng.integers(0, 4000, (len(kept), 3, 4)).astype(np.uint16)
    start = random_start(rng) if start is None else start
    offset = int(rng.integers(-12, 13)) * 1800
    return isxd_movie(
        path, frames, counters=kept, num_samples=count, start=(start, 1000), utc_offset=offset, dropped=dropped,
        blank=blank,
    )  # fmt: skip


def random_tracker(rng):
    choice = rng.integers(0, 6)
    if choice == 0:
        return None
    if choice == 1:
        return {"box": [0, 0, 0, 0], "conf": 1}
    scale = 10.0 ** rng.integers(-3, 6)
    made = {"box": (rng.normal(size=4) * scale).tolist(), "conf": float(rng.uniform(0, 100))}
    names = ["Zone A", "b", "größe", ""]
    events = [
        {
            "id": int(rng.choice([0, 5, 1705077750976])),
            "name": str(rng.choice(names)),
            "event": str(rng.choice(["", "e", "o", "x"])),
            "trig": str(rng.choice(["", "softTrig-1", "softTrig-4"])),
        }
        for _ in range(int(rng.integers(0, 4)))
    ]
    if choice == 2:
        return made
    return made | {"zones": events[0] if choice == 3 and events else events}


def behavior(path, rng, *, start=None, missing=True, count=None, hours=0):
    count = int(rng.integers(6, 30)) if count is None else count
    lost = tuple(missing_samples(rng, count)) if missing else ()
    counters = [c for i, c in enumerate(random_counters(rng, count, 33_333, hours)) if i not in lost]
    records = samples(count, lost)
    for record, counter in zip(records, counters, strict=True):
        record["tsc"] = counter
        tracker = random_tracker(rng)
        if tracker is not None:
            record["tracker"] = tracker
    made = session(64, 48, trackingInterface=[{"cameraName": "top", "zones": random_zones(rng)}])
    made["processingInterface"]["recordingUUID"] = UUID
    image = jpeg(np.zeros((48, 64), np.uint8))
    start = random_start(rng) if start is None else start
    return isxb(
        path,
        [image] * len(counters),
        made,
        records,
        start=start,
        offset=int(rng.integers(-700, 700)),
        dropped=lost,
    )


def random_zones(rng):
    return [
        {
            "id": int(rng.integers(0, 2**45)),
            "name": f"zone {k}",
            "description": str(rng.choice(["", "text"])),
            "enable": bool(rng.integers(2)),
            "geometry": {
                "type": str(rng.choice(["rectangle", "polygon", "ellipse", "odd"])),
                "coordinates": (rng.normal(size=(int(rng.integers(1, 6)), 2)) * 1000).tolist(),
                "properties": {"majorAxis": float(rng.uniform(1, 99)), "minorAxis": 3.25, "angle": 45},
            },
        }
        for k in range(int(rng.integers(0, 4)))
    ]


def both(vendor, tmp_path, call, *args, **options):
    """Bytes that the vendor's function and ours write."""
    theirs, ours = tmp_path / "theirs.csv", tmp_path / "ours.csv"
    for path in (theirs, ours):
        path.unlink(missing_ok=True)
    plain = [[str(a) for a in arg] if isinstance(arg, list) else str(arg) for arg in args]
    vendor.run(
        f"isx.{call}(*args, **options)",
        args=[str(theirs) if a == "OUT" else a for a in plain],
        options=options,
    )
    getattr(isx, call)(*[ours if a == "OUT" else a for a in plain], **options)
    return theirs.read_bytes(), ours.read_bytes()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("make", [microscope, behavior])
def test_timestamps(vendor, tmp_path, seed, make):
    rng = np.random.default_rng(seed)
    ending = "isxb" if make is behavior else "isxd"
    start = random_start(rng)
    paths = [make(tmp_path / f"{k}.{ending}", rng, start=start + 3_600_000 * k, hours=k) for k in (2, 0, 1)]
    for time_ref in ("start", "unix", "tsc"):
        theirs, ours = both(
            vendor, tmp_path, "export_movie_timestamps_to_csv", paths, "OUT", time_ref=time_ref
        )
        assert ours == theirs


@pytest.mark.parametrize("seed", range(8))
def test_tracking(vendor, tmp_path, seed):
    rng = np.random.default_rng(seed + 100)
    path = behavior(tmp_path / "b.isxb", rng)
    for time_ref in ("start", "unix", "tsc"):
        theirs, ours = both(
            vendor,
            tmp_path,
            "export_nvision_movie_tracking_frame_data_to_csv",
            path,
            "OUT",
            time_ref=time_ref,
        )
        assert ours == theirs
    theirs, ours = both(vendor, tmp_path, "export_nvision_movie_tracking_zone_data_to_csv", [path], "OUT")
    assert ours == theirs


@pytest.mark.parametrize("seed", range(6))
def test_aligned_timestamps(vendor, tmp_path, seed):
    rng = np.random.default_rng(seed + 200)
    points = [(int(rng.integers(0, 3)), int(rng.integers(0, 10**7)), 1.0) for _ in range(60)] + [(0, 1, 2.0)]
    reference = gpio(tmp_path / "g.isxd", FIRST, start=(random_start(rng), 1000), points=points, names="ABC")
    files = [
        microscope(tmp_path / "m.isxd", rng, missing=False),
        behavior(tmp_path / "b.isxb", rng, missing=False),
    ]
    for time_ref in ("start", "unix", "tsc"):
        theirs, ours = both(
            vendor, tmp_path, "export_aligned_timestamps", reference, files, "ref", ["m", "b"], "OUT",
            time_ref=time_ref,
        )  # fmt: skip
        assert ours == theirs


@pytest.mark.parametrize("seed", range(8))
def test_align_start_times(vendor, tmp_path, seed):
    rng = np.random.default_rng(seed + 300)
    start = (random_start(rng), 1000)
    folders = [tmp_path / name for name in ("ours", "theirs", "inputs")]
    for folder in folders:
        folder.mkdir()
    inputs = folders[2]
    reference = [
        lambda: gpio(
            inputs / "g.isxd", FIRST + int(rng.integers(10**6)), start=start, utc_offset=5400, names="ABC"
        ),
        lambda: microscope(inputs / "r.isxd", rng),
        lambda: behavior(inputs / "r.isxb", rng),
    ][seed % 3]()
    files = [microscope(inputs / "m.isxd", rng), behavior(inputs / "b.isxb", rng)]
    for folder in folders[:2]:
        for path in files:
            shutil.copy(path, folder)
    isx.align_start_times(reference, [folders[0] / path.name for path in files])
    vendor.run(
        "isx.align_start_times(reference, files)",
        reference=str(reference),
        files=[str(folders[1] / path.name) for path in files],
    )
    assert (folders[0] / "b.isxb").read_bytes() == (folders[1] / "b.isxb").read_bytes()
    code = "m = isx.Movie.read(path); out = str(m.timing), [m.get_frame_data(i) for i in range(m.timing.num_samples)]"
    theirs = vendor.run(code, path=str(folders[1] / "m.isxd"))
    again = vendor.run(code, path=str(folders[0] / "m.isxd"))
    assert again[0] == theirs[0] == str(isx.Movie.read(folders[0] / "m.isxd").timing)
    np.testing.assert_array_equal(again[1], theirs[1])


def test_aligned_movies_with_a_timing_of_their_own(vendor, tmp_path):
    """The vendor reads the new start, which its own function does not write."""
    rng = np.random.default_rng(400)
    start = {"secsSinceEpoch": {"num": 1_500_000_000_000, "den": 1000}, "utcOffset": 0}
    for count in range(2, 6):
        path = tmp_path / f"{count}.isxb"
        info = {"dropped": [], "numTimes": count, "period": {"num": 1, "den": 20}, "start": start}
        tsc = (FIRST + np.arange(count) * 50_000).tolist()
        make_paired.behavior(path, tsc, timingInfo=info)
        reference = make_paired.gpio(
            tmp_path / f"{count}.isxd", FIRST - int(rng.integers(10**7)), utc_offset=-18_000
        )
        isx.align_start_times(reference, path)
        theirs = vendor.run("m = isx.Movie.read(path); out = str(m.timing)", path=str(path))
        assert theirs == str(isx.Movie.read(path).timing)
        assert "2020-09-13" in theirs


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("seed", range(3))
def test_ethovision(vendor, tmp_path, seed, kind):
    rng = np.random.default_rng(seed + 400)
    movie = behavior(tmp_path / "b.isxb", rng, count=20, missing=False)
    reference = microscope(tmp_path / "m.isxd", rng, counters=random_counters(rng, 10), missing=False)
    table = table_of(tmp_path / f"t.{kind}", rng, 20 - seed % 2)
    for time_ref in ("start", "unix", "tsc"):
        before = movie.read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            theirs, ours = both(
                vendor, tmp_path, "export_ethovision_data_with_isxb_timestamps", table, movie, "OUT",
                input_ref_file=str(reference), time_ref=time_ref,
            )  # fmt: skip
        assert ours == theirs
        movie.write_bytes(before)  # the vendor's package has moved its start


def table_of(path, rng, count):
    head = [["Number of header lines:", 6, "", "", "", ""], ["a", "b"], ["c", 1.5], ["d"]]
    names = ["Trial time", "X center", "Activity", 'Zone "in"', "Trial time", "Note, long"]
    rows = [
        [
            round(k / 30, 6),
            float(rng.normal()),
            "-" if rng.integers(2) else 1.5,
            int(rng.integers(2)),
            k * 1.0,
            str(rng.choice(["", "a,b", 'say "x"', "-"])),
        ]
        for k in range(count)
    ]
    lines = [*head, names, ["s", "cm", "%", "", "", ""], *rows]
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([[*line, *[""] * (6 - len(line))] for line in lines])  # type: ignore[misc]
    else:
        book = pytest.importorskip("openpyxl").Workbook()
        for line in lines:
            book.active.append(line)
        book.save(path)
    return path
