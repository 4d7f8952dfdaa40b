"""What one file says that decides where it belongs: :func:`read_file`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.paths import canonical, extension
from openisx._formats.kinds import DataKind
from openisx._open import open as open_any
from openisx._series import part_of
from openisx._views.interleaving import COLORS, keys_at_the_beginning
from openisx.errors import IsxFormatError
from openisx.gpio_set import GpioSet
from openisx.image import Image
from openisx.movie import Movie
from openisx.sync import first_counter

if TYPE_CHECKING:
    from fractions import Fraction

    from openisx._formats.base import MovieSource
    from openisx._series import Part
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["SessionFile", "read_file"]

_FIRST = np.zeros(1, np.int64)
_END_OF_TIME = 2**62 // 1_000_000  # seconds from 1970, in which 64 bits hold the microseconds
_MOST_PARTS = 16  # more are a sweep of the focus, which is one movie
_KINDS = {"CellSet": "cells", "EventSet": "events", "VesselSet": "vessels", "Image": "image"}

#: Entries of the metadata that only processing writes.
_PROCESSED = ("pre_mc", "mc_padding", "interpolatedFrames")


@dataclass(frozen=True, eq=False)
class SessionFile:
    """What is known of a file without reading its data.

    Attributes
    ----------
    path
        As the caller gave it.
    kind
        ``"movie"``, ``"behavior"``, ``"image"``, ``"cells"``, ``"events"``, ``"vessels"``, ``"gpio"`` or ``"imu"``.
    timing
        Samples; of GPIO and IMU the general timing of the file.
    info
        The session metadata as ``get_acquisition_info`` gives them.
    extra
        The session metadata as stored.
    counter
        Hardware counter at sample 0 or offset 0, in microseconds; None without any.
    parts
        Planes and colours of a movie: their focus, channel and name. One for other files.
    has_clock
        Whether the file tells when it starts.
    processed
        Whether a movie is no longer as recorded.
    series
        What decides whether it continues another file.
    """

    path: str
    kind: str
    timing: Timing
    info: Mapping[str, Any]
    extra: Mapping[str, Any]
    counter: int | None = None
    parts: tuple[tuple[int | None, str | None, str], ...] = ((None, None, ""),)
    has_clock: bool = True
    processed: bool = False
    spacing: Spacing | None = None
    series: Part | None = field(default=None, repr=False)

    @property
    def uuid(self) -> str:
        """What all files of a recording share; empty if the file does not tell."""
        return _text(_section(self.extra, "processingInterface").get("recordingUUID"))

    @property
    def animal(self) -> str:
        """Who was recorded; empty if the file does not tell."""
        return _text(self.info.get("Animal ID"))

    @property
    def names(self) -> frozenset[str]:
        """Names of the session, of behaviour movies both that of the camera and that of the microscope."""
        keys = ("Session Name", "Behavior Session Name", "Miniscope Session Name")
        return frozenset(filter(None, (_text(self.info.get(key)) for key in keys)))

    @property
    def start(self) -> Fraction:
        """Seconds from 1970 to the start, by the wall clock of the device."""
        return self.timing.start.secs_since_epoch.fraction

    @property
    def end(self) -> Fraction:
        """Seconds from 1970 to the end of the last sample."""
        return self.start + self.timing.period.fraction * self.timing.num_samples

    @property
    def canonical(self) -> str:
        """Path without links, to recognise a file given twice."""
        return canonical(self.path)

    @property
    def extension(self) -> str:
        """In lower case, without the dot."""
        return extension(self.path)


def read_file(path: str) -> SessionFile:
    """Open a file, and close it again.

    Raises
    ------
    IsxError
        It cannot be read, or is of a kind without a class.
    """
    file = _read(path)
    if max(abs(file.start), abs(file.end)) >= _END_OF_TIME:
        raise IsxFormatError(
            f"{path}: a start {float(file.start):.3g} s from 1970 cannot be right. The file is damaged."
        )
    return file


def _read(path: str) -> SessionFile:
    opened: Any = open_any(path)
    try:
        if isinstance(opened, GpioSet):
            return _of_gpio(path, opened)
        movie = opened._movie if isinstance(opened, Image) else opened
        info = opened.get_acquisition_info() or {}
        if isinstance(movie, Movie):
            return _of_movie(path, movie, info, is_image=isinstance(opened, Image))
        metadata = opened.metadata or {}
        return SessionFile(
            path, _KINDS[type(opened).__name__], opened.timing, info, _mapping(metadata.get("extraProperties")),
            parts=((_number(info.get("efocus")), info.get("channel"), ""),),
            has_clock=_tells_time(opened.timing), spacing=getattr(opened, "spacing", None), series=part_of(opened, path),
        )  # fmt: skip
    finally:
        if hasattr(opened, "close"):
            opened.close()


def _of_gpio(path: str, opened: GpioSet) -> SessionFile:
    kind = "imu" if opened.is_imu else "gpio"
    return SessionFile(
        path, kind, opened.timing, opened.get_acquisition_info() or {}, _mapping(opened.session_metadata),
        counter=opened.first_timestamp if kind == "gpio" else None, has_clock=_tells_time(opened.timing),
        series=part_of(opened, path),
    )  # fmt: skip


def _of_movie(path: str, movie: Movie, info: Mapping[str, Any], *, is_image: bool) -> SessionFile:
    source = movie._open_source()
    behavior = source.kind in (DataKind.NVISION_MOVIE, DataKind.BEHAVIORAL_MOVIE)
    extra = _mapping(source.metadata if source.kind is DataKind.NVISION_MOVIE else source.extra_properties)
    idps = _section(extra, "idps")
    parts: tuple[tuple[int | None, str | None, str], ...] = (
        (_number(info.get("efocus")), info.get("channel"), ""),
    )
    if not behavior and source.num_stored:
        if 1 < len(keys_at_the_beginning(source)) <= _MOST_PARTS:  # frames out of step become dropped samples
            parts = tuple((part.efocus, part.channel, part.name) for part in movie.split(strict=False))
        elif parts[0][0] is None:
            parts = (_first_key(source),)
    kind = "image" if is_image else "behavior" if behavior else "movie"
    return SessionFile(
        path, kind, source.timing, info, extra,
        counter=first_counter(movie, path) if source.has_timestamps and source.num_stored else None,
        parts=parts, has_clock="start" not in source.assumed and _tells_time(source.timing),
        processed=source.dtype.kind == "f" or any(idps.get(name) for name in _PROCESSED),
        spacing=source.spacing, series=part_of(movie, path),
    )  # fmt: skip


def _first_key(source: MovieSource) -> tuple[int | None, str | None, str]:
    """Focus and colour by the first frame alone."""
    header = source.headers(_FIRST)
    if header is None:
        return None, None, ""
    return int(header["efocus"][0]), COLORS.get(int(header["color_id"][0])), ""


def _tells_time(timing: Timing) -> bool:
    """Files of scripts and stacks start within the first day of 1970."""
    return timing.start.secs_since_epoch.fraction >= 86_400


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _section(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return _mapping(parent.get(key))
