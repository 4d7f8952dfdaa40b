"""Writing such that a file under its final name is always complete."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import sys
import threading
from typing import TYPE_CHECKING, Any

from openisx._files.locks import lock, unlock
from openisx._files.paths import PARTIAL, as_path, canonical, hidden, may_overwrite, require_absent
from openisx.errors import IsxFileError, IsxFileExistsError, IsxFormatError, IsxStateError

if TYPE_CHECKING:
    from typing import Self

    from openisx._files.paths import PathInput

__all__ = [
    "OutputFile",
    "OutputFiles",
    "rename_without_overwriting",
    "replace_file",
    "require_free_space",
    "sidecar_path",
    "sync_folder",
]

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_HAS_FADVISE = hasattr(os, "posix_fadvise")
_HAS_PWRITE = hasattr(os, "pwrite")
_WRITE_BEHIND = 32 << 20


_being_written: set[str] = set()
_being_written_lock = threading.Lock()

_CANNOT_OPEN = "Unable to open file for writing. ({path}: {error})"


class OutputFile:
    """A new file that takes its final name only when it is complete.

    Bytes go to a temporary file beside it; :meth:`commit` makes them durable and renames. Used as a context
    manager it commits on success and leaves nothing behind on any error, Ctrl-C included.

    Parameters
    ----------
    path
        Final name.
    overwrite
        Replace an existing file on :meth:`commit` instead of refusing it; also within
        :func:`openisx._files.paths.overwriting`.
    cannot_open
        Text of the error when the file cannot be created, with the fields ``{path}`` and ``{error}``.
    sidecar
        What :func:`isx.recover` needs to know when the writer is killed; kept beside the
        temporary file, which is claimed with `lock` as long as it is open. None if nothing can be recovered.

    Raises
    ------
    IsxFileExistsError
        The file exists, or another object in this process is writing it.
    IsxFileError
        The folder is missing or may not be written to.
    """

    def __init__(
        self,
        path: PathInput,
        *,
        overwrite: bool = False,
        cannot_open: str = _CANNOT_OPEN,
        sidecar: bytes | None = None,
    ) -> None:
        self.given_path = as_path(path)
        if not os.path.basename(self.given_path):
            text = cannot_open.format(path=self.given_path or "''", error="the name of the file is empty")
            raise IsxFileError(text)
        self.path = canonical(path)
        try:
            os.lstat(self.path)
        except FileNotFoundError:
            pass
        except OSError as error:  # too long a name, which would else be noticed when all is written
            text = cannot_open.format(path=self.given_path, error=error.strerror or error)
            raise IsxFileError(text) from None
        self.overwrites = overwrite = overwrite or may_overwrite()
        if not overwrite:
            require_absent(self.given_path)
        elif os.path.exists(self.path) and not _replaceable(self.path):
            raise IsxFileError(
                f"Cannot write {self.given_path}: it is a folder or a device, or write-protected."
            )
        with _being_written_lock:
            if self.path in _being_written:
                raise IsxFileExistsError(
                    f"File already exists: {self.given_path} (it is being written by another object)"
                )
            _being_written.add(self.path)
        self.temporary = hidden(self.path, f"{secrets.token_hex(4)}{PARTIAL}")
        self._owner = os.getpid()
        self._sidecar: int | None = None
        self._has_sidecar = sidecar is not None
        self._open = True
        try:
            self._fd = os.open(self.temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
        except OSError as error:
            self._finish()
            text = cannot_open.format(path=self.given_path, error=error.strerror or error)
            raise IsxFileError(text) from None
        except BaseException:  # Ctrl-C while the system was creating the file, which a busy disk makes likely
            self._finish()
            with contextlib.suppress(OSError):
                os.unlink(self.temporary)
            raise
        self._unsynced = 0
        if sidecar is not None:
            self._start_sidecar(sidecar)

    def _start_sidecar(self, content: bytes) -> None:
        try:
            lock(self._fd)
            self._sidecar = os.open(
                sidecar_path(self.temporary), os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666
            )
            self.note(content)
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError) and not isinstance(error, IsxFileError):
                raise self.writing_error(error) from None
            raise

    def note(self, line: bytes) -> None:
        """Append a line to the sidecar, about what was just written; does nothing without a sidecar."""
        if self._sidecar is not None:
            try:
                os.write(self._sidecar, line + b"\n")
            except OSError as error:
                raise self.writing_error(error) from None

    def write(self, data: Any) -> None:
        """Append bytes, or the bytes of a C-contiguous array."""
        self._require_open()
        view = memoryview(data)
        if not view.nbytes:
            return
        view = view.cast("B")
        self._unsynced += len(view)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise self.writing_error(error) from None
        if self._unsynced >= _WRITE_BEHIND:
            self._start_writing_out(os.lseek(self._fd, 0, os.SEEK_CUR))

    def _start_writing_out(self, end: int) -> None:
        """Let the system begin to write to the disk, so that :meth:`commit` need not wait for all of it."""
        if _HAS_FADVISE:
            with contextlib.suppress(OSError):
                start = max(0, end - self._unsynced)
                os.posix_fadvise(self._fd, start, end - start, os.POSIX_FADV_DONTNEED)
        self._unsynced = 0

    def overwrite(self, data: Any, offset: int) -> None:
        """Write at `offset`, over what is there or behind it; :meth:`write` goes on where it was."""
        self._require_open()
        view = memoryview(data)
        if not view.nbytes:
            return
        view = view.cast("B")
        self._unsynced += len(view)
        try:
            while view:
                count = _write_at(self._fd, view, offset)
                view, offset = view[count:], offset + count
        except OSError as error:
            raise self.writing_error(error) from None
        if self._unsynced >= _WRITE_BEHIND:
            self._start_writing_out(offset)

    def truncate(self, size: int) -> None:
        """Cut off everything from byte `size` on."""
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            raise self.writing_error(error) from None

    def _require_open(self) -> None:
        if not self._open:
            raise IsxStateError(f"{self.given_path} is closed for writing.")

    def read_into(self, buffer: Any, offset: int) -> None:
        """Fill `buffer` with what was written at `offset`."""
        self._require_open()
        view = memoryview(buffer).cast("B")
        while view:
            data = _read_at(self._fd, min(len(view), 1 << 26), offset)
            if not data:
                raise IsxFormatError(f"{self.temporary} is shorter than what was written to it.")
            view[: len(data)] = data
            view, offset = view[len(data) :], offset + len(data)

    @property
    def is_open(self) -> bool:
        """Whether this process may still write, commit or discard."""
        return self._open and os.getpid() == self._owner

    def fileno(self) -> int:
        """Descriptor of the temporary file, for libraries that write on their own."""
        return self._fd

    def writing_error(self, error: OSError) -> IsxFileError:
        """The error to raise for an :class:`OSError` met while writing."""
        hint = " Free some space and try again." if error.errno == errno.ENOSPC else ""
        return IsxFileError(f"Cannot write {self.given_path}: {error.strerror or error}.{hint}")

    def seal(self) -> None:
        """Make the content durable and close the file; :meth:`commit` then only gives it its name.

        For calls that write so many files that they must not all be open at once.
        """
        if self._fd < 0:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self.writing_error(error) from None
        self._close()

    def commit(self) -> None:
        """Make the content durable and give the file its final name."""
        self.seal()
        self._finish()
        if self.overwrites:
            try:
                os.replace(self.temporary, self.path)
            except OSError as error:
                with contextlib.suppress(OSError):
                    os.unlink(self.temporary)
                raise self.writing_error(error) from None
        else:
            rename_without_overwriting(self.temporary, self.path, self.given_path)
        self._remove_sidecar()
        sync_folder(os.path.dirname(self.path))

    def _remove_sidecar(self) -> None:
        if self._has_sidecar:
            with contextlib.suppress(OSError):
                os.unlink(sidecar_path(self.temporary))

    def discard(self) -> None:
        """Remove what was written so far; does nothing after :meth:`commit`, nor in a forked process."""
        if not self.is_open:
            return
        self._close()
        self._finish()
        with contextlib.suppress(OSError):
            os.unlink(self.temporary)
        self._remove_sidecar()

    def abandon(self) -> None:
        """Close but keep the temporary file and its sidecar, for recovery."""
        if self.is_open:
            self._close()
            self._finish()

    def _close(self) -> None:
        if self._fd >= 0:
            descriptor, self._fd = self._fd, -1
            if self._has_sidecar:
                unlock(descriptor)
            os.close(descriptor)

    def _finish(self) -> None:
        self._open = False
        if self._sidecar is not None:
            os.close(self._sidecar)
            self._sidecar = None
        _being_written.discard(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.commit()
        finally:
            self.discard()


def _replaceable(path: str) -> bool:
    """Whether a rename may take the place of what exists at `path`; it would put a file there in any case."""
    return os.path.isfile(path) and os.access(path, os.W_OK)


class OutputFiles:
    """New files that belong together: on success all of them appear, on any error none.

    Used as a context manager, in which :meth:`create` opens them one by one.
    """

    def __init__(self) -> None:
        self._outputs: list[OutputFile] = []

    def create(self, path: PathInput, **options: Any) -> OutputFile:
        """Open a new file, as :class:`OutputFile` does."""
        output = OutputFile(path, **options)
        self._outputs.append(output)
        return output

    def add(self, output: OutputFile) -> None:
        """Take in a new file that was opened elsewhere."""
        self._outputs.append(output)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._commit()
        finally:
            for output in self._outputs:
                output.discard()

    def _commit(self) -> None:
        """Commit in reverse order, so that whoever sees the first file finds the others complete."""
        finished: list[OutputFile] = []
        try:
            for output in reversed(self._outputs):
                output.commit()
                finished.append(output)
        except BaseException as error:
            for other in finished:
                if not other.overwrites:  # a replaced file cannot be brought back, so its successor stays
                    with contextlib.suppress(OSError):
                        os.unlink(other.path)
            if isinstance(error, IsxFileExistsError) and len(self._outputs) > 1:
                with contextlib.suppress(OSError):
                    os.unlink(output.temporary)  # of no use without the others
                raise IsxFileExistsError(
                    f"File already exists: {output.given_path}. It appeared while the files were being written; "
                    "none of them was kept."
                ) from None
            raise


def rename_without_overwriting(source: str, target: str, shown: str) -> None:
    """Rename such that a file which appeared at `target` meanwhile survives, and so does `source`."""
    taken = IsxFileExistsError(
        f"File already exists: {shown}. It appeared while this file was being written; "
        f"the complete new content is in {source}."
    )
    if sys.platform != "win32":
        try:
            os.link(source, target)
        except FileExistsError:
            raise taken from None
        except OSError:
            pass  # a file system without hard links
        else:
            os.unlink(source)
            return
    if os.path.lexists(target):
        raise taken
    try:
        os.rename(source, target)
    except OSError as error:
        raise IsxFileError(
            f"Cannot write {shown}: {error.strerror or error}. The complete content is in {source}."
        ) from None


def replace_file(path: str, data: bytes) -> None:
    """Give a small file new content, such that it holds the old or the new one at any moment."""
    with OutputFile(path, overwrite=True) as output:
        output.write(data)


def sidecar_path(temporary: str) -> str:
    """Where the sidecar of a temporary file is kept."""
    return f"{temporary}.json"


def _write_at(fd: int, data: memoryview[Any], offset: int) -> int:
    if _HAS_PWRITE:
        return os.pwrite(fd, data, offset)
    end = os.lseek(fd, 0, os.SEEK_CUR)
    os.lseek(fd, offset, os.SEEK_SET)
    try:
        return os.write(fd, data)
    finally:
        os.lseek(fd, end, os.SEEK_SET)


def _read_at(fd: int, size: int, offset: int) -> bytes:
    if _HAS_PWRITE:
        return os.pread(fd, size, offset)
    end = os.lseek(fd, 0, os.SEEK_CUR)
    os.lseek(fd, offset, os.SEEK_SET)
    try:
        return os.read(fd, size)
    finally:
        os.lseek(fd, end, os.SEEK_SET)


def sync_folder(folder: str) -> None:
    """Make renames in `folder` durable, where the system can."""
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems cannot
            os.fsync(fd)
    finally:
        os.close(fd)


def require_free_space(path: PathInput, needed: int) -> None:
    """Raise :class:`IsxFileError` if the disk of `path` has fewer than `needed` bytes free."""
    folder = os.path.dirname(canonical(path))
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # a missing folder gets its own error when the file is created
    if free < needed:
        raise IsxFileError(
            f"Cannot write {as_path(path)}: about {needed / 1e6:,.0f} MB are needed, "
            f"but {folder} has only {free / 1e6:,.0f} MB free. Free some space or choose another disk."
        )
