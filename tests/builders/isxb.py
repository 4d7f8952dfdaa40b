"""Behaviour movies built byte by byte from the layout in docs/formats/isxb.md, not by the package's own code."""

from __future__ import annotations

import copy
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SESSION: dict[str, Any] = {
    "cameraName": "camera-1",
    "processingInterface": {
        "camera-1": {
            "cameraAlias": "top",
            "cameraSerial": "S1",
            "recordFov": {"width": 64, "height": 48, "originx": 4, "originy": 6},
        },
        "recordingUUID": "AB-1",
    },
}


def session(width: int = 64, height: int = 48, **changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(SESSION)
    made["processingInterface"]["camera-1"]["recordFov"].update(width=width, height=height)
    return made | changes


def jpeg(pixels: np.ndarray, **options: Any) -> bytes:
    """A JPEG image of `pixels`; grey, or colour if they have three axes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **({"quality": 90} | options))
    return buffer.getvalue()


def blocks(seed: int, width: int = 64, height: int = 48, *, color: bool = False) -> np.ndarray:
    """A picture of constant 8x8 blocks, which every decoder gives exactly alike."""
    rng = np.random.default_rng(seed)
    shape = (-(-height // 8), -(-width // 8))
    tiles = rng.integers(16, 240, shape, dtype=np.uint8)
    picture = np.kron(tiles, np.ones((8, 8), np.uint8))[:height, :width]
    return np.dstack([picture] * 3) if color else picture


def samples(
    count: int, dropped: tuple[int, ...] = (), step: int = 50_000, fc: int = 0
) -> list[dict[str, Any]]:
    """Frame records of `count` samples less the dropped ones."""
    kept = [i for i in range(count) if i not in dropped]
    return [{"fc": fc + i, "tsc": 10_000_000 + i * step} for i in kept]


def isxb(
    path: Path,
    images: list[bytes],
    session_json: Any,
    frames: Any = None,
    *,
    start: int = 1_700_000_000_123,
    offset: int = -300,
    dropped: tuple[int, ...] = (),
    gaps: tuple[int, int, int] = (0, 0, 0),
    **header: int,
) -> Path:
    """Write a file; `gaps` go before the video, the frame and the session metadata, `header`
    overrides fields.

    `frames` is the list of samples or the complete frame metadata; False for none.
    """
    video = b"".join(images)
    count = len(images)
    if frames is None:
        frames = samples(count + len(dropped), dropped)
    if isinstance(frames, list):
        frames = {"droppedFrames": list(dropped), "samples": frames}
    meta = b"" if frames is False else frames if isinstance(frames, bytes) else json.dumps(frames).encode()
    tail = session_json if isinstance(session_json, bytes) else json.dumps(session_json).encode()
    at_video = 96 + gaps[0]
    at_meta = at_video + len(video) + gaps[1]
    at_session = at_meta + len(meta) + gaps[2]
    fields = {
        "version": 100, "size": 96, "start": start, "offset": offset, "stored": count, "drops": len(dropped),
        "video": at_video, "video_size": len(video), "meta": at_meta, "meta_size": len(meta),
        "session": at_session, "session_size": len(tail),
    } | header  # fmt: skip
    body = struct.pack("<QQQqQQQQQQQQ", *fields.values())
    body += b"\xff\xd8" * (gaps[0] // 2) + bytes(gaps[0] % 2) + video + b"\xff" * gaps[1] + meta
    path.write_bytes(body + b" " * gaps[2] + tail)
    return path


def movie(path: Path, count: int = 3, *, dropped: tuple[int, ...] = (), **options: Any) -> Path:
    """A file of `count` stored frames of 64 x 48 blocks."""
    images = [jpeg(blocks(i, color=True)) for i in range(count)]
    return isxb(path, images, session(), dropped=dropped, **options)
