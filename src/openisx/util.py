"""Helpers under the vendor's module path."""

from __future__ import annotations

import operator
import os
from typing import TYPE_CHECKING

from openisx._files.paths import as_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from openisx._files.paths import PathInput

__all__ = [
    "get_file_extension",
    "get_file_stem",
    "make_output_file_path",
    "make_output_file_paths",
    "verify_deinterleave",
]


def get_file_stem(in_file: PathInput) -> str:
    """File name without folder, up to its first dot (a leading dot does not count).

    Parameters
    ----------
    in_file : path
        Need not exist.
    """
    name = os.path.basename(as_path(in_file))
    end = name.find(".", 1)
    return name if end < 0 else name[:end]


def get_file_extension(in_file: PathInput) -> str:
    """Everything from the first dot of the file name on.

    Parameters
    ----------
    in_file : path
        Need not exist.

    Raises
    ------
    ValueError
        The name has no dot.
    """
    name = os.path.basename(as_path(in_file))
    return name[name.index(".") :]


def make_output_file_path(
    in_file: PathInput, out_dir: PathInput, suffix: str | None = None, ext: str = "isxd"
) -> str:
    """Path in `out_dir` named after `in_file`: ``stem[-suffix].ext``.

    Parameters
    ----------
    in_file : path
        Its :func:`get_file_stem` is used.
    out_dir : path
        Folder of the output.
    suffix : str, optional
        Follows the stem after a hyphen.
    ext : str
        Extension, without dot.
    """
    stem = get_file_stem(in_file)
    name = f"{stem}-{suffix}" if suffix else stem
    return os.path.join(as_path(out_dir), f"{name}.{ext}")


def make_output_file_paths(
    in_files: Iterable[PathInput], out_dir: PathInput, suffix: str | None, ext: str = "isxd"
) -> list[str]:
    """:func:`make_output_file_path` for each of several files.

    Parameters
    ----------
    in_files : iterable of paths
        The files.
    out_dir, suffix, ext
        As for :func:`make_output_file_path`.
    """
    return [make_output_file_path(in_file, out_dir, suffix, ext) for in_file in in_files]


def verify_deinterleave(in_file: PathInput, efocus: int) -> bool:
    """Whether all frames of a movie were taken with one electronic focus.

    Parameters
    ----------
    in_file : path
        Movie whose frames have header lines.
    efocus : int
        Electronic focus, compared modulo 65536 with that in the header of each stored frame.

    Returns
    -------
    bool
        True also for a movie without any frame.

    Raises
    ------
    IsxFormatError
        The frames have no header lines, so they do not tell; also a ValueError.
    IsxFileError
        The file is missing, damaged or not a movie.
    """
    import numpy as np

    from openisx._formats.registry import open_movie_source
    from openisx.errors import IsxFormatError

    expected = operator.index(efocus) % 2**16
    path = as_path(in_file)
    source = open_movie_source(path)
    try:
        headers = source.headers(np.arange(source.num_stored))
        if headers is None:
            raise IsxFormatError(f"{path}: its frames have no header lines that tell their electronic focus.")
        return bool((headers["efocus"] == expected).all())
    finally:
        source.close()
