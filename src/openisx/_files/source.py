"""Bytes at positions, without a state that threads or processes could share by mistake.

:class:`ByteSource` is what every reader stands on; :class:`InputFile` is the one for files of this computer.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import stat
import weakref
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from openisx._files.locks import WithLock
from openisx._files.paths import canonical, reading_error
from openisx.errors import IsxFileError, IsxFormatError, IsxStateError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ByteSource", "InputFile", "open_bytes"]

_NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # for the writer of a pipe
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_HAS_PREADV = hasattr(os, "preadv")
_LARGE_READ = 1 << 30  # systems cut single reads at 2 GB


class ByteSource(ABC):
    """The bytes of one file, wherever it is; read at any position from any thread, here or in a forked process.

    Subclasses set the attributes and implement what is abstract.

    Attributes
    ----------
    path : str
        Canonical name.
    given_path : str
        As the caller gave it; error messages quote it so.
    size : int
        Number of bytes.
    local_path : str or None
        Path of a file of this computer, for libraries that read such files faster by themselves.
    """

    path: str
    given_path: str
    size: int
    local_path: str | None = None

    @abstractmethod
    def read_into(self, buffer: Any, offset: int) -> int:
        """Fill `buffer` from `offset` on; the number of bytes read is smaller only at the end of the file."""

    @abstractmethod
    def sibling(self, name: str) -> ByteSource:
        """Open another file of the same folder.

        Raises
        ------
        IsxFileNotFoundError
            There is none of that name.
        """

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""

    @abstractmethod
    def close(self) -> None:
        """Release the file; arrays that are views of it stay valid."""

    def map(self) -> mmap.mmap | None:
        """Read-only memory map of the whole file (which must not be empty); None where there cannot be one."""
        return None

    def forget(self, start: int, end: int) -> None:  # noqa: B027 - there is nothing to do without a map
        """Give back the memory that the map takes for the bytes from `start` to `end`; they can be read again."""

    def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes from `offset` on.

        Raises
        ------
        IsxFormatError
            The file ends before.
        """
        if size > self.size - offset:
            raise self._too_short(offset, size)
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
        return b"".join([self.read(offset, size) for offset in offsets.tolist()])

    def stream(self, start: int = 0, end: int | None = None) -> io.RawIOBase:
        """The bytes from `start` to `end` as a seekable file, for other libraries; it has a position of its own."""
        return _Stream(self, start, self.size if end is None else end)

    def require_open(self) -> None:
        """Raise :class:`IsxStateError` if the file is closed."""
        if self.closed:
            raise IsxStateError(f"{self.given_path} is closed.")

    def _too_short(self, offset: int, size: int) -> IsxFormatError:
        if offset + size <= self.size:
            return IsxFormatError(f"{self.given_path} was shortened while it was open.")
        return IsxFormatError(
            f"{self.given_path} ends at byte {self.size}; {size} bytes from byte {offset} on were expected."
        )


class _Stream(io.RawIOBase):
    """A part of a source as a file; closing it leaves the source open."""

    def __init__(self, source: ByteSource, start: int, end: int) -> None:
        super().__init__()
        self._source = source
        self._start = min(start, source.size)
        self._size = max(0, min(end, source.size) - self._start)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        available = max(0, self._size - self._at)  # damaged files make readers seek far beyond the end
        count = self._source.read_into(target[:available], self._start + self._at) if available else 0
        self._at += count
        return count


def open_bytes(path: str | ByteSource) -> ByteSource:
    """The bytes of a file given by its path; a source that is open already is given back."""
    return path if isinstance(path, ByteSource) else InputFile(path)


class InputFile(ByteSource, WithLock):
    """A file of this computer.

    Parameters
    ----------
    path
        As the caller gave it.

    Raises
    ------
    IsxFileError
        The file is missing, a folder, or may not be read.
    """

    def __init__(self, path: str) -> None:
        self.given_path = path
        self.path = self.local_path = canonical(path)
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
        self._map: mmap.mmap | None = None
        self.size = status.st_size
        self._make_lock()

    def sibling(self, name: str) -> InputFile:
        """Open another file of the same folder."""
        return InputFile(os.path.join(os.path.dirname(self.path), name))

    def read_into(self, buffer: Any, offset: int) -> int:
        """Fill `buffer` from `offset` on; the number of bytes read is smaller only at the end of the file."""
        self.require_open()
        target = memoryview(buffer).cast("B") if memoryview(buffer).nbytes else memoryview(b"")
        done = 0
        try:
            while done < len(target):
                count = self._read_some(target[done:], offset + done)
                if not count:
                    break
                done += count
        except OSError as error:
            self.require_open()
            raise reading_error(self.given_path, error) from None
        self.require_open()
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
        """Exactly `size` bytes from `offset` on; IsxFormatError if the file ends before."""
        if _HAS_PREADV and size <= min(self.size - offset, _LARGE_READ):
            self.require_open()
            try:
                data = os.pread(self._fd, size, offset)
            except OSError as error:
                self.require_open()
                raise reading_error(self.given_path, error) from None
            self.require_open()
            if len(data) == size:
                return data
        return super().read(offset, size)

    def read_spans(self, offsets: NDArray[np.int64], size: int) -> bytes:
        """`size` bytes (a few) from each of `offsets`, joined; IsxFormatError if the file ends before."""
        if not _HAS_PREADV:
            return super().read_spans(offsets, size)
        self.require_open()
        read, fd = os.pread, self._fd
        data = b"".join([read(fd, size, offset) for offset in offsets.tolist()])
        self.require_open()
        if len(data) < size * len(offsets):
            raise self._too_short(int(offsets.max()), size)
        return data

    def require_open(self) -> None:
        """Ask before reading, and after: another thread may close the file, and the system reuse its number."""
        if not self._finalizer.alive:
            raise IsxStateError(f"{self.given_path} is closed.")

    def map(self) -> mmap.mmap | None:
        """Read-only memory map of the whole file (which must not be empty), made once.

        Raises
        ------
        IsxFormatError
            The file was shortened since it was opened; touching the map behind its end would kill the process.
        """
        self.require_open()
        if os.fstat(self._fd).st_size < self.size:
            raise IsxFormatError(f"{self.given_path} was shortened while it was open.")
        with self._lock:
            if self._map is None:
                with contextlib.suppress(OSError):  # on file systems that cannot do this
                    self._map = mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)
            return self._map

    def forget(self, start: int, end: int) -> None:
        """Give back the memory that the map takes for the bytes from `start` to `end`; they can be read again."""
        start, end = start - start % mmap.PAGESIZE, min(end, self.size)
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED") and start < end:
            self._map.madvise(mmap.MADV_DONTNEED, start, end - start)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Release the file; arrays that are views of it stay valid."""
        self._map = None
        self._finalizer()
