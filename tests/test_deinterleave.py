"""verify_deinterleave: the electronic focus in the header lines of a movie."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from builders.isxd import isxd
from builders.movies import header_line, metadata


def movie(path, focuses, *, lines=True, num_samples=None, **changes):
    """A movie of 2 x 3 pixels whose frames have the given electronic focuses in their header lines."""
    members = metadata((2, 3), "uint16", num_samples or len(focuses), hasFrameHeaderFooter=lines, **changes)
    frame = np.full((2, 3), 7, "<u2").tobytes()
    body = b"".join((header_line(efocus=f) + frame + bytes(5120)) if lines else frame for f in focuses)
    path.write_bytes(isxd(body, members))
    return path


@pytest.mark.parametrize(
    ("focuses", "asked", "answer"),
    [
        ([500] * 4, 500, True),
        ([500] * 4, np.uint16(500), True),
        ([500] * 4, 500 + 65536, True),
        ([500] * 4, 501, False),
        ([500, 500, 900, 500], 500, False),
        ([0, 500, 900] * 3, 0, False),
        ([65535, 65535], -1, True),
        ([0x1234], 0x1234, True),
        ([0x1234], 0x3412, False),
    ],
)
def test_answers(tmp_path, focuses, asked, answer):
    path = movie(tmp_path / "m.isxd", focuses)
    assert isx.verify_deinterleave(path, asked) is answer
    assert isx.util.verify_deinterleave(str(path), efocus=asked) is answer


def test_same_as_the_frame_headers(tmp_path):
    path = movie(tmp_path / "m.isxd", [300, 301], num_samples=4, dropped=[0, 2])
    with isx.Movie.read(path) as opened:
        assert [opened.get_frame_header(i).efocus for i in (1, 3)] == [300, 301]
    assert not isx.verify_deinterleave(path, 300)


def test_missing_samples_do_not_matter(tmp_path):
    path = movie(tmp_path / "m.isxd", [300, 300], num_samples=5, dropped=[0, 2], blank=[4])
    assert isx.verify_deinterleave(path, 300)
    path = movie(tmp_path / "n.isxd", [], num_samples=2, dropped=[0, 1])
    assert isx.verify_deinterleave(path, 300)


def test_errors(tmp_path):
    with pytest.raises(ValueError, match="no header lines"):
        isx.verify_deinterleave(movie(tmp_path / "m.isxd", [0, 0], lines=False), 0)
    with pytest.raises(isx.IsxFileNotFoundError, match="File does not exist"):
        isx.verify_deinterleave(tmp_path / "none.isxd", 0)
    (tmp_path / "junk.isxd").write_bytes(b"junk")
    with pytest.raises(isx.IsxFormatError):
        isx.verify_deinterleave(tmp_path / "junk.isxd", 0)
    for bad in (1.5, "1", None):
        with pytest.raises(TypeError):
            isx.verify_deinterleave(movie(tmp_path / "o.isxd", [0]), bad)
