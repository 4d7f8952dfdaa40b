"""Reading files at positions, without a state that threads or processes could share by mistake."""

from __future__ import annotations

import io
import mmap
import os
import stat
import weakref
from typing import TYPE_CHECKING, Any

from openisx._files.locks import WithLock
from openisx._files.paths import canonical, reading_error
from openisx.errors import IsxFileError, IsxFormatError, IsxStateError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["InputFile", "Stream"]

_NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # for the writer of a pipe
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_HAS_PREADV = hasattr(os, "preadv")
_LARGE_READ = 1 << 30  # systems cut single reads at 2 GB


class InputFile(WithLock):
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
        self._map: mmap.mmap | None = None
        self.size = status.st_size
        self._make_lock()

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
            self._require_open()
            raise reading_error(self.given_path, error) from None
        self._require_open()
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
                self._require_open()
                raise reading_error(self.given_path, error) from None
            self._require_open()
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
        self._require_open()
        if len(data) < size * len(offsets):
            raise self._too_short(int(offsets.max()), size)
        return data

    def _require_open(self) -> None:
        """Ask before reading, and after: another thread may close the file, and the system reuse its number."""
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


class Stream(io.RawIOBase):
    """A file as libraries want it that read from a stream, such as h5py; leaves it open when closed."""

    def __init__(self, file: InputFile) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the file goes."""
        count = self._file.read_into(buffer, self._at)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to another position."""
        self._at = offset + (0, self._at, self._file.size)[whence]
        return self._at

    def tell(self) -> int:
        """Present position."""
        return self._at
