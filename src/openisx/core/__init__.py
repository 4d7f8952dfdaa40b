"""The vendor's module path of the value types."""

from openisx.core.duration import Duration, Time
from openisx.core.spacing import Spacing
from openisx.core.timing import Timing

__all__ = ["Duration", "Spacing", "Time", "Timing"]
