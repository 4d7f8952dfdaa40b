"""``isx timestamps``: hardware time stamps as tables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

import openisx as isx
from openisx._cli.descriptions import kind_of
from openisx._cli.options import Output, Overwrite, TimeRef, no_folders, require_folder_of
from openisx._cli.terminal import close_if_open, progress_bar, wrote
from openisx._files.paths import overwriting, require_absent
from openisx.util import get_file_stem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openisx.export._options import Progress

__all__ = ["NAME", "command", "export_frame_times"]

NAME = "timestamps"


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Movies of one recording; with --side-by-side also GPIO data.",
            show_default=False,
            callback=no_folders,
        ),
    ],
    output: Output,
    overwrite: Overwrite = False,
    time_ref: TimeRef = "start",
    side_by_side: Annotated[
        bool,
        typer.Option(
            "--side-by-side",
            help="A column for each file; the first one, GPIO data or a movie, is the reference.",
        ),
    ] = False,
) -> None:
    """Write the hardware time stamps of movies to a table.

    Of movies that have none, as processed ones, the times of their samples. One row per frame of a series of movies, or with --side-by-side one row per sample and a column for each of
    several devices.
    """
    require_folder_of(output)
    with overwriting(overwrite), progress_bar(f"writing {os.path.basename(output)}") as progress:
        if side_by_side:
            require_absent(output)
            names = [get_file_stem(path) for path in files]
            isx.export_aligned_timestamps(
                files[0], files[1:], names[0], names[1:], output, time_ref, progress=progress
            )
        else:
            export_frame_times(files, output, time_ref, progress)
    wrote(output)


def export_frame_times(files: Sequence[str], output: str, time_ref: str, progress: Progress) -> None:
    """Write hardware time stamps, or of movies that have none the times of their samples."""
    stamped = []
    for path in files:
        opened = isx.open(path)
        if not isinstance(opened, isx.Movie):
            close_if_open(opened)
            raise ValueError(f"{path} is no movie ({kind_of(opened)}).")  # noqa: TRY004 - of a file
        with opened:
            stamped.append(opened._open_source().has_timestamps)
    if not any(stamped) and time_ref == "tsc":
        problem = f"{files[0]} has no counts of the hardware counter; use start or unix."
        raise typer.BadParameter(problem, param_hint="--time-ref")
    isx.export_movie_timestamps_to_csv(
        files, output, time_ref, sample_times=not any(stamped), progress=progress
    )
