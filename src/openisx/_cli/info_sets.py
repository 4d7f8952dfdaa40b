"""What ``isx info`` tells of cell sets, event sets and vessel sets."""

from __future__ import annotations

from collections import Counter
from typing import Any

import openisx as isx  # noqa: TC001 - singledispatch reads the annotations
from openisx._cli.info import describe, session_section, spacing_facts, timing_section
from openisx._cli.values import Sections, Shown, size_fact

__all__: list[str] = []

_NAMED = 8  # names that are shown


@describe.register
def _cell_set(cells: isx.CellSet) -> Sections:
    assert cells.timing is not None
    assert cells.spacing is not None
    return {
        "cells": label_facts(cells.names, cells.statuses),
        "picture": {"size": size_fact(*cells.spacing.num_pixels), **spacing_facts(cells.spacing)},
        "timing": timing_section(cells.timing),
        "session": session_section(cells),
    }


@describe.register
def _event_set(events: isx.EventSet) -> Sections:
    assert events.timing is not None
    counts = [len(events.get_cell_data(i)[0]) for i in range(len(events.names))]
    seconds = events.timing.num_samples * events.timing.period.secs_float
    facts = label_facts(events.names, [])
    facts["events"] = sum(counts)
    if counts and seconds > 0:
        low, high = min(counts) / seconds, max(counts) / seconds
        facts["event rate"] = Shown([low, high], f"{low:.4g} to {high:.4g} Hz")
    return {
        "cells": facts,
        "timing": timing_section(events.timing),
        "session": session_section(events),
    }


@describe.register
def _vessel_set(vessels: isx.VesselSet) -> Sections:
    assert vessels.timing is not None
    assert vessels.spacing is not None
    facts = label_facts(vessels.names, vessels.statuses)
    facts["measured"] = vessels.get_vessel_set_type().name.lower().replace("_", " ")
    facts["heat maps"] = vessels.has_correlation_heatmaps()
    return {
        "vessels": facts,
        "picture": {"size": size_fact(*vessels.spacing.num_pixels), **spacing_facts(vessels.spacing)},
        "timing": timing_section(vessels.timing),
        "session": session_section(vessels),
    }


def label_facts(names: list[str], statuses: list[str]) -> dict[str, Any]:
    """Number, statuses and names of cells or vessels."""
    more = f", ... {names[-1]}" if len(names) > _NAMED else ""
    facts: dict[str, Any] = {"number": len(names)}
    counts = Counter(statuses)
    facts.update({status: counts[status] for status in ("accepted", "undecided", "rejected") if statuses})
    if names:
        facts["names"] = Shown(names, ", ".join(names[:_NAMED]) + more)
    return facts
