"""Extreme numbers at every place of a file that holds one: what comes of it is data or an IsxError.

Each number in the metadata of each kind of file is replaced in turn, and each number of the binary headers. The file
is then opened, read, described, and exported in every way.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import inspect
import json
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders import gpio as make_gpio
from builders import isxb as make_isxb
from builders import movies as make_movies
from builders.isxd import isxd, parts
from builders.paired import behavior, gpio, microscope

DATA = Path(__file__).parent.parent / "data"
INTEGERS = [0, -1, 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 2**64, 10**30]
EXTREMES: list[float] = [*INTEGERS, 0.5, -0.5, 1e-300, 1e308, -1e308]
#: Of all pairs of a number in a file and a value, one in so many is tried; 1 tries all, which takes half an hour.
STRIDE = int(os.environ.get("ISX_FUZZ_STRIDE", "31"))
#: Beyond this many samples nothing is asked for that has one item a sample.
FEW = 5_000

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("error::RuntimeWarning"),
]


def attempt(
    call: Callable[..., Any], *args: Any, allowed: tuple[type[Exception], ...] = (), **options: Any
) -> Any:
    """What a call returns; None if it raises an IsxError or one of those allowed."""
    try:
        return call(*args, **options)
    except (isx.IsxError, *allowed):  # type: ignore[misc]
        return None


def count_of(opened: Any) -> int:
    timing = getattr(opened, "timing", None)
    return 1 if timing is None else timing.num_samples


def use_timing(timing: isx.Timing) -> None:
    assert str(timing)
    assert str(timing.start)
    assert str(timing.period)
    timing.period.to_secs()
    timing.period.to_msecs()
    timing.period.to_usecs()
    attempt(timing.start.to_datetime, allowed=(ValueError,))  # documented: years beyond 9999
    if timing.num_samples > FEW:
        return
    timing.get_offsets_since_start()
    timing.get_valid_samples()
    for name in ("seconds", "datetimes"):
        attempt(getattr(timing, name, timing.copy), allowed=(ValueError,) if name == "datetimes" else ())
    assert timing == timing.copy()


def use_everything(opened: Any) -> None:
    """Read all attributes, and call all methods that need no argument or only an index."""
    few = count_of(opened) <= FEW
    bulky = {
        "binned",
        "traces",
        "to_dataframe",
        "get_frame_data",
        "timestamps",
        "center_traces",
        "direction_traces",
    }
    for name, member in inspect.getmembers(type(opened)):
        if name.startswith("_") or name in ("read", "write", "close", "flush") or (name in bulky and not few):
            continue
        if isinstance(member, property):
            attempt(lambda name=name: getattr(opened, name))
            continue
        if not inspect.isfunction(member) or name.startswith("set_"):
            continue
        parameters = [
            p for p in list(inspect.signature(member).parameters.values())[1:] if p.default is p.empty
        ]
        method = getattr(opened, name)
        # documented: years beyond 292,000; no frames
        allowed = (ValueError,) if name in ("datetimes", "project") else ()
        if not parameters:
            attempt(method, allowed=allowed)
        elif len(parameters) == 1 and parameters[0].name in ("index", "channel", "cell"):
            for index in range(3):
                attempt(method, index, allowed=allowed)
    if hasattr(opened, "sample") and len(opened):
        attempt(opened.sample, 0, isx.Timing(5))
        attempt(opened.sample, 0, opened.timing) if few else None
    if hasattr(opened, "binned"):
        attempt(opened.binned, isx.Timing(5))


def export_everything(path: Path, opened: Any, out: Path) -> None:
    """All exports, and the command line."""
    for old in out.iterdir():
        old.unlink()
    few = count_of(opened) <= FEW
    for clock in ("start", "unix", "tsc"):
        if isinstance(opened, isx.Movie) and few:
            attempt(
                isx.export_movie_timestamps_to_csv, path, out / f"{clock}.csv", clock, allowed=(ValueError,)
            )
            attempt(
                isx.export_nvision_movie_tracking_frame_data_to_csv, path, out / f"{clock}t.csv", clock,
                allowed=(ValueError,),
            )  # fmt: skip
        if isinstance(opened, isx.EventSet) and few and clock != "tsc":
            for table in (True, False):
                attempt(
                    isx.export_event_set_to_csv, path, out / f"{clock}{table}.csv", clock, out / f"{clock}{table}p.csv",
                    sparse_output=table,
                )  # fmt: skip
        if isinstance(opened, isx.GpioSet) and clock != "tsc":
            attempt(isx.export_gpio_set_to_csv, path, out / f"{clock}.csv", time_ref=clock)
        if few and isinstance(opened, isx.CellSet) and clock != "tsc":
            attempt(
                isx.export_cell_set_to_csv_tiff, [path], out / f"{clock}.csv", out / f"{clock}.tif", clock,
                out / f"{clock}p.csv",
            )  # fmt: skip
        if few and isinstance(opened, isx.VesselSet) and clock != "tsc":
            attempt(
                isx.export_vessel_set_to_csv_tiff, [path], out / f"{clock}.csv", out / f"{clock}l.csv",
                out / f"{clock}.tif", "", clock,
            )  # fmt: skip
    if isinstance(opened, isx.GpioSet):
        attempt(isx.export_gpio_to_isxd, path, out)
    if isinstance(opened, isx.Movie) and few:
        attempt(isx.export_movie_to_tiff, path, out / "m.tif", allowed=(ValueError,))
        attempt(
            isx.export_nvision_movie_tracking_zone_data_to_csv, path, out / "z.csv", allowed=(ValueError,)
        )
    if isinstance(opened, isx.Image):
        attempt(isx.export_isxd_image_to_tiff, path, out / "i.tif")


def use_session(path: Path, out: Path, *, few: bool) -> None:
    """A session of this file alone, and its NWB file."""
    session = attempt(isx.open_session, path)
    if session is None or not few:
        return
    assert str(session)
    assert repr(session)
    assert session._repr_html_()
    for item in session.items:
        attempt(lambda item=item: (item.times, item.gaps))
    if importlib.util.find_spec("pynwb"):
        # documented: a start in the future
        attempt(isx.export_session_to_nwb, path, out / "s.nwb", videos="none", allowed=(ValueError,))


def use(path: Path, out: Path) -> None:
    """Everything one can do with a file; in the end its description on the command line."""
    from typer.testing import CliRunner

    from openisx._cli.app import app

    opened = attempt(isx.open, path)
    if opened is not None:
        with opened if hasattr(opened, "__exit__") else contextlib.nullcontext():
            assert str(opened)
            assert repr(opened)
            if hasattr(opened, "_repr_html_") and (count_of(opened) <= FEW):
                assert opened._repr_html_()
            if getattr(opened, "timing", None) is not None:
                use_timing(opened.timing)
            use_everything(opened)
            export_everything(path, opened, out)
            few = count_of(opened) <= FEW
        use_session(path, out, few=few)
    result = CliRunner().invoke(app, ["info", str(path)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception


# -- metadata --------------------------------------------------------------------------------------------


def numbers_of(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Key path of every number inside decoded JSON, of long lists only the first and the last."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield where
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers_of(inner, (*where, key))
    elif isinstance(value, list):
        for i in sorted({0, len(value) - 1} if value else ()):
            yield from numbers_of(value[i], (*where, i))


def variants(metadata: Any) -> Iterator[tuple[str, Any]]:
    """Copies of `metadata` with one number replaced, and what was replaced by what."""
    places = list(numbers_of(metadata))
    # Numerator and denominator of one ratio together: what their products do shows only then.
    pairs = [(where, (*where[:-1], "den")) for where in places if where[-1] == "num"]
    chosen = [(where,) for where in places] + pairs
    for k, group in enumerate(chosen):
        for j, value in enumerate(EXTREMES):
            if (k + j) % STRIDE:
                continue
            changed = copy.deepcopy(metadata)
            for n, where in enumerate(group):
                target = changed
                for key in where[:-1]:
                    target = target[key]
                if where[-1] in target or isinstance(target, list):
                    target[where[-1]] = value - n if isinstance(value, int) else value
            yield f"{group} = {value!r}", changed


def golden(path: str) -> tuple[Any, Callable[[Path, Any], object]]:
    body, metadata = parts(DATA / path)
    return metadata, lambda to, changed: to.write_bytes(isxd(body, changed))


def movie_with_lines() -> tuple[Any, Callable[[Path, Any], object]]:
    frames = np.arange(24, dtype="<u2").reshape(4, 2, 3)
    headers = [make_movies.header_line(timestamp=1000 + 50 * i, efocus=i) for i in range(4)]
    body = make_movies.with_lines(frames, headers)
    extra = {"producer": {"version": "1.9.0"}, "idps": {"efocus": 3}, "animal": {"weight": 3.5}}
    members = make_movies.metadata((2, 3), "uint16", 5, dropped=[1], cropped=["3 - 3"], extraProperties=extra)
    members["hasFrameHeaderFooter"] = True
    return members, lambda to, changed: to.write_bytes(isxd(body, changed))


def tracked_behavior() -> tuple[Any, Callable[[Path, Any], object]]:
    images = [make_isxb.jpeg(make_isxb.blocks(i, color=True)) for i in range(3)]
    box = {
        "box": [1, 2, 30, 40],
        "conf": 9,
        "zones": [{"id": 3, "name": "z", "event": "e", "trig": "softTrig-1"}],
    }
    samples = make_isxb.samples(4, (1,))
    for sample in samples:
        sample["trackers"] = [box]
    shape = {
        "type": "ellipse",
        "coordinates": [[5, 6]],
        "properties": {"majorAxis": 9, "minorAxis": 4, "angle": 3},
    }
    corners = {"type": "polygon", "coordinates": [[1, 1], [1, 9], [9, 9]]}
    zones = [
        {"id": i, "name": f"z{i}", "description": "", "enable": True, "geometry": geometry}
        for i, geometry in enumerate((shape, corners))
    ]
    session = make_isxb.session(trackingInterface=[{"cameraName": "top", "zones": zones, "confidence": 50}])
    both = {"session": session, "frames": {"droppedFrames": [1], "samples": samples}}
    return both, lambda to, changed: make_isxb.isxb(
        to, images, changed["session"], changed["frames"], dropped=(1,)
    )


def compressed() -> tuple[Any, Callable[[Path, Any], object]]:
    data = (DATA / "isxb" / "raw_dropped.isxc").read_bytes()
    fields = list(struct.unpack_from("<QQqQQQQHHHHIIQQHHHHIIQQQQ", data))
    at, size = fields[-2:]

    def write(to: Path, changed: Any) -> None:
        text = json.dumps(changed).encode()
        head = struct.pack("<QQqQQQQHHHHIIQQHHHHIIQQQQ", *fields[:-1], len(text))
        to.write_bytes(head + data[len(head) : at] + text)

    return json.loads(data[at : at + size].rstrip(b"\0")), write


def gpio_recording() -> tuple[Any, Callable[[Path, Any], object]]:
    packets = make_gpio.random_packets(np.random.default_rng(1), 40)
    session = {
        "adMode": "ad", "ad": {"clock": 1000}, "microscope": {"dualColor": {"enabled": True}, "focus": 3, "gain": 1.5},
        "animal": {"weight": 20}, "processingInterface": {"recordingUUID": "x"},
    }  # fmt: skip
    return session, lambda to, changed: to.write_bytes(make_gpio.gpio_file(packets, changed))


def imu_recording() -> tuple[Any, Callable[[Path, Any], object]]:
    axes = np.arange(60).reshape(20, 3)
    timing = {
        "start": make_gpio.instant(1_600_000_000_123),
        "end": make_gpio.instant(1_600_000_000_523),
        "accelerometer": make_gpio.sensor((20_570_732, 1_000_000), 21, [3]),
        "magnetometer": make_gpio.sensor((411_414_640, 1_000_000), 2),
    }
    return {"timingInfo": timing, "more": 1.5}, lambda to, changed: to.write_bytes(
        make_gpio.imu_file(axes, axes[:2], axes, changed)
    )


def xml_recording() -> tuple[Any, Callable[[Path, Any], object]]:
    numbers = {
        "frames": 5,
        "width": 3,
        "height": 2,
        "left": 10,
        "top": -20,
        "fps": 15.5,
        "gain": 2,
        "dropped": [1, 3],
    }

    def write(to: Path, changed: Any) -> None:
        pages = list(np.arange(18, dtype=np.uint16).reshape(3, 2, 3))
        (to.parent / "a.tif").write_bytes(make_movies.tiff_bytes(pages))
        texts = {key: json.dumps(value) for key, value in changed.items()}
        texts |= {"record_start": "Jul 14, 2017 02:40:00.123000 PM", "downsample": f"{texts['gain']} x 2"}
        to.write_text(make_movies.xml_text(texts, ["a.tif"]), encoding="utf-8")

    return numbers, write


def hdf5_movie() -> tuple[Any, Callable[[Path, Any], object]]:
    frames = np.arange(24, dtype=np.uint16).reshape(4, 2, 3)
    return [1.5e9, 1.5e9 + 0.05, 1.5e9 + 0.1, 1.5e9 + 0.15], lambda to, changed: make_movies.write_hdf5(
        to, frames, np.array(changed, dtype=np.float64)
    )


def hdf5_signals() -> tuple[Any, Callable[[Path, Any], object]]:
    def write(to: Path, changed: Any) -> None:
        import h5py

        with h5py.File(to, "w") as file:
            file["timeStamp"] = np.array(changed["times"], np.float64)
            file["anc_data"] = np.full((3, 15), 0x1234, np.uint16)
            counts = np.clip(np.array(changed["counts"], np.float64), -(2**31), 2**31 - 1)
            file["anc_data_count"] = counts.astype(np.int32)

    return {"times": [1.5e9, 1.5e9 + 1], "counts": [3, 15, 1]}, write


KINDS: dict[str, Callable[[], tuple[Any, Callable[[Path, Any], object]]]] = {
    "lines.isxd": movie_with_lines,
    **{
        f"{name.rsplit('/')[-1]}": lambda name=name: golden(name)  # type: ignore[misc]
        for name in (
            "movies/u16_invalid.isxd", "movies/version0.isxd", "movies/image.isxd", "movies/extra2.isxd",
            "sets/cellset_metrics.isxd", "sets/cellset_version0.isxd", "sets/eventset_first_layout.isxd",
            "sets/vesselset_diameter_no_center.isxd", "sets/vesselset_rbc_written.isxd", "csv/events_a.isxd",
            "gpio/set_v1_analog.isxd", "gpio/nv3_dual_color.exported.isxd", "gpio/imu_dropped.exported.isxd",
        )
    },
    "behavior.isxb": tracked_behavior,
    "compressed.isxc": compressed,
    "recording.gpio": gpio_recording,
    "recording.imu": imu_recording,
    "recording.xml": xml_recording,
    "movie.hdf5": hdf5_movie,
    "signals.hdf5": hdf5_signals,
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_metadata(name, tmp_path):
    if name.endswith("hdf5"):
        pytest.importorskip("h5py")
    metadata, write = KINDS[name]()
    out = tmp_path / "out"
    out.mkdir()
    path = tmp_path / name
    write(path, metadata)
    use(path, out)
    assert attempt(isx.open, path) is not None
    tried = 0
    for what, changed in variants(metadata):
        write(path, changed)
        try:
            use(path, out)
        except Exception as error:
            error.add_note(f"{name}: {what}")
            raise
        tried += 1
    assert tried


# -- binary headers and packets --------------------------------------------------------------------------

WORDS = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
HEADERS = {
    "isxb/tracking.isxb": 96,
    "isxb/raw_dropped.isxc": 136,
    "gpio/nv3_dual_color.gpio": 120,
    "gpio/nvoke_analog.raw": 120,
    "gpio/imu_dropped.imu": 112,
    "sets/eventset_written.isxd": 60,
    "gpio/set_v1.isxd": 160,
    "movies/movie.tif": 80,
}


@pytest.mark.parametrize("name", HEADERS)
def test_binary_numbers(name, tmp_path):
    data = (DATA / name).read_bytes()
    out = tmp_path / "out"
    out.mkdir()
    path = tmp_path / Path(name).name
    places = [(at, form) for form in ("<I", "<Q") for at in range(0, HEADERS[name] - 7, 4)]
    for k, (at, form) in enumerate(places):
        for j, word in enumerate(WORDS):
            if (k + j) % STRIDE or word >= 256 ** struct.calcsize(form):
                continue
            path.write_bytes(data[:at] + struct.pack(form, word) + data[at + struct.calcsize(form) :])
            try:
                use(path, out)
            except Exception as error:
                error.add_note(f"{name}: {word} at byte {at} as {form}")
                raise


@pytest.mark.parametrize("stamp", [0, 1, 2**31, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_hardware_time_stamps(tmp_path, stamp):
    """Of frames and of what they are aligned to."""
    frame = microscope(tmp_path / "m.isxd", [5, stamp, 9], num_samples=4, dropped=[1])
    camera = behavior(tmp_path / "b.isxb", [stamp, 11_050_000])
    reference = gpio(tmp_path / "g.isxd", points=[(0, 5, 1.0), (2, stamp, 2.0)])
    out = tmp_path / "out"
    out.mkdir()
    for path in (frame, camera, reference):
        use(Path(path), out)
    for clock in ("start", "unix", "tsc"):
        paths = [str(path) for path in (frame, camera, reference)]
        names = [str(tmp_path / f"{clock}{i}.csv") for i in range(3)]
        attempt(
            isx.export_aligned_timestamps,
            paths[0],
            paths[1:],
            names[0],
            clock,
            allowed=(ValueError, TypeError),
        )
    attempt(isx.align_start_times, reference, [frame, camera], allowed=(ValueError,))


def test_inputs_that_failed(tmp_path):
    """Periods and starts of an `.imu` file whose products do not fit into 64 bits."""
    out = tmp_path / "out"
    out.mkdir()
    _, write = imu_recording()
    for num, den in [(2**62, 3), (2**63 - 1, 2**62), (2**40, 1), (3, 2**62)]:
        metadata, _ = imu_recording()
        metadata["timingInfo"]["accelerometer"]["periodMs"] = {"num": num, "den": den}
        write(tmp_path / "x.imu", metadata)
        use(tmp_path / "x.imu", out)
        metadata["timingInfo"]["start"]["secsSinceEpoch"] = {"num": num, "den": den}
        write(tmp_path / "x.imu", metadata)
        use(tmp_path / "x.imu", out)
