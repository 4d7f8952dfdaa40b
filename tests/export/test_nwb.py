"""Sessions as NWB files, read back with pynwb."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
import isx.synthetic
from builders.interleaved import TICK, interleaved, three_planes
from builders.movie import isxd_movie
from openisx.export.nwb._times import time_fields

pynwb = pytest.importorskip("pynwb")
pytest.importorskip("av")
h5py = pytest.importorskip("h5py")

DATA = Path(__file__).parents[1] / "data"
LAB = {
    "NWBFile": {"lab": "L", "institution": "I", "experimenter": ["Last, First"], "experiment_description": "E"},
    "Ophys": {
        "ImagingPlanes": {
            "inscopix_imaging": {"location": "CA1", "indicator": "GCaMP6f", "excitation_lambda": 475,
                                 "optical_channel": [{"name": "OpticalChannel", "emission_lambda": 535}]},
        },
    },
}  # fmt: skip
UNKNOWN = "ignore:DANDI archive requires:isx.IsxWarning"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    scene = isx.synthetic.Scene(seed=3, num_frames=600, shape=(100, 160), num_neurons=8)
    names = ["movie", "behavior", "gpio", "imu", "cells", "events", "diameters", "velocities"]
    return isx.synthetic.write(tmp_path_factory.mktemp("session"), scene, names)


@pytest.fixture(scope="module")
def written(sample: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nwb") / "session.nwb"
    before = {file: (os.stat(file).st_mtime_ns, Path(file).read_bytes()[:100]) for file in sample.values()}
    done: list[tuple[int, int]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        isx.export_session_to_nwb(list(sample.values()), path, LAB, progress=lambda *step: done.append(step))
    assert before == {
        file: (os.stat(file).st_mtime_ns, Path(file).read_bytes()[:100]) for file in sample.values()
    }
    assert done[0][0] == 0
    assert done[-1][0] == done[-1][1]
    return path


@contextmanager
def reading(path: Path | str) -> Iterator[Any]:
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        yield io.read()


def times_of(series: Any) -> np.ndarray:
    if series.timestamps is not None:
        return np.asarray(series.timestamps)
    return series.starting_time + np.arange(len(series.data)) / series.rate


def test_it_is_valid(written: Path) -> None:
    assert pynwb.validate(path=str(written)) == []


def test_session_and_subject(written: Path, sample: dict[str, str]) -> None:
    with reading(written) as nwb:
        assert nwb.session_start_time == datetime(
            2024, 3, 12, 10, 15, 30, 150_000, timezone(timedelta(hours=-7))
        )
        assert nwb.session_description == 'Inscopix NVista3 recording "2024-03-12-10-15-30 open field"'
        assert nwb.session_id == "2024-03-12-10-15-30 open field"
        assert (nwb.lab, nwb.institution, list(nwb.experimenter)) == ("L", "I", ["Last, First"])
        assert list(nwb.keywords) == ["one-photon imaging", "miniscope", "Inscopix"]
        subject = nwb.subject
        assert (subject.subject_id, subject.species, subject.sex, subject.weight) == (
            "M-0417",
            "Mus musculus",
            "F",
            "24.6 g",
        )
        assert (subject.age, subject.date_of_birth.date().isoformat()) == ("P162D", "2023-10-02")
        assert "Recording UUID: AC-20413307-0000000000-1710263730250" in nwb.notes
        collected = json.loads(nwb.data_collection)
        assert collected[os.path.basename(sample["movie"])]["animal"]["id"] == "M-0417"
        assert {name: device.model.name for name, device in nwb.devices.items()} == {
            "Microscope": "NVista3", "Lens": "ProView Integrated", "BehaviorCamera": "nVision",
        }  # fmt: skip


def test_movie(written: Path, sample: dict[str, str]) -> None:
    with reading(written) as nwb, isx.Movie.read(sample["movie"]) as movie:
        series = nwb.acquisition["OnePhotonSeries"]
        valid = movie.timing.get_valid_samples()
        np.testing.assert_array_equal(np.asarray(series.data).transpose(0, 2, 1), movie[valid])
        assert series.data.dtype == np.uint16
        assert series.data.chunks == (min(len(valid), 2**20 // (100 * 160 * 2)), 160, 100)
        assert (series.data.compression, series.data.compression_opts, series.data.shuffle) == (
            "gzip",
            1,
            True,
        )
        assert list(series.dimension) == [160, 100]
        np.testing.assert_allclose(np.asarray(series.timestamps), 0.1 + 0.05 * valid, atol=1e-9)
        assert (series.exposure_time, series.intensity, series.binning) == (0.05, 0.9, 8)
        dropped = movie.timing.dropped
        assert f"dropped {dropped[0]}, {dropped[1]}-{dropped[2]}" in series.comments
        plane = series.imaging_plane
        assert (plane.location, plane.indicator, plane.excitation_lambda) == ("CA1", "GCaMP6f", 475)
        assert plane.optical_channel[0].emission_lambda == 535
        assert plane.imaging_rate == pytest.approx(20)
        tissue = 8 * (
            0.63 + 0.16 * 420 / 1000
        )  # lens 1050-004415 at focus 420, eight pixels of the sensor each
        np.testing.assert_allclose(plane.grid_spacing, [tissue * 1e-6] * 2)


def test_cells_and_events(written: Path, sample: dict[str, str]) -> None:
    with reading(written) as nwb, isx.CellSet.read(sample["cells"]) as cells:
        table = nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        np.testing.assert_array_equal(
            np.asarray(table["image_mask"].data).transpose(0, 2, 1), cells.footprints
        )
        assert list(table["roi_name"].data) == cells.names
        assert list(table["cell_status"].data) == cells.statuses
        assert list(table["Accepted"].data) == [status == "accepted" for status in cells.statuses]
        responses = nwb.processing["ophys"]["DfOverF"]["RoiResponseSeries"]
        valid = cells.timing.get_valid_samples()
        np.testing.assert_array_equal(np.asarray(responses.data), cells.traces.T[valid])
        np.testing.assert_array_equal(times_of(responses), times_of(nwb.acquisition["OnePhotonSeries"]))
        linked = "processing/ophys/DfOverF/RoiResponseSeries/timestamps"
        with h5py.File(written) as file:
            assert isinstance(file.get(linked, getlink=True), h5py.SoftLink)
        with isx.EventSet.read(sample["events"]) as events:
            frame = nwb.events["CellEvents"].to_dataframe()
            assert len(frame) == sum(events[name].num_events for name in events.names)
            assert frame["timestamp"].is_monotonic_increasing
            for name in events.names:
                own = frame[frame["cell_name"] == name]
                np.testing.assert_allclose(own["timestamp"], 0.1 + events[name].offsets / 1e6, atol=1e-6)
                np.testing.assert_array_equal(own["amplitude"], events[name].amplitudes)
            region = nwb.events["CellEvents"]["roi"]
            rows = np.asarray(region.data)
            assert [cells.names[row] for row in rows[:20]] == frame["cell_name"][:20].tolist()


def test_signals(written: Path, sample: dict[str, str]) -> None:
    with (
        reading(written) as nwb,
        isx.GpioSet.read(sample["gpio"]) as gpio,
        isx.GpioSet.read(sample["imu"]) as imu,
    ):
        for name in ("Digital GPI 1", "GPIO-1", "BNC Sync Output", "EX-LED"):
            series, channel = nwb.acquisition[name], gpio[name]
            np.testing.assert_array_equal(np.asarray(series.data), channel.values)
            np.testing.assert_allclose(times_of(series), channel.offsets / 1e6, atol=1e-9)
            assert series.continuity == "step"
        assert nwb.acquisition["Digital GPI 1"].data.dtype == np.uint8
        assert "Digital GPI 7" not in nwb.acquisition
        assert "Digital GPI 7" in nwb.notes
        np.testing.assert_array_equal(np.asarray(nwb.stimulus["OG-LED"].data), gpio["OG-LED"].values)
        pulses = nwb.events["Digital GPI 1"].to_dataframe()
        np.testing.assert_allclose(pulses["timestamp"], gpio.rising_edges("Digital GPI 1") / 1e6, atol=1e-9)
        falling = gpio.falling_edges("Digital GPI 1") / 1e6
        ended = pulses["timestamp"] + pulses["duration"]
        np.testing.assert_allclose(ended[: len(falling)], falling, atol=1e-9)
        acceleration = nwb.acquisition["IMUAcceleration"]
        values = np.stack([imu[f"Acc {axis}"].values for axis in "xyz"], axis=1)
        known = ~np.isnan(values).any(axis=1)
        assert not known.all()
        values = values[known]
        assert acceleration.data.dtype == np.int16
        np.testing.assert_allclose(np.asarray(acceleration.get_data_in_units()), values * 9.80665, rtol=1e-6)
        np.testing.assert_array_equal(
            np.asarray(nwb.acquisition["IMUMagneticField"].data)[:, 1], imu["Mag y"].values
        )


def test_camera_and_tracking(written: Path, sample: dict[str, str]) -> None:
    import av

    with (
        reading(written) as nwb,
        isx.Movie.read(sample["behavior"]) as movie,
        isx.GpioSet.read(sample["gpio"]) as gpio,
    ):
        video = nwb.acquisition["BehaviorVideo"]
        assert list(video.external_file) == ["session/BehaviorVideo.avi"]
        stamps = np.asarray(movie.timestamps)
        first = gpio.first_timestamp
        assert first is not None
        np.testing.assert_allclose(
            np.asarray(video.timestamps), (stamps[stamps > 0].astype(np.int64) - first) / 1e6, atol=1e-9
        )
        valid = movie.timing.get_valid_samples()
        with av.open(str(written.parent / video.external_file[0])) as container:
            for count, frame in enumerate(container.decode(video=0)):
                if count % 100 == 0:
                    luma = frame.to_ndarray()[: movie.shape[1], : movie.shape[2]]
                    np.testing.assert_array_equal(luma, movie.get_frame_data(int(valid[count])))
        assert count + 1 == len(valid)
        behavior, tracking = nwb.processing["behavior"], movie.tracking
        assert tracking is not None
        np.testing.assert_array_equal(
            np.asarray(behavior["Position"]["BoundingBoxCenter"].data), tracking.centers[valid]
        )
        np.testing.assert_array_equal(
            np.asarray(behavior["Tracking"]["BoundingBox"].data), tracking.boxes[valid]
        )
        zones = behavior["Zones"].to_dataframe()
        assert zones["zone_name"].tolist() == [zone.name for zone in tracking.zones]
        assert zones["zone_id"].tolist() == [zone.id for zone in tracking.zones]
        events = nwb.events["ZoneEvents"].to_dataframe()
        assert events["event"].tolist() == list(tracking.events.event)
        row = np.searchsorted(valid, tracking.events.sample)
        np.testing.assert_array_equal(events["timestamp"], np.asarray(video.timestamps)[row])


def test_vessels(written: Path, sample: dict[str, str]) -> None:
    with reading(written) as nwb, isx.VesselSet.read(sample["diameters"]) as vessels:
        series = nwb.processing["ophys"]["VesselDiameter"]
        np.testing.assert_array_equal(np.asarray(series.data), vessels.traces.T)
        assert series.unit == "micrometers"
        lines = nwb.processing["ophys"]["VesselDiameterLines"].to_dataframe()
        assert lines["vessel_name"].tolist() == [vessel.name for vessel in vessels]
        image = nwb.processing["ophys"]["SegmentationImages"]["vessel_projection"]
        np.testing.assert_array_equal(np.asarray(image.data).T, vessels.image)


# -- planes, series, odd movies ------------------------------------------------------------------


@pytest.mark.filterwarnings(UNKNOWN)
def test_three_planes(tmp_path: Path) -> None:
    movie = interleaved(tmp_path / "m.isxd", three_planes, 30, dropped=[4])
    isx.export_session_to_nwb(tmp_path / "m.isxd", tmp_path / "o.nwb")
    assert pynwb.validate(path=str(tmp_path / "o.nwb")) == []
    with reading(tmp_path / "o.nwb") as nwb:
        assert sorted(nwb.acquisition) == [f"OnePhotonSeriesEfocus{focus}" for focus in (0, 500, 900)]
        assert sorted(nwb.imaging_planes) == [f"ImagingPlaneEfocus{focus}" for focus in (0, 500, 900)]
        for place, (focus, plane) in enumerate(movie.planes().items()):
            series = nwb.acquisition[f"OnePhotonSeriesEfocus{focus}"]
            valid = plane.timing.get_valid_samples()
            np.testing.assert_array_equal(np.asarray(series.data).transpose(0, 2, 1), plane[valid])
            np.testing.assert_allclose(times_of(series), (3 * valid + place) * TICK / 1e6, atol=1e-6)
            assert series.imaging_plane.imaging_rate == pytest.approx(1e6 / (3 * TICK))


@pytest.mark.filterwarnings(UNKNOWN)
def test_a_series_of_two_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frames = rng.integers(0, 4096, (2, 5, 3, 7), dtype=np.uint16)
    for k in range(2):
        counters = [10**9 + 10_000_000 * k + 50_000 * j for j in range(5)]
        isxd_movie(
            tmp_path / f"{k}.isxd", frames[k], counters=counters, start=(1_600_000_000_000 + 10_000 * k, 1000)
        )
    isx.export_session_to_nwb([tmp_path / "1.isxd", tmp_path / "0.isxd"], tmp_path / "o.nwb")
    assert pynwb.validate(path=str(tmp_path / "o.nwb")) == []
    with reading(tmp_path / "o.nwb") as nwb:
        series = nwb.acquisition["OnePhotonSeries"]
        np.testing.assert_array_equal(np.asarray(series.data).transpose(0, 2, 1), frames.reshape(10, 3, 7))
        np.testing.assert_allclose(
            np.asarray(series.timestamps), [0.05 * j + 10 * k for k in range(2) for j in range(5)]
        )
        table = nwb.intervals["recordings"].to_dataframe()
        assert table["file_name"].tolist() == ["0.isxd", "1.isxd"]
        np.testing.assert_allclose(table["start_time"], [0, 10])


@pytest.mark.filterwarnings(UNKNOWN)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("compression", [None, 1, 9])
def test_types_and_sizes(tmp_path: Path, dtype: str, compression: int | None) -> None:
    rng = np.random.default_rng(2)
    frames = (rng.random((23, 301, 403)) * 200).astype(dtype)
    start = isx.Time.from_secs_since_epoch(isx.Duration.from_secs(1_600_000_000), -25_230)
    timing = isx.Timing(26, start=start, dropped=[3], cropped=[[7, 8]])
    with isx.Movie.write(tmp_path / "m.isxd", timing, isx.Spacing((301, 403)), dtype) as movie:
        for sample, frame in zip(timing.get_valid_samples().tolist(), frames, strict=True):
            movie.set_frame_data(sample, frame)
    isx.export_session_to_nwb(tmp_path / "m.isxd", tmp_path / "o.nwb", compression=compression)
    assert pynwb.validate(path=str(tmp_path / "o.nwb")) == []
    with reading(tmp_path / "o.nwb") as nwb:
        processed = dtype == "float32"
        group = nwb.processing["ophys"] if processed else nwb.acquisition
        series = group["ProcessedOnePhotonSeries" if processed else "OnePhotonSeries"]
        np.testing.assert_array_equal(np.asarray(series.data).transpose(0, 2, 1), frames)
        assert series.data.dtype == np.dtype(dtype)
        assert nwb.session_start_time.utcoffset() == timedelta(hours=-7)
        assert "dropped 3; cropped 7-8" in series.comments.replace(";", "; ").replace(";  ", "; ")


@pytest.mark.filterwarnings(UNKNOWN, "ignore:without a clock:isx.IsxWarning")
def test_a_date_for_movies_without_one(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "m.tif", np.zeros((4, 5, 6), np.uint16), photometric="minisblack")
    with pytest.warns(isx.IsxWarning, match=r"give NWBFile\.session_start_time"):
        isx.export_session_to_nwb(tmp_path / "m.tif", tmp_path / "a.nwb")
    given = {"NWBFile": {"session_start_time": "2024-05-06T07:08:09+02:00"}}
    isx.export_session_to_nwb(tmp_path / "m.tif", tmp_path / "b.nwb", given)
    with reading(tmp_path / "b.nwb") as nwb:
        assert nwb.session_start_time.isoformat() == "2024-05-06T07:08:09+02:00"


def test_rate_or_time_stamps() -> None:
    even = np.round(0.1 + 0.05 * np.arange(1000), 6)
    assert time_fields(even) == {"starting_time": 0.1, "rate": pytest.approx(20)}
    assert "timestamps" in time_fields(np.delete(even, 500))
    assert time_fields(even[::2])["rate"] == pytest.approx(10)
    assert "timestamps" in time_fields(even[:2])
    assert "timestamps" in time_fields(200.0 * np.arange(5))
    assert "timestamps" in time_fields(even + 3e-6 * (np.arange(1000) % 2))
    assert "timestamps" in time_fields(even + 1e-7 * (np.arange(1000) % 2), sparse=True)


# -- metadata and refusals -----------------------------------------------------------------------


def test_metadata_can_be_edited_and_given_back(sample: dict[str, str], tmp_path: Path) -> None:
    found = isx.nwb_metadata([sample["movie"], sample["cells"]])
    assert found["Subject"]["subject_id"] == "M-0417"
    assert found["Ophys"]["ImagingPlanes"]["inscopix_imaging"]["location"] is None
    assert set(found["Ophys"]["PlaneSegmentations"]) == {"inscopix_segmentation"}
    found["Ophys"]["ImagingPlanes"]["inscopix_imaging"]["location"] = "CA3"
    found["NWBFile"]["lab"] = "mine"
    found["Subject"]["weight"] = None
    (tmp_path / "meta.json").write_text(json.dumps(found))
    isx.export_session_to_nwb([sample["movie"], sample["cells"]], tmp_path / "o.nwb", tmp_path / "meta.json")
    with reading(tmp_path / "o.nwb") as nwb:
        assert nwb.lab == "mine"
        assert nwb.subject.weight is None
        assert nwb.imaging_planes["ImagingPlane"].location == "CA3"


def test_yaml(sample: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "meta.yaml").write_text(
        "Subject: {sex: M, age: P90D/P100D}\nOphys: {ImagingPlanes: {'*': {location: VISp}}}\n"
    )
    isx.export_session_to_nwb(sample["movie"], tmp_path / "o.nwb", tmp_path / "meta.yaml")
    with reading(tmp_path / "o.nwb") as nwb:
        assert (nwb.subject.sex, nwb.subject.age) == ("M", "P90D/P100D")
        assert nwb.imaging_planes["ImagingPlane"].location == "VISp"


def test_optogenetics(sample: dict[str, str], tmp_path: Path) -> None:
    light = {"excitation_lambda": 590, "location": "CA1", "illuminated_area": 0.8}
    isx.export_session_to_nwb(sample["gpio"], tmp_path / "o.nwb", {"Ophys": {"Optogenetics": light}})
    assert pynwb.validate(path=str(tmp_path / "o.nwb")) == []
    with reading(tmp_path / "o.nwb") as nwb:
        series = nwb.stimulus["OptogeneticSeries"]
        assert series.conversion == pytest.approx(0.0008)
        assert series.site.excitation_lambda == 590


@pytest.mark.parametrize(
    ("metadata", "text"),
    [
        ({"Animal": {}}, "'Animal' is no block; there are NWBFile, Subject"),
        ({"Ophys": {"ImagingPlanes": {"green": {}}}}, "'green' is no entry of ImagingPlanes; there are inscopix_imaging"),
        ({"Ophys": {"ImagingPlanes": {"*": {"excitation_lambda": 0.475}}}}, "wavelengths of inscopix_imaging are in nanometres"),
        ({"Ophys": {"ImagingPlanes": {"*": {"colour": 1}}}}, r"ImagingPlanes\.inscopix_imaging has no field 'colour'; it takes"),
        ({"Subject": {"species": "mouse"}}, "species must be a Latin name"),
        ({"Subject": {"sex": "male"}}, "sex must be M, F, U or O"),
        ({"Subject": {"age": "90 days"}}, "age must be an ISO 8601 duration"),
        ({"Subject": {"weight": "24.6"}}, "weight must be a number and a unit"),
        ({"Subject": {"subject_id": "a/b"}}, "subject_id must hold no slash"),
        ({"NWBFile": {"session_start_time": "2999-01-01"}}, "lies in the future"),
        ({"NWBFile": {"session_start_time": "yesterday"}}, "is no ISO date and time"),
        ({"NWBFile": {"colour": 1}}, "NWBFile has no field 'colour'"),
        ({"NWBFile": []}, "NWBFile must be a mapping"),
    ],
)  # fmt: skip
def test_metadata_that_cannot_be(sample: dict[str, str], tmp_path: Path, metadata: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        isx.export_session_to_nwb(sample["movie"], tmp_path / "o.nwb", metadata)
    assert not os.listdir(tmp_path)


def test_refusals(sample: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Expected extension: nwb"):
        isx.export_session_to_nwb(sample["movie"], tmp_path / "o.h5")
    with pytest.raises(ValueError, match="videos must be"):
        isx.export_session_to_nwb(sample["movie"], tmp_path / "o.nwb", videos="all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="compression must be"):
        isx.export_session_to_nwb(sample["movie"], tmp_path / "o.nwb", compression=10)
    (tmp_path / "o").mkdir()
    with pytest.raises(isx.IsxFileExistsError, match="the folder for the videos"):
        isx.export_session_to_nwb(sample["behavior"], tmp_path / "o.nwb")
    (tmp_path / "o.nwb").write_bytes(b"mine")
    with pytest.raises(isx.IsxFileExistsError):
        isx.export_session_to_nwb(sample["movie"], tmp_path / "o.nwb")
    assert (tmp_path / "o.nwb").read_bytes() == b"mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, OSError, RuntimeError])
@pytest.mark.parametrize("late", [False, True])
def test_interrupted(sample: dict[str, str], tmp_path: Path, error: type[BaseException], late: bool) -> None:
    def stop(done: int, total: int) -> None:
        if done >= (total if late else 1):
            raise error

    with pytest.raises(error):
        isx.export_session_to_nwb([sample["movie"], sample["behavior"]], tmp_path / "o.nwb", progress=stop)
    assert not os.listdir(tmp_path)


FULL = """
import os, resource, signal, sys, warnings
import isx
warnings.simplefilter("ignore")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
for options in ({}, {"compression": None}):
    try:
        isx.export_session_to_nwb(sys.argv[1:3], sys.argv[3], **options)
    except isx.IsxFileError as error:
        assert "Cannot write" in str(error)
    else:
        raise AssertionError("written")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such limit")
def test_full_disk(sample: dict[str, str], tmp_path: Path) -> None:
    arguments = [sample["movie"], sample["behavior"], str(tmp_path / "o.nwb")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", FULL, *arguments], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert not os.listdir(tmp_path)


@pytest.mark.filterwarnings(UNKNOWN)
def test_nothing_to_write(tmp_path: Path) -> None:
    with isx.CellSet.write(tmp_path / "c.isxd", isx.Timing(3), isx.Spacing((2, 2))):
        pass
    with pytest.raises(isx.IsxFormatError, match=r"there is nothing to write: c\.isxd has no cells"):
        isx.export_session_to_nwb(tmp_path / "c.isxd", tmp_path / "o.nwb")
    assert os.listdir(tmp_path) == ["c.isxd"]


# -- the vendor's function -----------------------------------------------------------------------


@pytest.mark.filterwarnings(UNKNOWN)
def test_export_movie_to_nwb(tmp_path: Path) -> None:
    frames = np.arange(60, dtype=np.uint16).reshape(3, 4, 5)
    counters = [10**9 + 50_000 * k for k in range(3)]
    isxd_movie(tmp_path / "m.isxd", frames, counters=counters, start=(1_600_000_000_000, 1000))
    isx.export_movie_to_nwb(
        tmp_path / "m.isxd", tmp_path / "o.nwb", "id", "session", "comment", "text", "experiment", "someone", "place", "lab", "s1"
    )  # fmt: skip
    assert pynwb.validate(path=str(tmp_path / "o.nwb")) == []
    with reading(tmp_path / "o.nwb") as nwb:
        assert (nwb.identifier, nwb.session_description, nwb.experiment_description) == (
            "id",
            "session",
            "experiment",
        )
        assert (list(nwb.experimenter), nwb.institution, nwb.lab, nwb.session_id) == (
            ["someone"],
            "place",
            "lab",
            "s1",
        )
        series = nwb.acquisition["OnePhotonSeries"]
        assert series.comments.startswith("comment\nSource: m.isxd")
        assert series.description.startswith("text\n")
        np.testing.assert_array_equal(np.asarray(series.data).transpose(0, 2, 1), frames)
    with pytest.warns(isx.IsxWarning, match=r"end in \.nwb"):
        isx.export_movie_to_nwb([tmp_path / "m.isxd"], tmp_path / "o.h5")
    with pytest.raises(TypeError, match="lab must be text"):
        isx.export_movie_to_nwb(tmp_path / "m.isxd", tmp_path / "p.nwb", lab=3)  # type: ignore[arg-type]
    with pytest.raises(isx.IsxFileError, match="nVision Movie"):
        isx.export_movie_to_nwb(DATA / "isxb" / "tracking_dropped.isxb", tmp_path / "p.nwb")


def test_pynwb_is_imported_on_use_only() -> None:
    code = "import sys, isx; isx.export_session_to_nwb; assert 'pynwb' not in sys.modules and 'h5py' not in sys.modules"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_without_pynwb(sample: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynwb", None)
    with pytest.raises(isx.IsxImportError, match=r'pip install "openisx\[nwb\]"'):
        isx.export_session_to_nwb(sample["movie"], tmp_path / "o.nwb")
    assert not os.listdir(tmp_path)


# -- odd recordings ------------------------------------------------------------------------------


def test_names_are_unique_and_can_be_stored() -> None:
    from openisx.export.nwb._plan import Names

    names = Names()
    given = ["GPIO/1", "GPIO:1", "a", "a", "", "\x00", "Zelle ä"]
    assert [names("acquisition", name) for name in given] == [
        "GPIO_1", "GPIO_1_2", "a", "a_2", "unnamed", "unnamed_2", "Zelle ä",
    ]  # fmt: skip
    assert names("events", "a") == "a"


@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_cells_of_any_name(tmp_path: Path) -> None:
    with isx.CellSet.write(tmp_path / "c.isxd", isx.Timing(4), isx.Spacing((3, 5))) as cells:
        for k, name in enumerate(("a/b", "c:d", "Zelle ä", "脳")):
            cells.set_cell_data(k, np.full((3, 5), k, np.float32), np.arange(4, dtype=np.float32), name)
    isx.export_session_to_nwb(tmp_path / "c.isxd", tmp_path / "o.nwb")
    assert pynwb.validate(path=str(tmp_path / "o.nwb")) == []
    with reading(tmp_path / "o.nwb") as nwb:
        table = nwb.processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"]
        assert list(table["roi_name"].data) == ["a/b", "c:d", "Zelle ä", "脳"]


@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_lost_packets_end_a_level(tmp_path: Path) -> None:
    path = DATA / "gpio" / "nv3_lost.gpio"
    isx.export_session_to_nwb(path, tmp_path / "o.nwb", all_channels=True)
    assert pynwb.validate(path=str(tmp_path / "o.nwb")) == []
    with reading(tmp_path / "o.nwb") as nwb, isx.GpioSet.read(path) as gpio:
        lost = 0
        for name in gpio.names:
            if len(gpio[name].offsets):
                group = nwb.stimulus if name == "OG-LED" else nwb.acquisition
                np.testing.assert_array_equal(np.asarray(group[name].data), gpio[name].values)
                lost += int(np.isnan(gpio[name].values).sum())
        assert lost


@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_one_frame_and_cut_files(tmp_path: Path) -> None:
    frames = np.arange(5 * 12, dtype=np.uint16).reshape(5, 3, 4)
    for count, name in ((1, "one"), (5, "cut")):
        counters = [10**9 + 50_000 * k for k in range(count)]
        isxd_movie(tmp_path / f"{name}.isxd", frames[:count], counters=counters, num_samples=7 if name == "cut" else None,
                   start=(1_600_000_000_000, 1000), dropped=[1, 2] if name == "cut" else [])  # fmt: skip
    data = (tmp_path / "cut.isxd").read_bytes()
    size = 2 * 5120 + 24
    (tmp_path / "cut.isxd").write_bytes(data[: 3 * size] + data[5 * size :])
    isx.export_session_to_nwb(tmp_path / "cut.isxd", tmp_path / "cut.nwb")
    with reading(tmp_path / "cut.nwb") as nwb:
        series = nwb.acquisition["OnePhotonSeries"]
        np.testing.assert_array_equal(np.asarray(series.data).transpose(0, 2, 1), frames[:3])
        np.testing.assert_allclose(times_of(series), [0, 0.05, 0.1])
    isx.export_session_to_nwb(tmp_path / "one.isxd", tmp_path / "one.nwb")
    assert pynwb.validate(path=str(tmp_path / "one.nwb")) == []
