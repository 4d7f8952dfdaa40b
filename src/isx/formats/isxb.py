"""Behaviour movies of nVision cameras, `.isxb` (spec 09).

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
steps over dropped frames) and optionally ``tracker`` (:mod:`isx.formats.tracking`); ``droppedFrames``, the sample
indices that are missing.

Session metadata: ``cameraName`` says which member of ``processingInterface`` describes the camera; its
``recordFov`` is the geometry. Files rewritten by the desktop application hold ``timingInfo`` and ``spacingInfo``
as `.isxd` files do, and these overrule everything else.
"""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from isx._internal import IsxRatio, IsxSpacingInfo, IsxTime
from isx.acquisition import behavior_acquisition_info
from isx.errors import IsxFormatError, IsxWarning
from isx.files import InputFile
from isx.formats.jpeg import JpegIndex, UndecodableError, luma_decoder, picture_size, size_text
from isx.formats.json_text import JsonObject, parse
from isx.formats.kinds import DataKind
from isx.formats.members import MAX_SAMPLES, spacing_from_json, timing_from_json
from isx.formats.tracking import Tracking, read_tracking
from isx.spacing import Spacing
from isx.timing import Duration, Time, Timing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from isx.formats.frames import FrameHeader
    from isx.formats.jpeg import LumaDecoder

__all__ = ["MovieIsxb"]

_HEADER = struct.Struct("<QQQqQQQQQQQQ")
_MAX_SIDE = 65535  # of a JPEG image
_MOST_PIXELS_PER_BYTE = 1024  # twice what the emptiest JPEG image reaches
_LARGEST_UNCHECKED = 1 << 24
_MAX_UTC_OFFSET = 14 * 60  # minutes; larger values were written in seconds by some versions


@dataclass(frozen=True)
class _Header:
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
        return self.meta + self.meta_size

    @property
    def video_end(self) -> int:
        """Where the images end at the latest."""
        behind = self.meta if self.meta_size else self.session
        return behind if behind > self.video else 2**63


@dataclass(frozen=True)
class _FrameMetadata:
    """The columns of the per-frame records that every use needs; the records themselves are large."""

    tsc: NDArray[np.uint64]  # 0 where missing
    has_tsc: NDArray[np.bool_]
    first_fc: int | None
    last_fc: int | None
    dropped: NDArray[np.uint64]


class MovieIsxb:
    """An open `.isxb` movie; implements :class:`isx.formats.frames.FrameSource`.

    Parameters
    ----------
    path
        As the caller gave it.

    Raises
    ------
    IsxFileError
        The file cannot be opened or is damaged.
    """

    kind = DataKind.NVISION_MOVIE
    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(self, path: str) -> None:
        self._file = InputFile(path)
        self.path = self._file.path
        self.given_path = path
        try:
            self._header = self._read_header()
            self._session = JsonObject(self._read_session(), path)
            self._meta = self._read_frame_metadata()
            self.has_timestamps = self._meta is not None
            self.timing = self._read_timing()
            self.spacing = self._read_spacing()
            self.num_stored = self._count_frames()
        except BaseException:
            self._file.close()
            raise
        self._index = JpegIndex(self._file, self._header.video, self._header.video_end, self.num_stored)
        self._decoders: list[LumaDecoder] = []  # idle ones; one per thread that reads at the same time

    # -- opening ---------------------------------------------------------------------------------

    def _read_header(self) -> _Header:
        if self._file.size < _HEADER.size:
            raise IsxFormatError(
                f"Failed to read header ({self.given_path}). An .isxb file starts with {_HEADER.size} bytes of "
                f"header; this one has {self._file.size} bytes."
            )
        values = _HEADER.unpack(self._file.read(0, _HEADER.size))
        return _Header(*values[2:7], *values[8:])

    def _read_session(self) -> Any:
        header = self._header
        places = [header.meta_end, header.session] if header.meta_size else [header.session]
        if header.meta_size and header.session > header.meta_end:
            places.reverse()
        failure: IsxFormatError | None = None
        for place in places:
            if not header.session_size or place + header.session_size > self._file.size:
                error = IsxFormatError(
                    f"Failed to read session metadata. ({self.given_path}) The header puts {header.session_size} "
                    f"bytes at byte {place}; the file has {self._file.size} bytes."
                )
            else:
                try:
                    return parse(
                        self._file.read(place, header.session_size), self.given_path, "session metadata"
                    )
                except IsxFormatError as damage:
                    error = IsxFormatError(
                        f"Failed to parse json session metadata for reading: {damage} ({self.given_path}, "
                        f"byte {place})"
                    )
            failure = failure or error
        assert failure is not None
        raise failure

    def _frame_records(self) -> JsonObject | None:
        """The frame metadata, decoded; None if there are none."""
        header = self._header
        if not header.meta_size:
            return None
        if header.meta_end > self._file.size:
            raise IsxFormatError(
                f"{self.given_path}: the header puts {header.meta_size} bytes of frame metadata at byte "
                f"{header.meta}; the file has {self._file.size} bytes."
            )
        try:
            records = parse(self._file.read(header.meta, header.meta_size), self.given_path, "frame metadata")
        except IsxFormatError as damage:
            raise IsxFormatError(
                f"Failed to parse json per-frame metadata for reading: {damage} ({self.given_path}, "
                f"byte {header.meta})"
            ) from None
        return JsonObject(records, self.given_path)

    def _read_frame_metadata(self) -> _FrameMetadata | None:
        records = self._frame_records()
        if records is None or ("samples" not in records and "timingInfo" in self._session):
            return None
        samples = self._samples(records)
        if len(samples) != self._header.num_frames:
            raise IsxFormatError(
                "Failed to parse per-frame json metadata. Unexpected number of samples: "
                f"{self.given_path} announces {self._header.num_frames} frames and describes {len(samples)}."
            )
        tsc = [sample.get("tsc") for sample in samples]
        good = np.fromiter((type(t) is int and 0 <= t < 2**64 for t in tsc), np.bool_, len(tsc))
        if not good.all():
            tsc = [t if ok else 0 for t, ok in zip(tsc, good.tolist(), strict=True)]
            warnings.warn(
                f"{self.given_path}: {int((~good).sum())} of {len(good)} frames have no usable time stamp.",
                IsxWarning,
                stacklevel=5,
            )
        counters = [s.get("fc") for s in (samples[:1] + samples[-1:])] or [None, None]
        first, last = (c if type(c) is int and 0 <= c < 2**63 else None for c in (counters[0], counters[-1]))
        dropped = records.get("droppedFrames") or []
        if not isinstance(dropped, list) or any(type(i) is not int or not 0 <= i < 2**64 for i in dropped):
            raise IsxFormatError(f"{self.given_path}: droppedFrames should be a list of sample indices.")
        return _FrameMetadata(
            np.array(tsc, dtype=np.uint64), good, first, last, np.array(dropped, dtype=np.uint64)
        )

    def _samples(self, records: JsonObject) -> list[Mapping[str, Any]]:
        if "samples" not in records:
            raise self._no_key("samples")
        return records.list_of("samples", lambda sample: isinstance(sample, dict), "objects")

    def _no_key(self, key: str) -> IsxFormatError:
        return IsxFormatError(
            f"Error while parsing JSON object: No key ({key}) in JSON object. The metadata of {self.given_path} "
            "are incomplete."
        )

    def _read_timing(self) -> Timing:
        if "timingInfo" in self._session:
            return timing_from_json(self._session.object("timingInfo"))
        header, meta = self._header, self._meta
        if meta is None:
            raise self._no_key("samples")
        offset = header.utc_offset * (60 if abs(header.utc_offset) <= _MAX_UTC_OFFSET else 1)
        if header.start_ms >= 2**63 or abs(offset) > _MAX_UTC_OFFSET * 60:
            raise IsxFormatError(
                f"{self.given_path}: the start of the recording in the header ({header.start_ms} ms, UTC offset "
                f"{header.utc_offset} min) is impossible; the header is damaged."
            )
        start = Time._from_impl(IsxTime(IsxRatio(header.start_ms, 1000), offset))
        num_samples, dropped = self._count_samples(meta.dropped)
        return Timing(num_samples, self._period(meta), start, dropped).normalized()

    def _count_samples(self, listed: NDArray[np.uint64]) -> tuple[int, NDArray[np.uint64]]:
        """Number of samples, and which are dropped, such that as many remain as frames are stored."""
        stored = self._header.num_frames
        dropped = np.unique(listed)
        total = stored + max(self._header.num_dropped, len(dropped))
        inside = dropped[dropped < total]
        unnamed = total - len(inside) - stored
        if total > MAX_SAMPLES or unnamed > stored + 100_000:
            raise IsxFormatError(
                f"{self.given_path}: the header counts {self._header.num_dropped} dropped frames, the frame "
                f"metadata name {len(listed)}; one of them is damaged."
            )
        if self._header.num_dropped != len(dropped) or unnamed:
            warnings.warn(
                f"{self.given_path}: the header counts {self._header.num_dropped} dropped frames, the frame metadata "
                f"name {len(inside)}; {unnamed} are taken as dropped at the end.",
                IsxWarning,
                stacklevel=6,
            )
        if unnamed:
            valid = np.setdiff1d(np.arange(total, dtype=np.uint64), inside, assume_unique=True)
            inside = np.union1d(inside, valid[stored:])
        return total, inside

    def _period(self, meta: _FrameMetadata) -> Duration:
        """Mean interval between frame counters, not reduced; what the camera was set to if that is unknown."""
        if len(meta.tsc) > 1:
            if not (meta.has_tsc[0] and meta.has_tsc[-1]):
                raise self._no_key("tsc")
            if meta.first_fc is None or meta.last_fc is None:
                raise self._no_key("fc")
            elapsed = int(meta.tsc[-1]) - int(meta.tsc[0])
            counted = (meta.last_fc - meta.first_fc) * 1_000_000
            if 0 <= elapsed < 2**63 and 0 < counted < 2**63:
                return Duration._from_num_den(elapsed, counted)
            warnings.warn(
                f"{self.given_path}: time stamps or counters of the frames do not increase; the period is the one "
                "the camera was set to.",
                IsxWarning,
                stacklevel=6,
            )
        return self._nominal_period()

    def _nominal_period(self) -> Duration:
        sensor = self._camera().get("sensorParams")
        sensor = sensor if isinstance(sensor, dict) else {}
        field = sensor.get("sensorFov")
        for section in (field if isinstance(field, dict) else {}, sensor):
            rate = section.get("fps")
            if isinstance(rate, (int, float)) and 1e-3 < rate < 1e6:
                return Duration._from_num_den(1000, round(rate * 1000))
        return Duration()

    def _camera(self) -> Mapping[str, Any]:
        """Description of the camera of this movie; empty if there is none."""
        cameras = self._session.get("processingInterface")
        name = self._session.get("cameraName")
        camera = cameras.get(name) if isinstance(cameras, dict) and isinstance(name, str) else None
        return camera if isinstance(camera, dict) else {}

    def _read_spacing(self) -> Spacing:
        if "spacingInfo" in self._session:
            spacing = spacing_from_json(self._session.object("spacingInfo"))
        else:
            spacing = self._field_of_view()
        rows, columns = spacing.num_pixels
        if max(rows, columns) > _MAX_SIDE or (
            rows * columns > max(_LARGEST_UNCHECKED, _MOST_PIXELS_PER_BYTE * self._file.size)
        ):
            raise IsxFormatError(
                f"{self.given_path}: frames of {columns} x {rows} pixels are impossible in a file of "
                f"{self._file.size} bytes; the metadata are damaged."
            )
        return spacing

    def _field_of_view(self) -> Spacing:
        section = self._session
        name = section.string("cameraName") if "cameraName" in section else None
        if name is None:
            raise self._no_key("cameraName")
        for key in ("processingInterface", name, "recordFov"):
            if key not in section:
                raise self._no_key(key)
            section = section.object(key)
        for key in ("width", "height", "originx", "originy"):
            if key not in section:
                raise self._no_key(key)
        return Spacing._from_impl(
            IsxSpacingInfo(
                num_cols=section.integer("width", 0, _MAX_SIDE),
                num_rows=section.integer("height", 0, _MAX_SIDE),
                left=IsxRatio(section.integer("originx", maximum=2**63 - 1), 1),
                top=IsxRatio(section.integer("originy", maximum=2**63 - 1), 1),
            )
        )

    def _count_frames(self) -> int:
        announced = self.timing.samples.num_valid
        if self._meta is None or len(self._meta.tsc) >= announced:
            return announced
        warnings.warn(
            f"{self.given_path} announces {announced} frames but describes only {len(self._meta.tsc)}; the last "
            f"{announced - len(self._meta.tsc)} cannot be read.",
            IsxWarning,
            stacklevel=4,
        )
        return len(self._meta.tsc)

    # -- frames ----------------------------------------------------------------------------------

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with the luma plane of a stored frame; decodes that one image."""
        place = self._index.range_of(stored)
        if place is None:
            raise self._unreadable(stored, self._missing_text())
        image = self._file.read(*place)
        size = picture_size(image)
        shape = self.spacing.num_pixels
        if size is not None and size != shape:
            raise self._unreadable(stored, size_text(size, shape))
        try:
            decoder = self._decoders.pop()
        except IndexError:
            decoder = luma_decoder(self.given_path, (shape[0] + 64) * (shape[1] + 256))
        try:
            decoder.decode(image, out)
        except UndecodableError as error:
            raise self._unreadable(stored, f"Its JPEG image is damaged: {error}") from None
        finally:
            self._decoders.append(decoder)

    def _unreadable(self, stored: int, reason: str) -> IsxFormatError:
        sample = self.timing.samples.sample(stored)
        return IsxFormatError(f"Error reading movie frame: {self.given_path}. Frame {sample}: {reason}")

    def _missing_text(self) -> str:
        return (
            f"The video holds {self._index.count()} images, the last of them perhaps incomplete, for "
            f"{self.num_stored} frames."
        )

    def frames(self) -> None:
        """Frames are compressed, so there is no view of them."""

    # -- what comes with the frames --------------------------------------------------------------

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The session metadata."""
        return MappingProxyType(dict(self._session.members))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`isx.acquisition.behavior_acquisition_info`."""
        if "cameraName" not in self._session:
            raise self._no_key("cameraName")
        self._session.string("cameraName")
        return behavior_acquisition_info(self._session.members)

    def tracking(self) -> Tracking | None:
        """What the tracker found, on the samples of the movie; None if the file holds no tracking."""
        samples: list[Mapping[str, Any]] = []
        if self._meta is not None:
            records = self._frame_records()
            samples = [] if records is None else self._samples(records)[: self.num_stored]
        valid = np.flatnonzero(self.timing.samples.mask())[: len(samples)]
        return read_tracking(self.given_path, self._session.members, samples, valid, self.timing.num_samples)

    def _stamps(self) -> _FrameMetadata:
        assert self._meta is not None, "asked for time stamps of a movie without"
        return self._meta

    def timestamps(self) -> NDArray[np.uint64]:
        """Counter of every stored frame in microseconds, 0 for frames without."""
        stamps: NDArray[np.uint64] = self._stamps().tsc[: self.num_stored].copy()
        return stamps

    def timestamp(self, stored: int) -> int:
        """Counter of one stored frame in microseconds."""
        meta = self._stamps()
        if not meta.has_tsc[stored]:
            raise self._no_key("tsc")
        return int(meta.tsc[stored])

    def header(self, stored: int) -> FrameHeader | None:
        """Behaviour movies have no frame headers."""
        return None

    def index_error(self, index: int, what: str) -> str:
        """Message for a sample index out of range."""
        return (
            f"Failed to read {what} from file. Index is out of bounds. (sample {index} of "
            f"{self.timing.num_samples} in {self.given_path})"
        )

    def close(self) -> None:
        """Release the file and the decoders."""
        self._decoders.clear()
        self._file.close()
