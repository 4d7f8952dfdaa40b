"""Movies to stacks of TIFF pages (docs/formats/exports.md, TIFF stacks)."""

from __future__ import annotations

import os
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from openisx._checks import as_frame_dtype
from openisx._files.output import OutputFiles, require_free_space
from openisx._files.paths import as_path, require_absent
from openisx._files.tiff_writer import TiffWriter, directory_bytes
from openisx._formats.kinds import DataKind
from openisx.errors import IsxFormatError, IsxWarning
from openisx.export._movie_inputs import as_inputs, hint_at_interleaving, open_movies
from openisx.export._options import no_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import DTypeLike, NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.base import MovieSource
    from openisx.export._movie_inputs import MovieInputs
    from openisx.export._options import Progress

__all__ = ["export_movie_to_tiff"]

_PAGES_PER_FILE = 65_535
_BLOCK_BYTES = 4 << 20  # large enough for few calls, small enough to stay in the cache between read and write


class _Movie(NamedTuple):
    """An input and the pages it gives: position of each frame in the file, -1 for a page of zeros."""

    source: MovieSource
    pages: NDArray[np.int64]


def export_movie_to_tiff(
    input_movie_files: MovieInputs,
    output_tiff_file: PathInput,
    write_invalid_frames: bool = False,
    *,
    dtype: DTypeLike | None = None,
    progress: Progress = no_progress,
) -> None:
    """Write the frames of movies as pages of a TIFF file, pixels unchanged unless another type is asked for.

    Parameters
    ----------
    input_movie_files : path or Movie, or a sequence of these
        Movies of any format, or open ones; their frames follow each other in the order given.
    output_tiff_file : path
        Must not exist. Pages beyond the 65,535th go to further files beside it, whose names have a number:
        ``name_00001.tif`` and so on.
    write_invalid_frames : bool
        Also write dropped, cropped and blank frames, as zeros. A single movie of a single frame is written
        whatever this says.
    dtype : dtype-like, optional
        Pixel type of the pages: uint8, uint16 or float32. Values are rounded to whole numbers and clipped to what the
        type can hold; by default each movie keeps its own type.
    progress : callable, optional
        Called with the number of pages written and their total. An exception raised in it stops the export.

    Raises
    ------
    IsxFileError
        An input is missing, damaged or not a movie; an output exists or cannot be written; the disk is full.
        No output file is left behind then.
    ValueError
        No input or no output is given, or `dtype` is another type.

    Notes
    -----
    The file is a BigTIFF, except for a single movie of a single frame, which gives a classic TIFF. All pages of
    a movie lie in one piece, so ``tifffile.memmap`` can open the result.
    """
    inputs = as_inputs(input_movie_files)
    target = as_path(output_tiff_file)
    if not target:
        raise ValueError("no output file given")
    pixel_type = None if dtype is None else as_frame_dtype(dtype)
    require_absent(target)
    with ExitStack() as stack:
        also = [DataKind.NVISION_MOVIE, DataKind.BEHAVIORAL_MOVIE]
        opened = open_movies(inputs, stack, DataKind.MOVIE, also=also)
        hint_at_interleaving(opened)
        sources = [movie._open_source() for movie in opened]
        for source in sources:
            if 0 in source.spacing.num_pixels:
                raise IsxFormatError(
                    f"{source.given_path}: frames without pixels cannot be written as TIFF pages."
                )
        num_samples = sum(source.timing.num_samples for source in sources)
        single = num_samples == len(sources) == 1
        movies = [_Movie(source, _pages(source, write_invalid_frames or single)) for source in sources]
        _write(movies, target, num_samples, pixel_type, progress)


def _pages(source: MovieSource, with_missing: bool) -> NDArray[np.int64]:
    """Position in the file of the frame on each page, -1 for a page of zeros; ends where a cut file ends."""
    if not with_missing:
        return np.arange(source.num_stored, dtype=np.int64)
    samples = source.timing.samples
    stored = samples.stored_many(np.arange(samples.num_samples, dtype=np.int64))
    lost = np.flatnonzero(stored >= source.num_stored)
    return stored[: lost[0]] if len(lost) else stored


def _page_bytes(source: MovieSource, dtype: np.dtype[Any] | None = None) -> int:
    rows, cols = source.spacing.num_pixels
    return rows * cols * (dtype or source.dtype).itemsize


def _write(
    movies: list[_Movie], target: str, num_samples: int, dtype: np.dtype[Any] | None, progress: Progress
) -> None:
    total = sum(len(movie.pages) for movie in movies)
    parts = _part_paths(target, num_samples, total)
    for path in parts[1:]:
        require_absent(path)
    big = not total == num_samples == len(movies) == 1
    needed = sum(len(m.pages) * (_page_bytes(m.source, dtype) + directory_bytes(big)) for m in movies)
    require_free_space(target, needed)
    if not total:
        warnings.warn(
            f"{target}: there are no valid frames to write, so the file has no pages "
            "(write_invalid_frames=True writes the missing ones as zeros).",
            IsxWarning,
            stacklevel=4,
        )
    done = 0
    progress(0, total)
    with OutputFiles() as outputs:
        writer = TiffWriter(outputs.create(parts[0]), big=big)
        for movie in movies:
            for frames in _blocks(movie):
                block = _converted(frames, dtype)
                room = _PAGES_PER_FILE - writer.num_pages
                writer.write(block[:room])
                if len(block) > room:
                    writer.finish()
                    writer = TiffWriter(outputs.create(parts[(done + room) // _PAGES_PER_FILE]), big=big)
                    writer.write(block[room:])
                done += len(block)
                progress(done, total)
        writer.finish()


def _converted(frames: NDArray[Any], dtype: np.dtype[Any] | None) -> NDArray[Any]:
    """`frames` as another pixel type, of which they get the nearest values (0 for NaN)."""
    if dtype is None or dtype == frames.dtype:
        return frames
    if dtype.kind == "f":
        return frames.astype(dtype)
    limits = np.iinfo(dtype)
    values = np.rint(np.nan_to_num(frames, posinf=limits.max)) if frames.dtype.kind == "f" else frames
    converted: NDArray[Any] = np.clip(values, limits.min, limits.max).astype(dtype)
    return converted


def _part_paths(target: str, num_samples: int, num_pages: int) -> list[str]:
    """Names of the files that hold `num_pages` pages (docs/formats/exports.md, TIFF stacks)."""
    folder, name = os.path.split(target)
    base, extension = name.partition(".")[0], name.rpartition(".")[2] if "." in name else ""
    digits = len(str(max(num_samples - 1, 0)))
    count = -(-num_pages // _PAGES_PER_FILE)
    return [target] + [os.path.join(folder, f"{base}_{k:0{digits}}.{extension}") for k in range(1, count)]


def _blocks(movie: _Movie) -> Iterator[NDArray[np.generic]]:
    """The pages of a movie, several at once; every block uses the same memory."""
    source, pages = movie
    if not len(pages):
        return
    rows, cols = source.spacing.num_pixels
    size = max(1, min(_BLOCK_BYTES // _page_bytes(source), _PAGES_PER_FILE, len(pages)))
    buffer = np.empty((size, rows, cols), source.dtype)
    for first in range(0, len(pages), size):
        wanted = pages[first : first + size]
        block = buffer[: len(wanted)]
        breaks = np.flatnonzero(np.diff(wanted) != (wanted[:-1] >= 0)) + 1  # runs of frames, runs of -1
        for start, stop in zip([0, *breaks.tolist()], [*breaks.tolist(), len(wanted)], strict=True):
            if wanted[start] < 0:
                block[start:stop] = 0
            else:
                source.read_frames(int(wanted[start]), block[start:stop])
        yield block
