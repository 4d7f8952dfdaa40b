"""Reading at positions, and writing such that a file under its final name is always complete."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import secrets
import shutil
import stat
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

from isx.errors import IsxFileError, IsxFileExistsError, IsxFormatError, IsxStateError
from isx.paths import as_path, canonical, reading_error, require_absent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from isx.paths import PathInput

__all__ = [
    "InputFile",
    "OutputFile",
    "OutputFiles",
    "lock",
    "rename_without_overwriting",
    "replace_file",
    "require_free_space",
    "sync_folder",
]

_NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # for the writer of a pipe
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_HAS_PREADV = hasattr(os, "preadv")
_HAS_FADVISE = hasattr(os, "posix_fadvise")
_WRITE_BEHIND = 32 << 20
_LARGE_READ = 1 << 30  # systems cut single reads at 2 GB


class InputFile:
    """A file open for reading at any position from any thread, in this process or a forked one.

    Parameters
    ----------
    path
        As the caller gave it; error messages quote it so.

    Raises
    ------
    IsxFileError
        The file is missing, a folder, or may not be read.
    """

    def __init__(self, path: str) -> None:
        self.given_path = path
        self.path = canonical(path)
        try:
            self._fd = os.open(self.path, os.O_RDONLY | _BINARY | _NO_WAITING)
        except OSError as error:
            raise reading_error(path, error) from None
        self._finalizer = weakref.finalize(self, os.close, self._fd)
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            self._finalizer()
            if stat.S_ISDIR(status.st_mode):
                raise reading_error(path, IsADirectoryError())
            raise IsxFileError(f"Cannot read {path}: it is not an ordinary file.")
        self._lock = threading.Lock()
        self._map: mmap.mmap | None = None
        self.size = status.st_size

    def read_into(self, buffer: Any, offset: int) -> int:
        """Fill `buffer` from `offset` on; the number of bytes read is smaller only at the end of the file."""
        self._require_open()
        target = memoryview(buffer).cast("B") if memoryview(buffer).nbytes else memoryview(b"")
        done = 0
        try:
            while done < len(target):
                count = self._read_some(target[done:], offset + done)
                if not count:
                    break
                done += count
        except OSError as error:
            raise reading_error(self.given_path, error) from None
        return done

    def _read_some(self, target: memoryview[Any], offset: int) -> int:
        if _HAS_PREADV:
            return os.preadv(self._fd, [target], offset)
        with self._lock:  # Windows has no positional read
            os.lseek(self._fd, offset, os.SEEK_SET)
            data = os.read(self._fd, min(len(target), 1 << 26))
        target[: len(data)] = data
        return len(data)

    def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes from `offset` on.

        Raises
        ------
        IsxFormatError
            The file ends before.
        """
        if size > self.size - offset:
            raise self._too_short(offset, size)
        if _HAS_PREADV and size < _LARGE_READ:
            self._require_open()
            try:
                data = os.pread(self._fd, size, offset)
            except OSError as error:
                raise reading_error(self.given_path, error) from None
            if len(data) == size:
                return data
        buffer = bytearray(size)
        if self.read_into(buffer, offset) < size:
            raise self._too_short(offset, size)
        return bytes(buffer)

    def read_spans(self, offsets: NDArray[np.int64], size: int) -> bytes:
        """`size` bytes (a few) from each of `offsets`, joined; much cheaper than touching mapped pages.

        Raises
        ------
        IsxFormatError
            The file ends before.
        """
        self._require_open()
        if _HAS_PREADV:
            read, fd = os.pread, self._fd
            data = b"".join([read(fd, size, offset) for offset in offsets.tolist()])
        else:
            data = b"".join([self.read(offset, size) for offset in offsets.tolist()])
        if len(data) < size * len(offsets):
            raise self._too_short(int(offsets.max()), size)
        return data

    def _require_open(self) -> None:
        if not self._finalizer.alive:
            raise IsxStateError(f"{self.given_path} is closed.")

    def _too_short(self, offset: int, size: int) -> IsxFormatError:
        return IsxFormatError(
            f"{self.given_path} ends at byte {self.size}; {size} bytes from byte {offset} on were expected."
        )

    def map(self) -> mmap.mmap:
        """Read-only memory map of the whole file (which must not be empty), made once.

        Raises
        ------
        IsxFormatError
            The file was shortened since it was opened; touching the map behind its end would kill the process.
        """
        self._require_open()
        if os.fstat(self._fd).st_size < self.size:
            raise IsxFormatError(f"{self.given_path} was shortened while it was open.")
        with self._lock:
            if self._map is None:
                self._map = mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)
            return self._map

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Release the file; arrays that are views of it stay valid."""
        self._map = None
        self._finalizer()


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
        Replace an existing file on :meth:`commit` instead of refusing it.
    cannot_open
        Text of the error when the file cannot be created, with the fields ``{path}`` and ``{error}``.

    Raises
    ------
    IsxFileExistsError
        The file exists, or another object in this process is writing it.
    IsxFileError
        The folder is missing or may not be written to.
    """

    def __init__(self, path: PathInput, *, overwrite: bool = False, cannot_open: str = _CANNOT_OPEN) -> None:
        self.given_path = as_path(path)
        if not os.path.basename(self.given_path):
            text = cannot_open.format(path=self.given_path or "''", error="the name of the file is empty")
            raise IsxFileError(text)
        self.path = canonical(path)
        self.overwrites = overwrite
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
        folder, name = os.path.split(self.path)
        self.temporary = os.path.join(folder, f".{name}.{secrets.token_hex(4)}.partial")
        self._owner = os.getpid()
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
            self._start_writing_out()

    def _start_writing_out(self) -> None:
        """Let the system begin to write to the disk, so that :meth:`commit` need not wait for all of it."""
        if _HAS_FADVISE:
            end = os.lseek(self._fd, 0, os.SEEK_CUR)
            with contextlib.suppress(OSError):
                os.posix_fadvise(self._fd, end - self._unsynced, self._unsynced, os.POSIX_FADV_DONTNEED)
        self._unsynced = 0

    def overwrite(self, data: Any, offset: int) -> None:
        """Write at `offset`, over what is there or behind it; :meth:`write` goes on where it was."""
        self._require_open()
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        os.lseek(self._fd, offset, os.SEEK_SET)
        try:
            self.write(data)
        finally:
            os.lseek(self._fd, end, os.SEEK_SET)

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
        end = os.lseek(self._fd, 0, os.SEEK_CUR)
        view = memoryview(buffer).cast("B")
        os.lseek(self._fd, offset, os.SEEK_SET)
        try:
            while view:
                data = os.read(self._fd, min(len(view), 1 << 26))
                if not data:
                    raise IsxFormatError(f"{self.temporary} is shorter than what was written to it.")
                view[: len(data)] = data
                view = view[len(data) :]
        finally:
            os.lseek(self._fd, end, os.SEEK_SET)

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
        sync_folder(os.path.dirname(self.path))

    def discard(self) -> None:
        """Remove what was written so far; does nothing after :meth:`commit`, nor in a forked process."""
        if not self.is_open:
            return
        self._close()
        self._finish()
        with contextlib.suppress(OSError):
            os.unlink(self.temporary)

    def abandon(self) -> None:
        """Close but keep the temporary file, for recovery."""
        if self.is_open:
            self._close()
            self._finish()

    def _close(self) -> None:
        if self._fd >= 0:
            descriptor, self._fd = self._fd, -1
            os.close(descriptor)

    def _finish(self) -> None:
        self._open = False
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
    os.rename(source, target)


def replace_file(path: str, data: bytes) -> None:
    """Give a small file new content, such that it holds the old or the new one at any moment."""
    with OutputFile(path, overwrite=True) as output:
        output.write(data)


def lock(fd: int) -> bool:
    """Claim an open file for this object; False if another one, in any process, has claimed it.

    Released when the file is closed. Where there are no such locks (Windows, some network file systems) the
    claim always succeeds.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


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
