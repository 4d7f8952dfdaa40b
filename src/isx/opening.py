"""From a path to the right reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isx.errors import IsxFileError
from isx.formats.kinds import DataKind, wrong_kind
from isx.paths import extension, require_existing

if TYPE_CHECKING:
    from isx.formats.frames import FrameSource

__all__ = ["open_movie_source"]

_BEHAVIORAL = ("mpg", "mpeg", "mp4", "avi", "wmv")


def open_movie_source(path: str) -> FrameSource:
    """Open a movie or image of any format by its extension.

    Raises
    ------
    IsxFileError
        The file is missing, its extension is unknown, or its content is damaged or of another kind.
    """
    require_existing(path)
    ending = extension(path)
    if ending == "isxd":
        from isx.formats.movie_isxd import MovieIsxd

        return MovieIsxd(path)
    if ending in _BEHAVIORAL:
        raise wrong_kind(
            path, DataKind.BEHAVIORAL_MOVIE, DataKind.MOVIE, DataKind.IMAGE, DataKind.NVISION_MOVIE
        )
    raise IsxFileError(f"File extension not supported: {ending} ({path})")
