"""Vessel sets in `.isxd` files (spec 05).

The body, all little-endian and nothing aligned, with P = 2 points for diameter and 4 for velocity sets:

=================  =====================================  =========================================================
part               size                                   present
=================  =====================================  =========================================================
image              4 x rows x columns bytes, float32      once, if there are vessels
for each vessel:
line               16 x P bytes, int64 (x, y)             always
trace              4 x ``numTimes`` bytes, float32        always
second trace       4 x ``numTimes`` bytes, float32        diameter: centre, if ``VesselCenterSaved`` is there;
                                                          velocity: direction, if ``VesselDirectionSaved`` is
heat maps          for each sample 3 x height x width     velocity sets with ``VesselCorrelationSizes``, a
                   float32 (offsets -1, 0, +1)            (width, height) for each vessel
gap                16 x P bytes, 0                        once at the end, if there are vessels
=================  =====================================  =========================================================

The metadata hold, besides what :mod:`openisx._formats.isxd.roi_metadata` describes: ``timingInfo``, ``spacingInfo``,
``efocusValues``, ``SizeGlobalVS``, ``dataType`` ``"float"``, ``fileVersion`` 5, ``type`` 8, and the type of the set
in ``extraProperties.idps.vesselset.type``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from openisx._formats.isxd.roi_set import FLOAT, LabelledFile
from openisx._formats.kinds import DataKind
from openisx.errors import IsxError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._formats.isxd.roi_metadata import Labels

__all__ = ["POINT", "SECOND_KEY", "STORED_NAME", "Vessel", "VesselBody", "VesselSetType"]

#: Type of the points of a line.
POINT = np.dtype("<i8")


class VesselSetType(enum.Enum):
    """What the traces of a vessel set hold."""

    VESSEL_DIAMETER = 0
    RBC_VELOCITY = 1

    @classmethod
    def from_str(cls, type_str: str | VesselSetType) -> VesselSetType:
        """Type called 'vessel diameter' or 'rbc velocity'; ValueError for anything else."""
        if isinstance(type_str, cls):
            return type_str
        known = {
            "vessel diameter": cls.VESSEL_DIAMETER,
            "rbc velocity": cls.RBC_VELOCITY,
            STORED_NAME[cls.RBC_VELOCITY]: cls.RBC_VELOCITY,
        }
        if type_str not in known:
            raise ValueError(f"Unknown vessel_type {type_str!r}. Options are vessel diameter, rbc velocity.")
        return known[type_str]


#: Name of each type in files.
STORED_NAME = {
    VesselSetType.VESSEL_DIAMETER: "vessel diameter",
    VesselSetType.RBC_VELOCITY: "red blood cell velocity",
}
SECOND_KEY = {
    VesselSetType.VESSEL_DIAMETER: "VesselCenterSaved",
    VesselSetType.RBC_VELOCITY: "VesselDirectionSaved",
}


class VesselBody(LabelledFile):
    """Where the parts of each vessel are; what files being read and written have in common."""

    noun = "vessel"
    data_kind = DataKind.VESSEL_SET
    defaults: ClassVar = {"SizeGlobalVS": 0, "efocusValues": [0]}

    kind: VesselSetType
    has_second: bool
    heatmap_sizes: list[tuple[int, int]]  # (width, height) of each vessel; empty without heat maps

    @property
    def num_points(self) -> int:
        """Points of a line."""
        return 4 if self.kind is VesselSetType.RBC_VELOCITY else 2

    @property
    def gap_bytes(self) -> int:
        """Size of a line, and of the gap before the metadata."""
        return 2 * POINT.itemsize * self.num_points

    def starts(self) -> list[int]:
        """Where each vessel starts, and where the last one ends."""
        fixed = self.gap_bytes + self.trace_bytes * (1 + self.has_second)
        sizes = self.heatmap_sizes or [(0, 0)] * len(self.labels)
        return list(
            accumulate((fixed + 3 * self.trace_bytes * w * h for w, h in sizes), initial=self.image_bytes)
        )

    def metadata_at(self) -> int:
        """Where the metadata belong."""
        return self.starts()[-1] + self.gap_bytes if len(self.labels) else 0

    def read_image(self) -> NDArray[np.float32]:
        """The image of the set, a new array (rows, columns)."""
        return self._read(0, self.spacing.num_pixels)

    def read_line(self, index: int) -> NDArray[np.int64]:
        """Points (x, y) of a line, a new array."""
        return self._read(self._start(index), (self.num_points, 2), POINT)

    def read_trace(self, index: int) -> NDArray[np.float32]:
        """Diameter or velocity, a new array (samples,)."""
        return self._read(self._start(index) + self.gap_bytes, (self.timing.num_samples,))

    def read_second(self, index: int) -> NDArray[np.float32]:
        """Centre or direction, a new array (samples,)."""
        at = self._start(index) + self.gap_bytes + self.trace_bytes
        return self._read(at, (self.timing.num_samples,))

    def read_heatmaps(self, index: int, sample: int) -> NDArray[np.float32]:
        """Heat maps of one sample, a new array (3, height, width)."""
        at, (_, *shape) = self._heatmaps_at(index)
        return self._read(at + sample * FLOAT.itemsize * int(np.prod(shape)), tuple(shape))

    def _heatmaps_at(self, index: int) -> tuple[int, tuple[int, ...]]:
        width, height = self.heatmap_sizes[index]
        at = self._start(index) + self.gap_bytes + self.trace_bytes * (1 + self.has_second)
        return at, (self.timing.num_samples, 3, height, width)

    def _start(self, index: int) -> int:
        return self.starts()[index]

    def _known(self, labels: Labels) -> dict[str, Any]:
        known = super()._known(labels)
        if self.has_second and len(labels):
            known[SECOND_KEY[self.kind]] = True
        if self.heatmap_sizes:
            known["VesselCorrelationSizes"] = [list(size) for size in self.heatmap_sizes]
        return known

    def require_second(self, kind: VesselSetType) -> None:
        """Raise unless the set is of `kind` and holds its second traces."""
        if self.kind is not kind:
            raise IsxError(
                "Model center can only be read from vessel diameter set but this is a rbc velocity set"
                if kind is VesselSetType.VESSEL_DIAMETER
                else "Reading direction for diameter vessel set"
            )
        if not self.has_second:
            what = "center point" if kind is VesselSetType.VESSEL_DIAMETER else "direction"
            raise IsxError(f"No {what} traces saved to vessel set file.")

    def require_heatmaps(self) -> None:
        """Raise unless the set holds heat maps."""
        if not self.heatmap_sizes:
            raise IsxError("No correlation heatmaps saved to vessel set file.")


@dataclass(frozen=True)
class Vessel:
    """Everything to store of one vessel, of the right types and shapes.

    Attributes
    ----------
    image
        float32 (rows, columns), stored with the first vessel only.
    line
        int64 (points, 2).
    trace, second
        float32 (samples,).
    heatmaps
        float32 (samples, 3, height, width) or None.
    """

    image: NDArray[np.float32]
    line: NDArray[np.int64]
    trace: NDArray[np.float32]
    second: NDArray[np.float32]
    heatmaps: NDArray[np.float32] | None = None

    @property
    def heatmap_size(self) -> tuple[int, int] | None:
        """(width, height)."""
        return None if self.heatmaps is None else (self.heatmaps.shape[3], self.heatmaps.shape[2])

    def require_fit(self, body: VesselBody, index: int, *, may_grow: bool) -> None:
        """ValueError unless the vessel fits among the others; the last one may change its size if `may_grow`."""
        count = len(body.labels)
        others = count - (index < count)
        if others and bool(body.heatmap_sizes) != (self.heatmaps is not None):
            raise ValueError(
                "Either all vessels of a set have correlation heat maps, or none has; "
                f"those set so far {'have' if body.heatmap_sizes else 'have none'}."
            )
        if index < count - may_grow and body.heatmap_sizes[index : index + 1] != self._sizes():
            raise ValueError(
                f"Vessel {index} cannot be replaced by one with heat maps of another size: "
                "those behind it would have to move."
            )
        if index < count and not body.has_second:
            raise ValueError("Vessels of a file without center or direction traces cannot be replaced.")

    def _sizes(self) -> list[tuple[int, int]]:
        return [] if self.heatmap_size is None else [self.heatmap_size]

    def to_bytes(self) -> bytes:
        """The vessel as the body of a file holds it, without the image."""
        parts: list[NDArray[Any]] = [
            self.line.astype(POINT),
            self.trace.astype(FLOAT),
            self.second.astype(FLOAT),
        ]
        if self.heatmaps is not None:
            parts.append(self.heatmaps.astype(FLOAT))
        return b"".join([part.tobytes() for part in parts])
