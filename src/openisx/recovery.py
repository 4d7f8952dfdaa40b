"""Saving the frames of a movie whose writer was killed: :func:`recover`."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openisx._files.output import lock, rename_without_overwriting, replace_file, sync_folder
from openisx._files.paths import as_path, canonical, hidden, reading_error, require_absent
from openisx._formats.isxd.container import trailer_bytes
from openisx._formats.isxd.metadata import spacing_from_json, timing_from_json, timing_to_json
from openisx._formats.isxd.movie import DTYPES, recipe, recipe_path
from openisx._formats.json_reading import JsonObject, parse
from openisx._formats.kinds import DataKind
from openisx.errors import IsxFileError, IsxFileNotFoundError, IsxStateError

if TYPE_CHECKING:
    from openisx._files.paths import PathInput

__all__ = ["Recovered", "recover"]

_SUFFIX = ".partial"


@dataclass(frozen=True)
class Recovered:
    """Outcome of :func:`recover`.

    Attributes
    ----------
    path : str
        The movie made of what was saved.
    num_frames : int
        Frames saved.
    num_expected : int
        Frames the writer had announced.
    """

    path: str
    num_frames: int
    num_expected: int


def recover(path: PathInput) -> Recovered:
    """Make a movie of the frames that an interrupted :meth:`Movie.write` left behind.

    Parameters
    ----------
    path : path
        The name the movie should have had, or the temporary file (``.NAME.XXXXXXXX.partial``) beside it.

    Returns
    -------
    Recovered
        Where the movie is, and how many frames it holds. Its timing ends with the last frame saved.

    Raises
    ------
    IsxFileNotFoundError
        There is nothing to recover.
    IsxFileExistsError
        A file of that name exists.
    IsxStateError
        The movie is still being written, or several interrupted writers left files: give the one to save.
    IsxFileError
        The temporary file cannot be read or written, or no frame was written.
    """
    given = as_path(path)
    temporary = canonical(given if given.endswith(_SUFFIX) else _find(given))
    folder = os.path.dirname(temporary)
    try:
        with open(recipe_path(temporary), "rb") as file, open(temporary, "r+b", buffering=0) as body:
            if not lock(body.fileno()):
                raise IsxStateError(f"{given} is still being written by another object or process.")
            known = JsonObject(parse(file.read(), temporary), temporary)
            name, metadata = os.path.basename(known.string("fileName")), known.object("metadata").members
            target = os.path.join(folder, name)
            require_absent(target)
            expected, saved, body_size = _shorten(metadata, os.fstat(body.fileno()).st_size, temporary)
            # First the description, so that a second attempt after a crash in here finds the same frames.
            replace_file(recipe_path(temporary), recipe(name, metadata))
            body.truncate(body_size)
            body.seek(body_size)
            body.write(trailer_bytes(metadata))
            os.fsync(body.fileno())
    except OSError as error:
        if isinstance(error, IsxFileError):
            raise
        raise reading_error(temporary, error) from None
    rename_without_overwriting(temporary, target, target)
    os.unlink(recipe_path(temporary))
    sync_folder(folder)
    return Recovered(target, saved, expected)


def _find(path: str) -> str:
    pattern = glob.escape(hidden(canonical(path), "")) + f"????????{_SUFFIX}"
    found = sorted(p for p in glob.glob(pattern) if os.path.exists(recipe_path(p)))
    if not found:
        raise IsxFileNotFoundError(
            f"Nothing to recover for {path}: no interrupted writer left frames beside it."
        )
    if len(found) > 1:
        listed = "\n".join(f"  {p} ({os.path.getsize(p):,} bytes)" for p in found)
        raise IsxStateError(f"Several interrupted writers left frames of {path}; recover one of\n{listed}")
    return found[0]


def _shorten(metadata: Any, size: int, path: str) -> tuple[int, int, int]:
    """Cut the timing in `metadata` to the complete frames among `size` bytes.

    Returns the number of frames announced, that of complete ones, and the bytes these take.
    """
    members = JsonObject(metadata, path)
    timing = timing_from_json(members.object("timingInfo"))
    rows, cols = spacing_from_json(members.object("spacingInfo")).num_pixels
    frame_bytes = rows * cols * DTYPES[members.integer("dataType", 0, 2)].itemsize
    expected = timing.samples.num_valid
    num_frames = min(size // frame_bytes, expected) if frame_bytes else 0
    if not num_frames:
        raise IsxFileError(f"Nothing to recover: {path} holds no complete frame. It can be deleted.")
    if num_frames < expected:
        num_samples = timing.samples.sample(num_frames - 1) + 1
        metadata["timingInfo"] = timing_to_json(timing.replace(num_samples=num_samples).normalized())
        metadata["type"] = DataKind.of_frames(num_samples).code
    return expected, num_frames, num_frames * frame_bytes
