"""Movies as video files: :func:`export_movie_to_mp4` (docs/formats/exports.md, Videos)."""

from __future__ import annotations

import math
import numbers
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from openisx._files.output import OutputFile
from openisx._files.paths import as_path, require_absent
from openisx._formats.kinds import DataKind
from openisx._formats.prefetch import prefetched
from openisx.errors import IsxError, IsxFormatError
from openisx.export._luma import Brightness, ValueRange
from openisx.export._movie_inputs import as_inputs, hint_at_interleaving, open_movies, readable, shown
from openisx.export._options import no_progress
from openisx.export._overlay import TrackingOverlay
from openisx.export._video_writer import CODECS, VideoWriter, container_format

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from openisx._files.paths import PathInput
    from openisx.export._movie_inputs import MovieInputs
    from openisx.export._options import Progress
    from openisx.movie import Movie

__all__ = ["export_movie_to_mp4"]

_FRAME_RATE_FORMATS = ("float", "int")
_MAX_TERM = 65535  # of the time base, in MPEG-4 video
_PERIOD_OF_SINGLE_FRAMES = Fraction(1, 20)
_MAX_BIT_RATE = 2**31 - 1


def export_movie_to_mp4(
    input_movie_files: MovieInputs,
    output_mp4_file: PathInput,
    compression_quality: float = 0.1,
    write_invalid_frames: bool = False,
    frame_rate_format: str = "float",
    draw_bounding_box: bool = True,
    draw_bounding_box_center: bool = True,
    draw_zones: bool = True,
    *,
    codec: str = "h264",
    progress: Progress = no_progress,
) -> None:
    """Export movies, one after the other, as one video.

    Pixels of uint8 movies are taken as they are; others are scaled such that the smallest finite value of all
    movies becomes 0 and the largest 255. An odd last row or column is left out. The first movie's period is
    the period of the video; gaps between movies and missing frames leave none in it.

    Parameters
    ----------
    input_movie_files : path or Movie, or a sequence of these
        Microscope or behaviour movies or ordinary videos of one size, or open movies, in the order to show them.
    output_mp4_file : path
        Must not exist. The extension chooses the container: ``.mp4``, ``.mov``, ``.mkv`` or ``.avi``.
    compression_quality : float
        Bit rate to aim at, as a fraction of that of the uncompressed first movie.
    write_invalid_frames : bool
        Show dropped, cropped and blank frames as black ones instead of leaving them out.
    frame_rate_format : {'float', 'int'}
        Keep the frame rate, or round it to a whole number.
    draw_bounding_box, draw_bounding_box_center, draw_zones : bool
        What to draw of the tracking data of behaviour movies.
    codec : {'h264', 'mpeg4'}
        H.264 plays everywhere, browsers included; MPEG-4 part 2 is what the vendor's package writes.
    progress : callable, optional
        Called with the frames done so far and their total; movies to scale count twice.

    Raises
    ------
    ValueError
        An option is unknown, the movies do not fit together, or the period allows no frame rate.
    IsxFileError
        A file is missing, damaged or no movie; the output exists or cannot be written.
    IsxImportError
        PyAV is not installed.
    """
    inputs = as_inputs(input_movie_files)
    _check_options(compression_quality, frame_rate_format, codec)
    require_absent(as_path(output_mp4_file))
    container_format(as_path(output_mp4_file))
    with ExitStack() as stack:
        kinds = (DataKind.MOVIE, DataKind.NVISION_MOVIE)
        movies = open_movies(inputs, stack, *kinds, also=[DataKind.BEHAVIORAL_MOVIE])
        hint_at_interleaving(movies)
        _require_alike(movies)
        masks = [readable(movie) for movie in movies]
        written = [np.ones_like(mask) if write_invalid_frames else mask for mask in masks]
        num_frames = sum(int(mask.sum()) for mask in written)
        if not num_frames:
            raise IsxError(
                f"{shown(movies[0])}: there is no frame to write; all are dropped, cropped or blank."
            )
        period = _period(movies[0])
        time_base = _time_base(period, shown(movies[0]), frame_rate_format)
        bit_rate = _bit_rate(movies[0], period, compression_quality)
        is_scaled = movies[0].dtype != np.uint8
        num_scanned = sum(int(mask.sum()) for mask in masks) if is_scaled else 0
        total = num_scanned + num_frames
        output = stack.enter_context(OutputFile(output_mp4_file))
        video = stack.enter_context(VideoWriter(output, codec, movies[0].shape[1:], time_base, bit_rate))
        overlays = [
            _overlay(movie, box=draw_bounding_box, center=draw_bounding_box_center, zones=draw_zones)
            for movie in movies
        ]
        brightness = _brightness(movies, masks, lambda done: progress(done, total)) if is_scaled else None

        def picture(at: tuple[int, int]) -> NDArray[np.uint8]:
            k, sample = at
            if masks[k][sample]:
                frame = movies[k].get_frame_data(sample)
                luma: NDArray[np.uint8] = frame if brightness is None else brightness(frame)
            else:
                luma = np.zeros(movies[k].shape[1:], np.uint8)
            overlay = overlays[k]
            if overlay is not None:
                overlay.draw(luma, sample)
            return luma

        places = ((k, int(i)) for k, mask in enumerate(written) for i in np.flatnonzero(mask))
        for done, luma in enumerate(prefetched(picture, places, workers=1), num_scanned + 1):
            video.write(luma)
            progress(done, total)


def _check_options(compression_quality: object, frame_rate_format: str, codec: str) -> None:
    if not isinstance(compression_quality, numbers.Real):
        raise TypeError(f"compression_quality must be a number, not {type(compression_quality).__name__}")
    if not math.isfinite(compression_quality):
        raise ValueError(f"compression_quality must be finite, not {compression_quality}")
    if frame_rate_format not in _FRAME_RATE_FORMATS:
        options = ", ".join(_FRAME_RATE_FORMATS)
        raise ValueError(f"Invalid frame rate format. Valid frame rate formats include: {options}")
    if codec not in CODECS:
        raise ValueError(f"Unknown codec {codec!r}. Options are {', '.join(CODECS)}.")


def _require_alike(movies: Sequence[Movie]) -> None:
    """Movies shown as one must have one size, and all or none of them 8-bit pixels."""
    first = movies[0]
    rows, cols = first.shape[1:]
    if rows < 2 or cols < 2:
        raise ValueError(f"{shown(first)}: frames of {rows} x {cols} pixels are too small for a video.")
    for movie in movies:
        if movie.shape[1:] != first.shape[1:]:
            raise ValueError(
                f"Movies of different size cannot share a video: {shown(first)} has {rows} x {cols} pixels, "
                f"{shown(movie)} has {movie.shape[1]} x {movie.shape[2]}."
            )
        if (movie.dtype == np.uint8) != (first.dtype == np.uint8):
            raise ValueError(
                f"Movies with and without 8-bit pixels cannot share a video, since only the others are scaled: "
                f"{shown(first)} is {first.dtype}, {shown(movie)} is {movie.dtype}. Export them one by one."
            )


def _period(movie: Movie) -> Fraction:
    """Time from one frame to the next in seconds; some value if there is only one frame without a period."""
    ratio = movie._layout[0].period.ratio
    period = ratio.fraction
    if not period and len(movie) == 1:
        return _PERIOD_OF_SINGLE_FRAMES
    if period <= 0:
        raise IsxFormatError(f"{shown(movie)}: a period of {ratio.num}/{ratio.den} s allows no video.")
    return period


def _time_base(period: Fraction, path: str, frame_rate_format: str) -> Fraction:
    """Time from one frame of the video to the next, in seconds (docs/formats/exports.md, Videos)."""
    if frame_rate_format == "int":
        rate = Fraction(math.floor(1 / period + Fraction(1, 2)))
    elif period > 1:
        rate = (1 / period).limit_denominator(_MAX_TERM)
    else:
        nearest = period.limit_denominator(_MAX_TERM)
        rate = 1 / nearest if nearest else Fraction(0)
    if not 0 < rate <= _MAX_TERM:
        hint = " Use frame_rate_format='float'." if frame_rate_format == "int" else ""
        raise ValueError(
            f"{path}: a period of {float(period):g} s gives no frame rate that video can hold.{hint}"
        )
    return 1 / rate


def _bit_rate(movie: Movie, period: Fraction, compression_quality: float) -> int:
    """Bits per second: a fraction of those of the uncompressed movie (docs/formats/exports.md, Videos)."""
    _, rows, cols = movie.shape
    bits = compression_quality * (1 / float(period)) * cols * rows * movie.dtype.itemsize * 8
    return math.floor(min(max(bits, 0.0), _MAX_BIT_RATE))


def _overlay(movie: Movie, *, box: bool, center: bool, zones: bool) -> TrackingOverlay | None:
    """What to draw into the frames of a movie; None for nothing."""
    if not (box or center or zones) or movie.dtype != np.uint8 or movie.tracking is None:
        return None
    _, rows, cols = movie.shape
    return TrackingOverlay(movie.tracking, (rows, cols), box=box, center=center, zones=zones)


def _brightness(
    movies: Sequence[Movie], masks: Sequence[NDArray[np.bool_]], advance: Callable[[int], object]
) -> Brightness:
    """Scaling by the extremes of all frames that can be read."""
    seen = ValueRange()
    done = 0
    for movie, mask in zip(movies, masks, strict=True):
        for i in np.flatnonzero(mask).tolist():
            seen.include(movie.get_frame_data(i))
            done += 1
            advance(done)
    return Brightness(seen)
