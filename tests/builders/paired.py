"""Files of one recording that share a counter, built byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from builders.isxb import isxb, jpeg, samples, session
from builders.isxd import instant, ratio
from builders.movie import UUID, isxd_movie
from builders.sets import events

NAMES = ("A", "B,x", "C")


def microscope(path: Path, counters: Sequence[int], **options: Any) -> Path:
    """A microscope movie of 2 x 3 pixels with these time stamps."""
    frames = np.arange(len(counters) * 6, dtype=np.uint16).reshape(-1, 2, 3)
    return isxd_movie(path, frames, counters=counters, **options)


def behavior(
    path: Path,
    tsc: Sequence[int],
    *,
    start: int = 1_600_000_005_000,
    offset: int = 0,
    uuid: str | None = UUID,
    dropped: tuple[int, ...] = (),
    trackers: Sequence[Any] = (),
    **extra: Any,
) -> Path:
    """A behaviour movie of 64 x 48 pixels with these time stamps; `trackers` go to the first frames."""
    made = session(64, 48, **extra)
    made["processingInterface"]["recordingUUID"] = uuid
    if uuid is None:
        del made["processingInterface"]["recordingUUID"]
    records = samples(len(tsc) + len(dropped), dropped)
    for record, counter in zip(records, tsc, strict=True):
        record["tsc"] = counter
    for record, tracker in zip(records, trackers, strict=False):
        if tracker is not None:
            record["tracker"] = tracker
    image = jpeg(np.zeros((48, 64), np.uint8))
    return isxb(path, [image] * len(tsc), made, records, start=start, offset=offset, dropped=dropped)


def gpio(
    path: Path,
    first: int | None = 10_000_000,
    *,
    start: tuple[int, int] = (1_600_000_000_000, 1000),
    utc_offset: int = -25200,
    uuid: str = UUID,
    kind: int = 3,
    points: Sequence[tuple[int, int, float]] = (),
    names: Sequence[str] = NAMES,
) -> Path:
    """GPIO data as the vendor's conversion stores them; `points` are (channel, offset, value)."""
    extra: dict[str, Any] = {"processingInterface": {"recordingUUID": uuid}}
    if first is not None:
        extra["firstTsc"] = first
    body = b"".join(struct.pack("<QQf", offset, channel, value) for channel, offset, value in points)
    return events(
        path,
        names,
        body,
        **{
            "global times": [
                instant(*start, utc_offset),
                instant(start[0] + 60 * start[1], start[1], utc_offset),
            ]
        },
        extraProperties=extra,
        numSamples=[sum(channel == i for channel, _, _ in points) for i in range(len(names))],
        signalSteps=[ratio(1, 1000)] * len(names),
        startOffsets=[
            min((offset for channel, offset, _ in points if channel == i), default=0)
            for i in range(len(names))
        ],
        type=kind,
    )
