"""Packets of `.gpio` files of nVista 3 and nVoke 2 (spec 07, sections 3.2 to 3.5). Little-endian, no padding.

A packet is u32 sync word 0x0000AA55, u32 type, u32 sequence number, u32 payload size in words of 4 bytes, then
the payload. Packets lie at multiples of 4 from ``eventDataOffset``; a reader looks for sync words up to the end of
the file. Types 0x40xx are events. All payloads but the waveform's begin with u32 high and u32 low word of the time
stamp in microseconds and the u32 frame count; what follows is

==============  =====  ===================================================================
type            words  payload after these three words
==============  =====  ===================================================================
0x4001          9      capture all: u32 digital; u16 BNC 1-4; u16 EX, OG, DI LED; u16 e-focus;
                       u32 trigger (bit 1) and sync (bit 0)
0x4002          6      capture GPIO: u16 digital; u16 trigger; u16 BNC 1-4
0x4003-0x4006   4      BNC 1-4: u32 value
0x4007          4      u32 digital inputs
0x4008-0x400A   4      EX, OG, DI LED: u32 value
0x400B          3      frame count (nothing more)
0x400C, 0x400D  4      BNC trigger, BNC sync: u32 value
0x400E          2      waveform, two u32 of its own: ignored
==============  =====  ===================================================================

``digital`` has the inputs in bits 0-7 and the outputs in bits 16-23. LEDs are in tenths of mW/mm^2 (low 16 bits),
BNC values are rounded down to a multiple of 16.

A point is kept when the value of its channel changes. Where the sequence numbers jump, every channel but the frame
count becomes NaN one microsecond after the last time stamp. At the end every channel gets its last value once
more. The file is read in blocks, so memory grows with the points kept and not with the packets.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isx.errors import IsxFormatError
from isx.formats.gpio_signals import NO_SYNC, PacketStatistics, Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from isx.files import InputFile

__all__ = ["CHANNEL_NAMES", "EX_LED", "SYNC", "Decoder", "digital_input"]

SYNC = 0x0000AA55
_WAVEFORM = 0x0E
_BLOCK_WORDS = 1 << 19
_MAX_PACKET = 13  # words

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
_NUM_CODES = len(CHANNEL_NAMES)
_BNC_CODES = range(_BNC, _BNC + 4)
_LED_CODES = range(_LED, _LED + 3)

_BNC_MASK, _LED_MASK, _WHOLE = 0xFFF0, 0xFFFF, 0xFFFFFFFF
_WHOLE_BNC = 0xFFFFFFF0


def digital_input(number: int) -> int:
    """Code of the channel "Digital GPI `number`"."""
    return _GPI + number


@dataclass(frozen=True)
class _Field:
    """Where a packet holds the value of a channel: a word of the payload, shifted right, then masked."""

    channel: int
    word: int
    shift: int = 0
    mask: int = _WHOLE


_BNC_PAIRS = ((0, 0), (0, 16), (1, 0), (1, 16))

#: Payload size in words, and the points a packet gives in their order, by the low byte of the type.
_PACKETS: dict[int, tuple[int, tuple[_Field, ...]]] = {
    0x01: (
        9,
        (
            *(_Field(_GPI + i, 3, i, 1) for i in range(8)),
            *(_Field(_GPO + i, 3, 16 + i, 1) for i in range(8)),
            *(_Field(_BNC + i, 4 + w, s, _BNC_MASK) for i, (w, s) in enumerate(_BNC_PAIRS)),
            _Field(_LED, 6, 0, _LED_MASK),
            _Field(_LED + 1, 6, 16, _LED_MASK),
            _Field(_LED + 2, 7, 0, _LED_MASK),
            _Field(_EFOCUS, 7, 16, 0xFFFF),
            _Field(_SYNC_OUT, 8, 0, 1),
            _Field(_TRIGGER, 8, 1, 1),
        ),
    ),
    0x02: (
        6,
        (
            *(_Field(_GPI + i, 3, i, 1) for i in range(8)),
            _Field(_TRIGGER, 3, 16, 0xFFFF),
            *(_Field(_BNC + i, 4 + w, s, _BNC_MASK) for i, (w, s) in enumerate(_BNC_PAIRS)),
        ),
    ),
    **{0x03 + i: (4, (_Field(_BNC + i, 3, 0, _WHOLE_BNC),)) for i in range(4)},
    0x07: (4, tuple(_Field(_GPI + i, 3, i, 1) for i in range(8))),
    **{0x08 + i: (4, (_Field(_LED + i, 3, 0, _LED_MASK),)) for i in range(3)},
    0x0B: (3, (_Field(0, 2),)),
    0x0C: (4, (_Field(_TRIGGER, 3),)),
    0x0D: (4, (_Field(_SYNC_OUT, 3),)),
    _WAVEFORM: (2, ()),
}
_CLOSED_LOOP_GPO = range(_GPO + 4, _GPO + 8)

_PAYLOAD_WORDS = np.full(256, -1, dtype=np.int64)
for _code, (_words, _) in _PACKETS.items():
    _PAYLOAD_WORDS[_code] = _words

#: Place of a point among those of its packet: first the NaN of a gap, by code, then the packet's own.
_OWN_SLOT = _NUM_CODES
_SLOT_BITS = 6


@dataclass(frozen=True)
class _Packets:
    """Packets that begin in one block of the file, in order; positions count words."""

    positions: NDArray[np.int64]
    ends: NDArray[np.int64]  # where the search for the next sync word goes on
    is_event: NDArray[np.bool_]
    code: NDArray[Any]  # low byte of the type
    is_known: NDArray[np.bool_]  # an event of a known type and of the right size

    def __len__(self) -> int:
        return len(self.positions)

    def select(self, which: slice | NDArray[np.bool_]) -> _Packets:
        """Some of the packets."""
        return _Packets(
            self.positions[which],
            self.ends[which],
            self.is_event[which],
            self.code[which],
            self.is_known[which],
        )


@dataclass(frozen=True)
class _Kept:
    """Points of one channel that are kept; `keys` hold number of the event and slot."""

    keys: NDArray[np.int64]
    times: NDArray[np.uint64]
    values: NDArray[np.float32]


def _scan(words: NDArray[np.uint32], stop: int) -> _Packets:
    """Packets whose sync word lies in ``words[:stop]``.

    Every sync word opens a packet unless it lies inside the header or the payload of one before it. That is
    rare, so only such places are walked through one by one.
    """
    found = np.flatnonzero(words[:stop] == SYNC)
    found = found[: int(found.searchsorted(len(words) - 4, "right"))]  # a header that is cut off is none
    types = words[found + 1]
    is_event = (types >> 8) == 0x40
    code = types & 0xFF
    size = np.where(is_event, _PAYLOAD_WORDS[code], -1)
    is_known = (size >= 0) & (size == words[found + 3])
    ends = found + 4 + np.where(is_known, size, 0)
    hidden = _hidden(found, ends)
    packets = _Packets(found, ends, is_event, code, is_known)
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


class Decoder:
    """Turns packets into the points to keep, block by block, carrying over what links one block to the next.

    Values are handled as integers in the unit of the file, with -1 for NaN, and become float32 when kept.

    Parameters
    ----------
    file
        The file.
    packets_at
        Where its packets begin.
    closed_loop
        Whether it is of a closed-loop system, which has no digital outputs 4 to 7.
    session_at
        Where its session text begins, None without one; bytes from there on are not taken for junk.
    """

    def __init__(
        self, file: InputFile, packets_at: int, *, closed_loop: bool, session_at: int | None
    ) -> None:
        self._file = file
        self._packets_at = packets_at
        self._total = max(0, file.size - packets_at) // 4  # words
        self._session_word = self._total if session_at is None else max(0, session_at - packets_at) // 4
        self._words = np.zeros(0, dtype=np.uint32)  # of the present block, with what its last packet needs
        self._block_at = 0  # word at which it begins
        self._sources: list[list[tuple[int, int, _Field]]] = [[] for _ in CHANNEL_NAMES]
        for packet, (_, fields) in _PACKETS.items():
            for slot, source in enumerate(fields):
                if not (closed_loop and source.channel in _CLOSED_LOOP_GPO):
                    self._sources[source.channel].append((packet, _OWN_SLOT + slot, source))
        self._kept: list[list[_Kept]] = [[] for _ in CHANNEL_NAMES]
        self._value: list[int | None] = [None] * _NUM_CODES
        self._num_events = 0
        self._sequence: int | None = None
        self._last = 0  # time stamp of the last point that is not NaN
        self._searched_from = 0  # end of the packet before, in words
        self._was_sound = True  # whether that packet was understood, so that it ends where it says
        self._counts: Counter[str] = Counter()

    def run(self) -> None:
        """Decode the whole file.

        Raises
        ------
        IsxFormatError
            There is no sync word.
        """
        begin, any_sync = 0, False
        while begin < self._total:
            stop = min(begin + _BLOCK_WORDS, self._total)
            self._load(begin, stop)
            any_sync = any_sync or bool((self._words[: stop - begin] == SYNC).any())
            packets = _scan(self._words, stop - begin)
            begin = stop
            if len(packets):
                begin = max(stop, self._block_at + int(packets.ends[-1]))
                self._decode(packets)
        if not any_sync:
            raise IsxFormatError(NO_SYNC)
        self._block_at = self._total
        self._count_skipped(np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([True]))

    def _load(self, begin: int, stop: int) -> None:
        # Reading keeps the memory needed small, and a file that shrinks meanwhile an error; a map does neither.
        end = min(stop + _MAX_PACKET, self._total)
        data = self._file.read(self._packets_at + 4 * begin, 4 * (end - begin))
        self._words = np.frombuffer(data, dtype="<u4")
        self._block_at = begin

    def _decode(self, packets: _Packets) -> None:
        if self._block_at + packets.ends[-1] > self._total:  # the file ends inside the last packet
            self._counts["incomplete"] += 1
            cut = packets.select(slice(-1, None))
            packets = packets.select(slice(0, -1))
            self._count_skipped(packets.positions, packets.ends, packets.is_known)
            self._count_skipped(cut.positions, np.array([self._total - self._block_at]), cut.is_known)
        else:
            self._count_skipped(packets.positions, packets.ends, packets.is_known)
        self._counts["foreign"] += int(np.count_nonzero(~packets.is_event))
        events = packets.select(packets.is_event)
        if not len(events):
            return
        self._counts["packets"] += int(np.count_nonzero(events.is_known))
        self._counts["unknown"] += int(np.count_nonzero(_PAYLOAD_WORDS[events.code] < 0))
        self._counts["discarded"] += int(
            np.count_nonzero((_PAYLOAD_WORDS[events.code] >= 0) & ~events.is_known)
        )
        self._keep_changes(events)
        self._num_events += len(events)

    def _count_skipped(
        self, positions: NDArray[np.int64], ends: NDArray[np.int64], is_known: NDArray[np.bool_]
    ) -> None:
        """Count the words between packets that belong to none, up to the session text."""
        if not len(positions):
            return
        positions, ends = positions + self._block_at, ends + self._block_at
        after = np.append(self._searched_from, ends[:-1])
        sound = np.append(self._was_sound, is_known[:-1])
        limit = self._session_word
        skipped = (np.minimum(positions, limit) - np.minimum(after, limit))[sound]
        self._counts["resynchronised"] += int(np.count_nonzero(skipped))
        self._counts["skipped_bytes"] += 4 * int(skipped.sum())
        self._searched_from, self._was_sound = int(ends[-1]), bool(is_known[-1])

    def _gaps(self, events: _Packets) -> NDArray[np.int64]:
        """Events before which packets were lost."""
        sequence = self._words[events.positions + 2]
        before = np.empty_like(sequence)
        before[1:] = sequence[:-1]
        before[0] = (int(sequence[0]) - 1) % 2**32 if self._sequence is None else self._sequence
        missing = sequence - before - np.uint32(1)
        self._sequence = int(sequence[-1])
        gaps = np.flatnonzero(missing)
        self._counts["gaps"] += len(gaps)
        jumps = missing[gaps]
        self._counts["lost"] += int(np.where(jumps < 2**31, jumps, 1).sum(dtype=np.uint64))
        return gaps

    def _keep_changes(self, events: _Packets) -> None:
        gaps = self._gaps(events)
        numbers = np.arange(len(events))
        yields = events.is_known & (events.code != _WAVEFORM)
        absurd = yields.copy()
        absurd[yields] = self._words[events.positions[yields] + 4] >= _MAX_HIGH_WORD
        if absurd.any():
            self._counts["discarded"] += int(np.count_nonzero(absurd))
            self._counts["packets"] -= int(np.count_nonzero(absurd))
            yields &= ~absurd
        stamps = np.zeros(len(events), dtype=np.uint64)
        at = events.positions[yields]
        stamps[yields] = self._words[at + 4].astype(np.uint64) << np.uint64(32) | self._words[at + 5]
        latest = np.maximum.accumulate(np.where(yields, numbers, -1))
        before = np.append(-1, latest[:-1])
        gap_stamps = np.where(before < 0, np.uint64(self._last), stamps[before]) + np.uint64(1)
        by_code = {
            code: np.flatnonzero(yields & (events.code == code)) for code in np.unique(events.code[yields])
        }
        for channel, sources in enumerate(self._sources):
            merged = self._merge(channel, sources, events, by_code, gaps)
            if merged is None:
                continue
            keys, raw = merged
            changed = np.empty(len(raw), dtype=np.bool_)
            previous = self._value[channel]
            changed[0] = previous is None or raw[0] != previous
            np.not_equal(raw[1:], raw[:-1], out=changed[1:])
            self._value[channel] = int(raw[-1])
            kept = np.flatnonzero(changed)
            keys, raw = keys[kept], raw[kept]
            values = _to_float(channel, raw)
            event = keys >> _SLOT_BITS
            times = np.where(raw < 0, gap_stamps[event], stamps[event])
            if not len(raw):
                continue
            if raw.max() > _EXACT:  # different integers may be the same float32
                same = values[1:] == values[:-1]
                first_same = previous is not None and values[0] == _to_float(channel, np.array([previous]))[0]
                fresh = ~np.append(first_same, same)
                keys, times, values = keys[fresh], times[fresh], values[fresh]
            self._kept[channel].append(_Kept(keys + (self._num_events << _SLOT_BITS), times, values))
        if latest[-1] >= 0:
            self._last = int(stamps[latest[-1]])

    def _merge(
        self,
        channel: int,
        sources: Sequence[tuple[int, int, _Field]],
        events: _Packets,
        by_code: dict[int, NDArray[np.int64]],
        gaps: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[Any]] | None:
        """Places (event and slot) and values of all points of a channel in order; None without any."""
        keys: list[NDArray[np.int64]] = []
        raws: list[NDArray[Any]] = []
        for code, slot, source in sources:
            chosen = by_code.get(code)
            if chosen is not None:
                words = self._words[events.positions[chosen] + (4 + source.word)]
                raws.append((words >> np.uint32(source.shift)) & np.uint32(source.mask))
                keys.append((chosen << _SLOT_BITS) | slot)
        if len(gaps) and channel != 0:
            raws.append(np.full(len(gaps), -1, dtype=np.int64))
            keys.append((gaps << _SLOT_BITS) | channel)
        if not keys:
            return None
        if len(keys) == 1:
            return keys[0], raws[0]
        key, raw = np.concatenate(keys), np.concatenate([r.astype(np.int64) for r in raws])
        order = np.argsort(key, kind="stable")
        return key[order], raw[order]

    def finish(self) -> tuple[int, int, dict[int, Points]]:
        """Time stamps of the first point and the last one, and the points by channel code.

        Offsets count from the first point; what lies before it is left out.
        """
        kept = {code: _concatenated(parts) for code, parts in enumerate(self._kept) if parts}
        if not kept:
            return 0, 0, {}
        first = int(min(kept.values(), key=lambda k: int(k.keys[0])).times[0])
        points: dict[int, Points] = {}
        latest = self._last
        for code in sorted(kept, key=lambda code: int(kept[code].keys[0])):
            part, value = kept.pop(code), self._value[code]
            assert value is not None
            keys = np.append(part.keys, (self._num_events << _SLOT_BITS) | code)
            times = np.append(part.times, np.uint64(self._last))
            values = np.append(part.values, _to_float(code, np.array([value])))
            inside = times >= first
            if not inside.all():
                self._counts["before_start"] += int(np.count_nonzero(~inside))
                keys, times, values = keys[inside], times[inside], values[inside]
            if self._last < first and len(times):
                latest = max(latest, int(times.max()))
            points[code] = Points(times - np.uint64(first), values, keys)
        return first, max(latest, first), points

    @property
    def statistics(self) -> PacketStatistics:
        """What became of the packets."""
        return PacketStatistics(**self._counts)


_EXACT = 2**24
#: Time stamps beyond signed 64-bit numbers are damage.
_MAX_HIGH_WORD = 2**31


def _to_float(channel: int, raw: NDArray[Any]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = raw.astype(np.float32)
    if channel in _LED_CODES:
        values /= np.float32(10)
    if raw.dtype.kind == "i":
        values[raw < 0] = np.nan
    return values


def _concatenated(parts: list[_Kept]) -> _Kept:
    """All parts as one; `parts` is emptied to free memory early."""
    joined = _Kept(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
    )
    parts.clear()
    return joined
