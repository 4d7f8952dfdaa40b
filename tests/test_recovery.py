"""Killed writers leave frames that can be saved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import isx
import openisx

SOURCE = str(Path(openisx.__file__).parent.parent)

WRITER = """
import os, sys
sys.path.insert(0, {source!r})
import numpy as np
import isx
movie = isx.Movie.write({path!r}, isx.Timing(num_samples=10, dropped=[1]), isx.Spacing((3, 4)), np.uint16,
                        extra_properties={{"name": "night run"}})
for i in range({frames}):
    movie.set_frame_data(i, np.full((3, 4), i, np.uint16))
print("ready", flush=True)
sys.stdin.read()
"""


def start_writer(path: Path, frames: int) -> subprocess.Popen[str]:
    code = textwrap.dedent(WRITER).format(source=SOURCE, path=str(path), frames=frames)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def killed(tmp_path):
    """Path of a movie whose writer was killed after samples 0, 2, 3, 4 of 10 (1 is dropped)."""
    path = tmp_path / "night.isxd"
    kill(start_writer(path, 5))
    return path


def test_a_killed_writer_leaves_no_file_under_the_final_name(killed):
    assert not killed.exists()
    assert sorted(p.suffix for p in killed.parent.iterdir()) == [".json", ".partial"]


def test_recover_saves_the_frames_written(killed):
    assert isx.recover(killed) == isx.structures.Recovered(
        str(killed.resolve()), num_frames=4, num_expected=9
    )
    with isx.Movie.read(killed) as movie:
        np.testing.assert_array_equal(movie[:, 0, 0], [0, 0, 2, 3, 4])
        assert movie.timing.dropped == [1]
        assert movie.metadata["extraProperties"] == {"name": "night run"}
    assert list(killed.parent.iterdir()) == [killed]


def test_recover_takes_the_temporary_file_too(killed):
    (temporary,) = killed.parent.glob("*.partial")
    assert isx.recover(temporary).path == str(killed.resolve())


def test_a_cut_last_frame_is_left_out(killed):
    (temporary,) = killed.parent.glob(".*.partial")
    os.truncate(temporary, 3 * 24 + 5)
    assert isx.recover(killed).num_frames == 3


def test_recovering_again_after_a_crash_within_recover_gives_the_same(killed, monkeypatch):
    def crash(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("openisx.recovery.rename_without_overwriting", crash)
        with pytest.raises(KeyboardInterrupt):
            isx.recover(killed)
    assert isx.recover(killed).num_frames == 4
    with isx.Movie.read(killed) as movie:
        np.testing.assert_array_equal(movie[:, 0, 0], [0, 0, 2, 3, 4])


def test_nothing_to_recover(tmp_path):
    with pytest.raises(isx.IsxFileNotFoundError, match="Nothing to recover"):
        isx.recover(tmp_path / "night.isxd")


def test_no_frame_written(tmp_path):
    path = tmp_path / "night.isxd"
    kill(start_writer(path, 0))
    with pytest.raises(isx.IsxFileError, match="no complete frame"):
        isx.recover(path)


def test_an_existing_file_is_not_replaced(killed):
    killed.write_bytes(b"precious")
    with pytest.raises(isx.IsxFileExistsError):
        isx.recover(killed)
    assert killed.read_bytes() == b"precious"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no advisory locks")
def test_a_living_writer_is_left_alone(tmp_path):
    path = tmp_path / "night.isxd"
    process = start_writer(path, 5)
    try:
        with pytest.raises(isx.IsxStateError, match="still being written"):
            isx.recover(path)
    finally:
        kill(process)
    assert isx.recover(path).num_frames == 4


def test_several_interrupted_writers_ask_for_a_choice(tmp_path):
    path = tmp_path / "night.isxd"
    kill(start_writer(path, 3))
    kill(start_writer(path, 5))
    with pytest.raises(isx.IsxStateError, match="recover one of"):
        isx.recover(path)


def test_a_damaged_description_is_a_clear_error(killed):
    (recipe,) = killed.parent.glob(".*.json")
    recipe.write_bytes(b'{"dataType": 7}')
    with pytest.raises(isx.IsxFormatError):
        isx.recover(killed)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM on Windows")
def test_terminated_while_frames_are_missing(tmp_path):
    path = tmp_path / "night.isxd"
    process = start_writer(path, 5)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert isx.recover(path).num_frames == 4


def test_a_name_as_long_as_names_can_be(longest):
    kill(start_writer(longest, 5))
    assert isx.recover(longest).path == str(longest.resolve())
    longest.unlink()
    kill(start_writer(longest, 5))
    (temporary,) = longest.parent.glob(".*.partial")
    assert len(temporary.name) < 130
    assert isx.recover(temporary).path == str(longest.resolve())
    assert list(longest.parent.iterdir()) == [longest]


def test_long_names_that_begin_alike_are_told_apart(tmp_path):
    first, second = (tmp_path / f"{'n' * 110}{end}.isxd" for end in "ab")
    kill(start_writer(first, 5))
    with pytest.raises(isx.IsxFileNotFoundError, match="Nothing to recover"):
        isx.recover(second)
    assert isx.recover(first).num_frames == 4


KILLED_SETS = {
    "cells": """
rois = isx.CellSet.write({path!r}, timing, spacing, extra_properties={{"name": "night run"}})
for i in range(3):
    rois.set_cell_data(i, image * i, trace + i, ["first", None, ""][i])
rois.set_cell_data(1, image * 9, trace + 9, "other")
""",
    "vessels": """
rois = isx.VesselSet.write({path!r}, timing, spacing, "rbc velocity")
for i in range(3):
    maps = np.full((5, 3, i + 1, 2), i, np.float32)
    rois.set_rbc_velocity_data(i, image, np.full((4, 2), i), trace + i, trace - i, maps)
""",
    "events": """
rois = isx.EventSet.write({path!r}, timing, ["a", "b", "c"])
rois.set_cell_data(2, np.array([5, 7], np.uint64), np.array([1, 2], np.float32))
rois.set_cell_data(0, np.array([9], np.uint64), np.array([3], np.float32))
""",
}
SETTING = """
import os, sys
sys.path.insert(0, {source!r})
import numpy as np
import isx
timing, spacing = isx.Timing(num_samples=5, dropped=[1]), isx.Spacing((3, 4))
image, trace = np.ones((3, 4), np.float32), np.arange(5, dtype=np.float32)
"""


@pytest.fixture(params=["cells", "vessels", "events"])
def killed_set(request, tmp_path):
    """Kind and path of a set whose writer was killed."""
    path = tmp_path / "set.isxd"
    code = SETTING + KILLED_SETS[request.param] + 'print("ready", flush=True)\nsys.stdin.read()\n'
    process = subprocess.Popen(
        [sys.executable, "-c", code.format(source=SOURCE, path=str(path))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    if sys.platform != "win32":
        with pytest.raises(isx.IsxStateError, match="still being written"):
            isx.recover(path)
    kill(process)
    return request.param, path


def require_saved(kind, path, count=3):
    trace = np.array([0, np.nan, 2, 3, 4], np.float32)
    if kind == "cells":
        with isx.CellSet.read(path) as cells:
            assert cells.names == ["first", "other", "C2"][:count]
            assert cells.statuses == ["undecided"] * count
            np.testing.assert_array_equal(cells.traces, [trace, trace + 9, trace + 2][:count])
            np.testing.assert_array_equal(cells.footprints[:, 0, 0], [0, 9, 2][:count])
            assert cells.metadata["extraProperties"] == {"name": "night run"}
    elif kind == "vessels":
        with isx.VesselSet.read(path) as vessels:
            np.testing.assert_array_equal(vessels.traces, [trace + i for i in range(count)])
            np.testing.assert_array_equal(vessels.direction_traces, [trace - i for i in range(count)])
            for i in range(count):
                np.testing.assert_array_equal(vessels.correlation_heatmaps(i), np.full((5, 3, i + 1, 2), i))
    else:
        with isx.EventSet.read(path) as events:
            first = [[9], [3]] if count == 3 else [[], []]
            data = [[values.tolist() for values in events.get_cell_data(i)] for i in range(3)]
            assert data == [first, [[], []], [[5, 7], [1, 2]]]
            assert events.metadata["numSamples"] == [len(first[0]), 0, 2]
            assert events.metadata["startOffsets"] == [sum(first[0]), 0, 5]


def test_killed_sets_are_saved(killed_set):
    kind, path = killed_set
    with pytest.raises(isx.IsxFileNotFoundError, match=r"still being written.*isx\.recover"):
        isx.open(path)
    assert isx.recover(path) == isx.structures.Recovered(str(path.resolve()), 3, 3, kind)
    require_saved(kind, path)
    assert list(path.parent.iterdir()) == [path]


def test_what_is_cut_in_a_set_is_left_out(killed_set):
    kind, path = killed_set
    (temporary,) = path.parent.glob(".*.partial")
    os.truncate(temporary, temporary.stat().st_size - 1)
    assert isx.recover(path) == isx.structures.Recovered(str(path.resolve()), 2, 3, kind)
    require_saved(kind, path, 2)


def test_a_set_is_recovered_again_after_a_crash_within_recover(killed_set, monkeypatch):
    def crash(*args):
        raise KeyboardInterrupt

    kind, path = killed_set
    with monkeypatch.context() as patch:
        patch.setattr("openisx.recovery.rename_without_overwriting", crash)
        with pytest.raises(KeyboardInterrupt):
            isx.recover(path)
    assert isx.recover(path).num_frames == 3
    require_saved(kind, path)


def test_a_cut_line_of_the_sidecar(tmp_path):
    """Cells are saved up to it."""
    path = tmp_path / "set.isxd"
    code = SETTING + KILLED_SETS["cells"] + "os._exit(1)\n"
    subprocess.run([sys.executable, "-c", code.format(source=SOURCE, path=str(path))], check=False)
    (sidecar,) = tmp_path.glob(".*.json")
    lines = sidecar.read_bytes().splitlines(keepends=True)
    sidecar.write_bytes(b"".join(lines[:3]) + lines[3][:4])
    assert isx.recover(path).num_frames == 2
    assert isx.CellSet.read(path).names == ["first", "C1"]


def test_a_name_in_the_description_does_not_lead_elsewhere(killed):
    (recipe,) = killed.parent.glob(".*.json")
    recipe.write_bytes(recipe.read_bytes().replace(b'"night.isxd"', b'"../other/away.isxd"'))
    assert isx.recover(killed).path == str(killed.parent.resolve() / "away.isxd")
