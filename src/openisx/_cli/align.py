"""``isx align``: start times on the clock of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from openisx._cli.options import no_folders
from openisx._cli.terminal import columns, stdout
from openisx.sync import align_start_times, plan_start_times

if TYPE_CHECKING:
    from openisx.core.timing import Time
    from openisx.structures import NewStart

__all__ = ["NAME", "command", "show_shifts"]

NAME = "align"


def command(
    reference: Annotated[
        str,
        typer.Argument(
            metavar="REFERENCE", help="GPIO data or a movie whose start is right.", show_default=False
        ),
    ],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Movies of the same recording.", show_default=False, callback=no_folders
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
) -> None:
    """Set start times of movies by the counter that devices share.

    The files are changed in place. Nothing is written before all of them are found to belong together.
    """
    starts = plan_start_times(reference, files)
    if not dry_run:
        align_start_times(reference, files)
    show_shifts(starts, done=not dry_run)


def show_shifts(starts: list[NewStart], *, done: bool) -> None:
    """One line per file: by how much its start moves, and to when."""
    word = "[green]moved[/]" if done else "would move"
    rows = [
        (word, f"{start.shift:+.3f} s", f"to {_instant(start.new)}", escape(start.path))
        if start.changes
        else ("kept", "", _instant(start.old), escape(start.path))
        for start in starts
    ]
    for line in columns(rows, right=(False, True, False, False)):
        stdout().print(line)
    if not starts:
        stdout().print("Nothing to align: the reference is the only file.")


def _instant(time: Time) -> str:
    try:
        return time.to_datetime().isoformat(" ", "milliseconds")
    except ValueError:  # beyond the years datetime knows
        return f"{time.secs_since_epoch.secs_float:.3f} s after 1970"
