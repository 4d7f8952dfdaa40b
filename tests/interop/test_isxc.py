"""Random compressed movies, expanded here and by the vendor's C library."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders.isxc import counter_values, isxc, session
from openisx._formats.isxd.container import open_container, trailer_bytes

pytest.importorskip("av")

from builders.video import LOSSLESS, video

EXPAND = """
import ctypes, glob, os
library = glob.glob(os.path.join(os.path.dirname(isx.__file__), "**", "libisxpublicapi*"), recursive=True)[0]
function = ctypes.CDLL(library).isx_decompress
function.argtypes, function.restype = [ctypes.c_char_p, ctypes.c_char_p], ctypes.c_int
out = function(source.encode(), folder.encode())
"""


def without_producer(path: str) -> bytes:
    """The bytes of an `.isxd` file, its producer replaced."""
    file, container = open_container(path)
    file.close()
    body = Path(path).read_bytes()[: container.body_size]
    return body + trailer_bytes({**container.metadata, "producer": None})


@pytest.mark.parametrize("kind", ["raw", "intra", "groups"])
@pytest.mark.parametrize("seed", range(6))
def test_expanded_alike(tmp_path: Path, vendor: Any, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    tile = (int(rng.integers(1, 5)) * 8, int(rng.integers(1, 5)) * 16)
    rows, columns = (int(n) for n in rng.integers(1, 4, 2))
    shape = (tile[0] * rows, tile[1] * columns)
    stored = int(rng.integers(3, 9))
    dropped = tuple(sorted(rng.choice(stored, int(rng.integers(0, 3)), replace=False).tolist()))
    if seed % 2 == 0:  # without sensor values the vendor loses as many stored frames as samples were dropped
        dropped = ()
    luma = np.cumsum(rng.integers(0, 9, (stored, *shape)), axis=0).astype(np.uint8)
    tiles = rng.integers(0, 256, (stored, rows * columns), dtype=np.uint8)
    stamps = 10**9 + np.cumsum(rng.integers(30_000, 60_000, stored))
    values = [np.zeros((stored, 0), np.uint16), counter_values(stamps, int(rng.integers(8, 23)))][seed % 2]
    extra = (
        {"extraProperties": {"producer": {"version": "2.0.0"}, "x": [1, 2.50, "µ"]}}
        if rng.random() < 0.7
        else {}
    )
    meta = session(stored + len(dropped), shape, dropped, **extra)
    path = isxc(tmp_path / "m.isxc", video(luma, **LOSSLESS[kind]), tiles, meta, shape, tile, values)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    assert vendor.run(EXPAND, source=str(path), folder=str(theirs)) == 0
    assert os.listdir(theirs) == ["m-decompressed.isxd"]
    ours = isx.decompress(path, tmp_path)
    assert without_producer(ours) == without_producer(str(theirs / "m-decompressed.isxd"))


def test_golden_files(tmp_path: Path, vendor: Any) -> None:
    for source in sorted(glob.glob(str(Path(__file__).parents[1] / "data" / "isxb" / "*.isxc"))):
        name = Path(source).stem
        theirs = tmp_path / name
        theirs.mkdir()
        assert vendor.run(EXPAND, source=source, folder=str(theirs)) == 0
        assert without_producer(isx.decompress(source, tmp_path)) == without_producer(
            str(theirs / f"{name}-decompressed.isxd")
        )
