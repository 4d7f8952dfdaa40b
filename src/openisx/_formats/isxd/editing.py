"""Finishing sets that are written, and editing the metadata of cell sets and vessel sets in place.

The first change of a session rewrites the metadata as a whole, see :func:`openisx._formats.isxd.container.replace_metadata`. From
then on the text in the file is known, and a status, being one digit, is changed by writing one byte: as fast as
it gets, and safe without a journal.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from openisx._formats.isxd.container import replace_trailer, trailer_bytes
from openisx.errors import IsxError, IsxFileError, IsxFileNotFoundError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openisx._formats.isxd.roi_metadata import Labels

__all__ = ["MetadataEditor", "finish_writer"]

_INDENT = 8  # blanks before an element of a list at the top level


def finish_writer(writer: Any) -> None:
    """Complete the file of a set that was dropped without `flush`; a failure can only be warned of."""
    if not writer.output.is_open:
        return
    try:
        writer.commit()
    except IsxError as error:
        warn(f"{writer.given_path} could not be finished: {error}")


class MetadataEditor:
    """Writes the metadata of one open file.

    Parameters
    ----------
    path
        The file.
    body_size
        Where its metadata belong.
    status_key
        Member that holds the statuses.
    """

    def __init__(self, path: str, body_size: int, status_key: str) -> None:
        if not os.access(path, os.W_OK):
            if not os.path.exists(path):
                raise IsxFileNotFoundError(f"File does not exist: {path}")
            raise IsxFileError(f"Cannot edit {path}: it is write-protected. Open it with read_only=True.")
        self._path = path
        self._body_size = body_size
        self._status_line = b'\n    "' + status_key.encode() + b'": [\n'
        self._first_status = 0
        self._file_size = -1  # while the text in the file is not known

    def rewrite(self, metadata: Mapping[str, Any]) -> None:
        """Replace all metadata, durably."""
        trailer = trailer_bytes(metadata)
        self._file_size = -1
        replace_trailer(self._path, self._body_size, trailer)
        at = trailer.find(self._status_line)
        self._first_status = self._body_size + at + len(self._status_line) + _INDENT
        self._file_size = self._body_size + len(trailer) if at >= 0 else -1

    def change_statuses(self, labels: Labels, codes: Mapping[int, int]) -> Labels | None:
        """Change some statuses, if that takes one byte; else return changed labels, to be written."""
        changes = {i: code for i, code in codes.items() if labels.statuses[i] != code}
        if not changes:
            return None
        index, code = next(iter(changes.items()))
        if len(changes) == 1 and self._patch_status(index, labels.statuses, code):
            labels.statuses[index] = code
            return None
        changed = labels.copy()
        for index, code in changes.items():
            changed.statuses[index] = code
        return changed

    def _patch_status(self, index: int, statuses: list[int], status: int) -> bool:
        """Change one of `statuses`, those in the file; False if that takes a :meth:`rewrite`."""
        if self._file_size < 0 or any(not 0 <= code <= 9 for code in statuses):
            return False
        try:
            with open(self._path, "r+b", buffering=0) as file:
                if file.seek(0, os.SEEK_END) != self._file_size:
                    return False  # someone else wrote it
                at = self._first_status + index * (_INDENT + len("0,\n"))
                file.seek(at)
                if file.read(1) != b"%d" % statuses[index]:
                    return False
                file.seek(at)
                file.write(b"%d" % status)
        except OSError as error:
            raise IsxFileError(f"Cannot edit {self._path}: {error.strerror or error}") from None
        return True

    def write_body(self, offset: int, data: bytes) -> None:
        """Overwrite part of the body."""
        try:
            with open(self._path, "r+b", buffering=0) as file:
                file.seek(offset)
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]
        except OSError as error:
            raise IsxFileError(f"Cannot edit {self._path}: {error.strerror or error}") from None
