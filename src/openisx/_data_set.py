"""What all data sets share: a file, a life from opening to closing, and how they show themselves."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from openisx._checks import not_open, of_opened
from openisx.errors import IsxStateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from openisx.core.timing import Timing

__all__ = ["DataSet", "TimedDataSet", "WritableDataSet", "counted", "rate_text"]

S = TypeVar("S")

#: Larger sets, whose points would all have to be read, have no picture.
_MAX_BYTES = 2**28


class DataSet(ABC, Generic[S]):
    """Base of the public classes. `S` is what the data come from: an open file of some format, or a writer."""

    _attributes: ClassVar[tuple[str, ...]]  # what str() lists
    _heading: ClassVar[str]

    _mode: str | None = None
    _timing: Timing | None = None
    _closed = False

    @abstractmethod
    def _content(self) -> S | None:
        """What the data come from; None for an object made by the constructor alone."""

    @abstractmethod
    def _summary(self) -> str:
        """What it holds, in a few words; reads no data."""

    def _picture(self) -> str:
        """A small picture of the data as HTML."""
        return ""

    def _open(self) -> S:
        content = self._content()
        if content is None:
            raise not_open()
        return content

    @property
    def file_path(self) -> str:
        """Absolute path of the file, symbolic links resolved."""
        content: Any = self._content()
        path: str | None = None if content is None else content.path
        return of_opened(path)

    @property
    def mode(self) -> str:
        """'r' for what was opened for reading, 'w' for what is written or edited."""
        return of_opened(self._mode)

    def get_acquisition_info(self) -> dict[str, Any] | None:
        """What was recorded about the session: animal, microscope, probe, software, processing.

        Returns
        -------
        dict or None
            Names in ascending order; None when the file has nothing to tell.
        """
        content: Any = self._open()
        info: dict[str, Any] | None = content.acquisition_info()
        return info

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """Everything the file says about itself, as decoded JSON; None for formats without metadata."""
        content: Any = self._open()
        metadata: Mapping[str, Any] | None = content.metadata
        return metadata

    def close(self) -> None:
        """Release the file. What is being written is flushed first."""
        content: Any = self._content()
        if content is not None:
            content.close()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        content: Any = self._content()
        if content is None:
            return type(self), ()
        cls: Any = type(self)
        return (cls.read, (content.path,)) if content.path else (cls.from_source, (content,))

    # -- how it shows itself -------------------------------------------------------------------------

    def __str__(self) -> str:
        lines = [f"    {name}: {getattr(self, name)}" for name in self._attributes]
        return "\n".join([self._heading, *lines]) + " " * 8

    @property
    def _state(self) -> str:
        return "closed" if self._closed else ""

    def _file_name(self) -> str:
        return repr(os.path.basename(self.file_path)) if self.file_path else "in memory"

    def __repr__(self) -> str:
        kind = f"isx.{type(self).__name__}"
        try:
            if self._content() is None:
                return f"<{kind}, not opened>"
            return f"<{kind} {self._file_name()} {', '.join(filter(None, (self._summary(), self._state)))}>"
        except Exception:  # noqa: BLE001 - a debugger must be able to show objects in any state
            return f"<{kind} at {id(self):#x}>"

    def _repr_html_(self) -> str:
        from openisx._pictures import card

        if self._content() is None:
            return card(repr(self).strip("<>"), ())
        picture = ""
        if not self._closed:
            try:
                picture = self._picture()
            except Exception:  # noqa: BLE001 - damaged, or written elsewhere meanwhile: the text alone
                picture = ""
        start = f"start {self._timing.start}" if self._timing is not None else ""
        lines = (self._summary(), start, self._state, self.file_path)
        name = self._file_name()
        name = name[1:-1] if name[0] == name[-1] == "'" else name
        return card(f"{type(self).__name__} {name}", filter(None, lines), picture)

    def _readable_at_once(self) -> bool:
        """Whether reading everything costs little."""
        return not self.file_path or os.path.getsize(self.file_path) <= _MAX_BYTES


class TimedDataSet(DataSet[S]):
    """Base of the classes that hold samples in time."""

    @property
    def timing(self) -> Timing:
        """Start, period, number of samples, and which are missing; a copy."""
        return of_opened(None if self._timing is None else self._timing.copy())


class WritableDataSet(TimedDataSet[S]):
    """Base of the classes that can also write."""

    @property
    @abstractmethod
    def _writing(self) -> bool:
        """Whether the file can still be changed through this object."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove what was written to a new file; an edited one stays as it is."""

    @abstractmethod
    def flush(self) -> None:
        """Finish writing."""

    def close(self) -> None:
        """Release the file. What is being written is flushed first."""
        if self._content() is not None:
            self.flush()
        super().close()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._writing:
            self._discard()
        else:
            self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._writing:
            raise IsxStateError(f"{self.file_path} is being written and cannot be pickled.")
        return super().__reduce__()

    @property
    def _state(self) -> str:
        return "being written" if self._writing else super()._state


def counted(number: int, noun: str) -> str:
    """A number of things, such as ``1 cell`` or ``36 cells``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def rate_text(timing: Timing) -> str:
    """Rate of the samples and how many are missing, such as ``20 Hz, 3 dropped``."""
    parts = [f"{1 / timing.period.secs_float:.4g} Hz"] if timing.period.secs_float > 0 else []
    missing = timing.num_samples - timing.samples.num_valid
    if missing:
        kinds = [kind for kind in ("dropped", "cropped", "blank") if getattr(timing, kind)]
        parts.append(f"{missing} {kinds[0] if len(kinds) == 1 else 'missing'}")
    return ", ".join(parts)
