"""What movies of every format have in common: the protocol between a format and :class:`isx.Movie`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from openisx._formats.kinds import DataKind
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing
    from openisx.structures import FrameHeader, Tracking

__all__ = [
    "BEST_COMPRESSION",
    "BlockSource",
    "EncodedSource",
    "FocusSource",
    "FrameSource",
    "SpanSource",
    "StreamSource",
    "TrackedSource",
    "one_by_one",
    "range_text",
    "read_frames",
    "refuse_absurd_size",
    "stream",
]

_PLAUSIBLE_SAMPLES = 2**24
_PLAUSIBLE_FRAME = 2**26

#: No compressed frame is ever smaller on disk than this part of itself.
BEST_COMPRESSION = 1100


@runtime_checkable
class SpanSource(Protocol):
    """A source of plain frames that can read a few bytes of each of many frames cheaply."""

    def read_spans(self, stored: NDArray[np.int64], first: int, size: int) -> bytes:
        """`size` bytes from byte `first` of the pixels of each of the `stored` frames, joined."""


@runtime_checkable
class StreamSource(Protocol):
    """A source of frames that take time to decode, and that can be decoded ahead of the reader."""

    def stream(self, stored: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
        """The frames `stored` in that order, each a new array (rows, columns). Memory is bounded."""


@runtime_checkable
class FocusSource(Protocol):
    """A source whose frames may carry the electronic focus they were taken with."""

    def efocus(self) -> NDArray[np.uint16] | None:
        """Electronic focus of every stored frame; None if they carry none."""


@runtime_checkable
class EncodedSource(Protocol):
    """A source of compressed frames."""

    def codec(self) -> str:
        """How they are encoded, in a few words for people; says so if that cannot be found out."""


@runtime_checkable
class TrackedSource(Protocol):
    """A source that may hold what a tracker found in its frames."""

    def tracking(self) -> Tracking | None:
        """Tracking data on the samples of the movie; None if there are none. Decoded anew by each call."""


class FrameSource(Protocol):
    """An open movie file of any format.

    The class of each format opens a file by its path, as the caller gave it.

    "Stored" indices count the frames that are in the file; :class:`isx.Movie` maps samples to them with
    ``timing.samples`` and answers for missing samples itself.
    """

    path: str  # canonical
    given_path: str  # as the caller gave it
    kind: DataKind
    timing: Timing  # normalised
    spacing: Spacing
    dtype: np.dtype[Any]  # native byte order
    num_stored: int  # complete frames in the file, at most timing.samples.num_valid

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """Everything the file says about itself, decoded JSON; None where the format has no such thing."""

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as ``get_acquisition_info`` hands them out."""

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill the C-contiguous `out` (rows, columns) with frame `stored`, which is below `num_stored`."""

    def frames(self) -> NDArray[Any] | None:
        """Read-only zero-copy array (num_stored, rows, columns), None where the format does not allow one."""

    @property
    def has_timestamps(self) -> bool:
        """Whether frames carry time stamps."""

    def timestamps(self) -> NDArray[np.uint64]:
        """Counter of every stored frame in microseconds; only called if there are any."""

    def timestamp(self, stored: int) -> int:
        """Counter of one stored frame in microseconds; only called if there are any."""

    def header(self, stored: int) -> FrameHeader | None:
        """Frame header of a stored frame; None where the format has none."""

    def index_error(self, index: int, what: str) -> str:
        """Message for a sample index out of range; `what` is 'frame' or 'frame timestamp'."""

    def close(self) -> None:
        """Release the file."""


@runtime_checkable
class BlockSource(Protocol):
    """A source that reads neighbouring frames faster together than one by one."""

    def read_frames(self, first: int, out: NDArray[Any]) -> None:
        """Fill the C-contiguous `out` (frames, rows, columns) with stored frames from `first` on."""


def read_frames(source: FrameSource, first: int, out: NDArray[Any]) -> None:
    """Fill the C-contiguous `out` (frames, rows, columns) with stored frames from `first` on, of any source."""
    if isinstance(source, BlockSource):
        source.read_frames(first, out)
        return
    for i, frame in enumerate(out):
        source.read_frame(first + i, frame)


def range_text(index: int, num_samples: int, what: str = "frame") -> str:
    """Message for a sample index outside a movie."""
    last = (num_samples - 1) % 2**64  # the vendor's text for a movie without frames
    return f"The index of the {what} ({index}) is out of range (0-{last})."


def refuse_absurd_size(
    path: str, num_samples: int, frame_bytes: int, file_size: int, compression: int = 1
) -> None:
    """Raise :class:`IsxFormatError` for sizes that only a damaged file announces.

    Ordinary sizes always pass; extraordinary ones must be in proportion to the size of the file, so that nothing
    is ever allocated on the word of a few flipped bytes.
    """
    if num_samples > max(_PLAUSIBLE_SAMPLES, file_size):
        raise IsxFormatError(
            f"{path} announces {num_samples} samples but has only {file_size} bytes. The file is damaged."
        )
    if frame_bytes > max(_PLAUSIBLE_FRAME, file_size * compression):
        raise IsxFormatError(
            f"{path} announces frames of {frame_bytes} bytes but has only {file_size}. The file is damaged."
        )


def stream(source: FrameSource, stored: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
    """The frames `stored` in that order, each a new array, decoded ahead where the source can do so."""
    if isinstance(source, StreamSource):
        yield from source.stream(stored)
        return
    yield from one_by_one(source, stored)


def one_by_one(source: FrameSource, stored: NDArray[np.int64]) -> Iterator[NDArray[Any]]:
    """The frames `stored` in that order, each a new array, decoded when they are asked for."""
    for number in stored.tolist():
        frame = np.empty(source.spacing.num_pixels, source.dtype)
        source.read_frame(number, frame)
        yield frame
