"""What :class:`isx.CellSet` and :class:`isx.VesselSet` have in common."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from openisx._checks import converted, not_open
from openisx._formats.isxd.editing import finish_writer
from openisx._formats.isxd.roi_metadata import status_code
from openisx._formats.isxd.roi_set import LabelledWriter
from openisx.core.spacing import Spacing
from openisx.core.timing import Timing
from openisx.errors import IsxStateError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from numpy.typing import ArrayLike, NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.isxd.roi_set import LabelledFile

__all__ = ["LabelledSet", "require_timing_and_spacing", "trace_to_store"]


S = TypeVar("S", bound="LabelledFile")


class LabelledSet(Generic[S]):
    """Cells or vessels with names, statuses, colours and activity; reading, editing and writing of them."""

    _noun: ClassVar[str]  # 'cell' or 'vessel'

    @classmethod
    def read(cls, file_path: PathInput, read_only: bool = True) -> LabelledSet[S]:
        """Open a set."""
        raise NotImplementedError

    def __init__(self) -> None:
        self._set: S | None = None
        self._writer: LabelledWriter | None = None  # until the file is complete
        self._mode = "r"
        self._writable = False

    def _attached(self, opened: S, *, writable: bool) -> Self:
        self._set, self._writable = opened, writable
        self._mode = "w" if writable else "r"
        if isinstance(opened, LabelledWriter):
            self._writer = opened
            weakref.finalize(self, finish_writer, opened)
        return self

    def _open(self) -> S:
        if self._set is None:
            raise not_open()
        return self._set

    def _require_writable(self, what: str) -> S:
        opened = self._open()
        if self._mode == "r":
            raise IsxStateError(f"Cannot set {self._noun} {what} in read-only mode")
        if not self._writable:
            raise IsxStateError(f"Writing data after file was closed for writing.{opened.given_path}")
        return opened

    def _index(self, index: int) -> int:
        return self._open().labels.require(operator.index(index))

    def _next_index(self, index: int, name: str | None) -> tuple[int, str]:
        """Index to write and name, checked."""
        index = operator.index(index)
        self._open().labels.require_next(index, may_append=self._writer is not None)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name must be text, not {type(name).__name__}")
        return index, f"{self._noun[0].upper()}{index}" if name is None else name

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
        """Size of the images."""
        return None if self._set is None else self._set.spacing

    @property
    def names(self) -> list[str]:
        """Names of all of them."""
        return list(self._open().labels.names)

    @property
    def statuses(self) -> list[str]:
        """Status of each: 'accepted', 'undecided' or 'rejected'."""
        return self._open().statuses()

    @property
    def colors(self) -> NDArray[np.uint32]:
        """Display colour of each as 0xAARRGGBB, uint32."""
        return np.array(self._open().labels.colors, dtype=np.uint32)

    @property
    def active(self) -> NDArray[np.bool_]:
        """Whether each is active in this member of a series, bool."""
        return np.array(self._open().labels.active, dtype=np.bool_)

    def _name(self, index: int) -> str:
        return self._open().labels.names[self._index(index)]

    def _status(self, index: int) -> str:
        opened = self._open()
        return opened.labels.status(self._index(index), opened.given_path)

    def _set_status(self, index: int, status: str) -> None:
        opened = self._require_writable("status")
        code = status_code(status, self._noun)
        opened.set_statuses({self._index(index): code})

    def _set_statuses(self, statuses: Sequence[str] | Mapping[int, str]) -> None:
        opened = self._require_writable("status")
        if not isinstance(statuses, Mapping):
            count = len(opened.labels)
            if isinstance(statuses, str) or len(statuses) != count:
                raise ValueError(f"statuses should hold one status for each of {count} {self._noun}s")
            statuses = dict(enumerate(statuses))
        opened.set_statuses({self._index(i): status_code(s, self._noun) for i, s in statuses.items()})

    def _label_columns(self) -> dict[str, Any]:
        return {
            "name": self.names,
            "status": self.statuses,
            "active": self.active,
            "color": [f"#{color:08x}" for color in self._open().labels.colors],
        }

    def flush(self) -> None:
        """Finish writing or editing: the file is complete, and nothing can be changed through this object.

        Does nothing on sets that were opened for reading or are already flushed.

        Raises
        ------
        IsxFileError
            The file could not be written.
        """
        opened = self._open()
        if self._writer is not None and self._writer.output.is_open:
            self._writer.commit()
            self._set, self._writer = self.read(opened.path)._set, None
        self._writable = False

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

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._writer is not None:
            self._writer.discard()
            self._writable = False
        else:
            self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._set is None:
            return type(self), ()
        if self._writable:
            raise IsxStateError(f"{self.file_path} is being written and cannot be pickled.")
        return type(self).read, (self.file_path,)

    def __str__(self) -> str:
        count = None if self._set is None else len(self._set.labels)
        return (
            f"{type(self).__name__}\n    file_path: {self.file_path}\n    mode: {self.mode}\n"
            f"    timing: {self.timing}\n    spacing: {self.spacing}\n    num_{self._noun}s: {count}"
            + " "
            * 8
        )


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
