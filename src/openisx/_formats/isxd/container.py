"""The `.isxd` container: a binary body with its description behind it.

================  =======================================================================
offset 0          body, whose meaning depends on the kind of data set
size - 9 - N      N bytes of UTF-8 JSON text, one object
size - 9          one byte 00
size - 8          uint64 little-endian: N
================  =======================================================================

There is no magic number and no alignment. The text ends at the first 00 byte; bytes between that and the
length field are ignored.

How it is edited in place is in :mod:`openisx._formats.isxd.editing`. The whole is described in docs/formats/isxd.md.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openisx._files.locks import locked
from openisx._files.paths import canonical
from openisx._files.source import open_bytes
from openisx._formats.isxd.journal import LENGTH, Journal, apply, journal_path, read_journal
from openisx._formats.json_reading import JsonObject, parse_object
from openisx._formats.json_writing import dump, dump_compact
from openisx._formats.kinds import DataKind
from openisx.errors import IsxFormatError, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from openisx._files.source import ByteSource

__all__ = [
    "Container",
    "kind_of",
    "open_container",
    "read_container",
    "read_unclaimed",
    "sidecar",
    "trailer_bytes",
]

_TRAILER_MIN = 9  # the 00 byte and the length field
_TAIL = 1 << 14  # one read of this size finds the metadata of most files
_BLOCK = 1 << 24


@dataclass(frozen=True)
class Container:
    """Where the body of a file ends, and its metadata."""

    body_size: int
    metadata: dict[str, Any]

    def members(self, path: str) -> JsonObject:
        """Checked access to the metadata."""
        return JsonObject(self.metadata, path)

    def kind(self, path: str) -> DataKind:
        """Kind of the data set."""
        return DataKind.from_code(self.members(path).integer("type"), path)


def read_container(file: ByteSource) -> Container:
    """Find and decode the metadata of an open file.

    A few bytes behind the container are skipped with a warning: white space, as some version control systems
    append, and the up to seven bytes that the vendor's package leaves when it shortens the metadata.

    Raises
    ------
    IsxFormatError
        There are no metadata, or they are damaged.
    """
    try:
        return _parse_trailer(file, _tail(file))
    except IsxFormatError:
        if file.local_path is None:
            return read_unclaimed(file)
        with _no_edits(file.local_path):
            file.size = os.stat(file.local_path).st_size
            return read_unclaimed(file)


def read_unclaimed(file: ByteSource) -> Container:
    """:func:`read_container` for a file that nobody else is editing."""
    tail = _tail(file)
    try:
        return _parse_trailer(file, tail)
    except IsxFormatError as damage:
        journal = None
        if file.local_path is not None:  # only there are files edited
            read = lambda at, size: file.read(at, max(0, min(size, file.size - at)))  # noqa: E731
            journal = read_journal(file.local_path, read)
        if journal is not None:
            return _after_interrupted_edit(file, journal)
        white = len(tail) - len(tail.rstrip(b" \t\r\n"))
        for extra in dict.fromkeys((white, *range(1, LENGTH.size))):
            with contextlib.suppress(IsxFormatError):
                container = _parse_trailer(file, tail, extra)
                warn(f"{file.given_path}: ignored {extra} byte{'s' if extra > 1 else ''} behind the data.")
                return container
        raise damage from None


def _tail(file: ByteSource) -> bytes:
    return file.read(max(0, file.size - _TAIL), min(_TAIL, file.size))


def _after_interrupted_edit(file: ByteSource, journal: Journal) -> Container:
    """Finish an edit that was broken off; if only the metadata are concerned they are just taken from the journal."""
    if journal.data:
        try:
            with open(file.path, "r+b", buffering=0) as body:
                apply(body, journal, sync=True)
            os.unlink(journal_path(file.path))
        except OSError as error:
            raise IsxFormatError(
                f"{file.given_path}: an edit of the data was interrupted, and finishing it failed "
                f"({error.strerror or error}). Copy the file, together with {journal_path(file.path)}, to where "
                "it may be written, and open the copy."
            ) from None
        warn(f"{file.given_path}: an edit was interrupted; it has been finished.")
    else:
        warn(
            f"{file.given_path}: an edit of the metadata was interrupted; using the complete copy kept beside "
            "the file."
        )
    return Container(journal.body_size, parse_object(journal.trailer[:-_TRAILER_MIN], file.given_path))


def _parse_trailer(file: ByteSource, tail: bytes, extra: int = 0) -> Container:
    """Metadata of a file whose last bytes are `tail`, the last `extra` of them not counting."""
    hint = (
        f"{file.given_path} has no readable metadata at its end: the file is damaged, "
        "or was not closed after writing (see isx.recover)."
    )
    end = file.size - extra
    if len(tail) < LENGTH.size + extra:
        raise IsxFormatError(f"Error while seeking to length of JSON header at end. {hint}")
    (length,) = LENGTH.unpack_from(tail, len(tail) - LENGTH.size - extra)
    body_size = end - _TRAILER_MIN - length
    if body_size < 0:
        raise IsxFormatError(f"Error while seeking to beginning of JSON header at end. {hint}")
    text = _text(file, tail, body_size, end - LENGTH.size)
    if text is None:
        raise IsxFormatError(f"Error while parsing JSON header: parse error - its end is missing. {hint}")
    return Container(body_size, parse_object(text, file.given_path))


def _text(file: ByteSource, tail: bytes, start: int, end: int) -> bytes | None:
    """Bytes of a file from `start` to the first 00 byte before `end`; None if there is no such byte.

    Reads on only as long as there is none, so that a damaged length field does not bring a whole movie into
    memory.
    """
    known_from = file.size - len(tail)
    if start >= known_from:
        stop = tail.find(b"\0", start - known_from, end - known_from)
        return tail[start - known_from : stop] if stop >= 0 else None
    blocks = []
    for offset in range(start, end, _BLOCK):
        block = file.read(offset, min(_BLOCK, end - offset))
        stop = block.find(b"\0")
        if stop >= 0:
            blocks.append(block[:stop])
            return blocks[0] if len(blocks) == 1 else b"".join(blocks)
        blocks.append(block)
    return None


def kind_of(file: ByteSource) -> DataKind:
    """Kind of the data set in an open file."""
    return read_container(file).kind(file.given_path)


def open_container(path: str) -> tuple[ByteSource, Container]:
    """Open an `.isxd` file and read its metadata; the file is closed again if that fails."""
    file = open_bytes(path)
    try:
        return file, read_container(file)
    except BaseException:
        file.close()
        raise


@contextlib.contextmanager
def _no_edits(path: str) -> Iterator[None]:
    """Wait until nobody is editing a file, which then seems damaged, and keep it so."""
    try:
        file = open(canonical(path), "rb")  # noqa: SIM115
    except OSError:
        yield
        return
    with file, locked(file.fileno()):
        yield


def trailer_bytes(metadata: Mapping[str, Any]) -> bytes:
    """Everything behind the body: text, 00 byte, length."""
    text = dump(metadata)
    return text + b"\0" + LENGTH.pack(len(text))


def sidecar(path: str, metadata: Mapping[str, Any]) -> bytes:
    """What :func:`isx.recover` needs to know of a file while it is written: its name, and its metadata so far."""
    return dump_compact({"fileName": os.path.basename(canonical(path)), "metadata": metadata})
