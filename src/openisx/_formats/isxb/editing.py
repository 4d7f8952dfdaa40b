"""Moving the start of a behaviour movie, `.isxb`, in place (docs/formats/isxb.md, Header)."""

from __future__ import annotations

import json
import os
import struct
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.source import InputFile
from openisx._formats.isxb.container import Isxb
from openisx._formats.isxd.metadata import time_to_json
from openisx._formats.json_reading import member_span, updated
from openisx.errors import IsxFileError, IsxWarning

if TYPE_CHECKING:
    from openisx.core.timing import Time

__all__ = ["rewrite_start"]

_START = struct.Struct("<Qq")  # milliseconds since 1970; UTC offset in minutes
_START_AT = 16


def rewrite_start(path: str, start: Time) -> bool:
    """Replace the start, in milliseconds, of a recording.

    Nothing moves within the file: the header has a fixed place, and a timing among the session metadata is
    replaced by text of the same length, of which only the part that differs is written. The header comes first:
    if the power fails amid the text, what is left of the file is read with the new start.

    Returns
    -------
    bool
        False if the session metadata hold a timing, which readers prefer to the header, but no room for the start.

    Raises
    ------
    IsxFileError
        The file cannot be read or written.
    """
    with warnings.catch_warnings():  # given already, when the file was read
        warnings.simplefilter("ignore", IsxWarning)
        isxb = Isxb(InputFile(path))
    try:
        session = _moved_session(isxb, start) if "timingInfo" in isxb.session else (0, b"")
    finally:
        isxb.file.close()
    milliseconds = start.secs_since_epoch.ratio.num  # new starts are in milliseconds
    header = _START_AT, _START.pack(milliseconds, int(start.utc_offset / 60))
    try:
        with open(isxb.file.path, "r+b", buffering=0) as file:
            for place, data in [header, session] if session else [header]:
                file.seek(place)
                file.write(data)
                os.fsync(file.fileno())
    except OSError as error:
        raise IsxFileError(f"Cannot edit {path}: {error.strerror or error}") from None
    return session is not None


def _moved_session(isxb: Isxb, start: Time) -> tuple[int, bytes] | None:
    """Where the session metadata change, and to what, when their timing gets another start; None without room."""
    if isxb.session_place is None:
        return None
    text = isxb.file.read(isxb.session_place, isxb.header.session_size)
    first, end = member_span(text, "timingInfo") or (0, 0)
    old = text[first:end]
    moved = {"start": time_to_json(start)}
    info = updated(isxb.session.object("timingInfo").members, moved)
    try:
        new = _compact(info)
        if len(new) > len(old):  # lists may be left out if they are empty
            new = _compact({key: value for key, value in info.items() if value != []})
    except ValueError:  # a number beyond all others, which would not be JSON any more
        return None
    if len(new) > len(old):
        return None
    new = new.ljust(len(old))
    differ = np.flatnonzero(np.frombuffer(old, np.uint8) != np.frombuffer(new, np.uint8))
    if not len(differ):
        return 0, b""
    return isxb.session_place + first + int(differ[0]), new[differ[0] : differ[-1] + 1]


def _compact(info: dict[str, Any]) -> bytes:
    """The shortest text with exactly these values."""
    text = json.dumps(info, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
