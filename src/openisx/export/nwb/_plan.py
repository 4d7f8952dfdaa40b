"""What of a session becomes which object of an NWB file (docs/formats/nwb.md); needs no pynwb."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from openisx._series import time_order
from openisx.errors import IsxSeriesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openisx.session import Session, SessionItem

__all__ = ["Group", "Names", "Plan", "Plane", "plan_of"]


class Names:
    """Unique names within a group of the file: a number is put behind repeated ones."""

    def __init__(self) -> None:
        self._used: dict[str, set[str]] = {}

    def __call__(self, group: str, name: str) -> str:
        """`name` such that files can hold it, unlike all others in `group`."""
        plain = "".join(c for c in re.sub(r"[/\\:]", "_", name) if c.isprintable()) or "unnamed"
        used = self._used.setdefault(group, set())
        unique, number = plain, 1
        while unique in used:
            number += 1
            unique = f"{plain}_{number}"
        used.add(unique)
        return unique


@dataclass(eq=False)
class Plane:
    """One electronic focus and colour.

    Attributes
    ----------
    suffix
        What names of objects of this plane end in; empty if there is only one.
    key
        Of its metadata.
    """

    efocus: int | None
    channel: str | None
    suffix: str = ""
    key: str = "inscopix_imaging"
    items: list[SessionItem] = field(default_factory=list)


@dataclass(eq=False)
class Group:
    """Items that become one object: the files of one movie, of one cell set."""

    items: list[SessionItem]
    plane: Plane
    name: str = ""
    key: str = ""

    @property
    def first(self) -> SessionItem:
        """The earliest."""
        return self.items[0]


@dataclass(eq=False)
class Plan:
    """Everything that is written, in order."""

    session: Session
    planes: list[Plane]
    movies: list[Group]
    cells: list[Group]
    events: list[Group]
    vessels: list[Group]
    videos: list[list[SessionItem]]
    left_out: list[str] = field(default_factory=list)


def plan_of(session: Session) -> Plan:
    """Plan the file of a session."""
    plan = Plan(session, _planes(session), [], [], [], [], [])
    names = Names()
    for group in _grouped(session.movies, plan.planes):
        group.name, group.key = _movie_names(group, names)
        plan.movies.append(group)
    for group in _grouped(session.cells, plan.planes, first_plain=True):
        suffix = group.plane.suffix if plan.cells else ""
        group.name = names("segmentations", f"PlaneSegmentation{suffix}")
        group.key = _numbered("inscopix_segmentation", len(plan.cells))
        plan.cells.append(group)
    for group in _grouped(session.events, plan.planes):
        group.name = names("events", f"CellEvents{group.plane.suffix}")
        plan.events.append(group)
    for item in session.vessels:
        plan.vessels.append(Group([item], _plane_of(item, plan.planes)))
    plan.videos = [group.items for group in _grouped(session.behavior, [Plane(None, None)])]
    return plan


def _numbered(name: str, count: int) -> str:
    return name if not count else f"{name}_{count + 1}"


def _planes(session: Session) -> list[Plane]:
    """Distinct focuses and colours; items that tell neither belong to the only plane, or to one of their own."""
    items = [*session.movies, *session.cells, *session.events, *session.vessels]
    keys = sorted(
        {(item.efocus, item.channel) for item in items} - {(None, None)},
        key=lambda k: (k[0] or 0, k[1] or ""),
    )
    planes = [Plane(efocus, channel) for efocus, channel in keys]
    vague = [item for item in items if (item.efocus, item.channel) == (None, None)]
    if len(planes) != 1 and vague:
        planes.append(Plane(None, None))
    several_focuses, several_channels = (
        len({p.efocus for p in planes}) > 1,
        len({p.channel for p in planes}) > 1,
    )
    for plane in planes:
        channel = (plane.channel or "").capitalize() if several_channels else ""
        focus = f"Efocus{plane.efocus}" if several_focuses and plane.efocus is not None else ""
        plane.suffix = channel + focus
        told = [plane.channel if channel else "", f"efocus_{plane.efocus}" if focus else ""]
        plane.key = "_".join(["inscopix_imaging", *filter(None, told)])
    for item in items:
        _plane_of(item, planes).items.append(item)
    return planes


def _plane_of(item: SessionItem, planes: Sequence[Plane]) -> Plane:
    for plane in planes:
        if (plane.efocus, plane.channel) == (item.efocus, item.channel):
            return plane
    return planes[-1] if len(planes) > 1 else planes[0]


def _grouped(
    items: Sequence[SessionItem], planes: Sequence[Plane], *, first_plain: bool = False
) -> list[Group]:
    """Items of one plane and role that continue each other, in order of time."""
    groups: list[Group] = []
    for item in sorted(items, key=lambda item: (item.role == "processed", item.start)):
        plane = _plane_of(item, planes) if len(planes) > 1 or planes[0].items else planes[0]
        group = next((g for g in groups if g.plane is plane and _continues(g.items[-1], item)), None)
        if group is None:
            groups.append(Group([item], plane))
        else:
            group.items.append(item)
    return groups


def _continues(before: SessionItem, item: SessionItem) -> bool:
    first, second = before._place.file.series, item._place.file.series
    if first is None or second is None or before.role != item.role or before.path == item.path:
        return False
    if not (first.knows_start and second.knows_start):
        return False
    try:
        return time_order([first, second]) == [0, 1]
    except IsxSeriesError:
        return False


def _movie_names(group: Group, names: Names) -> tuple[str, str]:
    suffix = group.plane.suffix
    if group.first.role == "processed":
        name = names("processed", f"ProcessedOnePhotonSeries{suffix}")
        key = group.plane.key.replace("inscopix_imaging", "inscopix_processed")
    else:
        name, key = names("acquisition", f"OnePhotonSeries{suffix}"), group.plane.key
    number = re.search(r"_(\d+)$", name)
    return name, key + (number[0] if number else "")


def source_names(items: Sequence[SessionItem]) -> str:
    """Names of the files, without folders."""
    return ", ".join(dict.fromkeys(os.path.basename(item.path) for item in items))


def extra_of(item: SessionItem) -> Any:
    """The session metadata of the file of an item."""
    return item._place.file.extra
