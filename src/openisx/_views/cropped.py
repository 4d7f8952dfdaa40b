"""A part of every frame: :class:`CroppedFrames`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._views.base import View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from openisx._formats.base import MovieSource

__all__ = ["CroppedFrames"]


class CroppedFrames(View):
    """Some rows and columns of every frame; only these rows are read.

    Parameters
    ----------
    parent
        Where frames come from.
    rows, columns
        First, and last plus one.

    Raises
    ------
    ValueError
        A range is empty or reaches beyond the frame.
    """

    def __init__(self, parent: MovieSource, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        for name, (first, last), size in zip(
            ("rows", "columns"), (rows, columns), parent.spacing.num_pixels, strict=True
        ):
            if not 0 <= first < last <= size and (first, last) != (0, size):
                raise ValueError(
                    f"{name} {first} to {last} (not included) are none of a frame with {size} {name}"
                )
        shape = rows[1] - rows[0], columns[1] - columns[0]
        spacing = parent.spacing._part(shape, (rows[0], columns[0]))
        super().__init__(parent, f"crop(rows={rows}, columns={columns})", spacing=spacing)
        self._rows, self._columns = slice(*rows), slice(*columns)

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with a frame."""
        self.read_rows(stored, 0, out)

    def read_rows(self, stored: int, first: int, out: NDArray[Any]) -> None:
        """Fill `out` (some rows, all columns) with rows of a frame from `first` on."""
        parent = self.parent
        width = parent.spacing.num_pixels[1]
        if out.shape[1] == width:
            parent.read_rows(stored, self._rows.start + first, out)
            return
        rows = np.empty((len(out), width), self.dtype)
        parent.read_rows(stored, self._rows.start + first, rows)
        out[...] = rows[:, self._columns]

    def frames(self) -> NDArray[Any] | None:
        """View of the parent's frames."""
        frames = self.parent.frames()
        return None if frames is None else frames[:, self._rows, self._columns]

    def forget(self, first: int, last: int) -> None:
        """Give back the memory that the views of some frames take."""
        self.parent.forget(first, last)

    def stream(self, stored: NDArray[np.int64], *, reuse: bool = False) -> Iterator[NDArray[Any]]:
        """Frames one after another."""
        if not self.is_encoded:
            yield from super().stream(stored, reuse=reuse)
            return
        for frame in self.parent.stream(stored, reuse=True):
            yield frame[self._rows, self._columns].copy()
