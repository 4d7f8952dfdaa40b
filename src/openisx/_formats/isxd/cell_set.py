"""Cell sets in `.isxd` files (docs/formats/cell-sets.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from openisx._files.output import OutputFile
from openisx._formats.isxd.container import trailer_bytes
from openisx._formats.isxd.roi_set import FLOAT, RoiBody, RoiFile, RoiSource, RoiWriter
from openisx._formats.json_reading import JsonObject
from openisx._formats.kinds import DataKind
from openisx.errors import IsxFormatError
from openisx.structures import CellMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from numpy.typing import NDArray

    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["Cell", "CellBody", "CellSetIsxd", "cell_metrics", "new_cell_set", "save_cell_set"]

_CANNOT_OPEN = "Failed to open cell set file for reading ({path}) with error: {error}"


class Cell(NamedTuple):
    """Everything to store of one cell: float32 arrays (rows, columns) and (samples,)."""

    image: NDArray[np.float32]
    trace: NDArray[np.float32]
    size: None = None


class CellBody(RoiBody):
    """Layout of a cell set: cells of equal size, each a footprint ("image") and a trace."""

    noun = "cell"
    data_kind = DataKind.CELL_SET
    defaults: ClassVar = {
        "CentroidDistances": [],
        "Matches": [],
        "PairScores": [],
        "SizeGlobalCS": 0,
        "cellMetrics": None,
        "efocusValues": [0],
        "extraProperties": None,
        "isRoiSet": False,
    }

    @classmethod
    def from_metadata(cls, members: JsonObject, version: int) -> Self:
        """The layout that the metadata of a file of `version` tell."""
        members.boolean("isRoiSet")
        if version >= 3:
            for key in ("CentroidDistances", "Matches", "PairScores"):
                members.array(key)
            members.integer("SizeGlobalCS", 0)
        return super().from_metadata(members, version)

    def require_fit(self, path: str, body_size: int) -> None:
        """IsxFormatError unless this describes a body of that size; less than a cell more is left alone."""
        rois, count, cell_bytes = self.rois, len(self.rois), self._cell_bytes
        in_file = body_size // cell_bytes if cell_bytes and count else count
        if not in_file == count == len(rois.statuses) == len(rois.colors):
            raise IsxFormatError(
                "Number of cells in header does not match number of cells in file. "
                f"{path} has room for {in_file} cells of {cell_bytes} bytes, and metadata with "
                f"{count} names, {len(rois.statuses)} statuses and {len(rois.colors)} colours."
            )

    @property
    def _cell_bytes(self) -> int:
        return self.image_bytes + self.trace_bytes

    def end(self) -> int:
        """Where the metadata belong."""
        return len(self.rois) * self._cell_bytes

    def part(self, what: str, index: int) -> tuple[int, tuple[int, ...], np.dtype[Any]]:
        """Position, shape and type of the "image" or the "trace" of a cell."""
        start = index * self._cell_bytes
        if what == "image":
            return start, self.spacing.num_pixels, FLOAT
        return start + self.image_bytes, (self.timing.num_samples,), FLOAT

    def content(self, index: int, roi: Cell) -> tuple[int, list[NDArray[Any]]]:
        """Where a cell is stored, and the arrays that are stored there."""
        return index * self._cell_bytes, [
            roi.image.astype(FLOAT, copy=False),
            roi.trace.astype(FLOAT, copy=False),
        ]


class CellSetIsxd(RoiFile[CellBody]):
    """An open `.isxd` cell set."""

    body_type = CellBody

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata; None before version 5."""
        return super().acquisition_info() if self.version >= 5 else None


def new_cell_set(
    path: str, timing: Timing, spacing: Spacing, extra_properties: Mapping[str, Any] | None
) -> RoiWriter[CellBody]:
    """Start a new cell set; `timing` is normalised."""
    return RoiWriter(path, CellBody(timing, spacing), extra_properties, _CANNOT_OPEN)


def save_cell_set(source: RoiSource[CellBody], path: str) -> None:
    """Write a set to a new file, with all of its metadata."""
    body = source.body
    with OutputFile(path, cannot_open=_CANNOT_OPEN) as output:
        for index in range(len(body.rois)):
            for what in ("image", "trace"):
                output.write(np.ascontiguousarray(source.read(what, index), FLOAT))
        output.write(trailer_bytes(body.metadata(source.metadata)))


def cell_metrics(metadata: Mapping[str, Any], count: int, path: str) -> list[CellMetrics | None] | None:
    """Metrics of each of `count` cells in the metadata of a file; None if it has none at all.

    Raises
    ------
    IsxFormatError
        The metrics are malformed, or not one entry for each cell.
    """
    stored = metadata.get("cellMetrics")
    if stored is None:
        return None
    if not isinstance(stored, list) or len(stored) != count:
        raise IsxFormatError(f"{path}: cellMetrics should have one entry for each cell.")
    return [_one_metrics(entry, path, f"cellMetrics[{i}]") for i, entry in enumerate(stored)]


def _one_metrics(entry: Any, path: str, where: str) -> CellMetrics | None:
    if entry == {}:
        return None
    if not isinstance(entry, list) or len(entry) != 7:
        raise IsxFormatError(f"{path}: {where} should be {{}} or a list of seven.")
    members = JsonObject(dict(zip("abcdefg", entry, strict=True)), path, where)
    first, second = members.object("b"), members.object("c")
    return CellMetrics(
        members.integer("a", 0),
        (first.integer("x"), first.integer("y")),
        (second.integer("x"), second.integer("y")),
        *(members.number(key) for key in "defg"),
    )
