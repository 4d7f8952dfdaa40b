"""Which planes and colours take turns in a movie, by the headers of its frames (docs/formats/movies.md, Interleaved movies)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from openisx._views.selected import SelectedFrames
from openisx.core._integers import half_away
from openisx.core._sample_states import BLANK, DROPPED, VALID, sample_states, timing_of_states
from openisx.core._timestamps import counted_back
from openisx.core.duration import Duration, Time
from openisx.errors import IsxError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._formats.base import MovieSource
    from openisx.core.timing import Timing

__all__ = ["Interleaved", "Key", "find_interleaving", "keys_at_the_beginning", "keys_text", "parts_of"]

_LONGEST_CYCLE = 64
_PROBE = 4096  # frames on which most lengths of a cycle are ruled out

#: What the colour ids of headers stand for.
COLORS = {ord("G"): "green", ord("R"): "red"}


@dataclass(frozen=True)
class Key:
    """What the frames of one part have in common.

    Attributes
    ----------
    efocus
        Electronic focus.
    channel
        ``"green"`` or ``"red"``; ``"led1"`` or ``"led2"`` where only the light tells; None if nothing does.
    """

    efocus: int
    channel: str | None

    def __str__(self) -> str:
        return f"e-focus {self.efocus}{f', {self.channel}' if self.channel else ''}"


@dataclass(frozen=True)
class Interleaved:
    """How the frames of a movie take turns.

    Attributes
    ----------
    keys
        Those that occur, by focus and channel.
    places
        For each key its samples within a cycle.
    cycle
        Samples after which it begins again.
    names
        Of each key, as in names of files, with what tells it from the others: ``"efocus_0500"``, ``"green"``, or both.
    """

    keys: tuple[Key, ...]
    places: tuple[tuple[int, ...], ...]
    cycle: int

    @property
    def names(self) -> tuple[str, ...]:
        focuses, channels = {key.efocus for key in self.keys}, {key.channel for key in self.keys}
        digits = max(4, len(str(max(focuses))))
        names = []
        for key in self.keys:
            parts = [f"efocus_{key.efocus:0{digits}}"] if len(focuses) > 1 else []
            names.append("-".join(parts + ([str(key.channel)] if len(channels) > 1 else [])))
        return tuple(names)


def keys_text(keys: tuple[Key, ...]) -> str:
    """Keys for people, such as ``3 planes (e-focus 0, 500, 900)``."""
    focuses = ", ".join(str(key.efocus) for key in keys)
    channels = ", ".join(str(key.channel) for key in keys)
    if len({key.channel for key in keys}) == 1:
        return f"{len(keys)} planes (e-focus {focuses})"
    if len({key.efocus for key in keys}) == 1:
        return f"{len(keys)} colours ({channels})"
    return f"{len(keys)} planes and colours ({'; '.join(map(str, keys))})"


def find_interleaving(
    source: MovieSource, *, strict: bool = True
) -> tuple[Interleaved, NDArray[np.bool_]] | None:
    """How the frames of a movie take turns, and which stored frames have the key of their place.

    Returns
    -------
    tuple or None
        None for movies without frame headers or without frames.

    Raises
    ------
    IsxError
        There are several keys but no rhythm; with `strict` also if any frame breaks it.
    """
    headers = source.headers(np.arange(source.num_stored, dtype=np.int64)) if source.num_stored else None
    if headers is None:
        return None
    codes, keys = _keys(headers)
    samples = source.timing.samples.stored_samples(len(codes))
    if len(keys) == 1:
        return Interleaved(keys, ((0,),), 1), np.ones(len(codes), np.bool_)
    cycle = _cycle(codes, samples, len(keys))
    if cycle is None:
        if strict:
            raise _broken(source, codes, keys, samples, headers)
        cycle = _likeliest_cycle(codes, samples)
    code_of_place = _majority(codes, samples % cycle, cycle)
    places = tuple(tuple(np.flatnonzero(code_of_place == code).tolist()) for code in range(len(keys)))
    found = [k for k in range(len(keys)) if places[k]]
    turns = Interleaved(tuple(keys[k] for k in found), tuple(places[k] for k in found), cycle)
    return turns, code_of_place[samples % cycle] == codes


def keys_at_the_beginning(source: MovieSource) -> tuple[Key, ...]:
    """Planes and colours that take turns in the first frames; none if nothing does."""
    count = min(source.num_stored, 2 * _LONGEST_CYCLE)
    headers = source.headers(np.arange(count, dtype=np.int64)) if count else None
    if headers is None:
        return ()
    codes, keys = _keys(headers)
    samples = source.timing.samples.stored_samples(count)
    cycle = _cycle(codes, samples, len(keys)) if len(keys) > 1 else None
    return () if cycle is None or 2 * cycle > count else keys


def _keys(headers: NDArray[Any]) -> tuple[NDArray[np.int64], tuple[Key, ...]]:
    """Number of the key of each frame, and the keys, by focus and channel."""
    ids = headers["color_id"].astype(np.int64)
    if (ids == ids[0]).all():  # the light that was on may tell what the ids do not
        lit = (headers["led1_power"] > 0) + 2 * (headers["led2_power"] > 0).astype(np.int64)
        alternate = bool((lit == 1).any() and (lit == 2).any() and (lit % 3 > 0).all())
        channels = lit if alternate else ids
        names = {1: "led1", 2: "led2"} if alternate else COLORS
    else:
        channels = ids
        names = {int(number): COLORS.get(int(number), f"color{number}") for number in np.unique(ids)}
    known, codes = np.unique(headers["efocus"].astype(np.int64) * 2**16 + channels, return_inverse=True)
    keys = tuple(Key(int(k) >> 16, names.get(int(k) & 0xFFFF)) for k in known)
    return codes.reshape(-1).astype(np.int64), keys


def _cycle(codes: NDArray[np.int64], samples: NDArray[np.int64], num_keys: int) -> int | None:
    """The smallest number of samples after which keys repeat; None without any."""
    for length in range(2, _LONGEST_CYCLE + 1):
        if length > num_keys and 2 * length > samples[-1] + 1:
            return None  # nothing repeats in a recording so short
        if _fits(codes[:_PROBE], samples[:_PROBE], length) and _fits(codes, samples, length):
            places = np.zeros(length, np.bool_)
            places[samples % length] = True
            if places.all():
                return length
    return None


def _fits(codes: NDArray[np.int64], samples: NDArray[np.int64], length: int) -> bool:
    code_of_place = np.zeros(length, np.int64)
    code_of_place[samples % length] = codes
    return bool((code_of_place[samples % length] == codes).all())


def _majority(codes: NDArray[np.int64], places: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """The most frequent key of each place of a cycle."""
    counts = np.zeros((length, int(codes.max()) + 1), np.int64)
    np.add.at(counts, (places, codes), 1)
    most: NDArray[np.int64] = counts.argmax(axis=1)
    return most


def _likeliest_cycle(codes: NDArray[np.int64], samples: NDArray[np.int64]) -> int:
    """The length with which the fewest frames are out of step."""
    longest = max(2, min(_LONGEST_CYCLE, int(samples[-1] + 1) // 2))

    def out_of_step(length: int) -> int:
        places = samples % length
        return int((_majority(codes, places, length)[places] != codes).sum())

    return min(range(2, longest + 1), key=out_of_step)


def _broken(
    source: MovieSource,
    codes: NDArray[np.int64],
    keys: tuple[Key, ...],
    samples: NDArray[np.int64],
    headers: NDArray[Any],
) -> IsxError:
    """Where the rhythm breaks."""
    length = _likeliest_cycle(codes, samples)
    places = samples % length
    first_code = np.full(length, -1)
    first_code[places[::-1]] = codes[::-1]
    wrong = np.flatnonzero(first_code[places] != codes)
    at = int(wrong[0]) if len(wrong) else 0
    expected, got = (keys[int(code)] for code in (first_code[places[at]], codes[at]))
    text = (
        f"{source.given_path}: planes or colours take turns every {length} samples, but sample {samples[at]} has {got} "
        f"where {expected} was expected."
    )
    numbers = headers["frame_count"].astype(np.int64)
    counts = (numbers[1:] - numbers[:-1]) % 2**32
    unit = max(1, int(counts.min(initial=2**32)))
    jumps = np.flatnonzero(counts != unit * np.diff(samples))
    if len(jumps):
        text += (
            f" The frame counter jumps by {counts[jumps[0]] // unit} before sample {samples[jumps[0] + 1]}, where the "
            "file lists no such loss."
        )
    return IsxError(f"{text} split(strict=False) takes what fits and marks the other samples missing.")


def parts_of(source: MovieSource, turns: Interleaved, in_step: NDArray[np.bool_]) -> list[SelectedFrames]:
    """A source for each key."""
    valid = np.flatnonzero(source.timing.samples.mask())
    states = sample_states(source.timing)
    states[valid[: len(in_step)][~in_step]] = DROPPED
    stored = np.cumsum(sample_states(source.timing) == VALID) - 1
    stamps = source.timestamps() if source.has_timestamps else None
    parts = []
    for key, name, places in zip(turns.keys, turns.names, turns.places, strict=True):
        step = turns.cycle // len(places)
        evenly = len(places) * step == turns.cycle and set(np.diff(places).tolist()) <= {step}
        if evenly:
            chosen, own = np.arange(places[0], len(states), step), states[places[0] :: step]
        else:
            chosen, own, step = np.arange(len(states)), states.copy(), 1
            own[~np.isin(chosen % turns.cycle, places)] = BLANK
        frames = stored[chosen[own == VALID]]
        timing = _part_timing(source.timing, own, int(chosen[0]) if len(chosen) else 0, step)
        if stamps is not None and evenly:
            timing = _stamped(timing, source, stamps, frames)
        processing = {"efocus": key.efocus} | ({"channel": key.channel} if key.channel else {})
        parts.append(SelectedFrames(source, f"split()[{name!r}]", timing, frames, processing))
    return parts


def _part_timing(timing: Timing, states: NDArray[np.uint8], first: int, step: int) -> Timing:
    return timing_of_states(
        states, timing.period._times(step), timing.start._later(timing.period.ratio * first)
    )


def _stamped(
    timing: Timing, source: MovieSource, stamps: NDArray[np.uint64], frames: NDArray[np.int64]
) -> Timing:
    """Timing of a part by its own time stamps (docs/formats/movies.md, Interleaved movies)."""
    frames = frames[frames < len(stamps)]
    if len(frames) < 2:
        return timing
    samples = np.flatnonzero(timing.samples.mask())
    a, b = int(samples[0]), int(samples[len(frames) - 1])
    first, last = int(stamps[frames[0]]), int(stamps[frames[-1]])
    if last <= first:
        return timing
    raw = source.timing
    begin = counted_back(int(stamps[0]), raw.samples.sample(0), raw)
    period = Duration.from_ratio(last - first, (b - a) * 1_000_000)
    shift = Fraction(first - begin, 1_000_000) - a * period.fraction
    start = raw.start.secs_since_epoch.fraction + shift
    micros = Duration.from_ratio(half_away(start * 1_000_000), 1_000_000)
    return timing.replace(period=period, start=Time.from_secs_since_epoch(micros, raw.start.utc_offset))
