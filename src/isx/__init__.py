"""Read, write and export the data of Inscopix miniscopes: :mod:`openisx` under the vendor's name.

The same objects, imported when first used. The code has a name of its own because the vendor's package installs its
files in a folder `isx` too.
"""
# ruff: noqa: F403

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openisx
from openisx import __all__ as __all__
from openisx import __version__ as __version__

if TYPE_CHECKING:
    from openisx import *
    from openisx import open as open  # noqa: A004 - not in __all__, where it would replace Python's own


def __getattr__(name: str) -> Any:
    return getattr(openisx, name)


def __dir__() -> list[str]:
    return dir(openisx)
