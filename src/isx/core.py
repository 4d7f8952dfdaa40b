"""The vendor's module path of the value types."""

from isx.spacing import Spacing
from isx.timing import Duration, Time, Timing

__all__ = ["Duration", "Spacing", "Time", "Timing"]
