"""The vendor's module path of the data classes and exports; :mod:`isx` takes them from here when first used."""

from openisx._formats.base import MovieSource
from openisx._formats.signals import Signals, SignalSource
from openisx._rois import Cell, Vessel
from openisx.cell_set import CellSet
from openisx.event_set import EventSet
from openisx.export.cell_maps import create_cell_map, overlay_cell_map_on_image, overlay_cellmaps
from openisx.export.cell_set import export_cell_set_to_csv_tiff
from openisx.export.csv.aligned_timestamps import export_aligned_timestamps
from openisx.export.csv.ethovision import export_ethovision_data_with_isxb_timestamps
from openisx.export.csv.events import export_event_set_to_csv
from openisx.export.csv.gpio import export_gpio_set_to_csv
from openisx.export.csv.timestamps import export_movie_timestamps_to_csv
from openisx.export.csv.tracking import (
    export_nvision_movie_tracking_frame_data_to_csv,
    export_nvision_movie_tracking_zone_data_to_csv,
)
from openisx.export.decompress import decompress
from openisx.export.gpio_isxd import export_gpio_to_isxd
from openisx.export.images import (
    convert_type_numpy_array,
    export_image_to_isxd_tiff,
    export_image_to_tiff,
    export_isxd_image_to_tiff,
    export_tiff_to_isxd_image,
)
from openisx.export.mp4 import export_movie_to_mp4
from openisx.export.nwb import export_movie_to_nwb, export_session_to_nwb, nwb_metadata
from openisx.export.processing import de_interleave, dff, project_movie
from openisx.export.tiff import export_movie_to_tiff
from openisx.export.vessel_set import export_vessel_set_to_csv_tiff
from openisx.gpio_set import GpioSet
from openisx.image import Image
from openisx.movie import Movie
from openisx.recovery import recover
from openisx.session import Session, SessionItem, find_sessions, open_session
from openisx.sync import align_start_times
from openisx.vessel_set import VesselSet

__all__ = [
    "Cell",
    "CellSet",
    "EventSet",
    "GpioSet",
    "Image",
    "Movie",
    "MovieSource",
    "Session",
    "SessionItem",
    "SignalSource",
    "Signals",
    "Vessel",
    "VesselSet",
    "align_start_times",
    "convert_type_numpy_array",
    "create_cell_map",
    "de_interleave",
    "decompress",
    "dff",
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
    "nwb_metadata",
    "open_session",
    "overlay_cell_map_on_image",
    "overlay_cellmaps",
    "project_movie",
    "recover",
]
