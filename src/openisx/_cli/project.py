"""``isx project``: all frames of a recording as one image."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

import openisx as isx
from openisx._cli.options import Overwrite, no_folders, output_option, require_folder_of
from openisx._cli.terminal import progress_bar, wrote
from openisx._files.paths import overwriting

__all__ = ["NAME", "command"]

NAME = "project"


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="MOVIE", help="Movies of one recording.", show_default=False, callback=no_folders
        ),
    ],
    output: Annotated[str, output_option("Image to write: .isxd, .tif, or .png to look at.")],
    stat: Annotated[
        Literal["mean", "min", "max", "std"],
        typer.Option(metavar="mean|min|max|std", help="What each pixel becomes."),
    ] = "mean",
    overwrite: Overwrite = False,
) -> None:
    """Make one image of all frames of a recording.

    Their mean, minimum, maximum or standard deviation. Dropped, cropped and blank frames do not count.
    """
    require_folder_of(output)
    with overwriting(overwrite), progress_bar(f"projecting {os.path.basename(files[0])}") as progress:
        isx.project_movie(files, output, stat, progress=progress)
    wrote(output)
