"""Vessel sets in `.isxd` files: reading, editing, writing. The layout is in :mod:`openisx._formats.isxd.vessel_layout`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.isxd.roi_metadata import WHITE
from openisx._formats.isxd.roi_set import FLOAT, MAX_IMAGE, LabelledReader, LabelledWriter
from openisx._formats.isxd.vessel_layout import POINT, SECOND_KEY, STORED_NAME, VesselBody, VesselSetType
from openisx._formats.json_reading import JsonObject, updated
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from openisx._formats.isxd.vessel_layout import Vessel
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["VesselSetIsxd", "VesselSetIsxdWriter"]

_MAX_HEATMAP = 2**20  # rows or columns


class VesselSetIsxd(VesselBody, LabelledReader):
    """An open `.isxd` vessel set, see :class:`openisx._formats.isxd.roi_set.LabelledReader`."""

    def _measure(self, members: JsonObject, body_size: int) -> None:
        stored = members.object("extraProperties").object("idps").object("vesselset").string("type")
        velocity = stored == STORED_NAME[VesselSetType.RBC_VELOCITY]
        self.kind = VesselSetType.RBC_VELOCITY if velocity else VesselSetType.VESSEL_DIAMETER
        self.has_second = SECOND_KEY[self.kind] in members
        self.heatmap_sizes = _heatmap_sizes(members) if velocity else []
        labels, count = self.labels, len(self.labels)
        labels.colors = [*labels.colors[:count], *[WHITE] * (count - len(labels.colors))]
        if self.image_bytes > MAX_IMAGE:
            raise IsxFormatError(f"{self.given_path}: the size of the image cannot be. The file is damaged.")
        if len(labels.statuses) != count or (self.heatmap_sizes and len(self.heatmap_sizes) != count):
            raise IsxFormatError(
                f"{self.given_path}: {count} names, {len(labels.statuses)} statuses and "
                f"{len(self.heatmap_sizes)} sizes of heat maps do not fit together. The file is damaged."
            )
        self._starts = self.starts()
        if count and self.metadata_at() != body_size:
            raise IsxFormatError(
                "Number of vessels in header does not match number of vessels in file. "
                f"{self.given_path}: {count} vessels take {self.metadata_at()} bytes, but the file has {body_size}."
            )

    def _start(self, index: int) -> int:
        return self._starts[index]

    def lines(self) -> NDArray[np.int64]:
        """Points of all lines, (vessels, points, 2)."""
        return self._all(0, (self.num_points, 2), POINT)

    def traces(self) -> NDArray[np.float32]:
        """All traces, (vessels, samples)."""
        return self._all(self.gap_bytes, (self.timing.num_samples,))

    def seconds(self) -> NDArray[np.float32]:
        """All centre or direction traces, (vessels, samples)."""
        return self._all(self.gap_bytes + self.trace_bytes, (self.timing.num_samples,))

    def _all(self, at: int, shape: tuple[int, ...], dtype: np.dtype[Any] = FLOAT) -> NDArray[Any]:
        """One part of every vessel: a view of the file if all vessels are equally large, else a copy."""
        sizes = np.diff(self._starts)
        if (sizes == sizes[:1]).all():
            return self._views(self._starts[0] + at, int(sizes[0]) if len(sizes) else 0, shape, dtype)
        return np.stack([self._read(start + at, shape, dtype) for start in self._starts[:-1]])

    def heatmaps(self, index: int) -> NDArray[np.float32]:
        """Heat maps of one vessel as a read-only view of the file, (samples, 3, height, width)."""
        at, shape = self._heatmaps_at(index)
        if 0 in shape:
            return np.zeros(shape, np.float32)
        view: NDArray[np.float32] = np.ndarray(shape, FLOAT, self._file.map(), at)
        return view

    def put(self, index: int, vessel: Vessel, name: str) -> None:
        """Replace a vessel, in the file; its status, colour and activity become those of a new one."""
        editor = self._editable()
        self.labels.require_next(index, may_append=False)
        vessel.require_fit(self, index, may_grow=False)
        edited = self.labels.copy()
        edited.put(index, name)
        if index == 0:
            editor.write_body(0, vessel.image.astype(FLOAT).tobytes())
        editor.write_body(self._start(index), vessel.to_bytes())
        self._rewrite(editor, edited)


def _heatmap_sizes(members: JsonObject) -> list[tuple[int, int]]:
    if "VesselCorrelationSizes" not in members:
        return []
    sizes = []
    for i, size in enumerate(members.array("VesselCorrelationSizes")):
        pair = JsonObject({"size": size}, members.path, f"VesselCorrelationSizes[{i}]")
        numbers = pair.integers("size", 0, _MAX_HEATMAP)
        if len(numbers) != 2:
            raise IsxFormatError(f"{members.path}: {pair.where} should be [width, height].")
        sizes.append((numbers[0], numbers[1]))
    return sizes


class VesselSetIsxdWriter(VesselBody, LabelledWriter):
    """Writes a new `.isxd` vessel set of type `kind`, see :class:`openisx._formats.isxd.roi_set.LabelledWriter`."""

    def __init__(
        self,
        path: str,
        timing: Timing,
        spacing: Spacing,
        kind: VesselSetType,
        extra_properties: Mapping[str, Any] | None = None,
    ) -> None:
        self.kind, self.has_second = kind, True
        self.heatmap_sizes = []
        extra = updated(extra_properties or {}, {"idps": {"vesselset": {"type": STORED_NAME[kind]}}})
        cannot_open = "Failed to open vessel set file for read/write ({path}) with error: {error}"
        super().__init__(path, timing, spacing, extra, cannot_open)

    def put(self, index: int, vessel: Vessel, name: str) -> None:
        """Write the next vessel, or replace an earlier one."""
        self.labels.require_next(index, may_append=True)
        vessel.require_fit(self, index, may_grow=True)
        if index == 0:
            self.output.overwrite(vessel.image.astype(FLOAT).tobytes(), 0)
        self.output.overwrite(vessel.to_bytes(), self._start(index))
        size = vessel.heatmap_size
        self.heatmap_sizes[index : index + 1] = [] if size is None else [size]
        self.labels.put(index, name)

    def lines(self) -> NDArray[np.int64]:
        """Points of all lines written so far, a new array (vessels, points, 2)."""
        return np.array([self.read_line(i) for i in range(len(self.labels))], np.int64).reshape(
            len(self.labels), self.num_points, 2
        )

    def traces(self) -> NDArray[np.float32]:
        """All traces written so far, a new array (vessels, samples)."""
        return self._stacked([self.read_trace(i) for i in range(len(self.labels))])

    def seconds(self) -> NDArray[np.float32]:
        """All centre or direction traces written so far, a new array (vessels, samples)."""
        return self._stacked([self.read_second(i) for i in range(len(self.labels))])

    def _stacked(self, traces: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.array(traces, np.float32).reshape(len(traces), self.timing.num_samples)

    def heatmaps(self, index: int) -> NDArray[np.float32]:
        """Heat maps of one vessel, a new array (samples, 3, height, width)."""
        at, shape = self._heatmaps_at(index)
        return self._read(at, shape)

    def commit(self) -> None:
        """Write the metadata and give the file its final name."""
        end = self.metadata_at()
        if end:
            self.output.overwrite(bytes(self.gap_bytes), end - self.gap_bytes)
        super().commit()
