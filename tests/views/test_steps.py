"""What views tell about themselves, what they refuse, and what becomes of them in files and exports."""

from __future__ import annotations

import csv
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import isx
from builders import movies as make
from builders.isxd import isxd

DATA = Path(__file__).parents[1] / "data"
SHAPE = (7, 9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Twelve samples, three of them missing, with headers, stamps and session metadata."""
    rng = np.random.default_rng(3)
    frames = rng.integers(0, 4096, (9, *SHAPE), dtype=np.uint16)
    valid = [k for k in range(12) if k not in (1, 6, 7)]
    headers = [make.header_line(timestamp=10**9 + 50_000 * k, frame_count=k, efocus=300) for k in valid]
    extra = {"producer": {"version": "1.9.0"}, "animal": {"id": "m1"}, "idps": {"spatialDownsampling": 2}}
    members = make.metadata(SHAPE, "uint16", 12, dropped=[1], cropped=["6"], blank=[7], extraProperties=extra)
    file = tmp_path / "m.isxd"
    file.write_bytes(isxd(make.with_lines(frames, headers), members | {"hasFrameHeaderFooter": True}))
    return file


def third(frame: np.ndarray) -> np.ndarray:
    return frame / 3


STEPS: dict[str, Callable[[isx.Movie], isx.Movie]] = {
    "crop": lambda m: m.crop(rows=(1, 5), columns=(2, 9)),
    "bin in space": lambda m: m.bin(space=2),
    "bin": lambda m: m.bin(space=2, time=3),
    "trim": lambda m: m.trim(2, 11, drop=[(3, 5)]),
    "dff": lambda m: m.dff(),
    "map": lambda m: m.map(third),
    "fix_pixels": lambda m: m.fix_pixels(1),
    "all": lambda m: m.trim(1).fix_pixels().crop(rows=(0, 6)).bin(2, 2).dff("min"),
}


@pytest.fixture(params=STEPS)
def view(request: pytest.FixtureRequest, path: Path) -> isx.Movie:
    return STEPS[request.param](isx.Movie.read(path))


def test_they_show_what_they_are(path: Path) -> None:
    movie = isx.Movie.read(path)
    view = movie.crop(rows=(1, 5)).bin(space=2, time=2).dff("min")
    name = "'m.isxd'.crop(rows=(1, 5), columns=(0, 9)).bin(space=2, time=2).dff(f0='min')"
    assert repr(view) == f"<isx.Movie {name} 6 x 2 x 4 float32, 10 Hz, 1 dropped>"
    html = view._repr_html_()
    assert "dff(f0=&#x27;min&#x27;)" in html
    assert "base64" in html
    assert view.file_path is None
    view.close()
    assert repr(view).endswith("closed>")
    assert view._repr_html_()
    assert movie.get_frame_data(0).any()


def test_large_movies_are_not_read_for_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = np.broadcast_to(np.ones((1, 512, 512), np.uint8), (70, 512, 512))
    view = isx.Movie.from_array(frames).dff()
    assert "base64" not in view._repr_html_()
    assert not view.get_frame_data(0).any()
    assert "base64" in view._repr_html_()


def test_metadata(path: Path) -> None:
    movie = isx.Movie.read(path)
    view = movie.bin(space=3).bin(space=2, time=4)
    assert view.metadata is not None
    idps = view.metadata["extraProperties"]["idps"]
    assert idps == {"spatialDownsampling": 12, "temporalDownsampling": 4}
    assert view.metadata["extraProperties"]["animal"] == {"id": "m1"}
    assert view.metadata["timingInfo"]["numTimes"] == 3
    info = view.get_acquisition_info()
    assert info is not None
    assert info["Animal ID"] == "m1"
    assert movie.metadata is not None
    assert movie.metadata["extraProperties"]["idps"] == {"spatialDownsampling": 2}


@pytest.mark.parametrize(
    ("make_view", "message"),
    [
        (lambda m: m.crop(rows=(0, 8)), r"rows 0 to 8 \(not included\) are none of a frame with 7 rows"),
        (lambda m: m.crop(columns=(3, 3)), r"columns 3 to 3 .* frame with 9 columns"),
        (lambda m: m.crop(rows=(-3, 2)), "rows -3 to 2"),
        (lambda m: m.crop(rows=5), r"rows must be a pair \(first, last plus one\), not 5"),
        (lambda m: m.bin(space=0), "space must be from 1 to 7 for frames of 7 x 9 pixels, not 0"),
        (lambda m: m.bin(space=8), "space must be from 1 to 7"),
        (lambda m: m.bin(time=-1), "time must be from 1 to 12, the number of samples, not -1"),
        (lambda m: m.bin(time=13), "time must be from 1 to 12"),
        (lambda m: m.trim(5, 5), r"samples 5 to 5 \(not included\) are none of a movie of 12 samples"),
        (lambda m: m.trim(-1), "samples -1 to 12"),
        (lambda m: m.trim(0, 13), "samples 0 to 13"),
        (lambda m: m.trim(3, 9, drop=[(2, 4)]), r"samples 2 to 4 .* cannot be dropped from samples 3 to 9"),
        (lambda m: m.dff("median"), "f0 must be 'mean', 'min' or an image, not 'median'"),
        (lambda m: m.dff(np.ones((2, 2))), r"f0 must have the shape of a frame, \(7, 9\), not \(2, 2\)"),
        (lambda m: m.fix_pixels(0), "threshold must be positive, not 0"),
        (lambda m: m.map(third, dtype="int32"), "Unknown data_type 'int32'"),
        (lambda m: m.map(lambda frame: frame.astype(np.int64)), "gives int64; give dtype=, one of uint8"),
        (lambda m: m.project("median"), "stat must be one of mean, min, max, std, not 'median'"),
    ],
)
def test_what_cannot_be(path: Path, make_view: Callable[[isx.Movie], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_view(isx.Movie.read(path))


def test_types_that_cannot_be(path: Path) -> None:
    movie = isx.Movie.read(path)
    for ask in (lambda: movie.bin(space=1.5), lambda: movie.trim("a"), lambda: movie.map(3)):  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            ask()


@pytest.mark.parametrize(
    ("function", "dtype", "message"),
    [
        (
            lambda f: f[1:] if f[0, 0] == 2 else f,
            None,
            r"map\(<lambda>\): sample 2 became an array of shape \(1, 2\)",
        ),
        (lambda f: f * 1.5 if f[0, 0] == 2 else f, None, "sample 2 became float64, the first frame uint16"),
        (lambda f: f * 1.5, np.uint8, "sample 0 became float64, which does not fit uint8"),
        (lambda f: "x", np.uint8, r"became an array of shape \(\)"),
    ],
)
def test_functions_that_change_their_mind(function: Any, dtype: Any, message: str) -> None:
    frames = np.arange(4, dtype=np.uint16).repeat(4).reshape(4, 2, 2)
    movie = isx.Movie.from_array(frames)
    with pytest.raises(ValueError, match=message):
        list(movie.map(function, dtype))


def test_functions_own_their_frames() -> None:
    frames = np.arange(12, dtype=np.uint16).reshape(3, 2, 2)
    kept: list[np.ndarray] = []

    def spoil(frame: np.ndarray) -> np.ndarray:
        kept.append(frame)
        frame += 1
        return frame

    movie = isx.Movie.from_array(frames).map(spoil, np.uint16)
    np.testing.assert_array_equal(list(movie), frames + 1)
    np.testing.assert_array_equal(kept, frames + 1)
    assert frames.ravel().tolist() == list(range(12))


def test_errors_of_functions_come_through() -> None:
    def fail(frame: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("mine")

    movie = isx.Movie.from_array(np.zeros((2, 2, 2), np.uint8)).map(fail, np.uint8)
    with pytest.raises(ZeroDivisionError, match="mine"):
        movie.get_frame_data(0)


def test_f0_of_nothing_is_told_once(recwarn: pytest.WarningsRecorder) -> None:
    frames = np.zeros((3, 2, 2), np.uint16)
    frames[:, 0, 0] = [2, 4, 6]
    view = isx.Movie.from_array(frames).dff()
    assert not len(recwarn)
    np.testing.assert_array_equal(view[:, 0, 0], np.float32([-0.5, 0, 0.5]))
    assert not view[:, 1].any()
    assert [str(w.message) for w in recwarn] == [
        "the array: F0 is 0 or negative at 3 pixels; dF/F means nothing there (0 where F0 is 0)."
    ]


def test_f0_goes_into_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    view = isx.Movie.from_array(np.random.default_rng(1).random((4, 3, 3)).astype(np.float32)).dff()
    content = pickle.dumps(view)

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("F0 was computed again")

    monkeypatch.setattr("openisx._views.computed.project", refused)
    np.testing.assert_array_equal(pickle.loads(content)[:], view[:])


def test_defective_pixels() -> None:
    rng = np.random.default_rng(6)
    frames = rng.integers(990, 1010, (40, 20, 30), dtype=np.uint16)
    frames[:, 0, 0], frames[:, 7, 8], frames[:, 7, 9] = 0, 4000, 3900
    view = isx.Movie.from_array(frames).fix_pixels(12)
    expected = frames.copy()
    expected[:, 0, 0] = np.floor(np.median(frames[:, [0, 1, 1], [1, 0, 1]], axis=1) + 0.5)
    left = [(6, 7), (6, 8), (6, 9), (7, 7), (8, 7), (8, 8), (8, 9)]
    right = [(6, 8), (6, 9), (6, 10), (7, 10), (8, 8), (8, 9), (8, 10)]
    for column, around in ((8, left), (9, right)):
        expected[:, 7, column] = np.median(frames[:, [r for r, _ in around], [c for _, c in around]], axis=1)
    np.testing.assert_array_equal(view[:], expected)
    assert view._frame_source().defective.tolist() == [[0, 0], [7, 8], [7, 9]]  # type: ignore[attr-defined]


# -- files and exports ---------------------------------------------------------------------------


def test_saved(view: isx.Movie, tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    view.save(tmp_path / "o.isxd", progress=lambda *step: done.append(step))
    assert done[-1] == (view.timing.samples.num_valid,) * 2
    with isx.Movie.read(tmp_path / "o.isxd") as saved:
        assert saved.timing == view.timing
        assert saved.spacing == view.spacing
        assert saved.metadata == view.metadata
        assert saved.timestamps is None or saved.metadata["hasFrameHeaderFooter"]
        np.testing.assert_array_equal(saved[:], view[:])
    with pytest.raises(isx.IsxFileExistsError):
        view.save(tmp_path / "o.isxd")


@pytest.mark.parametrize("name", ["crop", "bin in space", "trim", "dff", "map", "fix_pixels"])
def test_saved_with_frame_headers(path: Path, tmp_path: Path, name: str) -> None:
    view = STEPS[name](isx.Movie.read(path))
    view.save(tmp_path / "o.isxd", frame_headers=True)
    with isx.Movie.read(tmp_path / "o.isxd") as saved:
        np.testing.assert_array_equal(saved[:], view[:])
        assert saved.timestamps is not None
        assert view.timestamps is not None
        assert saved.timestamps.tolist() == view.timestamps.tolist()
        assert saved.frame_headers is not None
        assert view.frame_headers is not None
        assert saved.frame_headers.tolist() == view.frame_headers.tolist()


def test_lines_are_kept_whole(path: Path, tmp_path: Path) -> None:
    isx.Movie.read(path).trim(2).save(tmp_path / "o.isxd", frame_headers=True)
    size = 2 * 5120 + 2 * SHAPE[0] * SHAPE[1]
    assert (tmp_path / "o.isxd").read_bytes()[: 8 * size] == path.read_bytes()[size : 9 * size]


def test_no_headers_to_keep(path: Path, tmp_path: Path) -> None:
    for view in (isx.Movie.read(path).bin(time=2), isx.Movie.from_array(np.zeros((2, 2, 2), np.uint8))):
        with pytest.raises(ValueError, match="has no frame headers to keep"):
            view.save(tmp_path / "o.isxd", frame_headers=True)
    with pytest.raises(ValueError, match="Expected extension: isxd"):
        isx.Movie.read(path).save(tmp_path / "o.tif")
    assert os.listdir(tmp_path) == ["m.isxd"]


def test_interrupted(path: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    for save in (
        lambda: isx.Movie.read(path).save(tmp_path / "o.isxd", progress=stop),
        lambda: isx.dff(path, tmp_path / "o.isxd", progress=stop),
        lambda: isx.project_movie(path, tmp_path / "o.tif", progress=stop),
    ):
        with pytest.raises(KeyboardInterrupt):
            save()
        assert os.listdir(tmp_path) == ["m.isxd"]


def test_a_source_that_ends_early(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    with isx.Movie.read(path) as movie:
        view = movie.bin(space=2)
        os.truncate(path, len(data) // 2)
        for work in (lambda: view[:], lambda: view.project(), lambda: view.save(tmp_path / "o.isxd")):
            with pytest.raises(isx.IsxFormatError, match="was shortened while it was open"):
                work()
    assert os.listdir(tmp_path) == ["m.isxd"]


def test_tiff(view: isx.Movie, tmp_path: Path) -> None:
    isx.export_movie_to_tiff(view, tmp_path / "o.tif")
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "o.tif"), np.squeeze(view[view.timing.get_valid_samples()])
    )


def test_times(path: Path, tmp_path: Path) -> None:
    view = isx.Movie.read(path).trim(2)
    isx.export_movie_timestamps_to_csv(view, tmp_path / "o.csv", "tsc")
    rows = list(csv.reader((tmp_path / "o.csv").read_text().splitlines()))[1:]
    assert [row[3] for row in rows[:5]] == ["1000100000", "1000150000", "1000200000", "1000250000", "NaN"]
    isx.export_movie_timestamps_to_csv([view.bin(time=2)], tmp_path / "b.csv", sample_times=True)
    assert len((tmp_path / "b.csv").read_text().splitlines()) == 6


def test_video(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    frames = np.zeros((6, 33, 40), np.uint16)
    frames[:, 8:16, 8:16] = 100 * np.arange(6)[:, None, None]
    view = isx.Movie.from_array(frames).crop(rows=(0, 32)).trim(1)
    isx.export_movie_to_mp4(view, tmp_path / "o.mp4", 0.5)
    with av.open(str(tmp_path / "o.mp4")) as video:
        luma = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]
    assert [picture.shape for picture in luma] == [(32, 40)] * 5
    means = [float(picture[9:15, 9:15].mean()) for picture in luma]
    assert means == sorted(means)
    assert means[-1] > 200


def test_two_views_of_one_file_at_once(path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    movie = isx.Movie.read(path)
    views = [make_view(movie) for make_view in STEPS.values()]
    wanted = [view[:].copy() for view in views]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(4):
            for got, frames in zip(pool.map(lambda v: np.array(list(v)), views * 2), wanted * 2, strict=True):
                np.testing.assert_array_equal(got, frames)


def test_behaviour_movies(tmp_path: Path) -> None:
    path = DATA / "isxb" / "tracking_dropped.isxb"
    with isx.Movie.read(path) as movie:
        whole = movie[:]
        rows, columns = (2, movie.shape[1] - 3), (1, movie.shape[2])
        view = movie.crop(rows, columns)
        np.testing.assert_array_equal(np.array(list(view)), whole[:, slice(*rows), slice(*columns)])
        np.testing.assert_array_equal(view.get_frame_data(5), whole[5, slice(*rows), slice(*columns)])
        valid = movie.timing.get_valid_samples()
        np.testing.assert_array_equal(view.project("max"), view[valid].max(axis=0))
        movie.save(tmp_path / "o.isxd")
        with isx.Movie.read(tmp_path / "o.isxd") as saved:
            assert saved.timing.dropped == movie.timing.dropped == [0, 3, 9, 10]
            assert saved.timing.start == movie.timing.start
            np.testing.assert_array_equal(saved[:], whole)


@pytest.mark.filterwarnings("ignore:.*cannot be read")
def test_cut_files_are_saved_up_to_their_end(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    size = 2 * 5120 + 2 * SHAPE[0] * SHAPE[1]
    path.write_bytes(data[: 4 * size] + data[9 * size :])
    with isx.Movie.read(path) as movie:
        movie.save(tmp_path / "o.isxd")
        with isx.Movie.read(tmp_path / "o.isxd") as saved:
            assert saved.shape == (5, *SHAPE)
            np.testing.assert_array_equal(saved[:], movie[:5])
        np.testing.assert_array_equal(movie.project("max"), movie[[0, 2, 3, 4]].max(axis=0))


# -- recordings of several files -----------------------------------------------------------------


def parts(folder: Path) -> tuple[list[Path], np.ndarray]:
    rng = np.random.default_rng(8)
    frames = rng.integers(1, 4096, (2, 5, 4, 6), dtype=np.uint16)
    paths = []
    for k in range(2):
        start = isx.Time.from_secs_since_epoch(isx.Duration.from_secs(1000 + 10 * k))
        path = folder / f"part{k}.isxd"
        timing = isx.Timing(6, start=start, dropped=[2])
        spacing = isx.Spacing((4, 6), pixel_size=(6, 6), top_left=(12, 18))
        with isx.Movie.write(
            path, timing, spacing, np.uint16, extra_properties={"animal": {"id": "m1"}}
        ) as new:
            for sample, frame in zip((0, 1, 3, 4, 5), frames[k], strict=True):
                new.set_frame_data(sample, frame)
        paths.append(path)
    return paths, frames.reshape(10, 4, 6)


@pytest.mark.parametrize("stat", ["mean", "min", "max", "std"])
def test_projection_of_a_series(tmp_path: Path, stat: str) -> None:
    paths, frames = parts(tmp_path)
    expected = getattr(np, stat)(frames, axis=0).astype(np.uint16 if stat in ("min", "max") else np.float32)
    isx.project_movie(paths[::-1], tmp_path / "o.isxd", stat)
    image = isx.Image.read(tmp_path / "o.isxd")
    np.testing.assert_allclose(image.get_data(), expected, rtol=1e-6)
    assert image.data_type is expected.dtype.type
    assert image.spacing == isx.Movie.read(paths[0]).spacing
    assert image.metadata is not None
    assert image.metadata["extraProperties"] == {"animal": {"id": "m1"}}
    isx.project_movie(paths, tmp_path / "o.tif", stat)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "o.tif"), image.get_data())
    isx.project_movie(paths, tmp_path / "o.png", stat)
    assert (tmp_path / "o.png").read_bytes().startswith(b"\x89PNG")


def test_relative_change_of_a_series(tmp_path: Path) -> None:
    paths, frames = parts(tmp_path)
    outputs = [tmp_path / f"dff{k}.isxd" for k in range(2)]
    isx.dff(paths, outputs)
    f0 = frames.mean(axis=0, dtype=np.float64).astype(np.float32)
    expected = ((frames - f0) / f0).reshape(2, 5, 4, 6)
    for output, wanted in zip(outputs, expected, strict=True):
        with isx.Movie.read(output) as saved:
            assert saved.timing.dropped == [2]
            np.testing.assert_allclose(saved[saved.timing.get_valid_samples()], wanted, rtol=1e-5)
    with pytest.raises(ValueError, match="2 movies need as many outputs, not 1"):
        isx.dff(paths, tmp_path / "x.isxd")
    with pytest.raises(isx.IsxFileExistsError):
        isx.dff(paths, [tmp_path / "y.isxd", outputs[0]])
    assert not (tmp_path / "y.isxd").exists()


def test_projection_refuses(tmp_path: Path) -> None:
    paths, _ = parts(tmp_path)
    with pytest.raises(ValueError, match=r"an image can be written to \.isxd, \.tif"):
        isx.project_movie(paths, tmp_path / "o.mp4")
    with pytest.raises(ValueError, match="stat_type must be one of mean"):
        isx.project_movie(paths, tmp_path / "o.tif", "median")
    with pytest.raises(isx.IsxSeriesError, match="given twice"):
        isx.project_movie([paths[0], paths[0]], tmp_path / "o.tif")
    assert sorted(os.listdir(tmp_path)) == ["part0.isxd", "part1.isxd"]
