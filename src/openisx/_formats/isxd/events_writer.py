"""Writing of named channels to `.isxd` files, in the second layout of :mod:`openisx._formats.isxd.events`."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFile
from openisx._formats.acquisition_info import acquisition_info
from openisx._formats.isxd.container import trailer_bytes
from openisx._formats.isxd.events import PACKET, signals_from_packets
from openisx._formats.isxd.metadata import PRODUCER, ratio_to_json, time_to_json
from openisx._formats.json_writing import dump
from openisx._formats.kinds import DataKind
from openisx.core.timing import Duration, Time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from openisx._formats.signals import Signals
    from openisx.core.timing import Timing

__all__ = ["EventsIsxdWriter"]

_VERSION = 2


def _end_in_milliseconds(timing: Timing) -> Time:
    """End of a recording cut to whole milliseconds, as event sets store it (docs/formats/isxd.md, Event sets)."""
    start = timing.start
    end = start.secs_since_epoch.ratio + timing.period.ratio * timing.num_samples
    milliseconds = math.trunc(float(end.num) / float(end.den) * 1e3)
    return Time.from_secs_since_epoch(Duration.from_ratio(milliseconds, 1000), start.utc_offset)


class EventsIsxdWriter:
    """Writes a new `.isxd` event set; events can be read back until :meth:`commit`.

    Parameters
    ----------
    path
        Final name of the file.
    timing
        Normalised timing. Which samples are missing is not stored, and the end is cut to milliseconds.
    names
        Names of the cells.
    extra_properties
        Session metadata to store, any JSON value.
    """

    kind = DataKind.EVENT_SET

    def __init__(
        self,
        path: str,
        timing: Timing,
        names: Sequence[str],
        extra_properties: Mapping[str, Any] | None = None,
    ) -> None:
        dump(extra_properties)  # fails here if they are not JSON
        self.given_path = path
        self.timing = timing
        self.names = tuple(names)
        self._extra = extra_properties
        self._counts = [0] * len(names)
        self._first_offsets = [0] * len(names)
        self._signals: Signals | None = None
        self.output = OutputFile(
            path, cannot_open="Failed to open events file for writing ({path}) with error: {error}"
        )
        self.path = self.output.path

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the file will say about itself."""
        count = len(self.names)
        times = (self.timing.start, _end_in_milliseconds(self.timing))
        return MappingProxyType(
            {
                "channel list": list(self.names),
                "extraProperties": self._extra,
                "fileType": 1,
                "fileVersion": _VERSION,
                "global times": [time_to_json(time) for time in times],
                "metrics": None,
                "numSamples": self._counts,
                "producer": PRODUCER,
                "signalSteps": [ratio_to_json(self.timing.period.ratio)] * count,
                "signalTypes": [0] * count,
                "startOffsets": self._first_offsets,
                "type": self.kind.code,
            }
        )

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as they will be read from the file."""
        return acquisition_info(self._extra)

    def append(self, channel: int, offsets: NDArray[np.uint64], values: NDArray[np.float32]) -> None:
        """Write events of one channel, in the order given."""
        packets = np.empty(len(offsets), PACKET)
        packets["offset"], packets["channel"], packets["value"] = offsets, channel, values
        self.output.overwrite(packets, sum(self._counts) * PACKET.itemsize)
        if len(offsets) and not self._counts[channel]:
            self._first_offsets[channel] = int(offsets[0])
        self._counts[channel] += len(offsets)
        self._signals = None

    def signals(self) -> Signals:
        """All events written so far."""
        if self._signals is None:
            packets = np.empty(sum(self._counts), PACKET)
            if len(packets):
                self.output.read_into(packets, 0)
            self._signals = signals_from_packets(self.names, packets, self.given_path)
        return self._signals

    def commit(self) -> None:
        """Write the metadata and give the file its final name."""
        end = sum(self._counts) * PACKET.itemsize
        trailer = trailer_bytes(dict(self.metadata))
        self.output.overwrite(trailer, end)
        self.output.truncate(end + len(trailer))  # something may be left of events that did not fit the disk
        self.output.commit()

    def discard(self) -> None:
        """Remove everything written."""
        self.output.discard()

    def close(self) -> None:
        """Nothing to release."""
