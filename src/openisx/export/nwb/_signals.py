"""GPIO, IMU and vessel sets as objects of an NWB file (docs/formats/nwb.md)."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx.errors import IsxError
from openisx.export.nwb._plan import source_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from openisx.export.nwb._build import Builder
    from openisx.export.nwb._plan import Group
    from openisx.session import SessionItem

__all__ = ["add_gpio", "add_imu", "add_vessels"]

_OPTOGENETICS = "OG-LED"
#: Name in the file, channels, unit, stored counts per unit of the channel, and factor to the unit.
_IMU: tuple[tuple[str, tuple[str, ...], str, float, float], ...] = (
    ("IMUAcceleration", ("Acc x", "Acc y", "Acc z"), "m/s^2", 16384.0, 9.80665 / 16384),
    ("IMUOrientation", ("Ori yaw", "Ori pitch", "Ori roll"), "radians", 2048.0, 1 / 2048),
    ("IMUMagneticField", ("Mag x", "Mag y", "Mag z"), "n.a.", 1.0, 1.0),
)


def add_gpio(builder: Builder, items: Sequence[SessionItem]) -> None:
    """Every channel as a series, digital ones with pulses also as a table of events."""
    channels: dict[str, list[tuple[Any, NDArray[np.float64]]]] = {}
    for item in items:
        gpio = builder.opened(item)
        for index in range(gpio.num_channels):
            channel = gpio[index]
            if len(channel.offsets):
                channels.setdefault(channel.name, []).append((channel, item.seconds(channel.offsets)))
    silent = []
    for name, parts in channels.items():
        values = np.concatenate([channel.values for channel, _ in parts])
        times = np.concatenate([when for _, when in parts])
        if not builder.settings.all_channels and not np.nan_to_num(values).any():
            silent.append(name)
            continue
        _add_channel(builder, parts[0][0], times, values)
    if silent:
        note = f"GPIO channels that are 0 throughout and left out: {', '.join(silent)}"
        builder.file.fields["notes"] = "\n".join(filter(None, (builder.file.notes, note)))


def _add_channel(
    builder: Builder, channel: Any, times: NDArray[np.float64], values: NDArray[np.float32]
) -> None:
    digital = channel.kind == "digital"
    unit = {"mW/mm^2": "mW/mm^2", "counts": "counts"}.get(channel.unit, "n.a.")
    stored = values.astype(np.uint8) if digital and np.isin(values, (0, 1)).all() else values
    given = dict(builder.metadata["TimeSeries"].get(channel.name, {}))
    fields = {
        "name": channel.name, "description": f"GPIO channel {channel.name} ({channel.kind}).", "unit": unit,
        "continuity": "step", **given, "data": builder.compressed(stored),
        **builder.times(times, sparse=not channel.dense),
    }  # fmt: skip
    fields["name"] = builder.names("acquisition", fields["name"])
    series = builder.made(builder.nwb.TimeSeries, fields, f"TimeSeries.{channel.name}")
    if channel.name == _OPTOGENETICS:
        builder.file.add_stimulus(series)
        _add_optogenetics(builder, times, values)
    else:
        builder.file.add_acquisition(series)
    if digital and builder.settings.digital_events:
        _add_pulses(builder, channel.name, times, values)


def _add_pulses(builder: Builder, name: str, times: NDArray[np.float64], values: NDArray[np.float32]) -> None:
    """Rising edges, and how long the level stays high; NaN where that is not known."""
    high = values > 0.5
    rising = np.flatnonzero(high[1:] & (values[:-1] <= 0.5)) + 1
    if not len(rising):
        return
    ends = np.flatnonzero(~high)  # falling edges and points that were lost
    following = np.searchsorted(ends, rising)
    known = following < len(ends)
    end = ends[np.minimum(following, len(ends) - 1)] if len(ends) else np.zeros(len(rising), int)
    durations = np.where(known & ~np.isnan(values[end]), times[end] - times[rising], np.nan)
    given = builder.metadata["Events"].get(name, {})
    columns = [
        builder.nwb.event.TimestampVectorData(
            name="timestamp", description="When the line went high.", data=times[rising], resolution=1e-6
        ),
        builder.nwb.event.DurationVectorData(
            name="duration", description="How long it stayed high.", data=durations, resolution=1e-6
        ),
    ]
    title = builder.names("events", str(given.get("name", name)))
    builder.add_events(
        title, str(given.get("description", f"Pulses of {name}.")), columns, "acquisition system"
    )


def _add_optogenetics(builder: Builder, times: NDArray[np.float64], values: NDArray[np.float32]) -> None:
    """In watts, where the user tells the area that is lit."""
    given = builder.metadata["Ophys"].get("Optogenetics") or {}
    if not all(given.get(key) for key in ("excitation_lambda", "location", "illuminated_area")):
        return
    site = builder.nwb.ogen.OptogeneticStimulusSite(
        name="OptogeneticStimulusSite", device=builder.device("Microscope"), location=str(given["location"]),
        description=str(given.get("description", "Light of the microscope.")), excitation_lambda=float(given["excitation_lambda"]),
    )  # fmt: skip
    builder.file.add_ogen_site(site)
    fields = builder.times(times, sparse=True)
    builder.file.add_stimulus(
        builder.nwb.ogen.OptogeneticSeries(
            name="OptogeneticSeries",
            data=values,
            site=site,
            description="Power of the light, from mW/mm^2 and the area.",
            conversion=float(given["illuminated_area"]) / 1000,
            **fields,
        )
    )


def add_imu(builder: Builder, items: Sequence[SessionItem]) -> None:
    """Stored counts of the three sensors, with the factor to units."""
    for name, channels, unit, scale, conversion in _IMU:
        data, when = [], []
        for item in items:
            imu = builder.opened(item)
            found = [imu[channel] for channel in channels if channel in imu.names]
            if len(found) < len(channels) or not len(found[0].offsets):
                continue
            offsets = functools.reduce(np.intersect1d, (channel.offsets for channel in found))
            values = np.stack([c.values[np.isin(c.offsets, offsets)] for c in found], axis=1)
            known = np.isfinite(values).all(axis=1)
            data.append(np.clip(np.rint(values[known] * scale), -(2**15), 2**15 - 1).astype(np.int16))
            when.append(item.seconds(offsets)[known])
        if not data or not sum(map(len, data)):
            continue
        times = np.concatenate(when)
        series = builder.nwb.TimeSeries(
            name=builder.names("acquisition", name), data=builder.compressed(np.concatenate(data)), unit=unit,
            conversion=conversion, description=f"Inertial measurement unit: {', '.join(channels)}.",
            comments=f"Source: {source_names(items)}.", **builder.times(times),
        )  # fmt: skip
        builder.file.add_acquisition(series)


def add_vessels(builder: Builder, group: Group) -> None:
    """Diameters or velocities, what comes with them, and the lines that were drawn."""
    item = group.first
    vessels = builder.opened(item)
    if not len(vessels):
        builder.left_out.append(f"{item.name} has no vessels")
        return
    velocity = "velocity" in str(vessels.get_vessel_set_type()).lower()
    mask = vessels.timing.samples.mask()
    times, kind = item.times, "VesselVelocity" if velocity else "VesselDiameter"
    ophys = builder.module("ophys")
    unit = _vessel_unit(vessels, velocity=velocity)
    series: list[tuple[str, NDArray[Any], str, str]] = [(kind, vessels.traces, unit, "Of each vessel.")]
    with contextlib.suppress(IsxError):  # not stored with every set
        if velocity:
            text = "Direction of the flow in each vessel."
            series.append(("BloodFlowDirection", vessels.direction_traces, "degrees", text))
        else:
            series.append(
                ("VesselCenter", vessels.center_traces, "n.a.", "Centre of each vessel along its line.")
            )
    for name, traces, each_unit, description in series:
        rows = np.ascontiguousarray(np.asarray(traces)[:, mask].T)
        if not len(rows) or np.isnan(rows).all():
            continue
        title = builder.names("ophys", f"{name}{group.plane.suffix}")
        made = builder.nwb.TimeSeries(
            name=title, data=builder.compressed(rows), unit=each_unit, description=description,
            comments=f"Source: {item.name}.", **builder.times(times),
        )  # fmt: skip
        ophys.add(made)
        builder.remember(times, made)
    _add_lines(builder, group, vessels, kind)
    if vessels.image is not None:
        builder.add_image("vessel_projection", vessels.image, item.name)
    if builder.settings.heat_maps and velocity and vessels.has_correlation_heatmaps():
        _add_heat_maps(builder, vessels, mask, times)


def _vessel_unit(vessels: Any, *, velocity: bool) -> str:
    extra = (vessels.metadata or {}).get("extraProperties") or {}
    idps = extra.get("idps") if isinstance(extra, dict) else None
    about = idps.get("vesselset") if isinstance(idps, dict) else None
    stored = str(about.get("units", "")) if isinstance(about, dict) else ""
    length = "pixels" if stored.startswith("pixel") else "micrometers"
    return f"{length}/s" if velocity else length


def _add_lines(builder: Builder, group: Group, vessels: Any, kind: str) -> None:
    data = builder.hdmf.common.VectorData
    columns = [
        data(name="vessel_name", description="Name of the vessel.", data=[vessel.name for vessel in vessels]),
        data(name="vessel_status", description="Decision on the vessel.", data=vessels.statuses),
        data(
            name="line",
            description="Ends of the line, or corners of the box, (x, y) in pixels.",
            data=np.asarray(vessels.lines),
        ),
    ]
    if (vessels.colors != 0xFFFFFFFF).any():
        colors = [f"#{color & 0xFFFFFF:06x}" for color in vessels.colors.tolist()]
        columns.append(data(name="color", description="Display colour.", data=colors))
    builder.module("ophys").add(
        builder.hdmf.common.DynamicTable(
            name=builder.names("ophys", f"{kind}Lines{group.plane.suffix}"),
            description=f"Where vessels were measured, from {group.first.name}.",
            columns=columns,
            colnames=[column.name for column in columns],
        )
    )


def _add_heat_maps(
    builder: Builder, vessels: Any, mask: NDArray[np.bool_], times: NDArray[np.float64]
) -> None:
    for index, vessel in enumerate(vessels):
        maps = np.asarray(vessels.correlation_heatmaps(index))[mask]
        builder.module("ophys").add(
            builder.nwb.TimeSeries(
                name=builder.names("ophys", f"VesselCorrelation_{vessel.name}"),
                unit="n.a.",
                data=builder.compressed(np.ascontiguousarray(maps.transpose(0, 1, 3, 2))),
                description="Correlation heat maps (time, 3, width, height).",
                **builder.times(times),
            )
        )
