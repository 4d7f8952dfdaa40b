"""The session metadata inside `.gpio` and `.imu` files: one JSON value (docs/formats/gpio.md, File)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from openisx._formats.json_reading import parse
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from openisx._files.source import ByteSource

__all__ = ["read_session"]

_MAX_TEXT = 1 << 26
_MAX_DEPTH = 200


def read_session(file: ByteSource, offset: int) -> Any:
    """Decode the JSON value at byte `offset`.

    Raises
    ------
    IsxFormatError
        There is none, it is damaged, or holds a number beyond the range of a double.
    """
    if not 0 <= offset < file.size:
        raise IsxFormatError(
            f"Error parsing extra properties: parse error - unexpected end of input. {file.given_path} has "
            f"{file.size} bytes and says that its session metadata begin at byte {offset}."
        )
    text = file.read(offset, min(file.size - offset, _MAX_TEXT)).partition(b"\0")[0]
    try:
        value = parse(text, file.given_path, "extra properties")
    except IsxFormatError as error:  # the vendor's text has no "while" here
        raise IsxFormatError(str(error).replace("Error while parsing", "Error parsing", 1)) from None
    if not _is_sane(value):
        raise IsxFormatError(
            f"Error parsing extra properties: the session metadata of {file.given_path} hold a number that is "
            f"too large, or are nested more than {_MAX_DEPTH} deep."
        )
    return value


def _is_sane(value: Any) -> bool:
    """Whether all numbers are finite and the nesting is one that the rest of the package can walk."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        if any(isinstance(item, float) and math.isinf(item) for item in level):
            return False
        inner: list[Any] = []
        for item in level:
            if isinstance(item, (dict, list)):
                inner.extend(item.values() if isinstance(item, dict) else item)
        if not inner:
            return True
        level = inner
    return False
