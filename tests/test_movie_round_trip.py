"""Whatever is written is read back, bit by bit."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import isx

INT64 = st.integers(-(2**63), 2**63 - 1)
RATIOS = st.builds(isx.Duration._from_num_den, st.integers(0, 2**40), st.integers(1, 10**6))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def timings(draw):
    count = draw(st.integers(0, 12))
    index = st.lists(st.integers(0, max(0, count - 1)), max_size=3)
    ranges = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).map(sorted), max_size=2)
    start = isx.Time._from_secs_since_epoch(draw(RATIOS), draw(st.integers(-(2**31), 2**31 - 1)))
    return isx.Timing(count, draw(RATIOS), start, draw(index), draw(ranges), draw(index))


@st.composite
def spacings(draw):
    spacing = isx.Spacing((draw(st.integers(0, 5)), draw(st.integers(0, 5))))
    for name in ("pixel_width", "pixel_height", "left", "top"):
        den = draw(st.integers(1, 2**63 - 1))
        setattr(spacing._impl, name, isx._internal.IsxRatio(draw(INT64), den))
    return spacing


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    timing=timings(),
    spacing=spacings(),
    dtype=st.sampled_from([np.uint16, np.float32, np.uint8]),
    session=st.none() | st.dictionaries(st.text(), JSON, max_size=3),
    data=st.data(),
)
def test_movies(tmp_path, timing, spacing, dtype, session, data):
    path = tmp_path / "movie.isxd"
    path.unlink(missing_ok=True)
    frames = data.draw(arrays(dtype, (timing.num_samples, *spacing.num_pixels)))
    with isx.Movie.write(path, timing, spacing, dtype, extra_properties=session) as movie:
        for i, frame in enumerate(frames):
            movie.set_frame_data(i, frame)
    dense = frames.copy()
    dense[~timing.get_valid_samples_mask()] = 0
    with isx.Movie.read(path) as movie:
        impl = movie.timing._impl
        assert movie.timing == timing.normalized()
        assert repr((impl.start, impl.step)) == repr((timing._impl.start, timing._impl.step))
        assert repr(movie.spacing._impl) == repr(spacing._impl)
        assert movie.metadata["extraProperties"] == session
        for whole in (
            np.asarray(movie),
            np.array([movie.get_frame_data(i) for i in range(len(movie))], dtype),
        ):
            assert whole.reshape(dense.shape).tobytes() == dense.tobytes()
