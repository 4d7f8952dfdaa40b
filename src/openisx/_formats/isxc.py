"""Compressed microscope movies, `.isxc`: 8-bit video, and for each tile how far to shift it left (docs/formats/isxc.md).

Little-endian, packed:

======  ====  ==================================================================================
offset  type  header field
======  ====  ==================================================================================
0       u64   numerator and (8) denominator of the start, 16: i64 UTC offset, 24: u64 version
              of the writer; the session metadata rule
32      u64   number of tiles T, 1 to 1000
40      u64   number of sensor values P of a frame, 0 to 22
48      u64   number of frames; the session metadata rule
56      32 B  descriptor of the video: its width and height are those of a frame
88      32 B  descriptor of the frame records: its width and height are those of a tile
120     u64   offset of the session metadata
128     u64   size of the session metadata
======  ====  ==================================================================================

A descriptor is u16 kind, u16 flag, u16 type, u16 (unused), u32 width, u32 height, u64 size, u64 offset.

The video is an AVI file. For each stored frame there is one record of P sensor values (u16) and T bytes, one for each
tile. Tiles are numbered row by row; a pixel of a tile whose byte is b becomes ``luma << s``:

======  ====  =====  ======  =======  =======  =======  ===========
b       0-17  18-80  81-112  113-144  145-176  177-208  209-255
s       5     4      3       2        1        0        pixels are 0
======  ====  =====  ======  =======  =======  =======  ===========

The sensor values are the last P of the first half of the header line of the frame (:mod:`openisx._formats.isxd.frame_headers`).
The session metadata are those of an `.isxd` movie.
"""

from __future__ import annotations

import struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.acquisition_info import acquisition_info
from openisx._formats.base import BEST_COMPRESSION, MovieSource, refuse_absurd_size
from openisx._formats.isxb.jpeg import UndecodableError, copy_luma, size_text
from openisx._formats.isxd.frame_headers import (
    COUNTER_VALUES,
    LINE_BYTES,
    LINE_VALUES,
    NUM_VALUES,
    announces_timestamps,
    counter_of,
    decode_counter,
    decode_headers,
    timing_by_counter,
)
from openisx._formats.isxd.metadata import spacing_from_json, timing_from_json
from openisx._formats.json_reading import JsonObject, parse_object
from openisx._formats.kinds import DataKind
from openisx._formats.video.decoding import VideoFrames
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource
    from openisx.core.timing import Timing

__all__ = ["MovieIsxc", "expand"]

_HEADER = struct.Struct("<QQqQQQQ")
_DESCRIPTOR = struct.Struct("<HHHHIIQQ")
_SESSION = struct.Struct("<QQ")
_HEADER_SIZE = _HEADER.size + 2 * _DESCRIPTOR.size + _SESSION.size
_MAX_TILES = 1000
_MAX_SENSOR_VALUES = 22
_HALF_LINE = LINE_VALUES // 2
_FIRST_VALUE = 0x00A0

#: What to multiply the luma of a tile with, by its byte.
_FACTORS = np.zeros(256, dtype=np.uint16)
_FACTORS[:18] = 1 << 5
_FACTORS[18:81] = 1 << 4
for _shift in range(4):
    _FACTORS[177 - 32 * _shift : 209 - 32 * _shift] = 1 << _shift


def expand(
    luma: NDArray[np.uint8], tile_bytes: NDArray[np.uint8], tile: tuple[int, int], out: NDArray[np.uint16]
) -> None:
    """Write the pixels of a frame to `out`; those outside all tiles become 0.

    Parameters
    ----------
    luma
        The 8-bit frame, shape (rows, columns).
    tile_bytes
        One byte per tile, row by row.
    tile
        Rows and columns of a tile.
    out
        Shape of `luma`.
    """
    height, width = tile
    per_row = luma.shape[1] // width
    factors = _FACTORS[tile_bytes]
    full, rest = divmod(len(factors), per_row)
    out[:] = 0
    for first, rows, columns in ((0, full, per_row), (full, 1 if rest else 0, rest)):
        area = np.s_[first * height : (first + rows) * height, : columns * width]
        chosen = factors[first * per_row : first * per_row + rows * columns].reshape(rows, 1, columns, 1)
        grid = (rows, height, columns, width)
        if rows:
            out[area] = (luma[area].reshape(grid) * chosen).reshape(out[area].shape)


class MovieIsxc(MovieSource):
    """An open `.isxc` movie.

    Raises
    ------
    IsxFileError
        The file cannot be opened or is damaged.
    IsxImportError
        PyAV is not installed.
    """

    dtype: np.dtype[Any] = np.dtype(np.uint16)

    is_encoded = True

    def __init__(self, file: ByteSource) -> None:
        self._file = file
        self.path, self.given_path = file.path, file.given_path
        try:
            self._read_header()
            self._read_session()
            self._check_consistency()
            self._video = VideoFrames(
                self._file,
                self._video_offset,
                self._table_offset,
                (self.shape[0] + 64) * (self.shape[1] + 256),
                "avi",
            )
            self.num_stored = self.stored_timing.samples.num_valid
            self.has_timestamps = self._num_values >= COUNTER_VALUES and announces_timestamps(self._metadata)
            self.timing = self._timing_by_counter()
        except BaseException:
            self._file.close()
            raise

    def _corrupted(self, text: str) -> IsxFormatError:
        return IsxFormatError(f"File ({self.given_path}) is corrupted: {text}")

    def _read_header(self) -> None:
        if self._file.size < _HEADER_SIZE:
            raise self._corrupted(f"a header has {_HEADER_SIZE} bytes, the file {self._file.size}.")
        data = self._file.read(0, _HEADER_SIZE)
        *_, tiles, values, _ = _HEADER.unpack_from(data)
        video, records = (_DESCRIPTOR.unpack_from(data, _HEADER.size + k * _DESCRIPTOR.size) for k in (0, 1))
        if not 1 <= tiles <= _MAX_TILES or values > _MAX_SENSOR_VALUES:
            raise self._corrupted(f"{tiles} tiles and {values} sensor values per frame are impossible.")
        self._num_tiles, self._num_values = tiles, values
        self.shape, self._video_offset = (video[5], video[4]), video[7]
        self._tile, self._table_size, self._table_offset = (records[5], records[4]), records[6], records[7]
        self._session = _SESSION.unpack_from(data, _HEADER_SIZE - _SESSION.size)

    def _read_session(self) -> None:
        offset, size = self._session
        if offset + size > self._file.size:
            raise self._corrupted(
                f"{size} bytes of metadata at byte {offset} lie beyond its end, byte {self._file.size}."
            )
        text = self._file.read(offset, size).partition(b"\0")[0]
        self._metadata = parse_object(text, self.given_path)
        members = JsonObject(self._metadata, self.given_path)
        code = members.integer("type")
        if code not in (DataKind.MOVIE.code, DataKind.IMAGE.code):
            raise IsxFormatError(
                f"Expected type to be Movie or Image. Instead got {code}. ({self.given_path})"
            )
        if members.integer("dataType") != 0:
            raise IsxFormatError(
                f"{self.given_path}: U16 pixels requested, but dataType is {members.integer('dataType')}."
            )
        self.kind = DataKind.from_code(code, self.given_path)
        self.stored_timing = timing_from_json(members.object("timingInfo"))
        self.spacing = spacing_from_json(members.object("spacingInfo"))

    def _check_consistency(self) -> None:
        frames = self.stored_timing.samples.num_valid
        self._record_size = 2 * self._num_values + self._num_tiles
        if self._table_size != self._record_size * frames:
            raise self._corrupted(f"metadata size={self._table_size}!{self._record_size * frames}")
        if self._table_offset + self._table_size != self._session[0]:
            raise self._corrupted("metadata size is not correct.")
        rows, columns = self.shape
        if self.spacing.num_pixels != self.shape:
            raise self._corrupted(size_text(self.shape, self.spacing.num_pixels))
        refuse_absurd_size(
            self.given_path,
            self.stored_timing.num_samples,
            2 * rows * columns,
            self._file.size,
            BEST_COMPRESSION,
        )
        height, width = self._tile
        if not frames and not rows * columns:
            return
        per_row = columns // width if width else 0
        if not height or not per_row or -(-self._num_tiles // per_row) * height > rows:
            raise self._corrupted(
                f"{self._num_tiles} tiles of {width} x {height} pixels do not fit into {columns} x {rows}."
            )

    def _timing_by_counter(self) -> Timing:
        """Timing with the period measured by the time stamps, as in `.isxd` movies."""
        if not self.has_timestamps or not self.num_stored:
            return self.stored_timing
        return timing_by_counter(self.stored_timing, self.timestamp(0), self.timestamp(self.num_stored - 1))

    # -- frames ----------------------------------------------------------------------------------

    def _records(self, part: slice) -> NDArray[np.uint8]:
        """Bytes of each record in a range of stored frames, shape (frames, bytes)."""
        first, last, _ = part.indices(self.num_stored)
        data = self._file.read(
            self._table_offset + first * self._record_size, (last - first) * self._record_size
        )
        return np.frombuffer(data, np.uint8).reshape(last - first, self._record_size)

    def _values(self, part: slice) -> NDArray[np.uint16]:
        """Sensor values of each frame in a range, shape (frames, values)."""
        raw = np.ascontiguousarray(self._records(part)[:, : 2 * self._num_values])
        return raw.view("<u2")

    def _expand(self, stored: int, luma: NDArray[np.uint8], out: NDArray[Any]) -> None:
        record = self._records(slice(stored, stored + 1))[0]
        expand(luma, record[2 * self._num_values :], self._tile, out)

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with the pixels of a stored frame."""
        luma = np.empty(self.shape, np.uint8)
        try:
            self._video.read(stored, luma)
        except UndecodableError as error:
            raise self._unreadable(stored, error) from None
        self._expand(stored, luma, out)

    def codec(self) -> str:
        """Codec of the video, and into how many tiles frames are divided."""
        return f"{self._video.codec()}, {self._num_tiles} tiles of {self._tile[1]} x {self._tile[0]} pixels"

    def _unreadable(self, stored: int, error: object) -> IsxFormatError:
        sample = self.timing.samples.sample(stored)
        return IsxFormatError(f"Error reading movie frame: {self.given_path}. Frame {sample}: {error}")

    def stream(self, stored: NDArray[np.int64], *, reuse: bool = False) -> Iterator[NDArray[Any]]:
        """The frames `stored`; a run from the first frame on is decoded by several threads."""
        if not np.array_equal(stored, np.arange(len(stored))):
            yield from super().stream(stored, reuse=reuse)
            return
        done = 0
        luma = np.empty(self.shape, np.uint8)
        try:
            for picture in self._video.sequence() if len(stored) else ():
                copy_luma(picture, luma)
                frame = np.empty(self.shape, self.dtype)
                self._expand(done, luma, frame)
                yield frame
                done += 1
                if done == len(stored):
                    return
        except UndecodableError as error:
            raise self._unreadable(done, error) from None
        if done < len(stored):
            raise self._unreadable(done, f"the video holds {done} frames for {self.num_stored} records.")

    # -- what comes with the frames --------------------------------------------------------------

    @property
    def has_lines(self) -> bool:
        """Whether frames have a header line."""
        return bool(self._num_values)

    def header_lines(self, part: slice) -> NDArray[np.uint16]:
        """Header line of each stored frame in a range, little-endian, shape (frames, 2560)."""
        values = self._values(part)
        lines = np.zeros((len(values), LINE_VALUES), np.dtype("<u2"))
        lines[:, _HALF_LINE - self._num_values : _HALF_LINE] = values
        lines[:, 0] = _FIRST_VALUE
        return lines

    def headers(self, stored: NDArray[np.int64]) -> NDArray[Any] | None:
        """Decoded header lines of stored frames; None in movies without."""
        if not self.has_lines:
            return None
        raw = self._file.read_spans(self._table_offset + stored * self._record_size, 2 * self._num_values)
        values = np.zeros((len(stored), NUM_VALUES), np.uint16)
        values[:, -self._num_values :] = np.frombuffer(raw, "<u2").reshape(-1, self._num_values)
        return decode_headers(values)

    def lines(self, stored: int) -> tuple[bytes, bytes] | None:
        """Header line of a stored frame, and a footer line as decompressing makes it; None in movies without."""
        if not self.has_lines:
            return None
        return self.header_lines(slice(stored, stored + 1)).tobytes(), bytes(LINE_BYTES)

    def timestamps(self) -> NDArray[np.uint64] | None:
        """Hardware time stamp of every stored frame in microseconds; None in movies without."""
        if not self.has_timestamps:
            return None
        return decode_counter(self._values(slice(None))[:, -COUNTER_VALUES:])

    def timestamp(self, stored: int) -> int:
        """Counter of one stored frame in microseconds."""
        return counter_of(self._values(slice(stored, stored + 1))[0, -COUNTER_VALUES:].tobytes())

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The session metadata."""
        return MappingProxyType(self._metadata)

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`openisx._formats.acquisition_info.acquisition_info`."""
        return acquisition_info(self._metadata.get("extraProperties"))

    def close(self) -> None:
        """Release the file and the decoder."""
        self._video.close()
        self._file.close()
