"""Type checkers understand the public API: users need neither casts nor ``assert x is not None``."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import openisx

for library in ("matplotlib", "pandas"):
    pytest.importorskip(library)

PAGE = Path(__file__).with_name("public_api.py")
SOURCES = Path(openisx.__file__).parents[1]


def complaints(folder: Path, *command: str) -> str:
    """What a type checker says of a copy of the page."""
    copy = folder / PAGE.name
    shutil.copyfile(PAGE, copy)
    found = subprocess.run(
        [sys.executable, "-m", *command, str(copy)],
        env=os.environ | {"MYPYPATH": str(SOURCES), "PYTHONPATH": str(SOURCES)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout + found.stderr if found.returncode else ""


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_mypy(tmp_path):
    assert complaints(tmp_path, "mypy", "--strict", "--follow-imports=silent") == ""


@pytest.mark.skipif(importlib.util.find_spec("pyright") is None, reason="pyright is not installed")
def test_pyright(tmp_path):
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(SOURCES)]}))
    assert complaints(tmp_path, "pyright", "--pythonpath", sys.executable) == ""
