"""What the README and the guide promise is what is checked."""

from __future__ import annotations

import os
import re
import warnings
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


def _blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", _text(page), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "page",
    [
        "docs/guide/quickstart.md",
        "docs/guide/movies.md",
        "docs/guide/behavior-movies.md",
        "docs/guide/samples.md",
        "docs/guide/sets.md",
        "docs/guide/gpio-and-imu.md",
        "docs/guide/exporting-sets.md",
    ],
)
def test_the_examples_of_the_guide_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    with warnings.catch_warnings():
        for block in _blocks(page):
            exec(compile(block, page, "exec"), scope)
    if page.endswith("quickstart.md"):
        assert "File does not exist: missing.isxd" in capsys.readouterr().out
        assert scope["frame"].shape == (200, 320)
        assert not scope["dropped"].any()
        assert scope["frame"].any()
        assert len(scope["trace"]) == scope["valid"].sum() == 197


def test_the_guide_names_every_command_and_every_export():
    from isx.cli.app import app
    from isx.cli.export import EXPORTERS

    page = _text("docs/guide/command-line.md")
    for command in app.registered_commands:
        assert f"## `isx {command.name}" in page
    for ending in {ending for _, ending in EXPORTERS} - {"tiff"}:  # named as tif
        assert f"`.{ending}`" in page, ending


def test_the_reference_holds_every_public_name():
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/api").glob("*.md"))
    named = set(re.findall(r"^::: isx\.(\w+)$", pages, re.MULTILINE)) | set(isx.errors.__all__)
    modules = {"_internal", "core", "io", "util", "__version__"}
    assert set(isx.__all__) - modules - named == set()


def test_every_page_is_in_the_menu():
    listed = set(re.findall(r"[\w./-]+\.md", _text("mkdocs.yml")))
    assert listed == {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
