"""A movie on one page: its mean image, two moments of activity, and what its brightest spots do over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx._files.output import OutputFile
from openisx._pictures import to_gray
from openisx.errors import IsxError
from openisx.export._movie_inputs import open_movie, shown
from openisx.export._options import no_progress
from openisx.viz._plots import FAINT, GROUND, INK, WIDTH, empty_page, figure_bytes, title_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from openisx._files.paths import PathInput
    from openisx.export._movie_inputs import MovieInput
    from openisx.export._options import Progress
    from openisx.movie import Movie

__all__ = ["Spot", "export_movie_overview", "find_spots"]

_MOST_FRAMES = 1500  # statistics of a long movie come from this many of its frames
_SPOTS = 12
_COLORS = (
    "#ffb454", "#6fd3ff", "#ff7a93", "#9be564", "#c79bff", "#ffe066",
    "#4fe0c1", "#ff9d5c", "#86a8ff", "#f29ae0", "#c5e063", "#ffc9a3",
)  # fmt: skip


@dataclass(frozen=True)
class Spot:
    """A place whose light flickers as that of a neuron does."""

    row: int
    column: int
    trace: NDArray[np.float64]  # relative change over time, NaN where a sample is missing


def export_movie_overview(
    input_movie_file: MovieInput, output_png_file: PathInput, *, progress: Progress = no_progress
) -> None:
    """Draw a movie on one page.

    Parameters
    ----------
    input_movie_file : path or Movie
        A movie of any format, or an open one.
    output_png_file : path
        Must not exist.
    progress : callable, optional
        Called with steps done and their total.

    Raises
    ------
    IsxError
        The movie has no frames.
    IsxFileError
        The movie cannot be read, or the picture exists or cannot be written.
    IsxImportError
        Matplotlib is not installed.
    """
    require("matplotlib", "plot")  # before the work begins
    with open_movie(input_movie_file) as movie, OutputFile(output_png_file) as output:
        valid = np.flatnonzero(movie._layout[0].samples.mask())[: movie._open_source().num_stored]
        if not len(valid) or 0 in movie.shape:
            raise IsxError(f"{shown(movie)} has no frames to draw.")
        chosen = valid[np.unique(np.linspace(0, len(valid) - 1, min(_MOST_FRAMES, len(valid))).astype(int))]
        total = len(chosen) + len(valid) + 1
        mean, flicker = _statistics(movie, chosen, lambda done: progress(done, total))
        radius = max(2, round(min(flicker.shape) / 55))
        centres = find_spots(flicker, radius)
        spots = _watch(movie, valid, centres, radius, lambda done: progress(len(chosen) + done, total))
        figure = _figure(movie, mean, spots, _moments(spots, valid))
        output.write(figure_bytes(figure, "png"))
        progress(total, total)


def _statistics(
    movie: Movie, chosen: NDArray[np.intp], progress: Callable[[int], object]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean image, and where the light rises in bursts: spread times positive skewness, smoothed."""
    first = _frame(movie, int(chosen[0]))
    a, b, c = np.zeros((3, *first.shape))
    for done, sample in enumerate(chosen.tolist(), 1):
        change = _frame(movie, sample) - first
        a += change
        power = change * change
        b += power
        c += power * change
        progress(done)
    a, b, c = (total / len(chosen) for total in (a, b, c))
    variance = np.maximum(b - a * a, 1e-12)
    skewness = (c - 3 * a * b + 2 * a**3) / variance**1.5
    flicker = np.sqrt(variance) * np.clip(skewness, 0, 4)
    return first + a, _smooth(flicker, 2)


def _frame(movie: Movie, sample: int) -> NDArray[np.float64]:
    frame: NDArray[np.float64] = np.nan_to_num(movie.get_frame_data(sample).astype(np.float64))
    return frame


def _smooth(image: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """Mean over a square around each pixel, twice (which comes close to a Gaussian)."""
    for _ in range(2):
        for axis in (0, 1):
            padded = np.pad(
                image, [(radius + 1, radius) if k == axis else (0, 0) for k in (0, 1)], mode="edge"
            )
            total = np.cumsum(padded, axis=axis)
            size = image.shape[axis]
            upper, lower = np.arange(2 * radius + 1, 2 * radius + 1 + size), np.arange(size)
            image = (total.take(upper, axis) - total.take(lower, axis)) / (2 * radius + 1)
    return image


def find_spots(flicker: NDArray[np.float64], radius: int, count: int = _SPOTS) -> list[tuple[int, int]]:
    """Row and column of the `count` roundest and strongest peaks that lie apart, from top to bottom."""
    columns = flicker.shape[1]
    left = _roundness(flicker, radius)
    threshold = 0.12 * max(float(left.max()), 1e-9)
    centres: list[tuple[int, int]] = []
    while len(centres) < count:
        row, column = divmod(int(left.argmax()), columns)
        if not left[row, column] > threshold:
            break
        centres.append((row, column))
        reach = 4 * radius
        left[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = -np.inf
    return sorted(centres)


def _roundness(image: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """How steeply `image` falls within `radius` in the direction where it falls least: edges and lines give 0."""
    r, inner = radius, slice(radius, -radius)
    wide = np.pad(image, r, mode="edge")
    above, below = wide[: -2 * r, inner], wide[2 * r :, inner]
    before, behind = wide[inner, : -2 * r], wide[inner, 2 * r :]
    corners = (
        wide[2 * r :, 2 * r :] + wide[: -2 * r, : -2 * r] - wide[2 * r :, : -2 * r] - wide[: -2 * r, 2 * r :]
    )
    yy, xx, xy = above + below - 2 * image, before + behind - 2 * image, corners / 4
    least = (yy + xx) / 2 + np.hypot((yy - xx) / 2, xy)  # the larger eigenvalue of the Hessian
    least[:r] = least[-r:] = least[:, :r] = least[:, -r:] = 0  # beyond the edge nothing is known
    return np.maximum(-least, 0)


def _watch(
    movie: Movie,
    valid: NDArray[np.intp],
    centres: list[tuple[int, int]],
    radius: int,
    progress: Callable[[int], object],
) -> list[Spot]:
    """Light of a disc around each centre less that of the ring around it, relative to the light there."""
    if not centres:
        return []
    y, x = np.ogrid[: movie.shape[1], : movie.shape[2]]
    distances = [np.hypot(y - row, x - column) for row, column in centres]
    discs = [np.flatnonzero(d <= radius) for d in distances]
    rings = [np.flatnonzero((d > 1.8 * radius) & (d <= 3 * radius)) for d in distances]
    pixels = np.concatenate(discs + rings)
    sizes = np.array([len(group) for group in discs + rings])
    starts = np.cumsum(sizes) - sizes
    light = np.empty((len(valid), 2, len(centres)))
    for done, sample in enumerate(valid.tolist()):
        picked = np.nan_to_num(movie.get_frame_data(sample).ravel()[pixels].astype(np.float64))
        light[done] = (np.add.reduceat(picked, starts) / sizes).reshape(2, -1)
        progress(done + 1)
    change = light[:, 0] - light[:, 1]
    change -= np.percentile(change, 20, axis=0)
    resting = np.abs(np.median(light[:, 0], axis=0))
    traces = np.full((len(centres), len(movie)), np.nan)
    traces[:, valid] = (change / np.where(resting > 0, resting, 1)).T
    return [Spot(row, column, trace) for (row, column), trace in zip(centres, traces, strict=True)]


def _moments(spots: list[Spot], valid: NDArray[np.intp]) -> list[int]:
    """Two samples worth seeing: those with most activity in each half of the recording."""
    halves = [part for part in np.array_split(np.arange(len(valid)), 2) if len(part)]
    if not spots:
        return [int(valid[part[len(part) // 2]]) for part in halves]
    total = np.sum([spot.trace for spot in spots], axis=0)[valid]
    return [int(valid[part[np.nanargmax(total[part])]]) for part in halves]


def _figure(movie: Movie, mean: NDArray[np.float64], spots: list[Spot], moments: list[int]) -> Any:
    """The page, laid out in inches: mean image beside two frames and their changes, traces below."""
    _, rows, columns = movie.shape
    gap, margin, head = 0.16, 0.55, 1.25
    half = (WIDTH - 2 * margin - gap) / 2
    height = min(half * rows / columns, 0.9 * half)
    half = min(half, height * columns / rows)
    below = 0.36 * max(len(spots), 5) + 0.5
    total = head + height + 0.45 + below + 0.75
    figure = empty_page(total)

    def panel(left: float, top: float, width: float, tall: float) -> Any:
        return figure.add_axes((left / WIDTH, 1 - (top + tall) / total, width / WIDTH, tall / total))

    left = (WIDTH - 2 * half - gap) / 2
    seconds: NDArray[np.float64] = np.arange(len(movie), dtype=np.float64) * _period(movie)
    _write_title(figure, movie, left / WIDTH, total)
    _draw_mean(panel(left, head, half, height), mean, spots)
    small, tall = (half - gap) / 2, (height - gap) / 2
    for k, moment in enumerate(moments):
        x = left + half + gap + k * (small + gap)
        frame = _frame(movie, moment)
        _show(panel(x, head, small, tall), to_gray(frame), f"frame at {seconds[moment]:.2f} s")
        change = _smooth((frame - mean) / np.maximum(np.abs(mean), 1e-9), 1)
        bright = max(float(np.percentile(change, 99.9)), 1e-9)
        axes = panel(x, head + tall + gap, small, tall)
        _show(
            axes, np.clip(change / bright * 255, 0, 255).astype(np.uint8), "change from the mean", "inferno"
        )
    axes = panel(margin, head + height + 0.45, WIDTH - 2 * margin, below)
    _draw_traces(axes, seconds, spots, [float(seconds[m]) for m in moments])
    return figure


def _period(movie: Movie) -> float:
    return movie.timing.period.secs_float or 1.0


def _write_title(figure: Any, movie: Movie, left: float, total: float) -> None:
    info = movie.get_acquisition_info() or {}
    count, rows, columns = movie.shape
    facts = [
        f"{count:,} frames of {rows} x {columns} pixels",
        f"{1 / _period(movie):.4g} Hz",
        f"{count * _period(movie):.4g} s",
    ]
    missing = count - movie.timing.samples.num_valid
    facts += [f"{missing} missing"] if missing else []
    facts += [f"animal {info['Animal ID']}"] if info.get("Animal ID") else []
    figure.text(
        left, 1 - 0.5 / total, title_of(movie), color=INK, fontsize=19, fontweight="bold", va="center"
    )
    figure.text(left, 1 - 0.93 / total, "   ·   ".join(facts), color=FAINT, fontsize=11.5, va="center")


def _show(axes: Any, image: NDArray[np.uint8], label: str, colors: str = "gray") -> None:
    axes.imshow(image, cmap=colors, vmin=0, vmax=255, interpolation="lanczos", aspect="auto")
    axes.set_axis_off()
    axes.text(
        0.012, 0.975, label, transform=axes.transAxes, color=INK, fontsize=9.5, va="top",
        bbox={"facecolor": GROUND, "alpha": 0.6, "edgecolor": "none", "pad": 2.5},
    )  # fmt: skip


def _draw_mean(axes: Any, mean: NDArray[np.float64], spots: list[Spot]) -> None:
    _show(axes, to_gray(mean), "mean image")
    size = max(2.0, min(mean.shape) / 55)
    circle = require("matplotlib.patches", "plot").Circle
    stroke = require("matplotlib.patheffects", "plot").withStroke
    for number, (spot, color) in enumerate(zip(spots, _COLORS, strict=False), 1):
        effect = [stroke(linewidth=3.2, foreground=GROUND, alpha=0.75)]
        ring = circle((spot.column, spot.row), 2.1 * size, fill=False, edgecolor=color, linewidth=1.6)
        ring.set_path_effects(effect)
        axes.add_patch(ring)
        above, right = spot.row > 4 * size, spot.column < mean.shape[1] - 6 * size  # where there is room
        axes.text(
            spot.column + (2.4 if right else -2.4) * size, spot.row + (-1.6 if above else 3.4) * size,
            str(number), color=color, fontsize=11, fontweight="bold", ha="left" if right else "right",
            clip_on=True, path_effects=effect,
        )  # fmt: skip


def _draw_traces(axes: Any, seconds: NDArray[np.float64], spots: list[Spot], moments: list[float]) -> None:
    axes.set_facecolor(GROUND)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(colors=FAINT, labelsize=10)
    axes.set_yticks([])
    axes.set_xlabel("time (s)", color=FAINT, fontsize=10.5)
    end = float(seconds[-1]) if len(seconds) > 1 else 1.0
    axes.set_xlim(-0.012 * end, end * 1.075)
    if not spots:
        axes.text(
            0.5, 0.5, "no spot flickers as neurons do", color=FAINT, transform=axes.transAxes, ha="center"
        )
        return
    step = 0.75 * max(float(np.nanmax(spot.trace)) for spot in spots)
    for moment in moments:
        axes.axvline(moment, color=FAINT, linewidth=0.8, linestyle=(0, (2, 4)), zorder=0)
    for number, (spot, color) in enumerate(zip(spots, _COLORS, strict=False), 1):
        base = -number * step
        axes.plot(seconds, base + spot.trace, color=color, linewidth=1.05, solid_joinstyle="round")
        axes.text(-0.006 * end, base, str(number), color=color, fontsize=10, fontweight="bold", ha="right")
    scale = _round(step)
    x, foot = end * 1.012, -step
    axes.plot([x, x], [foot, foot + scale], color=INK, linewidth=2, solid_capstyle="butt")
    axes.text(
        x + 0.005 * end,
        foot + scale / 2,
        f"{100 * scale:g} %\nof the light",
        color=INK,
        fontsize=9.5,
        va="center",
    )
    axes.spines["bottom"].set_bounds(0, end)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= 1.01 * end])
    axes.set_ylim(-(len(spots) + 0.4) * step, 0.55 * step)


def _round(value: float) -> float:
    """The largest of 1, 2 or 5 times a power of ten that is not above `value`."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * max(k for k in (1, 2, 5) if k * power <= value * (1 + 1e-9)))
