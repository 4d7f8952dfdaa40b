"""nVista 2 movies in `.hdf5` files (spec 02, section 7.1).

==============  =======================  ====================================================
data set        shape and type           meaning
==============  =======================  ====================================================
``/images``     (frame, row, column)     pixels, uint16
``/timeStamp``  (sample), optional       seconds since the epoch of every sample, float64
==============  =======================  ====================================================

The time stamps give the number of samples, the start (first stamp, whole seconds) and the period: last minus first
stamp, divided by the number of *stamps*, in whole milliseconds. Without them there is one sample per frame and no
clock.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx._files.locks import WithLock
from openisx._files.source import InputFile
from openisx._formats.base import BEST_COMPRESSION, refuse_absurd_size
from openisx._formats.legacy.plain import PlainSource, rounded_to_msecs, utc
from openisx.core.spacing import Spacing
from openisx.core.timing import Duration, Timing
from openisx.errors import IsxFormatError, warn

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MovieHdf5", "timing_from_stamps"]

_CHUNK_CACHE = 1 << 24
_CHECKSUM_BYTES = 4
_LATEST_STAMP = 2.0**53


class MovieHdf5(PlainSource, WithLock):
    """An open HDF5 movie; implements :class:`openisx._formats.base.FrameSource`.

    Frames stored as one block are read without the HDF5 library, which takes part only in chunked and compressed
    files.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is damaged, or holds no movie.
    IsxImportError
        h5py is not installed.
    """

    def __init__(self, path: str) -> None:
        require("h5py", "hdf5")
        self.given_path = path
        self._file = InputFile(path)
        self.path = self._file.path
        self._make_lock()
        self._library_file: Any = None
        self._library_owner = 0
        self._damaged: set[int] | None = None  # known from the first frame read by the library on
        try:
            self._describe()
        except BaseException:
            self.close()
            raise
        if self._block_offset is not None:
            self._release_library()

    def _describe(self) -> None:
        with self._lock:
            images = self._images()
            try:
                shape, stored_dtype = images.shape, images.dtype
                self._block_offset = _block_offset(images)
                self.stamps = self._read_stamps(images.file)
            except Exception as error:  # noqa: BLE001 - the library raises nearly anything on damage
                raise self._damage(error) from None
        if len(shape) != 3 or stored_dtype.kind != "u" or stored_dtype.itemsize != 2:
            raise IsxFormatError(
                f"{self.given_path}: /images should hold uint16 with the axes (frame, row, column), not "
                f"{stored_dtype} of shape {shape}."
            )
        self._stored_dtype = stored_dtype
        self.dtype = stored_dtype.newbyteorder("=")
        self.spacing = Spacing(shape[1:])
        num_samples = self.stamps[0] if self.stamps is not None else shape[0]
        refuse_absurd_size(
            self.given_path, max(num_samples, shape[0]), self._frame_bytes, self._file.size, BEST_COMPRESSION
        )
        if self.stamps is None:
            self._assume_timing(num_samples)
        else:
            self.timing = timing_from_stamps(num_samples, [self.stamps])
        self.num_in_file = shape[0]
        if self._block_offset is not None and self._frame_bytes:
            self.num_in_file = min(shape[0], (self._file.size - self._block_offset) // self._frame_bytes)
        self.num_stored = min(num_samples, self.num_in_file)
        self._settle()

    def _images(self) -> Any:
        """The data set of frames; the library's file is opened anew after a fork."""
        import h5py

        self._require_open()
        if self._library_file is None or self._library_owner != os.getpid():
            try:
                self._library_file = h5py.File(self.path, "r", locking=False, rdcc_nbytes=_CHUNK_CACHE)
                self._library_owner = os.getpid()
            except Exception as error:  # noqa: BLE001 - the library raises nearly anything on damage
                raise IsxFormatError(
                    f"{self.given_path} is not an HDF5 file, or is damaged: {error}"
                ) from None
        try:
            images = self._library_file["images"]
        except Exception as error:  # noqa: BLE001
            raise IsxFormatError(f"{self.given_path} holds no movie: {error}") from None
        if not isinstance(images, h5py.Dataset):
            raise IsxFormatError(f"{self.given_path} holds no movie: /images is not a data set.")
        return images

    def _read_stamps(self, file: Any) -> tuple[int, float, float] | None:
        """Number, first and last of the time stamps; None without any."""
        stamps = file.get("timeStamp")
        if stamps is None:
            return None
        shape = getattr(stamps, "shape", None)
        if shape == (0,):
            return None
        if shape is not None and len(shape) == 1 and stamps.dtype.kind in "iuf":
            first, last = float(stamps[0]), float(stamps[-1])
            if max(abs(first), abs(last)) < _LATEST_STAMP:  # also false for NaN
                return int(shape[0]), first, last
        warn(
            f"{self.given_path}: /timeStamp is not a list of times and was ignored; start and period are made up."
        )
        return None

    def _damage(self, error: Exception) -> IsxFormatError:
        return IsxFormatError(f"Error reading movie frame: {self.given_path}. The file is damaged: {error}")

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with the pixels of a stored frame."""
        if self._block_offset is None:
            with self._lock:
                images = self._images()
                try:
                    if self._damaged is None:
                        self._damaged = self._damaged_frames(images)
                    if stored in self._damaged:
                        raise ValueError(f"the block with frame {stored} lies outside the file or is empty")
                    images.read_direct(out, np.s_[stored])
                except Exception as error:  # noqa: BLE001 - filters and damage raise nearly anything
                    raise self._damage(error) from None
            return
        if self._file.read_into(out, self._block_offset + stored * self._frame_bytes) < self._frame_bytes:
            raise IsxFormatError(
                f"Error reading movie frame: {self.given_path}. The file was shortened while it was open."
            )
        if not self._stored_dtype.isnative:
            out.byteswap(inplace=True)

    def _damaged_frames(self, images: Any) -> set[int]:
        """Frames whose blocks the library must not be asked for: it trusts their sizes and may crash."""
        damaged: set[int] = set()
        if images.chunks is None or not hasattr(images.id, "chunk_iter"):
            return damaged
        filtered = images.id.get_create_plist().get_nfilters() > 0
        whole = math.prod(images.chunks) * self._stored_dtype.itemsize
        least = _CHECKSUM_BYTES + 1 if images.fletcher32 else 1

        def look_at(block: Any) -> None:
            inside = block.byte_offset + block.size <= self._file.size
            if not inside or block.size < (least if filtered else whole):
                first = block.chunk_offset[0]
                damaged.update(range(first, min(first + images.chunks[0], images.shape[0])))

        images.id.chunk_iter(look_at)
        return damaged

    def frames(self) -> NDArray[Any] | None:
        """All frames as a view of the file if they are one block in it."""
        if self._block_offset is None:
            return None
        shape = (self.num_stored, *self.spacing.num_pixels)
        if 0 in shape:
            return np.zeros(shape, self._stored_dtype)
        view: NDArray[Any] = np.ndarray(shape, self._stored_dtype, self._file.map(), self._block_offset)
        return view

    def _release_library(self) -> None:
        if self._library_file is not None and self._library_owner == os.getpid():
            self._library_file.close()
        self._library_file = None

    def read_spans(self, stored: NDArray[np.int64], first: int, size: int) -> bytes:
        """`size` bytes from byte `first` of each of the `stored` frames; only where :meth:`frames` has a view."""
        if self._block_offset is None:
            raise NotImplementedError
        return self._file.read_spans(self._block_offset + stored * self._frame_bytes + first, size)

    @property
    def file_size(self) -> int:
        """Size of the file in bytes."""
        return self._file.size

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._closed = True
            self._release_library()
        self._file.close()


def _block_offset(images: Any) -> int | None:
    """Where all frames follow each other in the file, if they do."""
    if images.chunks is not None or images.is_virtual or images.external or not images.size:
        return None
    offset = images.id.get_offset()
    return None if offset is None else int(offset)


def timing_from_stamps(num_samples: int, parts: list[tuple[int, float, float]], dropped: Any = ()) -> Timing:
    """Clock of one file or of several parts in sequence.

    Parameters
    ----------
    num_samples
        All samples, the dropped ones included.
    parts
        Number, first and last of the stamps of each part.
    dropped
        Indices of dropped samples.
    """
    elapsed = math.fsum(last - first for _, first, last in parts)
    period = rounded_to_msecs(elapsed / num_samples) if elapsed > 0 else Duration.from_msecs(50)
    return Timing(num_samples, period, utc(int(parts[0][1])), dropped).normalized()
