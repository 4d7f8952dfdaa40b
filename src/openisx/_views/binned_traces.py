"""Cell sets whose traces are means of neighbouring samples: :class:`BinnedTraces`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.isxd.cell_set import CellBody
from openisx._formats.isxd.metadata import timing_to_json
from openisx._formats.isxd.roi_set import RoiSource
from openisx._views.base import with_processing
from openisx._views.binned import binned_timing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["BinnedTraces"]


class BinnedTraces(RoiSource[CellBody]):
    """The mean of `time` samples of every trace, of those that exist; footprints, names and statuses are those of `parent`.

    Raises
    ------
    ValueError
        `time` is below 1 or exceeds the number of samples.
    """

    def __init__(self, parent: RoiSource[CellBody], time: int) -> None:
        self._parent, self._time = parent, time
        self.path: Any = None
        self.given_path = f"{parent.given_path}, bin(time={time})"
        self._timing = binned_timing(parent.timing, time).normalized()
        valid = parent.timing.samples.mask()[: self._timing.num_samples * time]
        self._valid = valid.reshape(-1, time)

    @property
    def body(self) -> CellBody:  # type: ignore[override]
        """Layout that a file of it would have, with the present names and statuses."""
        return CellBody(self._timing, self._parent.spacing, self._parent.rois)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What a file of it would say."""
        stored = self._parent.metadata
        known = {"temporalDownsampling": self._time}
        extra = with_processing(stored.get("extraProperties"), {}, known)
        return MappingProxyType(
            {**stored, "extraProperties": extra, "timingInfo": timing_to_json(self._timing)}
        )

    def read(self, what: str, index: int, sample: int | None = None) -> NDArray[Any]:
        """One part of one cell."""
        part = self._parent.read(what, index, sample)
        return self._binned(part[None])[0] if what == "trace" else part

    def all(self, what: str) -> NDArray[Any]:
        """One part of all cells."""
        parts = self._parent.all(what)
        return self._binned(parts) if what == "trace" else parts

    def _binned(self, traces: NDArray[Any]) -> NDArray[np.float32]:
        count = self._valid.sum(axis=1)
        bins = traces[:, : self._valid.size].reshape(len(traces), *self._valid.shape)
        with np.errstate(all="ignore"):  # NaN where a bin has no sample
            means = np.sum(bins, axis=2, dtype=np.float64, where=self._valid) / count
        binned: NDArray[np.float32] = means.astype(np.float32)
        return binned
