"""Lines ``time, name, value`` of one channel, made for all points at once.

Formatting half a million doubles with ``%.16g`` one by one takes longer than decoding the file they come from. The
times of packets are whole microseconds, though, and most values whole numbers, so that nearly all digits follow
from integer arithmetic; what does not (the 16th digit of some doubles, fractions, NaN) is left to ``printf``.

Lines are assembled in a matrix of bytes with a row per line, in which unused places hold 00 bytes that go at the
end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.export.csv import _numbers as csv_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.export.csv._clock import Ticks

__all__ = ["point_lines"]

_TIME_WIDTH = 24
_VALUE_WIDTH = 16
_MICRO = 1_000_000
_SPLITTER = 134217729.0  # 2^27 + 1 (Dekker)
_POWERS = 10 ** np.arange(1, 17, dtype=np.int64)

_DIGITS: NDArray[np.uint8] = (
    np.arange(1000)[:, None] // np.array([100, 10, 1]) % 10 + ord("0")
).astype(np.uint8)  # fmt: skip
_IS_ZERO: NDArray[np.bool_] = np.equal(_DIGITS, ord("0"))
_LEADING = np.logical_and.accumulate(_IS_ZERO, axis=1)
_TRAILING = np.logical_and.accumulate(_IS_ZERO[:, ::-1], axis=1)[:, ::-1]
#: Row g: the three digits of g; row 1000 + g: the same with 00 bytes for leading zeros.
_WHOLE_GROUPS = np.concatenate([_DIGITS, np.where(_LEADING, np.uint8(0), _DIGITS)])
#: The same with 00 bytes for trailing zeros.
_DECIMAL_GROUPS = np.concatenate([_DIGITS, np.where(_TRAILING, np.uint8(0), _DIGITS)])


def point_lines(ticks: Ticks, offsets: NDArray[np.uint64], name: str, values: NDArray[np.float32]) -> bytes:
    """UTF-8 text of the points of a channel: seconds as ``%.16g``, `name`, value as ``%.7g``.

    Parameters
    ----------
    ticks
        What one microsecond of `offsets` is on the clock of the column.
    offsets, values
        The points.
    name
        As it is to appear.
    """
    if not len(offsets):
        return b""
    middle = csv_text.encoded(f", {name}, ")
    micros = _microseconds(ticks, offsets)
    if micros is None or b"\0" in middle:
        seconds = ticks.seconds(offsets)
        return csv_text.encoded(
            csv_text.rows(("%.16g", "%s", "%.7g"), (seconds, [name] * len(values), values))
        )
    lines = np.zeros((len(values), _TIME_WIDTH + len(middle) + _VALUE_WIDTH + 1), dtype=np.uint8)
    _put_times(lines[:, :_TIME_WIDTH], micros)
    lines[:, _TIME_WIDTH : _TIME_WIDTH + len(middle)] = np.frombuffer(middle, dtype=np.uint8)
    _put_values(lines[:, -_VALUE_WIDTH - 1 : -1], values)
    lines[:, -1] = ord("\n")
    return lines.tobytes().translate(None, b"\0")


def _microseconds(ticks: Ticks, offsets: NDArray[np.uint64]) -> NDArray[np.int64] | None:
    """Times in whole microseconds; None if they are not, or not exact as doubles."""
    if ticks.den != _MICRO or ticks.scale != 1:
        return None
    low, high = ticks.offset + int(offsets.min()), ticks.offset + int(offsets.max())
    if not (low > -(2**53) and high < 2**53 and abs(ticks.offset) < 2**62 and high - ticks.offset < 2**62):
        return None
    return offsets.astype(np.int64) + ticks.offset


def _put_times(field: NDArray[np.uint8], micros: NDArray[np.int64]) -> None:
    """Fill `field` with ``%.16g`` of ``micros / 1e6``."""
    whole, fraction = np.divmod(np.maximum(micros, 0), _MICRO)
    high, low = np.divmod(fraction, 1000)
    _put_whole(field[:, :15], whole)
    field[:, 15] = np.where(fraction, ord("."), 0)
    field[:, 16:19] = _DECIMAL_GROUPS[high + 1000 * (low == 0)]
    field[:, 19:22] = _DECIMAL_GROUPS[low + 1000]
    _put_slowly(field, np.flatnonzero(~_is_plain(micros)), "%.16g", micros / 1e6)


def _is_plain(micros: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where 16 digits of the double nearest to ``micros / 1e6`` are those of the decimal number, without exponent.

    The double is off by up to half a unit in its last place, which can be more than half a unit of the 16th
    digit. The error is computed exactly, by splitting the double in two (Dekker).
    """
    exact = micros.astype(np.float64)
    seconds = exact / 1e6
    product = seconds * 1e6
    shifted = seconds * _SPLITTER
    upper = shifted - (shifted - seconds)
    error = (product - exact) + ((upper * 1e6 - product) + (seconds - upper) * 1e6)
    exponent = _POWERS.searchsorted(np.abs(micros), "right")
    in_last_digits = np.abs(error) * 10.0 ** (15 - exponent)
    plain: NDArray[np.bool_] = (in_last_digits < 0.49) & ((micros >= 100) | (micros == 0))
    return plain


def _put_whole(field: NDArray[np.uint8], numbers: NDArray[np.int64]) -> None:
    """Right-align non-negative integers of at most as many digits as `field` is wide (a multiple of 3)."""
    rest = numbers
    column = field.shape[1]
    largest = int(numbers.max())
    while True:
        more, group = np.divmod(rest, 1000) if largest >= 1000 else (np.zeros_like(rest), rest)
        column -= 3
        field[:, column : column + 3] = _WHOLE_GROUPS[np.where(more > 0, group, group + 1000)]
        rest, largest = more, largest // 1000
        if not largest:
            break
    field[numbers == 0, -1] = ord("0")


def _put_values(field: NDArray[np.uint8], values: NDArray[np.float32]) -> None:
    """Fill `field` with ``%.7g`` of `values`."""
    plain = (values >= 0) & (values < 1e7) & ~np.signbit(values)
    plain &= values == np.where(plain, np.floor(values), 0)
    whole = np.where(plain, values, 0).astype(np.int64)
    _put_whole(field[:, :9], whole)
    _put_slowly(field, np.flatnonzero(~plain), "%.7g", values)


def _put_slowly(field: NDArray[np.uint8], rows: NDArray[np.int64], spec: str, values: NDArray[Any]) -> None:
    """Fill some rows of `field` with what ``printf`` makes of the values."""
    if len(rows):
        texts = np.array(csv_text.cells(spec, values[rows]), dtype=f"S{field.shape[1]}")
        field[rows] = texts.view(np.uint8).reshape(len(rows), -1)
