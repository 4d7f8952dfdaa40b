"""Vessel sets of a scene: diameters of the vessels that cross its movie, and the velocity of the blood in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from openisx.core.timing import Duration, Timing
from openisx.synthetic._movie import still_image
from openisx.synthetic._session import session_metadata
from openisx.vessel_set import VesselSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx.export._options import Progress
    from openisx.synthetic._scene import Scene

__all__ = ["write_diameters", "write_velocities"]

_WINDOW, _INCREMENT = 2.0, 1.0  # seconds of the movie behind a sample, and from sample to sample
_PLACES = (0.2, 0.4, 0.6, 0.8)  # columns, as shares of the width, at which vessels are measured
_HEATMAP = (9, 21)  # rows (time), columns (place) of a correlation heat map


def write_diameters(scene: Scene, path: str, progress: Progress) -> None:
    """Write the diameters of four vessels of `scene`, in micrometres.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    image, timing = still_image(scene), _timing(scene)
    pixel = 3 * scene.downsampling
    extra = _metadata(scene, {"units": "microns", "estimationMethod": "Parametric FWHM"})
    with VesselSet.write(path, timing, scene.spacing, "vessel diameter", extra_properties=extra) as vessels:
        for i, (row, column, half) in enumerate(_crossings(image)):
            rng = scene.rng("diameter", i)
            line = np.array([[column, max(0, row - 2 * half)], [column, row + 2 * half]], np.int64)
            diameter = half * pixel * (1.4 + 0.12 * _sway(timing, rng))
            centre = 0.5 + 0.02 * _sway(timing, rng)
            vessels.set_vessel_diameter_data(i, image, line, diameter, centre)
            progress(i + 1, len(_PLACES))


def write_velocities(scene: Scene, path: str, progress: Progress) -> None:
    """Write the velocities of red blood cells in four vessels of `scene`, with their correlation heat maps.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    image, timing = still_image(scene), _timing(scene)
    invalid = [timing.num_samples // 3] if timing.num_samples > 3 else []
    notes = {
        "units": "microns per second",
        "inputMovieFps": round(1 / scene.period.secs_float),
        "clippedVessels": "{}",
        "directionChangedVessels": "{}",
        "noSignificantVessels": "{}",
        "invalidWindows": invalid,
    }
    extra = _metadata(scene, notes)
    with VesselSet.write(path, timing, scene.spacing, "rbc velocity", extra_properties=extra) as vessels:
        for i, (row, column, half) in enumerate(_crossings(image)):
            rng = scene.rng("velocity", i)
            left, right, top, bottom = column - 3 * half, column + 3 * half, row - half, row + half
            line = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.int64)
            velocity = rng.uniform(900, 3200) * (1 + 0.15 * _sway(timing, rng))
            direction = rng.uniform(-20, 20) + 4 * _sway(timing, rng)
            velocity[invalid] = direction[invalid] = np.nan
            vessels.set_rbc_velocity_data(i, image, line, velocity, direction, _heatmaps(velocity, rng))
            progress(i + 1, len(_PLACES))


def _metadata(scene: Scene, notes: dict[str, object]) -> dict[str, object]:
    made = {"projectionType": "mean", "timeWindow": _WINDOW, "timeIncrement": _INCREMENT, **notes}
    return {**session_metadata(scene), "idps": {"vesselset": made}}


def _timing(scene: Scene) -> Timing:
    count = max(1, int((scene.duration - _WINDOW) / _INCREMENT) + 1)
    return Timing(count, Duration.from_secs(_INCREMENT), scene.start)


def _crossings(image: NDArray[np.float32]) -> list[tuple[int, int, int]]:
    """Where vessels, the darkest places of some columns, are crossed: row, column, half width in pixels."""
    rows, columns = image.shape
    half = max(1, rows // 50)
    inner = np.arange(rows)[5 * half : -5 * half] if rows > 10 * half else np.arange(rows)
    found = []
    for place in _PLACES:
        column = min(columns - 1, int(place * columns))
        profile = image[:, column].astype(np.float64)
        # Darker than the tissue on both sides, not just far from the middle of the lens.
        sides = [profile[np.clip(inner + k, 0, rows - 1)] for k in (-4 * half, 4 * half)]
        depth = np.minimum(*sides) - profile[inner]
        found.append((int(inner[depth.argmax()]), column, half))
    return found


def _sway(timing: Timing, rng: np.random.Generator) -> NDArray[np.float32]:
    """Slow waves as the tone of vessels has them, about -1 to 1, with a little noise; float32, one per sample."""
    seconds = np.arange(timing.num_samples) * _INCREMENT
    waves = sum(
        weight * np.sin(2 * np.pi * rng.uniform(*band) * seconds + rng.uniform(0, 6))
        for weight, band in ((0.7, (0.05, 0.12)), (0.3, (0.01, 0.03)))
    )
    noisy: NDArray[np.float32] = (waves + rng.normal(0, 0.1, len(seconds))).astype(np.float32)
    return noisy


def _heatmaps(velocity: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Correlation over time and place at the offsets -1, 0 and +1: a ridge that moves with the blood."""
    rows, columns = _HEATMAP
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    shift = np.nan_to_num(velocity)[:, None, None, None] / 5000
    offset = np.array([-1, 0, 1])[:, None, None]
    ridge = np.exp(-(((x - offset * shift) / 0.3) ** 2) - (y / 0.8) ** 2)
    maps: NDArray[np.float32] = (ridge + rng.normal(0, 0.02, ridge.shape)).astype(np.float32)
    return maps
