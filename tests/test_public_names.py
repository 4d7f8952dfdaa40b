"""The names of the package: complete, and imported only when used."""

from __future__ import annotations

import ast
import builtins
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import isx
import isx.io
import openisx
from openisx import _installation, _isx


def test_all_names_resolve():
    for module in (isx, isx.io, isx.core, isx.util):
        assert list(module.__all__) == sorted(module.__all__, key=_ruff_order)
        assert all(hasattr(module, name) for name in module.__all__)
    assert set(isx.io.__all__) | set(isx.core.__all__) | set(isx.util.__all__) < set(isx.__all__)
    assert all(getattr(isx, name) is getattr(isx.io, name) for name in isx.io.__all__)


def _ruff_order(name):
    kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2
    return kind, name


def test_type_checkers_see_what_is_imported_late():
    tree = ast.parse(Path(openisx.__file__).read_text(encoding="utf-8"))
    late = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        for statement in node.body
        if isinstance(statement, ast.ImportFrom) and statement.module == "openisx.io"
        for alias in statement.names
    }
    assert late == {"*"}  # which stands for isx.io.__all__


def test_importing_all_names_leaves_open_alone():
    scope: dict[str, object] = {}
    exec("from isx import *", scope)
    assert scope.get("open", builtins.open) is builtins.open
    assert scope["Movie"] is isx.Movie


@pytest.mark.parametrize("path", sorted(Path(_isx.__path__[0]).glob("[!_]*.py")), ids=lambda path: path.stem)
def test_the_vendors_module_paths_are_the_modules_of_openisx(path):
    assert importlib.import_module(f"isx.{path.stem}") is importlib.import_module(f"openisx.{path.stem}")
    stub = Path(openisx.__file__).parents[1] / "isx-stubs" / f"{path.stem}.pyi"
    assert stub.read_text(encoding="utf-8").startswith(f"from openisx.{path.stem} import *\n")


def test_the_alias():
    assert Path(isx.__file__).read_text(encoding="utf-8") == _installation.ALIAS
    assert isx._internal is importlib.import_module("isx._internal") is openisx._internal
    assert dir(isx) == dir(openisx)
    assert isx.__version__ == openisx.__version__


def test_unknown_names():
    with pytest.raises(AttributeError, match=r"module 'isx' has no attribute 'nonsense'$"):
        isx.nonsense  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(isx, "open_any")


def test_listing_shows_public_names_only():
    modules = {"structures", "sync", "synthetic", "viz"}
    for package in (isx, openisx):
        assert set(dir(package)) == {*isx.__all__, *modules, "open"}
        assert all(getattr(package, name) is not None for name in dir(package))


@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("auto_accept_reject", "CellSet.set_cell_statuses"),
        ("deconvolve_cellset", "OASIS"),
        ("event_detection", "isx.EventSet.write"),
        ("longitudinal_registration", "CellReg"),
        ("motion_correct", "CaImAn"),
        ("multiplane_registration", "CellSet.footprints"),
        ("pca_ica", "suite2p"),
        ("preprocess", ".bin(space=2"),
        ("run_cnmfe", "CaImAn"),
        ("spatial_filter", "isx.Movie.map"),
        ("trim_movie", "isx.Movie.trim"),
    ],
)
def test_names_of_the_desktop_program_say_where_their_job_is_done(name, job):
    assert not hasattr(isx, name)
    assert name not in {*dir(isx), *isx.__all__}
    with pytest.raises(AttributeError, match=f"has no attribute '{name}': .*{re.escape(job)}"):
        getattr(isx, name)


@pytest.mark.parametrize(
    "use", ["isx.Movie", "isx.io.Movie", "isx.open", "isx.export_movie_to_tiff", "isx._is_with_algos"]
)
def test_a_fresh_import_is_light(use):
    heavy = {
        "typer",
        "rich",
        "click",
        "matplotlib",
        "tifffile",
        "pandas",
        "h5py",
        "PIL",
        "av",
        "defusedxml",
        "numba",
    }
    code = (
        f"import sys, isx; early = 'openisx.movie' in sys.modules; {use}; import isx.io; "
        f"print(early, sorted({heavy!r} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout == "False []\n"
