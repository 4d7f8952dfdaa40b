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
        named = re.findall(r"(?:openisx|\.)\[([a-z0-9,]+)\]\"", path.read_text(encoding="utf-8"))
        assert not re.search(r"""["' ]isx\[[a-z]""", path.read_text(encoding="utf-8")), path
        assert {extra for group in named for extra in group.split(",")} <= known, path


def test_the_pythons_that_texts_name_are_those_of_the_metadata():
    project = _text("pyproject.toml")
    versions = re.findall(r"Python :: (3\.\d+)", project)
    oldest, newest = versions[0], versions[-1]
    assert f'requires-python = ">={oldest}"' in project
    assert f'python_version = "{oldest}"' in project
    assert f'target-version = "py{oldest.replace(".", "")}"' in project
    assert f"Python {oldest} to {newest}" in _text("README.md")
    assert f"| Python | 3.9 to 3.13 | {oldest} to {newest}" in _text("docs/guide/moving.md")
    assert f"with Python {oldest} or newer" in _text("docs/index.md")
    matrix = re.search(r"python: (\[.*\])", _text(".github/workflows/ci.yml"))
    assert matrix
    assert re.findall(r"3\.\d+", matrix[1]) == versions


def test_the_changelog_tells_of_this_version():
    assert f"## {isx.__version__}" in _text("CHANGELOG.md")


def test_actions_are_pinned_by_commit():
    for workflow in (ROOT / ".github/workflows").glob("*.yml"):
        for use in re.findall(r"uses: (.*)", workflow.read_text(encoding="utf-8")):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", use), (workflow, use)
