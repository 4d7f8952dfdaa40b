"""``isx process``: parts, means and dF/F of a movie."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

import typer

import openisx as isx
from openisx._cli.export import EXPORTERS, Options
from openisx._cli.options import Overwrite, one_file, output_option, require_folder_of
from openisx._cli.terminal import progress_bar, stderr, wrote
from openisx._files.paths import canonical, extension, overwriting
from openisx.export._movie_inputs import hint_at_interleaving

__all__ = ["NAME", "command"]

NAME = "process"

_ENDINGS = ("isxd", "tif", "tiff", "mp4", "mov", "mkv", "avi", "png")


def command(
    file: Annotated[
        str,
        typer.Argument(metavar="MOVIE", help="A movie of any format.", show_default=False, callback=one_file),
    ],
    output: Annotated[
        str, output_option("Movie to write: .isxd, .tif, .mp4, .mov, .mkv, .avi; .png for an overview.")
    ],
    trim: Annotated[
        tuple[int, int] | None,
        typer.Option(
            metavar="FIRST LAST", help="Keep samples FIRST to LAST - 1, counted from 0.", show_default=False
        ),
    ] = None,
    fix_pixels: Annotated[
        bool, typer.Option("--fix-pixels", help="Replace defective pixels by the median of their neighbours.")
    ] = False,
    crop: Annotated[
        tuple[int, int, int, int] | None,
        typer.Option(
            metavar="TOP LEFT BOTTOM RIGHT",
            help="Keep rows TOP to BOTTOM - 1 and columns LEFT to RIGHT - 1.",
            show_default=False,
        ),
    ] = None,
    bin_space: Annotated[
        int, typer.Option(metavar="K", help="Means of K x K pixels.", show_default=False)
    ] = 1,
    bin_time: Annotated[int, typer.Option(metavar="N", help="Means of N samples.", show_default=False)] = 1,
    dff: Annotated[
        Literal["mean", "min"] | None,
        typer.Option(
            metavar="mean|min", help="Relative change against the mean or the minimum.", show_default=False
        ),
    ] = None,
    frame_headers: Annotated[
        bool, typer.Option("--frame-headers", help="To .isxd: keep frame headers and hardware time stamps.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Trim, repair, crop and bin a movie, compute dF/F.

    Steps are done in this order: --trim, --fix-pixels, --crop, --bin-space and --bin-time at once, --dff. Frames are read, processed and written a few at a time, however long the movie is.
    """
    ending = extension(output)
    if ending not in _ENDINGS:
        raise typer.BadParameter(
            f"{output} must end in {', '.join(f'.{e}' for e in _ENDINGS)}.", param_hint="--output"
        )
    if frame_headers and ending != "isxd":
        stderr().print("[yellow]warning:[/] --frame-headers has no effect on this export")
    require_folder_of(output)
    if canonical(output) == canonical(file):
        raise ValueError(f"{output} is the input; choose another name for the output.")
    with isx.Movie.read(file) as movie, overwriting(overwrite):
        result = _processed(movie, trim, crop, bin_space, bin_time, dff, fix_pixels=fix_pixels)
        with progress_bar(f"writing {os.path.basename(output)}") as progress:
            if ending == "isxd":
                hint_at_interleaving([movie])
                result.save(output, frame_headers=frame_headers, progress=progress)
            else:
                EXPORTERS["Movie", ending].run([result], output, Options(), progress)
    wrote(output)


def _processed(
    movie: isx.Movie,
    trim: tuple[int, int] | None,
    crop: tuple[int, int, int, int] | None,
    bin_space: int,
    bin_time: int,
    dff: Any,
    *,
    fix_pixels: bool,
) -> isx.Movie:
    if trim is not None:
        movie = movie.trim(*trim)
    if fix_pixels:
        movie = movie.fix_pixels()
    if crop is not None:
        top, left, bottom, right = crop
        movie = movie.crop(rows=(top, bottom), columns=(left, right))
    if (bin_space, bin_time) != (1, 1):
        movie = movie.bin(bin_space, bin_time)
    return movie if dff is None else movie.dff(dff)
