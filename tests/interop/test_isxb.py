"""Random behaviour movies, read here and by the vendor's package."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders.isxb import isxb, jpeg, session
from builders.jpeg import jpeg_of_levels

ASK = """
movie = isx.Movie.read(path)
timing, spacing = movie.timing._impl, movie.spacing._impl
def ratio(r): return r.num, r.den
def stamp(i):
    try: return movie.get_frame_timestamp(i)
    except Exception as error: return 'none' if 'No frame timestamps' in str(error) else str(error)
out = {
    'timing': str(movie.timing), 'spacing': str(movie.spacing), 'period': ratio(timing.step),
    'start': ratio(timing.start.secs_since_epoch), 'corner': (ratio(spacing.left), ratio(spacing.top)),
    'info': movie.get_acquisition_info(), 'type': movie.data_type,
    'stamps': [stamp(i) for i in range(movie.timing.num_samples)],
    'frames': [movie.get_frame_data(i) for i in range(movie.timing.num_samples)],
}
"""


def ours(path: Path) -> dict[str, Any]:
    scope: dict[str, Any] = {"isx": isx, "np": np, "path": str(path)}
    exec(ASK, scope)
    return scope["out"]


def assert_same(path: Path, vendor: Any, tolerance: int) -> None:
    try:
        theirs = vendor.run(ASK, path=str(path))
    except Exception as crash:
        if type(crash).__name__ != "VendorCrashError":
            raise
        # After some dozen movies the vendor's process dies at random; a fresh one reads the same file.
        theirs = vendor.run(ASK, path=str(path))
    mine = ours(path)
    ours_frames, their_frames = np.array(mine.pop("frames")), np.array(theirs.pop("frames"))
    assert mine == theirs
    assert (mine["info"] is None and theirs["info"] is None) or list(mine["info"]) == list(theirs["info"])
    difference = np.abs(ours_frames.astype(int) - their_frames)
    assert difference.max(initial=0) <= tolerance
    assert (difference != 0).mean() <= 1e-3


def maybe(rng: np.random.Generator, members: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if rng.random() < 0.6}


def random_session(rng: np.random.Generator, width: int, height: int) -> dict[str, Any]:
    """Session metadata with any subset of the sections that the acquisition info is made from."""
    meta = session(width, height)
    processing = meta["processingInterface"]
    camera = processing["camera-1"]
    if rng.random() < 0.5:
        camera["cameraAlias"] = ""
    exposure = {"type": str(rng.choice(["auto", "manual"])), "value": int(rng.integers(100))}
    if rng.random() < 0.7:
        numbers = [float(v) if rng.random() < 0.3 else int(v) for v in rng.integers(-64, 64, 4)]
        camera["sensorParams"] = dict(
            zip(("brightness", "contrast", "saturation", "gain"), numbers, strict=True)
        )
        camera["sensorParams"] |= maybe(rng, {"exposure": exposure})
    interface = maybe(
        rng,
        {
            "animal": {
                "sex": "f",
                "dob": "",
                "id": "µ 7",
                "species": "Mus",
                "weight": 21.0,
                "description": None,
            },
            "customMetadata": {
                "Ü": {"value": [1, 0.1 + 0.2]},
                "Animal ID": {"value": 4},
                "b": {"value": {"z": 1, "a": -0.0}},
            },
        },
    )
    if interface:
        meta["userInterface"] = interface
    if rng.random() < 0.7:
        system: dict[str, Any] = {}
        if rng.random() < 0.8:
            system["behavior"] = {"paired": bool(rng.random() < 0.6), "synced": True} | maybe(
                rng, {"system": {"sessionName": "B"}, "software": {"behaviorIdas": "1.4"}}
            )
        if rng.random() < 0.8:
            system["miniscope"] = maybe(
                rng, {"system": {"sessionName": "M", "systemSerial": "S"}, "software": {"miniscopeIdas": "2"}}
            )
        processing["system"] = system
    if rng.random() < 0.3:
        del processing["recordingUUID"]
    return meta


def random_movie(rng: np.random.Generator, path: Path, *, natural: bool) -> None:
    width, height = 64 * int(rng.integers(1, 4)), int(rng.integers(1, 80))
    count = int(rng.integers(2, 9))
    dropped = tuple(np.flatnonzero(rng.random(count) < 0.25).tolist()) if count > 4 else ()
    dropped = dropped[: count - 2]
    images = []
    for _ in range(count - len(dropped)):
        if natural:
            noise = rng.normal(0, 12, (height, width, 3)).cumsum(0).cumsum(1)
            images.append(jpeg((noise % 256).astype(np.uint8), quality=int(rng.integers(40, 100))))
        else:
            levels = rng.integers(0, 256, (-(-height // 8), -(-width // 8)), dtype=np.uint8)
            kind = [((2, 2), (1, 1), (1, 1)), ((2, 1), (1, 1), (1, 1)), ((1, 1),) * 3][rng.integers(3)]
            images.append(
                jpeg_of_levels(
                    levels,
                    width,
                    height,
                    sampling=kind,
                    chroma=int(rng.integers(-99, 99)),
                    restart=int(rng.integers(3)),
                )
            )
    first = int(rng.choice([0, 1, 41_000]))
    stamps = np.cumsum(rng.integers(20_000, 60_000, count)) + int(rng.integers(2**45))
    frames = [{"fc": first + k, "tsc": int(stamps[k])} for k in range(count) if k not in dropped]
    isxb(
        path,
        images,
        random_session(rng, width, height),
        frames,
        dropped=dropped,
        start=int(rng.integers(2**42)),
        offset=int(rng.integers(-720, 840)),
        gaps=(int(rng.integers(3)), 0, 0),
        session=0,
    )


@pytest.mark.parametrize("seed", range(25))
def test_exact_images(tmp_path: Path, vendor: Any, seed: int) -> None:
    path = tmp_path / "m.isxb"
    random_movie(np.random.default_rng(seed), path, natural=False)
    assert_same(path, vendor, tolerance=0)


@pytest.mark.parametrize("seed", range(8))
def test_natural_images(tmp_path: Path, vendor: Any, seed: int) -> None:
    path = tmp_path / "m.isxb"
    random_movie(np.random.default_rng(1000 + seed), path, natural=True)
    assert_same(path, vendor, tolerance=1)


def test_golden_files(vendor: Any) -> None:
    for path in sorted((Path(__file__).parents[1] / "data" / "isxb").glob("*.isxb")):
        assert_same(path, vendor, tolerance=1)


def test_real_recordings(vendor: Any) -> None:
    folder = os.environ.get("ISX_REAL_RECORDINGS")
    if not folder:
        pytest.skip("ISX_REAL_RECORDINGS does not name a folder of recordings")
    for path in sorted(Path(folder).glob("*.isxb")):
        assert_same(path, vendor, tolerance=1)
