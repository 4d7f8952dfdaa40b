"""Writing of event sets to `.isxd` files (docs/formats/event-sets.md, Second layout)."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.output import OutputFile
from openisx._files.paths import canonical
from openisx._formats.isxd.container import sidecar, trailer_bytes
from openisx._formats.isxd.events import PACKET, event_metadata, signals_from_packets
from openisx._formats.json_writing import dump
from openisx._formats.kinds import DataKind
from openisx._formats.signals import SignalSource
from openisx.core.timing import Duration, Time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from openisx._formats.signals import Signals
    from openisx.core.timing import Timing

__all__ = ["EventsIsxdWriter"]


def _end_in_milliseconds(timing: Timing) -> Time:
    """End of a recording cut to whole milliseconds, as event sets store it (docs/formats/event-sets.md, End time)."""
    start = timing.start
    end = start.secs_since_epoch.ratio + timing.period.ratio * timing.num_samples
    milliseconds = math.trunc(float(end.num) / float(end.den) * 1e3)
    return Time.from_secs_since_epoch(Duration.from_ratio(milliseconds, 1000), start.utc_offset)


class EventsIsxdWriter(SignalSource):
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

    def __init__(
        self,
        path: str,
        timing: Timing,
        names: Sequence[str],
        extra_properties: Mapping[str, Any] | None = None,
    ) -> None:
        dump(extra_properties)  # fails here if they are not JSON
        self._extra = extra_properties
        self._counts = [0] * len(names)
        self._first_offsets = [0] * len(names)
        self._end = 0  # of the packets
        self.committed = False
        super().__init__(names, timing, kind=DataKind.EVENT_SET, path=canonical(path), given_path=path)
        self.output = OutputFile(
            path,
            cannot_open="Failed to open events file for writing ({path}) with error: {error}",
            sidecar=sidecar(path, self.metadata),
        )

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the file will say about itself."""
        count = len(self.names)
        return MappingProxyType(
            event_metadata(
                self.kind,
                self.names,
                (self.timing.start, _end_in_milliseconds(self.timing)),
                steps=[self.timing.period.ratio] * count,
                dense=[False] * count,
                counts=self._counts,
                first_offsets=self._first_offsets,
                extra_properties=self._extra,
            )
        )

    def append(self, channel: int, offsets: NDArray[np.uint64], values: NDArray[np.float32]) -> None:
        """Write events of one channel, in the order given."""
        packets = np.empty(len(offsets), PACKET)
        packets["offset"], packets["channel"], packets["value"] = offsets, channel, values
        self.output.overwrite(packets, self._end)
        self._end += packets.nbytes
        if not self._counts[channel] and len(packets):
            self._first_offsets[channel] = int(packets["offset"][0])
        self._counts[channel] += len(packets)
        self._signals = None

    def read_signals(self) -> Signals:
        """All events written so far."""
        packets = np.empty(self._end // PACKET.itemsize, PACKET)
        if len(packets):
            self.output.read_into(packets, 0)
        return signals_from_packets(self.names, packets, self.given_path)

    def commit(self) -> None:
        """Write the metadata and give the file its final name."""
        trailer = trailer_bytes(self.metadata)
        self.output.overwrite(trailer, self._end)
        self.output.truncate(
            self._end + len(trailer)
        )  # something may be left of events that did not fit the disk
        self.output.commit()
        self.committed = True

    def discard(self) -> None:
        """Remove everything written."""
        self.output.discard()
