"""Movie files byte by byte, from the descriptions of the formats and not with this package."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from builders.isxd import instant, ratio, spacing

CODES = {"uint16": 0, "float32": 1, "uint8": 2}


def metadata(shape: tuple[int, int], dtype: str, num_times: int, **changes: Any) -> dict[str, Any]:
    """Trailing JSON of a movie; `changes` replace members, those of ``timingInfo`` and ``spacingInfo`` too."""
    members: dict[str, Any] = {
        "type": 0,
        "dataType": CODES[dtype],
        "fileVersion": 1,
        "hasFrameHeaderFooter": False,
        "extraProperties": None,
        "timingInfo": {
            "numTimes": num_times,
            "period": ratio(50, 1000),
            "start": instant(1523469679261, 1000, -25200),
            "dropped": [],
            "cropped": [],
            "blank": [],
        },
        "spacingInfo": spacing(*shape),
    }
    for key, value in changes.items():
        section = next((s for s in ("timingInfo", "spacingInfo") if key in members[s]), None)
        (members if section is None else members[section])[key] = value
    return members


def header_line(**values: int) -> bytes:
    """A header line with one byte of information in bits 4 to 11 of each value."""
    line = np.zeros(2560, "<u2")
    line[0] = 0x00A0
    places = {
        "color_id": (1256, 1),
        "write_enable": (1257, 1),
        "frame_count": (1258, 4),
        "led1_power": (1262, 2),
        "led1_forward_voltage": (1264, 2),
        "led2_power": (1266, 2),
        "led2_forward_voltage": (1268, 2),
        "efocus": (1270, 2),
        "timestamp": (1272, 8),
    }
    for name, value in values.items():
        first, count = places[name]
        for k in range(count):
            line[first + k] = ((value >> (8 * k)) & 0xFF) << 4
    return line.tobytes()


def with_lines(frames: np.ndarray, headers: list[bytes]) -> bytes:
    footer = bytes(5120)
    return b"".join(h + f.tobytes() + footer for h, f in zip(headers, frames, strict=True))


def tiff_bytes(
    pages: list[np.ndarray],
    *,
    order: str = "<",
    big: bool = False,
    rows_per_strip: int | None = None,
    extra: dict[int, tuple[int, int]] | None = None,
    data_first: bool = True,
) -> bytes:
    """A TIFF file of uncompressed pages; `extra` holds further tags as (type, value).

    Without `data_first` all tables come before all pixels (for pages of one strip).
    """
    number, entry, pointer = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    size = 8 if big else 4
    out = bytearray(
        (b"II" if order == "<" else b"MM")
        + (struct.pack(order + "HHHQ", 43, 8, 0, 0) if big else struct.pack(order + "HI", 42, 0))
    )
    link = len(out) - size
    waiting = []
    for page in pages:
        rows, cols = page.shape
        step = rows_per_strip or max(rows, 1)
        strips = [
            page[i : i + step].astype(page.dtype.newbyteorder(order)).tobytes() for i in range(0, rows, step)
        ]
        strips = strips or [b""]
        starts = []
        for strip in strips:
            starts.append(len(out) if data_first else 0)
            out += strip if data_first else b""
        kinds = {"u": 1, "i": 2, "f": 3}
        tags: dict[int, tuple[int, list[int]]] = {
            256: (4, [cols]),
            257: (4, [rows]),
            258: (3, [page.dtype.itemsize * 8]),
            259: (3, [1]),
            262: (3, [1]),
            273: (16 if big else 4, starts),
            277: (3, [1]),
            278: (4, [step]),
            279: (4, [len(s) for s in strips]),
            339: (3, [kinds[page.dtype.kind]]),
        }
        tags |= {tag: (kind, [value]) for tag, (kind, value) in (extra or {}).items()}
        widths = {3: "H", 4: "I", 16: "Q"}
        packed = {}
        for tag, (kind, values) in sorted(tags.items()):
            raw = struct.pack(f"{order}{len(values)}{widths[kind]}", *values)
            if len(raw) > size:
                packed[tag] = struct.pack(order + pointer, len(out))
                out += raw
            else:
                packed[tag] = raw.ljust(size, b"\0")
        table = len(out)
        struct.pack_into(order + pointer, out, link, table)
        out += struct.pack(order + number, len(tags))
        for tag, (kind, values) in sorted(tags.items()):
            out += struct.pack(order + entry, tag, kind, len(values)) + packed[tag]
            if tag == 273:
                waiting.append((len(out) - size, b"".join(strips)))
        link = len(out)
        out += bytes(size)
    for at, data in [] if data_first else waiting:
        struct.pack_into(order + pointer, out, at, len(out))
        out += data
    return bytes(out)


def write_hdf5(path: Path, images: np.ndarray | None, stamps: Any = None, **options: Any) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        if images is not None:
            file.create_dataset("images", data=images, **options)
        if stamps is not None:
            file["timeStamp"] = stamps
    return path


def xml_text(attributes: dict[str, Any], parts: list[Any]) -> str:
    attrs = "".join(f'<attr name="{name}">{value}</attr>' for name, value in attributes.items())
    files = ""
    for part in parts:
        name, frames = part if isinstance(part, tuple) else (part, None)
        files += f"<file>{name}</file>" if frames is None else f'<file frames="{frames}">{name}</file>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<recording name="r"><attrs>{attrs}</attrs><decompressed>{files}</decompressed></recording>'
    )
