"""JPEG images of constant 8x8 blocks, encoded bit by bit: exact in every decoder, with any layout of segments."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

_DC_COUNTS = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]  # codes per length of the standard luma table


def _dc_codes() -> list[str]:
    codes, code = [], 0
    for length, count in enumerate(_DC_COUNTS, 1):
        for _ in range(count):
            codes.append(format(code, f"0{length}b"))
            code += 1
        code <<= 1
    return codes


_CODES = _dc_codes()


def _difference(value: int) -> str:
    """A DC difference: Huffman code of its size, then its bits."""
    size = abs(value).bit_length()
    bits = format(value if value >= 0 else value + (1 << size) - 1, f"0{size}b") if size else ""
    return _CODES[size] + bits


def segment(code: int, data: bytes) -> bytes:
    return b"\xff" + bytes([code]) + struct.pack(">H", len(data) + 2) + data


def _entropy(bits: str) -> bytes:
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big") if bits else b""
    return data.replace(b"\xff", b"\xff\x00")


def expected(levels: np.ndarray, width: int, height: int) -> np.ndarray:
    """The picture that an image of `levels` shows."""
    return np.kron(levels, np.ones((8, 8), np.uint8))[:height, :width]


def jpeg_of_levels(
    levels: np.ndarray,
    width: int,
    height: int,
    *,
    sampling: Sequence[tuple[int, int]] = ((2, 2), (1, 1), (1, 1)),
    restart: int = 0,
    before: bytes = b"",
    after_sos_fill: bytes = b"",
    chroma: int = 0,
) -> bytes:
    """A baseline image whose luma blocks have the given `levels`.

    `sampling` holds (horizontal, vertical) factors of each component, `restart` the interval of restart markers in
    MCUs, `before` extra segments behind the start marker, `chroma` the DC value of the other components.
    """
    wide, high = sampling[0]
    if len(sampling) == 1:
        wide = high = 1  # a scan of one component is never interleaved
    columns, rows = -(-width // (8 * wide)), -(-height // (8 * high))
    parts, bits, previous = [], "", [0] * len(sampling)
    for mcu in range(columns * rows):
        if restart and mcu and mcu % restart == 0:
            parts += [_entropy(bits), bytes([0xFF, 0xD0 + (mcu // restart - 1) % 8])]
            bits, previous = "", [0] * len(sampling)
        top, left = divmod(mcu, columns)
        for y in range(high):
            for x in range(wide):
                row, column = (
                    min(top * high + y, levels.shape[0] - 1),
                    min(left * wide + x, levels.shape[1] - 1),
                )
                value = int(levels[row, column]) - 128
                bits += _difference(value - previous[0]) + "0"
                previous[0] = value
        for component, (h, v) in enumerate(sampling[1:], 1):
            for _ in range(h * v):
                bits += _difference(chroma - previous[component]) + "0"
                previous[component] = chroma
    parts.append(_entropy(bits))
    frame = struct.pack(">BHHB", 8, height, width, len(sampling))
    frame += b"".join(bytes([i + 1, h << 4 | v, 0]) for i, (h, v) in enumerate(sampling))
    scan = (
        bytes([len(sampling)]) + b"".join(bytes([i + 1, 0]) for i in range(len(sampling))) + b"\x00\x3f\x00"
    )
    return b"".join(
        [
            b"\xff\xd8",
            before,
            segment(0xDB, b"\x00" + bytes([8] * 64)),
            segment(0xC4, b"\x00" + bytes(_DC_COUNTS) + bytes(range(12))),
            segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\x00"),
            segment(0xDD, struct.pack(">H", restart)) if restart else b"",
            segment(0xC0, frame),
            segment(0xDA, scan),
            *parts,
            after_sos_fill,
            b"\xff\xd9",
        ]
    )
