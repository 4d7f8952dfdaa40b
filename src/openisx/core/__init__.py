"""The vendor's module path of the value types."""

from openisx.core.spacing import Spacing
from openisx.core.timing import Duration, Time, Timing

__all__ = ["Duration", "Spacing", "Time", "Timing"]
