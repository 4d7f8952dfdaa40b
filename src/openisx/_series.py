"""Several files of one recording: their order in time, and whether they belong together.

Rules and messages are those of docs/formats/exports.md, Series.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._files.paths import canonical
from openisx._open import open as open_any
from openisx.cell_set import CellSet
from openisx.errors import IsxSeriesError
from openisx.event_set import EventSet
from openisx.gpio_set import GpioSet
from openisx.movie import Movie
from openisx.vessel_set import VesselSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from openisx.core._records import IsxRatio
    from openisx.core.spacing import Spacing
    from openisx.core.timing import Timing

__all__ = ["Part", "part_of", "sorted_by_time", "time_order"]

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
class Part:
    """What decides whether a file and others are one recording.

    Parameters
    ----------
    kind
        ``'movie'``, ``'cell set'``, ``'vessel set'``, ``'event set'`` or ``'GPIO set'``.
    path
        As the caller gave it, for error messages.
    timing
        Samples of the file; of a GPIO file its general timing.
    spacing, data_type
        Of movies; cell and vessel sets have a spacing.
    count
        Number of cells or vessels.
    names
        Of the cells of an event set, or of GPIO channels.
    content
        Vessel sets: what else must be equal (type of set, which data it holds).
    knows_start
        Whether the file tells when it starts; the timing of an ordinary video does not.
    in_memory
        Whether there is no file, so that `path` does not tell it from others.
    """

    kind: str
    path: str
    timing: Timing
    spacing: Spacing | None = None
    data_type: np.dtype[Any] | None = None
    count: int = 0
    names: tuple[str, ...] = ()
    content: tuple[Any, ...] = ()
    knows_start: bool = True
    in_memory: bool = False

    @property
    def start(self) -> Fraction:
        """Seconds from 1970 to the first sample."""
        return self.timing.start.secs_since_epoch.fraction

    @property
    def end(self) -> Fraction:
        """Seconds from 1970 to the end of the last sample."""
        return self.start + self.duration

    @property
    def duration(self) -> Fraction:
        """Seconds, missing samples included."""
        return self.timing.period.fraction * self.timing.num_samples


def part_of(opened: Any, path: str = "") -> Part | None:
    """What decides whether an open file fits others; None for images, of which there is no series.

    Parameters
    ----------
    opened
        What :func:`isx.open` gave.
    path
        As the caller gave it.
    """
    path = path or opened.file_path
    if isinstance(opened, Movie):
        known = "start" not in opened._open_source().assumed
        return Part(
            "movie", path, opened.timing, opened.spacing, opened.dtype,
            knows_start=known, in_memory=opened._open_source().path is None,
        )  # fmt: skip
    if isinstance(opened, CellSet):
        return Part("cell set", path, opened.timing, opened.spacing, count=opened.num_cells)
    if isinstance(opened, VesselSet):
        content = (opened.get_vessel_set_type(),)
        return Part(
            "vessel set", path, opened.timing, opened.spacing, count=opened.num_vessels, content=content
        )
    if isinstance(opened, EventSet):
        return Part("event set", path, opened.timing, names=tuple(opened.names))
    if isinstance(opened, GpioSet):
        return Part("GPIO set", path, opened.timing, names=tuple(opened.names))
    return None


def sorted_by_time(paths: Sequence[str]) -> list[str]:
    """Files of one recording in the order of their starts.

    Files that do not tell when they start (ordinary videos, older movies) stay in the order given.

    Raises
    ------
    IsxSeriesError
        The files are no recording: one is given twice, two overlap in time, or they differ in pixel type, size or
        cells. Gaps between files are fine. The message names the two files and says what is wrong.
    ValueError
        They are of different kinds, or one is an image.
    """
    if len(paths) == 1:
        return list(paths)
    parts: list[Part] = []
    for path in paths:
        opened = open_any(path)
        part = part_of(opened, path)
        opened.close()
        if part is None:
            raise ValueError(f"{path} is an image, which cannot be part of a recording of several files.")
        parts.append(part)
        if part.kind != parts[0].kind:
            raise ValueError(f"{path} and {paths[0]} are of different kinds.")
    return [paths[i] for i in time_order(parts)]


def time_order(parts: Sequence[Part]) -> list[int]:
    """Order of the files of one recording, all of one kind, in time: indices into `parts`.

    Raises
    ------
    IsxSeriesError
        Neighbours in time do not belong together.
    """
    order = list(range(len(parts)))
    by_file: dict[str, Part] = {}
    for part in parts:
        if not part.in_memory and by_file.setdefault(canonical(part.path), part) is not part:
            raise IsxSeriesError(f"{_OVERLAP}\n{part.path} is given twice.")
    if all(part.knows_start for part in parts):
        order.sort(key=lambda i: (parts[i].start, parts[i].timing.num_samples > 0))
    for before, new in pairwise(parts[i] for i in order):
        for check in _CHECKS[new.kind]:
            check(before, new)
    return order


def _mismatch(text: str, before: Part, new: Part, detail: str) -> IsxSeriesError:
    return IsxSeriesError(f"{text}\n{new.path} does not fit behind {before.path}: {detail}.")


def _check_data_type(before: Part, new: Part) -> None:
    if new.data_type != before.data_type:
        new_name, old_name = _type_name(new), _type_name(before)
        text = f"Unable to add data of type {new_name} to a series with data of type {old_name}."
        raise _mismatch(text, before, new, f"{new_name} is not {old_name}")


def _type_name(part: Part) -> str:
    return "float" if part.data_type == np.float32 else str(part.data_type)


def _check_count(before: Part, new: Part) -> None:
    if new.count != before.count:
        what, title = ("cells", "CellSet") if new.kind == "cell set" else ("vessels", "VesselSet")
        text = f"{title} series member with mismatching number of {what}."
        raise _mismatch(text, before, new, f"{new.count} {what} instead of {before.count}")


def _check_names(before: Part, new: Part) -> None:
    if new.names == before.names:
        return
    if len(new.names) != len(before.names):
        detail = f"{len(new.names)} names instead of {len(before.names)}"
    else:
        pairs = enumerate(zip(before.names, new.names, strict=True))
        i, (old, other) = next((i, pair) for i, pair in pairs if pair[0] != pair[1])
        detail = f"name {i} is {other!r} instead of {old!r}"
    title = "Events" if new.kind == "event set" else "GPIO"
    raise _mismatch(f"{title} series member with mismatching channels.", before, new, detail)


def _check_spacing(before: Part, new: Part) -> None:
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


def _check_content(before: Part, new: Part) -> None:
    if new.content != before.content:
        text = "VesselSet series member with mismatching data."
        raise _mismatch(text, before, new, "another type of vessel set, or other data stored with it")


def _check_time(before: Part, new: Part) -> None:
    if not (before.knows_start and new.knows_start):
        return
    if new.start < before.end and before.start < new.end:
        shared = float(min(before.end, new.end) - max(before.start, new.start))
        raise _mismatch(_OVERLAP, before, new, f"they share {shared:g} s")


#: What is compared between neighbours in time; the first difference decides the message.
_CHECKS: dict[str, tuple[Callable[[Part, Part], None], ...]] = {
    "movie": (_check_data_type, _check_spacing, _check_time),
    "cell set": (_check_count, _check_spacing, _check_time),
    "vessel set": (_check_count, _check_spacing, _check_time, _check_content),
    "event set": (_check_names, _check_time),
    "GPIO set": (_check_names, _check_time),
}
