"""What became of every sample of a recording, as one array: views of movies compute with it where lists would be awkward."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from openisx.core.timing import Timing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.core.duration import Duration, Time

__all__ = ["BLANK", "CROPPED", "DROPPED", "VALID", "sample_states", "timing_of_states"]

VALID, DROPPED, BLANK, CROPPED = range(4)


def sample_states(timing: Timing) -> NDArray[np.uint8]:
    """`VALID`, `DROPPED`, `BLANK` or `CROPPED` for every sample of a normalised timing."""
    states = np.full(timing.num_samples, VALID, np.uint8)
    states[timing.dropped] = DROPPED
    states[timing.blank] = BLANK
    for first, last in timing.cropped:
        states[first : last + 1] = CROPPED
    return states


def timing_of_states(states: NDArray[np.uint8], period: Duration, start: Time) -> Timing:
    """The timing whose samples are in the given states."""
    cropped = np.flatnonzero(states == CROPPED)
    runs = np.split(cropped, np.flatnonzero(np.diff(cropped) != 1) + 1) if len(cropped) else []
    return Timing(
        len(states),
        period,
        start,
        dropped=np.flatnonzero(states == DROPPED),
        cropped=[(int(run[0]), int(run[-1])) for run in runs],
        blank=np.flatnonzero(states == BLANK),
    )
