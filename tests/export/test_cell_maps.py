"""Pictures of cells."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import isx
from builders import sets as make
from openisx.export import cell_maps

GOLDEN = Path(__file__).parents[1] / "data" / "export_movies"
STATUSES = {"accepted": 0, "undecided": 1, "rejected": 2}


def write_cells(path, footprints, traces=None, statuses=None, *, dropped=()):
    """An `.isxd` cell set; its traces are 1 unless others are given."""
    footprints = np.asarray(footprints)
    count = len(footprints)
    traces = np.ones((count, 4)) if traces is None else np.asarray(traces)
    codes = [STATUSES[s] for s in statuses or ["accepted"] * count]
    timing = make.timing(traces.shape[1], dropped=list(dropped))
    return make.cells(path, footprints, traces, CellStatuses=codes, timingInfo=timing)


def blob(y, x, peak=1.0, shape=(12, 15), base=0.0):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return (base + peak * np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / 6)).astype(np.float32)


def expected_map(footprints, thresh=0.3, binary=False):
    """The steps of a cell map in docs/formats/exports.md, one by one."""
    whole = np.zeros(footprints[0].shape, np.float32)
    for image in footprints:
        x = (image - image.min()) / (image.max() - image.min())
        if np.var(x) < 1e-4:
            continue
        if thresh is not None:
            x = np.where(x < np.float32(thresh), np.float32(0), np.float32(1) if binary else x)
        whole = np.fmax(whole, x)
    return isx.convert_type_numpy_array(whole)


def made(path, **options):
    with isx.CellSet.read(path) as cells:
        return cell_maps.cell_map(cells, **options)


def pixels(path):
    with PIL.Image.open(path) as picture:
        return picture.mode, np.array(picture)


def listing(folder):
    return sorted(p.name for p in Path(folder).iterdir())


def save(path, array):
    PIL.Image.fromarray(np.asarray(array)).save(path)
    return path


# -- the vendor's files ------------------------------------------------------------------------------

CALLS = [
    call
    for call in json.loads((GOLDEN / "expected.json").read_text())["calls"]
    if call["f"] in ("create_cell_map", "overlay_cellmaps", "overlay_cell_map_on_image")
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call['f']}-{len(call['k'])}")
def test_golden(tmp_path, call):
    outputs = {key: tmp_path / value for key, value in call["k"].items() if key.startswith("output")}
    arguments = [GOLDEN / name for name in call["a"]]
    if not outputs:
        arguments[-1] = tmp_path / call["a"][-1]
    getattr(isx, call["f"])(*arguments, **{**call["k"], **outputs})
    assert listing(tmp_path)
    for name in listing(tmp_path):
        if name.endswith(".isxd"):
            ours, theirs = isx.Image.read(tmp_path / name), isx.Image.read(GOLDEN / name)
            assert (ours.data_type, ours.spacing) == (theirs.data_type, theirs.spacing)
            np.testing.assert_array_equal(ours.get_data(), theirs.get_data())
        else:
            (mode, ours), (their_mode, theirs) = pixels(tmp_path / name), pixels(GOLDEN / name)
            assert mode == their_mode
            np.testing.assert_array_equal(ours, theirs)
            with PIL.Image.open(tmp_path / name) as a, PIL.Image.open(GOLDEN / name) as b:
                assert dict(a.tag_v2) == dict(b.tag_v2)  # type: ignore[attr-defined]


# -- create_cell_map ---------------------------------------------------------------------------------


@pytest.mark.parametrize("thresh", [None, 0, 0.3, 0.5, 1, 1.5, -1])
@pytest.mark.parametrize("binary", [False, True])
def test_steps(tmp_path, thresh, binary):
    footprints = [blob(3, 4), blob(8, 10, 5e-4), blob(5, 6, 2, base=-1), -blob(6, 6)]
    path = write_cells(tmp_path / "c.isxd", footprints)
    if binary and thresh is None:
        with pytest.raises(ValueError, match="needs a cell_thresh"):
            made(path, cell_thresh=None, binary=True)
        return
    expected = expected_map(footprints, thresh, binary)
    np.testing.assert_array_equal(made(path, cell_thresh=thresh, binary=binary), expected)


def test_selection(tmp_path):
    footprints = [blob(2, 3 * i + 1) for i in range(5)]
    traces = np.ones((5, 4))
    traces[3] = np.nan
    traces[4, :3] = np.nan
    statuses = ["accepted", "undecided", "rejected", "accepted", "accepted"]
    path = write_cells(tmp_path / "c.isxd", footprints, traces, statuses)
    for selected, used in (
        (["accepted"], [0, 4]),
        ("accepted", [0, 4]),
        (("undecided", "rejected"), [1, 2]),
        ({"accepted", "rejected", "undecided"}, [0, 1, 2, 4]),
    ):
        expected = expected_map([footprints[i] for i in used])
        np.testing.assert_array_equal(made(path, selected_cell_statuses=selected), expected)
    path = write_cells(tmp_path / "d.isxd", footprints, traces, statuses, dropped=[3])
    np.testing.assert_array_equal(made(path), expected_map(footprints[:1]))


def test_variance_limit(tmp_path):
    def spot(count):
        image = np.zeros((1, count), np.float32)
        image[0, 0] = 1
        return image

    assert np.var(spot(9_990)) > 1e-4 > np.var(spot(10_010))
    assert made(write_cells(tmp_path / "a.isxd", [spot(9_990)])).max() == 65535
    path = write_cells(tmp_path / "b.isxd", [spot(10_010)])
    with pytest.raises(ValueError, match="shows anything"):
        made(path)


def test_variance_of_a_bright_background_is_exact():
    rng = np.random.default_rng(0)
    for spread in np.linspace(0.0095, 0.0105, 21):
        image = np.full(5000, 0.97, np.float32)
        image += rng.normal(0, spread, 5000).astype(np.float32)
        image[:2] = 0, 1
        assert cell_maps._varies(image) == (np.var(image) >= 1e-4)


def test_pixels_that_are_not_finite_count_as_zero(tmp_path):
    clean, dirty = blob(3, 4), blob(3, 4)
    clean[[0, 9, 11], 0] = clean.min()
    dirty[[0, 9, 11], 0] = np.nan, np.inf, -np.inf
    got = made(write_cells(tmp_path / "c.isxd", [dirty]))
    np.testing.assert_array_equal(got, expected_map([clean]))


def test_footprints_that_show_nothing(tmp_path):
    empty = [np.zeros((12, 15)), np.full((12, 15), 3.0), np.full((12, 15), np.nan), np.full((12, 15), np.inf)]
    got = made(write_cells(tmp_path / "c.isxd", [*empty, blob(3, 4)]))
    np.testing.assert_array_equal(got, expected_map([blob(3, 4)]))
    with pytest.raises(ValueError, match="None of the footprints of the 4 selected cells shows anything"):
        made(write_cells(tmp_path / "d.isxd", empty))


def test_no_cells(tmp_path):
    text = "There are no cells to create a cell map with! Only selected cells will be used for the cell map."
    for path in (
        write_cells(tmp_path / "a.isxd", [blob(3, 4)], statuses=["undecided"]),
        write_cells(tmp_path / "b.isxd", [blob(3, 4)], np.full((1, 4), np.nan)),
        write_cells(tmp_path / "c.isxd", [blob(3, 4)], np.zeros((1, 0))),
        write_cells(tmp_path / "d.isxd", np.zeros((0, 3, 4)), np.zeros((0, 4))),
    ):
        with pytest.raises(ValueError, match=text):
            isx.create_cell_map(path, output_tiff_cell_map_file=tmp_path / "a.tif")
    assert not (tmp_path / "a.tif").exists()


def test_outputs(tmp_path):
    path = write_cells(tmp_path / "c.isxd", [blob(3, 4), blob(8, 10)])
    isx.create_cell_map(path)
    assert listing(tmp_path) == ["c.isxd"]
    isx.create_cell_map(
        path,
        rgb="blue",
        output_isxd_cell_map_file=tmp_path / "m.isxd",
        output_tiff_cell_map_file=tmp_path / "m.tif",
    )
    drawn = isx.Image.read(tmp_path / "m.isxd").get_data()
    assert drawn.dtype == np.uint16
    assert (drawn.min(), drawn.max()) == (0, 65535)
    mode, picture = pixels(tmp_path / "m.tif")
    assert mode == "RGB"
    np.testing.assert_array_equal(picture[..., 2], (drawn / 65535 * 255).astype(np.uint8))


@pytest.mark.parametrize("rgb", [None, "red"])
def test_map_full_of_cells(tmp_path, rgb):
    path = write_cells(tmp_path / "c.isxd", [blob(3, 4)])
    outputs = tmp_path / "m.isxd", tmp_path / "m.tif"
    isx.create_cell_map(path, ["accepted"], 0, True, rgb, *outputs)
    assert (isx.Image.read(outputs[0]).get_data() == 65535).all()
    assert pixels(outputs[1])[1][0, 0].tolist() == ([255, 0, 0] if rgb else 65535)


def test_errors_come_in_order_and_leave_nothing(tmp_path):
    path = write_cells(tmp_path / "c.isxd", [blob(3, 4)])
    taken = tmp_path / "taken.tif"
    taken.write_bytes(b"old")
    with pytest.raises(FileNotFoundError, match=r"ISXD cellset not found: .*none\.isxd"):
        isx.create_cell_map(tmp_path / "none.isxd", output_tiff_cell_map_file=taken)
    with pytest.raises(FileExistsError, match=r"Output file already exists: .*taken\.tif"):
        isx.create_cell_map(
            path, output_isxd_cell_map_file=tmp_path / "m.isxd", output_tiff_cell_map_file=taken
        )
    with pytest.raises(isx.IsxFormatError, match="Expected data set to be of type: Cell Set"):
        isx.create_cell_map(GOLDEN / "map.isxd", output_isxd_cell_map_file=tmp_path / "m.isxd")
    with pytest.raises(ValueError, match="Value pink for rgb not one of"):
        isx.create_cell_map(
            path,
            rgb="pink",
            output_isxd_cell_map_file=tmp_path / "m.isxd",
            output_tiff_cell_map_file=tmp_path / "m.tif",
        )
    assert listing(tmp_path) == ["c.isxd", "taken.tif"]


def test_progress_and_interruption(tmp_path):
    path = write_cells(tmp_path / "c.isxd", [blob(3, 4), blob(8, 10)])
    calls = []
    isx.create_cell_map(path, progress=lambda *call: calls.append(call))
    assert calls == [(0, 2), (1, 2), (2, 2)]

    def stop(done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        isx.create_cell_map(path, output_tiff_cell_map_file=tmp_path / "m.tif", progress=stop)
    assert listing(tmp_path) == ["c.isxd"]


# -- overlay_cellmaps --------------------------------------------------------------------------------

FIRST = np.array([[0, 127, 128], [255, 0, 200]], np.uint8)
SECOND = np.array([[0, 0, 255], [128, 255, 127]], np.uint8)
GREEN, MAGENTA, BLACK, WHITE = [0, 255, 0], [255, 0, 255], [0, 0, 0], [255, 255, 255]


def test_default_colours(tmp_path):
    a, b = save(tmp_path / "a.tif", FIRST), save(tmp_path / "b.tif", SECOND)
    (tmp_path / "o.tif").write_bytes(b"replaced without question")
    isx.overlay_cellmaps(a, str(b), tmp_path / "o.tif")
    mode, got = pixels(tmp_path / "o.tif")
    assert mode == "RGB"
    assert got.tolist() == [[BLACK, BLACK, WHITE], [WHITE, MAGENTA, GREEN]]


def test_other_colours_are_exact(tmp_path):
    a, b = save(tmp_path / "a.tif", FIRST), save(tmp_path / "b.tif", SECOND)
    isx.overlay_cellmaps(a, b, tmp_path / "o.tif", "#102030", "rgb(64, 80, 96)", "#70a0b0")
    back, one, two = [16, 32, 48], [64, 80, 96], [112, 160, 176]
    assert pixels(tmp_path / "o.tif")[1].tolist() == [[back, back, two], [two, two, one]]
    isx.overlay_cellmaps(a, b, tmp_path / "o.png", "black", "#f00", "blue", cell_thresh=0.2)
    assert pixels(tmp_path / "o.png")[1].tolist() == [
        [BLACK, [255, 0, 0], [255, 0, 255]],
        [[255, 0, 255], [0, 0, 255], [255, 0, 255]],
    ]


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a.astype(np.uint16) * 257,
        lambda a: a.astype(np.float32) / 17 - 3,
        lambda a: np.stack([a, a * 0, a * 0], -1),
        lambda a: np.stack([a * 0, a * 0, a, a * 0 + 255], -1),
    ],
    ids=["u16", "f32", "red", "blue with alpha"],
)
def test_maps_of_other_kinds(tmp_path, convert):
    a, b = save(tmp_path / "a.tif", convert(FIRST)), save(tmp_path / "b.tif", SECOND)
    isx.overlay_cellmaps(a, b, tmp_path / "o.tif")
    assert pixels(tmp_path / "o.tif")[1].tolist() == [[BLACK, BLACK, WHITE], [WHITE, MAGENTA, GREEN]]


def test_black_and_white_map(tmp_path):
    a, b = save(tmp_path / "a.tif", FIRST >= 128), save(tmp_path / "b.tif", SECOND)
    isx.overlay_cellmaps(a, b, tmp_path / "o.tif")
    assert pixels(tmp_path / "o.tif")[1].tolist() == [[BLACK, BLACK, WHITE], [WHITE, MAGENTA, GREEN]]


@pytest.mark.parametrize("value", [0, 7, 255])
def test_flat_map_is_empty(tmp_path, value):
    a, b = save(tmp_path / "a.tif", np.full((2, 3), value, np.uint8)), save(tmp_path / "b.tif", SECOND)
    isx.overlay_cellmaps(a, b, tmp_path / "o.tif")
    assert pixels(tmp_path / "o.tif")[1].tolist() == [[BLACK, BLACK, MAGENTA], [MAGENTA, MAGENTA, BLACK]]


def test_overlay_errors(tmp_path):
    a, b = save(tmp_path / "a.tif", FIRST), save(tmp_path / "b.tif", np.zeros((5, 7), np.uint8))
    with pytest.raises(ValueError, match=r"do not have the same size: \(3, 2\) vs \(7, 5\)"):
        isx.overlay_cellmaps(a, b, tmp_path / "o.tif")
    with pytest.raises(ValueError, match="unknown color specifier: 'nonsense'"):
        isx.overlay_cellmaps(a, a, tmp_path / "o.tif", first_color="nonsense")
    for first, second in ((a, tmp_path / "none.tif"), (tmp_path / "none.tif", a)):
        with pytest.raises(FileNotFoundError, match=r"Input file not found: .*none\.tif"):
            isx.overlay_cellmaps(first, second, tmp_path / "o.tif")
    assert listing(tmp_path) == ["a.tif", "b.tif"]


# -- overlay_cell_map_on_image -----------------------------------------------------------------------


def write_image(path, image):
    isx.Image.write(path, isx.Spacing(image.shape), image.dtype, image)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_maximum(tmp_path, dtype):
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (4, 6)).astype(dtype)
    drawn = rng.integers(0, 300, (4, 6)).astype(np.uint16)
    paths = write_image(tmp_path / "map.isxd", drawn), write_image(tmp_path / "image.isxd", image)
    isx.overlay_cell_map_on_image(*paths, tmp_path / "o.tif")
    mode, got = pixels(tmp_path / "o.tif")
    assert mode == "I;16"
    np.testing.assert_array_equal(got, isx.convert_type_numpy_array(np.maximum(image, drawn)))
    isx.overlay_cell_map_on_image(*paths, tmp_path / "p.tif", same_range=True)
    stretch = isx.convert_type_numpy_array
    expected = stretch(np.maximum(stretch(image), stretch(drawn)))
    np.testing.assert_array_equal(pixels(tmp_path / "p.tif")[1], expected)


def test_nan_of_the_image_is_black(tmp_path):
    image = np.array([[np.nan, 1], [2, 3]], np.float32)
    paths = (
        write_image(tmp_path / "m.isxd", np.full((2, 2), 2, np.uint16)),
        write_image(tmp_path / "i.isxd", image),
    )
    isx.overlay_cell_map_on_image(*paths, tmp_path / "o.tif")
    assert pixels(tmp_path / "o.tif")[1].tolist() == [[0, 0], [0, 65535]]


def test_image_overlay_errors(tmp_path):
    drawn = write_image(tmp_path / "m.isxd", np.zeros((3, 4), np.uint16))
    image = write_image(tmp_path / "i.isxd", np.zeros((1, 4), np.uint16))
    with pytest.raises(
        ValueError,
        match=r"operands could not be broadcast together with shapes .* 1 x 4 pixels, the cell map .* 3 x 4",
    ):
        isx.overlay_cell_map_on_image(drawn, image, tmp_path / "o.tif")
    with pytest.raises(FileNotFoundError, match="ISXD cell map not found"):
        isx.overlay_cell_map_on_image(tmp_path / "none", tmp_path / "none", image)
    with pytest.raises(FileNotFoundError, match="ISXD image not found"):
        isx.overlay_cell_map_on_image(drawn, tmp_path / "none", image)
    with pytest.raises(FileExistsError, match="Output file already exists"):
        isx.overlay_cell_map_on_image(drawn, image, image)
    assert listing(tmp_path) == ["i.isxd", "m.isxd"]
