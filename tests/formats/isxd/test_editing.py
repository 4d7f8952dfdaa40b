"""Editing the metadata of a file in place: every interruption leaves the old or the new state."""

from __future__ import annotations

import errno
import json
import os
import struct

import pytest

import isx
from openisx._files.source import InputFile
from openisx._formats.isxd.container import read_container
from openisx._formats.isxd.editing import edit_metadata

BODY = bytes(range(200))
OLD = {"type": 0, "note": "x" * 100}


def write(path, metadata) -> None:
    text = json.dumps(metadata).encode()
    path.write_bytes(BODY + text + b"\0" + struct.pack("<Q", len(text)))


def read(path):
    file = InputFile(str(path))
    container = read_container(file)
    file.close()
    return container.body_size, container.metadata


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file.isxd"
    write(path, OLD)
    return path


@pytest.mark.parametrize("note", ["", "y" * 100, "z" * 30_000])
def test_the_body_stays_and_nothing_is_left_behind(path, note):
    edit_metadata(str(path), lambda _: {"type": 0, "note": note})
    assert read(path) == (200, {"type": 0, "note": note})
    data = path.read_bytes()
    assert data[:200] == BODY
    (length,) = struct.unpack("<Q", data[-8:])
    assert len(data) == 200 + length + 9
    assert os.listdir(path.parent) == ["file.isxd"]


class Killed(BaseException):
    pass


class Mortal:
    """Stands in for ``open`` and ``os.unlink``: dies at change number `stop`, after half of a write."""

    def __init__(self, stop):
        self.left = stop

    def due(self):
        self.left -= 1
        return self.left < 0

    def open(self, name, mode, **kwargs):
        if mode == "wb" and self.due():
            raise Killed
        return MortalFile(open(name, mode, **kwargs), self)

    def unlink(self, name):
        if self.due():
            raise Killed
        os.remove(name)


class MortalFile:
    def __init__(self, file, mortal):
        self.file = file
        self.mortal = mortal

    def write(self, data):
        if self.mortal.due():
            self.file.write(data[: len(data) // 2])
            raise Killed
        return self.file.write(data)

    def truncate(self, *args):
        if self.mortal.due():
            raise Killed
        return self.file.truncate(*args)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.file.close()


def replace_open(patch, stand_in):
    for module in ("editing", "journal"):
        patch.setattr(f"openisx._formats.isxd.{module}.open", stand_in.open, raising=False)


def edit_and_die(path, new, stop, monkeypatch):
    """Edit a fresh file and be killed after `stop` changes; whether the edit was finished before."""
    write(path, OLD)
    for leftover in path.parent.glob(".*"):
        leftover.unlink()
    mortal = Mortal(stop)
    with monkeypatch.context() as patch:
        replace_open(patch, mortal)
        patch.setattr("openisx._formats.isxd.editing.unlink", mortal.unlink)
        try:
            edit_metadata(str(path), lambda _: new)
        except Killed:
            return False
    return True


@pytest.mark.parametrize("note", ["", "z" * 3000])
@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_killed_at_any_moment(path, note, monkeypatch):
    new = {"type": 0, "note": note}
    for stop in range(8):
        finished = edit_and_die(path, new, stop, monkeypatch)
        assert finished == (stop == 7)
        assert read(path)[1] in (OLD, new), f"unreadable after change {stop}"
    assert read(path) == (200, new)


@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_killed_edits_are_never_half_done(path, monkeypatch):
    """Texts of equal length: any mixture of the two would read, but be neither."""
    seen = set()
    for stop in range(8):
        edit_and_die(path, OLD | {"note": "y" * 100}, stop, monkeypatch)
        note = read(path)[1]["note"]
        assert note in ("x" * 100, "y" * 100)
        seen.add(note)
    assert len(seen) == 2


class FullDisk(Mortal):
    """Fails as a full disk does, once, and works again after that."""

    def due(self):
        self.left -= 1
        if self.left == -1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return False


@pytest.mark.parametrize("stop", range(6))
@pytest.mark.parametrize("note", ["", "z" * 3000])
def test_a_full_disk_changes_nothing(path, note, stop, monkeypatch):
    before = path.read_bytes()
    disk = FullDisk(stop)
    with monkeypatch.context() as patch:
        replace_open(patch, disk)
        patch.setattr(MortalFile, "truncate", lambda self: self.file.truncate())  # needs no space
        if stop < 5:
            with pytest.raises(isx.IsxFileError, match=r"Cannot edit .*No space left"):
                edit_metadata(str(path), lambda _: {"type": 0, "note": note})
            assert path.read_bytes() == before
        else:
            edit_metadata(str(path), lambda _: {"type": 0, "note": note})
            assert read(path)[1]["note"] == note
    assert os.listdir(path.parent) == ["file.isxd"]


def _in_use(_):
    raise PermissionError(errno.EACCES, "the file is mapped")


@pytest.mark.parametrize("note", ["", "y" * 88, "y" * 100, "z" * 3000])
def test_a_file_that_cannot_be_cut_now(path, note, monkeypatch):
    """Windows refuses to shorten a file while there are views of it."""
    monkeypatch.setattr(MortalFile, "truncate", _in_use)
    replace_open(monkeypatch, Mortal(100))
    for text in (note, "short"):
        size = path.stat().st_size
        edit_metadata(str(path), lambda _, text=text: {"type": 0, "note": text})  # type: ignore[misc]
        assert read(path) == (200, {"type": 0, "note": text})
        assert path.stat().st_size >= size


def test_the_journal_of_another_file_is_not_believed(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("openisx._formats.isxd.editing.unlink", Mortal(0).unlink)
        with pytest.raises(Killed):
            edit_metadata(str(path), lambda _: {"type": 0, "note": "left behind"})
    assert read(path)[1]["note"] == "left behind"
    path.write_bytes(bytes(300) + b"damaged")
    with pytest.raises(isx.IsxFormatError, match="no readable metadata"):
        read(path)


def test_a_torn_journal_is_not_believed(path):
    path.with_name(".file.isxd.metadata-journal").write_bytes(b"\0" * 50)
    assert read(path) == (200, OLD)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(isx.IsxFormatError):
        read(path)


def test_missing_file(tmp_path):
    with pytest.raises(isx.IsxFileNotFoundError):
        edit_metadata(str(tmp_path / "none.isxd"), lambda _: {})
    assert os.listdir(tmp_path) == []
