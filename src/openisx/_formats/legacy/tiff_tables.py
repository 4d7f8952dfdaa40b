"""The tables of tags of a TIFF file, one for each page: where the pixels of plain pages are.

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

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import mmap

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["TiffTables"]

_STRIP_OFFSETS = 273
_FEW, _MANY = 16, 4096  # pages looked at together
#: Tags that decide how pixels are stored: size, bits, compression, order, samples, strips, tiles, number format.
_STRUCTURE = frozenset((256, 257, 258, 259, 266, 277, 278, 284, 317, 322, 323, 324, 325, 339, 32997))
_OFFSET_TYPES = {3: "u2", 4: "u4", 16: "u8"}


class _Blocks:
    """A file sliced like a map of it, for sources that have none."""

    _SIZE = 1 << 16

    def __init__(self, file: ByteSource) -> None:
        self._file = file
        self._start, self._block = 0, b""

    def __getitem__(self, part: slice) -> bytes:
        start, stop = (min(n, self._file.size) for n in (part.start, part.stop))
        if not self._start <= start <= stop <= self._start + len(self._block):
            self._start = start
            size = max(self._SIZE, stop - start)
            self._block = self._file.read(start, min(size, self._file.size - start))
        return self._block[start - self._start : stop - self._start]


@dataclass(frozen=True)
class TiffTables:
    """The tables of one file.

    Attributes
    ----------
    file, data
        The file, and its bytes to be sliced.
    order
        ``<`` or ``>``.
    number, entry, pointer
        Layouts of a number of entries, of an entry, and of a position.
    first
        Position of the first table.
    """

    file: ByteSource
    data: mmap.mmap | _Blocks
    order: str
    number: struct.Struct  # of entries
    entry: struct.Struct
    pointer: struct.Struct
    first: int

    @classmethod
    def of(cls, file: ByteSource) -> TiffTables:
        """Read the header of a file; raises anything on damage."""
        data = file.map() or _Blocks(file)
        head = data[0:16]
        order = {b"II": "<", b"MM": ">"}[head[:2]]
        (version,) = struct.unpack_from(f"{order}H", head, 2)
        big = {42: False, 43: True}[version]
        codes = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
        number, entry, pointer = (struct.Struct(order + code) for code in codes)
        (first,) = pointer.unpack_from(head, 8 if big else 4)
        return cls(file, data, order, number, entry, pointer, first)

    def tables(self) -> tuple[list[int], bool]:
        """Position of every page's table, and whether the chain of them is broken at its end."""
        seen: dict[int, None] = {}
        data, number, pointer = self.data, self.number, self.pointer
        offset = self.first
        while offset:
            if offset in seen:
                return list(seen), True
            try:
                (count,) = number.unpack(data[offset : offset + number.size])
                link = offset + number.size + count * self.entry.size
                (following,) = pointer.unpack(data[link : link + pointer.size])
            except struct.error:
                return list(seen), True
            seen[offset] = None
            offset = following
        return list(seen), False

    def _count(self, table: int) -> int:
        """Number of entries of a table."""
        count: int = self.number.unpack(self.data[table : table + self.number.size])[0]
        return count

    def frame_offsets(self, tables: list[int], num_strips: int, strip_bytes: int) -> NDArray[np.int64] | None:
        """Where the pixels of every page start; None unless all are stored as those of the first.

        Parameters
        ----------
        tables
            Position of every page's table.
        num_strips, strip_bytes
            In how many strips of which size the first page has its pixels.
        """
        positions = np.array(tables, dtype=np.int64)
        offsets = np.empty(len(tables), dtype=np.int64)
        expected: list[tuple[Any, ...]] | None = None
        done, together = 0, _FEW
        while done < len(tables):
            structure, strips = self._described(tables[done])
            expected = structure if expected is None else expected
            if structure != expected or strips is None or strips[1] != num_strips:
                return None
            values = self._strips_of_alike(positions[done : done + together])
            starts = self._first_strips(*strips[:2], values, strip_bytes)
            if starts is None:
                return None
            offsets[done : done + len(starts)] = starts
            done += len(starts)
            together = min(2 * together, _MANY) if len(starts) == together else _FEW
        return offsets

    def _described(self, table: int) -> tuple[list[tuple[Any, ...]], tuple[int, int, bytes] | None]:
        """Entries of one page that decide how pixels are stored, and type, number and value of its strip offsets."""
        count = self._count(table)
        start = table + self.number.size
        strips: tuple[int, int, bytes] | None = None
        structure = []
        for tag, kind, number, value in self.entry.iter_unpack(
            self.data[start : start + count * self.entry.size]
        ):
            if tag == _STRIP_OFFSETS:
                strips = kind, number, value
            elif tag in _STRUCTURE:
                structure.append((tag, kind, number, value))
        return structure, strips

    def _strips_of_alike(self, tables: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Values of the strip offsets, shape (pages, bytes), of the first page and those that follow it alike.

        Alike are tables with the same tags in the same order whose entries for `_STRUCTURE` are the same bytes.
        """
        count = self._count(int(tables[0]))
        size = self.number.size + count * self.entry.size
        beyond = np.flatnonzero(tables + size > self.file.size)
        tables = tables[: beyond[0]] if len(beyond) else tables
        if isinstance(self.data, _Blocks):
            raw = np.frombuffer(self.file.read_spans(tables, size), np.uint8).reshape(len(tables), size)
        else:
            raw = np.frombuffer(self.data, np.uint8)[tables[:, None] + np.arange(size)]
        entries = raw[:, self.number.size :].reshape(len(tables), count, self.entry.size)
        tags = np.ascontiguousarray(entries[0, :, :2]).view(self.order + "u2")[:, 0]
        value = self.entry.size - self.pointer.size
        same = (raw[:, : self.number.size] == raw[0, : self.number.size]).all(axis=1)
        same &= (entries[:, :, :2] == entries[0, :, :2]).all(axis=(1, 2))
        decisive = np.isin(tags, list(_STRUCTURE))
        same &= (entries[:, decisive] == entries[0, decisive]).all(axis=(1, 2))
        column = int(np.flatnonzero(tags == _STRIP_OFFSETS)[-1])
        same &= (entries[:, column, :value] == entries[0, column, :value]).all(axis=1)
        alike = len(same) if same.all() else int(same.argmin())
        values: NDArray[np.uint8] = np.ascontiguousarray(entries[:alike, column, value:])
        return values

    def _first_strips(
        self, kind: int, count: int, values: NDArray[np.uint8], strip_bytes: int
    ) -> NDArray[np.int64] | list[int] | None:
        """Where the pixels of pages start whose strip offsets have the given `values`; None if one is not plain."""
        code = _OFFSET_TYPES.get(kind)
        if count == 1 and code is not None and np.dtype(code).itemsize == self.pointer.size:
            starts = values.view(self.order + code)[:, 0]
            inside: NDArray[np.int64] = np.minimum(starts, self.file.size).astype(np.int64)
            return inside  # pages behind the end are incomplete
        found = [self._first_strip((kind, count, value.tobytes()), strip_bytes) for value in values]
        known = [start for start in found if start is not None]
        return known if len(known) == len(found) else None

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
            end = position + count * dtype.itemsize
            if end > self.file.size:
                return None
            starts = np.frombuffer(self.data[position:end], dtype)
        first = int(starts[0])
        if first > self.file.size:
            return self.file.size  # an incomplete page
        if count > 1 and (starts != first + strip_bytes * np.arange(count, dtype=np.uint64)).any():
            return None
        return first
