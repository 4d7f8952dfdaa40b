"""From the packets of a `.gpio` file to the points of its channels (docs/formats/gpio.md, From packets to points).

A point is kept when the value of its channel changes. Where the sequence numbers jump, every channel but the frame
count becomes NaN one microsecond after the last time stamp. At the end every channel gets its last value once
more. The file is read in blocks, so memory grows with the points kept and not with the packets.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.gpio.packets import (
    CHANNEL_NAMES,
    CLOSED_LOOP_GPO,
    LED_CODES,
    MAX_PACKET,
    PACKETS,
    PAYLOAD_WORDS,
    SYNC,
    WAVEFORM,
    Field,
    Packets,
    scan,
)
from openisx._formats.gpio.recording import NO_SYNC, Points
from openisx.errors import IsxFormatError
from openisx.structures import PacketStatistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["Decoder"]

_BLOCK_WORDS = 1 << 19
_NUM_CODES = len(CHANNEL_NAMES)

#: Place of a point among those of its packet: first the NaN of a gap, by code, then the packet's own.
_OWN_SLOT = _NUM_CODES
_SLOT_BITS = 6

#: Integers up to this one are all different as float32.
_EXACT = 2**24
#: Time stamps beyond signed 64-bit numbers are damage.
_MAX_HIGH_WORD = 2**31


@dataclass(frozen=True)
class _Kept:
    """Points of one channel that are kept; `keys` hold number of the event and slot."""

    keys: NDArray[np.int64]
    times: NDArray[np.uint64]
    values: NDArray[np.float32]


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
        self, file: ByteSource, packets_at: int, *, closed_loop: bool, session_at: int | None
    ) -> None:
        self._file = file
        self._packets_at = packets_at
        self._total = max(0, file.size - packets_at) // 4  # words
        self._session_word = self._total if session_at is None else max(0, session_at - packets_at) // 4
        self._words = np.zeros(0, dtype=np.uint32)  # of the present block, with what its last packet needs
        self._block_at = 0  # word at which it begins
        self._sources: list[list[tuple[int, int, Field]]] = [[] for _ in CHANNEL_NAMES]
        for packet, (_, fields) in PACKETS.items():
            for slot, source in enumerate(fields):
                if not (closed_loop and source.channel in CLOSED_LOOP_GPO):
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
            packets = scan(self._words, stop - begin)
            begin = stop
            if len(packets):
                begin = max(stop, self._block_at + int(packets.ends[-1]))
                self._decode(packets)
        if not any_sync:
            raise IsxFormatError(f"{NO_SYNC} {self._file.given_path} holds no packet.")
        self._block_at = self._total
        self._count_skipped(np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([True]))

    def _load(self, begin: int, stop: int) -> None:
        # Reading keeps the memory needed small, and a file that shrinks meanwhile an error; a map does neither.
        end = min(stop + MAX_PACKET, self._total)
        data = self._file.read(self._packets_at + 4 * begin, 4 * (end - begin))
        self._words = np.frombuffer(data, dtype="<u4")
        self._block_at = begin

    def _decode(self, packets: Packets) -> None:
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
        self._counts["unknown"] += int(np.count_nonzero(PAYLOAD_WORDS[events.code] < 0))
        self._counts["discarded"] += int(
            np.count_nonzero((PAYLOAD_WORDS[events.code] >= 0) & ~events.is_known)
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

    def _gaps(self, events: Packets) -> NDArray[np.int64]:
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

    def _stamps(self, events: Packets) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
        """Which events give points, and the time stamps of these."""
        yields = events.is_known & (events.code != WAVEFORM)
        absurd = yields.copy()
        absurd[yields] = self._words[events.positions[yields] + 4] >= _MAX_HIGH_WORD
        if absurd.any():
            self._counts["discarded"] += int(np.count_nonzero(absurd))
            self._counts["packets"] -= int(np.count_nonzero(absurd))
            yields &= ~absurd
        stamps = np.zeros(len(events), dtype=np.uint64)
        at = events.positions[yields]
        stamps[yields] = self._words[at + 4].astype(np.uint64) << np.uint64(32) | self._words[at + 5]
        return yields, stamps

    def _keep_changes(self, events: Packets) -> None:
        gaps = self._gaps(events)
        numbers = np.arange(len(events))
        yields, stamps = self._stamps(events)
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
        sources: Sequence[tuple[int, int, Field]],
        events: Packets,
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


def _to_float(channel: int, raw: NDArray[Any]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = raw.astype(np.float32)
    if channel in LED_CODES:
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
