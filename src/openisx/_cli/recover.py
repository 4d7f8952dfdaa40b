"""``isx recover``: what broken-off writers and recordings left."""

from __future__ import annotations

from typing import Annotated

import typer

import openisx as isx
from openisx._cli.terminal import for_each, wrote

__all__ = ["NAME", "command"]

NAME = "recover"


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Names the files should have had, what was left of them (.NAME.XXXXXXXX.partial), or recordings "
            "without metadata.",
            show_default=False,
        ),
    ],
    shape: Annotated[
        tuple[int, int] | None,
        typer.Option(
            metavar="ROWS COLUMNS",
            min=1,
            help="Size of the frames of a recording without metadata, if it cannot be found.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Save files whose writing was killed or that lost their metadata.

    Each movie or set gets what was written, and the name it should have had. Of a recording without metadata a movie
    NAME_recovered.isxd is made. Nothing is overwritten.
    """

    def recover(path: str) -> None:
        saved = isx.recover(path, shape=shape)
        wrote(f"{saved.path}: {saved.num_frames} of {saved.num_expected} {saved.what}")

    for_each(files, recover)
