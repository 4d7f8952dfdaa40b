"""The vendor's module path of the data classes and exports."""

from isx.image import Image
from isx.movie import Movie

__all__ = ["Image", "Movie"]
