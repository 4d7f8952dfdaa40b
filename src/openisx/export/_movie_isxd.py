"""Movies of other formats to `.isxd`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from openisx._files.paths import as_path, extension
from openisx.core.timing import Timing
from openisx.export._movie_inputs import readable
from openisx.export._options import no_progress
from openisx.movie import Movie

if TYPE_CHECKING:
    from openisx._files.paths import PathInput
    from openisx.export._options import Progress

__all__ = ["write_movie_isxd"]


def write_movie_isxd(
    input_movie_file: PathInput, output_isxd_file: PathInput, *, progress: Progress = no_progress
) -> None:
    """Write the frames of a movie of any other format to an `.isxd` movie, with its timing and pixel type.

    Raises
    ------
    ValueError
        The input is an `.isxd` file.
    IsxFileError
        The input is missing, damaged or no movie; the output exists or cannot be written.
    """
    given = as_path(input_movie_file)
    if extension(given) == "isxd":
        raise ValueError(f"{given} is an .isxd movie already.")
    with Movie.read(given) as movie:
        timing = movie._layout[0]
        frames = np.flatnonzero(readable(movie)).tolist()
        if len(frames) < timing.samples.num_valid:  # a cut file: the movie ends with its last frame
            missing = timing.dropped, timing.cropped, timing.blank
            timing = Timing(frames[-1] + 1 if frames else 0, timing.period, timing.start, *missing)
        with Movie.write(output_isxd_file, timing, movie._open_source().spacing, movie.dtype) as output:
            for done, sample in enumerate(frames, 1):
                output.set_frame_data(sample, movie.get_frame_data(sample))
                progress(done, len(frames))
