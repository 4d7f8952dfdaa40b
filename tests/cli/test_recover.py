"""isx recover."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import isx
from builders.movie import header_line


@pytest.fixture
def broken_off(tmp_path):
    """Name of a movie of 4 frames of which 3 were written, and what a killed writer leaves of it."""
    (tmp_path / "at work").mkdir()
    with isx.Movie.write(
        tmp_path / "at work" / "night.isxd", isx.Timing(num_samples=4), isx.Spacing((2, 3)), np.uint16
    ) as movie:
        for i in range(4):
            movie.set_frame_data(i, np.full((2, 3), i, np.uint16))
            if i == 2:
                for path in (tmp_path / "at work").iterdir():
                    shutil.copy(path, tmp_path)
    shutil.rmtree(tmp_path / "at work")
    return tmp_path / "night.isxd"


def test_recover(run, broken_off):
    assert run("recover", broken_off) == (0, f"wrote {broken_off}: 3 of 4 frames\n", "")
    np.testing.assert_array_equal(isx.Movie.read(broken_off)[:, 0, 0], [0, 1, 2])
    status, out, err = run("recover", broken_off)
    assert (status, out) == (1, "")
    assert err.startswith("error: Nothing to recover")


def test_recover_from_what_was_left(run, broken_off):
    (left,) = broken_off.parent.glob(".*.partial")
    assert run("recover", left) == (0, f"wrote {broken_off}: 3 of 4 frames\n", "")


def test_a_recording_without_metadata(run, tmp_path):
    path = tmp_path / "night.isxd"
    lines = [header_line(1000 * i) for i in range(2)]
    path.write_bytes(b"".join(line + bytes(48) + bytes(5120) for line in lines))
    target = tmp_path / "night_recovered.isxd"
    assert run("recover", path, "--shape", 3, 8) == (0, f"wrote {target}: 2 of 2 frames\n", "")
    assert isx.Movie.read(target).shape == (2, 3, 8)
    assert run("recover", path, "--shape", 0, 8)[0] == 2


def test_a_set(run, tmp_path):
    (tmp_path / "at work").mkdir()
    cells = isx.CellSet.write(tmp_path / "at work" / "c.isxd", isx.Timing(5), isx.Spacing((2, 3)))
    cells.set_cell_data(0, np.ones((2, 3), np.float32), np.ones(5, np.float32))
    for path in (tmp_path / "at work").iterdir():
        shutil.copy(path, tmp_path)
    cells.close()
    assert run("recover", tmp_path / "c.isxd") == (0, f"wrote {tmp_path / 'c.isxd'}: 1 of 1 cells\n", "")


def test_one_that_fails_keeps_none_of_the_others_from_their_turn(run, broken_off, tmp_path):
    status, out, err = run("recover", tmp_path / "none.isxd", broken_off)
    assert (status, out) == (1, f"wrote {broken_off}: 3 of 4 frames\n")
    assert "none.isxd" in err
