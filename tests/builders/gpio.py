"""Writes GPIO and IMU recordings byte by byte, from the tables of docs/formats/gpio.md and imu.md.

Shared by tests; knows nothing of the readers.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

SYNC = 0x0000AA55

#: Payload words after the three of the counter, by the low byte of the type: struct format.
PAYLOADS = {
    0x01: "I8HI",
    0x02: "6H",
    **dict.fromkeys((*range(0x03, 0x0B), 0x0C, 0x0D), "I"),
    0x0B: "",
}


def packet(kind: int, sequence: int, payload: bytes, size: int | None = None) -> bytes:
    """One packet of a `.gpio` file; `size` in words overrides the true one."""
    words = len(payload) // 4 if size is None else size
    return struct.pack("<4I", SYNC, kind, sequence % 2**32, words) + payload


def counter(time: int, frame: int = 0) -> bytes:
    return struct.pack("<3I", (time >> 32) % 2**32, time % 2**32, frame % 2**32)


def event(code: int, sequence: int, time: int, *values: int, frame: int = 0) -> bytes:
    """An event packet of the type 0x4000 + `code`."""
    return packet(0x4000 + code, sequence, counter(time, frame) + struct.pack("<" + PAYLOADS[code], *values))


def header(
    start: tuple[int, int] = (1600000000123, 1000),
    utc: int = 0,
    file_format: int = 2,
    session_at: int = 0,
    events_at: int = 48,
) -> bytes:
    return struct.pack("<QQiIQ", *start, utc, events_at, 0) + struct.pack("<QQ", file_format, session_at)


def gpio_file(
    packets: Sequence[bytes],
    session: Any = None,
    *,
    start: tuple[int, int] = (1600000000123, 1000),
    utc: int = 0,
    file_format: int = 2,
) -> bytes:
    """A whole `.gpio` file with the 48-byte header; `session` may be bytes, or anything JSON can hold."""
    body = b"".join(packets)
    text = b""
    if session is not None:
        text = session if isinstance(session, bytes) else json.dumps(session).encode()
    return header(start, utc, file_format, 48 + len(body) if text else 0) + body + text


def random_values(code: int, rng: np.random.Generator, calm: bool) -> list[int]:
    """Values of a packet; calm ones repeat often, as those of real signals do."""

    def number(bits: int) -> int:
        return int(rng.integers(0, 3 if calm else 2**bits))

    return [
        number(32 if letter == "I" else 16)
        for letter in PAYLOADS[code].replace("8H", "H" * 8).replace("6H", "H" * 6)
    ]


def random_packets(
    rng: np.random.Generator,
    count: int,
    *,
    codes: Sequence[int] = tuple(PAYLOADS),
    time: int = 5_000_000_000,
    sequence: int = 0,
    loss: float = 0.0,
    odd: float = 0.0,
    longest_wait: int = 3000,
) -> list[bytes]:
    """Event packets in order of time; some lost, some replaced by what a reader has to cope with."""
    packets: list[bytes] = []
    for i in range(count):
        time += int(rng.integers(0, longest_wait))
        sequence += 1 + (int(rng.integers(1, 5)) if rng.random() < loss else 0)
        code = int(rng.choice(np.array(codes)))
        good = event(code, sequence, time, *random_values(code, rng, bool(rng.random() < 0.5)), frame=i)
        if rng.random() >= odd:
            packets.append(good)
            continue
        choice = int(rng.integers(0, 8))
        words = rng.integers(0, 2**32, int(rng.integers(1, 6)), dtype=np.uint32).tobytes()
        packets.append(
            [
                good + words,  # stray words
                packet(
                    0x400E, sequence, struct.pack("<2I", SYNC, 0x4003)
                ),  # waveform with a sync word inside
                packet(0x4000 + int(rng.choice([0, 0x0F, 0x55, 0xFF])), sequence, words),  # unknown event
                packet(0x1200, 99, words + good),  # not an event; its payload is searched
                packet(0x4003, sequence, words, size=3),  # wrong size
                struct.pack("<I", SYNC) + good,  # a sync word without a packet
                event(0x05, sequence, time, SYNC),  # a value that looks like a sync word
                good[4:],  # lost sync word
            ][choice]
        )
    return packets


# -- nVoke 1 -----------------------------------------------------------------------------------------------

RAW_SYNC = b"\x55" * 6 + b"\x5d"


def raw_time(micros: int, upper: int = 0) -> bytes:
    """Last 7 bytes of a packet; `upper` are the 4 bits above the microseconds."""
    seconds, rest = divmod(micros, 1_000_000)
    return struct.pack(">I", seconds) + (rest | upper << 20).to_bytes(3, "big")


def raw_digital(kind: int, value: int, micros: int, count: int = 0, upper: int = 0) -> bytes:
    return bytes([kind, 11, count % 256, value]) + raw_time(micros, upper)


def raw_led(kind: int, power: int, state: int, micros: int, count: int = 0) -> bytes:
    return bytes([kind, 13, count % 256, power >> 1, (power & 1) << 4 | state, 3]) + raw_time(micros)


def raw_analog(first: int, second: int, samples: Sequence[int], micros: int, count: int = 0) -> bytes:
    return bytes([7, 32, count % 256, first, second]) + struct.pack(">10H", *samples) + raw_time(micros)


def random_raw(rng: np.random.Generator, count: int, *, junk: float = 0.0, analog: bool = True) -> bytes:
    """An nVoke 1 `.raw` file."""
    parts = [rng.integers(0, 85, 20, dtype=np.uint8).tobytes(), RAW_SYNC]
    time = 1_500_000_000_123_456
    for i in range(count):
        time += int(rng.integers(1, 30_000))
        kind = int(rng.integers(1, 11 if analog else 7))
        if kind == 7:
            samples = rng.integers(0, 65536, 10).tolist()
            parts.append(raw_analog(int(rng.integers(0, 256)), int(rng.integers(0, 256)), samples, time, i))
        elif kind > 7:
            state = int(rng.integers(0, 4 if kind == 8 else 2))
            parts.append(raw_led(kind, int(rng.integers(0, 512)), state, time, i))
        else:
            parts.append(raw_digital(kind, int(rng.integers(0, 256)), time, i, int(rng.integers(0, 16))))
        if rng.random() < 0.1:
            parts.append(RAW_SYNC)
        if rng.random() < junk:
            parts.append(rng.integers(0x56, 256, int(rng.integers(1, 9)), dtype=np.uint8).tobytes())
    return b"".join(parts)


# -- IMU ---------------------------------------------------------------------------------------------------


def fraction(num: int, den: int) -> dict[str, int]:
    return {"num": num, "den": den}


def instant(num: int, den: int = 1000, utc: int = 0) -> dict[str, Any]:
    return {"secsSinceEpoch": fraction(num, den), "utcOffset": utc}


def sensor(period_ms: tuple[int, int], num_times: int, dropped: Sequence[int] = ()) -> dict[str, Any]:
    return {"periodMs": fraction(*period_ms), "numTimes": num_times, "dropped": list(dropped)}


def imu_records(axes: Any) -> bytes:
    """Records of one block from an (N, 3) array."""
    axes = np.asarray(axes, dtype="<i2").reshape(-1, 3)
    records = np.zeros(len(axes), np.dtype([("t", "<u8"), ("v", "<i2", 3), ("r", "<i2")]))
    records["v"] = axes
    records["r"] = 77
    records["t"] = np.arange(len(axes)) * 13
    return records.tobytes()


def imu_file(
    acc: Any, mag: Any, ori: Any, session: Any, *, gap: int = 0, counts: tuple[int, int, int] | None = None
) -> bytes:
    """An `.imu` file; `gap` bytes of filler lie between the blocks, `counts` overrides the numbers of records."""
    blocks = [imu_records(part) for part in (acc, mag, ori)]
    numbers = [len(block) // 16 for block in blocks] if counts is None else list(counts)
    at, places = 112, []
    for number, block in zip(numbers, blocks, strict=True):
        at += gap
        places += [number, at, len(block)]
        at += len(block)
    text = session if isinstance(session, bytes) else json.dumps(session).encode()
    head = struct.pack("<QQiHH9QQQ", 1, 2, 3, 4, 5, *places, at, len(text))
    assert len(head) == 112
    return head + b"".join(b"\xaa" * gap + block for block in blocks) + text


def random_imu(
    rng: np.random.Generator, count: int, *, drop: float = 0.0, magnetometer: bool = True
) -> bytes:
    """An `.imu` file of `count` accelerometer samples."""
    period = (int(rng.integers(20_000_000, 21_000_000)), 1_000_000)
    start = int(rng.integers(1_500_000_000_000, 1_700_000_000_000))
    slow = -(-count // 20)

    def dropped(total: int) -> list[int]:
        return np.flatnonzero(rng.random(total) < drop).tolist()

    lost, lost_slow = dropped(count), dropped(slow)
    timing = {
        "start": instant(start, utc=-28800),
        "end": instant(start + round(count * period[0] / 1e6)),
        "accelerometer": sensor(period, count, lost[::-1]),
    }
    if magnetometer:
        timing["magnetometer"] = sensor((period[0] * 20, period[1]), slow, lost_slow)

    def axes(total: int) -> Any:
        return rng.integers(-32768, 32768, (total, 3))

    recorded = count - len(lost)
    mags = slow - len(lost_slow) if magnetometer else 0
    session = {"timingInfo": timing, "name": "imu", "x": 0.1, "nested": {"b": [1, 2.5], "a": None}}
    return imu_file(axes(recorded), axes(mags), axes(recorded), session, gap=int(rng.integers(0, 9)))
