"""Session metadata as flat names; damage in one section never costs another."""

from __future__ import annotations

import json

import pytest

from openisx._formats.acquisition_info import acquisition_info

ANIMAL = {"sex": "f", "dob": "2020", "id": "m1", "species": "mouse", "weight": 20.0, "description": ""}
MICROSCOPE = {"focus": 100, "gain": 2, "serial": "s", "type": "NVista3", "exp": 20.5}
LED = {"exPower": 1.5, "ogPower": 0.0, "exPower2": 3}
PROBE = {"diameter": 0.5, "flip": "none", "length": 4, "pitch": 1, "rotation": 0, "type": "GRIN"}


def test_everything_in_order():
    info = acquisition_info(
        {
            "animal": ANIMAL,
            "microscope": MICROSCOPE
            | {"led": LED, "customMetadata": {"my key": [1, 2.0]}, "widefield": True},
            "name": "session 1",
            "personnel": {"name": "someone"},
            "probe": PROBE,
            "producer": {"version": "1.9.0", "versionBE": "1.9.0-07a8ccc"},
            "idps": {
                "efocus": 70000,
                "channel": "green",
                "interpolatedFrames": [1, 5],
                "mc_padding": False,
                "cellset": {"method": "cnmfe", "units": "dF"},
            },
            "processingInterface": {"recordingUUID": "a-b-1"},
        }
    )
    assert info == {
        "Acquisition SW Version": "1.9.0",
        "Animal Date of Birth": "2020",
        "Animal Description": "",
        "Animal ID": "m1",
        "Animal Sex": "f",
        "Animal Species": "mouse",
        "Animal Weight": 20,
        "Cell Identification Method": "cnmfe",
        "Experimenter Name": "someone",
        "Exposure Time (ms)": 20.5,
        "Interpolated Samples": "1 5 ",
        "Microscope EX LED Power (mw/mm^2)": 1.5,
        "Microscope Focus": 100,
        "Microscope Gain": 2,
        "Microscope OG LED Power (mw/mm^2)": 0.0,
        "Microscope Serial Number": "s",
        "Microscope Type": "NVista3",
        "Motion correction padding": False,
        "Probe Diameter (mm)": 0.5,
        "Probe Flip": "none",
        "Probe Length (mm)": 4,
        "Probe Pitch": 1,
        "Probe Rotation (degrees)": 0,
        "Probe Type": "GRIN",
        "Recording UUID": "a-b-1",
        "Session Name": "session 1",
        "Trace Units": "dF",
        "Wide Field": "True",
        "channel": "green",
        "efocus": 4464,
        "my key": [1, 2],
    }
    assert list(info) == sorted(info)
    assert type(info["Animal Weight"]) is int
    assert type(info["Microscope OG LED Power (mw/mm^2)"]) is float


@pytest.mark.parametrize(
    ("dual", "names"),
    [
        (None, {"EX LED Power": 1.5, "OG LED Power": 0.0}),
        ({"enabled": False}, {"EX LED 1 Power": 1.5, "EX LED 2 Power": 0.0}),
        ({"enabled": True}, {"EX LED 1 Power": 1.5, "EX LED 2 Power": 3}),
    ],
)
def test_leds(dual, names):
    info = acquisition_info({"microscope": {"led": LED, "dualColor": dual}})
    assert info == {f"Microscope {name} (mw/mm^2)": value for name, value in names.items()}


def test_custom_metadata_win_over_the_microscope():
    info = acquisition_info({"microscope": MICROSCOPE | {"customMetadata": {"Microscope Gain": "loud"}}})
    assert info["Microscope Gain"] == "loud"


def test_vessels():
    section = {
        "type": "rbc velocity",
        "units": "um/s",
        "timeIncrement": 1,
        "timeWindow": 2.5,
        "estimationMethod": "x",
        "invalidWindows": [3, 4.5],
        "clippedVessels": "{1}",
    }
    info = acquisition_info({"idps": {"vesselset": section, "cellset": {"units": "dF"}}})
    assert info["Trace Units"] == "um/s"
    assert (info["Time Increment (s)"], info["Time Window (s)"]) == (1, 2.5)
    assert info["Windows with Invalid Frame Error"] == "3 4.5 "
    assert info["Vessels with Clipping Error"] == "{1}"
    assert info["Vessels with No Significant Pixels Error"] == "{}"


@pytest.mark.parametrize(
    "extra", [None, {}, [], "text", 5, True, {"other": 1}, {"idps": "old"}, {"producer": {}}, {"probe": {}}]
)
def test_nothing_to_tell(extra):
    assert acquisition_info(extra) is None


def test_missing_members_cost_only_themselves():
    info = acquisition_info(
        {"animal": {"id": "m1"}, "probe": {"type": "GRIN"}, "name": "n", "microscope": {"led": {}}}
    )
    assert info == {"Animal ID": "m1", "Probe Type": "GRIN", "Session Name": "n"}


@pytest.mark.parametrize(
    "damage", [None, "text", 5, True, [], [1], 1e400, -1e400, {"led": 5, "dualColor": 5}]
)
@pytest.mark.parametrize(
    "key", ["animal", "microscope", "probe", "personnel", "producer", "idps", "processingInterface"]
)
def test_a_damaged_section_costs_only_itself(key, damage):
    extra = {"animal": {"id": "m1"}, "probe": {"type": "GRIN"}, "name": "n", key: damage}
    info = acquisition_info(extra)
    assert info["Session Name"] == "n"
    assert ("Animal ID" in info) == (key != "animal")
    assert ("Probe Type" in info) == (key != "probe")


@pytest.mark.parametrize(
    "damage", [None, "text", True, [], {}, 1e400, float("nan"), [None], ["a"], 10**400, -3]
)
def test_damaged_members(damage):
    names = ["efocus", "channel", "interpolatedFrames", "mc_padding", "cellset", "vesselset"]
    vessels = dict.fromkeys(["type", "units", "timeIncrement", "timeWindow", "invalidWindows"], damage)
    extra = {"idps": dict.fromkeys(names, damage), "name": "n"}
    for idps in (extra["idps"], {"vesselset": vessels}):
        info = acquisition_info({"idps": idps, "name": "n"})
        assert info["Session Name"] == "n"
        json.dumps(info, allow_nan=False)
