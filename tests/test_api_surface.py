"""Names, parameters and defaults of the vendor's package, as `data/api/api-surface.json` lists them."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx

SURFACE = json.loads((Path(__file__).parent / "data" / "api" / "api-surface.json").read_text())["names"]
CALLABLES = {name: entry for name, entry in SURFACE.items() if entry["kind"] == "function"}
MEMBERS = [
    (owner, name)
    for owner, entry in SURFACE.items()
    if entry["kind"] == "class"
    for name, member in entry["members"].items()
    if member["kind"] in ("method", "classmethod", "property") and not name.startswith("__")
]


def found(name: str) -> Any:
    return getattr(isx, name)


def assert_default(given: Any, listed: str) -> None:
    kind, _, text = listed.partition(":")
    if kind == "type":
        assert np.dtype(given) == np.dtype(text)
    elif kind == "isx":  # the vendor's are shared objects; ours are made per call
        assert given is None
    else:
        value = ast.literal_eval(text)
        assert (list(given) if isinstance(value, list) else given) == value


def assert_parameters(function: Any, listed: list[dict[str, Any]]) -> None:
    """The listed parameters in order; ours may have more that are keyword-only."""
    parameters = list(inspect.signature(function).parameters.values())
    more = parameters[len(listed) :]
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in more)
    assert [p.name for p in parameters[: len(listed)]] == [p["name"] for p in listed]
    for mine, theirs in zip(parameters, listed, strict=False):
        assert mine.kind.name == theirs["kind"]
        if theirs["has_default"]:  # others may have become optional
            assert_default(mine.default, theirs["default"])


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_functions(name):
    assert_parameters(found(name), CALLABLES[name]["signature"])


@pytest.mark.parametrize(("owner", "name"), MEMBERS)
def test_members(owner, name):
    cls = found(owner)
    listed = SURFACE[owner]["members"][name]
    member = inspect.getattr_static(cls, name)
    if listed["kind"] == "property":
        assert isinstance(member, property)
        assert (member.fset is not None) == listed["settable"]
    elif listed["kind"] == "classmethod":
        assert isinstance(member, classmethod)
        assert_parameters(getattr(cls, name), listed["signature"])
    else:
        assert_parameters(member, listed["signature"])


@pytest.mark.parametrize("name", [name for name, entry in SURFACE.items() if entry["kind"] == "class"])
def test_constructors(name):
    assert_parameters(found(name).__init__, SURFACE[name]["members"]["__init__"]["signature"])


@pytest.mark.parametrize("module", ["core", "io", "util", "_internal"])
def test_modules_are_attributes(module):
    assert inspect.ismodule(getattr(isx, module))


def test_every_name_is_where_the_vendor_has_it():
    homes = {isx.core: ("Duration", "Time", "Timing", "Spacing")}
    for home, names in homes.items():
        for name in names:
            assert getattr(home, name) is getattr(isx, name)
    util = ("get_file_stem", "get_file_extension", "make_output_file_path", "make_output_file_paths")
    for name in SURFACE:
        if SURFACE[name]["kind"] not in ("class", "function") or not hasattr(isx, name):
            continue
        home = isx.core if name in homes[isx.core] else isx.io
        home = isx.util if name in (*util, "verify_deinterleave") else home
        assert getattr(home, name) is getattr(isx, name), name


def test_version_and_flag():
    assert isx.__version__
    assert isx._is_with_algos == 0
