"""Arguments and options that several commands have."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, TypeAlias

import typer

from openisx.errors import IsxFileError

__all__ = ["Output", "Overwrite", "TimeRef", "no_folders", "one_file", "output_option", "require_folder_of"]


def no_folders(paths: list[str]) -> list[str]:
    """Refuse folders among the files given."""
    for path in paths:
        if os.path.isdir(path):
            raise typer.BadParameter(f"{path} is a folder; give the files in it.")
        _named(path)
    return paths


def _named(path: str) -> str:
    if not path:
        raise typer.BadParameter("the name of the file is empty.")
    return path


def require_folder_of(*outputs: str) -> None:
    """Refuse outputs in folders that do not exist, before anything is read; empty ones are not asked for."""
    for output in filter(None, outputs):
        folder = os.path.dirname(output)
        if folder and not os.path.isdir(folder):
            raise IsxFileError(f"Cannot write {output}: there is no folder {folder}.")


def one_file(path: str) -> str:
    """Refuse a folder as the file."""
    return no_folders([path])[0]


def output_option(text: str) -> Any:
    """The option that names the file to write."""
    return typer.Option("-o", "--output", metavar="OUTPUT", help=text, show_default=False, callback=_named)


Output: TypeAlias = Annotated[str, output_option("File to write.")]

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
