"""What the README and the guide promise is what is checked."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import isx

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="the project files are not here")


def _text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_has_one_command_each_for_the_demo_and_the_tests():
    commands = re.findall(r"^python3 -m venv .*$", _text("README.md"), re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith(".venv/bin/isx demo demo")
    assert commands[1].endswith(".venv/bin/pytest -q")


def test_continuous_integration_takes_its_commands_from_the_readme():
    script = _text(".ci/run")
    assert "grep -E '^python3 -m venv .*'\"$1\" README.md" in script
    assert "readme_command 'bin/isx demo demo$'" in script
    assert "readme_command 'bin/pytest -q$'" in script
    if os.name == "posix":
        assert os.access(ROOT / ".ci/run", os.X_OK)


def test_the_extras_in_texts_exist():
    project = _text("pyproject.toml")
    extras = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    known = set(re.findall(r"^(\w+) = \[", extras, re.MULTILINE))
    texts = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "src").rglob("*.py"),
        ROOT / ".ci/run",
    ]
    for path in texts:
        named = re.findall(r"(?:isx|\.)\[([a-z0-9,]+)\]\"", path.read_text(encoding="utf-8"))
        assert {extra for group in named for extra in group.split(",")} <= known, path


def test_the_changelog_tells_of_this_version():
    assert f"## {isx.__version__}" in _text("CHANGELOG.md")
