"""Event and GPIO sets in `.isxd` files of the first layout (docs/formats/event-sets.md, First layout)."""

from __future__ import annotations

import math
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._formats.isxd.metadata import timing_from_json
from openisx._formats.json_reading import JsonObject, parse_object
from openisx._formats.signals import Signals, SignalSource
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from openisx._files.source import ByteSource
    from openisx._formats.isxd.container import Container

__all__ = ["EventsFirstIsxd"]

_PACKET = np.dtype([("time", "<u8"), ("bits", "<u4"), ("reserved", "<u4")])
_SIGN = np.uint32(1 << 31)


class EventsFirstIsxd(SignalSource):
    """An open `.isxd` set of the first layout; its packets are read at once, since nothing else tells their number."""

    def __init__(self, file: ByteSource, container: Container) -> None:
        path, size = file.given_path, container.body_size
        self._file, self._container = file, container
        members = container.members(path)
        timing = timing_from_json(members.object("timing info"))
        places = members.object("channel offsets")
        names = sorted(places.members)  # code points sort as their UTF-8 bytes do
        version = members.integer("fileVersion", minimum=0)
        members.integer("dataType")
        self._analog = members.boolean("analog") if version else "GPIO4_AI" in names
        starts = [places.integer(name, 0, size) for name in names]
        ends = dict(pairwise([*sorted(set(starts)), size]))
        blocks = [file.read(at, ends[at] - at) for at in starts]
        self._packets = [
            _packets(block, self._analog, f"{path}, channel {name!r}")
            for name, block in zip(names, blocks, strict=True)
        ]
        super().__init__(names, timing, kind=container.kind(path), path=file.path, given_path=path)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The trailing JSON object."""
        return MappingProxyType(self._container.metadata)

    def acquisition_info(self) -> None:
        """None: the layout has no session metadata."""

    def read_signals(self) -> Signals:
        """Sort the packets.

        Raises
        ------
        IsxFormatError
            A packet has a time before the start.
        """
        packets = np.concatenate([np.zeros(0, _PACKET), *self._packets])
        channels = np.repeat(np.arange(len(self.names)), [len(block) for block in self._packets])
        values = (packets["bits"] & ~_SIGN).view("<f4").astype(np.float32)
        if not self._analog:
            state = (packets["bits"] >= _SIGN).astype(np.float32)
            with np.errstate(invalid="ignore"):  # infinity times 0, as the vendor computes it
                values = np.where(values == 0, state, values * state).astype(np.float32)
        return Signals.from_points(self.names, channels, self._since_start(packets["time"]), values)

    def _since_start(self, times: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Microseconds from the start, fractions cut, of microseconds since the epoch."""
        first = math.ceil(self.timing.start.secs_since_epoch.fraction * 1_000_000)
        if not len(times):
            return times.astype(np.uint64)
        earliest, latest = int(times.min()), int(times.max())
        if earliest < first or latest - first >= 2**63:
            at = int(times.argmin() if earliest < first else times.argmax())
            raise IsxFormatError(
                f"Found negative offset for event {at}. {self.given_path}: its time of {times[at]} us after "
                f"1970 does not lie after the start of the set at {first} us. The file is damaged."
            )
        shift = np.uint64(abs(first))
        offsets: NDArray[np.uint64] = times - shift if first >= 0 else times + shift
        return offsets

    def close(self) -> None:
        """Release the file; what was read stays available."""
        self._file.close()


def _packets(data: bytes, analog: bool, where: str) -> NDArray[Any]:
    text, zero, body = data.partition(b"\0")
    if not zero:
        raise IsxFormatError(f"{where}: its description does not end. The file is damaged.")
    members = JsonObject(parse_object(text, where), where)
    count = members.integer("Number of Packets", 0)
    available = len(body) // _PACKET.itemsize
    if count == 0 and analog:
        count = available  # such files do not count their packets
    if count > available:
        raise IsxFormatError(
            f"{where}: {count} packets are announced, but there is room for {available}. The file is damaged."
        )
    return np.frombuffer(body, _PACKET, count)
