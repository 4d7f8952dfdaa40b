"""One line for each of many files."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from rich.markup import escape

import openisx as isx
from openisx._cli.descriptions import assumed, kind_of
from openisx._cli.formatting import clock_text
from openisx._cli.terminal import columns, stdout
from openisx._files.paths import extension

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Row", "row_of", "show_table"]

_SHORTEST_NAME = 30  # columns that names keep on narrow terminals
_NUMBERS = ("size", "duration", "rate")


class Row(NamedTuple):
    """One file; what is not known is empty."""

    path: str
    kind: str = ""
    size: str = ""
    duration: str = ""
    rate: str = ""
    start: str = ""
    notes: str = ""

    def noting(self, warnings: Sequence[str]) -> Row:
        """The same line, saying that there were warnings."""
        count = "1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
        return self._replace(notes=f"{self.notes}, {count}" if self.notes else count)


def row_of(path: str, opened: Any) -> Row:
    """The line about an open file; does not read its data."""
    kind, size = kind_of(opened).replace("behaviour movie", "behaviour"), _size(opened)
    timing, unknown = getattr(opened, "timing", None), assumed(opened)
    if timing is None:
        return Row(path, kind, size)
    period = timing.period.secs_float
    known = "period" not in unknown and period > 0
    return Row(
        path,
        kind,
        size,
        clock_text(timing.num_samples * period) if known else "",
        f"{1 / period:.4g} Hz" if known else "",
        "" if "start" in unknown else _start(timing.start),
        _missing(timing),
    )


def _size(opened: Any) -> str:
    """Extent of the data in the words of its kind."""
    if isinstance(opened, isx.Movie):
        return "x".join(map(str, opened.shape))
    if isinstance(opened, isx.Image):
        return "x".join(map(str, opened.spacing.num_pixels)) if opened.spacing else ""
    if isinstance(opened, isx.GpioSet):
        return f"{len(opened)} channels"
    count = len(opened.names)
    noun = "vessel" if isinstance(opened, isx.VesselSet) else "cell"
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _start(time: isx.Time) -> str:
    try:
        return time.to_datetime().isoformat(" ", "seconds")
    except ValueError:  # beyond the years datetime knows
        return "?"


def _missing(timing: isx.Timing) -> str:
    counts = {
        "dropped": len(timing.dropped),
        "cropped": sum(last - first + 1 for first, last in timing.cropped),
        "blank": len(timing.blank),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def show_table(rows: Sequence[Row], others: Sequence[str]) -> None:
    """Print the lines under their headings, and what else there was."""
    console = stdout()
    paths = [os.path.normpath(row.path) for row in rows]
    folder = os.path.dirname(os.path.commonprefix(paths))  # noqa: RUF071 - dirname makes it whole folders
    if folder:
        console.print(f"[bold]{escape(folder)}[/]")
    table = dict(zip(Row._fields[1:], zip(*[row[1:] for row in rows], strict=True), strict=False))
    names = [os.path.relpath(path, folder) if folder else path for path in paths]
    if sys.stdout.isatty():
        names = _fit(names, table, console.width)
    headings = ["name", *table]
    lines = [[f"[dim]{heading}[/]" for heading in headings]]
    for number, name in enumerate(names):
        texts = {heading: escape(column[number] or "-") for heading, column in table.items()}
        texts["notes"] = f"[{'yellow' if rows[number].kind else 'red'}]{rows[number].notes}[/]"
        lines.append([escape(name), *texts.values()])
    if rows:
        for line in columns(lines, right=[heading in _NUMBERS for heading in headings]):
            console.print(line)
    console.print(_footer(rows, others))


def _fit(names: Sequence[str], table: dict[str, Sequence[str]], width: int) -> list[str]:
    """Names without their middle where lines would be wider than the terminal; takes columns out if need be."""
    for heading in ("", "rate", "start"):
        table.pop(heading, None)
        taken = sum(max(map(len, [title, *column])) + 2 for title, column in table.items())
        room = width - taken
        if room >= min(_SHORTEST_NAME, max(map(len, names), default=0)):
            break
    room = max(room, _SHORTEST_NAME)
    tail = room * 2 // 3
    return [name if len(name) <= room else f"{name[: room - tail - 1]}…{name[-tail:]}" for name in names]


def _footer(rows: Sequence[Row], others: Sequence[str]) -> str:
    parts = [f"{len(rows)} file{'' if len(rows) == 1 else 's'}"]
    failed = sum(not row.kind for row in rows)
    if failed:
        parts.append(f"{failed} cannot be read")
    if others:
        counts = Counter(f".{extension(path)}" if extension(path) else "no extension" for path in others)
        kinds = ", ".join(f"{count} {ending}" for ending, count in counts.most_common(5))
        more = ", ..." if len(counts) > 5 else ""
        parts.append(f"{len(others)} of other kinds ({escape(kinds)}{more})")
    return "; ".join(parts)
