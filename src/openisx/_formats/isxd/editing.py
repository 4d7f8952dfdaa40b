"""Editing `.isxd` files in place: killed at any moment, a file reads as before or as after (docs/formats/isxd.md, Journals)."""

from __future__ import annotations

import contextlib
import os
from os import unlink
from typing import TYPE_CHECKING, Any

from openisx._files.locks import locked
from openisx._files.paths import canonical
from openisx._files.source import InputFile
from openisx._formats.isxd.container import Container, read_unclaimed, trailer_bytes
from openisx._formats.isxd.journal import Journal, apply, journal_path, write_all, write_journal
from openisx.errors import IsxError, IsxFileError, IsxFileNotFoundError, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import FileIO

__all__ = ["EditedFile", "edit_metadata", "editing", "finish_writer"]


def finish_writer(writer: Any) -> None:
    """Complete the file of a set that was dropped without `flush`; a failure can only be warned of."""
    if not writer.output.is_open:
        return
    try:
        writer.commit()
    except IsxError as error:
        warn(f"{writer.given_path} could not be finished: {error}")


@contextlib.contextmanager
def editing(path: str) -> Iterator[EditedFile]:
    """Claim the file at a canonical path for an edit; other objects and processes that want to edit it wait.

    What is known of its content must be read again within, since it may have been another's turn before.

    Raises
    ------
    IsxFileError
        The file is missing, or it or its folder may not be written. After a full disk it is as before.
    """
    try:
        with open(path, "r+b", buffering=0) as file, locked(file.fileno()):
            yield EditedFile(path, file)
    except OSError as error:
        if isinstance(error, IsxFileError):
            raise
        if isinstance(error, FileNotFoundError):
            raise IsxFileNotFoundError(f"Cannot edit {path}: File does not exist: {path}") from None
        raise IsxFileError(f"Cannot edit {path}: {error.strerror or error}") from None


class EditedFile:
    """A file claimed for an edit, see :func:`editing`."""

    def __init__(self, path: str, file: FileIO) -> None:
        self._path = path
        self._file = file

    def container(self) -> Container:
        """Where the body ends now, and the metadata."""
        source = InputFile(self._path)
        try:
            return read_unclaimed(source)
        finally:
            source.close()

    def read(self, offset: int, size: int = -1) -> bytes:
        """Up to `size` bytes from `offset` on; -1 for all."""
        self._file.seek(offset)
        return self._file.read(size)

    def write(self, data: bytes, offset: int) -> None:
        """Overwrite a few bytes, without a journal."""
        self._file.seek(offset)
        write_all(self._file, data)

    def rewrite(self, old_size: int, journal: Journal, *, sync: bool = True) -> None:
        """Change data and metadata.

        Parameters
        ----------
        old_size
            Size of the body before.
        journal
            The change.
        sync
            Whether the edit also survives a loss of power; not needed where a file is still being written.
        """
        write_journal(self._path, journal, self.read, sync=sync)
        old_data, old_trailer = self.read(journal.at, len(journal.data)), self.read(old_size)
        try:
            apply(self._file, journal, sync=sync)
        except OSError:
            with contextlib.suppress(OSError):
                apply(self._file, Journal(old_size, old_trailer, old_data, journal.at), sync=sync)
                unlink(journal_path(self._path))
            raise
        with contextlib.suppress(FileNotFoundError):
            unlink(journal_path(self._path))

    def sync(self) -> None:
        """Make the content durable."""
        os.fsync(self._file.fileno())


def edit_metadata(path: str, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
    """Replace the metadata of an existing file by what `change` makes of them, leaving the body alone.

    Raises
    ------
    IsxFileError
        As :func:`editing`; or the file is damaged.
    """
    with editing(canonical(path)) as file:
        container = file.container()
        size = container.body_size
        file.rewrite(size, Journal(size, trailer_bytes(change(container.metadata))))
