"""GPIO and IMU recordings against the vendor's package: values, the `.isxd` made of them, and CSV text."""

from __future__ import annotations

import re
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

import isx

sys.path.insert(0, str(Path(__file__).parents[1]))
from builders import gpio as make

pytestmark = pytest.mark.filterwarnings("ignore::isx.IsxWarning")

READ = """
import os, shutil, tempfile
g = isx.GpioSet.read(path)
s = g.timing.start._impl
out = {
    "names": [g.get_channel_name(i) for i in range(g.num_channels)],
    "data": [g.get_channel_data(i) for i in range(g.num_channels)],
    "timing": str(g.timing),
    "epoch": (s.secs_since_epoch.num, s.secs_since_epoch.den, s.utc_offset),
    "period": (g.timing._impl.step.num, g.timing._impl.step.den),
}
try:
    out["info"] = g.get_acquisition_info()
except Exception as error:
    out["info"] = repr(error)
folder = tempfile.mkdtemp()
if not path.endswith(".isxd"):
    isx.export_gpio_to_isxd(path, folder)
    (name,) = os.listdir(folder)
    out["isxd"] = name, open(os.path.join(folder, name), "rb").read()
for ref in ("start", "unix"):
    csv = os.path.join(folder, ref)
    isx.export_gpio_set_to_csv([path], csv, folder, ref)
    out[ref] = open(csv, "rb").read()
shutil.rmtree(folder)
"""


def without_producer(content: bytes) -> bytes:
    (length,) = struct.unpack("<Q", content[-8:])
    body, text = content[: -9 - length], content[-9 - length : -9]
    return body + re.sub(rb'"producer": \{.*?\}', b"", text, flags=re.DOTALL)


def cut(offsets: np.ndarray, start: tuple[int, int, int]) -> np.ndarray:
    """The vendor's way from stored offsets to those it shows (docs/differences.md)."""
    num, den, _ = start
    common = int(np.lcm(den, 1_000_000))
    scale = common // 1_000_000
    assert num * (common // den) + int(offsets.max(initial=0)) * scale < 2**63
    return (offsets.astype(np.int64) * scale / common * 1e6).astype(np.uint64)


def compare(vendor, path, *, csv: bool = True, info: bool = True) -> isx.GpioSet:
    theirs = vendor.run(READ, path=str(path))
    ours = isx.GpioSet.read(path)
    assert ours.names == theirs["names"]
    assert str(ours.timing) == theirs["timing"]
    step = ours.timing._impl.step
    assert (step.num, step.den) == theirs["period"]
    for index, (offsets, values) in enumerate(theirs["data"]):
        mine, own_values = ours.get_channel_data(index)
        np.testing.assert_array_equal(cut(mine, theirs["epoch"]), offsets, err_msg=ours.names[index])
        np.testing.assert_array_equal(own_values, values, err_msg=ours.names[index])
    if info:
        assert ours.get_acquisition_info() == theirs["info"]
    folder = path.parent / f"{path.name}.out"
    folder.mkdir()
    if "isxd" in theirs:
        name, content = theirs["isxd"]
        isx.export_gpio_to_isxd(path, folder)
        assert without_producer((folder / name).read_bytes()) == without_producer(content)
    if csv:
        for ref in ("start", "unix"):
            isx.export_gpio_set_to_csv(path, folder / ref, time_ref=ref)
            assert (folder / ref).read_bytes() == theirs[ref]
    return ours


@pytest.fixture
def check(vendor, tmp_path):
    def check(name: str, content: bytes, **options) -> isx.GpioSet:
        (tmp_path / name).write_bytes(content)
        return compare(vendor, tmp_path / name, **options)

    return check


@pytest.mark.parametrize("seed", range(6))
def test_sound_gpio(check, seed):
    rng = np.random.default_rng(seed)
    codes = list(make.PAYLOADS) if seed % 2 else [1, *rng.choice(np.arange(1, 14), 3)]
    packets = make.random_packets(rng, 1500, codes=codes)
    session = {"ad": {"clock": int(rng.integers(1, 9000))}, "name": "s", "value": 0.1} if seed > 1 else None
    gpio = check(
        "x.gpio", make.gpio_file(packets, session, start=[(1600000000123, 1000), (1600000000, 1)][seed % 2])
    )
    assert gpio.statistics.damage == ""
    assert gpio.statistics.packets == 1500


@pytest.mark.parametrize("seed", range(12))
def test_lost_and_damaged_gpio(check, seed):
    rng = np.random.default_rng(100 + seed)
    packets = make.random_packets(
        rng, 600, loss=0.03 if seed % 2 else 0, odd=0.1, longest_wait=4 if seed % 3 else 3000
    )
    check("x.gpio", make.gpio_file(packets, {"processingInterface": {"recordingUUID": "u"}}))


@pytest.mark.parametrize("seed", range(4))
def test_counters_that_wrap(check, seed):
    rng = np.random.default_rng(200 + seed)
    packets = make.random_packets(
        rng, 300, time=2**32 * (seed + 1) - 200_000, sequence=2**32 - 100, loss=0.02 * seed
    )
    check("x.gpio", make.gpio_file(packets, utc=-3600 * seed))


@pytest.mark.parametrize("seed", range(4))
def test_many_seconds_over_several_blocks(check, seed, monkeypatch):
    """Small blocks, so that packets, losses and junk lie across their borders."""
    monkeypatch.setattr("openisx._formats.gpio.points._BLOCK_WORDS", [7, 64, 1000, 4096][seed])
    rng = np.random.default_rng(300 + seed)
    packets = make.random_packets(rng, 2000 if seed else 300, loss=0.01, odd=0.05, longest_wait=20_000)
    check("x.gpio", make.gpio_file(packets))


@pytest.mark.parametrize("seed", range(8))
def test_corrupted_in_the_middle(check, seed, tmp_path):
    """Random bytes over a part, words cut out, junk put in; the vendor's reading of a cut last packet is undefined."""
    rng = np.random.default_rng(400 + seed)
    content = bytearray(make.gpio_file(make.random_packets(rng, 400)))
    first = int(rng.integers(60, len(content) - 400))
    if seed % 3 == 0:
        content[first : first + 100] = rng.integers(0, 256, 100, dtype=np.uint8).tobytes()
    elif seed % 3 == 1:
        del content[first : first + 4 * int(rng.integers(1, 50))]
    else:
        content[first:first] = rng.integers(0, 256, 4 * int(rng.integers(1, 50)), dtype=np.uint8).tobytes()
    try:
        gpio = check("x.gpio", bytes(content))
    except Exception as error:
        if "negative offset" not in str(error):  # of a time stamp of more than 2^63
            raise
        gpio = isx.GpioSet.read(tmp_path / "x.gpio")
        assert all((channel.offsets < 2**63).all() for channel in gpio.channels.values())
    assert gpio.statistics.damage


def test_without_header(check):
    check("x.gpio", b"".join(make.random_packets(np.random.default_rng(1), 50)))


def test_short_header(check):
    content = struct.pack("<QQiIQ", 1600000000123, 1000, 7200, 32, 5)
    check("x.gpio", content + b"".join(make.random_packets(np.random.default_rng(2), 50)))


@pytest.mark.parametrize("session", [None, {}, {"adMode": "b", "ad": {"clock": 7}}])
@pytest.mark.parametrize("file_format", [2, 240])
def test_closed_loop(check, session, file_format):
    packets = make.random_packets(np.random.default_rng(3), 60, codes=[1, 7], loss=0.05)
    check("x.gpio", make.gpio_file(packets, session, file_format=file_format))


SESSIONS = [
    b"",
    b"null",
    b"[1]",
    b"5",
    b'"text"',
    b"{",
    b'\xef\xbb\xbf  {"a": 1}',
    b'{"a": 1} x',
    b'{"a": 1} \n\0 whatever',
    b'{"a": 1, "a": 2}',
    b'{"a": NaN}',
    b'\0{"a": 1}',
    b'{"a": 18446744073709551616, "b": -9223372036854775809, "c": 18446744073709551615}',
    b'{"adMode": "x", "x": {"clock": 4800.9}}',
    b'{"adMode": "x"}',
    b'{"adMode": 5, "ad": {"clock": 500}}',
    b'{"adMode": null, "ad": {"clock": 500}}',
    b'{"adMode": "x", "x": {"clock": "500"}}',
    b'{"adMode": "x", "x": {"clock": true}}',
    b'{"adMode": "x", "x": 5, "microscope": {"dualColor": {"enabled": true}}}',
    b'{"ad": {"clock": 500}, "autoAd": {"clock": 600}}',
    b'{"ad": {}, "autoAd": {"clock": 600}}',
    b'{"ad": null, "microscope": {"dualColor": {"enabled": true}}}',
    b'{"autoAd": {"clock": 600}, "microscope": {"dualColor": {"enabled": true}}}',
    b'{"microscope": {"dualColor": {"enabled": false}}}',
    b'{"microscope": {"dualColor": {"enabled": 1}}}',
    b'{"microscope": {"dualColor": {}}}',
    b'{"microscope": {"dualColor": null}}',
    b'{"microscope": {"dualColor": true}}',
    b'{"microscope": null}',
    b'{"microscope": "x"}',
    b'{"microscope": {}}',
    b'{"f": [1.0, 0.0, -0.0, 1e-7, 1e22, 3.141592653589793], "e": [], "o": {}, "t": "\\u0001/\\n\\u00e9"}',
    b'{"firstTsc": "x"}',
]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda text: text.decode("latin-1")[:40])
@pytest.mark.parametrize("file_format", [2, 240])
def test_session_texts(check, session, file_format):
    packets = make.random_packets(np.random.default_rng(5), 12, codes=[1, 8, 9])
    content = make.gpio_file(packets, session or b" ", file_format=file_format)
    check("x.gpio", content, info=False)


@pytest.mark.parametrize("seed", range(6))
def test_nvoke(check, seed):
    rng = np.random.default_rng(500 + seed)
    check("x.raw", make.random_raw(rng, 300, junk=0.05 * (seed % 3), analog=seed != 1))


@pytest.mark.parametrize("shape", ["F", "Fx1"])
@pytest.mark.parametrize("dtype", ["u1", "i4"])
@pytest.mark.parametrize("name", ["timeStamp", "timestamp"])
def test_nvista2(check, tmp_path, shape, dtype, name):
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(600)
    with h5py.File(tmp_path / "made.hdf5", "w") as file:
        file["images"] = np.zeros((40, 2, 2), "u2")
        file[name] = 1_400_000_000.123456 + np.arange(40) / 20
        file["anc_data"] = rng.integers(0, 65536, (40, 15)).astype("u2")
        counts = rng.integers(0, 16, 40).astype(dtype)
        file["anc_data_count"] = counts if shape == "F" else counts[:, None]
    check("x.hdf5", (tmp_path / "made.hdf5").read_bytes())


@pytest.mark.parametrize("seed", range(6))
def test_imu(check, seed):
    rng = np.random.default_rng(700 + seed)
    content = make.random_imu(
        rng, [1, 30, 500, 2000, 77, 40][seed], drop=0.1 * (seed % 3), magnetometer=seed != 5
    )
    check("x.imu", content)


TIMING = {"start": make.instant(1581619401465), "end": make.instant(1581619401700)}
SENSORS = {"accelerometer": make.sensor((20, 1), 4), "magnetometer": make.sensor((400, 1), 1)}


@pytest.mark.parametrize(
    "timing",
    [
        None,
        {"start": TIMING["start"]},
        TIMING,
        {**TIMING, "accelerometer": SENSORS["accelerometer"]},
        {**TIMING, "magnetometer": SENSORS["magnetometer"]},
        {**TIMING, **SENSORS, "accelerometer": {"numTimes": 4, "dropped": []}},
        {**TIMING, **SENSORS, "accelerometer": {"periodMs": make.fraction(20, 1), "dropped": []}},
        {**TIMING, **SENSORS, "magnetometer": {"periodMs": make.fraction(20, 1), "numTimes": 1}},
        {**TIMING, **SENSORS, "accelerometer": make.sensor((20, 1), 4, [9, 100])},
        {**TIMING, **SENSORS, "accelerometer": make.sensor((41, 2), 3)},
        {**TIMING, **SENSORS, "start": make.instant(1581619401, 1)},
        {**TIMING, **SENSORS, "start": make.instant(4744858204395, 3000)},
    ],
)
def test_imu_timing(check, timing, request):
    axes = np.arange(12).reshape(4, 3) * 100
    session = {"a": 1} if timing is None else {"timingInfo": timing}
    only_start = timing is not None and "end" not in timing
    if only_start:
        pytest.skip("the vendor's number of samples is nonsense here")
    # Magnetometer samples without any of the accelerometer are in our CSV only.
    check(
        "x.imu",
        make.imu_file(axes, axes[:1], -axes, session),
        csv=timing != {**TIMING, "magnetometer": SENSORS["magnetometer"]},
    )


# -- sets in `.isxd` files, and several files ----------------------------------------------------------------


def v2_set(rng, kind=3, channels=3, points=300, dense=0):
    """A set of the current layout with points in any order, some at equal times."""
    from openisx._formats.isxd.container import trailer_bytes

    names = (
        list(isx_imu_names())
        if kind == 7
        else [f"chan, {i}" if i == 2 else f"chan {i}" for i in range(channels)]
    )
    packets = np.zeros(points * (1 if kind == 3 else 9), [("o", "<u8"), ("c", "<u8"), ("v", "<f4")])
    if kind == 7:
        packets["c"] = np.repeat(np.arange(9), points)
        packets["o"] = np.tile(np.arange(points) * 20571, 9)
    else:
        packets["c"] = rng.integers(0, channels, points)
        packets["o"] = rng.integers(0, [50, 10**7][int(rng.integers(0, 2))], points)
    packets["v"] = rng.normal(size=len(packets)) * 1000
    packets["v"][rng.random(len(packets)) < 0.05] = np.nan
    start = int(rng.integers(1_500_000_000_000, 1_700_000_000_000))
    den = int(rng.choice([1, 1000, 3000, 1_000_000]))
    step = {"num": int(rng.integers(1, 50)), "den": int(rng.choice([1000, 999, 30]))}
    ratio = lambda num: {"secsSinceEpoch": {"num": num, "den": den}, "utcOffset": -3600}  # noqa: E731
    metadata = {
        "channel list": names,
        "extraProperties": {"name": "x", "personnel": {"name": "y"}},
        "fileType": 1,
        "fileVersion": 2,
        "global times": [ratio(start * den // 1000), ratio((start + 12_345) * den // 1000)],
        "metrics": None,
        "numSamples": [int((packets["c"] == i).sum()) for i in range(len(names))],
        "signalSteps": [step] * len(names),
        "signalTypes": [dense] * len(names),
        "startOffsets": [0] * len(names),
        "type": kind,
    }
    return packets.tobytes() + trailer_bytes(metadata)


def isx_imu_names():
    from openisx._formats.gpio.imu import IMU_CHANNELS

    return IMU_CHANNELS


@pytest.mark.parametrize("seed", range(10))
def test_isxd_sets(check, seed):
    rng = np.random.default_rng(800 + seed)
    # The vendor does not quote names in CSV; ours with a comma are compared elsewhere.
    gpio = check(
        "x.isxd",
        v2_set(rng, 7 if seed % 3 == 2 else 3, dense=seed % 2, channels=2 + seed % 2),
        csv=seed % 2 == 0,
    )
    assert gpio.num_channels


@pytest.mark.parametrize("ref", ["start", "unix"])
@pytest.mark.parametrize("kind", ["gpio", "imu"])
def test_several_files_in_one_table(vendor, tmp_path, kind, ref):
    rng = np.random.default_rng(900)
    paths = []
    for k in range(3):
        path = tmp_path / f"part{k}.{kind}"
        packets = make.random_packets(rng, 200, codes=[1, 3, 8])
        packets.insert(0, make.event(1, 0, 4_999_999_999, *[0] * 10))  # the same channels everywhere
        start = (1600000000123 + 70_000 * (2 - k), 1000)
        content = (
            make.gpio_file(packets, start=start) if kind == "gpio" else make.random_imu(rng, 100 + 30 * k)
        )
        path.write_bytes(content)
        paths.append(str(path))
    theirs = vendor.run(
        "import tempfile, os; d = tempfile.mkdtemp(); p = os.path.join(d, 'o.csv'); "
        "isx.export_gpio_set_to_csv(paths, p, d, ref); out = open(p, 'rb').read()",
        paths=paths,
        ref=ref,
    )
    isx.export_gpio_set_to_csv(paths, tmp_path / "ours.csv", time_ref=ref)
    assert (tmp_path / "ours.csv").read_bytes() == theirs


def test_vendor_reads_what_we_convert(vendor, tmp_path):
    (tmp_path / "x.gpio").write_bytes(
        make.gpio_file(make.random_packets(np.random.default_rng(1), 300), {"a": 1})
    )
    isx.export_gpio_to_isxd(tmp_path / "x.gpio", tmp_path)
    compare(vendor, tmp_path / "x_gpio.isxd")
