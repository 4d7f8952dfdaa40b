"""Hardware time stamps of which some are missing."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from openisx.core._timestamps import Timestamps, counted_back
from openisx.core.timing import Duration, Timing


def stamps(*counters):
    return np.array(counters, np.uint64).view(Timestamps)


def test_differences_are_float_and_nan_where_one_is_missing():
    given = stamps(5_000_000, 5_050_000, 0, 5_150_000)
    for difference in (given - given[0], given - 5_000_000, given - np.int64(5_000_000), given - 5e6):
        assert (type(difference), difference.dtype) == (np.ndarray, np.float64)
        np.testing.assert_array_equal(difference, [0, 50_000, np.nan, 150_000])
    np.testing.assert_array_equal(given[0] - given, [0, -50_000, np.nan, -150_000])
    np.testing.assert_array_equal(np.diff(given), [50_000, np.nan, np.nan])
    np.testing.assert_array_equal(given / 1e6, [5, 5.05, np.nan, 5.15])
    np.testing.assert_array_equal(given[1:] - given[:3], [50_000, np.nan, np.nan])
    np.testing.assert_array_equal(given[[1, 3]] - given[0], [50_000, 150_000])
    np.testing.assert_array_equal(stamps(2**64 - 1, 2**63) - np.uint64(2**63), [2**63 - 1, 0])
    assert (stamps() - stamps()).shape == (0,)


def test_everything_else_is_as_with_any_array():
    given = stamps(7, 0, 9)
    assert given.tolist() == [7, 0, 9]
    assert (given == 0).tolist() == [False, True, False]
    assert (given + np.uint64(1)).tolist() == [8, 1, 10]
    assert np.searchsorted(given[given > 0], 8) == 1
    assert int(given[2]) - int(given[0]) == 2
    assert int(np.add.reduce(given)) == 16
    plain = given.astype(np.int64)
    assert (type(plain), (plain - 8).tolist()) == (np.ndarray, [-1, -8, 1])
    again = pickle.loads(pickle.dumps(given))
    assert (type(again), again.tolist()) == (Timestamps, [7, 0, 9])
    given[1] = 8
    np.testing.assert_array_equal(given - given[0], [0, 1, 2])


def test_differences_in_place():
    given = stamps(7, 9)
    given -= np.uint64(7)
    assert (type(given), given.tolist()) == (np.ndarray, [0, 2])  # 0 is a time now
    given = stamps(0, 9)
    with pytest.raises(TypeError, match="write s = s - t, not s -= t"):
        given -= np.uint64(1)
    out = np.zeros(2)
    np.subtract(stamps(7, 9), 5, out=out, casting="unsafe")
    assert out.tolist() == [2, 4]


def test_counting_back():
    timing = Timing(9, Duration.from_ratio(1, 30))
    assert counted_back(2**63 + 1, 0, timing) == 2**63 + 1
    assert counted_back(1_000_000, 1, timing) == 966_667  # 966,666.67
    assert counted_back(10, 2, timing) == -66_657
