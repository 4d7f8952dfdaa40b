"""Read, write and export the data of Inscopix miniscopes.

Start with :func:`isx.open` for any file, or :meth:`isx.Movie.read` and its siblings for a certain kind.
"""

from isx import _internal, core, io, util
from isx._version import __version__
from isx.cell_set import CellSet
from isx.errors import (
    IsxError,
    IsxFileError,
    IsxFileExistsError,
    IsxFileNotFoundError,
    IsxFormatError,
    IsxImportError,
    IsxIndexError,
    IsxSeriesError,
    IsxStateError,
    IsxWarning,
)
from isx.event_set import EventSet
from isx.export.cell_set_files import export_cell_set_to_csv_tiff
from isx.export.events_csv import export_event_set_to_csv
from isx.export.gpio_csv import export_gpio_set_to_csv
from isx.export.gpio_isxd import export_gpio_to_isxd
from isx.export.mp4 import export_movie_to_mp4
from isx.export.tiff import export_movie_to_tiff
from isx.formats.tracking import Tracking, Zone
from isx.gpio_set import GpioSet
from isx.image import Image
from isx.movie import Movie
from isx.opening import open_any as open  # noqa: A004 - isx.open() reads as what it does
from isx.recovery import Recovered, recover
from isx.spacing import Spacing
from isx.timing import Duration, Time, Timing
from isx.util import get_file_extension, get_file_stem, make_output_file_path, make_output_file_paths

#: The vendor's flag for its processing algorithms, which this package does not have.
_is_with_algos = 0

__all__ = [
    "CellSet",
    "Duration",
    "EventSet",
    "GpioSet",
    "Image",
    "IsxError",
    "IsxFileError",
    "IsxFileExistsError",
    "IsxFileNotFoundError",
    "IsxFormatError",
    "IsxImportError",
    "IsxIndexError",
    "IsxSeriesError",
    "IsxStateError",
    "IsxWarning",
    "Movie",
    "Recovered",
    "Spacing",
    "Time",
    "Timing",
    "Tracking",
    "Zone",
    "__version__",
    "_internal",
    "core",
    "export_cell_set_to_csv_tiff",
    "export_event_set_to_csv",
    "export_gpio_set_to_csv",
    "export_gpio_to_isxd",
    "export_movie_to_mp4",
    "export_movie_to_tiff",
    "get_file_extension",
    "get_file_stem",
    "io",
    "make_output_file_path",
    "make_output_file_paths",
    "open",
    "recover",
    "util",
]
