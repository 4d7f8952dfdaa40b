"""``isx demo``: the whole way from a recording to files that other programs read, on sample data."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from rich.markup import escape

import openisx as isx
from openisx import synthetic, viz
from openisx._cli.align import show_shifts
from openisx._cli.export import Options, export_files
from openisx._cli.info import show, show_brief
from openisx._cli.terminal import one_line, progress_bar, stderr, stdout, wrote
from openisx._files.output import OutputFile
from openisx._pictures import png_bytes
from openisx._progress import no_progress
from openisx.export.processing import split_movie
from openisx.sync import align_start_times, plan_start_times

__all__ = ["EXPORTS", "NAME", "PROCESSED", "SESSION", "command"]

NAME = "demo"

#: (sample files, output) for each export of the demo: names as in ``openisx.synthetic.SAMPLES``, and a file name.
EXPORTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("movie",), "overview.png"),
    (("movie",), "movie.tif"),
    (("movie",), "movie.mp4"),
    (("behavior",), "behavior.mp4"),
    (("behavior",), "tracking.csv"),
    (("gpio",), "gpio.csv"),
    (("imu",), "imu.csv"),
    (("cells",), "cells.png"),
    (("cells",), "traces.csv"),
    (("events",), "events.csv"),
    (("diameters",), "diameters.csv"),
    (("velocities",), "velocities.csv"),
)

#: What is made of views: the movie projected, and dF/F of it made smaller, as a file and to look at.
PROCESSED = ("mean.png", "dff.isxd", "dff.mp4")

#: The session on one clock, as a picture and as a file for archives.
SESSION = ("session.png", "session.nwb")

#: What an experimenter would add to it.
EXAMPLE = {
    "NWBFile": {"lab": "Sample laboratory", "experiment_description": "Free exploration of an open field."},
    "Ophys": {"ImagingPlanes": {"*": {"location": "CA1", "indicator": "GCaMP6f", "excitation_lambda": 475}}},
}

#: What to look at in the end.
PICTURES = (
    "session.png",
    "overview.png",
    "cells.png",
    "mean.png",
    "movie.mp4",
    "dff.mp4",
    "behavior.mp4",
    "behavior.png",
)


def command(
    folder: Annotated[
        str,
        typer.Argument(metavar="FOLDER", help="Folder for the results; made if missing.", show_default=False),
    ],
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, help="Another seed makes another recording.")
    ] = 1,
    frames: Annotated[int, typer.Option(metavar="NUMBER", min=2, help="Length of the movie.")] = 800,
) -> None:
    """Make a sample recording, show what is in it, and export it."""
    console = stdout()
    paths: dict[str, str] = {}
    scene = synthetic.Scene(seed=seed, num_frames=frames)
    for sample in synthetic.SAMPLES:
        name = os.path.join(folder, scene.session_name + sample.suffix)
        if os.path.lexists(name):
            raise isx.IsxFileExistsError(f"File already exists: {name}. Choose another folder.")
        with progress_bar(f"making {os.path.basename(name)}") as progress:
            paths |= synthetic.write(folder, scene, [sample.name], progress=progress)
        console.print(f"[green]made[/]  {escape(paths[sample.name])}")
    console.print()
    show_brief(list(paths.values()))
    console.print()
    show(paths["movie"])
    _align(paths)
    for names, output in EXPORTS:
        options = Options(background=paths["movie"] if output == "cells.png" else "")
        _export([paths[name] for name in names], os.path.join(folder, output), options)
    _process(paths, folder)
    _session(paths, folder)
    _save_first_frame(os.path.join(folder, "behavior.mp4"), os.path.join(folder, "behavior.png"))
    pictures = [path for path in (os.path.join(folder, name) for name in PICTURES) if os.path.exists(path)]
    if pictures:  # without the extras there are none
        console.print("\nLook at")
    for path in pictures:
        console.print(f"  [bold]{escape(path)}[/]")
    console.print(f"\nAll that is there: isx info {escape(folder)}")


def _align(paths: dict[str, str]) -> None:
    """Put the movies on the clock of the GPIO data."""
    reference, movies = paths["gpio"], [paths["movie"], paths["behavior"]]
    starts = plan_start_times(reference, movies)
    align_start_times(reference, movies)
    stdout().print("[bold]Start times by the counter that all devices share[/]")
    show_shifts(starts, done=True)
    stdout().print()


def _process(paths: dict[str, str], folder: str) -> None:
    """Project the movie, compute dF/F of a smaller one, and separate the planes of the movie of several."""
    mean, changes, video = (os.path.join(folder, name) for name in PROCESSED)
    isx.project_movie(paths["movie"], mean)
    wrote(mean)
    with isx.Movie.read(paths["movie"]) as movie:
        small = movie.bin(space=2, time=2).dff()
        with progress_bar(f"writing {os.path.basename(changes)}") as progress:
            small.save(changes, progress=progress)
        wrote(changes)
        try:
            isx.export_movie_to_mp4(small, video)
            wrote(video)
        except isx.IsxImportError as error:
            _skipped(video, error)
    with isx.Movie.read(paths["planes"]) as movie:
        stem, _ = os.path.splitext(paths["planes"])
        for plane in split_movie(movie, stem, frame_headers=True, strict=True, progress=no_progress):
            wrote(plane)


def _session(paths: dict[str, str], folder: str) -> None:
    """Put everything on one clock: a picture of the session, and its NWB file."""
    session = isx.open_session(
        [path for name, path in paths.items() if name not in ("compressed", "planes", "colors")]
    )
    picture, nwb = (os.path.join(folder, name) for name in SESSION)
    stdout().print(f"\n{session}\n", markup=False)
    try:
        viz.save_figure(viz.plot_session(session), picture)
        wrote(picture)
        isx.export_session_to_nwb(session, nwb, EXAMPLE)
        wrote(nwb)
    except isx.IsxImportError as error:
        _skipped(nwb, error)


def _save_first_frame(video: str, output: str) -> None:
    """Save what the first frame of a video shows as a picture."""
    if not os.path.exists(video):
        return  # skipped for want of PyAV
    import av

    with av.open(video) as container:
        luma: Any = next(container.decode(video=0)).to_ndarray(format="gray")
    with OutputFile(output) as file:
        file.write(png_bytes(luma))
    wrote(output)


def _export(inputs: list[str], output: str, options: Options) -> None:
    try:
        export_files(inputs, output, options)
    except isx.IsxImportError as error:
        _skipped(output, error)


def _skipped(output: str, error: isx.IsxImportError) -> None:
    stderr().print(f"[yellow]skipped[/] {escape(output)}: {escape(one_line(error))}")
