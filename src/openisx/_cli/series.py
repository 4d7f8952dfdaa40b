"""What ``isx info`` says of several files: whether they make up one recording."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from openisx._cli.formatting import Formatted, length_text
from openisx._cli.terminal import one_line
from openisx._series import time_order
from openisx.errors import IsxSeriesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openisx._series import Part

__all__ = ["summary"]


def summary(found: Sequence[Part | None]) -> dict[str, Any]:
    """What to say of files of one kind as a series; empty if there is just one file, or they are of several kinds."""
    parts = [part for part in found if part]
    if len(found) < 2 or len(parts) < len(found) or len({part.kind for part in parts}) > 1:
        return {}
    try:
        order = time_order(parts)
    except IsxSeriesError as error:
        return {"files": [part.path for part in parts], "one recording": False, "because": one_line(error)}
    ordered = [parts[i] for i in order]
    paths = [part.path for part in ordered]
    if not all(part.knows_start for part in ordered):
        unknown = Formatted(None, "perhaps: the files fit together, but do not all tell when they start")
        return {"files": paths, "one recording": unknown}
    return {
        "files": paths,
        "one recording": True,
        "order": [i + 1 for i in order],
        "samples": sum(part.timing.num_samples for part in ordered),
        "dropped": sum(len(part.timing.dropped) for part in ordered),
        "recorded": _seconds(sum((part.duration for part in ordered), Fraction())),
        "first to last": _seconds(ordered[-1].end - ordered[0].start),
        "longest gap": _seconds(max(new.start - before.end for before, new in pairwise(ordered))),
    }


def _seconds(exact: Fraction) -> Formatted:
    return Formatted(float(exact), length_text(float(exact)))
