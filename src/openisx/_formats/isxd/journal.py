"""The journal that makes edits of `.isxd` files safe (docs/formats/isxd.md, Journals).

``.NAME.metadata-journal`` beside a file holds all that an edit is going to write. An edit first writes the journal,
then makes the length field of the file invalid, writes data and metadata, cuts the file and, last, writes the new
length; then the journal goes. A file whose end is damaged is read, or its edit finished, from the journal.

========  ========  ==============================================================================
offset    type      content
========  ========  ==============================================================================
0         uint64    size of the body after the edit
8         uint32    CRC-32 of everything from offset 32 on
12        uint32    CRC-32 of the last 4096 bytes of the body as they will be
16        uint64    where in the body data are replaced or added
24        uint64    N, number of these bytes; 0 if only the metadata change
32        N bytes   data
32 + N    rest      metadata with their 00 byte and length
========  ========  ==============================================================================
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from dataclasses import dataclass
from os import unlink
from typing import TYPE_CHECKING

from openisx._files.output import sync_folder
from openisx._files.paths import hidden

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

__all__ = ["LENGTH", "Journal", "apply", "journal_path", "read_journal", "write_all", "write_journal"]

#: The length field at the end of a file.
LENGTH = struct.Struct("<Q")

_HEAD = struct.Struct("<QIIQQ")
_BODY_SAMPLE = 4096
_NO_LENGTH = b"\xff" * LENGTH.size


@dataclass(frozen=True)
class Journal:
    """What an edit writes: `data` at byte `at` of the body, and `trailer` behind the `body_size` bytes of it."""

    body_size: int
    trailer: bytes
    data: bytes = b""
    at: int = 0

    def body_checksum(self, read: Callable[[int, int], bytes]) -> int:
        """CRC-32 of the end of the body after the edit; `read` gives the bytes of the file at a position."""
        start = max(0, self.body_size - _BODY_SAMPLE)
        sample = bytearray(read(start, self.body_size - start).ljust(self.body_size - start, b"\0"))
        first, last = max(self.at, start), min(self.at + len(self.data), self.body_size)
        if first < last:
            sample[first - start : last - start] = self.data[first - self.at : last - self.at]
        return zlib.crc32(sample)


def journal_path(path: str) -> str:
    """Where the journal of a file is kept."""
    return hidden(path, "metadata-journal")


def read_journal(path: str, read: Callable[[int, int], bytes]) -> Journal | None:
    """The journal of the file at the canonical `path`, if there is a complete one that belongs to it."""
    try:
        with open(journal_path(path), "rb") as file:
            content = file.read()
    except OSError:
        return None
    if len(content) < _HEAD.size:
        return None
    body_size, checksum, body_checksum, at, size = _HEAD.unpack_from(content)
    rest = memoryview(content)[_HEAD.size :]
    if zlib.crc32(rest) != checksum or at + size > body_size:
        return None
    journal = Journal(body_size, bytes(rest[size:]), bytes(rest[:size]), at)
    if journal.body_checksum(read) != body_checksum:
        return None  # left behind by an edit of another file of this name
    return journal


def write_journal(path: str, journal: Journal, read: Callable[[int, int], bytes], *, sync: bool) -> None:
    """Write the journal of the file at the canonical `path`; a failure leaves none behind."""
    rest = journal.data + journal.trailer
    checksums = zlib.crc32(rest), journal.body_checksum(read)
    head = _HEAD.pack(journal.body_size, *checksums, journal.at, len(journal.data))
    try:
        with open(journal_path(path), "wb", buffering=0) as file:
            write_all(file, head + rest)
            if sync:
                os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            unlink(journal_path(path))
        raise
    if sync:
        sync_folder(os.path.dirname(path))


def apply(file: FileIO, journal: Journal, *, sync: bool) -> None:
    """Do what a journal says; until the last step the file has no valid length."""
    size = file.seek(0, os.SEEK_END)
    if size - journal.body_size >= LENGTH.size:
        file.seek(size - LENGTH.size)
        write_all(file, _NO_LENGTH)
        if sync:
            os.fsync(file.fileno())
    if journal.data:
        file.seek(journal.at)
        write_all(file, journal.data)
    length = journal.trailer[-LENGTH.size :]
    file.seek(journal.body_size)
    write_all(file, journal.trailer[: -LENGTH.size] + _NO_LENGTH)
    try:
        file.truncate()
    except OSError:
        # Windows, while views of the file are in use. What stands between the text and the length does not
        # matter, so zeros fill the file up to its old end instead.
        write_all(file, bytes(max(0, size - file.tell())))
        length = LENGTH.pack(file.tell() - journal.body_size - LENGTH.size - 1)
    if sync:
        os.fsync(file.fileno())
    file.seek(-LENGTH.size, os.SEEK_END)
    write_all(file, length)
    if sync:
        os.fsync(file.fileno())


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of `data` at the position of an unbuffered file."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
