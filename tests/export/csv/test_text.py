"""Text of tables is C's, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openisx.export.csv import _text as csv_text

NEGATIVE_NAN = np.array([0xFFC00000], np.uint32).view(np.float32)[0]
ODD = np.array(
    [0, -0.0, 1 / 3, 1e-9, 1.5e-5, 0.00012345678, 123456789, 16777217, np.inf, -np.inf, np.nan], np.float32
)
ODD_TEXT = ["0", "-0", "0.3333333", "1e-09", "1.5e-05", "0.0001234568", "1.234568e+08", "1.677722e+07"]
ODD_TEXT += ["inf", "-inf", "nan"]


def test_formatted():
    assert csv_text.formatted("%.7g", ODD) == ODD_TEXT
    assert csv_text.formatted("%.7g", np.array([1, NEGATIVE_NAN], np.float32)) == ["1", "-nan"]
    assert csv_text.formatted("%.16g", np.array([0.07879800000000001, 1600000000.223])) == [
        "0.07879800000000001",
        "1600000000.223",
    ]
    assert csv_text.formatted("%d", np.zeros(0, np.int64)) == []


def test_rows():
    text = csv_text.rows(("%.16g", "%s", "%d"), (np.array([0.5, -np.nan]), ["a%d", "b"], [1, 2]))
    assert text == "0.5, a%d, 1\n-nan, b, 2\n"


def test_matrix_rows():
    values = np.array([ODD[:3], ODD[3:6]])
    text = csv_text.matrix_rows(["x", "y"], "%.7g", values)
    assert text == "x, 0, -0, 0.3333333\ny, 1e-09, 1.5e-05, 0.0001234568\n"
    values[1, 1] = NEGATIVE_NAN
    text = csv_text.matrix_rows(["x", "y"], "%.7g", values, ",", "!")
    assert text == "x,0,-0,0.3333333!y,1e-09,-nan,0.0001234568!"
    assert csv_text.matrix_rows(["x", "y"], "%.7g", np.zeros((2, 0), np.float32)) == "x\ny\n"
    assert csv_text.matrix_rows([], "%.7g", np.zeros((0, 3), np.float32)) == ""


def test_matrix_rows_of_a_transposed_view():
    traces = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert csv_text.matrix_rows(list("abc"), "%.7g", traces.T) == "a, 0, 3\nb, 1, 4\nc, 2, 5\n"


@pytest.mark.parametrize("share", [0, 0.05, 0.5, 1])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 5), (40, 3)])
def test_sparse_rows(share, shape):
    rng = np.random.default_rng(7)
    rows, columns = np.nonzero(rng.random(shape) < share)
    texts = [f"{value:.3f}" for value in rng.random(len(rows))]
    table = np.full(shape, "0", dtype=object)
    table[rows, columns] = texts
    first = [f"t{i}" for i in range(shape[0])]
    expected = "".join(", ".join([name, *row]) + "\n" for name, row in zip(first, table, strict=True))
    assert csv_text.sparse_rows(first, shape[1], rows, columns, texts) == expected


def test_quoted():
    assert csv_text.quoted("C 0;x") == "C 0;x"
    assert csv_text.quoted('n,"q"') == '"n,""q"""'
    assert csv_text.quoted("a\nb") == '"a\nb"'


def test_encoded():
    assert csv_text.encoded("é") == b"\xc3\xa9"
    assert csv_text.encoded("\ud800") == b"\xed\xa0\x80"


# -- columns of bytes ---


def texts(column):
    return csv_text.lines([column]).decode("utf-8").split("\n")[:-1]


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1)))
def test_signed_integers(values):
    assert texts(csv_text.integers(np.array(values, np.int64))) == [str(v) for v in values]


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_unsigned_integers(values):
    assert texts(csv_text.integers(np.array(values, np.uint64))) == [str(v) for v in values]


@pytest.mark.parametrize("width", range(1, 21))
def test_integers_around_powers_of_ten(width):
    values = [v for v in (10 ** (width - 1) - 1, 10 ** (width - 1), 10**width - 1, 0) if v < 2**64]
    assert texts(csv_text.integers(np.array(values, np.uint64))) == [str(v) for v in values]


@given(st.lists(st.integers(-(2**53), 2**53)))
def test_microseconds(values):
    shown = texts(csv_text.microseconds(np.array(values, np.int64)))
    assert shown == [f"{'-' * (v < 0)}{abs(v) // 10**6}.{abs(v) % 10**6:06d}" for v in values]


@given(st.lists(st.integers(0, 2**53)))
def test_short_microseconds(values):
    shown = texts(csv_text.short_microseconds(np.array(values, np.int64)))
    assert shown == [f"{v // 10**6}.{v % 10**6:06d}".rstrip("0").removesuffix(".") for v in values]


def test_lines_choices_and_gaps():
    names = csv_text.choices(["a", "", "später"], np.array([2, -1, 1, 0]))
    numbers = csv_text.integers(np.array([1, 22, 333, 4]))
    gaps = csv_text.replaced(numbers, np.array([1, 3]), ["NaN"])
    assert csv_text.lines([gaps, names], ";").decode() == "1;später\nNaN;\n333;\nNaN;a\n"
    empty = csv_text.replaced(numbers, np.arange(4), [""])
    assert csv_text.lines([names, empty]).decode() == "später,\n,\n,\na,\n"
    mixed = csv_text.replaced(numbers, np.array([0, 2]), ["a", "longer"])
    assert csv_text.lines([mixed, names], ", ").decode() == "a, später\n22, \nlonger, \n4, a\n"
    assert csv_text.lines([csv_text.integers(np.zeros(0, np.int64))]) == b""
    assert texts(csv_text.choices([], np.array([-1]))) == [""]
