"""GPIO recordings of nVoke 1 (docs/formats/gpio.md, `.raw`)."""

from __future__ import annotations

import contextlib
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from openisx._formats.gpio.recording import NO_SYNC, Points, RecordedChannel, RecordedSignals, end_time
from openisx._formats.kinds import DataKind
from openisx.core._records import IsxRatio
from openisx.core.timing import Duration, Time
from openisx.errors import IsxFormatError
from openisx.structures import PacketStatistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["read_nvoke"]

_SYNC = b"\x55" * 6 + b"\x5d"
_NVISTA_RAW = b"\xfe\xff\xff\xff"
_CHANNELS = {
    **{i: f"GPIO{i}" for i in range(1, 5)},
    5: "SYNC",
    6: "TRIG",
    7: "GPIO4_AI",
    8: "EX_LED",
    9: "OG_LED",
    10: "DI_LED",
}
_DIGITAL, _ANALOG, _LED, _SYNC_BYTE = range(1, 7), 7, range(8, 11), 0x55
_LENGTHS = np.zeros(256, dtype=np.int64)
_LENGTHS[list(_DIGITAL)] = 11
_LENGTHS[_ANALOG] = 32
_LENGTHS[list(_LED)] = 13
_LENGTHS[_SYNC_BYTE] = len(_SYNC)

#: A search that begins where the packet before ended finds the next packet, or one that is cut off.
_PACKET = re.compile(
    rb"[\x01-\x06][\s\S]{10}|[\x08-\x0a][\s\S]{12}|\x07[\s\S]{31}|\x55[\s\S]{6}|[\x01-\x0a\x55][\s\S]*\Z"
)
_BLOCK = 1 << 22
_SAMPLES = 10
_STEP = IsxRatio(1, 1000)


#: Bytes of packets strung together, where each begins.
_Block: TypeAlias = "tuple[NDArray[np.uint8], NDArray[np.int64]]"


def _blocks(file: ByteSource, begin: int, counts: Counter[str]) -> Iterator[_Block]:
    """Packets of one block of the file after another: their bytes strung together, and where each begins."""
    carried = b""
    position = begin
    while position < file.size:
        fresh = file.read(position, min(_BLOCK, file.size - position))
        position += len(fresh)
        block = carried + fresh
        packets = _PACKET.findall(block)
        lengths = np.fromiter(map(len, packets), dtype=np.int64, count=len(packets))
        skipped = len(block) - int(lengths.sum())
        carried = b""
        if packets and lengths[-1] != _LENGTHS[packets[-1][0]]:
            carried = packets.pop()
            lengths = lengths[:-1]
        if skipped:
            counts["skipped_bytes"] += skipped
            counts["resynchronised"] += sum(map(bool, _PACKET.split(block)))
        if packets:
            yield np.frombuffer(b"".join(packets), dtype=np.uint8), np.cumsum(lengths) - lengths
    counts["incomplete"] += bool(carried)


def _find_sync(file: ByteSource) -> int | None:
    """Where the first sync pattern begins."""
    overlap = len(_SYNC) - 1
    for position in range(0, file.size, _BLOCK):
        at = file.read(position, min(_BLOCK + overlap, file.size - position)).find(_SYNC)
        if at >= 0:
            return position + at
    return None


def _times(rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Microseconds since the epoch from the last 7 bytes of each packet."""
    tail = rows[:, -7:].astype(np.int64)
    seconds = (tail[:, 0] << 24) | (tail[:, 1] << 16) | (tail[:, 2] << 8) | tail[:, 3]
    return seconds * 1_000_000 + (((tail[:, 4] & 0x0F) << 16) | (tail[:, 5] << 8) | tail[:, 6])


def _digital(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (rows[:, 3] >> 7).astype(np.float32)


def _led(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    power = (rows[:, 3].astype(np.int64) * 2 + ((rows[:, 4] >> 4) & 1)) / 10
    lit = (rows[:, 4] & 1).astype(bool)  # states 1 (on) and 3 (ramp down)
    values: NDArray[np.float32] = np.where(lit, power, 0.0).astype(np.float32)
    return values


def _analog(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
    power = ((rows[:, 3] & 0x80) | (rows[:, 4] & 0x7F)).astype(np.float64)
    samples = np.ascontiguousarray(rows[:, 5:25]).view(">u2").astype(np.float64)
    values: NDArray[np.float32] = (samples / 655360.0 * power[:, None]).astype(np.float32)
    return values


class _Decoder:
    def __init__(self) -> None:
        self.parts: dict[int, list[tuple[NDArray[Any], ...]]] = {}
        self.has_ramp: set[int] = set()
        self.num_packets = 0
        self.start: int | None = None
        self.end = 0  # time of the packet read last

    def add(self, data: NDArray[np.uint8], begins: NDArray[np.int64]) -> None:
        """Decode the packets of a block."""
        kinds = data[begins]
        begins, kinds = begins[kinds != _SYNC_BYTE], kinds[kinds != _SYNC_BYTE]
        if not len(kinds):
            return
        ends = np.empty(len(kinds), dtype=np.int64)
        begun = ends.copy()
        for kind in np.unique(kinds).tolist():
            chosen = np.flatnonzero(kinds == kind)
            rows = data[begins[chosen, None] + np.arange(_LENGTHS[kind])]
            times = _times(rows)
            begun[chosen] = times
            ends[chosen] = times + (_SAMPLES - 1) * 1000 if kind == _ANALOG else times
            order = (chosen + self.num_packets) * _SAMPLES
            if kind == _ANALOG:
                values = _analog(rows).ravel()
                times = (times[:, None] + np.arange(_SAMPLES) * 1000).ravel()
                order = (order[:, None] + np.arange(_SAMPLES)).ravel()
            elif kind in _LED:
                values = _led(rows)
                if (rows[:, 4] & 2).any():
                    self.has_ramp.add(kind)
            else:
                values = _digital(rows)
            self.parts.setdefault(kind, []).append((times, values, order))
        self.num_packets += len(kinds)
        if self.start is None:
            self.start = int(begun[0])
        self.end = int(ends[-1])


def read_nvoke(file: ByteSource) -> RecordedSignals:
    """Decode an nVoke 1 `.raw` file, and close it.

    Raises
    ------
    IsxFormatError
        The file holds an nVista recording, no sync pattern, or no packet.
    """
    path = file.given_path
    with contextlib.closing(file):
        if file.size >= 4 and file.read(0, 4) == _NVISTA_RAW:
            raise IsxFormatError(
                "Tried to read an nVoke GPIO raw file, but this looks like an nVista raw recording file, which "
                f"is not supported. File: {path}"
            )
        at = _find_sync(file)
        if at is None:
            raise IsxFormatError(f"{NO_SYNC} {path} holds no sync pattern; it is not an nVoke 1 recording.")
        counts: Counter[str] = Counter()
        decoder = _Decoder()
        for data, begins in _blocks(file, at + len(_SYNC), counts):
            decoder.add(data, begins)
        return _converted(file, decoder, counts)


def _converted(file: ByteSource, decoder: _Decoder, counts: Counter[str]) -> RecordedSignals:
    if decoder.start is None:
        raise IsxFormatError(f"{NO_SYNC} {file.given_path} holds a sync pattern but no packet.")
    start, latest = decoder.start, decoder.end
    channels = []
    for kind, parts in sorted(decoder.parts.items(), key=lambda item: int(item[1][0][2][0])):
        times, values, order = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        parts.clear()
        inside = times >= start
        if not inside.all():
            counts["before_start"] += int(np.count_nonzero(~inside))
            times, values, order = times[inside], values[inside], order[inside]
        if decoder.end < start and len(times):
            latest = max(latest, int(times.max()))
        dense = kind == _ANALOG or kind in decoder.has_ramp
        points = Points((times - start).astype(np.uint64), values, order)
        channels.append(RecordedChannel(_CHANNELS[kind], dense, _STEP, points))
    count = math.ceil(((max(latest, start) - start + 1) / 1e6) / 0.001)
    begin = Time.from_secs_since_epoch(Duration.from_usecs(start))
    statistics = PacketStatistics(packets=decoder.num_packets, **counts)
    recorded = RecordedSignals(
        file,
        DataKind.GPIO,
        (begin, end_time(begin, _STEP * count)),
        channels,
        statistics,
    )
    recorded.warn_of_damage()
    return recorded
