"""Duration, Time, Timing and the mapping of samples to stored frames."""

from __future__ import annotations

import copy
import math
import pickle
from datetime import datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import isx
from openisx.core._records import IsxRatio
from openisx.core._sample_index import SampleIndex

INT64 = st.integers(-(2**63), 2**63 - 1)


def duration(num, den):
    return isx.Duration._from_num_den(num, den)


def clock(num, den=1, offset=0):
    return isx.Time._from_secs_since_epoch(duration(num, den), offset)


# -- Duration ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "value", "ratio"),
    [
        ("from_secs", 5, (5, 1)),
        ("from_secs", -2.5, (-2, 1)),
        ("from_secs", "7", (7, 1)),
        ("from_msecs", 1.9, (1, 1000)),
        ("from_msecs", 33.7, (33, 1000)),
        ("from_usecs", 1e6 / 30, (33333, 1_000_000)),
        ("_from_secs_float", 0.1, (1, 10)),
        ("_from_secs_float", 1 / 3, (1, 3)),
        ("_from_secs_float", 0.09364790469408035, (12569209, 134217728)),
    ],
)
def test_making_durations(make, value, ratio):
    impl = getattr(isx.Duration, make)(value)._impl
    assert (impl.num, impl.den) == ratio


def test_bounded_denominator():
    assert repr(isx.Duration._from_secs_float(0.09364790469408035, 100)._impl) == "IsxRatio(3, 32)"
    assert repr(isx.Duration._from_secs_float(0.5, max_denominator=1)._impl) == "IsxRatio(0, 1)"


@pytest.mark.parametrize(
    ("num", "den", "secs", "msecs", "usecs"),
    [
        (2, 3, 0, 666, 666667),
        (-3, 2, -1, -1500, -1500000),
        (1001, 1000, 1, 1001, 1001000),
        (5237, 1000, 5, 5237, 5237000),
        (5, 2_000_000, 0, 0, 2),
        (7, 2_000_000, 0, 0, 4),
    ],
)
def test_conversions(num, den, secs, msecs, usecs):
    d = duration(num, den)
    assert (d.to_secs(), d.to_msecs(), d.to_usecs()) == (secs, msecs, usecs)
    assert {type(n) for n in (d.to_secs(), d.to_msecs(), d.to_usecs())} == {int}


@given(INT64, st.integers(1, 2**63 - 1))
def test_milliseconds_are_exact(num, den):
    assert duration(num, den).to_msecs() == math.trunc(Fraction(num, den) * 1000)
    assert duration(num, den).secs_float == num / den


@pytest.mark.parametrize(
    ("num", "den", "text"),
    [(50, 1000, "0.05s"), (0, 1, "0.0s"), (1, 3, "0.3333333333333333s"), (1, 10**6, "1e-06s")],
)
def test_duration_text(num, den, text):
    assert str(duration(num, den)) == text


def test_duration_equality_and_limits():
    assert duration(50, 1000) == duration(50000, 1_000_000)
    assert duration(1, 2) != duration(1, 3)
    assert duration(1, 2) != 0.5
    assert (isx.Duration() == "x") is False
    with pytest.raises(TypeError, match="unhashable"):
        hash(isx.Duration())
    with pytest.raises(TypeError):
        isx.Duration(5)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        duration(0.5, 1)
    with pytest.raises(ValueError, match="64-bit"):
        duration(2**63, 1)
    with pytest.raises(ZeroDivisionError):
        _ = duration(1, 0).secs_float


@given(INT64, st.integers(1, 2**63 - 1))
def test_ratios_are_kept_and_fractions_are_exact(num, den):
    made = isx.Duration.from_ratio(num, den)
    assert tuple(made.ratio) == (num, den)
    assert made.fraction == Fraction(num, den)
    assert tuple(isx.Duration.from_ratio(*made.ratio).ratio) == (num, den)


def test_ratios_cannot_be_changed_from_outside():
    made = isx.Duration.from_ratio(50, 1000)
    made.ratio.num = 7
    assert repr(made.ratio) == "IsxRatio(50, 1000)"
    with pytest.raises(ValueError, match="must not be 0"):
        isx.Duration.from_ratio(1, 0)
    with pytest.raises(isx.IsxError, match="1/0 has no value"):
        _ = duration(1, 0).fraction


RATIOS = st.builds(IsxRatio, INT64, st.integers(1, 2**63 - 1))


@given(RATIOS, RATIOS, INT64)
def test_ratio_arithmetic_is_exact_over_the_common_denominator(a, b, n):
    assert (a + b).fraction == a.fraction + b.fraction
    assert (a - b).fraction == a.fraction - b.fraction
    assert (a + b).den == (a - b).den == math.lcm(a.den, b.den)
    assert tuple(a * n) == (a.num * n, a.den)
    with pytest.raises(isx.IsxError, match="denominator 0"):
        a + IsxRatio(1, 0)


# -- Time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("num", "den", "offset", "text"),
    [
        (0, 1, 0, "1970-01-01 00:00:00"),
        (100, 1, 3600, "1970-01-01 01:01:40"),
        (1523469679261, 1000, -14400, "2018-04-11 14:01:19.261000"),
        (-1, 2, 0, "1969-12-31 23:59:59.500000"),
        (1570465321524186, 10**6, 0, "2019-10-07 16:22:01.524186"),
    ],
)
def test_time_text(num, den, offset, text):
    time = clock(num, den, offset)
    assert str(time) == text
    assert time.to_datetime() == datetime.fromisoformat(text)
    assert time.to_datetime().tzinfo is None


def test_far_away_times_still_print():
    far = clock(2**62)
    with pytest.raises(ValueError, match="1 to 9999"):
        far.to_datetime()
    assert str(far) == "4.611686018427388e+18 s after 1970"
    assert "after 1970" in str(isx.Timing(3, start=far))


def test_time_equality():
    assert clock(1, 2, 5) == clock(2, 4, 5)
    assert clock(1, 2, 5) != clock(1, 2, 6)
    assert clock(0) != 0
    assert isx.Time()._from_secs_since_epoch(duration(3, 1)) == clock(3)
    assert clock(7, 3, 60)._to_secs_since_epoch() == duration(7, 3)
    assert repr(clock(100, 1, 3600)._impl) == "IsxTime(IsxRatio(100, 1), 3600)"
    with pytest.raises(TypeError, match="unhashable"):
        hash(isx.Time())


@given(INT64, st.integers(1, 2**63 - 1), st.integers(-50400, 50400))
def test_instants_are_kept(num, den, offset):
    time = isx.Time.from_secs_since_epoch(isx.Duration.from_ratio(num, den), offset)
    assert (tuple(time.secs_since_epoch.ratio), time.utc_offset) == ((num, den), offset)


# -- Timing --------------------------------------------------------------------------------------


def test_defaults():
    timing = isx.Timing()
    assert (timing.num_samples, timing.dropped, timing.cropped, timing.blank) == (0, [], [], [])
    assert timing.period == isx.Duration.from_msecs(50)
    assert timing.start == isx.Time()
    assert timing.get_valid_samples_mask().tolist() == []
    assert timing.get_valid_samples().dtype == np.int64
    assert timing.get_offsets_since_start() == []


def test_replaced_parts_keep_the_rest():
    timing = isx.Timing(9, duration(2, 40), clock(3, 2, 60), [7, 1], [(2, 3)], [5])
    assert timing.replace() == timing
    changed = timing.replace(num_samples=4, period=duration(1, 3), start=clock(9))
    assert changed == isx.Timing(4, duration(1, 3), clock(9), [7, 1], [(2, 3)], [5])
    assert tuple(timing.replace(start=clock(9)).period.ratio) == (2, 40)


def test_text():
    timing = isx.Timing(18, dropped=[2, 4], cropped=[(5, 6), (9, 11)], blank=[1])
    assert str(timing) == (
        "Timing(num_samples=18, period=0.05s, start=1970-01-01 00:00:00, dropped=[2, 4], "
        "cropped=[(5, 6), (9, 11)], blank=[1])"
    )


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"num_samples": -1}, ValueError, "num_samples must be non-negative"),
        ({"num_samples": 1.5}, TypeError, "integer"),
        ({"num_samples": "1"}, TypeError, "integer"),
        ({"period": 0.05}, TypeError, "period must be an isx.Duration object"),
        ({"start": "now"}, ValueError, "start_time must be an isx.Time object"),
        ({"cropped": [(5, 2)]}, ValueError, "first <= last"),
        *(
            ({name: bad}, TypeError, f"{name} must be an 1D array-like")
            for name in ("dropped", "blank")
            for bad in (
                5,
                None,
                "12",
                {1, 2},
                [[1, 2], [3, 4]],
                [-1],
                [float("nan")],
                [1e30],
                [[1], [1, 2]],
                ["a"],
                [None],
            )
        ),
        *(
            ({"cropped": bad}, TypeError, "cropped must be an Nx2 array-like")
            for bad in (
                5,
                None,
                [1],
                [(1, 2, 3)],
                "ab",
                [(-1, 2)],
                [(0, float("inf"))],
                [[1], [1, 2]],
                {1, 2},
            )
        ),
    ],
)
def test_refused_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        isx.Timing(**arguments)


@pytest.mark.parametrize("shape", [(3, 1), (1, 3), (1, 3, 1)])
def test_axes_of_length_1_do_not_count(shape):
    listed = np.array([4, 2, 3]).reshape(shape)
    timing = isx.Timing(5, dropped=listed, blank=np.zeros((0, 1)))
    assert timing.dropped == [4, 2, 3]
    assert timing.blank == []


def test_values_are_copied_and_kept_as_given():
    dropped = np.array([3, 1, 1])
    timing = isx.Timing(5, dropped=dropped, cropped=[1, 2, 4, 9], blank=(1.7,))
    dropped[:] = 0
    assert timing.dropped == [3, 1, 1]
    assert timing.cropped == [(1, 2), (4, 9)]
    assert timing.blank == [1]
    timing.dropped.append(9)
    timing.period._impl.num = 7
    timing.start._impl.secs_since_epoch.num = 7
    assert timing == isx.Timing(5, dropped=[3, 1, 1], cropped=[(1, 2), (4, 9)], blank=[1])


def test_equality_compares_everything():
    base = {"num_samples": 9, "period": duration(1, 2), "start": clock(3), "dropped": [1, 2]}
    timing = isx.Timing(**base)
    assert timing == isx.Timing(**(base | {"period": duration(2, 4)}))
    changes = [{"num_samples": 8}, {"period": duration(1, 3)}, {"start": clock(4)}, {"dropped": [2, 1]}]
    for change in [*changes, {"cropped": [(3, 4)]}, {"blank": [5]}]:
        assert timing != isx.Timing(**(base | change))
    assert timing != 9
    assert isx.Timing(5, cropped=[(1, 2)]) != isx.Timing(5)
    with pytest.raises(TypeError, match="unhashable"):
        hash(timing)


def test_offsets_are_exact_ratios():
    def ratios(period, start):
        timing = isx.Timing(3, duration(*period), clock(*start))
        return [(d._impl.num, d._impl.den) for d in timing.get_offsets_since_start()]

    assert ratios((1, 3), (7, 1000)) == [(0, 1000), (1000, 3000), (2000, 3000)]
    assert ratios((2000, 20000), (5, 7)) == [(0, 7), (14000, 140000), (28000, 140000)]
    assert ratios((2, 4), (0, 1)) == [(0, 1), (2, 4), (4, 4)]


WIDE = st.builds(isx.Duration.from_ratio, INT64, st.integers(1, 2**63 - 1))
USUAL = st.builds(isx.Duration.from_ratio, st.integers(1, 10**6), st.sampled_from([1000, 30_000, 10**6 + 3]))
OFFSETS = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 10**10), max_size=5)


def microseconds(exact):
    """Rounded half to even, as Python's `round` does."""
    return round(exact * 1_000_000)


@given(st.integers(0, 6), USUAL | WIDE, OFFSETS)
def test_seconds_are_the_nearest_floats(count, period, offsets):
    timing = isx.Timing(count, period)
    seconds = timing.seconds()
    assert seconds.dtype == np.float64
    assert seconds.tolist() == [float(i * period.fraction) for i in range(count)]
    want = [float(Fraction(offset, 1_000_000)) for offset in offsets]
    assert timing.seconds(np.array(offsets, np.uint64)).tolist() == want
    assert timing.seconds(offsets=[]).shape == (0,)


def test_seconds_where_products_do_not_fit_floats():
    timing = isx.Timing(4, duration(2**53 + 1, 3))
    assert timing.seconds().tolist() == [(2**53 + 1) * i / 3 for i in range(4)]
    assert isx.Timing(2, duration(1, 2**63 - 1)).seconds().tolist() == [0.0, 1 / (2**63 - 1)]
    assert isx.Timing(3, duration(33333, 1_000_000)).seconds().tolist() == [0.0, 0.033333, 0.066666]


@given(
    st.integers(0, 6),
    USUAL,
    st.builds(isx.Duration.from_ratio, st.integers(-(2**43), 2**43), st.sampled_from([1, 1000, 10**6, 77])),
    st.integers(-50400, 50400),
    st.lists(st.integers(0, 10**12), max_size=5),
)
def test_datetimes_are_rounded_exactly(count, period, start, offset, offsets):
    timing = isx.Timing(count, period, isx.Time.from_secs_since_epoch(start, offset))
    first = start.fraction
    want = [microseconds(first + i * period.fraction) for i in range(count)]
    made = timing.datetimes(utc=True)
    assert made.dtype == "datetime64[us]"
    assert made.astype(np.int64).tolist() == want
    assert (timing.datetimes() - made).astype(np.int64).tolist() == [offset * 1_000_000] * count
    given_offsets = timing.datetimes(np.array(offsets, np.uint64), utc=True)
    assert given_offsets.astype(np.int64).tolist() == [
        microseconds(first + Fraction(o, 1_000_000)) for o in offsets
    ]


def test_datetimes_are_those_of_the_clock_on_the_wall():
    timing = isx.Timing(3, duration(1, 20), clock(1523469679261, 1000, -14400))
    assert timing.datetimes()[0].item() == timing.start.to_datetime()
    assert str(timing.datetimes()[0]) == "2018-04-11T14:01:19.261000"
    assert str(timing.datetimes(utc=True)[2]) == "2018-04-11T18:01:19.361000"
    assert str(timing.datetimes([1_500_000])[0]) == "2018-04-11T14:01:20.761000"
    half = isx.Timing(4, duration(1, 2_000_000))  # ties go to the even microsecond
    assert half.datetimes().astype(np.int64).tolist() == [0, 0, 1, 2]


def test_times_that_cannot_be():
    with pytest.raises(ValueError, match="292,000 years"):
        isx.Timing(2, start=clock(2**62)).datetimes()
    with pytest.raises(isx.IsxError, match="1/0 has no value"):
        isx.Timing(2, duration(1, 0)).seconds()
    with pytest.raises(TypeError, match="whole numbers of microseconds"):
        isx.Timing(2).seconds([1.5])


@st.composite
def timings(draw):
    count = draw(st.integers(0, 40))
    index = st.integers(0, 45)
    ranges = st.lists(st.tuples(index, index).map(sorted).map(tuple), max_size=4)
    return count, draw(st.lists(index, max_size=6)), draw(ranges), draw(st.lists(index, max_size=6))


def valid_by_hand(count, dropped, cropped, blank):
    gone = {*dropped, *blank, *(i for a, b in cropped for i in range(a, b + 1))}
    return [i for i in range(count) if i not in gone]


@given(timings())
def test_valid_samples_of_any_timing(case):
    count, dropped, cropped, blank = case
    want = valid_by_hand(*case)
    for timing in (
        isx.Timing(count, dropped=dropped, cropped=cropped, blank=blank),
        isx.Timing(count, dropped=dropped, cropped=cropped, blank=blank).normalized(),
    ):
        assert timing.get_valid_samples().tolist() == want
        mask = timing.get_valid_samples_mask()
        assert (mask.dtype, np.flatnonzero(mask).tolist(), len(mask)) == (np.bool_, want, count)
        samples = timing.samples
        assert samples.num_valid == len(want)
        assert samples.complete == (len(want) == count)
        stored = {sample: position for position, sample in enumerate(want)}
        assert [samples.stored(i) for i in range(count)] == [stored.get(i, -1) for i in range(count)]
        everything = np.arange(count)
        assert samples.stored_many(everything).tolist() == [stored.get(i, -1) for i in range(count)]
        assert [samples.sample(k) for k in range(len(want))] == want


@given(timings())
def test_normalised_lists_are_sorted_disjoint_and_inside(case):
    count, dropped, cropped, blank = case
    timing = isx.Timing(count, dropped=dropped, cropped=cropped, blank=blank).normalized()
    in_ranges = {i for a, b in cropped for i in range(a, min(b, count - 1) + 1)}
    assert {i for a, b in timing.cropped for i in range(a, b + 1)} == in_ranges
    assert all(b + 1 < c for (_, b), (c, _) in zip(timing.cropped, timing.cropped[1:], strict=False))
    assert timing.blank == sorted({i for i in blank if i < count} - in_ranges)
    assert timing.dropped == sorted({i for i in dropped if i < count} - in_ranges - set(blank))
    assert timing.normalized() == timing


def test_merging_as_the_format_says():
    timing = isx.Timing(12, dropped=[5, 3], cropped=[(4, 6), (1, 2), (3, 3)], blank=[8, 0]).normalized()
    assert (timing.dropped, timing.cropped, timing.blank) == ([], [(1, 6)], [0, 8])


def test_many_gaps_are_cheap():
    n = 200_000
    timing = isx.Timing(n, dropped=np.arange(0, n, 2)).normalized()
    assert timing.samples.num_valid == n // 2
    assert timing.samples.stored(n - 1) == n // 2 - 1
    whole = isx.Timing(2**32, cropped=[(0, 2**32 - 2)])
    assert whole.samples.num_valid == 1
    assert whole.samples.sample(0) == 2**32 - 1


def test_changing_the_record_inside_is_seen():
    timing = isx.Timing(5, dropped=[1])
    assert timing.get_valid_samples().tolist() == [0, 2, 3, 4]
    timing._impl.num_samples = 3
    assert timing.get_valid_samples().tolist() == [0, 2]
    timing._impl.dropped = np.array([0], dtype=np.uint64)
    assert timing.get_valid_samples().tolist() == [1, 2]


def test_copies_are_independent_and_equal():
    timing = isx.Timing(9, duration(3, 7), clock(5, 11, -60), [1], [(3, 4)], [7])
    values: list[Any] = [timing.period, timing.start, timing, isx.Spacing((3, 4))]
    for value in values:
        for other in (
            copy.deepcopy(value),
            pickle.loads(pickle.dumps(value)),
            type(value)._from_impl(value._impl),
        ):
            assert other == value
            assert str(other) == str(value)
    other = timing.copy()
    other._impl.step.num = 99
    other._impl.start.utc_offset = 1
    assert timing.period._impl.num == 3
    assert timing.start._impl.utc_offset == -60


def test_sample_index_of_nothing():
    empty = np.zeros(0, dtype=np.int64)
    index = SampleIndex(0, empty, empty)
    assert (index.num_valid, index.mask().tolist(), index.stored_many(empty).tolist()) == (0, [], [])
