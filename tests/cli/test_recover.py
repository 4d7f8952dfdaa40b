"""isx recover."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import isx


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
