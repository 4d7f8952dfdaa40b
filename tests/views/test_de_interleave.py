"""Planes to files, under the vendor's name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import isx
from builders.interleaved import GREEN, interleaved, three_planes


def test_planes_of_two_files(tmp_path: Path) -> None:
    inputs = [tmp_path / "a.isxd", tmp_path / "b.isxd"]
    movies = [
        interleaved(path, three_planes, count, dropped=[4])
        for path, count in zip(inputs, (9, 12), strict=True)
    ]
    outputs = [tmp_path / f"{name}.isxd" for name in ("a900", "a0", "b900", "b0")]
    isx.de_interleave(inputs, outputs, [900, 0])
    for path, movie, efocus in zip(
        outputs, (movies[0], movies[0], movies[1], movies[1]), (900, 0) * 2, strict=True
    ):
        with isx.Movie.read(path) as saved:
            np.testing.assert_array_equal(saved[:], movie.planes()[efocus][:])
            assert saved.timing == movie.planes()[efocus].timing
            assert saved.get_acquisition_info()["efocus"] == efocus  # type: ignore[index]
            assert saved.timestamps is None
            assert saved.frame_headers is None


def test_with_frame_headers(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "a.isxd", three_planes, 9)
    isx.de_interleave(movie, tmp_path / "o.isxd", [500], frame_headers=True)
    assert isx.verify_deinterleave(tmp_path / "o.isxd", 500)
    with isx.Movie.read(tmp_path / "o.isxd") as saved:
        assert saved.timestamps is not None
        assert saved.timestamps.tolist() == movie.timestamps[1::3].tolist()  # type: ignore[index]


def test_refusals_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.isxd"
    interleaved(path, three_planes, 9).close()
    interleaved(tmp_path / "b.isxd", lambda k: {"efocus": 100 * (k // 20), "color_id": GREEN}, 40).close()
    outputs = [tmp_path / "x.isxd", tmp_path / "y.isxd"]
    for inputs, targets, values, error, text in (
        ([path], outputs, [0, 400], isx.IsxError, "no plane with e-focus 400; it has 0, 500, 900"),
        ([path], outputs, [0, 500, 900], ValueError, "3 planes of 1 movies need 3 outputs, not 2"),
        ([path], outputs, [0, 0], ValueError, "must name each plane once"),
        ([path], outputs, [], ValueError, "must name each plane once"),
        ([tmp_path / "b.isxd"], outputs, [0, 100], isx.IsxError, "sample 20 has e-focus 100"),
        ([path], [outputs[0], path], [0, 500], isx.IsxFileExistsError, "already exists"),
        ([path], [outputs[0], outputs[0]], [0, 500], isx.IsxFileExistsError, "being written by another object"),
    ):  # fmt: skip
        with pytest.raises(error, match=text):  # type: ignore[arg-type]
            isx.de_interleave(inputs, targets, values)  # type: ignore[arg-type]
        assert sorted(os.listdir(tmp_path)) == ["a.isxd", "b.isxd"]
