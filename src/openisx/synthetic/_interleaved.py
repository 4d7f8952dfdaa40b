"""Microscope movies in which focal planes or colours take turns; each is a recording of its own, hours after that of the scene."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from openisx.core.timing import Duration, Time
from openisx.synthetic._movie import Turn, write_turns
from openisx.synthetic._session import session_metadata

if TYPE_CHECKING:
    from openisx.export._options import Progress
    from openisx.synthetic._scene import Scene

__all__ = ["PLANES", "write_colors", "write_planes"]

#: Electronic focus of the planes.
PLANES = (0, 450, 900)
_GREEN, _RED = ord("G"), ord("R")


def write_planes(scene: Scene, path: str, progress: Progress) -> None:
    """Write a movie of three planes, each with neurons of its own.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    recording = _later(scene, hours=1)
    metadata = session_metadata(recording)
    planes = {f"plane-{k}": {"enabled": True, "focus": str(focus)} for k, focus in enumerate(PLANES)}
    metadata["microscope"]["multiplane"] = {"activePlanes": len(PLANES), "enabled": True, "planes": planes}
    turns = [Turn(_other(recording, k), efocus, _GREEN) for k, efocus in enumerate(PLANES)]
    write_turns(recording, turns, metadata, path, progress)


def write_colors(scene: Scene, path: str, progress: Progress) -> None:
    """Write a movie of two colours: neurons in green, other cells in red.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    recording = _later(scene, hours=2)
    metadata = session_metadata(recording)
    color: dict[str, Any] = {"enabled": True, "mode": "multiplexing", "muxRatio": {"led1": 1, "led2": 1}}
    metadata["microscope"] |= {"dualColor": color, "type": "Dual Color"}
    red = replace(_other(recording, 7), num_neurons=max(1, scene.num_neurons // 4))
    turns = [Turn(_other(recording, 0), color_id=_GREEN), Turn(red, color_id=_RED)]
    write_turns(recording, turns, metadata, path, progress)


def _later(scene: Scene, hours: int) -> Scene:
    """A recording of half the length, some hours later."""
    start = scene.start.secs_since_epoch.ratio
    seconds = Duration.from_ratio(start.num + 3600 * hours * start.den, start.den)
    later = Time.from_secs_since_epoch(seconds, scene.start.utc_offset)
    return replace(scene, start=later, num_frames=max(1, scene.num_frames // 2), dropped=None)


def _other(recording: Scene, number: int) -> Scene:
    """Another tissue with other neurons."""
    return replace(recording, seed=1000 * (recording.seed + 1) + number)
