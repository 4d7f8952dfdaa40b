"""Views of random movies give what NumPy gives: every step is also done the slow way, on all samples at once."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isx

VALID, DROPPED, BLANK, CROPPED = range(4)


@dataclass
class Model:
    """A movie as arrays: every sample, and what became of it."""

    frames: np.ndarray
    states: np.ndarray
    period: Fraction
    start: Fraction
    size: tuple[Fraction, Fraction]
    corner: tuple[Fraction, Fraction]

    def timing(self) -> isx.Timing:
        cropped = np.flatnonzero(self.states == CROPPED)
        return isx.Timing(
            len(self.states),
            isx.Duration.from_ratio(*self.period.as_integer_ratio()),
            isx.Time.from_secs_since_epoch(isx.Duration.from_ratio(*self.start.as_integer_ratio()), 3600),
            dropped=np.flatnonzero(self.states == DROPPED),
            cropped=np.column_stack([cropped, cropped]),
            blank=np.flatnonzero(self.states == BLANK),
        )

    def spacing(self) -> isx.Spacing:
        return isx.Spacing(self.frames.shape[1:], pixel_size=self.size, top_left=self.corner)

    def movie(self) -> isx.Movie:
        return isx.Movie.from_array(self.frames, self.timing(), self.spacing())

    def valid(self) -> np.ndarray:
        return self.frames[self.states == VALID]


def crop(m: Model, rows: tuple[int, int], columns: tuple[int, int]) -> Model:
    corner = (m.corner[0] + rows[0] * m.size[0], m.corner[1] + columns[0] * m.size[1])
    return replace(m, frames=m.frames[:, slice(*rows), slice(*columns)], corner=corner)


def bin_(m: Model, space: int, time: int) -> Model:
    count, (_, rows, cols) = len(m.states) // time, m.frames.shape
    rows, cols = rows // space, cols // space
    frames = np.zeros((count, rows, cols), m.frames.dtype)
    states = np.zeros(count, np.uint8)
    for j in range(count):
        own = m.states[j * time : (j + 1) * time]
        kept = m.frames[j * time : (j + 1) * time][own == VALID][:, : rows * space, : cols * space]
        if not len(kept):
            states[j] = own[0] if len(set(own.tolist())) == 1 else DROPPED
            continue
        blocks = kept.reshape(-1, rows, space, cols, space)
        if m.frames.dtype.kind == "f":
            frames[j] = blocks.astype(np.float64).sum(axis=(0, 2, 4)) / (len(kept) * space**2)
        else:
            number = len(kept) * space**2
            frames[j] = (blocks.astype(np.int64).sum(axis=(0, 2, 4)) + number // 2) // number
    size = (m.size[0] * space, m.size[1] * space)
    return replace(m, frames=frames, states=states, period=m.period * time, size=size)


def trim(m: Model, first: int, last: int, drop: list[tuple[int, int]]) -> Model:
    states = m.states.copy()
    for begin, end in drop:
        states[begin:end] = CROPPED
    start = m.start + first * m.period
    return replace(m, frames=m.frames[first:last], states=states[first:last], start=start)


def dff(m: Model, stat: str) -> Model:
    f0 = getattr(m.valid().astype(np.float64), stat)(axis=0).astype(np.float32)
    changed = (m.frames.astype(np.float32) - f0) / f0
    changed[:, f0 == 0] = 0
    return replace(m, frames=changed)


def doubled(frame: np.ndarray) -> np.ndarray:
    return frame.astype(np.float32) * 2 + 1


def mapped(m: Model) -> Model:
    return replace(m, frames=doubled(m.frames))


@st.composite
def models(draw: st.DrawFn) -> Model:
    count, rows, cols = draw(st.integers(1, 12)), draw(st.integers(1, 7)), draw(st.integers(1, 7))
    dtype = np.dtype(draw(st.sampled_from(["uint8", "uint16", "float32"])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if dtype.kind == "f":
        frames = rng.normal(0, 100, (count, rows, cols)).astype(dtype)
        odd = draw(st.sampled_from([None, np.nan, np.inf]))
        if odd is not None:
            frames[rng.random(frames.shape) < 0.1] = odd
    else:
        limit = 2**8 if dtype == np.uint8 else 2**16
        most = draw(st.sampled_from([2, 256, limit]))
        frames = rng.integers(0, most, (count, rows, cols)).astype(dtype)
    states = rng.choice(4, count, p=draw(st.sampled_from([(1, 0, 0, 0), (0.6, 0.2, 0.1, 0.1)]))).astype(
        np.uint8
    )
    period = Fraction(draw(st.integers(1, 10**6)), draw(st.sampled_from([1000, 20, 999_983, 10**6])))
    start = Fraction(draw(st.integers(0, 2 * 10**12)), 1000)
    size = (Fraction(draw(st.integers(1, 9)), draw(st.integers(1, 4))),) * 2
    return Model(frames, states, period, start, size, (Fraction(5, 2), Fraction(-3)))


@st.composite
def step(draw: st.DrawFn, m: Model) -> tuple[Any, Model]:
    """A step that the movie allows: the view it makes, and what that must be."""
    count, rows, cols = m.frames.shape
    kind = draw(st.sampled_from(["crop", "bin", "trim", "dff", "map"]))
    if kind == "crop":
        ranges = [sorted(draw(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)))) for n in (rows, cols)]
        (top, bottom), (left, right) = [(a, b + 1) for a, b in ranges]
        return (lambda v: v.crop((top, bottom), (left, right))), crop(m, (top, bottom), (left, right))
    if kind == "bin":
        space, time = draw(st.integers(1, min(rows, cols, 3))), draw(st.integers(1, min(count, 5)))
        return (lambda v: v.bin(space, time)), bin_(m, space, time)
    if kind == "trim":
        first, end = sorted(draw(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))))
        last = end + 1
        drop = [(first, first + 1)] if draw(st.booleans()) else []
        return (lambda v: v.trim(first, last, drop=drop)), trim(m, first, last, drop)
    if kind == "dff" and (m.states == VALID).any() and np.isfinite(m.frames).all():
        stat = draw(st.sampled_from(["mean", "min"]))
        return (lambda v: v.dff(stat)), dff(m, stat)
    return (lambda v: v.map(doubled, np.float32)), mapped(m)


def assert_same(movie: isx.Movie, m: Model) -> None:
    expected = m.timing().normalized()
    got = movie.timing
    assert got.get_valid_samples().tolist() == expected.get_valid_samples().tolist()
    assert (got.dropped, got.cropped, got.blank) == (expected.dropped, expected.cropped, expected.blank)
    assert got.period.fraction == m.period
    assert abs(got.start.secs_since_epoch.fraction - m.start) <= Fraction(1, 2 * 10**9)
    assert got.start.utc_offset == 3600
    assert tuple(r.fraction for r in movie.spacing.pixel_size_ratios) == m.size
    assert tuple(r.fraction for r in movie.spacing.top_left_ratios) == m.corner
    frames = np.where((m.states == VALID)[:, None, None], m.frames, 0).astype(m.frames.dtype)
    assert movie.dtype == frames.dtype
    if frames.dtype.kind == "f":
        np.testing.assert_allclose(movie[:], frames, rtol=2e-6, atol=1e-4)
    else:
        np.testing.assert_array_equal(movie[:], frames)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_steps_of_steps(data: st.DataObject) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = data.draw(models())
        movie = model.movie()
        for _ in range(data.draw(st.integers(1, 3))):
            view, model = data.draw(step(model))
            movie = view(movie)
        assert_same(movie, model)
        for k in range(len(movie)):
            np.testing.assert_array_equal(movie.get_frame_data(k), movie[k])
        np.testing.assert_array_equal(np.array(list(movie)).reshape(movie.shape), movie[:])
        again = pickle.loads(pickle.dumps(movie))
        np.testing.assert_array_equal(again[:], movie[:])
        assert repr(again) == repr(movie)


@settings(max_examples=200, deadline=None)
@given(models(), st.booleans())
def test_projections(model: Model, ignore_nan: bool) -> None:
    frames, movie = model.valid(), model.movie()
    if not len(frames):
        with pytest.raises(ValueError, match="has no frame to make an image of"):
            movie.project()
        return
    prefix = "nan" if ignore_nan else ""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for stat in ("mean", "std", "min", "max"):
            image = movie.project(stat, ignore_nan=ignore_nan)  # type: ignore[arg-type]
            expected = getattr(np, prefix + stat)(frames.astype(np.float64), axis=0)
            assert image.dtype == (model.frames.dtype if stat in ("min", "max") else np.float32)
            if stat == "std" and np.isinf(frames).any():
                continue  # NumPy's way to NaN is another one
            np.testing.assert_allclose(image, expected.astype(image.dtype), rtol=2e-6, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(models(), st.data())
def test_saved_views_are_the_views(tmp_path_factory: Any, model: Model, data: st.DataObject) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        view, _ = data.draw(step(model))
        movie = view(model.movie())
        path = Path(tmp_path_factory.mktemp("saved")) / "saved.isxd"
        movie.save(path)
        with isx.Movie.read(path) as saved:
            assert saved.timing == movie.timing
            assert saved.spacing == movie.spacing
            np.testing.assert_array_equal(saved[:], movie[:])


def test_exact_sums_of_many_frames() -> None:
    """70,000 frames of the largest value, more than 32 bits hold."""
    frames = np.broadcast_to(np.full((1, 1), 65535, np.uint16), (70_000, 1, 1))
    movie = isx.Movie.from_array(frames)
    assert movie.project("mean")[0, 0] == 65535
    assert movie.project("std")[0, 0] == 0
    assert movie.bin(time=70_000)[0, 0, 0] == 65535
