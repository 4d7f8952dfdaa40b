"""The errors this package raises about files and data.

Each class doubles as the builtin that a caller would naturally catch, so both ``except isx.IsxError`` and
``except FileNotFoundError`` work. Plain argument mistakes (a float where an index belongs, an unknown
``time_ref``) are ordinary :class:`TypeError` and :class:`ValueError`.
"""

from __future__ import annotations

import sys
import warnings

__all__ = [
    "IsxError",
    "IsxFileError",
    "IsxFileExistsError",
    "IsxFileNotFoundError",
    "IsxFormatError",
    "IsxImportError",
    "IsxIndexError",
    "IsxSeriesError",
    "IsxStateError",
    "IsxWarning",
]


class IsxError(Exception):
    """Root of all errors about files and data."""


class IsxFileError(IsxError, OSError):
    """A file cannot be opened, read or written."""


class IsxFileNotFoundError(IsxFileError, FileNotFoundError):
    """The file to read does not exist."""


class IsxFileExistsError(IsxFileError, FileExistsError):
    """The file to write exists already."""


class IsxFormatError(IsxFileError, ValueError):
    """The content of a file is damaged, incomplete or of another kind than asked for."""


class IsxIndexError(IsxError, IndexError):
    """A frame, cell, channel or vessel index lies outside the data."""


class IsxSeriesError(IsxError, ValueError):
    """Files given as one recording do not fit together."""


class IsxStateError(IsxError, RuntimeError):
    """The object cannot do this now: it is closed, read-only, already flushed, or was never opened."""


class IsxImportError(IsxError, ImportError):
    """An optional library is missing; the message names the extra that installs it."""


class IsxWarning(UserWarning):
    """Something in a file was repaired, left out or is missing; the data returned are sound."""


def warn(message: str, category: type[Warning] = IsxWarning) -> None:
    """Issue a warning at the line that called into this package."""
    level = 1
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] == "openisx":
        level += 1
        frame = frame.f_back
    warnings.warn(message, category, stacklevel=level)
