"""Frames of behaviour movies, `.isxb`; the layout of the file is in :mod:`openisx._formats.isxb.container`.

A frame is the luma plane of its JPEG image, byte for byte: no conversion of colours or range. Images may be of any
size, grey, or colour with any subsampling.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.acquisition_info import behavior_acquisition_info
from openisx._formats.base import MovieSource, refuse_absurd_size
from openisx._formats.isxb.container import FrameColumns, Isxb
from openisx._formats.isxb.jpeg import (
    SEAM,
    UndecodableError,
    describe_image,
    luma_decoders,
    picture_size,
    size_text,
)
from openisx._formats.isxb.tracking import read_tracking
from openisx._formats.json_reading import collector_paused
from openisx._formats.kinds import DataKind
from openisx._formats.prefetch import prefetched
from openisx.errors import IsxFormatError, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource
    from openisx._formats.isxb.jpeg import LumaDecoder
    from openisx.structures import Tracking

__all__ = ["MovieIsxb"]


class MovieIsxb(MovieSource):
    """An open `.isxb` movie.

    Parameters
    ----------
    file
        Closed again if it is no such movie.

    Raises
    ------
    IsxFileError
        The file cannot be opened or is damaged.
    """

    kind = DataKind.NVISION_MOVIE
    is_encoded = True
    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, file: ByteSource) -> None:
        self._isxb = Isxb(file)
        self.path, self.given_path = file.path, file.given_path
        try:
            self.timing = self._isxb.timing()
            self.spacing = self._isxb.spacing()
            refuse_absurd_size(self.given_path, self.timing.num_samples, 0, file.size)
        except BaseException:
            self.close()
            raise
        columns = self._isxb.columns
        self.has_timestamps = columns is not None and columns.described >= min(1, len(columns.tsc))
        self.num_stored = self._count_frames()
        self._index = self._isxb.images(self.num_stored)
        self._told = False  # that an image seems to hold several
        self._new_decoder: Callable[[], LumaDecoder] | None = None
        self._decoders: list[LumaDecoder] = []  # idle ones; as many as threads read at the same time

    def _count_frames(self) -> int:
        announced = self.timing.samples.num_valid
        return announced if self._isxb.columns is None else min(announced, len(self._isxb.columns.tsc))

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with the luma plane of a stored frame."""
        self._require_decoders()
        self._decode(stored, out)

    def _require_decoders(self) -> None:
        """Look which decoders there are; in the thread of the caller, who may get a warning."""
        if self._new_decoder is None:
            rows, columns = self.spacing.num_pixels
            self._new_decoder = luma_decoders(self.given_path, (rows + 64) * (columns + 256))

    def _decoded(self, stored: int) -> NDArray[Any]:
        frame = np.empty(self.spacing.num_pixels, self.dtype)
        self._decode(stored, frame)
        return frame

    def _decode(self, stored: int, out: NDArray[Any]) -> None:
        place = self._index.range_of(stored)
        if place is None:
            raise self._unreadable(
                stored,
                f"its JPEG image is missing or cut; the video holds {self._index.count()} images, the last perhaps "
                f"incomplete, for {self.num_stored} frames.",
            )
        image = self._isxb.file.read(*place)
        if SEAM in image and not self._told:
            self._told = True
            warn(
                f"{self.given_path}: image {stored} of the video seems to hold more than one, since one of its lengths is "
                "damaged. If so, all frames behind it show a later moment."
            )
        size, shape = picture_size(image), self.spacing.num_pixels
        if size is not None and size != shape:
            raise self._unreadable(stored, size_text(size, shape))
        try:
            decoder = self._decoders.pop()
        except IndexError:
            assert self._new_decoder is not None
            decoder = self._new_decoder()
        try:
            decoder.decode(image, out)
        except UndecodableError as error:
            raise self._unreadable(stored, f"its JPEG image is damaged: {error}") from None
        finally:
            self._decoders.append(decoder)

    def encoded(self, stored: int) -> bytes | None:
        """The JPEG image of a stored frame."""
        place = self._index.range_of(stored)
        return self._isxb.file.read(*place) if place else None

    def codec(self) -> str:
        """Kind of the first image."""
        place = self._index.range_of(0)
        return describe_image(self._isxb.file.read(*place)) if place else "JPEG, no complete image"

    def _unreadable(self, stored: int, reason: str) -> IsxFormatError:
        sample = self.timing.samples.sample(stored)
        return IsxFormatError(f"Error reading movie frame: {self.given_path}. Frame {sample}: {reason}")

    def stream(self, stored: NDArray[np.int64], *, reuse: bool = False) -> Iterator[NDArray[Any]]:
        """The frames `stored`, decoded by several threads."""
        self._require_decoders()
        return prefetched(self._decoded, stored.tolist())

    def read_frames(self, first: int, out: NDArray[Any]) -> None:
        """Fill `out` (frames, rows, columns) with stored frames from `first` on, by several threads."""
        self._require_decoders()
        for _ in prefetched(lambda i: self._decode(first + i, out[i]), range(len(out))):
            pass

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The session metadata."""
        return MappingProxyType(dict(self._isxb.session.members))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`openisx._formats.acquisition_info.behavior_acquisition_info`."""
        session = self._isxb.session
        if "cameraName" in session:
            session.string("cameraName")
        elif not self._isxb.is_damaged:
            raise self._isxb.no_key("cameraName")
        return behavior_acquisition_info(session.members)

    def tracking(self) -> Tracking | None:
        """What the tracker found, on the samples of the movie; None if the file holds no tracking."""
        with collector_paused():  # until the records are gone again
            return self._read_tracking()

    def _read_tracking(self) -> Tracking | None:
        records = self._isxb.frame_records()[: self.num_stored]
        valid = np.flatnonzero(self.timing.samples.mask())[: len(records)]
        return read_tracking(
            self.given_path, self._isxb.session.members, records, valid, self.timing.num_samples
        )

    def _columns(self) -> FrameColumns:
        assert self._isxb.columns is not None, "asked for time stamps of a movie without"
        return self._isxb.columns

    def timestamps(self) -> NDArray[np.uint64] | None:
        """Hardware time stamp of every stored frame in microseconds, 0 for frames without; None in movies without."""
        if not self.has_timestamps:
            return None
        stamps: NDArray[np.uint64] = self._columns().tsc[: self.num_stored].copy()
        return stamps

    def timestamp(self, stored: int) -> int:
        """Counter of one stored frame in microseconds."""
        columns = self._columns()
        if not columns.has_tsc[stored]:
            raise self._isxb.no_key("tsc")
        return int(columns.tsc[stored])

    def close(self) -> None:
        """Release the file and the decoders."""
        self._decoders = []
        self._isxb.file.close()
