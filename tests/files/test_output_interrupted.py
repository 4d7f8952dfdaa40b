"""Ctrl-C at the worst moment of creating a file."""

from __future__ import annotations

import os

import pytest

from openisx._files.output import OutputFile


def test_ctrl_c_while_the_system_creates_the_file(tmp_path, monkeypatch):
    create = os.open

    def interrupted(path, *arguments):
        descriptor = create(path, *arguments)
        if str(path).endswith(".partial"):
            os.close(descriptor)
            raise KeyboardInterrupt
        return descriptor

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", interrupted)
        with pytest.raises(KeyboardInterrupt):
            OutputFile(tmp_path / "new.csv")
    assert not list(tmp_path.iterdir())
    with OutputFile(tmp_path / "new.csv") as output:  # the name is free again
        output.write(b"text")
    assert (tmp_path / "new.csv").read_bytes() == b"text"
