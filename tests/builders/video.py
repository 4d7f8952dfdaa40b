"""Videos encoded by PyAV."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import numpy as np


def video(
    frames: np.ndarray,
    *,
    container: str = "avi",
    codec: str = "ffv1",
    pixels: str = "gray",
    rate: Fraction | int = 20,
    options: dict[str, str] | None = None,
    stamps: list[int] | None = None,
    settings: dict[str, Any] | None = None,
) -> bytes:
    """Bytes of a file that shows `frames` (uint8, frames x rows x columns) as luma."""
    import av

    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = frames.shape[1:]
        stream.pix_fmt = pixels
        for name, value in (settings or {}).items():
            setattr(stream.codec_context, name, value)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame(frame.shape[1], frame.shape[0], pixels)
            for k, plane in enumerate(picture.planes):
                lines = np.full((plane.height, plane.line_size), 128, np.uint8)
                if k == 0:
                    lines[:, : frame.shape[1]] = frame
                plane.update(lines.tobytes())
            picture.pts = stamps[number] if stamps else number
            picture.time_base = 1 / Fraction(rate)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return target.getvalue()


#: Lossless encodings: everything in one frame, groups of pictures, and pictures stored in another order than shown.
LOSSLESS: dict[str, dict[str, Any]] = {
    "raw": {"codec": "rawvideo"},
    "intra": {"codec": "ffv1"},
    "groups": {"codec": "libx264", "pixels": "yuv420p", "options": {"qp": "0", "g": "5", "bf": "0"}},
    "reordered": {
        "codec": "libx264", "pixels": "yuv420p",
        "options": {"qp": "0", "g": "7", "bf": "3", "b-pyramid": "normal", "sc_threshold": "0"},
    },
    "open groups": {
        "codec": "libx264", "pixels": "yuv420p",
        "options": {"qp": "0", "g": "7", "bf": "2", "x264-params": "open-gop=1:b-adapt=0:scenecut=0"},
    },
}  # fmt: skip
