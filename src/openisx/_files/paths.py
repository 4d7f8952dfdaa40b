"""Rules for paths that hold in the whole package (docs/differences.md)."""

from __future__ import annotations

import contextlib
import glob
import os
import zlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

from openisx.errors import IsxFileError, IsxFileExistsError, IsxFileNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "PARTIAL",
    "PathInput",
    "PathInputs",
    "as_path",
    "as_paths",
    "canonical",
    "extension",
    "hidden",
    "may_overwrite",
    "missing_error",
    "overwriting",
    "reading_error",
    "require_absent",
    "require_existing",
    "unfinished",
]

PathInput: TypeAlias = "str | os.PathLike[str]"
PathInputs: TypeAlias = "PathInput | Iterable[PathInput]"

_overwriting = ContextVar("_overwriting", default=False)
#: How names of temporary files end.
PARTIAL = ".partial"

_LONGEST_STEM = 100  # bytes; file systems take names of 143 to 255


def as_path(path: PathInput) -> str:
    """The path as text, as the caller gave it.

    Raises
    ------
    IsxFileError
        No file can have this name on any disk.
    """
    text = os.fsdecode(os.fspath(path))
    try:
        if b"\0" not in os.fsencode(text):
            return text
        problem = "a zero byte"
    except UnicodeEncodeError:
        problem = "characters that names of files cannot have here"
    raise IsxFileError(f"Not a path: {text!a} holds {problem}.")


def as_paths(paths: PathInputs, *, may_be_empty: bool = False) -> list[str]:
    """One path or any sequence of paths as a list.

    Raises
    ------
    TypeError
        An element is not a path.
    ValueError
        The sequence is empty, unless it may be.
    """
    if isinstance(paths, (str, bytes, os.PathLike)):
        return [as_path(paths)]
    listed = [as_path(path) for path in paths]
    if not listed and not may_be_empty:
        raise ValueError("no input files given")
    return listed


def canonical(path: PathInput) -> str:
    """Absolute path without symbolic links, ``.`` and ``..``."""
    return os.path.realpath(as_path(path))


def extension(path: str) -> str:
    """What follows the last dot of the file name, in lower case; empty without a dot."""
    stem, dot, ending = os.path.basename(path).rpartition(".")
    return ending.lower() if stem.strip(".") and dot else ""


def hidden(path: str, suffix: str) -> str:
    """Name for a helper of the file at `path`, in the same folder: ``.NAME.suffix``.

    Long names are cut, and told apart by a checksum, so that every file that can exist can have its helpers.
    """
    folder, name = os.path.split(path)
    encoded = os.fsencode(name)
    if len(encoded) > _LONGEST_STEM:
        checksum = f"~{zlib.crc32(encoded):08x}"
        name = encoded[: _LONGEST_STEM - len(checksum)].decode(errors="ignore") + checksum
    return os.path.join(folder, f".{name}.{suffix}")


def unfinished(path: str) -> list[str]:
    """Temporary files beside `path` in which its content is, while it is written and if that was interrupted."""
    return sorted(glob.glob(glob.escape(hidden(canonical(path), "")) + f"????????{PARTIAL}"))


def missing_error(path: str) -> IsxFileNotFoundError:
    """The error to raise for a file that is missing; tells of one that is not finished."""
    text = f"File does not exist: {path}"
    if unfinished(path):
        text += (
            ". It is still being written: it appears when the object that writes it is flushed or closed, by flush() "
            f"or close(). If that object is gone, isx.recover({path!r}) saves what it wrote."
        )
    return IsxFileNotFoundError(text)


def require_existing(path: str) -> None:
    """Raise :class:`IsxFileNotFoundError` unless `path` exists."""
    if not os.path.exists(path):
        raise missing_error(path)


@contextlib.contextmanager
def overwriting(allowed: bool = True) -> Iterator[None]:
    """Let whatever is written within replace files that exist, each when its successor is complete."""
    token = _overwriting.set(allowed)
    try:
        yield
    finally:
        _overwriting.reset(token)


def may_overwrite() -> bool:
    """Whether the caller is within :func:`overwriting`."""
    return _overwriting.get()


def require_absent(path: str) -> None:
    """Raise :class:`IsxFileExistsError` if `path` exists, be it a file, a folder or a dangling link.

    Within :func:`overwriting` nothing is asked; what cannot be replaced is refused when it is written.
    """
    if not may_overwrite() and os.path.lexists(path):
        raise IsxFileExistsError(f"File already exists: {path}")


def reading_error(path: str, error: OSError) -> IsxFileError:
    """The error to raise for an :class:`OSError` met while opening or reading `path`."""
    if isinstance(error, FileNotFoundError):
        return missing_error(path)
    if isinstance(error, IsADirectoryError) or os.path.isdir(path):  # some systems only deny permission
        return IsxFileError(f"File extension not supported: . {path} is a folder, not a file.")
    return IsxFileError(f"Cannot read {path}: {error.strerror or error}")
