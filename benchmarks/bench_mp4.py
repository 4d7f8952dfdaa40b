"""Movies to video files: time and size, and how good the picture is for its bytes.

    python benchmarks/bench_mp4.py --vendor-python VENV/bin/python

The movies are 540 x 720 pixels, 20 Hz: a smooth scene with cells, with little and with much noise.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from compare import Benchmark

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))
import isx

FRAMES, ROWS, COLS = 200, 540, 720


def scene(path: Path, noise: float) -> None:
    """A bright field with vessels, cells that flash, motion, and shot noise times `noise`."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:ROWS, :COLS].astype(np.float32)
    field = 600 + 900 * np.exp(-3 * ((y / ROWS - 0.5) ** 2 + (x / COLS - 0.5) ** 2))
    field += 60 * np.sin(x / 23) * np.cos(y / 31)
    centers = rng.uniform([0, 0], [ROWS, COLS], (60, 2))
    cells = np.stack([np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 60) for cy, cx in centers])
    activity = np.zeros(len(cells), np.float32)
    timing = isx.Timing(num_samples=FRAMES)
    with isx.Movie.write(path, timing, isx.Spacing((ROWS, COLS)), np.uint16) as movie:
        for k in range(FRAMES):
            activity = activity * 0.93 + (rng.random(len(cells)) < 0.01) * 400
            frame = field + np.tensordot(activity.astype(np.float32), cells, 1)
            frame = np.roll(frame, (int(2 * np.sin(k / 5)), int(2 * np.cos(k / 7))), (0, 1))
            frame += noise * np.sqrt(frame) * rng.standard_normal(frame.shape, np.float32)
            movie.set_frame_data(k, np.clip(frame, 0, 4095).astype(np.uint16))


def psnr(video: Path, movie: Path) -> float:
    """Peak signal to noise ratio in dB of a video against the scaled movie."""
    import av

    pixels = np.asarray(isx.Movie.read(movie))
    low, high = np.float32(pixels.min()), np.float32(pixels.max())
    total = 0.0
    with av.open(str(video)) as container:
        for k, frame in enumerate(container.decode(video=0)):
            plane = frame.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
            scaled = (np.float32(255) * ((pixels[k] - low) / (high - low))).astype(np.uint8)
            total += float(np.square(luma.astype(np.float32) - scaled).sum(dtype=np.float64))
    return float(10 * np.log10(255**2 * pixels.size / total))


def main() -> None:
    bench = Benchmark("Movies to MP4 (200 frames of 540 x 720)")
    for name, noise in (("smooth", 0.15), ("noisy", 1.0)):
        movie = bench.folder / f"{name}.isxd"
        scene(movie, noise)
        for quality in (0.1, 0.01):
            outputs = {side: bench.folder / f"{side}.mp4" for side in ("mpeg4", "h264", "vendor")}
            for codec in ("mpeg4", "h264"):
                bench.run(
                    f"{name}, quality {quality}, {codec}",
                    f"isx.export_movie_to_mp4(movie, ours, {quality}, codec={codec!r})",
                    setup="if os.path.exists(ours): os.unlink(ours)",
                    vendor_code=f"isx.export_movie_to_mp4(movie, theirs, {quality})",
                    vendor_setup="if os.path.exists(theirs): os.unlink(theirs)",
                    repeat=3,
                    movie=str(movie),
                    ours=str(outputs[codec]),
                    theirs=str(outputs["vendor"]),
                )
            for side, path in outputs.items():
                if path.exists():
                    size = path.stat().st_size
                    print(f"    {side:<8}{size / 1e6:8.2f} MB{psnr(path, movie):8.2f} dB")
                    path.unlink()


if __name__ == "__main__":
    main()
