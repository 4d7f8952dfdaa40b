"""What all views have in common: :class:`View`, and what those share whose frames are computed."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.acquisition_info import acquisition_info
from openisx._formats.base import MovieSource
from openisx._formats.isxd.movie import dtype_code, movie_metadata
from openisx.errors import IsxStateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

_SOON = 1 << 24  # pixels

__all__ = ["ComputedView", "PreparedView", "View", "with_processing"]


class View(MovieSource):
    """A source over another; by itself it has the other's samples, with their time stamps and headers.

    Parameters
    ----------
    parent
        Where frames come from. It stays open when the view is closed, and a view of a closed one is closed.
    step
        What the view does, as a call of the method of :class:`isx.Movie`.
    timing, spacing, dtype
        Of the view, where they differ from those of `parent`.
    processing
        Entries for ``idps`` in the session metadata, which tell how data were processed (docs/formats/isxd.md).
    factors
        Such entries with which those that are there are multiplied.
    """

    def __init__(
        self,
        parent: MovieSource,
        step: str,
        *,
        timing: Timing | None = None,
        spacing: Spacing | None = None,
        dtype: np.dtype[Any] | None = None,
        processing: Mapping[str, Any] | None = None,
        factors: Mapping[str, int] | None = None,
    ) -> None:
        self._parent: MovieSource | None = parent
        self._origin = parent.origin
        self.steps = (*parent.steps, step)
        self.timing = parent.timing if timing is None else timing
        self.spacing = parent.spacing if spacing is None else spacing
        self.dtype = parent.dtype if dtype is None else dtype
        self.num_stored = parent.num_stored
        self.given_path = f"{parent.given_path}, {step}"
        self.has_timestamps = parent.has_timestamps
        self.is_encoded = parent.is_encoded
        self.assumed = parent.assumed
        self._processing, self._factors = dict(processing or {}), dict(factors or {})

    @property
    def parent(self) -> MovieSource:
        """Where frames come from; IsxStateError once the view is closed."""
        if self._parent is None:
            raise IsxStateError(f"{self.given_path} is closed.")
        return self._parent

    @property
    def origin(self) -> str | None:
        """Path of the file that the first of all steps starts from."""
        return self._origin

    @property
    def extra_properties(self) -> Any:
        """Session metadata of the parent, with what the view did to the data."""
        return with_processing(self.parent.extra_properties, self._processing, self._factors)

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """What a file of the view would say; None if the parent says nothing."""
        if self.parent.metadata is None:
            return None
        return movie_metadata(self.timing, self.spacing, dtype_code(self.dtype), self.extra_properties)

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as ``get_acquisition_info`` hands them out."""
        extra = self.extra_properties
        return self.parent.acquisition_info() if extra is None else acquisition_info(extra)

    def timestamps(self) -> NDArray[np.uint64] | None:
        """Hardware time stamp of every stored frame in microseconds."""
        return self.parent.timestamps()

    def timestamp(self, stored: int) -> int:
        """Hardware time stamp of one frame in microseconds."""
        return self.parent.timestamp(stored)

    def headers(self, stored: NDArray[np.int64]) -> NDArray[Any] | None:
        """What the microscope recorded with frames."""
        return self.parent.headers(stored)

    def lines(self, stored: int) -> tuple[bytes, bytes] | None:
        """Header and footer line of a frame."""
        return self.parent.lines(stored)

    @property
    def is_ready(self) -> bool:
        """Whether the parent is."""
        return self.parent.is_ready

    def close(self) -> None:
        """Let go of the parent, which stays as it is."""
        self._parent = None


def with_processing(extra: Any, processing: Mapping[str, Any], factors: Mapping[str, int]) -> Any:
    """Session metadata with the entries `processing` in ``idps``, and those of `factors` multiplied."""
    if not (processing or factors) or not (extra is None or isinstance(extra, Mapping)):
        return extra
    idps = (extra or {}).get("idps")
    known = idps if isinstance(idps, Mapping) else {}
    before = {name: known.get(name) for name in factors}
    scaled = {name: by * (old if type(old := before[name]) is int else 1) for name, by in factors.items()}
    return {**(extra or {}), "idps": {**known, **processing, **scaled}}


class ComputedView(View):
    """A view whose frames are computed from those of the parent."""

    def needed(self, stored: NDArray[np.int64]) -> NDArray[np.int64]:
        """Frames of the parent that the frames `stored` are computed from, in the order of use."""
        return stored

    @abstractmethod
    def compute(
        self, stored: NDArray[np.int64], frames: Iterator[NDArray[Any]], outs: Iterable[NDArray[Any]]
    ) -> Iterator[NDArray[Any]]:
        """Compute the frames `stored`.

        Parameters
        ----------
        stored
            Which of the stored frames.
        frames
            Those of the parent that are needed, each valid until the next one.
        outs
            Arrays to be filled, one after the other; each is yielded when that is done.
        """

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with a frame."""
        self._read(np.array([stored]), [out])

    def read_frames(self, first: int, out: NDArray[Any]) -> None:
        """Fill `out` (frames, rows, columns) with neighbouring frames."""
        self._read(np.arange(first, first + len(out)), out)

    def _read(self, stored: NDArray[np.int64], outs: Iterable[NDArray[Any]]) -> None:
        """By positional reads, never by views of a file, which would count as memory of the process."""
        for _ in self.compute(stored, self._copies(self.needed(stored)), outs):
            pass

    def _copies(self, stored: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
        parent = self.parent
        frame = np.empty(parent.spacing.num_pixels, parent.dtype)
        for number in stored.tolist():
            parent.read_frame(number, frame)
            yield frame

    def stream(self, stored: NDArray[np.int64], *, reuse: bool = False) -> Iterator[NDArray[Any]]:
        """Frames one after another."""
        shape, dtype = self.spacing.num_pixels, self.dtype
        same = np.empty(shape, dtype)
        outs = (same if reuse else np.empty(shape, dtype) for _ in range(len(stored)))
        return self.compute(stored, self.parent.stream(self.needed(stored), reuse=True), outs)


class PreparedView(ComputedView):
    """A view that must have seen the whole parent before it can compute its first frame.

    What it learns, it learns once, when that is first needed; it goes into other processes with the view.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._knowledge: Any = None
        self._lock = threading.Lock()

    @abstractmethod
    def learn(self) -> Any:
        """What is computed once; not None."""

    @property
    def known(self) -> Any:
        """What :meth:`learn` gave."""
        with self._lock:
            if self._knowledge is None:
                self._knowledge = self.learn()
            return self._knowledge

    @property
    def is_ready(self) -> bool:
        """Whether it is known already, or soon is."""
        parent = self.parent
        size = parent.num_stored * parent.spacing.num_pixels[0] * parent.spacing.num_pixels[1]
        return parent.is_ready and (self._knowledge is not None or size <= _SOON)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_knowledge": self.known, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())
