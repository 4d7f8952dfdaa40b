"""JSON as these files use it: tolerant where reading is safe, byte-exact when written.

Writing (spec 01, section 1.2): members sorted by key, four blanks of indent, one array element per line,
doubles as C's ``%.15g`` (zero as ``0.0``), text unescaped except quotes, backslashes and control characters.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from isx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["JsonObject", "dump", "dump_compact", "normalize", "parse", "parse_object"]


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def parse(data: bytes, path: str, what: str = "JSON header") -> Any:
    """Decode UTF-8 JSON; a leading byte order mark and white space at either end are accepted.

    Raises
    ------
    IsxFormatError
        The bytes are not JSON.
    """
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise IsxFormatError(
            f"Error while parsing {what}: parse error - {detail}. The metadata of {path} are damaged."
        ) from None


def _number(value: float) -> str:
    if value == 0:
        return "-0.0" if math.copysign(1.0, value) < 0 else "0.0"
    if not math.isfinite(value):
        return "null"
    return f"{value:.15g}"


def _integer(value: int) -> str:
    if -(2**63) <= value < 2**64:
        return str(value)
    try:
        return _number(float(value))
    except OverflowError:
        return "null"


_ESCAPES = {i: f"\\u{i:04x}" for i in range(0x20)} | str.maketrans(
    {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)


def _string(value: str) -> str:
    return f'"{value.translate(_ESCAPES)}"'


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")


def _write(value: Any, newline: str, step: str, colon: str) -> str:
    inner = newline + step
    if isinstance(value, dict):
        if not value:
            return "{}"
        members = [f"{_string(key)}{colon}{_write(value[key], inner, step, colon)}" for key in sorted(value)]
        return "{" + inner + f",{inner}".join(members) + newline + "}"
    if isinstance(value, (list, tuple)):
        if not value:
            return "[]"
        return "[" + inner + f",{inner}".join([_write(v, inner, step, colon) for v in value]) + newline + "]"
    return _scalar(value)


def dump(value: Any) -> bytes:
    """Text of `value` as the trailing metadata of an `.isxd` file holds it, without the closing 00 byte."""
    return _write(value, "\n", "    ", ": ").encode("utf-8", "backslashreplace")


def dump_compact(value: Any) -> bytes:
    """The same without white space."""
    return _write(value, "", "", ":").encode("utf-8", "backslashreplace")


def normalize(value: Any) -> Any:
    """`value` as it would come back after writing: 20.0 becomes 20, doubles keep 15 digits, keys are sorted."""
    return json.loads(dump_compact(value))


class _LazyMembers(Mapping[str, Any]):
    """Members of a large object, each decoded when first asked for.

    Relies on the writer's layout: a member of the top level, and nothing else, starts a line after exactly
    four blanks. Every member below `_EAGER` bytes is decoded at once, so a text of another layout shows
    as an error here and is then decoded whole.
    """

    def __init__(self, text: bytes, path: str) -> None:
        if not text.startswith(b'{\n    "') or not text.endswith(b"\n}"):
            raise ValueError("not the layout of the writer")
        self._path = path
        self._raw: dict[str, bytes] = {}
        self._decoded: dict[str, Any] = {}
        start = text.index(_MEMBER)
        while start >= 0:
            following = text.find(_MEMBER, start + 1)
            member = text[start:following].rstrip() if following >= 0 else text[start:-2].rstrip()
            if following >= 0 and not member.endswith(b","):
                raise ValueError("not the layout of the writer")
            self._add(member[:-1] if following >= 0 else member)
            start = following

    def _add(self, member: bytes) -> None:
        name, colon, value = member.partition(b'": ')
        key = json.loads(name + b'"') if colon else None
        if not isinstance(key, str):
            raise ValueError("not the layout of the writer")  # noqa: TRY004 - caught by the caller
        self._decoded.pop(key, None)
        self._raw[key] = value
        if len(value) < _EAGER:
            self._decoded[key] = json.loads(value.decode(), parse_constant=_refuse_constant)

    def __getitem__(self, key: str) -> Any:
        raw = self._raw[key]
        if key not in self._decoded:
            self._decoded[key] = parse(raw, self._path)
        return self._decoded[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


_MEMBER = b'\n    "'
_EAGER = 4096


def parse_object(text: bytes, path: str) -> Mapping[str, Any]:
    """The top-level object of a file's metadata; large members are decoded when first asked for.

    Raises
    ------
    IsxFormatError
        The text is not a JSON object. Damage inside a large member shows when that member is asked for.
    """
    if len(text) > 16 * _EAGER:
        try:
            return _LazyMembers(text.rstrip(), path)
        except (ValueError, RecursionError):
            pass  # decoding the whole text either works or gives the proper error
    members = parse(text, path)
    if not isinstance(members, dict):
        raise IsxFormatError(f"Error while parsing JSON header: the metadata of {path} are not an object.")
    return members


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
