"""Columns of bytes: the text is C's, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isx._internal import IsxRatio
from openisx.export.csv import _columns as text_cells
from openisx.export.csv._hardware_times import StampClock


def texts(cells):
    return text_cells.lines([cells]).decode("utf-8").split("\n")[:-1]


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1)))
def test_signed_integers(values):
    assert texts(text_cells.integers(np.array(values, np.int64))) == [str(v) for v in values]


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_unsigned_integers(values):
    assert texts(text_cells.integers(np.array(values, np.uint64))) == [str(v) for v in values]


@pytest.mark.parametrize("width", range(1, 21))
def test_integers_around_powers_of_ten(width):
    values = [v for v in (10 ** (width - 1) - 1, 10 ** (width - 1), 10**width - 1, 0) if v < 2**64]
    assert texts(text_cells.integers(np.array(values, np.uint64))) == [str(v) for v in values]


@given(st.lists(st.integers(-(2**53), 2**53)))
def test_microseconds(values):
    shown = texts(text_cells.microseconds(np.array(values, np.int64)))
    assert shown == [f"{'-' * (v < 0)}{abs(v) // 10**6}.{abs(v) % 10**6:06d}" for v in values]


def test_lines_choices_and_gaps():
    cells = text_cells.choices(["a", "", "später"], np.array([2, -1, 1, 0]))
    numbers = text_cells.integers(np.array([1, 22, 333, 4]))
    gaps = text_cells.where(np.array([True, False, True, False]), numbers, "NaN")
    assert text_cells.lines([gaps, cells], ";").decode() == "1;später\nNaN;\n333;\nNaN;a\n"
    empty = text_cells.where(np.array([False] * 4), numbers)
    assert text_cells.lines([cells, empty]).decode() == "später,\n,\n,\na,\n"
    assert text_cells.lines([text_cells.integers(np.zeros(0, np.int64))]) == b""
    assert texts(text_cells.choices([], np.array([-1]))) == [""]


# -- time stamps -------------------------------------------------------------------------------------


def expected(clock, counters):
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
def test_stamps(time_ref, counters, first, epoch):
    clock = StampClock(time_ref, first, epoch)
    values = np.array(counters, np.uint64)
    assert texts(clock.cells(values)) == expected(clock, counters)
    read_back = np.array([float(text) for text in expected(clock, counters)])
    np.testing.assert_array_equal(clock.values(values).astype(float), read_back)


def test_unix_stamps_of_a_long_recording_are_those_of_printf():
    rng = np.random.default_rng(0)
    counters = 10**11 + np.cumsum(rng.integers(30_000, 70_000, 50_000)).astype(np.uint64)
    for epoch in (IsxRatio(1_654_732_421_576, 1000), IsxRatio(1_654_732_421, 1), IsxRatio(5, 3)):
        clock = StampClock("unix", int(counters[7]), epoch)
        assert texts(clock.cells(counters)) == expected(clock, counters.tolist())


def test_exact_halves_go_to_the_even_digit():
    # 2^-7 s is 7812.5 us; with whole seconds in front both neighbours can be even
    for microseconds, text in ((7812, "1700000000.007812"), (7813, "1700000000.007813")):
        clock = StampClock("unix", 0, IsxRatio(1_700_000_000, 1))
        assert texts(clock.cells(np.array([microseconds], np.uint64))) == [text]
    clock = StampClock("unix", 0, IsxRatio(1_700_000_000 * 128 + 1, 128))
    assert texts(clock.cells(np.array([0], np.uint64))) == [f"{1_700_000_000 + 1 / 128:.6f}"]
    clock = StampClock("unix", 0, IsxRatio(1_700_000_000 * 128 + 3, 128))
    assert texts(clock.cells(np.array([0], np.uint64))) == [f"{1_700_000_000 + 3 / 128:.6f}"]
