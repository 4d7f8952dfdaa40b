"""Reading JSON as these files use it: tolerant where that is safe, checked wherever a value is taken out."""

from __future__ import annotations

import contextlib
import gc
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = [
    "JsonObject",
    "collector_paused",
    "member_span",
    "parse",
    "parse_object",
    "parse_undamaged",
    "plain",
    "updated",
]


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


#: Size of a text from which on the search for reference cycles takes most of the time of decoding it.
_SLOWED_BY_COLLECTOR = 1 << 20


@contextlib.contextmanager
def collector_paused(pause: bool = True) -> Iterator[None]:
    """Keep the search for reference cycles from looking at every object of a large text again and again."""
    pause = pause and gc.isenabled()
    if pause:
        gc.disable()
    try:
        yield
    finally:
        if pause:
            gc.enable()


def parse(data: bytes, path: str, what: str = "JSON header") -> Any:
    """Decode UTF-8 JSON; a leading byte order mark and white space at either end are accepted.

    Raises
    ------
    IsxFormatError
        The bytes are not JSON.
    """
    try:
        with collector_paused(len(data) > _SLOWED_BY_COLLECTOR):
            return json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
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


class _Text:
    """Large JSON text with the positions of its line feeds."""

    def __init__(self, text: bytes, path: str) -> None:
        self.text = text
        self.path = path
        self.bytes = np.frombuffer(text, np.uint8)
        self.newlines = np.flatnonzero(self.bytes == ord("\n"))

    def lines(self, start: int, end: int) -> NDArray[np.int64]:
        """Positions of the line feeds from `start` up to `end`."""
        first, last = self.newlines.searchsorted([start, end])
        return self.newlines[first:last]


class LazyObject(Mapping[str, Any]):
    """Members of a large JSON object, each decoded when first asked for.

    Relies on the writer's layout: the members of an object at nesting `depth`, and nothing else, start a line
    after exactly ``4 * depth`` blanks. Small members are decoded at once, so a text of another layout shows as
    a ValueError here and is then decoded whole.
    """

    def __init__(self, source: _Text, start: int, end: int, depth: int) -> None:
        begin = b"\n" + b"    " * depth + b'"'
        close = b"\n" + b"    " * (depth - 1) + b"}"
        text = source.text
        if not text.startswith(b"{" + begin, start) or not text.endswith(close, start, end):
            raise ValueError("not the layout of the writer")
        self._source = source
        self._depth = depth
        self._spans: dict[str, tuple[int, int]] = {}
        self._decoded: dict[str, Any] = {}
        lines = source.lines(start, min(end - len(close), len(text) - len(begin)))
        at_quote = lines + (len(begin) - 1)
        lines = lines[(source.bytes[at_quote] == ord('"')) & (source.bytes[at_quote - 1] == ord(" "))]
        starts = [at for at in lines.tolist() if text.startswith(begin, at)]
        for at, following in zip(starts, [*starts[1:], None], strict=True):
            self._add(at + len(begin) - 1, end - len(close) if following is None else following, following)

    def _add(self, start: int, end: int, following: int | None) -> None:
        text = self._source.text
        colon = text.find(b'": ', start, end)
        has_comma = text.endswith(b",", start, end)
        if colon < 0 or has_comma == (following is None):
            raise ValueError("not the layout of the writer")
        key = json.loads(text[start : colon + 1])
        span = (colon + 3, end - has_comma)
        self._decoded.pop(key, None)
        self._spans[key] = span
        if span[1] - span[0] < _EAGER:
            self._decoded[key] = json.loads(text[slice(*span)].decode(), parse_constant=_refuse_constant)

    def __getitem__(self, key: str) -> Any:
        span = self._spans[key]
        if key not in self._decoded:
            self._decoded[key] = _lazy(self._source, *span, self._depth + 1)
        return self._decoded[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def __contains__(self, key: object) -> bool:
        return key in self._spans

    def integers(self, key: str) -> NDArray[np.int64] | None:
        """A long list of plain unsigned integers straight from its text; None if the member is not one."""
        if key in self._decoded:
            return None
        return _unsigned_list(self._source, *self._spans[key], 4 * (self._depth + 1))

    def plain(self) -> dict[str, Any]:
        """Everything, as ordinary objects."""
        values = {key: self[key] for key in self}
        return {k: v.plain() if isinstance(v, LazyObject) else v for k, v in values.items()}


_EAGER = 4096
_LARGE = 1 << 16
_MAX_RUNS = 64


def _lazy(source: _Text, start: int, end: int, depth: int) -> Any:
    """Decoded JSON; a large object in the writer's layout as a `LazyObject`."""
    if end - start > _LARGE and source.text.startswith(b"{", start):
        try:
            return LazyObject(source, start, end, depth)
        except (ValueError, RecursionError):
            pass  # decoding the whole text either works or gives the proper error
    return parse(source.text[start:end], source.path)


def _unsigned_list(source: _Text, start: int, end: int, indent: int) -> NDArray[np.int64] | None:
    """Numbers of a list of unsigned integers, one per line; None if the text is anything else.

    Lines of equal width (indices ascend, so there are few widths) are decoded as one block.
    """
    lines = source.lines(start, end)
    if len(lines) < 3 or lines[0] != start + 1 or not source.text.startswith(b"[", start):
        return None
    widths = np.diff(lines)
    last = source.text[lines[-2] + 1 + indent : lines[-1]]
    breaks = np.flatnonzero(np.diff(widths[:-1])) + 1
    if (
        source.text[lines[-1] : end].strip() != b"]"
        or not last.isdigit()
        or len(last) > 18
        or len(breaks) >= _MAX_RUNS
    ):
        return None
    parts = []
    for first, stop in zip([0, *breaks.tolist()], [*breaks.tolist(), len(widths) - 1], strict=True):
        width = int(widths[first])
        block = source.bytes[lines[first] : lines[stop]].reshape(-1, width)
        digits = block[:, 1 + indent : -1] - np.uint8(48)
        if (
            not 0 < digits.shape[1] <= 18
            or (digits > 9).any()
            or (block[:, 1 : 1 + indent] != ord(" ")).any()
            or (block[:, -1] != ord(",")).any()
        ):
            return None
        parts.append(digits @ 10 ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int64))
    parts.append(np.array([int(last)], dtype=np.int64))
    return np.concatenate(parts)


def parse_object(text: bytes, path: str) -> Mapping[str, Any]:
    """The top-level object of a file's metadata; large members are decoded when first asked for.

    Raises
    ------
    IsxFormatError
        The text is not a JSON object. Damage inside a large member shows when that member is asked for.
    """
    members = _lazy(_Text(text, path), 0, len(text), 1) if len(text) > _LARGE else parse(text, path)
    if not isinstance(members, Mapping):
        raise IsxFormatError(f"Error while parsing JSON header: the metadata of {path} are not an object.")
    return members


def plain(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members as an ordinary dictionary, everything decoded."""
    return members.plain() if isinstance(members, LazyObject) else dict(members)


class JsonObject:
    """A JSON object with typed, checked access; errors name the file and the key.

    Numbers follow spec 01, section 1.3: a float where an integer belongs is cut towards zero, while text,
    null or a boolean in place of a number is an error.

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
        if not isinstance(members, Mapping):
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
        if isinstance(self.members, LazyObject):
            fast = self.members.integers(key)
            if fast is not None:
                return fast.view(np.uint64)
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

    def strings(self, key: str) -> list[str]:
        """A list of text."""
        return self.list_of(key, lambda value: isinstance(value, str), "text")

    def booleans(self, key: str) -> list[bool]:
        """A list of ``true`` and ``false``."""
        return self.list_of(key, lambda value: isinstance(value, bool), "true and false")

    def integers(self, key: str, minimum: int = -(2**63), maximum: int = 2**64 - 1) -> list[int]:
        """A list of integers within bounds."""
        values = self.array(key)
        if any(type(value) is not int for value in values):
            cut = [int(v) if isinstance(v, float) and math.isfinite(v) else v for v in values]
        else:
            cut = values
        for value, shown in zip(cut, values, strict=True):
            if type(value) is not int or not minimum <= value <= maximum:
                self._fail(self._name(key), f"a list of integers from {minimum} to {maximum}", shown)
        return list(cut)
