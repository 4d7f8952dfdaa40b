"""From a path to the right reader: one row per format; adding a format is adding a row."""

from __future__ import annotations

import functools
import importlib
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openisx._files.paths import extension, require_existing
from openisx._files.source import ByteSource, open_bytes
from openisx._formats.kinds import DataKind, wrong_kind
from openisx.errors import IsxFileError

if TYPE_CHECKING:
    from openisx._formats.base import MovieSource
    from openisx._formats.gpio.recording import RecordedSignals
    from openisx._formats.isxd.cell_set import CellSetIsxd
    from openisx._formats.isxd.vessel_set import VesselSetIsxd
    from openisx._formats.signals import SignalSource

__all__ = [
    "Format",
    "kind_of",
    "open_cell_set",
    "open_event_source",
    "open_gpio_source",
    "open_movie_source",
    "open_recording",
    "open_vessel_set",
]


@dataclass(frozen=True)
class Format:
    """A format of files. What is named here as ``module:name`` is imported when it is first needed.

    Attributes
    ----------
    extensions : tuple of str
        In lower case.
    kind : DataKind or None
        Of the data set that these files hold; None where their content decides.
    kind_of : str or None
        Function that finds the kind in the content, from an open :class:`ByteSource`.
    movie : str or None
        Reader of movies: makes a :class:`MovieSource` of an open :class:`ByteSource`, which it owns from then on.
    recording : str or None
        Decoder of GPIO and IMU recordings: makes a :class:`RecordedSignals` of an open :class:`ByteSource`, which stays open.
    """

    extensions: tuple[str, ...]
    kind: DataKind | None = None
    kind_of: str | None = None
    movie: str | None = None
    recording: str | None = None


_HERE = "openisx._formats"

FORMATS = (
    Format(("isxd",), kind_of=f"{_HERE}.isxd.container:kind_of", movie=f"{_HERE}.isxd.movie:MovieIsxd"),
    Format(("isxb",), DataKind.NVISION_MOVIE, movie=f"{_HERE}.isxb.movie:MovieIsxb"),
    Format(("isxc",), DataKind.MOVIE, movie=f"{_HERE}.isxc:MovieIsxc"),
    Format(("tif", "tiff"), DataKind.MOVIE, movie=f"{_HERE}.legacy.tiff:MovieTiff"),
    Format(("xml",), DataKind.MOVIE, movie=f"{_HERE}.legacy.xml:RecordingXml"),
    Format(
        ("hdf5",),
        kind_of=f"{_HERE}.legacy.hdf5:kind_of",
        movie=f"{_HERE}.legacy.hdf5:MovieHdf5",
        recording=f"{_HERE}.gpio.nvista2:read_nvista2",
    ),
    Format(
        ("mpg", "mpeg", "mp4", "avi", "wmv"),
        DataKind.BEHAVIORAL_MOVIE,
        movie=f"{_HERE}.video.movie:MovieVideo",
    ),
    Format(("gpio",), DataKind.GPIO, recording=f"{_HERE}.gpio.nvista3:read_nvista3"),
    Format(("raw",), DataKind.GPIO, recording=f"{_HERE}.gpio.nvoke:read_nvoke"),
    Format(("imu",), DataKind.IMU, recording=f"{_HERE}.gpio.imu:read_imu"),
)

_BY_EXTENSION = {ending: row for row in FORMATS for ending in row.extensions}


def kind_of(path: str) -> DataKind:
    """Kind of the data set in an existing file, by its extension or, where that does not tell, by its content.

    Raises
    ------
    IsxFileError
        The extension is unknown, or the content is damaged.
    """
    row = _row_of(path)
    return row.kind or _kind_by_content(path, row)


@functools.cache
def _loaded(name: str) -> Any:
    """The class or function ``module:name``; modules are imported when they are needed."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _row_of(path: str) -> Format:
    ending = extension(path)
    if ending not in _BY_EXTENSION:
        folder = ", a folder" if os.path.isdir(path) else ""
        raise IsxFileError(f"File extension not supported: {ending} ({path}{folder})")
    return _BY_EXTENSION[ending]


def _kind_by_content(path: str, row: Format) -> DataKind:
    assert row.kind_of is not None
    file = open_bytes(path)
    try:
        with warnings.catch_warnings():  # the reader warns again
            warnings.simplefilter("ignore")
            kind: DataKind = _loaded(row.kind_of)(file)
    finally:
        file.close()
    return kind


def open_movie_source(where: str | ByteSource) -> MovieSource:
    """Open a movie or image of any format by its extension.

    Parameters
    ----------
    where
        A path, or the open file, which the source owns from then on.

    Raises
    ------
    IsxFileError
        The file is missing, its extension is unknown, or its content is damaged or of another kind.
    """
    path = where if isinstance(where, str) else where.given_path
    row = _BY_EXTENSION.get(extension(path))
    if row is None:
        require_existing(path)
        row = _row_of(path)
    if row.movie is None:
        require_existing(path)
        assert row.kind is not None
        raise wrong_kind(path, row.kind, DataKind.MOVIE, DataKind.IMAGE, DataKind.NVISION_MOVIE)
    source: MovieSource = _loaded(row.movie)(open_bytes(where))
    return source


def open_event_source(path: str) -> SignalSource:
    """Open an event set.

    Raises
    ------
    IsxFileError
        The file is missing, its extension is unknown, or its content is damaged or of another kind.
    """
    _require_isxd(path, DataKind.EVENT_SET)
    return _open_events(path, DataKind.EVENT_SET)


def open_gpio_source(path: str) -> SignalSource:
    """Open a GPIO or IMU set of any format.

    Raises
    ------
    IsxFileError
        The file is missing, its extension is unknown, or its content is damaged or of another kind.
    """
    require_existing(path)
    if extension(path) == "isxd":
        return _open_events(path, DataKind.GPIO, DataKind.IMU)
    return open_recording(path)


def open_recording(path: str) -> RecordedSignals:
    """Decode a `.gpio`, `.raw`, `.hdf5` or `.imu` file; raises as :func:`open_gpio_source`."""
    require_existing(path)
    row = _row_of(path)
    if row.recording is None:
        raise wrong_kind(path, row.kind or DataKind.MOVIE, DataKind.GPIO, DataKind.IMU)
    file = open_bytes(path)
    try:
        recorded: RecordedSignals = _loaded(row.recording)(file)
    except BaseException:
        file.close()
        raise
    return recorded


def _open_events(path: str, *expected: DataKind) -> SignalSource:
    from openisx._formats.isxd.events import open_events

    file = open_bytes(path)
    try:
        return open_events(file, *expected)
    except BaseException:
        file.close()
        raise


def open_cell_set(path: str) -> CellSetIsxd:
    """Open a cell set; raises as :func:`open_event_source`."""
    from openisx._formats.isxd.cell_set import CellSetIsxd

    _require_isxd(path, DataKind.CELL_SET)
    return CellSetIsxd(path)


def open_vessel_set(path: str) -> VesselSetIsxd:
    """Open a vessel set; raises as :func:`open_event_source`."""
    from openisx._formats.isxd.vessel_set import VesselSetIsxd

    _require_isxd(path, DataKind.VESSEL_SET)
    return VesselSetIsxd(path)


def _require_isxd(path: str, expected: DataKind) -> None:
    """Refuse paths that the extension alone tells to hold something else than `expected`."""
    require_existing(path)
    if extension(path) == "isxd":
        return
    raise wrong_kind(path, _row_of(path).kind or DataKind.MOVIE, expected)
