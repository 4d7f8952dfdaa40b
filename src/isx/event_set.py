"""Events of cells: :class:`EventSet`."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from isx.errors import IsxIndexError
from isx.movie import not_open
from isx.opening import open_event_source
from isx.paths import as_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from isx.formats.signals import SignalSource
    from isx.paths import PathInput
    from isx.timing import Timing

__all__ = ["EventSet"]


class EventSet:
    """Events of cells: for each cell, times and amplitudes.

    Made by :meth:`read` (or :func:`isx.open`) and :meth:`write`; the constructor alone gives an object whose
    attributes are None. Sets can be read from several threads at once, pickled, and used as context managers.

    Examples
    --------
    >>> events = isx.EventSet.read("events.isxd")  # doctest: +SKIP
    >>> offsets, amplitudes = events.get_cell_data(0)  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._source: SignalSource | None = None
        self._timing: Timing | None = None
        self._file_path: str | None = None
        self._cell_dict: dict[str, int] = {}

    @classmethod
    def read(cls, file_path: PathInput) -> EventSet:
        """Open an event set; its events are read when first asked for.

        Raises
        ------
        IsxFileError
            The file is missing, damaged, or holds something else.
        """
        self = cls()
        self._attach(open_event_source(as_path(file_path)))
        return self

    def _attach(self, source: SignalSource) -> None:
        self._source, self._timing, self._file_path = source, source.timing, source.path
        self._cell_dict = {name: i for i, name in enumerate(source.names)}

    def _open(self) -> SignalSource:
        if self._source is None:
            raise not_open()
        return self._source

    @property
    def file_path(self) -> str | None:
        """Absolute path of the file, symbolic links resolved."""
        return self._file_path

    @property
    def mode(self) -> str | None:
        """'r' for sets that were read, 'w' for those being written."""
        return None if self._source is None else "r"

    @property
    def timing(self) -> Timing | None:
        """Start, period and number of samples. Files do not store which samples are missing."""
        return self._timing

    @property
    def num_cells(self) -> int | None:
        """Number of cells."""
        return None if self._source is None else len(self._source.names)

    @property
    def cell_dict(self) -> dict[str, int]:
        """Index of each name; the last one of repeated names."""
        return self._cell_dict

    @property
    def names(self) -> list[str]:
        """Names of all cells."""
        return list(self._open().names)

    def _index(self, index: int) -> int:
        number = operator.index(index)
        count = len(self._open().names)
        if not 0 <= number < count:
            shown = number % 2**64 if number < 0 else number
            raise IsxIndexError(f"Cell index {shown} is too large. There are only {count} cells.")
        return number

    def get_cell_name(self, index: int) -> str:
        """Name of one cell.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        """
        return self._open().names[self._index(index)]

    def get_cell_index(self, name: str) -> int:
        """Index of the cell called `name`, the last one of repeated names.

        Raises
        ------
        KeyError
            There is no such cell.
        """
        try:
            return self._cell_dict[name]
        except KeyError:
            raise KeyError(f'Cell with name "{name}" does not exist.') from None

    def get_cell_data(self, index: int) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """Events of one cell in ascending order of time.

        Returns
        -------
        offsets : ndarray of uint64
            Microseconds since the start of the set, exactly as stored. Of several events at one time there is
            only the one stored last.
        amplitudes : ndarray of float32
            One per event.

        Raises
        ------
        IsxIndexError
            There is no such cell.
        IsxFormatError
            The file is damaged.
        """
        offsets, amplitudes = self._open().signals().channel(self._index(index))
        return offsets.copy(), amplitudes.copy()

    def get_acquisition_info(self) -> dict[str, Any] | None:
        """What was recorded about the session: animal, microscope, probe, software, processing.

        Returns
        -------
        dict or None
            Names in ascending order; None when the file has nothing to tell.
        """
        return self._open().acquisition_info()

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """Everything the file says about itself, as decoded JSON."""
        return self._open().metadata

    def close(self) -> None:
        """Release the file."""
        if self._source is not None:
            self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._file_path is None:
            return EventSet, ()
        return EventSet.read, (self._file_path,)

    def __str__(self) -> str:
        return (
            f"EventSet\n    file_path: {self.file_path}\n    mode: {self.mode}\n    timing: {self.timing}\n"
            f"    num_cells: {self.num_cells}" + " " * 8
        )
