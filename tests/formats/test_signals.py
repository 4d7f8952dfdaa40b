"""Sorting points into channels."""

from __future__ import annotations

import numpy as np
import pytest

from openisx._formats.signals import Signals


@pytest.mark.parametrize("seed", range(30))
def test_points_in_any_order(seed):
    rng = np.random.default_rng(seed)
    num_channels, size = int(rng.integers(1, 9)), int(rng.integers(0, 200))
    top = [3, 50, 10**9, 2**62, 2**64][seed % 5]
    channels = rng.integers(0, num_channels, size)
    offsets = rng.integers(0, top, size, dtype=np.uint64)
    if seed % 2:
        offsets[: size // 2] = offsets[size // 2 : size // 2 * 2]
    if seed % 3 == 0:
        order = np.lexsort((offsets, channels))
        channels, offsets = channels[order], offsets[order]
    values = np.arange(size, dtype=np.float32)
    names = [f"channel {i}" for i in range(num_channels)]
    signals = Signals.from_points(names, channels, offsets, values)
    assert signals.names == tuple(names)
    assert signals.bounds.tolist() == np.r_[0, np.cumsum(signals.counts())].tolist()
    for channel in range(num_channels):
        last = {
            int(offset): float(value)
            for c, offset, value in zip(channels, offsets, values, strict=True)
            if c == channel
        }
        got_offsets, got_values = signals.channel(channel)
        assert got_offsets.dtype == np.uint64
        assert got_values.dtype == np.float32
        assert got_offsets.tolist() == sorted(last)
        assert got_values.tolist() == [last[offset] for offset in sorted(last)]
    assert len(signals.channel_of_points()) == len(signals.offsets)
