"""The command ``isx``: one module per subcommand, put together here."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from openisx import __version__
from openisx._cli import (
    align,
    decompress,
    demo,
    doctor,
    export,
    info,
    nwb,
    process,
    project,
    recover,
    split,
    timestamps,
)
from openisx._cli.terminal import guarded

__all__ = ["app"]

app = typer.Typer(
    name="isx",
    help="Look at and export the files of Inscopix miniscopes.",
    no_args_is_help=True,
    rich_markup_mode=None,  # boxes leave too little room for texts in 80 columns
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Command(TyperCommand):
    """A command whose help says ``FILE...`` where Typer would say ``{FILE}...`` and ``FILE <list[str]>``."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        for parameter in self.params:
            if parameter.param_type_name == "argument":
                name = f"{parameter.metavar}{'...' if parameter.nargs != 1 else ''}"
                vars(parameter).update(
                    display_type_rich=lambda ctx: None,
                    get_usage_pieces=lambda ctx, name=name: [name],
                )


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"isx {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Look at and export the files of Inscopix miniscopes."""


for _module in (
    info,
    export,
    process,
    project,
    split,
    nwb,
    timestamps,
    align,
    decompress,
    recover,
    demo,
    doctor,
):
    app.command(_module.NAME, cls=_Command, epilog=getattr(_module, "EPILOG", None))(guarded(_module.command))
