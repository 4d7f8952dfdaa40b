"""All frames of a movie as one image: :func:`project`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from openisx._formats.base import MovieSource

__all__ = ["STATISTICS", "project"]


def project(
    sources: Sequence[MovieSource],
    stat: str,
    *,
    ignore_nan: bool = False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> NDArray[Any]:
    """One image of all stored frames of sources whose frames have one size and type.

    Sums of whole numbers are exact; those of floats have 64 bits. NaN spreads unless it is ignored.

    Raises
    ------
    ValueError
        The statistic is unknown, or there is no frame.
    """
    if stat not in STATISTICS:
        raise ValueError(f"stat must be one of {', '.join(STATISTICS)}, not {stat!r}")
    total = sum(source.num_stored for source in sources)
    if not total:
        raise ValueError(f"{sources[0].given_path} has no frame to make an image of")
    statistic = STATISTICS[stat](sources[0], ignore_nan=ignore_nan)
    with np.errstate(all="ignore"):
        for done, frame in enumerate(_frames(sources), 1):
            statistic.add(frame)
            progress(done, total)
        image = statistic.result()
    return image.astype(sources[0].dtype if stat in ("min", "max") else np.float32)


def _frames(sources: Sequence[MovieSource]) -> Iterator[NDArray[Any]]:
    for source in sources:
        yield from source.stream(np.arange(source.num_stored, dtype=np.int64), reuse=True)


class _Statistic(ABC):
    """What is known of the frames so far."""

    @abstractmethod
    def add(self, frame: NDArray[Any]) -> None:
        """Take another frame into account."""

    @abstractmethod
    def result(self) -> NDArray[Any]:
        """The image."""


class _Extreme(_Statistic):
    """Smallest or largest value of every pixel."""

    def __init__(self, ufunc: np.ufunc, like: MovieSource) -> None:
        self._ufunc = ufunc
        self._image = np.empty(like.spacing.num_pixels, like.dtype)
        self._begun = False

    def add(self, frame: NDArray[Any]) -> None:
        if self._begun:
            self._ufunc(self._image, frame, out=self._image)
        else:
            self._image[...] = frame
            self._begun = True

    def result(self) -> NDArray[Any]:
        return self._image


class _Sum:
    """An exact sum of images of whole numbers."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._recent, self._settled = np.zeros(shape, np.uint32), np.zeros(shape, np.uint64)
        self._bound = 0

    def add(self, image: NDArray[Any], largest: int) -> None:
        """Add an image without numbers above `largest`."""
        self._bound += largest
        if self._bound >= 2**32:
            self.result()
            self._bound = largest
        np.add(self._recent, image, out=self._recent)

    def result(self) -> NDArray[np.uint64]:
        """The sum so far."""
        self._settled += self._recent
        self._recent[...] = 0
        return self._settled


class _Integers(_Statistic):
    """Mean or standard deviation of whole numbers, from exact sums.

    Sums of a few frames have 32 bits, which is twice as fast, as long as these hold whatever the frames are.
    """

    def __init__(self, like: MovieSource, *, deviation: bool) -> None:
        shape = like.spacing.num_pixels
        self._sums = [_Sum(shape), _Sum(shape)] if deviation else [_Sum(shape)]
        self._largest = int(np.iinfo(like.dtype).max)
        self._wide = np.empty(shape if deviation else 0, np.uint32)
        self._count = 0

    def add(self, frame: NDArray[Any]) -> None:
        self._count += 1
        self._sums[0].add(frame, self._largest)
        if len(self._sums) > 1:
            self._wide[...] = frame
            self._wide *= self._wide
            self._sums[1].add(self._wide, int(frame.max(initial=0)) ** 2)

    def result(self) -> NDArray[np.float64]:
        mean, *square = (total.result() / self._count for total in self._sums)
        return _spread(square[0], mean) if square else mean


class _Floats(_Statistic):
    """Mean or standard deviation of floats, from sums of differences to the first frame, which are small."""

    def __init__(self, like: MovieSource, *, deviation: bool, ignore_nan: bool) -> None:
        shape = like.spacing.num_pixels
        self._sum, self._squares = np.zeros(shape), np.zeros(shape if deviation else 0)
        self._difference = np.empty(shape)
        self._base = np.zeros(shape)
        self._begun = False
        self._count: Any = np.zeros(shape, np.int64) if ignore_nan else 0
        self._deviation, self._ignore_nan = deviation, ignore_nan

    def add(self, frame: NDArray[Any]) -> None:
        if not self._begun:
            self._begun = True
            self._base = np.where(np.isfinite(frame), frame, 0).astype(np.float64)
        np.subtract(frame, self._base, out=self._difference)
        if self._ignore_nan:
            absent = np.isnan(frame)
            self._difference[absent] = 0
            self._count += ~absent
        else:
            self._count += 1
        self._sum += self._difference
        if self._deviation:
            self._difference *= self._difference
            self._squares += self._difference

    def result(self) -> NDArray[Any]:
        mean: NDArray[np.float64] = self._sum / self._count  # 0 / 0 where all was NaN
        return _spread(self._squares / self._count, mean) if self._deviation else self._base + mean


def _spread(mean_square: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation; what rounding may make negative is 0."""
    spread: NDArray[np.float64] = np.sqrt(np.maximum(mean_square - mean**2, 0))
    return spread


def _moment(like: MovieSource, *, deviation: bool, ignore_nan: bool) -> _Statistic:
    if like.dtype.kind == "f":
        return _Floats(like, deviation=deviation, ignore_nan=ignore_nan)
    return _Integers(like, deviation=deviation)


#: How each statistic is begun, for frames like those of a source.
STATISTICS: dict[str, Callable[..., _Statistic]] = {
    "mean": partial(_moment, deviation=False),
    "min": lambda like, ignore_nan: _Extreme(np.fmin if ignore_nan else np.minimum, like),
    "max": lambda like, ignore_nan: _Extreme(np.fmax if ignore_nan else np.maximum, like),
    "std": partial(_moment, deviation=True),
}
