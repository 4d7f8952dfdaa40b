"""How much tissue a pixel of the microscope shows (docs/formats/nwb.md, Lenses)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["tissue_per_pixel"]

#: Lens code -> micrometres of tissue for each pixel of the sensor at focus 0 and at focus 1000.
_SCALES = {
    2: (0.67, 0.81), 3: (0.63, 0.79), 4: (0.62, 0.78), 5: (0.61, 0.69), 6: (0.77, 0.80), 7: (0.75, 0.78), 8: (0.76, 0.78),
    9: (0.90, 0.97), 10: (0.90, 0.98), 13: (0.79, 0.80), 14: (0.80, 0.80), 15: (0.80, 0.80), 16: (0.81, 0.80), 17: (0.82, 0.80),
    18: (0.77, 0.80), 37: (0.81, 0.84), 38: (1.41, 1.50),
}  # fmt: skip
#: ``probe.id`` -> lens code.
_CODES = {
    "1050-004417": 2, "1050-004415": 3, "1050-004414": 4, "1050-004413": 5, "1050-004637": 6, "1050-004416": 7, "1050-004418": 8,
    "1050-004419": 9, "1050-004420": 10, "1050-005441": 13, "1050-005442": 14, "1050-005443": 15, "1050-005475": 16,
    "1050-005473": 18, "1050-005474": 37,
}  # fmt: skip
_NO_LENS = "Cranial Window or No Lens"


def tissue_per_pixel(extra: Mapping[str, Any], efocus: int | None) -> float | None:
    """Micrometres of tissue along each side of a pixel of a movie; None for lenses without a known scale."""
    scale = _SCALES.get(_code(extra))
    if scale is None:
        return None
    microscope, idps = _section(extra, "microscope"), _section(extra, "idps")
    focus = _number(efocus if efocus is not None else idps.get("efocus", microscope.get("focus")))
    if focus is None:
        return None
    binning = (_number(microscope.get("downSamplingFactor")) or 1) * (
        _number(idps.get("spatialDownsampling")) or 1
    )
    return (scale[0] + (scale[1] - scale[0]) / 1000 * focus) * binning


def _code(extra: Mapping[str, Any]) -> int:
    plate = _section(extra, "idps").get("integratedBasePlate")
    if isinstance(plate, str) and plate.isdecimal():
        return int(plate)
    probe = _section(extra, "probe")
    if probe.get("name") == _NO_LENS:
        return 38 if _section(extra, "microscope").get("widefield") is True else 17
    return _CODES.get(str(probe.get("id")), 0)


def _section(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    """A number, also of one in quotes."""
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
