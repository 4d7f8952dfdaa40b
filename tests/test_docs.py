"""What README and documentation show is run: Python blocks, and the commands of console blocks with their output."""

from __future__ import annotations

import contextlib
import doctest
import glob
import inspect
import io
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

import isx
import isx.synthetic

ROOT = Path(__file__).parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if path.exists()
}
pytestmark = [
    pytest.mark.skipif("README.md" not in PAGES, reason="the project files are not here"),
    pytest.mark.filterwarnings("ignore:.*decoding with Pillow:isx.IsxWarning"),
]

#: Files that pages use without making them, and the sample that stands for each.
NAMES = {
    "2024-03-12-10-15-30_video.isxd": "movie",
    "cells.isxd": "cells",
    "events.isxd": "events",
    "m.isxc": "compressed",
    "movie.isxd": "movie",
    "part1.isxd": "movie",
    "planes.isxd": "planes",
    "recording.isxd": "movie",
    "part2.isxd": "later movie",
    "session.gpio": "gpio",
    "session_camera.isxb": "behavior",
    "session_video.isxd": "movie",
    "velocities.isxd": "velocities",
}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)


def having(language: str) -> list[str]:
    return [page for page in PAGES if blocks(page, language)]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """The recording that the pages show."""
    files = isx.synthetic.write(tmp_path_factory.mktemp("recording"), isx.synthetic.Scene(num_frames=200))
    start = isx.Time._from_secs_since_epoch(isx.Duration.from_secs(1_800_000_000))
    later = isx.synthetic.Scene(num_frames=200, start=start)
    files["later movie"] = isx.synthetic.write(tmp_path_factory.mktemp("later"), later, ["movie"])["movie"]
    return files


def give(names, recording, folder):
    for name in names:
        shutil.copy(recording[NAMES[name]], folder / name)


@pytest.mark.parametrize("page", having("python"))
def test_python(page, recording, tmp_path, monkeypatch):
    for extra in ("av", "h5py", "matplotlib", "pandas"):
        pytest.importorskip(extra)
    monkeypatch.chdir(tmp_path)
    code = blocks(page, "python")
    makes_its_own = any("isx.synthetic.write" in block or ".write(" in block for block in code)
    read = {name for name in NAMES if f'"{name}"' in "".join(code)}
    give([] if makes_its_own else read, recording, tmp_path)
    scope: dict[str, object] = {}
    for block in code:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(block, page, "exec"), scope)
        for claim in re.findall(r"^ *print\(.*\)  # (.+)$", block, re.MULTILINE):
            assert claim in said.getvalue().splitlines(), block
    for name in list(scope):  # what is open is closed before the folder goes
        del scope[name]


@pytest.mark.parametrize("name", ["Movie", "CellSet", "EventSet", "VesselSet", "GpioSet", "synthetic"])
def test_examples_of_docstrings(name, recording, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    give(NAMES, recording, tmp_path)
    text = inspect.getdoc(getattr(isx, name)) or ""
    test = doctest.DocTestParser().get_doctest(text, {"isx": isx}, name, None, None)
    assert test.examples
    assert not doctest.DocTestRunner().run(test).failed


@pytest.mark.parametrize("page", having("console"))
def test_commands(page, recording, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from openisx._cli.app import app

    for extra in ("av", "matplotlib"):
        pytest.importorskip(extra)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    text = "".join(blocks(page, "console"))
    give([name for name in NAMES if name in text], recording, tmp_path)
    if re.search(r"\brecording\b(?!\.)", text):
        (tmp_path / "recording").mkdir()
        for name in ("movie", "gpio", "cells", "events"):
            shutil.copy(recording[name], tmp_path / "recording")
    for command, expected in re.findall(r"^\$ isx (.*)\n((?:[^$].*\n)*)", text, re.MULTILINE):
        line, _, redirected = command.partition(" > ")
        words = shlex.split(line.partition(" | ")[0], comments=True)
        arguments = [path for word in words for path in (sorted(glob.glob(word)) or [word])]
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, (command, result.stderr)
        if redirected:
            (tmp_path / redirected).write_text(result.stdout, encoding="utf-8")
        said = [line.rstrip() for line in result.stdout.splitlines()]
        shown = expected.splitlines()
        if shown and shown[-1] == "...":
            shown, said = shown[:-1], said[: len(shown) - 1]
        assert not shown or shown == said, command


def test_names_of_commands_and_options_exist():
    from typer.main import get_command

    from openisx._cli.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    for page, text in PAGES.items():
        for name, rest in re.findall(r"`isx ([a-z]+)([^`]*)`", text):
            assert name in commands, page
            known = {option for parameter in commands[name].params for option in parameter.opts}
            assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", rest)) <= known | {"--help"}, (
                page,
                name,
                rest,
            )


def test_names_in_texts_exist():
    for page, text in PAGES.items():
        for name in re.findall(r"\bisx\.([a-z_]+(?:\.[a-z_]+)*|[A-Z]\w*(?:\.\w+)?)\(", text):
            owner: Any = isx
            for part in name.split("."):
                owner = getattr(owner, part, None)
            assert owner is not None, (page, name)


def test_the_guide_names_every_command_and_every_export():
    from openisx._cli.app import app
    from openisx._cli.export import EXPORTERS

    page = PAGES["docs/guide/command-line.md"]
    for command in app.registered_commands:
        assert page.count(f"## `isx {command.name}") == 1
    for ending in {ending for _, ending in EXPORTERS} - {"tiff"}:  # named as tif
        assert f"`.{ending}`" in page, ending


def test_the_guide_names_every_sample():
    page = PAGES["docs/guide/samples.md"]
    for sample in isx.synthetic.SAMPLES:
        assert f"| `{sample.name}` | `...{sample.suffix}` |" in page


def test_every_module_of_a_format_is_documented():
    pages = "".join(text for page, text in PAGES.items() if page.startswith("docs/formats/"))
    from openisx._formats import registry as opening

    for ending in (ending for row in opening.FORMATS for ending in row.extensions):
        assert f"`.{ending}`" in pages, ending


def test_the_reference_holds_every_public_name():
    pages = "".join(text for page, text in PAGES.items() if page.startswith("docs/api/"))
    named = set(re.findall(r"^::: isx\.(\w+)$", pages, re.MULTILINE)) | set(isx.errors.__all__)
    modules = {"_internal", "core", "errors", "io", "structures", "util", "__version__"}
    assert set(isx.__all__) - modules - named == set()


def test_every_page_is_in_the_menu():
    listed = set(re.findall(r"[\w./-]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert listed == {page.removeprefix("docs/") for page in PAGES if page != "README.md"}


def _callables():
    """Public functions, and the methods of public classes."""
    for name in sorted({*isx.__all__, "open"}):
        member = getattr(isx, name)
        if inspect.isclass(member):
            for attribute, value in vars(member).items():
                function = getattr(value, "__func__", value)
                if inspect.isfunction(function) and not attribute.startswith("_"):
                    yield pytest.param(function, id=f"{name}.{attribute}")
        elif inspect.isfunction(member):
            yield pytest.param(member, id=name)


@pytest.mark.parametrize("function", list(_callables()))
def test_docstrings_name_every_parameter(function):
    text = inspect.getdoc(function) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=\n\n\w+\n---|\Z)", text, re.MULTILINE | re.DOTALL)
    described = re.findall(r"^[\w*, ]+", section[1], re.MULTILINE) if section else []
    named = {name.strip(" *") for line in described for name in line.split(",")}
    assert text
    assert set(inspect.signature(function).parameters) - {"self", "cls"} <= named
