"""Several devices on one clock: the counter that all files of a recording share (docs/formats/exports.md, Hardware time stamps).

Microscope, behaviour camera and GPIO box stamp their data with one hardware counter in microseconds, while each
file notes its start by a wall clock of its own. Aligning replaces the start of a movie by the one that the
counters imply, seen from a reference file.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from openisx._files.paths import as_path, as_paths, canonical, extension
from openisx._formats.isxb.editing import rewrite_start
from openisx._formats.isxd.editing import edit_metadata
from openisx._formats.isxd.metadata import PRODUCER, timing_to_json
from openisx._formats.json_reading import updated
from openisx._formats.kinds import DataKind, WrongKindError
from openisx._open import open as open_any
from openisx.core._integers import half_away
from openisx.core._timestamps import counted_back
from openisx.core.timing import Duration, Time, Timing
from openisx.errors import IsxError, IsxFormatError, IsxWarning
from openisx.gpio_set import GpioSet
from openisx.movie import Movie
from openisx.structures import NewStart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from typing import Self

    from openisx._files.paths import PathInput, PathInputs

__all__ = ["align_start_times", "plan_start_times"]

_BAD_REFERENCE = "Unsupported data type - only gpio files, isxd movies, and isxb movies are supported as a timing reference."
_BAD_FILE = (
    "Unsupported data type - only isxd movies and isxb movies are supported as input files to align to a timing "
    "reference."
)
_MOVIES = (DataKind.MOVIE, DataKind.NVISION_MOVIE)
_NO_VALID_FRAME = "Failed to find index of first valid frame in isxb file."


def first_counter(movie: Movie, path: str) -> int:
    """Counter of sample 0; if that is missing, counted back from the first one there is (docs/formats/exports.md, First counter).

    Parameters
    ----------
    movie
        Open, with time stamps.
    path
        For the error message.

    Raises
    ------
    IsxFormatError
        There is no frame at all.
    """
    source = movie._open_source()
    if not source.num_stored:
        raise IsxFormatError(f"{_NO_VALID_FRAME} ({path})")
    return counted_back(source.timestamp(0), source.timing.samples.sample(0), source.timing)


class Recording:
    """A file that carries the shared counter: GPIO data or a movie.

    Parameters
    ----------
    path
        As the caller gave it.
    unsupported
        Message for files of other kinds.

    Raises
    ------
    IsxFileError
        The file is missing, damaged, or of a kind without counters.
    """

    def __init__(self, path: str, unsupported: str) -> None:
        self.path = path
        try:
            opened = open_any(path)
        except WrongKindError:
            raise IsxFormatError(f"{unsupported} ({path})") from None
        kind, ending = _kind(opened), extension(path)
        self.movie = (
            opened if isinstance(opened, Movie) and kind in _MOVIES and ending in ("isxd", "isxb") else None
        )
        self.gpio = (
            opened
            if isinstance(opened, GpioSet) and kind is DataKind.GPIO and ending in ("isxd", "gpio")
            else None
        )
        self._opened = opened
        if self.movie is None and self.gpio is None:
            self.close()
            raise IsxFormatError(f"{unsupported} ({path})")

    @property
    def timing(self) -> Timing:
        """Of the whole file."""
        opened = self.gpio if self.movie is None else self.movie
        assert opened is not None
        return opened.timing

    @property
    def uuid(self) -> str:
        """What all files of a recording share; empty if the file does not tell."""
        if self.gpio is not None:
            return self.gpio.recording_uuid or ""
        assert self.movie is not None
        session: Any = self.movie.metadata or {}
        if self.movie._open_source().kind is not DataKind.NVISION_MOVIE:
            session = session.get("extraProperties")
        section = session.get("processingInterface") if isinstance(session, Mapping) else None
        uuid = section.get("recordingUUID") if isinstance(section, Mapping) else None
        return uuid if isinstance(uuid, str) else ""

    def first_counter(self) -> int:
        """Counter of the first sample.

        Raises
        ------
        IsxError
            The file has no counters.
        """
        if self.gpio is not None:
            first = self.gpio.first_timestamp
            if first is None:
                raise IsxError(f"GPIO first tsc not stored in file metadata. ({self.path})")
            return first
        assert self.movie is not None
        if not self.movie._open_source().has_timestamps:
            raise IsxError(f"Cannot get first tsc from movie with no frame timestamps. ({self.path})")
        return first_counter(self.movie, self.path)

    def close(self) -> None:
        """Release the file."""
        if hasattr(self._opened, "close"):
            self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _kind(opened: Any) -> DataKind | None:
    """Kind of an open GPIO set or movie, None for other objects."""
    if isinstance(opened, GpioSet):
        return DataKind.IMU if opened.is_imu else DataKind.GPIO
    return opened._open_source().kind if isinstance(opened, Movie) else None


def open_paired(reference: str, files: Sequence[str], stack: ExitStack, *, gpio: bool) -> list[Recording]:
    """Open a reference file and files of the same recording; the reference comes first.

    Parameters
    ----------
    reference, files
        Paths as the caller gave them.
    stack
        Closes what is opened.
    gpio
        Whether `files` may be GPIO data too.

    Raises
    ------
    IsxFileError
        A file is missing, damaged or of a kind without counters.
    IsxError
        The files are not of one recording, or do not tell.
    """
    first = stack.enter_context(Recording(reference, _BAD_REFERENCE))
    recordings = [first]
    for path in files:
        recordings.append(stack.enter_context(Recording(path, _BAD_FILE)))
        if recordings[-1].gpio is not None and not gpio:
            raise IsxFormatError(f"{_BAD_FILE} ({path})")
    if (files or not gpio) and not first.uuid:  # to align is to trust the reference, with or without others
        raise IsxError(
            "Cannot determine if files are paired and synchronized - no recording UUID in timing reference file "
            f"metadata. ({reference})"
        )
    for recording in recordings[1:]:
        if recording.uuid != first.uuid:
            raise IsxError(
                "Files are not paired and synchronized - recording UUID of align file "
                f"({recording.uuid}) does not match recording UUID of timing reference file ({first.uuid}). "
                f"The files are {recording.path} and {reference}."
            )
    return recordings


# -- new starts ----------------------------------------------------------------------------------


def _seconds(time: Time) -> Fraction:
    return time.secs_since_epoch.fraction


def aligned_start(reference: Recording, recording: Recording) -> Time:
    """Start of a movie on the wall clock of the reference, rounded to milliseconds (docs/formats/exports.md, Alignment)."""
    start = reference.timing.start
    ratio = start.secs_since_epoch.ratio
    start_ms = ratio.num if ratio.den == 1000 else half_away(ratio.fraction * 1000)
    new_ms = start_ms + half_away((recording.first_counter() - reference.first_counter()) / 1000.0)
    if not 0 <= new_ms < 2**63:
        raise IsxFormatError(
            f"{recording.path} would start {new_ms} ms after 1970; its time stamps, or those of {reference.path}, "
            "are damaged."
        )
    return Time.from_secs_since_epoch(Duration.from_ratio(new_ms, 1000), start.utc_offset)


def plan_start_times(input_ref_file: PathInput, input_align_files: PathInputs) -> list[NewStart]:
    """What :func:`align_start_times` would do, without doing it.

    Parameters
    ----------
    input_ref_file, input_align_files
        As for :func:`align_start_times`.

    Returns
    -------
    list of NewStart
        One for each file, in the order of their paths.
    """
    return [start for start, _ in _plan(input_ref_file, input_align_files)]


def _plan(input_ref_file: PathInput, input_align_files: PathInputs) -> list[tuple[NewStart, Timing]]:
    """For each file its new start and its timing."""
    reference, files = as_path(input_ref_file), as_paths(input_align_files, may_be_empty=True)
    chosen = {canonical(path): path for path in sorted(files, reverse=True)}  # of several names, the first
    chosen.pop(canonical(reference), None)
    with ExitStack() as stack:
        first, *others = open_paired(reference, sorted(chosen.values()), stack, gpio=False)
        return [
            (NewStart(other.path, other.timing.start, aligned_start(first, other)), other.timing)
            for other in others
        ]


def align_start_times(input_ref_file: PathInput, input_align_files: PathInputs) -> None:
    """Set the start times of movies by the counter they share with a reference file, in place.

    A start becomes that of the reference plus the difference of the first counters, rounded to milliseconds, with
    the UTC offset of the reference. Files whose start is right already are not touched. Nothing is written
    before all files are read and checked; frames are never touched, and a file that is being changed reads
    as before or as after whatever happens.

    Parameters
    ----------
    input_ref_file : path
        A `.gpio` file, GPIO data in an `.isxd` file, or a movie (`.isxd`, `.isxb`) with time stamps.
    input_align_files : path or sequence of paths
        Movies (`.isxd`, `.isxb`) of the same recording. The reference itself and repeated paths are left out.

    Raises
    ------
    IsxFileError
        A file is missing, damaged, of another kind, or may not be written.
    IsxError
        The files are not of one recording, or have no time stamps.
    """
    for planned, timing in _plan(input_ref_file, input_align_files):
        if not planned.changes:
            continue
        if extension(planned.path) == "isxd":
            _rewrite_isxd(planned.path, timing, planned.new)
        elif not rewrite_start(planned.path, planned.new):
            warnings.warn(
                f"{planned.path}: the header has the new start, but readers go on showing the old one: the session "
                "metadata of this file carry a timing of their own, which leaves no room for the new start.",
                IsxWarning,
                stacklevel=2,
            )


def _rewrite_isxd(path: str, timing: Timing, start: Time) -> None:
    """Replace start and period in the metadata, keeping everything else the file says."""
    moved = timing.replace(start=start)

    def change(metadata: dict[str, Any]) -> dict[str, Any]:
        info = updated(metadata.get("timingInfo"), timing_to_json(moved))
        return metadata | {"producer": PRODUCER, "timingInfo": info}

    with warnings.catch_warnings():  # given already, when the file was read
        warnings.simplefilter("ignore", IsxWarning)
        edit_metadata(path, change)
