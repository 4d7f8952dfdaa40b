"""What the nVision tracker found: an animal's box in every frame, and the zones of the arena (spec 10).

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
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.errors import warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["Tracking", "Zone", "ZoneEvents", "read_tracking"]

_EVENT_WORDS = {"e": "entry", "o": "occupying", "x": "exit"}
_SHAPES = ("rectangle", "polygon", "ellipse")


@dataclass(frozen=True, eq=False)
class Zone:
    """A zone of the arena.

    Attributes
    ----------
    id : int
        Number of the zone, unique in the recording.
    name, description : str
        Texts of the user.
    enabled : bool
        Whether the zone was in use.
    shape : str
        ``"rectangle"``, ``"polygon"``, ``"ellipse"``, or ``""`` for a shape this package does not know.
    coordinates : ndarray, float32, shape (N, 2)
        Corners (x, y) in pixels of the frame; of an ellipse its centre.
    major_axis, minor_axis : float
        Full lengths of the axes of an ellipse in pixels, else 0.
    angle : float
        Rotation of an ellipse in degrees, else 0.
    color_inside, color_outside : tuple of int or None
        (red, green, blue, alpha), 0 to 255, while an animal is inside or outside.
    """

    id: int
    name: str
    description: str
    enabled: bool
    shape: str
    coordinates: NDArray[np.float32]
    major_axis: float
    minor_axis: float
    angle: float
    color_inside: tuple[int, int, int, int] | None
    color_outside: tuple[int, int, int, int] | None


@dataclass(frozen=True, eq=False)
class ZoneEvents:
    """Everything frames say about zones, one element per event, in the order of the file.

    Attributes
    ----------
    sample : ndarray, int64
        Sample of the movie, ascending.
    zone_id : ndarray, int64
        As stored with the frame; old files keep only the low 32 bits of the id.
    zone : ndarray, int64
        Position of the zone in :attr:`Tracking.zones`, -1 if it is not among them.
    name : tuple of str
        Name of the zone as stored with the frame.
    event : tuple of str
        ``"entry"``, ``"occupying"``, ``"exit"``, or ``""`` (in old files: the animal is in the zone).
    trigger : tuple of str
        Soft trigger the event fired, or ``""``.
    """

    sample: NDArray[np.int64]
    zone_id: NDArray[np.int64]
    zone: NDArray[np.int64]
    name: tuple[str, ...]
    event: tuple[str, ...]
    trigger: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sample)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """Whether each event says that the animal is in the zone (it does not for exits and unnamed ones)."""
        word = np.array(self.event, dtype=object)
        told: NDArray[np.bool_] = np.isin(word, ("entry", "occupying")) | ((word == "") & (self.zone_id != 0))
        return told

    def of_sample(self, sample: int) -> range:
        """Positions of the events of one sample.

        Parameters
        ----------
        sample : int
            Index in the movie.
        """
        first, last = np.searchsorted(self.sample, [sample, sample + 1])
        return range(int(first), int(last))


@dataclass(frozen=True, eq=False)
class Tracking:
    """Tracking results on the samples of a movie; dropped frames have none.

    Attributes
    ----------
    boxes : ndarray, float32, shape (num_samples, 4)
        Left, top, right, bottom in pixels; NaN where nothing was found.
    confidence : ndarray, float32, shape (num_samples,)
        Per cent; NaN where nothing was found.
    events : ZoneEvents
        Entries, exits and presence in zones.
    zones : tuple of Zone
        The zones drawn for the camera.
    """

    boxes: NDArray[np.float32]
    confidence: NDArray[np.float32]
    events: ZoneEvents
    zones: tuple[Zone, ...]

    @property
    def num_samples(self) -> int:
        """Samples of the movie, dropped ones included."""
        return len(self.boxes)

    @cached_property
    def detected(self) -> NDArray[np.bool_]:
        """Whether something was found, shape (num_samples,)."""
        return ~np.isnan(self.boxes[:, 0])

    @cached_property
    def centers(self) -> NDArray[np.float32]:
        """Centre (x, y) of each box, float32, shape (num_samples, 2); NaN where nothing was found."""
        centers: NDArray[np.float32] = (self.boxes[:, :2] + self.boxes[:, 2:]) / np.float32(2)
        return centers

    @cached_property
    def zone_ids(self) -> NDArray[np.int64]:
        """Id of the first zone the animal is in, shape (num_samples,); 0 where it is in none.

        Ids are those of :attr:`zones`; one that is not among them is given as stored.
        """
        ids = np.zeros(self.num_samples, dtype=np.int64)
        told = np.flatnonzero(self.events.inside)[::-1]  # the first of a sample is written last
        known = np.array([zone.id for zone in self.zones] + [0], dtype=np.int64)
        ids[self.events.sample[told]] = np.where(
            self.events.zone[told] >= 0, known[self.events.zone[told]], self.events.zone_id[told]
        )
        return ids

    @cached_property
    def zone_names(self) -> NDArray[np.object_]:
        """Name of the first zone the animal is in, shape (num_samples,); ``""`` where it is in none."""
        names = np.full(self.num_samples, "", dtype=object)
        for i in np.flatnonzero(self.events.inside)[::-1].tolist():
            names[self.events.sample[i]] = self.events.name[i]
        return names

    @cached_property
    def occupancy(self) -> NDArray[np.bool_]:
        """Whether the animal is in each zone, shape (num_samples, number of zones)."""
        inside = np.zeros((self.num_samples, len(self.zones)), dtype=np.bool_)
        told = np.flatnonzero(self.events.inside & (self.events.zone >= 0))
        inside[self.events.sample[told], self.events.zone[told]] = True
        return inside

    def to_dataframe(self) -> pd.DataFrame:
        """One row per sample of the movie.

        Returns
        -------
        pandas.DataFrame
            Index ``sample``; columns ``left``, ``top``, ``right``, ``bottom``, ``center_x``, ``center_y``,
            ``confidence``, ``zone_id`` and ``zone_name`` (the first zone the animal is in).

        Raises
        ------
        IsxImportError
            pandas is not installed.
        """
        from openisx._dependencies import require

        pandas = require("pandas", "tables")
        columns = dict(zip(("left", "top", "right", "bottom"), self.boxes.T, strict=True))
        columns |= {"center_x": self.centers[:, 0], "center_y": self.centers[:, 1]}
        columns |= {"confidence": self.confidence, "zone_id": self.zone_ids, "zone_name": self.zone_names}
        index = pandas.RangeIndex(self.num_samples, name="sample")
        table: pd.DataFrame = pandas.DataFrame(columns, index=index)
        return table

    def events_to_dataframe(self) -> pd.DataFrame:
        """One row per zone event.

        Returns
        -------
        pandas.DataFrame
            Columns ``sample``, ``zone_id``, ``zone_name``, ``event``, ``trigger``.

        Raises
        ------
        IsxImportError
            pandas is not installed.
        """
        from openisx._dependencies import require

        events = self.events
        table: pd.DataFrame = require("pandas", "tables").DataFrame(
            {
                "sample": events.sample,
                "zone_id": events.zone_id,
                "zone_name": events.name,
                "event": events.event,
                "trigger": events.trigger,
            }
        )
        return table


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
