"""Movies against the vendor's package, in both directions."""

from __future__ import annotations

import numpy as np

import isx


def test_vendor_reads_what_we_write(vendor, tmp_path):
    path = tmp_path / "ours.isxd"
    with isx.Movie.write(
        path, isx.Timing(num_samples=3, dropped=[1]), isx.Spacing((2, 3)), np.uint16
    ) as movie:
        movie.set_frame_data(0, np.full((2, 3), 7, np.uint16))
        movie.set_frame_data(2, np.full((2, 3), 9, np.uint16))
    out = vendor.run(
        "m = isx.Movie.read(path); out = [m.get_frame_data(i) for i in range(3)], str(m.timing)",
        path=str(path),
    )
    np.testing.assert_array_equal(np.stack(out[0])[:, 0, 0], [7, 0, 9])
    with isx.Movie.read(path) as movie:
        assert str(movie.timing) == out[1]
