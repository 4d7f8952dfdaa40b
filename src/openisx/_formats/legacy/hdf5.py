"""nVista 2 movies in `.hdf5` files (docs/formats/movies.md, HDF5).

==============  =======================  ====================================================
data set        shape and type           meaning
==============  =======================  ====================================================
``/images``     (frame, row, column)     pixels, uint16
``/timeStamp``  (sample), optional       seconds since the epoch of every sample, float64
==============  =======================  ====================================================

The time stamps give the number of samples, the start (first stamp, whole seconds) and the period: last minus first
stamp, divided by the number of *stamps*, in whole milliseconds. Without them there is one sample per frame and no
clock.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx._files.locks import WithLock
from openisx._formats.base import BEST_COMPRESSION, MovieSource, refuse_absurd_size
from openisx._formats.kinds import DataKind
from openisx._formats.legacy.clock import made_up_timing, timing_from_stamps
from openisx.core.spacing import Spacing
from openisx.errors import IsxFormatError, warn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._files.source import ByteSource

__all__ = ["MovieHdf5", "kind_of"]

_CHUNK_CACHE = 1 << 24
_CHECKSUM_BYTES = 4
_LISTED = 8
_LATEST_STAMP = 2.0**53


class MovieHdf5(MovieSource, WithLock):
    """An open HDF5 movie.

    Frames stored as one block are read without the HDF5 library, which takes part only in chunked and compressed
    files.

    Raises
    ------
    IsxFileError
        The file cannot be opened, is damaged, or holds no movie.
    IsxImportError
        h5py is not installed.
    """

    def __init__(self, file: ByteSource) -> None:
        self._file = file
        self.path, self.given_path = file.path, file.given_path
        self._make_lock()
        self._damaged: set[int] | None = None  # known from the first frame read by the library on
        try:
            self._describe()
        except BaseException:
            self.close()
            raise
        if self._block_offset is not None:
            self._release_library()

    def _after_fork(self) -> None:
        """Open the library's file anew: another thread may have been in the library."""
        super()._after_fork()
        # Never closed, since the library may be at work in it.
        self._abandoned = getattr(self, "_library_file", None), getattr(self, "_data_set", None)
        self._library_file: Any = None
        self._data_set: Any = None

    def _describe(self) -> None:
        with self._lock:
            images = self._images()
            try:
                shape, stored_dtype = images.shape, images.dtype
                self._block_offset = _block_offset(images)
                self.stamps = self._read_stamps(images.file)
            except Exception as error:  # noqa: BLE001 - the library raises nearly anything on damage
                raise self._damage(error) from None
        if len(shape) != 3 or stored_dtype.kind != "u" or stored_dtype.itemsize != 2:
            raise IsxFormatError(
                f"{self.given_path}: /images should hold uint16 with the axes (frame, row, column), not "
                f"{stored_dtype} of shape {shape}."
            )
        self._pixel_dtype = stored_dtype
        self.dtype = stored_dtype.newbyteorder("=")
        self.spacing = Spacing(shape[1:])
        self._frame_bytes = shape[1] * shape[2] * stored_dtype.itemsize
        num_samples = self.stamps[0] if self.stamps is not None else shape[0]
        refuse_absurd_size(
            self.given_path, max(num_samples, shape[0]), self._frame_bytes, self._file.size, BEST_COMPRESSION
        )
        if self.stamps is None:
            self.timing = made_up_timing(num_samples)
            self.assumed = ("start", "period", "pixel size")
        else:
            self.timing = timing_from_stamps(num_samples, [self.stamps])
        self.num_in_file = shape[0]
        if self._block_offset is not None:
            self.stored_dtype = stored_dtype
        if self._block_offset is not None and self._frame_bytes:
            self.num_in_file = min(shape[0], (self._file.size - self._block_offset) // self._frame_bytes)
        self.num_stored = min(num_samples, self.num_in_file)
        self.kind = DataKind.of_frames(num_samples)

    def _images(self) -> Any:
        """The data set of frames; the library's file is opened anew after a fork."""
        self._file.require_open()
        if self._library_file is not None:
            return self._data_set
        opened = _library_file(self._file)
        try:
            images = opened.get("images")
            found = content(opened) if images is None else "/images is not a data set"
        except Exception as error:  # noqa: BLE001 - the library raises nearly anything on damage
            raise IsxFormatError(f"{self.given_path} holds no movie: {error}") from None
        if not hasattr(images, "chunks"):
            raise IsxFormatError(f"{self.given_path} holds no movie: {found}.")
        self._library_file, self._data_set = opened, images
        return images

    def _read_stamps(self, file: Any) -> tuple[int, float, float] | None:
        """Number, first and last of the time stamps; None without any."""
        stamps = file.get("timeStamp")
        if stamps is None:
            return None
        shape = getattr(stamps, "shape", None)
        if shape == (0,):
            return None
        if shape is not None and len(shape) == 1 and stamps.dtype.kind in "iuf":
            first, last = float(stamps[0]), float(stamps[-1])
            if max(abs(first), abs(last)) < _LATEST_STAMP:  # also false for NaN
                return int(shape[0]), first, last
        warn(
            f"{self.given_path}: /timeStamp is not a list of times and was ignored; start and period are made up."
        )
        return None

    def _damage(self, error: Exception) -> IsxFormatError:
        return IsxFormatError(f"Error reading movie frame: {self.given_path}. The file is damaged: {error}")

    def read_frame(self, stored: int, out: NDArray[Any]) -> None:
        """Fill `out` with the pixels of a stored frame."""
        if self._block_offset is None:
            with self._lock:
                images = self._images()
                try:
                    if self._damaged is None:
                        self._damaged = self._damaged_frames(images)
                    if stored in self._damaged:
                        raise ValueError(f"the block with frame {stored} lies outside the file or is empty")
                    images.read_direct(out, np.s_[stored])
                except Exception as error:  # noqa: BLE001 - filters and damage raise nearly anything
                    raise self._damage(error) from None
            return
        if self._file.read_into(out, self._block_offset + stored * self._frame_bytes) < self._frame_bytes:
            raise IsxFormatError(
                f"Error reading movie frame: {self.given_path}. The file was shortened while it was open."
            )
        if not self._pixel_dtype.isnative:
            out.byteswap(inplace=True)

    def _damaged_frames(self, images: Any) -> set[int]:
        """Frames whose blocks the library must not be asked for: it trusts their sizes and may crash."""
        damaged: set[int] = set()
        if images.chunks is None or not hasattr(images.id, "chunk_iter"):
            return damaged
        filtered = images.id.get_create_plist().get_nfilters() > 0
        whole = math.prod(images.chunks) * self._pixel_dtype.itemsize
        least = _CHECKSUM_BYTES + 1 if images.fletcher32 else 1

        def look_at(block: Any) -> None:
            inside = block.byte_offset + block.size <= self._file.size
            if not inside or block.size < (least if filtered else whole):
                first = block.chunk_offset[0]
                damaged.update(range(first, min(first + images.chunks[0], images.shape[0])))

        images.id.chunk_iter(look_at)
        return damaged

    def frames(self) -> NDArray[Any] | None:
        """All frames as a view of the file if they are one block in it."""
        if self._block_offset is None:
            return None
        shape = (self.num_stored, *self.spacing.num_pixels)
        if 0 in shape:
            return np.zeros(shape, self._pixel_dtype)
        data = self._file.map()
        return None if data is None else np.ndarray(shape, self._pixel_dtype, data, self._block_offset)

    def read_spans(self, stored: NDArray[np.int64], first: int, size: int) -> bytes:
        """`size` bytes from byte `first` of the pixels of each of the `stored` frames, joined."""
        assert self._block_offset is not None
        return self._file.read_spans(self._block_offset + stored * self._frame_bytes + first, size)

    def _release_library(self) -> None:
        if self._library_file is not None:
            self._library_file.close()
        self._library_file = self._data_set = None

    @property
    def file_size(self) -> int:
        """Size of the file in bytes."""
        return self._file.size

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._release_library()
            self._file.close()


def _library_file(file: ByteSource) -> Any:
    """The file as h5py opens it."""
    h5py = require("h5py", "hdf5")
    try:
        if file.local_path is not None:  # reading plain blocks through a Python file takes 1.6 times as long
            return h5py.File(file.local_path, "r", locking=False, rdcc_nbytes=_CHUNK_CACHE)
        return h5py.File(file.stream(), "r", rdcc_nbytes=_CHUNK_CACHE)
    except Exception as error:  # noqa: BLE001 - the library raises nearly anything on damage
        raise IsxFormatError(f"{file.given_path} is not an HDF5 file, or is damaged: {error}") from None


def kind_of(file: ByteSource) -> DataKind:
    """Whether an open HDF5 file is a movie or GPIO data, which nVista 2 stored in such files too.

    Raises
    ------
    IsxFormatError
        It is neither; the message says what it is.
    """
    with _library_file(file) as opened:
        try:
            names = set(opened)
            if "images" in names:
                return DataKind.MOVIE
            if names & {"anc_data", "anc_data_count", "timeStamp", "timestamp"}:
                return DataKind.GPIO
            found = content(opened)
        except Exception as error:  # noqa: BLE001 - the library raises nearly anything on damage
            raise IsxFormatError(f"{file.given_path} is damaged: {error}") from None
    raise IsxFormatError(
        f"{file.given_path}: {found}. An .hdf5 movie has a data set named images, GPIO data have one named "
        "anc_data."
    )


def content(opened: Any) -> str:
    """What an HDF5 file that is neither a movie nor GPIO data is, in a few words."""
    names = set(opened)
    if "images" in names:
        return "it is a movie"
    if "nwb_version" in opened.attrs or {"acquisition", "session_description"} <= names:
        return "it is a file in the format Neurodata Without Borders, which pynwb reads"
    if "estimates" in names or {"A", "C", "dims"} <= names:
        return "it is the result of an analysis with CaImAn, whose load_CNMF() reads it"
    if "_NCProperties" in opened.attrs:
        tables = "; minian stores its results so" if {"unit_id", "frame"} & names else ""
        return f"it is a netCDF file, which xarray.open_dataset() reads{tables}"
    if any("MATLAB_class" in item.attrs for item in opened.values()):
        return "it is a MATLAB file"
    listed = ", ".join(sorted(names)[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    return (
        f"it is an HDF5 file of another kind, which holds {listed}" if names else "it is an empty HDF5 file"
    )


def _block_offset(images: Any) -> int | None:
    """Where all frames follow each other in the file, if they do."""
    if images.chunks is not None or images.is_virtual or images.external or not images.size:
        return None
    offset = images.id.get_offset()
    return None if offset is None else int(offset)
