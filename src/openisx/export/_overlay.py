"""Tracking results drawn into 8-bit frames as white outlines (docs/formats/exports.md, Videos).

A line of stroke 2 sets every pixel whose centre is within `_REACH` of the ideal line, or `_END_REACH` of its ends.
Along the axes that is the line, its direct neighbours and one pixel beyond either end, without corners, as in the
vendor's videos.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from openisx.structures import Tracking, Zone

__all__ = ["TrackingOverlay", "draw_box", "draw_disc", "ellipse_points", "outline", "rounded"]

#: Row and column numbers of pixels.
Pixels = tuple["NDArray[np.int64]", "NDArray[np.int64]"]

_WHITE = 255
_REACH, _END_REACH = 1.5, 1.2
_DISC_HALF_WIDTHS = {-3: 0, -2: 2, -1: 2, 0: 3, 1: 2, 2: 2, 3: 0}
_MAX_ELLIPSE_POINTS = 2000


def rounded(values: ArrayLike) -> NDArray[np.float64]:
    """Nearest whole numbers, halves away from zero."""
    exact = np.asarray(values, np.float64)
    whole: NDArray[np.float64] = np.trunc(exact + np.copysign(0.5, exact))
    return whole


def _fill(frame: NDArray[np.uint8], top: int, bottom: int, left: int, right: int) -> None:
    """White rectangle, all four ends included, as far as it lies in the frame."""
    frame[max(top, 0) : max(bottom + 1, 0), max(left, 0) : max(right + 1, 0)] = _WHITE


def draw_box(frame: NDArray[np.uint8], left: int, top: int, right: int, bottom: int) -> None:
    """Outline of a rectangle through these rows and columns, stroke 2."""
    for y in (top, bottom):
        _fill(frame, y, y, left - 1, right + 1)
        _fill(frame, y - 1, y + 1, left, right)
    for x in (left, right):
        _fill(frame, top - 1, bottom + 1, x, x)
        _fill(frame, top, bottom, x - 1, x + 1)


def draw_disc(frame: NDArray[np.uint8], x: int, y: int) -> None:
    """Filled disc of radius 3."""
    for dy, half in _DISC_HALF_WIDTHS.items():
        _fill(frame, y + dy, y + dy, x - half, x + half)


def ellipse_points(
    center: tuple[float, float], half_axes: tuple[float, float], degrees: float
) -> NDArray[np.float64]:
    """Corners (x, y), shape (N, 2), of a polygon within 0.05 pixels of an ellipse.

    Parameters
    ----------
    center
        x and y.
    half_axes
        Along x and y before the rotation.
    degrees
        Rotation, clockwise on screen.
    """
    longest = max(*map(abs, half_axes), 1.0)
    count = min(math.ceil(math.pi / math.acos(1 - 0.05 / longest)), _MAX_ELLIPSE_POINTS)
    angles = np.linspace(0, 2 * np.pi, max(count, 12), endpoint=False)
    along, across = half_axes[0] * np.cos(angles), half_axes[1] * np.sin(angles)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x = center[0] + along * cos - across * sin
    y = center[1] + along * sin + across * cos
    return np.column_stack([x, y])


def outline(points: NDArray[np.float64], shape: tuple[int, int]) -> Pixels:
    """Pixels of the closed polygon through `points` (x, y), stroke 2, that lie in a frame of `shape`."""
    mask = np.zeros(shape, np.bool_)
    if len(points) and np.isfinite(points).all():
        closed: Sequence[tuple[float, float]] = [(x, y) for x, y in points.tolist()]
        for start, end in pairwise([*closed, closed[0]]):
            _mark_line(mask, start, end)
    rows, cols = np.nonzero(mask)
    return rows, cols


def _mark_line(mask: NDArray[np.bool_], start: tuple[float, float], end: tuple[float, float]) -> None:
    """Set the pixels within `_REACH` of a line segment."""
    (x0, y0), (x1, y1) = start, end
    if abs(x1 - x0) < abs(y1 - y0):
        mask, (x0, y0), (x1, y1) = mask.T, (y0, x0), (y1, x1)
    if x0 > x1:
        (x0, y0), (x1, y1) = (x1, y1), (x0, y0)
    height, width = mask.shape
    first, last = max(math.floor(x0 - _REACH), 0), min(math.ceil(x1 + _REACH), width - 1)
    x = np.arange(first, last + 1, dtype=np.float64)[:, None]
    slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
    # the line is at most 45 degrees steep, so 3 pixels up and down hold all that is within reach
    middle = np.clip(rounded(y0 + (x - x0) * slope), -4, height + 4)
    y = middle + np.arange(-3, 4)
    length = math.hypot(x1 - x0, y1 - y0)
    ux, uy = ((x1 - x0) / length, (y1 - y0) / length) if length else (1.0, 0.0)
    along = (x - x0) * ux + (y - y0) * uy
    beside = np.abs((y - y0) * ux - (x - x0) * uy)
    beyond = np.maximum(np.maximum(-along, along - length), 0)
    hit = np.where(beyond > 0, np.hypot(beside, beyond) <= _END_REACH, beside <= _REACH)
    hit &= (y >= 0) & (y < height)
    columns = np.broadcast_to(x, y.shape)[hit].astype(np.int64)
    mask[y[hit].astype(np.int64), columns] = True


class TrackingOverlay:
    """Draws the tracking results of a movie into its frames.

    Parameters
    ----------
    tracking
        The results.
    shape
        Rows and columns of a frame.
    box, center, zones
        What to draw.
    """

    def __init__(
        self, tracking: Tracking, shape: tuple[int, int], *, box: bool, center: bool, zones: bool
    ) -> None:
        self._boxes, self._centers = tracking.boxes, tracking.centers
        self._box, self._center = box, center
        drawn = [outline(_zone_points(zone), shape) for zone in tracking.zones] if zones else []
        self._zones: Pixels | None = None
        if drawn:
            rows, cols = (np.concatenate(numbers) for numbers in zip(*drawn, strict=True))
            self._zones = rows, cols

    def draw(self, frame: NDArray[np.uint8], sample: int) -> None:
        """Draw what was found in a sample, and the zones."""
        box = self._boxes[sample]
        if (self._box or self._center) and np.isfinite(box).all():
            left, top, right, bottom = (int(value) for value in rounded(box))
            (left, right), (top, bottom) = sorted((left, right)), sorted((top, bottom))
            if left < right and top < bottom:
                if self._box:
                    draw_box(frame, left, top, right - 1, bottom - 1)
                x, y = self._centers[sample]
                if self._center and np.isfinite(x) and np.isfinite(y):
                    draw_disc(frame, int(x), int(y))
        if self._zones is not None:
            frame[self._zones] = _WHITE


def _zone_points(zone: Zone) -> NDArray[np.float64]:
    """Corners of the polygon that shows a zone."""
    corners = rounded(zone.coordinates)
    if zone.shape != "ellipse" or not len(corners):
        return corners
    major, minor, angle = rounded([zone.major_axis / 2, zone.minor_axis / 2, zone.angle]).tolist()
    x, y = corners[0].tolist()
    return ellipse_points((x, y), (major, minor), angle)
