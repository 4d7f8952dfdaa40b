"""Saving what killed writers left behind, and recordings that lost their metadata: :func:`recover`."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.locks import lock
from openisx._files.output import (
    OutputFile,
    rename_without_overwriting,
    replace_file,
    require_free_space,
    sidecar_path,
    sync_folder,
)
from openisx._files.paths import PARTIAL, as_path, canonical, reading_error, require_absent, unfinished
from openisx._files.source import InputFile
from openisx._formats.isxd.cell_set import CellBody
from openisx._formats.isxd.container import read_container, trailer_bytes
from openisx._formats.isxd.events import PACKET
from openisx._formats.isxd.lost_metadata import find_frames
from openisx._formats.isxd.metadata import spacing_from_json, timing_from_json, timing_to_json
from openisx._formats.isxd.movie import DTYPES, movie_metadata
from openisx._formats.isxd.vessel_set import VesselBody
from openisx._formats.json_reading import JsonObject, parse
from openisx._formats.json_writing import dump_compact
from openisx._formats.kinds import DataKind
from openisx.core.spacing import Spacing
from openisx.errors import (
    IsxFileError,
    IsxFileNotFoundError,
    IsxFormatError,
    IsxStateError,
    IsxWarning,
    warn,
)
from openisx.structures import Recovered

if TYPE_CHECKING:
    from openisx._files.paths import PathInput
    from openisx._formats.isxd.roi_set import RoiBody

__all__ = ["recover"]

_BLOCK = 1 << 24


def recover(path: PathInput, *, shape: tuple[int, int] | None = None) -> Recovered:
    """Save what an interrupted writer left behind, or the frames of a recording that lost its metadata.

    Writers are those of movies, cell sets, event sets and vessel sets. A recording is an `.isxd` file of frames with
    header lines that has no metadata behind them, as when the acquisition broke off; it is left as it is, and a
    movie ``NAME_recovered.isxd`` made beside it. The hardware time stamps give its period, and with the frame counts
    its dropped frames; its start is not known and becomes 1970.

    Parameters
    ----------
    path : path
        The name the file should have had, the temporary file (``.NAME.XXXXXXXX.partial``) beside it, or the
        recording.
    shape : (int, int), optional
        Rows and columns of the frames of a recording, by default found from the distance of its header lines.

    Returns
    -------
    Recovered
        Where the file is, and how much it holds. The timing of a movie ends with the last frame saved.

    Raises
    ------
    IsxFileNotFoundError
        There is nothing to recover.
    IsxFileExistsError
        A file of that name exists.
    IsxStateError
        The file is still being written, or several interrupted writers left files: give the one to save.
    IsxFileError
        The temporary file cannot be read or written, or nothing complete was written.
    """
    given = as_path(path)
    left = [given] if given.endswith(PARTIAL) else _left_behind(given)
    if not left and os.path.isfile(given):
        return _recover_recording(given, shape)
    temporary = canonical(_the_one(left, given))
    try:
        return _finish(temporary, given)
    except OSError as error:
        if isinstance(error, IsxFileError):
            raise
        raise reading_error(temporary, error) from None


def _finish(temporary: str, given: str) -> Recovered:
    """Put the metadata behind what was written, and give the file its name."""
    folder = os.path.dirname(temporary)
    with open(sidecar_path(temporary), "rb") as file, open(temporary, "r+b", buffering=0) as body:
        if not lock(body.fileno()):
            raise IsxStateError(f"{given} is still being written by another object or process.")
        head, *notes = file.read().split(b"\n")
        known = JsonObject(parse(head, temporary), temporary)
        name, metadata = os.path.basename(known.string("fileName")), known.object("metadata")
        target = os.path.join(folder, name)
        require_absent(target)
        saved = _saved(metadata, notes, temporary)
        # First the sidecar, so that a second attempt after a crash in here finds the same.
        replace_file(sidecar_path(temporary), dump_compact({"fileName": name, "metadata": saved.metadata}))
        body.truncate(saved.size)
        body.seek(saved.size)
        body.write(saved.tail + trailer_bytes(saved.metadata))
        os.fsync(body.fileno())
    rename_without_overwriting(temporary, target, target)
    os.unlink(sidecar_path(temporary))
    sync_folder(folder)
    return Recovered(target, saved.count, saved.expected, saved.what)


def _recover_recording(path: str, shape: tuple[int, int] | None) -> Recovered:
    file = InputFile(path)
    try:
        if _is_readable(file):
            raise IsxFileNotFoundError(
                f"Nothing to recover: {path} is complete, and no writer left data beside it."
            )
        found = find_frames(file, shape)
        target = os.path.splitext(file.path)[0] + "_recovered.isxd"
        extra = {"producer": {"version": "1.1.1"}}  # the first to stamp frames; says that these are stamped
        spacing = Spacing((found.rows, found.cols))
        metadata = movie_metadata(found.timing, spacing, 0, extra, has_lines=True)
        require_free_space(target, found.count * found.frame_bytes)
        with OutputFile(target) as output:
            for start in range(0, found.count * found.frame_bytes, _BLOCK):
                output.write(file.read(start, min(_BLOCK, found.count * found.frame_bytes - start)))
            output.write(trailer_bytes(metadata))
    finally:
        file.close()
    if found.is_guess:
        warn(
            f"{path} does not tell whether its frames have {found.rows} x {found.cols} pixels or another shape of as "
            "many. If they look sheared, delete the result and give their shape."
        )
    return Recovered(target, found.count, found.num_begun)


def _is_readable(file: InputFile) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsxWarning)
        try:
            read_container(file)
        except IsxFormatError:
            return False
    return True


def _left_behind(path: str) -> list[str]:
    return [partial for partial in unfinished(path) if os.path.exists(sidecar_path(partial))]


def _the_one(found: list[str], path: str) -> str:
    if not found:
        raise IsxFileNotFoundError(
            f"Nothing to recover for {path}: no interrupted writer left data beside it."
        )
    if len(found) > 1:
        listed = "\n".join(f"  {p} ({os.path.getsize(p):,} bytes)" for p in found)
        raise IsxStateError(f"Several interrupted writers left files of {path}; recover one of\n{listed}")
    return found[0]


@dataclass(frozen=True)
class _Saved:
    """What is complete in a temporary file."""

    metadata: Any
    size: int  # of the complete part
    count: int
    expected: int
    what: str = "frames"
    tail: bytes = b""  # to stand before the metadata


def _saved(members: JsonObject, notes: list[bytes], path: str) -> _Saved:
    kind = DataKind.from_code(members.integer("type"), path)
    if kind is DataKind.CELL_SET:
        saved = _rois(CellBody.from_metadata(members, 5), members, notes, path)
    elif kind is DataKind.VESSEL_SET:
        saved = _rois(VesselBody.from_metadata(members, 5), members, notes, path)
    elif kind is DataKind.EVENT_SET:
        saved = _events(members, path)
    else:
        saved = _frames(members, path)
    if not saved.count:
        raise IsxFileError(
            f"Nothing to recover: {path} holds no complete {saved.what[:-1]}. It can be deleted."
        )
    return saved


def _frames(members: JsonObject, path: str) -> _Saved:
    """The complete frames; the timing is cut to them."""
    metadata: Any = members.members
    timing = timing_from_json(members.object("timingInfo"))
    rows, cols = spacing_from_json(members.object("spacingInfo")).num_pixels
    frame_bytes = rows * cols * DTYPES[members.integer("dataType", 0, 2)].itemsize
    expected = timing.samples.num_valid
    count = min(os.path.getsize(path) // frame_bytes, expected) if frame_bytes else 0
    if 0 < count < expected:
        num_samples = timing.samples.sample(count - 1) + 1
        metadata["timingInfo"] = timing_to_json(timing.replace(num_samples=num_samples).normalized())
        metadata["type"] = DataKind.of_frames(num_samples).code
    return _Saved(metadata, count * frame_bytes, count, expected)


def _rois(body: RoiBody, members: JsonObject, notes: list[bytes], path: str) -> _Saved:
    """The complete cells or vessels among those that the sidecar notes; the last line may be cut."""
    for line in notes:
        try:
            index, name, size = parse(line, path)
            body.require_next(index, None, may_append=True)
            body.put(index, str(name), None if size is None else tuple(size))
        except (IsxFormatError, TypeError, ValueError):
            break
    expected = len(body.rois)
    while body.end() - len(body.tail) > os.path.getsize(path):
        body.pop()
    count = len(body.rois)
    size = body.end() - len(body.tail) * (count > 0)
    return _Saved(body.metadata(members.members), size, count, expected, f"{body.noun}s", body.tail)


def _events(members: JsonObject, path: str) -> _Saved:
    """All complete events, whose numbers the metadata hold for each cell."""
    metadata: Any = members.members
    noted = sum(members.integers("numSamples", 0)) * PACKET.itemsize  # by an attempt that was broken off
    size = noted or os.path.getsize(path)
    packets = np.fromfile(path, PACKET, size // PACKET.itemsize)
    names = members.strings("channel list")
    cells, first, counts = np.unique(packets["channel"], return_index=True, return_counts=True)
    if len(cells) and cells[-1] >= len(names):
        raise IsxFormatError(
            f"{path} holds events of cell {cells[-1]}, but there are only {len(names)} cells."
        )
    metadata["numSamples"], metadata["startOffsets"] = [0] * len(names), [0] * len(names)
    for cell, at, count in zip(cells.tolist(), first.tolist(), counts.tolist(), strict=True):
        metadata["numSamples"][cell], metadata["startOffsets"][cell] = count, int(packets["offset"][at])
    return _Saved(metadata, packets.nbytes, len(packets), -(-size // PACKET.itemsize), "events")
