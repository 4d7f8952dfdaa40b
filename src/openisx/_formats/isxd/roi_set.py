"""Cell sets and vessel sets in `.isxd` files: reading and writing what the two have in common.

A :class:`RoiBody` knows where the parts of each ROI are; there is one for cells and one for vessels. Around it,
:class:`RoiFile` reads a finished file, :class:`RoiWriter` writes a new one, and
:class:`openisx._formats.isxd.roi_editing.RoiEditor` changes a finished one.
"""

from __future__ import annotations

import copy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from openisx._files.output import OutputFile
from openisx._files.source import InputFile
from openisx._formats.acquisition_info import acquisition_info
from openisx._formats.isxd.container import open_container, sidecar, trailer_bytes
from openisx._formats.isxd.metadata import (
    PRODUCER,
    spacing_from_json,
    spacing_to_json,
    timing_from_json,
    timing_to_json,
)
from openisx._formats.isxd.roi_metadata import RoiTable
from openisx._formats.json_reading import updated
from openisx._formats.json_writing import dump, dump_compact
from openisx._formats.kinds import wrong_kind
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from numpy.typing import NDArray

    from openisx._formats.isxd.container import Container
    from openisx._formats.json_reading import JsonObject
    from openisx._formats.kinds import DataKind
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["FLOAT", "MAX_IMAGE", "RoiBody", "RoiFile", "RoiSource", "RoiWriter"]

#: Type of images and traces.
FLOAT = np.dtype("<f4")

#: Bytes; a larger image is taken as damage.
MAX_IMAGE = 2**40

_VERSION = 5


class RoiBody:
    """The layout of a set: its ROIs, their samples and pixels, and where each part of them is in the file."""

    noun: ClassVar[str]  # 'cell' or 'vessel'
    data_kind: ClassVar[DataKind]
    defaults: ClassVar[Mapping[str, Any]]  # members of new files, as far as they are not known better
    tail: bytes = b""  # what stands between the last ROI and the metadata

    def __init__(self, timing: Timing, spacing: Spacing, rois: RoiTable | None = None) -> None:
        self.timing, self.spacing = timing, spacing
        self.rois = RoiTable(self.noun) if rois is None else rois
        rows, cols = spacing.num_pixels
        self.image_bytes = rows * cols * FLOAT.itemsize
        self.trace_bytes = timing.num_samples * FLOAT.itemsize

    @classmethod
    def from_metadata(cls, members: JsonObject, version: int) -> Self:
        """The layout that the metadata of a file of `version` tell."""
        return cls(
            timing_from_json(members.object("timingInfo")),
            spacing_from_json(members.object("spacingInfo")),
            RoiTable.from_json(cls.noun, members, version),
        )

    def require_fit(self, path: str, body_size: int) -> None:
        """IsxFormatError unless this describes a body of that size."""
        raise NotImplementedError

    def end(self) -> int:
        """Where the metadata belong."""
        raise NotImplementedError

    def part(self, what: str, index: int) -> tuple[int, tuple[int, ...], np.dtype[Any]]:
        """Position, shape and type of one part of one ROI."""
        raise NotImplementedError

    def content(self, index: int, roi: Any) -> tuple[int, list[NDArray[Any]]]:
        """Where a ROI is stored, and the arrays that are stored there one after the other."""
        raise NotImplementedError

    def require_next(self, index: int, roi: Any, *, may_append: bool) -> None:
        """ValueError unless `roi` can be the one at `index`; None stands for any."""
        self.rois.require_next(index, may_append=may_append)

    def put(self, index: int, name: str, size: Any = None) -> None:
        """Note that a ROI was added, or replaced by a new one; `size` is that of its heat maps, if it has any."""
        self.rois.put(index, name)

    def pop(self) -> None:
        """Forget the last ROI."""
        rois = self.rois
        for column in (rois.names, rois.statuses, rois.active, rois.colors):
            column.pop()

    def known(self) -> dict[str, Any]:
        """The metadata that follow from the layout."""
        return {
            **self.rois.to_json(),
            "dataType": "float",
            "spacingInfo": spacing_to_json(self.spacing),
            "timingInfo": timing_to_json(self.timing),
            "type": self.data_kind.code,
        }

    def metadata(self, stored: Mapping[str, Any], version: int = _VERSION) -> dict[str, Any]:
        """Metadata to write: those `stored`, changed to what is known better."""
        known = {**self.known(), "fileVersion": max(version, _VERSION)}
        return {**self.defaults, **updated(stored, known), "producer": PRODUCER}

    def copy(self) -> Self:
        """A copy whose ROIs are independent."""
        other = copy.copy(self)
        other.rois = self.rois.copy()
        return other


B_co = TypeVar("B_co", bound=RoiBody, covariant=True)


class RoiSource(Generic[B_co]):
    """A set that can be read: a finished file, or what was written so far of a new one."""

    path: str  # canonical; None where there is no file
    given_path: str  # as the caller gave it
    body: B_co

    @property
    def rois(self) -> RoiTable:
        """Names, statuses, activity and colours."""
        return self.body.rois

    @property
    def timing(self) -> Timing:
        """Samples of the traces."""
        return self.body.timing

    @property
    def spacing(self) -> Spacing:
        """Size of the images."""
        return self.body.spacing

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Everything the file says about itself."""
        raise NotImplementedError

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`openisx._formats.acquisition_info.acquisition_info`."""
        return acquisition_info(self.metadata.get("extraProperties"))

    def statuses(self) -> list[str]:
        """Status of each ROI: 'accepted', 'undecided' or 'rejected'."""
        return [self.rois.status(i, self.given_path) for i in range(len(self.rois))]

    def read(self, what: str, index: int, sample: int | None = None) -> NDArray[Any]:
        """One part of one ROI as a new array in native byte order; only the part of one sample if that is given."""
        offset, shape, dtype = self.body.part(what, index)
        if sample is not None:
            shape = shape[1:]
            offset += sample * dtype.itemsize * int(np.prod(shape))
        values: NDArray[Any] = np.empty(shape, dtype)
        self._read_into(values, offset)
        return values.astype(dtype.newbyteorder("="), copy=False)

    def all(self, what: str) -> NDArray[Any]:
        """One part of all ROIs, as one array with an axis in front."""
        _, shape, dtype = self.body.part(what, 0)
        count = len(self.rois)
        values = np.empty((count, *shape), dtype)
        for i in range(count):
            self._read_into(values[i], self.body.part(what, i)[0])
        return values.astype(dtype.newbyteorder("="), copy=False)

    def _read_into(self, values: NDArray[Any], offset: int) -> None:
        raise NotImplementedError

    def view(self, what: str, index: int) -> NDArray[Any]:
        """One part of one ROI: a read-only view of the file where there is one."""
        return self.read(what, index)

    def close(self) -> None:
        """Release the file."""


class RoiFile(RoiSource[B_co]):
    """An open file.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is damaged, or holds another kind of data set.
    """

    body_type: ClassVar[type[RoiBody]]

    def __init__(self, path: str) -> None:
        self.given_path = path
        self._file, container = open_container(path)
        self.path = self._file.path
        try:
            self._load(container)
        except BaseException:
            self._file.close()
            raise

    def _load(self, container: Container) -> None:
        path, kind = self.given_path, self.body_type.data_kind
        if container.kind(path) is not kind:
            raise wrong_kind(path, container.kind(path), kind)
        members = container.members(path)
        self.version = members.integer("fileVersion", minimum=0)
        members.string("dataType")
        body: Any = self.body_type.from_metadata(members, self.version)
        if body.image_bytes > MAX_IMAGE:
            raise IsxFormatError(f"{path}: the size of the images cannot be. The file is damaged.")
        body.require_fit(path, container.body_size)
        self.body, self._metadata = body, container.metadata

    def reload(self, container: Container) -> None:
        """Take over what another object or process made of the file."""
        self._file = InputFile(self.path)  # views of the old size stay valid
        self._load(container)

    def changed(self, body: Any, metadata: dict[str, Any]) -> None:
        """Take over an edit that was made in the file."""
        if body.end() != self.body.end():
            self._file = InputFile(self.path)
        self.body, self._metadata, self.version = body, metadata, metadata["fileVersion"]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The trailing JSON object."""
        return MappingProxyType(self._metadata)

    def _read_into(self, values: NDArray[Any], offset: int) -> None:
        if self._file.read_into(values, offset) < values.nbytes:
            raise IsxFormatError(f"{self.given_path} was shortened while it was open.")

    def view(self, what: str, index: int) -> NDArray[Any]:
        """One part of one ROI as a read-only view of the file."""
        offset, shape, dtype = self.body.part(what, index)
        if 0 in shape:
            return np.zeros(shape, dtype)
        view: NDArray[Any] = np.ndarray(shape, dtype, self._file.map(), offset)
        return view

    def all(self, what: str) -> NDArray[Any]:
        """One part of all ROIs: a read-only view of the file if they are equally far apart, else a copy."""
        first, shape, dtype = self.body.part(what, 0)
        count = len(self.rois)
        if not count or 0 in shape:
            return np.zeros((count, *shape), dtype)
        steps = np.diff([self.body.part(what, i)[0] for i in range(count)])
        if (steps != steps[:1]).any():
            return super().all(what)
        strides = (int(steps[0]) if count > 1 else 0, *np.empty(shape, dtype).strides)
        view: NDArray[Any] = np.ndarray((count, *shape), dtype, self._file.map(), first, strides)
        return view

    def close(self) -> None:
        """Release the file."""
        self._file.close()


class RoiWriter(RoiSource[B_co]):
    """Writes a new file; what it holds can be read back and replaced until :meth:`commit`.

    Parameters
    ----------
    path
        Final name of the file.
    body
        Layout without ROIs.
    extra_properties
        Session metadata to store, any JSON value.
    cannot_open
        Text of the error when the file cannot be created, as for :class:`openisx._files.output.OutputFile`.
    """

    def __init__(self, path: str, body: B_co, extra_properties: Any, cannot_open: str) -> None:
        dump(extra_properties)  # fails here if they are not JSON
        self.given_path, self.body = path, body
        self._extra = extra_properties
        self.output = OutputFile(path, cannot_open=cannot_open, sidecar=sidecar(path, self.metadata))
        self.path = self.output.path

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the file will say about itself."""
        return MappingProxyType(self.body.metadata({"extraProperties": self._extra}))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as they will be read from the file."""
        return acquisition_info(self._extra)

    def _read_into(self, values: NDArray[Any], offset: int) -> None:
        if values.size:
            self.output.read_into(values, offset)

    def put(self, index: int, name: str, roi: Any) -> None:
        """Write the next ROI, or replace an earlier one."""
        self.body.require_next(index, roi, may_append=True)
        offset, arrays = self.body.content(index, roi)
        for array in arrays:
            self.output.overwrite(np.ascontiguousarray(array), offset)
            offset += array.nbytes
        self.body.put(index, name, roi.size)
        self.output.note(dump_compact([index, name, roi.size]))

    def commit(self) -> None:
        """Write the metadata and give the file its final name."""
        end = self.body.end()
        trailer = self.body.tail * (end > 0) + trailer_bytes(dict(self.metadata))
        end -= len(self.body.tail) * (end > 0)
        self.output.overwrite(trailer, end)
        self.output.truncate(end + len(trailer))  # something may be left of what was replaced or did not fit
        self.output.commit()
