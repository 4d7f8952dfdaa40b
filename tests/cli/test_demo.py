"""isx demo."""

from __future__ import annotations

import pytest

from openisx import synthetic as samples
from openisx._cli.demo import EXPORTS, PROCESSED


def test_demo(run, tmp_path):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "demo"
    status, out, err = run("demo", folder, "--frames", "60", "--seed", "2")
    assert (status, err) == (0, "")
    session = samples.Scene().session_name
    made = {session + sample.suffix for sample in samples.SAMPLES} | {output for _, output in EXPORTS}
    made |= {*PROCESSED, *(f"{session}_planes-efocus_{focus:04}.isxd" for focus in (0, 450, 900))}
    assert made <= {path.name for path in folder.iterdir()}
    assert (folder / "overview.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "Animal ID" in out
    status, _, err = run("demo", folder)  # never over an earlier one
    assert status == 1
    assert "File already exists" in err


def test_one_frame_makes_no_movie(run, tmp_path):
    status, _, _ = run("demo", tmp_path / "demo", "--frames", "1")
    assert status == 2
    assert not (tmp_path / "demo").exists()
