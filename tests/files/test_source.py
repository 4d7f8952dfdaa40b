"""Reading at positions while another thread closes the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from openisx._files import source as input_file
from openisx._files.source import InputFile


@pytest.mark.parametrize("call", ["pread", "preadv"])
def test_bytes_read_while_the_file_was_closed_are_not_given_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Its number may have been that of another file by then."""
    if not hasattr(os, call):
        pytest.skip(f"no os.{call} here")
    path = tmp_path / "a.isxb"
    path.write_bytes(bytes(64))
    file = InputFile(str(path))
    real = getattr(os, call)

    def close_amid(*arguments: Any) -> Any:
        result = real(*arguments)
        file.close()
        return result

    monkeypatch.setattr(input_file.os, call, close_amid)
    with pytest.raises(isx.IsxStateError, match="closed"):
        if call == "pread":
            file.read(0, 8)
        else:
            file.read_into(np.empty(8, np.uint8), 0)


def test_a_file_closed_in_front_of_the_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "pread"):
        pytest.skip("no os.pread here")
    path = tmp_path / "a.isxb"
    path.write_bytes(bytes(64))
    file = InputFile(str(path))

    def closed(*_: Any) -> bytes:
        file.close()
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(input_file.os, "pread", closed)
    with pytest.raises(isx.IsxStateError, match="closed"):
        file.read(0, 8)
