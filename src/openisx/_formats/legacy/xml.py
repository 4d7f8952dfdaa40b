"""nVista 2 recordings: an `.xml` file that describes a recording and names the files with its frames.

Below the element ``recording`` (docs/formats/movies.md, XML recordings):

=================  ==============================================================================================
element            content
=================  ==============================================================================================
``attrs``          children whose attribute ``name`` is the name of a value and whose text is the value:
                   ``frames``, ``fps``, ``record_start``, ``dropped``, ``width``, ``height``, ``left``, ``top``,
                   ``downsample``; others are ignored
``decompressed``   children whose text is the name of a file in the same folder, `.hdf5`, `.tif` or `.tiff`, with
                   an optional attribute ``frames``: how many frames of it count
=================  ==============================================================================================

``dropped`` lists indices on the final time line, ``[1, 4]``; ``frames`` counts the recorded frames without them.
``record_start`` is a wall time without zone, ``Jul 14, 2017 02:40:00.123000 PM``, taken as UTC.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.paths import extension
from openisx._formats.base import MovieSource, refuse_absurd_size
from openisx._formats.kinds import DataKind
from openisx._formats.legacy.clock import made_up_timing, timing_from_stamps, utc
from openisx._formats.legacy.hdf5 import MovieHdf5
from openisx._formats.legacy.tiff import MovieTiff
from openisx.core.spacing import Spacing
from openisx.core.timing import Duration, Timing
from openisx.errors import IsxFileError, IsxFormatError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource
    from openisx.core.timing import Time

__all__ = ["RecordingXml"]

_LARGEST = 1 << 24
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_START = re.compile(
    r"([a-z]{3})[a-z]* +(\d{1,2}), *(\d{4}),? +(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,6})\d*)? *([ap])m",
    re.ASCII | re.IGNORECASE,
)
_INTEGER = re.compile(r"\s*(\d{1,18})", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class RecordingXml(MovieSource):
    """An open recording of one or more parts.

    Raises
    ------
    IsxFileError
        The description is damaged, or a part is missing, damaged or unlike the first.
    """

    def __init__(self, file: ByteSource) -> None:
        self.path, self.given_path = file.path, file.given_path
        self._parts: list[MovieHdf5 | MovieTiff] = []
        self._file = file
        try:
            recording = _recording(file)
            attributes = _attributes(recording)
            names, counts = _part_names(recording, self.given_path)
            self._open_parts(names)
            self._lengths = _lengths(self._parts, counts)
            self._ends = np.cumsum(self._lengths)
            self.dtype = self._parts[0].dtype
            self.spacing = _spacing(attributes, self._parts[0].spacing.num_pixels)
            self._set_timing(attributes, counts)
        except BaseException:
            self.close()
            raise
        self.kind = DataKind.of_frames(self.timing.num_samples)

    def _open_parts(self, names: Sequence[str]) -> None:
        opener = MovieHdf5 if extension(names[0]) == "hdf5" else MovieTiff
        for name in names:
            part = opener(self._file.sibling(name))
            self._parts.append(part)
            first = self._parts[0]
            if (part.spacing.num_pixels, part.dtype) != (first.spacing.num_pixels, first.dtype):
                raise IsxFormatError(
                    f"{self.given_path}: the part {name} has frames of {part.spacing.num_pixels} {part.dtype}, "
                    f"the first part of {first.spacing.num_pixels} {first.dtype}."
                )

    def _set_timing(self, attributes: Mapping[str, str], counts: Sequence[int | None]) -> None:
        stored = int(self._ends[-1])
        recorded = (
            sum(count or 0 for count in counts) or _whole_number(attributes.get("frames", "")) or stored
        )
        timed = bool(attributes.get("record_start") and attributes.get("fps"))
        timed = timed and bool(attributes.get("frames") or any(counts))
        start = _start(attributes["record_start"]) if timed else None
        if start is None:
            stamps = [getattr(part, "stamps", None) for part in self._parts]
            known = [part for part in stamps if part is not None]
            recorded = sum(count for count, _, _ in known) if len(known) == len(stamps) else stored
        dropped = self._dropped(attributes.get("dropped", ""), recorded)
        num_samples = recorded + len(dropped)
        refuse_absurd_size(self.given_path, num_samples, 0, sum(part.file_size for part in self._parts))
        if start is not None:
            period = _period(attributes["fps"], self.given_path)
            self.timing = Timing(num_samples, period, start, dropped).normalized()
        elif len(known) == len(stamps):
            self.timing = timing_from_stamps(num_samples, known, dropped)
        else:
            self.timing = made_up_timing(num_samples, dropped)
            self.assumed = ("start", "period")
        self.num_stored = min(self.timing.samples.num_valid, stored)

    def _dropped(self, text: str, recorded: int) -> list[int]:
        """Dropped samples that lie within the recording, ascending."""
        pieces = [piece for piece in text.strip()[1:-1].split(",") if piece.strip()]
        found = [_INTEGER.match(piece) for piece in pieces]
        if None in found:
            raise IsxFormatError(
                f"{self.given_path}: dropped should be a list such as [1, 4], not {text[:60]!r}."
            )
        indices = sorted({int(match[1]) for match in found if match})
        inside = list(itertools.takewhile(lambda pair: pair[1] <= recorded + pair[0], enumerate(indices)))
        if len(inside) < len(indices):
            warn(f"{self.given_path}: ignored {len(indices) - len(inside)} dropped frames behind its end.")
        return [index for _, index in inside]

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with the pixels of a stored frame of whichever part holds it."""
        self._file.require_open()
        k = int(self._ends.searchsorted(stored, "right"))
        part = self._parts[k]
        within = stored - int(self._ends[k] - self._lengths[k])
        if within >= part.num_stored:
            raise IsxFormatError(
                f"Error reading movie frame: {self.given_path}. The part {part.given_path} holds only "
                f"{part.num_stored} of the {self._lengths[k]} frames announced."
            )
        part.read_frame(within, out)

    def frames(self) -> NDArray[Any] | None:
        """View of the frames of a recording of one part, where its format has one."""
        view = self._parts[0].frames() if len(self._parts) == 1 else None
        return None if view is None or len(view) < self.num_stored else view[: self.num_stored]

    def close(self) -> None:
        """Release all parts."""
        for part in self._parts:
            part.close()
        self._file.close()


def _recording(file: ByteSource) -> Element:
    """The element that describes the recording."""
    import defusedxml.ElementTree
    from defusedxml import DefusedXmlException

    path = file.given_path
    if file.size > _LARGEST:
        raise IsxFormatError(f"{path} has {file.size} bytes, too many for a description of a recording.")
    text = file.read(0, file.size)
    try:
        root = defusedxml.ElementTree.fromstring(text)
    except DefusedXmlException as error:
        raise IsxFormatError(f"{path} is refused: {error}. No recording has entities of its own.") from None
    except (SyntaxError, ValueError, LookupError, RecursionError) as error:
        raise IsxFormatError(f"{path} is not XML, or is damaged: {error}") from None
    recording: Element | None = next(root.iter("recording"), None)
    if recording is None:
        raise IsxFormatError(f"{path} describes no recording: it has no element of that name.")
    return recording


def _attributes(recording: Element) -> dict[str, str]:
    return {
        child.get("name", ""): (child.text or "").strip()
        for section in recording.findall("attrs")
        for child in section
    }


def _part_names(recording: Element, path: str) -> tuple[list[str], list[int | None]]:
    """Names of the parts, and the number of frames given for each."""
    parts = [child for section in recording.findall("decompressed") for child in section]
    names = [(part.text or "").strip() for part in parts]
    if not names or not all(names):
        raise IsxFormatError(f"{path} names no file with frames.")
    ending = extension(names[0])
    if ending not in ("hdf5", "tif", "tiff"):
        raise IsxFileError(f"File extension not supported: {ending} ({names[0]}, a part of {path})")
    return names, [_whole_number(part.get("frames", "")) for part in parts]


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,18}", text.strip(), re.ASCII) else None


def _lengths(parts: Sequence[MovieHdf5 | MovieTiff], counts: Sequence[int | None]) -> NDArray[np.int64]:
    """Number of frames of each part; what the description says counts for TIFF files only."""
    announced = isinstance(parts[0], MovieTiff) and all(counts)
    lengths = counts if announced else [part.num_stored for part in parts]
    return np.array(lengths, dtype=np.int64)


def _start(text: str) -> Time | None:
    """Start of a recording, None if the text is no time."""
    match = _START.fullmatch(text)
    try:
        if match is None:
            moment = dt.datetime.fromisoformat(text)
        else:
            month, day, year, hour, minute, second, fraction, half = match.groups()
            moment = dt.datetime(  # noqa: DTZ001 - the zone follows
                int(year),
                _MONTHS.index(month.lower()) + 1,
                int(day),
                int(hour) % 12 + (12 if half in "pP" else 0),
                int(minute),
                int(second),
                int((fraction or "0").ljust(6, "0")),
            )
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    usecs = (moment - _EPOCH) // dt.timedelta(microseconds=1)
    return utc(usecs, 1_000_000) if usecs % 1000 else utc(usecs // 1000, 1000)


def _period(fps: str, path: str) -> Duration:
    """Inverse of the frame rate in thousandths of a hertz."""
    try:
        millihertz = int(float(fps) * 1000 + 0.5)
    except (ValueError, OverflowError):
        millihertz = 0
    if not 0 < millihertz < 2**63:
        raise IsxFormatError(f"{path}: fps should be a number of frames per second, not {fps[:60]!r}.")
    return Duration.from_ratio(1000, millihertz)


def _spacing(attributes: Mapping[str, str], num_pixels: tuple[int, int]) -> Spacing:
    """Spacing with the pixel size and corner of the sensor, if the description has all of it."""
    if not all(attributes.get(key) for key in ("width", "height", "downsample", "left", "top")):
        return Spacing(num_pixels)
    match = _INTEGER.match(attributes["downsample"])
    size = 3 * (int(match[1]) if match else 1) or 3
    top, left = (_micrometres(attributes[key]) for key in ("top", "left"))
    return Spacing(num_pixels, pixel_size=(size, size), top_left=(top, left))


def _micrometres(text: str) -> int:
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII) else 0
