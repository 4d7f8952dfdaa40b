"""This package and the vendor's in one environment, in every order (docs/guide/installing.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders.environments import Environment, make_wheel
from openisx import _installation

ORDERS = [
    "+ours +theirs -theirs -ours",
    "+ours +theirs -ours -theirs",
    "+theirs +ours -theirs -ours",
    "+theirs +ours -ours -theirs",
    "+ours +theirs =ours =theirs -theirs",
    "+theirs +ours =theirs =ours -ours",
]


@pytest.mark.parametrize("order", ORDERS)
def test_every_order(fresh: Environment, ours: Path, theirs: Path, order: str) -> None:
    wheels = {"ours": ours, "theirs": theirs}
    installed: set[str] = set()
    for step in order.split():
        act, name = step[0], step[1:]
        if act == "-":
            fresh.uninstall({"ours": "openisx", "theirs": "isx"}[name])
            installed.remove(name)
        else:
            fresh.install(wheels[name], again=act == "=")
            installed.add(name)
        _check(fresh, installed)


def test_both_at_once(fresh: Environment, ours: Path, theirs: Path) -> None:
    fresh.install(ours, theirs)
    _check(fresh, {"ours", "theirs"})


def _check(fresh: Environment, installed: set[str]) -> None:
    by_name = "vendor" if "theirs" in installed else "openisx" if installed else "ModuleNotFoundError"
    by_own_name = "openisx" if "ours" in installed else "ModuleNotFoundError"
    imports, (lines, works, advice) = fresh.probe()
    assert imports == [by_name, by_own_name, by_name]
    assert len(list(fresh.bin.glob("*isx*"))) == (2 if "ours" in installed else 0)
    if "ours" in installed:
        assert works
        assert ("the vendor's package, isx 2.1.0, whole" in lines[-1]) == ("theirs" in installed)
        assert ("import isx is openisx" in lines[-1]) == ("theirs" not in installed)
        assert ("pip uninstall isx" in advice) == ("theirs" in installed)
    if not installed:
        left = [found.name for found in fresh.packages.iterdir() if found.name.startswith(("isx", "openisx"))]
        assert left == []


def test_commands(fresh: Environment, ours: Path, theirs: Path) -> None:
    fresh.install(ours)
    for arguments in (["-m", "isx"], ["-m", "openisx"]):
        assert fresh.run(fresh.python, *arguments, "--version").stdout.startswith("isx 3.")
    fresh.install(theirs)
    for name in ("isx", "openisx"):
        assert fresh.run(str(fresh.bin / name), "--version").stdout.startswith("isx 3.")
    status, said = fresh.doctor()
    assert status == 0
    assert "pip uninstall isx" in said
    assert "cannot be directly executed" in fresh.run(fresh.python, "-m", "isx", check=False).stderr


def test_the_files_of_the_two_are_disjoint(fresh: Environment, ours: Path, theirs: Path) -> None:
    fresh.install(ours)
    our_files = _files(fresh.packages)
    fresh.uninstall("openisx")
    fresh.install(theirs)
    assert our_files & _files(fresh.packages) == {"dependencies.pth"}


def _files(folder: Path) -> set[str]:
    return {found.relative_to(folder).as_posix() for found in folder.rglob("*") if found.is_file()}


@pytest.mark.parametrize("text", [None, "import nothing\n", ""])
def test_a_missing_or_changed_alias_is_written_anew(fresh: Environment, ours: Path, text: str | None) -> None:
    fresh.install(ours)
    alias = fresh.packages / "isx.py"
    if text is None:
        alias.unlink()
    else:
        alias.write_text(text, encoding="utf-8")
    status, said = fresh.doctor()
    assert status == 1
    assert "Run: openisx doctor --repair" in said
    assert fresh.imports()[1] == "openisx"
    status, said = fresh.doctor("--repair")
    assert status == 0
    assert f"{alias}: written" in said.replace("\n", "")
    assert alias.read_text(encoding="utf-8") == _installation.ALIAS
    assert fresh.imports() == ["openisx"] * 3


def test_a_folder_that_nobody_installed_is_put_out_of_the_way(fresh: Environment, ours: Path) -> None:
    fresh.install(ours)
    folder = fresh.packages / "isx"
    folder.mkdir()
    assert fresh.imports() == ["openisx"] * 3  # an empty folder hides nothing
    (folder / "__init__.py").write_text("Movie = None\n", encoding="utf-8")
    status, said = fresh.doctor()
    assert status == 1
    assert f"{folder} hides openisx. Run: openisx doctor --repair" in said
    assert fresh.doctor("--repair")[0] == 0
    assert (fresh.packages / "isx-unused" / "__init__.py").exists()
    assert fresh.imports() == ["openisx"] * 3


def test_a_damaged_vendor_package_is_told_and_left_alone(
    fresh: Environment, ours: Path, theirs: Path
) -> None:
    fresh.install(theirs, ours)
    (fresh.packages / "isx" / "util.py").unlink()
    for options in ((), ("--repair",)):
        status, said = fresh.doctor(*options)
        assert status == 1
        assert "1 of its files are missing or changed: isx/util.py" in said.replace("\\", "/")
        assert "pip install --force-reinstall --no-deps isx==2.1.0" in said
    assert (fresh.packages / "isx" / "__init__.py").exists()
    fresh.uninstall("isx")
    _check(fresh, {"ours"})


def test_repair_leaves_a_whole_vendor_package_alone(fresh: Environment, ours: Path, theirs: Path) -> None:
    fresh.install(theirs, ours)
    before = _files(fresh.packages / "isx")
    assert fresh.doctor("--repair")[0] == 0
    assert _files(fresh.packages / "isx") == before
    _check(fresh, {"ours", "theirs"})


def test_packages_that_require_isx_are_satisfied_by_a_note(
    fresh: Environment, ours: Path, theirs: Path, tmp_path: Path
) -> None:
    needing = make_wheel(tmp_path, "needs_isx", "1.0", {"needs_isx.py": "import isx\n"}, ("isx>=2.0",))
    exactly = make_wheel(tmp_path, "needs_exactly", "1.0", {"needs_exactly.py": ""}, ("isx==2.1.0",))
    fresh.install(ours)
    with pytest.raises(AssertionError, match="No matching distribution found for isx"):
        fresh.pip("install", "-q", "--no-index", str(needing))
    status, said = fresh.doctor("--satisfy-isx")
    assert status == 0
    assert "undo with: pip uninstall isx" in said
    fresh.pip("install", "-q", "--no-index", str(needing), str(exactly))
    assert "needs" not in fresh.complaints()
    assert fresh.imports() == ["openisx"] * 3
    assert "without code" in fresh.doctor()[1]
    assert fresh.doctor("--satisfy-isx")[0] == 1  # it is there already
    fresh.uninstall("isx")
    assert "needs-isx 1.0 requires isx" in fresh.complaints()
    _check(fresh, {"ours"})
    fresh.install(theirs)
    assert fresh.doctor("--satisfy-isx")[0] == 1
    _check(fresh, {"ours", "theirs"})


def test_the_note_goes_when_the_vendors_package_comes_and_tells_when_ours_is_gone(
    fresh: Environment, ours: Path, theirs: Path
) -> None:
    fresh.install(ours)
    fresh.doctor("--satisfy-isx")
    fresh.install(theirs, again=True)
    assert [found.name for found in fresh.packages.glob("isx-*info")] == ["isx-2.1.0.dist-info"]
    _check(fresh, {"ours", "theirs"})
    fresh.uninstall("isx")
    fresh.doctor("--satisfy-isx")
    fresh.uninstall("openisx")
    assert "isx 2.1.0+openisx requires openisx, which is not installed" in fresh.complaints()
