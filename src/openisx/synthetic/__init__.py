"""Synthetic recordings: a realistic session, made from a seed, in every kind of file this package reads.

>>> import openisx.synthetic
>>> paths = openisx.synthetic.write("recording", openisx.synthetic.Scene(num_frames=200))

All files of one :class:`Scene` belong together: they share the start, the recording UUID, the counter of the
acquisition box, the neurons and what these neurons do.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from openisx._files.paths import as_path
from openisx.errors import IsxFileError
from openisx.export._options import no_progress
from openisx.synthetic._scene import Neuron, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from openisx._files.paths import PathInput
    from openisx.export._options import Progress

__all__ = ["SAMPLES", "Neuron", "SampleFile", "Scene", "write"]

#: Writes one file of a scene to a path.
Writer: TypeAlias = "Callable[[Scene, str, Progress], object]"


@dataclass(frozen=True)
class SampleFile:
    """One kind of sample file.

    Attributes
    ----------
    name
        Short name, the key of what :func:`write` returns.
    suffix
        What follows the name of the session in the file name.
    writer
        ``module:function``, imported when needed; called with scene, path and progress.
    """

    name: str
    suffix: str
    writer: str

    def write(self, scene: Scene, path: str, progress: Progress) -> None:
        """Write one file.

        Parameters
        ----------
        scene : Scene
            What to record.
        path : str
            Must not exist.
        progress : callable
            Called with (done, total).
        """
        module, _, function = self.writer.partition(":")
        getattr(importlib.import_module(module), function)(scene, path, progress)


#: Every kind of sample file, in the order in which they are written.
SAMPLES: tuple[SampleFile, ...] = (
    SampleFile("movie", "_video.isxd", "openisx.synthetic._movie:write_movie"),
    SampleFile("behavior", "_behavior.isxb", "openisx.synthetic._behavior:write_behavior"),
    SampleFile("compressed", "_compressed.isxc", "openisx.synthetic._compressed:write_compressed"),
    SampleFile("gpio", ".gpio", "openisx.synthetic._gpio:write_gpio"),
    SampleFile("imu", ".imu", "openisx.synthetic._imu:write_imu"),
    SampleFile("cells", "_cells.isxd", "openisx.synthetic._sets:write_cell_set"),
    SampleFile("events", "_events.isxd", "openisx.synthetic._sets:write_event_set"),
    SampleFile("planes", "_planes.isxd", "openisx.synthetic._interleaved:write_planes"),
    SampleFile("colors", "_colors.isxd", "openisx.synthetic._interleaved:write_colors"),
    SampleFile("diameters", "_vessel-diameters.isxd", "openisx.synthetic._vessels:write_diameters"),
    SampleFile("velocities", "_blood-velocities.isxd", "openisx.synthetic._vessels:write_velocities"),
)


def write(
    folder: PathInput,
    scene: Scene | None = None,
    names: Iterable[str] | None = None,
    *,
    progress: Progress = no_progress,
) -> dict[str, str]:
    """Write sample files of one session.

    Parameters
    ----------
    folder : path
        Made if it is missing. Existing files are never overwritten.
    scene : Scene, optional
        What to record; ``Scene()`` by default.
    names : iterable of str, optional
        Which files, by their :attr:`SampleFile.name`; all by default.
    progress : callable, optional
        Called with (done, total) of the file being written.

    Returns
    -------
    dict
        Path by name.

    Raises
    ------
    ValueError
        An unknown name.
    IsxFileExistsError, IsxFileError
        A file exists or cannot be written.
    """
    scene = Scene() if scene is None else scene
    known = {sample.name: sample for sample in SAMPLES}
    wanted = list(known if names is None else names)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"no sample file is called {unknown[0]!r}. Options are {', '.join(known)}.")
    target = as_path(folder)
    try:
        os.makedirs(target, exist_ok=True)
    except OSError as error:
        raise IsxFileError(f"Cannot make the folder {target}: {error.strerror or error}") from None
    paths = {}
    for name in wanted:
        sample = known[name]
        paths[name] = os.path.join(target, scene.session_name + sample.suffix)
        sample.write(scene, paths[name], progress)
    return paths
