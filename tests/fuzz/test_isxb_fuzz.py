"""Damaged behaviour movies end in data or an IsxError, quickly and without large allocations."""

from __future__ import annotations

import contextlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders.isxb import isxb, jpeg, session
from builders.jpeg import jpeg_of_levels

LEVELS = np.arange(2, dtype=np.uint8).reshape(1, 2)


def tracked() -> dict[str, Any]:
    zone = {
        "id": 5, "name": "z", "enable": True, "description": "",
        "geometry": {"type": "polygon", "coordinates": [[1, 2], [3, 4], [5, 6]]},
    }  # fmt: skip
    return session(16, 8, trackingInterface=[{"cameraName": "top", "zones": [zone]}])


def small(path: Path) -> bytes:
    images = [jpeg_of_levels(LEVELS + 10 * k, 16, 8, sampling=((1, 1),)) for k in range(2)]
    frames = [
        {
            "fc": k,
            "tsc": k * 10,
            "tracker": {"box": [1, 2, 3, 4], "conf": 5, "zones": [{"id": 5, "name": "z"}]},
        }
        for k in range(2)
    ]
    return isxb(path, images, tracked(), frames).read_bytes()


def read_all(path: Path) -> int:
    """Everything a caller can ask for; the number of frames that could be read."""
    good = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", isx.IsxWarning)
        try:
            opened = isx.Movie.read(path)
        except isx.IsxError:
            return 0
        with opened:
            for use in (
                lambda: opened.tracking and (opened.tracking.zone_ids, opened.tracking.occupancy),
                opened.get_acquisition_info,
                lambda: opened.timestamps,
                lambda: str(opened),
            ):
                with contextlib.suppress(isx.IsxError):
                    use()
            for k in range(min(len(opened), 5)):
                with contextlib.suppress(isx.IsxError):
                    assert opened.get_frame_data(k).shape == opened.shape[1:]
                    good += 1
    return good


def test_cut_at_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "m.isxb"
    data = small(path)
    assert read_all(path) == 2
    ends = [at + 2 for at in range(len(data)) if data[at : at + 2] == b"\xff\xd9"]
    assert len(ends) == 2
    for size in range(len(data)):
        path.write_bytes(data[:size])
        assert read_all(path) == sum(end <= size for end in ends)


def test_any_byte_changed(tmp_path: Path) -> None:
    path = tmp_path / "m.isxb"
    data = small(path)
    rng = np.random.default_rng(7)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] = rng.choice([0, 0xFF, changed[position] ^ 1 << rng.integers(8)])
        path.write_bytes(changed)
        read_all(path)


@pytest.mark.parametrize("offset", range(0, 96, 8))
def test_absurd_header_fields(tmp_path: Path, offset: int) -> None:
    path = tmp_path / "m.isxb"
    data = small(path)
    for value in (0, 1, 95, 97, len(data), 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1):
        path.write_bytes(data[:offset] + value.to_bytes(8, "little") + data[offset + 8 :])
        read_all(path)


ODD: list[Any] = [None, True, -1, 1.5, 1e300, 10**400, "x", "", [], [None], {}, {"a": []}, [[1, 2]]]


def replaced(value: Any, odd: Any) -> list[Any]:
    """Copies of a JSON value, each with another member replaced."""
    made = [odd]
    if isinstance(value, dict):
        made += [{**value, key: new} for key, inner in value.items() for new in replaced(inner, odd)]
    elif isinstance(value, list):
        made += [
            [*value[:k], new, *value[k + 1 :]]
            for k, inner in enumerate(value)
            for new in replaced(inner, odd)
        ]
    return made


@pytest.mark.parametrize("odd", ODD, ids=[str(k) for k in range(len(ODD))])
def test_any_member_replaced(tmp_path: Path, odd: Any) -> None:
    path = tmp_path / "m.isxb"
    image = jpeg(np.zeros((8, 16), np.uint8))
    tracker = {"box": [1, 2, 3, 4], "conf": 5, "zones": [{"id": 5, "name": "z", "event": "e", "trig": "t"}]}
    frames = {"droppedFrames": [1], "samples": [{"fc": 0, "tsc": 1, "tracker": tracker}, {"fc": 2, "tsc": 9}]}
    meta = tracked()
    for changed in replaced(meta, odd):
        read_all(isxb(path, [image] * 2, changed, frames, drops=1))
    for changed in replaced(frames, odd):
        read_all(isxb(path, [image] * 2, meta, json.dumps(changed).encode(), drops=1))


def test_images_of_random_bytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    alphabet = np.frombuffer(b"\xff\xff\xff\xd8\xd9\xda\xc0\xc4\xdb\x00\x01\x08\x10\x11", np.uint8)
    path = tmp_path / "m.isxb"
    for _ in range(100):
        images = [b"\xff\xd8" + rng.choice(alphabet, 200).tobytes() + b"\xff\xd9" for _ in range(3)]
        read_all(isxb(path, images, session(16, 8)))
