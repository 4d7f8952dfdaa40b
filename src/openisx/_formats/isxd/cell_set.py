"""Cell sets in `.isxd` files (spec 03).

The body holds the cells one after the other, without gaps, all little-endian. One cell is

==========  ===========================  ========================================
part        size                         content
==========  ===========================  ========================================
footprint   4 x rows x columns bytes     float32, row by row
trace       4 x ``numTimes`` bytes       float32; missing samples have a place too
==========  ===========================  ========================================

The metadata hold, besides what :mod:`openisx._formats.isxd.roi_metadata` describes: ``timingInfo``, ``spacingInfo``,
``isRoiSet`` (drawn by hand), ``cellMetrics`` (null, or for each cell ``{}`` or a list of seven),
``efocusValues``, ``extraProperties``; ``CentroidDistances``, ``Matches``, ``PairScores`` and ``SizeGlobalCS`` of
longitudinal registration; ``dataType`` ``"float"``, ``fileVersion`` 5 and ``type`` 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from openisx._formats.isxd.roi_set import FLOAT, MAX_IMAGE, LabelledFile, LabelledReader, LabelledWriter
from openisx._formats.json_reading import JsonObject
from openisx._formats.kinds import DataKind
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["CellMetrics", "CellSetIsxd", "CellSetIsxdWriter"]


@dataclass(frozen=True)
class CellMetrics:
    """Shape of one footprint as the desktop application measured it, in pixels.

    Attributes
    ----------
    num_components : int
        Number of separate parts.
    overall_center, largest_component_center : (int, int)
        (x, y); -2**63 where undefined.
    overall_area, largest_component_area : float
        Areas.
    overall_max_contour_width, largest_component_max_contour_width : float
        Largest distance between two points of the outline.
    """

    num_components: int
    overall_center: tuple[int, int]
    largest_component_center: tuple[int, int]
    overall_area: float
    largest_component_area: float
    overall_max_contour_width: float
    largest_component_max_contour_width: float


class CellBody(LabelledFile):
    """Where the parts of each cell are; what files being read and written have in common."""

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

    @cached_property
    def cell_bytes(self) -> int:
        """Size of a cell."""
        return self.image_bytes + self.trace_bytes

    def metadata_at(self) -> int:
        """Where the metadata belong."""
        return len(self.labels) * self.cell_bytes

    def read_image(self, index: int) -> NDArray[np.float32]:
        """Footprint of one cell, a new array (rows, columns)."""
        return self._read(index * self.cell_bytes, self.spacing.num_pixels)

    def read_trace(self, index: int) -> NDArray[np.float32]:
        """Trace of one cell, a new array (samples,)."""
        return self._read(index * self.cell_bytes + self.image_bytes, (self.timing.num_samples,))


class CellSetIsxd(CellBody, LabelledReader):
    """An open `.isxd` cell set, see :class:`openisx._formats.isxd.roi_set.LabelledReader`."""

    def _measure(self, members: JsonObject, body_size: int) -> None:
        members.boolean("isRoiSet")
        if self.version >= 3:
            for key in ("CentroidDistances", "Matches", "PairScores"):
                members.array(key)
            members.integer("SizeGlobalCS", 0)
        rows, cols = self.spacing.num_pixels
        labels = self.labels
        count = len(labels.names)
        if self.image_bytes > MAX_IMAGE:
            raise IsxFormatError(f"{self.given_path}: {rows} x {cols} pixels cannot be. The file is damaged.")
        in_file = body_size // self.cell_bytes if self.cell_bytes and count else count
        if not in_file == count == len(labels.statuses) == len(labels.colors):
            raise IsxFormatError(
                "Number of cells in header does not match number of cells in file. "
                f"{self.given_path} has room for {in_file} cells of {self.cell_bytes} bytes, and metadata with "
                f"{count} names, {len(labels.statuses)} statuses and {len(labels.colors)} colours."
            )

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`openisx._formats.acquisition_info.acquisition_info`; None before version 5."""
        return super().acquisition_info() if self.version >= 5 else None

    def metrics(self) -> list[CellMetrics | None] | None:
        """Stored metrics of each cell; None if the file has none at all.

        Raises
        ------
        IsxFormatError
            The metrics are malformed, or not one entry for each cell.
        """
        stored = self._metadata.get("cellMetrics")
        if stored is None:
            return None
        if not isinstance(stored, list) or len(stored) != len(self.labels):
            raise IsxFormatError(f"{self.given_path}: cellMetrics should have one entry for each cell.")
        return [self._one_metrics(i, entry) for i, entry in enumerate(stored)]

    def _one_metrics(self, index: int, entry: Any) -> CellMetrics | None:
        if entry == {}:
            return None
        where = f"cellMetrics[{index}]"
        if not isinstance(entry, list) or len(entry) != 7:
            raise IsxFormatError(f"{self.given_path}: {where} should be {{}} or a list of seven.")
        members = JsonObject(dict(zip("abcdefg", entry, strict=True)), self.given_path, where)
        first, second = members.object("b"), members.object("c")
        return CellMetrics(
            members.integer("a", 0),
            (first.integer("x"), first.integer("y")),
            (second.integer("x"), second.integer("y")),
            *(members.number(key) for key in "defg"),
        )

    def images(self) -> NDArray[np.float32]:
        """All footprints as a read-only view of the file, (cells, rows, columns)."""
        return self._views(0, self.cell_bytes, self.spacing.num_pixels)

    def traces(self) -> NDArray[np.float32]:
        """All traces as a read-only view of the file, (cells, samples)."""
        return self._views(self.image_bytes, self.cell_bytes, (self.timing.num_samples,))

    def put(self, index: int, image: NDArray[np.float32], trace: NDArray[np.float32], name: str) -> None:
        """Replace a cell, in the file; its status, colour and activity become those of a new one."""
        editor = self._editable()
        self.labels.require_next(index, may_append=False)
        edited = self.labels.copy()
        edited.put(index, name)
        data = image.astype(FLOAT, copy=False).tobytes() + trace.astype(FLOAT, copy=False).tobytes()
        editor.write_body(index * self.cell_bytes, data)
        self._rewrite(editor, edited)


class CellSetIsxdWriter(CellBody, LabelledWriter):
    """Writes a new `.isxd` cell set, see :class:`openisx._formats.isxd.roi_set.LabelledWriter`."""

    def __init__(
        self, path: str, timing: Timing, spacing: Spacing, extra_properties: Mapping[str, Any] | None = None
    ) -> None:
        cannot_open = "Failed to open cell set file for reading ({path}) with error: {error}"
        super().__init__(path, timing, spacing, extra_properties, cannot_open)

    def metrics(self) -> None:
        """Metrics are not written."""

    def put(self, index: int, image: NDArray[np.float32], trace: NDArray[np.float32], name: str) -> None:
        """Write the next cell, or replace an earlier one."""
        self.labels.require_next(index, may_append=True)
        start = index * self.cell_bytes
        self.output.overwrite(np.ascontiguousarray(image, FLOAT), start)
        self.output.overwrite(np.ascontiguousarray(trace, FLOAT), start + self.image_bytes)
        self.labels.put(index, name)

    def images(self) -> NDArray[np.float32]:
        """All footprints written so far, a new array (cells, rows, columns)."""
        all_of_them = [self.read_image(i) for i in range(len(self.labels))]
        return np.array(all_of_them, np.float32).reshape(len(all_of_them), *self.spacing.num_pixels)

    def traces(self) -> NDArray[np.float32]:
        """All traces written so far, a new array (cells, samples)."""
        all_of_them = [self.read_trace(i) for i in range(len(self.labels))]
        return np.array(all_of_them, np.float32).reshape(len(all_of_them), self.timing.num_samples)
