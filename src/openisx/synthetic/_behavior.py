"""The behaviour movie of a scene: a mouse in an arena, seen from above, with what the tracker made of it.

The camera starts a little after the microscope, by the clock of a computer that is wrong by a fraction of a second;
only the counter of the acquisition box, which both devices store, tells when they really ran.
"""

from __future__ import annotations

import io
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

__all__ = ["EXPOSURE", "camera_frames", "mouse_path", "write_behavior"]

_HEADER = struct.Struct("<QQQqQQQQQQQQ")
_ROWS, _COLUMNS = 480, 640
_RATE = 30
_DELAY = 0.412  # seconds from the start of the microscope to that of the camera
#: Seconds for which the shutter is open.
EXPOSURE = 0.012
_CLOCK_ERROR = 0.23  # seconds by which the clock of the camera is fast
_REACH = 90  # pixels around the mouse that it may cover
_CAMERA = "camera-1"
_ALIAS = "top view"

_ZONES: tuple[dict[str, Any], ...] = (
    {"name": "nest", "type": "rectangle", "coordinates": [[60, 50], [210, 50], [210, 170], [60, 170]]},
    {
        "name": "centre",
        "type": "ellipse",
        "coordinates": [[320, 240]],
        "properties": {"majorAxis": 230, "minorAxis": 170, "angle": 0},
    },
    {
        "name": "feeder",
        "type": "polygon",
        "coordinates": [[470, 310], [580, 300], [590, 420], [520, 435], [460, 390]],
    },
)
_TRIGGERS = {"feeder": "softTrig-1"}
_COLORS = ([0, 160, 255, 255], [255, 170, 0, 255], [60, 200, 90, 255])


def camera_frames(scene: Scene) -> tuple[NDArray[np.float64], list[int]]:
    """When the shutter of the camera opens, in seconds since the start, and the numbers of frames lost later on."""
    delay = _delay(scene)
    count = max(1, int((scene.duration - delay) * _RATE))
    lost = sorted({count * 31 // 100, count * 77 // 100}) if count > 40 else []
    times = delay + np.arange(count) / _RATE + scene.rng("camera jitter").normal(0, 40e-6, count)
    return times, lost


def _delay(scene: Scene) -> float:
    return _DELAY if scene.duration > 4 * _DELAY else 0.0


def write_behavior(scene: Scene, path: str, progress: Progress) -> None:
    """Write the `.isxb` file of `scene`.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    opened, lost = camera_frames(scene)
    kept = np.setdiff1d(np.arange(len(opened)), lost)
    times = opened[kept]
    stamps = scene.counter(times)
    places, headings = mouse_path(scene, times)
    trackers = _trackers(scene, places)
    samples = [
        {"fc": int(number), "tsc": int(stamp), **tracker}
        for number, stamp, tracker in zip(kept, stamps, trackers, strict=True)
    ]
    frames = _json({"droppedFrames": lost, "samples": samples})
    session = _json(_session(scene))
    milliseconds = scene.start.secs_since_epoch.to_msecs() + round((_delay(scene) + _CLOCK_ERROR) * 1000)
    with OutputFile(path) as output:
        output.write(bytes(_HEADER.size))
        at = _HEADER.size
        for number, image in enumerate(_images(scene, places, headings)):
            output.write(image)
            at += len(image)
            progress(number + 1, len(kept))
        output.write(frames + session)
        video, meta_end = at - _HEADER.size, at + len(frames)
        header = (100, _HEADER.size, milliseconds, scene.start.utc_offset // 60, len(kept), len(lost))
        output.overwrite(
            _HEADER.pack(*header, _HEADER.size, video, at, len(frames), meta_end, len(session)), 0
        )


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def mouse_path(scene: Scene, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the mouse is: (x, y) in pixels, shape (times, 2), and its heading in radians."""
    rng = scene.rng("mouse path")
    size = np.array([_COLUMNS, _ROWS])
    waves = [
        (amplitude, rng.uniform(0.7, 1.3, 2) * frequency, rng.uniform(0, 2 * np.pi, 2))
        for amplitude, frequency in ((0.27, 0.045), (0.1, 0.11), (0.025, 0.43))
    ]

    def place(when: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = sum(a * np.sin(2 * np.pi * f * when[:, None] + phase) for a, f, phase in waves)
        around: NDArray[np.float64] = size * (0.5 + moved)
        return around

    step = place(times + 0.02) - place(times - 0.02)
    return place(times), np.arctan2(step[:, 1], step[:, 0])


# -- pictures ------------------------------------------------------------------------------------


def _images(scene: Scene, places: NDArray[np.float64], headings: NDArray[np.float64]) -> Any:
    """The frames as JPEG images."""
    from PIL import Image

    rng = scene.rng("camera noise")
    noise = rng.normal(0, 1.6, (_ROWS + 64, _COLUMNS + 64)).astype(np.float32)
    floor = _arena(scene)
    grey = Image.new("L", (_COLUMNS, _ROWS), 128)
    for (x, y), heading in zip(places, headings, strict=True):
        top, left = rng.integers(0, 64, 2)
        picture = floor + noise[top : top + _ROWS, left : left + _COLUMNS]
        _draw_mouse(picture, x, y, heading)
        luma = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
        buffer = io.BytesIO()
        Image.merge("YCbCr", (luma, grey, grey)).save(buffer, "JPEG", quality=80)
        yield buffer.getvalue()


def _arena(scene: Scene) -> NDArray[np.float32]:
    """The empty arena: a bright floor with some bedding, darker at the walls and in the nest."""
    y, x = np.mgrid[0:_ROWS, 0:_COLUMNS].astype(np.float32)
    edge = np.minimum.reduce([x - 20, _COLUMNS - 20 - x, y - 15, _ROWS - 15 - y])
    floor = 60 + 115 / (1 + np.exp(-edge / 3))
    floor -= 18 * ((x > 60) & (x < 210) & (y > 50) & (y < 170))
    floor -= 25 * np.exp(-(((x - 525) / 30) ** 2 + ((y - 370) / 30) ** 2))
    coarse = scene.rng("bedding").normal(0, 4, (_ROWS // 8, _COLUMNS // 8))
    textured: NDArray[np.float32] = (floor + np.kron(coarse, np.ones((8, 8)))).astype(np.float32)
    return textured


def _draw_mouse(picture: NDArray[np.float32], x: float, y: float, heading: float) -> None:
    """A dark mouse with head, ears and tail, its body at (x, y)."""
    left, top = max(0, int(x) - _REACH), max(0, int(y) - _REACH)
    part = picture[top : int(y) + _REACH, left : int(x) + _REACH]
    rows, columns = part.shape
    dx, dy = np.arange(columns) + left - x, (np.arange(rows) + top - y)[:, None]
    along = np.cos(heading) * dx + np.sin(heading) * dy
    across = -np.sin(heading) * dx + np.cos(heading) * dy
    shapes = (  # centre along the body, distance to the side, half length, half width
        (0, 0, 34, 19), (32, 0, 17, 12), (24, 11, 7, 6), (24, -11, 7, 6), (-55, 0, 26, 2.5),
    )  # fmt: skip
    cover = np.zeros(part.shape)
    for centre, side, length, width in shapes:
        distance = np.hypot((along - centre) / length, (across - side) / width)
        cover = np.maximum(cover, 1 / (1 + np.exp((distance - 1) * min(width, 12))))
    part += (cover * (42 - part)).astype(np.float32)


# -- tracking ------------------------------------------------------------------------------------


def _trackers(scene: Scene, places: NDArray[np.float64]) -> list[dict[str, Any]]:
    """What the tracker wrote with each frame: a moment without any records, no box where it lost the mouse."""
    rng = scene.rng("tracker")
    boxes = np.hstack([places - 38, places + 38]) + rng.normal(0, 0.8, (len(places), 4))
    confidence = np.clip(97 + rng.normal(0, 1.5, len(places)), 50, 99.9)
    found = rng.random(len(places)) > 0.006
    found[0] = True  # so that the first frame of a video shows everything that is drawn
    silent = range(len(places) // 2, len(places) // 2 + 3)
    found[silent.start : silent.stop] = False
    inside = np.stack([_inside(zone, places) for zone in _ZONES], axis=1) & found[:, None]
    listed: list[dict[str, Any]] = []
    before = np.zeros(len(_ZONES), dtype=np.bool_)
    for number, now in enumerate(inside):
        if not found[number]:
            listed.append({} if number in silent else {"tracker": {}})
            continue
        events = [
            {"event": "x" if not now[k] else "o" if before[k] else "e", "id": _zone_id(scene, k),
             "name": zone["name"], "trig": "" if before[k] else _TRIGGERS.get(zone["name"], "")}
            for k, zone in enumerate(_ZONES) if now[k] or before[k]
        ]  # fmt: skip
        box = [float(np.float32(value)) for value in boxes[number]]
        listed.append(
            {"tracker": {"box": box, "conf": float(np.float32(confidence[number])), "zones": events}}
        )
        before = now
    return listed


def _inside(zone: dict[str, Any], places: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the `places` lie in a zone."""
    corners = np.array(zone["coordinates"], dtype=np.float64)
    if zone["type"] == "ellipse":
        axes = np.array([zone["properties"]["majorAxis"], zone["properties"]["minorAxis"]]) / 2
        return np.asarray((((places - corners[0]) / axes) ** 2).sum(axis=1) < 1)
    ahead = np.roll(corners, -1, axis=0) - corners
    to_place = places[:, None] - corners
    side = ahead[:, 0] * to_place[..., 1] - ahead[:, 1] * to_place[..., 0]
    return np.asarray((side > 0).all(axis=1) | (side < 0).all(axis=1))


def _zone_id(scene: Scene, number: int) -> int:
    """Zones are numbered by the time they were drawn, in milliseconds."""
    return scene.start.secs_since_epoch.to_msecs() - 600_000 + 17_350 * number


# -- session metadata ----------------------------------------------------------------------------


def _session(scene: Scene) -> dict[str, Any]:
    fov = {"height": _ROWS, "originx": 0, "originy": 0, "width": _COLUMNS}
    microscope = session_metadata(scene)
    camera = {
        "cameraAlias": _ALIAS,
        "cameraFrameFormat": "jpeg",
        "cameraSerial": "KTM-SAMPLE",
        "enabled": True,
        "recordFov": fov,
        "sensorParams": {
            "brightness": 0,
            "contrast": 32,
            "exposure": {"type": "manual", "value": round(EXPOSURE * 1000)},
            "gain": 0,
            "saturation": 64,
            "sensorFov": fov | {"fps": _RATE},
        },
    }
    system = {
        "behavior": {
            "paired": True,
            "software": {"behaviorIdas": "1.5.0"},
            "synced": True,
            "system": {"sessionName": microscope["name"], "systemSerial": "GA-SAMPLE"},
        },
        "miniscope": {
            "software": {"miniscopeIdas": microscope["producer"]["version"]},
            "system": {"sessionName": microscope["name"], "systemSerial": microscope["microscope"]["serial"]},
        },
    }
    return {
        "cameraName": _CAMERA,
        "processingInterface": {
            _CAMERA: camera,
            "fileFormat": {"container": "mjpeg", "encoding": "jpeg", "metadata": "json"},
            "recordingUUID": scene.recording_uuid,
            "system": system,
        },
        "trackingInterface": [
            {
                "cameraName": _ALIAS,
                "enable": True,
                "zones": [_zone(scene, number) for number in range(len(_ZONES))],
            }
        ],
        "userInterface": {
            "animal": microscope["animal"],
            "customMetadata": {"Arena": {"value": "open field"}},
        },
    }


def _zone(scene: Scene, number: int) -> dict[str, Any]:
    zone = _ZONES[number]
    geometry = {"coordinates": zone["coordinates"], "type": zone["type"]}
    return {
        "description": "",
        "enable": True,
        "geometry": geometry | ({"properties": zone["properties"]} if "properties" in zone else {}),
        "id": _zone_id(scene, number),
        "inColor": {"borderColor": [255, 0, 0, 255]},
        "name": zone["name"],
        "outColor": {"borderColor": _COLORS[number]},
    }
