"""From a path to the right public class: :func:`open`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openisx._files.paths import as_path, require_existing
from openisx._formats.kinds import DataKind, wrong_kind
from openisx._formats.registry import kind_of

if TYPE_CHECKING:
    from openisx._files.paths import PathInput
    from openisx.cell_set import CellSet
    from openisx.event_set import EventSet
    from openisx.gpio_set import GpioSet
    from openisx.image import Image
    from openisx.movie import Movie
    from openisx.vessel_set import VesselSet

__all__ = ["open"]

_MOVIES = (DataKind.MOVIE, DataKind.BEHAVIORAL_MOVIE, DataKind.NVISION_MOVIE, DataKind.IMAGE)
_SETS = (DataKind.CELL_SET, DataKind.EVENT_SET, DataKind.VESSEL_SET, DataKind.GPIO, DataKind.IMU)


def open(  # noqa: A001 - isx.open() reads as what it does
    path: PathInput,
) -> Movie | Image | CellSet | EventSet | VesselSet | GpioSet:
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
    kind = kind_of(given)
    if kind in _MOVIES:
        return _movie_or_image(given)
    if kind is DataKind.CELL_SET:
        from openisx.cell_set import CellSet

        return CellSet.read(given)
    if kind is DataKind.EVENT_SET:
        from openisx.event_set import EventSet

        return EventSet.read(given)
    if kind is DataKind.VESSEL_SET:
        from openisx.vessel_set import VesselSet

        return VesselSet.read(given)
    if kind in (DataKind.GPIO, DataKind.IMU):
        from openisx.gpio_set import GpioSet

        return GpioSet.read(given)
    raise wrong_kind(given, kind, *_MOVIES, *_SETS)


def _movie_or_image(path: str) -> Movie | Image:
    from openisx.movie import Movie

    movie = Movie.read(path)
    if movie._open_source().kind is not DataKind.IMAGE or len(movie) != 1:
        return movie
    movie.close()
    from openisx.image import Image

    return Image.read(path)
