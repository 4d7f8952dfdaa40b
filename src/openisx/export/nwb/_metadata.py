"""What is said about a session beside its data, in the shape that NeuroConv uses (docs/formats/nwb.md, Metadata)."""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from openisx._files.paths import as_path, extension, reading_error
from openisx._version import __version__
from openisx.errors import IsxFormatError
from openisx.export.nwb._lens import tissue_per_pixel
from openisx.export.nwb._plan import extra_of
from openisx.structures import EventMetrics

if TYPE_CHECKING:
    from openisx._files.paths import PathInput
    from openisx.export.nwb._plan import Plan, Plane
    from openisx.session import Session

__all__ = ["default_metadata", "load_metadata", "merged", "missing_for_dandi"]

#: Blocks whose entries are named by keys, and whether keys that name nothing yet may be given.
_BLOCKS = ("NWBFile", "Subject", "DeviceModels", "Devices", "Ophys", "Behavior", "Events", "TimeSeries")
_OPHYS = (
    "ImagingPlanes",
    "MicroscopySeries",
    "PlaneSegmentations",
    "RoiResponses",
    "SegmentationImages",
    "Optogenetics",
)
_COMMON = {
    "mouse": "Mus musculus", "mice": "Mus musculus", "rat": "Rattus norvegicus", "marmoset": "Callithrix jacchus",
    "rhesus": "Macaca mulatta", "rhesus macaque": "Macaca mulatta", "zebra finch": "Taeniopygia guttata",
}  # fmt: skip
_SEX = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O", "u": "U", "unknown": "U"}
_SPECIES = re.compile(r"[A-Z][a-z]* [a-z]+|https?://purl\.obolibrary\.org/obo/NCBITaxon_\d+")
_DURATION = re.compile(
    r"P(?!$)(\d+(\.\d+)?Y)?(\d+(\.\d+)?M)?(\d+(\.\d+)?W)?(\d+(\.\d+)?D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?"
)
_WEIGHT = re.compile(r"\d+(\.\d+)? (kg|g|mg|ug)")


def default_metadata(plan: Plan) -> dict[str, Any]:
    """What the files of a session tell; None for what they could tell but do not."""
    session = plan.session
    subject, notes = _subject(session)
    return {
        "NWBFile": _file(session),
        "Subject": subject,
        "DeviceModels": {},
        "Devices": _devices(session),
        "Ophys": {
            "ImagingPlanes": {
                plane.key: _plane(plane, len(plan.planes)) for plane in plan.planes if plane.items
            },
            "MicroscopySeries": {group.key: {"name": group.name} for group in plan.movies},
            "PlaneSegmentations": {group.key: {"name": group.name} for group in plan.cells},
            "RoiResponses": {group.key: {} for group in plan.cells},
            "SegmentationImages": {},
        },
        "Behavior": {"ExternalVideos": {}},
        "Events": {},
        "TimeSeries": {},
    } | ({"_notes": notes} if notes else {})


def _file(session: Session) -> dict[str, Any]:
    infos = [place.file.info for place in session._places]
    types = [str(info["Microscope Type"]) for info in infos if info.get("Microscope Type")]
    words = ["Inscopix", *types[:1], "recording", *([f'"{session.name}"'] if session.name else [])]
    generated = [
        [name, str(info[key])]
        for key, name in (
            ("Acquisition SW Version", "Inscopix acquisition software"),
            ("Behavior Acquisition SW Version", "Inscopix behavior software"),
        )
        for info in infos
        if info.get(key)
    ]
    microscope = any(item.kind in ("movie", "cells", "events", "vessels", "image") for item in session.items)
    experimenter = next(
        (str(info["Experimenter Name"]) for info in infos if info.get("Experimenter Name")), None
    )
    return {
        "session_start_time": start_of(session).isoformat(),
        "session_description": " ".join(words),
        "identifier": None,
        "session_id": re.sub(r"[/\\]", "-", session.name) or None,
        "experimenter": [experimenter] if experimenter else None,
        "experiment_description": None,
        "institution": None,
        "lab": None,
        "keywords": ["one-photon imaging", "miniscope", "Inscopix"]
        if microscope
        else ["behavior", "Inscopix"],
        "notes": _notes(session) or None,
        "was_generated_by": [*{tuple(pair): pair for pair in generated}.values(), ["isx", __version__]],
        "data_collection": _collection(session),
    }


def start_of(session: Session) -> datetime:
    """Start of a session as a time with its zone."""
    start = session.start
    zone = timezone(timedelta(seconds=start.utc_offset))
    micros = int(start.secs_since_epoch.fraction * 1_000_000)
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).astimezone(zone)
    except (OverflowError, ValueError):
        raise IsxFormatError(
            f"{session.files[0]}: the session would start beyond the years 1 to 9999; its start is damaged."
        ) from None


def _notes(session: Session) -> str:
    uuids = dict.fromkeys(place.file.uuid for place in session._places if place.file.uuid)
    lines = [f"Recording UUID: {uuid}" for uuid in uuids]
    for item in session.items:
        extra = extra_of(item)
        for section in ("microscope", "userInterface"):
            custom = extra.get(section) if isinstance(extra, Mapping) else None
            custom = custom.get("customMetadata") if isinstance(custom, Mapping) else None
            if isinstance(custom, Mapping):
                lines += [f"{key}: {value}" for key, value in custom.items()]
    return "\n".join(dict.fromkeys(lines + list(session.notes)))


def _collection(session: Session) -> str | None:
    """All session metadata, of files with equal ones once."""
    found: dict[str, Any] = {}
    texts: set[str] = set()
    for item in session.items:
        text = json.dumps(dict(extra_of(item)), sort_keys=True, default=str)
        if extra_of(item) and text not in texts:
            texts.add(text)
            found[item.path.replace("\\", "/").rpartition("/")[2]] = json.loads(text)
    return json.dumps(found, separators=(",", ":")) if found else None


def _subject(session: Session) -> tuple[dict[str, Any], list[str]]:
    """The animal, and what to warn of."""
    known, notes = session.subject, []
    fields: dict[str, Any] = dict.fromkeys(
        (
            "subject_id",
            "species",
            "strain",
            "sex",
            "age",
            "date_of_birth",
            "weight",
            "genotype",
            "description",
        )
    )
    fields["subject_id"] = re.sub(r"[/\\]", "-", str(known.get("id", ""))).strip() or None
    species = str(known.get("species", "")).strip()
    species = _COMMON.get(species.lower(), species)
    fields["species" if _SPECIES.fullmatch(species) else "strain"] = species or None
    others = {key for key in known if key != "sex"}
    sex = _SEX.get(str(known.get("sex", "")).strip().lower(), "U")
    fields["sex"] = sex if others else "U"  # the preset of the acquisition software says nothing
    description = [str(known["description"])] if known.get("description") else []
    born = str(known.get("date_of_birth", "")).strip()
    if born:
        try:
            day = date.fromisoformat(born[:10])
        except ValueError:
            description.append(f"Date of birth: {born}")
            notes.append(
                f"the date of birth {born!r} is no ISO date; it went to the description of the subject"
            )
        else:
            start = start_of(session)
            days = (start.date() - day).days
            if days < 0:
                notes.append(f"the date of birth {born} is after the recording; it is left out")
            else:
                fields["date_of_birth"] = datetime(
                    day.year, day.month, day.day, tzinfo=start.tzinfo
                ).isoformat()
                fields["age"] = f"P{days}D"
    fields["weight"] = _weight(known.get("weight"))
    fields["description"] = ". ".join(description) or None
    return fields, notes


def _weight(value: Any) -> str | None:
    if isinstance(value, str):
        text = value.strip()
        if _WEIGHT.fullmatch(text):
            return text
        try:
            value = float(text)
        except ValueError:
            return None
    value = value if isinstance(value, (int, float)) else 0
    text = f"{value:g} g" if value > 0 and math.isfinite(value) else ""
    return text if _WEIGHT.fullmatch(text) else None


def _devices(session: Session) -> dict[str, Any]:
    names = {"microscope": "Microscope", "lens": "Lens", "camera": "BehaviorCamera"}
    devices: dict[str, Any] = {}
    count: dict[str, int] = {}
    for device in session.devices:
        kind, model = device["kind"], device.get("model")
        count[kind] = count.get(kind, 0) + 1
        number = "" if count[kind] == 1 else f"_{count[kind]}"
        described = {
            "microscope": f"Inscopix {model or ''} miniscope".replace("  ", " "),
            "lens": f"Lens {model or ''}".strip(),
            "camera": f"Behaviour camera {device.get('name', '')}".strip(),
        }[kind]
        entry = {"name": names[kind] + number, "description": described, "serial_number": device.get("serial"),
                 "model": "nVision" if kind == "camera" else model}  # fmt: skip
        key = f"inscopix_{device['serial']}" if device.get("serial") else f"inscopix_{kind}{number}"
        devices[key] = {name: value for name, value in entry.items() if value is not None}
    return devices


def _plane(plane: Plane, count: int) -> dict[str, Any]:
    item = next((i for i in plane.items if i.kind == "movie"), plane.items[0])
    file = item._place.file
    info, timing = file.info, file.timing
    parts = len(file.parts) if item.kind == "movie" else 1
    period = timing.period.secs_float * (max(1, parts))
    facts = {
        "channel": plane.channel, "e-focus": plane.efocus, "focus": info.get("Microscope Focus"), "gain": info.get("Microscope Gain"),
        "exposure": f"{info['Exposure Time (ms)']} ms" if info.get("Exposure Time (ms)") else None,
        "LED power": f"{led_power(info, plane.channel)} mW/mm^2" if led_power(info, plane.channel) else None,
    }  # fmt: skip
    if file.spacing is not None:
        (rows, cols), (height, width) = file.spacing.num_pixels, file.spacing.pixel_size
        facts |= {"pixels": f"{cols} x {rows}", "pixel size on the sensor": f"{width:g} x {height:g} um"}
    told = ", ".join(f"{name} {value}" for name, value in facts.items() if value not in (None, ""))
    name = f"OpticalChannel{plane.suffix if count > 1 else ''}"
    size = tissue_per_pixel(file.extra, plane.efocus)
    grid: dict[str, Any] = {}
    if size is not None:
        text = "Pixels of tissue, by the magnification of the lens at this focus; x to the right, y down."
        grid = {"grid_spacing": [size * 1e-6] * 2, "grid_spacing_unit": "meters", "reference_frame": text}
    return {
        "name": f"ImagingPlane{plane.suffix}",
        "description": f"One-photon imaging: {told}" if told else "One-photon imaging.",
        "excitation_lambda": None,
        "indicator": None,
        "location": None,
        "imaging_rate": 1 / period if period > 0 else None,
        **grid,
        "optical_channel": [
            {"name": name, "description": "Emission of the indicator.", "emission_lambda": None}
        ],
    }


def led_power(info: Mapping[str, Any], channel: str | None) -> float | None:
    """Power of the light that excites a colour, in mW/mm^2."""
    keys = ["Microscope EX LED Power (mw/mm^2)", "Microscope EX LED 1 Power (mw/mm^2)"]
    if channel == "red":
        keys = ["Microscope EX LED 2 Power (mw/mm^2)"]
    values = [info[key] for key in keys if isinstance(info.get(key), (int, float)) and info[key] > 0]
    return float(values[0]) if values else None


# -- what users add --------------------------------------------------------------------------------


def load_metadata(metadata: Mapping[str, Any] | PathInput | None) -> dict[str, Any]:
    """The metadata of the user as a dictionary of their own.

    Raises
    ------
    ValueError
        The file is none of YAML or JSON, or holds no mapping.
    """
    if metadata is None:
        return {}
    if isinstance(metadata, Mapping):
        return copy.deepcopy(dict(metadata))
    path = as_path(metadata)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise reading_error(path, error) from None
    if extension(path) == "json":
        try:
            loaded = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{path} is no JSON: {error}") from None
    elif extension(path) in ("yaml", "yml"):
        loaded = _from_yaml(text, path)
    else:
        raise ValueError(f"{path}: metadata are given as a mapping or in a .yaml, .yml or .json file")
    if loaded is not None and not isinstance(loaded, Mapping):
        raise ValueError(f"{path} holds no mapping of blocks such as NWBFile and Subject")
    return dict(loaded or {})


def _from_yaml(text: str, path: str) -> Any:
    from openisx._dependencies import require

    yaml = require("ruamel.yaml", "nwb")
    try:
        return yaml.YAML(typ="safe", pure=True).load(text)
    except yaml.error.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {' '.join(str(error).split())}") from None


def merged(defaults: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults` with what the user says; None takes something out.

    Raises
    ------
    ValueError
        A block or key names nothing, or a value cannot be right.
    """
    result = copy.deepcopy({key: value for key, value in defaults.items() if not key.startswith("_")})
    _known_keys(user, _BLOCKS, "block")
    for block, given in user.items():
        if given is None:
            continue
        if not isinstance(given, Mapping):
            raise ValueError(f"metadata: {block} must be a mapping")  # noqa: TRY004 - of a file
        if block == "Ophys":
            _merge_ophys(result["Ophys"], given)
        elif block in ("NWBFile", "Subject"):
            result[block] = {**result[block], **given}
        elif block == "Behavior":
            _known_keys(given, ("ExternalVideos",), "part of Behavior")
            result[block]["ExternalVideos"] = dict(given.get("ExternalVideos") or {})
        else:
            for key, entry in given.items():
                result[block][key] = _entry(result[block].get(key, {}), entry, f"{block}.{key}")
    _check(result)
    return result


def _merge_ophys(ophys: dict[str, Any], given: Mapping[str, Any]) -> None:
    _known_keys(given, _OPHYS, "part of Ophys")
    for part, added in given.items():
        entries = dict(added or {})
        if part == "Optogenetics":
            ophys[part] = entries
            continue
        known = ophys[part]
        if part == "ImagingPlanes":
            for alias in [key for key in entries if key in ophys["PlaneSegmentations"] and len(known) == 1]:
                entries.setdefault(next(iter(known)), entries.pop(alias))
            everywhere = entries.pop("*", None)
            for key in known if everywhere else ():
                known[key] = _entry(known[key], everywhere, f"ImagingPlanes.{key}")
        if part != "SegmentationImages":
            _known_keys(entries, tuple(known), f"entry of {part}")
        for key, entry in entries.items():
            known[key] = _entry(known.get(key, {}), entry, f"{part}.{key}")


def _entry(default: Mapping[str, Any], given: Any, where: str) -> dict[str, Any]:
    if given is None:
        return dict(default)
    if not isinstance(given, Mapping):
        raise ValueError(f"metadata: {where} must be a mapping")  # noqa: TRY004 - of a file
    entry = {**default, **given}
    channels = given.get("optical_channel")
    if isinstance(channels, list) and default.get("optical_channel"):
        known = default["optical_channel"]
        entry["optical_channel"] = [
            {**(known[k] if k < len(known) else {}), **c} for k, c in enumerate(channels)
        ]
    return entry


def _known_keys(given: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for key in given:
        if key not in known:
            raise ValueError(f"metadata: {key!r} is no {what}; there are {', '.join(known) or 'none'}")


def _check(metadata: Mapping[str, Any]) -> None:
    """Raise ValueError for what archives would refuse."""
    subject, file = metadata["Subject"], metadata["NWBFile"]
    rules = (
        (subject.get("species"), _SPECIES.fullmatch, "species must be a Latin name such as 'Mus musculus', or an NCBITaxon IRI"),
        (subject.get("sex"), lambda v: v in ("M", "F", "U", "O"), "sex must be M, F, U or O"),
        (subject.get("age"), lambda v: all(_DURATION.fullmatch(part) for part in v.split("/")), "age must be an ISO 8601 duration such as P90D, or a range P80D/P90D"),
        (subject.get("weight"), _WEIGHT.fullmatch, "weight must be a number and a unit such as '24.6 g'"),
        (subject.get("subject_id"), lambda v: not re.search(r"[/\\]", v), "subject_id must hold no slash"),
        (file.get("session_id"), lambda v: not re.search(r"[/\\]", v), "session_id must hold no slash"),
    )  # fmt: skip
    for value, good, text in rules:
        if value is not None and not (isinstance(value, str) and good(value)):
            raise ValueError(f"metadata: {text}, not {value!r}")
    for key, plane in metadata["Ophys"]["ImagingPlanes"].items():
        waves = [
            plane.get("excitation_lambda"),
            *(c.get("emission_lambda") for c in plane.get("optical_channel") or ()),
        ]
        for wave in waves:
            if wave is not None and not (isinstance(wave, (int, float)) and (math.isnan(wave) or wave >= 10)):
                raise ValueError(f"metadata: wavelengths of {key} are in nanometres, not {wave!r}")
    if parsed_start(file) > datetime.now(UTC):
        raise ValueError(f"metadata: session_start_time {file['session_start_time']} lies in the future")


def parsed_start(file: Mapping[str, Any]) -> datetime:
    """``session_start_time`` as a time with a zone."""
    given = file["session_start_time"]
    try:
        time = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError:
        raise ValueError(f"metadata: session_start_time {given!r} is no ISO date and time") from None
    if time.tzinfo is None:
        zone = file.get("_zone")
        time = time.replace(tzinfo=zone if zone is not None else UTC)
    return time


def missing_for_dandi(metadata: Mapping[str, Any]) -> list[str]:
    """Names of what the DANDI archive requires and is not known."""
    subject = metadata["Subject"]
    missing = [f"Subject.{name}" for name in ("subject_id", "species") if not subject.get(name)]
    if subject.get("sex") in (None, "U"):
        missing += ["Subject.sex"] if subject.get("sex") is None else []
    if not subject.get("age") and not subject.get("date_of_birth"):
        missing.append("Subject.age or date_of_birth")
    return missing


METRICS = tuple(EventMetrics.__dataclass_fields__)
