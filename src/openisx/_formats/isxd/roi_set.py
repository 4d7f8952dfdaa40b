"""What `.isxd` cell sets and vessel sets have in common: opening, editing and writing them.

:class:`LabelledFile` is what the files themselves share. :class:`LabelledReader` and :class:`LabelledWriter` add the
two ways of using one; the layout of the body comes from the class of the cells or vessels, which each reader and
each writer is combined with.
"""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from openisx._files.output import OutputFile
from openisx._formats.acquisition_info import acquisition_info
from openisx._formats.isxd.container import open_container, trailer_bytes
from openisx._formats.isxd.editing import MetadataEditor
from openisx._formats.isxd.metadata import (
    PRODUCER,
    spacing_from_json,
    spacing_to_json,
    timing_from_json,
    timing_to_json,
)
from openisx._formats.isxd.roi_metadata import Labels, efocus_values
from openisx._formats.json_reading import plain, updated
from openisx._formats.json_writing import dump
from openisx._formats.kinds import wrong_kind
from openisx.errors import IsxFormatError, IsxStateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from openisx._formats.json_reading import JsonObject
    from openisx._formats.kinds import DataKind
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["FLOAT", "MAX_IMAGE", "LabelledFile", "LabelledReader", "LabelledWriter"]

#: Type of images and traces.
FLOAT = np.dtype("<f4")

#: Bytes; a larger image is taken as damage.
MAX_IMAGE = 2**40

_VERSION = 5


class LabelledFile:
    """A file of cells or vessels, open for reading or being written."""

    noun: ClassVar[str]  # 'cell' or 'vessel'
    data_kind: ClassVar[DataKind]
    defaults: ClassVar[Mapping[str, Any]]  # members of new files, as far as they are not known better

    path: str  # canonical
    given_path: str  # as the caller gave it
    version: int = _VERSION
    labels: Labels
    timing: Timing
    spacing: Spacing

    @cached_property
    def image_bytes(self) -> int:
        """Size of an image."""
        rows, cols = self.spacing.num_pixels
        return rows * cols * FLOAT.itemsize

    @cached_property
    def trace_bytes(self) -> int:
        """Size of a trace."""
        return self.timing.num_samples * FLOAT.itemsize

    def metadata_at(self) -> int:
        """Where the metadata belong."""
        raise NotImplementedError

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Everything the file says about itself."""
        raise NotImplementedError

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`openisx._formats.acquisition_info.acquisition_info`."""
        raise NotImplementedError

    def statuses(self) -> list[str]:
        """Status of each: 'accepted', 'undecided' or 'rejected'."""
        return [self.labels.status(i, self.given_path) for i in range(len(self.labels))]

    def set_statuses(self, codes: Mapping[int, int]) -> None:
        """Change the status of some cells or vessels."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the file."""

    def _read(self, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any] = FLOAT) -> NDArray[Any]:
        """Copy of part of the file in native byte order."""
        raise NotImplementedError

    def _known(self, labels: Labels) -> dict[str, Any]:
        """Metadata that follow from what is in the file."""
        return {
            **labels.to_json(),
            "dataType": "float",
            "fileVersion": max(self.version, _VERSION),
            "spacingInfo": spacing_to_json(self.spacing),
            "timingInfo": timing_to_json(self.timing),
            "type": self.data_kind.code,
        }

    def _metadata_to_write(self, labels: Labels, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Those `stored`, changed to what is known better."""
        return {**self.defaults, **updated(stored, self._known(labels)), "producer": PRODUCER}


class LabelledReader(LabelledFile):
    """An open file.

    Parameters
    ----------
    path
        As the caller gave it.
    editable
        Whether anything will be changed in the file.

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
            if kind is not self.data_kind:
                raise wrong_kind(path, kind, self.data_kind)
            self._metadata = container.metadata
            members = container.members(path)
            self.version = members.integer("fileVersion", minimum=0)
            members.string("dataType")
            self.timing = timing_from_json(members.object("timingInfo"))
            self.spacing = spacing_from_json(members.object("spacingInfo"))
            self.labels = Labels.from_json(self.noun, members, self.version)
            self._measure(members, container.body_size)
            statuses = f"{self.noun.capitalize()}Statuses"
            self._editor = MetadataEditor(self.path, self.metadata_at(), statuses) if editable else None
        except BaseException:
            self._file.close()
            raise

    def _measure(self, members: JsonObject, body_size: int) -> None:
        """Take the layout of the body from the metadata, and check that it fits."""
        raise NotImplementedError

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The trailing JSON object."""
        return MappingProxyType(plain(self._metadata))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata, see :func:`openisx._formats.acquisition_info.acquisition_info`."""
        return acquisition_info(self._metadata.get("extraProperties"))

    def _read(self, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any] = FLOAT) -> NDArray[Any]:
        values: NDArray[Any] = np.empty(shape, dtype)
        if self._file.read_into(values, offset) < values.nbytes:
            raise IsxFormatError(f"{self.given_path} was shortened while it was open.")
        native: NDArray[Any] = values.astype(dtype.newbyteorder("="), copy=False)
        return native

    def _views(
        self, offset: int, step: int, shape: tuple[int, ...], dtype: np.dtype[Any] = FLOAT
    ) -> NDArray[Any]:
        """One array of every cell or vessel, the first at `offset`, as a read-only view of the file."""
        count = len(self.labels)
        if not count or 0 in shape:
            return np.zeros((count, *shape), dtype)
        strides = (step, *np.empty(shape, dtype).strides)
        view: NDArray[Any] = np.ndarray((count, *shape), dtype, self._file.map(), offset, strides)
        return view

    def set_statuses(self, codes: Mapping[int, int]) -> None:
        """Change the status of some cells or vessels, in the file."""
        editor = self._editable()
        edited = editor.change_statuses(self.labels, codes)
        if edited is not None:
            self._rewrite(editor, edited)

    def _editable(self) -> MetadataEditor:
        if self._editor is None:
            raise IsxStateError(f"{self.given_path} was opened for reading only.")
        return self._editor

    def _rewrite(self, editor: MetadataEditor, labels: Labels) -> None:
        stored = {"efocusValues": efocus_values(self._metadata), **plain(self._metadata)}
        metadata = self._metadata_to_write(labels, stored)
        editor.rewrite(metadata)
        labels.names = metadata[f"{self.noun.capitalize()}Names"]
        self.labels, self._metadata = labels, metadata

    def close(self) -> None:
        """Release the file."""
        self._file.close()


class LabelledWriter(LabelledFile):
    """Writes a new file; what it holds can be read back and replaced until :meth:`commit`.

    Parameters
    ----------
    path
        Final name of the file.
    timing
        Normalised timing.
    spacing
        Size of the images.
    extra_properties
        Session metadata to store, any JSON value.
    cannot_open
        Text of the error when the file cannot be created, as for :class:`openisx._files.output.OutputFile`.
    """

    def __init__(
        self, path: str, timing: Timing, spacing: Spacing, extra_properties: Any, cannot_open: str
    ) -> None:
        dump(extra_properties)  # fails here if they are not JSON
        self.given_path = path
        self.timing, self.spacing = timing, spacing
        self.labels = Labels(self.noun)
        self._extra = extra_properties
        self.output = OutputFile(path, cannot_open=cannot_open)
        self.path = self.output.path

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the file will say about itself."""
        return MappingProxyType(self._metadata_to_write(self.labels, {"extraProperties": self._extra}))

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as they will be read from the file."""
        return acquisition_info(self._extra)

    def set_statuses(self, codes: Mapping[int, int]) -> None:
        """Change the status of some cells or vessels."""
        for index, code in codes.items():
            self.labels.statuses[index] = code

    def _read(self, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any] = FLOAT) -> NDArray[Any]:
        values: NDArray[Any] = np.empty(shape, dtype)
        if values.size:
            self.output.read_into(values, offset)
        native: NDArray[Any] = values.astype(dtype.newbyteorder("="), copy=False)
        return native

    def commit(self) -> None:
        """Write the metadata and give the file its final name."""
        end = self.metadata_at()
        trailer = trailer_bytes(dict(self.metadata))
        self.output.overwrite(trailer, end)
        self.output.truncate(end + len(trailer))  # something may be left of what was replaced or did not fit
        self.output.commit()

    def discard(self) -> None:
        """Remove everything written."""
        self.output.discard()
