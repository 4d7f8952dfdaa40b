"""What type checkers make of the public API; checked by test_typing.py, never run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, assert_type

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

import isx
import isx.viz
from isx.structures import (
    CellEvents,
    CellMetrics,
    EventMetrics,
    FrameHeader,
    GpioChannel,
    Recovered,
    Tracking,
)

opened = isx.open("recording.isxd")
assert_type(opened, isx.Movie | isx.Image | isx.CellSet | isx.EventSet | isx.VesselSet | isx.GpioSet)
assert_type(opened.file_path, str)
if isinstance(opened, isx.GpioSet):
    assert_type(opened.num_channels, int)

movie = isx.Movie.read("movie.isxd")
assert_type(movie, isx.Movie)
assert_type(movie.timing, isx.Timing)
assert_type(movie.timing.num_samples, int)
assert_type(movie.timing.period.secs_float, float)
assert_type(movie.spacing.num_pixels, tuple[int, int])
assert_type(movie.mode, str)
assert_type(movie.shape, tuple[int, int, int])
assert_type(movie.get_frame_data(0), NDArray[Any])
assert_type(movie.get_frame_timestamp(0), int)
assert_type(movie.get_frame_header(0), FrameHeader | None)
assert_type(movie.timestamps, NDArray[np.uint64] | None)
assert_type(movie.tracking, Tracking | None)
assert_type(movie.metadata, Mapping[str, Any] | None)
assert_type(movie.get_acquisition_info(), dict[str, Any] | None)
assert_type(iter(movie), Iterator[NDArray[Any]])
with isx.Movie.read("movie.isxd") as same:
    assert_type(same, isx.Movie)

image = isx.Image.read("image.isxd")
assert_type(image.get_data(), NDArray[Any])
assert_type(image.spacing, isx.Spacing)

cells = isx.CellSet.read("cells.isxd", read_only=True)
assert_type(cells.num_cells, int)
assert_type(cells.timing.num_samples, int)
assert_type(cells["C00"], isx.Cell)
assert_type(cells["C00"].trace, NDArray[np.float32])
assert_type(cells.traces, NDArray[np.float32])
assert_type(cells.get_cell_image_data(0), NDArray[np.float32])
assert_type(cells.metrics, list[CellMetrics | None] | None)
assert_type(cells.to_dataframe(), pd.DataFrame)
assert_type([cell.name for cell in cells], list[str])

events = isx.EventSet.read("events.isxd")
assert_type(events.num_cells, int)
assert_type(events.timing.num_samples, int)
assert_type(events.get_cell_data(0), tuple[NDArray[np.uint64], NDArray[np.float32]])
assert_type(events["C00"], CellEvents)
assert_type(events.metrics, list[EventMetrics | None] | None)
assert_type(events.to_dataframe(), pd.DataFrame)

figure = isx.viz.plot_cell_set(cells)
assert_type(figure, Figure)
isx.viz.save_figure(figure, "cells.png")

vessels = isx.VesselSet.read("vessels.isxd")
assert_type(vessels.num_vessels, int)
assert_type(vessels[0], isx.Vessel)
assert_type(vessels.to_dataframe("vessels"), pd.DataFrame)
assert_type(vessels.get_vessel_set_type() is isx.VesselSet.VesselSetType.RBC_VELOCITY, bool)

gpio = isx.GpioSet.read("session.gpio")
assert_type(gpio.num_channels, int)
assert_type(gpio.timing.num_samples, int)
assert_type(gpio["BNC Sync Output"], GpioChannel)
assert_type(gpio.rising_edges("BNC Sync Output"), NDArray[np.uint64])
assert_type(gpio.to_dataframe(), pd.DataFrame)

assert_type(isx.recover("movie.isxd"), Recovered)
assert_type(isx.Duration.from_msecs(50), isx.Duration)
assert_type(isx.__version__, str)
