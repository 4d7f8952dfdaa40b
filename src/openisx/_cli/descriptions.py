"""What there is to say about each class of data set; ``isx info`` shows it."""

from __future__ import annotations

import functools
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

import openisx as isx
from openisx._cli.formatting import Formatted, Sections, image_size, length_text
from openisx._formats.kinds import DataKind
from openisx._views.interleaving import find_interleaving, keys_text
from openisx._views.selected import trimmed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openisx._formats.base import MovieSource
    from openisx.structures import GpioChannel

__all__ = ["assumed", "describe", "instant", "kind_of", "timing_section"]

_LISTED = 12  # indices of missing samples that are shown one by one
_NAMED = 8  # names of cells that are shown
_MOST_HEADERS = 4000  # header lines that are read, from anywhere in the file


def kind_of(opened: Any) -> str:
    """What people call the kind of data in what :func:`isx.open` gave."""
    if isinstance(opened, isx.Movie):
        kinds = {DataKind.NVISION_MOVIE: "behaviour movie", DataKind.BEHAVIORAL_MOVIE: "video"}
        return kinds.get(opened._open_source().kind, "movie")
    if isinstance(opened, isx.GpioSet):
        return "IMU" if opened.is_imu else "GPIO"
    names = {isx.Image: "image", isx.CellSet: "cell set", isx.EventSet: "event set"}
    return names.get(type(opened), "vessel set")


def assumed(opened: Any) -> tuple[str, ...]:
    """Which of start, period and pixel size are not in the file."""
    movie = opened._movie if isinstance(opened, isx.Image) else opened
    return movie._open_source().assumed if isinstance(movie, isx.Movie) else ()


@functools.singledispatch
def describe(opened: Any) -> Sections:
    """Everything a person wants to know about what :func:`isx.open` gave; empty sections are left out."""
    raise TypeError(f"nothing is known about {type(opened).__name__}")


@describe.register
def _movie(movie: isx.Movie) -> Sections:
    frames, rows, columns = movie.shape
    source, unknown = movie._open_source(), assumed(movie)
    codec = source.codec() if frames else None
    picture: dict[str, Any] = {"size": image_size(rows, columns), "pixel type": movie.dtype.name}
    if source.kind is not DataKind.NVISION_MOVIE:  # whose pixels have no known size
        picture |= _pixels(source.spacing) | _assumed([name for name in unknown if "pixel" in name])
    return {
        "picture": picture,
        "video": {"codec": codec} if codec else {},
        "timing": timing_section(source.timing, "frames")
        | _assumed([name for name in unknown if "pixel" not in name]),
        "hardware": _hardware(movie),
        "tracking": _tracking(movie),
        "session": _session(movie),
    }


def _assumed(names: Sequence[str]) -> dict[str, Any]:
    text = f"{' and '.join(names)}, which the file does not tell"
    return {"assumed": Formatted(names, text)} if names else {}


def _hardware(movie: isx.Movie) -> dict[str, Any]:
    """Counter of the acquisition box, and what the headers of the frames say."""
    source = movie._open_source()
    found: dict[str, Any] = {}
    if not source.num_stored:
        return found
    if source.has_timestamps:
        first, last = source.timestamp(0), source.timestamp(source.num_stored - 1)
        found["first time stamp"] = Formatted(first, f"{first} us")
        found["last time stamp"] = Formatted(last, f"{last} us")
    frames = _frames_to_look_at(source.num_stored)
    headers = source.headers(np.array(frames))
    if headers is not None:
        focus = np.unique(headers["efocus"]).tolist()
        powers = [np.unique(headers[name]).tolist() for name in ("led1_power", "led2_power")]
        found |= _interleaved(source)
        found["electronic focus"] = Formatted(focus, _numbers(focus))
        found["led powers"] = Formatted(
            powers, f"LED 1: {_numbers(powers[0])}, LED 2: {_numbers(powers[1])} (raw values)"
        )
        colors = np.unique(headers["color_id"]).tolist()
        found["color ids"] = Formatted(colors, _numbers(colors))
        if len(headers) < source.num_stored:
            found["headers read"] = Formatted(len(headers), f"{len(headers)} of {source.num_stored}")
    return found


def _interleaved(source: MovieSource) -> dict[str, Any]:
    """Which planes and colours take turns, by many frames in a row."""
    beginning = trimmed(source, 0, min(source.timing.num_samples, _MOST_HEADERS))
    try:
        found = find_interleaving(beginning)
    except isx.IsxError as error:
        text = str(error).replace(beginning.given_path, source.given_path)
        return {"interleaved": Formatted(None, f"without a rhythm: {text}")}
    if found is None or len(found[0].keys) == 1:
        return {}
    turns = found[0]
    period = source.timing.period.secs_float
    rates = [len(places) / (turns.cycle * period) if period > 0 else None for places in turns.places]
    parts = [
        {"efocus": key.efocus, "channel": key.channel, "name": name, "rate": rate}
        for key, name, rate in zip(turns.keys, turns.names, rates, strict=True)
    ]
    shown = [f"{rate:.3g}" if rate else "?" for rate in rates]
    each = f"{shown[0]} Hz each" if len(set(shown)) == 1 else f"{', '.join(shown)} Hz"
    return {"interleaved": Formatted(parts, f"{keys_text(turns.keys)}, {each}")}


def _frames_to_look_at(count: int) -> list[int]:
    """All frames of a movie, or of a long one many in a row (planes and colours take turns) and many spread over it."""
    if count <= _MOST_HEADERS:
        return list(range(count))
    half = _MOST_HEADERS // 2
    return [*range(half), *np.linspace(half, count - 1, half, dtype=int).tolist()]


def _numbers(values: Sequence[int]) -> str:
    if len(values) <= _LISTED:
        return ", ".join(map(str, values))
    return f"{len(values)} values from {values[0]} to {values[-1]}"


def _tracking(movie: isx.Movie) -> dict[str, Any]:
    """How often the tracker found something, and where the animal was."""
    tracking = movie.tracking
    if tracking is None:
        return {}
    count, total = int(tracking.detected.sum()), tracking.num_samples
    share = f" ({100 * count / total:.1f} %)" if total else ""
    found: dict[str, Any] = {"found in": Formatted(count, f"{count} of {total} frames{share}")}
    if count:
        mean = float(tracking.confidence[tracking.detected].mean(dtype=float))
        found["mean confidence"] = Formatted(mean, f"{mean:.1f} %")
    found["zone events"] = len(tracking.events)
    inside = tracking.occupancy.sum(axis=0).tolist()
    found["zones"] = [
        {
            "id": zone.id,
            "name": zone.name,
            "shape": zone.shape or "unknown",
            "enabled": zone.enabled,
            "frames inside": frames,
        }
        for zone, frames in zip(tracking.zones, inside, strict=True)
    ]
    return found


@describe.register
def _image(image: isx.Image) -> Sections:
    data, spacing = image.get_data(), image.spacing
    assert data is not None
    assert spacing is not None
    picture: dict[str, Any] = {
        "size": image_size(*data.shape),
        "pixel type": data.dtype.name,
        **_pixels(spacing),
        **_assumed([name for name in assumed(image) if "pixel" in name]),
    }
    finite = data[np.isfinite(data)]
    if finite.size:
        picture["darkest"], picture["brightest"] = finite.min().item(), finite.max().item()
        picture["mean"] = float(finite.mean(dtype=np.float64))
    return {"picture": picture}


@describe.register
def _gpio_set(gpio: isx.GpioSet) -> Sections:
    channels = [gpio[i] for i in range(len(gpio))]
    assert gpio.timing is not None
    signals: dict[str, Any] = {"kind": kind_of(gpio), "channels": len(channels)}
    if gpio.first_timestamp is not None:
        signals["first time stamp"] = Formatted(gpio.first_timestamp, f"{gpio.first_timestamp} us")
    if channels:
        signals["list"] = [_channel_row(channel) for channel in channels]
    statistics = gpio.statistics
    counts = {} if statistics is None else statistics.as_dict()
    unit = "packets" if (gpio.file_path or "").lower().endswith((".gpio", ".raw")) else "records"
    counts = {unit: counts.pop("packets", 0), **counts}
    return {
        "signals": signals,
        "timing": timing_section(gpio.timing),
        unit: {name.replace("_", " "): count for name, count in counts.items() if count},
        "session": _session(gpio),
    }


def _channel_row(channel: GpioChannel) -> dict[str, Any]:
    low, high = channel.range or (None, None)
    return {
        "name": channel.name,
        "kind": channel.kind,
        "points": channel.num_points,
        "lowest": low,
        "highest": high,
        "unit": channel.unit,
    }


@describe.register
def _cell_set(cells: isx.CellSet) -> Sections:
    return {"cells": _rois(cells.names, cells.statuses), **_grid(cells)}


@describe.register
def _vessel_set(vessels: isx.VesselSet) -> Sections:
    found = _rois(vessels.names, vessels.statuses)
    found["measured"] = vessels.get_vessel_set_type().name.lower().replace("_", " ")
    found["heat maps"] = vessels.has_correlation_heatmaps()
    return {"vessels": found, **_grid(vessels)}


def _grid(rois: isx.CellSet | isx.VesselSet) -> Sections:
    """The sections that cell sets and vessel sets have in common."""
    assert rois.timing is not None
    assert rois.spacing is not None
    return {
        "picture": {"size": image_size(*rois.spacing.num_pixels), **_pixels(rois.spacing)},
        "timing": timing_section(rois.timing),
        "session": _session(rois),
    }


@describe.register
def _event_set(events: isx.EventSet) -> Sections:
    assert events.timing is not None
    counts = [len(events.get_cell_data(i)[0]) for i in range(len(events.names))]
    seconds = events.timing.num_samples * events.timing.period.secs_float
    found = _rois(events.names, [])
    found["events"] = sum(counts)
    if counts and seconds > 0:
        low, high = min(counts) / seconds, max(counts) / seconds
        found["event rate"] = Formatted([low, high], f"{low:.4g} to {high:.4g} Hz")
    return {"cells": found, "timing": timing_section(events.timing), "session": _session(events)}


def _rois(names: list[str], statuses: list[str]) -> dict[str, Any]:
    """Number, statuses and names of cells or vessels."""
    more = f", ... {names[-1]}" if len(names) > _NAMED else ""
    found: dict[str, Any] = {"number": len(names)}
    counts = Counter(statuses)
    found.update({status: counts[status] for status in ("accepted", "undecided", "rejected") if statuses})
    if names:
        found["names"] = Formatted(names, ", ".join(names[:_NAMED]) + more)
    return found


def _pixels(spacing: isx.Spacing) -> dict[str, Any]:
    """Pixel size and position on the sensor."""
    (height, width), (top, left) = spacing.pixel_size, spacing.top_left
    found: dict[str, Any] = {
        "pixel size": Formatted([height, width], f"{height:g} x {width:g} um on the sensor")
    }
    if left or top:
        found["corner"] = Formatted([top, left], f"row {top:g} um, column {left:g} um on the sensor")
    return found


def timing_section(timing: isx.Timing, what: str = "samples") -> dict[str, Any]:
    """Start, length, rate and missing samples; `what` the samples are called."""
    period = timing.period.secs_float
    count = timing.num_samples
    found: dict[str, Any] = {
        "start": instant(timing.start),
        "duration": Formatted(count * period, length_text(count * period)),
        what: count,
        "period": Formatted(period, f"{period * 1000:.6g} ms ({1 / period:.6g} Hz)" if period > 0 else "0"),
    }
    for name in ("dropped", "blank"):
        indices = getattr(timing, name)
        if indices:
            more = f", ... {indices[-1]}" if len(indices) > _LISTED else ""
            text = f"{len(indices)}: {', '.join(map(str, indices[:_LISTED]))}{more}"
            found[name] = Formatted(indices, text)
    if timing.cropped:
        ranges = [f"{a}-{b}" if a < b else str(a) for a, b in timing.cropped]
        more = f", ... {ranges[-1]}" if len(ranges) > _LISTED else ""
        total = sum(b - a + 1 for a, b in timing.cropped)
        found["cropped"] = Formatted(timing.cropped, f"{total}: {', '.join(ranges[:_LISTED])}{more}")
    return found


def instant(time: isx.Time) -> Formatted:
    """A moment in local time."""
    offset = timedelta(seconds=time.utc_offset)
    try:
        text = time.to_datetime().isoformat(" ", "milliseconds")
    except ValueError:  # beyond the years datetime knows
        return Formatted(None, f"{time.secs_since_epoch.secs_float:.15g} s after 1970")
    try:
        zone = datetime(2000, 1, 1, tzinfo=timezone(offset)).strftime("%z")
    except ValueError:
        zone = f" (local time is UTC {offset.total_seconds():+g} s)"
    else:
        zone = f" {zone[:3]}:{zone[3:5]}" if offset else " UTC"
    return Formatted(text.replace(" ", "T") + zone.strip().replace("UTC", "Z"), text + zone)


def _session(opened: Any) -> dict[str, Any]:
    """The acquisition info of any object that has some."""
    return dict(opened.get_acquisition_info() or {})
