"""Movies in which planes or colours take turns, from frame headers built value by value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import isx
from builders import movies as make
from builders.isxd import isxd
from builders.movie import UUID

GREEN, RED = ord("G"), ord("R")
FIRST_STAMP, TICK = 2**33 + 17, 50_003  # us


def interleaved(
    path: Path,
    key: Callable[[int], dict[str, int]],
    count: int,
    *,
    stamped: bool = True,
    jitter: Callable[[int], int] = lambda k: 0,
    counter: Callable[[int], int] = lambda k: 7 + k,
    **missing: Any,
) -> isx.Movie:
    """A movie of 3 x 4 pixels whose sample k has all pixels k, and what `key` says in its header."""
    lost = {int(k) for name in ("dropped", "blank") for k in missing.get(name, ())}
    for text in missing.get("cropped", ()):
        first, _, last = text.partition("-")
        lost |= set(range(int(first), int(last or first) + 1))
    valid = [k for k in range(count) if k not in lost]
    frames = np.stack([np.full((3, 4), k, np.uint16) for k in valid])
    headers = [
        make.header_line(timestamp=FIRST_STAMP + TICK * k + jitter(k), frame_count=counter(k), **key(k))
        for k in valid
    ]
    extra = {
        "producer": {"version": "1.9.0" if stamped else "1.0.0"},
        "processingInterface": {"recordingUUID": UUID},
    }
    timing = {"start": {"secsSinceEpoch": {"num": 1_600_000_000_123, "den": 1000}, "utcOffset": 0}}
    members = make.metadata((3, 4), "uint16", count, extraProperties=extra, **missing)
    members["timingInfo"]["start"] |= timing["start"]
    members["hasFrameHeaderFooter"] = True
    path.write_bytes(isxd(make.with_lines(frames, headers), members))
    return isx.Movie.read(path)


def three_planes(k: int) -> dict[str, int]:
    return {"efocus": (0, 500, 900)[k % 3], "color_id": GREEN, "led1_power": 1000}
