"""Records that the package hands out: what was measured or decided about one thing, as plain data.

All are frozen. Arrays in them are not copied when a record is handed out again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from openisx.core.timing import Time
    from openisx.movie import Movie

__all__ = [
    "CellEvents",
    "CellMetrics",
    "ChannelKind",
    "EventMetrics",
    "FrameHeader",
    "GpioChannel",
    "MoviePart",
    "NewStart",
    "PacketStatistics",
    "Recovered",
    "Tracking",
    "Zone",
    "ZoneEvents",
]


@dataclass(frozen=True)
class FrameHeader:
    """What the microscope recorded with one frame (docs/formats/movies.md, The header line).

    Attributes
    ----------
    color_id, write_enable : int
        Channel of a dual-colour microscope, and a control bit.
    frame_count : int
        Frames since the sensor started, 32 bits.
    led1_power, led2_power, led1_forward_voltage, led2_forward_voltage : int
        Raw register values of the two LEDs.
    efocus : int
        Electronic focus, 0 to 1000.
    timestamp : int
        Counter of the acquisition box in microseconds.
    """

    color_id: int
    write_enable: int
    frame_count: int
    led1_power: int
    led1_forward_voltage: int
    led2_power: int
    led2_forward_voltage: int
    efocus: int
    timestamp: int


@dataclass(frozen=True, eq=False)
class MoviePart:
    """A plane or colour of an interleaved movie.

    Attributes
    ----------
    efocus : int or None
        Electronic focus, 0 to 1000; None if the movie does not tell.
    channel : str or None
        ``"green"`` or ``"red"``; ``"led1"`` or ``"led2"`` where only the light that was on tells the colours apart; None if
        the movie does not tell.
    name : str
        What tells it from the other parts, as in names of files: ``"efocus_0500"``, ``"green"``, or both; empty for the
        only part.
    movie : isx.Movie
        Its frames on their own samples.
    """

    efocus: int | None
    channel: str | None
    name: str
    movie: Movie


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


@dataclass(frozen=True)
class CellMetrics:
    """Shape of one footprint as the desktop application measured it, in pixels.

    Attributes
    ----------
    num_components : int
        Number of separate parts.
    overall_center, largest_component_center : (int, int)
        (x, y); -2**63 where undefined.
    overall_area, largest_component_area : float
        Areas.
    overall_max_contour_width, largest_component_max_contour_width : float
        Largest distance between two points of the outline.
    """

    num_components: int
    overall_center: tuple[int, int]
    largest_component_center: tuple[int, int]
    overall_area: float
    largest_component_area: float
    overall_max_contour_width: float
    largest_component_max_contour_width: float


@dataclass(frozen=True)
class EventMetrics:
    """What the desktop application measured of the events of one cell; NaN where it could not.

    Attributes
    ----------
    snr : float
        Signal to noise ratio.
    mad : float
        Median absolute deviation of the trace.
    event_rate : float
        Events per second.
    amplitude_median, amplitude_sd : float
        Of the amplitudes of the events.
    rise_median, rise_sd, decay_median, decay_sd : float
        Of the times in which events rise and decay, in seconds.
    """

    snr: float
    mad: float
    event_rate: float
    amplitude_median: float
    amplitude_sd: float
    rise_median: float
    rise_sd: float
    decay_median: float
    decay_sd: float


@dataclass(frozen=True)
class CellEvents:
    """Events of one cell of an :class:`isx.EventSet`.

    Attributes
    ----------
    name : str
    index : int
        Position in the set.
    offsets : ndarray of uint64
        Microseconds since the start of the set, ascending. Read-only.
    amplitudes : ndarray of float32
        One per offset. Read-only.
    num_events : int
        Number of events.
    """

    name: str
    index: int
    offsets: NDArray[np.uint64] = field(repr=False, compare=False)
    amplitudes: NDArray[np.float32] = field(repr=False, compare=False)
    num_events: int


ChannelKind: TypeAlias = Literal["digital", "analog", "event"]


@dataclass(frozen=True)
class GpioChannel:
    """A channel of a :class:`isx.GpioSet`.

    Attributes
    ----------
    name : str
    index : int
        Position in the set.
    kind : 'digital', 'analog' or 'event'
        Two levels; a measured quantity; a count that moves at events (``Frame Count``).
    unit : str
        ``mW/mm^2``, ``g``, ``rad``, ``counts`` or ``frames``; empty if there is none.
    dense : bool
        Sampled at a fixed rate rather than stored at changes.
    offsets : ndarray of uint64
        Microseconds after the start of the set, ascending. Read-only.
    values : ndarray of float32
        One per offset, in `unit`. Read-only.
    num_points : int
        Number of points.
    range : (float, float) or None
        Least and greatest value apart from NaN; None if there is none.
    """

    name: str
    index: int
    kind: ChannelKind
    unit: str
    dense: bool
    offsets: NDArray[np.uint64] = field(repr=False, compare=False)
    values: NDArray[np.float32] = field(repr=False, compare=False)
    num_points: int
    range: tuple[float, float] | None

    @property
    def label(self) -> str:
        """Name with the unit behind it."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True)
class PacketStatistics:
    """What became of the packets of a recording; everything but `packets` is 0 in a sound one.

    Attributes
    ----------
    packets : int
        Packets used.
    gaps, lost : int
        Places where the numbering of the packets jumps, and how many packets are missing there.
    discarded : int
        Packets of a size that their type does not have, or with a time stamp that cannot be.
    unknown : int
        Event packets of a type nobody knows.
    foreign : int
        Packets that are not events.
    resynchronised : int
        Places where bytes that belong to no packet were skipped.
    skipped_bytes : int
        How many bytes that were.
    incomplete : int
        Packets cut off by the end of the file.
    before_start : int
        Points left out because they lie before the first one.
    missing_samples : int
        Samples that the file announces but does not hold; NaN stands for them.
    """

    packets: int = 0
    gaps: int = 0
    lost: int = 0
    discarded: int = 0
    unknown: int = 0
    foreign: int = 0
    resynchronised: int = 0
    skipped_bytes: int = 0
    incomplete: int = 0
    before_start: int = 0
    missing_samples: int = 0

    @property
    def damage(self) -> str:
        """What was lost, in words; empty if nothing was."""
        return ", ".join(
            text.format(self)
            for name, text in _DAMAGE.items()
            if getattr(self, name)
        )  # fmt: skip

    def as_dict(self) -> dict[str, int]:
        """All counts by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


_DAMAGE = {
    "gaps": "{0.lost} packets lost in {0.gaps} gaps",
    "discarded": "{0.discarded} packets of a wrong size or time discarded",
    "skipped_bytes": "{0.skipped_bytes} bytes that belong to no packet skipped in {0.resynchronised} places",
    "incomplete": "{0.incomplete} incomplete packet at the end ignored",
    "before_start": "{0.before_start} points before the start left out",
    "missing_samples": "{0.missing_samples} announced samples missing",
}


@dataclass(frozen=True)
class Recovered:
    """Outcome of :func:`recover`.

    Attributes
    ----------
    path : str
        The file made of what was saved.
    num_frames : int
        Frames saved; cells, vessels or events of sets.
    num_expected : int
        Frames the writer had announced, or cells, vessels or events that it had begun to write.
    what : {'frames', 'cells', 'vessels', 'events'}
        What was counted.
    """

    path: str
    num_frames: int
    num_expected: int
    what: str = "frames"


@dataclass(frozen=True)
class NewStart:
    """What aligning does to one file.

    Attributes
    ----------
    path : str
        The file, as given.
    old, new : Time
        Start before and after.
    """

    path: str
    old: Time
    new: Time

    @property
    def changes(self) -> bool:
        """Whether the start moves; if not, the file is not touched."""
        return self.old.secs_since_epoch.fraction != self.new.secs_since_epoch.fraction

    @property
    def shift(self) -> float:
        """Seconds by which the start moves."""
        return float(self.new.secs_since_epoch.fraction - self.old.secs_since_epoch.fraction)
