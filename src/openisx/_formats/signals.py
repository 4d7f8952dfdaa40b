"""Named channels of points in time: what event, GPIO and IMU files of every format have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.locks import WithLock
from openisx._formats.acquisition_info import acquisition_info
from openisx._formats.kinds import DataKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from openisx.core.timing import Timing
    from openisx.structures import EventMetrics, PacketStatistics

__all__ = ["SignalSource", "Signals"]


@dataclass(frozen=True)
class Signals:
    """All points of a set, channel after channel, each channel in ascending order of time.

    Attributes
    ----------
    names : tuple of str
        One per channel; they may repeat.
    bounds : ndarray of int64, shape (channels + 1,)
        Channel `i` is the points from ``bounds[i]`` up to ``bounds[i + 1]``.
    offsets : ndarray of uint64
        Microseconds since the start of the set, exactly as stored.
    values : ndarray of float32
        Value of each point.
    """

    names: tuple[str, ...]
    bounds: NDArray[np.int64]
    offsets: NDArray[np.uint64]
    values: NDArray[np.float32]

    @classmethod
    def from_points(
        cls,
        names: Sequence[str],
        channels: NDArray[Any],
        offsets: NDArray[np.uint64],
        values: NDArray[np.float32],
    ) -> Signals:
        """Sort points given in the order of the file.

        Of several points of one channel with the same time only the last one in the file remains, as in the
        vendor's package (docs/formats/event-sets.md, Equal times).

        Parameters
        ----------
        names
            Names of the channels.
        channels
            Channel of each point, all below ``len(names)``.
        offsets, values
            Time and value of each point.
        """
        channels = channels.astype(np.uint64, copy=False)
        offsets = offsets.astype(np.uint64, copy=False)
        order = _order(channels, offsets, len(names))
        if order is not None:
            channels, offsets, values = channels[order], offsets[order], values[order]
        last = np.ones(len(offsets), dtype=np.bool_)
        np.logical_or(channels[1:] != channels[:-1], offsets[1:] != offsets[:-1], out=last[:-1])
        if not last.all():
            channels, offsets, values = channels[last], offsets[last], values[last]
        bounds = np.searchsorted(channels, np.arange(len(names) + 1, dtype=np.uint64))
        return cls(tuple(names), bounds.astype(np.int64), offsets, values.astype(np.float32, copy=False))

    def channel(self, index: int) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """Times and values of one channel, as views.

        Parameters
        ----------
        index : int
            Of the channel.
        """
        part = slice(int(self.bounds[index]), int(self.bounds[index + 1]))
        return self.offsets[part], self.values[part]

    def counts(self) -> NDArray[np.int64]:
        """Number of points of each channel."""
        return np.diff(self.bounds)

    def channel_of_points(self) -> NDArray[np.int64]:
        """Channel of every point."""
        return np.repeat(np.arange(len(self.names), dtype=np.int64), self.counts())


def _order(
    channels: NDArray[np.uint64], offsets: NDArray[np.uint64], num_channels: int
) -> NDArray[np.intp] | None:
    """Stable order by channel, then time; None if the points have it already."""
    if not len(offsets):
        return None
    same = channels[1:] == channels[:-1]
    if ((channels[1:] > channels[:-1]) | (same & (offsets[1:] >= offsets[:-1]))).all():
        return None
    time_bits, position_bits = int(offsets.max()).bit_length(), len(offsets).bit_length()
    if num_channels.bit_length() + time_bits + position_bits > 64:
        return np.lexsort((offsets, channels))
    # Channel, time and position in one number: sorting plain numbers is several times faster than an argsort.
    keys = ((channels << np.uint64(time_bits)) | offsets) << np.uint64(position_bits)
    keys |= np.arange(len(offsets), dtype=np.uint64)
    keys.sort()
    keys &= np.uint64((1 << position_bits) - 1)
    order: NDArray[np.intp] = keys.astype(np.intp)
    return order


class SignalSource(WithLock):
    """Base of everything that can be an :class:`isx.EventSet` or :class:`isx.GpioSet`, whatever it is read from.

    A source implements :meth:`read_signals`; all else has a default. Sources are used from several threads.

    Parameters
    ----------
    names : sequence of str
        Of the channels.
    timing : Timing
        Start, period and number of samples of the set.
    kind : DataKind
        Event set, GPIO or IMU. The first three channels of an IMU hold raw counts, 16384 to the g.
    path, given_path : str, optional
        The file, canonical and as the caller gave it; None and what messages call it for a source without one.
    """

    #: Whether `get_channel_data` gives the accelerometer of an IMU in g.
    in_g: bool = False
    #: What became of the packets of a recording.
    statistics: PacketStatistics | None = None

    def __init__(
        self,
        names: Sequence[str],
        timing: Timing,
        *,
        kind: DataKind = DataKind.GPIO,
        path: str | None = None,
        given_path: str = "",
    ) -> None:
        self.kind = kind
        self.names = tuple(names)
        self.timing = timing
        self.path = path
        self.given_path = given_path or path or "the set"
        self._signals: Signals | None = None
        self._make_lock()

    @abstractmethod
    def read_signals(self) -> Signals:
        """Read all points; called once by :meth:`signals`, which keeps them."""

    def signals(self) -> Signals:
        """All points; read once and kept.

        Raises
        ------
        IsxFormatError
            The file is damaged.
        """
        with self._lock:
            if self._signals is None:
                self._signals = self.read_signals()
            return self._signals

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """Everything the file says about itself, decoded JSON; None where the format has no such thing."""
        return None

    def acquisition_info(self) -> dict[str, Any] | None:
        """Session metadata as ``get_acquisition_info`` hands them out."""
        return acquisition_info((self.metadata or {}).get("extraProperties"))

    def channel_timing(self, channel: int) -> Timing:
        """Samples of one channel, which need not be those of the set.

        Parameters
        ----------
        channel : int
            Its index.
        """
        return self.timing

    def is_dense(self, channel: int) -> bool:
        """Whether a channel has a value for each sample, rather than points in time.

        Parameters
        ----------
        channel : int
            Its index.
        """
        return False

    def metrics(self) -> list[EventMetrics | None] | None:
        """What was measured of the events of each cell; None if there are no such measurements."""
        return None

    def close(self) -> None:
        """Release the file; points already read stay available."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_lock()
