"""Compressed movies whose expansion the vendor's library made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx

pytest.importorskip("av")

DATA = Path(__file__).parents[1] / "data" / "isxb"
NAMES = sorted(path.stem for path in DATA.glob("*.isxc"))


def answer(name: str) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    arrays = np.load(DATA / f"{name}.isxc.expected.npz")
    return (
        json.loads((DATA / f"{name}.isxc.expected.json").read_text("utf-8")),
        arrays["frames"],
        arrays["headers"],
    )


def test_all_cases_are_here() -> None:
    assert len(NAMES) == 5


def assert_movie(movie: isx.Movie, name: str) -> None:
    expected, frames, _headers = answer(name)
    timing = movie.timing
    start = timing.start._impl
    assert timing.num_samples == expected["num_samples"]
    assert timing.dropped == expected["dropped"]
    assert [timing.period._impl.num, timing.period._impl.den] == expected["period"]
    assert [start.secs_since_epoch.num, start.secs_since_epoch.den] == expected["start"]
    assert start.utc_offset == expected["utc_offset"]
    assert list(movie.spacing.num_pixels) == expected["num_pixels"]
    assert movie.data_type is np.uint16
    np.testing.assert_array_equal(list(movie), frames)
    np.testing.assert_array_equal(movie[:], frames)
    for index in np.random.default_rng(0).permutation(np.repeat(np.arange(len(movie)), 2)).tolist():
        np.testing.assert_array_equal(movie.get_frame_data(index), frames[index])
    if isinstance(expected["timestamps"], str):
        with pytest.raises(isx.IsxError, match="No frame timestamps stored in movie"):
            movie.get_frame_timestamp(0)
    else:
        assert [movie.get_frame_timestamp(i) for i in range(len(movie))] == expected["timestamps"]
        assert movie.timestamps.tolist() == expected["timestamps"]
        valid = timing.get_valid_samples()
        assert [movie.get_frame_header(int(i)).timestamp for i in valid] == [
            expected["timestamps"][i] for i in valid
        ]


@pytest.mark.parametrize("name", NAMES)
def test_read_directly(name: str) -> None:
    with isx.Movie.read(DATA / f"{name}.isxc") as movie:
        assert_movie(movie, name)


@pytest.mark.parametrize("name", NAMES)
def test_decompressed(name: str, tmp_path: Path) -> None:
    expected, frames, headers = answer(name)
    steps: list[tuple[int, int]] = []
    path = Path(isx.decompress(DATA / f"{name}.isxc", tmp_path, progress=lambda *step: steps.append(step)))
    assert path == tmp_path / expected["output_name"]
    with isx.Movie.read(path) as movie:
        assert_movie(movie, name)
        assert movie.metadata["producer"]["name"] == "isx"
        assert {**(movie.metadata or {}), "producer": expected["isxd_json"]["producer"]} == expected[
            "isxd_json"
        ]
        valid = movie.timing.get_valid_samples()
    assert steps == [(k + 1, len(valid)) for k in range(len(valid))]
    # the whole body: header line, pixels, footer line of each frame
    lines = 2560 if expected["isxd_json"]["hasFrameHeaderFooter"] else 0
    pixels = frames[0].size
    body = np.fromfile(path, "<u2", len(valid) * (pixels + 2 * lines)).reshape(len(valid), -1)
    np.testing.assert_array_equal(body[:, lines : lines + pixels], frames[valid].reshape(len(valid), -1))
    if lines:
        np.testing.assert_array_equal(body[:, :lines], headers[valid])
    assert not body[:, lines + pixels :].any()


def test_decompressed_again_gets_a_number(tmp_path: Path) -> None:
    source = tmp_path / "a.b.isxc"
    source.write_bytes((DATA / "raw.isxc").read_bytes())
    names = [Path(isx.decompress(source, tmp_path)).name for _ in range(3)]
    assert names == ["a-decompressed.isxd", "a-decompressed_000.isxd", "a-decompressed_001.isxd"]
