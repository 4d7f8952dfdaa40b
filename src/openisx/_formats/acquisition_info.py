"""Session metadata as acquisition software stored them, mapped to flat names for people (docs/formats/isxd.md, `extraProperties`).

Missing members leave out their own entry only, and a malformed section never costs the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from openisx._formats.json_writing import normalize

__all__ = ["acquisition_info", "behavior_acquisition_info"]

_ANIMAL = {
    "Animal Sex": "sex",
    "Animal Date of Birth": "dob",
    "Animal ID": "id",
    "Animal Species": "species",
    "Animal Weight": "weight",
    "Animal Description": "description",
}
_MICROSCOPE = {
    "Microscope Focus": "focus",
    "Microscope Gain": "gain",
    "Microscope Serial Number": "serial",
    "Microscope Type": "type",
    "Exposure Time (ms)": "exp",
}
_PROBE = {
    "Probe Diameter (mm)": "diameter",
    "Probe Flip": "flip",
    "Probe Length (mm)": "length",
    "Probe Pitch": "pitch",
    "Probe Rotation (degrees)": "rotation",
    "Probe Type": "type",
}


def _section(parent: Any, key: str) -> Mapping[str, Any]:
    """A nested object; empty when absent or of another type."""
    value = parent.get(key) if isinstance(parent, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _copy(info: dict[str, Any], section: Mapping[str, Any], names: Mapping[str, str]) -> None:
    info.update({name: section[key] for name, key in names.items() if key in section})


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return plain and -(2**63) <= value < 2**64  # false for NaN and infinities too


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(_is_number(v) for v in value)


def _copy_if(
    info: dict[str, Any],
    section: Mapping[str, Any],
    check: Callable[[Any], bool],
    names: Mapping[str, str],
    convert: Callable[[Any], Any] = lambda value: value,
) -> None:
    info.update(
        {name: convert(section[key]) for name, key in names.items() if key in section and check(section[key])}
    )


def _spaced(values: list[Any]) -> str:
    return "".join(f"{normalize(value)} " for value in values)


def _led(microscope: Mapping[str, Any]) -> dict[str, Any]:
    led = _section(microscope, "led")
    dual = _section(microscope, "dualColor")
    info: dict[str, Any] = {}
    if microscope.get("dualColor") is None:
        _copy(
            info,
            led,
            {"Microscope EX LED Power (mw/mm^2)": "exPower", "Microscope OG LED Power (mw/mm^2)": "ogPower"},
        )
    else:
        second = "exPower2" if dual.get("enabled") is True else "ogPower"
        _copy(
            info,
            led,
            {"Microscope EX LED 1 Power (mw/mm^2)": "exPower", "Microscope EX LED 2 Power (mw/mm^2)": second},
        )
    return info


def _microscope(extra: Mapping[str, Any]) -> dict[str, Any]:
    microscope = _section(extra, "microscope")
    info = _led(microscope)
    _copy(info, microscope, _MICROSCOPE)
    info.update(_section(microscope, "customMetadata"))
    _copy_if(info, microscope, _is_bool, {"Wide Field": "widefield"}, str)
    return info


def _processing(extra: Mapping[str, Any]) -> dict[str, Any]:
    info: dict[str, Any] = {}
    idps = _section(extra, "idps")
    _copy_if(info, idps, _is_number, {"efocus": "efocus"}, lambda value: int(value) % 65536)
    _copy_if(info, idps, _is_text, {"channel": "channel"})
    _copy_if(info, idps, _is_numbers, {"Interpolated Samples": "interpolatedFrames"}, _spaced)
    _copy_if(info, idps, _is_bool, {"Motion correction padding": "mc_padding"})
    _copy_if(
        info,
        _section(idps, "cellset"),
        _is_text,
        {"Cell Identification Method": "method", "Trace Units": "units"},
    )
    if "vesselset" in idps:
        info.update(_vessels(_section(idps, "vesselset")))
    return info


def _vessels(section: Mapping[str, Any]) -> dict[str, Any]:
    info: dict[str, Any] = {}
    _copy_if(
        info,
        section,
        _is_text,
        {
            "Vessel Set Type": "type",
            "Trace Units": "units",
            "Vessel Diameter Estimation Method": "estimationMethod",
        },
    )
    _copy_if(
        info,
        section,
        _is_number,
        {"Time Increment (s)": "timeIncrement", "Time Window (s)": "timeWindow"},
        float,
    )
    _copy_if(info, section, _is_numbers, {"Windows with Invalid Frame Error": "invalidWindows"}, _spaced)
    errors = {
        "Vessels with Clipping Error": "clippedVessels",
        "Vessels with No Significant Pixels Error": "noSignificantVessels",
        "Vessels with Direction Change Error": "directionChangedVessels",
    }
    info.update(dict.fromkeys(errors, "{}"))
    _copy_if(info, section, _is_text, errors)
    return info


def acquisition_info(extra: Any) -> dict[str, Any] | None:
    """Flat session metadata of an `.isxd`, `.gpio` or `.imu` file (docs/formats/isxd.md, `extraProperties`).

    Parameters
    ----------
    extra
        The decoded ``extraProperties``, or the session JSON of a `.gpio` or `.imu` file.

    Returns
    -------
    dict or None
        Names in ascending order of their bytes; None when the file has nothing to tell.
    """
    if not isinstance(extra, Mapping):
        return None
    info: dict[str, Any] = {}
    _copy(info, _section(extra, "animal"), _ANIMAL)
    info.update(_microscope(extra))
    _copy(info, extra, {"Session Name": "name"})
    _copy(info, _section(extra, "personnel"), {"Experimenter Name": "name"})
    _copy(info, _section(extra, "probe"), _PROBE)
    _copy_if(
        info,
        _section(extra, "producer"),
        _is_text,
        {"Acquisition SW Version": "versionBE"},
        lambda text: text.partition("-")[0],
    )
    info.update(_processing(extra))
    _copy_if(info, _section(extra, "processingInterface"), _is_text, {"Recording UUID": "recordingUUID"})
    return normalize(info) if info else None


def behavior_acquisition_info(session: Mapping[str, Any]) -> dict[str, Any] | None:
    """Flat session metadata of an `.isxb` file (docs/formats/isxb.md, Session metadata).

    Parameters
    ----------
    session
        The decoded session metadata.

    Returns
    -------
    dict or None
        Names in ascending order of their bytes; None when the file has nothing to tell.
    """
    info: dict[str, Any] = {}
    interface = _section(session, "userInterface")
    _copy(info, _section(interface, "animal"), _ANIMAL)
    for name, entry in _section(interface, "customMetadata").items():
        if isinstance(entry, Mapping) and "value" in entry:
            info[name] = entry["value"]
    processing = _section(session, "processingInterface")
    _copy_if(info, processing, _is_text, {"Recording UUID": "recordingUUID"})
    if "system" in processing:
        info.update(_paired_systems(_section(processing, "system")))
    camera_name = session.get("cameraName")
    if isinstance(camera_name, str):
        info.update(_camera(_section(processing, camera_name)))
    return normalize(info) if info else None


def _paired_systems(system: Mapping[str, Any]) -> dict[str, Any]:
    """The behaviour system, and the microscope it was paired with."""
    behavior, miniscope = _section(system, "behavior"), _section(system, "miniscope")
    paired = behavior.get("paired", False)
    info: dict[str, Any] = {"Miniscope Paired": paired}
    _copy(info, _section(behavior, "system"), {"Behavior Session Name": "sessionName"})
    _copy(info, _section(behavior, "software"), {"Behavior Acquisition SW Version": "behaviorIdas"})
    if paired is True:
        _copy(info, behavior, {"Miniscope Synced": "synced"})
        _copy(
            info,
            _section(miniscope, "system"),
            {"Miniscope Session Name": "sessionName", "Miniscope Serial Number": "systemSerial"},
        )
        _copy(info, _section(miniscope, "software"), {"Miniscope Acquisition SW Version": "miniscopeIdas"})
    return info


def _camera(camera: Mapping[str, Any]) -> dict[str, Any]:
    info: dict[str, Any] = {}
    sensor = _section(camera, "sensorParams")
    exposure = _section(sensor, "exposure")
    _copy(info, camera, {"Camera Name": "cameraAlias", "Camera Serial Number": "cameraSerial"})
    _copy(
        info,
        sensor,
        {
            "Camera Brightness": "brightness",
            "Camera Contrast": "contrast",
            "Camera Saturation": "saturation",
            "Camera Gain": "gain",
        },
    )
    if exposure.get("type") == "manual":
        _copy(info, exposure, {"Camera Exposure Time (ms)": "value"})
    return info
