"""Whose files ``import isx`` takes: this package's ``isx.py``, the vendor's folder ``isx``, or none that work.

Only names, sizes and hashes of foreign files are looked at, and nothing of them is imported. The cases are in
docs/guide/installing.md.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.machinery
import os
import sys
from importlib import metadata
from typing import NamedTuple

from openisx._version import __version__
from openisx.errors import IsxStateError

__all__ = ["Diagnosis", "diagnose", "repair", "satisfy_isx"]

#: The whole of ``isx.py``; the code behind it is in ``openisx._isx``, so that this text need never change.
ALIAS = '''\
"""The package :mod:`openisx` under the vendor's name; the command ``openisx doctor`` tells whose ``isx`` is imported."""

from openisx._isx import __all__, __dir__, __getattr__, __path__, __version__  # noqa: F401

if __name__ == "__main__":
    from openisx._cli import main

    main()
'''

#: The version of the vendor's package that this one stands in for, marked as not being it.
STAND_IN = "2.1.0+openisx"


class Diagnosis(NamedTuple):
    """What was found."""

    lines: list[str]
    #: Whether ``import isx`` gives a whole package.
    works: bool
    #: What to run, or empty.
    advice: str


def diagnose() -> Diagnosis:
    """Find out what ``import isx`` takes, without importing it."""
    lines = [f"openisx {__version__} is in {_package()}", *_registered()]
    spec = importlib.machinery.PathFinder.find_spec("isx")
    origin = spec and spec.origin
    if not origin:
        return Diagnosis([*lines, "import isx finds nothing."], False, f"{_alias()} is missing. {_REPAIR}")
    if os.path.basename(origin) == "isx.py":
        if _text(origin) == ALIAS:
            return Diagnosis([*lines, f"import isx is openisx, by {origin}"], True, "")
        lines.append(f"import isx is neither openisx nor the vendor's package: {origin}")
        ours = _same(origin, _alias())
        return Diagnosis(
            lines, False, f"{origin} was changed. {_REPAIR}" if ours else f"Rename {origin}, or remove it."
        )
    owner = _owner(origin)
    if owner is None:
        lines.append(f"import isx is a folder that no installed package lists: {os.path.dirname(origin)}")
        return Diagnosis(lines, False, f"{os.path.dirname(origin)} hides openisx. {_REPAIR}")
    name = f"the vendor's package, isx {owner.version}"
    damaged = _damaged(owner)
    if damaged:
        lines.append(
            f"import isx is {name}, but {len(damaged)} of its files are missing or changed: {damaged[0]}, ..."
        )
        return Diagnosis(
            lines,
            False,
            f"For openisx under the name isx, run: pip uninstall isx. To mend the vendor's package, run: pip install "
            f"--force-reinstall --no-deps isx=={owner.version}",
        )
    lines.append(f"import isx is {name}, whole, in {os.path.dirname(origin)}")
    return Diagnosis(
        lines,
        True,
        "import openisx is this package. To have it under the name isx, too, run: pip uninstall isx",
    )


_REPAIR = "Run: openisx doctor --repair"


def repair() -> list[str]:
    """Make ``import isx`` work if it does not; says what was done."""
    done = []
    spec = importlib.machinery.PathFinder.find_spec("isx")
    origin = (spec and spec.origin) or ""
    folder = os.path.dirname(origin)
    if os.path.basename(origin) == "__init__.py" and _owner(origin) is None and _same(folder, _alias()[:-3]):
        aside = f"{folder}-unused"
        while os.path.exists(aside):
            aside += "-"
        os.rename(folder, aside)
        done.append(f"{folder}: renamed to {os.path.basename(aside)}")
    if _text(_alias()) != ALIAS:
        with open(_alias(), "w", encoding="utf-8", newline="\n") as file:
            file.write(ALIAS)
        done.append(f"{_alias()}: written")
    importlib.invalidate_caches()
    return done


def satisfy_isx() -> str:
    """Register a distribution ``isx`` without code, as package managers do; returns its folder.

    Raises
    ------
    IsxStateError
        A distribution of this name is installed.
    """
    for distribution in _distributions():
        raise IsxStateError(f"A distribution isx {distribution.version} is installed already.")
    name = f"isx-{STAND_IN}.dist-info"
    folder = os.path.join(os.path.dirname(_package()), name)
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: isx\nVersion: {STAND_IN}\nRequires-Dist: openisx\n"
        "Summary: No code: says that openisx stands in for the vendor's package\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: openisx\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "INSTALLER": "openisx\n",
    }
    files["RECORD"] = "".join(f"{name}/{file},,\n" for file in (*files, "RECORD"))
    os.mkdir(folder)
    for file, text in files.items():
        with open(os.path.join(folder, file), "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    return folder


def _package() -> str:
    return os.path.dirname(os.path.abspath(__file__))


def _alias() -> str:
    return os.path.join(os.path.dirname(_package()), "isx.py")


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(len(ALIAS) + 1)
    except FileNotFoundError:
        return None


def _same(path: str, other: str) -> bool:
    return os.path.normcase(os.path.realpath(path)) == os.path.normcase(os.path.realpath(other))


def _distributions() -> list[metadata.Distribution]:
    return list(metadata.distributions(name="isx", path=sys.path))


def _registered() -> list[str]:
    return [
        f"a distribution isx {found.version} without code satisfies packages that require isx"
        for found in _distributions()
        if found.version == STAND_IN
    ]


def _owner(origin: str) -> metadata.Distribution | None:
    """The installed distribution that lists the file `origin`."""
    for found in _distributions():
        for file in found.files or ():
            if (
                file.name == "__init__.py"
                and len(file.parts) == 2
                and _same(str(found.locate_file(file)), origin)
            ):
                return found
    return None


def _damaged(distribution: metadata.Distribution) -> list[str]:
    """The files of a distribution that are not as they were installed."""
    damaged = []
    for file in distribution.files or ():
        path = str(distribution.locate_file(file))
        if file.hash is None:
            continue  # compiled code, and the list itself
        try:
            with open(path, "rb") as stream:
                digest = hashlib.file_digest(stream, file.hash.mode).digest()
        except OSError:
            digest = b""
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            damaged.append(str(file))
    return damaged
