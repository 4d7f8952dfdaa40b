"""What the nVision tracker found: an animal's box in every frame, and the zones of the arena (docs/formats/isxb.md, Tracking).

All of it is JSON inside `.isxb` files. Per stored frame, in its ``tracker`` object:

=========  ==========================================================================================
``box``    left, top, right, bottom in pixels; absent or zero where nothing was found
``conf``   confidence, per cent
``zones``  one object (old files) or a list of objects, each with ``id`` and ``name`` and, in newer
           files, ``event`` (``""``, ``"e"`` entry, ``"o"`` occupying, ``"x"`` exit) and ``trig``
           (``""`` or the soft trigger it fired)
=========  ==========================================================================================

Per recording, in the section of ``trackingInterface`` for the movie's camera, ``zones``: ``id``, ``enable``,
``name``, ``description``, ``geometry`` (``type``, ``coordinates``, ``properties`` of an ellipse), and the colours
``inColor.borderColor`` and ``outColor.borderColor``.

Old files cut the id of a zone to its low 32 bits where a frame refers to it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.errors import warn
from openisx.structures import Tracking, Zone, ZoneEvents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["read_tracking"]

_EVENT_WORDS = {"e": "entry", "o": "occupying", "x": "exit"}
_SHAPES = ("rectangle", "polygon", "ellipse")


def read_tracking(
    path: str,
    session: Mapping[str, Any],
    samples: Sequence[Mapping[str, Any]],
    indices: NDArray[np.int64],
    num_samples: int,
) -> Tracking | None:
    """Tracking data of a movie, None if there are none.

    Records that are malformed count as absent; one warning tells how many there were.

    Parameters
    ----------
    path
        The file, for warnings.
    session
        The session metadata.
    samples
        The frame metadata, one object per stored frame.
    indices
        Sample of the movie each of them belongs to.
    num_samples
        Samples of the movie.
    """
    section = _camera_section(session)
    listed = section.get("zones")
    zones = tuple(zone for zone in map(_zone, listed if isinstance(listed, list) else []) if zone is not None)
    malformed = (len(listed) if isinstance(listed, list) else 0) - len(zones)
    numbers = [k for k, sample in enumerate(samples) if sample.get("tracker") is not None]
    if not numbers and not section:
        return None
    trackers = [samples[k]["tracker"] for k in numbers]
    places = indices[np.array(numbers, dtype=np.int64)]
    boxes = np.full((num_samples, 4), np.nan, dtype=np.float32)
    confidence = np.full(num_samples, np.nan, dtype=np.float32)
    sound = np.fromiter((isinstance(tracker, dict) for tracker in trackers), np.bool_, len(trackers))
    trackers = [tracker if ok else {} for tracker, ok in zip(trackers, sound.tolist(), strict=True)]
    found, values, wrong = _boxes(trackers)
    boxes[places[found]] = values[:, :4]
    confidence[places[found]] = values[:, 4]
    events, odd = _events(trackers, places, zones)
    malformed += int((~sound).sum()) + wrong + odd
    if malformed:
        warn(f"{path}: {malformed} tracking records are malformed and left out.")
    return Tracking(boxes, confidence, events, zones)


def _is_number(value: Any) -> bool:
    return (type(value) is int and abs(value) < 2**64) or (isinstance(value, float) and math.isfinite(value))


def _boxes(trackers: Sequence[Mapping[str, Any]]) -> tuple[NDArray[np.int64], NDArray[np.float32], int]:
    """Which trackers found something, (left, top, right, bottom, confidence) of those, and how many are odd."""
    having = [k for k, tracker in enumerate(trackers) if tracker.get("box") is not None]
    rows: list[list[Any]] = []
    numbers = []
    for k in having:
        box, conf = trackers[k]["box"], trackers[k].get("conf")
        if isinstance(box, list) and len(box) == 4 and all(map(_is_number, box)):
            numbers.append(k)
            rows.append([*box, conf if _is_number(conf) else math.nan])
    with np.errstate(over="ignore"):
        values = np.array(rows, dtype=np.float64).reshape(-1, 5).astype(np.float32)
    valid = values[:, [1, 3]].any(axis=1) & values[:, [0, 2]].any(axis=1)
    return np.array(numbers, dtype=np.int64)[valid], values[valid], len(having) - len(rows)


def _events(
    trackers: Sequence[Mapping[str, Any]], places: NDArray[np.int64], zones: Sequence[Zone]
) -> tuple[ZoneEvents, int]:
    """All zone events, and how many records are malformed."""
    owners: list[int] = []
    events: list[Mapping[str, Any]] = []
    for k, tracker in enumerate(trackers):
        listed = tracker.get("zones")
        if listed is not None:
            listed = listed if isinstance(listed, list) else [listed]
            owners += [k] * len(listed)
            events += listed
    sound = [_is_event(event) for event in events]
    owners = [owner for owner, ok in zip(owners, sound, strict=True) if ok]
    events = [event for event, ok in zip(events, sound, strict=True) if ok]
    exact = {zone.id: i for i, zone in reversed(list(enumerate(zones)))}
    cut = {zone.id % 2**32: i for i, zone in reversed(list(enumerate(zones)))}
    words = [event.get("event") or "" for event in events]
    return ZoneEvents(
        sample=places[np.array(owners, dtype=np.int64)],
        zone_id=np.array([event["id"] for event in events], dtype=np.int64),
        zone=np.array([exact.get(e["id"], cut.get(e["id"] % 2**32, -1)) for e in events], dtype=np.int64),
        name=tuple(event["name"] for event in events),
        event=tuple(_EVENT_WORDS.get(word, word) for word in words),
        trigger=tuple(event.get("trig") or "" for event in events),
    ), len(sound) - len(events)


def _is_event(event: Any) -> bool:
    return (
        isinstance(event, dict)
        and type(event.get("id")) is int
        and -(2**63) <= event["id"] < 2**63
        and isinstance(event.get("name"), str)
        and isinstance(event.get("event"), (str, type(None)))
        and isinstance(event.get("trig"), (str, type(None)))
    )


def _camera_section(session: Mapping[str, Any]) -> Mapping[str, Any]:
    """The section of ``trackingInterface`` for the movie's camera; empty if there is none."""
    name = session.get("cameraName")
    cameras = session.get("processingInterface")
    sections = session.get("trackingInterface")
    if not isinstance(cameras, dict) or not isinstance(sections, list) or not isinstance(name, str):
        return {}
    camera = cameras.get(name)
    alias = camera.get("cameraAlias") if isinstance(camera, dict) else None
    wanted = alias if isinstance(alias, str) and alias else name
    return next((s for s in sections if isinstance(s, dict) and s.get("cameraName") == wanted), {})


def _color(zone: Mapping[str, Any], key: str) -> tuple[int, int, int, int] | None:
    section = zone.get(key)
    values = section.get("borderColor") if isinstance(section, dict) else None
    if not isinstance(values, list) or len(values) != 4 or not all(map(_is_number, values)):
        return None
    red, green, blue, alpha = (min(max(int(v), 0), 255) for v in values)
    return red, green, blue, alpha


def _zone(zone: Any) -> Zone | None:
    """A zone from its object; None if it has no number, name or corners."""
    geometry = zone.get("geometry") if isinstance(zone, dict) else None
    if not isinstance(geometry, dict):
        return None
    number, name, corners = zone.get("id"), zone.get("name"), geometry.get("coordinates")
    if type(number) is not int or not -(2**63) <= number < 2**63 or not isinstance(name, str):
        return None
    if not isinstance(corners, list) or not all(
        isinstance(c, list) and len(c) == 2 and all(map(_is_number, c)) for c in corners
    ):
        return None
    properties = geometry.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    numbers = [properties.get(key, 0.0) for key in ("majorAxis", "minorAxis", "angle")]
    major, minor, angle = (float(value) if _is_number(value) else 0.0 for value in numbers)
    shape, description, enabled = geometry.get("type"), zone.get("description"), zone.get("enable")
    with np.errstate(over="ignore"):
        points = np.array(corners, dtype=np.float64).reshape(-1, 2).astype(np.float32)
    return Zone(
        id=number,
        name=name,
        description=description if isinstance(description, str) else "",
        enabled=enabled is not False,
        shape=shape if shape in _SHAPES else "",
        coordinates=points,
        major_axis=major,
        minor_axis=minor,
        angle=angle,
        color_inside=_color(zone, "inColor"),
        color_outside=_color(zone, "outColor"),
    )
