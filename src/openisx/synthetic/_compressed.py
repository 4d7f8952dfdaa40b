"""The beginning of the movie of a scene as the acquisition box stores it when it compresses, `.isxc`.

Every tile (at most 64 x 64 pixels) keeps the 8 leading bits of its brightest pixel. The video inside is uncompressed grey, so
that writing it takes no codec.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFile, require_free_space
from openisx._formats.isxd.metadata import spacing_to_json, timing_to_json
from openisx.core.timing import Timing
from openisx.synthetic._movie import movie_frames
from openisx.synthetic._session import session_metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.export._options import Progress
    from openisx.synthetic._scene import Scene

__all__ = ["write_compressed"]

_HEADER = struct.Struct("<QQqQQQQHHHHIIQQHHHHIIQQQQ")
_AVI_MAIN = struct.Struct("<14I")
_AVI_STREAM = struct.Struct("<4s4sIHHIIIIIIII4h")
_BITMAP = struct.Struct("<IiiHH4sIiiII")
_MOST_FRAMES = 96  # a multiple of the block of frames that share their noise
_LARGEST_TILE = 64
_SENSOR_VALUES = 8  # the time stamp
_BYTE_OF_SHIFT = np.array([208, 176, 144, 112, 80], dtype=np.uint8)
_HAS_INDEX = 0x10
_BLOCK = 16


def write_compressed(scene: Scene, path: str, progress: Progress) -> None:
    """Write the `.isxc` file of `scene`; it holds the first 96 samples at most.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    total = min(scene.num_frames, _MOST_FRAMES)
    valid = scene.timing.get_valid_samples()
    valid = valid[valid < total]
    rows, columns = scene.shape
    require_free_space(path, (rows * columns + 1000) * len(valid))
    avi_head, avi_tail = _avi(len(valid), rows, columns, scene.period.to_usecs())
    records = []
    with OutputFile(path) as output:
        output.write(bytes(_HEADER.size) + avi_head)
        for first in range(0, total, _BLOCK):
            stop = min(first + _BLOCK, total)
            kept = valid[(valid >= first) & (valid < stop)]
            for pixels in movie_frames(scene, first, stop)[kept - first]:
                luma, tile_bytes = _compressed(pixels)
                output.write(_chunk(b"00dc", luma.tobytes()))
                records.append(tile_bytes)
            progress(stop, total)
        stamps = scene.counter(scene.frame_times()[valid]).astype("<u8")
        counters = stamps.view(np.uint8).reshape(-1, 8).astype("<u2") << 4
        table = b"".join(c.tobytes() + b.tobytes() for c, b in zip(counters, records, strict=True))
        session = json.dumps(_session(scene, total), sort_keys=True).encode()
        output.write(avi_tail + table + session)
        video_size = len(avi_head) + len(avi_tail) + len(valid) * (8 + _even(rows * columns))
        output.overwrite(_header(scene, len(valid), video_size, len(table), len(session)), 0)


def _compressed(pixels: NDArray[np.uint16]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """8-bit frame, and one byte per tile."""
    height, width = _tile(*pixels.shape)
    area = pixels.reshape(pixels.shape[0] // height, height, pixels.shape[1] // width, width)
    brightest = area.max(axis=(1, 3))
    shifts = np.maximum(0, np.frexp(brightest.astype(np.float64))[1] - 8).astype(np.uint16)
    luma = (area >> shifts[:, None, :, None]).astype(np.uint8).reshape(pixels.shape)
    return luma, _BYTE_OF_SHIFT[shifts].ravel()


def _tile(rows: int, columns: int) -> tuple[int, int]:
    """Height and width of a tile; tiles fill the image."""
    return _side(rows), _side(columns)


def _side(length: int) -> int:
    """The largest divisor of `length` from 16 to 64; `length` itself if there is none."""
    return next((side for side in range(_LARGEST_TILE, 15, -1) if length % side == 0), length)


def _header(scene: Scene, frames: int, video_size: int, table_size: int, session_size: int) -> bytes:
    rows, columns = scene.shape
    height, width = _tile(rows, columns)
    start = scene.start
    tiles = (rows // height) * (columns // width)
    table = _HEADER.size + video_size
    return _HEADER.pack(
        *start.secs_since_epoch.ratio, start.utc_offset, 1, tiles, _SENSOR_VALUES, frames,
        1, 1, 0, 0, columns, rows, video_size, _HEADER.size,
        2, 0, 0, 0, width, height, table_size, table,
        table + table_size, session_size,
    )  # fmt: skip


def _session(scene: Scene, total: int) -> dict[str, Any]:
    timing = Timing(total, scene.period, scene.start, [i for i in scene.timing.dropped if i < total])
    return {
        "dataType": 0,
        "extraProperties": session_metadata(scene),
        "fileVersion": 1,
        "hasFrameHeaderFooter": True,
        "spacingInfo": spacing_to_json(scene.spacing),
        "timingInfo": timing_to_json(timing),
        "type": 0,
    }


# -- AVI -----------------------------------------------------------------------------------------


def _even(size: int) -> int:
    return size + size % 2


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: bytes, data: bytes) -> bytes:
    return _chunk(b"LIST", name + data)


def _avi(frames: int, rows: int, columns: int, period: int) -> tuple[bytes, bytes]:
    """Everything before and behind the frames of an AVI file of 8-bit grey."""
    size = rows * columns
    main = _AVI_MAIN.pack(period, 0, 0, _HAS_INDEX, frames, 0, 1, size, columns, rows, 0, 0, 0, 0)
    stream = _AVI_STREAM.pack(
        b"vids", b"Y800", 0, 0, 0, 0, period, 1_000_000, 0, frames, size, 0xFFFFFFFF, 0, 0, 0, columns, rows
    )
    bitmap = _BITMAP.pack(_BITMAP.size, columns, rows, 1, 8, b"Y800", size, 0, 0, 0, 0)
    described = _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", bitmap))
    lists = _list(b"hdrl", _chunk(b"avih", main) + described)
    frame_size = 8 + _even(size)
    index = b"".join(
        struct.pack("<4sIII", b"00dc", _HAS_INDEX, 4 + k * frame_size, size) for k in range(frames)
    )
    movie_size = 4 + frames * frame_size
    tail = _chunk(b"idx1", index)
    head = b"AVI " + lists + b"LIST" + struct.pack("<I", movie_size) + b"movi"
    whole = len(head) + frames * frame_size + len(tail)
    return b"RIFF" + struct.pack("<I", whole) + head, tail
