"""Digital and analog signals beside a recording, and its IMU: :class:`GpioSet`."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from openisx._checks import index_of_name, of_opened, require_index
from openisx._data_set import TimedDataSet, counted
from openisx._files.locks import WithLock
from openisx._files.paths import as_path
from openisx._formats.gpio.imu import COUNTS_PER_G
from openisx._formats.kinds import DataKind
from openisx._formats.registry import open_gpio_source
from openisx._gpio_channel import describe_channel, edges, imu_table, point_table
from openisx._pictures import MAX_ROWS, extremes, rows_html
from openisx.core._resampling import hold
from openisx.errors import IsxStateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.signals import SignalSource
    from openisx.core.timing import Timing
    from openisx.structures import GpioChannel, PacketStatistics

__all__ = ["GpioSet"]

_NUM_ACCELEROMETER = 3


class GpioSet(TimedDataSet["SignalSource"], WithLock):
    """Named channels of values in time: what an acquisition box recorded besides movies, or an IMU.

    Made by :meth:`read` (or :func:`isx.open`); the constructor alone gives an object whose attributes are None.
    Times are whole microseconds after the start of the set, exactly as the file holds them. Sets can be read
    from several threads at once, pickled, and used as context managers.

    Examples
    --------
    >>> gpio, movie = isx.GpioSet.read("session.gpio"), isx.Movie.read("session_video.isxd")
    >>> frames = gpio.rising_edges("BNC Sync Output")
    >>> led = gpio.sample("EX-LED", movie.timing)
    """

    _heading = "GPIO Set"
    _attributes = ("file_path", "mode", "timing", "num_channels")

    def __init__(self) -> None:
        self._source: SignalSource | None = None
        self._channel_dict: dict[str, int] = {}
        self._described: list[GpioChannel] | None = None
        self._path = ""  # to open it again
        self._make_lock()

    @classmethod
    def read(cls, file_path: PathInput) -> GpioSet:
        """Open a GPIO or IMU set.

        Recordings (`.gpio`, `.raw`, `.hdf5`, `.imu`) are decoded in memory at once; no file is ever written. The
        points of an `.isxd` set are read when first asked for.

        Parameters
        ----------
        file_path : path
            `.gpio` of nVista 3 and nVoke 2, `.raw` of nVoke 1, `.hdf5` of nVista 2, `.imu`, or `.isxd`.

        Raises
        ------
        IsxFileError
            The file is missing, damaged beyond reading, or holds something else.
        IsxImportError
            An `.hdf5` file needs h5py, which is not installed.
        """
        given = as_path(file_path)
        self = cls.from_source(open_gpio_source(given))
        self._path = os.path.abspath(given)
        return self

    @classmethod
    def from_source(cls, source: SignalSource) -> GpioSet:
        """A set of what a source gives, for example one that is no file.

        Parameters
        ----------
        source : SignalSource
        """
        self = cls()
        self._source, self._timing, self._mode = source, source.timing, "r"
        self._channel_dict = {name: i for i, name in enumerate(source.names)}
        return self

    def _content(self) -> SignalSource | None:
        return self._source

    def _open(self) -> SignalSource:
        source = super()._open()
        if self._closed:
            raise IsxStateError(f"{source.given_path} is closed.")
        return source

    @property
    def num_channels(self) -> int:
        """Number of channels."""
        return of_opened(None if self._source is None else len(self._source.names))

    @property
    def channel_dict(self) -> dict[str, int]:
        """Index of each name; the last one of repeated names."""
        return self._channel_dict

    @property
    def names(self) -> list[str]:
        """Names of all channels."""
        return list(self._open().names)

    def _index(self, index: int) -> int:
        return require_index(index, len(self._open().names), "channel")

    def get_channel_name(self, index: int) -> str:
        """Name of one channel.

        Parameters
        ----------
        index : int
            Of the channel, counted from 0.

        Raises
        ------
        IsxIndexError
            There is no such channel.
        """
        return self._open().names[self._index(index)]

    def get_channel_index(self, name: str) -> int:
        """Index of the channel called `name`, the last one of repeated names.

        Parameters
        ----------
        name : str
            Name of a channel.

        Raises
        ------
        KeyError
            There is no such channel.
        """
        return index_of_name(self._channel_dict, name, "channel")

    def get_channel_data(self, index: int) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
        """Points of one channel in ascending order of time.

        Parameters
        ----------
        index : int
            Of the channel, counted from 0.

        Returns
        -------
        offsets : ndarray of uint64
            Microseconds after the start of the set, exactly as stored. Of several points at one time there is
            only the one stored last. ``timing.seconds(offsets)`` and ``timing.datetimes(offsets)`` give plain times.
        values : ndarray of float32
            One per point; NaN where packets were lost. Accelerometer channels of an `.imu` file are in g, those
            of an `.isxd` file in raw counts, 16384 to the g.

        Raises
        ------
        IsxIndexError
            There is no such channel.
        IsxFormatError
            The file is damaged.
        """
        index = self._index(index)
        offsets, values = self._open().signals().channel(index)
        if self._open().in_g and index < _NUM_ACCELEROMETER:
            return offsets.copy(), values / COUNTS_PER_G
        return offsets.copy(), values.copy()

    # -- beyond the vendor's package ------------------------------------------------------------------

    @property
    def is_imu(self) -> bool:
        """Whether the file says that it holds IMU data."""
        return self._open().kind is DataKind.IMU

    @property
    def session_metadata(self) -> Mapping[str, Any]:
        """What the acquisition software stored about the session; empty if nothing."""
        extra = (self.metadata or {}).get("extraProperties")
        return MappingProxyType(dict(extra) if isinstance(extra, dict) else {})

    @property
    def recording_uuid(self) -> str | None:
        """Identity of the recording, which all of its files share; None if the file holds none."""
        section = self.session_metadata.get("processingInterface")
        uuid = section.get("recordingUUID") if isinstance(section, dict) else None
        return uuid if isinstance(uuid, str) else None

    @property
    def first_timestamp(self) -> int | None:
        """Counter of the acquisition box at offset 0, microseconds; None if the file does not tell.

        ``first_timestamp + offset`` is on the clock of :attr:`isx.Movie.timestamps` of the same recording.
        """
        first = self.session_metadata.get("firstTsc")
        return first if isinstance(first, int) and not isinstance(first, bool) else None

    @property
    def statistics(self) -> PacketStatistics | None:
        """Packets used, lost and discarded; None for `.isxd` files, which hold no packets."""
        return self._open().statistics

    @property
    def channels(self) -> Mapping[str, GpioChannel]:
        """Every channel by name, with its kind, unit, number of points and range.

        Accelerometer channels are in g whatever the format of the file. Of channels of one name it holds the
        last.
        """
        return MappingProxyType({channel.name: channel for channel in self._all_channels()})

    def _all_channels(self) -> list[GpioChannel]:
        source = self._open()
        with self._lock:
            if self._described is None:
                signals = source.signals()
                self._described = [
                    describe_channel(
                        name,
                        index,
                        *signals.channel(index),
                        dense=source.is_dense(index),
                        in_counts_per_g=self.is_imu and index < _NUM_ACCELEROMETER,
                    )
                    for index, name in enumerate(source.names)
                ]
            return self._described

    def __getitem__(self, channel: str | int) -> GpioChannel:
        """The channel of that name or index."""
        index = self.get_channel_index(channel) if isinstance(channel, str) else self._index(channel)
        return self._all_channels()[index]

    def __iter__(self) -> Iterator[GpioChannel]:
        """Every channel, in the order of the set."""
        return iter(self._all_channels())

    def seconds(self, channel: str | int) -> NDArray[np.float64]:
        """Times of the points of a channel in seconds since the start of the set.

        Parameters
        ----------
        channel : str or int
            Name or index.

        Returns
        -------
        ndarray of float64
            Each is the float nearest to the exact time.
        """
        return self._open().timing.seconds(self[channel].offsets)

    def datetimes(self, channel: str | int, *, utc: bool = False) -> NDArray[np.datetime64]:
        """Date and time of the points of a channel.

        Parameters
        ----------
        channel : str or int
            Name or index.
        utc : bool
            Times in UTC instead of those of the clock on the wall where the recording was made.

        Returns
        -------
        ndarray of datetime64[us]
            See :meth:`isx.Timing.datetimes`.
        """
        return self._open().timing.datetimes(self[channel].offsets, utc=utc)

    def sample(self, channel: str | int, timing: Timing) -> NDArray[np.float32]:
        """Value of a channel at every sample of `timing`: that of the last point at or before it.

        Both are placed by their wall-clock start. Files of one recording whose starts differ from what their
        counters say are brought together by :func:`isx.align_start_times`.

        Parameters
        ----------
        channel : str or int
            Name or index.
        timing : Timing
            For example that of a movie.

        Returns
        -------
        ndarray of float32, shape (num_samples,)
            NaN before the first point, and where packets were lost.
        """
        found = self[channel]
        return hold(found.offsets, found.values, self.timing, timing)

    def rising_edges(self, channel: str | int, threshold: float = 0.5) -> NDArray[np.uint64]:
        """Times at which a channel goes from below `threshold` to `threshold` or more.

        Parameters
        ----------
        channel : str or int
            Name or index.
        threshold : float
            In the unit of the channel; between the levels 0 and 1 of digital channels by default.

        Returns
        -------
        ndarray of uint64
            Microseconds after the start of the set. Values before and after a gap of lost packets make no edge.
        """
        found = self[channel]
        return edges(found.offsets, found.values, threshold, rising=True)

    def falling_edges(self, channel: str | int, threshold: float = 0.5) -> NDArray[np.uint64]:
        """Times at which a channel goes from `threshold` or more to below.

        Parameters
        ----------
        channel, threshold
            As for :meth:`rising_edges`.

        Returns
        -------
        ndarray of uint64
            As for :meth:`rising_edges`.
        """
        found = self[channel]
        return edges(found.offsets, found.values, threshold, rising=False)

    def to_dataframe(self) -> pd.DataFrame:
        """All data as a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            GPIO: a row per point with the columns ``Time (s)``, ``Channel Name`` (categorical) and ``Value``, as in
            the CSV export. IMU: a row per time with the column ``Time (s)`` and one column per channel with its
            unit, such as ``Acc x (g)``; NaN where a sensor has no sample at that time.

        Raises
        ------
        IsxImportError
            pandas is not installed.
        """
        channels = self._all_channels()
        return imu_table(channels) if self.is_imu else point_table(channels)

    # -- life ---------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release the file and the points read from it."""
        super().close()
        self._described = None

    def __len__(self) -> int:
        return len(self._open().names)

    def __contains__(self, name: object) -> bool:
        return name in self._channel_dict

    def __reduce__(self) -> tuple[Any, ...]:
        if self._source is None:
            return GpioSet, ()
        return (GpioSet.read, (self._path,)) if self._path else (GpioSet.from_source, (self._source,))

    def _summary(self) -> str:
        source = super()._open()
        seconds = source.timing.num_samples * source.timing.period.secs_float
        return f"{counted(len(source.names), 'IMU channel' if source.kind is DataKind.IMU else 'channel')}, {seconds:.6g} s"

    def _picture(self) -> str:
        if not self._readable_at_once():
            return ""
        channels = self._all_channels()
        end = max((int(c.offsets[-1]) for c in channels if c.num_points), default=0)
        busy = [c for c in channels if c.range is not None and c.range[0] < c.range[1]]
        rows = [(c.label, extremes(c.values, c.offsets, end)) for c in busy[:MAX_ROWS]]
        return rows_html(rows, len(channels) - len(rows))
