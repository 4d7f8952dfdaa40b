"""The microscope movie of a scene, computed and written a few frames at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFile, require_free_space
from openisx._formats.isxd.container import trailer_bytes
from openisx._formats.isxd.frame_headers import LINE_VALUES
from openisx._formats.isxd.movie import movie_metadata
from openisx.synthetic._session import EFOCUS, LED_POWER, session_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from openisx.export._options import Progress
    from openisx.synthetic._scene import Scene

__all__ = ["Turn", "movie_frames", "still_image", "write_movie", "write_turns"]

_CHUNK_BYTES = 8 << 20
_BLOCK = 16  # frames that share one stream of noise
_MARGIN = 8  # tissue beyond each edge, which motion brings into view
_FULL = 4095  # 12-bit sensor
_OFFSET = 96.0  # sensor reading in the dark
_GAIN = 1.35  # variance of the reading per unit of light
_READ_NOISE = 7.0


@dataclass(frozen=True)
class Turn:
    """What the frames that take their turn together show, and what their headers say."""

    scene: Scene
    efocus: int = EFOCUS
    color_id: int = 0


def write_movie(scene: Scene, path: str, progress: Progress) -> None:
    """Write the movie of `scene`, with header and footer lines as the microscope stores them.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    write_turns(scene, (Turn(scene),), session_metadata(scene), path, progress)


def write_turns(
    recording: Scene, turns: Sequence[Turn], metadata: dict[str, Any], path: str, progress: Progress
) -> None:
    """Write a movie whose frames show `turns` one after the other; it has the samples of `recording`.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    frame = np.dtype(
        [("header", "<u2", LINE_VALUES), ("pixels", "<u2", recording.shape), ("footer", "<u2", LINE_VALUES)]
    )
    valid = recording.timing.get_valid_samples()
    require_free_space(path, frame.itemsize * len(valid))
    step = max(1, _CHUNK_BYTES // frame.itemsize // _BLOCK) * _BLOCK
    with OutputFile(path) as output:
        for first in range(0, recording.num_frames, step):
            stop = min(first + step, recording.num_frames)
            kept = valid[(valid >= first) & (valid < stop)]
            records = np.zeros(len(kept), frame)
            for place, turn in enumerate(turns):
                samples = np.arange(first + (place - first) % len(turns), stop, len(turns))
                own = kept % len(turns) == place
                records["header"][own] = _header_lines(recording, kept[own], turn)
                records["pixels"][own] = movie_frames(turn.scene, first, stop, samples)[
                    np.isin(samples, kept)
                ]
            output.write(records)
            progress(stop, recording.num_frames)
        about = movie_metadata(recording.timing, recording.spacing, 0, metadata, has_lines=True)
        output.write(trailer_bytes(about))


def _header_lines(scene: Scene, frames: NDArray[np.int64], turn: Turn) -> NDArray[np.uint16]:
    """Header lines of `frames`: one byte of information per value, in bits 4 to 11 (docs/formats/movies.md, The header line)."""
    lines = np.zeros((len(frames), LINE_VALUES), np.uint16)
    fields = np.zeros(len(frames), [("color", "u1"), ("write", "u1"), ("count", "<u4"), ("led1", "<u2"),
                                    ("volt1", "<u2"), ("led2", "<u2"), ("volt2", "<u2"), ("focus", "<u2"),
                                    ("counter", "<u8")])  # fmt: skip
    fields["color"] = turn.color_id
    fields["write"] = 1
    fields["count"] = frames + 1000
    fields["led1"] = round(LED_POWER * 1000)
    fields["volt1"] = 2900
    fields["focus"] = turn.efocus
    fields["counter"] = scene.counter(scene.frame_times()[frames])
    lines[:, 0] = 0x00A0
    information = fields.view(np.uint8).reshape(len(frames), fields.itemsize)
    lines[:, 1256 : 1256 + fields.itemsize] = information.astype(np.uint16) << 4
    return lines


def movie_frames(
    scene: Scene, first: int, stop: int, samples: NDArray[np.int64] | None = None
) -> NDArray[np.uint16]:
    """Pixels of frames of `scene`, uint16, shape (frames, rows, columns).

    Frames `first` to `stop` - 1, or of these only `samples`. `first` is a multiple of 16, so that any split into spans
    gives the same noise.
    """
    if first % _BLOCK:
        raise ValueError(f"first must be a multiple of {_BLOCK}, not {first}")
    chosen = np.arange(first, stop) if samples is None else samples
    times = scene.frame_times(first, stop)
    traces = scene.traces(first, stop)
    tissue, neuropil, vignette = _scenery(scene)
    haze = traces.mean(axis=0) if len(traces) else np.zeros(len(times), np.float32)
    shifts = _motion(scene, times)
    fade = np.exp(-times / 1500).astype(np.float32)
    frames = np.empty((len(chosen), *scene.shape), np.uint16)
    block = -1
    for frame, sample in zip(frames, chosen.tolist(), strict=True):
        i = sample - first
        if sample // _BLOCK != block:
            block = sample // _BLOCK
            rng = scene.rng("noise", block)
        canvas = tissue + haze[i] * neuropil
        for neuron, activity in zip(scene.neurons, traces[:, i], strict=True):
            rows, columns = (slice(s.start + _MARGIN, s.stop + _MARGIN) for s in neuron.region)
            canvas[rows, columns] += (0.16 + 0.62 * activity) * neuron.brightness * 520 * neuron.footprint
        light = _shifted(canvas, shifts[i], scene.shape)
        light *= vignette * fade[i]
        noise = rng.standard_normal(scene.shape, np.float32)
        noise *= np.sqrt(_GAIN * light + _READ_NOISE**2)
        noise += light
        noise += _OFFSET
        frame[...] = np.clip(np.rint(noise, out=noise), 0, _FULL, out=noise)
    return frames


def still_image(scene: Scene) -> NDArray[np.float32]:
    """The scene at rest, without noise: float32, shape (rows, columns), in the units of the movie."""
    tissue, _, vignette = _scenery(scene)
    light = tissue.copy()
    for neuron in scene.neurons:
        rows, columns = (slice(s.start + _MARGIN, s.stop + _MARGIN) for s in neuron.region)
        light[rows, columns] += 0.16 * neuron.brightness * 520 * neuron.footprint
    image: NDArray[np.float32] = light[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] * vignette + np.float32(_OFFSET)
    return image


def _shifted(
    canvas: NDArray[np.float32], shift: NDArray[np.float32], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """`canvas` moved by a fraction of pixels (bilinear), cut to `shape`."""
    whole = np.floor(shift).astype(int)
    fy, fx = (shift - whole).astype(np.float32)
    top, left = _MARGIN + whole
    rows, columns = shape
    moved = np.zeros(shape, np.float32)
    for dy, dx, weight in (
        (0, 0, (1 - fy) * (1 - fx)), (0, 1, (1 - fy) * fx), (1, 0, fy * (1 - fx)), (1, 1, fy * fx),
    ):  # fmt: skip
        moved += weight * canvas[top + dy : top + dy + rows, left + dx : left + dx + columns]
    return moved


def _motion(scene: Scene, times: NDArray[np.float64]) -> NDArray[np.float32]:
    """Displacement of the brain in pixels, shape (frames, 2): sway, breath, and jolts when the mouse starts off."""
    rng = scene.rng("motion")
    scale = 4 / scene.downsampling
    moved = np.zeros((len(times), 2))
    for low, high, size in ((0.05, 0.2, 0.55), (0.3, 0.9, 0.25), (2.0, 2.6, 0.12)):
        frequency, phase = rng.uniform(low, high, 2), rng.uniform(0, 2 * np.pi, 2)
        moved += size * np.sin(2 * np.pi * frequency * times[:, None] + phase)
    jolts = rng.uniform(0, scene.duration, max(1, round(scene.duration / 12)))
    push = rng.normal(0, 1.1, (len(jolts), 2))
    for when, direction in zip(jolts, push, strict=True):
        moved += np.exp(-(((times - when) / 0.25) ** 2))[:, None] * direction
    limited = np.clip(moved * scale, 1 - _MARGIN, _MARGIN - 1)
    return limited.astype(np.float32)


def _scenery(scene: Scene) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Resting light of the tissue and of its neuropil (both with a margin), and what the lens lets through."""
    rows, columns = scene.shape
    rng = scene.rng("tissue")
    shape = (rows + 2 * _MARGIN, columns + 2 * _MARGIN)
    texture = _clouds(shape, rng, (96, 40, 14), (1.0, 0.6, 0.25), scene.downsampling)
    tissue = 1180 * (1 + 0.16 * texture) * _vessels(shape, rng, scene.downsampling)
    y, x = (
        np.ogrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
        if rows > 1 < columns
        else np.ogrid[0:rows, 0:columns]
    )
    radius = np.hypot(0.92 * y + 0.06, x - 0.05)
    vignette = 0.22 + 0.78 / (1 + np.exp((radius - 0.93) * 5.5))
    neuropil = 260 * (0.7 + 0.3 * _clouds(shape, rng, (60,), (1.0,), scene.downsampling))
    return tissue.astype(np.float32), neuropil.astype(np.float32), vignette.astype(np.float32)


def _clouds(
    shape: tuple[int, int],
    rng: np.random.Generator,
    sizes: tuple[float, ...],
    weights: tuple[float, ...],
    downsampling: int,
) -> NDArray[np.float64]:
    """Smooth random texture with details of `sizes` (in pixels of the sensor / 4), about -2 to 2."""
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])
    total = np.zeros(shape)
    for size, weight in zip(sizes, weights, strict=True):
        blur = np.exp(-((fy**2 + fx**2) * (size * 4 / downsampling) ** 2))
        layer = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) * blur, shape)
        total += weight * layer / max(float(layer.std()), 1e-9)
    return total / float(np.hypot.reduce(weights))


def _vessels(shape: tuple[int, int], rng: np.random.Generator, downsampling: int) -> NDArray[np.float64]:
    """Share of light that passes the blood vessels: dark branches winding over the field of view."""
    light = np.ones(shape)
    rows, columns = shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
    for width, depth in ((26, 0.34), (17, 0.28), (12, 0.24), (9, 0.2)):
        angle, offset = rng.uniform(-0.9, 0.9), rng.uniform(-0.35, 0.35)
        along = np.cos(angle) * (x - columns / 2) + np.sin(angle) * (y - rows / 2)
        across = -np.sin(angle) * (x - columns / 2) + np.cos(angle) * (y - rows / 2)
        bend = sum(
            rng.uniform(0.015, 0.05) * rows * np.sin(along / columns * k * np.pi + rng.uniform(0, 6))
            for k in (2, 5)
        )
        half = width / downsampling / 2 * (1 + 0.35 * along / columns)
        light *= 1 - depth * np.exp(-(((across - offset * rows - bend) / np.maximum(half, 0.5)) ** 2))
    return light
