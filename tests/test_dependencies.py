"""Optional libraries that are missing or too old."""

from __future__ import annotations

from pathlib import Path

import pytest

import isx
from openisx import _dependencies as dependencies


def test_a_missing_library_names_the_extra():
    with pytest.raises(isx.IsxImportError, match=r'pip install "openisx\[video\]"'):
        dependencies.require("isx_no_such_library", "video")


@pytest.mark.parametrize("version", ["15.0.0", "16.1.0", "17.0.1", "17.0.0rc1"])
def test_versions_that_crash_are_refused(monkeypatch, version):
    av = pytest.importorskip("av")
    monkeypatch.setattr(av, "__version__", version)
    with pytest.raises(isx.IsxImportError, match=rf"needs av 17.1 or newer, and version {version}"):
        dependencies.require("av", "video")


@pytest.mark.parametrize("version", ["17.1.0", "17.10.0", "18.0.0rc1", "18.1.0"])
def test_versions_that_work_are_not(monkeypatch, version):
    av = pytest.importorskip("av")
    monkeypatch.setattr(av, "__version__", version)
    assert dependencies.require("av", "video") is av


def test_the_extra_brings_versions_that_work():
    project = Path(__file__).parents[1] / "pyproject.toml"
    if not project.exists():
        pytest.skip("the project files are not here")
    text = project.read_text(encoding="utf-8")
    for name, oldest in dependencies._OLDEST.items():
        assert f'"{name}>={".".join(map(str, oldest))}"' in text
