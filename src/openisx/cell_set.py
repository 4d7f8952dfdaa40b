"""Cells of a recording: :class:`CellSet`."""

from __future__ import annotations

import operator
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from openisx._checks import converted, of_opened, output_path
from openisx._files.paths import as_path
from openisx._formats.isxd.cell_set import Cell as _Data
from openisx._formats.isxd.cell_set import CellBody, cell_metrics, new_cell_set, save_cell_set
from openisx._formats.registry import open_cell_set
from openisx._pictures import affordable, color_map, image_html, thinned
from openisx._roi_set import RoiSet, require_timing_and_spacing, trace_to_store
from openisx._rois import Cell
from openisx._tables import samples_table, table
from openisx.structures import CellMetrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.isxd.roi_set import RoiFile
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["CellSet"]


class CellSet(RoiSet[CellBody, Cell]):
    """Cells of a recording: for each a name, a status, a footprint (image) and a trace.

    Made by :meth:`read` (or :func:`isx.open`) and :meth:`write`; the constructor alone gives an object whose
    attributes are None. Sets can be read from several threads at once, pickled, and used as context managers.

    Examples
    --------
    >>> with isx.CellSet.read("cells.isxd") as cells:
    ...     accepted = [i for i, status in enumerate(cells.statuses) if status == "accepted"]
    ...     traces = cells.traces[accepted]
    """

    _noun = "cell"
    _whole: tuple[CellSet, int] | None = None  # of a view: the set it is one of, and samples that become one
    _heading = "CellSet"
    _attributes = ("file_path", "mode", "timing", "spacing", "num_cells")

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
        return cls()._attached(open_cell_set(as_path(file_path)), writable=not read_only)

    @staticmethod
    def _open_file(path: str) -> RoiFile[CellBody]:
        return open_cell_set(path)

    def _roi(self, index: int) -> Cell:
        return Cell(self, index)

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

        The file appears under its name, complete with the cells set so far, when a status is set, when
        :meth:`flush` has written all of it, or when the object is deleted. Until :meth:`flush` cells can be added,
        read back and replaced. If the program is killed before the file appears, :func:`isx.recover` saves the
        cells.

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
        require_timing_and_spacing(timing, spacing)
        writer = new_cell_set(path, timing.normalized(), spacing.copy(), extra_properties)
        return cls()._attached(writer, writable=True)

    @property
    def num_cells(self) -> int:
        """Number of cells; while writing, of those set so far."""
        return of_opened(None if self._set is None else len(self._set.rois))

    # -- one cell --------------------------------------------------------------------------------

    def get_cell_name(self, index: int) -> str:
        """Name of one cell.

        Parameters
        ----------
        index : int
            Of the cell, counted from 0.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        """
        return self._name(index)

    def get_cell_status(self, index: int) -> str:
        """Status of one cell: 'accepted', 'undecided' or 'rejected'.

        Parameters
        ----------
        index : int
            Of the cell, counted from 0.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        IsxFormatError
            The file holds another status.
        """
        return self._status(index)

    def get_cell_trace_data(self, index: int) -> NDArray[np.float32]:
        """Trace of one cell.

        Parameters
        ----------
        index : int
            Of the cell, counted from 0.

        Returns
        -------
        ndarray of float32, shape (samples,)
            New array; NaN at dropped, cropped and blank samples.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        """
        return self._open().read("trace", self._index(index))

    def get_cell_image_data(self, index: int) -> NDArray[np.float32]:
        """Footprint of one cell.

        Parameters
        ----------
        index : int
            Of the cell, counted from 0.

        Returns
        -------
        ndarray of float32, shape (rows, columns)
            New array.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        """
        return self._open().read("image", self._index(index))

    def set_cell_status(self, index: int, status: str) -> None:
        """Change the status of one cell, in the file at once; a set being written is readable for everyone then.

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
        self._set_statuses({index: status})

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

        def data() -> _Data:
            opened = self._open()
            footprint = converted(np.asarray(image).reshape(opened.spacing.num_pixels), np.dtype(np.float32))
            return _Data(footprint, trace_to_store(trace, opened.timing, "trace"))

        self._put(index, name, data)

    # -- all cells -------------------------------------------------------------------------------

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
        self._set_statuses(statuses)

    @property
    def traces(self) -> NDArray[np.float32]:
        """All traces, float32 of shape (cells, samples): a read-only view of the file, nothing is copied.

        While the set is being written: a copy of those set so far.
        """
        return self._open().all("trace")

    @property
    def footprints(self) -> NDArray[np.float32]:
        """All footprints, float32 of shape (cells, rows, columns): a read-only view of the file.

        While the set is being written: a copy of those set so far.
        """
        return self._open().all("image")

    @property
    def metrics(self) -> list[CellMetrics | None] | None:
        """Metrics of every footprint as the desktop application stored them; None if there are none."""
        opened = self._open()
        return cell_metrics(opened.metadata, len(opened.rois), opened.given_path)

    def to_dataframe(self, what: Literal["traces", "cells"] = "traces") -> pd.DataFrame:
        """The set as a pandas table (``pip install "openisx[tables]"``).

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
            return samples_table(opened.all("trace"), opened.rois.names, opened.timing)
        if what != "cells":
            raise ValueError(f"Unknown table {what!r}. Options are traces, cells.")
        columns = self._roi_columns()
        metrics = self.metrics
        for member in fields(CellMetrics) if metrics else ():
            columns[member.name] = [None if m is None else getattr(m, member.name) for m in metrics or ()]
        return table(columns)

    def bin(self, time: int) -> CellSet:
        """Means of `time` samples of every trace, without reading them.

        The mean is that of the samples that exist; a bin without any is missing. Samples that are left over at the end are
        cut, as :meth:`isx.Movie.bin` does. Everything else stays; :meth:`save` writes it to a file.

        Parameters
        ----------
        time : int
            Samples that become one.

        Returns
        -------
        CellSet
            For reading, as long as this one is open.

        Raises
        ------
        ValueError
            `time` is below 1, or larger than the number of samples.

        Examples
        --------
        >>> cells.bin(time=10).save("cells-2hz.isxd")
        """
        from openisx._views.binned_traces import BinnedTraces

        time = operator.index(time)
        view = CellSet()._attached(BinnedTraces(self._open(), time), writable=False)
        view._whole = self, time
        return view

    def save(self, path: PathInput) -> None:
        """Write the set to a new `.isxd` file, with its names, statuses, colours, metrics and session metadata.

        Parameters
        ----------
        path : path
            Must end in ``.isxd`` and not exist.

        Raises
        ------
        IsxFileExistsError, IsxFileError
            The file exists or cannot be written.
        """
        target = output_path(path)
        save_cell_set(self._open(), target)

    def __reduce__(self) -> tuple[Any, ...]:
        return super().__reduce__() if self._whole is None else (CellSet.bin, self._whole)

    def _file_name(self) -> str:
        return (
            super()._file_name()
            if self._whole is None
            else f"{self._whole[0]._file_name()}.bin(time={self._whole[1]})"
        )

    def _picture(self) -> str:
        height, width = shape = self.spacing.num_pixels
        index, shown = thinned(shape), affordable(len(self), 4 * height * width)
        footprints = (self._roi(i).footprint[index] for i in range(shown))
        return image_html(color_map(footprints, np.empty(shape, np.bool_)[index].shape)) + self._trace_rows()
