"""From a path to the right reader."""

from __future__ import annotations

import importlib
import os
import warnings
from typing import TYPE_CHECKING, Any

from openisx._files.paths import as_path, extension, require_existing
from openisx._files.source import InputFile
from openisx._formats.kinds import DataKind, wrong_kind
from openisx.errors import IsxFileError, IsxFormatError

if TYPE_CHECKING:
    from openisx._files.paths import PathInput
    from openisx._formats.base import FrameSource
    from openisx._formats.gpio.recording import RecordedSignals
    from openisx._formats.isxd.cell_set import CellSetIsxd
    from openisx._formats.isxd.vessel_set import VesselSetIsxd
    from openisx._formats.signals import SignalSource

__all__ = [
    "open",
    "open_cell_set",
    "open_event_source",
    "open_gpio_source",
    "open_movie_source",
    "open_recording",
    "open_vessel_set",
]

_BEHAVIORAL_EXTENSIONS = ("mpg", "mpeg", "mp4", "avi", "wmv")
_KIND_OF_EXTENSION = {
    **dict.fromkeys(_BEHAVIORAL_EXTENSIONS, DataKind.BEHAVIORAL_MOVIE),
    **dict.fromkeys(("hdf5", "xml", "tif", "tiff"), DataKind.MOVIE),
    **dict.fromkeys(("gpio", "raw"), DataKind.GPIO),
    "imu": DataKind.IMU,
    "isxb": DataKind.NVISION_MOVIE,
}

_MOVIE, _IMAGE, _GPIO_SET = "openisx.movie:Movie", "openisx.image:Image", "openisx.gpio_set:GpioSet"

#: Public class of each kind of data set in `.isxd` files, as ``module:class``.
_CLASS_BY_KIND = {
    DataKind.MOVIE: _MOVIE,
    DataKind.IMAGE: _IMAGE,
    DataKind.CELL_SET: "openisx.cell_set:CellSet",
    DataKind.EVENT_SET: "openisx.event_set:EventSet",
    DataKind.VESSEL_SET: "openisx.vessel_set:VesselSet",
    DataKind.GPIO: _GPIO_SET,
    DataKind.IMU: _GPIO_SET,
}

#: Public class of files of other extensions.
_CLASS_BY_EXTENSION = {
    **dict.fromkeys(("tif", "tiff", "xml", "isxb", "isxc", *_BEHAVIORAL_EXTENSIONS), _MOVIE),
    **dict.fromkeys(("gpio", "raw", "imu"), _GPIO_SET),
}

#: Reader of each format of movies, as ``module:class``.
_MOVIES = {
    "isxd": "openisx._formats.isxd.movie:MovieIsxd",
    "isxb": "openisx._formats.isxb.movie:MovieIsxb",
    "isxc": "openisx._formats.isxc:MovieIsxc",
    "hdf5": "openisx._formats.legacy.hdf5:MovieHdf5",
    "xml": "openisx._formats.legacy.xml:RecordingXml",
    **dict.fromkeys(("tif", "tiff"), "openisx._formats.legacy.tiff:MovieTiff"),
    **dict.fromkeys(_BEHAVIORAL_EXTENSIONS, "openisx._formats.video.movie:MovieVideo"),
}

#: Decoder of each format of GPIO and IMU recordings, as ``module:function``.
_RECORDINGS = {
    "gpio": "openisx._formats.gpio.nvista3:read_nvista3",
    "raw": "openisx._formats.gpio.nvoke:read_nvoke",
    "hdf5": "openisx._formats.gpio.nvista2:read_nvista2",
    "imu": "openisx._formats.gpio.imu:read_imu",
}


def open(path: PathInput) -> Any:  # noqa: A001 - isx.open() reads as what it does
    """Open any file with the class made for it.

    Parameters
    ----------
    path : path
        The content of an `.isxd` or `.hdf5` file decides, otherwise the extension.

    Returns
    -------
    Movie, Image, CellSet, EventSet, VesselSet or GpioSet
        Open for reading. Microscope files of one frame are images.

    Raises
    ------
    IsxFileError
        The file is missing, damaged, or of a kind without a class of its own.
    """
    given = as_path(path)
    require_existing(given)
    name = _class_of(given)
    opened = _loaded(name).read(given)
    if name == _MOVIE and len(opened) == 1 and opened._open_source().kind is DataKind.IMAGE:
        opened.close()
        return _loaded(_IMAGE).read(given)
    return opened


def _loaded(name: str) -> Any:
    """The class or function ``module:name``; modules are imported when they are needed."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _class_of(path: str) -> str:
    ending = extension(path)
    if ending == "isxd":
        kind = _kind_of_isxd(path)
        if kind not in _CLASS_BY_KIND:
            raise wrong_kind(path, kind, *_CLASS_BY_KIND)
        return _MOVIE if kind is DataKind.IMAGE else _CLASS_BY_KIND[kind]
    if ending == "hdf5":
        return _MOVIE if _has_images(path) else _GPIO_SET
    if ending not in _CLASS_BY_EXTENSION:
        raise _unsupported(path, ending)
    return _CLASS_BY_EXTENSION[ending]


def _unsupported(path: str, ending: str) -> IsxFileError:
    folder = ", a folder" if os.path.isdir(path) else ""
    return IsxFileError(f"File extension not supported: {ending} ({path}{folder})")


def _kind_of_isxd(path: str) -> DataKind:
    from openisx._formats.isxd.container import open_container

    with warnings.catch_warnings():  # the reader warns again
        warnings.simplefilter("ignore")
        file, container = open_container(path)
    file.close()
    return container.kind(path)


def _has_images(path: str) -> bool:
    """Whether an HDF5 file is a movie; nVista 2 stored GPIO data in such files too."""
    from openisx._dependencies import require

    try:
        with require("h5py", "hdf5").File(path, "r") as file:
            return "images" in file
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise IsxFormatError(f"{path} is not a readable HDF5 file: {error}") from None


def open_movie_source(path: str) -> FrameSource:
    """Open a movie or image of any format by its extension.

    Raises
    ------
    IsxFileError
        The file is missing, its extension is unknown, or its content is damaged or of another kind.
    """
    require_existing(path)
    ending = extension(path)
    if ending in _MOVIES:
        source: FrameSource = _loaded(_MOVIES[ending])(path)
        return source
    if ending in _KIND_OF_EXTENSION:
        raise wrong_kind(
            path, _KIND_OF_EXTENSION[ending], DataKind.MOVIE, DataKind.IMAGE, DataKind.NVISION_MOVIE
        )
    raise _unsupported(path, ending)


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
    ending = extension(path)
    if ending == "isxd":
        return _open_events(path, DataKind.GPIO, DataKind.IMU)
    if ending in _RECORDINGS:
        return open_recording(path)
    if ending in _KIND_OF_EXTENSION:
        raise wrong_kind(path, _KIND_OF_EXTENSION[ending], DataKind.GPIO, DataKind.IMU)
    raise _unsupported(path, ending)


def open_recording(path: str) -> RecordedSignals:
    """Decode a `.gpio`, `.raw`, `.hdf5` or `.imu` file, which must be one of these by its extension."""
    require_existing(path)
    file = InputFile(path)
    try:
        recorded: RecordedSignals = _loaded(_RECORDINGS[extension(path)])(file)
    except BaseException:
        file.close()
        raise
    return recorded


def _open_events(path: str, *expected: DataKind) -> SignalSource:
    from openisx._formats.isxd.events import open_events

    file = InputFile(path)
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
    ending = extension(path)
    if ending in _KIND_OF_EXTENSION:
        raise wrong_kind(path, _KIND_OF_EXTENSION[ending], expected)
    if ending != "isxd":
        raise _unsupported(path, ending)
