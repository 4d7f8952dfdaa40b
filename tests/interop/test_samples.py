"""The vendor's package reads the sample recordings as we do."""

from __future__ import annotations

import numpy as np

import isx
from openisx import synthetic as samples


def test_movie(vendor, tmp_path):
    scene = samples.Scene(seed=11, num_frames=60, shape=(40, 50), num_neurons=3)
    path = samples.write(tmp_path, scene, ["movie"])["movie"]
    timing, frames, stamps, info = vendor.run(
        "m = isx.Movie.read(path); n = m.timing.num_samples; "
        "out = str(m.timing), np.stack([m.get_frame_data(i) for i in range(n)]), "
        "[m.get_frame_timestamp(i) for i in range(n)], m.get_acquisition_info()",
        path=path,
    )
    with isx.Movie.read(path) as movie:
        assert str(movie.timing) == timing
        np.testing.assert_array_equal(movie, frames)
        assert movie.timestamps.tolist() == stamps
        assert movie.get_acquisition_info() == info
        assert len(info) >= 24
