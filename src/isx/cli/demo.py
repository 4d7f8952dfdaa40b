"""``isx demo``: the whole way from a recording to files other programs read, on sample data."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from isx import samples
from isx.cli.terminal import progress_bar, stdout

__all__ = ["NAME", "command"]

NAME = "demo"


def command(
    folder: Annotated[
        str, typer.Argument(help="Folder for the results; made if missing.", show_default=False)
    ],
    seed: Annotated[int, typer.Option(help="Another seed makes another recording.")] = 1,
    frames: Annotated[int, typer.Option(min=1, help="Length of the movie.")] = 800,
) -> None:
    """Make a sample recording in FOLDER, look at it, and export it."""
    scene = samples.Scene(seed=seed, num_frames=frames)
    with progress_bar("making a recording") as progress:
        paths = samples.write(folder, scene, progress=lambda _file: progress)
    for path in paths.values():
        stdout().print(f"[green]wrote[/] {escape(path)}")
