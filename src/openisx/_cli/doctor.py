"""``isx doctor``: whose package ``import isx`` takes, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from openisx import _installation
from openisx._cli.terminal import stdout, wrote
from openisx.errors import IsxStateError

__all__ = ["EPILOG", "NAME", "command"]

NAME = "doctor"
EPILOG = "Works as 'openisx doctor' and 'python -m openisx doctor', too, whatever else is called isx."


def command(
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Write isx.py anew if it is missing or was changed; put a folder isx that belongs to no installed package "
            "out of the way. An installed package is never touched.",
        ),
    ] = False,
    satisfy_isx: Annotated[
        bool,
        typer.Option(
            "--satisfy-isx",
            help="Note in this environment that 'isx' is installed, for packages that require the vendor's. "
            "'pip uninstall isx' takes that back.",
        ),
    ] = False,
) -> None:
    """Tell whose package 'import isx' takes here.

    The status is 0 if 'import isx' works.
    """
    if repair:
        for done in _installation.repair():
            wrote(done)
    if satisfy_isx:
        wrote(
            f"{_installation.satisfy_isx()}: packages that require isx are satisfied; undo with: pip uninstall isx"
        )
    found = _installation.diagnose()
    for line in found.lines:
        stdout().print(line, markup=False)
    if not found.works:
        raise IsxStateError(found.advice)
    if found.advice:
        stdout().print(found.advice, markup=False)
