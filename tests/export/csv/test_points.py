"""Lines of points against ``printf`` of every single one."""

from __future__ import annotations

import numpy as np
import pytest

from openisx.export.csv import _text as csv_text
from openisx.export.csv._clock import Ticks
from openisx.export.csv.gpio import point_lines


def expected(ticks, offsets, name, values):
    columns = (ticks.seconds(offsets), [name] * len(values), values)
    return csv_text.encoded(csv_text.rows(("%.16g", "%s", "%.7g"), columns))


@pytest.mark.parametrize("zero", [0, 17, 1_600_000_000_123_000, -5_000_000, 99_999_999_999])
@pytest.mark.parametrize("span", [1, 150, 10**4, 10**6, 10**8, 10**10, 10**12])
def test_as_printf(zero, span):
    rng = np.random.default_rng(span)
    offsets = np.sort(rng.integers(0, span, 3000)).astype(np.uint64)
    values = rng.integers(0, 70000, 3000).astype(np.float32)
    values[::3] /= np.float32(10)
    values[::7] = np.nan
    odd = [-np.nan, np.inf, -np.inf, -0.0, 0.0, 1e7, 9999999, 1e-9, 16777217, -3, -3.5, 999, 1000, 1e6, 3e38]
    values[: len(odd)] = odd
    values[len(odd) : 400] = rng.normal(size=400 - len(odd))
    ticks = Ticks(zero, 1, 1_000_000)
    assert point_lines(ticks, offsets, 'é "q"', values) == expected(ticks, offsets, 'é "q"', values)


@pytest.mark.parametrize("ticks", [Ticks(3, 7, 7_000_000), Ticks(0, 1, 1_000), Ticks(2**60, 1, 1_000_000)])
def test_other_clocks(ticks):
    offsets = np.arange(0, 5000, 7, dtype=np.uint64)
    values = offsets.astype(np.float32)
    assert point_lines(ticks, offsets, "a", values) == expected(ticks, offsets, "a", values)


def test_offsets_beyond_exact_doubles():
    offsets = np.array([0, 2**53 - 1, 2**53 + 1, 2**62], dtype=np.uint64)
    ticks = Ticks(0, 1, 1_000_000)
    values = np.zeros(4, np.float32)
    assert point_lines(ticks, offsets, "a", values) == expected(ticks, offsets, "a", values)


def test_nothing():
    assert point_lines(Ticks(0, 1, 1_000_000), np.zeros(0, np.uint64), "a", np.zeros(0, np.float32)) == b""


def test_zero_byte_in_a_name():
    ticks = Ticks(0, 1, 1_000_000)
    assert point_lines(ticks, np.array([5], np.uint64), "a\0b", np.ones(1, np.float32)) == b"5e-06, a\0b, 1\n"
