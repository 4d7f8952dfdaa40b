"""Opening, reading and exporting GPIO and IMU recordings. ``--only huge`` runs the 1 GB file, which is left out else."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from compare import Benchmark

_SINGLE = np.array([0x03, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0A, 0x0C, 0x0D], dtype=np.uint32)


def write_gpio(path: Path, packets: int, *, capture_all: int = 0, junk_every: int = 0) -> str:
    """A `.gpio` file: a capture-all packet every `capture_all` packets (once if 0), single values between.

    Before every `junk_every`-th packet lie four bytes that belong to none.
    """
    rng = np.random.default_rng(0)
    number = np.arange(packets, dtype=np.uint32)
    time = 2**33 + np.cumsum(rng.integers(1, 200, packets))
    words = np.zeros((packets, 14), dtype="<u4")
    words[:, 0] = 0x12345678
    words[:, 1], words[:, 3] = 0x0000AA55, number
    words[:, 5], words[:, 6], words[:, 7] = time >> 32, time & 0xFFFFFFFF, number
    whole = number % capture_all == 0 if capture_all else number == 0
    words[:, 2] = np.where(whole, 0x4001, 0x4000 + rng.choice(_SINGLE, packets))
    words[:, 4] = np.where(whole, 9, 4)
    values = rng.integers(0, 2**32, (packets, 6), dtype=np.uint32)
    values[:, 0] &= np.where(whole, np.uint32(0x00FF00FF), np.uint32(0xFFFF))
    words[:, 8:] = np.where(np.arange(6) < np.where(whole, 6, 1)[:, None], values, 0)
    used = np.arange(14) < (words[:, 4] + 5)[:, None]
    used[:, 0] = number % junk_every == junk_every - 1 if junk_every else False
    header = struct.pack("<QQiIQQQ", 1_600_000_000_123, 1000, 0, 48, packets, 2, 0)
    path.write_bytes(header + words[used].tobytes())
    return str(path)


def write_huge(path: Path, packets: int) -> str:
    """The same packets over and over, with sequence numbers and times that go on."""
    part = 1 << 20
    template = Path(write_gpio(path.with_suffix(".part"), part)).read_bytes()[48:]
    words = (
        np.frombuffer(template[20 + 32 :], dtype="<u4").reshape(-1, 8).copy()
    )  # without the capture-all packet
    with path.open("wb") as file:
        file.write(struct.pack("<QQiIQQQ", 1_600_000_000_123, 1000, 0, 48, packets, 2, 0))
        for k in range(packets // len(words)):
            words[:, 2] = k * len(words) + np.arange(len(words))
            time = k * 200 * len(words) + 200 * np.arange(len(words), dtype=np.int64)
            words[:, 4], words[:, 5] = time >> 32, time & 0xFFFFFFFF
            words[:, 7] = time // 1_000_000  # signals that rarely change take little memory
            file.write(words)
    return str(path)


def write_raw(path: Path, packets: int) -> str:
    """An nVoke 1 `.raw` file of digital packets."""
    rng = np.random.default_rng(0)
    rows = np.zeros((packets, 11), dtype=np.uint8)
    rows[:, 0], rows[:, 1], rows[:, 2] = rng.integers(1, 7, packets), 11, np.arange(packets)
    rows[:, 3] = rng.integers(0, 2, packets) << 7
    time = 1_500_000_000_000_000 + np.cumsum(rng.integers(1, 2000, packets))
    rows[:, 4:8] = (time // 1_000_000).astype(">u4").view(np.uint8).reshape(-1, 4)
    rows[:, 8:] = (time % 1_000_000).astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:]
    path.write_bytes(b"\x55" * 6 + b"\x5d" + rows.tobytes())
    return str(path)


def write_imu(path: Path, samples: int) -> str:
    """An `.imu` file."""
    record = np.dtype([("time", "<u8"), ("axes", "<i2", 3), ("reserved", "<i2")])
    slow = samples // 20
    blocks = [np.zeros(n, record) for n in (samples, slow, samples)]
    places, at = [], 112
    for block in blocks:
        block["axes"] = np.random.default_rng(0).integers(-32768, 32768, (len(block), 3))
        places += [len(block), at, block.nbytes]
        at += block.nbytes
    instant = {"secsSinceEpoch": {"num": 1_581_619_401_465, "den": 1000}, "utcOffset": 0}
    sensor = lambda n, factor: {  # noqa: E731
        "periodMs": {"num": 20_570_732 * factor, "den": 1_000_000},
        "numTimes": n,
        "dropped": [],
    }
    timing = {
        "start": instant,
        "end": instant,
        "accelerometer": sensor(samples, 1),
        "magnetometer": sensor(slow, 20),
    }
    text = json.dumps({"timingInfo": timing}).encode()
    head = struct.pack("<QQiHH9QQQ", 0, 1, 0, 1, 0, *places, at, len(text))
    path.write_bytes(head + b"".join(block.tobytes() for block in blocks) + text)
    return str(path)


def main() -> None:
    bench = Benchmark("GPIO and IMU")
    folder = bench.folder
    opening = "g = isx.GpioSet.read(path)"
    reading = opening + "\nfor i in range(g.num_channels): g.get_channel_data(i)"
    to_csv = "isx.export_gpio_set_to_csv([path], out, folder)"
    to_isxd = "isx.export_gpio_to_isxd(path, folder)"
    out = folder / "out.csv"

    def clear() -> None:
        for path in (out, *folder.glob("*.isxd")):
            path.unlink(missing_ok=True)

    if bench.options.only == "huge":
        huge = write_huge(folder / "huge.gpio", 33_000_000)
        print(f"huge.gpio: {Path(huge).stat().st_size / 1e9:.2f} GB")
        bench.run(
            "huge: open and read all channels", reading, path=huge, repeat=1, fresh=True, vendor_code=""
        )
        return
    files = {
        "300,000 single values": write_gpio(folder / "single.gpio", 300_000),
        "180,000 capture-all": write_gpio(folder / "all.gpio", 180_000, capture_all=1),
        "junk before every 100th": write_gpio(folder / "junk.gpio", 300_000, junk_every=100),
        "900,000 of nVoke 1": write_raw(folder / "old.raw", 900_000),
        "500,000 of IMU": write_imu(folder / "motion.imu", 500_000),
    }
    for what, path in files.items():
        inputs = {"path": path, "out": str(out), "folder": str(folder)}
        size = f"{Path(path).stat().st_size / 1e6:.0f} MB"
        bench.run(f"{what} ({size}): open", opening, repeat=3, **inputs)
        bench.run(f"{what}: open, all channels", reading, repeat=2, **inputs)
        bench.run(f"{what}: to CSV", to_csv, repeat=2, before=clear, **inputs)
        bench.run(f"{what}: to .isxd", to_isxd, repeat=2, before=clear, **inputs)


if __name__ == "__main__":
    main()
