"""Reading JSON as the files hold it: tolerance and limits."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import isx
from openisx._formats.json_reading import (
    JsonObject,
    member_span,
    parse,
    parse_object,
    parse_undamaged,
)
from openisx._formats.json_writing import dump, normalize

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_round_trip(value):
    once = normalize(value)
    assert normalize(once) == once
    assert json.loads(dump(value)) == once
    assert parse(dump(value), "f") == once
    assert dump(once) == dump(value)


@given(st.dictionaries(st.text(), VALUES, min_size=1, max_size=5))
def test_large_objects(value):
    value = value | {"padding": ["x" * 1000] * 90, "numbers": list(range(800))}
    members = parse_object(dump(value), "f")
    assert members == normalize(value)
    assert set(members) == set(value)
    numbers = JsonObject(members, "f").indices("numbers")
    assert numbers.tolist() == value["numbers"]


@pytest.mark.parametrize("text", [b'\xef\xbb\xbf{"a": 1}', b' \n{"a": 1}\n\t ', b'{"a": 2, "a": 1}'])
def test_tolerance(text):
    assert parse_object(text, "f") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (b"", "unexpected end of input"),
        (b'{"a": [1, ', "unexpected end of input"),
        (b'{"a": 1,}', "line 1 column"),
        (b"{} // comment", "Extra data"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": "\xff"}', "utf-8"),
        (b"[" * 10**6, "nested too deeply"),
        (b"[1]", "not an object"),
    ],
)
def test_damage(text, detail):
    with pytest.raises(isx.IsxFormatError, match=r"Error while parsing JSON header: .*file.isxd") as caught:
        parse_object(text, "file.isxd")
    assert detail in str(caught.value)


def members(**values):
    return JsonObject(values, "file.isxd", "where")


@pytest.mark.parametrize(("value", "number"), [(3, 3), (3.7, 3), (-3.7, -3), (0, 0), (-0.5, 0)])
def test_integers(value, number):
    assert members(a=value).integer("a") == number


@pytest.mark.parametrize("value", [None, True, "3", [], {}, math.inf, math.nan, 2**64, -(2**63) - 1, 1e300])
def test_what_is_no_integer(value):
    with pytest.raises(isx.IsxFormatError, match=r"file\.isxd: where\.a should be an integer"):
        members(a=value).integer("a")


def test_other_types():
    obj = members(s="x", b=False, l=[1, 2.5], o={"p": {"q": "deep"}}, n=2.5)
    assert (obj.string("s"), obj.boolean("b"), obj.array("l"), obj.number("n")) == ("x", False, [1, 2.5], 2.5)
    assert obj.object("o").object("p").string("q") == "deep"
    assert obj.indices("l").tolist() == [1, 2]
    assert obj.indices("missing").tolist() == []
    assert "s" in obj
    assert obj.get("missing", 5) == 5
    for call in (obj.string, obj.boolean, obj.array, obj.object, obj.integer, obj.number):
        with pytest.raises(isx.IsxFormatError, match=r"where\.missing is missing"):
            call("missing")
        with pytest.raises(isx.IsxFormatError, match="should be"):
            call("o" if call != obj.object else "s")
    with pytest.raises(isx.IsxFormatError, match=r"where\.o\.p\.q should be an object"):
        obj.object("o").object("p").object("q")


@pytest.mark.parametrize(
    "value", [5, None, "x", [-1], ["1"], [None], [True, None], [[1]], [1, [2]], [1e300], [2**70]]
)
def test_what_is_no_list_of_indices(value):
    with pytest.raises(isx.IsxFormatError, match=r"where\.a should be"):
        members(a=value).indices("a")


@pytest.mark.parametrize(
    ("text", "depth", "kept"),
    [
        ('{"a": [1, {"b": 2}, {"c": 3', 1, {}),
        ('{"a": [1, {"b": 2}, {"c": 3', 2, {"a": [1, {"b": 2}]}),
        ('{"a": [1, {"b": 2}], "c": 3', 1, {"a": [1, {"b": 2}]}),
        ('{"a": 1, "b": {"c": 2}}', 1, {"a": 1, "b": {"c": 2}}),
        ('{"a": 1, "b": {"c": 2}} and more', 1, {"a": 1, "b": {"c": 2}}),
        ('{"a": "[,{", "b": "x, {"', 1, {"a": "[,{"}),
        ('{"a": "x, [", "b": "y, {', 1, {"a": "x, ["}),
        (r'{"a": "\"},", "b": "\q,", "c": 1}', 1, {"a": '"},'}),
        ('{"a": 1, "b": 2.', 1, {"a": 1}),
        ('{"a": 1, "b": NaN}', 1, {"a": 1, "b": None}),
        ('{"a": 1,, "b": 2}', 1, {"a": 1}),
        ('[{"a": 1}, {"b', 1, {}),
        ("", 1, {}),
        ("}", 1, {}),
        ("[" * 100_000, 2, {}),
        ('{"a": 1' + "0" * 10_000 + "}", 1, {}),
    ],
)
def test_what_is_left_of_damaged_text(text: str, depth: int, kept: dict[str, Any]) -> None:
    assert parse_undamaged(text.encode(), depth) == kept


def test_damaged_text_is_searched_in_linear_time() -> None:
    record = {"fc": 1, "tsc": 2, "tracker": {"box": [1, 2, 3, 4]}}
    text = json.dumps({"samples": [record] * 50_000}).encode()
    assert parse_undamaged(text[:-30], 2) == {"samples": [record] * 49_999}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "k": {"k": 2}, "z": 3}', '{"k": 2}'),
        ('{"a": {"k": 1}, "k" :\n [1, 2] }', "[1, 2]"),
        ('{"a": "\\"k\\": 5", "\u00e4": "{", "k":"x}"}', '"x}"'),
        ('{"k": 1, "k": 2}', "2"),
        ('{"a": "k", "b": ["k", {"k": 1}]}', None),
    ],
)
def test_span_of_a_member(text: str, value: str | None) -> None:
    data = text.encode()
    span = member_span(data, "k")
    assert (None if span is None else data[slice(*span)].decode()) == value
