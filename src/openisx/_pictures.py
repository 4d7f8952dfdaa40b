"""Small pictures without Matplotlib: what notebooks show of an object, and plain PNG images.

They are fed with texts and arrays and know no data set. Whatever the size of the arrays, a picture has at most
`_SIDE` pixels and `MAX_ROWS` rows of `_COLUMNS` values.
"""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = [
    "MAX_ROWS",
    "affordable",
    "card",
    "color_map",
    "extremes",
    "image_html",
    "png_bytes",
    "raster_html",
    "rows_html",
    "thinned",
    "to_gray",
]

_MAX_BYTES = 2**26  # read for one picture
_SIDE = 240
_COLUMNS = 300
MAX_ROWS = 10
_ROW = 20  # pixels
_COLORS = np.array(
    [(76, 201, 240), (247, 127, 0), (144, 190, 109), (247, 37, 133), (249, 199, 79), (160, 120, 255)],
    np.float32,
)


def affordable(count: int, size: int) -> int:
    """How many of `count` things of `size` bytes are read for a picture."""
    return min(count, _MAX_BYTES // max(size, 1))


def to_gray(image: NDArray[Any]) -> NDArray[np.uint8]:
    """`image` as 8-bit grey, stretched from its 1st to its 99.7th percentile."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = np.percentile(values, (1, 99.7)) if values.size else (0.0, 1.0)
    scaled = (values - low) / max(high - low, 1e-6)
    gray: NDArray[np.uint8] = (np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    return gray


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """An 8-bit image (grey or RGB) as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def card(title: str, lines: Iterable[str], picture: str = "") -> str:
    """HTML of one object: a picture beside a title and lines of text, which are escaped."""
    text = "<br>".join([f"<b>{html.escape(title)}</b>", *(html.escape(line) for line in lines)])
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">'
        f"<div>{text}</div><div>{picture}</div></div>"
    )


def thinned(shape: tuple[int, int]) -> tuple[slice, slice]:
    """Index that thins images of `shape` out to the size of a picture."""
    step = max(1, -(-max(shape) // _SIDE))
    return slice(None, None, step), slice(None, None, step)


def image_html(pixels: NDArray[Any], lines: Sequence[NDArray[np.int64]] = (), step: int = 1) -> str:
    """An image, grey unless it is RGB, with `lines` of points (x, y) over it, which count in pixels before thinning."""
    if not pixels.size:
        return ""
    pixels = pixels if pixels.ndim == 3 else to_gray(pixels)
    height, width = pixels.shape[:2]
    encoded = base64.b64encode(png_bytes(pixels)).decode()
    drawn = "".join(
        f'<polyline points="{" ".join(f"{x / step:.1f},{y / step:.1f}" for x, y in line.tolist())}"/>'
        for line in lines
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" style="vertical-align:top;margin-right:8px" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<image href="data:image/png;base64,{encoded}" width="{width}" height="{height}"/>'
        f'<g fill="none" stroke="#4cc9f0" stroke-width="2">{drawn}</g></svg>'
    )


def color_map(footprints: Iterable[NDArray[np.float32]], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """RGB image of footprints of one shape, each in a colour and as bright at its peak as the others."""
    canvas = np.zeros((*shape, 3), np.float32)
    for i, footprint in enumerate(footprints):
        peak = np.nanmax(footprint, initial=0)
        if peak > 0:
            level = np.clip(np.nan_to_num(footprint) / peak, 0, 1)
            np.maximum(canvas, level[..., None] * _COLORS[i % len(_COLORS)], out=canvas)
    return canvas.astype(np.uint8)


def extremes(
    values: NDArray[np.float32], offsets: NDArray[np.uint64] | None = None, end: float = 0
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Least and greatest value in each of `_COLUMNS` equal spans of time; NaN where there is none.

    `values` are samples, or levels that hold from each of the `offsets` on until the next one, and the last one
    until `end`.
    """
    count = len(values)
    if not count:
        return (np.full(_COLUMNS, np.nan, np.float32),) * 2
    if offsets is None:
        edges = np.arange(_COLUMNS + 1) * count // _COLUMNS
        first, last = edges[:-1], edges[1:]
    else:
        edges = np.searchsorted(offsets, np.linspace(0, end, _COLUMNS + 1))
        edges[-1] = count
        first, last = edges[:-1] - 1, edges[1:]
    values = np.concatenate((np.full(1, np.nan, np.float32), values, np.full(1, np.nan, np.float32)))
    first, last = first + 1, np.maximum(last, first + 1) + 1
    spans = np.stack((first, last), axis=1).ravel()
    return np.fmin.reduceat(values, spans)[::2], np.fmax.reduceat(values, spans)[::2]


def rows_html(
    rows: Sequence[tuple[str, tuple[NDArray[np.float32], NDArray[np.float32]]]], hidden: int = 0
) -> str:
    """Named rows over one axis of time, each the :func:`extremes` of a channel; `hidden` more are only counted."""
    drawn = []
    for row, (name, (low, high)) in enumerate(rows[:MAX_ROWS]):
        finite = np.isfinite(low) & np.isfinite(high)
        least, most = (low[finite].min(), high[finite].max()) if finite.any() else (0, 1)
        scale = (_ROW - 6) / (float(most) - float(least) or 1)
        bottom = (row + 1) * _ROW - 3
        path, before = "", -2
        for x in np.flatnonzero(finite).tolist():
            a, b = (bottom - (float(v[x]) - float(least)) * scale for v in (low, high))
            path += f"{'L' if x == before + 1 else 'M'}{x} {a:.1f}V{b - 0.5:.1f}"
            before = x
        drawn.append(f'<path d="{path}" stroke="#1a8a9c" stroke-width="1.2" fill="none"/>')
        text = html.escape(name if len(name) <= 24 else f"{name[:23]}…")
        drawn.append(
            f'<text x="{_COLUMNS + 8}" y="{bottom - 3}" font-size="11" fill="currentColor">{text}</text>'
        )
    hidden += max(0, len(rows) - MAX_ROWS)
    height = min(len(rows), MAX_ROWS) * _ROW
    if hidden:
        drawn.append(
            f'<text x="{_COLUMNS + 8}" y="{height + 12}" font-size="11" fill="currentColor">and {hidden} more</text>'
        )
        height += _ROW
    return f'<svg xmlns="http://www.w3.org/2000/svg" style="vertical-align:top;margin-right:8px" width="{_COLUMNS + 112}" height="{height}">{"".join(drawn)}</svg>'


def raster_html(rows: NDArray[np.int64], offsets: NDArray[np.uint64], num_rows: int, end: float) -> str:
    """Events as marks, `rows` downwards and their `offsets` from 0 to `end` to the right."""
    height = min(num_rows, _SIDE)
    thick = max(1, min(6, _SIDE // max(num_rows, 1)))
    pixels = np.full((height * thick, _COLUMNS), 255, np.uint8)
    inside = offsets <= end
    x = (offsets[inside] / max(end, 1) * (_COLUMNS - 1)).astype(np.int64)
    y = rows[inside] * height // max(num_rows, 1)
    for line in range(thick - (thick > 2)):
        pixels[y * thick + line, x] = 0
    return image_html(np.repeat(pixels[..., None], 3, axis=2))
