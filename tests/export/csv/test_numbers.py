from __future__ import annotations

import numpy as np
import pytest

from openisx.export.csv import _numbers as csv_text

NEGATIVE_NAN = np.array([0xFFC00000], np.uint32).view(np.float32)[0]
ODD = np.array(
    [0, -0.0, 1 / 3, 1e-9, 1.5e-5, 0.00012345678, 123456789, 16777217, np.inf, -np.inf, np.nan], np.float32
)
ODD_TEXT = ["0", "-0", "0.3333333", "1e-09", "1.5e-05", "0.0001234568", "1.234568e+08", "1.677722e+07"]
ODD_TEXT += ["inf", "-inf", "nan"]


def test_cells():
    assert csv_text.cells("%.7g", ODD) == ODD_TEXT
    assert csv_text.cells("%.7g", np.array([1, NEGATIVE_NAN], np.float32)) == ["1", "-nan"]
    assert csv_text.cells("%.16g", np.array([0.07879800000000001, 1600000000.223])) == [
        "0.07879800000000001",
        "1600000000.223",
    ]
    assert csv_text.cells("%d", np.zeros(0, np.int64)) == []


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
