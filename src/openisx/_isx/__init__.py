"""What ``isx.py`` offers under the vendor's name: the objects of :mod:`openisx`, imported when first used.

The vendor's distribution installs a folder ``isx``, and Python prefers a folder to a module of the same name. So the two
distributions have no file in common, and neither can damage the other: ``import isx`` is the vendor's package while that
is installed, and this one otherwise. The modules beside this file are ``isx.io``, ``isx.core``, ...; each puts the
module of :mod:`openisx` in its place.
"""

from __future__ import annotations

from typing import Any

import openisx

__all__ = openisx.__all__
__version__ = openisx.__version__


def __getattr__(name: str) -> Any:
    return getattr(openisx, name)


def __dir__() -> list[str]:
    return dir(openisx)
