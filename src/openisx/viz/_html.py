"""How objects show themselves in a notebook."""

from __future__ import annotations

import base64
import html
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.errors import IsxError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.movie import Movie

__all__ = ["movie_html", "png_bytes", "to_gray"]

_THUMBNAIL = 240


def to_gray(image: NDArray[Any]) -> NDArray[np.uint8]:
    """`image` as 8-bit grey, stretched from its 1st to its 99.7th percentile."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = np.percentile(values, (1, 99.7)) if values.size else (0.0, 1.0)
    scaled = (values - low) / max(high - low, 1e-6)
    gray: NDArray[np.uint8] = (np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    return gray


def png_bytes(gray: NDArray[np.uint8]) -> bytes:
    """An 8-bit image (grey or RGB) as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, format="PNG")
    return buffer.getvalue()


def movie_html(movie: Movie) -> str:
    """A thumbnail of the first valid frame beside the facts of a movie."""
    rows = [f"<b>{type(movie).__name__}</b>"]
    rows += [html.escape(line.strip()) for line in str(movie).splitlines()[1:]]
    picture = ""
    try:
        samples, height, width = movie.shape
        if samples and height and width:
            step = max(1, -(-max(height, width) // _THUMBNAIL))
            first = movie.timing.samples.sample(0)
            encoded = base64.b64encode(png_bytes(to_gray(movie[first, ::step, ::step]))).decode()
            picture = f'<img style="float:left;margin-right:1em" src="data:image/png;base64,{encoded}">'
    except (IsxError, IndexError):
        pass  # closed, being written, or without a readable frame: the facts alone
    return f"<div>{picture}{'<br>'.join(rows)}</div>"
