"""The command ``isx``: one module per subcommand, put together here."""

from __future__ import annotations

from typing import Annotated

import typer

import openisx as isx
from openisx._cli import align, decompress, demo, export, info, recover, timestamps
from openisx._cli import info_sets as _info_sets  # noqa: F401 - adds to isx info
from openisx._cli.terminal import guarded

__all__ = ["app"]

app = typer.Typer(
    name="isx",
    help="Look at and export the files of Inscopix miniscopes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # boxes leave too little room for texts in 80 columns
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"isx {isx.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Look at and export the files of Inscopix miniscopes."""


for _module in (info, export, timestamps, align, decompress, recover, demo):
    app.command(_module.NAME, epilog=getattr(_module, "EPILOG", None))(guarded(_module.command))
