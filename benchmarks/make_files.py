"""Files to measure on, written without either package."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))


def write(path: Path, parts: Iterable[Any], metadata: dict[str, Any]) -> str:
    """An `.isxd` file with a body of `parts`, its metadata laid out as the vendor's software does."""
    text = json.dumps(metadata, indent=4, sort_keys=True).encode()
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
        file.write(text + b"\0" + struct.pack("<Q", len(text)))
    return str(path)
