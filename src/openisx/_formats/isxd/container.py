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
written to a *journal* beside the file. Then the length field is made invalid, the new text is written over the
old one, the file is cut to its new size and, last, the new length is written; then the journal goes. A reader
that finds the metadata of a file damaged uses the journal when there is one, so the file reads as before until
the length is invalid and as after from then on.

The journal ``.NAME.metadata-journal`` holds the size of the body (uint64), the CRC-32 of the new metadata and that
of the end of the body (uint32 each), and the new metadata as they come behind the body.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from dataclasses import dataclass
from os import unlink
from typing import TYPE_CHECKING, Any

from openisx._files.output import sync_folder
from openisx._files.paths import canonical, hidden
from openisx._files.source import InputFile
from openisx._formats.json_reading import JsonObject, parse_object
from openisx._formats.json_writing import dump
from openisx._formats.kinds import DataKind
from openisx.errors import IsxFileError, IsxFileNotFoundError, IsxFormatError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import FileIO

__all__ = [
    "Container",
    "open_container",
    "read_container",
    "replace_metadata",
    "replace_trailer",
    "trailer_bytes",
]

_LENGTH = struct.Struct("<Q")
_TRAILER_MIN = 9  # the 00 byte and the length field
_TAIL = 1 << 14  # one read of this size finds the metadata of most files
_BLOCK = 1 << 24
_JOURNAL = struct.Struct("<QII")  # body size; CRC-32 of the trailer that follows, and of the end of the body
_BODY_SAMPLE = 4096
_NO_LENGTH = b"\xff" * _LENGTH.size


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

    A few bytes behind the container are skipped with a warning: white space, as some version control systems
    append, and the up to seven bytes that the vendor's package leaves when it shortens the metadata.

    Raises
    ------
    IsxFormatError
        There are no metadata, or they are damaged.
    """
    tail = file.read(max(0, file.size - _TAIL), min(_TAIL, file.size))
    try:
        return _parse_trailer(file, tail)
    except IsxFormatError as damage:
        journal = _read_journal(file)
        if journal is not None:
            body_size, text = journal
            warn(
                f"{file.given_path}: an edit of the metadata was interrupted; using the complete copy kept "
                "beside the file."
            )
            return Container(body_size, parse_object(text, file.given_path))
        white = len(tail) - len(tail.rstrip(b" \t\r\n"))
        for extra in dict.fromkeys((white, *range(1, _LENGTH.size))):
            with contextlib.suppress(IsxFormatError):
                container = _parse_trailer(file, tail, extra)
                warn(f"{file.given_path}: ignored {extra} bytes behind the data.")
                return container
        raise damage from None


def _parse_trailer(file: InputFile, tail: bytes, extra: int = 0) -> Container:
    """Metadata of a file whose last bytes are `tail`, the last `extra` of them not counting."""
    hint = (
        f"{file.given_path} has no readable metadata at its end: the file is damaged, "
        "or was not closed after writing (see isx.recover)."
    )
    end = file.size - extra
    if len(tail) < _LENGTH.size + extra:
        raise IsxFormatError(f"Error while seeking to length of JSON header at end. {hint}")
    (length,) = _LENGTH.unpack_from(tail, len(tail) - _LENGTH.size - extra)
    body_size = end - _TRAILER_MIN - length
    if body_size < 0:
        raise IsxFormatError(f"Error while seeking to beginning of JSON header at end. {hint}")
    text = _text(file, tail, body_size, end - _LENGTH.size)
    if text is None:
        raise IsxFormatError(f"Error while parsing JSON header: parse error - its end is missing. {hint}")
    return Container(body_size, parse_object(text, file.given_path))


def _text(file: InputFile, tail: bytes, start: int, end: int) -> bytes | None:
    """Bytes of a file from `start` to the first 00 byte before `end`; None if there is no such byte.

    Reads on only as long as there is none, so that a damaged length field does not bring a whole movie into
    memory.
    """
    known_from = file.size - len(tail)
    if start >= known_from:
        text, terminator, _ = tail[start - known_from : end - known_from].partition(b"\0")
        return text if terminator else None
    blocks = []
    for offset in range(start, end, _BLOCK):
        block, terminator, _ = file.read(offset, min(_BLOCK, end - offset)).partition(b"\0")
        blocks.append(block)
        if terminator:
            return b"".join(blocks)
    return None


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
    return hidden(path, "metadata-journal")


def _read_journal(file: InputFile) -> tuple[int, bytes] | None:
    """Body size and text of a complete journal that belongs to `file`, if there is one."""
    try:
        with open(_journal_path(file.path), "rb") as journal:
            data = journal.read()
    except OSError:
        return None
    if len(data) < _JOURNAL.size + _TRAILER_MIN:
        return None
    body_size, checksum, body_checksum = _JOURNAL.unpack_from(data)
    trailer = data[_JOURNAL.size :]
    if zlib.crc32(trailer) != checksum or body_size > file.size:
        return None
    start = max(0, body_size - _BODY_SAMPLE)
    if zlib.crc32(file.read(start, body_size - start)) != body_checksum:
        return None  # left behind by an edit of another file of this name
    return body_size, trailer[:-_TRAILER_MIN]


def replace_metadata(path: str, body_size: int, metadata: Mapping[str, Any], *, durable: bool = True) -> None:
    """Rewrite the metadata of an existing file in place, leaving the body alone.

    Killed at any moment, this leaves a file that reads as before or as after. With `durable` that also holds
    for a loss of power; without it, editing in a loop is much faster. After any other failure, a full disk for
    example, the file is as before.

    Raises
    ------
    IsxFileError
        The file is missing, or it or its folder may not be written.
    """
    replace_trailer(path, body_size, trailer_bytes(metadata), durable=durable)


def replace_trailer(path: str, body_size: int, trailer: bytes, *, durable: bool = True) -> None:
    """:func:`replace_metadata` for metadata that are bytes already (see :func:`trailer_bytes`)."""
    real = canonical(path)
    if not os.path.exists(real):
        raise IsxFileNotFoundError(f"File does not exist: {path}")
    journal = _journal_path(real)
    try:
        with open(real, "r+b", buffering=0) as file:
            file.seek(max(0, body_size - _BODY_SAMPLE))
            sample = file.read(min(body_size, _BODY_SAMPLE))
            file.seek(body_size)
            old = file.read()
            head = _JOURNAL.pack(body_size, zlib.crc32(trailer), zlib.crc32(sample))
            _write_journal(journal, head + trailer, durable)
            try:
                _overwrite(file, body_size, trailer, durable)
            except OSError:
                with contextlib.suppress(OSError):
                    _overwrite(file, body_size, old, durable)
                    unlink(journal)
                raise
        with contextlib.suppress(FileNotFoundError):
            unlink(journal)
    except OSError as error:
        raise IsxFileError(f"Cannot edit {path}: {error.strerror or error}") from None


def _write_journal(path: str, data: bytes, durable: bool) -> None:
    try:
        with open(path, "wb", buffering=0) as file:
            _write_all(file, data)
            if durable:
                os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            unlink(path)
        raise
    if durable:
        sync_folder(os.path.dirname(path))


def _overwrite(file: FileIO, body_size: int, trailer: bytes, durable: bool) -> None:
    """Put `trailer` behind the body, its length last; until then the file has no valid one."""
    size = file.seek(0, os.SEEK_END)
    if size - body_size >= _LENGTH.size:
        file.seek(size - _LENGTH.size)
        _write_all(file, _NO_LENGTH)
        if durable:
            os.fsync(file.fileno())
    length = trailer[-_LENGTH.size :]
    file.seek(body_size)
    _write_all(file, trailer[: -_LENGTH.size] + _NO_LENGTH)
    try:
        file.truncate()
    except OSError:
        # Windows, while views of the file are in use. What stands between the text and the length does not
        # matter, so zeros fill the file up to its old end instead.
        _write_all(file, bytes(max(0, size - file.tell())))
        length = _LENGTH.pack(file.tell() - body_size - _TRAILER_MIN)
    if durable:
        os.fsync(file.fileno())
    file.seek(-_LENGTH.size, os.SEEK_END)
    _write_all(file, length)
    if durable:
        os.fsync(file.fileno())


def _write_all(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
