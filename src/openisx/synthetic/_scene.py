"""What happens in a synthetic recording: :class:`Scene`, from which every sample file is made."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.random  # now: the compiled parts of it swallow a Ctrl-C that arrives while they are imported

from openisx.core.spacing import Spacing
from openisx.core.timing import Duration, Time, Timing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Neuron", "Scene"]

_RISE = 0.06  # seconds; time constants of a green calcium indicator
_DECAY = 0.55
_KERNEL = 8 * _DECAY  # an event is over after this long
_FULL_WIDTH = 1280  # columns of the sensor; a narrower movie was downsampled


def _default_start() -> Time:
    return Time.from_secs_since_epoch(Duration.from_ratio(1_710_263_730_250, 1000), -25_200)


@dataclass(frozen=True)
class Neuron:
    """One neuron of a scene.

    Attributes
    ----------
    name
        As cell sets call it: ``C00``, ``C01``, ...
    row, column
        Centre in pixels.
    brightness
        Relative amplitude of its transients in the movie, about 0.3 to 1.
    corner
        Row and column of the upper left pixel of `footprint` in the image.
    footprint
        float32, peak 1: how strongly each pixel around the centre shows the neuron.
    """

    name: str
    row: float
    column: float
    brightness: float
    corner: tuple[int, int]
    footprint: NDArray[np.float32]

    @property
    def region(self) -> tuple[slice, slice]:
        """Rows and columns of the image that `footprint` covers."""
        (top, left), (height, width) = self.corner, self.footprint.shape
        return slice(top, top + height), slice(left, left + width)


@dataclass(frozen=True)
class Scene:
    """A session of a mouse under a one-photon miniscope, decided by a seed.

    The same arguments give the same session on every machine, up to the rounding of the platform's ``exp`` and
    ``sin``. Nothing grows with the length of the recording but the list of events (about 0.2 per neuron and
    second); everything else is computed for the span asked for.

    Parameters
    ----------
    seed : int
        Decides everything that is random.
    num_frames : int
        Number of samples of the movie, dropped ones included.
    shape : (int, int)
        Rows and columns of the movie; all but the default and (800, 1280) are fine too, small ones for tests.
    num_neurons : int
        Fewer fit into small images.
    period : Duration
        Time from frame to frame; 50 ms by default.
    start : Time
        Start of the recording; its denominator is 1000 as the acquisition software stores it.
    dropped : tuple of int, optional
        Lost frames; by default a single one and a pair.
    """

    seed: int = 1
    num_frames: int = 800
    shape: tuple[int, int] = (200, 320)
    num_neurons: int = 36
    period: Duration = field(default_factory=lambda: Duration.from_msecs(50))
    start: Time = field(default_factory=_default_start)
    dropped: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        rows, columns = self.shape
        if self.num_frames < 1 or rows < 1 or columns < 1 or self.num_neurons < 0:
            raise ValueError("a scene needs at least one frame and one pixel, and no negative numbers")
        if self.dropped is None:
            n = self.num_frames
            lost = sorted({n * 17 // 100, n * 64 // 100, n * 64 // 100 + 1}) if n >= 20 else []
            object.__setattr__(self, "dropped", tuple(lost))

    # -- identity and clock ----------------------------------------------------------------------

    @property
    def session_name(self) -> str:
        """Beginning of all file names: local date and time of the start."""
        return self.start.to_datetime().strftime("%Y-%m-%d-%H-%M-%S")

    @property
    def recording_uuid(self) -> str:
        """What pairs the files of one recording."""
        milliseconds = round(self.start.secs_since_epoch.secs_float * 1000)
        return f"AC-20413307-0000000000-{milliseconds}"

    @property
    def timing(self) -> Timing:
        """Timing of the movie."""
        return Timing(self.num_frames, self.period, self.start, dropped=self.dropped or ())

    @property
    def spacing(self) -> Spacing:
        """Spacing of the movie: a sensor of 3 um pixels, downsampled to the width of the movie."""
        size = 3 * self.downsampling
        return Spacing(self.shape, pixel_size=(size, size))

    @property
    def downsampling(self) -> int:
        """Sensor pixels per pixel of the movie, along each axis."""
        return max(1, _FULL_WIDTH // max(self.shape[1], 160))

    @property
    def duration(self) -> float:
        """Length of the recording in seconds."""
        return self.num_frames * self.period.secs_float

    def frame_times(self, first: int = 0, stop: int | None = None) -> NDArray[np.float64]:
        """Seconds since the start of frames `first` to `stop` - 1.

        Parameters
        ----------
        first, stop : int
            All frames by default.
        """
        frames = np.arange(first, self.num_frames if stop is None else stop, dtype=np.float64)
        times: NDArray[np.float64] = frames * self.period.secs_float
        return times

    def counter(self, seconds: ArrayLike) -> NDArray[np.uint64]:
        """Counter of the acquisition box (microseconds), with which every device stamps its samples.

        Parameters
        ----------
        seconds : array_like of float
            Times since the start.
        """
        first = (7 << 32) + 41_250_000  # two hours after the box was switched on; needs more than 32 bits
        microseconds = np.rint(np.asarray(seconds, dtype=np.float64) * 1e6).astype(np.int64)
        stamps: NDArray[np.uint64] = (microseconds + first).astype(np.uint64)
        return stamps

    def rng(self, *stream: object) -> np.random.Generator:
        """Random numbers of their own for each purpose.

        Parameters
        ----------
        *stream : object
            Names the purpose, e.g. ``scene.rng("noise", 3)``.
        """
        return np.random.default_rng([self.seed, zlib.crc32(repr(stream).encode())])

    # -- neurons ---------------------------------------------------------------------------------

    @cached_property
    def neurons(self) -> tuple[Neuron, ...]:
        """The neurons, placed such that none lies upon another."""
        rows, columns = self.shape
        rng = self.rng("neurons")
        radius = max(1.5, 14 / self.downsampling)
        centres: list[tuple[float, float]] = []
        for row, column in rng.uniform((0.08, 0.08), (0.92, 0.92), (60 * self.num_neurons, 2)) * self.shape:
            inside = ((row / rows - 0.5) / 0.46) ** 2 + ((column / columns - 0.5) / 0.46) ** 2 < 1
            apart = all((row - r) ** 2 + (column - c) ** 2 > (3.1 * radius) ** 2 for r, c in centres)
            if inside and apart:
                centres.append((row, column))
            if len(centres) == self.num_neurons:
                break
        digits = max(2, len(str(max(0, len(centres) - 1))))
        return tuple(
            _neuron(f"C{i:0{digits}}", centre, radius, self.shape, rng) for i, centre in enumerate(centres)
        )

    def footprints(self) -> NDArray[np.float32]:
        """Whole images of all neurons, float32, shape (neurons, rows, columns), peak 1."""
        images = np.zeros((len(self.neurons), *self.shape), np.float32)
        for image, neuron in zip(images, self.neurons, strict=True):
            image[neuron.region] = neuron.footprint
        return images

    @cached_property
    def events(self) -> tuple[tuple[NDArray[np.float64], NDArray[np.float32]], ...]:
        """For each neuron the times of its events (seconds since the start, ascending) and their amplitudes.

        Neurons fire in bursts of their own, and a group of them together now and then.
        """
        together = self.rng("together").uniform(0, self.duration, max(1, round(self.duration / 9)))
        return tuple(_events(self, i, together) for i in range(len(self.neurons)))

    def traces(self, first: int = 0, stop: int | None = None) -> NDArray[np.float32]:
        """Calcium activity without noise.

        Parameters
        ----------
        first, stop : int
            Frames; all by default. Any split into spans gives the same values.

        Returns
        -------
        ndarray
            float32, shape (neurons, frames); a lone event of amplitude 1 peaks at 1.
        """
        times = self.frame_times(first, stop)
        traces = np.zeros((len(self.neurons), len(times)), np.float64)
        period = self.period.secs_float
        span = np.arange(int(_KERNEL / period) + 2)
        for trace, (when, amplitude) in zip(traces, self.events, strict=True):
            near = (
                slice(*when.searchsorted([times[0] - _KERNEL, times[-1] + period]))
                if len(times)
                else slice(0)
            )
            start = np.ceil(when[near] / period).astype(np.int64)
            frames = start[:, None] + span
            values = amplitude[near, None] * _transient(frames * period - when[near, None])
            inside = (frames >= first) & (frames < first + len(times))
            np.add.at(trace, frames[inside] - first, values[inside])
        return traces.astype(np.float32)


def _transient(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fluorescence after an event: fast rise, slow decay, peak 1."""
    peak_at = _RISE * np.log1p(_DECAY / _RISE)
    peak = (1 - np.exp(-peak_at / _RISE)) * np.exp(-peak_at / _DECAY)
    shape: NDArray[np.float64] = (1 - np.exp(-seconds / _RISE)) * np.exp(-seconds / _DECAY) / peak
    return np.where((seconds >= 0) & (seconds < _KERNEL), shape, 0)


def _events(
    scene: Scene, index: int, together: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    rng = scene.rng("events", index)
    bursts = rng.uniform(0, scene.duration, rng.poisson(scene.duration * rng.uniform(0.03, 0.14)))
    joined = together[rng.random(len(together)) < rng.uniform(0.1, 0.5)]
    starts = np.concatenate([bursts, joined + rng.normal(0, 0.12, len(joined))])
    spikes = [starts] + [starts[rng.random(len(starts)) < p] for p in (0.5, 0.25)]
    spikes = [
        group + 0.0 if not k else group + rng.uniform(0.15, 0.9, len(group)) for k, group in enumerate(spikes)
    ]
    times = np.concatenate(spikes)
    # Whole microseconds: event files store no finer times.
    times = np.unique(np.rint(times[(times >= 0) & (times < scene.duration - 0.1)] * 1e6)) / 1e6
    return times, rng.gamma(9, 1 / 9, len(times)).astype(np.float32)


def _neuron(
    name: str,
    centre: tuple[float, float],
    radius: float,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Neuron:
    """A soma: a slightly tilted, slightly lumpy ellipse with soft edges."""
    row, column = centre
    reach = int(np.ceil(2.4 * radius))
    top, left = max(0, int(row) - reach), max(0, int(column) - reach)
    bottom, right = min(shape[0], int(row) + reach + 1), min(shape[1], int(column) + reach + 1)
    y, x = np.mgrid[top:bottom, left:right].astype(np.float64)
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(1.0, 1.35)
    u = (np.cos(angle) * (x - column) + np.sin(angle) * (y - row)) / (radius * stretch)
    v = (-np.sin(angle) * (x - column) + np.cos(angle) * (y - row)) / (radius / stretch)
    distance = np.hypot(u, v)
    body = 1 / (1 + np.exp((distance - 0.85) * 7)) * (1 - 0.25 * np.exp(-(distance**2) * 6))
    body[distance > 2] = 0
    footprint = (body / body.max()).astype(np.float32)
    return Neuron(name, row, column, float(rng.uniform(0.45, 1)), (top, left), footprint)
