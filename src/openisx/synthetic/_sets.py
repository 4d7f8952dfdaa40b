"""Cell set and event set of a scene, as an analysis of its movie would find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from openisx.cell_set import CellSet
from openisx.event_set import EventSet
from openisx.synthetic._session import session_metadata

if TYPE_CHECKING:
    from openisx.export._options import Progress
    from openisx.synthetic._scene import Scene

__all__ = ["statuses", "write_cell_set", "write_event_set"]

_NOISE = 0.035  # of a trace whose single events have an amplitude of about 1
_REJECTED, _UNDECIDED = 0.1, 0.2  # shares of the cells


def statuses(scene: Scene) -> list[str]:
    """What a person decided about each cell: most are accepted, the faintest rejected."""
    brightness = np.array([neuron.brightness for neuron in scene.neurons])
    rank = brightness.argsort().argsort() / max(1, len(brightness))
    decided = np.where(rank < _REJECTED, "rejected", np.where(rank < _UNDECIDED, "undecided", "accepted"))
    listed: list[str] = decided.tolist()
    return listed


def write_cell_set(scene: Scene, path: str, progress: Progress) -> None:
    """Write footprints and traces (change of fluorescence) of the neurons of `scene`.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    count = len(scene.neurons)
    traces = scene.traces()
    found = {"cellset": {"method": "pca-ica", "type": "analog", "units": "dF over F"}}
    metadata = {**session_metadata(scene), "idps": found}
    with CellSet.write(path, scene.timing, scene.spacing, extra_properties=metadata) as cells:
        for i, (neuron, trace) in enumerate(zip(scene.neurons, traces, strict=True)):
            image = np.zeros(scene.shape, dtype=np.float32)
            image[neuron.region] = neuron.footprint
            noise = scene.rng("trace", i).normal(0, _NOISE / neuron.brightness, len(trace))
            cells.set_cell_data(i, image, trace + noise.astype(np.float32), neuron.name)
            progress(i + 1, count)
        cells.set_cell_statuses(statuses(scene))


def write_event_set(scene: Scene, path: str, progress: Progress) -> None:
    """Write the events of the neurons of `scene` at the frames of the movie in which they begin to show.

    Raises
    ------
    IsxFileExistsError, IsxFileError
        The file exists or cannot be written.
    """
    period = scene.period.ratio
    names = [neuron.name for neuron in scene.neurons]
    names = names or ["C00"]  # a set has at least one cell, even if silent
    with EventSet.write(path, scene.timing, names, extra_properties=session_metadata(scene)) as events:
        for i, (seconds, amplitudes) in enumerate(scene.events):
            frames = np.ceil(seconds * period.den / period.num).astype(np.int64)
            inside = frames < scene.num_frames
            offsets = frames[inside] * period.num * 1_000_000 // period.den
            first = np.unique(offsets, return_index=True)[1]
            events.set_cell_data(i, offsets[first].astype(np.uint64), amplitudes[inside][first])
            progress(i + 1, len(names))
