"""``isx decompress``: compressed microscope movies to `.isxd`."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.markup import escape

import isx
from isx.cli.terminal import progress_bar, stdout

__all__ = ["NAME", "command"]

NAME = "decompress"


def command(
    files: Annotated[list[str], typer.Argument(help="Compressed movies (.isxc).", show_default=False)],
    output_dir: Annotated[
        str,
        typer.Option(
            "-o", "--output-dir", help="Existing folder; that of each file by default.", show_default=False
        ),
    ] = "",
) -> None:
    """Expand compressed movies to .isxd files called NAME-decompressed.isxd."""
    for path in files:
        folder = output_dir or os.path.dirname(path) or "."
        with progress_bar(f"expanding {os.path.basename(path)}") as progress:
            written = isx.decompress(path, folder, progress=progress)
        stdout().print(f"[green]wrote[/] {escape(written)}")
