"""The vendor's module path of the data classes and exports; :mod:`isx` takes them from here when first used."""

from isx.cell_set import CellSet
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
from isx.recovery import Recovered, recover

__all__ = [
    "CellSet",
    "EventSet",
    "GpioSet",
    "Image",
    "Movie",
    "Recovered",
    "Tracking",
    "Zone",
    "export_cell_set_to_csv_tiff",
    "export_event_set_to_csv",
    "export_gpio_set_to_csv",
    "export_gpio_to_isxd",
    "export_movie_to_mp4",
    "export_movie_to_tiff",
    "recover",
]
