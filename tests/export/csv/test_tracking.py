"""Tracking results and zones as tables."""

from __future__ import annotations

import copy

import pytest

import isx
from builders.paired import behavior, gpio, microscope

BOX = {"box": [10.5, 20.25, 30.5, 40.75], "conf": 98.5}
NUMBERS = "10.500000,20.250000,30.500000,40.750000,20.500000,30.500000,98.500000"
TSC = [1_000_000 + 50_000 * k for k in range(40)]


def rows(tmp_path, trackers, time_ref="start", **options):
    path = behavior(tmp_path / "b.isxb", TSC[: len(trackers)], trackers=trackers, **options)
    isx.export_nvision_movie_tracking_frame_data_to_csv(path, tmp_path / "o.csv", time_ref)
    written = (tmp_path / "o.csv").read_text(encoding="utf-8")
    assert written.endswith("\n")
    return [line.split(",", 3)[3] for line in written.split("\n")[1:-1]]


def tracker(zones=None, **changes):
    made = copy.deepcopy(BOX) | changes
    return made if zones is None else made | {"zones": zones}


@pytest.mark.parametrize(
    ("zones", "cells"),
    [
        (None, ",,,"),
        ([], ",,,"),
        ({"id": 7, "name": "old form"}, "7,old form,,"),
        ([{"id": 7, "name": "z", "event": "e", "trig": "softTrig-1"}], "7,z,entry,softTrig-1"),
        ([{"id": 7, "name": "z", "event": "o", "trig": ""}], "7,z,occupying,"),
        ([{"id": 0, "name": "none"}], ",,,"),
        ([{"id": 0, "name": "named", "event": "x"}], "0,named,exit,"),
        (
            [{"id": 0, "name": "none"}, {"id": 5, "name": "a", "event": "e"}],
            "5,a,entry,",
        ),
        (
            [
                {"id": 5, "name": "a", "event": "o"},
                {"id": 6, "name": "b", "event": "x", "trig": "softTrig-4"},
            ],
            '"5,6","a,b","occupying,exit","softTrig-4"',
        ),
        ([{"id": 5, "name": "a"}, {"id": 6, "name": "b", "event": "x"}], '"5,6","a,b","exit",""'),
        ([{"id": 5, "name": "a", "event": "e"}, {"id": 6, "name": "b"}], '"5,6","a,b","entry,",""'),
        ([{"id": 5, "name": 'a "b", c', "event": "e"}], '5,"a ""b"", c",entry,'),
        ([{"id": 5, "name": "größe"}, {"id": 6, "name": '"'}], '"5,6","größe,""","",""'),
        ([{"id": 5, "name": "a", "event": "new", "trig": "other"}], "5,a,new,other"),
    ],
)
def test_zones(tmp_path, zones, cells):
    assert rows(tmp_path, [tracker(zones), None]) == [
        f"0.000000,{NUMBERS},{cells}",
        "0.050000" + "," * 11,
    ]


def test_frames_without_a_result(tmp_path):
    empty = [None, {}, {"box": [0, 0, 0, 0], "conf": 5}, tracker(box=[0, 5, 0, 9]), tracker(box=[5, 0, 9, 0])]
    found = rows(tmp_path, empty)
    assert found == [f"{k * 0.05:.6f}" + "," * 11 for k in range(5)]


def test_dropped_frames(tmp_path):
    assert rows(tmp_path, [tracker(), tracker()], dropped=(1,)) == [
        f"0.000000,{NUMBERS},,,,",
        "," * 11,
        f"0.050000,{NUMBERS},,,,",
    ]


def test_number_formats(tmp_path):
    large = tracker(box=[1e7, 123456.789, 1e-5, 0], conf=100)
    assert rows(tmp_path, [large, None])[0] == (
        "0.000000,10000000.000000,123456.789062,0.000010,0.000000,5000000.000000,61728.394531,100.000000,,,,"
    )
    (tmp_path / "o.csv").unlink()
    assert rows(tmp_path, [large, None], "tsc")[0] == "1000000,1e+07,123457,1e-05,0,5e+06,61728.4,100,,,,"


def test_a_missing_confidence_is_an_empty_cell(tmp_path):
    assert rows(tmp_path, [{"box": BOX["box"]}, None])[0] == f"0.000000,{NUMBERS.rpartition(',')[0]},,,,,"


def test_malformed_records_are_told_and_left_out(tmp_path):
    with pytest.warns(isx.IsxWarning, match="tracking records are malformed"):
        found = rows(tmp_path, [tracker(box=[1, 2, "x"]), tracker(zones=[5])])
    assert found == ["0.000000" + "," * 11, f"0.050000,{NUMBERS},,,,"]


def test_a_series(tmp_path):
    a = behavior(tmp_path / "a.isxb", TSC[:2], trackers=[tracker()])
    b = behavior(tmp_path / "b.isxb", TSC[20:22], start=1_600_000_009_000, trackers=[None, tracker()])
    calls = []
    isx.export_nvision_movie_tracking_frame_data_to_csv(
        [b, a], tmp_path / "o.csv", progress=lambda *call: calls.append(call)
    )
    found = (tmp_path / "o.csv").read_text().split("\n")[1:-1]
    assert [row.split(",")[:4] for row in found] == [
        ["0", "0", "0", "0.000000"],
        ["1", "0", "1", "0.050000"],
        ["2", "1", "0", "1.000000"],
        ["3", "1", "1", "1.050000"],
    ]
    assert calls == [(2, 4), (4, 4)]


# -- zones of the recording --------------------------------------------------------------------------


def zone(kind, points, number=5, name="z", description="", enable=True, **properties):
    geometry = {"type": kind, "coordinates": points, "properties": properties}
    return {"id": number, "name": name, "description": description, "enable": enable, "geometry": geometry}


def zone_rows(tmp_path, zones, camera="top"):
    interface = [
        {"cameraName": "other", "zones": [zone("polygon", [])]},
        {"cameraName": camera, "zones": zones},
    ]
    path = behavior(tmp_path / "b.isxb", TSC[:2], trackingInterface=interface)
    isx.export_nvision_movie_tracking_zone_data_to_csv(path, tmp_path / "o.csv")
    return (tmp_path / "o.csv").read_text(encoding="utf-8").split("\n")[:-1]


def test_zone_table(tmp_path):
    zones = [
        zone(
            "rectangle",
            [[534.135, 387.9], [993.203, 387.9], [993.203, 868.86], [534.135, 868.86]],
            1705077750976,
        ),
        zone("polygon", [[1, 2], [1234567.8, 1e-7]], -4, "a,b", 'd "x"', False),
        zone("ellipse", [[27.9591, 40.0158]], 2, "größe", majorAxis=30.25, minorAxis=10.125, angle=45),
        zone("ellipse", [[1, 2]], 3),
        zone("star", [[1, 2]], 4),
    ]
    assert zone_rows(tmp_path, zones) == [
        "ID,Enabled,Name,Description,Type,X 0,Y 0,X 1,Y 1,X 2,Y 2,X 3,Y 3,Major Axis, Minor Axis, Angle",
        "1705077750976,1,z,,rectangle,534.135,387.9,993.203,387.9,993.203,868.86,534.135,868.86,,,",
        '-4,0,"a,b","d ""x""",polygon,1,2,1.23457e+06,1e-07,,,,,,,',
        "2,1,größe,,ellipse,27.9591,40.0158,,,,,,,30.25,10.125,45",
        "3,1,z,,ellipse,1,2,,,,,,,0,0,0",
        "4,1,z,,,1,2,,,,,,,,,",
    ]


@pytest.mark.parametrize(("zones", "camera"), [([], "top"), ([zone("polygon", [[1, 2]])], "elsewhere")])
def test_no_zones(tmp_path, zones, camera):
    assert zone_rows(tmp_path, zones, camera) == [
        "ID,Enabled,Name,Description,Type,Major Axis, Minor Axis, Angle"
    ]


def test_zones_are_those_of_the_earliest_movie(tmp_path):
    section = [{"cameraName": "top", "zones": [zone("polygon", [[1, 2]])]}]
    a = behavior(tmp_path / "a.isxb", TSC[:2], trackingInterface=section)
    b = behavior(tmp_path / "b.isxb", TSC[20:22], start=1_600_000_009_000)
    isx.export_nvision_movie_tracking_zone_data_to_csv([b, a], tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_text().count("\n") == 2


# -- errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "export",
    [
        isx.export_nvision_movie_tracking_frame_data_to_csv,
        isx.export_nvision_movie_tracking_zone_data_to_csv,
    ],
)
def test_bad_input(tmp_path, export):
    text = r"Expected data set to be of type: nVision Movie\. Instead it is of type: {}\. "
    with pytest.raises(isx.IsxFormatError, match=text.format("Movie")):
        export(microscope(tmp_path / "m.isxd", TSC[:2]), tmp_path / "o.csv")
    with pytest.raises(isx.IsxFormatError, match=text.format("GPIO")):
        export(gpio(tmp_path / "g.isxd"), tmp_path / "o.csv")
    with pytest.raises(FileNotFoundError, match="File does not exist"):
        export(tmp_path / "x.isxb", tmp_path / "o.csv")
    with pytest.raises(ValueError, match="no input files"):
        export([], tmp_path / "o.csv")
    a, b = (behavior(tmp_path / f"{n}.isxb", TSC[:2]) for n in "ab")
    with pytest.raises(isx.IsxSeriesError, match="temporally overlaps"):
        export([a, b], tmp_path / "o.csv")
    with pytest.raises(isx.IsxFileError, match="Unable to open file for writing"):
        export(a, tmp_path / "no" / "o.csv")
    (tmp_path / "o.csv").write_text("mine")
    with pytest.raises(FileExistsError, match="File already exists"):
        export(a, tmp_path / "o.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.isxb", "b.isxb", "g.isxd", "m.isxd", "o.csv"]


def test_movies_without_frame_metadata(tmp_path):
    import numpy as np

    from builders.isxb import isxb, jpeg, session
    from builders.isxd import ratio

    info = {
        "numTimes": 2,
        "period": ratio(1, 20),
        "start": {"secsSinceEpoch": ratio(1_600_000_009_000, 1000), "utcOffset": 0},
    }
    image = jpeg(np.zeros((48, 64), np.uint8))
    path = isxb(tmp_path / "b.isxb", [image] * 2, session(timingInfo=info), False)
    with pytest.raises(isx.IsxError, match="does not have frame timestamps"):
        isx.export_nvision_movie_tracking_frame_data_to_csv(path, tmp_path / "o.csv")
    with pytest.raises(ValueError, match="Unknown time_ref"):
        isx.export_nvision_movie_tracking_frame_data_to_csv(path, tmp_path / "o.csv", "x")
