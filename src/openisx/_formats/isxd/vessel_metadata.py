"""What the metadata of a vessel set say of how it was made: ``extraProperties.idps.vesselset``.

=========================  =====================================================================================
``units``                  ``"pixels"``, ``"microns"``, ``"pixels per second"``, ``"microns per second"``
``timeWindow``             seconds of the movie that one sample stands for
``clippedVessels``         text holding JSON: name of a vessel -> list of samples with this error
``directionChangedVessels``  same
``noSignificantVessels``   same
``invalidWindows``         list of samples that are invalid for all vessels
=========================  =====================================================================================
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._formats.isxd.vessel_set import VesselSetIsxd

__all__ = ["VesselNotes", "vessel_notes"]

_ERRORS = ("clippedVessels", "directionChangedVessels", "noSignificantVessels")


@dataclass(frozen=True)
class VesselNotes:
    """How a vessel set was made.

    Attributes
    ----------
    in_pixels : bool
        Whether lengths are in pixels instead of micrometres.
    time_window : float
        Seconds of the movie that a sample stands for; 0 if it is not known.
    errors : tuple of dict or None
        Samples with clipping, with a change of direction, and without significant pixels: indices by name of
        the vessel; None for what is not stored.
    invalid : ndarray of int64 or None
        Samples that are invalid for all vessels; None if that is not stored.
    """

    in_pixels: bool
    time_window: float
    errors: tuple[dict[str, NDArray[np.int64]] | None, ...]
    invalid: NDArray[np.int64] | None


def vessel_notes(vessels: VesselSetIsxd) -> VesselNotes:
    """Read the notes of a set.

    Parameters
    ----------
    vessels
        The file.

    Raises
    ------
    IsxFormatError
        A list of errors is malformed.
    """
    section: Any = vessels.metadata.get("extraProperties")
    for key in ("idps", "vesselset"):
        section = section.get(key) if isinstance(section, Mapping) else None
    section = section if isinstance(section, Mapping) else {}
    count = vessels.timing.num_samples
    window = section.get("timeWindow")
    known = isinstance(window, (int, float)) and not isinstance(window, bool) and 0 < window < math.inf
    invalid = section.get("invalidWindows")
    path = vessels.given_path
    return VesselNotes(
        str(section.get("units", "")).startswith("pixels"),
        float(window) if known else 0.0,
        tuple(_by_name(section.get(key), count, f"{path}: {key}") for key in _ERRORS),
        None if invalid is None else _samples(invalid, count, f"{path}: invalidWindows"),
    )


def _by_name(stored: Any, count: int, where: str) -> dict[str, NDArray[np.int64]] | None:
    if stored is None:
        return None
    if isinstance(stored, str):
        try:
            stored = json.loads(stored or "{}")
        except (ValueError, RecursionError):
            raise IsxFormatError(f"{where} should hold JSON. The metadata of the file are damaged.") from None
    if not isinstance(stored, Mapping):
        raise IsxFormatError(f"{where} should name samples by vessel. The metadata of the file are damaged.")
    return {name: _samples(listed, count, f"{where}, {name!r}") for name, listed in stored.items()}


def _samples(listed: Any, count: int, where: str) -> NDArray[np.int64]:
    """Indices below `count`; others are of no use."""
    if not isinstance(listed, list) or any(type(index) is not int for index in listed):
        raise IsxFormatError(f"{where} should be a list of samples. The metadata of the file are damaged.")
    return np.array([index for index in listed if 0 <= index < count], dtype=np.int64)
