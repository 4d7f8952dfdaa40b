"""Several files given to one command: whether they make up one recording."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import isx
from isx.cli.facts import Shown, length_text
from isx.errors import IsxSeriesError
from isx.series import Member, movie_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SERIES", "summary"]


def _movie(movie: isx.Movie) -> Member:
    timing, spacing = movie.timing, movie.spacing
    assert timing is not None
    return Member(movie.file_path or "", timing, spacing, movie.dtype)


#: Class -> (what a series needs to know of one file, order in time with checks).
SERIES: dict[type[Any], tuple[Callable[[Any], Member], Callable[[Sequence[Member]], list[int]]]] = {
    isx.Movie: (_movie, movie_order),
}


def summary(opened: Sequence[Any]) -> dict[str, Any]:
    """Facts on files of one kind as a series; empty if there is just one file, or they are of several kinds."""
    kinds = {type(obj) for obj in opened}
    if len(opened) < 2 or len(kinds) != 1 or not kinds <= SERIES.keys():
        return {}
    to_member, order_of = SERIES[kinds.pop()]
    members = [to_member(obj) for obj in opened]
    paths = [member.path for member in members]
    try:
        order = order_of(members)
    except IsxSeriesError as error:
        return {"files": paths, "one recording": False, "because": " ".join(str(error).split())}
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
    ratio = member.timing._impl.start.secs_since_epoch
    return Fraction(ratio.num, ratio.den)


def _length(member: Member) -> Fraction:
    step = member.timing._impl.step
    return Fraction(step.num, step.den) * member.timing.num_samples


def _seconds(exact: Fraction) -> Shown:
    return Shown(float(exact), length_text(float(exact)))
