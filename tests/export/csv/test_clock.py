from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import isx
from isx._internal import IsxRatio
from isx.errors import IsxFormatError
from openisx.export.csv._clock import MICROSECOND, Clock, Ticks, TimestampClock, require_wall_clock
from openisx.export.csv._text import lines


def timing(start, step, count=5):
    return isx.Timing(
        count,
        isx.Duration._from_num_den(*step),
        isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(*start)),
    )


def reference(start, ticks, unit, zero):
    """The rule of the specification, one value after another, in unbounded integers."""

    def combine(a, b, sign):
        if a[1] == b[1]:
            return a[0] + sign * b[0], a[1]
        den = math.lcm(a[1], b[1])
        return a[0] * (den // a[1]) + sign * b[0] * (den // b[1]), den

    out = []
    for k in ticks:
        num, den = combine(combine(start, (unit[0] * k, unit[1]), 1), zero, -1)
        out.append(float(num) / float(den))
    return out


def test_samples_from_the_start():
    clock = Clock.relative_to("start", timing((1600000000123, 1000), (50, 1000)))
    seconds = clock.sample_seconds(timing((1600000000123, 1000), (50, 1000)))
    assert seconds.dtype == np.float64
    assert seconds.tolist() == [0.0, 0.05, 0.1, 0.15, 0.2]


def test_samples_since_the_epoch_and_a_slice():
    first = timing((1600000000123, 1000), (50, 1000))
    clock = Clock.relative_to("unix", first)
    assert clock.sample_seconds(first, 2, 4).tolist() == [1600000000.223, 1600000000.273]


def test_files_before_the_first_one_given_are_negative():
    clock = Clock.relative_to("start", timing((1000, 1), (1, 1)))
    assert clock.packet_seconds(timing((990, 1), (1, 1)), np.array([78798], np.uint64)).tolist() == [
        -9.921202
    ]


def test_no_ticks():
    assert Ticks(0, 1, 1).seconds(np.zeros(0, np.uint64)).tolist() == []


@pytest.mark.parametrize("seed", range(4))
def test_same_as_unbounded_integers(seed):
    rng = random.Random(seed)
    dens = [1, 3, 1000, 1001, 29997, 1_000_000, 1_001_003, 10**9, 1_000_000 * 99_999]
    for _ in range(60):
        start = (rng.randrange(-(10**6), 2**41) * rng.choice([1, 1000]), rng.choice(dens))
        unit = (rng.randrange(1, 10**9), rng.choice(dens))
        zero = rng.choice([(0, 1), start, (rng.randrange(2**41), rng.choice(dens))])
        ticks = np.array([0, 1, 2, 3, rng.randrange(10**6), rng.randrange(2**62)], np.uint64)
        got = Clock(IsxRatio(*zero)).ticks(IsxRatio(*start), IsxRatio(*unit)).seconds(ticks)
        assert got.tolist() == reference(start, ticks.tolist(), unit, zero)


def test_numerators_beyond_64_bits():
    start, unit = (2**62, 1000), (1, 999_999_937)
    ticks = np.array([0, 1, 2**63, 2**64 - 1], np.uint64)
    got = Clock(IsxRatio(0, 1)).ticks(IsxRatio(*start), IsxRatio(*unit)).seconds(ticks)
    assert got.tolist() == reference(start, ticks.tolist(), unit, (0, 1))


@pytest.mark.parametrize("offset", [2**63 - 11, 2**63 - 10, -(2**63) + 1, -(2**63) - 5])
def test_borders_of_64_bits(offset):
    for scale in (1, -1):
        got = Ticks(offset, scale, 7).seconds(np.arange(11))
        assert got.tolist() == [float(offset + k * scale) / 7.0 for k in range(11)]


def test_two_roundings_not_one():
    # (2^53 + 1) / 3: the numerator is rounded before the division
    got = Clock(IsxRatio(0, 1)).ticks(IsxRatio(2**53 + 1, 3), IsxRatio(0, 3)).seconds(np.zeros(1, np.int64))
    assert got[0] == float(2**53) / 3.0
    assert got[0] != (2**53 + 1) / 3


def test_sample_zero_is_the_start_itself():
    start, period = (788650121000, 1_000_000), (100_003, 2_000_003)
    first = timing(start, period, 2)
    seconds = Clock.relative_to("unix", first).sample_seconds(first)
    extended = reference(start, [0, 1], period, (0, 1))
    assert seconds.tolist() == [788650.121, extended[1]]
    assert extended[0] != 788650.121
    assert Clock.relative_to("unix", first).packet_seconds(first, np.zeros(1, np.uint64)).tolist() == [
        788650.121
    ]


def test_zero_denominators_are_errors():
    with pytest.raises(IsxFormatError, match="denominator 0"):
        Clock(IsxRatio(0, 1)).ticks(IsxRatio(1, 0), MICROSECOND)


def test_time_refs():
    require_wall_clock("start")
    require_wall_clock("unix")
    with pytest.raises(ValueError, match=r"Unknown time_ref 'Start'. Options are start, unix, tsc."):
        require_wall_clock("Start")
    with pytest.raises(ValueError, match="Invalid setting for writeTimeRelativeTo"):
        Clock.relative_to("tsc", isx.Timing())


# -- hardware time stamps ---


def texts(column):
    return lines([column]).decode("utf-8").split("\n")[:-1]


def printed(clock, counters):
    """What C prints: every step in double precision, from exact integers."""
    shown = []
    for counter in counters:
        if clock.time_ref == "tsc":
            shown.append(str(counter))
            continue
        elapsed = (counter - clock.first + 2**63) % 2**64 - 2**63
        seconds = float(elapsed) / 1e6
        if clock.time_ref == "unix":
            seconds = clock.epoch.num / clock.epoch.den + seconds
        shown.append(f"{seconds:.6f}")
    return shown


counter_lists = st.one_of(
    st.lists(st.integers(0, 2**64 - 1), min_size=1),
    st.lists(st.integers(10**9, 10**12), min_size=1),
)
epochs = st.builds(IsxRatio, st.integers(-(2**45), 2**45), st.sampled_from([1, 1000, 1_000_000, 7]))


@given(st.sampled_from(["start", "unix", "tsc"]), counter_lists, st.integers(-(10**6), 2**64 - 1), epochs)
def test_timestamps(time_ref, counters, first, epoch):
    clock = TimestampClock(time_ref, first, epoch)
    values = np.array(counters, np.uint64)
    assert texts(clock.column(values)) == printed(clock, counters)
    read_back = np.array([float(text) for text in printed(clock, counters)])
    np.testing.assert_array_equal(clock.values(values).astype(float), read_back)


def test_unix_timestamps_of_a_long_recording_are_those_of_printf():
    rng = np.random.default_rng(0)
    counters = 10**11 + np.cumsum(rng.integers(30_000, 70_000, 50_000)).astype(np.uint64)
    for epoch in (IsxRatio(1_654_732_421_576, 1000), IsxRatio(1_654_732_421, 1), IsxRatio(5, 3)):
        clock = TimestampClock("unix", int(counters[7]), epoch)
        assert texts(clock.column(counters)) == printed(clock, counters.tolist())


def test_exact_halves_go_to_the_even_digit():
    # 2^-7 s is 7812.5 us; with whole seconds in front both neighbours can be even
    for microseconds, text in ((7812, "1700000000.007812"), (7813, "1700000000.007813")):
        clock = TimestampClock("unix", 0, IsxRatio(1_700_000_000, 1))
        assert texts(clock.column(np.array([microseconds], np.uint64))) == [text]
    clock = TimestampClock("unix", 0, IsxRatio(1_700_000_000 * 128 + 1, 128))
    assert texts(clock.column(np.array([0], np.uint64))) == [f"{1_700_000_000 + 1 / 128:.6f}"]
    clock = TimestampClock("unix", 0, IsxRatio(1_700_000_000 * 128 + 3, 128))
    assert texts(clock.column(np.array([0], np.uint64))) == [f"{1_700_000_000 + 3 / 128:.6f}"]
