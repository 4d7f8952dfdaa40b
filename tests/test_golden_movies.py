"""Every golden movie and image reads as the vendor's package reads it; every malformed one is refused."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx

DATA = Path(__file__).parent / "data" / "movies"
EXPECTED = sorted(DATA.glob("*.expected.json"))
REFUSED = json.loads((DATA / "refused.json").read_text())

#: White space behind the container is skipped with a warning instead (docs/formats/isxd.md).
REPAIRED = {"extra_newline.isxd"}

#: Texts that callers may look for; the wording of others is free.
PROMISED = (
    "Error while seeking to length of JSON header at end.",
    "Error while seeking to beginning of JSON header at end.",
    "Error while parsing JSON header: parse error - unexpected end of input",
    "Error while parsing JSON header: parse error - ",
    "File extension not supported: ",
    "Failed to open TIFF file: ",
)


def expected_of(path: Path) -> tuple[dict[str, Any], Path]:
    return json.loads(path.read_text()), path.with_name(path.name.removesuffix(".expected.json"))


def pair(impl: Any) -> list[int]:
    return [impl.num, impl.den]


@pytest.mark.parametrize("path", EXPECTED, ids=lambda p: p.name.split(".expected")[0])
def test_reads_as_the_vendor_does(path):
    want, file = expected_of(path)
    caught = pytest.warns(isx.IsxWarning) if file.stem == "truncated" else contextlib.nullcontext()
    with caught:
        movie = isx.Movie.read(file)
    timing, spacing = movie.timing._impl, movie.spacing._impl
    assert {
        "num_samples": movie.timing.num_samples,
        "period": pair(timing.step),
        "start": pair(timing.start.secs_since_epoch),
        "utc_offset": timing.start.utc_offset,
        "start_str": str(movie.timing.start),
        "timing_str": str(movie.timing),
        "dropped": movie.timing.dropped,
        "cropped": [list(r) for r in movie.timing.cropped],
        "blank": movie.timing.blank,
        "offsets_since_start": [pair(d._impl) for d in movie.timing.get_offsets_since_start()],
        "num_pixels": list(movie.spacing.num_pixels),
        "pixel_size": [pair(spacing.pixel_width), pair(spacing.pixel_height)],
        "left": pair(spacing.left),
        "top": pair(spacing.top),
        "data_type": np.dtype(movie.data_type).name,
        "acquisition_info": movie.get_acquisition_info(),
    } == {key: value for key, value in want.items() if key not in ("frames", "timestamps")}
    info = movie.get_acquisition_info()
    assert info is None or list(info) == list(want["acquisition_info"])
    for i, frame in enumerate(want["frames"]):
        assert_frame(movie, i, frame)
    for i, stamp in enumerate(want["timestamps"]):
        assert_timestamp(movie, i, stamp)
    movie.close()


def assert_frame(movie: isx.Movie, index: int, want: dict[str, Any]) -> None:
    if "error" in want:
        with pytest.raises(isx.IsxError, match="Error reading movie frame"):
            movie.get_frame_data(index)
        return
    frame = movie.get_frame_data(index)
    assert (frame.dtype.name, list(frame.shape)) == (want["dtype"], want["shape"])
    assert frame.flags.c_contiguous
    assert frame.flags.writeable
    assert frame.astype(frame.dtype.newbyteorder("<")).tobytes() == base64.b64decode(
        want["base64_little_endian"]
    )
    np.testing.assert_array_equal(movie[index], frame)


def assert_timestamp(movie: isx.Movie, index: int, want: Any) -> None:
    if not isinstance(want, dict):
        assert movie.get_frame_timestamp(index) == want
        return
    with pytest.raises(isx.IsxError, match=re.escape(want["error"].split("\n")[-1])):
        movie.get_frame_timestamp(index)


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in REPAIRED])
def test_malformed_files_are_refused(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(base64.b64decode(REFUSED[name]["bytes_base64"]))
    with pytest.raises(isx.IsxFileError) as caught:
        isx.Movie.read(path)
    message = str(caught.value)
    assert str(path) in message
    said = REFUSED[name]["message"].partition("\n")[2]
    if said.startswith("Expected data set") and "type: . " not in said:
        assert said in message
    promised = next((text for text in PROMISED if said.startswith(text)), "")
    if not name.endswith(".isxc"):  # which only this package reads, and so refuses for what is in it
        assert promised in message


@pytest.mark.parametrize("name", sorted(REPAIRED))
def test_repairable_files_are_read_with_one_warning(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(base64.b64decode(REFUSED[name]["bytes_base64"]))
    with pytest.warns(isx.IsxWarning, match="ignored 1 byte behind the data") as caught:
        movie = isx.Movie.read(path)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(movie[:], np.arange(18, dtype=np.uint16).reshape(3, 2, 3))


def _written_bytes(path: Path) -> bytes:
    """A file with the vendor's producer and length in place of ours."""
    data = path.read_bytes()
    ours = b'"name": "isx",\n        "version": [\n            3,\n            0,\n            0\n'
    theirs = b'"name": "isxcore",\n        "version": [\n            2,\n            0,\n            1\n'
    assert data.count(ours) == 1
    size = int.from_bytes(data[-8:], "little") + len(theirs) - len(ours)
    return data.replace(ours, theirs)[:-8] + size.to_bytes(8, "little")


@pytest.mark.parametrize(("name", "dtype"), [("written_u16", np.uint16), ("written_f32", np.float32)])
def test_writes_the_bytes_of_the_vendor(name, dtype, tmp_path):
    start = isx.Time._from_secs_since_epoch(isx.Duration.from_msecs(1523469679261), 3600)
    timing = isx.Timing(
        num_samples=6,
        period=isx.Duration.from_usecs(33333),
        start=start,
        dropped=[5],
        cropped=[(3, 4), (2, 2)],
        blank=[0],
    )
    path = tmp_path / "movie.isxd"
    movie = isx.Movie.write(path, timing, isx.Spacing((2, 3)), dtype)
    for i in range(6):
        movie.set_frame_data(i, np.arange(6).reshape(2, 3).astype(dtype) + dtype(10 * i))
    movie.flush()
    movie.close()
    assert _written_bytes(path) == (DATA / f"{name}.isxd").read_bytes()


def test_writes_the_bytes_of_the_vendors_image(tmp_path):
    path = tmp_path / "image.isxd"
    data = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
    image = isx.Image.write(path, isx.Spacing((2, 3)), np.float32, data)
    assert image.mode == "w"
    assert _written_bytes(path) == (DATA / "written_image.isxd").read_bytes()


def test_golden_images_read_as_images():
    for name in ("image.isxd", "written_image.isxd"):
        want, file = expected_of(DATA / f"{name}.expected.json")
        image = isx.Image.read(file)
        assert_equal = np.dtype(want["data_type"])
        assert image.get_data().dtype == assert_equal
        assert image.get_data().tobytes() == base64.b64decode(want["frames"][0]["base64_little_endian"])
        assert image.get_data() is image.get_data()
    with pytest.raises(AttributeError, match="File has more than one frame"):
        isx.Image.read(DATA / "movie.tif")


def test_extensions_in_capitals(tmp_path):
    for name in ("movie.tif", "movie.hdf5", "u8.isxd"):
        copy = tmp_path / name.upper()
        copy.write_bytes((DATA / name).read_bytes())
        with isx.Movie.read(copy) as upper, isx.Movie.read(DATA / name) as lower:
            np.testing.assert_array_equal(upper[:], lower[:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        isx.Movie.read(DATA / "recording_tif.xml").close()
