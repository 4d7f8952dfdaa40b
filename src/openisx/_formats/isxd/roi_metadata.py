"""What the metadata of cell sets and vessel sets hold for each cell or vessel (spec 03, section 2; spec 05, section 2).

With X for ``Cell`` or ``Vessel``:

================  =====================================================================  =============
member            content                                                                since version
================  =====================================================================  =============
``XNames``        names; empty ones get a default name when the metadata are written     0
``XStatuses``     0 accepted, 1 undecided, 2 rejected                                    0
``XActivity``     whether the cell is active in this member of a series; ``[]`` = all    1
``XColors``       0xAARRGGBB; ``[]`` = all opaque white                                  2
================  =====================================================================  =============
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from openisx.errors import IsxFormatError, IsxIndexError

if TYPE_CHECKING:
    from openisx._formats.json_reading import JsonObject

__all__ = ["STATUSES", "WHITE", "Labels", "efocus_values", "padded_name", "status_code"]

#: Name of each status code.
STATUSES = ("accepted", "undecided", "rejected")
#: Default display colour.
WHITE = 0xFFFFFFFF

_UNDECIDED = 1


def status_code(status: str, noun: str) -> int:
    """Code of a status; ValueError unless it is one of `STATUSES`. `noun` is 'cell' or 'vessel'."""
    if status not in STATUSES:
        raise ValueError(f"Unknown {noun}_status {status!r}. Options are {', '.join(STATUSES)}.")
    return STATUSES.index(status)


def padded_name(index: int, count: int, letter: str) -> str:
    """Name of an unnamed cell: all names of a set are equally wide (spec 03, section 4.1)."""
    return f"{letter}{index:0{len(str(max(count - 1, 0)))}d}"


@dataclass
class Labels:
    """Names, statuses, activity and colours of the cells or vessels of a set.

    Parameters
    ----------
    noun
        'cell' or 'vessel'.
    """

    noun: str
    names: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    active: list[bool] = field(default_factory=list)
    colors: list[int] = field(default_factory=list)

    @classmethod
    def from_json(cls, noun: str, members: JsonObject, version: int) -> Labels:
        """Labels in the metadata of a file of layout `version`."""
        prefix = noun.capitalize()
        names = members.strings(f"{prefix}Names")
        statuses = members.integers(f"{prefix}Statuses", -(2**31), 2**31 - 1)
        active = members.booleans(f"{prefix}Activity") if version >= 1 else []
        colors = members.integers(f"{prefix}Colors", 0, WHITE) if version >= 2 else []
        count = len(names)
        return cls(
            noun,
            names,
            statuses,
            [*active[:count], *[True] * (count - len(active))],
            colors or [WHITE] * count,
        )

    def __len__(self) -> int:
        return len(self.names)

    def to_json(self) -> dict[str, Any]:
        """The four members, with default names in place of empty ones."""
        prefix = self.noun.capitalize()
        letter, count = prefix[0], len(self)
        return {
            f"{prefix}Activity": self.active,
            f"{prefix}Colors": self.colors,
            f"{prefix}Names": [name or padded_name(i, count, letter) for i, name in enumerate(self.names)],
            f"{prefix}Statuses": self.statuses,
        }

    def require_next(self, index: int, *, may_append: bool) -> None:
        """ValueError unless `index` can be set: it is there, or the next one where adding is allowed."""
        if not 0 <= index < len(self) + may_append:
            raise ValueError(
                f"Writing {self.noun} indexes out of order is unsupported. {index} was given, and there are "
                f"{len(self)} {self.noun}s"
                + (". " if may_append else "; a finished set can have them replaced, but none added.")
            )

    def put(self, index: int, name: str) -> None:
        """Add a new cell, or reset one that is replaced."""
        if index == len(self):
            self.names.append(name)
            self.statuses.append(_UNDECIDED)
            self.active.append(True)
            self.colors.append(WHITE)
        else:
            self.names[index] = name
            self.statuses[index] = _UNDECIDED
            self.active[index] = True
            self.colors[index] = WHITE

    def status(self, index: int, path: str) -> str:
        """Status of one cell.

        Raises
        ------
        IsxFormatError
            The file holds a status that does not exist.
        """
        code = self.statuses[index]
        if not 0 <= code < len(STATUSES):
            raise IsxFormatError(
                f"{path}: the status {code} of {self.noun} {index} is not one of 0 (accepted), 1 (undecided), "
                "2 (rejected)."
            )
        return STATUSES[code]

    def copy(self) -> Labels:
        """Independent copy."""
        return Labels(self.noun, [*self.names], [*self.statuses], [*self.active], [*self.colors])

    def require(self, index: int) -> int:
        """`index` if there is such a cell, else :class:`IsxIndexError` with the vendor's text."""
        if not 0 <= index < len(self):
            shown = index % 2**64 if index < 0 else index
            raise IsxIndexError(
                f"{self.noun.capitalize()} index {shown} is too large. There are only {len(self)} {self.noun}s."
                + (f" ({index} was given; negative numbers do not count from the end.)" if index < 0 else "")
            )
        return index


def efocus_values(metadata: Mapping[str, Any]) -> list[int]:
    """Focal planes of the movies that a set came from, where its file does not list them (spec 03, section 2)."""
    extra = metadata.get("extraProperties")
    idps = extra.get("idps") if isinstance(extra, Mapping) else None
    value = idps.get("efocus") if isinstance(idps, Mapping) else None
    return [int(value) % 2**16] if isinstance(value, (int, float)) and math.isfinite(value) else [0]
