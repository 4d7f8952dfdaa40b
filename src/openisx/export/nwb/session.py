"""A session as one NWB 2 file: :func:`export_session_to_nwb`."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

from openisx._dependencies import require
from openisx._files.output import OutputFile, require_free_space
from openisx._files.paths import PARTIAL, as_path, canonical, extension, hidden, may_overwrite, require_absent
from openisx._formats.kinds import DataKind, wrong_kind
from openisx._progress import no_progress
from openisx.errors import IsxError, IsxFileError, IsxFileExistsError, IsxFormatError, warn
from openisx.export.nwb._build import Builder, Settings
from openisx.export.nwb._metadata import default_metadata, load_metadata, merged, missing_for_dandi, start_of
from openisx.export.nwb._pixels import fill
from openisx.export.nwb._plan import plan_of
from openisx.export.nwb._video import write_video
from openisx.session import Session, open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from openisx._files.paths import PathInput, PathInputs
    from openisx._progress import Progress
    from openisx.export.nwb._build import Pixels
    from openisx.export.nwb._plan import Plan

__all__ = ["export_movie_to_nwb", "export_session_to_nwb", "nwb_metadata"]


def export_session_to_nwb(
    input_files: PathInputs | Session,
    output_nwb_file: PathInput,
    metadata: Mapping[str, Any] | PathInput | None = None,
    *,
    videos: Literal["copy", "mp4", "none"] = "copy",
    compression: int | None = 1,
    digital_events: bool = True,
    all_channels: bool = False,
    heat_maps: bool = False,
    one_session: bool = False,
    progress: Progress = no_progress,
) -> None:
    """Write everything recorded in a session to one NWB 2 file, on one clock.

    Parameters
    ----------
    input_files : path, sequence of paths, or Session
        Movies, images, cell, event and vessel sets, GPIO, IMU, behaviour movies and videos in any order, or folders of such.
    output_nwb_file : path
        Must end in ``.nwb`` and not exist.
    metadata : mapping or path, optional
        What the files do not tell, or tell wrongly, in the shape of :func:`isx.nwb_metadata`; or a ``.yaml`` or ``.json``
        file of it.
    videos : {'copy', 'mp4', 'none'}, keyword only
        Behaviour movies go into a folder beside the file, named as it is: their images as they are, or encoded anew.
    compression : int or None, keyword only
        Level of gzip, 1 to 9; None for none.
    digital_events : bool, keyword only
        Also write the pulses of each digital GPIO line as a table.
    all_channels : bool, keyword only
        Also write GPIO channels that are 0 throughout.
    heat_maps : bool, keyword only
        Also write the correlation heat maps of velocity sets.
    one_session : bool, keyword only
        Take all files as one session, whatever they say of themselves.
    progress : callable, keyword only
        Called with the number of frames written and their total.

    Raises
    ------
    ValueError
        The files are several sessions, or of different animals; the metadata cannot be right; the output has another extension.
    IsxFileError
        A file is missing or damaged; the output, or the folder of its videos, exists or cannot be written.
    IsxImportError
        pynwb is not installed, or PyAV where behaviour movies are to be written.

    Examples
    --------
    >>> isx.export_session_to_nwb("recordings/2024-03-12", "session.nwb", "lab.yaml")
    """
    target = as_path(output_nwb_file)
    if extension(target) != "nwb":
        raise ValueError(f"Expected extension: nwb. Instead extension is: {extension(target)}. ({target})")
    if videos not in ("copy", "mp4", "none"):
        raise ValueError(f"videos must be 'copy', 'mp4' or 'none', not {videos!r}")
    settings = Settings(
        _level(compression),
        digital_events=digital_events,
        all_channels=all_channels,
        heat_maps=heat_maps,
        videos=videos,
    )
    user = load_metadata(metadata)
    session = input_files if isinstance(input_files, Session) else open_session(input_files, one=one_session)
    _write(session, target, user, settings, progress)


def nwb_metadata(input_files: PathInputs | Session) -> dict[str, Any]:
    """What :func:`isx.export_session_to_nwb` would say about a session, to edit and give back.

    Parameters
    ----------
    input_files : path, sequence of paths, or Session
        As for the export. No pixels are read.

    Returns
    -------
    dict
        In the shape of NeuroConv's metadata: blocks ``NWBFile``, ``Subject``, ``Devices``, ``Ophys``, ...; None where the
        files do not tell.
    """
    session = input_files if isinstance(input_files, Session) else open_session(input_files)
    found = default_metadata(plan_of(session))
    found.pop("_notes", None)
    del found["NWBFile"]["data_collection"]  # all that the files say: nothing to edit
    return found


def export_movie_to_nwb(
    input_movie_files: PathInputs,
    output_nwb_file: PathInput,
    identifier: str = "",
    session_description: str = "",
    comments: str = "",
    description: str = "",
    experiment_description: str = "",
    experimenter: str = "",
    institution: str = "",
    lab: str = "",
    session_id: str = "",
    *,
    metadata: Mapping[str, Any] | PathInput | None = None,
    compression: int | None = 1,
    progress: Progress = no_progress,
) -> None:
    """Write microscope movies to an NWB 2 file.

    Parameters
    ----------
    input_movie_files : path or sequence of paths
        Movies; those of one recording become one series, in order of time.
    output_nwb_file : path
        Must not exist.
    identifier, session_description, experiment_description, experimenter, institution, lab, session_id : str
        What the file says of the session; by default what the movies tell.
    comments, description : str
        Put in front of what every series says.
    metadata : mapping or path, keyword only
        As for :func:`isx.export_session_to_nwb`.
    compression : int or None, keyword only
        Level of gzip, 1 to 9; None for none.
    progress : callable, keyword only
        Called with the number of frames written and their total.

    Raises
    ------
    TypeError
        A text is no str.
    IsxFileError
        A file is missing, damaged or no microscope movie; the output exists or cannot be written.
    IsxImportError
        pynwb is not installed.
    """
    texts = {
        "identifier": identifier, "session_description": session_description, "comments": comments, "description": description,
        "experiment_description": experiment_description, "experimenter": experimenter, "institution": institution,
        "lab": lab, "session_id": session_id,
    }  # fmt: skip
    for name, text in texts.items():
        if not isinstance(text, str):
            raise TypeError(f"{name} must be text, not {type(text).__name__}")
    target = as_path(output_nwb_file)
    user = load_metadata(metadata)
    given = {name: text for name, text in texts.items() if text and name not in ("comments", "description")}
    if "experimenter" in given:
        user["NWBFile"] = {**(user.get("NWBFile") or {}), "experimenter": [given.pop("experimenter")]}
    user["NWBFile"] = {**(user.get("NWBFile") or {}), **given}
    session = open_session(input_movie_files, one=True)
    for item in session.items:
        if item.kind != "movie":
            found = {"behavior": DataKind.NVISION_MOVIE, "image": DataKind.IMAGE}.get(
                item.kind, DataKind.CELL_SET
            )
            raise wrong_kind(item.path, found, DataKind.MOVIE)
    if extension(target) != "nwb":
        warn(f"{target}: names of NWB files end in .nwb; other programs may not know this one.")
    settings = Settings(_level(compression), videos="none", comments=comments, description=description)
    _write(session, target, user, settings, progress)


def _level(compression: int | None) -> int | None:
    if compression in (None, 0):
        return None
    if not isinstance(compression, int) or not 1 <= compression <= 9:
        raise ValueError(f"compression must be a level from 1 to 9, or None, not {compression!r}")
    return compression


def _write(
    session: Session, target: str, user: dict[str, Any], settings: Settings, progress: Progress
) -> None:
    """All checks, then the file and the videos, of which all appear or nothing does."""
    plan = plan_of(session)
    _same_animal(session, user)
    defaults = default_metadata(plan)
    file = {**(user.get("NWBFile") or {})}
    if file.get("session_start_time") is not None:
        user["NWBFile"] = {**file, "_zone": start_of(session).tzinfo}
    metadata = merged(defaults, user)
    require("pynwb", "nwb")
    h5py = require("h5py", "nwb")
    folder = os.path.splitext(canonical(target))[0]
    require_absent(target)
    has_videos = bool(plan.videos) and settings.videos != "none"
    if has_videos:
        require("av", "video")
        if os.path.lexists(folder) and not may_overwrite():
            raise IsxFileExistsError(f"File already exists: {folder}, the folder for the videos of {target}.")
    require_free_space(target, _size(plan, settings))
    stopped: list[BaseException] = []  # what the caller's progress raised
    work = hidden(folder, f"{secrets.token_hex(4)}{PARTIAL}") if has_videos else ""
    try:
        with ExitStack() as stack, OutputFile(target) as output:
            builder = Builder(plan, metadata, settings, stack, os.path.basename(folder))
            content = builder.build()
            if not (content.acquisition or content.processing or content.stimulus or content.events):
                raise IsxFormatError(f"{target}: there is nothing to write: {'; '.join(builder.left_out)}")
            total = sum(pixels.count for pixels in builder.pixels if pixels.container.name != "image_mask")
            total += sum(len(item.times) for item, _ in builder.videos)
            advance = _counter(progress, total, stopped)
            _store(builder, content, output, h5py, settings, advance)
            if work:
                os.mkdir(work)
                for item, name in builder.videos:
                    write_video(
                        item, os.path.join(work, name), encode=settings.videos == "mp4", advance=advance
                    )
                if os.path.lexists(folder):
                    shutil.rmtree(folder)
                os.rename(work, folder)
                work = ""
                stack.callback(_undo, folder, output)
    except (
        OSError,
        RuntimeError,
    ) as error:  # the latter from HDF5, when a full disk keeps it from closing the file
        if isinstance(error, IsxError) or error in stopped:
            raise
        raise IsxFileError(f"Cannot write {target}: {getattr(error, 'strerror', None) or error}.") from None
    finally:
        if work:
            shutil.rmtree(work, ignore_errors=True)
    _tell(builder, metadata, defaults)


def _undo(folder: str, output: OutputFile) -> None:
    """Take back the videos if the file did not get its name."""
    if not os.path.lexists(output.path):
        shutil.rmtree(folder, ignore_errors=True)


def _counter(progress: Progress, total: int, stopped: list[BaseException]) -> Callable[[int], None]:
    """Tells the caller how many frames are done, and notes what they raise then."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        try:
            progress(done, total)
        except BaseException as error:
            stopped.append(error)
            raise

    advance(0)
    return advance


def _same_animal(session: Session, user: Mapping[str, Any]) -> None:
    animals = sorted({place.file.animal for place in session._places if place.file.animal})
    if len(animals) > 1 and not (user.get("Subject") or {}).get("subject_id"):
        raise ValueError(
            f"the files are of different animals ({', '.join(animals)}); give Subject.subject_id to say which"
        )


def _size(plan: Plan, settings: Settings) -> int:
    """Bytes to be written, roughly."""
    total = 1 << 20
    for group in plan.movies:
        for item in group.items:
            file = item._place.file
            if file.spacing is not None and file.series is not None and file.series.data_type is not None:
                rows, cols = file.spacing.num_pixels
                frames = file.timing.samples.num_valid // len(file.parts)
                total += rows * cols * file.series.data_type.itemsize * frames
    total = int(total / 1.2) if settings.compression else total
    for items in plan.videos if settings.videos != "none" else ():
        total += sum(os.path.getsize(item.path) for item in items)
    return total


def _store(
    builder: Builder,
    content: Any,
    output: OutputFile,
    h5py: Any,
    settings: Settings,
    advance: Callable[[int], None],
) -> None:
    """Pynwb writes the structure; pixels are filled in behind it."""
    with h5py.File(output.temporary, "w") as file, builder.nwb.NWBHDF5IO(file=file, mode="w") as io:
        io.write(content)
        for pixels in builder.pixels:
            is_movie = pixels.container.name != "image_mask"
            path = _path_of(pixels)
            fill(file[path], pixels.frames(), settings.compression, advance if is_movie else lambda _: None)
    advance(0)


def _path_of(pixels: Pixels) -> str:
    """Where in the file a data set is."""
    parts, container = [], pixels.container
    while container is not None and container.parent is not None:
        parts.append(container.name)
        container = container.parent
    path = "/".join(reversed(parts))
    if pixels.container.name == "image_mask":
        return f"processing/{path}"
    return f"acquisition/{path}/data" if len(parts) == 1 else f"processing/{path}/data"


def _tell(builder: Builder, metadata: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """One warning for each topic."""
    for note in (*defaults.get("_notes", ()), *builder.plan.session.notes):
        warn(note)
    if (
        all(item.clock.startswith("no clock") for item in builder.plan.session.items)
        and metadata["NWBFile"]["session_start_time"] == start_of(builder.plan.session).isoformat()
    ):
        warn(
            "no file tells when it was recorded, so the session starts in 1970; give NWBFile.session_start_time."
        )
    if builder.left_out:
        warn(f"left out: {'; '.join(builder.left_out)}")
    missing = missing_for_dandi(metadata)
    if missing:
        warn(f"DANDI archive requires what is not known: {', '.join(missing)}. Give it in the metadata.")


_VALID = re.compile(r"[^A-Za-z0-9-]+")


def file_name(session: Session) -> str:
    """Name of the file of a session in a folder of such, as DANDI names them."""
    subject = _VALID.sub("-", str(session.subject.get("id", ""))).strip("-") or "unknown"
    name = _VALID.sub("-", session.name).strip("-") or start_of(session).strftime("%Y%m%dT%H%M%S")
    return f"sub-{subject}_ses-{name}.nwb"
