"""What the acquisition box recorded beside the movie of a scene, as a `.gpio` file.

========================  ======================================================================================
channel                   signal
========================  ======================================================================================
``BNC Sync Output``       frame sync: up when the exposure of a frame begins, down half a period later; lost
                          frames have their pulse too
``Frame Count``           number of the frame
``EX-LED``, ``e-focus``   settings of the microscope, as in its frame headers
``OG-LED``                trains of optogenetic pulses, 5 ms at 20 Hz for 2 s, every 20 s
``Digital GPI 0``         TTL input: presses of a lever
``Digital GPI 1``         TTL input: shutter of the behaviour camera, up while it is open; lost frames have their
                          pulse too
``GPIO-1``                analog input: speed of a running wheel, 20 times a second
========================  ======================================================================================

The box starts a moment before the first frame.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFile
from openisx.synthetic._behavior import EXPOSURE, camera_frames
from openisx.synthetic._session import EFOCUS, LED_POWER, session_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from openisx.export._options import Progress
    from openisx.synthetic._scene import Scene

__all__ = ["LEAD", "lever_presses", "write_gpio"]

_HEADER = struct.Struct("<QQiIQQQ")
_FORMAT = 2
_SYNC = 0x0000AA55
_CAPTURE_ALL, _WHEEL, _DIGITAL, _OG_LED, _FRAME_COUNT, _FRAME_SYNC = 0x01, 0x03, 0x07, 0x09, 0x0B, 0x0D
_SIZE = 13  # words of the largest packet with its header
#: Seconds by which the box starts before the first frame.
LEAD = 0.1
_SPAN = 60.0  # seconds written at a time

_TRAIN_EVERY, _TRAIN_LENGTH, _PULSE_RATE, _PULSE_LENGTH, _OG_POWER = 20.0, 2.0, 20.0, 0.005, 85
_WHEEL_RATE = 20.0


def lever_presses(scene: Scene) -> NDArray[np.float64]:
    """Seconds since the start at which the lever goes down and up in turn."""
    rng = scene.rng("lever")
    waits = rng.exponential(7.0, int(scene.duration / 3) + 8) + 1.0
    down = np.cumsum(waits)
    up = down + rng.uniform(0.15, 0.7, len(down))
    times = np.column_stack([down, up])
    pressed: NDArray[np.float64] = times[times[:, 1] < scene.duration].ravel()
    return pressed


def write_gpio(scene: Scene, path: str, progress: Progress) -> None:
    """Write the `.gpio` file of `scene`.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    spans = range(int(scene.duration // _SPAN) + 1)
    # The header tells where the packets end. Finding out first keeps the memory needed small.
    size = sum(4 * int(_packets(scene, span)[:, _SIZE].sum()) for span in spans)
    num, den = scene.start.secs_since_epoch.ratio
    instant = num - round(LEAD * den), den, scene.start.utc_offset
    session = session_metadata(scene) | {"ad": {"clock": 1000}}
    sequence = 0
    with OutputFile(path) as output:
        output.write(_HEADER.pack(*instant, _HEADER.size, 0, _FORMAT, _HEADER.size + size))
        for span in spans:
            packets = _packets(scene, span)
            packets[:, 2] = (sequence + np.arange(len(packets))) % 2**32
            sequence += len(packets)
            used = np.arange(_SIZE) < packets[:, _SIZE, None]
            output.write(packets[:, :_SIZE][used].tobytes())
            progress(span + 1, len(spans))
        output.write(json.dumps(session).encode())


def _packets(scene: Scene, span: int) -> NDArray[np.uint32]:
    """Packets of one minute in order of time: a row of words each, and the number of words in column `_SIZE`.

    Sequence numbers are 0.
    """
    first, stop = span * _SPAN, (span + 1) * _SPAN
    parts: list[NDArray[np.uint32]] = []
    for code, times, words in _signals(scene, first, stop):
        inside = (times >= (first or -LEAD)) & (times < min(stop, scene.duration))
        counter = scene.counter(times[inside])
        rows = np.zeros((len(counter), _SIZE + 1), dtype="<u4")
        payload = 3 + words.shape[1]
        rows[:, :2] = _SYNC, 0x4000 + code
        rows[:, 3], rows[:, _SIZE] = payload, payload + 4
        rows[:, 4], rows[:, 5] = counter >> np.uint64(32), counter & np.uint64(0xFFFFFFFF)
        rows[:, 6] = np.maximum(0, np.floor(times[inside] / scene.period.secs_float + 1e-6))
        rows[:, 7 : 7 + words.shape[1]] = words[inside]
        parts.append(rows)
    rows = np.concatenate(parts)
    stamps = rows[:, 4].astype(np.uint64) << np.uint64(32) | rows[:, 5]
    packets: NDArray[np.uint32] = rows[np.argsort(stamps, kind="stable")]
    return packets


def _signals(
    scene: Scene, first: float, stop: float
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.int64]]]:
    """Type, times and words of the packets of each signal that lie in a span, and perhaps some more."""
    if first == 0:
        excitation, efocus = round(LED_POWER * 10), EFOCUS << 16
        yield _CAPTURE_ALL, np.full(1, -LEAD), np.array([[0, 0, 0, excitation, efocus, 0]])
    period = scene.period.secs_float
    frames: NDArray[Any] = np.arange(int(first / period), min(scene.num_frames, int(stop / period) + 2))
    yield _FRAME_SYNC, *_levels(frames * period, period / 2, 1)
    yield _FRAME_COUNT, frames * period, np.zeros((len(frames), 0), dtype=np.int64)
    pulses: NDArray[np.float64] = _TRAIN_EVERY * 0.5 + np.arange(0, _TRAIN_LENGTH, 1 / _PULSE_RATE)
    trains = np.arange(int(first / _TRAIN_EVERY), int(stop / _TRAIN_EVERY) + 1, dtype=np.float64)
    yield _OG_LED, *_levels((trains[:, None] * _TRAIN_EVERY + pulses).ravel(), _PULSE_LENGTH, _OG_POWER)
    yield _DIGITAL, *_inputs(scene, first, stop)
    numbers = np.arange(int(first * _WHEEL_RATE), int(stop * _WHEEL_RATE) + 1, dtype=np.float64)
    ticks = numbers / _WHEEL_RATE
    yield _WHEEL, ticks, _wheel(scene, ticks)[:, None]


def _levels(
    rises: NDArray[np.float64], length: float, level: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times and words of pulses: up to `level`, and down after `length`."""
    times = np.column_stack([rises, rises + length]).ravel()
    return times, np.tile([level, 0], len(rises))[:, None]


def _inputs(scene: Scene, first: float, stop: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times and levels of both digital inputs, whenever one of them changes."""
    presses, opened = lever_presses(scene), camera_frames(scene)[0]
    shutter = np.column_stack([opened, opened + EXPOSURE]).ravel()
    changes = np.union1d(presses, shutter)
    times = changes[(changes >= first) & (changes < stop)]
    levels = [edges.searchsorted(times, "right") % 2 << bit for bit, edges in enumerate((presses, shutter))]
    return times, (levels[0] | levels[1])[:, None]


def _wheel(scene: Scene, times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Readings of the wheel: bouts of running."""
    rng = scene.rng("wheel")
    rates, phases = rng.uniform(0.02, 0.3, 5), rng.uniform(0, 2 * np.pi, 5)
    drive = np.sin(2 * np.pi * np.outer(times, rates) + phases).sum(axis=1)
    speed: NDArray[np.int64] = (np.clip(drive, 0, None) * 9000 + 320).astype(np.int64)
    return speed
