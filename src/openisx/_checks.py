"""Checks and conversions that the public classes share."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from openisx._files.paths import as_path, extension
from openisx.errors import IsxIndexError, IsxStateError, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import DTypeLike, NDArray

    from openisx._files.paths import PathInput

__all__ = [
    "as_frame_dtype",
    "converted",
    "index_of_name",
    "not_open",
    "of_opened",
    "output_path",
    "require_index",
]

T = TypeVar("T")

_TYPES: tuple[type[np.generic], ...] = (np.uint16, np.float32, np.uint8)


def not_open() -> IsxStateError:
    """Error for a method of an object that was constructed instead of read or written."""
    return IsxStateError(
        "Underlying pointer is null. Try using the read or write function instead of the constructor."
    )


def of_opened(value: T | None) -> T:
    """`value`, which is None only for objects made by the constructor alone: users need not check that."""
    return value  # type: ignore[return-value]


def as_frame_dtype(data_type: DTypeLike) -> np.dtype[Any]:
    """The native dtype of a movie's `data_type`; ValueError unless it is uint16, float32 or uint8."""
    try:
        dtype = np.dtype(data_type) if data_type is not None else None
    except TypeError:
        dtype = None
    if dtype is None or dtype.type not in _TYPES:
        options = ", ".join(str(known) for known in _TYPES)
        raise ValueError(f"Unknown data_type '{data_type}'. Options are {options}.")
    native: np.dtype[Any] = dtype.newbyteorder("=")
    return native


def output_path(path: PathInput) -> str:
    """Path of a new `.isxd` file, as given; ValueError for any other extension."""
    given = as_path(path)
    ending = extension(given)
    if ending == "isxb":
        raise ValueError("Cannot write isxb movies.")
    if ending != "isxd":
        raise ValueError(f"Expected extension: isxd. Instead extension is: {ending}. ({given})")
    return given


def require_index(index: int, count: int, noun: str) -> int:
    """`index` if it is one of `count`, else IsxIndexError; `noun` is 'cell' or 'channel'."""
    number = operator.index(index)
    if not 0 <= number < count:
        shown = number % 2**64 if number < 0 else number
        raise IsxIndexError(
            f"{noun.capitalize()} index {shown} is too large. There are only {count} {noun}s."
        )
    return number


def index_of_name(indices: Mapping[str, int], name: str, noun: str) -> int:
    """Index that belongs to `name`, else KeyError; `noun` is 'cell' or 'channel'."""
    try:
        return indices[name]
    except KeyError:
        raise KeyError(f'{noun.capitalize()} with name "{name}" does not exist.') from None


def converted(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """`array` as `dtype` by plain C casting, with the warning clients expect when the types differ."""
    if array.dtype == dtype:
        return array
    warn(f"Converting from {array.dtype} to {dtype}.", UserWarning)
    with np.errstate(invalid="ignore"):
        return array.astype(dtype)
