"""isx.open finds the right class."""

from __future__ import annotations

import numpy as np
import pytest

import isx


def _movie(path, frames):
    with isx.Movie.write(path, isx.Timing(num_samples=frames), isx.Spacing((2, 3)), np.uint16) as movie:
        for i in range(frames):
            movie.set_frame_data(i, np.full((2, 3), i, np.uint16))


def test_movie_and_image(tmp_path):
    _movie(tmp_path / "movie.isxd", 2)
    _movie(tmp_path / "image.isxd", 1)
    with isx.open(tmp_path / "movie.isxd") as movie:
        assert type(movie) is isx.Movie
        assert movie.shape == (2, 2, 3)
    image = isx.open(tmp_path / "image.isxd")
    assert type(image) is isx.Image
    assert image.spacing.num_pixels == (2, 3)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(isx.IsxFileNotFoundError, match="File does not exist"):
        isx.open(tmp_path / "no.isxd")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(isx.IsxFileError, match="File extension not supported: txt"):
        isx.open(tmp_path / "notes.txt")
    (tmp_path / "empty.isxd").touch()
    with pytest.raises(isx.IsxFormatError):
        isx.open(tmp_path / "empty.isxd")
