"""Packets of `.gpio` files (docs/formats/gpio.md, Packets)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CHANNEL_NAMES", "CLOSED_LOOP_GPO", "EX_LED", "LED_CODES", "MAX_PACKET", "PACKETS", "PAYLOAD_WORDS", "SYNC",
    "WAVEFORM", "Field", "Packets", "digital_input", "scan",
]  # fmt: skip

SYNC = 0x0000AA55
WAVEFORM = 0x0E
#: Words of the largest packet.
MAX_PACKET = 13

#: Channels by code. The order is that of the points at the end of a recording.
CHANNEL_NAMES = (
    "Frame Count",
    *(f"Digital GPI {i}" for i in range(8)),
    *(f"Digital GPO {i}" for i in range(8)),
    *(f"GPIO-{i}" for i in range(1, 5)),
    "EX-LED",
    "OG-LED",
    "DI-LED",
    "e-focus",
    "BNC Trigger Input",
    "BNC Sync Output",
)
_GPI, _GPO, _BNC, _LED, _EFOCUS, _TRIGGER, _SYNC_OUT = 1, 9, 17, 21, 24, 25, 26
#: Code of the channel that a second LED colour renames, with the one after it.
EX_LED = _LED
LED_CODES = range(_LED, _LED + 3)

_BNC_MASK, _LED_MASK, _WHOLE = 0xFFF0, 0xFFFF, 0xFFFFFFFF
_WHOLE_BNC = 0xFFFFFFF0


def digital_input(number: int) -> int:
    """Code of the channel "Digital GPI `number`"."""
    return _GPI + number


@dataclass(frozen=True)
class Field:
    """Where a packet holds the value of a channel: a word of the payload, shifted right, then masked."""

    channel: int
    word: int
    shift: int = 0
    mask: int = _WHOLE


_BNC_PAIRS = ((0, 0), (0, 16), (1, 0), (1, 16))

#: Payload size in words, and the points a packet gives in their order, by the low byte of the type.
PACKETS: dict[int, tuple[int, tuple[Field, ...]]] = {
    0x01: (
        9,
        (
            *(Field(_GPI + i, 3, i, 1) for i in range(8)),
            *(Field(_GPO + i, 3, 16 + i, 1) for i in range(8)),
            *(Field(_BNC + i, 4 + w, s, _BNC_MASK) for i, (w, s) in enumerate(_BNC_PAIRS)),
            Field(_LED, 6, 0, _LED_MASK),
            Field(_LED + 1, 6, 16, _LED_MASK),
            Field(_LED + 2, 7, 0, _LED_MASK),
            Field(_EFOCUS, 7, 16, 0xFFFF),
            Field(_SYNC_OUT, 8, 0, 1),
            Field(_TRIGGER, 8, 1, 1),
        ),
    ),
    0x02: (
        6,
        (
            *(Field(_GPI + i, 3, i, 1) for i in range(8)),
            Field(_TRIGGER, 3, 16, 0xFFFF),
            *(Field(_BNC + i, 4 + w, s, _BNC_MASK) for i, (w, s) in enumerate(_BNC_PAIRS)),
        ),
    ),
    **{0x03 + i: (4, (Field(_BNC + i, 3, 0, _WHOLE_BNC),)) for i in range(4)},
    0x07: (4, tuple(Field(_GPI + i, 3, i, 1) for i in range(8))),
    **{0x08 + i: (4, (Field(_LED + i, 3, 0, _LED_MASK),)) for i in range(3)},
    0x0B: (3, (Field(0, 2),)),
    0x0C: (4, (Field(_TRIGGER, 3),)),
    0x0D: (4, (Field(_SYNC_OUT, 3),)),
    WAVEFORM: (2, ()),
}
#: Channels that files of closed-loop systems do not fill.
CLOSED_LOOP_GPO = range(_GPO + 4, _GPO + 8)

#: Payload size by the low byte of the type, -1 for unknown types.
PAYLOAD_WORDS = np.full(256, -1, dtype=np.int64)
for _code, (_words, _) in PACKETS.items():
    PAYLOAD_WORDS[_code] = _words


@dataclass(frozen=True)
class Packets:
    """Packets that begin in one block of the file, in order; positions count words."""

    positions: NDArray[np.int64]
    ends: NDArray[np.int64]  # where the search for the next sync word goes on
    is_event: NDArray[np.bool_]
    code: NDArray[Any]  # low byte of the type
    is_known: NDArray[np.bool_]  # an event of a known type and of the right size

    def __len__(self) -> int:
        return len(self.positions)

    def select(self, which: slice | NDArray[np.bool_]) -> Packets:
        """Some of the packets."""
        return Packets(
            self.positions[which],
            self.ends[which],
            self.is_event[which],
            self.code[which],
            self.is_known[which],
        )


def scan(words: NDArray[np.uint32], stop: int) -> Packets:
    """Packets whose sync word lies in ``words[:stop]``.

    Every sync word opens a packet unless it lies inside the header or the payload of one before it. That is
    rare, so only such places are walked through one by one.
    """
    found = np.flatnonzero(words[:stop] == SYNC)
    found = found[: int(found.searchsorted(len(words) - 4, "right"))]  # a header that is cut off is none
    types = words[found + 1]
    is_event = (types >> 8) == 0x40
    code = types & 0xFF
    size = np.where(is_event, PAYLOAD_WORDS[code], -1)
    is_known = (size >= 0) & (size == words[found + 3])
    ends = found + 4 + np.where(is_known, size, 0)
    hidden = _hidden(found, ends)
    packets = Packets(found, ends, is_event, code, is_known)
    return packets if hidden is None else packets.select(~hidden)


def _hidden(found: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_] | None:
    """Which sync words lie inside a packet that begins before them; None if none does."""
    overlapping = np.flatnonzero(found[1:] < ends[:-1])
    if not len(overlapping):
        return None
    hidden = np.zeros(len(found), dtype=np.bool_)
    following = found.searchsorted(ends[overlapping])
    free_from = 0
    for k, free in zip(overlapping.tolist(), following.tolist(), strict=True):
        if k >= free_from:
            hidden[k + 1 : free] = True
            free_from = free
    return hidden
