"""Names that no file can have, and names of helper files."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

import isx
from openisx._files.paths import hidden


@pytest.mark.parametrize("name", ["a\0b.isxd", b"a\0b.isxd"])
@pytest.mark.parametrize("read", [isx.open, isx.Movie.read, isx.CellSet.read, isx.GpioSet.read, isx.recover])
def test_a_zero_byte_is_a_clear_error(read, name):
    with pytest.raises(isx.IsxFileError, match=r"Not a path: 'a\\x00b.isxd' holds a zero byte"):
        read(name)


def test_a_zero_byte_in_the_name_of_an_output(tmp_path):
    bad = f"{tmp_path}/a\0b.isxd"
    with pytest.raises(isx.IsxFileError, match="zero byte"):
        isx.Movie.write(bad, isx.Timing(num_samples=1), isx.Spacing((2, 2)), "uint16")
    with pytest.raises(isx.IsxFileError, match="zero byte"):
        isx.export_movie_to_tiff(["movie.isxd", bad], "out.tif")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes half characters in names")
def test_characters_that_names_cannot_have():
    with pytest.raises(isx.IsxFileError, match=r"Not a path: '\\ud800.isxd' holds characters"):
        isx.open("\ud800.isxd")


def test_helpers_of_long_names_have_short_names_of_their_own():
    assert hidden(os.path.join("folder", "a.isxd"), "x") == os.path.join("folder", ".a.isxd.x")
    assert hidden("n" * 100, "x") == "." + "n" * 100 + ".x"
    names = [hidden("é" * 110 + end, "x") for end in "ab"]
    assert names[0] != names[1]
    assert all(100 <= len(os.fsencode(name)) <= 103 for name in names)


def test_editing_a_file_of_the_longest_name(longest):
    cells = isx.CellSet.write(longest, isx.Timing(num_samples=2), isx.Spacing((2, 2)))
    cells.set_cell_data(0, np.ones((2, 2), np.float32), np.ones(2, np.float32), "C0")
    cells.flush()
    edited = isx.CellSet.read(longest, read_only=False)
    edited.set_cell_status(0, "accepted")
    edited.flush()
    assert isx.CellSet.read(longest).get_cell_status(0) == "accepted"
    assert list(longest.parent.iterdir()) == [longest]
