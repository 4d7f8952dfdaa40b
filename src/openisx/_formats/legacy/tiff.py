"""Movies in `.tif` and `.tiff` files: one frame per page (docs/formats/movies.md, TIFF).

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
from openisx._formats.base import BEST_COMPRESSION, MovieSource, refuse_absurd_size
from openisx._formats.kinds import DataKind
from openisx._formats.legacy.clock import made_up_timing
from openisx._formats.legacy.tiff_tables import TiffTables
from openisx.core.spacing import Spacing
from openisx.errors import IsxFormatError, IsxImportError, warn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["MovieTiff"]

_SILENT = logging.NullHandler()
_KEPT_DTYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


class MovieTiff(MovieSource, WithLock):
    """An open TIFF movie or image.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is damaged, or holds pictures of a kind that is not supported.
    """

    assumed = ("start", "period", "pixel size")

    def __init__(self, file: ByteSource) -> None:
        self._file = file
        self.path, self.given_path = file.path, file.given_path
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
            self._tiff = tifffile.TiffFile(io.BufferedReader(self._file.stream()), name=self.path)
            page: Any = self._tiff.pages[0]
            layout = TiffTables.of(self._file)
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
            max(
                self._stored_bytes,
                self.spacing.num_pixels[0] * self.spacing.num_pixels[1] * self.dtype.itemsize,
            ),
            self._file.size,
            BEST_COMPRESSION,
        )
        self.timing = made_up_timing(len(tables))
        self.kind = DataKind.of_frames(len(tables))
        strip_rows = _rows_per_strip(page)
        if strip_rows is not None:
            rows, cols = self.spacing.num_pixels
            self._offsets = layout.frame_offsets(
                tables, -(-rows // strip_rows), strip_rows * cols * self._page_dtype.itemsize
            )
        if self._offsets is not None and self._page_dtype.newbyteorder("=") == self.dtype:
            self.stored_dtype = self._page_dtype
        self.num_stored = self._count_complete(len(tables))

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
        self._page_dtype = np.dtype(dtype).newbyteorder(self._tiff.byteorder)
        native = self._page_dtype.newbyteorder("=")
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
        raw = out if self.stored_dtype is not None else np.empty(out.shape, self._page_dtype)
        if self._file.read_into(raw, int(self._offsets[stored])) < self._stored_bytes:
            raise IsxFormatError(
                f"Error reading movie frame: {self.given_path}. Page {stored} lies outside the file."
            )
        if raw is not out:
            out[...] = raw
        elif not self._page_dtype.isnative:
            out.byteswap(inplace=True)

    def _decoded(self, stored: int) -> NDArray[Any]:
        """Pixels of a page that tifffile has to decode."""
        with self._lock:
            self._file.require_open()
            try:
                page: Any = self._tiff.pages[stored]
                if (page.shape, page.dtype) != (
                    self.spacing.num_pixels,
                    self._page_dtype.newbyteorder("="),
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
        offsets, dtype = self._offsets, self.stored_dtype
        if offsets is None or dtype is None:
            return None
        shape = (self.num_stored, *self.spacing.num_pixels)
        if 0 in shape:
            return np.zeros(shape, dtype)
        steps = np.diff(offsets[: self.num_stored])
        step = int(steps[0]) if len(steps) else self._stored_bytes
        data = self._file.map() if step > 0 and (steps == step).all() else None
        if data is None:
            return None
        return np.ndarray(
            shape, dtype, data, int(offsets[0]), (step, shape[2] * dtype.itemsize, dtype.itemsize)
        )

    def read_spans(self, stored: NDArray[np.int64], first: int, size: int) -> bytes:
        """`size` bytes from byte `first` of the pixels of each of the `stored` frames, joined."""
        assert self._offsets is not None
        return self._file.read_spans(self._offsets[stored] + first, size)

    @property
    def file_size(self) -> int:
        """Size of the file in bytes."""
        return self._file.size

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _rows_per_strip(page: Any) -> int | None:
    """Rows per strip of a page whose pixels are in the file as in memory, but for the byte order; None of others.

    In a damaged file any of the numbers compared may be something else than a number.
    """
    storage = (page.compression, page.predictor, page.fillorder, page.tilewidth, page.bitspersample)
    rows = page.rowsperstrip
    if storage != (1, 1, 1, 0, page.dtype.itemsize * 8) or not isinstance(rows, int):
        return None
    height: int = page.imagelength
    return max(1, min(rows or height, height))
