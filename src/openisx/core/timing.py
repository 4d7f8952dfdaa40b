"""The samples of a recording in time: :class:`Timing`."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.core._arrays import as_indices, as_ranges
from openisx.core._integers import line
from openisx.core._records import IsxRatio, IsxTime, IsxTimingInfo
from openisx.core._sample_index import SampleIndex, each_named_once
from openisx.core.duration import Duration, Time

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Duration", "Time", "Timing"]


class Timing:
    """Samples of a recording in time.

    Parameters
    ----------
    num_samples : int
        Number of samples, missing ones included.
    period : Duration
        Time from one sample to the next; 50 ms by default.
    start : Time
        Time of the first sample; the epoch by default.
    dropped, blank : array-like of int, shape (N,)
        Samples lost while recording, and samples that were never recorded. Axes of length 1 do not count.
    cropped : array-like of int, shape (N, 2)
        First and last index of ranges removed by processing.

    Raises
    ------
    TypeError, ValueError
        An argument is of another type, negative, or a range is reversed.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        num_samples: int = 0,
        period: Duration | None = None,
        start: Time | None = None,
        dropped: ArrayLike = (),
        cropped: ArrayLike = (),
        blank: ArrayLike = (),
    ) -> None:
        count = operator.index(num_samples)
        if count < 0:
            raise ValueError("num_samples must be non-negative")
        period = Duration.from_msecs(50) if period is None else period
        start = Time() if start is None else start
        if not isinstance(period, Duration):
            raise TypeError("period must be an isx.Duration object")
        if not isinstance(start, Time):
            raise ValueError("start_time must be an isx.Time object")  # noqa: TRY004 - the vendor's type
        self._impl = IsxTimingInfo(
            count,
            IsxTime(start._impl.secs_since_epoch.copy(), start._impl.utc_offset),
            period.ratio,
            as_indices(dropped, "dropped"),
            as_ranges(cropped),
            as_indices(blank, "blank"),
        )
        self._samples: tuple[tuple[Any, ...], SampleIndex] | None = None

    @classmethod
    def _from_impl(cls, impl: IsxTimingInfo) -> Timing:
        self = cls.__new__(cls)
        self._impl = impl
        self._samples = None
        return self

    def copy(self) -> Timing:
        """Independent copy."""
        impl = self._impl
        copied = Timing._from_impl(
            IsxTimingInfo(
                impl.num_samples,
                self.start._impl,
                impl.step.copy(),
                impl.dropped,  # the arrays are never changed in place
                impl.cropped,
                impl.blank,
            )
        )
        copied._samples = self._samples
        return copied

    def replace(
        self, *, num_samples: int | None = None, period: Duration | None = None, start: Time | None = None
    ) -> Timing:
        """Copy with another number of samples, period or start, and the same lists of missing samples.

        Parameters
        ----------
        num_samples, period, start : int, Duration, Time
            What changes, as for the class itself.
        """
        impl = self._impl
        replaced = Timing(
            impl.num_samples if num_samples is None else num_samples,
            self.period if period is None else period,
            self.start if start is None else start,
        )
        replaced._impl.dropped, replaced._impl.cropped, replaced._impl.blank = (
            impl.dropped,  # the arrays are never changed in place
            impl.cropped,
            impl.blank,
        )
        replaced._samples = self._samples  # used as long as it fits
        return replaced

    @property
    def num_samples(self) -> int:
        """Number of samples, missing ones included."""
        return self._impl.num_samples

    @property
    def period(self) -> Duration:
        """Time from one sample to the next."""
        return Duration._from_impl(self._impl.step.copy())

    @property
    def start(self) -> Time:
        """Time of the first sample."""
        start = self._impl.start
        return Time._from_impl(IsxTime(start.secs_since_epoch.copy(), start.utc_offset))

    @property
    def dropped(self) -> list[int]:
        """Indices of samples lost while recording."""
        listed: list[int] = self._impl.dropped.tolist()
        return listed

    @property
    def cropped(self) -> list[tuple[int, int]]:
        """First and last index of each range removed by processing."""
        return [(first, last) for first, last in self._impl.cropped.tolist()]

    @property
    def blank(self) -> list[int]:
        """Indices of samples that were never recorded."""
        listed: list[int] = self._impl.blank.tolist()
        return listed

    @property
    def samples(self) -> SampleIndex:
        """Which samples exist and where a file stores them."""
        impl = self._impl
        lists = (impl.dropped, impl.cropped, impl.blank)
        known = self._samples
        if known is not None:
            current = all(a is b for a, b in zip(known[0], lists, strict=True))
            if current and known[1].num_samples == impl.num_samples:
                return known[1]
        index = SampleIndex.without(impl.num_samples, *lists)
        self._samples = (lists, index)
        return index

    def normalized(self) -> Timing:
        """Copy as data sets hold it: lists sorted, cropped ranges merged, each missing sample named once.

        A sample in several lists stays in the first of: cropped, blank, dropped. Duplicates and indices
        beyond the end go. (docs/formats/isxd.md, timingInfo.)
        """
        impl = self._impl
        normal = self.copy()
        if len(impl.dropped) or len(impl.cropped) or len(impl.blank):
            info = normal._impl
            info.dropped, info.cropped, info.blank = each_named_once(
                impl.num_samples, impl.dropped, impl.cropped, impl.blank
            )
        return normal

    def get_offsets_since_start(self) -> list[Duration]:
        """Time from the start to every sample, missing ones included, as exact fractions.

        Returns
        -------
        list of Duration
            `num_samples` elements, with the denominators of the vendor's package (docs/formats/isxd.md, Ratios).
        """
        start_den = self._impl.start.secs_since_epoch.den
        num, den = self._impl.step.num, self._impl.step.den
        common = math.lcm(start_den, den)
        step = num * (common // den) if den else num
        wrap = Duration._from_impl
        offsets = [wrap(IsxRatio(i * step, common)) for i in range(self.num_samples)]
        if offsets:
            offsets[0] = wrap(IsxRatio(0, start_den))
        return offsets

    def seconds(self, offsets: ArrayLike | None = None) -> NDArray[np.float64]:
        """Time from the start to every sample, missing ones included, in seconds.

        Parameters
        ----------
        offsets : array-like of int, optional
            Microseconds since the start, as event, GPIO and IMU sets give them, to take instead of the samples.

        Returns
        -------
        ndarray of float64
            Each is the float nearest to the exact time.

        Examples
        --------
        >>> timing = isx.Timing(4, isx.Duration.from_ratio(1, 30), dropped=[2])
        >>> timing.seconds()[timing.get_valid_samples()]
        array([0.        , 0.03333333, 0.1       ])
        """
        unit, ticks = self._ticks(offsets)
        num, den = unit.numerator, unit.denominator
        numbers = line(0, num, ticks)
        last = max(abs(int(numbers.min(initial=0))), abs(int(numbers.max(initial=0))))
        if max(last, den) <= 2**53:  # both sides of the division are exact
            seconds: NDArray[np.float64] = numbers.astype(np.float64) / float(den)
            return seconds
        return np.array([number / den for number in numbers.tolist()], dtype=np.float64)

    def datetimes(self, offsets: ArrayLike | None = None, *, utc: bool = False) -> NDArray[np.datetime64]:
        """Date and time of every sample, missing ones included.

        Parameters
        ----------
        offsets : array-like of int, optional
            Microseconds since the start, as event, GPIO and IMU sets give them, to take instead of the samples.
        utc : bool, keyword only
            Times in UTC; by default they are those of the clock on the wall where the recording was made, as
            :meth:`Time.to_datetime` gives them.

        Returns
        -------
        ndarray of datetime64[us]
            Rounded from the exact times, ties to even.

        Raises
        ------
        ValueError
            A time lies beyond what datetime64 holds, about 292,000 years from 1970.

        Examples
        --------
        >>> start = isx.Time.from_secs_since_epoch(isx.Duration.from_secs(1_700_000_000), 3600)
        >>> isx.Timing(2, start=start).datetimes()
        array(['2023-11-14T23:13:20.000000', '2023-11-14T23:13:20.050000'],
              dtype='datetime64[us]')
        """
        unit, ticks = self._ticks(offsets)
        start = self._impl.start.secs_since_epoch.fraction + (0 if utc else self._impl.start.utc_offset)
        den = math.lcm(start.denominator, unit.denominator)
        first, step = (int(number * den * 1_000_000) for number in (start, unit))
        numbers = line(first, step, ticks, 2 * den)
        micros, rest = numbers // den, numbers % den
        micros += (2 * rest + micros % 2 > den).astype(np.int64)
        if micros.dtype == object and any(not -(2**63) < micro < 2**63 for micro in micros):
            raise ValueError("a time lies beyond the 292,000 years that numpy's datetime64 holds")
        return micros.astype(np.int64).view("datetime64[us]")

    def _ticks(self, offsets: ArrayLike | None) -> tuple[Fraction, NDArray[Any]]:
        """Unit in seconds, and the number of units since the start, of samples or of offsets."""
        if offsets is None:
            return self._impl.step.fraction, np.arange(self.num_samples, dtype=np.int64)
        ticks = np.asarray(offsets)
        if ticks.dtype.kind not in "iu" and ticks.size:
            raise TypeError("offsets must be whole numbers of microseconds")
        return Fraction(1, 1_000_000), ticks

    def get_valid_samples_mask(self) -> NDArray[np.bool_]:
        """Boolean array, shape (num_samples,): False at dropped, cropped and blank samples."""
        return self.samples.mask()

    def get_valid_samples(self) -> NDArray[np.int64]:
        """Indices of the samples that exist, int64, ascending."""
        return np.flatnonzero(self.get_valid_samples_mask()).astype(np.int64, copy=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timing):
            return NotImplemented
        mine, theirs = self._impl, other._impl
        return (
            mine.num_samples == theirs.num_samples
            and mine.step == theirs.step
            and mine.start == theirs.start
            and np.array_equal(mine.dropped, theirs.dropped)
            and np.array_equal(mine.cropped, theirs.cropped)
            and np.array_equal(mine.blank, theirs.blank)
        )

    def __str__(self) -> str:
        return (
            f"Timing(num_samples={self.num_samples}, period={self.period}, start={self.start}, "
            f"dropped={self.dropped}, cropped={self.cropped}, blank={self.blank})"
        )
