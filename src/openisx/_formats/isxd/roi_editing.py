"""Changing finished cell sets and vessel sets in place."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from openisx._formats.isxd.container import trailer_bytes
from openisx._formats.isxd.editing import editing
from openisx._formats.isxd.journal import Journal
from openisx._formats.isxd.roi_metadata import efocus_values
from openisx.errors import IsxFileError, IsxFileNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openisx._formats.isxd.editing import EditedFile
    from openisx._formats.isxd.roi_set import RoiBody, RoiFile

__all__ = ["RoiEditor"]

_INDENT = 8  # blanks before an element of a list at the top level of the metadata


class RoiEditor:
    """Changes an open file, which others may be changing as well.

    The first change rewrites the metadata as a whole. From then on the text in the file is known, and a status,
    being one digit, is changed by writing one byte: as fast as it gets, and safe without a journal.

    Parameters
    ----------
    opened
        The file; it shows every change at once.
    growing
        Whether the set is still being written: ROIs may be added, and only :meth:`finish` makes that durable.

    Raises
    ------
    IsxFileError
        The file is write-protected; it is closed again.
    """

    def __init__(self, opened: RoiFile[Any], *, growing: bool = False) -> None:
        if not os.access(opened.path, os.W_OK):
            opened.close()
            raise IsxFileError(
                f"Cannot edit {opened.given_path}: it is write-protected. Open it with read_only=True."
            )
        self.opened = opened
        self.growing = growing
        self._trailer: bytearray | None = None  # the metadata in the file; None if they are not known
        self._first_status = -1  # where in them the first status is, if all statuses are one digit
        self._unsynced = growing

    def set_statuses(self, codes: Mapping[int, int]) -> None:
        """Change the status of some ROIs."""
        with editing(self.opened.path) as file:
            self._refresh(file)
            rois = self.opened.rois
            changes = {i: code for i, code in codes.items() if rois.statuses[rois.require(i)] != code}
            if not changes or (len(changes) == 1 and self._patch(file, *changes.popitem())):
                return
            body = self.opened.body.copy()
            for i, code in codes.items():
                body.rois.statuses[i] = code
            self._rewrite(file, body)

    def put(self, index: int, name: str, roi: Any) -> None:
        """Replace a ROI, whose status, colour and activity become those of a new one, or add the next one."""
        with editing(self.opened.path) as file:
            self._refresh(file)
            body = self.opened.body.copy()
            body.require_next(index, roi, may_append=self.growing)
            offset, arrays = body.content(index, roi)
            body.put(index, name, roi.size)
            data = b"".join([array.tobytes() for array in arrays])
            data += body.tail * (index == len(body.rois) - 1)
            self._rewrite(file, body, data, offset)

    def _refresh(self, file: EditedFile) -> None:
        """Read the metadata again if others may have changed them."""
        if self._trailer is None or file.read(self.opened.body.end()) != self._trailer:
            self._trailer = None
            self.opened.reload(file.container())

    def _rewrite(self, file: EditedFile, body: RoiBody, data: bytes = b"", offset: int = 0) -> None:
        stored = self.opened.metadata
        metadata = body.metadata({"efocusValues": efocus_values(stored), **stored}, self.opened.version)
        trailer = trailer_bytes(metadata)
        self._trailer = None
        journal = Journal(body.end(), trailer, data, offset)
        file.rewrite(self.opened.body.end(), journal, sync=not self.growing)
        body.rois.names = metadata[f"{body.noun.capitalize()}Names"]
        self.opened.changed(body, metadata)
        self._trailer = bytearray(trailer)
        line = b'\n    "%sStatuses": [\n' % body.noun.capitalize().encode()
        digits = set(body.rois.statuses) <= set(range(10))
        self._first_status = trailer.find(line) + len(line) + _INDENT if digits else -1
        self._unsynced = self.growing

    def _patch(self, file: EditedFile, index: int, code: int) -> bool:
        """Change one status where it stands; False if that takes a :meth:`_rewrite`."""
        rois = self.opened.rois
        if self._trailer is None or self._first_status < 0:
            return False
        at = self._first_status + index * (_INDENT + len("0,\n"))
        digit = b"%d" % code
        file.write(digit, self.opened.body.end() + at)
        self._trailer[at : at + 1] = digit
        rois.statuses[index] = code
        self._unsynced = True
        return True

    def finish(self) -> None:
        """Make all changes durable."""
        if self._unsynced:
            with (
                contextlib.suppress(IsxFileNotFoundError),
                editing(self.opened.path) as file,
            ):
                file.sync()
            self._unsynced = False
