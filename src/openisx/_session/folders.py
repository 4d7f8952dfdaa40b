"""The files meant when a folder is given."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from openisx._files.paths import extension
from openisx._formats import registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["files_in"]

_KNOWN = {ending for row in registry.FORMATS for ending in row.extensions}


def files_in(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files named by `paths`, and in folders among these, those of known extensions; and the others there.

    Folders within folders are looked into, links to folders and hidden files are not. Numbers in names count as
    such: part2 is before part10.
    """
    files: list[str] = []
    others: list[str] = []
    for path in paths:
        if not os.path.isdir(path):
            files.append(path)
            continue
        for inside in sorted(_walk(path), key=_natural):
            (files if extension(inside) in _KNOWN else others).append(inside)
    return files, others


def _walk(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(parent, name) for name in names if not name.startswith("."))


def _natural(path: str) -> list[tuple[bool, list[tuple[int, str]]]]:
    """Sort key: the files of a folder before the folders in it, numbers by value."""
    *folders, name = path.split(os.sep)
    return [(True, _words(folder)) for folder in folders] + [(False, _words(name))]


def _words(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]
