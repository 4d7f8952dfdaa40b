"""The export of vessel sets. The vendor's package cannot run it: the expected text is written by hand from its description."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tifffile

import isx
from builders import sets as make
from isx import export_vessel_set_to_csv_tiff
from isx.errors import IsxFileExistsError, IsxFormatError, IsxSeriesError

TRACE_HEADER = (
    "Vessel ID,Vessel Status,Index,Time (s),Velocity (um/s),Direction (deg),Clipping Error,"
    "Direction Change Error,No Significant Pixels Error,Invalid Frame Error\n"
)
LINE_HEADER = (
    "Name,Status,ColorR,ColorG,ColorB,PointX0,PointY0,PointX1,PointY1,PointX2,PointY2,PointX3,PointY3,"
    "Max Velocity(um/s)\n"
)
LINE = [[124, 25], [153, 36], [90, 202], [61, 191]]


def vessel_set(
    path,
    vessels,
    *,
    velocity=True,
    shape=(4, 3),
    samples=3,
    start=(0, 1),
    period=(1, 1),
    second=True,
    heatmaps=False,
    notes=None,
):
    """A vessel set byte by byte; `vessels` are dictionaries with name, line, trace, second, status, color, maps."""
    points = 4 if velocity else 2
    image = np.arange(shape[0] * shape[1], dtype="<f4")
    body = image.tobytes() if vessels else b""
    sizes = []
    for vessel in vessels:
        line = np.asarray(vessel.get("line", LINE[:points]), "<i8")
        assert line.shape == (points, 2)
        body += line.tobytes()
        parts = [vessel.get("trace", np.arange(samples))]
        parts += [vessel.get("second", np.zeros(samples))] if second else []
        for part in parts:
            values = np.asarray(part, "<f4")
            assert values.shape == (samples,)
            body += values.tobytes()
        if heatmaps:
            maps = np.asarray(vessel["maps"], "<f4")
            assert maps.shape[:2] == (samples, 3)
            body += maps.tobytes()
            sizes.append([maps.shape[3], maps.shape[2]])
    body += bytes(16 * points) if vessels else b""
    kind = "red blood cell velocity" if velocity else "vessel diameter"
    members: dict[str, Any] = {
        "VesselColors": [vessel.get("color", make.WHITE) for vessel in vessels],
        "VesselNames": [vessel.get("name", f"V{i}") for i, vessel in enumerate(vessels)],
        "VesselStatuses": [vessel.get("status", 1) for vessel in vessels],
        "extraProperties": {"idps": {"vesselset": {"type": kind, **(notes or {})}}},
        "timingInfo": make.timing(samples, period=make.ratio(*period), start=make.instant(*start)),
    }
    if second and vessels:
        members["VesselDirectionSaved" if velocity else "VesselCenterSaved"] = True
    if heatmaps:
        members["VesselCorrelationSizes"] = sizes
    path.write_bytes(make.isxd(body, make.vessel_members(len(vessels), shape, samples, **members)))
    return path


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def traces_of(out, files, **kwargs):
    export_vessel_set_to_csv_tiff(files, out / "t.csv", **kwargs)
    text = (out / "t.csv").read_bytes().decode()
    (out / "t.csv").unlink()
    return text


def lines_of(out, files):
    export_vessel_set_to_csv_tiff(files, output_line_csv_file=out / "l.csv")
    text = (out / "l.csv").read_bytes().decode()
    (out / "l.csv").unlink()
    return text


# -- traces --------------------------------------------------------------------------------------------


def test_the_example_of_the_desktop_application(tmp_path, out):
    trace = [2800.7912, np.nan]
    path = vessel_set(
        tmp_path / "v.isxd",
        [{"trace": trace, "second": [248.0868, np.nan]}],
        samples=2,
        notes={
            "units": "microns per second",
            "timeWindow": 2,
            "timeIncrement": 1,
            "clippedVessels": "{}",
            "directionChangedVessels": "{}",
            "noSignificantVessels": "{}",
            "invalidWindows": [1],
        },
    )
    assert traces_of(out, path) == TRACE_HEADER + (
        "V0,undecided,0,1,2800.791,248.087,False,False,False,False\n"
        "V0,undecided,1,2,nan,nan,False,False,False,True\n"
    )


def test_stored_errors(tmp_path, out):
    notes = {
        "clippedVessels": '{"V1":[0,2],"other":[1]}',
        "directionChangedVessels": {"V1": [2]},
        "noSignificantVessels": '{"V0":[1,99]}',
        "invalidWindows": [2],
    }
    path = vessel_set(tmp_path / "v.isxd", [{}, {}], notes=notes)
    rows = traces_of(out, path).splitlines()[1:]
    assert [row.split(",", 6)[6] for row in rows] == [
        "False,False,False,False",
        "False,False,True,False",
        "False,False,False,True",
        "True,False,False,False",
        "False,False,False,False",
        "True,True,False,True",
    ]


def test_errors_from_missing_values(tmp_path, out):
    vessels = [{"trace": [1, np.nan, np.nan]}]
    path = vessel_set(tmp_path / "v.isxd", vessels, notes={"clippedVessels": '{"V0": [1]}'})
    rows = traces_of(out, path).splitlines()[1:]
    assert [row.split(",", 6)[6] for row in rows] == [
        "False,False,False,False",
        "True,False,False,False",
        "False,False,False,True",
    ]


@pytest.mark.parametrize(
    "notes",
    [
        {"clippedVessels": "{"},
        {"clippedVessels": "[1]"},
        {"directionChangedVessels": '{"V0": 3}'},
        {"noSignificantVessels": '{"V0": ["x"]}'},
        {"invalidWindows": 3},
        {"clippedVessels": "[" * 100_000},
    ],
)
def test_damaged_errors(tmp_path, out, notes):
    path = vessel_set(tmp_path / "v.isxd", [{}], notes=notes)
    with pytest.raises(IsxFormatError, match=next(iter(notes))):
        traces_of(out, path)
    assert names_in(out) == []


def test_diameters(tmp_path, out):
    path = vessel_set(
        tmp_path / "v.isxd",
        [{"name": "a,b", "status": 0, "trace": [1, 2.0004, np.nan]}],
        velocity=False,
        start=(1_600_000_000_123, 1000),
        period=(50, 1000),
    )
    assert traces_of(out, path, time_ref="unix") == (
        "Vessel ID,Vessel Status,Index,Time (s),Diameter (um)\n"
        '"a,b",accepted,0,1600000000.123,1.000\n'
        '"a,b",accepted,1,1600000000.173,2.000\n'
        '"a,b",accepted,2,1600000000.223,nan\n'
    )


@pytest.mark.parametrize(
    ("velocity", "units", "column"),
    [
        (False, "pixels", "Diameter (pixels)"),
        (False, "microns", "Diameter (um)"),
        (True, "pixels per second", "Velocity (pixels/s)"),
        (True, "microns per second", "Velocity (um/s)"),
    ],
)
def test_units(tmp_path, out, velocity, units, column):
    path = vessel_set(tmp_path / "v.isxd", [{}], velocity=velocity, notes={"units": units})
    assert traces_of(out, path).splitlines()[0].split(",")[4] == column
    largest = (
        column.replace(" (", "(").replace("Diameter", "Max Diameter").replace("Velocity", "Max Velocity")
    )
    assert lines_of(out, path).splitlines()[0].endswith(largest)


def test_no_directions(tmp_path, out):
    path = vessel_set(tmp_path / "v.isxd", [{}], second=False)
    assert traces_of(out, path).splitlines()[1] == "V0,undecided,0,0,0.000,nan,False,False,False,False"


def test_series_in_time_with_one_index(tmp_path, out, monkeypatch):
    late = vessel_set(tmp_path / "b.isxd", [{"trace": [7, 8, 9]}, {"trace": [10, 11, 12]}], start=(100, 1))
    early = vessel_set(tmp_path / "a.isxd", [{"trace": [1, 2], "status": 2}, {"trace": [3, 4]}], samples=2)
    from openisx.export import vessel_set as vessel_set_files

    monkeypatch.setattr(vessel_set_files, "_CHUNK", 2)
    rows = [row.split(",")[:5] for row in traces_of(out, [late, early]).splitlines()[1:]]
    assert rows == [
        ["V0", "rejected", "0", "0", "1.000"],
        ["V0", "rejected", "1", "1", "2.000"],
        ["V0", "rejected", "2", "100", "7.000"],
        ["V0", "rejected", "3", "101", "8.000"],
        ["V0", "rejected", "4", "102", "9.000"],
        ["V1", "undecided", "0", "0", "3.000"],
        ["V1", "undecided", "1", "1", "4.000"],
        ["V1", "undecided", "2", "100", "10.000"],
        ["V1", "undecided", "3", "101", "11.000"],
        ["V1", "undecided", "4", "102", "12.000"],
    ]


# -- lines and map -------------------------------------------------------------------------------------


def test_lines(tmp_path, out):
    vessels = [
        {"trace": [1, 6882.64, np.nan]},
        {"trace": [np.nan] * 3, "line": np.negative(LINE), "color": 0xFF010203},
    ]
    assert lines_of(out, vessel_set(tmp_path / "v.isxd", vessels)) == LINE_HEADER + (
        "V0,undecided,255,255,255,124,25,153,36,90,202,61,191,6882.64\n"
        "V1,undecided,1,2,3,-124,-25,-153,-36,-90,-202,-61,-191,nan\n"
    )


def test_lines_of_diameters(tmp_path, out):
    later = vessel_set(tmp_path / "b.isxd", [{"trace": [4, 12345678, 6]}], velocity=False, start=(10, 1))
    first = vessel_set(tmp_path / "a.isxd", [{}], velocity=False)
    assert lines_of(out, [later, first]) == (
        "Name,Status,ColorR,ColorG,ColorB,PointX0,PointY0,PointX1,PointY1,Max Diameter(um)\n"
        "V0,undecided,255,255,255,124,25,153,36,1.23457e+07\n"
    )


def test_map(tmp_path, out):
    export_vessel_set_to_csv_tiff(
        vessel_set(tmp_path / "v.isxd", [{}]), output_map_tiff_file=out / "map.tiff"
    )
    image = tifffile.imread(out / "map.tiff")
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, np.arange(12).reshape(4, 3))
    with pytest.raises(isx.IsxError, match="no vessels and therefore no image"):
        export_vessel_set_to_csv_tiff(
            vessel_set(tmp_path / "e.isxd", []), output_map_tiff_file=out / "e.tiff"
        )
    assert names_in(out) == ["map.tiff"]


def test_no_vessels(tmp_path, out):
    path = vessel_set(tmp_path / "e.isxd", [])
    assert traces_of(out, path) == TRACE_HEADER
    assert lines_of(out, path) == LINE_HEADER


# -- heat maps -----------------------------------------------------------------------------------------


def with_heatmaps(path, samples=3, sizes=((2, 5), (4, 3)), seed=0, **kwargs):
    rng = np.random.default_rng(seed)
    maps = [rng.normal(size=(samples, 3, *size)).astype(np.float32) for size in sizes]
    vessels = [{"maps": m, "name": name} for m, name in zip(maps, ("V0", "a/b"), strict=True)]
    return vessel_set(path, vessels, samples=samples, heatmaps=True, **kwargs), maps


def test_heatmaps(tmp_path, out, monkeypatch):
    from openisx.export import vessel_set as vessel_set_files

    monkeypatch.setattr(vessel_set_files, "_BLOCK_BYTES", 250)
    path, maps = with_heatmaps(tmp_path / "v.isxd")
    later, more = with_heatmaps(tmp_path / "w.isxd", samples=2, start=(10, 1), seed=1)
    export_vessel_set_to_csv_tiff([later, path], output_heatmaps_tiff_dir=out)
    assert names_in(out) == ["V0.tiff", "a_b.tiff"]
    for name, first, second in zip(("V0", "a_b"), maps, more, strict=True):
        with tifffile.TiffFile(out / f"{name}.tiff") as tiff:
            assert len(tiff.pages) == 5
            assert not tiff.is_bigtiff
            stack = tiff.asarray()
        assert stack.dtype == np.float32
        both = np.concatenate([first, second])
        np.testing.assert_array_equal(stack.reshape(both.shape), both)


def test_heatmaps_that_are_not_there(tmp_path, out):
    for velocity in (True, False):
        path = vessel_set(tmp_path / "v.isxd", [{}], velocity=velocity)
        with pytest.raises(isx.IsxError, match=r"No correlation heatmaps saved to vessel set file\."):
            export_vessel_set_to_csv_tiff(path, out / "t.csv", output_heatmaps_tiff_dir=out)
    path, _ = with_heatmaps(tmp_path / "w.isxd")
    with pytest.raises(isx.IsxFileError, match="The folder for heat maps does not exist"):
        export_vessel_set_to_csv_tiff(path, out / "t.csv", output_heatmaps_tiff_dir=out / "missing")
    (out / "a_b.tiff").write_text("precious")
    with pytest.raises(IsxFileExistsError):
        export_vessel_set_to_csv_tiff(path, out / "t.csv", output_heatmaps_tiff_dir=out)
    assert names_in(out) == ["a_b.tiff"]


def test_a_series_with_heatmaps_of_different_sizes(tmp_path, out):
    first, _ = with_heatmaps(tmp_path / "v.isxd")
    other, _ = with_heatmaps(tmp_path / "w.isxd", sizes=((2, 5), (3, 4)), start=(10, 1))
    export_vessel_set_to_csv_tiff([first, other], out / "t.csv")
    assert len((out / "t.csv").read_text().splitlines()) == 1 + 2 * (3 + 3)
    (out / "t.csv").unlink()
    text = r"(?s)'a/b' differ in size .* 4 x 3 pixels \(rows x columns\) in .*v\.isxd, 3 x 4 in .*w\.isxd"
    with pytest.raises(IsxSeriesError, match=text):
        export_vessel_set_to_csv_tiff([other, first], out / "t.csv", output_heatmaps_tiff_dir=out)
    assert names_in(out) == []


# -- arguments and failures ----------------------------------------------------------------------------


def test_arguments(tmp_path):
    with pytest.raises(ValueError, match="Unknown time_ref 'x'"):
        export_vessel_set_to_csv_tiff("missing.isxd", time_ref="x")
    with pytest.raises(ValueError, match=r"Must provide at least one output file path\."):
        export_vessel_set_to_csv_tiff("missing.isxd")
    with pytest.raises(isx.IsxFileNotFoundError):
        export_vessel_set_to_csv_tiff("missing.isxd", tmp_path / "t.csv")
    assert names_in(tmp_path) == []


def test_files_that_do_not_fit(tmp_path, out):
    one = vessel_set(tmp_path / "a.isxd", [{}])
    others = {
        "mismatching number of vessels": vessel_set(tmp_path / "b.isxd", [{}, {}], start=(50, 1)),
        "different spacing": vessel_set(tmp_path / "c.isxd", [{}], shape=(5, 3), start=(50, 1)),
        "temporally overlaps": vessel_set(tmp_path / "d.isxd", [{}], start=(2, 1)),
        "another type of vessel set": vessel_set(tmp_path / "e.isxd", [{}], velocity=False, start=(50, 1)),
    }
    for text, other in others.items():
        with pytest.raises(IsxSeriesError, match=text):
            export_vessel_set_to_csv_tiff([other, one], out / "t.csv")
    wrong = tmp_path / "cells.isxd"
    isx.CellSet.write(wrong, isx.Timing(1), isx.Spacing((1, 1))).flush()
    with pytest.raises(IsxFormatError, match=r"Expected data set to be of type: Vessel Set. Instead"):
        export_vessel_set_to_csv_tiff(wrong, out / "t.csv")
    assert names_in(out) == []


@pytest.mark.parametrize("taken", ["t.csv", "l.csv", "m.tiff"])
def test_existing_outputs(tmp_path, out, taken):
    path, _ = with_heatmaps(tmp_path / "v.isxd")
    (out / taken).write_text("precious")
    with pytest.raises(IsxFileExistsError, match=f"File already exists: .*{taken}"):
        export_vessel_set_to_csv_tiff(path, out / "t.csv", out / "l.csv", out / "m.tiff", out)
    assert names_in(out) == [taken]


@pytest.mark.parametrize("stop_at", [1, 7, 12])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing(tmp_path, out, stop_at, error):
    def progress(done, total):
        assert total == 12
        if done >= stop_at:
            raise error

    path, _ = with_heatmaps(tmp_path / "v.isxd")
    with pytest.raises(error):
        export_vessel_set_to_csv_tiff(
            path, out / "t.csv", out / "l.csv", out / "m.tiff", out, progress=progress
        )
    assert names_in(out) == []
