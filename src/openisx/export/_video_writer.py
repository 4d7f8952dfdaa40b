"""Encoding 8-bit pictures into a video file through PyAV."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx._files.paths import extension
from openisx.errors import IsxFileError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction
    from typing import Self

    from numpy.typing import NDArray

    from openisx._files.output import OutputFile

__all__ = ["CODECS", "VideoWriter", "container_format"]

#: Muxer of each file extension.
_CONTAINERS = {"mp4": "mp4", "mov": "mov", "mkv": "matroska", "avi": "avi"}
_INDEXED = ("mp4", "mov")  # those whose index may stand in front
_KEY_FRAME_INTERVAL = 10
_GREY = 128  # both chroma values of a picture without colour
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)


@dataclass(frozen=True)
class Codec:
    """An encoder and its settings.

    H.264 gets about the range of quantisers that MPEG-4's 2 to 31 correspond to, so that the file stops growing
    (and the picture stops suffering) at about the same `compression_quality` for both. Its preset is the
    fastest whose picture is better than the vendor's at the same size whatever the movie shows; with two
    cores it takes about as long as the vendor's MPEG-4 (``benchmarks/bench_mp4.py``).
    """

    encoder: str
    options: Mapping[str, str]
    max_threads: int
    faststart: bool = False
    min_bit_rate: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)


CODECS = {
    # its encoder counts in kbit/s, of which 0 would mean any number
    "h264": Codec(
        "libx264", {"preset": "superfast", "qmin": "17", "qmax": "43"}, 8, faststart=True, min_bit_rate=1000
    ),
    # PyAV's own tolerance (128 kbit/s) gives much worse pictures at the same size
    "mpeg4": Codec("mpeg4", {}, 4, settings={"bit_rate_tolerance": 4_000_000}),
}


def container_format(path: str) -> str:
    """Name of the muxer for the extension of an output file.

    Raises
    ------
    ValueError
        There is none.
    """
    ending = extension(path)
    if ending not in _CONTAINERS:
        options = ", ".join(f".{known}" for known in _CONTAINERS)
        raise ValueError(f"Cannot write video to {path}: its extension must be one of {options}.")
    return _CONTAINERS[ending]


class VideoWriter:
    """Encodes pictures of one size, one after the other, as yuv420p with grey chroma.

    Parameters
    ----------
    output
        Where the video goes; committed or discarded by its owner.
    codec
        A key of `CODECS`.
    shape
        Rows and columns of the pictures; an odd last row or column is left out.
    time_base
        Time from one picture to the next in seconds.
    bit_rate
        Bits per second to aim at.

    Raises
    ------
    IsxFileError
        The encoder refuses these settings.
    """

    def __init__(
        self, output: OutputFile, codec: str, shape: tuple[int, int], time_base: Fraction, bit_rate: int
    ) -> None:
        self._av = require("av", "video")
        self._output = output
        chosen = CODECS[codec]
        self._rows, self._cols = (size // 2 * 2 for size in shape)
        self._time_base = time_base
        self._count = 0
        form = container_format(output.given_path)
        options = {"movflags": "faststart"} if chosen.faststart and form in _INDEXED else {}
        self._container = self._av.open(output.temporary, "w", format=form, options=options)
        try:
            self._stream = self._container.add_stream(chosen.encoder, rate=1 / time_base)
            context = self._stream.codec_context
            context.width, context.height, context.pix_fmt = self._cols, self._rows, "yuv420p"
            context.bit_rate = max(bit_rate, chosen.min_bit_rate)
            context.gop_size, context.max_b_frames = _KEY_FRAME_INTERVAL, 0
            context.thread_count = min(os.cpu_count() or 1, chosen.max_threads)
            context.thread_type = "AUTO"
            for name, value in chosen.settings.items():
                setattr(context, name, value)
            context.options = dict(chosen.options)
            context.open()
        except self._av.FFmpegError as error:
            self._container.close()
            raise self._translated(error) from None
        except BaseException:
            self._container.close()
            raise

    def write(self, luma: NDArray[np.uint8]) -> None:
        """Encode the next picture, which may be larger than the video by an odd row and column."""
        picture = self._av.VideoFrame(self._cols, self._rows, "yuv420p")
        parts: list[Any] = [luma[: self._rows, : self._cols], _GREY, _GREY]
        for plane, values in zip(picture.planes, parts, strict=True):
            pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
            pixels[:, : plane.width] = values
        picture.pts, picture.time_base = self._count, self._time_base
        self._count += 1
        self._encode(picture)

    def _encode(self, picture: Any) -> None:
        try:
            for packet in self._stream.encode(picture):
                self._container.mux(packet)
        except self._av.FFmpegError as error:
            raise self._translated(error) from None

    def _translated(self, error: Exception) -> IsxFileError:
        """The error to raise for one of FFmpeg's."""
        if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
            return self._output.writing_error(error)
        return IsxFileError(f"Cannot write {self._output.given_path}: the video encoder reports: {error}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._encode(None)
        finally:
            try:
                self._container.close()
            except self._av.FFmpegError as failure:
                if kind is None:
                    raise self._translated(failure) from None
