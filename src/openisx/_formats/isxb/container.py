"""Behaviour movies of nVision cameras, `.isxb`: what surrounds the pixels (docs/formats/isxb.md).

A header, a stream of JPEG images, and two JSON objects; integers are little-endian.

======  ====  ==================================================================================
offset  type  header field
======  ====  ==================================================================================
0       u64   version (100 so far; not checked)
8       u64   size of the header, 96
16      u64   start of the recording, milliseconds since the epoch
24      i64   offset of local time from UTC, minutes
32      u64   number of frames stored
40      u64   number of dropped frames
48      u64   where the video starts
56      u64   size of the video (not needed, and wrong in some files)
64, 72  u64   offset and size of the frame metadata; size 0 if there are none
80, 88  u64   offset and size of the session metadata
======  ====  ==================================================================================

Frame metadata: ``samples``, one object per stored frame with ``tsc`` (microseconds), ``fc`` (frame counter, which
steps over dropped frames) and optionally ``tracker`` (:mod:`openisx._formats.isxb.tracking`); ``droppedFrames``, the sample
indices that are missing.

Session metadata: ``cameraName`` says which member of ``processingInterface`` describes the camera; its
``recordFov`` is the geometry. Files rewritten by the desktop application hold ``timingInfo`` and ``spacingInfo``
as `.isxd` files do, and these overrule everything else.

The session metadata follow the frame metadata at once, whatever their offset says: some files hold nonsense there.

A recording or copy that was interrupted ends somewhere in these pieces. As long as there are images, what is left is
read: the images, the records of as many frames as are whole, and the members of the session metadata that are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.base import BEST_COMPRESSION, refuse_absurd_size
from openisx._formats.isxb.jpeg import JpegIndex, picture_size
from openisx._formats.isxd.metadata import MAX_SAMPLES, spacing_from_json, timing_from_json
from openisx._formats.json_reading import JsonObject, collector_paused, parse, parse_undamaged
from openisx.core.spacing import Spacing
from openisx.core.timing import Duration, Time, Timing
from openisx.errors import IsxFormatError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["FrameColumns", "Header", "Isxb"]

_HEADER = struct.Struct("<QQQqQQQQQQQQ")
_MAX_SIDE = 65535  # of a JPEG image
_MAX_UTC_OFFSET = 14 * 60  # minutes; larger values were written in seconds by some versions
_LATEST_START = 253_402_214_399_999  # milliseconds; the last but one day of the year 9999
_MOST_UNNAMED = 100_000
_MOST_SAVED = 1 << 28  # bytes of damaged metadata looked at


@dataclass(frozen=True)
class Header:
    """The binary header, less what no reader needs."""

    start_ms: int
    utc_offset: int
    num_frames: int
    num_dropped: int
    video: int
    meta: int
    meta_size: int
    session: int
    session_size: int

    @property
    def meta_end(self) -> int:
        """First byte behind the frame metadata."""
        return self.meta + self.meta_size

    @property
    def video_end(self) -> int:
        """Where the images end at the latest."""
        behind = self.meta if self.meta_size else self.session
        return behind if behind > self.video else 2**63


@dataclass(frozen=True, eq=False)
class FrameColumns:
    """What every use needs of the per-frame records; the records themselves are large."""

    tsc: NDArray[np.uint64]  # 0 where missing
    has_tsc: NDArray[np.bool_]
    described: int  # frames with a record; fewer than there are in damaged files
    first_fc: int | None
    last_fc: int | None
    dropped: NDArray[np.uint64]


class Isxb:
    """An open `.isxb` file with its header and metadata.

    Parameters
    ----------
    file
        Closed again if it is no such movie.

    Raises
    ------
    IsxFileError
        The file cannot be opened or is damaged.
    """

    def __init__(self, file: ByteSource) -> None:
        self.file = file
        self.path = path = file.given_path
        self._damage: list[str] = []  # of metadata; not empty if these are only partly known
        try:
            self.header = self._read_header()
            self.num_frames = self.header.num_frames
            self.session = JsonObject(self._read_session(), path)
            with collector_paused():  # until the records are gone again
                self.columns = self._read_columns()
        except BaseException:
            self.file.close()
            raise

    @property
    def is_damaged(self) -> bool:
        """Whether only a part of the metadata could be read."""
        return bool(self._damage)

    def images(self, count: int | None = None) -> JpegIndex:
        """Index of the first `count` images; of all if that is None."""
        return JpegIndex(self.file, self.header.video, self.header.video_end, count)

    @cached_property
    def _every_image(self) -> JpegIndex:
        return self.images()

    def _read_header(self) -> Header:
        if self.file.size < _HEADER.size:
            raise IsxFormatError(
                f"Failed to read header ({self.path}). An .isxb file starts with {_HEADER.size} bytes of header; "
                f"this one has {self.file.size} bytes in all."
            )
        values = _HEADER.unpack(self.file.read(0, _HEADER.size))
        return Header(*values[2:7], *values[8:])

    def _read_session(self) -> Any:
        header = self.header
        self.session_place: int | None = None  # unless it is whole
        places = [header.meta_end, header.session] if header.meta_size else [header.session]
        if header.meta_size and header.session > header.meta_end:
            places.reverse()
        failures, saved = [], []
        for place in places:
            if not header.session_size or place + header.session_size > self.file.size:
                failures.append(
                    f"Failed to read session metadata. ({self.path}) The header puts {header.session_size} bytes at "
                    f"byte {place}; the file has {self.file.size} bytes."
                )
            else:
                try:
                    session = parse(self.file.read(place, header.session_size), self.path, "session metadata")
                except IsxFormatError as damage:
                    failures.append(
                        f"Failed to parse json session metadata for reading: {damage} (byte {place})"
                    )
                else:
                    self.session_place = place
                    return session
            saved.append(self._undamaged(place, header.session_size, 1))
        self._damage.append(failures[0])
        return max(saved, key=len)

    def _undamaged(self, place: int, size: int, depth: int) -> dict[str, Any]:
        """What can be read of metadata that are cut or damaged."""
        size = min(size, self.file.size - place, _MOST_SAVED)
        return parse_undamaged(self.file.read(place, size), depth) if size > 0 else {}

    def frame_records(self) -> list[Mapping[str, Any]]:
        """One object per stored frame, decoded anew; empty if there are no frame metadata."""
        return self._samples(self._frame_metadata()) or []

    def _frame_metadata(self) -> JsonObject:
        header = self.header
        records: Any = {}
        try:
            if header.meta_end > self.file.size:
                raise IsxFormatError(
                    f"{self.path}: the header puts {header.meta_size} bytes of frame metadata at byte "
                    f"{header.meta}; the file has {self.file.size} bytes."
                )
            if header.meta_size:
                data = self.file.read(header.meta, header.meta_size)
                records = parse(data, self.path, "frame metadata")
        except IsxFormatError as damage:
            self._damage.append(
                f"Failed to parse json per-frame metadata for reading: {damage} (byte {header.meta})"
            )
            records = self._undamaged(header.meta, header.meta_size, 2)
        return JsonObject(records, self.path)

    def _samples(self, records: JsonObject) -> list[Mapping[str, Any]] | None:
        if "samples" not in records:
            return None
        return records.list_of("samples", lambda sample: isinstance(sample, dict), "objects")

    def _read_columns(self) -> FrameColumns | None:
        records = self._frame_metadata()
        samples = self._samples(records)
        if samples is not None and len(samples) != self.header.num_frames:
            self._damage.append(
                f"Failed to parse per-frame json metadata. Unexpected number of samples: {self.path} announces "
                f"{self.header.num_frames} frames and describes {len(samples)}."
            )
        if self._damage:
            self._count_images(samples)
        if samples is None:
            return None
        samples = samples[: self.num_frames]
        tsc = [sample.get("tsc") for sample in samples]
        good = [type(value) is int and 0 <= value < 2**64 for value in tsc]
        if not all(good):
            tsc = [value if ok else 0 for value, ok in zip(tsc, good, strict=True)]
            self._warn(f"{good.count(False)} of {len(good)} frames have no usable time stamp.")
        first, last = (
            value if type(value) is int and 0 <= value < 2**63 else None
            for value in (samples[k].get("fc") if samples else None for k in (0, -1))
        )
        dropped = records.get("droppedFrames") or []
        if not isinstance(dropped, list) or any(type(i) is not int or not 0 <= i < 2**64 for i in dropped):
            raise IsxFormatError(f"{self.path}: droppedFrames should be a list of sample indices.")
        lost = self.num_frames - len(samples)
        return FrameColumns(
            np.array([*tsc, *[0] * lost], dtype=np.uint64),
            np.array([*good, *[False] * lost], dtype=np.bool_),
            len(samples),
            first,
            last,
            np.array(dropped, dtype=np.uint64),
        )

    def _count_images(self, samples: list[Mapping[str, Any]] | None) -> None:
        """Let the video tell how many frames there are, since the metadata do not."""
        if self._every_image.range_of(0) is None:
            raise IsxFormatError(self._damage[0])
        self.num_frames = self._every_image.count()
        described = min(len(samples or []), self.num_frames)
        self._warn(
            f"the file is cut or damaged. {self._damage[0]} What is left is read: {self.num_frames} images, "
            f"{described} of them with time stamps."
            + ("" if described else " Nothing is known of the period and perhaps of dropped frames.")
        )

    def no_key(self, key: str) -> IsxFormatError:
        """Error for a member that is missing."""
        return IsxFormatError(
            f"Error while parsing JSON object: No key ({key}) in JSON object. The metadata of {self.path} are "
            "incomplete."
        )

    def _warn(self, text: str) -> None:
        warn(f"{self.path}: {text}")

    # -- timing ----------------------------------------------------------------------------------

    def timing(self) -> Timing:
        """Start, period and missing samples, normalised."""
        if "timingInfo" in self.session:
            return timing_from_json(self.session.object("timingInfo"))
        header, columns = self.header, self.columns
        if columns is None and not self._damage:
            raise self.no_key("samples")
        offset = header.utc_offset * (60 if abs(header.utc_offset) <= _MAX_UTC_OFFSET else 1)
        if header.start_ms > _LATEST_START or abs(offset) > _MAX_UTC_OFFSET * 60:
            raise IsxFormatError(
                f"{self.path}: the start of the recording in the header ({header.start_ms} ms, UTC offset "
                f"{header.utc_offset} min) is impossible; the header is damaged."
            )
        start = Time.from_secs_since_epoch(Duration.from_ratio(header.start_ms, 1000), offset)
        if columns is None:
            return Timing(self.num_frames, self._nominal_period(), start)
        num_samples, dropped = self._count_samples(columns.dropped)
        return Timing(num_samples, self._period(columns), start, dropped).normalized()

    def _count_samples(self, listed: NDArray[np.uint64]) -> tuple[int, NDArray[np.uint64]]:
        """Number of samples, and which are dropped, such that as many remain as frames are stored."""
        stored, counted = self.num_frames, self.header.num_dropped
        dropped = np.unique(listed)
        if self._damage:  # the counts are those of the whole recording
            dropped = dropped[dropped - np.arange(len(dropped), dtype=np.uint64) < stored]
            return stored + len(dropped), dropped
        total = stored + max(counted, len(dropped))
        inside = dropped[dropped < total]
        unnamed = total - len(inside) - stored
        if total > MAX_SAMPLES or unnamed > _MOST_UNNAMED:
            raise IsxFormatError(
                f"{self.path}: the header counts {counted} dropped frames, the frame metadata name {len(listed)}; "
                "one of them is damaged."
            )
        if counted != len(dropped) or unnamed:
            self._warn(
                f"the header counts {counted} dropped frames, the frame metadata name {len(inside)} within the "
                f"recording; {unnamed} are taken as dropped at its end."
            )
        if unnamed:
            valid = np.setdiff1d(np.arange(total, dtype=np.uint64), inside, assume_unique=True)
            inside = np.union1d(inside, valid[stored:])
        return total, inside

    def _period(self, columns: FrameColumns) -> Duration:
        """Mean interval between frame counters, not reduced; what the camera was set to if that is unknown."""
        last = columns.described - 1
        if last > 0:
            if not (columns.has_tsc[0] and columns.has_tsc[last]):
                raise self.no_key("tsc")
            if columns.first_fc is None or columns.last_fc is None:
                raise self.no_key("fc")
            elapsed = int(columns.tsc[last]) - int(columns.tsc[0])
            counted = (columns.last_fc - columns.first_fc) * 1_000_000
            if 0 <= elapsed < 2**63 and 0 < counted < 2**63:
                return Duration.from_ratio(elapsed, counted)
            self._warn(
                "time stamps or counters of the frames do not increase; the period is what the camera was set to."
            )
        return self._nominal_period()

    def _nominal_period(self) -> Duration:
        cameras, name = self.session.get("processingInterface"), self.session.get("cameraName")
        camera = cameras.get(name) if isinstance(cameras, dict) and isinstance(name, str) else None
        sensor = camera.get("sensorParams") if isinstance(camera, dict) else None
        sensor = sensor if isinstance(sensor, dict) else {}
        for section in (sensor.get("sensorFov"), sensor):
            rate = section.get("fps") if isinstance(section, dict) else None
            if isinstance(rate, (int, float)) and 1e-3 < rate < 1e6:
                return Duration.from_ratio(1000, round(rate * 1000))
        return Duration()

    # -- geometry --------------------------------------------------------------------------------

    def spacing(self) -> Spacing:
        """Number, size and position of the pixels."""
        if "spacingInfo" in self.session:
            spacing = spacing_from_json(self.session.object("spacingInfo"))
        else:
            try:
                spacing = self._field_of_view()
            except IsxFormatError:
                if not self._damage:
                    raise
                spacing = self._size_of_first_image()
        rows, columns = spacing.num_pixels
        if max(rows, columns) > _MAX_SIDE:
            raise IsxFormatError(
                f"{self.path}: no JPEG image has {columns} x {rows} pixels; the metadata are damaged."
            )
        refuse_absurd_size(self.path, 0, rows * columns, self.file.size, BEST_COMPRESSION)
        return spacing

    def _size_of_first_image(self) -> Spacing:
        place = self._every_image.range_of(0)
        size = picture_size(self.file.read(*place)) if place else None
        if size is None:
            raise IsxFormatError(self._damage[0])
        return Spacing(num_pixels=size)

    def _field_of_view(self) -> Spacing:
        if "cameraName" not in self.session:
            raise self.no_key("cameraName")
        section = self.session
        for key in ("processingInterface", self.session.string("cameraName"), "recordFov"):
            if key not in section:
                raise self.no_key(key)
            section = section.object(key)
        for key in ("width", "height", "originx", "originy"):
            if key not in section:
                raise self.no_key(key)
        cols, rows = (section.integer(side, 0, _MAX_SIDE) for side in ("width", "height"))
        left, top = (section.integer(corner, maximum=2**63 - 1) for corner in ("originx", "originy"))
        return Spacing((rows, cols), top_left=(top, left))
