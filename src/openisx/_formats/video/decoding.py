"""Luma planes of a video stream inside a file, in the order in which they are shown.

FFmpeg (PyAV) reads the bytes of one part of the file. Frames read one after another are decoded one after another;
for any other frame, decoding starts at the key frame before it. Which packet shows when is known from the time
stamps of the container. AVI has none that could be trusted when frames are stored in another order than shown:
then a step back starts from the first frame. So it does in MPEG streams, where reading from the middle on
gives frames the time stamps of their neighbours.
"""

from __future__ import annotations

import ctypes
import heapq
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx._files.locks import WithLock
from openisx._formats.isxb.jpeg import LUMA_FIRST, UndecodableError, copy_luma

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["PacketTable", "VideoFrames"]

_BUFFER = 1 << 20
_FORMATS = "avi,mov,mp4,m4a,3gp,3g2,mj2,mpeg,mpegvideo,mpegts,asf"  # none that could refer to other files


class _Threaded(WithLock):
    """A container whose decoder has threads; None in a forked process, which has no such threads.

    It is never closed there, since that would wait for them for ever.
    """

    def __init__(self, container: Any) -> None:
        self._make_lock()
        self.container = container

    def _after_fork(self) -> None:
        super()._after_fork()
        container, self.container = getattr(self, "container", None), None
        if container is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(container))


@dataclass(frozen=True, eq=False)
class PacketTable:
    """What the container says about its packets, in the order of showing.

    Attributes
    ----------
    stamps : ndarray, int64
        Time stamps in units of the stream.
    keys : ndarray, int64
        Which of them are key frames, ascending.
    seekable : bool
        Whether the order is certain.
    """

    stamps: NDArray[np.int64]
    keys: NDArray[np.int64]
    seekable: bool

    def __len__(self) -> int:
        return len(self.stamps)


class VideoFrames(WithLock):
    """Random access to the frames of a video; safe to use from several threads, one of which decodes at a time.

    Parameters
    ----------
    file, start, end
        Where the bytes of the video lie.
    max_pixels
        Larger frames are refused.
    container
        Name of the container format; found out from the bytes if empty.

    Raises
    ------
    IsxImportError
        PyAV is not installed.
    """

    def __init__(self, file: ByteSource, start: int, end: int, max_pixels: int, container: str = "") -> None:
        require("av", "video")
        self._file, self._start, self._end = file, start, end
        self._max_pixels = max_pixels
        self._format = container
        self._table: PacketTable | None = None
        self._make_lock()

    def _after_fork(self) -> None:
        """Start afresh: another thread may have been decoding."""
        super()._after_fork()
        self._container: Any = None
        self._frames: Iterator[Any] = iter(())
        self._next = -1  # number of the frame that comes next from `_frames`; -1 if unknown

    def open(self, threads: int = 1) -> Any:
        """A new PyAV container on the bytes, whose decoder has so many threads; 0 for as many as are useful.

        Raises
        ------
        UndecodableError
            They are no video FFmpeg knows.
        """
        import av

        part = self._file.stream(self._start, self._end)
        options = {"format_whitelist": self._format or _FORMATS, "max_pixels": str(self._max_pixels)}
        try:
            container = av.open(part, format=self._format or None, options=options, buffer_size=_BUFFER)
        except (av.error.FFmpegError, ValueError) as error:
            raise UndecodableError(f"no readable video ({error})") from None
        if len(container.streams.video) != 1:
            container.close()
            raise UndecodableError(f"{len(container.streams.video)} video streams instead of one")
        context: Any = container.streams.video[0].codec_context
        if context is None:
            container.close()
            raise UndecodableError("no decoder for its codec is known")
        context.options = {"max_pixels": str(self._max_pixels), "err_detect": "explode"}
        context.thread_count = threads
        if threads != 1:
            context.thread_type = "AUTO"
        return container

    def codec(self) -> str:
        """Codec and pixel format, or what is wrong with the video."""
        try:
            container = self.open()
        except UndecodableError as error:
            return str(error)
        try:
            context = container.streams.video[0].codec_context
            return f"{context.name}, {context.pix_fmt}"
        finally:
            container.close()

    def table(self) -> PacketTable:
        """Time stamps of all packets; read once, which takes one pass over the bytes.

        Raises
        ------
        UndecodableError
            They are no video FFmpeg knows.
        """
        if self._table is None:
            container = self.open()
            try:
                self._table = _packet_table(container)
            finally:
                container.close()
        return self._table

    def read(self, number: int, out: NDArray[np.uint8]) -> None:
        """Write luma of frame `number` to `out`.

        Raises
        ------
        UndecodableError
            There is no such frame, it is damaged, or of another size or format.
        """
        with self._lock:
            try:
                if number != self._next:
                    self._move_to(number)
                copy_luma(self._advance_to(number), out)
            except BaseException:  # an interruption, too, may leave a wrong number of the next frame
                self._release()
                raise

    def sequence(self) -> Iterator[Any]:
        """All frames as PyAV gives them, from the first on, decoded by several threads.

        Raises
        ------
        UndecodableError
            Where damage begins.
        """
        threaded = _Threaded(self.open(threads=0))
        done = 0
        try:
            for frame in _decoded(threaded.container):
                yield frame
                done += 1
                if threaded.container is None:
                    break
            else:
                return
        finally:
            if threaded.container is not None:
                threaded.container.close()
        yield from islice(self.sequence(), done, None)  # in the forked process the decoder has no threads

    def close(self) -> None:
        """Release the decoder."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        self._frames, self._next = iter(()), -1
        if self._container is not None:
            self._container.close()
            self._container = None

    def _restart(self) -> None:
        self._release()
        self._container = self.open()
        self._frames, self._next = _decoded(self._container), 0

    def _move_to(self, number: int) -> None:
        """Make `_next` a frame at or before `number`."""
        if self._container is None and number == 0:
            self._restart()
            return
        table = self.table()
        if not 0 <= number < len(table):
            raise UndecodableError(f"the video holds {len(table)} frames")
        before = max(0, int(np.searchsorted(table.keys, number, "right")) - 1)
        key = int(table.keys[before]) if len(table.keys) else 0
        if self._container is not None and max(key, 0) <= self._next <= number:
            return  # going on is no slower than starting again
        if not table.seekable or key == 0:
            if self._container is None or not 0 <= self._next <= number:
                self._restart()
            return
        if self._container is None:
            self._container = self.open()
        self._seek(table, key)
        if not 0 <= self._next <= number:
            self._restart()

    def _seek(self, table: PacketTable, key: int) -> None:
        """Go to a key frame, and find out from the time stamp of the first frame where that is."""
        import av

        stream = self._container.streams.video[0]
        try:
            self._container.seek(int(table.stamps[key]), stream=stream, backward=True)
        except (av.error.FFmpegError, OverflowError):
            self._next = -1
            return
        frames = _decoded(self._container, jumped=True)
        first = next(frames, None)
        stamp = None if first is None else _stamp(first)
        self._next = int(np.searchsorted(table.stamps, stamp)) if stamp is not None else -1
        if self._next == len(table) or (self._next >= 0 and table.stamps[self._next] != stamp):
            self._next = -1
            return
        self._frames = _first_and(first, frames)

    def _advance_to(self, number: int) -> Any:
        while True:
            frame = next(self._frames, None)
            if frame is None:
                raise UndecodableError(f"the video holds {max(self._next, 0)} frames")
            self._next += 1
            if self._next > number:
                return frame


def _first_and(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _stamp(picture: Any) -> int | None:
    """Time stamp of a packet or frame; that of decoding where there is no other."""
    stamp: int | None = picture.pts if picture.pts is not None else picture.dts
    return stamp


def _guarded(step: Callable[[], Any]) -> Any:
    """What `step` gives, None at the end of the file."""
    import av

    try:
        return step()
    except av.error.EOFError:
        return None
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        raise UndecodableError(f"the video is damaged ({error})") from None


def _in_order_of_stamps(container: Any) -> bool:
    """Whether time stamps tell the order of showing: AVI has those of decoding only."""
    reordered = bool(container.streams.video[0].codec_context.has_b_frames)
    return not (reordered and "avi" in container.format.name)


def _decoded(container: Any, *, jumped: bool = False) -> Iterator[Any]:
    """Frames from where the container stands, the delayed ones at the end included.

    A decoder may skip a damaged packet without a word. Every packet must show, and in the order of the time stamps;
    after a jump to a key frame, the pictures shown before it are left out.
    """
    packets = container.demux(container.streams.video[0])
    waiting: list[int] = []
    first: int | None = None
    checked = True
    while (packet := _guarded(lambda: next(packets, None))) is not None:
        if packet.size:
            stamp = _stamp(packet)
            checked = checked and stamp is not None and _in_order_of_stamps(container)
            if checked and stamp is not None:
                first = stamp if first is None else first
                if not jumped or stamp >= first:
                    heapq.heappush(waiting, stamp)
        for frame in _guarded(packet.decode) or ():
            stamp = _stamp(frame)
            if checked and jumped and stamp is not None and first is not None and stamp < first:
                continue
            if checked and (not waiting or heapq.heappop(waiting) != stamp):
                raise UndecodableError("it is damaged")
            yield frame
    if checked and waiting:
        raise UndecodableError("it is damaged")


def _packet_table(container: Any) -> PacketTable:
    stream = container.streams.video[0]
    packets = container.demux(stream)
    listed: list[tuple[int | None, bool]] = []
    while (packet := _guarded(lambda: next(packets, None))) is not None:
        if packet.size:
            listed.append((_stamp(packet), bool(packet.is_keyframe)))
    stamps = [stamp for stamp, _ in listed]
    known = all(stamp is not None for stamp in stamps) and len(set(stamps)) == len(stamps)
    values = np.array(stamps if known else range(len(stamps)), dtype=np.int64)
    order = np.argsort(values, kind="stable")
    keys = np.flatnonzero(np.array([key for _, key in listed], dtype=np.bool_)[order])
    seekable = known and _in_order_of_stamps(container) and not container.format.name.startswith("mpeg")
    return PacketTable(values[order], keys, seekable)


def shows_luma(pixel_format: str | None) -> bool:
    """Whether the first plane of frames of a pixel format is 8-bit luma."""
    return pixel_format in LUMA_FIRST
