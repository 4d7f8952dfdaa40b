"""Members that several kinds of files share: ratios, ``timingInfo``, ``spacingInfo`` (docs/formats/isxd.md, Members of every kind).

======================  =========================================================================
``timingInfo``          ``numTimes``, ``period`` (ratio), ``start.secsSinceEpoch`` (ratio),
                        ``start.utcOffset`` (seconds), ``dropped`` and ``blank`` (indices),
                        ``cropped`` (texts ``"5"`` or ``"4 - 6"``, both ends included)
``spacingInfo``         ``numPixels`` (x = columns, y = rows), ``pixelSize`` and ``topLeft``
                        (ratios, micrometres of the sensor)
ratio                   ``{"num": int64, "den": int64}``, never reduced
======================  =========================================================================
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._version import release
from openisx.core._records import IsxRatio
from openisx.core.spacing import Spacing
from openisx.core.timing import Duration, Time, Timing
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from openisx._formats.json_reading import JsonObject

__all__ = [
    "MAX_SAMPLES",
    "PRODUCER",
    "ratio_from_json",
    "ratio_to_json",
    "spacing_from_json",
    "spacing_to_json",
    "time_from_json",
    "time_to_json",
    "timing_from_json",
    "timing_to_json",
]

#: Written to every file, never needed to read one.
PRODUCER = {"name": "isx", "version": release()}

#: More samples than this (50 days at 1 kHz) are taken as damage.
MAX_SAMPLES = 2**32
_MAX_PIXELS = 2**31

_RANGE = re.compile(r"\s*(\d{1,19})\s*(?:-\s*(\d{1,19})(?:\D.*)?)?", re.ASCII | re.DOTALL)


def ratio_from_json(obj: JsonObject) -> IsxRatio:
    """A ratio with its numerator and denominator as stored; a denominator of 0 is refused."""
    num = obj.integer("num", maximum=2**63 - 1)
    den = obj.integer("den", maximum=2**63 - 1)
    if den == 0:
        raise IsxFormatError(
            f"{obj.path}: {obj.where} has the denominator 0. The metadata of the file are damaged."
        )
    return IsxRatio(num, den)


def ratio_to_json(ratio: IsxRatio) -> dict[str, int]:
    """The stored form of a ratio; ValueError for a denominator of 0, which no reader takes."""
    if ratio.den == 0:
        raise ValueError("a duration, time or length with the denominator 0 cannot be stored")
    return {"den": ratio.den, "num": ratio.num}


def time_from_json(obj: JsonObject) -> Time:
    """An instant."""
    seconds = Duration.from_ratio(*ratio_from_json(obj.object("secsSinceEpoch")))
    return Time.from_secs_since_epoch(seconds, obj.integer("utcOffset", -(2**31), 2**31 - 1))


def time_to_json(time: Time) -> dict[str, Any]:
    """The stored form of an instant."""
    return {"secsSinceEpoch": ratio_to_json(time.secs_since_epoch.ratio), "utcOffset": time.utc_offset}


def _ranges(obj: JsonObject, key: str) -> list[tuple[int, int]]:
    ranges = []
    for text in obj.array(key) if key in obj else []:
        match = _RANGE.fullmatch(text) if isinstance(text, str) else None
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise IsxFormatError(
                f"{obj.path}: {obj.where}.{key} should hold ranges such as '4 - 6', not {text!r}."
            )
        ranges.append((first, last))
    return ranges


def timing_from_json(obj: JsonObject) -> Timing:
    """A normalised timing from a ``timingInfo`` object."""
    return Timing(
        obj.integer("numTimes", 0, MAX_SAMPLES),
        Duration.from_ratio(*ratio_from_json(obj.object("period"))),
        time_from_json(obj.object("start")),
        obj.indices("dropped"),
        np.array(_ranges(obj, "cropped"), dtype=np.uint64) if obj.members.get("cropped") else (),
        obj.indices("blank"),
    ).normalized()


def timing_to_json(timing: Timing) -> dict[str, Any]:
    """The ``timingInfo`` object of a normalised timing."""
    return {
        "blank": timing.blank,
        "cropped": [str(a) if a == b else f"{a} - {b}" for a, b in timing.cropped],
        "dropped": timing.dropped,
        "numTimes": timing.num_samples,
        "period": ratio_to_json(timing.period.ratio),
        "start": time_to_json(timing.start),
    }


def spacing_from_json(obj: JsonObject) -> Spacing:
    """A spacing from a ``spacingInfo`` object."""
    pixels, size, corner = (obj.object(key) for key in ("numPixels", "pixelSize", "topLeft"))
    cols, rows = (pixels.integer(axis, 0, _MAX_PIXELS) for axis in "xy")
    (width, height), (left, top) = (
        [ratio_from_json(o.object(axis)) for axis in "xy"] for o in (size, corner)
    )
    return Spacing((rows, cols), pixel_size=(height, width), top_left=(top, left))


def spacing_to_json(spacing: Spacing) -> dict[str, Any]:
    """The ``spacingInfo`` object of a spacing."""
    rows, cols = spacing.num_pixels
    size, corner = (
        {"x": ratio_to_json(horizontal), "y": ratio_to_json(vertical)}
        for vertical, horizontal in (spacing.pixel_size_ratios, spacing.top_left_ratios)
    )
    return {"numPixels": {"x": cols, "y": rows}, "pixelSize": size, "topLeft": corner}
