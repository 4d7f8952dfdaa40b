"""``isx export``: one table of what becomes of which file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, TypeAlias

import typer
from rich.markup import escape

import openisx as isx
from openisx._cli.terminal import close_if_open, progress_bar, stderr, stdout
from openisx._files.output import OutputFile
from openisx._files.paths import extension, require_absent
from openisx.export._options import TIME_REFS, Progress, require_time_ref
from openisx.viz._html import png_bytes, to_gray

__all__ = ["EPILOG", "EXPORTERS", "NAME", "Exporter", "Options", "command", "export_files", "find_exporter"]

NAME = "export"


@dataclass(frozen=True)
class Options:
    """Options of ``isx export``; each exporter uses those that concern it."""

    time_ref: str = "start"
    write_invalid_frames: bool = False
    properties: str = ""
    event_list: bool = False
    quality: float = 0.1
    codec: str = "h264"
    cell_map: bool = False
    background: str = ""


#: Called with the input files, the output file, the options and the progress callback; gives a text naming what
#: was written if that is not the output file.
Exporter: TypeAlias = Callable[[Sequence[str], str, Options, Progress], object]


def _movie_to_tiff(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    isx.export_movie_to_tiff(inputs, output, options.write_invalid_frames, progress=progress)


def _movie_to_video(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    isx.export_movie_to_mp4(
        inputs,
        output,
        options.quality,
        options.write_invalid_frames,
        codec=options.codec,
        progress=progress,
    )


def _movie_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    """What the tracker found if there is a tracker, else time stamps."""
    with isx.Movie.read(inputs[0]) as movie:
        tracked = movie.tracking is not None
    export = (
        isx.export_nvision_movie_tracking_frame_data_to_csv if tracked else isx.export_movie_timestamps_to_csv
    )
    export(inputs, output, options.time_ref, progress=progress)


def _movie_to_png(inputs: Sequence[str], output: str, _options: Options, progress: Progress) -> None:
    from openisx.viz._overview import export_movie_overview

    export_movie_overview(_only(inputs, output), output, progress=progress)


def _image_to_tiff(inputs: Sequence[str], output: str, _options: Options, _progress: Progress) -> None:
    require_absent(output)
    isx.export_isxd_image_to_tiff(_only(inputs, output), output, keep_values=True)


def _image_to_png(inputs: Sequence[str], output: str, _options: Options, _progress: Progress) -> None:
    data = isx.Image.read(_only(inputs, output)).get_data()
    assert data is not None
    with OutputFile(output) as file:
        file.write(png_bytes(to_gray(data)))


def _gpio_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    isx.export_gpio_set_to_csv(inputs, output, time_ref=options.time_ref, progress=progress)


def _gpio_to_isxd(inputs: Sequence[str], output: str, _options: Options, progress: Progress) -> None:
    from openisx.export.gpio_isxd import write_gpio_isxd

    path = _only(inputs, output)
    if extension(path) == "isxd":
        raise ValueError(f"{path} is an .isxd set already.")
    write_gpio_isxd(path, output, progress=progress)


def _cell_set_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    properties = options.properties
    isx.export_cell_set_to_csv_tiff(inputs, output, "", options.time_ref, properties, progress=progress)


def _cell_map(inputs: Sequence[str], output: str, _options: Options, progress: Progress) -> str:
    isxd, picture = (output, None) if extension(output) == "isxd" else (None, output)
    isx.create_cell_map(
        _only(inputs, output),
        output_isxd_cell_map_file=isxd,
        output_tiff_cell_map_file=picture,
        progress=progress,
    )
    return f"{output}: map of the accepted cells"


def _cell_set_to_tiff(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> str:
    if options.cell_map:
        return _cell_map(inputs, output, options, progress)
    properties = options.properties
    isx.export_cell_set_to_csv_tiff(inputs, "", output, output_props_file=properties, progress=progress)
    base, ending = os.path.splitext(output)
    return f"{base}_NAME{ending} for each cell, and the map of those not rejected"


def _cell_set_to_png(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> object:
    return (_cell_map if options.cell_map else _cell_set_to_picture)(inputs, output, options, progress)


def _cell_set_to_picture(inputs: Sequence[str], output: str, options: Options, _progress: Progress) -> None:
    from openisx.viz._plots import background_image, plot_cell_set, save_figure

    with isx.CellSet.read(_only(inputs, output)) as cells:
        image = background_image(options.background) if options.background else None
        save_figure(plot_cell_set(cells, image), output)


def _event_set_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    isx.export_event_set_to_csv(
        inputs,
        output,
        options.time_ref,
        options.properties,
        sparse_output=not options.event_list,
        progress=progress,
    )


def _vessel_set_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    lines, ref = options.properties, options.time_ref
    isx.export_vessel_set_to_csv_tiff(inputs, output, lines, time_ref=ref, progress=progress)


def _vessel_set_to_tiff(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    lines = options.properties
    isx.export_vessel_set_to_csv_tiff(inputs, "", lines, output_map_tiff_file=output, progress=progress)


def _only(inputs: Sequence[str], output: str) -> str:
    if len(inputs) > 1:
        raise ValueError(f"{output} takes one input, not {len(inputs)}.")
    return inputs[0]


#: (class that isx.open gives, extension of the output) -> exporter. Extensions in lower case, without dot.
EXPORTERS: dict[tuple[type[Any], str], Exporter] = {
    (isx.Movie, "tif"): _movie_to_tiff,
    (isx.Movie, "tiff"): _movie_to_tiff,
    (isx.Movie, "png"): _movie_to_png,
    **{(isx.Movie, ending): _movie_to_video for ending in ("mp4", "mov", "mkv", "avi")},
    (isx.Movie, "csv"): _movie_to_csv,
    (isx.Image, "tif"): _image_to_tiff,
    (isx.Image, "tiff"): _image_to_tiff,
    (isx.Image, "png"): _image_to_png,
    (isx.GpioSet, "csv"): _gpio_to_csv,
    (isx.GpioSet, "isxd"): _gpio_to_isxd,
    (isx.CellSet, "csv"): _cell_set_to_csv,
    (isx.CellSet, "tif"): _cell_set_to_tiff,
    (isx.CellSet, "tiff"): _cell_set_to_tiff,
    (isx.CellSet, "isxd"): _cell_map,
    (isx.CellSet, "png"): _cell_set_to_png,
    (isx.CellSet, "pdf"): _cell_set_to_picture,
    (isx.CellSet, "svg"): _cell_set_to_picture,
    (isx.EventSet, "csv"): _event_set_to_csv,
    (isx.VesselSet, "csv"): _vessel_set_to_csv,
    (isx.VesselSet, "tif"): _vessel_set_to_tiff,
    (isx.VesselSet, "tiff"): _vessel_set_to_tiff,
}


def _outputs_by_kind() -> str:
    """The table of exporters as text, one line per kind of input."""
    endings: dict[str, list[str]] = {}
    for kind, ending in EXPORTERS:
        endings.setdefault(kind.__name__, []).append(f".{ending}")
    return "\n".join(f"  {kind:<10}{' '.join(known)}" for kind, known in endings.items())


#: What stands below the options in ``isx export --help``; the first line keeps Click from joining the others.
EPILOG = f"\b\nOutputs:\n{_outputs_by_kind()}"


#: What each exporter makes of the options; others have no effect on it.
_USES: dict[Exporter, tuple[str, ...]] = {
    _movie_to_tiff: ("write_invalid_frames",),
    _movie_to_video: ("write_invalid_frames", "quality", "codec"),
    _movie_to_csv: ("time_ref",),
    _gpio_to_csv: ("time_ref",),
    _cell_map: ("cell_map",),
    _cell_set_to_csv: ("time_ref", "properties"),
    _cell_set_to_tiff: ("cell_map", "properties"),
    _cell_set_to_png: ("cell_map", "background"),
    _cell_set_to_picture: ("background",),
    _event_set_to_csv: ("time_ref", "properties", "event_list"),
    _vessel_set_to_csv: ("time_ref", "properties"),
    _vessel_set_to_tiff: ("properties",),
}


def _without_effect(options: Options, exporter: Exporter) -> list[str]:
    """Options that were given and that `exporter` does not use, as they are called on the command line."""
    given = [option.name for option in fields(Options) if getattr(options, option.name) != option.default]
    called = {"event_list": "list"}
    return [
        "--" + called.get(name, name).replace("_", "-")
        for name in given
        if name not in _USES.get(exporter, ())
    ]


def find_exporter(inputs: Sequence[str], output: str) -> Exporter:
    """The exporter for `inputs`, which are all of the kind of the first one.

    Raises
    ------
    ValueError
        No exporter makes such an output of such a file.
    """
    opened = isx.open(inputs[0])
    kind = type(opened)
    close_if_open(opened)
    ending = extension(output)
    exporter = EXPORTERS.get((kind, ending))
    if exporter is None:
        endings = sorted(f".{known}" for known_kind, known in EXPORTERS if known_kind is kind)
        options = (
            f"Possible outputs are {', '.join(endings)}." if endings else "Nothing can be exported from it."
        )
        wish = f"to '.{ending}'" if ending else f"to {output}, which has no extension"
        raise ValueError(f"{inputs[0]} ({kind.__name__}) cannot be exported {wish}. {options}")
    return exporter


def command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Files of one kind; several are taken as one recording, in this order.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="OUTPUT",
            help="File to write, which must not exist.",
            show_default=False,
        ),
    ],
    time_ref: Annotated[
        str,
        typer.Option(
            metavar="|".join(TIME_REFS),
            help="Tables: what times count from, the start of the recording, 1970, or the zero of the hardware "
            "counter.",
        ),
    ] = "start",
    write_invalid_frames: Annotated[
        bool,
        typer.Option(
            "--write-invalid-frames", help="Movies: write dropped, cropped and blank frames as zeros."
        ),
    ] = False,
    properties: Annotated[
        str,
        typer.Option(
            metavar="CSV",
            help="Cell, event and vessel sets: write a table of the cells or vessels to this file too.",
        ),
    ] = "",
    event_list: Annotated[
        bool, typer.Option("--list", help="Event sets: one row per event instead of one per sample.")
    ] = False,
    quality: Annotated[
        float,
        typer.Option(
            metavar="FRACTION",
            min=0,
            help="Videos: bit rate to aim at, as a fraction of that of the raw movie.",
        ),
    ] = 0.1,
    codec: Annotated[
        str,
        typer.Option(metavar="h264|mpeg4", help="Videos: mpeg4 is what the vendor's package writes."),
    ] = "h264",
    cell_map: Annotated[
        bool, typer.Option("--cell-map", help="Cell sets to .tif or .png: one image of all accepted cells.")
    ] = False,
    background: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="Cell sets to .png, .pdf, .svg: image or movie to draw the outlines on."
        ),
    ] = "",
) -> None:
    """Export files to the format that the extension of OUTPUT names."""
    require_time_ref(time_ref)
    export_files(
        inputs,
        output,
        Options(time_ref, write_invalid_frames, properties, event_list, quality, codec, cell_map, background),
    )


def export_files(inputs: Sequence[str], output: str, options: Options = Options()) -> None:
    """Export with a progress bar, and say what was written."""
    exporter = find_exporter(inputs, output)
    for name in _without_effect(options, exporter):
        stderr().print(f"[yellow]warning:[/] {name} has no effect on this export")
    with progress_bar(f"writing {os.path.basename(output)}") as progress:
        written = exporter(inputs, output, options, progress)
    stdout().print(f"[green]wrote[/] {escape(written if isinstance(written, str) else output)}")
