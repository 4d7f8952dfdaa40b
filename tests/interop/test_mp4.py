"""Videos against the vendor's: the same frames, times and sizes with its codec, better pictures with the default."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from builders.isxb import isxb, jpeg, samples, session
from builders.movie import isxd_movie

av = pytest.importorskip("av")


def decode(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames, stamps = [], []
        for frame in container.decode(stream):
            plane = frame.planes[0]
            pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
            frames.append(pixels[:, : plane.width].astype(np.float64))
            stamps.append(frame.pts)
        return np.stack(frames), stamps, stream.time_base


def random_movie(path, rng):
    count, rows, cols = int(rng.integers(12, 40)), int(rng.integers(20, 70)), int(rng.integers(20, 90))
    dtype = rng.choice([np.uint16, np.float32, np.uint8])
    y, x = np.mgrid[:rows, :cols]
    noise = rng.uniform(0, 20)
    frames = [
        110 + 90 * np.sin(x / 9 + k / 3) * np.cos(y / 7) + rng.normal(0, noise, (rows, cols))
        for k in range(count)
    ]
    frames = np.clip(frames, 0, 255)
    if dtype != np.uint8:
        frames = frames * rng.uniform(0.5, 15) - (300 if dtype == np.float32 else 0)
    period = (int(rng.integers(20_000, 200_000)), 1_000_000)
    dropped = sorted(rng.choice(count, int(rng.integers(0, 4)), replace=False).tolist())
    kept = [f for k, f in enumerate(frames) if k not in dropped]
    return isxd_movie(path, np.array(kept).astype(dtype), num_samples=count, dropped=dropped, period=period)


@pytest.mark.parametrize("seed", range(8))
def test_random_movies(vendor, tmp_path, seed):
    rng = np.random.default_rng(seed)
    path = random_movie(tmp_path / "m.isxd", rng)
    options = {
        "compression_quality": float(rng.choice([0.01, 0.1, 1.0])),
        "write_invalid_frames": bool(rng.integers(2)),
        "frame_rate_format": str(rng.choice(["float", "int"])),
    }
    theirs, ours = tmp_path / "theirs.mp4", tmp_path / "ours.mp4"
    vendor.run(
        "isx.export_movie_to_mp4(path, output, **options)",
        path=str(path),
        output=str(theirs),
        options=options,
    )
    isx.export_movie_to_mp4(path, ours, **options, codec="mpeg4")
    expected, stamps, time_base = decode(theirs)
    luma, our_stamps, our_time_base = decode(ours)
    assert (our_stamps, our_time_base) == (stamps, time_base)
    assert luma.shape == expected.shape
    assert abs(luma - expected).mean() < 4
    assert ours.stat().st_size == pytest.approx(theirs.stat().st_size, rel=0.06)


def test_overlays_of_a_behaviour_movie(vendor, tmp_path):
    rng = np.random.default_rng(5)
    records = samples(8)
    for record in records:
        corner = rng.uniform(-5, 60, 2)
        size = rng.uniform(3, 40, 2)
        record["tracker"] = {"box": [*corner, *(corner + size)], "conf": 90.0}
    zones = [
        {
            "id": k, "name": "z", "description": "", "enable": True,
            "geometry": {
                "type": kind, "coordinates": rng.uniform(0, 60, (count, 2)).tolist(),
                "properties": {"majorAxis": 50.0, "minorAxis": 20.0, "angle": float(rng.integers(-90, 90))},
            },
        }
        for k, (kind, count) in enumerate([("polygon", 5), ("ellipse", 1), ("rectangle", 4)])
    ]  # fmt: skip
    made = session(128, 64, trackingInterface=[{"cameraName": "top", "zones": zones}])
    black = jpeg(np.zeros((64, 128, 3), np.uint8))
    path = isxb(tmp_path / "m.isxb", [black] * 8, made, records)
    theirs, ours = tmp_path / "theirs.mp4", tmp_path / "ours.mp4"
    vendor.run("isx.export_movie_to_mp4(path, output, 1000.0)", path=str(path), output=str(theirs))
    isx.export_movie_to_mp4(path, ours, 1000.0, codec="mpeg4")
    expected, luma = decode(theirs)[0] > 127, decode(ours)[0] > 127
    assert (luma != expected).sum() < 0.06 * expected.sum()


def test_h264_is_better_at_the_same_size(vendor, tmp_path):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:200, :240]
    field = 900 + 500 * np.sin(x / 31) * np.cos(y / 23)
    frames = np.array([field + rng.normal(0, 30, field.shape) + 5 * k for k in range(40)]).astype(np.uint16)
    path = isxd_movie(tmp_path / "m.isxd", frames)
    scaled = (np.float32(255) * ((frames - np.float32(frames.min())) / np.float32(np.ptp(frames)))).astype(
        np.uint8
    )
    for quality in (0.1, 0.3):
        theirs, ours = tmp_path / f"theirs{quality}.mp4", tmp_path / f"ours{quality}.mp4"
        vendor.run(f"isx.export_movie_to_mp4(path, output, {quality})", path=str(path), output=str(theirs))
        isx.export_movie_to_mp4(path, ours, quality)
        errors = [np.square(decode(p)[0] - scaled).mean() for p in (ours, theirs)]
        assert errors[0] < errors[1]
        assert ours.stat().st_size < 1.02 * theirs.stat().st_size
