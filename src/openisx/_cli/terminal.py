"""What the commands share: consoles, progress bars, and how errors end a command."""

from __future__ import annotations

import contextlib
import functools
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

import openisx as isx
from openisx.errors import IsxSeriesError
from openisx.export._options import no_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from openisx.export._options import Progress as Report

__all__ = [
    "close_if_open",
    "columns",
    "for_each",
    "guarded",
    "one_line",
    "print_error",
    "progress_bar",
    "reader_left",
    "shown_warnings",
    "stderr",
    "stdout",
    "wrote",
]

P = ParamSpec("P")
R = TypeVar("R")


#: What messages of the package say to programmers, and what to say instead to someone at a terminal.
_FOR_PROGRAMMERS = (
    (re.compile(r" isx\.open\(\) chooses the right class by itself\."), ""),
    (re.compile(r", by flush\(\) or close\(\)"), ""),
    (re.compile(r"\bwrite_invalid_frames=True\b"), "--write-invalid-frames"),
    (re.compile(r"\bsparse_output=False\b"), "--list"),
    (re.compile(r"\bisx\.recover\('(.*)'\)"), r"isx recover \1"),
    (re.compile(r"\bsplit\(strict=False\)"), "isx split --lenient"),
    (re.compile(r"\bMovie\.split\(\)"), "isx split"),
    (re.compile(r"\bisx\.recover\b(\(\))?"), "isx recover"),
)


def stdout() -> Console:
    """Console on the present standard output; lines are as wide as they need to be where nobody watches."""
    width = None if sys.stdout.isatty() else 250
    return Console(highlight=False, emoji=False, soft_wrap=True, width=width)


def stderr() -> Console:
    """Console on the present standard error, which never breaks lines: messages hold paths."""
    return Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def reader_left() -> bool:
    """Whether nobody reads the standard output any more, as in ``isx info ... | head``."""
    return getattr(sys.stdout, "reader_left", False)


def wrote(what: str) -> None:
    """Say what was written."""
    stdout().print(f"[green]wrote[/] {escape(what)}")


def close_if_open(opened: Any) -> None:
    """Close what :func:`isx.open` gave; images have nothing to close."""
    close = getattr(opened, "close", None)
    if close is not None:
        close()


def columns(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> Iterator[Text]:
    """Rows of cells, which may hold markup, as lines without blanks at their end; `right` columns are flush right.

    Lines may be longer than the terminal is wide: it breaks them, where a table of Rich would cut off their end.
    """
    table = [[Text.from_markup(cell) for cell in row] for row in rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(*table, strict=True)]
    for row in table:
        for cell, width, flush_right in zip(row, widths, right, strict=True):
            (cell.pad_left if flush_right else cell.pad_right)(width - cell.cell_len)
        line = Text("  ").join(row)
        line.rstrip()
        yield line


def one_line(message: object) -> str:
    """Text of an error or a warning without line breaks, in words for the command line."""
    text = str(message)
    if isinstance(message, IsxSeriesError):  # the vendor's words say less, and more of them
        text = text.rpartition("\n")[2]
    text = " ".join(text.split()) or type(message).__name__
    for pattern, instead in _FOR_PROGRAMMERS:
        text = pattern.sub(instead, text)
    return text


def print_error(error: BaseException, path: str = "") -> None:
    """One line saying what went wrong, with `path` in front unless the message names it."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, isx.IsxError):
        path, text = str(error.filename or path), error.strerror  # without the number of the error
    else:
        text = one_line(error)
    where = f"{path}: " if path and path not in text else ""
    stderr().print(f"[bold red]error:[/] {escape(where + text)}")


def for_each(paths: Sequence[str], work: Callable[[str], None]) -> None:
    """Do `work` for each file; one that fails is told of and keeps none of the others from their turn."""
    failed = False
    for path in paths:
        try:
            work(path)
        except (isx.IsxError, OSError, ValueError) as error:
            print_error(error, path)
            failed = True
    if failed:
        raise typer.Exit(1)


@contextlib.contextmanager
def shown_warnings() -> Iterator[None]:
    """Show warnings as one line each on standard error, once although a file is opened several times."""
    told = set()

    def show(message: Warning | str, *_where: Any) -> None:
        text = one_line(message)
        if text not in told:
            told.add(text)
            stderr().print(f"[yellow]warning:[/] {escape(text)}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        # news for programmers, some of it UserWarnings too
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """`command`, ending with one line and an exit status where it would end with a traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with shown_warnings():
                return command(*args, **kwargs)
        except (isx.IsxError, OSError, ValueError) as error:
            print_error(error)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            stderr().print("Interrupted; nothing half-written is left.")
            raise typer.Exit(130) from None

    return run


@contextlib.contextmanager
def progress_bar(text: str) -> Iterator[Report]:
    """A progress bar on standard error, as the ``progress=`` argument of a long function.

    It is drawn on terminals only, and goes when the work is done.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = stderr()
    if not console.is_terminal:  # where some versions of Rich would leave an empty line
        yield no_progress
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(escape(text), total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report
