"""``isx export``: one function for every kind of input and output."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, TypeVar

import typer

import openisx as isx
from openisx._cli.options import Output, Overwrite, TimeRef, no_folders, require_folder_of
from openisx._cli.terminal import close_if_open, progress_bar, stderr, wrote
from openisx._cli.timestamps import export_frame_times
from openisx._files.output import OutputFile
from openisx._files.paths import canonical, extension, overwriting, require_absent
from openisx._pictures import png_bytes, to_gray
from openisx._series import sorted_by_time
from openisx.export._options import Progress

__all__ = ["EPILOG", "EXPORTERS", "NAME", "Exporter", "Options", "command", "export_files"]

NAME = "export"


@dataclass(frozen=True)
class Options:
    """Options of ``isx export`` that concern some exports only."""

    time_ref: str = "start"
    write_invalid_frames: bool = False
    dtype: str | None = None
    properties: str = ""
    event_list: bool = False
    quality: float = 0.1
    codec: str = "h264"
    cell_map: bool = False
    background: str = ""


#: Called with the input files (movies may be open ones), the output file, the options and the progress callback; gives a text naming what
#: was written if that is not the output file.
Run: TypeAlias = Callable[[Sequence[Any], str, Options, Progress], object]
R = TypeVar("R", bound=Run)


class Exporter(NamedTuple):
    """How one kind of file is exported to one format."""

    run: Run
    uses: tuple[str, ...]  # the options that have an effect


#: (name of the class that isx.open gives, extension of the output) -> exporter.
EXPORTERS: dict[tuple[str, str], Exporter] = {}


def _exports(kind: str, *endings: str, uses: tuple[str, ...] = ()) -> Callable[[R], R]:
    """Enter the decorated function in the table of exporters."""

    def enter(run: R) -> R:
        EXPORTERS.update({(kind, ending): Exporter(run, uses) for ending in endings})
        return run

    return enter


@_exports("Movie", "tif", "tiff", uses=("write_invalid_frames", "dtype"))
def _movie_to_tiff(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    missing, dtype = options.write_invalid_frames, options.dtype
    isx.export_movie_to_tiff(inputs, output, missing, dtype=dtype, progress=progress)


@_exports("Movie", "png")
def _movie_to_png(inputs: Sequence[str], output: str, _options: Options, progress: Progress) -> None:
    from openisx.viz._overview import export_movie_overview

    export_movie_overview(_only(inputs, output), output, progress=progress)


@_exports("Movie", "mp4", "mov", "mkv", "avi", uses=("write_invalid_frames", "quality", "codec"))
def _movie_to_video(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    missing, codec = options.write_invalid_frames, options.codec
    isx.export_movie_to_mp4(inputs, output, options.quality, missing, codec=codec, progress=progress)


@_exports("Movie", "csv", uses=("time_ref",))
def _movie_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    """What the tracker found if there is a tracker, else times of the frames."""
    with isx.Movie.read(inputs[0]) as movie:
        tracked = movie.tracking is not None
    if tracked:
        isx.export_nvision_movie_tracking_frame_data_to_csv(
            inputs, output, options.time_ref, progress=progress
        )
    else:
        export_frame_times(inputs, output, options.time_ref, progress)


@_exports("Movie", "isxd")
def _movie_to_isxd(inputs: Sequence[str], output: str, _options: Options, progress: Progress) -> None:
    path = _only(inputs, output)
    if extension(path) == "isxd":
        raise ValueError(f"{path} is an .isxd movie already.")
    with isx.Movie.read(path) as movie:
        movie.save(output, progress=progress)


@_exports("Image", "tif", "tiff")
def _image_to_tiff(inputs: Sequence[str], output: str, _options: Options, _progress: Progress) -> None:
    require_absent(output)
    isx.export_isxd_image_to_tiff(_only(inputs, output), output, keep_values=True)


@_exports("Image", "png")
def _image_to_png(inputs: Sequence[str], output: str, _options: Options, _progress: Progress) -> None:
    data = isx.Image.read(_only(inputs, output)).get_data()
    assert data is not None
    with OutputFile(output) as file:
        file.write(png_bytes(to_gray(data)))


@_exports("GpioSet", "csv", uses=("time_ref",))
def _gpio_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    isx.export_gpio_set_to_csv(inputs, output, time_ref=options.time_ref, progress=progress)


@_exports("GpioSet", "isxd")
def _gpio_to_isxd(inputs: Sequence[str], output: str, _options: Options, progress: Progress) -> None:
    from openisx.export.gpio_isxd import write_gpio_isxd

    path = _only(inputs, output)
    if extension(path) == "isxd":
        raise ValueError(f"{path} is an .isxd set already.")
    write_gpio_isxd(path, output, progress=progress)


@_exports("CellSet", "csv", uses=("time_ref", "properties"))
def _cell_set_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    properties = options.properties
    isx.export_cell_set_to_csv_tiff(inputs, output, "", options.time_ref, properties, progress=progress)


@_exports("CellSet", "tif", "tiff", uses=("cell_map", "properties"))
def _cell_set_to_tiff(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> str:
    if options.cell_map:
        return _cell_map(inputs, output, options, progress)
    properties = options.properties
    isx.export_cell_set_to_csv_tiff(inputs, "", output, output_props_file=properties, progress=progress)
    base, ending = os.path.splitext(output)
    return f"{base}_NAME{ending} for each cell, and {base}_accepted-cells-map{ending} of those not rejected"


@_exports("CellSet", "isxd", uses=("cell_map",))
def _cell_map(inputs: Sequence[str], output: str, _options: Options, progress: Progress) -> str:
    require_absent(output)
    isxd, picture = (output, None) if extension(output) == "isxd" else (None, output)
    isx.create_cell_map(
        _only(inputs, output),
        output_isxd_cell_map_file=isxd,
        output_tiff_cell_map_file=picture,
        progress=progress,
    )
    return f"{output}: map of the accepted cells"


@_exports("CellSet", "png", uses=("cell_map", "background"))
def _cell_set_to_png(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> object:
    return (_cell_map if options.cell_map else _cell_set_to_picture)(inputs, output, options, progress)


@_exports("CellSet", "pdf", "svg", uses=("background",))
def _cell_set_to_picture(inputs: Sequence[str], output: str, options: Options, _progress: Progress) -> None:
    from openisx.viz._plots import background_image, plot_cell_set, save_figure

    background = options.background
    with isx.CellSet.read(_only(inputs, output)) as cells:
        image = background_image(background) if background else None
        if image is not None and cells.spacing and image.shape != cells.spacing.num_pixels:
            sizes = "{} x {} pixels, the cell set {} x {}".format(*image.shape, *cells.spacing.num_pixels)
            raise ValueError(f"{background} does not fit: it has {sizes}.")
        save_figure(plot_cell_set(cells, image), output)


@_exports("EventSet", "csv", uses=("time_ref", "properties", "event_list"))
def _event_set_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    isx.export_event_set_to_csv(
        inputs,
        output,
        options.time_ref,
        options.properties,
        sparse_output=not options.event_list,
        progress=progress,
    )


@_exports("VesselSet", "csv", uses=("time_ref", "properties"))
def _vessel_set_to_csv(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    lines, ref = options.properties, options.time_ref
    isx.export_vessel_set_to_csv_tiff(inputs, output, lines, time_ref=ref, progress=progress)


@_exports("VesselSet", "tif", "tiff", uses=("properties",))
def _vessel_set_to_tiff(inputs: Sequence[str], output: str, options: Options, progress: Progress) -> None:
    lines = options.properties
    isx.export_vessel_set_to_csv_tiff(inputs, "", lines, output_map_tiff_file=output, progress=progress)


@_exports("Movie", "nwb")
@_exports("Image", "nwb")
@_exports("GpioSet", "nwb")
@_exports("CellSet", "nwb")
@_exports("EventSet", "nwb")
@_exports("VesselSet", "nwb")
def _to_nwb(inputs: Sequence[str], output: str, _options: Options, progress: Progress) -> None:
    isx.export_session_to_nwb(list(inputs), output, progress=progress)


def _only(inputs: Sequence[str], output: str) -> str:
    if len(inputs) > 1:
        raise ValueError(f"{output} takes one input, not {len(inputs)}.")
    return inputs[0]


#: What people call the classes.
_NAMES = {
    "Movie": "movie",
    "Image": "image",
    "GpioSet": "GPIO, IMU",
    "CellSet": "cell set",
    "EventSet": "event set",
    "VesselSet": "vessel set",
}


def _outputs_of(kind: str) -> list[str]:
    return [f".{ending}" for known, ending in EXPORTERS if known == kind]


#: What stands below the options in ``isx export --help``; the first line keeps Click from joining the others.
EPILOG = "\b\nOutputs:\n" + "\n".join(
    f"  {name:<12}{' '.join(_outputs_of(kind))}" for kind, name in _NAMES.items()
)


_Inputs: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE",
        help="Files of one kind; several are the parts of one recording, sorted by time.",
        show_default=False,
        callback=no_folders,
    ),
]

_JoinAnyway: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--join-anyway",
        help="Join files in the order given, though they overlap in time or are no parts of one recording.",
    ),
]

_WriteInvalidFrames: TypeAlias = Annotated[
    bool,
    typer.Option("--write-invalid-frames", help="Movies: write dropped, cropped and blank frames as zeros."),
]

_Dtype: TypeAlias = Annotated[
    Literal["uint8", "uint16", "float32"] | None,
    typer.Option(
        metavar="TYPE",
        help="Movies to .tif: uint8, uint16 or float32 pixels; values are rounded and clipped.",
        show_default=False,
    ),
]

_Properties: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="CSV",
        help="Cell, event and vessel sets: write a table of the cells or vessels to this file too.",
        show_default=False,
    ),
]

_EventList: TypeAlias = Annotated[
    bool, typer.Option("--list", help="Event sets: one row per event instead of one per sample.")
]

_Quality: TypeAlias = Annotated[
    float,
    typer.Option(
        metavar="FRACTION",
        min=0,
        help="Videos: bit rate to aim at, as a fraction of that of the raw movie.",
    ),
]

_Codec: TypeAlias = Annotated[
    Literal["h264", "mpeg4"],
    typer.Option(metavar="h264|mpeg4", help="Videos: mpeg4 is what the vendor's package writes."),
]

_CellMap: TypeAlias = Annotated[
    bool, typer.Option("--cell-map", help="Cell sets to .tif or .png: one image of all accepted cells.")
]

_Background: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="Cell sets to .png, .pdf, .svg: image or movie to draw the outlines on.",
        show_default=False,
    ),
]


def command(
    inputs: _Inputs,
    output: Output,
    overwrite: Overwrite = False,
    join_anyway: _JoinAnyway = False,
    time_ref: TimeRef = "start",
    write_invalid_frames: _WriteInvalidFrames = False,
    dtype: _Dtype = None,
    properties: _Properties = "",
    event_list: _EventList = False,
    quality: _Quality = 0.1,
    codec: _Codec = "h264",
    cell_map: _CellMap = False,
    background: _Background = "",
) -> None:
    """Export files to the format that the extension of OUTPUT names."""
    options = Options(
        time_ref, write_invalid_frames, dtype, properties, event_list, quality, codec, cell_map, background
    )
    with overwriting(overwrite):
        export_files(inputs, output, options, join_anyway=join_anyway)


def export_files(
    inputs: Sequence[str], output: str, options: Options = Options(), *, join_anyway: bool = False
) -> None:
    """Export with a progress bar, and say what was written."""
    exporter = _find_exporter(inputs, output, options)
    if len(inputs) > 1 and not join_anyway:
        inputs = _parts_in_order(inputs)
    require_folder_of(output, options.properties)
    for target in filter(None, (output, options.properties)):
        if canonical(target) in {canonical(path) for path in inputs}:
            raise ValueError(f"{target} is an input; choose another name for the output.")
    for name in _without_effect(options, exporter.uses):
        stderr().print(f"[yellow]warning:[/] {name} has no effect on this export")
    with progress_bar(f"writing {os.path.basename(output)}") as progress:
        written = exporter.run(inputs, output, options, progress)
    wrote(written if isinstance(written, str) else output)
    if options.properties and "properties" in exporter.uses:
        wrote(options.properties)


def _find_exporter(inputs: Sequence[str], output: str, options: Options) -> Exporter:
    """The exporter for `inputs`, which are all of the kind of the first one.

    Raises
    ------
    ValueError
        No exporter makes such an output of such a file.
    typer.BadParameter
        The times asked for do not exist.
    """
    opened: Any = isx.open(inputs[0])
    kind, ending = type(opened).__name__, extension(output)
    close_if_open(opened)
    exporter = EXPORTERS.get((kind, ending))
    if exporter is None:
        wish = f"to .{ending}" if ending else f"to {output}, which has no extension"
        outputs = ", ".join(_outputs_of(kind))
        raise ValueError(
            f"{inputs[0]} ({_NAMES[kind]}) cannot be exported {wish}. Possible outputs are {outputs}."
        )
    if options.time_ref == "tsc" and "time_ref" in exporter.uses and kind != "Movie":
        problem = "only frames of movies are counted by the hardware counter; use start or unix."
        raise typer.BadParameter(problem, param_hint="--time-ref")
    return exporter


def _parts_in_order(inputs: Sequence[str]) -> list[str]:
    try:
        return sorted_by_time(inputs)
    except isx.IsxSeriesError as error:
        raise isx.IsxSeriesError(f"{error} --join-anyway joins the files all the same.") from None


def _without_effect(options: Options, uses: Sequence[str]) -> list[str]:
    """Options that were given but are not among those that the export uses, as the command line calls them."""
    given = [option.name for option in fields(Options) if getattr(options, option.name) != option.default]
    called = {"event_list": "list"}
    return ["--" + called.get(name, name).replace("_", "-") for name in given if name not in uses]
