"""A session on one page: when each of its files was recorded, with gaps and events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from openisx._session.showing import COLORS, clock_text, heading
from openisx.viz._plots import FAINT, INK, WIDTH, empty_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from openisx.session import Session

__all__ = ["plot_session"]

_MOST_TICKS = 4000


def plot_session(session: Session) -> Figure:
    """Draw the timeline of a session.

    Parameters
    ----------
    session : Session
        Its times are read; its pixels are not.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with :func:`isx.viz.save_figure`.

    Raises
    ------
    IsxImportError
        Matplotlib is not installed.
    """
    count = max(1, len(session.items))
    height = 1.5 + 0.42 * count
    figure = empty_page(height)
    axes = figure.add_axes((0.27, 0.62 / height, 0.69, 1 - 1.35 / height))
    axes.set_facecolor("none")
    for row, item in enumerate(session.items):
        color = COLORS[item.kind]
        axes.barh(row, item.stop - item.start, left=item.start, height=0.52, color=color, alpha=0.35)
        times = item.times
        if item.kind in ("events", "gpio") and len(times):
            shown = times[np.linspace(0, len(times) - 1, min(_MOST_TICKS, len(times))).astype(int)]
            axes.vlines(shown, row - 0.26, row + 0.26, color=color, linewidth=0.4)
        for begin, end in item.gaps:
            axes.barh(row, end - begin, left=begin, height=0.52, color="#ff5d73")
        axes.text(
            session.duration, row + 0.39, clock_text(item), color=FAINT, fontsize=7, ha="right", va="center"
        )
    axes.set_yticks(
        range(count),
        [f"{item.kind}  {item.name}" for item in session.items],
        color=INK,
        fontsize=8,
        parse_math=False,
    )
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_xlim(0, session.duration or 1)
    axes.set_xlabel("seconds since the start of the session", color=FAINT, fontsize=9)
    axes.tick_params(colors=FAINT)
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.text(
        0.5 / WIDTH,
        1 - 0.45 / height,
        heading(session),
        color=INK,
        fontsize=13,
        va="center",
        parse_math=False,
    )
    return figure
