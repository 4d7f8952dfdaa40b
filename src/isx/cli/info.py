"""``isx info``: what is in a file. Each public class has its own :func:`describe`."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias

import typer

import isx
from isx.cli.terminal import stdout

__all__ = ["NAME", "Sections", "Shown", "command", "describe"]

NAME = "info"

#: Title of a section -> label -> value. Values are JSON values or :class:`Shown`; a list of mappings is a table.
#: Labels are lower-case words; JSON output joins them with underscores.
Sections: TypeAlias = "dict[str, dict[str, Any]]"


class Shown(NamedTuple):
    """A value for programs with the text that people see."""

    value: Any
    text: str


@functools.singledispatch
def describe(obj: Any) -> Sections:
    """Everything a person wants to know about what :func:`isx.open` gave.

    Register one function per public class: ``@describe.register``.
    """
    raise TypeError(f"isx info cannot describe a {type(obj).__name__}")


@describe.register
def _movie(movie: isx.Movie) -> Sections:
    frames, rows, columns = movie.shape
    return {"movie": {"frames": frames, "size": Shown([rows, columns], f"{rows} x {columns} pixels")}}


def command(
    files: Annotated[list[str], typer.Argument(help="Files of any kind.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show what is in FILES."""
    shown = {path: _plain(describe(isx.open(path))) for path in files}
    stdout().print_json(json.dumps(shown))


def _plain(value: Any) -> Any:
    if isinstance(value, Shown):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return {key.replace(" ", "_"): _plain(member) for key, member in value.items()}
    return value
