"""Single images: :class:`Image`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._checks import as_frame_dtype, converted, of_opened, output_path
from openisx._data_set import DataSet
from openisx._pictures import image_html, thinned
from openisx.core.spacing import Spacing
from openisx.core.timing import Timing
from openisx.errors import IsxError
from openisx.movie import Movie

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from openisx._files.paths import PathInput
    from openisx._formats.base import MovieSource

__all__ = ["Image"]


class Image(DataSet["MovieSource"]):
    """One image, held in memory; stored as a movie of one frame.

    Made by :meth:`read` and :meth:`write`; the constructor alone gives an object whose attributes are None.
    """

    _heading = "Image"
    _attributes = ("file_path", "mode", "spacing", "data_type")

    def __init__(self) -> None:
        self._movie: Movie | None = None
        self._data: NDArray[Any] | None = None

    @classmethod
    def read(cls, file_path: PathInput) -> Image:
        """Read an image from any file that :meth:`Movie.read` takes and that holds one frame.

        Parameters
        ----------
        file_path : path
            An `.isxd` image, a TIFF, or a movie of one frame in any other format.

        Raises
        ------
        IsxFileError
            As :meth:`Movie.read`, and if the file has more than one frame.
        IsxIndexError
            The file has no frame.
        """
        movie = Movie.read(file_path)
        if len(movie) > 1:
            movie.close()
            raise ImageCountError("File has more than one frame. Use isx.Movie.read instead.")
        with movie:
            data = movie.get_frame_data(0)
        return cls._made(movie, "r", data)

    @classmethod
    def write(cls, file_path: PathInput, spacing: Spacing, data_type: DTypeLike, data: NDArray[Any]) -> Image:
        """Write an image to a new `.isxd` file at once.

        Parameters
        ----------
        file_path : path
            Must end in ``.isxd`` and not exist.
        spacing : Spacing
            Size of the image.
        data_type : dtype-like
            uint16, float32 or uint8.
        data : ndarray
            Shape (rows, columns). Another type than `data_type` is converted as C does, with a warning.

        Raises
        ------
        TypeError, ValueError
            `data` is not an array or has another shape than `spacing`.
        IsxFileExistsError, IsxFileError
            The file exists or cannot be written.
        """
        output_path(file_path)
        dtype = as_frame_dtype(data_type)
        if not isinstance(data, np.ndarray):
            raise TypeError("data must be a numpy array")
        if not isinstance(spacing, Spacing):
            raise TypeError("spacing must be a Spacing object")
        if data.shape != spacing.num_pixels:
            raise ValueError("Cannot set frame with different shape than movie")
        data = converted(data, dtype)
        with Movie.write(file_path, Timing(num_samples=1), spacing, dtype) as movie:
            movie.set_frame_data(0, data)
        return cls._made(movie, "w", data)

    @classmethod
    def _made(cls, movie: Movie, mode: str, data: NDArray[Any]) -> Image:
        self = cls()
        self._movie, self._mode, self._data = movie, mode, data
        self._timing = movie.timing
        return self

    def _content(self) -> MovieSource | None:
        return None if self._movie is None else self._movie._open_source()

    @property
    def spacing(self) -> Spacing:
        """Number, size and position of the pixels."""
        return of_opened(None if self._movie is None else self._movie.spacing)

    @property
    def data_type(self) -> type[np.generic]:
        """Scalar class of the pixels, e.g. ``numpy.uint16``."""
        return of_opened(None if self._movie is None else self._movie.data_type)

    def get_data(self) -> NDArray[Any]:
        """The pixels, shape (rows, columns); the same array every time. None for a bare ``Image()``."""
        return of_opened(self._data)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        data = np.zeros((0, 0)) if self._data is None else self._data
        return data.copy() if copy and dtype is None else np.asarray(data, dtype)

    def _summary(self) -> str:
        height, width = self.spacing.num_pixels
        return f"{height} x {width} {np.dtype(self.data_type)}"

    def _picture(self) -> str:
        data = self.get_data()
        return image_html(data[thinned(self.spacing.num_pixels)]) if data.size else ""


class ImageCountError(IsxError, AttributeError):
    """A file read as an image has more than one frame; the vendor raises AttributeError."""
