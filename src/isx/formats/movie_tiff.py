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
here, in one pass over the pages' tables of tags (below), and from then on frames are plain reads or, where
the frames follow each other at equal distances, views of the file. Any other page is decoded by tifffile.

=====================  ==========================================  ========================================
part of the file       classic TIFF                                BigTIFF
=====================  ==========================================  ========================================
header                 ``II``/``MM``, u16 42, u32 first table      ..., u16 43, u16 8, u16 0, u64 first table
table of tags          u16 n, n entries, u32 next table or 0       u64 n, n entries, u64 next table or 0
entry                  u16 tag, u16 type, u32 count, 4 bytes       u16 tag, u16 type, u64 count, 8 bytes
=====================  ==========================================  ========================================

The last part of an entry is the value, or its position where it does not fit.
"""

from __future__ import annotations

import io
import logging
import math
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isx.errors import IsxFormatError, IsxImportError, warn
from isx.files import InputFile
from isx.formats.frames import BEST_COMPRESSION, refuse_absurd_size
from isx.formats.plain_source import PlainSource, default_timing
from isx.spacing import Spacing

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["MovieTiff"]

_SILENT = logging.NullHandler()
_KEPT_DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))
_STRIP_OFFSETS = 273
#: Tags that decide how pixels are stored: size, bits, compression, order, samples, strips, tiles, number format.
_STRUCTURE = frozenset((256, 257, 258, 259, 266, 277, 278, 284, 317, 322, 323, 324, 325, 339, 32997))
_OFFSET_TYPES = {3: "u2", 4: "u4", 16: "u8"}


class MovieTiff(PlainSource):
    """An open TIFF movie or image; implements :class:`isx.formats.frames.FrameSource`.

    Parameters
    ----------
    path
        As the caller gave it.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is damaged, or holds pictures of a kind that is not supported.
    """

    def __init__(self, path: str) -> None:
        self.given_path = path
        self._file = InputFile(path)
        self.path = self._file.path
        self._lock = threading.Lock()
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
            layout = _Layout.of(self._file.map())
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
        self.timing = default_timing(len(tables))
        if _is_plain(page):
            rows, cols = self.spacing.num_pixels
            strip_rows = max(1, min(page.rowsperstrip or rows, rows))
            self._offsets = layout.frame_offsets(
                tables, -(-rows // strip_rows), strip_rows * cols * self._stored_dtype.itemsize
            )
        self.num_stored = self._count_complete(len(tables))
        self._settle()

    def _check_page(self, page: Any) -> None:
        """Take size and type from the first page."""
        try:
            shape, dtype, samples = page.shape, page.dtype, page.samplesperpixel
        except Exception as error:  # noqa: BLE001
            raise IsxFormatError(
                f"{self.given_path}: its first page cannot be understood ({error})."
            ) from None
        if dtype is None:
            raise IsxFormatError(
                f"{self.given_path}: pixels of {page.bitspersample} bits are not supported, only those of "
                "8 or 16 bits, and floats of 32 bits."
            )
        if samples > 1 or page.axes != "YX":
            raise IsxFormatError(
                f"{self.given_path} has {samples} samples per pixel and pages with the axes {page.axes}; a movie has "
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


def _is_plain(page: Any) -> bool:
    """Whether the pixels of a page are in the file as they are in memory, but for the byte order."""
    return bool(
        page.compression == 1
        and page.predictor == 1
        and page.fillorder == 1
        and not page.is_tiled
        and page.dtype.itemsize * 8 == page.bitspersample
    )


@dataclass(frozen=True)
class _Layout:
    """How one file writes its tables of tags."""

    data: mmap.mmap
    order: str
    number: struct.Struct  # of entries
    entry: struct.Struct
    pointer: struct.Struct
    first: int

    @classmethod
    def of(cls, data: mmap.mmap) -> _Layout:
        order = {b"II": "<", b"MM": ">"}[data[:2]]
        (version,) = struct.unpack_from(f"{order}H", data, 2)
        big = {42: False, 43: True}[version]
        codes = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
        number, entry, pointer = (struct.Struct(order + code) for code in codes)
        (first,) = pointer.unpack_from(data, 8 if big else 4)
        return cls(data, order, number, entry, pointer, first)

    def tables(self) -> tuple[list[int], bool]:
        """Position of every page's table, and whether the chain of them is broken at its end."""
        seen: dict[int, None] = {}
        offset = self.first
        while offset:
            if offset in seen:
                return list(seen), True
            try:
                (count,) = self.number.unpack_from(self.data, offset)
                (following,) = self.pointer.unpack_from(
                    self.data, offset + self.number.size + count * self.entry.size
                )
            except struct.error:
                return list(seen), True
            seen[offset] = None
            offset = following
        return list(seen), False

    def frame_offsets(self, tables: list[int], num_strips: int, strip_bytes: int) -> NDArray[np.int64] | None:
        """Where the pixels of every page start; None unless all are stored as those of the first.

        Parameters
        ----------
        tables
            Position of every page's table.
        num_strips, strip_bytes
            In how many strips of which size the first page has its pixels.
        """
        offsets = np.empty(len(tables), dtype=np.int64)
        expected: list[tuple[Any, ...]] | None = None
        for i, table in enumerate(tables):
            strips: tuple[int, int, bytes] | None = None
            structure = []
            for tag, kind, count, value in self._entries(table):
                if tag == _STRIP_OFFSETS:
                    strips = kind, count, value
                elif tag in _STRUCTURE:
                    structure.append((tag, kind, count, value))
            expected = structure if expected is None else expected
            if structure != expected or strips is None or strips[1] != num_strips:
                return None
            offset = self._first_strip(strips, strip_bytes)
            if offset is None:
                return None
            offsets[i] = offset
        return offsets

    def _entries(self, table: int) -> Iterator[tuple[Any, ...]]:
        (count,) = self.number.unpack_from(self.data, table)
        start = table + self.number.size
        return self.entry.iter_unpack(self.data[start : start + count * self.entry.size])

    def _first_strip(self, strips: tuple[int, int, bytes], strip_bytes: int) -> int | None:
        """Start of the pixels of a page, None if its strips do not follow each other."""
        kind, count, value = strips
        code = _OFFSET_TYPES.get(kind)
        if code is None:
            return None
        dtype = np.dtype(self.order + code)
        if count * dtype.itemsize <= len(value):
            starts = np.frombuffer(value, dtype, count)
        else:
            (position,) = self.pointer.unpack(value)
            if position + count * dtype.itemsize > len(self.data):
                return None
            starts = np.frombuffer(self.data, dtype, count, position)
        first = int(starts[0])
        if first > len(self.data):
            return len(self.data)  # an incomplete page
        if count > 1 and (starts != first + strip_bytes * np.arange(count, dtype=np.uint64)).any():
            return None
        return first


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
