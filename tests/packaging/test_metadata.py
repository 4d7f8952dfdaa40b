"""What the index of packages shows."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://example.org/group/openisx"


@pytest.fixture
def hook() -> ModuleType:
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("metadata_hook", ROOT / ".ci" / "metadata_hook.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TEXT = "[a](docs/a.md) [b](https://b.org/c) [![D](docs/d.png)](docs/d.md) [e](#f) `x[0](1)`"


def test_links_become_absolute(hook: ModuleType) -> None:
    assert hook.absolute(TEXT, REPOSITORY) == (
        f"[a]({REPOSITORY}/blob/HEAD/docs/a.md) [b](https://b.org/c) "
        f"[![D]({REPOSITORY}/raw/HEAD/docs/d.png)]({REPOSITORY}/blob/HEAD/docs/d.md) [e](#f) `x[0](1)`"
    )
    assert hook.addresses(REPOSITORY)["Issues"] == f"{REPOSITORY}/issues"


def test_without_an_address_links_become_text(hook: ModuleType) -> None:
    assert hook.absolute(TEXT, "") == "a [b](https://b.org/c)  [e](#f) `x[0](1)`"
    assert hook.addresses("") == {}


def test_the_readme_has_no_links_that_fail_on_the_index(hook: ModuleType) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](docs/" in text
    for address in ("", REPOSITORY):
        shown = hook.absolute(text, address)
        assert "](docs/" not in shown
        assert "](CHANGELOG" not in shown
        assert "movie[:, 100:110, 200:210].mean(axis=(1, 2))" in shown


def test_the_wheel_holds_the_readme(ours: Path) -> None:
    with zipfile.ZipFile(ours) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = wheel.read(name).decode()
    assert "Description-Content-Type: text/markdown" in metadata
    assert "Read, write and export everything" in metadata
    assert "](docs/" not in metadata
    assert "Provides-Extra: test" not in metadata
