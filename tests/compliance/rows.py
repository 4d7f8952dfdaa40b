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
    view
        What is done to the movie of the file, if anything.
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
    view: Callable[[isx.Movie], isx.Movie] | None = None


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


# -- views: each makes the twelve samples of the other rows out of a larger movie ------------------


def isxd_file(
    path: Path,
    frames: np.ndarray,
    missing: dict[str, list[Any]],
    focus: Callable[[int], int],
    count: int | None = None,
) -> None:
    """A movie with headers; `frames` are all samples, of which only the first `count` stored ones are there."""
    lost = {*missing.get("dropped", ()), *missing.get("blank", ())}
    for text in missing.get("cropped", ()):
        first, _, last = text.partition("-")
        lost |= set(range(int(first), int(last or first) + 1))
    valid = [k for k in range(len(frames)) if k not in lost]
    headers = [make.header_line(timestamp=2**40 + 50_000 * k, efocus=focus(k), frame_count=k) for k in valid]
    stored = frames[valid][:count]
    members = make.metadata(
        frames.shape[1:], frames.dtype.name, len(frames), extraProperties=SESSION, **missing
    )
    path.write_bytes(
        isxd(make.with_lines(stored, headers[: len(stored)]), members | {"hasFrameHeaderFooter": True})
    )


def view_case(
    folder: Path,
    view: Callable[[isx.Movie], isx.Movie],
    whole: np.ndarray,
    expected: np.ndarray,
    missing: dict[str, list[Any]],
    *,
    focus: Callable[[int], int] = lambda k: 10 * k,
    samples: list[int] | None = None,
    stored_when_short: int,
) -> Case:
    """A view of a file with headers; `samples` are those of the file that the twelve of the view are."""
    path = folder / "movie.isxd"
    isxd_file(path, whole, missing, focus)
    known: dict[str, Any] = {}
    if samples is not None:
        of = [samples[k] for k in VALID]
        known["timestamps"] = of_valid([2**40 + 50_000 * k for k in of], np.uint64)
        known["focus"] = of_valid([focus(k) for k in of], int)
    return Case(
        dense(expected), lambda: view(isx.Movie.read(path)), path, MISSING, metadata=True, files=[path], view=view,
        short=lambda: isxd_file(path, whole, missing, focus, stored_when_short), **known,
    )  # fmt: skip


#: Missing samples as in the other rows.
GAPS: dict[str, list[Any]] = {"dropped": [1], "cropped": ["6"], "blank": [7]}


def cropped_view(folder: Path) -> Case:
    stored = pixels("uint16")
    whole = np.random.default_rng(8).integers(0, 2**16, (COUNT, ROWS_ + 5, COLUMNS + 3), dtype=np.uint16)
    whole[VALID, 2 : 2 + ROWS_, 3:] = stored
    view = partial(isx.Movie.crop, rows=(2, 2 + ROWS_), columns=(3, 3 + COLUMNS))
    return view_case(folder, view, whole, stored, GAPS, samples=list(range(COUNT)), stored_when_short=4)


def binned_view(folder: Path) -> Case:
    whole = np.random.default_rng(9).integers(0, 2**16, (COUNT, 2 * ROWS_ + 1, 2 * COLUMNS), dtype=np.uint16)
    blocks = whole[VALID, : 2 * ROWS_].reshape(-1, ROWS_, 2, COLUMNS, 2).astype(np.int64).sum(axis=(2, 4))
    expected = ((blocks + 2) // 4).astype(np.uint16)
    view = partial(isx.Movie.bin, space=2)
    return view_case(folder, view, whole, expected, GAPS, samples=list(range(COUNT)), stored_when_short=4)


def binned_in_time(folder: Path) -> Case:
    """Samples 2 and 3, 12 and 13, 14 and 15 make the missing ones; one more at the end is left over."""
    whole = np.random.default_rng(9).integers(0, 256, (2 * COUNT + 1, ROWS_, COLUMNS), dtype=np.uint8)
    missing: dict[str, list[Any]] = {"dropped": [2, 3, 5], "cropped": ["12-13"], "blank": [14, 15]}
    pairs = [[2 * k, 2 * k + 1] if k != 2 else [4] for k in VALID]
    means = [(whole[pair].astype(int).sum(axis=0) + len(pair) // 2) // len(pair) for pair in pairs]
    case = view_case(
        folder, partial(isx.Movie.bin, time=2), whole, np.array(means, np.uint8), missing, stored_when_short=8
    )
    case.timestamps = case.focus = None
    return case


def trimmed_view(folder: Path) -> Case:
    stored = pixels("uint16")
    whole = np.random.default_rng(8).integers(0, 2**16, (COUNT + 5, ROWS_, COLUMNS), dtype=np.uint16)
    whole[[3 + k for k in VALID]] = stored
    missing: dict[str, list[Any]] = {"dropped": [1, 4], "blank": [10]}
    view = partial(isx.Movie.trim, first=3, last=3 + COUNT, drop=[(9, 10)])
    samples = list(range(3, 3 + COUNT))
    return view_case(folder, view, whole, stored, missing, samples=samples, stored_when_short=2 + 4)


def second_plane(movie: isx.Movie) -> isx.Movie:
    return movie.split()[1].movie


def plane_view(folder: Path) -> Case:
    stored = pixels("uint16")
    whole = np.random.default_rng(8).integers(0, 2**16, (3 * COUNT, ROWS_, COLUMNS), dtype=np.uint16)
    whole[[3 * k + 1 for k in VALID]] = stored
    missing: dict[str, list[Any]] = {"dropped": [4, 6, 9], "cropped": ["19"], "blank": [22]}
    samples = [3 * k + 1 for k in range(COUNT)]
    return view_case(
        folder, second_plane, whole, stored, missing,
        focus=lambda k: 100 * (k % 3), samples=samples, stored_when_short=3 * 4 + 2 - 1,
    )  # fmt: skip


def relative_change(folder: Path) -> Case:
    stored = pixels("uint16")
    f0 = stored.min(axis=0).astype(np.float32)
    with np.errstate(all="ignore"):
        expected = np.where(f0 == 0, 0, (stored.astype(np.float32) - f0) / f0).astype(np.float32)
    # F0 of a cut file is that of its frames, so it is given here
    return view_case(
        folder, partial(isx.Movie.dff, f0=f0), dense(stored), expected, GAPS, samples=list(range(COUNT)), stored_when_short=4
    )  # fmt: skip


def halved(frame: np.ndarray) -> np.ndarray:
    """In rows.py, where spawned processes find it."""
    return frame / 2


def mapped_view(folder: Path) -> Case:
    stored = pixels("uint16")
    expected = (stored / 2).astype(np.float32)
    view = partial(isx.Movie.map, function=halved)
    return view_case(
        folder, view, dense(stored), expected, GAPS, samples=list(range(COUNT)), stored_when_short=4
    )


def fixed_view(folder: Path) -> Case:
    stored = np.random.default_rng(4).integers(1000, 1020, (len(VALID), ROWS_, COLUMNS), dtype=np.uint16)
    stored[:, 5, 5] = 4000
    expected = stored.copy()
    around = np.delete(stored[:, 4:7, 4:7].reshape(-1, 9), 4, axis=1)
    expected[:, 5, 5] = np.floor(np.median(around, axis=1) + 0.5)
    view = partial(isx.Movie.fix_pixels, threshold=20)
    return view_case(
        folder, view, dense(stored), expected, GAPS, samples=list(range(COUNT)), stored_when_short=4
    )


def steps(movie: isx.Movie) -> isx.Movie:
    return movie.trim(2).crop(columns=(0, 2 * COLUMNS)).bin(space=2, time=2).map(halved)


def view_of_views(folder: Path) -> Case:
    whole = np.random.default_rng(9).integers(
        0, 256, (2 + 2 * COUNT, 2 * ROWS_, 2 * COLUMNS + 4), dtype=np.uint8
    )
    missing: dict[str, list[Any]] = {"dropped": [4, 5], "cropped": ["14-15"], "blank": [16, 17]}
    used = whole[2:, :, : 2 * COLUMNS].reshape(COUNT, 2, ROWS_, 2, COLUMNS, 2).astype(int)[VALID]
    expected = ((used.sum(axis=(1, 3, 5)) + 4) // 8 / 2).astype(np.float32)
    return view_case(folder, steps, whole, expected, missing, stored_when_short=2 + 8)


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
    "cropped": cropped_view,
    "binned in space": binned_view,
    "binned in time": binned_in_time,
    "trimmed": trimmed_view,
    "plane": plane_view,
    "dF/F": relative_change,
    "mapped": mapped_view,
    "repaired pixels": fixed_view,
    "view of views": view_of_views,
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
