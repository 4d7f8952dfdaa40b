"""Reading JSON as these files use it: tolerant where that is safe, checked wherever a value is taken out."""

from __future__ import annotations

import contextlib
import gc
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "JsonObject",
    "collector_paused",
    "member_span",
    "parse",
    "parse_object",
    "parse_undamaged",
    "updated",
]


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


#: Size of a text from which on the search for reference cycles takes most of the time of decoding it.
_SLOWED_BY_COLLECTOR = 1 << 20


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the search for reference cycles from looking at every object of a large text again and again."""
    pause = gc.isenabled()
    if pause:
        gc.disable()
    try:
        yield
    finally:
        if pause:
            gc.enable()


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse(data: bytes, path: str, what: str = "JSON header") -> Any:
    """Decode UTF-8 JSON; a leading byte order mark and white space at either end are accepted.

    Raises
    ------
    IsxFormatError
        The bytes are not JSON.
    """
    try:
        text = data.decode("utf-8-sig")
        if len(text) <= _SLOWED_BY_COLLECTOR:
            return _DECODER.decode(text)
        with collector_paused():
            return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        if isinstance(error, json.JSONDecodeError) and error.pos >= len(error.doc.rstrip()):
            detail = "unexpected end of input"
        raise IsxFormatError(
            f"Error while parsing {what}: parse error - {detail}. The metadata of {path} are damaged."
        ) from None


_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["{},[\]]', re.DOTALL)
_COLON = re.compile(r"\s*:\s*")


def parse_undamaged(data: bytes, depth: int) -> dict[str, Any]:
    """What an object that is cut or damaged holds in front of the damage.

    Of everything inside up to `depth` brackets only complete values are kept: with 1 whole members, with 2 also
    whole elements of the member that the damage lies in. Empty if nothing can be saved.
    """
    text = data.decode("utf-8-sig", "replace")
    try:
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            text = _closed(text[: error.pos], depth)
        value = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _closed(text: str, depth: int) -> str:
    """`text` up to the last value that is complete inside at most `depth` brackets, these closed."""
    brackets: list[str] = []
    end, closing = 0, ""
    for token in _TOKEN.finditer(text):
        if token[0] == '"':  # of a text without an end
            break
        if token[0] in "{[":
            brackets.append("}" if token[0] == "{" else "]")
        elif token[0] in "}]":
            brackets.pop()
        if len(brackets) <= depth and token[0] in "{[}],":
            end = token.start() if token[0] == "," else token.end()
            closing = "".join(reversed(brackets))
    return text[:end] + closing


def updated(old: Any, new: Mapping[str, Any]) -> dict[str, Any]:
    """`new` with the members of `old` that it does not have, at every depth."""
    merged = {**old, **new} if isinstance(old, Mapping) else dict(new)
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            merged[key] = updated(old.get(key), value)
    return merged


def member_span(text: bytes, key: str) -> tuple[int, int] | None:
    """First byte and end of the value of a member of the object that `text` holds; None if it has no such."""
    characters = text.decode("latin-1")  # one for each byte; nothing of interest here is beyond ASCII
    span, depth = None, 0
    for token in _TOKEN.finditer(characters):
        depth += (token[0] in "{[") - (token[0] in "}]")
        if depth == 1 and token[0] not in "{}[]," and json.loads(token[0]) == key:
            value = _COLON.match(characters, token.end())
            if value:
                span = value.end(), json.JSONDecoder().raw_decode(characters, value.end())[1]
    return span


def parse_object(text: bytes, path: str) -> dict[str, Any]:
    """The top-level object of a file's metadata.

    Raises
    ------
    IsxFormatError
        The text is not a JSON object.
    """
    members = parse(text, path)
    if not isinstance(members, dict):
        raise IsxFormatError(f"Error while parsing JSON header: the metadata of {path} are not an object.")
    return members


class JsonObject:
    """A JSON object with typed, checked access; errors name the file and the key.

    A float where an integer belongs is cut towards zero, while text, null or a boolean in place of a number is
    an error (docs/formats/isxd.md, JSON as it is written).

    Parameters
    ----------
    members : dict
        The decoded object.
    path : str
        The file, for error messages.
    where : str
        Key path of the object inside the file, empty for the top level.
    """

    def __init__(self, members: Any, path: str, where: str = "") -> None:
        self.path = path
        self.where = where
        if type(members) is not dict and not isinstance(members, Mapping):  # the first is much faster
            self._fail(where or "the metadata", "an object", members)
        self.members: Mapping[str, Any] = members

    def _fail(self, key: str, expected: str, value: Any) -> NoReturn:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise IsxFormatError(
            f"{self.path}: {key} should be {expected}, not {shown}. The metadata of the file are damaged."
        )

    def _name(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def __contains__(self, key: str) -> bool:
        return key in self.members

    def get(self, key: str, default: Any = None) -> Any:
        """Value of any type."""
        return self.members.get(key, default)

    def _required(self, key: str) -> Any:
        try:
            return self.members[key]
        except KeyError:
            raise IsxFormatError(
                f"{self.path}: {self._name(key)} is missing. The metadata of the file are damaged."
            ) from None

    def integer(self, key: str, minimum: int = -(2**63), maximum: int = 2**64 - 1) -> int:
        """Integer within bounds."""
        value = self.members.get(key)
        if type(value) is int and minimum <= value <= maximum:
            return value
        value = self._required(key)
        if isinstance(value, float) and math.isfinite(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            self._fail(self._name(key), f"an integer from {minimum} to {maximum}", value)
        return value

    def number(self, key: str) -> float:
        """Any finite number."""
        value = self._required(key)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            self._fail(self._name(key), "a number", value)
        try:
            return float(value)
        except OverflowError:
            self._fail(self._name(key), "a number", value)

    def string(self, key: str) -> str:
        """Text."""
        value = self._required(key)
        if not isinstance(value, str):
            self._fail(self._name(key), "text", value)
        return value

    def boolean(self, key: str) -> bool:
        """``true`` or ``false``."""
        value = self._required(key)
        if not isinstance(value, bool):
            self._fail(self._name(key), "true or false", value)
        return value

    def array(self, key: str) -> list[Any]:
        """A list of anything."""
        value = self._required(key)
        if not isinstance(value, list):
            self._fail(self._name(key), "a list", value)
        return value

    def indices(self, key: str) -> NDArray[np.uint64]:
        """A list of unsigned integers (fractions are cut); empty when absent."""
        if key not in self.members:
            return np.zeros(0, dtype=np.uint64)
        listed = self.array(key)
        if not listed:
            return np.zeros(0, dtype=np.uint64)
        try:
            values = np.array(listed)
        except ValueError:  # nested lists of unequal length
            values = np.array(None)
        if (
            values.ndim != 1
            or values.dtype.kind not in "iuf"
            or not 0 <= values.min() <= values.max() < 2**63
        ):
            self._fail(self._name(key), "a list of sample indices", listed)
        return values.astype(np.uint64)

    def object(self, key: str) -> JsonObject:
        """A nested object."""
        return JsonObject(self._required(key), self.path, self._name(key))

    def list_of(self, key: str, check: Callable[[Any], bool], expected: str) -> list[Any]:
        """A list all of whose elements pass `check`."""
        values = self.array(key)
        for value in values:
            if not check(value):
                self._fail(self._name(key), f"a list of {expected}", value)
        return values

    def _list_of(self, key: str, kind: type[Any], expected: str) -> list[Any]:
        values = self.array(key)
        if not set(map(type, values)) <= {kind}:
            wrong = next(value for value in values if type(value) is not kind)
            self._fail(self._name(key), f"a list of {expected}", wrong)
        return values

    def strings(self, key: str) -> list[str]:
        """A list of text."""
        return self._list_of(key, str, "text")

    def booleans(self, key: str) -> list[bool]:
        """A list of ``true`` and ``false``."""
        return self._list_of(key, bool, "true and false")

    def integers(self, key: str, minimum: int = -(2**63), maximum: int = 2**64 - 1) -> list[int]:
        """A list of integers within bounds."""
        values = self.array(key)
        if set(map(type, values)) <= {int} and (
            not values or minimum <= min(values) <= max(values) <= maximum
        ):
            return list(values)
        cut = [int(v) if isinstance(v, float) and math.isfinite(v) else v for v in values]
        for value, shown in zip(cut, values, strict=True):
            if type(value) is not int or not minimum <= value <= maximum:
                self._fail(self._name(key), f"a list of integers from {minimum} to {maximum}", shown)
        return cut
