"""Where sample recordings may go."""

from __future__ import annotations

import pytest

import isx
import isx.synthetic


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(isx.IsxFileError, match="Cannot make the folder"):
        isx.synthetic.write(tmp_path / "file", isx.synthetic.Scene(num_frames=2), ["movie"])
