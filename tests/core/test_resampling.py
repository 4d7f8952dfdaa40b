"""Which sample a time falls on."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import isx
from openisx.core._integers import half_away, line
from openisx.core._resampling import hold, nearest_samples

COUNTS = st.integers(0, 6)
PERIODS = st.builds(
    isx.Duration.from_ratio,
    st.integers(1, 1000) | st.integers(1, 2**63 - 1),
    st.sampled_from([1, 20, 1000, 10**6 + 3, 2**62]),
)
STARTS = st.builds(
    isx.Duration.from_ratio,
    st.integers(-1000, 1000) | st.integers(-(2**63), 2**63 - 1),
    st.integers(1, 10**6),
).map(isx.Time.from_secs_since_epoch)
TIMINGS = st.builds(isx.Timing, COUNTS, PERIODS, STARTS)
OFFSETS = st.lists(st.integers(0, 10**7) | st.integers(0, 2**63 - 1), max_size=6).map(sorted)


def after(target, source, offset):
    """Seconds from the start of `target` to `offset` microseconds after the start of `source`."""
    starts = (source.start.secs_since_epoch.fraction, target.start.secs_since_epoch.fraction)
    return starts[0] - starts[1] + Fraction(offset, 1_000_000)


@given(OFFSETS, TIMINGS, TIMINGS)
def test_nearest_samples(offsets, source, target):
    samples, inside = nearest_samples(np.array(offsets, np.uint64), source, target)
    period = target.period.fraction
    want = [math.ceil(after(target, source, offset) / period - Fraction(1, 2)) for offset in offsets]
    assert inside.tolist() == [0 <= i < target.num_samples for i in want]
    assert samples.tolist() == [i if 0 <= i < target.num_samples else 0 for i in want]


def test_half_way_is_the_earlier_sample():
    timing = isx.Timing(3, isx.Duration.from_msecs(100))
    samples, inside = nearest_samples(np.array([50_000, 50_001, 250_000, 250_001], np.uint64), timing, timing)
    assert (samples.tolist(), inside.tolist()) == ([0, 1, 2, 0], [True, True, True, False])


@given(OFFSETS, TIMINGS, TIMINGS)
def test_hold(offsets, source, target):
    values = np.arange(len(offsets), dtype=np.float32)
    held = hold(np.array(offsets, np.uint64), values, source, target)
    for i, value in enumerate(held):
        at = i * target.period.fraction
        before = [k for k, offset in enumerate(offsets) if after(target, source, offset) <= at]
        assert np.isnan(value) if not before else value == max(before)
    assert len(held) == target.num_samples


def test_periods_that_order_nothing():
    for num in (0, -1):
        timing = isx.Timing(3, isx.Duration.from_ratio(num, 1000))
        with pytest.raises(isx.IsxError, match=f"A period of {num}/1000 s"):
            nearest_samples(np.array([1], np.uint64), timing, timing)


@given(
    st.integers(-(2**70), 2**70),
    st.integers(-(2**70), 2**70) | st.just(1),
    st.lists(st.integers(0, 2**64 - 1)),
    st.integers(1, 2**70),
)
def test_lines_never_overflow(first, step, ticks, divisor):
    numbers = line(first, step, np.array(ticks, np.uint64), divisor)
    assert numbers.tolist() == [first + k * step for k in ticks]
    assert (numbers // divisor).tolist() == [(first + k * step) // divisor for k in ticks]


def test_halves_go_away_from_zero():
    assert [half_away(x) for x in (0.5, -0.5, 1.5, Fraction(-5, 2), 0.49999999999999994)] == [1, -1, 2, -3, 0]
