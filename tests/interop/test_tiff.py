"""export_movie_to_tiff against the vendor's package, on random series of movies."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import tifffile

import isx


def random_movie(path, rng):
    """A movie of random size and type with random missing samples; uint8 cannot be made by the vendor."""
    n = int(rng.integers(2, 30))  # one frame would make it an image, which is refused
    dropped = np.flatnonzero(rng.random(n) < rng.choice([0, 0.2, 1])).tolist()
    cropped = [(n // 2, n // 2 + int(rng.integers(0, 4)))] if n > 6 and rng.random() < 0.5 else []
    timing = isx.Timing(num_samples=n, dropped=dropped, cropped=cropped)
    shape = (int(rng.integers(1, 40)), int(rng.integers(1, 40)))
    dtype = [np.uint16, np.float32, np.uint8][rng.integers(3)]
    with isx.Movie.write(path, timing, isx.Spacing(shape), dtype) as movie:
        for i in timing.get_valid_samples():
            movie.set_frame_data(int(i), rng.integers(0, 65536, shape).astype(dtype))
    return str(path)


def pages(path):
    with tifffile.TiffFile(path) as file:
        return file.is_bigtiff, [(page.asarray(), tags(page)) for page in file.pages]


def tags(page):
    """Tags but those that tell where the strips are."""
    return {t.code: (int(t.dtype), t.value) for t in page.aspage().tags if t.code not in (273, 278, 279)}


@pytest.mark.parametrize("seed", range(25))
def test_same_pages(vendor, tmp_path, seed):
    rng = np.random.default_rng(seed)
    inputs = [random_movie(tmp_path / f"m{i}.isxd", rng) for i in range(rng.integers(1, 4))]
    invalid = bool(rng.integers(2))
    ours, theirs = str(tmp_path / "ours.tif"), str(tmp_path / "theirs.tif")
    vendor.run("isx.export_movie_to_tiff(inputs, out, invalid)", inputs=inputs, out=theirs, invalid=invalid)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", isx.IsxWarning)  # movies of missing frames only
        isx.export_movie_to_tiff(inputs, ours, invalid)
    (our_kind, our_pages), (their_kind, their_pages) = pages(ours), pages(theirs)
    assert our_kind == their_kind
    assert len(our_pages) == len(their_pages)
    for (mine, my_tags), (wanted, their_tags) in zip(our_pages, their_pages, strict=True):
        assert my_tags == their_tags
        assert mine.dtype == wanted.dtype
        np.testing.assert_array_equal(mine, wanted)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_vendor_reads_our_stacks(vendor, tmp_path, dtype):
    frames = np.random.default_rng(3).integers(0, 65536, (7, 30, 40)).astype(dtype)
    with isx.Movie.write(
        tmp_path / "m.isxd", isx.Timing(num_samples=7), isx.Spacing((30, 40)), dtype
    ) as movie:
        for i, frame in enumerate(frames):
            movie.set_frame_data(i, frame)
    isx.export_movie_to_tiff(tmp_path / "m.isxd", tmp_path / "o.tif")
    code = "m = isx.Movie.read(path); out = np.stack([m.get_frame_data(i) for i in range(7)])"
    np.testing.assert_array_equal(vendor.run(code, path=str(tmp_path / "o.tif")), frames)


@pytest.mark.parametrize("count", [65535, 65538])
def test_same_parts(vendor, tmp_path, count):
    path = tmp_path / "m.isxd"
    with isx.Movie.write(
        path, isx.Timing(num_samples=65540, dropped=range(65540 - count)), isx.Spacing((1, 2)), np.uint16
    ) as movie:
        for i in range(65540 - count, 65540):
            movie.set_frame_data(i, np.array([[i & 0xFFFF, i >> 16]], np.uint16))
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    isx.export_movie_to_tiff(path, tmp_path / "ours" / "a.b.tif")
    vendor.run(
        "isx.export_movie_to_tiff(path, out)", path=str(path), out=str(tmp_path / "theirs" / "a.b.tif")
    )
    names = sorted(p.name for p in (tmp_path / "theirs").iterdir())
    assert sorted(p.name for p in (tmp_path / "ours").iterdir()) == names
    for name in names:
        ours, theirs = (tifffile.imread(tmp_path / who / name) for who in ("ours", "theirs"))
        np.testing.assert_array_equal(ours, theirs)
