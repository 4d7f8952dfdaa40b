"""Every movie answers the same questions in the same way, whatever it is read from."""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import multiprocessing
import os
import pickle
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from compliance.rows import COLUMNS, COUNT, ROWS, ROWS_, VALID, Case, sums
from openisx._files.source import ByteSource, open_bytes
from openisx._formats.registry import open_movie_source

pytestmark = pytest.mark.filterwarnings("ignore:.*decoding with Pillow:isx.IsxWarning")

KEYS: list[Any] = [
    0,
    -1,
    slice(None),
    slice(2, 6),
    slice(None, None, -2),
    slice(11, 3, -3),
    slice(5, 5),
    [3, 0, 3, -1],
    np.array([8, 2]),
    np.arange(COUNT) % 3 == 0,
    (slice(None), 3, 4),
    (slice(2, 9), slice(4, 6), slice(None)),
    (slice(2, 5), slice(5, None, -2), 7),
    (slice(None), 15, slice(None, None, -5)),
    (4, slice(None), [1, 2, 1]),
    (slice(None), [0, 15], [3, 31]),
    ([0, 2], [1, 2], 4),
    (Ellipsis, -1),
    (6, 0, 0),
    (2, 0, 0),
]


@pytest.fixture(params=ROWS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return ROWS[request.param](tmp_path)


@pytest.fixture
def movie(case: Case) -> Iterator[isx.Movie]:
    with case.open() as opened:
        yield opened


class Plain(ByteSource):
    """Bytes that can be neither mapped nor read from a path, as those of a remote file."""

    def __init__(self, path: Path | str) -> None:
        with open(path, "rb") as file:
            self._data = file.read()
        self.path = self.given_path = str(path)
        self.size = len(self._data)
        self._closed = False

    def read_into(self, buffer: Any, offset: int) -> int:
        self.require_open()
        target = memoryview(buffer).cast("B") if memoryview(buffer).nbytes else memoryview(b"")
        data = self._data[offset : offset + len(target)]
        target[: len(data)] = data
        return len(data)

    def sibling(self, name: str) -> Plain:
        path = Path(self.path).parent / name
        if not path.exists():
            raise isx.IsxFileNotFoundError(f"File does not exist: {path}")
        return Plain(path)

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True


# -- what it is ----------------------------------------------------------------------------------


def test_attributes(case: Case, movie: isx.Movie) -> None:
    assert movie.shape == (len(case.frames), ROWS_, COLUMNS)
    assert movie.size == case.frames.size
    assert len(movie) == movie.timing.num_samples == len(case.frames)
    assert movie.dtype == case.frames.dtype
    assert movie.dtype.isnative
    assert movie.data_type is case.frames.dtype.type
    assert movie.spacing.num_pixels == (ROWS_, COLUMNS)
    assert movie.mode == "r"
    file_path = None if case.path is None or case.view else os.path.realpath(case.path)
    assert movie.file_path == file_path
    valid = np.ones(len(case.frames), dtype=bool)
    valid[list(case.missing)] = False
    assert movie.timing.get_valid_samples_mask().tolist() == valid.tolist()


def test_metadata(case: Case, movie: isx.Movie) -> None:
    assert (movie.metadata is not None) == case.metadata
    assert movie.footer == movie.metadata
    assert (movie.get_acquisition_info() is not None) == case.metadata
    assert movie.tracking is None
    assert "base64" in movie._repr_html_()
    assert str(movie).startswith("Movie\n")


def test_time_stamps(case: Case, movie: isx.Movie) -> None:
    if case.timestamps is None:
        assert movie.timestamps is None
        with pytest.raises(isx.IsxError, match="No frame timestamps"):
            movie.get_frame_timestamp(0)
        return
    stamps = movie.timestamps
    assert stamps is not None
    assert stamps.dtype == np.uint64
    assert stamps.tolist() == case.timestamps.tolist()
    assert [movie.get_frame_timestamp(k) for k in range(len(movie))] == case.timestamps.tolist()


def test_headers(case: Case, movie: isx.Movie) -> None:
    for k in range(len(movie)):
        header = movie.get_frame_header(k)
        if case.focus is None or k in case.missing:
            assert header is None
        else:
            assert header is not None
            assert case.timestamps is not None
            assert (header.efocus, header.timestamp) == (case.focus[k], case.timestamps[k])


# -- frames --------------------------------------------------------------------------------------


def test_frames_one_by_one(case: Case, movie: isx.Movie) -> None:
    order = np.random.default_rng(5).permutation(len(movie))
    for k in [*range(len(movie)), *order.tolist()]:
        frame = movie.get_frame_data(k)
        np.testing.assert_array_equal(frame, case.frames[k], err_msg=str(k))
        assert frame.flags.c_contiguous
        assert frame.dtype == movie.dtype
        frame[:] = 0  # belongs to the caller


def test_all_frames(case: Case, movie: isx.Movie) -> None:
    np.testing.assert_array_equal(np.asarray(movie), case.frames)
    np.testing.assert_array_equal(list(movie), case.frames)
    assert np.asarray(movie, dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing(case: Case, movie: isx.Movie, key: Any) -> None:
    if isinstance(key, np.ndarray) and key.dtype == bool:
        key = key[: len(movie)]
    wanted = case.frames[key]
    got = movie[key]
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


def test_indices_outside(movie: isx.Movie) -> None:
    count = len(movie)
    for index in (-1, count, 2**64):
        for ask in (movie.get_frame_data, movie.get_frame_header):
            with pytest.raises(isx.IsxIndexError, match=r"\(0-\d+\)|out of bounds"):
                ask(index)
    for index in (count, -count - 1):
        with pytest.raises(IndexError):
            movie[index]
    for wrong in (1.5, "1", None, [0]):
        with pytest.raises(TypeError):
            movie.get_frame_data(wrong)  # type: ignore[arg-type]
    np.testing.assert_array_equal(movie.get_frame_data(np.int64(0)), movie[np.uint8(0)])


def test_a_movie_is_not_written_to(movie: isx.Movie) -> None:
    with pytest.raises(ValueError, match="read-only"):
        movie.set_frame_data(0, np.zeros(movie.shape[1:], movie.dtype))
    movie.flush()
    part = movie[2:4]
    assert part.flags.owndata or not part.flags.writeable


# -- threads, processes, life --------------------------------------------------------------------


def test_threads(case: Case, movie: isx.Movie) -> None:
    rng = np.random.default_rng(2)
    orders = [rng.permutation(len(movie)).tolist() for _ in range(6)]
    barrier = threading.Barrier(len(orders))

    def work(order: list[int]) -> bool:
        barrier.wait()
        frames = all(np.array_equal(movie.get_frame_data(k), case.frames[k]) for k in order)
        return frames and np.array_equal(movie[2:8:3, 1:4, 2], case.frames[2:8:3, 1:4, 2])

    with ThreadPoolExecutor(len(orders)) as pool:
        assert all(pool.map(work, orders))


def test_opening_and_closing_in_threads(case: Case) -> None:
    def work(index: int) -> bool:
        with case.open() as movie:
            return np.array_equal(movie.get_frame_data(index), case.frames[index])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, [k % len(case.frames) for k in range(24)]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_fork(case: Case, movie: isx.Movie) -> None:
    """Parent and children read one open movie at the same time, each with its own position."""
    np.testing.assert_array_equal(movie.get_frame_data(0), case.frames[0])
    children = []
    for _ in range(2):
        pid = os.fork()
        if not pid:
            right = False
            with contextlib.suppress(BaseException):
                right = all(
                    np.array_equal(movie.get_frame_data(k), case.frames[k]) for k in range(len(movie))
                )
                right = right and np.array_equal(movie[:], case.frames)
            os._exit(0 if right else 1)
        children.append(pid)
    np.testing.assert_array_equal(list(movie), case.frames)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0, 0]
    np.testing.assert_array_equal(movie.get_frame_data(7), case.frames[7])


def test_spawned_processes(tmp_path: Path) -> None:
    """All movies in one process, since starting one takes long."""
    cases = []
    for number, make in enumerate(ROWS.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        with contextlib.suppress(pytest.skip.Exception):
            cases.append(make(folder))
    movies = [case.open() for case in cases]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        for case, got in zip(cases, pool.map(sums, movies), strict=True):
            assert got == [float(frame.sum()) for frame in case.frames]
    for movie in movies:
        movie.close()


def test_pickles_and_copies(case: Case, movie: isx.Movie) -> None:
    for other in (pickle.loads(pickle.dumps(movie)), copy.deepcopy(movie), copy.copy(movie)):
        with other:
            assert other.timing == movie.timing
            assert other.file_path == movie.file_path
            np.testing.assert_array_equal(other[:], case.frames)


def test_closing(case: Case) -> None:
    movie = case.open()
    part = movie[3:5]
    movie.close()
    movie.close()
    np.testing.assert_array_equal(part, case.frames[3:5])
    for ask in (
        lambda: movie.get_frame_data(0),
        lambda: movie[0, 0, 0],
        lambda: movie[2:6],
        lambda: list(movie),
    ):
        with pytest.raises(isx.IsxStateError, match="is closed"):
            ask()
    assert movie.shape == case.frames.shape
    assert movie._repr_html_()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files cannot be counted here")
def test_nothing_stays_open(case: Case) -> None:
    case.open().close()
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        case.open().close()
        movie = case.open()
        movie.get_frame_data(0)
        del movie
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


# -- files that lack something -------------------------------------------------------------------


def test_fewer_frames_than_announced(case: Case) -> None:
    if case.short is None:
        pytest.skip("this format cannot announce more than it holds")
    case.short()
    counts = r"9 frames but holds only 4; the last 5" if case.view is None else r"\d+ frames but holds only"
    with pytest.warns(isx.IsxWarning, match=f"announces {counts} .*cannot be read"):
        movie = case.open()
    first_lost = VALID[4] if case.missing else 4
    with movie:
        np.testing.assert_array_equal(movie[:first_lost], case.frames[:first_lost])
        for ask in (
            lambda: movie.get_frame_data(first_lost),
            lambda: movie[first_lost],
            lambda: movie[:],
            lambda: list(movie),
            lambda: movie.get_frame_header(first_lost),
        ):
            with pytest.raises(
                isx.IsxFormatError, match=rf"holds 4 of the 9 frames .* sample {first_lost} is not"
            ):
                ask()
        for missing in case.missing:
            assert not movie.get_frame_data(missing).any()


def test_cut_files(case: Case) -> None:
    """Data, or an error of this package."""
    if case.path is None:
        pytest.skip("not a file")
    file = case.files[-1]
    data = file.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", isx.IsxWarning)
        for size in sorted({*range(0, len(data), max(1, len(data) // 23)), len(data) - 1}):
            file.write_bytes(data[:size])
            with contextlib.suppress(isx.IsxError), case.open() as movie:
                for k in range(len(movie)):
                    with contextlib.suppress(isx.IsxError):
                        frame = movie.get_frame_data(k)
                        assert len(movie) != len(case.frames) or np.array_equal(frame, case.frames[k])
                with contextlib.suppress(isx.IsxError):
                    assert movie[:].shape == movie.shape


def test_files_shortened_while_open(case: Case) -> None:
    if case.path is None:
        pytest.skip("not a file")
    with case.open() as movie:
        for file in case.files:
            os.truncate(file, file.stat().st_size // 3)
        lost = 0
        for k in range(len(movie)):
            try:
                frame = movie.get_frame_data(k)
            except isx.IsxError:
                lost += 1
            else:
                np.testing.assert_array_equal(frame, case.frames[k])
        assert lost
        with pytest.raises(isx.IsxError):
            movie[:].sum()


# -- where bytes come from -----------------------------------------------------------------------


def test_bytes_that_cannot_be_mapped(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    if case.path is None:
        pytest.skip("not a file")
    source = open_movie_source(Plain(case.path))

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("a reader opened a file by itself")

    with monkeypatch.context() as patch:
        for name in ("builtins.open", "io.open", "os.open"):
            patch.setattr(name, refused)
        with isx.Movie.from_source(source) as whole, (case.view or contextlib.nullcontext)(whole) as movie:
            np.testing.assert_array_equal(movie[:], case.frames)
            np.testing.assert_array_equal(list(movie), case.frames)
            np.testing.assert_array_equal(movie[2:9, 3, 4:6], case.frames[2:9, 3, 4:6])
            for k in (5, 0, len(movie) - 1):
                np.testing.assert_array_equal(movie.get_frame_data(k), case.frames[k])
            if case.timestamps is not None:
                assert movie.timestamps is not None
                assert movie.timestamps.tolist() == case.timestamps.tolist()
    with pytest.raises(isx.IsxStateError, match="is closed"):
        movie.get_frame_data(0)


def test_a_source_reads_the_bytes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    data = bytes(range(256)) * 9
    path.write_bytes(data)
    for source in (open_bytes(str(path)), Plain(path)):
        assert source.size == len(data)
        assert source.read(300, 20) == data[300:320]
        assert source.read_spans(np.array([700, 3, 3]), 4) == data[700:704] + data[3:7] * 2
        mapped = source.map()
        assert mapped is None or bytes(mapped[:]) == data
        stream = source.stream(10, 1000)
        assert stream.read(5) == data[10:15]
        assert stream.seek(-7, io.SEEK_END) == 983
        assert stream.read() == data[993:1000]
        assert stream.read() == b""
        with pytest.raises(isx.IsxFormatError, match="ends at byte 2304"):
            source.read(2300, 5)
        (tmp_path / "other").write_bytes(b"x")
        assert source.sibling("other").read(0, 1) == b"x"
        with pytest.raises(isx.IsxFileNotFoundError):
            source.sibling("none")
        source.close()
        assert source.closed
        with pytest.raises(isx.IsxStateError, match="is closed"):
            source.read(0, 1)
