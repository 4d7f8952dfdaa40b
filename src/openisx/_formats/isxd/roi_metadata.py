"""What the metadata of cell sets and vessel sets hold for each ROI (docs/formats/cell-sets.md, docs/formats/vessel-sets.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from openisx.errors import IsxFormatError, IsxIndexError

if TYPE_CHECKING:
    from openisx._formats.json_reading import JsonObject

__all__ = ["STATUSES", "WHITE", "RoiTable", "efocus_values", "status_code"]

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


@dataclass
class RoiTable:
    """Names, statuses, activity and colours of the ROIs of a set; `noun` is 'cell' or 'vessel'."""

    noun: str
    names: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    active: list[bool] = field(default_factory=list)
    colors: list[int] = field(default_factory=list)

    @classmethod
    def from_json(cls, noun: str, members: JsonObject, version: int) -> RoiTable:
        """What the metadata of a file of layout `version` say."""
        prefix = noun.capitalize()
        names = members.strings(f"{prefix}Names")
        statuses = members.integers(f"{prefix}Statuses", -(2**31), 2**31 - 1)
        active = members.booleans(f"{prefix}Activity") if version >= 1 else []
        colors = members.integers(f"{prefix}Colors", 0, WHITE) if version >= 2 else []
        count = len(names)
        active = [*active[:count], *[True] * (count - len(active))]
        return cls(noun, list(names), statuses, active, colors or [WHITE] * count)

    def __len__(self) -> int:
        return len(self.names)

    def to_json(self) -> dict[str, Any]:
        """The four members of the metadata, with default names of equal width in place of empty ones."""
        prefix = self.noun.capitalize()
        width = len(str(max(len(self) - 1, 0)))
        return {
            f"{prefix}Activity": self.active,
            f"{prefix}Colors": self.colors,
            f"{prefix}Names": [name or f"{prefix[0]}{i:0{width}d}" for i, name in enumerate(self.names)],
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
        """Add a new ROI, or reset one that is replaced."""
        here = slice(index, index + 1)
        self.names[here], self.statuses[here] = [name], [_UNDECIDED]
        self.active[here], self.colors[here] = [True], [WHITE]

    def status(self, index: int, path: str) -> str:
        """Status of one ROI; IsxFormatError if the file holds one that does not exist."""
        code = self.statuses[index]
        if not 0 <= code < len(STATUSES):
            raise IsxFormatError(
                f"{path}: the status {code} of {self.noun} {index} is not one of 0 (accepted), 1 (undecided), "
                "2 (rejected)."
            )
        return STATUSES[code]

    def copy(self) -> RoiTable:
        """Independent copy."""
        return RoiTable(self.noun, [*self.names], [*self.statuses], [*self.active], [*self.colors])

    def require(self, index: int) -> int:
        """`index` if there is such a ROI, else :class:`IsxIndexError` with the vendor's text."""
        if not 0 <= index < len(self):
            shown = index % 2**64 if index < 0 else index
            raise IsxIndexError(
                f"{self.noun.capitalize()} index {shown} is too large. There are only {len(self)} {self.noun}s."
                + (f" ({index} was given; negative numbers do not count from the end.)" if index < 0 else "")
            )
        return index


def efocus_values(metadata: Mapping[str, Any]) -> list[int]:
    """Focal planes of the movies that a set came from, where its file does not list them."""
    extra = metadata.get("extraProperties")
    idps = extra.get("idps") if isinstance(extra, Mapping) else None
    value = idps.get("efocus") if isinstance(idps, Mapping) else None
    return [int(value) % 2**16] if isinstance(value, (int, float)) and math.isfinite(value) else [0]
