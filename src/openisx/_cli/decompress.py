"""``isx decompress``: compressed microscope movies to `.isxd`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

import openisx as isx
from openisx._cli.options import no_folders
from openisx._cli.terminal import for_each, progress_bar, wrote

__all__ = ["NAME", "command"]

NAME = "decompress"


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Compressed movies (.isxc).", show_default=False, callback=no_folders
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
) -> None:
    """Expand compressed movies (.isxc) to .isxd files.

    The output of NAME.isxc is NAME-decompressed.isxd. Reading a compressed movie does not need this.
    """
    if output_dir and not os.path.isdir(output_dir):
        raise typer.BadParameter(f"there is no folder {output_dir}.", param_hint="--output-dir")

    def expand(path: str) -> None:
        folder = output_dir or os.path.dirname(path) or "."
        with progress_bar(f"expanding {os.path.basename(path)}") as progress:
            written = isx.decompress(path, folder, progress=progress)
        wrote(written)

    for_each(files, expand)
