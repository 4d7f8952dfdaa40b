"""Several files given to one command: whether they make up one recording."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import openisx as isx
from openisx._cli.descriptions import assumed
from openisx._cli.formatting import Formatted, length_text
from openisx._cli.terminal import close_if_open, one_line
from openisx._files.paths import canonical
from openisx._series import (
    Member,
    cell_set_order,
    event_set_order,
    gpio_set_order,
    movie_order,
    vessel_set_order,
)
from openisx.errors import IsxSeriesError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SERIES", "member_of", "sorted_by_time", "summary"]


def _movie(movie: isx.Movie) -> Member:
    return Member(movie.file_path or "", _timing(movie), movie.spacing, movie.dtype)


def _cell_set(cells: isx.CellSet) -> Member:
    return Member(cells.file_path or "", _timing(cells), cells.spacing, count=cells.num_cells or 0)


def _vessel_set(vessels: isx.VesselSet) -> Member:
    traits = (vessels.get_vessel_set_type(), vessels.has_correlation_heatmaps())
    count = vessels.num_vessels or 0
    return Member(vessels.file_path or "", _timing(vessels), vessels.spacing, count=count, traits=traits)


def _event_set(events: isx.EventSet) -> Member:
    return Member(events.file_path or "", _timing(events), names=tuple(events.names))


def _gpio_set(gpio: isx.GpioSet) -> Member:
    return Member(gpio.file_path or "", _timing(gpio), names=tuple(gpio.names))


def _timing(obj: Any) -> isx.Timing:
    timing: isx.Timing = obj.timing
    return timing


#: Class -> (what a series needs to know of one file, order in time with checks).
SERIES: dict[type[Any], tuple[Callable[[Any], Member], Callable[[Sequence[Member]], list[int]]]] = {
    isx.Movie: (_movie, movie_order),
    isx.CellSet: (_cell_set, cell_set_order),
    isx.VesselSet: (_vessel_set, vessel_set_order),
    isx.EventSet: (_event_set, event_set_order),
    isx.GpioSet: (_gpio_set, gpio_set_order),
}


def member_of(opened: Any, path: str) -> tuple[type[Any], Member] | None:
    """What a series needs to know of an open file, with its class; None for files that make up no series."""
    kind = type(opened)
    return (kind, replace(SERIES[kind][0](opened), path=path)) if kind in SERIES else None


def sorted_by_time(paths: Sequence[str]) -> list[str]:
    """Files of one recording in the order of their starts; those that do not tell it stay in the order given.

    Raises
    ------
    IsxSeriesError
        The files are no recording.
    ValueError
        They are of different kinds, or one is an image.
    """
    found, known = [], True
    for path in paths:
        opened = isx.open(path)
        found.append(member_of(opened, path))
        known = known and "start" not in assumed(opened)
        close_if_open(opened)
        if found[-1] is None:
            raise ValueError(f"{path} is an image, which cannot be part of a recording of several files.")
    entries = [entry for entry in found if entry]
    for path, (kind, _) in zip(paths, entries, strict=True):
        if kind is not entries[0][0]:
            raise ValueError(f"{path} and {paths[0]} are of different kinds.")
    seen: set[str] = set()
    for path in paths:
        file = canonical(path)
        if file in seen:
            raise IsxSeriesError(f"{path} is given twice.")
        seen.add(file)
    order = SERIES[entries[0][0]][1]([member for _, member in entries]) if known else range(len(paths))
    return [paths[i] for i in order]


def summary(found: Sequence[tuple[type[Any], Member] | None]) -> dict[str, Any]:
    """What to say of files of one kind as a series; empty if there is just one file, or they are of several kinds."""
    kinds = {entry[0] if entry else None for entry in found}
    if len(found) < 2 or len(kinds) != 1 or None in kinds:
        return {}
    members = [entry[1] for entry in found if entry]
    order_of = SERIES[next(kind for kind in kinds if kind)][1]
    paths = [member.path for member in members]
    try:
        order = order_of(members)
    except IsxSeriesError as error:
        return {"files": paths, "one recording": False, "because": one_line(error)}
    ordered = [members[i] for i in order]
    ends = [_start(m) + _length(m) for m in ordered]
    gaps = [_start(new) - end for end, (_, new) in zip(ends, pairwise(ordered), strict=False)]
    return {
        "files": [member.path for member in ordered],
        "one recording": True,
        "order": [i + 1 for i in order],
        "samples": sum(member.timing.num_samples for member in ordered),
        "dropped": sum(len(member.timing.dropped) for member in ordered),
        "recorded": _seconds(sum((_length(m) for m in ordered), Fraction())),
        "first to last": _seconds(ends[-1] - _start(ordered[0])),
        "longest gap": _seconds(max(gaps)),
    }


def _start(member: Member) -> Fraction:
    return member.timing.start.secs_since_epoch.fraction


def _length(member: Member) -> Fraction:
    return member.timing.period.fraction * member.timing.num_samples


def _seconds(exact: Fraction) -> Formatted:
    return Formatted(float(exact), length_text(float(exact)))
