"""What ``isx info`` tells of compressed frames and of tracking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openisx._cli.values import Shown
from openisx._formats.base import EncodedSource

if TYPE_CHECKING:
    import openisx as isx

__all__ = ["tracking_section", "video_section"]


def video_section(movie: isx.Movie) -> dict[str, Any]:
    """How frames are encoded; empty where they are not."""
    source = movie._open_source()
    return {"codec": source.codec()} if isinstance(source, EncodedSource) else {}


def tracking_section(movie: isx.Movie) -> dict[str, Any]:
    """How often the tracker found something, and where the animal was."""
    tracking = movie.tracking
    if tracking is None:
        return {}
    count, total = int(tracking.detected.sum()), tracking.num_samples
    share = f" ({100 * count / total:.1f} %)" if total else ""
    facts: dict[str, Any] = {"found in": Shown(count, f"{count} of {total} frames{share}")}
    if count:
        mean = float(tracking.confidence[tracking.detected].mean(dtype=float))
        facts["mean confidence"] = Shown(mean, f"{mean:.1f} %")
    facts["zone events"] = len(tracking.events)
    inside = tracking.occupancy.sum(axis=0).tolist()
    facts["zones"] = [
        {
            "id": zone.id,
            "name": zone.name,
            "shape": zone.shape or "unknown",
            "enabled": zone.enabled,
            "frames inside": frames,
        }
        for zone, frames in zip(tracking.zones, inside, strict=True)
    ]
    return facts
