"""nVoke 1 `.raw` files, built byte by byte."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import isx

sys.path.insert(0, str(Path(__file__).parent.parents[1]))
from builders import gpio as make

T = 1_500_000_000_999_990


def read(tmp_path, content):
    (tmp_path / "x.raw").write_bytes(content)
    return isx.GpioSet.read(tmp_path / "x.raw")


def test_values(tmp_path):
    content = (
        b"junk"
        + make.RAW_SYNC
        + b"".join(
            [
                make.raw_digital(0x03, 0x80 | 0x11, T, upper=15),
                make.raw_digital(0x05, 0x7F, T + 20),
                make.raw_led(0x08, 511, 1, T + 30),
                make.raw_led(0x08, 511, 0, T + 40),
                make.raw_led(0x09, 3, 3, T + 50),
                make.raw_led(0x09, 3, 2, T + 60),
                make.raw_analog(0x80, 0x7F, range(0, 65536, 7000), T + 70),
                make.raw_digital(0x03, 0x80, T + 80),
            ]
        )
    )
    gpio = read(tmp_path, content)
    assert gpio.names == ["GPIO3", "SYNC", "EX_LED", "OG_LED", "GPIO4_AI"]
    assert gpio["GPIO3"].offsets.tolist() == [0, 80]
    assert gpio["GPIO3"].values.tolist() == [1, 1]
    assert gpio["SYNC"].values.tolist() == [0]
    np.testing.assert_array_equal(gpio["EX_LED"].values, np.float32([51.1, 0]))
    np.testing.assert_array_equal(gpio["OG_LED"].values, np.float32([0.3, 0]))
    assert gpio["GPIO4_AI"].offsets.tolist() == [70 + 1000 * i for i in range(10)]
    expected = (np.arange(0, 65536, 7000) / 655360.0 * 255).astype(np.float32)
    np.testing.assert_array_equal(gpio["GPIO4_AI"].values, expected)
    assert [c.dense for c in gpio.channels.values()] == [False, False, False, True, True]
    start = gpio.timing.start._impl.secs_since_epoch
    assert (start.num, start.den) == (T, 1_000_000)
    assert gpio.timing.num_samples == 1  # the last packet counts, not the latest
    assert gpio.get_acquisition_info() is None


def test_junk_is_counted(tmp_path):
    content = (
        make.RAW_SYNC + make.raw_digital(1, 0x80, T) + b"\xff\xfe" + make.raw_digital(1, 0, T + 9) + b"\xee"
    )
    with pytest.warns(isx.IsxWarning, match="3 bytes that belong to no packet skipped in 2 places"):
        gpio = read(tmp_path, content)
    assert gpio["GPIO1"].offsets.tolist() == [0, 9]


def test_cut_packet_ends_the_data(tmp_path):
    content = make.RAW_SYNC + make.raw_digital(1, 0x80, T) + make.raw_analog(1, 1, range(10), T)[:-1]
    with pytest.warns(isx.IsxWarning, match="1 incomplete packet"):
        gpio = read(tmp_path, content)
    assert gpio.names == ["GPIO1"]


def test_time_running_backwards(tmp_path):
    content = make.RAW_SYNC + make.raw_digital(1, 0x80, T) + make.raw_digital(1, 0, T - 500)
    with pytest.warns(isx.IsxWarning, match="1 points before the start"):
        gpio = read(tmp_path, content)
    assert gpio["GPIO1"].offsets.tolist() == [0]
    assert gpio.timing.num_samples == 1


@pytest.mark.parametrize("block", [1, 5, 33, 1000])
def test_blocks_do_not_show(tmp_path, monkeypatch, block):
    content = make.random_raw(np.random.default_rng(block), 100)
    expected = read(tmp_path, content)
    monkeypatch.setattr("openisx._formats.gpio.nvoke._BLOCK", block)
    gpio = read(tmp_path, content)
    assert gpio.statistics == expected.statistics
    for index in range(gpio.num_channels):
        for mine, theirs in zip(gpio.get_channel_data(index), expected.get_channel_data(index), strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "Failed to find the beginning"),
        (b"\xfe\xff\xff\xff" + make.RAW_SYNC, "looks like an nVista raw recording"),
        (b"nothing here", "Failed to find the beginning"),
        (make.RAW_SYNC, "holds a sync pattern but no packet"),
        (make.RAW_SYNC * 9 + b"\xff" * 9, "holds a sync pattern but no packet"),
    ],
)
def test_refused(tmp_path, content, text):
    with pytest.raises(isx.IsxFormatError, match=text):
        read(tmp_path, content)
