"""Cell sets in `.isxd` files (spec 03).

The body holds the cells one after the other, without gaps, all little-endian. One cell is

==========  ===========================  ========================================
part        size                         content
==========  ===========================  ========================================
footprint   4 x rows x columns bytes     float32, row by row
trace       4 x ``numTimes`` bytes       float32; missing samples have a place too
==========  ===========================  ========================================

The metadata hold, besides what :mod:`isx.formats.labels` describes: ``timingInfo``, ``spacingInfo``,
``isRoiSet`` (drawn by hand), ``cellMetrics`` (null, or for each cell ``{}`` or a list of seven),
``efocusValues``, ``extraProperties``; ``CentroidDistances``, ``Matches``, ``PairScores`` and ``SizeGlobalCS`` of
longitudinal registration; ``dataType`` ``"float"``, ``fileVersion`` 5 and ``type`` 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from isx.acquisition import acquisition_info
from isx.errors import IsxFormatError, IsxStateError
from isx.files import OutputFile
from isx.formats.editing import MetadataEditor, merged
from isx.formats.isxd import open_container, trailer_bytes
from isx.formats.json_text import JsonObject, dump, plain
from isx.formats.kinds import DataKind, wrong_kind
from isx.formats.labels import Labels, efocus_values
from isx.formats.members import (
    PRODUCER,
    spacing_from_json,
    spacing_to_json,
    timing_from_json,
    timing_to_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from isx.spacing import Spacing
    from isx.timing import Timing

__all__ = ["CellMetrics", "CellSetIsxd", "CellSetIsxdWriter"]

_FLOAT = np.dtype("<f4")
_MAX_IMAGE = 2**40  # bytes; more is taken as damage
_VERSION = 5

#: Members of a new file, in so far as they are not of the cells.
_DEFAULTS: dict[str, Any] = {
    "CentroidDistances": [],
    "Matches": [],
    "PairScores": [],
    "SizeGlobalCS": 0,
    "cellMetrics": None,
    "efocusValues": [0],
    "extraProperties": None,
    "isRoiSet": False,
}


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


class CellSetIsxd:
    """An open `.isxd` cell set.

    Parameters
    ----------
    path
        As the caller gave it.
    editable
        Whether :meth:`set_statuses` and :meth:`put` will be used.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is damaged, or holds another kind of data set.
    """

    def __init__(self, path: str, *, editable: bool = False) -> None:
        self._file, container = open_container(path)
        self.path = self._file.path
        self.given_path = path
        try:
            kind = container.kind(path)
            if kind is not DataKind.CELL_SET:
                raise wrong_kind(path, kind, DataKind.CELL_SET)
            self._metadata = container.metadata
            members = container.members(path)
            self.version = members.integer("fileVersion", minimum=0)
            members.string("dataType")
            self.timing: Timing = timing_from_json(members.object("timingInfo"))
            self.spacing: Spacing = spacing_from_json(members.object("spacingInfo"))
            self.is_roi_set = members.boolean("isRoiSet")
            self.labels = Labels.from_json("cell", members, self.version)
            self._check_registration(members)
            self._measure(container.body_size)
            body_size = len(self.labels) * self.cell_bytes
            self._editor = MetadataEditor(self.path, body_size, "CellStatuses") if editable else None
        except BaseException:
            self._file.close()
            raise

    def _check_registration(self, members: JsonObject) -> None:
        if self.version >= 3:
            for key in ("CentroidDistances", "Matches", "PairScores"):
                members.array(key)
            members.integer("SizeGlobalCS", 0)

    def _measure(self, body_size: int) -> None:
        rows, cols = self.spacing.num_pixels
        self.image_bytes = rows * cols * _FLOAT.itemsize
        self.cell_bytes = self.image_bytes + self.timing.num_samples * _FLOAT.itemsize
        labels = self.labels
        count = len(labels.names)
        if self.image_bytes > _MAX_IMAGE:
            raise IsxFormatError(f"{self.given_path}: {rows} x {cols} pixels cannot be. The file is damaged.")
        in_file = body_size // self.cell_bytes if self.cell_bytes and count else count
        if not in_file == count == len(labels.statuses) == len(labels.colors):
            raise IsxFormatError(
                "Number of cells in header does not match number of cells in file. "
                f"{self.given_path} has room for {in_file} cells of {self.cell_bytes} bytes, and metadata with "
                f"{count} names, {len(labels.statuses)} statuses and {len(labels.colors)} colours."
            )

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The trailing JSON object."""
        return MappingProxyType(plain(self._metadata))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`isx.acquisition.acquisition_info`; None before version 5."""
        return acquisition_info(self._metadata.get("extraProperties")) if self.version >= 5 else None

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

    def read_image(self, index: int) -> NDArray[np.float32]:
        """Footprint of one cell, a new array (rows, columns)."""
        return self._read(index * self.cell_bytes, self.spacing.num_pixels)

    def read_trace(self, index: int) -> NDArray[np.float32]:
        """Trace of one cell, a new array (samples,)."""
        return self._read(index * self.cell_bytes + self.image_bytes, (self.timing.num_samples,))

    def _read(self, offset: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        values: NDArray[np.float32] = np.empty(shape, _FLOAT)
        if self._file.read_into(values, offset) < values.nbytes:
            raise IsxFormatError(f"{self.given_path} was shortened while it was open.")
        native: NDArray[np.float32] = values.astype(np.float32, copy=False)
        return native

    def images(self) -> NDArray[np.float32]:
        """All footprints as a read-only view of the file, (cells, rows, columns)."""
        rows, cols = self.spacing.num_pixels
        return self._strided((rows, cols), (4 * cols, 4), 0)

    def traces(self) -> NDArray[np.float32]:
        """All traces as a read-only view of the file, (cells, samples)."""
        return self._strided((self.timing.num_samples,), (4,), self.image_bytes)

    def _strided(self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> NDArray[np.float32]:
        count = len(self.labels)
        if not count or 0 in shape:
            empty: NDArray[np.float32] = np.zeros((count, *shape), _FLOAT)
            return empty
        view: NDArray[np.float32] = np.ndarray(
            (count, *shape), _FLOAT, self._file.map(), offset, (self.cell_bytes, *strides)
        )
        return view

    # -- editing ---------------------------------------------------------------------------------

    def set_statuses(self, codes: Mapping[int, int]) -> None:
        """Change the status of some cells, in the file."""
        editor = self._editable()
        edited = editor.change_statuses(self.labels, codes)
        if edited is not None:
            self._rewrite(editor, edited)

    def put(self, index: int, image: NDArray[np.float32], trace: NDArray[np.float32], name: str) -> None:
        """Replace a cell, in the file; its status, colour and activity become those of a new one."""
        editor = self._editable()
        self.labels.require_next(index, may_append=False)
        edited = self.labels.copy()
        edited.put(index, name)
        editor.write_body(index * self.cell_bytes, _cell_bytes(image, trace))
        self._rewrite(editor, edited)

    def _editable(self) -> MetadataEditor:
        if self._editor is None:
            raise IsxStateError(f"{self.given_path} was opened for reading only.")
        return self._editor

    def _rewrite(self, editor: MetadataEditor, labels: Labels) -> None:
        stored = {"efocusValues": efocus_values(self._metadata), **plain(self._metadata)}
        metadata = _metadata(labels, self.timing, self.spacing, stored, max(self.version, _VERSION))
        editor.rewrite(metadata)
        labels.names = metadata["CellNames"]
        self.labels, self._metadata = labels, metadata

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _metadata(
    labels: Labels, timing: Timing, spacing: Spacing, stored: Mapping[str, Any], version: int
) -> dict[str, Any]:
    """Metadata to write, made of those `stored` and what is known better."""
    known = {
        **labels.to_json(),
        "dataType": "float",
        "fileVersion": version,
        "spacingInfo": spacing_to_json(spacing),
        "timingInfo": timing_to_json(timing),
        "type": DataKind.CELL_SET.code,
    }
    return {**_DEFAULTS, **merged(stored, known), "producer": PRODUCER}


def _cell_bytes(image: NDArray[np.float32], trace: NDArray[np.float32]) -> bytes:
    return image.astype(_FLOAT, copy=False).tobytes() + trace.astype(_FLOAT, copy=False).tobytes()


class CellSetIsxdWriter:
    """Writes a new `.isxd` cell set; its cells can be read back and replaced until :meth:`commit`.

    Parameters
    ----------
    path
        Final name of the file.
    timing
        Normalised timing.
    spacing
        Size of the footprints.
    extra_properties
        Session metadata to store, any JSON value.
    """

    def __init__(
        self, path: str, timing: Timing, spacing: Spacing, extra_properties: Mapping[str, Any] | None = None
    ) -> None:
        dump(extra_properties)  # fails here if they are not JSON
        rows, cols = spacing.num_pixels
        self.given_path = path
        self.timing, self.spacing = timing, spacing
        self.labels = Labels("cell")
        self._extra = extra_properties
        self._image_bytes = rows * cols * _FLOAT.itemsize
        self._cell_bytes = self._image_bytes + timing.num_samples * _FLOAT.itemsize
        self.output = OutputFile(
            path, cannot_open="Failed to open cell set file for reading ({path}) with error: {error}"
        )
        self.path = self.output.path

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the file will say about itself."""
        stored = {"extraProperties": self._extra}
        return MappingProxyType(_metadata(self.labels, self.timing, self.spacing, stored, _VERSION))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as they will be read from the file."""
        return acquisition_info(self._extra)

    def metrics(self) -> None:
        """Metrics are not written."""

    def put(self, index: int, image: NDArray[np.float32], trace: NDArray[np.float32], name: str) -> None:
        """Write the next cell, or replace an earlier one."""
        self.labels.require_next(index, may_append=True)
        start = index * self._cell_bytes
        self.output.overwrite(np.ascontiguousarray(image, _FLOAT), start)
        self.output.overwrite(np.ascontiguousarray(trace, _FLOAT), start + self._image_bytes)
        self.labels.put(index, name)

    def set_statuses(self, codes: Mapping[int, int]) -> None:
        """Change the status of some cells."""
        for index, code in codes.items():
            self.labels.statuses[index] = code

    def read_image(self, index: int) -> NDArray[np.float32]:
        """Footprint of a cell already written."""
        return self._read(index * self._cell_bytes, self.spacing.num_pixels)

    def read_trace(self, index: int) -> NDArray[np.float32]:
        """Trace of a cell already written."""
        return self._read(index * self._cell_bytes + self._image_bytes, (self.timing.num_samples,))

    def _read(self, offset: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        values = np.empty(shape, _FLOAT)
        if values.size:
            self.output.read_into(values, offset)
        native: NDArray[np.float32] = values.astype(np.float32, copy=False)
        return native

    def images(self) -> NDArray[np.float32]:
        """All footprints written so far, a new array (cells, rows, columns)."""
        all_of_them = [self.read_image(i) for i in range(len(self.labels))]
        return np.array(all_of_them, np.float32).reshape(len(all_of_them), *self.spacing.num_pixels)

    def traces(self) -> NDArray[np.float32]:
        """All traces written so far, a new array (cells, samples)."""
        all_of_them = [self.read_trace(i) for i in range(len(self.labels))]
        return np.array(all_of_them, np.float32).reshape(len(all_of_them), self.timing.num_samples)

    def commit(self) -> None:
        """Write the metadata and give the file its final name."""
        end = len(self.labels) * self._cell_bytes
        trailer = trailer_bytes(dict(self.metadata))
        self.output.overwrite(trailer, end)
        self.output.truncate(end + len(trailer))  # something may be left of a cell that did not fit the disk
        self.output.commit()

    def discard(self) -> None:
        """Remove everything written."""
        self.output.discard()

    def close(self) -> None:
        """Nothing to release."""
