"""``isx recover``: frames of movies whose writing broke off."""

from __future__ import annotations

from typing import Annotated

import typer

import openisx as isx
from openisx._cli.terminal import wrote

__all__ = ["NAME", "command"]

NAME = "recover"


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Names the movies should have had, or what was left of them (.NAME.XXXXXXXX.partial).",
            show_default=False,
        ),
    ],
) -> None:
    """Save the frames of movies whose writing was killed.

    Each movie gets the frames that were written, and the name it should have had. Nothing is overwritten.
    """
    for path in files:
        saved = isx.recover(path)
        wrote(f"{saved.path}: {saved.num_frames} of {saved.num_expected} frames")
