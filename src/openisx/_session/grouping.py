"""Which files make up a session: :func:`group` (docs/formats/sessions.md, Which files belong together)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from openisx._session.files import SessionFile

__all__ = ["Recording", "SessionFiles", "group"]

_LONGEST_PAUSE = 12 * 3600  # seconds between the recordings of a session

#: Endings of the names of what other software makes of recordings.
_CONVERTED = ("_gpio", "_imu")


@dataclass(eq=False)
class Recording:
    """Files that were recorded together, or made of such."""

    files: list[SessionFile]

    @property
    def animal(self) -> str:
        """The first that a file names."""
        return next((file.animal for file in self.files if file.animal), "")

    @property
    def names(self) -> frozenset[str]:
        """Names of the session that its files give."""
        return frozenset().union(*(file.names for file in self.files))

    @property
    def start(self) -> Fraction | None:
        """Of the earliest file with a clock."""
        return min((file.start for file in self.files if file.has_clock), default=None)

    @property
    def end(self) -> Fraction | None:
        """Of the latest file with a clock."""
        return max((file.end for file in self.files if file.has_clock), default=None)


@dataclass(eq=False)
class SessionFiles:
    """The recordings of a session, and files that were left out as doubles of others."""

    recordings: list[Recording]
    doubles: list[tuple[SessionFile, SessionFile]] = field(default_factory=list)

    @property
    def files(self) -> list[SessionFile]:
        """All files that are used."""
        return [file for recording in self.recordings for file in recording.files]

    @property
    def animal(self) -> str:
        """The first that a recording names."""
        return next((recording.animal for recording in self.recordings if recording.animal), "")


def group(files: Sequence[SessionFile], *, join_clockless: bool = False) -> list[SessionFiles]:
    """Sessions in order of time; files without a clock make one of their own, or join the only one there is."""
    sessions: list[SessionFiles] = []
    recordings = sorted(_recordings(files), key=lambda r: (r.start is None, r.start or 0))
    for recording in recordings:
        session = next((known for known in sessions[-1:] if _continues(known, recording)), None)
        if session is None:
            sessions.append(SessionFiles([recording]))
        else:
            session.recordings.append(recording)
    if join_clockless and len(sessions) == 2 and sessions[1].recordings[0].start is None:
        sessions[0].recordings += sessions.pop().recordings
    for session in sessions:
        for recording in session.recordings:
            recording.files, doubles = _without_doubles(recording.files)
            session.doubles += doubles
    return sessions


def one_session(files: Sequence[SessionFile]) -> SessionFiles:
    """All files as one session, whatever they say."""
    whole = SessionFiles([recording for session in group(files) for recording in session.recordings])
    whole.doubles = [double for session in group(files) for double in session.doubles]
    return whole


def _recordings(files: Sequence[SessionFile]) -> list[Recording]:
    """Files of one recording UUID, with those that have none but fall into its time."""
    by_uuid: dict[str, Recording] = {}
    others = []
    for file in files:
        if file.uuid:
            by_uuid.setdefault(file.uuid, Recording([])).files.append(file)
        else:
            others.append(file)
    recordings = list(by_uuid.values())
    spans = [(recording, recording.start, recording.end, recording.animal) for recording in recordings]
    alone: list[Recording] = []
    for file in others:
        near = [
            recording
            for recording, start, end, animal in spans
            if file.has_clock and start is not None and end is not None
            and file.start < end and start < max(file.end, file.start + 1) and _agree(file.animal, animal)
        ]  # fmt: skip
        if len(near) == 1:
            near[0].files.append(file)
        else:
            alone.append(Recording([file]))
    return recordings + alone


def _agree(first: str, second: str) -> bool:
    return not first or not second or first == second


def _continues(session: SessionFiles, recording: Recording) -> bool:
    before = session.recordings[-1]
    if recording.start is None or before.end is None:
        return recording.start is None and before.end is None  # neither has a clock
    names = frozenset().union(*(known.names for known in session.recordings))
    same_name = not names or not recording.names or bool(names & recording.names)
    soon = recording.start - before.end < _LONGEST_PAUSE
    return _agree(session.animal, recording.animal) and same_name and soon


def _without_doubles(
    files: Sequence[SessionFile],
) -> tuple[list[SessionFile], list[tuple[SessionFile, SessionFile]]]:
    """Files of a recording without those whose content another one has, and these with the other one."""
    order = {id(file): number for number, file in enumerate(files)}
    by_path: dict[str, SessionFile] = {}
    of_kind: dict[str, list[SessionFile]] = {}
    doubles = []
    for file in sorted(files, key=_preference):
        original = by_path.get(file.canonical)
        if original is None and file.kind in ("movie", "gpio", "imu"):
            original = next((other for other in of_kind.get(file.kind, ()) if _is_double(file, other)), None)
        if original is None:
            by_path[file.canonical] = file
            of_kind.setdefault(file.kind, []).append(file)
        else:
            doubles.append((file, original))
    return sorted(by_path.values(), key=lambda file: order[id(file)]), doubles


def _preference(file: SessionFile) -> int:
    """Lower is better: movies of several planes before single ones, `.isxd` before `.isxc`, recordings before conversions."""
    if file.kind == "movie":
        return 0 if len(file.parts) > 1 else 2 if file.extension == "isxc" else 1
    return 1 if file.extension == "isxd" else 0


def _is_double(file: SessionFile, other: SessionFile) -> bool:
    """Whether a file has what another one of its kind has, which is preferred."""
    if file.kind == "movie":
        if file.extension == "isxc" and file.start == other.start:
            return True
        plane = file.parts[0][:2]
        return (
            len(other.parts) > 1 and len(file.parts) == 1 and not file.processed
            and plane in {part[:2] for part in other.parts} and _same_pixels(file, other)
            and other.start <= file.start and file.end <= other.end + other.timing.period.fraction * len(other.parts)
        )  # fmt: skip
    converted = file.path.rpartition(".")[0].endswith(_CONVERTED)
    return (
        file.kind in ("gpio", "imu") and file.extension == "isxd" and converted and other.extension != "isxd"
    )


def _same_pixels(file: SessionFile, other: SessionFile) -> bool:
    return file.spacing is not None and other.spacing is not None and file.spacing == other.spacing
