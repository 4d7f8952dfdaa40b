"""Microscope movies and images in `.isxd` files (docs/formats/movies.md).

The body holds the valid frames in order, without gaps. One frame is

============  ===================================  ====================================
part          size                                 present
============  ===================================  ====================================
header line   5120 bytes = 2560 uint16             if ``hasFrameHeaderFooter``
pixels        rows x columns x itemsize, row-wise  always
footer line   5120 bytes = 2560 uint16             if ``hasFrameHeaderFooter``
============  ===================================  ====================================

The lines have that size whatever the width of the movie; :mod:`openisx._formats.isxd.frame_headers` tells what is in them.

The metadata hold ``type`` (0 movie, 4 image), ``dataType`` (0 uint16, 1 float32, 2 uint8), ``timingInfo``,
``spacingInfo``, ``hasFrameHeaderFooter`` (from ``fileVersion`` 1 on), ``extraProperties`` and ``producer``.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFile, require_free_space
from openisx._formats.acquisition_info import acquisition_info
from openisx._formats.base import MovieSource, refuse_absurd_size
from openisx._formats.isxd.container import read_container, sidecar, trailer_bytes
from openisx._formats.isxd.frame_headers import (
    COUNTER,
    COUNTER_VALUES,
    FIRST_VALUE,
    LINE_BYTES,
    NUM_VALUES,
    announces_timestamps,
    counter_of,
    decode_counter,
    decode_headers,
    timing_by_counter,
)
from openisx._formats.isxd.metadata import (
    PRODUCER,
    spacing_from_json,
    spacing_to_json,
    timing_from_json,
    timing_to_json,
)
from openisx._formats.kinds import DataKind, wrong_kind
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["DTYPES", "MovieIsxd", "MovieIsxdWriter", "dtype_code", "movie_metadata"]

#: Element type of each ``dataType`` code.
DTYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<u2"), 1: np.dtype("<f4"), 2: np.dtype("u1")}


class MovieIsxd(MovieSource):
    """An open `.isxd` movie or image.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is damaged, or holds another kind of data set.
    """

    def __init__(self, file: ByteSource) -> None:
        self._file = file
        self.path, self.given_path = file.path, file.given_path
        path = file.given_path
        try:
            container = read_container(file)
            members = container.members(path)
            self.kind = container.kind(path)
            if self.kind not in (DataKind.MOVIE, DataKind.IMAGE):
                raise wrong_kind(path, self.kind, DataKind.MOVIE, DataKind.IMAGE, DataKind.NVISION_MOVIE)
            self._metadata = container.metadata
            code = members.integer("dataType")
            if code not in DTYPES:
                raise IsxFormatError(
                    f"{path}: dataType {code} is not one of 0 (uint16), 1 (float32), 2 (uint8)."
                )
            self.stored_dtype: np.dtype[Any] = DTYPES[code]
            self.dtype = self.stored_dtype.newbyteorder("=")
            version = members.integer("fileVersion", minimum=0) if "fileVersion" in members else 0
            self.has_lines = version >= 1 and members.boolean("hasFrameHeaderFooter")
            self.spacing = spacing_from_json(members.object("spacingInfo"))
            self.timing = timing_from_json(members.object("timingInfo"))
            self._measure(container.body_size)
            self.has_timestamps = self.has_lines and announces_timestamps(container.metadata)
            if self.has_timestamps:
                self.timing = self._timing_by_counter()
        except BaseException:
            self._file.close()
            raise

    def _measure(self, body_size: int) -> None:
        rows, cols = self.spacing.num_pixels
        self._line_bytes = LINE_BYTES if self.has_lines else 0
        pixel_bytes = rows * cols * self.dtype.itemsize
        self._frame_bytes = pixel_bytes + 2 * self._line_bytes
        refuse_absurd_size(self.given_path, self.timing.num_samples, pixel_bytes, self._file.size)
        announced = self.timing.samples.num_valid
        self.num_stored = min(announced, body_size // self._frame_bytes) if self._frame_bytes else announced

    def _timing_by_counter(self) -> Timing:
        """Timing with the period measured by the time stamps (docs/formats/movies.md, Time stamps)."""
        if not self.num_stored or self.num_stored < self.timing.samples.num_valid:
            return self.timing
        return timing_by_counter(self.timing, self.timestamp(0), self.timestamp(self.num_stored - 1))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The trailing JSON object."""
        return MappingProxyType(self._metadata)

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`openisx._formats.acquisition_info.acquisition_info`."""
        return acquisition_info(self._metadata.get("extraProperties"))

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with the pixels of a stored frame."""
        self._read_pixels(stored * self._frame_bytes + self._line_bytes, out)

    def read_frames(self, first: int, out: NDArray[Any]) -> None:
        """Fill `out` (frames, rows, columns) with the pixels of stored frames from `first` on."""
        if self.has_lines:
            for i, frame in enumerate(out):
                self.read_frame(first + i, frame)
        else:
            self._read_pixels(first * self._frame_bytes, out)

    def _read_pixels(self, offset: int, out: NDArray[Any]) -> None:
        if self._file.read_into(out, offset) < out.nbytes:
            raise IsxFormatError(
                f"Error reading movie frame: {self.given_path}. The file was shortened while it was open."
            )
        if not self.stored_dtype.isnative:
            out.byteswap(inplace=True)

    def read_rows(self, stored: int, first: int, out: NDArray[Any]) -> None:
        """Fill `out` (some rows, all columns) with rows of a stored frame from `first` on."""
        row_bytes = self.spacing.num_pixels[1] * self.dtype.itemsize
        self._read_pixels(stored * self._frame_bytes + self._line_bytes + first * row_bytes, out)

    def forget(self, first: int, last: int) -> None:
        """Give back the memory that the map of some stored frames takes."""
        self._file.forget(first * self._frame_bytes, (last + 1) * self._frame_bytes)

    def frames(self) -> NDArray[Any] | None:
        """All stored frames as a read-only view of the file, if it can be mapped."""
        dtype, (rows, cols) = self.stored_dtype, self.spacing.num_pixels
        shape = (self.num_stored, rows, cols)
        if 0 in shape:
            return np.zeros(shape, dtype)
        data = self._file.map()
        strides = (self._frame_bytes, cols * dtype.itemsize, dtype.itemsize)
        return None if data is None else np.ndarray(shape, dtype, data, self._line_bytes, strides)

    def read_spans(self, stored: NDArray[np.int64], first: int, size: int) -> bytes:
        """`size` bytes from byte `first` of the pixels of each of the `stored` frames, joined."""
        return self._file.read_spans(stored * self._frame_bytes + self._line_bytes + first, size)

    def timestamps(self) -> NDArray[np.uint64] | None:
        """Hardware time stamp of every stored frame in microseconds; None in movies without."""
        if not self.has_timestamps:
            return None
        offsets = np.arange(self.num_stored, dtype=np.int64) * self._frame_bytes + 2 * COUNTER
        raw = self._file.read_spans(offsets, 2 * COUNTER_VALUES)
        return decode_counter(np.frombuffer(raw, "<u2").reshape(-1, COUNTER_VALUES))

    def timestamp(self, stored: int) -> int:
        """Counter of one stored frame in microseconds."""
        return counter_of(self._file.read(stored * self._frame_bytes + 2 * COUNTER, 2 * COUNTER_VALUES))

    def headers(self, stored: NDArray[np.int64]) -> NDArray[Any] | None:
        """Decoded header lines of stored frames; None in movies without."""
        if not self.has_lines:
            return None
        raw = self._file.read_spans(stored * self._frame_bytes + 2 * FIRST_VALUE, 2 * NUM_VALUES)
        return decode_headers(np.frombuffer(raw, "<u2").reshape(-1, NUM_VALUES))

    def lines(self, stored: int) -> tuple[bytes, bytes] | None:
        """Header and footer line of a stored frame; None in movies without."""
        if not self.has_lines:
            return None
        offset = stored * self._frame_bytes
        end = offset + self._frame_bytes - LINE_BYTES
        return self._file.read(offset, LINE_BYTES), self._file.read(end, LINE_BYTES)

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def movie_metadata(
    timing: Timing, spacing: Spacing, data_type: int, extra_properties: Any, *, has_lines: bool = False
) -> dict[str, Any]:
    """Metadata of a new movie; `data_type` is its code."""
    return {
        "dataType": data_type,
        "extraProperties": extra_properties,
        "fileVersion": 1,
        "hasFrameHeaderFooter": has_lines,
        "producer": PRODUCER,
        "spacingInfo": spacing_to_json(spacing),
        "timingInfo": timing_to_json(timing),
        "type": DataKind.of_frames(timing.num_samples).code,
    }


def dtype_code(dtype: np.dtype[Any]) -> int:
    """``dataType`` of an element type, which is one of `DTYPES` in any byte order."""
    return next(code for code, known in DTYPES.items() if known == dtype.newbyteorder("<"))


class MovieIsxdWriter:
    """Writes the frames of a new `.isxd` movie in order.

    Parameters
    ----------
    path
        Final name of the file.
    timing
        Normalised timing; its valid samples are the frames to come.
    spacing, dtype
        Size and element type (one of `DTYPES`) of a frame.
    extra_properties
        Session metadata to store, any JSON value.
    has_lines
        Whether frames have a header and a footer line.
    """

    def __init__(
        self,
        path: str,
        timing: Timing,
        spacing: Spacing,
        dtype: np.dtype[Any],
        extra_properties: Mapping[str, Any] | None = None,
        *,
        has_lines: bool = False,
    ) -> None:
        code = dtype_code(dtype)
        self.metadata = movie_metadata(timing, spacing, code, extra_properties, has_lines=has_lines)
        content = sidecar(path, self.metadata)  # fails if the session metadata are not JSON
        self._dtype = DTYPES[code]
        rows, cols = spacing.num_pixels
        self._line_bytes = LINE_BYTES if has_lines else 0
        self._frame_bytes = rows * cols * self._dtype.itemsize + 2 * self._line_bytes
        self.num_written = 0
        require_free_space(path, self._frame_bytes * timing.samples.num_valid + len(content))
        self.output = OutputFile(
            path,
            cannot_open="Failed to open movie file for read/write ({path}) with error: {error}",
            sidecar=content,
        )

    @property
    def path(self) -> str:
        """Canonical path of the file to be."""
        return self.output.path

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as ``get_acquisition_info`` hands them out."""
        return acquisition_info(self.metadata["extraProperties"])

    def close(self) -> None:
        """Nothing is left to release once the movie is flushed or given up."""

    def append(self, frame: NDArray[Any], lines: tuple[bytes, bytes] = (b"", b"")) -> None:
        """Write the next frame, between its header and footer lines if the movie has such."""
        header, footer = lines
        self.output.write(header)
        self.output.write(np.ascontiguousarray(frame, dtype=self._dtype))
        self.output.write(footer)
        self.num_written += 1

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with a frame already written."""
        self.output.read_into(out, stored * self._frame_bytes + self._line_bytes)
        if not self._dtype.isnative:
            out.byteswap(inplace=True)

    def finish(self) -> None:
        """Write the metadata."""
        self.output.write(trailer_bytes(self.metadata))

    def commit(self) -> None:
        """Write the metadata and give the file its final name."""
        self.finish()
        self.output.commit()

    def discard(self) -> None:
        """Remove everything written."""
        self.output.discard()
