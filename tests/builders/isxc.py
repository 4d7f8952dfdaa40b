"""Compressed microscope movies built byte by byte from the layout in docs/formats/isxc.md."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np


def session(
    count: int, shape: tuple[int, int], dropped: tuple[int, ...] = (), **changes: Any
) -> dict[str, Any]:
    one, zero = {"num": 3, "den": 1}, {"num": 0, "den": 1}
    return {
        "type": 0,
        "dataType": 0,
        "timingInfo": {
            "numTimes": count, "period": {"num": 50, "den": 1000}, "dropped": list(dropped), "cropped": [], "blank": [],
            "start": {"secsSinceEpoch": {"num": 1_700_000_000_123, "den": 1000}, "utcOffset": -18000},
        },
        "spacingInfo": {
            "numPixels": {"x": shape[1], "y": shape[0]},
            "pixelSize": {"x": one, "y": one},
            "topLeft": {"x": zero, "y": zero},
        },
    } | changes  # fmt: skip


def counter_values(stamps: np.ndarray, count: int) -> np.ndarray:
    """Sensor values of frames, of which the last eight are the time stamp; shape (frames, count)."""
    values = np.zeros((len(stamps), count), np.uint16)
    for k in range(8):
        values[:, count - 8 + k] = ((stamps >> (8 * k)) & 0xFF) << 4
    return values


def isxc(
    path: Path,
    video: bytes,
    tile_bytes: np.ndarray,
    meta: Any,
    shape: tuple[int, int],
    tile: tuple[int, int],
    values: np.ndarray | None = None,
    **header: int,
) -> Path:
    """Write a file; `header` overrides fields. Shapes: `tile_bytes` (frames, tiles), `values` (frames, values)."""
    frames, tiles = tile_bytes.shape
    values = np.zeros((frames, 0), np.uint16) if values is None else values
    records = b"".join(
        v.astype("<u2").tobytes() + b.tobytes() for v, b in zip(values, tile_bytes, strict=True)
    )
    text = meta if isinstance(meta, bytes) else json.dumps(meta).encode()
    at_table = 136 + len(video)
    at_session = at_table + len(records)
    fields = {
        "num": 1, "den": 1000, "utc": 0, "version": 1, "tiles": tiles, "num_values": values.shape[1], "frames": frames,
        "kind1": 1, "flag1": 1, "type1": 1, "free1": 0, "width": shape[1], "height": shape[0],
        "video_size": len(video), "video_at": 136,
        "kind2": 2, "flag2": 1, "type2": 0, "free2": 0, "tile_width": tile[1], "tile_height": tile[0],
        "table_size": len(records), "table": at_table, "session": at_session, "session_size": len(text),
    } | header  # fmt: skip
    head = struct.pack("<QQqQQQQHHHHIIQQHHHHIIQQQQ", *fields.values())
    path.write_bytes(head + video + records + text)
    return path


def expanded(luma: np.ndarray, tile_bytes: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """Pixels of frames, by a plain loop over tiles."""
    out = np.zeros(luma.shape, np.uint16)
    per_row = luma.shape[2] // tile[1]
    for frame, numbers in enumerate(tile_bytes):
        for i, b in enumerate(numbers.tolist()):
            shift = 4 - int((b - 49) / 32)
            top, left = tile[0] * (i // per_row), tile[1] * (i % per_row)
            area = np.s_[frame, top : top + tile[0], left : left + tile[1]]
            out[area] = luma[area].astype(np.uint16) << shift if b < 209 else 0
    return out
