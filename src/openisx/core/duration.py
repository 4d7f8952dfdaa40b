"""Exact lengths of time and instants: :class:`Duration` and :class:`Time`.

Numerators and denominators are kept exactly as given or stored, never reduced, so that a value read from one
file and written to another is the same bytes.
"""

from __future__ import annotations

import math
import operator
from datetime import datetime, timedelta
from fractions import Fraction

from openisx.core._integers import half_away, int64
from openisx.core._records import IsxRatio, IsxTime, fitting

__all__ = ["Duration", "Time"]

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

    def _times(self, factor: int) -> Duration:
        """So many times as long; reduced only where 64 bits do not hold it otherwise."""
        return Duration._from_impl(fitting(self._impl * factor))

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

    def _later(self, seconds: IsxRatio) -> Time:
        """The instant so much later; to the nanosecond where 64 bits do not hold it exactly."""
        exact = self._impl.secs_since_epoch + seconds
        if max(abs(exact.num), abs(exact.den)) >= 2**63:
            exact = IsxRatio(half_away(exact.fraction * 10**9), 10**9)
        return Time._from_impl(IsxTime(fitting(exact), self.utc_offset))

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
