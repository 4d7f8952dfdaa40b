"""``isx nwb``: whole sessions to NWB 2 files."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import openisx as isx
from openisx._cli.formatting import size_text
from openisx._cli.options import Overwrite, require_folder_of
from openisx._cli.terminal import print_error, progress_bar, stderr, stdout, wrote
from openisx._dependencies import require
from openisx._files.paths import overwriting
from openisx.session import sessions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NAME", "command"]

NAME = "nwb"

_MORE = "Say about the session"


def _text(option: str, what: str) -> Any:
    return typer.Option(option, metavar="TEXT", help=what, show_default=False, rich_help_panel=_MORE)


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|FOLDER", help="Files of a session, or folders of such.", show_default=False
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="OUT.nwb|FOLDER/",
            show_default=False,
            help="File to write; or a folder, for one file of each session.",
        ),
    ] = "",
    metadata: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="YAML or JSON of metadata; --template prints one.", show_default=False
        ),
    ] = "",
    template: Annotated[
        bool, typer.Option("--template", help="Print what would be said as YAML, and write nothing.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Validate the result, and inspect it where nwbinspector is installed."),
    ] = False,
    subject_id: Annotated[str, _text("--subject-id", "Animal.")] = "",
    species: Annotated[str, _text("--species", "Latin name, such as 'Mus musculus'.")] = "",
    sex: Annotated[str, _text("--sex", "M, F, U or O.")] = "",
    age: Annotated[str, _text("--age", "ISO 8601 duration, such as P90D.")] = "",
    date_of_birth: Annotated[str, _text("--date-of-birth", "ISO date.")] = "",
    session_id: Annotated[str, _text("--session-id", "Name of the session.")] = "",
    session_description: Annotated[str, _text("--session-description", "What happened.")] = "",
    experiment_description: Annotated[str, _text("--experiment-description", "What it is part of.")] = "",
    experimenter: Annotated[
        list[str],
        typer.Option(metavar="'LAST, FIRST'", help="Who did it; repeat for several.", show_default=False),
    ] = [],  # noqa: B006
    institution: Annotated[str, _text("--institution", "Where.")] = "",
    lab: Annotated[str, _text("--lab", "Whose laboratory.")] = "",
    keyword: Annotated[
        list[str], typer.Option(metavar="WORD", help="Keyword; repeat for several.", show_default=False)
    ] = [],  # noqa: B006
    location: Annotated[str, _text("--location", "Brain area of all planes.")] = "",
    indicator: Annotated[str, _text("--indicator", "Such as GCaMP6f.")] = "",
    excitation: Annotated[
        float, typer.Option(metavar="NM", help="Wavelength of the light.", show_default=False)
    ] = 0,
    emission: Annotated[
        float, typer.Option(metavar="NM", help="Wavelength of the indicator.", show_default=False)
    ] = 0,
    videos: Annotated[
        Literal["copy", "mp4", "none"],
        typer.Option(
            metavar="copy|mp4|none",
            help="Behaviour movies: their images as they are, encoded anew, or left out.",
        ),
    ] = "copy",
    compression: Annotated[
        int, typer.Option(metavar="0..9", min=0, max=9, help="Level of gzip; 0 for none.")
    ] = 1,
    all_channels: Annotated[
        bool, typer.Option("--all-channels", help="Also write GPIO channels that are 0 throughout.")
    ] = False,
    no_digital_events: Annotated[
        bool, typer.Option("--no-digital-events", help="No tables of the pulses of GPIO lines.")
    ] = False,
    heat_maps: Annotated[
        bool, typer.Option("--heat-maps", help="Also write correlation heat maps of velocity sets.")
    ] = False,
    one_session: Annotated[
        bool, typer.Option("--one-session", help="Take all files as one session.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write everything of a session to one NWB file, on one clock.

    Dropped frames are left out and times are true; behaviour movies go into a folder beside the file.
    """  # fmt: skip
    said = _said(
        {"subject_id": subject_id, "species": species, "sex": sex, "age": age, "date_of_birth": date_of_birth},
        {"session_id": session_id, "session_description": session_description, "experiment_description": experiment_description,
         "experimenter": experimenter, "institution": institution, "lab": lab, "keywords": keyword},
        {"location": location, "indicator": indicator, "excitation_lambda": excitation}, emission,
    )  # fmt: skip
    if template:
        _print_template(isx.open_session(files, one=one_session))
        return
    if not output:
        raise typer.BadParameter("a file to write, or a folder, is needed.", param_hint="--output")
    known = _load(metadata)
    options: dict[str, Any] = {
        "videos": videos, "compression": compression or None, "all_channels": all_channels, "heat_maps": heat_maps,
        "digital_events": not no_digital_events,
    }  # fmt: skip
    targets = _targets(files, output, one_session=one_session)
    with overwriting(overwrite):
        for session, target in targets:
            with progress_bar(f"writing {os.path.basename(target)}") as progress:
                isx.export_session_to_nwb(session, target, _joined(known, said), progress=progress, **options)
            wrote(f"{target}: {_objects(session)}, {size_text(os.path.getsize(target))}")
    passed = [_checked(target) for _, target in targets if check]
    if not all(passed):
        raise typer.Exit(1)


def _said(
    subject: dict[str, Any], file: dict[str, Any], plane: dict[str, Any], emission: float
) -> dict[str, Any]:
    """Options as metadata; what was not given is left out."""

    def given(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if value}

    everywhere = given(plane)
    if emission:
        everywhere["optical_channel"] = [{"emission_lambda": emission}]
    said: dict[str, Any] = {"Subject": given(subject), "NWBFile": given(file)}
    if everywhere:
        said["Ophys"] = {"ImagingPlanes": {"*": everywhere}}
    return {block: fields for block, fields in said.items() if fields}


def _load(path: str) -> dict[str, Any]:
    from openisx.export.nwb._metadata import load_metadata

    return load_metadata(path or None)


def _joined(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Nested mappings as one; what `second` says counts."""
    joined = dict(first)
    for key, value in second.items():
        old = joined.get(key)
        joined[key] = _joined(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return joined


def _targets(files: Sequence[str], output: str, *, one_session: bool) -> list[tuple[isx.Session, str]]:
    """Each session with the file that is written of it."""
    if not (output.endswith(("/", os.sep)) or os.path.isdir(output)):
        require_folder_of(output)
        return [(isx.open_session(files, one=one_session), output)]
    from openisx.export.nwb.session import file_name

    sessions = [isx.open_session(files, one=True)] if one_session else sessions_of(files)
    os.makedirs(output, exist_ok=True)
    used: dict[str, int] = {}
    targets = []
    for session in sessions:
        name = file_name(session)
        used[name] = used.get(name, 0) + 1
        stem, ending = os.path.splitext(name)
        targets.append(
            (session, os.path.join(output, name if used[name] == 1 else f"{stem}_{used[name]}{ending}"))
        )
    return targets


def _print_template(session: isx.Session) -> None:
    yaml = require("ruamel.yaml", "nwb").YAML()
    yaml.default_flow_style = False
    yaml.width = 10_000
    yaml.dump(isx.nwb_metadata(session), sys.stdout)


def _objects(session: isx.Session) -> str:
    kinds = [item.kind for item in session.items]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


def _checked(path: str) -> bool:
    """Whether validators have nothing severe to say; what they say is printed."""
    pynwb = require("pynwb", "nwb")
    problems = [str(error) for error in pynwb.validate(path=path)]
    for problem in problems:
        print_error(ValueError(problem), path)
    try:
        from nwbinspector import Importance, inspect_nwbfile
    except ImportError:
        stderr().print("nwbinspector is not installed; only the schema was checked")
        return not problems
    severe = False
    for message in inspect_nwbfile(nwbfile_path=path):
        severe |= message.importance.value >= Importance.BEST_PRACTICE_VIOLATION.value
        stdout().print(f"{message.importance.name}: {message.location}: {message.message}", markup=False)
    return not problems and not severe
