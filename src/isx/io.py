"""The vendor's module path of the data classes and exports; :mod:`isx` takes them from here when first used."""

from isx.alignment import align_start_times
from isx.cell_set import CellSet
from isx.event_set import EventSet
from isx.export.aligned_csv import export_aligned_timestamps
from isx.export.cell_maps import create_cell_map, overlay_cell_map_on_image, overlay_cellmaps
from isx.export.cell_set_files import export_cell_set_to_csv_tiff
from isx.export.decompress import decompress
from isx.export.ethovision import export_ethovision_data_with_isxb_timestamps
from isx.export.events_csv import export_event_set_to_csv
from isx.export.gpio_csv import export_gpio_set_to_csv
from isx.export.gpio_isxd import export_gpio_to_isxd
from isx.export.images import (
    convert_type_numpy_array,
    export_image_to_isxd_tiff,
    export_image_to_tiff,
    export_isxd_image_to_tiff,
    export_tiff_to_isxd_image,
)
from isx.export.mp4 import export_movie_to_mp4
from isx.export.tiff import export_movie_to_tiff
from isx.export.timestamps_csv import export_movie_timestamps_to_csv
from isx.export.tracking_csv import (
    export_nvision_movie_tracking_frame_data_to_csv,
    export_nvision_movie_tracking_zone_data_to_csv,
)
from isx.export.vessel_set_files import export_vessel_set_to_csv_tiff
from isx.formats.tracking import Tracking, Zone
from isx.gpio_set import GpioSet
from isx.image import Image
from isx.movie import Movie
from isx.recovery import Recovered, recover
from isx.vessel_set import VesselSet

__all__ = [
    "CellSet",
    "EventSet",
    "GpioSet",
    "Image",
    "Movie",
    "Recovered",
    "Tracking",
    "VesselSet",
    "Zone",
    "align_start_times",
    "convert_type_numpy_array",
    "create_cell_map",
    "decompress",
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
    "export_movie_to_tiff",
    "export_nvision_movie_tracking_frame_data_to_csv",
    "export_nvision_movie_tracking_zone_data_to_csv",
    "export_tiff_to_isxd_image",
    "export_vessel_set_to_csv_tiff",
    "overlay_cell_map_on_image",
    "overlay_cellmaps",
    "recover",
]
