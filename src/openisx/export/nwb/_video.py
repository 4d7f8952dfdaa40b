"""Behaviour movies beside an NWB file, their tracking within it (docs/formats/nwb.md, Videos)."""

from __future__ import annotations

import shutil
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._dependencies import require
from openisx.export.nwb._plan import source_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from openisx.export.nwb._build import Builder
    from openisx.movie import Movie
    from openisx.session import SessionItem
    from openisx.structures import Tracking

__all__ = ["add_videos", "write_video"]

_AS_THEY_ARE = ("mp4", "avi", "wmv", "mov", "flv", "mkv")  # what the DANDI archive takes
_FRAME = "top left corner of the video frame, x to the right, y down"


def add_videos(builder: Builder) -> None:
    """External series of the videos, and what the tracker found in them."""
    for number, items in enumerate(builder.plan.videos):
        movies = [builder.opened(item) for item in items]
        times = np.concatenate([item.times for item in items])
        if not len(times):
            builder.left_out.append(f"{source_names(items)} has no frames")
            continue
        series = (
            _add_series(builder, number, items, movies, times) if builder.settings.videos != "none" else None
        )
        for item, movie in zip(items, movies, strict=True):
            if movie.tracking is not None:
                _add_tracking(
                    builder,
                    item,
                    movie.tracking,
                    movie.timing.samples.mask(),
                    series if len(items) == 1 else None,
                )


def _add_series(
    builder: Builder,
    number: int,
    items: Sequence[SessionItem],
    movies: Sequence[Movie],
    times: NDArray[np.float64],
) -> Any:
    name = "BehaviorVideo" if not number else f"BehaviorVideo_{number + 1}"
    paths, starts, first = [], [], 0
    for k, (item, movie) in enumerate(zip(items, movies, strict=True)):
        ending = "mp4" if builder.settings.videos == "mp4" else _ending(item.path)
        file = f"{name}{f'_{k}' if k else ''}.{ending}"
        paths.append(f"{builder.video_folder}/{file}")
        starts.append(first)
        first += movie._open_source().num_stored
        builder.videos.append((item, file))
    rows, cols = movies[0].spacing.num_pixels
    fields = {
        "name": name, "description": f"Behaviour video from {source_names(items)}.", "unit": "n.a.", "format": "external",
        "external_file": paths, "starting_frame": starts, "dimension": [cols, rows], "device": builder.device("BehaviorCamera"),
        **builder.times(times),
    }  # fmt: skip
    if "rate" in fields:
        fields["num_samples"] = len(times)
    fields |= builder.metadata["Behavior"]["ExternalVideos"].get(name, {})
    series = builder.made(builder.nwb.image.ImageSeries, fields, f"ExternalVideos.{name}")
    builder.file.add_acquisition(series)
    builder.remember(times, series)
    return series


def _ending(path: str) -> str:
    ending = path.rpartition(".")[2].lower()
    return ending if ending in _AS_THEY_ARE else "avi"


def _add_tracking(
    builder: Builder, item: SessionItem, tracking: Tracking, mask: NDArray[np.bool_], series: Any
) -> None:
    module, nwb = builder.module("behavior"), builder.nwb
    times = item.times
    shared = (
        {"timestamps": series}
        if series is not None and series.timestamps is not None
        else builder.times(times)
    )
    comments = f"Source: {item.name}."
    position = nwb.behavior.Position(name=builder.names("behavior", "Position"))
    position.add_spatial_series(
        nwb.behavior.SpatialSeries(
            name="BoundingBoxCenter",
            data=builder.compressed(tracking.centers[mask]),
            unit="pixels",
            reference_frame=_FRAME,
            description="Centre of the box around the animal; NaN where none was found.",
            comments=comments,
            **shared,
        )
    )
    boxes = nwb.behavior.BehavioralTimeSeries(name=builder.names("behavior", "Tracking"))
    boxes.add_timeseries(
        nwb.TimeSeries(
            name="BoundingBox",
            data=builder.compressed(tracking.boxes[mask]),
            unit="pixels",
            comments=comments,
            description="Left, top, right and bottom of the box around the animal.",
            **shared,
        )
    )
    boxes.add_timeseries(
        nwb.TimeSeries(
            name="DetectionConfidence",
            data=builder.compressed(tracking.confidence[mask]),
            unit="percent",
            comments=comments,
            description="How sure the tracker was.",
            **shared,
        )
    )
    module.add(position)
    module.add(boxes)
    _add_zones(builder, tracking)
    _add_zone_events(builder, tracking, times, mask)


def _add_zones(builder: Builder, tracking: Tracking) -> None:
    if not tracking.zones:
        return
    data = builder.hdmf.common.VectorData
    zones = tracking.zones
    corners = np.concatenate([zone.coordinates for zone in zones])
    ends = np.cumsum([len(zone.coordinates) for zone in zones])
    coordinates = data(
        name="coordinates", description="Corners (x, y) in pixels; of an ellipse its centre.", data=corners
    )
    index = builder.hdmf.common.VectorIndex(name="coordinates_index", data=ends, target=coordinates)
    columns = [
        data(name="zone_name", description="Name of the zone.", data=[zone.name for zone in zones]),
        data(name="zone_id", description="Number of the zone.", data=np.array([zone.id for zone in zones], np.int64)),
        data(name="zone_description", description="Text of the user.", data=[zone.description for zone in zones]),
        data(name="shape", description="Rectangle, polygon or ellipse.", data=[zone.shape for zone in zones]),
        data(name="is_enabled", description="Whether the zone was in use.", data=np.array([zone.enabled for zone in zones])),
        index, coordinates,
        *(data(name=name, description=f"{name.replace('_', ' ')} of an ellipse.", data=np.array([getattr(z, name) for z in zones], float))
          for name in ("major_axis", "minor_axis", "angle")),
    ]  # fmt: skip
    names = [column.name for column in columns if column is not index]
    builder.module("behavior").add(
        builder.hdmf.common.DynamicTable(
            name=builder.names("behavior", "Zones"),
            description="Zones of the arena.",
            columns=columns,
            colnames=names,
        )
    )


def _add_zone_events(
    builder: Builder, tracking: Tracking, times: NDArray[np.float64], mask: NDArray[np.bool_]
) -> None:
    events = tracking.events
    if not len(events):
        return
    row = np.cumsum(mask) - 1
    data = builder.hdmf.common.VectorData
    ids = [
        tracking.zones[k].id if k >= 0 else int(stored)
        for k, stored in zip(events.zone.tolist(), events.zone_id.tolist(), strict=True)
    ]
    columns = [
        builder.nwb.event.TimestampVectorData(
            name="timestamp",
            description="Time of the frame.",
            data=times[row[events.sample]],
            resolution=1e-6,
        ),
        data(name="zone_name", description="Name of the zone.", data=list(events.name)),
        data(name="zone_id", description="Number of the zone.", data=np.array(ids, np.int64)),
        data(name="event", description="Entry, occupying or exit.", data=list(events.event)),
    ]
    if any(events.trigger):
        columns.append(
            data(name="trigger", description="Soft trigger that was fired.", data=list(events.trigger))
        )
    builder.add_events(
        builder.names("events", "ZoneEvents"), "What frames say about zones.", columns, "tracking software"
    )


# -- files -----------------------------------------------------------------------------------------


def write_video(item: SessionItem, target: str, *, encode: bool, advance: Callable[[int], object]) -> None:
    """Write one video: encoded anew, its bytes copied, or the images of an `.isxb` file put into an AVI file as they are."""
    movie = item.open()
    with movie:
        source = movie._open_source()
        if encode:
            from openisx.export.mp4 import export_movie_to_mp4

            export_movie_to_mp4(
                movie, target, draw_bounding_box=False, draw_bounding_box_center=False, draw_zones=False
            )
        elif item.path.rpartition(".")[2].lower() in _AS_THEY_ARE:
            shutil.copyfile(item.path, target)
        else:
            _remux(movie, target)
        advance(source.num_stored)


def _remux(movie: Movie, target: str) -> None:
    av = require("av", "video")
    source = movie._open_source()
    rows, cols = source.spacing.num_pixels
    period = source.timing.period.fraction
    rate = (1 / period).limit_denominator(1001) if period > 0 else Fraction(20)
    with av.open(target, "w", format="avi") as container:
        stream = container.add_stream("mjpeg", rate=rate)
        stream.width, stream.height, stream.pix_fmt = cols, rows, "yuvj420p"
        stream.time_base = 1 / rate
        for number in range(source.num_stored):
            packet = av.Packet(source.encoded(number))
            packet.stream, packet.time_base = stream, 1 / rate
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
