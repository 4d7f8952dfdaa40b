"""Several files of one recording: their order in time, and whether they belong together (docs/formats/exports.md, Series).

Readers of any kind describe their files as :class:`Member`; the ``*_order`` functions check neighbours in time
and return the order as indices into the argument list.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.errors import IsxSeriesError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from openisx.core._records import IsxRatio
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = [
    "Member",
    "cell_set_order",
    "event_set_order",
    "gpio_set_order",
    "movie_order",
    "vessel_set_order",
]

_PIXEL_SIZE = (
    "The new data set has a different pixel size than the rest of the series. If this data was recorded using "
    "an nVista 2.0 or nVoke 1.0 please use IDPS version 1.3.0 for this step.\n"
    "If you are adding a TIFF file, note that IDPS does not currently support combining downsampled TIFF files "
    "to a series."
)
_SPACING = (
    "The new data set has different spacing information than the rest of the series. Spacing information must "
    "be equal among series' components."
)
_OVERLAP = (
    "Unable to insert data that temporally overlaps with other parts of the series. Data sets in a series must "
    "all be non-overlapping."
)


@dataclass(frozen=True)
class Member:
    """What a series needs to know of one of its files; each kind of data fills in what it has.

    Parameters
    ----------
    path
        As the caller gave it, for error messages.
    timing
        Samples of the file; of a GPIO file its general timing.
    spacing, data_type
        Of movies; cell and vessel sets have a spacing.
    count
        Number of cells or vessels.
    names
        Of cells of an event set, or of GPIO channels.
    traits
        Vessel sets: whatever must be equal too (type of set, which data it holds).
        GPIO sets: per channel, whether it is dense.
    channel_timings
        GPIO sets: timing of each channel.
    """

    path: str
    timing: Timing
    spacing: Spacing | None = None
    data_type: np.dtype[Any] | None = None
    count: int = 0
    names: tuple[str, ...] = ()
    traits: tuple[Any, ...] = ()
    channel_timings: tuple[Timing, ...] = ()


def movie_order(members: Sequence[Member]) -> list[int]:
    """Order of movies in time.

    Raises
    ------
    IsxSeriesError
        Neighbours differ in pixel type, pixel size or spacing, or overlap in time.
    """
    return _order(members, _check_data_type, _check_spacing, _check_time)


def cell_set_order(members: Sequence[Member]) -> list[int]:
    """Order of cell sets in time.

    Raises
    ------
    IsxSeriesError
        Neighbours differ in their number of cells or in spacing, or overlap in time.
    """
    text = "CellSet series member with mismatching number of cells."
    return _order(members, _check_count(text, "cells"), _check_spacing, _check_time)


def vessel_set_order(members: Sequence[Member]) -> list[int]:
    """Order of vessel sets in time.

    Raises
    ------
    IsxSeriesError
        Neighbours differ in their number of vessels, in spacing or in what they hold, or overlap in time.
    """
    text = "VesselSet series member with mismatching number of vessels."
    return _order(members, _check_count(text, "vessels"), _check_spacing, _check_time, _check_vessels)


def event_set_order(members: Sequence[Member]) -> list[int]:
    """Order of event sets in time.

    Raises
    ------
    IsxSeriesError
        Neighbours differ in the names of their cells, or overlap in time.
    """
    return _order(members, _check_names("Events series member with mismatching channels."), _check_time)


def gpio_set_order(members: Sequence[Member]) -> list[int]:
    """Order of GPIO sets in time; the checks are made in the order given, as the vendor's are.

    Raises
    ------
    IsxSeriesError
        Neighbours differ in the names of their channels, or in which of them are dense, or overlap in time.
    """
    _check_neighbours(members, _check_names("GPIO series member with mismatching channels."), _check_channels)
    starts = [_start((m.channel_timings or (m.timing,))[0]) for m in members]
    return sorted(range(len(members)), key=starts.__getitem__)


def _order(members: Sequence[Member], *checks: Callable[[Member, Member], None]) -> list[int]:
    starts = [_start(member.timing) for member in members]
    order = sorted(range(len(members)), key=lambda i: (starts[i], members[i].timing.num_samples > 0))
    _check_neighbours([members[i] for i in order], *checks)
    return order


def _check_neighbours(members: Sequence[Member], *checks: Callable[[Member, Member], None]) -> None:
    for before, new in pairwise(members):
        for check in checks:
            check(before, new)


def _mismatch(text: str, before: Member, new: Member, detail: str) -> IsxSeriesError:
    return IsxSeriesError(f"{text}\n{new.path} does not fit behind {before.path}: {detail}.")


def _check_data_type(before: Member, new: Member) -> None:
    if new.data_type != before.data_type:
        new_name, old_name = _type_name(new), _type_name(before)
        text = f"Unable to add data of type {new_name} to a series with data of type {old_name}."
        raise _mismatch(text, before, new, f"{new_name} is not {old_name}")


def _type_name(member: Member) -> str:
    return "float" if member.data_type == np.float32 else str(member.data_type)


def _check_count(text: str, what: str) -> Callable[[Member, Member], None]:
    def check(before: Member, new: Member) -> None:
        if new.count != before.count:
            raise _mismatch(text, before, new, f"{new.count} {what} instead of {before.count}")

    return check


def _check_names(text: str) -> Callable[[Member, Member], None]:
    def check(before: Member, new: Member) -> None:
        if new.names == before.names:
            return
        if len(new.names) != len(before.names):
            detail = f"{len(new.names)} names instead of {len(before.names)}"
        else:
            pairs = enumerate(zip(before.names, new.names, strict=True))
            i, (old, other) = next((i, pair) for i, pair in pairs if pair[0] != pair[1])
            detail = f"name {i} is {other!r} instead of {old!r}"
        raise _mismatch(text, before, new, detail)

    return check


def _check_spacing(before: Member, new: Member) -> None:
    if before.spacing is None or new.spacing is None:
        return
    a, b = before.spacing, new.spacing
    if not _equal(a.pixel_size_ratios, b.pixel_size_ratios):
        (old_height, old_width), (height, width) = a.pixel_size, b.pixel_size
        detail = f"pixels of {width:g} x {height:g} um instead of {old_width:g} x {old_height:g} um"
        raise _mismatch(_PIXEL_SIZE, before, new, detail)
    if a.num_pixels != b.num_pixels:
        detail = "{} x {} pixels instead of {} x {}".format(*b.num_pixels, *a.num_pixels)
        raise _mismatch(_SPACING, before, new, detail)
    if not _equal(a.top_left_ratios, b.top_left_ratios):
        raise _mismatch(_SPACING, before, new, "its top left corner is elsewhere")


def _equal(a: tuple[IsxRatio, IsxRatio], b: tuple[IsxRatio, IsxRatio]) -> bool:
    return [ratio.fraction for ratio in a] == [ratio.fraction for ratio in b]


def _check_vessels(before: Member, new: Member) -> None:
    if new.traits != before.traits:
        text = "VesselSet series member with mismatching data."
        raise _mismatch(text, before, new, "another type of vessel set, or other data stored with it")


def _check_time(before: Member, new: Member) -> None:
    _check_overlap(before, new, before.timing, new.timing)


def _check_channels(before: Member, new: Member) -> None:
    names = before.names
    for i, (old, other) in enumerate(zip(before.traits, new.traits, strict=True)):
        if old != other:
            text = "GPIO series member with mismatching data types."
            raise _mismatch(text, before, new, f"channel {names[i]!r} is dense in only one of them")
        if before.channel_timings and new.channel_timings:
            _check_overlap(before, new, before.channel_timings[i], new.channel_timings[i])


def _check_overlap(before: Member, new: Member, old_timing: Timing, new_timing: Timing) -> None:
    old_start, old_end = _span(old_timing)
    new_start, new_end = _span(new_timing)
    if not (new_start >= old_end or old_start >= new_end):
        shared = float(min(old_end, new_end) - max(old_start, new_start))
        raise _mismatch(_OVERLAP, before, new, f"they share {shared:g} s")


def _span(timing: Timing) -> tuple[Fraction, Fraction]:
    start = _start(timing)
    return start, start + timing.period.fraction * timing.num_samples


def _start(timing: Timing) -> Fraction:
    return timing.start.secs_since_epoch.fraction
