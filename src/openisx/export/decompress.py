"""Expanding compressed microscope movies: :func:`decompress` (docs/formats/isxc.md)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from openisx._files.output import OutputFile, require_free_space
from openisx._files.paths import as_path, extension, require_existing
from openisx._files.source import open_bytes
from openisx._formats.isxc import MovieIsxc
from openisx._formats.isxd.container import trailer_bytes
from openisx._formats.isxd.frame_headers import LINE_BYTES
from openisx._formats.isxd.movie import movie_metadata
from openisx.errors import IsxFileError, IsxFileExistsError
from openisx.export._options import Progress, no_progress

if TYPE_CHECKING:
    from openisx._files.paths import PathInput

__all__ = ["decompress"]

_FREE_NUMBERS = 1000


def decompress(input_file: PathInput, output_dir: PathInput, *, progress: Progress = no_progress) -> str:
    """Expand an `.isxc` movie to an `.isxd` movie.

    Reading an `.isxc` file with :meth:`Movie.read` gives the same pixels without this step.

    Parameters
    ----------
    input_file : path
        A compressed movie.
    output_dir : path
        Existing folder. The new file is called as the input up to its first dot, followed by
        ``-decompressed.isxd``, or by ``-decompressed_000.isxd`` and so on if that is taken.
    progress : callable, optional
        Called with (frames done, frames in all).

    Returns
    -------
    str
        Path of the new file.

    Raises
    ------
    IsxFileError
        The input is missing or damaged, or the output cannot be written; nothing is left behind then.
    IsxImportError
        PyAV is not installed.
    """
    given = as_path(input_file)
    require_existing(given)
    if extension(given) != "isxc":
        raise IsxFileError(
            f"File extension not supported: {extension(given)} ({given}). Only .isxc files are compressed."
        )
    source = MovieIsxc(open_bytes(given))
    try:
        name = os.path.basename(given).partition(".")[0]
        base = os.path.join(as_path(output_dir), f"{name}-decompressed")
        return _write(source, base, progress)
    finally:
        source.close()


def _write(source: MovieIsxc, base: str, progress: Progress) -> str:
    extra = source.metadata.get("extraProperties")
    metadata = movie_metadata(source.stored_timing, source.spacing, 0, extra, has_lines=source.has_lines)
    trailer = trailer_bytes(metadata)
    rows, columns = source.shape
    frame_bytes = 2 * rows * columns + 2 * LINE_BYTES * source.has_lines
    require_free_space(f"{base}.isxd", source.num_stored * frame_bytes + len(trailer))
    total = source.num_stored
    footer = bytes(LINE_BYTES)
    with OutputFile(_free_name(base)) as output:
        for number, frame in enumerate(source.stream(np.arange(total))):
            if source.has_lines:
                output.write(source.header_lines(slice(number, number + 1)))
            output.write(frame.astype("<u2", copy=False))
            if source.has_lines:
                output.write(footer)
            progress(number + 1, total)
        output.write(trailer)
        return output.given_path


def _free_name(base: str) -> str:
    """The first of the names that `base` may get which no file has yet."""
    names = (f"{base}{suffix}.isxd" for suffix in ("", *(f"_{number:03}" for number in range(_FREE_NUMBERS))))
    free = next((name for name in names if not os.path.lexists(name)), None)
    if free is None:
        raise IsxFileExistsError(
            f"File already exists: {base}.isxd, and so do {_FREE_NUMBERS} numbered ones."
        )
    return free
