"""A session as text and as HTML, with a timeline on which one sees what was recorded when."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from openisx.session import Session, SessionItem

__all__ = ["COLORS", "clock_text", "heading", "html_of", "text_of"]

_BAR = 48  # characters
_LOST = "#d00000"  # colour of missing samples
_MOST_LOST = 200
#: Colour of each kind in pictures.
COLORS = {
    "movie": "#4cc9f0",
    "behavior": "#f77f00",
    "cells": "#90be6d",
    "events": "#f9c74f",
    "vessels": "#f72585",
    "gpio": "#a078ff",
    "imu": "#43aa8b",
    "image": "#8d99ae",
}


def heading(session: Session) -> str:
    """Name, animal, start and length."""
    animal = session.subject.get("id")
    parts = [
        session.name or "Session",
        f"animal {animal}" if animal else "",
        str(session.start),
        _length(session.duration),
    ]
    return ", ".join(filter(None, parts))


def _length(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest:.0f} s" if minutes else f"{seconds:.1f} s"


def clock_text(item: SessionItem) -> str:
    """By what an item was placed, and how wrong the clock of its device was."""
    off = abs(item.shift)
    wrong = (
        f", whose clock is {off:.3f} s {'fast' if item.shift < 0 else 'slow'}"
        if off >= 0.0005 and item.clock == "hardware counter"
        else ""
    )
    return item.clock + wrong


def text_of(session: Session) -> str:
    """Several lines with a bar for each item."""
    width = max((len(item.name) for item in session.items), default=0)
    lines = [heading(session)]
    for item in session.items:
        span = f"{item.start:>9.3f} to {item.stop:.3f} s"
        lines.append(
            f"  {item.kind:<8}  {item.name:<{width}}  {_bar(item, session.duration)}  {span:<24}  {clock_text(item)}"
        )
    lines += [f"  note: {note}" for note in session.notes]
    return "\n".join(line.rstrip() for line in lines)


def _bar(item: SessionItem, duration: float) -> str:
    scale = _BAR / duration if duration > 0 else 0.0
    first = min(int(item.start * scale), _BAR - 1)
    last = max(first + 1, min(round(item.stop * scale), _BAR))
    return "." * first + "=" * (last - first) + "." * (_BAR - last)


def html_of(session: Session) -> str:
    """A heading over a timeline; texts from files are escaped."""
    row, left, right = 22, 330, 960
    scale = (right - left) / session.duration if session.duration > 0 else 0.0
    shapes = []
    for number, item in enumerate(session.items):
        top = number * row
        begin, wide = left + item.start * scale, max(2.0, (item.stop - item.start) * scale)
        tip = html.escape(f"{item.name}: {item.start:.3f} to {item.stop:.3f} s, by {clock_text(item)}")
        shapes.append(
            f'<g><title>{tip}</title><text x="0" y="{top + 15}">{html.escape(_short(item.name))}</text>'
        )
        shapes.append(_rect(begin, top + 4, wide, COLORS[item.kind]))
        shapes += [
            _rect(left + first * scale, top + 4, max(1.0, (last - first) * scale), _LOST)
            for first, last in _lost(item)
        ]
        shapes.append("</g>")
    height = len(session.items) * row + 18
    ticks = "".join(
        f'<text x="{left + k * (right - left) / 4:.0f}" y="{height - 4}" text-anchor="middle" opacity="0.6">'
        f"{session.duration * k / 4:.4g} s</text>"
        for k in range(5)
    )
    notes = "".join(f"<div>{html.escape(note)}</div>" for note in session.notes)
    return (
        f'<div style="font: 13px sans-serif"><b>{html.escape(heading(session))}</b>'
        f'<svg viewBox="0 0 {right + 30} {height}" width="{right + 30}" style="display:block;max-width:100%;'
        f'font: 12px sans-serif; fill: currentColor">{"".join(shapes)}{ticks}</svg>{notes}</div>'
    )


def _rect(x: float, y: float, width: float, color: str) -> str:
    return f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="14" rx="2" fill="{color}"/>'


def _lost(item: SessionItem) -> list[tuple[float, float]]:
    """Spans of missing samples by the timing of the file, as many as can be shown."""
    timing = item._place.file.timing
    if timing.samples.complete or item.kind in ("gpio", "imu", "events"):
        return []
    missing = np.flatnonzero(~timing.samples.mask())
    runs = np.split(missing, np.flatnonzero(np.diff(missing) != 1) + 1)[:_MOST_LOST]
    period, start = timing.period.secs_float, float(item._place.start - item._session._origin)
    return [(start + int(run[0]) * period, start + (int(run[-1]) + 1) * period) for run in runs]


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:18]}...{name[-19:]}"
