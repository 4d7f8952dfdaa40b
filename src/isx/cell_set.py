"""Cells of a recording: :class:`CellSet`."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from isx.errors import IsxError, IsxStateError, warn
from isx.formats.cell_set_isxd import CellMetrics, CellSetIsxd, CellSetIsxdWriter
from isx.formats.labels import status_code
from isx.movie import converted, not_open, output_path
from isx.opening import open_cell_set
from isx.paths import as_path
from isx.spacing import Spacing
from isx.tables import samples_table, table
from isx.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Self

    from isx.paths import PathInput

__all__ = ["CellMetrics", "CellSet", "finish_writer"]


def finish_writer(writer: Any) -> None:
    """Complete the file of a set that was dropped without `flush`; a failure can only be warned of."""
    if not writer.output.is_open:
        return
    try:
        writer.commit()
    except IsxError as error:
        warn(f"{writer.given_path} could not be finished: {error}")


class CellSet:
    """Cells of a recording: for each a name, a status, a footprint (image) and a trace.

    Made by :meth:`read` (or :func:`isx.open`) and :meth:`write`; the constructor alone gives an object whose
    attributes are None. Sets can be read from several threads at once, pickled, and used as context managers.

    Examples
    --------
    >>> with isx.CellSet.read("cells.isxd") as cells:  # doctest: +SKIP
    ...     accepted = [i for i, status in enumerate(cells.statuses) if status == "accepted"]
    ...     traces = cells.traces[accepted]
    """

    def __init__(self) -> None:
        self._set: CellSetIsxd | CellSetIsxdWriter | None = None
        self._mode = "r"
        self._writable = False

    @classmethod
    def read(cls, file_path: PathInput, read_only: bool = True) -> CellSet:
        """Open a cell set; only its metadata are read.

        Parameters
        ----------
        file_path : path
            An `.isxd` cell set.
        read_only : bool
            False to change statuses and to replace cells in the file.

        Raises
        ------
        IsxFileError
            The file is missing, damaged, or holds something else.
        """
        self = cls()
        self._set = open_cell_set(as_path(file_path), editable=not read_only)
        self._set_writable(not read_only)
        return self

    @classmethod
    def write(
        cls,
        file_path: PathInput,
        timing: Timing,
        spacing: Spacing,
        *,
        extra_properties: Mapping[str, Any] | None = None,
    ) -> CellSet:
        """Start a new cell set.

        The file appears under its name when :meth:`flush` has written all of it, or when the object is deleted.
        Until then cells can be read back and replaced.

        Parameters
        ----------
        file_path : path
            Must end in ``.isxd`` and not exist.
        timing : Timing
            Samples of the traces.
        spacing : Spacing
            Size of the footprints.
        extra_properties : mapping, optional
            Session metadata to store, for example ``movie.metadata["extraProperties"]``.

        Raises
        ------
        IsxFileExistsError, IsxFileError
            The file exists, or its folder is missing or not writable.
        TypeError, ValueError
            An argument is not what it should be.
        """
        path = output_path(file_path)
        if not isinstance(timing, Timing):
            raise TypeError("timing must be a Timing object")
        if not isinstance(spacing, Spacing):
            raise ValueError("spacing must be a Spacing object")  # noqa: TRY004 - the vendor's type
        self = cls()
        writer = CellSetIsxdWriter(path, timing.normalized(), spacing.copy(), extra_properties)
        self._set = writer
        self._set_writable(True)
        weakref.finalize(self, finish_writer, writer)
        return self

    def _set_writable(self, writable: bool) -> None:
        self._mode, self._writable = "w" if writable else "r", writable

    def _open(self) -> CellSetIsxd | CellSetIsxdWriter:
        if self._set is None:
            raise not_open()
        return self._set

    def _require_writable(self, what: str) -> CellSetIsxd | CellSetIsxdWriter:
        opened = self._open()
        if self._mode == "r":
            raise IsxStateError(f"Cannot set cell {what} in read-only mode")
        if not self._writable:
            raise IsxStateError(f"Writing data after file was closed for writing.{opened.given_path}")
        return opened

    @property
    def file_path(self) -> str | None:
        """Absolute path of the file, symbolic links resolved."""
        return None if self._set is None else self._set.path

    @property
    def mode(self) -> str | None:
        """'r' for sets that were read, 'w' for those being written or edited."""
        return None if self._set is None else self._mode

    @property
    def timing(self) -> Timing | None:
        """Samples of the traces."""
        return None if self._set is None else self._set.timing

    @property
    def spacing(self) -> Spacing | None:
        """Size of the footprints."""
        return None if self._set is None else self._set.spacing

    @property
    def num_cells(self) -> int | None:
        """Number of cells; while writing, of those set so far."""
        return None if self._set is None else len(self._set.labels)

    def _index(self, index: int) -> int:
        return self._open().labels.require(operator.index(index))

    # -- one cell --------------------------------------------------------------------------------

    def get_cell_name(self, index: int) -> str:
        """Name of one cell.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        """
        return self._open().labels.names[self._index(index)]

    def get_cell_status(self, index: int) -> str:
        """Status of one cell: 'accepted', 'undecided' or 'rejected'.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        IsxFormatError
            The file holds another status.
        """
        opened = self._open()
        return opened.labels.status(self._index(index), opened.given_path)

    def get_cell_trace_data(self, index: int) -> NDArray[np.float32]:
        """Trace of one cell.

        Returns
        -------
        ndarray of float32, shape (samples,)
            New array; NaN at dropped, cropped and blank samples.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        """
        return self._open().read_trace(self._index(index))

    def get_cell_image_data(self, index: int) -> NDArray[np.float32]:
        """Footprint of one cell.

        Returns
        -------
        ndarray of float32, shape (rows, columns)
            New array.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        """
        return self._open().read_image(self._index(index))

    def set_cell_status(self, index: int, status: str) -> None:
        """Change the status of one cell; in a file opened with ``read_only=False`` at once.

        Parameters
        ----------
        index : int
            Cell, counted from 0.
        status : str
            'accepted', 'undecided' or 'rejected'.

        Raises
        ------
        IsxStateError
            The set was opened for reading only, or is already flushed.
        ValueError
            There is no such status.
        IsxIndexError
            There is no such cell.
        """
        opened = self._require_writable("status")
        code = status_code(status, "cell")
        opened.set_statuses({self._index(index): code})

    def set_cell_data(self, index: int, image: ArrayLike, trace: ArrayLike, name: str | None = None) -> None:
        """Add the next cell, or replace an earlier one, whose status is then undecided again.

        In a finished file, opened with ``read_only=False``, cells can be replaced but not added.

        Parameters
        ----------
        index : int
            The number of cells so far to add one, less to replace one.
        image : array-like
            Footprint, shape (rows, columns). Another type than float32 is converted with a warning.
        trace : array-like
            One value per sample. Stored as NaN at dropped, cropped and blank samples.
        name : str, optional
            Default ``C<index>``.

        Raises
        ------
        IsxStateError
            The set was opened for reading only, or is already flushed.
        ValueError
            The index is out of order, or an array has the wrong size.
        """
        opened = self._require_writable("data")
        number = operator.index(index)
        opened.labels.require_next(number, may_append=isinstance(opened, CellSetIsxdWriter))
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be text, not {type(name).__name__}")
        footprint = np.asarray(image).reshape(opened.spacing.num_pixels)
        footprint = converted(footprint, np.dtype(np.float32))
        values = np.asarray(trace)
        samples = opened.timing.samples
        if values.size != samples.num_samples:
            raise ValueError(f"trace has {values.size} values; the set has {samples.num_samples} samples")
        values = converted(values.reshape(-1), np.dtype(np.float32))
        if not samples.complete:
            values = np.where(samples.mask(), values, np.float32(np.nan))
        opened.put(number, footprint, values, f"C{number}" if name is None else name)

    def flush(self) -> None:
        """Finish writing or editing: the file is complete, and nothing can be changed through this object.

        Does nothing on sets that were opened for reading or are already flushed.

        Raises
        ------
        IsxFileError
            The file could not be written.
        """
        opened = self._open()
        if isinstance(opened, CellSetIsxdWriter) and opened.output.is_open:
            opened.commit()
            self._set = open_cell_set(opened.path)
        self._writable = False

    # -- all cells -------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """Names of all cells."""
        return list(self._open().labels.names)

    @property
    def statuses(self) -> list[str]:
        """Status of every cell: 'accepted', 'undecided' or 'rejected'."""
        opened = self._open()
        return [opened.labels.status(i, opened.given_path) for i in range(len(opened.labels))]

    def set_cell_statuses(self, statuses: Sequence[str] | Mapping[int, str]) -> None:
        """Change the status of many cells in one step.

        Parameters
        ----------
        statuses : sequence or mapping
            One status for each cell, or index -> status for some of them.

        Raises
        ------
        IsxStateError, ValueError, IsxIndexError
            As :meth:`set_cell_status`; nothing is changed then. ValueError also if a sequence has another
            length than there are cells.
        """
        opened = self._require_writable("status")
        if not isinstance(statuses, Mapping):
            if isinstance(statuses, str) or len(statuses) != len(opened.labels):
                raise ValueError(f"statuses should hold one status for each of {len(opened.labels)} cells")
            statuses = dict(enumerate(statuses))
        opened.set_statuses({self._index(i): status_code(s, "cell") for i, s in statuses.items()})

    @property
    def colors(self) -> NDArray[np.uint32]:
        """Display colour of every cell as 0xAARRGGBB, uint32."""
        return np.array(self._open().labels.colors, dtype=np.uint32)

    @property
    def active(self) -> NDArray[np.bool_]:
        """Whether each cell is active in this member of a series, bool."""
        return np.array(self._open().labels.active, dtype=np.bool_)

    @property
    def traces(self) -> NDArray[np.float32]:
        """All traces, float32 of shape (cells, samples): a read-only view of the file, nothing is copied.

        While the set is being written: a copy of those set so far.
        """
        return self._open().traces()

    @property
    def footprints(self) -> NDArray[np.float32]:
        """All footprints, float32 of shape (cells, rows, columns): a read-only view of the file.

        While the set is being written: a copy of those set so far.
        """
        return self._open().images()

    @property
    def metrics(self) -> list[CellMetrics | None] | None:
        """Metrics of every footprint as the desktop application stored them; None if there are none."""
        return self._open().metrics()

    def to_dataframe(self, what: Literal["traces", "cells"] = "traces") -> pd.DataFrame:
        """The set as a pandas table (``pip install "isx[tables]"``).

        Parameters
        ----------
        what : {'traces', 'cells'}
            'traces': one row per sample, indexed by seconds since the start, one float32 column per cell.
            'cells': one row per cell with its name, status, activity, colour and stored metrics.

        Raises
        ------
        IsxImportError
            pandas is not installed.
        """
        opened = self._open()
        if what == "traces":
            return samples_table(opened.traces(), opened.labels.names, opened.timing)
        if what != "cells":
            raise ValueError(f"Unknown table {what!r}. Options are traces, cells.")
        columns: dict[str, Any] = {
            "name": self.names,
            "status": self.statuses,
            "active": self.active,
            "color": [f"#{color:08x}" for color in opened.labels.colors],
        }
        metrics = opened.metrics()
        for member in fields(CellMetrics) if metrics else ():
            columns[member.name] = [None if m is None else getattr(m, member.name) for m in metrics or ()]
        return table(columns)

    # -- metadata and life -----------------------------------------------------------------------

    def get_acquisition_info(self) -> dict[str, Any] | None:
        """What was recorded about the session: animal, microscope, probe, software, processing.

        Returns
        -------
        dict or None
            Names in ascending order; None when the file has nothing to tell.
        """
        return self._open().acquisition_info()

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Everything the file says about itself, as decoded JSON."""
        return self._open().metadata

    def close(self) -> None:
        """Release the file. A set being written is flushed first."""
        if self._set is not None:
            self.flush()
            self._set.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and isinstance(self._set, CellSetIsxdWriter):
            self._set.discard()
        else:
            self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._set is None:
            return CellSet, ()
        if self._writable:
            raise IsxStateError(f"{self.file_path} is being written and cannot be pickled.")
        return CellSet.read, (self.file_path,)

    def __str__(self) -> str:
        return (
            f"CellSet\n    file_path: {self.file_path}\n    mode: {self.mode}\n    timing: {self.timing}\n"
            f"    spacing: {self.spacing}\n    num_cells: {self.num_cells}" + " " * 8
        )
