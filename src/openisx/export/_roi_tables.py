"""What the exports of cell sets and of vessel sets have in common: names of files, statuses, colours."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from openisx._files.paths import as_path, require_absent
from openisx.util import get_file_stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from openisx._files.paths import PathInput
    from openisx.export._options import Progress

__all__ = ["Steps", "absent", "file_names", "named_beside", "rgb"]

_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_LONGEST = 150  # characters of a name in a file name; systems allow 255 bytes


class Steps:
    """Progress that several parts of an export make together."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def advance(self, count: int) -> None:
        """Report `count` more of the total."""
        self._done += count
        self._progress(self._done, self._total)


def absent(*paths: PathInput) -> None:
    """Refuse outputs that exist; empty paths are outputs not asked for."""
    for path in filter(None, map(as_path, paths)):
        require_absent(path)


def file_names(names: Sequence[str]) -> list[str]:
    """Names of cells as parts of file names, each different from all others on any system.

    Characters that no file name may have on some system become ``_``; repeated names (upper and lower case
    counting as equal) get ``_2``, ``_3`` ... behind them.
    """
    taken: set[str] = set()
    made = []
    for name in names:
        plain = _UNSAFE.sub("_", name)[:_LONGEST].encode("utf-8", "replace").decode()
        unique, number = plain, 1
        while unique.casefold() in taken:
            number += 1
            unique = f"{plain}_{number}"
        taken.add(unique.casefold())
        made.append(unique)
    return made


def named_beside(output: PathInput, names: Iterable[str]) -> list[str]:
    """Paths ``FOLDER/BASE_NAME.EXT`` for an output ``FOLDER/BASE.EXT``.

    BASE is the file name up to its first dot, EXT what follows its last dot.
    """
    folder, base = os.path.split(as_path(output))
    ending = os.path.splitext(base)[1]
    return [os.path.join(folder, f"{get_file_stem(base)}_{name}{ending}") for name in names]


def rgb(color: int) -> tuple[int, int, int]:
    """Red, green and blue of a stored colour 0xAARRGGBB."""
    return color >> 16 & 0xFF, color >> 8 & 0xFF, color & 0xFF
