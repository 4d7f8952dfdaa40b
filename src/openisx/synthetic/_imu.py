"""The inertial sensors on the head of the animal of a scene, as an `.imu` file.

Acceleration (gravity and movement) and orientation 50 times a second, the magnetic field 20 times less often; a few
samples are lost, as radio links do.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFile
from openisx.synthetic._session import session_metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.export._options import Progress
    from openisx.synthetic._scene import Scene

__all__ = ["write_imu"]

_HEADER = struct.Struct("<QQiHH9QQQ")
_RECORD = np.dtype([("milliseconds", "<u8"), ("axes", "<i2", (3,)), ("reserved", "<i2")])
_PERIOD = (20_570_732, 1_000_000)  # milliseconds
_MAG_PER_ACC = 20
_LOSS = 0.002


def write_imu(scene: Scene, path: str, progress: Progress) -> None:
    """Write the `.imu` file of `scene`.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    step = _PERIOD[0] / _PERIOD[1] / 1000
    count = max(1, int(scene.duration / step))
    slow = -(-count // _MAG_PER_ACC)
    lost = np.flatnonzero(scene.rng("imu loss").random(count) < _LOSS)
    times = np.delete(np.arange(count, dtype=np.float64), lost) * step
    slow_times = np.arange(slow, dtype=np.float64) * step * _MAG_PER_ACC
    angles = _angles(scene, times)
    blocks = [
        _records(times, _acceleration(scene, times, angles) * 16384),
        _records(slow_times, _field(_angles(scene, slow_times)) * 3000),
        _records(times, angles * 2048),
    ]
    session = session_metadata(scene) | {"timingInfo": _timing(scene, count, slow, lost)}
    text = json.dumps(session).encode()
    places, at = [], _HEADER.size
    for block in blocks:
        places += [len(block), at, block.nbytes]
        at += block.nbytes
    start = scene.start
    with OutputFile(path) as output:
        instant = *start.secs_since_epoch.ratio, start.utc_offset
        output.write(_HEADER.pack(*instant, 1, 0, *places, at, len(text)))
        for done, block in enumerate(blocks, 1):
            output.write(block)
            progress(done, len(blocks))
        output.write(text)


def _timing(scene: Scene, count: int, slow: int, lost: NDArray[np.int64]) -> dict[str, Any]:
    start = scene.start
    num, den = start.secs_since_epoch.ratio

    def instant(seconds: float) -> dict[str, Any]:
        return {
            "secsSinceEpoch": {"num": num + round(seconds * den), "den": den},
            "utcOffset": start.utc_offset,
        }

    def sensor(number: int, factor: int, dropped: list[int]) -> dict[str, Any]:
        period = {"num": _PERIOD[0] * factor, "den": _PERIOD[1]}
        return {"periodMs": period, "numTimes": number, "dropped": dropped}

    return {
        "start": instant(0),
        "end": instant(scene.duration),
        "accelerometer": sensor(count, 1, lost.tolist()),
        "magnetometer": sensor(slow, _MAG_PER_ACC, []),
    }


def _angles(scene: Scene, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Yaw, pitch and roll of the head in radians, shape (times, 3)."""
    rng = scene.rng("imu posture")
    rates, phases = rng.uniform(0.03, 0.9, (3, 4)), rng.uniform(0, 2 * np.pi, (3, 4))
    swings = np.sin(2 * np.pi * times[:, None, None] * rates + phases).sum(axis=2)
    angles: NDArray[np.float64] = swings * np.array([0.75, 0.12, 0.1])
    return angles


def _down(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direction of gravity seen from the head."""
    _, pitch, roll = angles.T
    return np.column_stack([-np.sin(pitch), np.sin(roll) * np.cos(pitch), np.cos(roll) * np.cos(pitch)])


def _acceleration(
    scene: Scene, times: NDArray[np.float64], angles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """In g: gravity, and shaking that comes and goes."""
    rng = scene.rng("imu shaking")
    vigour = 0.02 + 0.08 * (1 + np.sin(2 * np.pi * 0.05 * times)) ** 2 / 4
    return _down(angles) + rng.standard_normal((len(times), 3)) * vigour[:, None]


def _field(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Magnetic field seen from the head, length about 1."""
    yaw = angles[:, 0]
    north = np.column_stack([np.cos(yaw), -np.sin(yaw), np.zeros(len(yaw))])
    return 0.5 * north + 0.8 * _down(angles)


def _records(times: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[Any]:
    records = np.zeros(len(times), _RECORD)
    records["milliseconds"] = np.rint(times * 1000)
    records["axes"] = np.clip(np.rint(axes), -32768, 32767)
    return records
