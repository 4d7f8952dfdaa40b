"""The export of cell sets. The vendor's package cannot run it: the expected text is written by hand from its description."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import isx
from builders import sets as make
from isx import export_cell_set_to_csv_tiff
from isx.errors import IsxFileExistsError, IsxFormatError, IsxSeriesError
from openisx.export import cell_set as cell_set_files


def cell_set(path, cells, *, shape=(4, 3), samples=3, start=(0, 1), period=(50, 1000), **members):
    """A cell set byte by byte; `cells` are dictionaries with name, trace, image, status, color, active."""
    body = b""
    for i, cell in enumerate(cells):
        image = np.asarray(cell.get("image", np.full(shape, i)), "<f4")
        trace = np.asarray(cell.get("trace", np.zeros(samples)), "<f4")
        assert image.shape == shape
        assert trace.shape == (samples,)
        body += image.tobytes() + trace.tobytes()
    members = {
        "CellActivity": [cell.get("active", True) for cell in cells],
        "CellColors": [cell.get("color", make.WHITE) for cell in cells],
        "CellNames": [cell.get("name", f"C{i}") for i, cell in enumerate(cells)],
        "CellStatuses": [cell.get("status", 1) for cell in cells],
        "timingInfo": make.timing(samples, period=make.ratio(*period), start=make.instant(*start)),
    } | members
    path.write_bytes(make.isxd(body, make.cell_members(len(cells), shape, samples, **members)))
    return path


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def traces_of(out, files, **kwargs):
    target = out / f"{len(names_in(out))}.csv"
    export_cell_set_to_csv_tiff(files, target, "", **kwargs)
    return target.read_bytes().decode()


# -- traces --------------------------------------------------------------------------------------------


def test_the_example_of_the_desktop_application(tmp_path, out):
    names = ["Kunal", "Mark", "Abbas", "C3", "C4"]
    steps = np.array([0, 0.01, 0.03], np.float32)
    cells = [{"name": name, "trace": np.float32(42 * i) + steps} for i, name in enumerate(names)]
    path = cell_set(tmp_path / "c.isxd", cells)
    lines = traces_of(out, path).split("\n")
    assert lines[0] == " , Kunal, Mark, Abbas, C3, C4"
    assert lines[1] == "Time(s)/Cell Status, undecided, undecided, undecided, undecided, undecided"
    assert lines[2] == "0, 0, 42, 84, 126, 168"
    assert lines[3] == "0.05, 0.01, 42.01, 84.01, 126.01, 168.01"
    assert lines[4] == "0.1, 0.03, 42.03, 84.03, 126.03, 168.03"
    assert lines[5:] == [""]


def test_statuses_missing_samples_and_odd_numbers(tmp_path, out):
    negative_nan = np.array([0xFFC00000], np.uint32).view(np.float32)[0]
    cells = [
        {"name": 'a,"b"', "status": 0, "trace": [np.nan, negative_nan, -0.0]},
        {"name": "é", "status": 2, "trace": [np.inf, 123456789, 1e-9]},
    ]
    path = cell_set(tmp_path / "c.isxd", cells, start=(1_600_000_000_123, 1000))
    assert traces_of(out, path, time_ref="unix") == (
        ' , "a,""b""", é\n'
        "Time(s)/Cell Status, accepted, rejected\n"
        "1600000000.123, nan, inf\n"
        "1600000000.173, -nan, 1.234568e+08\n"
        "1600000000.223, -0, 1e-09\n"
    )


def test_files_follow_in_the_order_given(tmp_path, out, monkeypatch):
    late = cell_set(tmp_path / "b.isxd", [{"name": "B", "trace": [1, 2, 3]}], start=(10, 1), period=(1, 10))
    early = cell_set(tmp_path / "a.isxd", [{"name": "A", "trace": [4, 5], "status": 0}], samples=2)
    expected = " , B\nTime(s)/Cell Status, undecided\n0, 1\n0.1, 2\n0.2, 3\n-10, 4\n-9.949999999999999, 5\n"
    assert traces_of(out, [late, early]) == expected
    monkeypatch.setattr(cell_set_files, "_CHUNK", 1)
    assert traces_of(out, [late, early]) == expected


def test_no_cells_and_no_samples(tmp_path, out):
    empty = cell_set(tmp_path / "a.isxd", [], samples=2)
    assert traces_of(out, empty) == " \nTime(s)/Cell Status\n0\n0.05\n"
    short = cell_set(tmp_path / "b.isxd", [{}], samples=0)
    assert traces_of(out, short) == " , C0\nTime(s)/Cell Status, undecided\n"


# -- images --------------------------------------------------------------------------------------------


def test_every_tag_of_a_footprint(tmp_path, out):
    image = np.arange(12).reshape(4, 3) - 3.5
    export_cell_set_to_csv_tiff(
        cell_set(tmp_path / "c.isxd", [{"image": image}]), "", out / "image_output.tiff"
    )
    assert names_in(out) == ["image_output_C0.tiff", "image_output_accepted-cells-map.tiff"]
    raw = (out / "image_output_C0.tiff").read_bytes()
    assert raw[:4] == b"II*\0"
    with tifffile.TiffFile(out / "image_output_C0.tiff") as tiff:
        assert not tiff.is_bigtiff
        assert len(tiff.pages) == 1
        tags = {tag.code: (tag.dtype.name, tag.value) for tag in tiff.pages[0].tags}
        np.testing.assert_array_equal(tiff.asarray(), image.astype(np.float32))
    offsets = tags.pop(273)
    assert offsets == ("LONG", (8, 20, 32, 44))
    assert tags.pop(279) == ("LONG", (12, 12, 12, 12))
    plain = {256: 3, 257: 4, 258: 32, 259: 1, 262: 1, 274: 1, 277: 1, 278: 1, 284: 1, 339: 3}
    assert {
        code: int(value[0] if isinstance(value, tuple) else value) for code, (_, value) in tags.items()
    } == plain
    assert {name for name, _ in tags.values()} == {"SHORT"}


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 3)])
def test_footprints_of_any_size_keep_their_bits(tmp_path, out, shape):
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    image[0, 0] = np.nan
    export_cell_set_to_csv_tiff(
        cell_set(tmp_path / "c.isxd", [{"image": image}], shape=shape), "", out / "a.tif"
    )
    np.testing.assert_array_equal(tifffile.imread(out / "a_C0.tif"), image)


def test_the_map(tmp_path, out):
    two_rows = np.zeros((4, 3))
    two_rows[1:3] = 1
    left = np.zeros((4, 3))
    left[:, 0] = [-8, 1, 3, 0]
    cells = [
        {"image": two_rows, "status": 0},
        {"image": left, "status": 1},
        {"image": np.ones((4, 3)), "status": 2},
    ]
    export_cell_set_to_csv_tiff(cell_set(tmp_path / "c.isxd", cells), "", out / "m.tif")
    positive = np.where(left > 0, left, 0).astype(np.float32)
    expected = two_rows.astype(np.float32) / np.float32(6) + positive / np.float32(4)
    np.testing.assert_array_equal(tifffile.imread(out / "m_accepted-cells-map.tif"), expected)
    assert len(names_in(out)) == 4
    np.testing.assert_array_equal(tifffile.imread(out / "m_C1.tif"), left.astype(np.float32))


def test_an_empty_footprint_makes_the_map_not_a_number(tmp_path, out):
    path = cell_set(tmp_path / "c.isxd", [{"image": np.zeros((4, 3))}, {"image": np.ones((4, 3))}])
    export_cell_set_to_csv_tiff(path, "", out / "m.tif")
    assert np.isnan(tifffile.imread(out / "m_accepted-cells-map.tif")).all()


@pytest.mark.parametrize(
    ("output", "expected"),
    [("a.b.tif", "a_C0.tif"), ("plain", "plain_C0"), ("x.tar.TIFF", "x_C0.TIFF")],
)
def test_names_of_images(tmp_path, out, output, expected):
    export_cell_set_to_csv_tiff(cell_set(tmp_path / "c.isxd", [{}]), "", out / output)
    assert expected in names_in(out)


def test_names_that_cannot_be_file_names(tmp_path, out):
    names = ["../evil", "a:b", "same", "same", "SAME", "accepted-cells-map", "é", "n" * 300]
    path = cell_set(
        tmp_path / "c.isxd", [{"name": name, "image": np.full((4, 3), i + 1)} for i, name in enumerate(names)]
    )
    export_cell_set_to_csv_tiff(path, "", out / "i.tif")
    plain = [".._evil", "a_b", "same", "same_2", "SAME_3", "accepted-cells-map_2", "é", "n" * 150]
    assert names_in(out) == sorted([f"i_{name}.tif" for name in plain] + ["i_accepted-cells-map.tif"])
    for i, name in enumerate(plain):
        assert tifffile.imread(out / f"i_{name}.tif")[0, 0] == i + 1
    assert names_in(tmp_path) == ["c.isxd", "out"]


def test_images_without_pixels(tmp_path, out):
    path = cell_set(tmp_path / "c.isxd", [{}], shape=(0, 3))
    with pytest.raises(IsxFormatError, match="without pixels"):
        export_cell_set_to_csv_tiff(path, out / "t.csv", out / "i.tif")
    assert names_in(out) == []


# -- properties ----------------------------------------------------------------------------------------


def properties_of(out, files):
    export_cell_set_to_csv_tiff(files, "", "", output_props_file=out / "p.csv")
    text = (out / "p.csv").read_text(encoding="utf-8")
    (out / "p.csv").unlink()
    return text


def metrics(components, centre, width):
    x, y = centre
    return [components, {"x": 0, "y": 0}, {"x": x, "y": y}, 1.0, 2.0, 3.0, width]


def test_properties_without_metrics(tmp_path, out):
    cells = [{}, {"name": "a,b", "status": 2, "color": 0x80FF0102, "active": False}]
    assert properties_of(out, cell_set(tmp_path / "c.isxd", cells)) == (
        "Name,Status,ColorR,ColorG,ColorB,ActiveSegment0\n"
        "C0,undecided,255,255,255,1\n"
        '"a,b",rejected,255,1,2,0\n'
    )


def test_properties_of_three_files(tmp_path, out):
    color = 0xFF000000 | 244 << 16 | 44 << 8 | 82
    stored = [metrics(1, (17, 30), 36.2353), {}]
    first = cell_set(
        tmp_path / "a.isxd", [{"status": 0, "color": color}, {"status": 1}], start=(0, 1), cellMetrics=stored
    )
    second = cell_set(tmp_path / "b.isxd", [{"status": 2}, {"active": False}], start=(10, 1))
    third = cell_set(tmp_path / "c.isxd", [{"active": False}, {}], start=(20, 1))
    assert properties_of(out, [third, first, second]) == (
        "Name,Status,ColorR,ColorG,ColorB,CentroidX,CentroidY,NumComponents,Size,"
        "ActiveSegment0,ActiveSegment1,ActiveSegment2\n"
        "C0,accepted,244,44,82,17,30,1,36.2353,1,1,0\n"
        "C1,undecided,255,255,255,,,,,1,0,1\n"
    )


def test_undefined_centres_and_exact_widths(tmp_path, out):
    stored = [metrics(0, (-(2**63), -(2**63)), 1234567.0)]
    text = properties_of(out, cell_set(tmp_path / "a.isxd", [{}], cellMetrics=stored))
    assert text.splitlines()[1] == f"C0,undecided,255,255,255,{-(2**63)},{-(2**63)},0,1.23457e+06,1"


def test_widths_that_no_float32_holds(tmp_path, out):
    text = properties_of(out, cell_set(tmp_path / "a.isxd", [{}], cellMetrics=[metrics(0, (3, 4), 1e308)]))
    assert text.splitlines()[1] == "C0,undecided,255,255,255,3,4,0,inf,1"


# -- arguments and failures ----------------------------------------------------------------------------


def test_all_outputs_empty(tmp_path):
    export_cell_set_to_csv_tiff(cell_set(tmp_path / "a.isxd", [{}]), "", "")
    with pytest.raises(isx.IsxFileNotFoundError):
        export_cell_set_to_csv_tiff(tmp_path / "missing.isxd", "", "")
    assert names_in(tmp_path) == ["a.isxd"]


def test_time_refs(tmp_path):
    with pytest.raises(ValueError, match="Unknown time_ref 'x'"):
        export_cell_set_to_csv_tiff("missing.isxd", "", "", "x")
    with pytest.raises(ValueError, match="Invalid setting for writeTimeRelativeTo"):
        export_cell_set_to_csv_tiff("missing.isxd", "", "", "tsc")


def test_different_cells(tmp_path, out):
    one = cell_set(tmp_path / "a.isxd", [{}])
    two = cell_set(tmp_path / "b.isxd", [{}, {}], start=(10, 1))
    with pytest.raises(IsxSeriesError, match=r"Number of cells has to be the same for all input files\."):
        export_cell_set_to_csv_tiff([one, two], out / "t.csv", out / "i.tif")
    wide = cell_set(tmp_path / "c.isxd", [{}], shape=(4, 5), start=(10, 1))
    with pytest.raises(IsxSeriesError, match="different spacing information"):
        export_cell_set_to_csv_tiff([one, wide], out / "t.csv", "", output_props_file=out / "p.csv")
    overlapping = cell_set(tmp_path / "d.isxd", [{}], start=(1, 100))
    with pytest.raises(IsxSeriesError, match="temporally overlaps"):
        export_cell_set_to_csv_tiff([one, overlapping], out / "t.csv", "", output_props_file=out / "p.csv")
    assert names_in(out) == []
    export_cell_set_to_csv_tiff([one, wide], out / "t.csv", "")


@pytest.mark.parametrize("taken", ["t.csv", "p.csv", "i_C0.tif", "i_accepted-cells-map.tif"])
def test_existing_outputs_are_kept_and_nothing_else_is_written(tmp_path, out, taken):
    path = cell_set(tmp_path / "c.isxd", [{}])
    (out / taken).write_text("precious")
    with pytest.raises(IsxFileExistsError, match=f"File already exists: .*{taken}"):
        export_cell_set_to_csv_tiff(path, out / "t.csv", out / "i.tif", output_props_file=out / "p.csv")
    assert names_in(out) == [taken]
    assert (out / taken).read_text() == "precious"


def test_wrong_inputs(tmp_path, out):
    movie = tmp_path / "m.isxd"
    with isx.Movie.write(movie, isx.Timing(2), isx.Spacing((2, 2)), np.uint16) as written:
        written.set_frame_data(0, np.zeros((2, 2), np.uint16))
        written.set_frame_data(1, np.zeros((2, 2), np.uint16))
    text = "Expected data set to be of type: Cell Set. Instead it is of type: Movie. "
    with pytest.raises(IsxFormatError, match=text):
        export_cell_set_to_csv_tiff(movie, out / "t.csv", "")
    bad_status = cell_set(tmp_path / "c.isxd", [{"status": 7}])
    with pytest.raises(IsxFormatError, match="status 7"):
        export_cell_set_to_csv_tiff(bad_status, out / "t.csv", out / "i.tif")
    with pytest.raises(isx.IsxFileError, match="no_such_folder"):
        export_cell_set_to_csv_tiff(
            cell_set(tmp_path / "d.isxd", [{}]), out / "t.csv", out / "no_such_folder" / "i.tif"
        )
    assert names_in(out) == []


@pytest.mark.parametrize("stop_at", [1, 3, 4, 5])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing(tmp_path, out, stop_at, error):
    def progress(done, total):
        assert total == 6
        if done >= stop_at:
            raise error

    path = cell_set(tmp_path / "c.isxd", [{}, {}])
    with pytest.raises(error):
        export_cell_set_to_csv_tiff(
            path, out / "t.csv", out / "i.tif", output_props_file=out / "p.csv", progress=progress
        )
    assert names_in(out) == []


def test_many_cells_do_not_need_as_many_open_files(tmp_path, out):
    resource = pytest.importorskip("resource")
    path = cell_set(tmp_path / "c.isxd", [{}] * 160, shape=(1, 1), samples=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    try:
        export_cell_set_to_csv_tiff(path, "", out / "i.tif")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(names_in(out)) == 161
