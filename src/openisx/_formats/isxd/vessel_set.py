"""Vessel sets in `.isxd` files (docs/formats/vessel-sets.md)."""

from __future__ import annotations

import enum
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from openisx._formats.isxd.roi_metadata import WHITE
from openisx._formats.isxd.roi_set import FLOAT, RoiBody, RoiFile, RoiWriter
from openisx._formats.json_reading import JsonObject, updated
from openisx._formats.kinds import DataKind
from openisx.errors import IsxError, IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from numpy.typing import NDArray

    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["Vessel", "VesselBody", "VesselSetIsxd", "VesselSetType", "new_vessel_set"]

_POINT = np.dtype("<i8")
_MAX_HEATMAP = 2**20  # rows or columns


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
            _STORED_NAME[cls.RBC_VELOCITY]: cls.RBC_VELOCITY,
        }
        if type_str not in known:
            raise ValueError(f"Unknown vessel_type {type_str!r}. Options are vessel diameter, rbc velocity.")
        return known[type_str]


_STORED_NAME = {
    VesselSetType.VESSEL_DIAMETER: "vessel diameter",
    VesselSetType.RBC_VELOCITY: "red blood cell velocity",
}
_SECOND_KEY = {
    VesselSetType.VESSEL_DIAMETER: "VesselCenterSaved",
    VesselSetType.RBC_VELOCITY: "VesselDirectionSaved",
}


class Vessel(NamedTuple):
    """Everything to store of one vessel.

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
    def size(self) -> tuple[int, int] | None:
        """(width, height) of the heat maps."""
        return None if self.heatmaps is None else (self.heatmaps.shape[3], self.heatmaps.shape[2])


class VesselBody(RoiBody):
    """Layout of a vessel set: one image, and for each vessel a line, one or two traces and possibly heat maps.

    Attributes
    ----------
    set_type
        What the traces hold.
    has_second
        Whether there are centre or direction traces.
    heatmap_sizes
        (width, height) of each vessel; empty without heat maps.
    """

    noun = "vessel"
    data_kind = DataKind.VESSEL_SET
    defaults: ClassVar = {"SizeGlobalVS": 0, "efocusValues": [0]}

    set_type = VesselSetType.VESSEL_DIAMETER
    has_second = True
    heatmap_sizes: tuple[tuple[int, int], ...] = ()
    _starts: list[int] | None = None

    @classmethod
    def from_metadata(cls, members: JsonObject, version: int) -> Self:
        """The layout that the metadata of a file of `version` tell."""
        self = super().from_metadata(members, version)
        stored = members.object("extraProperties").object("idps").object("vesselset").string("type")
        if stored == _STORED_NAME[VesselSetType.RBC_VELOCITY]:
            self.set_type = VesselSetType.RBC_VELOCITY
            self.heatmap_sizes = _heatmap_sizes(members)
        rois, count = self.rois, len(self.rois)
        self.has_second = not count or _SECOND_KEY[self.set_type] in members
        rois.colors = [*rois.colors[:count], *[WHITE] * (count - len(rois.colors))]
        return self

    def require_fit(self, path: str, body_size: int) -> None:
        """IsxFormatError unless this describes a body of exactly that size."""
        count = len(self.rois)
        if len(self.rois.statuses) != count or (self.heatmap_sizes and len(self.heatmap_sizes) != count):
            raise IsxFormatError(
                f"{path}: {count} names, {len(self.rois.statuses)} statuses and {len(self.heatmap_sizes)} sizes of "
                "heat maps do not fit together. The file is damaged."
            )
        if count and self.end() != body_size:
            raise IsxFormatError(
                "Number of vessels in header does not match number of vessels in file. "
                f"{path}: {count} vessels take {self.end()} bytes, but the file has {body_size}."
            )

    @property
    def num_points(self) -> int:
        """Points of a line."""
        return 4 if self.set_type is VesselSetType.RBC_VELOCITY else 2

    @property
    def tail(self) -> bytes:  # type: ignore[override]
        """The gap before the metadata, as large as a line."""
        return bytes(2 * _POINT.itemsize * self.num_points)

    def starts(self) -> list[int]:
        """Where each vessel starts, and where the last one ends."""
        if self._starts is None:
            fixed = len(self.tail) + self.trace_bytes * (1 + self.has_second)
            sizes = self.heatmap_sizes or [(0, 0)] * len(self.rois)
            lengths = (fixed + 3 * self.trace_bytes * w * h for w, h in sizes)
            self._starts = list(accumulate(lengths, initial=self.image_bytes))
        return self._starts

    def end(self) -> int:
        """Where the metadata belong."""
        return self.starts()[-1] + len(self.tail) if len(self.rois) else 0

    def part(self, what: str, index: int) -> tuple[int, tuple[int, ...], np.dtype[Any]]:
        """Position, shape and type of the "image", or of the "line", "trace", "second" or "heatmaps" of a vessel."""
        if what == "image":
            return 0, self.spacing.num_pixels, FLOAT
        at, samples = self.starts()[index], self.timing.num_samples
        if what == "line":
            return at, (self.num_points, 2), _POINT
        at += len(self.tail)
        if what == "heatmaps":
            width, height = self.heatmap_sizes[index]
            return at + self.trace_bytes * (1 + self.has_second), (samples, 3, height, width), FLOAT
        return at + self.trace_bytes * (what == "second"), (samples,), FLOAT

    def content(self, index: int, roi: Vessel) -> tuple[int, list[NDArray[Any]]]:
        """Where a vessel is stored, and the arrays that are stored there."""
        arrays = [roi.image.astype(FLOAT)] if index == 0 else []
        arrays += [roi.line.astype(_POINT), roi.trace.astype(FLOAT), roi.second.astype(FLOAT)]
        arrays += [] if roi.heatmaps is None else [roi.heatmaps.astype(FLOAT)]
        return self.starts()[index] if index else 0, arrays

    def require_next(self, index: int, roi: Vessel | None, *, may_append: bool) -> None:
        """ValueError unless `roi` can be the vessel at `index`; the last one may change its size if `may_append`."""
        super().require_next(index, roi, may_append=may_append)
        if roi is None:
            return
        count, sizes = len(self.rois), self.heatmap_sizes
        if count > (index < count) and bool(sizes) != (roi.size is not None):
            raise ValueError(
                "Either all vessels of a set have correlation heat maps, or none has; "
                f"those set so far {'have' if sizes else 'have none'}."
            )
        own = () if roi.size is None else (roi.size,)
        if index < count - may_append and sizes[index : index + 1] != own:
            raise ValueError(
                f"Vessel {index} cannot be replaced by one with heat maps of another size: "
                "those behind it would have to move."
            )
        if index < count and not self.has_second:
            raise ValueError("Vessels of a file without center or direction traces cannot be replaced.")

    def put(self, index: int, name: str, size: tuple[int, int] | None = None) -> None:
        """Note that a vessel was added, or replaced by a new one, with heat maps of `size`."""
        super().put(index, name)
        self._starts = None
        own = () if size is None else (size,)
        self.heatmap_sizes = self.heatmap_sizes[:index] + own + self.heatmap_sizes[index + 1 :]

    def pop(self) -> None:
        """Forget the last vessel."""
        super().pop()
        self._starts, self.heatmap_sizes = None, self.heatmap_sizes[: len(self.rois)]

    def known(self) -> dict[str, Any]:
        """The metadata that follow from the layout."""
        known = super().known()
        if self.has_second and len(self.rois):
            known[_SECOND_KEY[self.set_type]] = True
        if self.heatmap_sizes:
            known["VesselCorrelationSizes"] = [list(size) for size in self.heatmap_sizes]
        return known

    def require_second(self, set_type: VesselSetType) -> None:
        """Raise unless the set is of that type and holds its second traces."""
        if self.set_type is not set_type:
            raise IsxError(
                "Model center can only be read from vessel diameter set but this is a rbc velocity set"
                if set_type is VesselSetType.VESSEL_DIAMETER
                else "Reading direction for diameter vessel set"
            )
        if not self.has_second:
            what = "center point" if set_type is VesselSetType.VESSEL_DIAMETER else "direction"
            raise IsxError(f"No {what} traces saved to vessel set file.")

    def require_heatmaps(self) -> None:
        """Raise unless the set holds heat maps."""
        if not self.heatmap_sizes:
            raise IsxError("No correlation heatmaps saved to vessel set file.")


def _heatmap_sizes(members: JsonObject) -> tuple[tuple[int, int], ...]:
    sizes = []
    for i, size in enumerate(
        members.array("VesselCorrelationSizes") if "VesselCorrelationSizes" in members else ()
    ):
        pair = JsonObject({"size": size}, members.path, f"VesselCorrelationSizes[{i}]")
        numbers = pair.integers("size", 0, _MAX_HEATMAP)
        if len(numbers) != 2:
            raise IsxFormatError(f"{members.path}: {pair.where} should be [width, height].")
        sizes.append((numbers[0], numbers[1]))
    return tuple(sizes)


class VesselSetIsxd(RoiFile[VesselBody]):
    """An open `.isxd` vessel set."""

    body_type = VesselBody


def new_vessel_set(
    path: str,
    timing: Timing,
    spacing: Spacing,
    set_type: VesselSetType,
    extra_properties: Mapping[str, Any] | None,
) -> RoiWriter[VesselBody]:
    """Start a new vessel set; `timing` is normalised."""
    body = VesselBody(timing, spacing)
    body.set_type = set_type
    extra = updated(extra_properties or {}, {"idps": {"vesselset": {"type": _STORED_NAME[set_type]}}})
    cannot_open = "Failed to open vessel set file for read/write ({path}) with error: {error}"
    return RoiWriter(path, body, extra, cannot_open)
