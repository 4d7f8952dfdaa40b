"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import typer

__all__ = ["Output", "Overwrite", "TimeRef"]

Output: TypeAlias = Annotated[
    str, typer.Option("-o", "--output", metavar="OUTPUT", help="File to write.", show_default=False)
]

Overwrite: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Replace files that exist instead of refusing to.")
]

TimeRef: TypeAlias = Annotated[
    Literal["start", "unix", "tsc"],
    typer.Option(
        metavar="start|unix|tsc",
        help="Tables: what times count from, the start of the recording, 1970, or the zero of the hardware counter.",
    ),
]
