"""The one place that holds the version."""

import re

__version__ = "3.0.0"


def release(version: str = __version__) -> list[int]:
    """The three numbers of a version: [3, 0, 0] for 3.0.0, 3.0.0rc1 and 3.0.dev1 alike."""
    numbers = [int(part) for part in re.split(r"[^\d.]|\.(?!\d)", version)[0].split(".")]
    return [*numbers, 0, 0][:3]
