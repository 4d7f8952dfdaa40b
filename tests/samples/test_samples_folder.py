"""Where sample recordings may go."""

from __future__ import annotations

import pytest

import isx
import isx.samples


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(isx.IsxFileError, match="Cannot make the folder"):
        isx.samples.write(tmp_path / "file", isx.samples.Scene(num_frames=2), ["movie"])
