"""Behaviour movies (`.isxb`) and compressed movies (`.isxc`): opening, decoding, random access, expansion."""

from __future__ import annotations

import io
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
from compare import Benchmark
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))


def camera_image(rng: np.random.Generator, width: int, height: int) -> bytes:
    """A grey scene with some texture and noise as a colour JPEG, about 80 kB at full size."""
    coarse = rng.normal(0, 1, (height // 40 + 2, width // 40 + 2))
    smooth = np.asarray(
        Image.fromarray(coarse.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    )
    grey = np.clip(128 + 45 * smooth + rng.normal(0, 2.2, (height, width)), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).convert("RGB").save(buffer, "JPEG", quality=50)
    return buffer.getvalue()


def write_isxb(
    path: Path, images: list[bytes], count: int, size: tuple[int, int], *, tracked: bool = False
) -> str:
    """A movie of `count` frames that show `images` in turn."""
    width, height = size
    fov = {"width": width, "height": height, "originx": 0, "originy": 0}
    session = {"cameraName": "camera-1", "processingInterface": {"camera-1": {"recordFov": fov}}}
    samples: list[dict[str, Any]] = [{"fc": i, "tsc": 10**9 + 33_333 * i} for i in range(count)]
    if tracked:
        for i, sample in enumerate(samples):
            box = [500.25 + i % 7, 680.5, 650.125, 900.75]
            zone = {"id": 4270701760, "name": "ZONE#1", "event": "o", "trig": ""}
            sample["tracker"] = {"box": box, "conf": 67.9860305786133, "zones": [zone]}
    meta = json.dumps({"droppedFrames": [], "samples": samples}, separators=(",", ":")).encode()
    text = json.dumps(session).encode()
    sizes = [len(images[i % len(images)]) for i in range(count)]
    at_meta = 96 + sum(sizes)
    header = (
        100,
        96,
        10**12,
        0,
        count,
        0,
        96,
        sum(sizes),
        at_meta,
        len(meta),
        at_meta + len(meta),
        len(text),
    )
    with path.open("wb") as file:
        file.write(struct.pack("<12Q", *header))
        for i in range(count):
            file.write(images[i % len(images)])
        file.write(meta + text)
    return str(path)


def write_isxc(path: Path, count: int, shape: tuple[int, int]) -> str:
    from builders.isxc import counter_values, isxc, session
    from builders.video import video

    rng = np.random.default_rng(0)
    frame = rng.integers(0, 60, shape, dtype=np.uint8)
    luma = np.stack([frame + np.uint8(k % 8) for k in range(count)])
    tiles = rng.integers(60, 200, (count, (shape[0] // 32) * (shape[1] // 32)), dtype=np.uint8)
    encoded = video(
        luma, codec="libx264", pixels="yuv420p", options={"crf": "18", "bf": "0", "preset": "ultrafast"}
    )
    values = counter_values(10**9 + 50_000 * np.arange(count), 8)
    return str(isxc(path, encoded, tiles, session(count, shape), shape, (32, 32), values))


EXPAND = """
import ctypes, glob, shutil
shutil.rmtree(folder, ignore_errors=True); os.makedirs(folder)
library = glob.glob(os.path.join(os.path.dirname(isx.__file__), "**", "libisxpublicapi*"), recursive=True)
"""
EXPAND_VENDOR = """
function = ctypes.CDLL(library[0]).isx_decompress
function.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
assert function(path.encode(), folder.encode()) == 0
"""


def main() -> None:
    bench = Benchmark("Behaviour movies")
    rng = np.random.default_rng(0)
    full = [camera_image(rng, 1920, 1080) for _ in range(8)]
    small = [camera_image(rng, 64, 64) for _ in range(8)]
    print(f"1920 x 1080 images of {np.mean([len(i) for i in full]) / 1e3:.0f} kB")
    movie = write_isxb(bench.folder / "movie.isxb", full, 400, (1920, 1080))
    hour = write_isxb(bench.folder / "hour.isxb", small, 108_000, (64, 64))
    tracked = write_isxb(bench.folder / "tracked.isxb", small, 108_000, (64, 64), tracked=True)
    order = rng.permutation(400)[:60].tolist()
    opened = "m = isx.Movie.read(path)"
    each = "for i in range(n): m.get_frame_data(i)"
    bench.run("400 frames of 1920 x 1080 by index", each, setup=opened, path=movie, n=400, repeat=4)
    bench.run(
        "the same, iterated", "for f in m: pass", setup=opened, vendor_code=each, path=movie, n=400, repeat=4
    )
    bench.run(
        "60 random frames",
        "for i in order: m.get_frame_data(i)",
        setup=opened,
        path=movie,
        order=order,
        repeat=4,
    )
    bench.run("open, read the last frame", f"{opened}; m.get_frame_data(399)", path=movie, repeat=4)
    bench.run("open 108,000 frames", opened, path=hour, repeat=4)
    bench.run("open 108,000 frames with tracking", opened, path=tracked, repeat=4)
    bench.run(
        "108,000 time stamps",
        "stamps = m.timestamps",
        setup=opened,
        vendor_code="stamps = [m.get_frame_timestamp(i) for i in range(108_000)]",
        path=hour,
        repeat=3,
    )
    bench.run("frame 107,999 of 108,000", f"{opened}; m.get_frame_data(107_999)", path=hour, repeat=3)
    bench.run(
        "tracking of 108,000 frames",
        "t = m.tracking; t.zone_ids",
        setup=opened,
        vendor_code="",
        path=tracked,
        repeat=3,
    )
    compressed = write_isxc(bench.folder / "m.isxc", 200, (800, 1280))
    bench.run(
        "expand 200 frames of 1280 x 800 (.isxc)",
        "isx.decompress(path, folder)",
        setup=EXPAND,
        vendor_code=EXPAND_VENDOR,
        path=compressed,
        folder=os.path.join(bench.folder, "out"),
        repeat=3,
    )


if __name__ == "__main__":
    main()
