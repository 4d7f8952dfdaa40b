"""Everything recorded of one animal at one time, on one clock: :class:`Session`."""

from __future__ import annotations

import math
import os
import warnings
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.paths import as_path, require_existing
from openisx._open import open as open_any
from openisx._session.clock import placed
from openisx._session.files import read_file
from openisx._session.folders import files_in
from openisx._session.grouping import SessionFiles, group, one_session
from openisx._session.showing import html_of, text_of
from openisx.core.timing import Duration, Time
from openisx.errors import IsxError, IsxWarning, warn
from openisx.event_set import EventSet
from openisx.gpio_set import GpioSet
from openisx.movie import Movie

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from openisx._files.paths import PathInput
    from openisx._session.clock import Place
    from openisx._session.files import SessionFile

__all__ = ["Session", "SessionItem", "find_sessions", "open_session"]

#: Entry of the session metadata -> name in :attr:`Session.subject`.
_SUBJECT = {
    "Animal ID": "id",
    "Animal Species": "species",
    "Animal Sex": "sex",
    "Animal Date of Birth": "date_of_birth",
    "Animal Weight": "weight",
    "Animal Description": "description",
}
#: Whose word counts first about the animal.
_ORDER = ("movie", "gpio", "imu", "cells", "events", "vessels", "image", "behavior")
_CLOCKS = {
    "counter": "hardware counter",
    "movie": "frames of {}",
    "wall clock": "wall clock",
    "none": "no clock: at the start of the session",
}


class SessionItem:
    """A movie, plane, set or image of a session, and when its samples are.

    Attributes
    ----------
    kind : str
        ``"movie"``, ``"behavior"``, ``"cells"``, ``"events"``, ``"vessels"``, ``"gpio"``, ``"imu"`` or ``"image"``.
    role : str
        Of movies ``"raw"`` or ``"processed"``, else empty.
    path : str
        The file.
    name : str
        Name of the file, with that of the plane or colour where several take turns in it.
    efocus : int or None
        Electronic focus, where the file tells.
    channel : str or None
        Colour, where the file tells.
    clock : str
        How its place in time was decided: by the hardware counter that devices share, by the frames of the movie it was
        made of, by the wall clock of its device, or not at all.
    shift : float
        Seconds by which the wall clock of its device was corrected; negative if that was fast.
    """

    def __init__(
        self, session: Session, place: Place, efocus: int | None, channel: str | None, part: str
    ) -> None:
        file = place.file
        self._session, self._place, self._part = session, place, part
        self.kind, self.path = file.kind, file.path
        self.role = ("processed" if file.processed else "raw") if file.kind == "movie" else ""
        self.name = os.path.basename(file.path) + (f" {part}" if part else "")
        self.efocus, self.channel = efocus, channel
        movie = os.path.basename(place.movie.file.path) if place.movie is not None else ""
        self.clock = (
            _CLOCKS[place.how].format(movie) if not place.problem else f"wall clock, since {place.problem}"
        )
        self.shift = float(place.shift)

    def open(self) -> Any:
        """Open the data: a Movie, Image, CellSet, EventSet, VesselSet or GpioSet; the caller closes it.

        A plane or colour is a view of the movie in which it takes turns.
        """
        opened: Any = open_any(self.path)
        if not self._part:
            return opened
        for part in opened.split(strict=False):
            if part.name == self._part:
                return part.movie
        raise IsxError(
            f"{self.path} has no part {self._part} any more; it was changed since the session was read."
        )

    @property
    def start(self) -> float:
        """Seconds from the start of the session to its first sample, or to offset 0 of signals."""
        if self._part and len(self.times):
            return float(self.times[0])
        return float(self._place.start - self._session._origin)

    @property
    def stop(self) -> float:
        """Seconds from the start of the session to the end of its last sample."""
        timing = self._place.file.timing
        return (
            float(self._place.start - self._session._origin) + timing.num_samples * timing.period.secs_float
        )

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """Seconds from the start of the session to every sample that exists, ascending.

        Of event sets the times of all events, of GPIO those of all points; an image has none.
        """
        if self.kind == "image":
            return np.zeros(0)
        opened = self.open()
        try:
            times = self._times_of(opened)
        finally:
            opened.close()
        times.flags.writeable = False
        return times

    def _times_of(self, opened: Any) -> NDArray[np.float64]:
        session, place = self._session, self._place
        if isinstance(opened, Movie):
            source = opened._open_source()
            if place.how == "counter" and source.has_timestamps:
                stamps = source.timestamps()
                assert stamps is not None
                return place.of_counters(stamps, session._origin)
            if self._part:
                timing = source.timing
                later = timing.start.secs_since_epoch.fraction - place.file.start
                return timing.seconds()[timing.samples.mask()] + float(place.start + later - session._origin)
            return place.of_samples(session._origin, session._frames_of)[: source.num_stored]
        if isinstance(opened, EventSet):
            offsets = [opened.get_cell_data(k)[0] for k in range(opened.num_cells)]
        elif isinstance(opened, GpioSet):
            offsets = [opened.get_channel_data(k)[0] for k in range(opened.num_channels)]
        else:
            return place.of_samples(session._origin, session._frames_of)
        every = np.unique(np.concatenate(offsets)) if offsets else np.zeros(0, np.uint64)
        return self.seconds(every)

    def seconds(self, offsets: NDArray[Any]) -> NDArray[np.float64]:
        """Seconds from the start of the session to offsets since the start of the file.

        Parameters
        ----------
        offsets : ndarray of int
            Microseconds, as event, GPIO and IMU sets give them.
        """
        return self._place.of_offsets(np.asarray(offsets), self._session._origin, self._session._frames_of)

    @cached_property
    def gaps(self) -> list[tuple[float, float]]:
        """Spans without samples, where some are missing: (seconds from the start of the session to its begin, and to its end)."""
        if self.kind in ("events", "gpio", "image") or len(self.times) < 2:
            return []
        period = float(np.median(np.diff(self.times)))
        wide = np.flatnonzero(np.diff(self.times) > 1.5 * period)
        return [(float(self.times[k]) + period, float(self.times[k + 1])) for k in wide]

    def __repr__(self) -> str:
        return f"<isx.SessionItem {self.kind} {self.name!r} from {self.start:.3f} to {self.stop:.3f} s, by {self.clock}>"


class Session:
    """Files that belong together: which they are, and when each sample of each of them was, on one clock.

    Made by :func:`isx.open_session` and :func:`isx.find_sessions`, which read metadata only and keep no file open.

    Times are float64 seconds since :attr:`start`. Devices that share a hardware counter are placed by it; cells, events,
    vessels and processed movies by the frames of the movie they were made of; others by their wall clocks. The files are never
    changed.

    Examples
    --------
    >>> session = isx.open_session("recordings/2024-03-12")
    >>> session.movies[0].times, session.cells[0].open().traces
    """

    def __init__(self, files: SessionFiles, notes: Sequence[str] = ()) -> None:
        places = [place for recording in files.recordings for place in placed(recording.files)]
        clocked = [place for place in places if place.how != "none"]
        first = min((place.start for place in clocked or places), default=Fraction(0))
        self._origin = Fraction(math.floor(first * 1_000_000), 1_000_000)
        clockless = [place for place in places if place.how == "none"]
        if clocked:
            least = min((place.base for place in clockless), default=Fraction(0))
            for place in clockless:
                place.base += self._origin - least
        self._places, self._files, self._given_notes = places, files, list(notes)
        self._nodes: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        #: Everything that is used, in the order of kinds and of time.
        self.items = [
            SessionItem(self, place, efocus, channel, name if len(place.file.parts) > 1 else "")
            for place in sorted(places, key=lambda place: (_ORDER.index(place.file.kind), place.start))
            for efocus, channel, name in place.file.parts
        ]
        _mark_coarser(self.items)

    def _frames_of(self, place: Place) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Nominal times of the frames of a movie since its start, and their times since the start of the session."""
        if id(place) not in self._nodes:
            with Movie.read(place.file.path) as movie:
                source = movie._open_source()
                nominal = source.timing.seconds()[source.timing.samples.mask()][: source.num_stored]
                stamps = source.timestamps()
                assert stamps is not None
                self._nodes[id(place)] = nominal, place.of_counters(stamps, self._origin)
        return self._nodes[id(place)]

    def _of(self, kind: str) -> list[SessionItem]:
        return [item for item in self.items if item.kind == kind]

    @property
    def movies(self) -> list[SessionItem]:
        """Microscope movies; each plane and colour of an interleaved one by itself."""
        return self._of("movie")

    @property
    def behavior(self) -> list[SessionItem]:
        """Behaviour movies and other videos."""
        return self._of("behavior")

    @property
    def cells(self) -> list[SessionItem]:
        """Cell sets."""
        return self._of("cells")

    @property
    def events(self) -> list[SessionItem]:
        """Event sets."""
        return self._of("events")

    @property
    def vessels(self) -> list[SessionItem]:
        """Vessel sets."""
        return self._of("vessels")

    @property
    def gpio(self) -> list[SessionItem]:
        """GPIO sets."""
        return self._of("gpio")

    @property
    def imu(self) -> list[SessionItem]:
        """IMU sets."""
        return self._of("imu")

    @property
    def images(self) -> list[SessionItem]:
        """Single images."""
        return self._of("image")

    @property
    def files(self) -> list[str]:
        """Paths of all files that are used."""
        return [place.file.path for place in self._places]

    @property
    def start(self) -> Time:
        """Time of the earliest sample, to the microsecond, with the UTC offset of the place of the recording."""
        micros = int(self._origin * 1_000_000)
        return Time.from_secs_since_epoch(Duration.from_ratio(micros, 1_000_000), self._utc_offset)

    @property
    def _utc_offset(self) -> int:
        """Of the earliest file with a clock, in seconds, a whole number of minutes."""
        first = min(
            self._places,
            key=lambda place: (place.how != "counter", place.how == "none", place.start),
            default=None,
        )
        offset = 0 if first is None else first.file.timing.start.utc_offset
        return 60 * round(offset / 60) if abs(offset) < 86_400 else 0

    @property
    def duration(self) -> float:
        """Seconds from the start to the end of the last sample."""
        return max((item.stop for item in self.items), default=0.0)

    @property
    def name(self) -> str:
        """Name that the experimenter gave the session; empty if no file tells."""
        return next(iter(sorted(frozenset().union(*(file.names for file in self._ordered)))), "")

    @property
    def subject(self) -> dict[str, Any]:
        """What the files say about the animal: id, species, sex, date_of_birth, weight, description, as far as known."""
        found: dict[str, Any] = {}
        for file in self._ordered:
            for key, name in _SUBJECT.items():
                value = file.info.get(key)
                if name not in found and value not in (None, "", 0):
                    found[name] = value
        return found

    @property
    def devices(self) -> list[dict[str, Any]]:
        """Microscope, lens and camera: ``kind``, and what is known of ``model``, ``serial`` and ``name``."""
        found: dict[tuple[str, Any], dict[str, Any]] = {}
        for file in self._ordered:
            info, camera = file.info, file.kind == "behavior"
            if camera:
                entry = {
                    "kind": "camera",
                    "serial": info.get("Camera Serial Number"),
                    "name": info.get("Camera Name"),
                }
            else:
                entry = {
                    "kind": "microscope",
                    "serial": info.get("Microscope Serial Number"),
                    "model": info.get("Microscope Type"),
                }
            lens = {
                "kind": "lens",
                "model": info.get("Probe Type") if info.get("Probe Type") != "none" else None,
            }
            for device in (entry, lens):
                known = {key: value for key, value in device.items() if value}
                if len(known) > 1:
                    found.setdefault((str(device["kind"]), device.get("serial")), known)
        return list(found.values())

    @property
    def _ordered(self) -> list[SessionFile]:
        return sorted((place.file for place in self._places), key=lambda file: _ORDER.index(file.kind))

    @property
    def notes(self) -> list[str]:
        """What a person should know: files left out, files without a clock, what contradicts."""
        notes = [
            f"{os.path.basename(double.path)} holds what {os.path.basename(original.path)} holds, and is left out"
            for double, original in self._files.doubles
        ]
        clockless = [os.path.basename(place.file.path) for place in self._places if place.how == "none"]
        if clockless:
            notes.append(f"without a clock, so placed at the start: {', '.join(clockless)}")
        notes += [
            f"{os.path.basename(place.file.path)}: {place.problem}" for place in self._places if place.problem
        ]
        for key, name in _SUBJECT.items():
            values = {
                str(file.info[key]) for file in self._ordered if file.info.get(key) not in (None, "", 0)
            }
            if len(values) > 1:
                notes.append(
                    f"files differ in the animal's {name.replace('_', ' ')}: {', '.join(sorted(values))}"
                )
        return [*notes, *self._given_notes]

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        about = ", ".join(
            filter(None, (self.name, self.subject.get("id") and f"animal {self.subject['id']}"))
        )
        return f"<isx.Session {about or 'without a name'}, {self.start}, {len(self.files)} files, {self.duration:.1f} s>"

    def __str__(self) -> str:
        return text_of(self)

    def _repr_html_(self) -> str:
        return html_of(self)


def _mark_coarser(items: Sequence[SessionItem]) -> None:
    """Of two raw movies of one plane at one time, the one with fewer pixels or samples was made of the other."""
    raw = [item for item in items if item.role == "raw"]
    for item in raw:
        for other in raw:
            planes = {(other.efocus, other.channel), (item.efocus, item.channel)} - {(None, None)}
            if other is item or len(planes) > 1:
                continue
            together = item.start < other.stop and other.start < item.stop
            if together and _detail(item._place.file) < _detail(other._place.file):
                item.role = "processed"


def _detail(file: SessionFile) -> float:
    """Pixels per square micrometre and second."""
    assert file.spacing is not None
    height, width = file.spacing.pixel_size
    return 1 / max(abs(height * width) * file.timing.period.secs_float, 1e-300)


def open_session(paths: PathInput | Iterable[PathInput], *, one: bool = False) -> Session:
    """The session that files make up.

    Parameters
    ----------
    paths : path or iterable of paths
        Files in any order, and folders, in which all files of known kinds are taken.
    one : bool, keyword only
        Take all files as one session, whatever they say of themselves.

    Returns
    -------
    Session
        Nothing is kept open.

    Raises
    ------
    ValueError
        No file is given, or they are several sessions; the message lists them.
    IsxFileError
        A file is missing, damaged, or of no known kind.
    """
    given = [as_path(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
    for path in given:
        require_existing(path)
    inside = [path for path in given if os.path.isdir(path)]
    files, _ = files_in(given)
    known, problems = _read([path for path in files if path not in given], lenient=True)
    named, _ = _read([path for path in files if path in given and path not in inside], lenient=False)
    every, left_out = _with_clocks(named, known)
    problems += left_out
    if not every:
        raise ValueError("no files of a session given" + "".join(f"; {problem}" for problem in problems))
    if one:
        return Session(one_session(every), problems)
    sessions = group(every, join_clockless=True)
    if len(sessions) > 1:
        raise ValueError(f"these are {len(sessions)} sessions: {'; '.join(map(_listed, sessions))}")
    return Session(sessions[0], problems)


def _listed(session: SessionFiles) -> str:
    files = [os.path.basename(file.path) for file in session.files]
    shown = ", ".join(files[:4]) + (f" and {len(files) - 4} more" if len(files) > 4 else "")
    start = session.recordings[0].start
    when = "" if start is None else str(session.files[0].timing.start)
    return f"{shown} ({', '.join(filter(None, (session.animal and f'animal {session.animal}', when)))})"


def find_sessions(folder: PathInput) -> list[Session]:
    """All sessions whose files are in a folder or the folders within.

    Parameters
    ----------
    folder : path
        Files of other kinds are passed over; those that cannot be read are told in one warning and in the notes of
        all sessions.

    Returns
    -------
    list of Session
        In order of time.

    Raises
    ------
    IsxFileError
        There is no such folder.
    """
    path = as_path(folder)
    require_existing(path)
    return sessions_of([path])


def sessions_of(paths: Sequence[str]) -> list[Session]:
    """All sessions of files and of the files in folders; what cannot be read is told in one warning."""
    files, _ = files_in(paths)
    known, problems = _read(files, lenient=True)
    known, left_out = _with_clocks([], known)
    if problems:
        warn(
            f"{', '.join(paths)}: {len(problems)} files cannot be read: {'; '.join(problems[:5])}{'; ...' if problems[5:] else ''}"
        )
    return [Session(session, problems + left_out) for session in group(known)]


def _with_clocks(
    named: Sequence[SessionFile], found: Sequence[SessionFile]
) -> tuple[list[SessionFile], list[str]]:
    """Files to use: those `named`, and of those `found` in folders the ones with a clock, unless there is none."""
    if not any(file.has_clock for file in (*named, *found)):
        return [*named, *found], []
    left_out = [os.path.basename(file.path) for file in found if not file.has_clock]
    notes = [f"left out, since they do not tell when they start: {', '.join(left_out)}"] if left_out else []
    return [*named, *(file for file in found if file.has_clock)], notes


def _read(paths: Sequence[str], *, lenient: bool) -> tuple[list[SessionFile], list[str]]:
    files, problems = [], []
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IsxWarning)  # those of reading come again with the data
            try:
                files.append(read_file(path))
            except (IsxError, OSError, ValueError) as error:
                if not lenient:
                    raise
                problems.append(f"{os.path.basename(path)} ({' '.join(str(error).split())[:120]})")
    return files, problems
