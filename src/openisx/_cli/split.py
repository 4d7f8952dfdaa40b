"""``isx split``: the planes and colours of interleaved movies."""

from __future__ import annotations

import os
from typing import Annotated

import typer

import openisx as isx
from openisx._cli.options import Overwrite, no_folders
from openisx._cli.terminal import for_each, progress_bar, wrote
from openisx._files.paths import overwriting
from openisx.export.processing import split_movie

__all__ = ["NAME", "command"]

NAME = "split"


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="MOVIE",
            help="Movies in which planes or colours take turns.",
            show_default=False,
            callback=no_folders,
        ),
    ],
    output_dir: Annotated[
        str,
        typer.Option(
            "-o",
            "--output-dir",
            metavar="FOLDER",
            help="Existing folder for the outputs; that of each file by default.",
            show_default=False,
        ),
    ] = "",
    frame_headers: Annotated[
        bool, typer.Option("--frame-headers", help="Keep frame headers and hardware time stamps.")
    ] = False,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Mark frames that do not follow the rhythm as dropped.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write the planes and colours of a movie to files.

    The frame headers tell them apart. NAME.isxd becomes NAME-efocus_0500.isxd for the plane with e-focus 500,
    NAME-green.isxd for a colour.
    """  # fmt: skip
    if output_dir and not os.path.isdir(output_dir):
        raise typer.BadParameter(f"there is no folder {output_dir}.", param_hint="--output-dir")

    def split(path: str) -> None:
        stem = isx.get_file_stem(path)
        base = os.path.join(output_dir or os.path.dirname(path) or ".", stem)
        with isx.Movie.read(path) as movie, progress_bar(f"splitting {os.path.basename(path)}") as progress:
            written = split_movie(
                movie, base, frame_headers=frame_headers, strict=not lenient, progress=progress
            )
        for output in written:
            wrote(output)

    with overwriting(overwrite):
        for_each(files, split)
