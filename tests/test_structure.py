"""The rooms of the package import in one direction only, and what has a public path is public."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import isx
import openisx

SOURCE = Path(openisx.__file__).parent
DOCS = Path(__file__).parents[1] / "docs" / "api"

#: Each room may import from those above it and from itself. Rooms of one line do not know each other.
ORDER = (
    ("_version", "errors"),
    ("_dependencies", "core"),
    ("structures",),
    ("_files",),
    ("_formats",),
    ("_progress", "_checks", "_tables", "_pictures", "_indexing"),
    ("_views",),
    ("_data_set", "_gpio_channel", "_movie_writing", "_rois", "util"),
    ("_movie_views",),
    ("_roi_set",),
    ("movie", "cell_set", "vessel_set", "event_set", "gpio_set"),
    ("image",),
    ("_open", "recovery"),
    ("_series", "sync"),
    ("_session",),
    ("session",),
    ("export",),
    ("viz", "synthetic"),
    ("io", "_not_here"),
    ("__init__",),
    ("_isx", "_installation"),
    ("_cli",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))


def room_of(module: str) -> str:
    """First part of a module's path below the package; the package itself is ``__init__``."""
    return [*module.removeprefix("openisx").strip(".").split("."), ""][0] or "__init__"


def imported(tree: ast.AST):
    """Modules that a file imports anywhere but for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "_TYPE_CHECKING"):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            if node.module == "openisx":
                names = [alias.name.replace("__version__", "_version") for alias in node.names]
                yield from (f"openisx.{name}" for name in names)
            else:
                yield node.module or ""
        else:
            yield from imported(node)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_go_one_way(path):
    own = path.parts[0].removesuffix(".py")
    for module in imported(ast.parse((SOURCE / path).read_text(encoding="utf-8"))):
        top = module.split(".")[0]
        assert top != "isx", "the alias of the package is for its users"
        if top == "openisx":
            room = room_of(module)
            assert {room, own} <= set(RANK), "a new room needs a place in ORDER, and in docs/contributing.md"
            assert room == own or RANK[room] < RANK[own], f"{path} imports {module}"


def test_names_of_modules_in_texts_go_one_way():
    """Modules that are named in texts, to be imported later, are no way around the rule."""
    for path in MODULES:
        own = path.parts[0].removesuffix(".py")
        for room in re.findall(r'"openisx\.(\w+)[\w.]*:\w+"', (SOURCE / path).read_text(encoding="utf-8")):
            assert room == own or RANK[room] < RANK[own], (path, room)


def public_modules():
    parts = (path.with_suffix("").parts for path in MODULES)
    return [
        ".".join(name for name in names if name != "__init__")
        for names in parts
        if not any(name.startswith("_") for name in names if name != "__init__") and names != ("__init__",)
    ]


@pytest.mark.parametrize("name", public_modules())
def test_public_modules_hold_public_names(name):
    module = importlib.import_module(f"openisx.{name}")
    documented = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    whole = re.findall(r"^::: isx\.(\w+)$", documented, re.MULTILINE)
    for public in getattr(module, "__all__", ()):
        known = public in isx.__all__ and getattr(isx, public) is getattr(module, public)
        assert (
            known or name in whole or re.search(rf"^::: isx\.{name}\.{public}$", documented, re.MULTILINE)
        ), f"openisx.{name}.{public} is neither in isx.__all__ nor in the reference"
