"""Recordings without metadata: frames found by their header lines."""

from __future__ import annotations

import numpy as np
import pytest

import isx


def line(count: int, stamp: int) -> bytes:
    values = np.zeros(2560, np.uint16)
    values[0] = 0xA0
    values[1258:1262] = [((count >> 8 * k) & 255) << 4 for k in range(4)]
    values[1272:1280] = [((stamp >> 8 * k) & 255) << 4 for k in range(8)]
    return values.tobytes()


def body(frames, counts=None, stamps=None):
    counts = range(7, 7 + len(frames)) if counts is None else counts
    stamps = [5_000_000 + 50_000 * (count - counts[0]) for count in counts] if stamps is None else stamps
    parts = zip(counts, stamps, frames, strict=True)
    return b"".join(line(c, s) + f.astype("<u2").tobytes() + bytes(5120) for c, s, f in parts)


def smooth(count, rows, cols):
    """Frames whose rows are alike, with values of the start mark among them."""
    y, x = np.mgrid[:rows, :cols]
    return np.stack([(160 + 40 * np.sin(y / 9) + x + i).astype(np.uint16) for i in range(count)])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "night.isxd"


@pytest.mark.parametrize("shape", [(20, 32), (32, 20), (25, 40)])
@pytest.mark.parametrize("behind", [b"", b"{'damaged", bytes(5000)])
def test_frames_and_times(path, shape, behind):
    frames = smooth(6, *shape)
    path.write_bytes(body(frames) + behind)
    saved = isx.recover(path)
    assert saved == isx.structures.Recovered(str(path.with_name("night_recovered.isxd").resolve()), 6, 6)
    with isx.Movie.read(saved.path) as movie:
        assert movie.spacing.num_pixels == shape
        np.testing.assert_array_equal(movie[:], frames)
        assert movie.timestamps.tolist() == [5_000_000 + 50_000 * i for i in range(6)]
        assert movie.timing.period == isx.Duration.from_msecs(50)
        assert movie.timing.dropped == []
        assert movie.get_frame_header(2).frame_count == 9
    assert path.read_bytes() == body(frames) + behind


def test_a_frame_that_was_cut(path):
    path.write_bytes(body(smooth(4, 20, 32))[:-1])
    saved = isx.recover(path)
    assert (saved.num_frames, saved.num_expected) == (3, 4)


@pytest.mark.parametrize(
    ("counts", "stamps", "dropped"),
    [
        ([7, 8, 11, 12], None, [2, 3]),
        ([2**32 - 2, 2**32 - 1, 1], [0, 50_000, 150_000], [2]),
        ([0, 3, 6, 12], None, [3]),
        ([7, 8, 11, 12], [1, 50_001, 100_001, 150_001], []),  # the stamps say that nothing is missing
        ([7, 7, 7, 7], [1, 50_001, 100_001, 150_001], []),
    ],
)
def test_dropped_frames_where_counts_and_stamps_agree(path, counts, stamps, dropped):
    path.write_bytes(body(smooth(len(counts), 20, 32), counts, stamps))
    with isx.Movie.read(isx.recover(path).path) as movie:
        assert movie.timing.dropped == dropped
        assert movie.timing.num_samples == len(counts) + len(dropped)


def test_a_shape_that_does_not_show_is_told(path):
    path.write_bytes(body(np.zeros((3, 4, 6))))
    with pytest.warns(isx.IsxWarning, match="4 x 6 pixels or another shape"):
        saved = isx.recover(path)
    assert isx.Movie.read(saved.path).spacing.num_pixels == (4, 6)


def test_a_shape_that_is_given(path):
    path.write_bytes(body(smooth(1, 4, 6)))
    with pytest.raises(isx.IsxFormatError, match=r"no second frame.*shape=\(rows, columns\)"):
        isx.recover(path)
    with isx.Movie.read(isx.recover(path, shape=(2, 12)).path) as movie:
        assert movie.shape == (1, 2, 12)


def test_what_is_no_recording(path):
    for content in (b"", b"text", bytes(50_000), body(smooth(3, 20, 32))[2:]):
        path.write_bytes(content)
        with pytest.raises(isx.IsxFileError, match="Nothing to recover"):
            isx.recover(path)
    path.write_bytes(body(smooth(3, 20, 32)))
    done = isx.recover(path).path
    with pytest.raises(isx.IsxFileNotFoundError, match=r"Nothing to recover.*is complete"):
        isx.recover(done)
    with pytest.raises(isx.IsxFileExistsError):
        isx.recover(path)


def test_absurd_stamps(path):
    path.write_bytes(body(smooth(3, 20, 32), [0, 1, 2], [0, 2**63, 2**64 - 1]))
    with isx.Movie.read(isx.recover(path).path) as movie:
        assert len(movie) == 3
