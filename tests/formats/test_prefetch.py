"""Threads that prepare what comes next: order, errors, bounds, and their end where that matters."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

import isx
from builders.isxb import blocks, isxb, jpeg, movie, session
from openisx._formats import prefetch

pytestmark = pytest.mark.filterwarnings("ignore:.*decoding with Pillow:isx.IsxWarning")


@pytest.fixture(autouse=True)
def two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "_num_workers", lambda: 2)


def square(number: int) -> int:
    if number == 13:
        raise ValueError("thirteen")
    return number * number


@pytest.mark.parametrize("workers", [None, 1, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 12])
def test_results_come_in_order(count: int, workers: int | None) -> None:
    assert list(prefetch.prefetched(square, range(count), workers)) == [k * k for k in range(count)]


def test_an_error_comes_with_its_number() -> None:
    squares = prefetch.prefetched(square, range(20), 2)
    assert [next(squares) for _ in range(13)] == [k * k for k in range(13)]
    with pytest.raises(ValueError, match="thirteen"):
        next(squares)


def test_no_more_results_wait_than_promised() -> None:
    taken: list[int] = []
    squares = prefetch.prefetched(abs, (taken.append(k) or k for k in range(100)), 2)  # type: ignore[func-returns-value]
    for done in range(1, 20):
        next(squares)
        assert len(taken) <= done + 4


def test_leaving_an_iteration_does_not_wait() -> None:
    """The collector may do it in a thread that is just starting, and that waiting would stop for ever."""
    started, go = threading.Event(), threading.Event()

    def work(number: int) -> int:
        if number:
            started.set()
            go.wait(10)
        return number

    numbers = prefetch.prefetched(work, range(9), 2)
    assert next(numbers) == 0
    assert started.wait(10)
    numbers.close()  # type: ignore[attr-defined]
    assert not go.is_set()
    go.set()


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
@pytest.mark.parametrize("kind", ["isxb", "isxc"])
def test_forking_while_other_threads_read(tmp_path: Path, kind: str) -> None:
    script = """
        import os, signal, sys
        import numpy as np
        import isx
        from openisx._formats import prefetch
        prefetch._num_workers = lambda: 2
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
