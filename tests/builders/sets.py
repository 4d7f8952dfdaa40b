"""Cell sets, event sets and vessel sets byte by byte, from the descriptions of the formats and not with this package."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from builders.isxd import instant, isxd, ratio, spacing

PACKET = np.dtype([("offset", "<u8"), ("channel", "<u8"), ("value", "<f4")])
OLD_PACKET = np.dtype([("time", "<u8"), ("bits", "<u4"), ("reserved", "<u4")])
WHITE = 0xFFFFFFFF


def timing(num_times: int, **changes: Any) -> dict[str, Any]:
    start = instant(1700000000123, 1000, 3600)
    return {"numTimes": num_times, "period": ratio(50, 1000), "start": start} | changes


def cell_members(count: int, shape: tuple[int, int], num_times: int, **changes: Any) -> dict[str, Any]:
    members = {
        "CellActivity": [True] * count,
        "CellColors": [WHITE] * count,
        "CellNames": [f"C{i}" for i in range(count)],
        "CellStatuses": [i % 3 for i in range(count)],
        "CentroidDistances": [],
        "Matches": [],
        "PairScores": [],
        "SizeGlobalCS": 0,
        "cellMetrics": None,
        "dataType": "float",
        "efocusValues": [0],
        "extraProperties": None,
        "fileVersion": 5,
        "isRoiSet": False,
        "spacingInfo": spacing(*shape),
        "timingInfo": timing(num_times),
        "type": 1,
    } | changes
    return {key: value for key, value in members.items() if value != "absent"}


def cells(path: Path, images: np.ndarray, traces: np.ndarray, *, stray: bytes = b"", **changes: Any) -> Path:
    """A cell set; members given as 'absent' are left out."""
    body = b"".join(
        image.astype("<f4").tobytes() + trace.astype("<f4").tobytes()
        for image, trace in zip(images, traces, strict=True)
    )
    members = cell_members(len(images), images.shape[1:], traces.shape[1], **changes)
    path.write_bytes(isxd(body + stray, members))
    return path


def packets(*rows: tuple[int, int, float]) -> bytes:
    """(channel, offset, value) in the order of the file."""
    return np.array([(offset, channel, value) for channel, offset, value in rows], PACKET).tobytes()


def events(path: Path, names: Sequence[str], body: bytes, **changes: Any) -> Path:
    """An event set in the second layout, 2 s long."""
    path.write_bytes(isxd(body, event_members(names, **changes)))
    return path


def event_members(names: Sequence[str], **changes: Any) -> dict[str, Any]:
    count = len(names)
    members = {
        "channel list": list(names),
        "extraProperties": None,
        "fileType": 1,
        "fileVersion": 2,
        "global times": [instant(1500, 1000, -60), instant(3500, 1000, -60)],
        "metrics": None,
        "numSamples": [0] * count,
        "signalSteps": [ratio(50, 1000)] * count,
        "signalTypes": [0] * count,
        "startOffsets": [0] * count,
        "type": 5,
    } | changes
    return {key: value for key, value in members.items() if value != "absent"}


def old_block(name: str, points: Sequence[tuple[int, float, int]], count: int | None = None) -> bytes:
    """A channel of the first layout: (microseconds since 1970, magnitude, state)."""
    text = {
        "channel": name,
        "mode": "",
        "GPIO Trigger/Follow": "",
        "Number of Packets": len(points) if count is None else count,
    }
    rows = np.zeros(len(points), OLD_PACKET)
    for row, (time, magnitude, state) in zip(rows, points, strict=True):
        bits = int(np.float32(magnitude).view(np.uint32))
        row["time"], row["bits"] = time, bits | (state << 31)
    return json.dumps(text).encode() + b"\0" + rows.tobytes()


def old_events(path: Path, blocks: dict[str, bytes], **changes: Any) -> Path:
    """An event set in the first layout, its blocks in the order given."""
    places, body = {}, b""
    for name, block in blocks.items():
        places[name] = len(body)
        body += block
    members = {
        "type": 5,
        "channel offsets": places,
        "timing info": timing(30, start=instant(1000, 1000), dropped=[2]),
        "dataType": 1,
        "analog": False,
        "fileVersion": 1,
    } | changes
    path.write_bytes(isxd(body, {key: value for key, value in members.items() if value != "absent"}))
    return path


def vessels(
    path: Path,
    image: np.ndarray,
    parts: Sequence[Sequence[np.ndarray]],
    *,
    velocity: bool = False,
    gap: int | None = None,
    **changes: Any,
) -> Path:
    """A vessel set; `parts` holds for each vessel the line, the trace, and what else there is."""
    count, num_times = len(parts), len(parts[0][1]) if parts else 4
    body = image.astype("<f4").tobytes() if count else b""
    for line, *rest in parts:
        body += line.astype("<i8").tobytes() + b"".join(values.astype("<f4").tobytes() for values in rest)
    body += bytes((64 if velocity else 32) if gap is None else gap) if count else b""
    members = vessel_members(count, image.shape, num_times, velocity=velocity, **changes)
    path.write_bytes(isxd(body, members))
    return path


def vessel_members(
    count: int, shape: tuple[int, int], num_times: int, *, velocity: bool = False, **changes: Any
) -> dict[str, Any]:
    kind = "red blood cell velocity" if velocity else "vessel diameter"
    members = {
        "SizeGlobalVS": 0,
        "VesselActivity": [True] * count,
        "VesselColors": [WHITE] * count,
        "VesselNames": [f"V{i}" for i in range(count)],
        "VesselStatuses": [i % 3 for i in range(count)],
        "dataType": "float",
        "efocusValues": [0],
        "extraProperties": {"idps": {"vesselset": {"type": kind}}},
        "fileVersion": 5,
        "spacingInfo": spacing(*shape),
        "timingInfo": timing(num_times),
        "type": 8,
    } | changes
    return {key: value for key, value in members.items() if value != "absent"}
