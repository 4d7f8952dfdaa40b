"""The vendor's package reads what views are saved as, and aligns planes that keep their frame headers."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import isx
from builders.interleaved import TICK, interleaved, three_planes

READ = """
movie = isx.Movie.read(path)
t = movie.timing
frames = np.stack([movie.get_frame_data(i) for i in range(t.num_samples)])
info = movie.get_acquisition_info()
out = dict(frames=frames, dropped=list(t.dropped), period=t.period.secs_float, start=str(t.start),
           pixels=tuple(movie.spacing.num_pixels), info=dict(info), count=t.num_samples)
"""


def assert_read(vendor, path: Path, view: isx.Movie) -> dict:
    got = vendor.run(READ, path=str(path))
    np.testing.assert_array_equal(got["frames"], view[:])
    assert got["dropped"] == view.timing.dropped
    assert got["count"] == len(view)
    assert got["period"] == pytest.approx(view.timing.period.secs_float, rel=1e-12)
    assert got["start"] == str(view.timing.start)
    assert got["pixels"] == view.spacing.num_pixels
    return got


@pytest.mark.parametrize("frame_headers", [False, True])
def test_planes(vendor, tmp_path, frame_headers):
    movie = interleaved(tmp_path / "m.isxd", three_planes, 60, dropped=[3, 31, 32])
    for focus, plane in movie.planes().items():
        path = tmp_path / f"{focus}.isxd"
        plane.save(path, frame_headers=frame_headers)
        info = assert_read(vendor, path, plane)["info"]
        assert (info["efocus"], info["channel"]) == (focus, "green")


@pytest.mark.parametrize(
    "view",
    [
        lambda m: m.crop(rows=(1, 3), columns=(1, 4)),
        lambda m: m.bin(space=2, time=3),
        lambda m: m.trim(5, 50),
        lambda m: m.dff(),
    ],
)
def test_views(vendor, tmp_path, view):
    movie = interleaved(tmp_path / "m.isxd", lambda k: {"efocus": 3}, 60, dropped=[3, 31, 32])
    made = view(movie)
    made.save(tmp_path / "o.isxd")
    assert_read(vendor, tmp_path / "o.isxd", made)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_float_frames_with_headers(vendor, tmp_path, dtype):
    """Lines have one size whatever the type of the pixels."""
    movie = interleaved(tmp_path / "m.isxd", lambda k: {"efocus": 3}, 9)
    view = movie.map(np.square, dtype)
    view.save(tmp_path / "o.isxd", frame_headers=True)
    assert_read(vendor, tmp_path / "o.isxd", view)


def test_aligned_time_stamps_of_planes(vendor, tmp_path):
    """Those of a plane with headers are the stamps of its frames, for the vendor and for us."""
    movie = interleaved(tmp_path / "m.isxd", three_planes, 30)
    for focus, plane in movie.planes().items():
        plane.save(tmp_path / f"{focus}.isxd", frame_headers=True)
    paths = [str(tmp_path / f"{focus}.isxd") for focus in (0, 500, 900)]
    code = "isx.export_aligned_timestamps(paths[0], paths[1:], 'a', ['b', 'c'], out_path, 'tsc')\nout = None"
    vendor.run(code, paths=paths, out_path=str(tmp_path / "theirs.csv"))
    isx.export_aligned_timestamps(paths[0], paths[1:], "a", ["b", "c"], tmp_path / "ours.csv", "tsc")
    assert (tmp_path / "ours.csv").read_text() == (tmp_path / "theirs.csv").read_text()
    first = (tmp_path / "ours.csv").read_text().splitlines()[1].split(",")
    assert int(first[1]) - int(first[0]) == TICK


def test_the_image_of_a_projection(vendor, tmp_path):
    movie = interleaved(tmp_path / "m.isxd", lambda k: {"efocus": 3}, 9, dropped=[2])
    isx.project_movie(movie, tmp_path / "o.isxd", "mean")
    image = vendor.run("out = isx.Image.read(path).get_data()", path=str(tmp_path / "o.isxd"))
    np.testing.assert_array_equal(image, movie.project("mean"))


def test_cell_sets_with_binned_samples(vendor, tmp_path):
    timing = isx.Timing(11, isx.Duration.from_msecs(50), dropped=[1, 4, 5])
    with isx.CellSet.write(tmp_path / "c.isxd", timing, isx.Spacing((3, 4))) as cells:
        for k in range(2):
            cells.set_cell_data(
                k, np.full((3, 4), k, np.float32), np.arange(11, dtype=np.float32) + k, f"N{k}"
            )
    binned = isx.CellSet.read(tmp_path / "c.isxd").bin(time=2)
    binned.save(tmp_path / "o.isxd")
    code = "s = isx.CellSet.read(path)\nout = [(s.get_cell_name(i), s.get_cell_trace_data(i)) for i in range(s.num_cells)]"
    for k, (name, trace) in enumerate(vendor.run(code, path=str(tmp_path / "o.isxd"))):
        assert name == f"N{k}"
        np.testing.assert_array_equal(trace, binned.traces[k])


def test_a_real_recording_of_three_planes(vendor, tmp_path):
    folder = os.environ.get("ISX_REAL_RECORDINGS")
    if not folder:
        pytest.skip("ISX_REAL_RECORDINGS does not name a folder with this recording")
    movie = isx.Movie.read(Path(folder, "multiplane_movie.isxd"))
    planes = movie.planes()
    assert list(planes) == [0, 500, 900]
    starts = [Fraction(403_000, 10**6), Fraction(545_805, 10**6), Fraction(688_611, 10**6)]
    for place, ((focus, plane), start) in enumerate(zip(planes.items(), starts, strict=True)):
        np.testing.assert_array_equal(plane[:], movie[place::3])
        assert round(plane.timing.period.fraction * 10**6) == 428_416
        assert plane.timing.start.secs_since_epoch.fraction % 1 == start
        for frame_headers in (False, True):
            path = tmp_path / f"{focus}{frame_headers}.isxd"
            plane.save(path, frame_headers=frame_headers)
            assert assert_read(vendor, path, plane)["info"]["efocus"] == focus
