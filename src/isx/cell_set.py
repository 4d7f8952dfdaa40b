"""Cells of a recording: :class:`CellSet`."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from isx.movie import not_open
from isx.opening import open_cell_set
from isx.paths import as_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from isx.formats.cell_set_isxd import CellMetrics, CellSetIsxd
    from isx.paths import PathInput
    from isx.spacing import Spacing
    from isx.timing import Timing

__all__ = ["CellSet"]


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
        self._set: CellSetIsxd | None = None

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
        self._set = open_cell_set(as_path(file_path))
        return self

    def _open(self) -> CellSetIsxd:
        if self._set is None:
            raise not_open()
        return self._set

    @property
    def file_path(self) -> str | None:
        """Absolute path of the file, symbolic links resolved."""
        return None if self._set is None else self._set.path

    @property
    def mode(self) -> str | None:
        """'r' for sets that were read, 'w' for those being written or edited."""
        return None if self._set is None else "r"

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

    @property
    def traces(self) -> NDArray[np.float32]:
        """All traces, float32 of shape (cells, samples): a read-only view of the file, nothing is copied."""
        return self._open().traces()

    @property
    def footprints(self) -> NDArray[np.float32]:
        """All footprints, float32 of shape (cells, rows, columns): a read-only view of the file."""
        return self._open().images()

    @property
    def metrics(self) -> list[CellMetrics | None] | None:
        """Metrics of every footprint as the desktop application stored them; None if there are none."""
        return self._open().metrics()

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
        """Release the file."""
        if self._set is not None:
            self._set.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.file_path is None:
            return CellSet, ()
        return CellSet.read, (self.file_path,)

    def __str__(self) -> str:
        return (
            f"CellSet\n    file_path: {self.file_path}\n    mode: {self.mode}\n    timing: {self.timing}\n"
            f"    spacing: {self.spacing}\n    num_cells: {self.num_cells}" + " " * 8
        )
