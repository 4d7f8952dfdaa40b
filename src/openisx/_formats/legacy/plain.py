"""What the older movie formats (HDF5, TIFF, XML recordings) share: they hold frames and little else.

None of them has session metadata, frame headers or time stamps per frame. Their samples are complete, apart from
the dropped ones that an XML recording lists. Pixels count as 3 x 3 um, and without a clock of its own a movie starts
at the epoch with 50 ms per sample (spec 02, section 7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from openisx._formats.base import range_text
from openisx._formats.kinds import DataKind
from openisx.core._integers import half_away
from openisx.core.timing import Duration, Time, Timing
from openisx.errors import IsxStateError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from openisx.core.spacing import Spacing

__all__ = ["PlainSource", "rounded_to_msecs", "utc"]


def rounded_to_msecs(seconds: float) -> Duration:
    """`seconds` in whole milliseconds, half away from zero (docs/formats/isxd.md, Numbers)."""
    return Duration.from_ratio(half_away(seconds * 1000), 1000)


def utc(secs_since_epoch: int, den: int = 1) -> Time:
    """An instant in UTC."""
    return Time.from_secs_since_epoch(Duration.from_ratio(secs_since_epoch, den))


class PlainSource:
    """Base of the older formats; implements :class:`openisx._formats.base.FrameSource` but for the pixels."""

    path: str
    given_path: str
    kind: DataKind
    timing: Timing
    spacing: Spacing
    dtype: np.dtype[Any]
    num_stored: int
    has_timestamps = False
    assumed: tuple[str, ...] = ()  # members of the timing that the file does not tell
    metadata: Mapping[str, Any] | None = None
    _closed = False

    @property
    def _frame_bytes(self) -> int:
        rows, cols = self.spacing.num_pixels
        return rows * cols * self.dtype.itemsize

    def _assume_timing(self, num_samples: int, dropped: Sequence[int] = ()) -> None:
        """Without a clock: 50 ms per sample from the epoch on."""
        self.timing = Timing(num_samples, dropped=np.asarray(dropped, dtype=np.uint64)).normalized()
        self.assumed = ("start", "period")

    def _settle(self) -> None:
        """Last step of opening, when timing and number of stored frames are known."""
        self.kind = DataKind.MOVIE if self.timing.num_samples > 1 else DataKind.IMAGE
        announced = self.timing.samples.num_valid
        if self.num_stored < announced:
            warn(
                f"{self.given_path} announces {announced} frames but holds only {self.num_stored}; "
                f"the last {announced - self.num_stored} cannot be read."
            )

    def _require_open(self) -> None:
        if self._closed:
            raise IsxStateError(f"{self.given_path} is closed.")

    def acquisition_info(self) -> dict[str, Any] | None:
        """None: these formats know nothing of the session."""
        return None

    def frames(self) -> NDArray[Any] | None:
        """None unless the format can do better."""
        return None

    def timestamps(self) -> NoReturn:
        """Never called: there are none."""
        raise NotImplementedError

    def timestamp(self, stored: int) -> NoReturn:
        """Never called: there are none."""
        raise NotImplementedError

    def header(self, stored: int) -> None:
        """None: frames have no header."""
        del stored

    def index_error(self, index: int, what: str) -> str:
        """Message for a sample index out of range."""
        del what
        return range_text(index, self.timing.num_samples)
