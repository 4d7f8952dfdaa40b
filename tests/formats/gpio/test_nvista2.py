"""GPIO signals in nVista 2 HDF5 files."""

from __future__ import annotations

import numpy as np
import pytest

import isx

h5py = pytest.importorskip("h5py")


def write(path, **data_sets):
    with h5py.File(path, "w") as file:
        for name, data in data_sets.items():
            file[name] = data
    return path


GOOD = {
    "timeStamp": np.array([1_400_000_000.25, 1_400_000_000.30]),
    "anc_data": np.array([[0x8421, 0x00F0, *[0xFFFF] * 13], [0x1111, *[0xFFFF] * 14]], "u2"),
    "anc_data_count": np.array([2, 1], "u1"),
}


def test_without_images(tmp_path):
    gpio = isx.GpioSet.read(write(tmp_path / "x.hdf5", **GOOD))
    assert gpio.names == ["IO1", "IO2", "sync", "trigger"]
    assert gpio["IO1"].offsets.tolist() == [1000 * i for i in range(12)]
    assert gpio["IO1"].values.tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 1]
    assert gpio["trigger"].values.tolist() == [0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    start = gpio.timing.start._impl.secs_since_epoch
    assert (start.num, start.den) == (1_400_000_000_250_000, 1_000_000)
    assert gpio.timing.num_samples == 12
    assert isinstance(isx.open(tmp_path / "x.hdf5"), isx.GpioSet)


def test_counts_above_the_width_are_cut(tmp_path):
    data = GOOD | {"anc_data_count": np.array([[200], [258]], "i4")}
    gpio = isx.GpioSet.read(write(tmp_path / "x.hdf5", **data))
    assert len(gpio["IO1"].values) == 4 * (15 + 2)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"timeStamp": None}, "Timestamps could not be read"),
        ({"timeStamp": np.zeros(0)}, "Timestamps could not be read"),
        ({"timeStamp": np.array([np.nan])}, "cannot be right"),
        ({"anc_data": None}, "Failure caused by H5File operations"),
        ({"anc_data_count": None}, "Failure caused by H5File operations"),
        ({"anc_data": np.zeros(5, "u2")}, "should hold integers"),
        ({"anc_data": np.zeros((5, 15), "f4")}, "should hold integers"),
        ({"anc_data": np.zeros((2, 0), "u2")}, None),
    ],
)
def test_damaged(tmp_path, change, text):
    data = {k: v for k, v in (GOOD | change).items() if v is not None}
    write(tmp_path / "x.hdf5", **data)
    if text is None:
        assert isx.GpioSet.read(tmp_path / "x.hdf5").timing.num_samples == 0
        return
    with pytest.raises(isx.IsxFormatError, match=text):
        isx.GpioSet.read(tmp_path / "x.hdf5")


def test_not_hdf5(tmp_path):
    (tmp_path / "x.hdf5").write_bytes(b"x" * 100)
    with pytest.raises(isx.IsxFormatError, match="H5File"):
        isx.GpioSet.read(tmp_path / "x.hdf5")
