"""Microscope movies built byte by byte from the layout in docs/formats, not by the package's own code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from builders.isxd import instant, isxd, ratio, spacing

CODES = {np.dtype(np.uint16): 0, np.dtype(np.float32): 1, np.dtype(np.uint8): 2}
UUID = "AC-00111111-0000000000-1"


def header_line(counter: int) -> bytes:
    """2560 values, the time stamp in bits 4 to 11 of values 1272 to 1279."""
    line = np.zeros(2560, np.uint16)
    line[0] = 0x0A0
    line[1272:1280] = [((counter >> (8 * k)) & 0xFF) << 4 for k in range(8)]
    return line.tobytes()


def isxd_movie(
    path: Path,
    frames: np.ndarray,
    *,
    counters: Sequence[int] | None = None,
    num_samples: int | None = None,
    start: tuple[int, int] = (1_600_000_000_000, 1000),
    utc_offset: int = -25200,
    period: tuple[int, int] = (50, 1000),
    dropped: Sequence[int] = (),
    cropped: Sequence[tuple[int, int]] = (),
    blank: Sequence[int] = (),
    kind: int = 0,
    uuid: str | None = UUID,
    version: str = "1.1.1",
    indent: int | None = 4,
    **members: Any,
) -> Path:
    """Write a movie of the stored `frames`; `counters` are their time stamps, `members` go into the footer."""
    frames = np.asarray(frames)
    count, rows, cols = frames.shape
    extra: dict[str, Any] = {"producer": {"name": "nVista", "version": version}}
    if uuid is not None:
        extra["processingInterface"] = {"recordingUUID": uuid}
    metadata = {
        "type": kind,
        "dataType": CODES[frames.dtype],
        "fileVersion": 1,
        "hasFrameHeaderFooter": counters is not None,
        "extraProperties": extra,
        "producer": {"name": "test", "version": [1, 0, 0]},
        "timingInfo": {
            "numTimes": count if num_samples is None else num_samples,
            "period": ratio(*period),
            "start": instant(*start, utc_offset),
            "dropped": list(dropped),
            "cropped": [f"{first} - {last}" for first, last in cropped],
            "blank": list(blank),
        },
        "spacingInfo": spacing(rows, cols),
    } | members
    parts = []
    for k, frame in enumerate(frames):
        if counters is None:
            parts.append(frame.tobytes())
        else:
            parts += [header_line(counters[k]), frame.tobytes(), bytes(5120)]
    text = json.dumps(metadata, indent=indent, sort_keys=True).encode()
    path.write_bytes(isxd(b"".join(parts), text))
    return path
