"""Movies of every kind, one row each; a new source joins by adding its row to ROWS.

Every movie has the same size and missing samples as far as its format can have any, and pixels known from outside the
package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders import movies as make
from builders.isxb import isxb, jpeg, samples
from builders.isxb import session as behavior_session
from builders.isxc import counter_values, expanded, isxc
from builders.isxc import session as compressed_session
from builders.isxd import isxd
from builders.jpeg import expected as picture
from builders.video import LOSSLESS, video

COUNT, ROWS_, COLUMNS = 12, 16, 32
MISSING = (1, 6, 7)
VALID = [k for k in range(COUNT) if k not in MISSING]
SESSION = {"producer": {"version": "1.9.0"}, "animal": {"id": "m1"}}


@dataclass
class Case:
    """One movie, and what is known of it.

    Attributes
    ----------
    frames
        Every sample, zeros where one is missing.
    path
        Its file; None for a movie of an array.
    missing
        Samples that are missing.
    timestamps
        Hardware time stamp of every sample, 0 for missing ones; None without any.
    focus
        Electronic focus in the header of every sample; None without headers.
    short
        Writes the file again such that it holds only the first four of its frames, but announces all.
    encoded
        Whether frames are compressed, so that damage within a file may change any of them.
    """

    frames: np.ndarray
    open: Callable[[], isx.Movie]
    path: Path | None = None
    missing: tuple[int, ...] = ()
    timestamps: np.ndarray | None = None
    focus: np.ndarray | None = None
    metadata: bool = False
    short: Callable[[], None] | None = None
    encoded: bool = False
    files: list[Path] = field(default_factory=list)


def sums(movie: isx.Movie) -> list[float]:
    """In rows.py, where spawned processes find it."""
    return [float(movie.get_frame_data(k).sum()) for k in range(len(movie))]


def pixels(dtype: str) -> np.ndarray:
    """Random pixels of nine frames; constant blocks for 8 bits, which JPEG leaves alone."""
    rng = np.random.default_rng(7)
    if dtype == "float32":
        return rng.normal(0, 1e3, (len(VALID), ROWS_, COLUMNS)).astype(np.float32)
    if dtype == "uint8":
        levels = rng.integers(16, 240, (len(VALID), ROWS_ // 8, COLUMNS // 8), dtype=np.uint8)
        return np.stack([picture(level, COLUMNS, ROWS_) for level in levels])
    return rng.integers(0, 2**16, (len(VALID), ROWS_, COLUMNS), dtype=np.uint16)


def dense(stored: np.ndarray) -> np.ndarray:
    """Nine stored frames as twelve samples."""
    every = np.zeros((COUNT, *stored.shape[1:]), stored.dtype)
    every[VALID] = stored
    return every


def of_valid(values: list[int], dtype: Any) -> np.ndarray:
    every = np.zeros(COUNT, dtype)
    every[VALID] = values
    return every


STAMPS = [2**40 + 50_000 * k for k in VALID]


def case_of(path: Path, frames: np.ndarray, **known: Any) -> Case:
    return Case(frames, partial(isx.Movie.read, path), path, files=[path], **known)


def isxd_movie(folder: Path, dtype: str, *, lines: bool) -> Case:
    stored, path = pixels(dtype), folder / "movie.isxd"
    headers = [make.header_line(timestamp=s, efocus=10 * k) for k, s in zip(VALID, STAMPS, strict=True)]
    missing = {"dropped": [1], "cropped": ["6"], "blank": [7]}

    def write(count: int) -> None:
        body = make.with_lines(stored[:count], headers[:count]) if lines else stored[:count].tobytes()
        members = make.metadata((ROWS_, COLUMNS), dtype, COUNT, extraProperties=SESSION, **missing)
        path.write_bytes(isxd(body, members | {"hasFrameHeaderFooter": lines}))

    write(len(stored))
    known: dict[str, Any] = {"metadata": True, "missing": MISSING, "short": partial(write, 4)}
    if lines:
        known |= {"timestamps": of_valid(STAMPS, np.uint64), "focus": of_valid([10 * k for k in VALID], int)}
    return case_of(path, dense(stored), **known)


def isxb_movie(folder: Path) -> Case:
    stored = pixels("uint8")
    session = behavior_session(COLUMNS, ROWS_)
    path = isxb(
        folder / "movie.isxb", [jpeg(p) for p in stored], session, samples(COUNT, MISSING), dropped=MISSING
    )
    stamps = of_valid([10_000_000 + 50_000 * k for k in VALID], np.uint64)
    return case_of(path, dense(stored), metadata=True, missing=MISSING, timestamps=stamps, encoded=True)


def isxc_movie(folder: Path) -> Case:
    pytest.importorskip("av")
    luma = pixels("uint8")
    tiles = np.random.default_rng(3).integers(0, 256, (len(luma), 8), dtype=np.uint8)
    meta = compressed_session(COUNT, (ROWS_, COLUMNS), MISSING, extraProperties=SESSION)
    values = counter_values(np.array(STAMPS), 22)
    path = isxc(folder / "movie.isxc", video(luma), tiles, meta, (ROWS_, COLUMNS), (8, 8), values)
    stamps, focus = of_valid(STAMPS, np.uint64), np.zeros(COUNT, int)
    frames = dense(expanded(luma, tiles, (8, 8)))
    known: dict[str, Any] = {"metadata": True, "missing": MISSING, "timestamps": stamps, "focus": focus}
    return case_of(path, frames, encoded=True, **known)


def hdf5_movie(folder: Path, **options: Any) -> Case:
    pytest.importorskip("h5py")
    stored = pixels("uint16")
    path = make.write_hdf5(folder / "movie.hdf5", stored, **options)

    def short() -> None:
        make.write_hdf5(path, stored[:4], 1.5e9 + 0.05 * np.arange(len(stored)), **options)

    return case_of(path, stored, short=short, encoded=bool(options))


def tif_movie(folder: Path, dtype: str, **options: Any) -> Case:
    path, stored = folder / "movie.tif", pixels(dtype)
    path.write_bytes(make.tiff_bytes(list(stored), **options))
    return case_of(path, stored)


def tif_of_int16(folder: Path) -> Case:
    path, stored = folder / "movie.tif", pixels("uint16").view(np.int16)
    path.write_bytes(make.tiff_bytes(list(stored)))
    return case_of(path, stored.astype(np.float32))


def deflated_tif(folder: Path) -> Case:
    import tifffile

    path, stored = folder / "movie.tif", pixels("uint16")
    tifffile.imwrite(path, stored, compression="deflate", photometric="minisblack")
    return case_of(path, stored, encoded=True)


def xml_recording(folder: Path, ending: str) -> Case:
    stored, parts = pixels("uint16"), [f"part{k}.{ending}" for k in range(2)]
    for name, frames in zip(parts, (stored[:5], stored[5:]), strict=True):
        if ending == "hdf5":
            pytest.importorskip("h5py")
            make.write_hdf5(folder / name, frames)
        else:
            (folder / name).write_bytes(make.tiff_bytes(list(frames)))
    path = folder / "movie.xml"
    attributes = {"dropped": f"[{', '.join(map(str, MISSING))}]"}
    path.write_text(make.xml_text(attributes, parts))

    def short() -> None:
        known = {"frames": len(stored), "fps": 20, "record_start": "Jul 14, 2017 02:40:00 PM"}
        path.write_text(make.xml_text(attributes | known, parts[:1]))
        (folder / parts[0]).write_bytes(make.tiff_bytes(list(stored[:4])))

    known: dict[str, Any] = {"missing": MISSING, "short": short if ending == "tif" else None}
    case = case_of(path, dense(stored), **known)
    case.files += [folder / name for name in parts]
    return case


def ordinary_video(folder: Path, ending: str, kind: str) -> Case:
    pytest.importorskip("av")
    path, stored = folder / f"movie.{ending}", pixels("uint8")
    path.write_bytes(video(stored, container=ending, **LOSSLESS[kind]))
    return case_of(path, stored, encoded=True)


def timing() -> isx.Timing:
    return isx.Timing(num_samples=COUNT, dropped=[1], cropped=[[6, 6]], blank=[7])


def array_movie(dtype: str, make_array: Callable[[np.ndarray], Any], *, only_valid: bool = True) -> Case:
    stored = pixels(dtype)
    given = stored
    if not only_valid:
        given = dense(stored)
        given[list(MISSING)] = 99  # is never seen
    return Case(dense(stored), partial(isx.Movie.from_array, make_array(given), timing()), missing=MISSING)


class Foreign(isx.MovieSource):
    """A source of someone else: it tells what it must, and leaves the rest to the defaults."""

    def __init__(self) -> None:
        self.stored = pixels("float32")
        self.timing, self.spacing = timing(), isx.Spacing((ROWS_, COLUMNS))
        self.dtype, self.num_stored = np.dtype(np.float32), len(self.stored)

    def read_frame(self, stored: int, out: np.ndarray) -> None:
        out[:] = self.stored[stored]


class Lazy:
    """An array that computes what is asked for, as those of dask and data sets of zarr do."""

    def __init__(self, values: np.ndarray) -> None:
        self._values = values
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, key: int | slice) -> Any:
        assert isinstance(key, (int, slice))
        return self._values[key].copy()


def memory_map(folder: Path) -> Case:
    def mapped(stored: np.ndarray) -> Any:
        np.save(folder / "stored.npy", stored)
        return np.load(folder / "stored.npy", mmap_mode="r")

    return array_movie("uint16", mapped)


ROWS: dict[str, Callable[[Path], Case]] = {
    **{
        f"isxd {dtype}{' with lines' if lines else ''}": partial(isxd_movie, dtype=dtype, lines=lines)
        for dtype in ("uint16", "float32", "uint8")
        for lines in (False, True)
    },
    "isxb": isxb_movie,
    "isxc": isxc_movie,
    "hdf5": hdf5_movie,
    "hdf5 in blocks": partial(hdf5_movie, chunks=(3, 16, 32), compression="gzip"),
    **{f"tif {dtype}": partial(tif_movie, dtype=dtype) for dtype in ("uint16", "float32", "uint8")},
    "tif, other byte order": partial(tif_movie, dtype="uint16", order=">", big=True),
    "tif in strips": partial(tif_movie, dtype="uint16", rows_per_strip=5),
    "tif int16": tif_of_int16,
    "tif deflated": deflated_tif,
    "xml of tif": partial(xml_recording, ending="tif"),
    "xml of hdf5": partial(xml_recording, ending="hdf5"),
    "avi": partial(ordinary_video, ending="avi", kind="intra"),
    "mp4": partial(ordinary_video, ending="mp4", kind="reordered"),
    "array uint16": lambda _: array_movie("uint16", np.array),
    "array of all samples": lambda _: array_movie("float32", np.array, only_valid=False),
    "array, other byte order": lambda _: array_movie("uint16", lambda a: a.astype(">u2")),
    "array, lazy": lambda _: array_movie("uint8", Lazy),
    "array, lazy, of all samples": lambda _: array_movie("uint16", Lazy, only_valid=False),
    "memory map": memory_map,
    "foreign source": lambda _: Case(
        dense(pixels("float32")), lambda: isx.Movie.from_source(Foreign()), missing=MISSING
    ),
}  # fmt: skip
