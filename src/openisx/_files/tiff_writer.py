"""Stacks of uncompressed grey TIFF pages (TIFF 6.0 and BigTIFF; docs/formats/exports.md, TIFF stacks).

A file is a header, the pixels of all pages, and behind them one directory per page. The pages of a stack follow
each other without gaps, so readers can map them as one array. All numbers are little-endian.

==================  ========================================  ====================================================
part                classic TIFF                              BigTIFF
==================  ========================================  ====================================================
header              ``II``, uint16 42, uint32 first           ``II``, uint16 43, uint16 8, uint16 0, uint64 first
pixels              row by row, one strip per page            same
directory           uint16 count, 12 entries, uint32 next     uint64 count, 12 entries, uint64 next
entry               uint16 tag, uint16 type, uint32 number    uint16 tag, uint16 type, uint64 number of values,
                    of values, 4 bytes value                  8 bytes value
==================  ========================================  ====================================================

``first`` and ``next`` are the positions of the first and the next directory, 0 for none. The entries, ascending:

===  =========================  ============  ==============================
tag  meaning                    type          value
===  =========================  ============  ==============================
256  width                      SHORT (3)     columns (LONG above 65535)
257  length                     SHORT         rows (LONG above 65535)
258  bits per sample            SHORT         8, 16 or 32
259  compression                SHORT         1, none
262  photometric                SHORT         1, zero is black
273  strip offsets              LONG (4) or   position of the pixels
                                LONG8 (16)
274  orientation                SHORT         1, first row on top
277  samples per pixel          SHORT         1
278  rows per strip             SHORT         rows (LONG above 65535)
279  strip byte counts          LONG, LONG8   bytes of the page
284  planar configuration       SHORT         1
339  sample format              SHORT         1 unsigned integer, 3 float
===  =========================  ============  ==============================
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._files.output import OutputFile

__all__ = ["TiffWriter", "directory_bytes", "page_by_rows"]

_TAGS = (256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 339)
_SIZES = (256, 257, 278)  # SHORT, or LONG when they must be
_POSITIONS = (273, 279)
_SHORT, _LONG, _LONG8 = 3, 4, 16
_SAMPLE_FORMAT = {"u": 1, "f": 3}


def _directory_dtype(big: bool) -> np.dtype[Any]:
    word, count = ("<u8", "<u8") if big else ("<u4", "<u2")
    entry = np.dtype([("tag", "<u2"), ("type", "<u2"), ("number", word), ("value", word)])
    return np.dtype([("count", count), ("entries", entry, len(_TAGS)), ("next", word)])


_CLASSIC, _BIG = _directory_dtype(False), _directory_dtype(True)


def directory_bytes(big: bool) -> int:
    """Size of the directory of one page."""
    return (_BIG if big else _CLASSIC).itemsize


class _Run(NamedTuple):
    """Pages of one size and type whose pixels follow each other."""

    offset: int
    num_pages: int
    rows: int
    cols: int
    dtype: np.dtype[Any]

    @property
    def page_bytes(self) -> int:
        return self.rows * self.cols * self.dtype.itemsize


class TiffWriter:
    """Writes a stack of grey pages, each of any size, to a new file.

    Parameters
    ----------
    output
        New, empty file; the caller commits it after :meth:`finish`.
    big
        BigTIFF; a classic TIFF holds 4 GB at most.
    """

    def __init__(self, output: OutputFile, *, big: bool) -> None:
        self.output = output
        self.num_pages = 0
        self._big = big
        self._runs: list[_Run] = []
        self._end = 0
        self._append(self._header(0))

    def _header(self, first: int) -> bytes:
        if self._big:
            return struct.pack("<2sHHHQ", b"II", 43, 8, 0, first)
        return struct.pack("<2sHI", b"II", 42, first)

    def _append(self, data: Any) -> None:
        self.output.write(data)
        self._end += memoryview(data).nbytes

    def write(self, frames: NDArray[Any]) -> None:
        """Append pages.

        Parameters
        ----------
        frames
            Shape (pages, rows, columns) with at least one pixel each; uint8, uint16 or float32.
        """
        count, rows, cols = frames.shape
        if not count:
            return
        dtype = frames.dtype.newbyteorder("<")
        last = self._runs[-1] if self._runs else None
        if last is not None and last[2:] == (rows, cols, dtype):
            self._runs[-1] = last._replace(num_pages=last.num_pages + count)
        else:
            self._align(dtype.itemsize)
            self._runs.append(_Run(self._end, count, rows, cols, dtype))
        self._append(np.ascontiguousarray(frames, dtype))
        self.num_pages += count

    def _align(self, size: int) -> None:
        self._append(bytes(-self._end % size))

    def finish(self) -> None:
        """Write the directories and let the header point to the first."""
        if not self.num_pages:
            return
        self._align(8)
        first = self._end
        remaining = self.num_pages
        for run in self._runs:
            remaining -= run.num_pages
            self._append(self._directories(run, last=not remaining))
        self.output.overwrite(self._header(first), 0)

    def _directories(self, run: _Run, *, last: bool) -> NDArray[Any]:
        """Directories of the pages of `run`, to be written next."""
        position = _LONG8 if self._big else _LONG
        values = {
            256: run.cols,
            257: run.rows,
            258: 8 * run.dtype.itemsize,
            278: run.rows,
            279: run.page_bytes,
            339: _SAMPLE_FORMAT[run.dtype.kind],
        }
        made = np.zeros(run.num_pages, _BIG if self._big else _CLASSIC)
        made["count"] = len(_TAGS)
        entries = made["entries"]
        entries["number"] = 1
        for i, tag in enumerate(_TAGS):
            value = values.get(tag, 1)
            wide = tag in _SIZES and value > 0xFFFF
            entries["tag"][:, i] = tag
            entries["type"][:, i] = position if tag in _POSITIONS else _LONG if wide else _SHORT
            entries["value"][:, i] = value
        pages = np.arange(run.num_pages, dtype=np.int64)
        entries["value"][:, _TAGS.index(273)] = run.offset + pages * run.page_bytes
        made["next"] = self._end + (pages + 1) * made.itemsize
        if last:
            made["next"][-1] = 0
        return made


def page_by_rows(image: NDArray[Any]) -> bytes:
    """A whole classic TIFF file of one page, one strip per row, as the exports of cell and vessel sets are.

    Behind the directory follow the byte counts of the strips and then their positions (docs/formats/exports.md, TIFF stacks).

    Parameters
    ----------
    image
        Shape (rows, columns) with at least one pixel; uint8, uint16 or float32; smaller than 4 GB.
    """
    rows, cols = image.shape
    pixels = np.ascontiguousarray(image, image.dtype.newbyteorder("<"))
    start = 8
    directory_at = start + pixels.nbytes + pixels.nbytes % 2
    arrays_at = directory_at + _CLASSIC.itemsize
    counts = np.full(rows, cols * pixels.itemsize, "<u4")
    offsets = start + np.arange(rows, dtype="<u4") * counts[:1]
    directory = np.zeros(1, _CLASSIC)
    directory["count"] = len(_TAGS)
    values = {256: cols, 257: rows, 258: 8 * pixels.itemsize, 339: _SAMPLE_FORMAT[pixels.dtype.kind]}
    values[279] = arrays_at if rows > 1 else int(counts[0])
    values[273] = arrays_at + counts.nbytes if rows > 1 else start
    for entry, tag in zip(directory["entries"][0], _TAGS, strict=True):
        value = values.get(tag, 1)
        wide = tag in _POSITIONS or value > 0xFFFF
        entry["tag"], entry["type"] = tag, _LONG if wide else _SHORT
        entry["number"], entry["value"] = rows if tag in _POSITIONS else 1, value
    tables = [counts.tobytes(), offsets.astype("<u4").tobytes()] if rows > 1 else []
    header = struct.pack("<2sHI", b"II", 42, directory_at)
    return b"".join([header, pixels.tobytes(), b"\0" * (pixels.nbytes % 2), directory.tobytes(), *tables])
