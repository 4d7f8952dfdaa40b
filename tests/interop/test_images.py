"""Images and cell maps against the vendor's package, on random input."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
import tifffile

import isx


def random_image(rng, dtype, shape=None):
    """Never constant: what becomes of constant images is different on purpose."""
    shape = (int(rng.integers(1, 30)), int(rng.integers(2, 30))) if shape is None else shape
    if np.dtype(dtype).kind == "f":
        image = (rng.normal(size=shape) * 10.0 ** rng.integers(-3, 6)).astype(dtype)
    else:
        high = int(rng.choice([5, 100, 127]))
        image = rng.integers(0, high, shape).astype(dtype)
    image.flat[0], image.flat[-1] = 0, 100
    return image


def pixels(path):
    with PIL.Image.open(path) as picture:
        return picture.mode, np.array(picture), dict(getattr(picture, "tag_v2", {}))


def assert_same_picture(ours, theirs):
    (mode, mine, my_tags), (their_mode, wanted, their_tags) = pixels(ours), pixels(theirs)
    assert mode == their_mode
    assert my_tags == their_tags
    np.testing.assert_array_equal(mine, wanted)


def assert_same_image(ours, theirs):
    mine, wanted = isx.Image.read(ours), isx.Image.read(theirs)
    assert mine.data_type == wanted.data_type
    assert mine.spacing == wanted.spacing
    np.testing.assert_array_equal(mine.get_data(), wanted.get_data())


@pytest.mark.parametrize("source", ["u1", "u2", "u4", "i2", "i4", "i8", "f4", "f8", ">u2", ">f4"])
@pytest.mark.parametrize("target", ["u1", "u2", "i2", "u4", "f4", "f8"])
def test_stretching(vendor, source, target):
    rng = np.random.default_rng([ord(c) for c in source + target])
    for keep in (False, True):
        array = random_image(rng, source)
        ours = isx.convert_type_numpy_array(array, target, keep)
        theirs = vendor.run("out = isx.convert_type_numpy_array(a, t, k)", a=array, t=target, k=keep)
        assert ours.dtype == theirs.dtype
        if target == "u4" and source.endswith("f4"):
            theirs[ours == np.iinfo(np.uint32).max] = np.iinfo(np.uint32).max  # wraps around there
        if target == "f8" and source.endswith("f4") and not keep:
            assert np.isinf(theirs[ours > 0]).all()  # overflows there
            continue
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("name", ["x.tif", "x.tiff", "x.png"])
@pytest.mark.parametrize("rgb", [False, True])
def test_image_to_tiff(vendor, tmp_path, dtype, name, rgb):
    rng = np.random.default_rng(len(name) + rgb)
    for shape in (None, (4, 7, 3)) if rgb else (None,):
        image = random_image(rng, dtype, shape)
        ours, theirs = str(tmp_path / f"our_{name}"), str(tmp_path / f"their_{name}")
        isx.export_image_to_tiff(image, ours, rgb)
        vendor.run("isx.export_image_to_tiff(image, path, rgb)", image=image, path=theirs, rgb=rgb)
        assert_same_picture(ours, theirs)


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_isxd_image_to_tiff(vendor, tmp_path, dtype):
    image = random_image(np.random.default_rng(1), dtype)
    isx.Image.write(tmp_path / "a.isxd", isx.Spacing(image.shape), dtype, image)
    ours, theirs = str(tmp_path / "ours.tif"), str(tmp_path / "theirs.tif")
    isx.export_isxd_image_to_tiff(tmp_path / "a.isxd", ours)
    vendor.run("isx.export_isxd_image_to_tiff(a, b)", a=str(tmp_path / "a.isxd"), b=theirs)
    assert_same_picture(ours, theirs)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "u4", "f4"])
def test_tiff_to_isxd_image(vendor, tmp_path, dtype):
    image = random_image(np.random.default_rng(2), dtype)
    tifffile.imwrite(tmp_path / "a.tif", image)
    ours, theirs = str(tmp_path / "ours.isxd"), str(tmp_path / "theirs.isxd")
    isx.export_tiff_to_isxd_image(tmp_path / "a.tif", ours)
    vendor.run("isx.export_tiff_to_isxd_image(a, b)", a=str(tmp_path / "a.tif"), b=theirs)
    assert_same_image(ours, theirs)


@pytest.mark.parametrize("dtype", ["?", "u1", "u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("rgb", [None, "red", "green", "blue"])
def test_image_to_isxd_tiff(vendor, tmp_path, dtype, rgb):
    image = random_image(np.random.default_rng(3), dtype)
    paths = [(str(tmp_path / f"{who}.isxd"), str(tmp_path / f"{who}.tif")) for who in ("ours", "theirs")]
    isx.export_image_to_isxd_tiff(image, *paths[0], rgb)
    vendor.run("isx.export_image_to_isxd_tiff(image, *paths, rgb)", image=image, paths=paths[1], rgb=rgb)
    assert_same_picture(paths[0][1], paths[1][1])
    if dtype == "f8":  # stretched to 3.4e38 there
        np.testing.assert_array_equal(isx.Image.read(paths[0][0]).get_data(), image.astype(np.float32))
    else:
        assert_same_image(paths[0][0], paths[1][0])


MAKE_CELLS = """
s = isx.CellSet.write(path, isx.Timing(num_samples=5), isx.Spacing(images[0].shape))
for i, (image, trace) in enumerate(zip(images, traces)):
    s.set_cell_data(i, image, trace, f"C{i}")
for i, status in enumerate(statuses):
    s.set_cell_status(i, status)
s.flush()
"""


def random_footprints(rng, count):
    shape = (int(rng.integers(2, 40)), int(rng.integers(2, 40)))
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    made = []
    for _ in range(count):
        y, x, width = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(0.3, 8)
        blob = rng.normal(scale=5) * np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / width)
        made.append((blob + rng.normal(scale=rng.choice([0, 0.1]), size=shape)).astype(np.float32))
    return made


@pytest.mark.parametrize("seed", range(25))
def test_cell_map(vendor, tmp_path, seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 8))
    images = random_footprints(rng, count)
    traces = [np.full(5, np.nan if rng.random() < 0.2 else 1, np.float32) for _ in range(count)]
    statuses = rng.choice(["accepted", "undecided", "rejected"], count).tolist()
    traces[0], statuses[0] = np.ones(5, np.float32), "accepted"
    path = str(tmp_path / "cells.isxd")
    vendor.run(MAKE_CELLS, path=path, images=images, traces=traces, statuses=statuses)
    options = {
        "selected_cell_statuses": [["accepted"], ["accepted", "rejected"], "accepted"][seed % 3],
        "cell_thresh": [0.3, 0.5, None, 0.77, 0][seed % 5],
        "rgb": [None, "red", "green", "blue"][seed % 4],
    }
    options["binary"] = bool(rng.integers(2)) and options["cell_thresh"] is not None
    for who in ("our", "their"):
        outputs = [str(tmp_path / f"{who}.isxd"), str(tmp_path / f"{who}.tif")]
        if who == "our":
            isx.create_cell_map(
                path, **options, output_isxd_cell_map_file=outputs[0], output_tiff_cell_map_file=outputs[1]
            )
        else:
            code = (
                "isx.create_cell_map(path, **options, output_isxd_cell_map_file=outputs[0], "
                "output_tiff_cell_map_file=outputs[1])"
            )
            vendor.run(code, path=path, options=options, outputs=outputs)
    assert_same_image(tmp_path / "our.isxd", tmp_path / "their.isxd")
    if (isx.Image.read(tmp_path / "our.isxd").get_data() == 65535).all() and options["rgb"] is None:
        assert (pixels(tmp_path / "our.tif")[1] == 65535).all()  # the vendor's picture overflows
        return
    assert_same_picture(tmp_path / "our.tif", tmp_path / "their.tif")


@pytest.mark.parametrize("seed", range(10))
def test_overlays(vendor, tmp_path, seed):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(2, 30)), int(rng.integers(2, 30)))
    maps = []
    for name in ("a", "b"):
        image = rng.integers(0, 65536, shape).astype(np.uint16)
        image.flat[:2] = 0, 65535
        isx.Image.write(tmp_path / f"{name}.isxd", isx.Spacing(shape), np.uint16, image)
        isx.export_image_to_tiff(image, tmp_path / f"{name}.tif", write_rgb=bool(seed % 2))
        maps.append(str(tmp_path / f"{name}.tif"))
    ours, theirs = str(tmp_path / "ours.tif"), str(tmp_path / "theirs.tif")
    threshold = float(rng.choice([0.5, 0.2, 0.9]))
    isx.overlay_cellmaps(*maps, ours, cell_thresh=threshold)  # type: ignore[misc, call-arg]
    vendor.run("isx.overlay_cellmaps(*maps, o, cell_thresh=t)", maps=maps, o=theirs, t=threshold)
    assert_same_picture(ours, theirs)

    camera = rng.normal(20000, 20000, shape).astype(np.float32)
    isx.Image.write(tmp_path / "c.isxd", isx.Spacing(shape), np.float32, camera)
    for name in ("b", "c"):
        ours, theirs = str(tmp_path / f"our_{name}.tif"), str(tmp_path / f"their_{name}.tif")
        inputs = [str(tmp_path / "a.isxd"), str(tmp_path / f"{name}.isxd")]
        isx.overlay_cell_map_on_image(*inputs, ours)  # type: ignore[call-arg]
        vendor.run("isx.overlay_cell_map_on_image(*inputs, o)", inputs=inputs, o=theirs)
        assert_same_picture(ours, theirs)
