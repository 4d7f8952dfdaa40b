"""Working ahead of the reader: order, errors, bounds, and an end of all threads where that matters."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import isx
from builders.isxb import blocks, isxb, jpeg, movie, session
from openisx._formats import prefetch as ahead
from openisx._formats.prefetch import Prefetcher

pytestmark = pytest.mark.filterwarnings("ignore:.*decoding with Pillow:isx.IsxWarning")


@pytest.fixture(autouse=True)
def two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_num_workers", lambda: 2)


class Source:
    """Squares of numbers, and what was computed where."""

    def __init__(self) -> None:
        self.here: list[int] = []
        self.elsewhere: list[int] = []
        self.caller = threading.current_thread()
        self.go = threading.Event()
        self.go.set()
        self.started = threading.Event()

    def __call__(self, number: int) -> int:
        self.started.set()
        self.go.wait(10)
        (self.here if threading.current_thread() is self.caller else self.elsewhere).append(number)
        if number == 13:
            raise ValueError("thirteen")
        return number * number

    def read(self, prefetcher: Prefetcher[int], number: int, count: int = 100) -> int:
        prepared = prefetcher.take(number, count, self)
        return self(number) if prepared is None else prepared


def test_numbers_in_order_are_prepared_by_other_threads() -> None:
    source, prefetcher = Source(), Prefetcher[int]()
    assert [source.read(prefetcher, k, 12) for k in range(12)] == [k * k for k in range(12)]
    assert source.here == [0, 1, 2]
    assert sorted(source.elsewhere) == list(range(3, 12))  # each once, and none behind the last


def test_at_most_four_are_ahead() -> None:
    source, prefetcher = Source(), Prefetcher[int]()
    for k in range(3):
        source.read(prefetcher, k)
    prefetcher.close()
    assert set(source.elsewhere) <= {3, 4, 5, 6}


@pytest.mark.parametrize("order", [[5, 3, 9, 1], [0, 1, 7, 8, 2, 3], [9, 8, 7, 6], [4, 4, 4, 4]])
def test_other_orders_cost_nothing_more(order: list[int]) -> None:
    source, prefetcher = Source(), Prefetcher[int]()
    assert [source.read(prefetcher, k) for k in order] == [k * k for k in order]
    assert source.here == order
    assert not source.elsewhere


def test_a_jump_drops_what_was_prepared() -> None:
    source, prefetcher = Source(), Prefetcher[int]()
    order = [0, 1, 2, 3, 50, 4, 5, 6, 7, 8]
    assert [source.read(prefetcher, k) for k in order] == [k * k for k in order]


def test_an_error_comes_with_its_number() -> None:
    source, prefetcher = Source(), Prefetcher[int]()
    for k in range(20):
        if k == 13:
            with pytest.raises(ValueError, match="thirteen"):
                source.read(prefetcher, k)
        else:
            assert source.read(prefetcher, k) == k * k


def test_close_waits_for_what_is_under_way() -> None:
    source, prefetcher = Source(), Prefetcher[int]()
    for k in range(2):
        source.read(prefetcher, k)
    source.go.clear()
    source.started.clear()
    assert prefetcher.take(2, 100, source) is None
    assert source.started.wait(10)
    threading.Timer(0.05, source.go.set).start()
    prefetcher.close()
    done = list(source.elsewhere)
    assert source.go.is_set()
    assert source.read(prefetcher, 50) == 2500
    assert source.elsewhere == done


def test_no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(read: object, number: int) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ahead._pool, "submit", refuse)
    source, prefetcher = Source(), Prefetcher[int]()
    assert [source.read(prefetcher, k) for k in range(9)] == [k * k for k in range(9)]
    assert source.here == list(range(9))


def test_several_readers_of_one_prefetcher() -> None:
    source, prefetcher = Source(), Prefetcher[int]()
    with ThreadPoolExecutor(8) as pool:
        numbers = list(range(12)) * 50
        assert list(pool.map(lambda k: source.read(prefetcher, k, 13), numbers)) == [k * k for k in numbers]


# -- of a movie --------------------------------------------------------------------------------------------------------


def test_frames_read_one_by_one(tmp_path: Path) -> None:
    images = [jpeg(blocks(k)) for k in range(12)]
    images[7] = images[7][:-40] + b"\xff\xd9"
    pytest.importorskip("av")  # Pillow fills up what is missing
    with isx.Movie.read(isxb(tmp_path / "m.isxb", images, session())) as opened:
        for k in range(12):
            if k == 7:
                with pytest.raises(isx.IsxFormatError, match="Frame 7"):
                    opened.get_frame_data(k)
                continue
            frame = opened.get_frame_data(k)
            np.testing.assert_array_equal(frame, blocks(k))
            frame[:] = 0  # the caller's own
        np.testing.assert_array_equal(opened.get_frame_data(5), blocks(5))


def test_a_movie_that_is_not_closed_goes_away(tmp_path: Path) -> None:
    opened = isx.Movie.read(movie(tmp_path / "m.isxb", 12))
    for k in range(4):
        opened.get_frame_data(k)
    opened._source._prefetcher.close()  # so that no thread is still busy with it
    source = weakref.ref(opened._source)
    gc.disable()
    try:
        del opened
        for _ in range(1000):  # the thread lets go of its last task a moment after that is done
            if source() is None:
                break
            time.sleep(0.01)
        assert source() is None
    finally:
        gc.enable()


def test_closing_in_the_middle(tmp_path: Path) -> None:
    path = movie(tmp_path / "m.isxb", 12)
    for last in range(1, 8):
        opened = isx.Movie.read(path)
        for k in range(last):
            opened.get_frame_data(k)
        opened.close()
        with pytest.raises(isx.IsxStateError):
            opened.get_frame_data(last)


def run_alone(script: str, *arguments: str | Path) -> None:
    """Run `script`, which prints "done" in the end, in a process of its own where warnings are errors."""
    options = ["-W", "error", "-W", "ignore::isx.IsxWarning"]
    result = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(script), *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.stdout == "done\n", result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forks_between_frames(tmp_path: Path) -> None:
    script = """
        import os, sys
        import isx
        from openisx._formats import prefetch as ahead
        ahead._num_workers = lambda: 2
        opened = isx.Movie.read(sys.argv[1])
        wanted = list(isx.Movie.read(sys.argv[1]))
        for k in range(40):
            assert (opened.get_frame_data(k) == wanted[k]).all()
            if k % 5 == 4:
                child = os.fork()
                if not child:
                    same = all((opened.get_frame_data(i) == wanted[i]).all() for i in range(k - 3, 40))
                    os._exit(0 if same else 1)
                assert os.waitpid(child, 0)[1] == 0
        print("done")
    """
    path = movie(tmp_path / "m.isxb", 40)
    run_alone(script, path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kind", ["isxb", "isxc"])
def test_forks_while_other_threads_read(tmp_path: Path, kind: str) -> None:
    script = """
        import os, signal, sys
        import numpy as np
        import isx
        from openisx._formats import prefetch as ahead
        ahead._num_workers = lambda: 2
        opened = isx.Movie.read(sys.argv[1])
        lock = (opened._source._index if sys.argv[2] == "isxb" else opened._source._video)._lock
        wanted = [frame for frame in isx.Movie.read(sys.argv[1])]
        frames = iter(opened)
        first = [next(frames), next(frames)]
        with lock:  # as by a thread that is just reading
            child = os.fork()
            if not child:
                signal.alarm(20)
                one_by_one = [opened.get_frame_data(k) for k in range(len(wanted))]
                same = np.array_equal(one_by_one, wanted) and np.array_equal(first + list(frames), wanted)
                opened.close()
                sys.exit(0 if same else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert np.array_equal(first + list(frames), wanted)
        print("done")
    """
    if kind == "isxb":
        path = movie(tmp_path / "m.isxb", 20)
    else:
        pytest.importorskip("av")
        path = Path(__file__).parents[1] / "data" / "isxb" / "h264.isxc"
    run_alone(script, path, kind)


def test_an_interrupted_end_of_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ahead._pool.submit(abs, -1).result() == 1
    threads = ahead._pool._pool
    assert threads is not None

    def interrupted(**_: object) -> None:
        ThreadPoolExecutor.shutdown(threads)
        raise KeyboardInterrupt

    monkeypatch.setattr(threads, "shutdown", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ahead._pool._end()
    ahead._pool._gate.release()
    assert ahead._pool.submit(abs, -2).result() == 2


def test_leaving_an_iteration_does_not_wait() -> None:
    """The collector may do it in a thread that is just starting, and that waiting would stop for ever."""
    source = Source()
    source.go.clear()
    numbers = ahead.read_ahead(lambda k: source(k) if k else 0, range(9), 2)
    assert next(numbers) == 0
    assert source.started.wait(10)
    numbers.close()  # type: ignore[attr-defined]
    assert not source.go.is_set()
    source.go.set()
