"""What `.isxd` files of all kinds have in common, byte by byte from the description of the format."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any


def ratio(num: int, den: int = 1) -> dict[str, int]:
    return {"num": num, "den": den}


def instant(num: int, den: int = 1, utc_offset: int = 0) -> dict[str, Any]:
    return {"secsSinceEpoch": ratio(num, den), "utcOffset": utc_offset}


def spacing(rows: int, cols: int) -> dict[str, Any]:
    return {
        "numPixels": {"x": cols, "y": rows},
        "pixelSize": {"x": ratio(3), "y": ratio(3)},
        "topLeft": {"x": ratio(0), "y": ratio(0)},
    }


def isxd(body: bytes, members: Any, *, junk: bytes = b"") -> bytes:
    """A whole file; `members` are its metadata, or their text."""
    text = members if isinstance(members, bytes) else json.dumps(members).encode()
    return body + text + b"\0" + struct.pack("<Q", len(text)) + junk


def parts(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Body and metadata of a file, by the strict rule: the length field counts the text and nothing else."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[-8:])
    assert data[-9] == 0
    return data[: -9 - length], json.loads(data[-9 - length : -9])


def metadata_of(path: Path) -> dict[str, Any]:
    return parts(path)[1]


def body_of(path: Path) -> bytes:
    return parts(path)[0]
