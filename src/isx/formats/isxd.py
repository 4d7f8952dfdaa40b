"""The `.isxd` container: a binary body with its description behind it (spec 01, section 1).

================  =======================================================================
offset 0          body, whose meaning depends on the kind of data set
size - 9 - N      N bytes of UTF-8 JSON text, one object
size - 9          one byte 00
size - 8          uint64 little-endian: N
================  =======================================================================

There is no magic number and no alignment. The text ends at the first 00 byte; bytes between that and the
length field are ignored.

Editing the metadata of an existing file must survive an interruption at any moment. The new metadata are first
written to a *journal* beside the file, then over the old ones, then the journal goes. A reader that finds the
metadata of a file damaged uses the journal when there is one.
"""

from __future__ import annotations

import contextlib
import os
import struct
import warnings
import zlib
from dataclasses import dataclass
from os import unlink
from typing import TYPE_CHECKING, Any

from isx.errors import IsxFileNotFoundError, IsxFormatError, IsxWarning
from isx.files import InputFile, sync_folder
from isx.formats.json_text import JsonObject, dump, parse_object
from isx.formats.kinds import DataKind
from isx.paths import canonical, reading_error

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Container", "open_container", "read_container", "replace_metadata", "trailer_bytes"]

_LENGTH = struct.Struct("<Q")
_TRAILER_MIN = 9  # the 00 byte and the length field
_TAIL = 1 << 14  # one read of this size finds the metadata of most files
_JOURNAL = struct.Struct("<QI")  # body size; CRC-32 of the trailer that follows


@dataclass(frozen=True)
class Container:
    """Where the body of a file ends, and its metadata."""

    body_size: int
    metadata: Mapping[str, Any]

    def members(self, path: str) -> JsonObject:
        """Checked access to the metadata."""
        return JsonObject(self.metadata, path)

    def kind(self, path: str) -> DataKind:
        """Kind of the data set."""
        return DataKind.from_code(self.members(path).integer("type"), path)


def read_container(file: InputFile) -> Container:
    """Find and decode the metadata of an open file.

    White space behind the container, as some version control systems append, is skipped with a warning.

    Raises
    ------
    IsxFormatError
        There are no metadata, or they are damaged.
    """
    tail = file.read(max(0, file.size - _TAIL), min(_TAIL, file.size))
    try:
        return _parse_trailer(file, tail, file.size)
    except IsxFormatError as damage:
        journal = _read_journal(file.path)
        if journal is not None:
            body_size, text = journal
            warnings.warn(
                f"{file.given_path}: an edit of the metadata was interrupted; using the complete copy kept "
                "beside the file.",
                IsxWarning,
                stacklevel=4,
            )
            return Container(body_size, parse_object(text, file.given_path))
        stripped = tail.rstrip(b" \t\r\n")
        if len(stripped) == len(tail):
            raise
        try:
            container = _parse_trailer(file, stripped, file.size - len(tail) + len(stripped))
        except IsxFormatError:
            raise damage from None
        warnings.warn(
            f"{file.given_path}: ignored {len(tail) - len(stripped)} bytes of white space behind the data.",
            IsxWarning,
            stacklevel=4,
        )
        return container


def _parse_trailer(file: InputFile, tail: bytes, end: int) -> Container:
    """Metadata of a file taken to end at byte `end`, whose last bytes are `tail`."""
    hint = (
        f"{file.given_path} has no readable metadata at its end: the file is damaged, "
        "or was not closed after writing (see isx.recover)."
    )
    if len(tail) < _LENGTH.size:
        raise IsxFormatError(f"Error while seeking to length of JSON header at end. {hint}")
    (length,) = _LENGTH.unpack(tail[-_LENGTH.size :])
    body_size = end - _TRAILER_MIN - length
    if body_size < 0:
        raise IsxFormatError(f"Error while seeking to beginning of JSON header at end. {hint}")
    known_from = end - len(tail)
    text = (
        tail[body_size - known_from : -_TRAILER_MIN]
        if body_size >= known_from
        else file.read(body_size, length)
    )
    end_of_text = text.find(b"\0")
    text = text if end_of_text < 0 else text[:end_of_text]
    return Container(body_size, parse_object(text, file.given_path))


def open_container(path: str) -> tuple[InputFile, Container]:
    """Open an `.isxd` file and read its metadata; the file is closed again if that fails."""
    file = InputFile(path)
    try:
        return file, read_container(file)
    except BaseException:
        file.close()
        raise


def trailer_bytes(metadata: Mapping[str, Any]) -> bytes:
    """Everything behind the body: text, 00 byte, length."""
    text = dump(metadata)
    return text + b"\0" + _LENGTH.pack(len(text))


def _journal_path(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.metadata-journal")


def _read_journal(path: str) -> tuple[int, bytes] | None:
    """Body size and text of a complete journal of `path`, if there is one."""
    try:
        with open(_journal_path(path), "rb") as file:
            data = file.read()
    except OSError:
        return None
    if len(data) < _JOURNAL.size + _TRAILER_MIN:
        return None
    body_size, checksum = _JOURNAL.unpack_from(data)
    trailer = data[_JOURNAL.size :]
    return (body_size, trailer[:-_TRAILER_MIN]) if zlib.crc32(trailer) == checksum else None


def replace_metadata(path: str, body_size: int, metadata: Mapping[str, Any], *, durable: bool = True) -> None:
    """Rewrite the metadata of an existing file in place, leaving the body alone.

    Killed at any moment, this leaves a file that reads as before or as after. With `durable` that also holds
    for a loss of power; without it, editing in a loop is much faster.

    Raises
    ------
    IsxFileError
        The file is missing or may not be written.
    """
    real = canonical(path)
    trailer = trailer_bytes(metadata)
    journal = _journal_path(real)
    if not os.path.exists(real):
        raise IsxFileNotFoundError(f"File does not exist: {path}")
    try:
        with open(real, "r+b", buffering=0) as file:
            with open(journal, "wb", buffering=0) as copy:
                copy.write(_JOURNAL.pack(body_size, zlib.crc32(trailer)) + trailer)
                if durable:
                    os.fsync(copy.fileno())
            if durable:
                sync_folder(os.path.dirname(real))
            file.seek(body_size)
            file.write(trailer)
            file.truncate()
            if durable:
                os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            unlink(journal)
    except OSError as error:
        raise reading_error(path, error) from None
