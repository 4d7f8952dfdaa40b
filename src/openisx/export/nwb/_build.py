"""The objects of an NWB file from a plan (docs/formats/nwb.md); pixels are filled in when the file is written."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx.errors import warn
from openisx.export.nwb._metadata import led_power, parsed_start
from openisx.export.nwb._pixels import chunk_shape, options
from openisx.export.nwb._plan import Names, source_names
from openisx.export.nwb._times import time_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import ExitStack

    from numpy.typing import NDArray

    from openisx.export.nwb._plan import Group, Plan, Plane
    from openisx.session import SessionItem

__all__ = ["Builder", "Pixels", "Settings"]

_SMALL = 4096  # bytes; smaller arrays are not compressed


@dataclass(frozen=True)
class Settings:
    """Options of the export."""

    compression: int | None = 1
    digital_events: bool = True
    all_channels: bool = False
    heat_maps: bool = False
    videos: str = "copy"
    comments: str = ""
    description: str = ""


@dataclass(eq=False)
class Pixels:
    """A data set that is filled when the file has been made: its path there, and its frames."""

    container: Any
    frames: Callable[[], Iterator[NDArray[Any]]]
    count: int


class Builder:
    """Makes the objects one kind after the other; :attr:`file` is the result.

    Parameters
    ----------
    plan, metadata
        What to write, and what is said of it.
    settings
        Options of the export.
    stack
        Closes the data that are opened.
    video_folder
        Name of the folder beside the file in which videos are.
    """

    def __init__(
        self, plan: Plan, metadata: Mapping[str, Any], settings: Settings, stack: ExitStack, video_folder: str
    ) -> None:
        self.nwb = require("pynwb", "nwb")
        self.hdmf = require("hdmf", "nwb")
        self.plan, self.metadata, self.settings, self.stack = plan, metadata, settings, stack
        self.video_folder = video_folder
        self.names = Names()
        self.pixels: list[Pixels] = []
        self.videos: list[tuple[SessionItem, str]] = []
        self.left_out: list[str] = []
        self.file = self._file()
        self._devices = self._make_devices()
        self._planes: dict[str, Any] = {}
        self._series: list[tuple[NDArray[np.float64], Any]] = []  # whose times others may share
        self._tables: list[tuple[Group, Any, list[str]]] = []  # cell sets and their names

    def build(self) -> Any:
        """Everything of the plan."""
        for group in self.plan.movies:
            self._movie(group)
        for group in self.plan.cells:
            self._cells(group)
        for group in self.plan.events:
            self._events(group)
        from openisx.export.nwb._signals import add_gpio, add_imu, add_vessels
        from openisx.export.nwb._video import add_videos

        for group in self.plan.vessels:
            add_vessels(self, group)
        self._images(self.plan.session.images)
        add_gpio(self, self.plan.session.gpio)
        add_imu(self, self.plan.session.imu)
        add_videos(self)
        self._recordings()
        return self.file

    # -- the session ---------------------------------------------------------------------------------

    def _file(self) -> Any:
        given = {
            key: value
            for key, value in self.metadata["NWBFile"].items()
            if value is not None and not key.startswith("_")
        }
        given["session_start_time"] = parsed_start(self.metadata["NWBFile"])
        given.setdefault("identifier", str(uuid.uuid4()))
        if isinstance(given.get("experimenter"), str):
            given["experimenter"] = [given["experimenter"]]
        file = self.made(self.nwb.NWBFile, given, "NWBFile")
        subject = {key: value for key, value in self.metadata["Subject"].items() if value is not None}
        if set(subject) - {"sex"}:
            if isinstance(subject.get("date_of_birth"), str):
                from datetime import datetime

                subject["date_of_birth"] = datetime.fromisoformat(subject["date_of_birth"])
            file.subject = self.made(self.nwb.file.Subject, subject, "Subject")
        return file

    def made(self, cls: Any, fields: Mapping[str, Any], where: str) -> Any:
        """An object of pynwb; ValueError if `fields` holds one that its class does not take."""
        known = {argument["name"] for argument in self.hdmf.utils.get_docval(cls.__init__)}
        for name in fields:
            if name not in known:
                raise ValueError(
                    f"metadata: {where} has no field {name!r}; it takes {', '.join(sorted(known))}"
                )
        try:
            return cls(**fields)
        except (TypeError, ValueError) as error:
            raise ValueError(f"metadata: {where}: {' '.join(str(error).split())}") from None

    def _make_devices(self) -> dict[str, Any]:
        devices: dict[str, Any] = {}
        models: dict[str, Any] = {}
        for key, entry in self.metadata["Devices"].items():
            fields = dict(entry)
            model = fields.pop("model", None)
            if model is not None and model not in models:
                kind = {"Micro": "Miniscope", "Lens": "Implanted lens", "Behav": "Behaviour camera"}
                text = next(
                    (text for begin, text in kind.items() if str(fields.get("name", "")).startswith(begin)),
                    "Device",
                )
                models[model] = self.made(
                    self.nwb.device.DeviceModel,
                    {
                        "name": self.names("models", str(model)),
                        "manufacturer": "Inscopix",
                        "description": f"{text} {model}.",
                    },
                    f"DeviceModels.{model}",
                )
                self.file.add_device_model(models[model])
            fields.setdefault("name", key)
            if model is not None:
                fields["model"] = models[model]
            devices[key] = self.made(self.nwb.device.Device, fields, f"Devices.{key}")
            self.file.add_device(devices[key])
        return devices

    def device(self, kind: str) -> Any:
        """The first device whose name begins so; made up if the files tell of none."""
        for device in self._devices.values():
            if device.name.startswith(kind):
                return device
        texts = {"Microscope": "Inscopix miniscope", "BehaviorCamera": "Behaviour camera"}
        device = self.nwb.device.Device(name=kind, description=texts[kind])
        self._devices[kind] = device
        self.file.add_device(device)
        return device

    def module(self, name: str) -> Any:
        """A processing module."""
        texts = {
            "ophys": "Cells, vessels and processed movies of the microscope.",
            "behavior": "Tracking of the animal.",
        }
        if name not in self.file.processing:
            self.file.create_processing_module(name, texts[name])
        return self.file.processing[name]

    def compressed(self, data: NDArray[Any]) -> Any:
        """Arrays worth it are compressed."""
        if data.nbytes < _SMALL:
            return data
        return self.hdmf.backends.hdf5.H5DataIO(data, compression="gzip", compression_opts=1, shuffle=True)

    def times(self, times: NDArray[np.float64], *, sparse: bool = False) -> dict[str, Any]:
        """When rows are: shared with an earlier series that has the same times, else written."""
        for known_times, series in self._series:
            if (
                series.timestamps is not None
                and len(known_times) == len(times)
                and np.array_equal(known_times, times)
            ):
                return {"timestamps": series}
        fields = time_fields(times, sparse=sparse)
        if "timestamps" in fields:
            fields["timestamps"] = self.compressed(fields["timestamps"])
        return fields

    def remember(self, times: NDArray[np.float64], series: Any) -> None:
        """Let others share the times of a series."""
        self._series.append((times, series))

    # -- the microscope --------------------------------------------------------------------------------

    def plane(self, plane: Plane) -> Any:
        """The imaging plane, made when first asked for."""
        if plane.key not in self._planes:
            fields = dict(self.metadata["Ophys"]["ImagingPlanes"][plane.key])
            channels = []
            for channel in fields.pop("optical_channel"):
                given = {**channel, "emission_lambda": _number(channel.get("emission_lambda"))}
                channels.append(self.made(self.nwb.ophys.OpticalChannel, given, "OpticalChannel"))
            fields = {key: value for key, value in fields.items() if value is not None}
            fields |= {
                "excitation_lambda": _number(fields.get("excitation_lambda")), "indicator": fields.get("indicator", "unknown"),
                "location": fields.get("location", "unknown"), "device": self.device("Microscope"), "optical_channel": channels,
            }  # fmt: skip
            self._planes[plane.key] = self.made(
                self.nwb.ophys.ImagingPlane, fields, f"ImagingPlanes.{plane.key}"
            )
            self.file.add_imaging_plane(self._planes[plane.key])
        return self._planes[plane.key]

    def opened(self, item: SessionItem) -> Any:
        """The data of an item, closed when all is written."""
        data = item.open()
        if hasattr(data, "close"):
            self.stack.callback(data.close)
        return data

    def _movie(self, group: Group) -> None:
        movies = [self.opened(item) for item in group.items]
        times = np.concatenate([item.times for item in group.items])
        rows, cols = movies[0].spacing.num_pixels
        if not len(times) or not rows * cols:
            self.left_out.append(f"{source_names(group.items)} has no frames")
            return
        dtype = movies[0].dtype
        file, info = group.first._place.file, group.first._place.file.info
        processed = group.first.role == "processed"
        fields: dict[str, Any] = {
            "name": group.name,
            "description": "One-photon movie, processed." if processed else "One-photon movie as recorded.",
            "comments": _comments(group, movies),
            "unit": "n.a.",
            "dimension": [cols, rows],
            "imaging_plane": self.plane(group.plane),
            "device": self.device("Microscope"),
        }
        exposure = info.get("Exposure Time (ms)")
        if isinstance(exposure, (int, float)) and exposure > 0:
            fields["exposure_time"] = exposure / 1000
        if led_power(info, group.plane.channel):
            fields["intensity"] = led_power(info, group.plane.channel)
        binning = _binning(file.extra)
        if binning:
            fields["binning"] = binning
        for name in ("comments", "description"):
            if getattr(self.settings, name):
                fields[name] = f"{getattr(self.settings, name)}\n{fields[name]}"
        given = dict(self.metadata["Ophys"]["MicroscopySeries"].get(group.key, {}))
        parent = given.pop("parent_container", "processing/ophys" if processed else "acquisition")
        fields |= given
        shape = (len(times), cols, rows)
        fields["data"] = self.hdmf.backends.hdf5.H5DataIO(
            shape=shape,
            dtype=dtype,
            **options(chunk_shape(shape[0], shape[1:], dtype), self.settings.compression),
        )
        fields |= self.times(times)
        series = self.made(self.nwb.ophys.OnePhotonSeries, fields, f"MicroscopySeries.{group.key}")
        if parent == "acquisition":
            self.file.add_acquisition(series)
        else:
            self.module("ophys").add(series)
        self.remember(times, series)
        self.pixels.append(Pixels(series, lambda: _frames(movies), len(times)))

    def _cells(self, group: Group) -> None:
        sets = [self.opened(item) for item in group.items]
        cells = sets[0]
        if not len(cells):
            self.left_out.append(f"{source_names(group.items)} has no cells")
            return
        fields = {"name": group.name, "description": f"Cells of {source_names(group.items)}."}
        fields |= self.metadata["Ophys"]["PlaneSegmentations"].get(group.key, {})
        ophys = self.module("ophys")
        if "ImageSegmentation" not in ophys.data_interfaces:
            ophys.add(self.nwb.ophys.ImageSegmentation(name="ImageSegmentation"))
        rows, cols = cells.spacing.num_pixels
        count = len(cells)
        mask = self.hdmf.common.VectorData(
            name="image_mask",
            description="Footprint of each cell, (width, height).",
            data=self.hdmf.backends.hdf5.H5DataIO(
                shape=(count, cols, rows),
                dtype=np.dtype(np.float32),
                **options((1, cols, rows), self.settings.compression),
            ),
        )
        columns = [mask, *self._cell_columns(cells, sets)]
        table = self.made(
            self.nwb.ophys.PlaneSegmentation,
            {**fields, "imaging_plane": self.plane(group.plane), "columns": columns, "colnames": [c.name for c in columns],
             "id": self.hdmf.common.ElementIdentifiers(name="id", data=np.arange(count))},
            f"PlaneSegmentations.{group.key}",
        )  # fmt: skip
        ophys["ImageSegmentation"].add_plane_segmentation(table)
        self.pixels.append(Pixels(mask, lambda: (cells.get_cell_image_data(k) for k in range(count)), count))
        self._tables.append((group, table, cells.names))
        self._traces(group, sets, table)

    def _cell_columns(self, cells: Any, sets: Sequence[Any]) -> list[Any]:
        statuses = cells.statuses
        columns: list[tuple[str, str, Any]] = [
            ("roi_name", "Name of the cell.", list(cells.names)),
            ("cell_status", "Decision on the cell: accepted, undecided or rejected.", statuses),
            ("Accepted", "Whether the cell is accepted.", np.array([s == "accepted" for s in statuses])),
            ("Rejected", "Whether the cell is rejected.", np.array([s == "rejected" for s in statuses])),
        ]
        if (cells.colors != 0xFFFFFFFF).any():
            columns.append(
                ("color", "Display colour.", [f"#{color & 0xFFFFFF:06x}" for color in cells.colors.tolist()])
            )
        active = np.stack([each.active for each in sets], axis=1)
        if not active.all():
            columns.append(
                ("active_in_file", "Whether the cell is active in each file of the series.", active)
            )
        metrics = cells.metrics
        if metrics and all(metric is not None for metric in metrics):
            centers = np.array([metric.overall_center for metric in metrics], np.float64)
            centers[centers <= -(2.0**62)] = np.nan
            columns += [
                ("num_components", "Number of separate parts of the footprint.", np.array([m.num_components for m in metrics])),
                ("center", "Centre (x, y) of the footprint in pixels.", centers),
                ("area", "Area of the footprint.", _float32([m.overall_area for m in metrics])),
                ("max_contour_width", "Largest distance between two points of the outline.",
                 _float32([m.overall_max_contour_width for m in metrics])),
            ]  # fmt: skip
        return [
            self.hdmf.common.VectorData(name=name, description=text, data=data)
            for name, text, data in columns
        ]

    def _traces(self, group: Group, sets: Sequence[Any], table: Any) -> None:
        data, times = [], []
        for item, cells in zip(group.items, sets, strict=True):
            mask = cells.timing.samples.mask()
            data.append(np.ascontiguousarray(cells.traces[:, mask].T))
            times.append(item.times)
        traces, when = np.concatenate(data), np.concatenate(times)
        if not len(when):
            return
        units = sets[0].get_acquisition_info() or {}
        relative = units.get("Trace Units") == "dF over F"
        container = "DfOverF" if relative else "Fluorescence"
        ophys = self.module("ophys")
        if container not in ophys.data_interfaces:
            ophys.add(getattr(self.nwb.ophys, container)(name=container))
        about = ", ".join(
            f"{name.lower()} {units[name]}"
            for name in ("Cell Identification Method", "Trace Units")
            if units.get(name)
        )
        fields = {
            "name": group.name.replace("PlaneSegmentation", "RoiResponseSeries"),
            "description": f"Traces of the cells{f': {about}' if about else ''}.",
            "unit": "n.a.",
            **self.metadata["Ophys"]["RoiResponses"].get(group.key, {}).get("dff" if relative else "raw", {}),
            "data": self.compressed(traces),
            "rois": table.create_roi_table_region(description="All cells.", region=list(range(len(table)))),
            **self.times(when),
        }
        ophys[container].add_roi_response_series(
            self.made(self.nwb.ophys.RoiResponseSeries, fields, f"RoiResponses.{group.key}")
        )

    def _events(self, group: Group) -> None:
        sets = [self.opened(item) for item in group.items]
        names, table = sets[0].names, self._table_for(group, sets[0])
        when, who, size = [], [], []
        for item, events in zip(group.items, sets, strict=True):
            for cell in range(events.num_cells):
                offsets, amplitudes = events.get_cell_data(cell)
                when.append(item.seconds(offsets))
                who.append(np.full(len(offsets), cell))
                size.append(amplitudes)
        times = np.concatenate(when) if when else np.zeros(0)
        if not len(times):
            self.left_out.append(f"{source_names(group.items)} has no events")
            return
        cells, amplitudes = np.concatenate(who), np.concatenate(size)
        order = np.lexsort((cells, times))
        columns: list[Any] = [
            self.nwb.event.TimestampVectorData(
                name="timestamp", description="When the event was.", data=times[order], resolution=1e-6
            ),
            self.hdmf.common.VectorData(
                name="amplitude", description="Amplitude of the event.", data=amplitudes[order]
            ),
            self.hdmf.common.VectorData(
                name="cell_name", description="Name of the cell.", data=[names[c] for c in cells[order]]
            ),
        ]
        if table is not None:
            rows = {name: row for row, name in enumerate(table[1])}
            place = np.array([rows[name] for name in names])
            columns.append(
                self.hdmf.common.DynamicTableRegion(
                    name="roi", description="The cell.", data=place[cells[order]], table=table[0]
                )
            )
        else:
            warn(
                f"{source_names(group.items)}: no cell set belongs to these events; they are not linked to cells"
            )
        self.add_events(group.name, "Events of cells.", columns, "event detection on cell traces")
        self._event_metrics(group, sets[0], table)

    def add_events(self, name: str, description: str, columns: Sequence[Any], source: str) -> None:
        """A table of events."""
        self.file.add_events_table(
            self.nwb.event.EventsTable(
                name=name,
                description=description,
                columns=list(columns),
                colnames=[column.name for column in columns],
                source_description=source,
            )
        )

    def _table_for(self, group: Group, events: Any) -> tuple[Any, list[str]] | None:
        """The cell set in which all names of an event set occur once, of the same plane and time."""
        fitting: list[tuple[tuple[bool, int], int, Any, list[str]]] = []
        for cells, table, names in self._tables:
            together = cells.first.start < group.first.stop and group.first.start < cells.first.stop
            if (
                cells.plane is group.plane
                and together
                and all(names.count(name) == 1 for name in events.names)
            ):
                nearness = (
                    cells.first.start != group.first.start,
                    -cells.first._place.file.timing.num_samples,
                )
                fitting.append((nearness, len(fitting), table, names))
        return min(fitting)[2:] if fitting else None

    def _event_metrics(self, group: Group, events: Any, table: tuple[Any, list[str]] | None) -> None:
        metrics = events.metrics
        if not metrics or all(metric is None for metric in metrics):
            return
        from openisx.export.nwb._metadata import METRICS

        columns: list[Any] = [
            self.hdmf.common.VectorData(
                name="cell_name", description="Name of the cell.", data=list(events.names)
            )
        ]
        if table is not None:
            rows = [table[1].index(name) for name in events.names]
            columns.append(
                self.hdmf.common.DynamicTableRegion(
                    name="roi", description="The cell.", data=rows, table=table[0]
                )
            )
        for name in METRICS:
            values = _float32([math.nan if m is None else getattr(m, name) for m in metrics])
            if not np.isnan(values).all():
                text = f"{name.replace('_', ' ')} of the events of the cell."
                columns.append(self.hdmf.common.VectorData(name=name, description=text, data=values))
        self.module("ophys").add(
            self.hdmf.common.DynamicTable(
                name=group.name.replace("CellEvents", "CellEventMetrics"),
                description="Measures of the events of each cell.",
                columns=columns,
                colnames=[column.name for column in columns],
            )
        )

    def _images(self, items: Sequence[SessionItem]) -> None:
        for item in items:
            self.add_image(os.path.splitext(item.name)[0], self.opened(item).get_data(), item.name)

    def add_image(self, name: str, data: NDArray[Any], source: str) -> None:
        """A picture among those of the segmentations."""
        ophys = self.module("ophys")
        if "SegmentationImages" not in ophys.data_interfaces:
            ophys.add(
                self.nwb.base.Images(name="SegmentationImages", description="Images of the field of view.")
            )
        image = self.nwb.image.GrayscaleImage(
            name=self.names("images", name),
            data=self.compressed(np.ascontiguousarray(data.T)),
            description=f"From {source}.",
        )
        ophys["SegmentationImages"].add_image(image)

    def _recordings(self) -> None:
        """A table of the files of series of several files."""
        if not any(len(group.items) > 1 for group in self.plan.movies):
            return
        table = self.nwb.epoch.TimeIntervals(name="recordings", description="The files that were joined.")
        table.add_column("file_name", "Name of the file.")
        table.add_column("series", "Series in which its frames are.")
        for group in self.plan.movies:
            for item in group.items:
                name = os.path.basename(item.path)
                table.add_row(start_time=item.start, stop_time=item.stop, file_name=name, series=group.name)
        self.file.add_time_intervals(table)


def _float32(values: Sequence[float]) -> NDArray[np.float32]:
    """Numbers of damaged files may be infinite then."""
    with np.errstate(over="ignore"):
        return np.array(values, np.float64).astype(np.float32)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _frames(movies: Sequence[Any]) -> Iterator[NDArray[Any]]:
    for movie in movies:
        source = movie._frame_source()
        yield from source.stream(np.arange(source.num_stored, dtype=np.int64), reuse=True)


def _comments(group: Group, movies: Sequence[Any]) -> str:
    """Files, and samples that were left out."""
    texts = []
    for item, movie in zip(group.items, movies, strict=True):
        timing, lost = movie.timing, []
        lost += [
            f"{kind} {_ranges(getattr(timing, kind))}"
            for kind in ("dropped", "blank")
            if getattr(timing, kind)
        ]
        if timing.cropped:
            lost.append("cropped " + ", ".join(f"{a}-{b}" if b > a else f"{a}" for a, b in timing.cropped))
        texts.append(f"{item.name}{f' (left out: {chr(59).join(lost)})' if lost else ''}")
    return f"Source: {', '.join(texts)}."


def _ranges(numbers: Sequence[int]) -> str:
    runs = np.split(np.array(numbers), np.flatnonzero(np.diff(numbers) != 1) + 1)
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _binning(extra: Mapping[str, Any]) -> int | None:
    """Pixels of the sensor along each side of a pixel of the movie."""
    microscope, idps = extra.get("microscope"), extra.get("idps")
    factor = microscope.get("downSamplingFactor") if isinstance(microscope, Mapping) else None
    more = idps.get("spatialDownsampling", 1) if isinstance(idps, Mapping) else 1
    product = factor * more if isinstance(factor, int) and isinstance(more, int) else 0
    return product if 1 <= product <= 255 else None
