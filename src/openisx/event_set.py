"""Events of cells: :class:`EventSet`."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from openisx._checks import converted, index_of_name, of_opened, output_path, require_index
from openisx._data_set import WritableDataSet, counted, rate_text
from openisx._files.paths import as_path
from openisx._formats.isxd.editing import finish_writer
from openisx._formats.isxd.events_writer import EventsIsxdWriter
from openisx._formats.registry import open_event_source
from openisx._pictures import raster_html
from openisx._tables import table
from openisx.core._arrays import one_dimensional
from openisx.core._resampling import nearest_samples
from openisx.core.timing import Timing
from openisx.errors import IsxStateError
from openisx.structures import CellEvents, EventMetrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.signals import SignalSource

__all__ = ["EventSet"]

#: One row of :attr:`EventSet.events`: index of the cell, microseconds since the start, amplitude.
_EVENT = np.dtype([("cell", np.int64), ("offset", np.uint64), ("amplitude", np.float32)])


class EventSet(WritableDataSet["SignalSource"]):
    """Events of cells: for each cell, times and amplitudes.

    Made by :meth:`read` (or :func:`isx.open`) and :meth:`write`; the constructor alone gives an object whose
    attributes are None. Sets can be read from several threads at once, pickled, and used as context managers.

    Examples
    --------
    >>> events = isx.EventSet.read("events.isxd")
    >>> offsets, amplitudes = events.get_cell_data(0)
    >>> counts = {cell.name: cell.num_events for cell in events}
    """

    _heading = "EventSet"
    _attributes = ("file_path", "mode", "timing", "num_cells")

    def __init__(self) -> None:
        self._source: SignalSource | None = None
        self._path = ""  # to open it again
        self._cell_dict: dict[str, int] = {}

    @classmethod
    def read(cls, file_path: PathInput) -> EventSet:
        """Open an event set; its events are read when first asked for.

        Parameters
        ----------
        file_path : path
            An `.isxd` file.

        Raises
        ------
        IsxFileError
            The file is missing, damaged, or holds something else.
        """
        given = as_path(file_path)
        self = cls.from_source(open_event_source(given))
        self._path = os.path.abspath(given)
        return self

    @classmethod
    def from_source(cls, source: SignalSource) -> EventSet:
        """A set of what a source gives, for example one that is no file.

        Parameters
        ----------
        source : SignalSource
            Its channels are the cells.
        """
        return cls()._attached(source, "r")

    @classmethod
    def write(
        cls,
        file_path: PathInput,
        timing: Timing,
        cell_names: Sequence[str],
        *,
        extra_properties: Mapping[str, Any] | None = None,
    ) -> EventSet:
        """Start a new event set.

        The file appears under its name when :meth:`flush` has written all of it, or when the object is deleted.

        Parameters
        ----------
        file_path : path
            Must end in ``.isxd`` and not exist.
        timing : Timing
            Samples of the recording. The file stores neither which of them are missing, nor more than the
            milliseconds of its end.
        cell_names : sequence of str
            Names of all cells, at least one.
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
        if isinstance(cell_names, str):
            raise TypeError("Input must be contained in a list.")
        names = list(cell_names)
        if not names:
            raise ValueError("cell_names must not be empty")
        if not all(isinstance(name, str) for name in names):
            raise TypeError("cell_names must be text")
        writer = EventsIsxdWriter(path, timing.normalized(), names, extra_properties)
        self = cls()._attached(writer, "w")
        self._path = writer.output.path
        weakref.finalize(self, finish_writer, writer)
        return self

    def _attached(self, source: SignalSource, mode: str) -> Self:
        self._source, self._timing, self._mode = source, source.timing, mode
        self._cell_dict = {name: i for i, name in enumerate(source.names)}
        return self

    def _content(self) -> SignalSource | None:
        return self._source

    def _open(self) -> SignalSource:
        source = super()._open()
        if self._closed:
            raise IsxStateError(f"{source.given_path} is closed.")
        if isinstance(source, EventsIsxdWriter) and source.committed:
            source = self._source = open_event_source(self._path)
        return source

    @property
    def num_cells(self) -> int:
        """Number of cells."""
        return of_opened(None if self._source is None else len(self._source.names))

    @property
    def cell_dict(self) -> dict[str, int]:
        """Index of each name; the last one of repeated names."""
        return self._cell_dict

    @property
    def names(self) -> list[str]:
        """Names of all cells."""
        return list(self._open().names)

    def _index(self, index: int) -> int:
        return require_index(index, len(self._open().names), "cell")

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
        return self._open().names[self._index(index)]

    def get_cell_index(self, name: str) -> int:
        """Index of the cell called `name`, the last one of repeated names.

        Parameters
        ----------
        name : str
            Name of a cell.

        Raises
        ------
        KeyError
            There is no such cell.
        """
        return index_of_name(self._cell_dict, name, "cell")

    def get_cell_data(self, index: int) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """Events of one cell in ascending order of time.

        Parameters
        ----------
        index : int
            Of the cell, counted from 0.

        Returns
        -------
        offsets : ndarray of uint64
            Microseconds since the start of the set, exactly as stored. Of several events at one time there is
            only the one stored last. ``timing.seconds(offsets)`` and ``timing.datetimes(offsets)`` give plain times.
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

    def set_cell_data(self, index: int, offsets: ArrayLike, amplitudes: ArrayLike) -> None:
        """Add events to one cell.

        Cells come in any order, and a cell may get events several times; one that gets none has none.

        Parameters
        ----------
        index : int
            Cell, counted from 0.
        offsets : array-like, shape (events,)
            Microseconds since the start of the set, in any order. Another type than uint64 is converted with a
            warning, fractions being cut. Here and for `amplitudes`, axes of length 1 do not count.
        amplitudes : array-like, shape (events,)
            One per event. Another type than float32 is converted with a warning.

        Raises
        ------
        IsxStateError
            The set was opened for reading, or is already flushed.
        IsxIndexError
            There is no such cell.
        TypeError, ValueError
            There are more or fewer amplitudes than offsets, or an offset is negative.
        """
        writer = super()._open()
        if not isinstance(writer, EventsIsxdWriter) or not writer.output.is_open:
            if self._mode == "r":
                raise IsxStateError("Cannot set cell data in read-only mode")
            raise IsxStateError(f"Writing data after file was closed for writing.{self.file_path}")
        index = require_index(index, len(writer.names), "cell")
        times, values = one_dimensional(offsets), one_dimensional(amplitudes)
        if times is None or values is None:
            raise ValueError("offsets and amplitudes must be one-dimensional")
        if len(times) != len(values):
            raise TypeError("Number of events must be the same as the number of timestamps.")
        if len(times) and not (times.max() < 2**63 and (times.dtype.kind == "u" or times.min() >= 0)):
            raise ValueError("offsets must be microseconds from 0 to 2^63 - 1")
        values = converted(values, np.dtype(np.float32))
        writer.append(index, converted(times, np.dtype(np.uint64)), values)

    def flush(self) -> None:
        """Finish writing: store the metadata and give the file its name.

        Does nothing on sets that were opened for reading or are already flushed.

        Raises
        ------
        IsxFileError
            The file could not be written.
        """
        writer = super()._open()
        if isinstance(writer, EventsIsxdWriter) and writer.output.is_open:
            writer.commit()

    def __len__(self) -> int:
        return len(self._open().names)

    def __contains__(self, name: object) -> bool:
        return name in self._cell_dict

    def __getitem__(self, cell: str | int) -> CellEvents:
        """The events of the cell of that name or index."""
        index = self.get_cell_index(cell) if isinstance(cell, str) else self._index(cell)
        source = self._open()
        arrays = source.signals().channel(index)
        for array in arrays:
            array.flags.writeable = False
        return CellEvents(source.names[index], index, *arrays, len(arrays[0]))

    def __iter__(self) -> Iterator[CellEvents]:
        """The events of every cell, in the order of the set."""
        return (self[index] for index in range(len(self)))

    def seconds(self, cell: str | int) -> NDArray[np.float64]:
        """Times of the events of a cell in seconds since the start of the set.

        Parameters
        ----------
        cell : str or int
            Name or index.

        Returns
        -------
        ndarray of float64
            Each is the float nearest to the exact time.
        """
        return self._open().timing.seconds(self[cell].offsets)

    def datetimes(self, cell: str | int, *, utc: bool = False) -> NDArray[np.datetime64]:
        """Date and time of the events of a cell.

        Parameters
        ----------
        cell : str or int
            Name or index.
        utc : bool
            Times in UTC instead of those of the clock on the wall where the recording was made.

        Returns
        -------
        ndarray of datetime64[us]
            See :meth:`isx.Timing.datetimes`.
        """
        return self._open().timing.datetimes(self[cell].offsets, utc=utc)

    # -- all cells -------------------------------------------------------------------------------

    @property
    def events(self) -> NDArray[np.void]:
        """All events in one table, a structured array with the fields ``cell``, ``offset``, ``amplitude``.

        Cell after cell (index, int64), each in ascending order of time (microseconds since the start, uint64);
        amplitudes are float32.
        """
        signals = self._open().signals()
        rows = np.empty(len(signals.offsets), _EVENT)
        rows["cell"], rows["offset"] = signals.channel_of_points(), signals.offsets
        rows["amplitude"] = signals.values
        return rows

    def binned(
        self, timing: Timing | None = None, how: Literal["sum", "max", "count"] = "sum"
    ) -> NDArray[np.float32]:
        """Events on the samples of a recording.

        An event belongs to the sample nearest in time, and half way between two to the earlier one, as in the
        table that :func:`isx.export_event_set_to_csv` writes. Events outside the recording are left out.

        Parameters
        ----------
        timing : Timing, optional
            Samples to bin on, for example those of the cell set; default are those of this set.
        how : {'sum', 'max', 'count'}
            What to store of several events of one cell in one sample: the sum or the largest of their
            amplitudes, or their number.

        Returns
        -------
        ndarray of float32, shape (cells, samples)
            0 where there is no event, NaN at dropped, cropped and blank samples of `timing`.
        """
        if how not in ("sum", "max", "count"):
            raise ValueError(f"Unknown how {how!r}. Options are sum, max, count.")
        source = self._open()
        target = source.timing if timing is None else timing
        signals = source.signals()
        samples, inside = nearest_samples(signals.offsets, source.timing, target)
        where = (signals.channel_of_points()[inside], samples[inside])
        values = signals.values[inside]
        matrix = np.zeros((len(source.names), target.num_samples), np.float32)
        if how == "max":
            matrix[where] = -np.inf
            np.maximum.at(matrix, where, values)
        else:
            np.add.at(matrix, where, values if how == "sum" else np.float32(1))
        if not target.samples.complete:
            matrix[:, ~target.samples.mask()] = np.nan
        return matrix

    def to_dataframe(self) -> pd.DataFrame:
        """All events as a pandas table (``pip install "openisx[tables]"``).

        Returns
        -------
        DataFrame
            One row per event: ``cell`` (name, categorical), ``time`` (seconds since the start, float64),
            ``amplitude`` (float32); cell after cell in ascending order of time.

        Raises
        ------
        IsxImportError
            pandas is not installed.
        """
        from openisx._dependencies import require

        signals = self._open().signals()
        unique = {name: i for i, name in enumerate(dict.fromkeys(signals.names))}
        code = np.array([unique[name] for name in signals.names], np.int64)
        cells = require("pandas", "tables").Categorical.from_codes(
            code[signals.channel_of_points()], categories=list(unique)
        )
        return table({"cell": cells, "time": signals.offsets / 1e6, "amplitude": signals.values.copy()})

    @property
    def metrics(self) -> list[EventMetrics | None] | None:
        """Metrics of every cell as the desktop application stored them; None if there are none."""
        return self._open().metrics()

    # -- life ------------------------------------------------------------------------------------

    @property
    def _writing(self) -> bool:
        return isinstance(self._source, EventsIsxdWriter) and self._source.output.is_open

    def _discard(self) -> None:
        assert isinstance(self._source, EventsIsxdWriter)
        self._source.discard()

    def _summary(self) -> str:
        source = super()._open()
        return f"{counted(len(source.names), 'cell')}, {source.timing.num_samples} samples, {rate_text(source.timing)}"

    def _picture(self) -> str:
        if self._writing or not self._readable_at_once():
            return ""
        source = self._open()
        signals, end = source.signals(), source.timing.num_samples * source.timing.period.secs_float * 1e6
        return raster_html(signals.channel_of_points(), signals.offsets, len(source.names), end)
