"""How the times of rows are written: by a rate where that says the same (docs/formats/nwb.md, Times)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["time_fields"]

_JITTER = 2e-6  # seconds; hardware counters count microseconds
_SLOWEST = 0.01  # Hz; validators object to lower rates


def time_fields(times: NDArray[np.float64], *, sparse: bool = False) -> dict[str, Any]:
    """``starting_time`` and ``rate``, or ``timestamps``, for rows at these times.

    Parameters
    ----------
    times
        Seconds since the start of the session, ascending.
    sparse
        Whether rows are changes of a level, which are evenly spaced by accident only.
    """
    count = len(times)
    if count >= 3:
        period = float(times[-1] - times[0]) / (count - 1)
        even = times[0] + period * np.arange(count)
        tolerance = 1e-9 if sparse else _JITTER
        if period > 0 and 1 / period >= _SLOWEST and float(np.abs(times - even).max()) <= tolerance:
            return {"starting_time": float(times[0]), "rate": 1 / period}
    return {"timestamps": times}
