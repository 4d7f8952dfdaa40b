"""Optional libraries, imported by the functions that use them."""

from __future__ import annotations

import importlib
import re
from typing import Any

from openisx.errors import IsxImportError

__all__ = ["require"]

#: Versions that will not do are older than these; PyAV ended the process at MPEG streams.
_OLDEST = {"av": (17, 1)}


def require(module: str, extra: str) -> Any:
    """Import `module`.

    Raises
    ------
    IsxImportError
        It is not installed, or too old; the message names the `extra` of this package that brings it.
    """
    try:
        imported = importlib.import_module(module)
    except ImportError as error:
        raise IsxImportError(
            f'This needs {module}, which cannot be imported ({error}). Install it with: pip install "openisx[{extra}]"'
        ) from error
    oldest = _OLDEST.get(module)
    if oldest and tuple(map(int, re.findall(r"\d+", imported.__version__)[: len(oldest)])) < oldest:
        raise IsxImportError(
            f"This needs {module} {'.'.join(map(str, oldest))} or newer, and version {imported.__version__} is "
            f'installed. Update it with: pip install -U "openisx[{extra}]"'
        )
    return imported
