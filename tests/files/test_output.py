"""Where outputs may go."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import isx
from openisx._files.output import OutputFile


def write(path: str | Path, **options: bool) -> None:
    with OutputFile(path, **options) as output:
        output.write(b"new")


def test_names_that_end_like_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"mine")
    for name in ("a.csv", "b.csv"):
        for options in ({}, {"overwrite": True}):
            with pytest.raises(isx.IsxFileError, match="the name of the file is empty"):
                write(f"{tmp_path / name}/", **options)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.csv", b"mine")]


def test_replacing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"old")
    write(tmp_path / "a.csv", overwrite=True)
    assert (tmp_path / "a.csv").read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    with pytest.raises(isx.IsxFileError, match="it is a folder"):
        write(tmp_path / "folder", overwrite=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes among files")
def test_devices_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(isx.IsxFileError, match="device"):
        write(tmp_path / "pipe", overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]
    assert (tmp_path / "pipe").is_fifo()


def test_write_protected_files_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    path.chmod(0o444)
    if os.access(path, os.W_OK):
        pytest.skip("permissions do not bind this user")
    with pytest.raises(isx.IsxFileError, match="write-protected"):
        write(path, overwrite=True)
    assert path.read_bytes() == b"old"


def test_names_may_be_as_long_as_the_disk_takes(tmp_path: Path) -> None:
    for name in ("n" * 255, "é" * 126 + ".c"):
        try:
            (tmp_path / name).touch()
        except OSError:
            pytest.skip("this disk takes shorter names only")
        (tmp_path / name).unlink()
        write(tmp_path / name)
        assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"new"]
        (tmp_path / name).unlink()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other words for it")
def test_too_long_a_name_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(isx.IsxFileError, match=r"Unable to open file for writing.*too long"):
        OutputFile(tmp_path / ("n" * 300))
    assert not list(tmp_path.iterdir())


def test_a_rename_that_fails_keeps_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(
        isx.IsxFileError, match=r"a\.csv: Operation not permitted\. The complete content is in"
    ):
        write(tmp_path / "a.csv")
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() == b"new"
    write(tmp_path / "b.csv", overwrite=True)  # which takes another way
