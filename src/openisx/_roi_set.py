"""What :class:`isx.CellSet` and :class:`isx.VesselSet` have in common."""

from __future__ import annotations

import contextlib
import operator
import weakref
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from openisx._checks import converted, index_of_name, of_opened
from openisx._data_set import WritableDataSet, counted, rate_text
from openisx._files.locks import WithLock
from openisx._formats.isxd.editing import finish_writer
from openisx._formats.isxd.roi_editing import RoiEditor
from openisx._formats.isxd.roi_metadata import status_code
from openisx._formats.isxd.roi_set import RoiFile, RoiSource, RoiWriter
from openisx._pictures import MAX_ROWS, affordable, extremes, rows_html
from openisx.core.spacing import Spacing
from openisx.core.timing import Timing
from openisx.errors import IsxError, IsxStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

    from numpy.typing import ArrayLike, NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.isxd.roi_set import RoiBody
    from openisx._rois import Roi

__all__ = ["RoiSet", "require_timing_and_spacing", "trace_to_store"]

B = TypeVar("B", bound="RoiBody")
R = TypeVar("R", bound="Roi")


class RoiSet(WritableDataSet["RoiSource[B]"], WithLock, Generic[B, R]):
    """Cells or vessels with names, statuses, colours and activity; reading, editing and writing of them."""

    _noun: ClassVar[str]  # 'cell' or 'vessel'

    @classmethod
    @abstractmethod
    def read(cls, file_path: PathInput, read_only: bool = True) -> Self:
        """Open a set."""

    @staticmethod
    @abstractmethod
    def _open_file(path: str) -> RoiFile[B]:
        """Open a file."""

    def __init__(self) -> None:
        self._set: RoiSource[B] | None = None
        self._unfinished: _Unfinished | None = None  # what can be changed, until it is closed for writing
        self._make_lock()

    def _attached(self, opened: RoiSource[B], *, writable: bool) -> Self:
        self._set, self._timing, self._mode = opened, opened.timing, "w" if writable else "r"
        if writable:
            changes: Any = RoiEditor(opened) if isinstance(opened, RoiFile) else opened
            self._unfinished = _Unfinished(changes)
            weakref.finalize(self, self._unfinished.finish_quietly)
        return self

    def _content(self) -> RoiSource[B] | None:
        return self._set

    def _require_writable(self, what: str) -> _Unfinished:
        opened = self._open()
        if self._mode == "r":
            raise IsxStateError(f"Cannot set {self._noun} {what} in read-only mode")
        if self._unfinished is None:
            raise IsxStateError(f"Writing data after file was closed for writing.{opened.given_path}")
        return self._unfinished

    def _index(self, index: int) -> int:
        return self._open().rois.require(operator.index(index))

    @property
    def spacing(self) -> Spacing:
        """Size of the images; a copy."""
        return of_opened(None if self._set is None else self._set.spacing.copy())

    @property
    def names(self) -> list[str]:
        """Names of all of them."""
        return list(self._open().rois.names)

    @property
    def statuses(self) -> list[str]:
        """Status of each: 'accepted', 'undecided' or 'rejected'."""
        return self._open().statuses()

    @property
    def colors(self) -> NDArray[np.uint32]:
        """Display colour of each as 0xAARRGGBB, uint32."""
        return np.array(self._open().rois.colors, dtype=np.uint32)

    @property
    def active(self) -> NDArray[np.bool_]:
        """Whether each is active in this file of a series, bool."""
        return np.array(self._open().rois.active, dtype=np.bool_)

    @abstractmethod
    def _roi(self, index: int) -> R: ...

    def __len__(self) -> int:
        return len(self._open().rois)

    def __contains__(self, name: object) -> bool:
        return name in self._open().rois.names

    def __iter__(self) -> Iterator[R]:
        return (self._roi(i) for i in range(len(self)))

    def __getitem__(self, which: str | int) -> R:
        """The one of that name or index; of several of one name the last."""
        if isinstance(which, str):
            indices = {name: i for i, name in enumerate(self._open().rois.names)}
            return self._roi(index_of_name(indices, which, self._noun))
        return self._roi(self._index(which))

    def _name(self, index: int) -> str:
        return self._open().rois.names[self._index(index)]

    def _status(self, index: int) -> str:
        opened = self._open()
        return opened.rois.status(self._index(index), opened.given_path)

    def _set_statuses(self, statuses: Sequence[str] | Mapping[int, str]) -> None:
        unfinished, opened = self._require_writable("status"), self._open()
        with self._lock:
            if not isinstance(statuses, Mapping):
                count = len(opened.rois)
                if isinstance(statuses, str) or len(statuses) != count:
                    raise ValueError(f"statuses should hold one status for each of {count} {self._noun}s")
                statuses = dict(enumerate(statuses))
            codes = {i: status_code(s, self._noun) for i, s in statuses.items()}
            codes = {self._index(i): code for i, code in codes.items()}
            self._set = unfinished.set_statuses(codes, self._open_file)

    def _put(self, index: int, name: str | None, roi: Callable[[], Any]) -> None:
        """Add or replace one, with the data that `roi` makes of what the caller gave."""
        unfinished, index = self._require_writable("data"), operator.index(index)
        with self._lock:
            self._open().rois.require_next(index, may_append=unfinished.growing)
            if name is not None and not isinstance(name, str):
                raise TypeError(f"name must be text, not {type(name).__name__}")
            unfinished.changes.put(index, f"{self._noun[0].upper()}{index}" if name is None else name, roi())

    def _roi_columns(self) -> dict[str, Any]:
        return {
            "name": self.names,
            "status": self.statuses,
            "active": self.active,
            "color": [f"#{color:08x}" for color in self._open().rois.colors],
        }

    def flush(self) -> None:
        """Finish writing or editing: the file is complete and durable, and cannot be changed through this object.

        Does nothing on sets that were opened for reading or are already flushed.

        Raises
        ------
        IsxFileError
            The file could not be written.
        """
        opened = self._open()
        with self._lock:
            if self._unfinished is not None and self._unfinished.is_open:
                self._unfinished.finish()
                if isinstance(opened, RoiWriter):
                    self._set = self._open_file(opened.path)
            self._unfinished = None

    # -- how it shows itself -------------------------------------------------------------------------

    @property
    def _writing(self) -> bool:
        return self._unfinished is not None

    def _discard(self) -> None:
        if isinstance(self._set, RoiWriter):
            self._set.output.discard()
            self._unfinished = None
        else:
            self.close()

    def _summary(self) -> str:
        opened = self._open()
        height, width = opened.spacing.num_pixels
        size = f"{opened.timing.num_samples} samples of {height} x {width}"
        return f"{counted(len(opened.rois), self._noun)}, {size}, {rate_text(opened.timing)}"

    def _trace_rows(self) -> str:
        """Traces of the first few as a picture."""
        shown = affordable(min(len(self), MAX_ROWS), 4 * self.timing.num_samples)
        traces = [(roi.name, extremes(roi.trace)) for roi in map(self._roi, range(shown))]
        return rows_html(traces, len(self) - shown)


class _Unfinished:
    """A set that is being written or edited, apart from its object, so that it can be finished when that goes."""

    def __init__(self, changes: RoiWriter[Any] | RoiEditor) -> None:
        self.changes = changes

    @property
    def growing(self) -> bool:
        """Whether ROIs can be added."""
        return isinstance(self.changes, RoiWriter) or self.changes.growing

    @property
    def is_open(self) -> bool:
        return isinstance(self.changes, RoiEditor) or self.changes.output.is_open

    def set_statuses(self, codes: dict[int, int], open_file: Callable[[str], RoiFile[Any]]) -> Any:
        """Change statuses, which makes a file that is being written complete for everyone; the set to read from."""
        writer = self.changes
        if isinstance(writer, RoiEditor):
            writer.set_statuses(codes)
            return writer.opened
        if not codes:
            return writer
        for index, code in codes.items():
            writer.body.rois.statuses[index] = code
        writer.commit()
        opened = open_file(writer.path)
        opened.given_path = writer.given_path
        self.changes = RoiEditor(opened, growing=True)
        return opened

    def finish(self) -> None:
        """Complete the file and make it durable."""
        if isinstance(self.changes, RoiEditor):
            self.changes.finish()
        else:
            self.changes.commit()

    def finish_quietly(self) -> None:
        """The same when the object was dropped without `flush`: a failure can only be warned of."""
        if isinstance(self.changes, RoiEditor):
            with contextlib.suppress(IsxError):  # what was changed is in the file
                self.changes.finish()
        else:
            finish_writer(self.changes)


def require_timing_and_spacing(timing: Timing, spacing: Spacing) -> None:
    """Raise unless both are what they should be."""
    if not isinstance(timing, Timing):
        raise TypeError("timing must be a Timing object")
    if not isinstance(spacing, Spacing):
        raise ValueError("spacing must be a Spacing object")  # noqa: TRY004 - the vendor's type


def trace_to_store(values: ArrayLike, timing: Timing, what: str) -> NDArray[np.float32]:
    """A trace as float32 of the right length, NaN at missing samples; `what` names it in errors."""
    array = np.asarray(values)
    if array.size != timing.num_samples:
        raise ValueError(f"{what} has {array.size} values; the set has {timing.num_samples} samples")
    trace: NDArray[np.float32] = converted(array.reshape(-1), np.dtype(np.float32))
    if not timing.samples.complete:
        trace = np.where(timing.samples.mask(), trace, np.float32(np.nan))
    return trace
