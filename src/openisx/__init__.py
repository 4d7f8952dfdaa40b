"""Read, write and export the data of Inscopix miniscopes.

Start with :func:`isx.open` for any file, or :meth:`isx.Movie.read` and its siblings for a certain kind.
"""
# ruff: noqa: F405 - the names that only type checkers import here are those of openisx.io.__all__

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING

from openisx import core, errors, util
from openisx._open import open as open  # noqa: A004 - not in __all__, where it would replace Python's own
from openisx._version import __version__
from openisx.core import _records as _internal
from openisx.core.spacing import Spacing
from openisx.core.timing import Duration, Time, Timing
from openisx.errors import (
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
from openisx.util import (
    get_file_extension,
    get_file_stem,
    make_output_file_path,
    make_output_file_paths,
    verify_deinterleave,
)

if _TYPE_CHECKING:
    from typing import Any

    from openisx import io, structures
    from openisx.io import *  # noqa: F403

#: The vendor's flag for its processing algorithms, which this package does not have.
_is_with_algos = 0

__all__ = [
    "Cell",
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
    "MovieSource",
    "Session",
    "SessionItem",
    "SignalSource",
    "Signals",
    "Spacing",
    "Time",
    "Timing",
    "Vessel",
    "VesselSet",
    "__version__",
    "_internal",
    "align_start_times",
    "convert_type_numpy_array",
    "core",
    "create_cell_map",
    "de_interleave",
    "decompress",
    "dff",
    "errors",
    "export_aligned_timestamps",
    "export_cell_set_to_csv_tiff",
    "export_ethovision_data_with_isxb_timestamps",
    "export_event_set_to_csv",
    "export_gpio_set_to_csv",
    "export_gpio_to_isxd",
    "export_image_to_isxd_tiff",
    "export_image_to_tiff",
    "export_isxd_image_to_tiff",
    "export_movie_timestamps_to_csv",
    "export_movie_to_mp4",
    "export_movie_to_nwb",
    "export_movie_to_tiff",
    "export_nvision_movie_tracking_frame_data_to_csv",
    "export_nvision_movie_tracking_zone_data_to_csv",
    "export_session_to_nwb",
    "export_tiff_to_isxd_image",
    "export_vessel_set_to_csv_tiff",
    "find_sessions",
    "get_file_extension",
    "get_file_stem",
    "io",
    "make_output_file_path",
    "make_output_file_paths",
    "nwb_metadata",
    "open_session",
    "overlay_cell_map_on_image",
    "overlay_cellmaps",
    "project_movie",
    "recover",
    "structures",
    "util",
    "verify_deinterleave",
]


#: Modules that are imported when first used.
_MODULES = ("io", "structures", "sync", "synthetic", "viz")


def __getattr__(name: str) -> Any:
    """Import data classes, exports and modules when they are first used, so that ``import isx`` stays cheap."""
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"openisx.{name}")
    if name in __all__:
        io = import_module("openisx.io")
        globals().update({public: getattr(io, public) for public in io.__all__})
        return globals()[name]
    from openisx._not_here import why_not

    raise AttributeError(f"module 'isx' has no attribute {name!r}{why_not(name)}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, "open"})
