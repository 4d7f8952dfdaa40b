"""A stream of concatenated JPEG images: where each one lies, and its luma plane.

A JPEG image is a chain of markers, each FF and a code:

==============  ===========================================================================================
code            what follows
==============  ===========================================================================================
D8 (SOI)        the next marker; starts an image
D9 (EOI)        nothing; ends the image
01 (TEM)        the next marker
DA (SOS)        a segment, then entropy-coded bytes up to the next marker
00, FF, D0-D7   stuffing, fill bytes and restart marks inside entropy-coded bytes: no markers of the chain
others          a segment: 16-bit big-endian length (counting itself), data, then the next marker
==============  ===========================================================================================

Segments may hold any bytes, also FF D8 and FF D9 (a thumbnail, a comment), so images cannot be found by
searching for these. (Tables cannot hold the five bytes FF D9 FF D8 FF; where these follow, the image was cut.)
:class:`JpegIndex` collects everything that looks like a marker with array operations, works
out for each where the next one would be, and keeps those that the chain from the first image reaches.

Frames are decoded by FFmpeg (PyAV) where it is installed, else by Pillow. Both give the luma plane within one grey
level of each other; FFmpeg is what the vendor's package decodes with, and equals it but for a few pixels in a
million (docs/formats/isxb.md, Video).
"""

from __future__ import annotations

import io
import struct
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from openisx._files.locks import WithLock
from openisx.errors import IsxFormatError, warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["SEAM", "JpegIndex", "LumaDecoder", "describe_image", "luma_decoders", "picture_size"]

_SOI, _EOI, _TEM, _SOS = 0xD8, 0xD9, 0x01, 0xDA
#: How one image ends and the next begins; in an image only if a comment holds two images, or the image is damaged.
SEAM = b"\xff\xd9\xff\xd8\xff"
_NO_LIMIT = 2**62
_FIRST_CHUNK, _LARGEST_CHUNK = 1 << 20, 1 << 22  # bytes that are all markers take 60 times as much memory
_SMALLEST_IMAGE = 100  # bytes; less between two images was none

_IS_MARKER = np.ones(256, dtype=np.bool_)
_IS_MARKER[[0x00, 0xFF, *range(0xD0, 0xD8)]] = False
_IS_TABLE = np.zeros(256, dtype=np.bool_)  # segments that cannot hold FF D9 FF D8 FF, the seam of two images
_IS_TABLE[[*range(0xC0, 0xD0), *range(_SOS, 0xE0)]] = True
_STANDS_ALONE = np.zeros(256, dtype=np.bool_)
_STANDS_ALONE[[_SOI, _EOI, _TEM]] = True


class _Known(NamedTuple):
    """What was found out about a stream; replaced as a whole, so that it is sound after interruptions and in forked processes."""

    scanned: int  # everything before was looked at
    resume: int  # where the chain goes on; may lie beyond what is scanned
    in_image: bool
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]  # -1 for an image that stops without an end marker


class JpegIndex(WithLock):
    """Byte ranges of the images in a part of a file, found when first asked for.

    Only as much of the file is scanned as the images asked for need; what is found is kept.

    Parameters
    ----------
    file
        The open file.
    start, end
        Where the stream lies; both are cut to the size of the file.
    count
        Images wanted; the scan ends with the last of them. All that there are if None.
    """

    def __init__(self, file: ByteSource, start: int, end: int, count: int | None) -> None:
        self._file = file
        self._expected = count
        self._count = _NO_LIMIT if count is None else count
        self._start = min(start, file.size)
        self._end = min(end, file.size)
        none = np.zeros(0, dtype=np.int64)
        self._known = _Known(self._start, self._start, False, none, none)
        self._chunk = _FIRST_CHUNK
        self._told = False
        self._make_lock()

    def range_of(self, image: int) -> tuple[int, int] | None:
        """First byte and size of an image; None if the stream holds fewer, or it has no end."""
        with self._lock:
            known = self._scan_for(image + 1)
            if image >= len(known.ends):
                return None
            start, end = int(known.starts[image]), int(known.ends[image])
            return (start, end - start) if end > start else None

    def count(self) -> int:
        """Images in the stream, also such without an end, at most the number wanted; scans all of it."""
        with self._lock:
            return min(self._count, len(self._scan_for(self._count).starts))

    def _scan_for(self, images: int) -> _Known:
        known = self._known
        if len(known.ends) >= images or known.scanned >= self._end:
            return known
        while len(known.ends) < images and known.scanned < self._end:
            known = self._known = self._scan_chunk(known)
        self._tell_gap(known)
        found = len(known.starts)
        if known.scanned >= self._end and found < (self._expected or 0):
            warn(
                f"{self._file.given_path}: the video holds {found} images for {self._expected} frames. If what is "
                "missing is not at its end, the frames behind the gap show a later moment."
            )
        return known

    def _tell_gap(self, known: _Known) -> None:
        """Warn, once, of bytes that may have been an image; also before all images are counted."""
        starts, ends = known.starts[: self._count], known.ends[: self._count]
        if self._told or not len(starts):
            return
        before = np.append(self._start, ends[: len(starts) - 1])
        lost = np.where(before >= 0, starts - before, 0)
        lost[1:][lost[1:] < _SMALLEST_IMAGE] = 0
        if lost.any():
            self._told = True
            image = int(np.flatnonzero(lost)[0])
            warn(
                f"{self._file.given_path}: {lost[image]} bytes of the video in front of image {image} are no image. If "
                "they were one, all frames from there on show a later moment."
            )

    def _scan_chunk(self, known: _Known) -> _Known:
        first = max(known.scanned, min(known.resume, self._end))
        last = min(first + self._chunk, self._end)
        self._chunk = min(2 * self._chunk, _LARGEST_CHUNK)
        data = np.zeros(last - first + 3, dtype=np.uint8)  # a marker and the length behind it
        size = min(len(data), self._end - first)
        if self._file.read_into(data[:size], first) < size:
            raise IsxFormatError(f"{self._file.given_path} was shortened while it was open.")
        markers = np.flatnonzero(data[: last - first] == 0xFF)
        markers = markers[_IS_MARKER[data[markers + 1]]]
        return _follow(known, markers, data, first)._replace(scanned=last)


def _follow(known: _Known, markers: NDArray[np.int64], data: NDArray[np.uint8], first: int) -> _Known:
    """`known` and the images among `markers` that the chain reaches from where it stopped."""
    codes = data[markers + 1]
    lengths = (data[markers + 2].astype(np.int64) << 8) | data[markers + 3]
    behind = markers + 2 + np.where(_STANDS_ALONE[codes], 0, np.maximum(lengths, 2))
    images = np.flatnonzero(codes == _SOI)
    following = np.searchsorted(markers, behind)
    ending = codes == _EOI  # whatever lies between two images is skipped
    following[ending] = np.append(images, len(markers))[np.searchsorted(images, following[ending])]
    # An image cut within a table announces more bytes than it has, and would swallow the next one.
    follows_end = np.append(False, (codes[:-1] == _EOI) & (np.diff(markers) == 2))
    fresh = np.flatnonzero((codes == _SOI) & follows_end & (data[markers + 2] == 0xFF))
    tables = np.flatnonzero(_IS_TABLE[codes])
    restart = np.append(fresh, len(markers))[np.searchsorted(fresh, tables)]
    following[tables] = np.minimum(following[tables], restart)
    begin = int(np.searchsorted(markers, known.resume - first))
    if not known.in_image:
        begin = int(np.append(images, len(markers))[np.searchsorted(images, begin)])
    chain = _orbit(following, begin)
    if not len(chain):
        return known
    kinds = codes[chain]
    known = _with_images(known, first + markers[chain], kinds)
    return known._replace(resume=first + int(behind[chain[-1]]), in_image=bool(kinds[-1] != _EOI))


def _with_images(known: _Known, positions: NDArray[np.int64], codes: NDArray[np.uint8]) -> _Known:
    """`known` and each start, and for each the end if one comes before the next start."""
    at = np.flatnonzero((codes == _SOI) | (codes == _EOI))
    if not len(at):
        return known
    opens = codes[at] == _SOI
    # Each start opens an image, and the next start or end closes it; the one still open at the end of the chunk
    # is closed by the first of these in the next chunk.
    closes = np.append(known.in_image, opens[:-1])
    ends = np.where(opens, -1, positions[at] + 2)
    return known._replace(
        starts=np.append(known.starts, positions[at][opens]), ends=np.append(known.ends, ends[closes])
    )


def _orbit(following: NDArray[np.int64], begin: int) -> NDArray[np.int64]:
    """`begin`, ``following[begin]`` and so on, until an index lies beyond the array.

    Doubles the known part in every step, so that no step of the chain costs a loop.
    """
    size = len(following)
    jump = np.append(following, size)  # the index behind the last stays where it is
    orbit = np.array([min(begin, size)])
    while orbit[-1] < size:
        orbit = np.concatenate([orbit, jump[orbit]])
        if orbit[-1] < size:
            jump = jump[jump]
    return orbit[: int(np.searchsorted(orbit, size))]


_FRAME_SEGMENTS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _segments(image: bytes) -> Iterator[tuple[int, int, int]]:
    """Code, first byte and end of each segment up to that of the first scan."""
    at = image.find(0xFF, 2)
    while 0 <= at <= len(image) - 4:
        code = image[at + 1]
        if code == _EOI:
            return
        if code in (0x00, 0xFF):
            end = at + 1
        elif code in (_SOI, _TEM) or 0xD0 <= code < 0xD8:
            end = at + 2
        else:
            end = at + 2 + max(2, (image[at + 2] << 8) | image[at + 3])
            yield code, at, end
            if code == _SOS:
                return
        at = image.find(0xFF, end)


def picture_size(image: bytes) -> tuple[int, int] | None:
    """(rows, columns) a JPEG image announces; None if it has no readable frame segment."""
    for code, start, end in _segments(image):
        if code in _FRAME_SEGMENTS and start + 9 <= min(end, len(image)):
            rows, columns = struct.unpack_from(">HH", image, start + 5)
            return rows, columns
    return None


_SUBSAMPLING = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (4, 1): "4:1:1",
    (1, 2): "4:4:0",
    (4, 2): "4:1:0",
}


def describe_image(image: bytes) -> str:
    """Process and subsampling of a JPEG image in a few words."""
    for code, start, end in _segments(image):
        if code in _FRAME_SEGMENTS and start + 12 <= min(end, len(image)):
            process = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}.get(
                code, f"process {code - 0xC0}"
            )
            colors = "grey"
            if image[start + 9] > 1:
                factors = image[start + 11] >> 4, image[start + 11] & 15
                colors = _SUBSAMPLING.get(factors, f"luma {factors[0]}x{factors[1]}")
            return f"JPEG, {process}, {colors}, {image[start + 4]} bit"
    return "JPEG, damaged"


def _without_notes(image: bytes) -> bytes:
    """`image` without comments and application segments: these say nothing about the luma plane."""
    kept, before = [], 0
    for code, start, end in _segments(image):
        if 0xE0 <= code < 0xF0 or code == 0xFE:
            kept.append(image[before:start])
            before = end
    return b"".join([*kept, image[before:]])


class UndecodableError(Exception):
    """An image cannot be decoded; the text says why."""


class LumaDecoder(Protocol):
    """Decodes one JPEG image after another; not for several threads at once."""

    def decode(self, image: bytes, out: NDArray[np.uint8]) -> None:
        """Write the luma plane to `out`, whose shape is the size of the picture.

        Raises :class:`UndecodableError` for damaged images and such without a luma plane.
        """


#: Pixel formats whose first plane is 8-bit luma.
LUMA_FIRST = frozenset(
    ["gray", *(f"yuv{full}{sub}p" for full in ("", "j") for sub in (410, 411, 420, 422, 440, 444))]
)


class FfmpegDecoder:
    """Decodes by FFmpeg."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._context: Any = None

    def _open(self) -> Any:
        import av

        context = av.CodecContext.create("mjpeg", "r")
        context.thread_count = 1
        context.options = {"err_detect": "explode", "max_pixels": str(self._max_pixels)}
        return context

    def decode(self, image: bytes, out: NDArray[np.uint8]) -> None:
        """Write the luma plane of `image` to `out`."""
        import av

        if all(code != _SOS for code, _, _ in _segments(image)):  # FFmpeg would give what its memory held
            raise UndecodableError("it holds no picture")
        context = self._context or self._open()
        self._context = None  # unless all goes well, its state is unknown
        try:
            frames = context.decode(av.Packet(image))
        except (av.error.FFmpegError, ValueError, MemoryError) as error:
            raise UndecodableError(str(error)) from None
        if len(frames) != 1:
            raise UndecodableError("it does not decode to one picture")
        self._context = context
        copy_luma(frames[0], out)


def copy_luma(frame: Any, out: NDArray[np.uint8]) -> None:
    """Copy the first plane of a decoded FFmpeg frame, leaving out what pads its lines."""
    if frame.format.name not in LUMA_FIRST:
        raise UndecodableError(f"unsupported frame format: {frame.format.name}")
    if (frame.height, frame.width) != out.shape:
        raise UndecodableError(size_text((frame.height, frame.width), (out.shape[0], out.shape[1])))
    plane = frame.planes[0]
    lines = np.frombuffer(plane, np.uint8)[: plane.line_size * frame.height]
    np.copyto(out, lines.reshape(frame.height, plane.line_size)[:, : frame.width])


def size_text(decoded: tuple[int, int], expected: tuple[int, int]) -> str:
    """Message for a picture of another size (rows, columns) than the metadata say."""
    return (
        f"Dimensions of decoded frame ({decoded[1]} x {decoded[0]}) do not match dimensions in metadata "
        f"({expected[1]} x {expected[0]})."
    )


class PillowDecoder:
    """Decodes by libjpeg-turbo, which Pillow brings along."""

    def decode(self, image: bytes, out: NDArray[np.uint8]) -> None:
        """Write the luma plane of `image` to `out`."""
        from PIL import Image

        try:
            with Image.open(io.BytesIO(_without_notes(image)), formats=("JPEG",)) as picture:
                picture.draft("L", None)
                if picture.mode != "L":
                    raise UndecodableError(f"unsupported frame format: {picture.mode}")
                np.copyto(out, np.asarray(picture))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UndecodableError(str(error)) from None


def luma_decoders(path: str, max_pixels: int) -> Callable[[], LumaDecoder]:
    """Makes decoders of the best kind installed; warns when that is not the one equal to the vendor's."""
    try:
        import av  # noqa: F401
    except ImportError:
        warn(
            f"{path}: decoding with Pillow, because PyAV is not installed. One to three pixels in a hundred differ "
            'by one grey level from what FFmpeg gives, and reading is slower; pip install "openisx[video]" helps.'
        )
        return PillowDecoder
    return partial(FfmpegDecoder, max_pixels)
