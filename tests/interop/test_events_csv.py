"""The text of event sets against the vendor's, byte by byte, on random sets."""

from __future__ import annotations

import json
import random
import struct

import numpy as np
import pytest

import isx

WRITE = """
timing = isx.Timing(
    num_samples=num_samples,
    period=isx.Duration._from_num_den(*period),
    start=isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(*start)),
)
events = isx.EventSet.write(path, timing, [name for name, _, _ in cells])
for i, (_, offsets, values) in enumerate(cells):
    events.set_cell_data(i, offsets, values)
events.flush()
out = isx.EventSet.read(path).timing.num_samples
"""
EXPORT = "isx.export_event_set_to_csv(paths, csv, **options); out = None"

NAMES = ["C0", "C 1", "é日本", "a;b", "", "%s", "C0"]
VALUES = np.array([0, -0.0, np.nan, np.inf, -np.inf, 1e-9, 123456789, 16777217, 0.1, -1 / 3], np.float32)


def random_set(rng, start, period, num_samples, names, one_per_sample):
    """Cells with events near any sample, a few unsorted or beyond the end, with every odd value."""
    step = period[0] / period[1] * 1e6
    cells = []
    for name in names:
        count = min(rng.randrange(12), num_samples)
        samples = rng.sample(range(num_samples), count)
        near = [0, 0, 0.3, -0.3, 0.49, -0.49] if step > 10 else [0]
        offsets = [max(0, round((k + rng.choice(near)) * step)) for k in samples]
        if not one_per_sample:
            offsets += [rng.randrange(int(num_samples * step) + 2) for _ in range(rng.randrange(6))]
            offsets += offsets[:2]
        values = rng.choices(VALUES.tolist(), k=len(offsets))
        cells.append((name, np.array(offsets, np.uint64), np.array(values, np.float32)))
    return {"start": start, "period": period, "num_samples": num_samples, "cells": cells}


def compare(vendor, tmp_path, paths, options, label):
    ours, theirs = tmp_path / f"{label}-ours.csv", tmp_path / f"{label}-theirs.csv"
    vendor.run(EXPORT, paths=[str(p) for p in paths], csv=str(theirs), options=options)
    isx.export_event_set_to_csv(paths, ours, **options)
    assert ours.read_bytes() == theirs.read_bytes(), options


@pytest.mark.parametrize("seed", range(12))
def test_tables_and_lists(vendor, tmp_path, seed):
    rng = random.Random(seed)
    dens = [1, 1000, 1000, 1_000_000, 29_997, 1001]
    period = rng.choice(
        [(50, 1000), (33_333, 1_000_000), (1, 30), (1001, 30_000), (7, 1), (100_003, 2_000_003)]
    )
    den = rng.choice(dens)
    start = (rng.choice([0, 1_600_000_000_123, rng.randrange(10**9)]) * den // 1000, den)
    names = rng.sample(NAMES[:-1], rng.randrange(1, 6))
    for one_per_sample in (True, False):
        paths = []
        for part in range(rng.randrange(1, 4)):
            made = random_set(rng, start, period, rng.randrange(1, 60), names, one_per_sample)
            paths.append(tmp_path / f"{one_per_sample}{part}.isxd")
            count = vendor.run(WRITE, path=str(paths[-1]), **made)
            with isx.EventSet.read(paths[-1]) as events:
                assert events.timing.num_samples == count
            start = (start[0] + rng.randrange(1, 10**4) * den, den)
        if rng.random() < 0.5:
            paths.reverse()
        for time_ref in ("start", "unix"):
            for amplitude in (True, False):
                options = {
                    "time_ref": time_ref,
                    "write_amplitude": amplitude,
                    "sparse_output": one_per_sample,
                }
                compare(vendor, tmp_path, paths, options, f"{one_per_sample}-{time_ref}-{amplitude}")


def with_metrics(path, metrics):
    """Put metrics into an event set."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[-8:])[0]
    footer = json.loads(data[-9 - size : -9])
    footer["metrics"] = metrics
    text = json.dumps(footer, ensure_ascii=False).encode()
    path.write_bytes(data[: -9 - size] + text + b"\0" + struct.pack("<Q", len(text)))


@pytest.mark.parametrize("seed", range(8))
def test_properties(vendor, tmp_path, seed):
    rng = random.Random(seed)
    names = rng.sample(NAMES[:-2], 3)
    paths, start = [], 10**6
    for part in range(rng.randrange(1, 4)):
        count = rng.randrange(1, 40)
        made = random_set(rng, (start, 1000), (50, 1000), count, names, True)
        paths.append(tmp_path / f"{part}.isxd")
        vendor.run(WRITE, path=str(paths[-1]), **made)
        numbers = [
            {} if rng.random() < 0.2 else [rng.choice([None, 0.0, rng.gauss(5, 9), 1e-7]) for _ in range(9)]
            for _ in names
        ]
        if part == 0 or rng.random() < 0.7:
            with_metrics(paths[-1], numbers)
        start += count * 50 + rng.randrange(0, 3000)
    rng.shuffle(paths)
    texts = []
    for label, export in (
        ("theirs", lambda **o: vendor.run(EXPORT, paths=list(map(str, paths)), **o)),
        ("ours", lambda csv, options: isx.export_event_set_to_csv(paths, csv, **options)),
    ):
        props = tmp_path / f"{label}-props.csv"
        export(csv=str(tmp_path / f"{label}.csv"), options={"output_props_file": str(props)})
        texts.append(props.read_bytes())
    assert texts[0] == texts[1]
