"""JSON byte for byte as the files hold it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import isx
from openisx._formats.json_writing import dump, dump_compact


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"), (1e5, "100000"), (0.1, "0.1"), (12.50, "12.5"), (0.30000000000000004, "0.3"), (1e-5, "1e-05"),
        (1e-7, "1e-07"), (-1.5e-10, "-1.5e-10"), (1e15, "1e+15"), (1e16, "1e+16"), (1e22, "1e+22"),
        (123456789012345.0, "123456789012345"), (1234567890123456.0, "1.23456789012346e+15"),
        (123456789.123456789, "123456789.123457"), (2**64, "1.84467440737096e+19"), (2**64 - 1, str(2**64 - 1)),
        (-(2**63), str(-(2**63))), (-(2**63) - 1, "-9.22337203685478e+18"), (0, "0"), (0.0, "0.0"), (-0.0, "-0.0"),
        (math.inf, "null"), (-math.inf, "null"), (math.nan, "null"), (10**400, "null"), (1.7976931348623157e308, "1.7976931348623157e+308"),
        (1.79769313486231e308, "1.79769313486231e+308"), (True, "true"), (None, "null"),
        ("", '""'), ('"\\', '"\\"\\\\"'), ("\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'), ("\x00\x01\x1f", '"\\u0000\\u0001\\u001f"'),
        ("/\x7fé日", '"/\x7fé日"'), ("\ud800", '"\\ud800"'), ([], "[]"), ({}, "{}"), ((), "[]"),
        ([1, [2]], "[\n    1,\n    [\n        2\n    ]\n]"),
        ({"b": {}, "a": 1}, '{\n    "a": 1,\n    "b": {}\n}'),
    ],
)  # fmt: skip
def test_text(value, text):
    assert dump(value) == text.encode()


def test_keys_are_sorted_by_their_bytes():
    keys = ["é", "a b", "a", "_", "A", "1", "日", ""]
    text = dump_compact(dict.fromkeys(keys)).decode()
    assert text == '{"":null,"1":null,"A":null,"_":null,"a":null,"a b":null,"é":null,"日":null}'


@pytest.mark.parametrize("value", [b"x", {1}, {1: 2}, {None: 1}, object(), [np.float32(1)], np.arange(3)])
def test_what_is_not_json(value):
    with pytest.raises(TypeError):
        dump(value)


def test_nesting_has_an_end():
    value: list = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(isx.IsxFormatError, match="nested"):
        dump(value)
    while value:  # freeing it in one go would take a deep recursion too
        value = value[0]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_keep_15_digits(number):
    back = float(dump(number))
    cut = float(f"{number:.15g}")
    assert back == (number if math.isinf(cut) else cut)
