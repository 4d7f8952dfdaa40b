"""GPIO and IMU sets of every format against what the vendor's package makes of them."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest

import isx

DATA = Path(__file__).parent / "data" / "gpio"
CASES = sorted(path.name.removesuffix(".expected.json") for path in DATA.glob("*.expected.json"))

#: Cases with lost or damaged packets, which this package tells of.
DAMAGED = {"nv3_lost", "nv3_damaged", "nvoke_analog"}


def source(case: str) -> Path:
    (path,) = (
        p
        for p in DATA.glob(f"{case}.*")
        if p.suffix in (".gpio", ".raw", ".hdf5", ".imu", ".isxd") and "." not in p.stem
    )
    return path


def read(case: str) -> isx.GpioSet:
    if case not in DAMAGED:
        return isx.GpioSet.read(source(case))
    with pytest.warns(isx.IsxWarning, match="is damaged"):
        return isx.GpioSet.read(source(case))


@pytest.mark.parametrize("case", CASES)
def test_golden_values(case):
    expected = json.loads((DATA / f"{case}.expected.json").read_text())
    gpio = read(case)
    assert gpio.num_channels == expected["num_channels"]
    assert gpio.names == expected["names"]
    assert gpio.timing.num_samples == expected["num_samples"]
    assert gpio.timing.period.secs_float == expected["period_secs"]
    assert str(gpio.timing.start) == expected["start"]
    impl = gpio.timing.start._impl
    assert [impl.secs_since_epoch.num, impl.secs_since_epoch.den, impl.utc_offset] == expected[
        "start_num_den_utc"
    ]
    assert gpio.get_acquisition_info() == expected["acquisition_info"]
    for index, channel in enumerate(expected["channels"]):
        offsets, values = gpio.get_channel_data(index)
        assert offsets.dtype == np.uint64
        assert values.dtype == np.float32
        wanted = [np.nan if v is None else v for v in channel["values"]]
        np.testing.assert_array_equal(values, np.array(wanted, np.float32))
        # The vendor cuts some of the stored offsets by a microsecond; see docs/differences.md.
        stored = (offsets / 1e6 * 1e6).astype(np.uint64)
        np.testing.assert_array_equal(stored, np.array(channel["offsets"], np.uint64))


@pytest.mark.parametrize("time_ref", ["start", "unix"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_golden_csv(case, time_ref, tmp_path):
    out = tmp_path / "out.csv"
    isx.export_gpio_set_to_csv([source(case)], out, tmp_path / "not there", time_ref)
    assert out.read_bytes() == (DATA / f"{case}.{time_ref}.csv").read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("case", [c for c in CASES if (DATA / f"{c}.exported.isxd").exists()])
@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_golden_isxd(case, tmp_path):
    """Byte for byte but for the name and version of the producer."""
    expected = json.loads((DATA / f"{case}.expected.json").read_text())["exported_isxd"]
    isx.export_gpio_to_isxd(source(case), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == expected
    ours = (tmp_path / expected[0]).read_bytes()
    theirs = (DATA / f"{case}.exported.isxd").read_bytes()
    assert without_producer(ours) == without_producer(theirs)


def without_producer(content: bytes) -> bytes:
    """A file without its producer and the length of its metadata, which depends on it."""
    (length,) = struct.unpack("<Q", content[-8:])
    assert content[-9] == 0
    body, text = content[: -9 - length], content[-9 - length : -9]
    return body + re.sub(rb'"producer": \{.*?\}', b"", text, flags=re.DOTALL)
