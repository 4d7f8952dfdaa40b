"""Pictures of cell sets, drawn with Matplotlib (``pip install "openisx[plot]"``)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx._files.output import OutputFile
from openisx._files.paths import extension
from openisx._pictures import to_gray
from openisx.errors import IsxError
from openisx.movie import Movie

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    from openisx._files.paths import PathInput
    from openisx.cell_set import CellSet

__all__ = [
    "FAINT",
    "GROUND",
    "INK",
    "STATUS_COLORS",
    "WIDTH",
    "background_image",
    "empty_page",
    "figure_bytes",
    "plot_cell_set",
    "save_figure",
    "title_of",
]

#: Colour of contours and traces by status; told apart with any kind of colour vision.
STATUS_COLORS = {"accepted": "#4fd1a5", "undecided": "#ffc857", "rejected": "#f0688a"}

#: Colours of a page.
GROUND, INK, FAINT = "#0f1318", "#e8e6e3", "#8b929a"
WIDTH = 15.0  # of a page in inches

_LEVEL = 0.5  # contours are drawn at this share of the brightest pixel
_ROW = 0.135  # inches from trace to trace, at least
_POINTS = 4000  # of a trace that can be told apart at the width of the picture
_AVERAGED = 200  # frames of a movie that make up the image behind the cells
_NAMED = 150  # more names than this only hide the image


def plot_cell_set(
    cells: CellSet,
    image: ArrayLike | None = None,
    *,
    statuses: Sequence[str] = ("accepted", "undecided", "rejected"),
    max_traces: int = 60,
) -> Figure:
    """Draw the outlines of cells over an image, with their traces beside it, coloured by status.

    Parameters
    ----------
    cells : CellSet
        The set to draw.
    image : array-like, optional
        Grey image of shape (rows, columns), e.g. the mean of the movie; by default the brightest of all
        footprints in each pixel.
    statuses : sequence of str
        Cells of these statuses are drawn.
    max_traces : int
        Draw the traces of this many cells at most: accepted ones first, then in the order of the set.

    Returns
    -------
    matplotlib.figure.Figure
        Independent of pyplot; shown with ``display(figure)`` in a notebook, stored with :func:`save_figure` or
        ``figure.savefig``.

    Raises
    ------
    ValueError
        A status is unknown, or the image has another size than the footprints.
    IsxError
        The footprints have no pixels.
    IsxImportError
        Matplotlib is not installed.
    """
    unknown = [status for status in statuses if status not in STATUS_COLORS]
    if unknown:
        raise ValueError(f"Unknown status {unknown[0]!r}. Options are {', '.join(STATUS_COLORS)}.")
    found = cells.statuses
    chosen = [i for i, status in enumerate(found) if status in statuses]
    footprints = cells.footprints
    shape = footprints.shape[1:]
    if 0 in shape:
        raise IsxError(f"The footprints of {cells.file_path} have no pixels to draw.")
    background = _brightest(footprints, chosen) if image is None else np.asarray(image)
    if background.shape != shape:
        raise ValueError(f"the image has the size {background.shape}, the footprints have {shape}")
    ranks = list(STATUS_COLORS)
    traced = sorted(sorted(chosen, key=lambda i: ranks.index(found[i]))[:max_traces])
    figure, left, right = _page(shape, len(traced))
    _draw_image(left, background, 0.55 if image is None else 0.85)  # outlines stand out from it
    for i in chosen:
        _draw_outline(left, footprints[i], cells.names[i] if len(chosen) <= _NAMED else "", found[i])
    _draw_traces(right, cells, traced)
    _write_title(figure, left, cells, chosen, traced)
    return figure


def background_image(path: PathInput) -> NDArray[np.float32]:
    """A picture to draw cells on: an image file, or the mean of up to 200 frames spread over a movie.

    Parameters
    ----------
    path : path
        Anything :meth:`isx.Movie.read` takes.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        For :func:`plot_cell_set`.

    Raises
    ------
    IsxFileError
        The file is missing, damaged, or neither a movie nor an image.
    IsxError
        The movie has no frames.
    """
    with Movie.read(path) as movie:
        valid = movie.timing.get_valid_samples()
        if not len(valid):
            raise IsxError(f"{movie.file_path} has no frames to draw.")
        chosen = valid[np.unique(np.linspace(0, len(valid) - 1, _AVERAGED).astype(np.int64))]
        total = np.zeros(movie.shape[1:], dtype=np.float64)
        for index in chosen.tolist():
            total += movie.get_frame_data(index)
        return (total / len(chosen)).astype(np.float32)


def save_figure(figure: Figure, output_file: PathInput) -> None:
    """Store a figure in a new file.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What :func:`plot_cell_set` gives.
    output_file : path
        Must not exist; its extension (``png``, ``pdf``, ``svg``) decides the format.

    Raises
    ------
    IsxFileError
        The file exists or cannot be written.
    """
    with OutputFile(output_file) as output:
        output.write(figure_bytes(figure, extension(output.given_path)))


def figure_bytes(figure: Figure, file_format: str) -> bytes:
    """A figure as a file of that format."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=file_format, dpi=120, facecolor=figure.get_facecolor())
    return buffer.getvalue()


def empty_page(height: float) -> Figure:
    """A figure `height` inches tall with nothing on it, independent of pyplot."""
    figure: Figure = require("matplotlib.figure", "plot").Figure(figsize=(WIDTH, height), facecolor=GROUND)
    require("matplotlib.backends.backend_agg", "plot").FigureCanvasAgg(figure)
    return figure


def title_of(opened: CellSet | Movie) -> str:
    """Name of the session, or of the file."""
    info = opened.get_acquisition_info() or {}
    return str(info.get("Session Name") or (opened.file_path or "").replace("\\", "/").rpartition("/")[2])


def _brightest(footprints: NDArray[np.float32], chosen: Sequence[int]) -> NDArray[np.float32]:
    image = np.zeros(footprints.shape[1:], dtype=np.float32)
    for i in chosen:
        footprint = np.nan_to_num(footprints[i], posinf=0.0, neginf=0.0)
        peak = float(footprint.max())
        if peak > 0:
            np.maximum(image, footprint / np.float32(peak), out=image)
    return image


def _page(shape: tuple[int, ...], num_traces: int) -> tuple[Figure, Any, Any]:
    """A page laid out in inches: the image on the left, the traces on the right, a title above."""
    rows, columns = shape
    margin, head, foot, names = 0.5, 0.95, 0.65, 0.65
    wide = min(0.54 * WIDTH, 9.0 * columns / rows)
    height = wide * rows / columns
    tall = max(_ROW * (num_traces + 3), height, 3.0)
    total = head + tall + foot
    figure = empty_page(total)
    left = (margin / WIDTH, 1 - (head + height) / total, wide / WIDTH, height / total)
    start = margin + wide + names + 0.15
    right = (start / WIDTH, foot / total, (WIDTH - start - margin) / WIDTH, tall / total)
    return figure, figure.add_axes(left), figure.add_axes(right)


def _draw_image(axes: Any, image: NDArray[Any], brightness: float) -> None:
    axes.imshow(to_gray(image), cmap="gray", vmin=0, vmax=255 / brightness, interpolation="bilinear")
    axes.set_axis_off()


def _draw_outline(axes: Any, footprint: NDArray[np.float32], name: str, status: str) -> None:
    values = np.nan_to_num(footprint, posinf=0.0, neginf=0.0)
    peak = float(values.max())
    if peak <= 0:
        return  # an empty footprint has no outline
    inside = values >= _LEVEL * peak
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, left = max(0, rows[0] - 1), max(0, columns[0] - 1)
    # A rim of zeros closes the outlines of cells at the border of the image.
    part = np.pad(values[top : rows[-1] + 2, left : columns[-1] + 2], 1)
    y, x = np.arange(part.shape[0]) + top - 1, np.arange(part.shape[1]) + left - 1
    axes.contour(x, y, part, levels=[_LEVEL * peak], colors=[STATUS_COLORS[status]], linewidths=1.3)
    if name:
        stroke = require("matplotlib.patheffects", "plot").withStroke
        axes.text(
            columns[-1] + 0.8, rows[0] + 0.5, name, color=STATUS_COLORS[status], fontsize=6.5, va="bottom",
            path_effects=[stroke(linewidth=1.8, foreground=GROUND, alpha=0.75)], clip_on=True, parse_math=False,
        )  # fmt: skip


def _draw_traces(axes: Any, cells: CellSet, traced: Sequence[int]) -> None:
    """Traces below each other on one scale, so that strong and weak cells can be told apart."""
    assert cells.timing is not None
    period = cells.timing.period.secs_float
    axes.set_facecolor(GROUND)
    traces = [_thinned(cells.traces[i]) for i in traced]
    finite = [trace[np.isfinite(trace)] for trace in traces]
    spans = [np.percentile(values, 99.8) - np.median(values) for values in finite if len(values)]
    scale = float(np.median(spans)) if spans and np.median(spans) > 0 else 1.0
    limit = 2.6  # rows that the strongest transients reach upwards
    found = cells.statuses
    for row, (i, trace, values) in enumerate(zip(traced, traces, finite, strict=True)):
        base = float(np.median(values)) if len(values) else 0.0
        shown = np.clip((trace - base) / scale, -1, limit) if len(values) else trace
        seconds = np.linspace(0, max(0, cells.timing.num_samples - 1) * period, len(trace))
        color = STATUS_COLORS[found[i]]
        axes.plot(seconds, row - 0.9 * shown, color=color, linewidth=0.8, solid_joinstyle="round")
    axes.set_ylim(len(traced) + 0.4, -limit)
    axes.set_xlim(0, max(cells.timing.num_samples * period, period) or 1.0)
    axes.set_yticks(range(len(traced)))
    labels = axes.set_yticklabels([cells.names[i] for i in traced], fontsize=6.8, parse_math=False)
    for label, i in zip(labels, traced, strict=True):
        label.set_color(STATUS_COLORS[found[i]])
    axes.tick_params(axis="y", length=0, pad=4)
    axes.tick_params(axis="x", colors=FAINT, labelsize=9)
    axes.set_xlabel("seconds since the start", color=FAINT, fontsize=9.5)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _thinned(trace: NDArray[np.float32]) -> NDArray[np.float32]:
    """`trace`, or the extremes of its stretches if it has more points than can be seen."""
    block = len(trace) // (_POINTS // 2)
    if block < 4:
        return trace
    blocks = trace[: len(trace) // block * block].reshape(-1, block)
    extremes = np.column_stack([np.fmin.reduce(blocks, axis=1), np.fmax.reduce(blocks, axis=1)])
    thinned: NDArray[np.float32] = extremes.ravel()
    return thinned


def _write_title(
    figure: Figure, axes: Any, cells: CellSet, chosen: Sequence[int], traced: Sequence[int]
) -> None:
    height = figure.get_size_inches()[1]
    left = axes.get_position().x0
    figure.text(
        left, 1 - 0.38 / height, title_of(cells), color=INK, fontsize=16,
        fontweight="bold", va="center", parse_math=False,
    )  # fmt: skip
    found = cells.statuses
    place = left
    counts = {status: sum(found[i] == status for i in chosen) for status in STATUS_COLORS}
    for status, count in counts.items():
        if count:
            text = f"\N{BLACK CIRCLE} {count} {status}"
            color = STATUS_COLORS[status]
            figure.text(place, 1 - 0.72 / height, text, color=color, fontsize=10.5, va="center")
            place += 0.088
    if len(traced) < len(chosen):
        text = f"traces of {len(traced)} of {len(chosen)} cells"
        figure.text(place + 0.01, 1 - 0.72 / height, text, color=FAINT, fontsize=10.5, va="center")
