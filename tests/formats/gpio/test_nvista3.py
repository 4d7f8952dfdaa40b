"""`.gpio` files of nVista 3, built packet by packet."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

import isx

sys.path.insert(0, str(Path(__file__).parent.parents[1]))
from builders import gpio as make

SECOND_SYNC = struct.pack("<I", make.SYNC)


def read(tmp_path, content, damaged=False):
    path = tmp_path / "x.gpio"
    path.write_bytes(content)
    if not damaged:
        return isx.GpioSet.read(path)
    with pytest.warns(isx.IsxWarning, match=damaged) as caught:
        gpio = isx.GpioSet.read(path)
    assert len(caught) == 1
    return gpio


def points(gpio, name):
    offsets, values = gpio.get_channel_data(gpio.get_channel_index(name))
    return list(zip(offsets.tolist(), values.tolist(), strict=True))


def test_capture_all(tmp_path):
    digital = 0b10100101 | 0xFF00 | 0b00001111 << 16 | 0xFF000000
    values = (digital, 14523, 34, 15, 65535, 6001, 6553, 65535, 1000, 0b01)
    gpio = read(tmp_path, make.gpio_file([make.event(0x01, 7, 10_000, *values)]))
    assert gpio.names == [
        *(f"Digital GPI {i}" for i in range(8)),
        *(f"Digital GPO {i}" for i in range(8)),
        "GPIO-1", "GPIO-2", "GPIO-3", "GPIO-4",
        "EX-LED", "OG-LED", "DI-LED", "e-focus", "BNC Sync Output", "BNC Trigger Input",
    ]  # fmt: skip
    first = [points(gpio, name)[0][1] for name in gpio.names]
    assert first[:8] == [1, 0, 1, 0, 0, 1, 0, 1]
    assert first[8:16] == [1, 1, 1, 1, 0, 0, 0, 0]
    assert first[16:20] == [14512, 32, 0, 65520]
    assert first[20:] == [np.float32(600.1), np.float32(655.3), 6553.5, 1000, 1, 0]
    assert gpio.timing.num_samples == 1


def test_single_values(tmp_path):
    event = make.event
    packets = [
        event(0x02, 1, 1000, 0b11, 40000, 100, 101, 65535, 31),
        event(0x03, 2, 1001, 70000),
        event(0x06, 3, 1002, 4294967295),
        event(0x07, 4, 1003, 0xFFFFFF02),
        event(0x09, 5, 1004, 70001),
        event(0x0B, 6, 1005, frame=16777217),
        event(0x0C, 7, 1006, 3),
        event(0x0D, 8, 1007, 2**32 - 1),
    ]
    gpio = read(tmp_path, make.gpio_file(packets))
    assert points(gpio, "GPIO-1") == [(0, 96), (1, 70000), (7, 70000)]
    assert points(gpio, "GPIO-3") == [(0, 65520), (7, 65520)]
    assert points(gpio, "GPIO-4") == [(0, 16), (2, 4294967296), (7, 4294967296)]
    assert points(gpio, "Digital GPI 0") == [(0, 1), (3, 0), (7, 0)]
    assert points(gpio, "Digital GPI 1") == [(0, 1), (7, 1)]
    assert points(gpio, "OG-LED") == [(4, 446.5), (7, 446.5)]
    assert points(gpio, "Frame Count") == [(5, 16777216), (7, 16777216)]
    assert points(gpio, "BNC Trigger Input") == [(0, 40000), (6, 3), (7, 3)]
    assert points(gpio, "BNC Sync Output") == [(7, 4294967296)]
    assert gpio.names[8:] == [
        "BNC Trigger Input", "GPIO-1", "GPIO-2", "GPIO-3", "GPIO-4", "OG-LED", "Frame Count", "BNC Sync Output",
    ]  # fmt: skip


def test_unchanged_values_and_different_integers_of_one_float(tmp_path):
    values = [100, 100, 2**24 + 16, 2**24 + 16, 2**31, 2**31 + 16, 2**31 + 16 * 20, 5]
    packets = [make.event(0x03, i, 1000 + i, value) for i, value in enumerate(values)]
    gpio = read(tmp_path, make.gpio_file(packets))
    assert points(gpio, "GPIO-1") == [
        (0, 96),
        (2, 2**24 + 16),
        (4, 2**31),
        (6, np.float32(2**31 + 320)),
        (7, 0),
    ]


def test_lost_packets(tmp_path):
    event = make.event
    packets = [
        event(0x03, 5, 1000, 16),
        event(0x03, 6, 1010, 32),
        event(0x03, 9, 1011, 48),
        event(0x0B, 9, 1500),
    ]
    gpio = read(tmp_path, make.gpio_file(packets), "3 packets lost in 2 gaps")
    assert gpio.num_channels == 27
    # The point at 1011 takes the place of the NaN there; a repeated number is a loss too.
    np.testing.assert_array_equal(gpio["GPIO-1"].offsets, [0, 10, 11, 12, 500])
    np.testing.assert_array_equal(gpio["GPIO-1"].values, [16, 32, 48, np.nan, np.nan])
    np.testing.assert_array_equal(gpio["e-focus"].offsets, [11, 500])
    assert np.isnan(gpio["e-focus"].values).all()
    np.testing.assert_array_equal(gpio["Frame Count"].offsets, [500])


def test_sequence_wraps_without_loss(tmp_path):
    packets = [make.event(0x03, 2**32 - 1 + i, 1000 + i, 16 * i) for i in range(3)]
    assert read(tmp_path, make.gpio_file(packets)).statistics.gaps == 0


def test_time_is_64_bit(tmp_path):
    packets = [make.event(0x03, i, 2**32 - 5 + 10 * i, 16 * i) for i in range(3)]
    assert points(read(tmp_path, make.gpio_file(packets)), "GPIO-1") == [(0, 0), (10, 16), (20, 32)]


def test_resynchronisation_is_counted(tmp_path):
    event = make.event
    packets = [
        b"\1\2\3\4",
        event(0x03, 1, 1000, 16),
        b"\1\2\3\4\5\6\7\x08",
        make.packet(0x4003, 2, b"12345678", size=2),
        make.packet(0x40AA, 3, b"1234"),
        make.packet(0x0001, 99, b"1234"),
        make.packet(0x400E, 4, SECOND_SYNC * 2),
        event(0x03, 5, 1001, 32),
        event(0x03, 6, 1002, 48)[:-4],
    ]
    gpio = read(tmp_path, make.gpio_file(packets), "1 packets of a wrong size")
    statistics = gpio.statistics.as_dict()
    assert {k: v for k, v in statistics.items() if v} == {
        "packets": 3,
        "discarded": 1,
        "unknown": 1,
        "foreign": 1,
        "resynchronised": 2,
        "skipped_bytes": 12,
        "incomplete": 1,
    }
    assert points(gpio, "GPIO-1") == [(0, 16), (1, 32)]


def test_junk_that_shifts_the_rest_by_a_byte(tmp_path):
    packets = [make.event(0x03, i, 1000 + i, 16 * i) for i in range(20)]
    gpio = read(tmp_path, make.gpio_file([*packets[:10], b"x", *packets[10:]]), "belong to no packet")
    assert points(gpio, "GPIO-1")[-1] == (9, 144)


def test_sync_words_inside_of_packets(tmp_path):
    packets = [make.event(0x03, i, (make.SYNC << 32) + i, make.SYNC, frame=make.SYNC) for i in range(50)]
    gpio = read(tmp_path, make.gpio_file(packets))
    assert gpio.statistics.packets == 50
    assert points(gpio, "GPIO-1") == [(0, make.SYNC // 16 * 16), (49, make.SYNC // 16 * 16)]


@pytest.mark.parametrize("words", [3, 8, 50, 1000])
def test_blocks_do_not_show(tmp_path, monkeypatch, words):
    rng = np.random.default_rng(words)
    content = make.gpio_file(make.random_packets(rng, 200, loss=0.05, odd=0.1))
    expected = read(tmp_path, content, "is damaged")
    monkeypatch.setattr("openisx._formats.gpio.points._BLOCK_WORDS", words)
    gpio = read(tmp_path, content, "is damaged")
    assert gpio.statistics == expected.statistics
    assert gpio.names == expected.names
    for index in range(gpio.num_channels):
        for mine, theirs in zip(gpio.get_channel_data(index), expected.get_channel_data(index), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_points_before_the_first(tmp_path):
    event = make.event
    packets = [event(0x03, 1, 5000, 16), event(0x04, 2, 4000, 32), event(0x03, 3, 4500, 48)]
    gpio = read(tmp_path, make.gpio_file(packets), "4 points before the start")
    assert gpio.names == ["GPIO-1", "GPIO-2"]
    assert points(gpio, "GPIO-1") == [(0, 16)]
    assert points(gpio, "GPIO-2") == []
    assert gpio.timing.num_samples == 1


def test_time_stamps_that_cannot_be(tmp_path):
    event = make.event
    packets = [event(0x03, 1, 5000, 16), event(0x03, 2, 2**63, 32), event(0x03, 3, 5001, 48)]
    gpio = read(tmp_path, make.gpio_file(packets), "wrong size or time")
    assert points(gpio, "GPIO-1") == [(0, 16), (1, 48)]


def test_clock_and_number_of_samples(tmp_path):
    packets = [make.event(0x03, i, 8007 * i, i) for i in range(2)]
    gpio = read(tmp_path, make.gpio_file(packets, {"ad": {"clock": 5000}}, start=(1600000000123, 1000)))
    assert (gpio.timing.num_samples, gpio.timing.period.secs_float) == (41, 1 / 5000)
    end = gpio.metadata["global times"][1]["secsSinceEpoch"]
    assert end == {"num": 8000000000656, "den": 5000}


@pytest.mark.parametrize("start", [(1_600_000_000_123_456, 10**6), (2**62 - 1, 2**31 - 1)])
def test_an_end_beyond_64_bits(tmp_path, start):
    """The fractions of start and clock have no common denominator that fits."""
    packets = [make.event(0x03, i, 8007 * i, i) for i in range(2)]
    gpio = read(tmp_path, make.gpio_file(packets, {"ad": {"clock": 9893}}, start=start))
    assert gpio.timing.num_samples in (80, 81)
    isx.export_gpio_to_isxd(tmp_path / "x.gpio", tmp_path)
    again = isx.GpioSet.read(tmp_path / "x_gpio.isxd")
    assert again.timing == gpio.timing
    assert again.get_channel_data(0)[0].tolist() == [0, 8007]


def test_session(tmp_path):
    session = {
        "processingInterface": {"recordingUUID": "abc"},
        "name": "s",
        "microscope": {"dualColor": {"enabled": True}},
    }
    packets = [make.event(0x08, 1, 77, 5), make.event(0x09, 2, 78, 5)]
    gpio = read(tmp_path, make.gpio_file(packets, session))
    assert gpio.names == ["EX-LED1", "EX-LED2"]
    assert gpio.first_timestamp == 77
    assert gpio.recording_uuid == "abc"
    assert gpio.session_metadata["name"] == "s"
    assert gpio.get_acquisition_info() == {"Recording UUID": "abc", "Session Name": "s"}


def test_no_session(tmp_path):
    gpio = read(tmp_path, make.gpio_file([make.event(0x08, 1, 77, 5)]))
    assert gpio.first_timestamp is None
    assert gpio.recording_uuid is None
    assert gpio.get_acquisition_info() is None


@pytest.mark.parametrize(
    "session", [b"{", b"[1]", b'{"a": 1e400}', b'{"a":' * 5000, b"[" * 150_000, b"\xff\xfe"]
)
def test_unreadable_session(tmp_path, session):
    gpio = read(
        tmp_path, make.gpio_file([make.event(0x08, 1, 77, 5)], session), "session metadata cannot be read"
    )
    assert gpio.first_timestamp is None
    assert gpio.names == ["EX-LED"]


def test_session_beyond_the_end(tmp_path):
    content = make.header(session_at=10**15) + make.event(0x08, 1, 77, 5)
    read(tmp_path, content, "session metadata cannot be read")


@pytest.mark.parametrize("clock", [0, 0.9, -5, 10**19])
def test_clock_that_cannot_be(tmp_path, clock):
    with pytest.raises(isx.IsxFormatError, match="Division by zero" if clock in (0, 0.9) else "clock of"):
        read(tmp_path, make.gpio_file([make.event(0x08, 1, 77, 5)], {"ad": {"clock": clock}}))


def test_sync_words_without_anything(tmp_path):
    gpio = read(tmp_path, make.gpio_file([SECOND_SYNC]), "4 bytes that belong")
    assert (gpio.num_channels, gpio.timing.num_samples, gpio.timing.period.secs_float) == (0, 1, 0.001)
    assert read(tmp_path, make.gpio_file([make.packet(0x4055, 1, b"")])).num_channels == 0
    isx.export_gpio_set_to_csv(tmp_path / "x.gpio", tmp_path / "x.csv")  # of the second file
    assert (tmp_path / "x.csv").read_text() == "Time (s), Channel Name, Value\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "Failed to find the beginning of the data stream"),
        (b"12345", "Failed to find the beginning of the data stream"),
        (make.header(), "Failed to find the beginning of the data stream"),
        (make.header() + b"\0" * 100, "Failed to find the beginning of the data stream"),
        (make.header(events_at=2**32 - 1) + b"\0" * 100, "Failed to find the beginning of the data stream"),
        (make.header(start=(1, 0)) + make.event(3, 1, 1, 1), "Division by zero"),
        (make.header(start=(2**63, 1)) + make.event(3, 1, 1, 1), "cannot be right"),
    ],
)
def test_refused(tmp_path, content, text):
    with pytest.raises(isx.IsxFormatError, match=text):
        read(tmp_path, content)
