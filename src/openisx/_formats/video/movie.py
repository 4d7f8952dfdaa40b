"""Ordinary video files (`.avi`, `.mp4`, `.mpg`, `.mpeg`, `.wmv`) as behaviour movies.

The vendor's package names them but cannot open them. They are read where that is unambiguous: one video stream, 8-bit
luma, and the same time between all frames. What such a file does not tell is left at its default: it starts at the
epoch, and has neither time stamps of an acquisition box nor session metadata.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.base import BEST_COMPRESSION, MovieSource, refuse_absurd_size
from openisx._formats.isxb.jpeg import UndecodableError, copy_luma
from openisx._formats.kinds import DataKind, WrongKindError, wrong_kind
from openisx._formats.video.decoding import VideoFrames, shows_luma
from openisx.core.spacing import Spacing
from openisx.core.timing import Duration, Timing
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource
    from openisx._formats.video.decoding import PacketTable

__all__ = ["MovieVideo"]

_MAX_PIXELS = 1 << 28


class MovieVideo(MovieSource):
    """An open video file.

    Opening reads the whole file once, to find out how many frames there are and when they show.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is no video, or an ambiguous one.
    IsxImportError
        PyAV is not installed.
    """

    dtype: np.dtype[Any] = np.dtype(np.uint8)
    kind = DataKind.BEHAVIORAL_MOVIE
    is_encoded = True
    assumed = ("start", "pixel size")

    def __init__(self, file: ByteSource) -> None:
        self._file = file
        self.path, self.given_path = file.path, file.given_path
        try:
            self._video = VideoFrames(self._file, 0, self._file.size, _MAX_PIXELS)
            try:
                shape, rate, time_base = self._inspect()
                table = self._video.table()
            except UndecodableError as error:
                raise self._refused(str(error)) from None
            self.spacing = Spacing(shape)
            self.timing = Timing(len(table), self._period(table, rate, time_base)).normalized()
            self.num_stored = len(table)
            refuse_absurd_size(self.given_path, 0, shape[0] * shape[1], self._file.size, BEST_COMPRESSION)
        except BaseException:
            self._file.close()
            raise

    def _refused(self, reason: str) -> WrongKindError:
        """The vendor's refusal, and why this package follows it."""
        vendor = wrong_kind(
            self.given_path, self.kind, DataKind.MOVIE, DataKind.IMAGE, DataKind.NVISION_MOVIE
        )
        return WrongKindError(f"{str(vendor).splitlines()[0]}\nFile: {self.given_path}: {reason}.", self.kind)

    def _inspect(self) -> tuple[tuple[int, int], Fraction | None, Fraction]:
        """Shape of the frames, their average rate, and the unit of time stamps."""
        container = self._video.open()
        try:
            stream = container.streams.video[0]
            context = stream.codec_context
            if not shows_luma(context.pix_fmt):
                raise UndecodableError(f"its frames ({context.pix_fmt}) have no 8-bit luma")
            rate = stream.average_rate
            return (
                (context.height, context.width),
                Fraction(rate) if rate else None,
                Fraction(stream.time_base or 1),
            )
        finally:
            container.close()

    def _period(self, table: PacketTable, rate: Fraction | None, time_base: Fraction) -> Duration:
        """Time from frame to frame; refuses movies in which it changes."""
        if len(table) < 2:
            period = 1 / rate if rate else Fraction(0)
        else:
            period = self._constant(table.stamps - table.stamps[0], rate, time_base)
        if not 0 <= period.numerator < 2**63 or period.denominator >= 2**63:
            raise self._refused("its frame rate is impossible")
        return Duration.from_ratio(period.numerator, period.denominator)

    def _constant(self, elapsed: NDArray[np.int64], rate: Fraction | None, time_base: Fraction) -> Fraction:
        steps = np.diff(elapsed)
        if steps.min() == steps.max():
            return int(steps[0]) * time_base
        if rate is None:  # in short files that do not state one
            rate = Fraction(len(steps), int(elapsed[-1])) / time_base
        even = np.arange(len(elapsed)) * float(1 / (rate * time_base))
        if np.abs(elapsed - even).max() > 1:  # more than rounding to the unit of the container
            raise self._refused(
                "the time between its frames changes, so they are no samples of one period; convert it to a constant "
                "frame rate"
            )
        return 1 / rate

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with the luma plane of a stored frame."""
        self._file.require_open()
        try:
            self._video.read(stored, out)
        except UndecodableError as error:
            raise self._unreadable(stored, error) from None

    def codec(self) -> str:
        """Codec and pixel format."""
        return self._video.codec()

    def _unreadable(self, stored: int, error: object) -> IsxFormatError:
        return IsxFormatError(f"Error reading movie frame: {self.given_path}. Frame {stored}: {error}")

    def stream(self, stored: NDArray[np.int64], *, reuse: bool = False) -> Iterator[NDArray[Any]]:
        """The frames `stored`; a run from the first frame on is decoded by several threads."""
        self._file.require_open()
        if not np.array_equal(stored, np.arange(len(stored))):
            yield from super().stream(stored, reuse=reuse)
            return
        yield from self._first(len(stored))

    def _first(self, count: int) -> Iterator[NDArray[Any]]:
        """The first `count` frames."""
        done = 0
        try:
            for picture in self._video.sequence() if count else ():
                frame = np.empty(self.spacing.num_pixels, self.dtype)
                copy_luma(picture, frame)
                yield frame
                done += 1
                if done == count:
                    return
        except UndecodableError as error:
            raise self._unreadable(done, error) from None
        if done < count:
            raise self._unreadable(done, f"the video ends after {done} frames.")

    def close(self) -> None:
        """Release the file and the decoder."""
        self._video.close()
        self._file.close()
