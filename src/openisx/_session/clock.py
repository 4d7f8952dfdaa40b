"""Where on one clock the samples of a file are: :class:`Place` (docs/formats/sessions.md, One clock).

Times are seconds: exact fractions since 1970 for single ones, float64 since the start of a session for many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.core._integers import half_away

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from openisx._session.files import SessionFile

__all__ = ["Place", "placed"]

_FARTHEST = 60  # seconds that a counter may move a file from its wall clock


@dataclass(eq=False)
class Place:
    """How the samples of a file get their times.

    Attributes
    ----------
    file
        Whose.
    how
        ``"counter"``: by its own hardware counter. ``"movie"``: by the frames of the movie that it was made of.
        ``"wall clock"``: by the clock of its device. ``"none"``: the file has no clock, so it is put at the start.
    base
        Time of offset 0, or of what has the counter `zero`.
    zero
        Counter at `base`.
    movie
        For ``"movie"``: the place of that movie.
    problem
        Why a counter is not used.
    """

    file: SessionFile
    how: str
    base: Fraction
    zero: int = 0
    movie: Place | None = None
    problem: str = ""
    _map: Any = field(default=None, repr=False)

    @property
    def start(self) -> Fraction:
        """Time of sample 0, or of offset 0."""
        if self.how == "counter":
            return self.base + Fraction((self.file.counter or 0) - self.zero, 1_000_000)
        if self.movie is not None:
            return self.movie.start + (self.file.start - self.movie.file.start)
        return self.base

    @property
    def shift(self) -> Fraction:
        """By how much the wall clock of the device is corrected."""
        return self.start - self.file.start if self.file.has_clock else Fraction(0)

    def of_counters(self, counters: NDArray[np.uint64], origin: Fraction) -> NDArray[np.float64]:
        """Times of hardware time stamps since `origin`."""
        micros = counters.astype(np.uint64) - np.uint64(self.zero % 2**64)  # of 64 bits, as the counter
        return _shifted(micros.view(np.int64), self.base - origin)

    def of_offsets(
        self,
        offsets: NDArray[Any],
        origin: Fraction,
        nodes: Callable[[Place], tuple[NDArray[Any], NDArray[Any]]],
    ) -> NDArray[np.float64]:
        """Times of offsets since the start of the file, in microseconds, since `origin`.

        Parameters
        ----------
        nodes
            Gives of the place of a movie the nominal times of its frames since its start, and their times since `origin`.
        """
        if self.movie is None:
            return _shifted(offsets.astype(np.int64), self.start - origin)
        since_movie = self.file.start - self.movie.file.start
        return _mapped(offsets.astype(np.int64) / 1e6 + float(since_movie), *nodes(self.movie))

    def of_samples(
        self, origin: Fraction, nodes: Callable[[Place], tuple[NDArray[Any], NDArray[Any]]]
    ) -> NDArray[np.float64]:
        """Times of the samples that exist, evenly spaced by the clock of the file, since `origin`."""
        timing = self.file.timing
        seconds = timing.seconds()[timing.samples.mask()]
        if self.movie is None:
            return seconds + float(self.start - origin)
        return _mapped(seconds + float(self.file.start - self.movie.file.start), *nodes(self.movie))


def _shifted(micros: NDArray[np.int64], shift: Fraction) -> NDArray[np.float64]:
    """Microseconds and a shift in seconds, added exactly as far as microseconds go."""
    whole = half_away(shift * 1_000_000)
    if abs(whole) >= 2**62:
        return micros / 1e6 + float(shift)
    rest = float(shift - Fraction(whole, 1_000_000))
    seconds: NDArray[np.float64] = (micros + np.int64(whole)) / 1e6 + rest
    return seconds


def _mapped(
    seconds: NDArray[np.float64], nominal: NDArray[np.float64], actual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Piecewise linear from nominal to actual times; before the first and after the last frame the difference stays."""
    if not len(nominal):
        return seconds
    times = np.interp(seconds, nominal, actual)
    before, after = seconds < nominal[0], seconds > nominal[-1]
    times[before] = seconds[before] + (actual[0] - nominal[0])
    times[after] = seconds[after] + (actual[-1] - nominal[-1])
    return times


def placed(files: Sequence[SessionFile]) -> list[Place]:
    """The place of each file of one recording, in their order."""
    reference = _reference(files)
    places: dict[int, Place] = {}
    for file in files:
        if file.counter is not None and reference is not None:
            places[id(file)] = _by_counter(file, reference)
    movies = [
        place for file in files
        if (place := places.get(id(file))) is not None and file.kind == "movie" and place.how == "counter"
    ]  # fmt: skip
    for file in files:
        if id(file) not in places:
            places[id(file)] = _otherwise(file, movies)
    return [places[id(file)] for file in files]


def _reference(files: Sequence[SessionFile]) -> SessionFile | None:
    """The file whose wall clock counts: GPIO, else the microscope, else the camera."""
    order = ("gpio", "movie", "behavior")
    counted = [file for file in files if file.counter is not None and file.has_clock]
    return min(counted, key=lambda file: order.index(file.kind), default=None)


def _by_counter(file: SessionFile, reference: SessionFile) -> Place:
    assert reference.counter is not None
    place = Place(file, "counter", reference.start, reference.counter)
    if file.kind == "behavior" and file.info.get("Miniscope Synced") is False:
        problem = "the camera was not synchronised with the microscope"
    elif abs(place.shift) > _FARTHEST:
        problem = f"its counter would move it by {float(place.shift):.0f} s"
    else:
        return place
    return Place(file, "counter", file.start, file.counter or 0, problem=problem)


def _otherwise(file: SessionFile, movies: Sequence[Place]) -> Place:
    """By the movie that the file was made of, if there is one, else by its wall clock."""
    if not file.has_clock:
        return Place(file, "none", file.start)
    if file.kind in ("cells", "events", "vessels", "movie", "image"):
        for movie in movies:
            slack = movie.file.timing.period.fraction
            if movie.file.start - slack <= file.start <= movie.file.end:
                return Place(file, "movie", file.start, movie=movie)
    return Place(file, "wall clock", file.start)
