"""Movies of other formats to .isxd."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import isx
from openisx.export._movie_isxd import write_movie_isxd

DATA = Path(__file__).parents[1] / "data"


def test_tiff_stack(tmp_path):
    frames = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
    tifffile.imwrite(tmp_path / "m.tif", frames, photometric="minisblack")
    done = []
    write_movie_isxd(tmp_path / "m.tif", tmp_path / "o.isxd", progress=lambda *step: done.append(step))
    with isx.Movie.read(tmp_path / "o.isxd") as movie:
        np.testing.assert_array_equal(movie[:], frames)
        assert movie.timing.period.secs_float == 0.05
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_behaviour_movie_keeps_its_missing_samples(tmp_path):
    path = DATA / "isxb" / "tracking_dropped.isxb"
    write_movie_isxd(path, tmp_path / "o.isxd")
    with isx.Movie.read(path) as original, isx.Movie.read(tmp_path / "o.isxd") as movie:
        assert movie.timing.dropped == original.timing.dropped == [0, 3, 9, 10]
        assert movie.timing.start == original.timing.start
        np.testing.assert_array_equal(movie[:], original[:])


def test_refusals(tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", np.zeros((3, 4, 5), np.uint16), photometric="minisblack")
    write_movie_isxd(tmp_path / "m.tif", tmp_path / "o.isxd")
    with pytest.raises(isx.IsxFileExistsError):
        write_movie_isxd(tmp_path / "m.tif", tmp_path / "o.isxd")
    with pytest.raises(ValueError, match=r"is an \.isxd movie already"):
        write_movie_isxd(tmp_path / "o.isxd", tmp_path / "p.isxd")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.tif", "o.isxd"]
