"""Arguments that several exports share."""

from __future__ import annotations

from openisx._progress import Progress, no_progress

__all__ = ["TIME_REFS", "Progress", "no_progress", "require_time_ref"]

TIME_REFS = ("start", "unix", "tsc")


def require_time_ref(time_ref: str) -> None:
    """Raise ValueError unless `time_ref` is one of `TIME_REFS`."""
    if time_ref not in TIME_REFS:
        raise ValueError(f"Unknown time_ref {time_ref!r}. Options are start, unix, tsc.")
