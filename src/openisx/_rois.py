"""One cell or vessel of a set, as ``cells[0]``, ``cells["C0"]`` or iteration give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openisx._formats.isxd.vessel_set import VesselSetType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from openisx.structures import CellMetrics

__all__ = ["Cell", "Roi", "Vessel"]


class Roi:
    """One cell or vessel of a set; its data are read when they are asked for."""

    def __init__(self, owner: Any, index: int) -> None:
        self._owner = owner
        self.index: int = index

    @property
    def name(self) -> str:
        """Name."""
        return str(self._owner.names[self.index])

    @property
    def status(self) -> str:
        """'accepted', 'undecided' or 'rejected'."""
        return str(self._owner._status(self.index))

    @property
    def active(self) -> bool:
        """Whether it is active in this file of a series."""
        return bool(self._owner.active[self.index])

    @property
    def color(self) -> int:
        """Display colour, 0xAARRGGBB."""
        return int(self._owner.colors[self.index])

    @property
    def trace(self) -> NDArray[np.float32]:
        """Trace, a new float32 array with one value per sample; NaN at missing samples."""
        return self._read("trace")

    def _read(self, what: str) -> NDArray[Any]:
        opened = self._owner._open()
        values: NDArray[Any] = opened.read(what, opened.rois.require(self.index))
        return values

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.index} {self.name!r}: {self.status}>"


class Cell(Roi):
    """One cell of a :class:`isx.CellSet`, as ``cells[0]``, ``cells["C0"]`` or iteration give it."""

    @property
    def footprint(self) -> NDArray[np.float32]:
        """Footprint, a new float32 array (rows, columns)."""
        return self._read("image")

    @property
    def metrics(self) -> CellMetrics | None:
        """Metrics as the desktop application stored them; None if there are none."""
        metrics: list[CellMetrics | None] | None = self._owner.metrics
        return metrics[self.index] if metrics else None


class Vessel(Roi):
    """One vessel of a :class:`isx.VesselSet`, as ``vessels[0]``, ``vessels["V0"]`` or iteration give it."""

    @property
    def line(self) -> NDArray[np.int64]:
        """Points (x, y) in pixels, a new int64 array: (2, 2) in diameter, (4, 2) in velocity sets."""
        return self._read("line")

    @property
    def image(self) -> NDArray[np.float32]:
        """The image of the set, a new float32 array (rows, columns)."""
        return self._read("image")

    @property
    def center_trace(self) -> NDArray[np.float32]:
        """Position of the centre along the line, a new float32 array; IsxError if there is none."""
        return self._second(VesselSetType.VESSEL_DIAMETER)

    @property
    def direction_trace(self) -> NDArray[np.float32]:
        """Direction of the flow in degrees, a new float32 array; IsxError if there is none."""
        return self._second(VesselSetType.RBC_VELOCITY)

    def _second(self, set_type: VesselSetType) -> NDArray[np.float32]:
        self._owner._open().body.require_second(set_type)
        return self._read("second")
