"""Vessel sets in `.isxd` files: reading, editing, writing. The layout is in :mod:`isx.formats.vessel_body`."""

from __future__ import annotations

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
from isx.formats.labels import WHITE, Labels, efocus_values
from isx.formats.members import spacing_from_json, timing_from_json
from isx.formats.vessel_body import (
    FLOAT,
    POINT,
    SECOND_KEY,
    STORED_NAME,
    VesselBody,
    VesselSetType,
    vessel_metadata,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from isx.formats.vessel_body import Vessel
    from isx.spacing import Spacing
    from isx.timing import Timing

__all__ = ["VesselSetIsxd", "VesselSetIsxdWriter"]

_MAX_IMAGE = 2**40  # bytes; more is taken as damage
_MAX_HEATMAP = 2**20  # rows or columns


class VesselSetIsxd(VesselBody):
    """An open `.isxd` vessel set.

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
            if kind is not DataKind.VESSEL_SET:
                raise wrong_kind(path, kind, DataKind.VESSEL_SET)
            self._metadata = container.metadata
            members = container.members(path)
            self.version = members.integer("fileVersion", minimum=0)
            members.string("dataType")
            self.timing = timing_from_json(members.object("timingInfo"))
            self.spacing = spacing_from_json(members.object("spacingInfo"))
            self.labels = Labels.from_json("vessel", members, self.version)
            self._measure(members, container.body_size)
            self._editor = (
                MetadataEditor(self.path, self.metadata_at(), "VesselStatuses") if editable else None
            )
        except BaseException:
            self._file.close()
            raise

    def _measure(self, members: JsonObject, body_size: int) -> None:
        stored = members.object("extraProperties").object("idps").object("vesselset").string("type")
        velocity = stored == STORED_NAME[VesselSetType.RBC_VELOCITY]
        self.kind = VesselSetType.RBC_VELOCITY if velocity else VesselSetType.VESSEL_DIAMETER
        self.has_second = SECOND_KEY[self.kind] in members
        self.heatmap_sizes = _heatmap_sizes(members) if velocity else []
        labels, count = self.labels, len(self.labels)
        labels.colors = [*labels.colors[:count], *[WHITE] * (count - len(labels.colors))]
        if self.image_bytes > _MAX_IMAGE:
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

    def _read(self, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        values: NDArray[Any] = np.empty(shape, dtype)
        if self._file.read_into(values, offset) < values.nbytes:
            raise IsxFormatError(f"{self.given_path} was shortened while it was open.")
        native: NDArray[Any] = values.astype(dtype.newbyteorder("="), copy=False)
        return native

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The trailing JSON object."""
        return MappingProxyType(plain(self._metadata))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`isx.acquisition.acquisition_info`."""
        return acquisition_info(self._metadata.get("extraProperties"))

    # -- all vessels -----------------------------------------------------------------------------

    def lines(self) -> NDArray[np.int64]:
        """Points of all lines, (vessels, points, 2)."""
        return self._all(0, POINT, (self.num_points, 2))

    def traces(self) -> NDArray[np.float32]:
        """All traces, (vessels, samples)."""
        return self._all(self.gap_bytes, FLOAT, (self.timing.num_samples,))

    def seconds(self) -> NDArray[np.float32]:
        """All centre or direction traces, (vessels, samples)."""
        return self._all(self.gap_bytes + self._trace_bytes, FLOAT, (self.timing.num_samples,))

    def _all(self, at: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """One part of every vessel: a view of the file if all vessels are equally large, else a copy."""
        count = len(self.labels)
        if not count or 0 in shape:
            return np.zeros((count, *shape), dtype)
        strides = np.diff(self._starts)
        if (strides == strides[0]).all():
            inner = np.empty(shape, dtype).strides
            start = self._starts[0] + at
            view: NDArray[Any] = np.ndarray(
                (count, *shape), dtype, self._file.map(), start, (int(strides[0]), *inner)
            )
            return view
        return np.stack([self._read(start + at, dtype, shape) for start in self._starts[:-1]])

    def heatmaps(self, index: int) -> NDArray[np.float32]:
        """Heat maps of one vessel as a read-only view of the file, (samples, 3, height, width)."""
        at, shape = self._heatmaps_at(index)
        if 0 in shape:
            return np.zeros(shape, np.float32)
        view: NDArray[np.float32] = np.ndarray(shape, FLOAT, self._file.map(), at)
        return view

    # -- editing ---------------------------------------------------------------------------------

    def set_statuses(self, codes: Mapping[int, int]) -> None:
        """Change the status of some vessels, in the file."""
        editor = self._editable()
        edited = editor.change_statuses(self.labels, codes)
        if edited is not None:
            self._rewrite(editor, edited)

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

    def _editable(self) -> MetadataEditor:
        if self._editor is None:
            raise IsxStateError(f"{self.given_path} was opened for reading only.")
        return self._editor

    def _rewrite(self, editor: MetadataEditor, labels: Labels) -> None:
        stored = {"efocusValues": efocus_values(self._metadata), **plain(self._metadata)}
        metadata = vessel_metadata(self, labels, stored, self.version)
        editor.rewrite(metadata)
        labels.names = metadata["VesselNames"]
        self.labels, self._metadata = labels, metadata

    def close(self) -> None:
        """Release the file."""
        self._file.close()


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


class VesselSetIsxdWriter(VesselBody):
    """Writes a new `.isxd` vessel set; its vessels can be read back and replaced until :meth:`commit`.

    Parameters
    ----------
    path
        Final name of the file.
    timing
        Normalised timing.
    spacing
        Size of the image.
    kind
        Type of the set.
    extra_properties
        Session metadata to store, any JSON object.
    """

    def __init__(
        self,
        path: str,
        timing: Timing,
        spacing: Spacing,
        kind: VesselSetType,
        extra_properties: Mapping[str, Any] | None = None,
    ) -> None:
        own = {"idps": {"vesselset": {"type": STORED_NAME[kind]}}}
        self._extra = merged(extra_properties or {}, own)
        dump(self._extra)  # fails here if they are not JSON
        self.given_path = path
        self.kind, self.timing, self.spacing = kind, timing, spacing
        self.labels = Labels("vessel")
        self.has_second = True
        self.heatmap_sizes = []
        self.output = OutputFile(
            path, cannot_open="Failed to open vessel set file for read/write ({path}) with error: {error}"
        )
        self.path = self.output.path

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the file will say about itself."""
        return MappingProxyType(vessel_metadata(self, self.labels, {"extraProperties": self._extra}))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as they will be read from the file."""
        return acquisition_info(self._extra)

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

    def set_statuses(self, codes: Mapping[int, int]) -> None:
        """Change the status of some vessels."""
        for index, code in codes.items():
            self.labels.statuses[index] = code

    def _read(self, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        values: NDArray[Any] = np.empty(shape, dtype)
        if values.size:
            self.output.read_into(values, offset)
        native: NDArray[Any] = values.astype(dtype.newbyteorder("="), copy=False)
        return native

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
        return self._read(at, FLOAT, shape)

    def commit(self) -> None:
        """Write the metadata and give the file its final name."""
        end = self.metadata_at()
        trailer = trailer_bytes(dict(self.metadata))
        if end:
            self.output.overwrite(bytes(self.gap_bytes), end - self.gap_bytes)
        self.output.overwrite(trailer, end)
        self.output.truncate(end + len(trailer))  # something may be left of a vessel that was replaced
        self.output.commit()

    def discard(self) -> None:
        """Remove everything written."""
        self.output.discard()

    def close(self) -> None:
        """Nothing to release."""
