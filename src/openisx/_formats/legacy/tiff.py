"""Movies in `.tif` and `.tiff` files: one frame per page (spec 02, section 7.2).

Classic TIFF and BigTIFF in both byte orders; one sample per pixel. What the pages describe beyond their pixels
(ImageJ, OME and other texts) does not count. Types of pixels:

==============================  ==========================================
in the file                     in memory
==============================  ==========================================
uint8, uint16, float32          the same
int8, int16, float16            float32, which holds all of their values
anything else                   refused
==============================  ==========================================

tifffile interprets the first page. If that is uncompressed and not tiled, the offsets of all frames are looked up
in one pass over the pages' tables of tags, and from then on frames are plain reads or, where the frames follow
each other at equal distances, views of the file. Any other page is decoded by tifffile.
"""

from __future__ import annotations

import io
import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.locks import WithLock
from openisx._files.source import InputFile
from openisx._formats.base import BEST_COMPRESSION, refuse_absurd_size
from openisx._formats.legacy.plain import PlainSource
from openisx._formats.legacy.tiff_tables import TiffTables
from openisx.core.spacing import Spacing
from openisx.errors import IsxFormatError, IsxImportError, warn

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MovieTiff"]

_SILENT = logging.NullHandler()
_KEPT_DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


class MovieTiff(PlainSource, WithLock):
    """An open TIFF movie or image; implements :class:`openisx._formats.base.FrameSource`.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is damaged, or holds pictures of a kind that is not supported.
    """

    def __init__(self, path: str) -> None:
        self.given_path = path
        self._file = InputFile(path)
        self.path = self._file.path
        self._make_lock()
        self._offsets: NDArray[np.int64] | None = None
        try:
            self._describe()
        except BaseException:
            self.close()
            raise

    def _describe(self) -> None:
        import tifffile

        logging.getLogger("tifffile").addHandler(_SILENT)  # unless the user asks for its messages
        try:
            self._tiff = tifffile.TiffFile(io.BufferedReader(_Positional(self._file)), name=self.path)
            page: Any = self._tiff.pages[0]
            layout = TiffTables.of(self._file.map())
            tables, damaged = layout.tables()
        except Exception as error:  # noqa: BLE001 - tifffile raises nearly anything on damage
            raise IsxFormatError(
                f"Failed to open TIFF file: {self.given_path} is not a TIFF file, or is damaged: {error}"
            ) from None
        self._check_page(page)
        if damaged:
            warn(f"{self.given_path} is damaged behind its page {len(tables)}; the pages before it are read.")
        refuse_absurd_size(
            self.given_path,
            len(tables),
            max(self._frame_bytes, self._stored_bytes),
            self._file.size,
            BEST_COMPRESSION,
        )
        self._assume_timing(len(tables))
        strip_rows = _rows_per_strip(page)
        if strip_rows is not None:
            rows, cols = self.spacing.num_pixels
            self._offsets = layout.frame_offsets(
                tables, -(-rows // strip_rows), strip_rows * cols * self._stored_dtype.itemsize
            )
        self.num_stored = self._count_complete(len(tables))
        self._settle()

    def _check_page(self, page: Any) -> None:
        """Take size and type from the first page."""
        try:
            shape, dtype, samples, axes = page.shape, page.dtype, page.samplesperpixel, page.axes
        except Exception as error:  # noqa: BLE001
            raise IsxFormatError(
                f"{self.given_path}: its first page cannot be understood ({error})."
            ) from None
        if dtype is None:
            raise IsxFormatError(
                f"{self.given_path}: pixels of {page.bitspersample} bits are not supported, only those of "
                "8 or 16 bits, and floats of 32 bits."
            )
        if samples not in (0, 1) or axes != "YX":
            raise IsxFormatError(
                f"{self.given_path} has {samples} samples per pixel and pages with the axes {axes}; a movie has "
                "one sample per pixel. Convert colour images to grey first."
            )
        if not all(isinstance(n, int) and n > 0 for n in shape):
            raise IsxFormatError(f"{self.given_path} has pages of shape {shape}. The file is damaged.")
        self._stored_dtype = np.dtype(dtype).newbyteorder(self._tiff.byteorder)
        native = self._stored_dtype.newbyteorder("=")
        if native in _KEPT_DTYPES:
            self.dtype = native
        elif native.kind in "iuf" and np.can_cast(native, np.float32, "safe"):
            self.dtype = np.dtype(np.float32)
        else:
            raise IsxFormatError(
                f"{self.given_path}: pixels of type {native} are not supported, only those of 8 or 16 bits, and "
                "floats of 32 bits."
            )
        self.spacing = Spacing(shape)
        self._stored_bytes = shape[0] * shape[1] * native.itemsize

    def _count_complete(self, num_pages: int) -> int:
        """Number of pages up to the last one whose pixels are all in the file."""
        if self._offsets is None:
            return num_pages
        complete = np.flatnonzero(self._offsets + self._stored_bytes <= self._file.size)
        return int(complete[-1]) + 1 if len(complete) else 0

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with the pixels of a page."""
        if self._offsets is None:
            out[...] = self._decoded(stored)
            return
        raw = (
            out
            if self._stored_dtype.newbyteorder("=") == self.dtype
            else np.empty(out.shape, self._stored_dtype)
        )
        if self._file.read_into(raw, int(self._offsets[stored])) < self._stored_bytes:
            raise IsxFormatError(
                f"Error reading movie frame: {self.given_path}. Page {stored} lies outside the file."
            )
        if raw is not out:
            out[...] = raw
        elif not self._stored_dtype.isnative:
            out.byteswap(inplace=True)

    def _decoded(self, stored: int) -> NDArray[Any]:
        """Pixels of a page that tifffile has to decode."""
        with self._lock:
            self._require_open()
            try:
                page: Any = self._tiff.pages[stored]
                if (page.shape, page.dtype) != (
                    self.spacing.num_pixels,
                    self._stored_dtype.newbyteorder("="),
                ):
                    raise ValueError(f"it has the shape {page.shape} and type {page.dtype}")
                if len(page.dataoffsets) != math.prod(page.chunked):
                    raise ValueError(
                        f"it has {len(page.dataoffsets)} of its {math.prod(page.chunked)} pieces"
                    )
                pixels: NDArray[Any] = page.asarray().reshape(page.shape)
            except Exception as error:  # noqa: BLE001 - decoders raise nearly anything
                if "imagecodecs" in str(error):
                    raise IsxImportError(f"{self.given_path}: {error}: pip install imagecodecs") from None
                raise IsxFormatError(
                    f"Error reading movie frame: {self.given_path}. Page {stored} is damaged or unlike the first: {error}"
                ) from None
        return pixels

    def frames(self) -> NDArray[Any] | None:
        """All frames as a view of the file, if they are stored as in memory and at equal distances."""
        offsets = self._offsets
        if offsets is None or self._stored_dtype.newbyteorder("=") != self.dtype:
            return None
        shape = (self.num_stored, *self.spacing.num_pixels)
        if 0 in shape:
            return np.zeros(shape, self._stored_dtype)
        steps = np.diff(offsets[: self.num_stored])
        step = int(steps[0]) if len(steps) else self._stored_bytes
        if step <= 0 or (steps != step).any():
            return None
        row = shape[2] * self._stored_dtype.itemsize
        view: NDArray[Any] = np.ndarray(
            shape,
            self._stored_dtype,
            self._file.map(),
            int(offsets[0]),
            (step, row, self._stored_dtype.itemsize),
        )
        return view

    def read_spans(self, stored: NDArray[np.int64], first: int, size: int) -> bytes:
        """`size` bytes from byte `first` of each of the `stored` frames; only where :meth:`frames` has a view."""
        if self._offsets is None:
            raise NotImplementedError
        return self._file.read_spans(self._offsets[stored] + first, size)

    @property
    def file_size(self) -> int:
        """Size of the file in bytes."""
        return self._file.size

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._closed = True
        self._file.close()


def _rows_per_strip(page: Any) -> int | None:
    """Rows per strip of a page whose pixels are in the file as in memory, but for the byte order; None of others.

    In a damaged file any of the numbers compared may be something else than a number.
    """
    facts = (page.compression, page.predictor, page.fillorder, page.tilewidth, page.bitspersample)
    rows = page.rowsperstrip
    if facts != (1, 1, 1, 0, page.dtype.itemsize * 8) or not isinstance(rows, int):
        return None
    height: int = page.imagelength
    return max(1, min(rows or height, height))


class _Positional(io.RawIOBase):
    """A file as a stream with a position of its own, so that forked processes do not move each other's."""

    def __init__(self, file: InputFile) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        if origin + offset < 0:
            raise ValueError("negative position")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        available = max(0, self._file.size - self._position)
        count = self._file.read_into(memoryview(buffer)[:available], self._position) if available else 0
        self._position += count
        return count
