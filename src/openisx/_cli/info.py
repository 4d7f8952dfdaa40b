"""``isx info``: what is in files."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

import openisx as isx
from openisx._cli.descriptions import describe, kind_of
from openisx._cli.formatting import Formatted, Sections, for_json, size_text, value_text
from openisx._cli.series import summary
from openisx._cli.table import Row, row_of, show_table
from openisx._cli.terminal import (
    close_if_open,
    columns,
    one_line,
    print_error,
    progress_bar,
    reader_left,
    stdout,
)
from openisx._series import part_of
from openisx._session.folders import files_in
from openisx.errors import IsxWarning
from openisx.session import sessions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from openisx._series import Part

__all__ = ["NAME", "command", "show", "show_brief", "show_sessions"]

NAME = "info"

_BRIEF_FROM = 6  # files that are shown as a table


@dataclass
class _File:
    """What became of looking into one file."""

    path: str
    size: int = 0
    kind: str = ""
    sections: Sections = field(default_factory=dict)
    row: Row | None = None
    warnings: list[str] = field(default_factory=list)
    error: Exception | None = None
    part: Part | None = None


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Files of any kind, or folders: all files in them and in the folders within.",
            show_default=False,
        ),
    ],
    brief: Annotated[
        bool | None,
        typer.Option(
            "--brief/--full",
            help="One line for each file, or everything about each. Without either, folders and six or more files "
            "are shown in brief.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON for programs.")] = False,
) -> None:
    """Show what is in files of any kind.

    Several files of one recording are also summed up as a series: their order, gaps, and what keeps them from
    fitting together. The status is 1 if any of the files cannot be read.
    """
    paths, others = files_in(files)
    if brief is None:
        brief = len(paths) >= _BRIEF_FROM or any(os.path.isdir(path) for path in files)
    if as_json:
        seen = _look_into_all(paths, brief=False)
        series = summary([file.part for file in seen if file.error is None])
        document = {"files": [_document(file) for file in seen], "series": for_json(series) or None}
        stdout().out(json.dumps(document | ({"other_files": others} if others else {}), indent=2))
    elif brief:
        seen = show_brief(paths, others)
        if any(os.path.isdir(path) for path in files):
            show_sessions(files)
        else:
            _show_series(seen)
    else:
        seen = []
        for path in paths:
            if reader_left():
                break
            seen.append(_look_into(path))
            _show(seen[-1], stdout())
        _show_series(seen)
    if any(file.error for file in seen):
        raise typer.Exit(1)


def _look_into_all(paths: Sequence[str], *, brief: bool) -> list[_File]:
    seen = []
    with progress_bar("reading") as progress:
        for number, path in enumerate(paths):
            progress(number, len(paths))
            seen.append(_look_into(path, brief=brief))
    return seen


def _look_into(path: str, *, brief: bool = False) -> _File:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", IsxWarning)
        try:
            file = _opened(path, brief=brief)
        except (isx.IsxError, OSError, ValueError) as error:
            file = _File(path, error=error)
    texts = [one_line(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
    file.warnings = list(dict.fromkeys(texts))
    if file.row and file.warnings:
        file.row = file.row.noting(file.warnings)
    return file


def _opened(path: str, *, brief: bool) -> _File:
    opened = isx.open(path)
    try:
        file = _File(path, os.stat(path).st_size, kind_of(opened), part=part_of(opened, path))
        if brief:
            file.row = row_of(path, opened)
        else:
            file.sections = {title: section for title, section in describe(opened).items() if section}
    finally:
        close_if_open(opened)
    return file


def show(path: str) -> None:
    """Print what is in one file, or what is wrong with it."""
    _show(_look_into(path), stdout())


def show_brief(paths: Sequence[str], others: Sequence[str] = ()) -> list[_File]:
    """Print a table of files, and what is wrong with those that cannot be read."""
    seen = _look_into_all(paths, brief=True)
    show_table([file.row or Row(file.path, notes="cannot be read") for file in seen], others)
    for file in seen:
        if file.error is not None:
            print_error(file.error, file.path)
    return seen


def show_sessions(paths: Sequence[str]) -> None:
    """Print which files belong together, and when each was recorded."""
    console = stdout()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsxWarning)  # told above
        sessions = sessions_of(paths)
    for session in sessions:
        console.print()
        console.print(str(session), markup=False)


def _document(file: _File) -> dict[str, Any]:
    if file.error is not None:
        return {"path": file.path, "error": one_line(file.error)}
    document = {"path": file.path, "kind": file.kind, "bytes": file.size, **for_json(file.sections)}
    return {**document, "warnings": file.warnings} if file.warnings else document


def _show(file: _File, console: Console) -> None:
    if file.error is not None:
        print_error(file.error, file.path)
        return
    console.print(f"[bold]{escape(file.path)}[/]  [cyan]{file.kind}[/], {size_text(file.size)}")
    for note in file.warnings:
        console.print(f"  [yellow]warning:[/] {escape(note)}")
    for title, section in file.sections.items():
        console.print(f"  [bold blue]{escape(title)}[/]")
        _show_section(section, console)
    console.print()


def _show_series(seen: Sequence[_File]) -> None:
    series = summary([file.part for file in seen if file.error is None])
    if series:
        console = stdout()
        console.print(f"[bold]Series of {len(series['files'])} files[/]")
        _show_section({name: value for name, value in series.items() if name != "files"}, console)


def _show_section(section: Mapping[str, Any], console: Console) -> None:
    width = max((len(name) for name, value in section.items() if not _is_table(value)), default=0)
    for name, value in section.items():
        if _is_table(value):
            _show_rows(name, value, console)
        else:
            console.print(f"    [dim]{escape(f'{name:<{width}}')}[/]  {escape(value_text(value))}")


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _show_rows(title: str, rows: list[Mapping[str, Any]], console: Console) -> None:
    """Rows whose keys, those of the first row, are the headings."""
    console.print(f"    [dim]{escape(title)}[/]")
    texts = [[f"[dim]{escape(heading)}[/]" for heading in rows[0]]]
    texts += [[escape(value_text(row.get(heading))) for heading in rows[0]] for row in rows]
    for line in columns(texts, right=[_is_number(value) for value in rows[0].values()]):
        line.pad_left(6)
        console.print(line)


def _is_number(value: Any) -> bool:
    raw = value.value if isinstance(value, Formatted) else value
    return isinstance(raw, (int, float)) and not isinstance(raw, bool)
