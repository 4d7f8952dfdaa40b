"""Exact time: :class:`Duration`, :class:`Time` and :class:`Timing`.

Numerators and denominators are kept exactly as given or stored, never reduced, so that a value read from one
file and written to another is the same bytes.
"""

from __future__ import annotations

import math
import operator
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.core._arrays import one_dimensional
from openisx.core._integers import int64, line
from openisx.core._records import IsxRatio, IsxTime, IsxTimingInfo
from openisx.core._sample_index import SampleIndex, each_named_once

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Duration", "Time", "Timing"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the API hands out naive local wall times


class Duration:
    """An exact number of seconds, as an unreduced 64-bit fraction; ``Duration()`` is 0/1 s."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self._impl = IsxRatio(0, 1)

    @classmethod
    def from_secs(cls, secs: float) -> Duration:
        """Whole seconds.

        Parameters
        ----------
        secs : int or float
            Fractions are cut towards zero.
        """
        return cls._from_num_den(int(secs), 1)

    @classmethod
    def from_msecs(cls, msecs: float) -> Duration:
        """Whole milliseconds.

        Parameters
        ----------
        msecs : int or float
            Fractions are cut towards zero.
        """
        return cls._from_num_den(int(msecs), 1000)

    @classmethod
    def from_usecs(cls, usecs: float) -> Duration:
        """Whole microseconds.

        Parameters
        ----------
        usecs : int or float
            Fractions are cut towards zero.
        """
        return cls._from_num_den(int(usecs), 1_000_000)

    @classmethod
    def from_ratio(cls, num: int, den: int = 1) -> Duration:
        """`num` / `den` seconds, exactly and unreduced.

        Parameters
        ----------
        num, den : int
            Numerator and denominator, of 64 bits.

        Raises
        ------
        ValueError
            `den` is 0, or a number does not fit into 64 bits.
        """
        if den == 0:
            raise ValueError("the denominator of a duration must not be 0")
        return cls._from_num_den(num, den)

    @classmethod
    def _from_num_den(cls, num: int, den: int) -> Duration:
        self = cls()
        self._impl = IsxRatio(int64(num), int64(den))
        return self

    @classmethod
    def _from_secs_float(cls, flt: float, max_denominator: int = 1_000_000_000) -> Duration:
        fraction = Fraction(flt).limit_denominator(max_denominator)
        return cls._from_num_den(fraction.numerator, fraction.denominator)

    @classmethod
    def _from_impl(cls, impl: IsxRatio) -> Duration:
        self = cls()
        self._impl = impl
        return self

    @property
    def ratio(self) -> IsxRatio:
        """Seconds as given or stored, unreduced: a record with `num` and `den`."""
        return self._impl.copy()

    @property
    def fraction(self) -> Fraction:
        """Seconds exactly, reduced.

        Raises
        ------
        IsxError
            The denominator is 0.
        """
        return self._impl.fraction

    @property
    def secs_float(self) -> float:
        """Seconds as a float."""
        return float(self._impl)

    def to_secs(self) -> int:
        """Whole seconds, cut towards zero."""
        return int(self.secs_float)

    def to_msecs(self) -> int:
        """Whole milliseconds, cut towards zero, computed exactly."""
        return math.trunc(self.fraction * 1000)

    def to_usecs(self) -> int:
        """Microseconds, rounded half to even."""
        return round(self.secs_float * 1e6)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Duration):
            return NotImplemented
        return self._impl == other._impl

    def __str__(self) -> str:
        return f"{self.secs_float!r}s"


class Time:
    """An instant with the UTC offset of the place it was recorded at; ``Time()`` is 1970-01-01 00:00 UTC."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self._impl = IsxTime()

    @classmethod
    def from_secs_since_epoch(cls, secs_since_epoch: Duration, utc_offset: int = 0) -> Time:
        """The instant so long after 1970-01-01 00:00 UTC.

        Parameters
        ----------
        secs_since_epoch : Duration
            Time since the epoch.
        utc_offset : int
            Local time minus UTC at the place of the recording, in seconds.
        """
        return cls._from_impl(IsxTime(secs_since_epoch.ratio, operator.index(utc_offset)))

    _from_secs_since_epoch = from_secs_since_epoch

    @classmethod
    def _from_impl(cls, impl: IsxTime) -> Time:
        self = cls()
        self._impl = impl
        return self

    @property
    def secs_since_epoch(self) -> Duration:
        """Time since 1970-01-01 00:00 UTC."""
        return Duration._from_impl(self._impl.secs_since_epoch.copy())

    @property
    def utc_offset(self) -> int:
        """Local time minus UTC in seconds."""
        return self._impl.utc_offset

    def _to_secs_since_epoch(self) -> Duration:
        return self.secs_since_epoch

    def to_datetime(self) -> datetime:
        """Naive local wall time, rounded to microseconds.

        Raises
        ------
        ValueError
            The year lies outside 1 to 9999.
        """
        seconds = float(self._impl.secs_since_epoch) + self._impl.utc_offset
        try:
            return _EPOCH + timedelta(seconds=seconds)
        except OverflowError:
            raise ValueError(f"{seconds!r} s after 1970 lies outside the years 1 to 9999") from None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Time):
            return NotImplemented
        return self._impl == other._impl

    def __str__(self) -> str:
        try:
            return str(self.to_datetime())
        except ValueError:
            return f"{float(self._impl.secs_since_epoch)!r} s after 1970"


def _as_indices(values: ArrayLike, name: str) -> NDArray[np.uint64]:
    if isinstance(values, tuple) and not values:
        return _NONE
    message = f"{name} must be an 1D array-like"
    try:
        array = one_dimensional(values)
    except ValueError:
        raise TypeError(message) from None
    if array is None or array.dtype.kind not in "buif":
        raise TypeError(message)
    if array.size and not (array.min() >= 0 and array.max() < 2**64):
        raise TypeError(message)
    return _frozen(array.astype(np.uint64))


def _as_ranges(values: ArrayLike) -> NDArray[np.uint64]:
    if isinstance(values, tuple) and not values:
        return _NO_RANGES
    message = "cropped must be an Nx2 array-like"
    try:
        array = np.asarray(values).reshape(-1, 2)
    except (ValueError, TypeError):
        raise TypeError(message) from None
    if array.dtype.kind not in "buif" or (array.size and not 0 <= array.min() <= array.max() < 2**64):
        raise TypeError(message)
    ranges = array.astype(np.uint64)
    if (ranges[:, 0] > ranges[:, 1]).any():
        raise ValueError("cropped ranges are (first, last) with first <= last")
    return _frozen(ranges)


def _frozen(array: NDArray[np.uint64]) -> NDArray[np.uint64]:
    array.flags.writeable = False
    return array


_NONE = _frozen(np.zeros(0, dtype=np.uint64))
_NO_RANGES = _frozen(np.zeros((0, 2), dtype=np.uint64))


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
            _as_indices(dropped, "dropped"),
            _as_ranges(cropped),
            _as_indices(blank, "blank"),
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
        beyond the end go. (Spec 01, section 3.2.)
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
            `num_samples` elements, with the denominators of the vendor's package (spec 01, section 8.3).
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
