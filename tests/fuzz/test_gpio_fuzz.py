"""Damaged GPIO and IMU files: data or an IsxError, soon, and without more memory than the file warrants."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import isx

sys.path.insert(0, str(Path(__file__).parents[1]))
from builders import gpio as make

DATA = Path(__file__).parents[1] / "data" / "gpio"


def small_gpio() -> bytes:
    rng = np.random.default_rng(1)
    return make.gpio_file(
        make.random_packets(rng, 8, codes=[1, 2, 3, 11, 13]), {"ad": {"clock": 500}, "name": "s"}
    )


def small_imu() -> bytes:
    return make.random_imu(np.random.default_rng(2), 12, drop=0.2)


def small_raw() -> bytes:
    return make.random_raw(np.random.default_rng(3), 12)


FILES = {
    "x.gpio": small_gpio,
    "x.imu": small_imu,
    "x.raw": small_raw,
    "v2.isxd": lambda: (DATA / "set_v2.isxd").read_bytes(),
    "v1.isxd": lambda: (DATA / "set_v1.isxd").read_bytes(),
}


def attempt(path: Path) -> bool:
    """Open and read everything; whether that gave data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", isx.IsxWarning)
        try:
            gpio = isx.GpioSet.read(path)
            assert gpio.timing.num_samples >= 0
            for index in range(gpio.num_channels):
                offsets, values = gpio.get_channel_data(index)
                assert len(offsets) == len(values) <= 20 * path.stat().st_size
                assert (offsets[1:] > offsets[:-1]).all()
            gpio.get_acquisition_info()
            assert all(len(c.name) >= 0 for c in gpio.channels.values())
        except isx.IsxError:
            return False
        return True


@pytest.mark.parametrize("name", FILES)
def test_truncated_everywhere(name, tmp_path):
    content = FILES[name]()
    for size in range(0, len(content), 9 if name.endswith("isxd") else 1):
        (tmp_path / name).write_bytes(content[:size])
        attempt(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
def test_flipped_bytes(name, tmp_path):
    content = FILES[name]()
    rng = np.random.default_rng(10)
    readable = 0
    for _ in range(250):
        damaged = bytearray(content)
        for _ in range(int(rng.integers(1, 4))):
            damaged[int(rng.integers(0, len(damaged)))] ^= 1 << int(rng.integers(0, 8))
        (tmp_path / name).write_bytes(damaged)
        readable += attempt(tmp_path / name)
    assert readable


@pytest.mark.parametrize("name", FILES)
def test_extreme_words(name, tmp_path):
    """Each 4 bytes in turn become the largest, the smallest and a middling number."""
    content = FILES[name]()
    for at in range(0, min(len(content) - 4, 300), 4):
        for word in (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"):
            (tmp_path / name).write_bytes(content[:at] + word + content[at + 4 :])
            attempt(tmp_path / name)


@pytest.mark.parametrize("name", FILES)
def test_inserted_and_removed(name, tmp_path):
    content = FILES[name]()
    rng = np.random.default_rng(11)
    for _ in range(120):
        at = int(rng.integers(0, len(content)))
        count = int(rng.integers(1, 40))
        if rng.random() < 0.5:
            changed = content[:at] + rng.integers(0, 256, count, dtype=np.uint8).tobytes() + content[at:]
        else:
            changed = content[:at] + content[at + count :]
        (tmp_path / name).write_bytes(changed)
        attempt(tmp_path / name)


@pytest.mark.parametrize("name", ["x.gpio", "x.imu", "x.raw"])
def test_noise(name, tmp_path):
    rng = np.random.default_rng(12)
    for size in (0, 1, 3, 4, 31, 32, 47, 48, 112, 5000, 300_000):
        for top in (256, 12):
            (tmp_path / name).write_bytes(rng.integers(0, top, size, dtype=np.uint8).tobytes())
            attempt(tmp_path / name)


@pytest.mark.parametrize(
    "word", [b"\x55\xaa\0\0", b"\x55\xaa\0\0\x03\x40\0\0", b"\x55\xaa\0\0\x03\x40\0\0\1\0\0\0\4\0\0\0"]
)
def test_nothing_but_sync_words(word, tmp_path):
    """As dense as damage can be: still in time that grows with the file."""
    (tmp_path / "x.gpio").write_bytes(make.header() + word * (800_000 // len(word)))
    assert attempt(tmp_path / "x.gpio")


def test_nothing_but_packet_starts(tmp_path):
    (tmp_path / "x.raw").write_bytes(make.RAW_SYNC + b"\x07\xff" * 400_000)
    assert attempt(tmp_path / "x.raw")
