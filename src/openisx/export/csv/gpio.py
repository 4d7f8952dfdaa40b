"""GPIO and IMU sets as text (docs/formats/exports.md, GPIO and IMU)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from openisx._files.output import OutputFile, require_free_space
from openisx._files.paths import as_path, as_paths, require_absent
from openisx._formats.gpio.imu import COUNTS_PER_G, IMU_CHANNELS
from openisx._formats.kinds import DataKind
from openisx._formats.registry import open_gpio_source
from openisx.errors import IsxError, IsxFormatError, IsxWarning
from openisx.export._options import no_progress
from openisx.export.csv._clock import MICROSECOND, Clock, Ticks, require_wall_clock
from openisx.export.csv._text import (
    choices,
    encoded,
    formatted,
    integers,
    lines,
    quoted,
    replaced,
    short_microseconds,
)
from openisx.export.csv._text import rows as text_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from openisx._files.paths import PathInput, PathInputs
    from openisx._formats.signals import SignalSource
    from openisx.export._options import Progress
    from openisx.export.csv._text import Column

__all__ = ["export_gpio_set_to_csv"]

_CANNOT_WRITE = "Error writing to output file. ({path}: {error})"
_CHUNK = 1 << 16  # rows formatted at a time
_SPLITTER = 134217729.0  # 2^27 + 1 (Dekker)
_POWERS = 10 ** np.arange(1, 17, dtype=np.int64)
_LEFT, _RIGHT = range(6), range(6, 9)  # accelerometer and orientation; magnetometer
_ACCELEROMETER = range(3)


def export_gpio_set_to_csv(
    input_gpio_set_files: PathInputs,
    output_csv_file: PathInput,
    inter_isxd_file_dir: PathInput = "/tmp",  # noqa: S108 - the vendor's default; nothing is written there
    time_ref: str = "start",
    *,
    progress: Progress = no_progress,
) -> None:
    """Write GPIO sets as a list of points, or IMU sets as a table of samples.

    The first file decides which. GPIO: a line for each point, channel by channel, within a channel file by file.
    Channels are those of the first file; in later files only their order counts. IMU: accelerometer and
    orientation on the left, the magnetometer with times of its own on the right; samples of several files follow
    one another in each.

    Parameters
    ----------
    input_gpio_set_files : path or sequence of paths
        `.gpio`, `.raw`, `.hdf5`, `.imu`, or `.isxd` sets.
    output_csv_file : path
        New file.
    inter_isxd_file_dir : path, optional
        Accepted and not used: recordings are read directly, no intermediate file is written.
    time_ref : {'start', 'unix'}
        Seconds since the start of the first file given, or since 1970-01-01 UTC.
    progress : callable, keyword only
        Called with (rows written, rows in total); an exception it raises stops the export.

    Raises
    ------
    ValueError
        `time_ref` is unknown, or there are no input files.
    IsxFileExistsError, IsxFileError
        The output exists or cannot be written; an input is missing, damaged, or of another kind.
    IsxError
        A later file has fewer channels than the first, or one is a GPIO and another an IMU set.
    """
    require_wall_clock(time_ref)
    paths = as_paths(input_gpio_set_files)
    require_absent(as_path(output_csv_file))
    sources: list[SignalSource] = []
    try:
        for path in paths:
            sources.append(open_gpio_source(path))
            _require_match(sources[0], sources[-1])
        clock = Clock.relative_to(time_ref, sources[0].timing)
        ticks = [clock.ticks(s.timing.start.secs_since_epoch.ratio, MICROSECOND) for s in sources]
        write = _write_imu if sources[0].kind is DataKind.IMU else _write_gpio
        with OutputFile(output_csv_file, cannot_open=_CANNOT_WRITE) as output:
            write(output, sources, ticks, progress)
    finally:
        for source in sources:
            source.close()


def _require_match(first: SignalSource, other: SignalSource) -> None:
    if (first.kind is DataKind.IMU) != (other.kind is DataKind.IMU):
        raise IsxError(
            f"{first.given_path} ({first.kind.label}) and {other.given_path} ({other.kind.label}) cannot be in one "
            "table. Export them one by one."
        )
    if len(other.names) < len(first.names):
        raise IsxError(
            f"{other.given_path} has {len(other.names)} channels, fewer than the {len(first.names)} of the first "
            f"file, {first.given_path}. Files of one export need the same channels."
        )
    if other.names[: len(first.names)] != first.names:
        warnings.warn(
            f"The channels of {other.given_path} are not called as those of {first.given_path}; they are written "
            "under the names of the latter, matched by their order.",
            IsxWarning,
            stacklevel=3,
        )


# -- GPIO ------------------------------------------------------------------------------------------------


def _write_gpio(
    output: OutputFile, sources: Sequence[SignalSource], ticks: Sequence[Ticks], progress: Progress
) -> None:
    output.write(encoded("Time (s), Channel Name, Value\n"))
    names = [quoted(name) for name in sources[0].names]
    total = sum(int(source.signals().bounds[len(names)]) for source in sources)
    require_free_space(output.path, total * len("0, , 0\n"))
    done = 0
    for index, name in enumerate(names):
        for source, tick in zip(sources, ticks, strict=True):
            offsets, values = source.signals().channel(index)
            for first in range(0, len(offsets), _CHUNK):
                part = slice(first, first + _CHUNK)
                output.write(point_lines(tick, offsets[part], name, values[part]))
                done += len(offsets[part])
                progress(done, total)


def point_lines(ticks: Ticks, offsets: NDArray[np.uint64], name: str, values: NDArray[np.float32]) -> bytes:
    """UTF-8 text of the points of a channel: seconds as ``%.16g``, `name` as it is, value as ``%.7g``.

    Times of packets are whole microseconds and most values whole numbers, so that nearly all digits follow from integer
    arithmetic; what does not (the 16th digit of some doubles, fractions, NaN) is left to ``printf``.
    """
    if not len(offsets):
        return b""
    micros = _microseconds(ticks, offsets)
    if micros is None or "\0" in name:
        columns = (ticks.seconds(offsets), [name] * len(values), values)
        return encoded(text_rows(("%.16g", "%s", "%.7g"), columns))
    names = choices([name], np.zeros(len(values), np.int64))
    return lines([_time_column(micros), names, _value_column(values)], ", ")


def _microseconds(ticks: Ticks, offsets: NDArray[np.uint64]) -> NDArray[np.int64] | None:
    """Times in whole microseconds; None if they are not, or not exact as doubles."""
    if ticks.den != 1_000_000 or ticks.scale != 1:
        return None
    low, high = ticks.offset + int(offsets.min()), ticks.offset + int(offsets.max())
    if not (low > -(2**53) and high < 2**53 and abs(ticks.offset) < 2**62 and high - ticks.offset < 2**62):
        return None
    return offsets.astype(np.int64) + ticks.offset


def _time_column(micros: NDArray[np.int64]) -> Column:
    """``%.16g`` of ``micros / 1e6``."""
    other = np.flatnonzero(~_is_plain(micros))
    return replaced(short_microseconds(micros), other, formatted("%.16g", micros[other] / 1e6))


def _is_plain(micros: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where 16 digits of the double nearest to ``micros / 1e6`` are those of the decimal number, without exponent.

    The double is off by up to half a unit in its last place, which can be more than half a unit of the 16th
    digit. The error is computed exactly, by splitting the double in two (Dekker).
    """
    exact = micros.astype(np.float64)
    seconds = exact / 1e6
    product = seconds * 1e6
    shifted = seconds * _SPLITTER
    upper = shifted - (shifted - seconds)
    error = (product - exact) + ((upper * 1e6 - product) + (seconds - upper) * 1e6)
    exponent = _POWERS.searchsorted(np.abs(micros), "right")
    in_last_digits = np.abs(error) * 10.0 ** (15 - exponent)
    plain: NDArray[np.bool_] = (in_last_digits < 0.49) & ((micros >= 100) | (micros == 0))
    return plain


def _value_column(values: NDArray[np.float32]) -> Column:
    """``%.7g`` of `values`."""
    plain = (values >= 0) & (values < 1e7) & ~np.signbit(values)
    plain &= values == np.where(plain, np.floor(values), 0)
    other = np.flatnonzero(~plain)
    return replaced(
        integers(np.where(plain, values, 0).astype(np.int64)), other, formatted("%.7g", values[other])
    )


# -- IMU -------------------------------------------------------------------------------------------------


def _write_imu(
    output: OutputFile, sources: Sequence[SignalSource], ticks: Sequence[Ticks], progress: Progress
) -> None:
    names = [quoted(name) for name in sources[0].names]
    if len(names) < len(IMU_CHANNELS):
        raise IsxFormatError(
            f"{sources[0].given_path} has {len(names)} channels; an IMU set has {len(IMU_CHANNELS)}. "
            "The file is damaged."
        )
    header = ["IMU Time (s)", *(names[i] for i in _LEFT), "Mag Time (s)", *(names[i] for i in _RIGHT)]
    output.write(encoded(", ".join(header) + "\n"))
    left, right = _columns(sources, ticks, _LEFT), _columns(sources, ticks, _RIGHT)
    both = min(len(left[0]), len(right[0]))
    total = max(len(left[0]), len(right[0]))
    require_free_space(output.path, total * len("0, 0, 0, 0, 0, 0, 0\n"))
    blank = [np.full(total - both, "", dtype=object)] * len(left)
    sections = (
        (0, both, left + right),
        (both, len(left[0]), left),
        (both, len(right[0]), [*blank, *right]),
    )
    for begin, end, columns in sections:
        for first in range(begin, end, _CHUNK):
            stop = min(first + _CHUNK, end)
            parts = [
                column[first - both : stop - both] if column.dtype == object else column[first:stop]
                for column in columns
            ]
            specs = ["%s" if column.dtype == object else "%.16g" for column in columns]
            output.write(encoded(text_rows(specs, parts)))
            progress(stop, total)


def _columns(
    sources: Sequence[SignalSource], ticks: Sequence[Ticks], channels: Sequence[int]
) -> list[NDArray[np.float64]]:
    """Times and values of a group of channels with a common clock, all files strung together."""
    parts: list[list[NDArray[np.float64]]] = [[] for _ in range(len(channels) + 1)]
    for source, tick in zip(sources, ticks, strict=True):
        signals = source.signals()
        offsets, _ = signals.channel(channels[0])
        parts[0].append(tick.seconds(offsets))
        for column, channel in zip(parts[1:], channels, strict=True):
            _, values = signals.channel(channel)
            if len(values) != len(offsets):
                raise IsxFormatError(
                    f"{source.given_path}: channel {source.names[channel]!r} has {len(values)} samples, "
                    f"{source.names[channels[0]]!r} has {len(offsets)}. The file is damaged."
                )
            in_unit = values / COUNTS_PER_G if channel in _ACCELEROMETER else values
            column.append(in_unit.astype(np.float64))
    return [np.concatenate(column) for column in parts]
