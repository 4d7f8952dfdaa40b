"""Optional libraries, imported by the functions that use them."""

from __future__ import annotations

import importlib
from typing import Any

from isx.errors import IsxImportError

__all__ = ["require"]


def require(module: str, extra: str) -> Any:
    """Import `module`.

    Raises
    ------
    IsxImportError
        It is not installed; the message names the `extra` of this package that brings it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise IsxImportError(
            f'This needs {module}, which cannot be imported ({error}). Install it with: pip install "isx[{extra}]"'
        ) from error
