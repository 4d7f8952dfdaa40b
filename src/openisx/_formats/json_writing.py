"""JSON text byte for byte as the vendor's software writes it (docs/formats/isxd.md, JSON as it is written).

Members are sorted by key, with four blanks of indent and one array element per line; doubles are written as C's
``%.15g`` (zero as ``0.0``), text unescaped except for quotes, backslashes and control characters.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from typing import Any

from openisx.errors import IsxFormatError

__all__ = ["dump", "dump_compact", "normalize"]


def _number(value: float) -> str:
    if value == 0:
        return "-0.0" if math.copysign(1.0, value) < 0 else "0.0"
    if not math.isfinite(value):
        return "null"
    text = f"{value:.15g}"
    return repr(value) if abs(value) > 1.7e308 and math.isinf(float(text)) else text


def _integer(value: int) -> str:
    if -(2**63) <= value < 2**64:
        return str(value)
    try:
        return _number(float(value))
    except OverflowError:
        return "null"


def _scalar(value: Any) -> str:
    write = _EXACT_TYPES.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


_EXACT_TYPES: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "null",
    bool: {True: "true", False: "false"}.__getitem__,
    str: encode_basestring,
    int: _integer,
    float: _number,
}


def _write(value: Any, newline: str, step: str, colon: str) -> str:
    if type(value) in _EXACT_TYPES:
        return _scalar(value)
    inner = newline + step
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        if not all(isinstance(key, str) for key in value):
            raise TypeError("cannot write an object with keys other than text as JSON")
        members = [
            f"{encode_basestring(key)}{colon}{_write(value[key], inner, step, colon)}"
            for key in sorted(value)
        ]
        return "{" + inner + f",{inner}".join(members) + newline + "}"
    if isinstance(value, (list, tuple)):
        if not value:
            return "[]"
        if all(v is value[0] for v in value):  # such as the periods of all cells
            texts = [_write(value[0], inner, step, colon)] * len(value)
        elif len(set(map(type, value))) == 1 and type(value[0]) in _EXACT_TYPES:
            small = type(value[0]) is int and -(2**63) <= min(value) <= max(value) < 2**64
            texts = list(map(str if small else _EXACT_TYPES[type(value[0])], value))
        else:
            texts = [_write(v, inner, step, colon) for v in value]
        return "[" + inner + f",{inner}".join(texts) + newline + "]"
    return _scalar(value)


def dump(value: Any) -> bytes:
    """Text of `value` as the trailing metadata of an `.isxd` file holds it, without the closing 00 byte.

    Raises
    ------
    TypeError
        `value` is, or contains, something JSON has no form for.
    IsxFormatError
        It is nested too deeply.
    """
    return _encoded(value, "\n", "    ", ": ")


def dump_compact(value: Any) -> bytes:
    """The same without white space."""
    return _encoded(value, "", "", ":")


def _encoded(value: Any, newline: str, step: str, colon: str) -> bytes:
    try:
        return _write(value, newline, step, colon).encode("utf-8", "backslashreplace")
    except RecursionError:
        raise IsxFormatError("metadata that are nested this deeply are taken as damage") from None


def normalize(value: Any) -> Any:
    """`value` as it would come back after writing: 20.0 becomes 20, doubles keep 15 digits, keys are sorted."""
    return json.loads(dump_compact(value))
