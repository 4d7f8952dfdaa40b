"""File name helpers and rules for paths."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import isx
from openisx._files import paths


@pytest.mark.parametrize(
    ("name", "stem", "extension"),
    [
        ("dir/a.b.c", "a", ".b.c"),
        ("a.tar.gz", "a", ".tar.gz"),
        ("x.isxd", "x", ".isxd"),
        ("noext", "noext", None),
        ("", "", None),
        (".hidden", ".hidden", ".hidden"),
        ("d.ir/noext", "noext", None),
        (Path("dir/é b.isxd"), "é b", ".isxd"),
    ],
)
def test_stem_and_extension(name, stem, extension):
    assert isx.get_file_stem(name) == stem
    if extension is None:
        with pytest.raises(ValueError, match="substring not found"):
            isx.get_file_extension(name)
    else:
        assert isx.get_file_extension(name) == extension


def test_output_paths():
    assert isx.make_output_file_path("in/a.b.xml", "out", "PP") == os.path.join("out", "a-PP.isxd")
    assert isx.make_output_file_path("a.isxd", "out") == os.path.join("out", "a.isxd")
    assert isx.make_output_file_path("a.isxd", "out", "", ".csv") == os.path.join("out", "a..csv")
    assert isx.make_output_file_path(Path("in/a.isxd"), Path("out"), ext="csv") == os.path.join(
        "out", "a.csv"
    )
    files = isx.make_output_file_paths(["a.isxd", Path("b.isxd")], "out", "BP", "tif")
    assert files == [os.path.join("out", f"{name}-BP.tif") for name in "ab"]


@pytest.mark.parametrize(
    ("given", "listed"), [("a", ["a"]), (Path("a"), ["a"]), (["a", Path("b")], ["a", "b"]), (("a",), ["a"])]
)
def test_one_path_or_several(given, listed):
    assert paths.as_paths(given) == listed
    assert paths.as_paths(iter(listed)) == listed


def test_what_is_no_path():
    with pytest.raises(ValueError, match="no input files"):
        paths.as_paths([])
    for wrong in (None, 5, [None], [5]):
        with pytest.raises(TypeError):
            paths.as_paths(wrong)


@pytest.mark.parametrize(
    ("name", "ending"), [("a.ISXD", "isxd"), ("a.b.tif", "tif"), ("a", ""), (".isxd", ""), ("a.", "")]
)
def test_extension(name, ending):
    assert paths.extension(name) == ending
    assert paths.extension(os.path.join("some.folder", name)) == ending
