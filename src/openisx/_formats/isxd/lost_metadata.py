"""Recordings that lost their metadata: frames with header lines and nothing that says how large they are.

What the lines hold is described in docs/formats/movies.md, The header line; how it is used, there under Lost metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from openisx._formats.isxd.frame_headers import COUNTER, LINE_BYTES, LINE_VALUES, decode_counter
from openisx.core.timing import Duration, Timing
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from openisx._files.source import InputFile

__all__ = ["FoundFrames", "find_frames"]

_MARK = 0x00A0  # first value of a header line
_COUNT = 1258  # first of four values of the frame count
_FIELDS = COUNTER + 8 - _COUNT  # from the frame count to the end of the time stamp
_UNUSED_BITS = 0xF00F
_SEARCHED = 32 << 20  # bytes; two frames of the largest sensor
_CHAIN = 4  # frames in a row that a distance of marks is checked on
_MAX_ASPECT = 4


@dataclass(frozen=True)
class FoundFrames:
    """Frames found in a file; `is_guess` if their shape follows from nothing but their number of pixels."""

    rows: int
    cols: int
    count: int
    num_begun: int
    timing: Timing
    is_guess: bool

    @property
    def frame_bytes(self) -> int:
        """Size of a frame with its lines."""
        return 2 * LINE_BYTES + 2 * self.rows * self.cols


def find_frames(file: InputFile, shape: tuple[int, int] | None) -> FoundFrames:
    """The frames at the start of a file, as far as their header lines follow each other.

    Parameters
    ----------
    file
        The recording.
    shape
        Rows and columns of a frame; None to find them.

    Raises
    ------
    IsxFormatError
        The file does not begin with frames, or their size cannot be found.
    """
    path = file.given_path
    start = np.frombuffer(file.read(0, min(file.size, _SEARCHED) & ~1), "<u2")
    if shape is not None and min(shape) < 1:
        raise ValueError(f"shape should be rows and columns of a frame, not {shape}")
    if len(start) < LINE_VALUES or not _headers_at(start, np.array([0]))[0]:
        raise IsxFormatError(
            f"Nothing to recover: {path} has no readable metadata, and does not begin with a frame that has a header "
            "line."
        )
    pixels = shape[0] * shape[1] if shape else _find_pixels(start, path)
    frame_bytes = 2 * LINE_BYTES + 2 * pixels
    offsets = np.arange(file.size // frame_bytes, dtype=np.int64) * frame_bytes
    marks = np.frombuffer(file.read_spans(offsets, 2), "<u2")
    fields = np.frombuffer(file.read_spans(offsets + 2 * _COUNT, 2 * _FIELDS), "<u2").reshape(-1, _FIELDS)
    counts, stamps = _decode(fields)
    follows = np.append(True, stamps[1:] > stamps[:-1])
    bad = np.flatnonzero(~((marks == _MARK) & ((fields & _UNUSED_BITS) == 0).all(axis=1) & follows))
    count = int(bad[0]) if len(bad) else len(offsets)
    if not count:
        raise IsxFormatError(f"Nothing to recover: {path} holds no complete frame of {pixels} pixels.")
    first = start[LINE_VALUES : LINE_VALUES + pixels]
    rows, cols, is_guess = (*shape, False) if shape else _likely_shape(first)
    end = count * frame_bytes
    cut = count == len(offsets) and file.size > end + 2 and file.read(end, 2) == _MARK.to_bytes(2, "little")
    timing = _timing(counts[:count], stamps[:count])
    return FoundFrames(rows, cols, count, count + cut, timing, is_guess)


def _headers_at(values: NDArray[np.uint16], positions: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether what begins at each position looks like a header line; it must lie within `values`."""
    fields = values[positions[:, None] + np.arange(_COUNT, _COUNT + _FIELDS)]
    found: NDArray[np.bool_] = (values[positions] == _MARK) & ((fields & _UNUSED_BITS) == 0).all(axis=1)
    return found


def _decode(fields: NDArray[np.uint16]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Frame counts, and time stamps."""
    shifts = np.array([0, 8, 16, 24])
    counts = ((fields[:, :4].astype(np.int64) >> 4) << shifts).sum(axis=1)
    return counts, decode_counter(fields[:, COUNTER - _COUNT :])


def _find_pixels(values: NDArray[np.uint16], path: str) -> int:
    """Number of pixels of a frame, from the distance of the marks of the first frames."""
    marks = np.flatnonzero(values[2 * LINE_VALUES + 1 : max(0, len(values) - LINE_VALUES)] == _MARK)
    distances = marks + 2 * LINE_VALUES + 1
    for distance in distances[_headers_at(values, distances)].tolist():
        chain = np.arange(0, len(values) - LINE_VALUES, distance)[:_CHAIN]
        fields = values[chain[:, None] + np.arange(_COUNT, _COUNT + _FIELDS)]
        stamps = _decode(fields)[1]
        if _headers_at(values, chain).all() and (stamps[1:] > stamps[:-1]).all():
            return int(distance) - 2 * LINE_VALUES
    raise IsxFormatError(
        f"{path}: the size of a frame cannot be found, since no second frame follows the first. Give it: "
        "isx.recover(path, shape=(rows, columns))."
    )


def _likely_shape(pixels: NDArray[np.uint16]) -> tuple[int, int, bool]:
    """The shape in which rows are most alike to the ones below; the squarest if all are equally so."""
    size = len(pixels)
    small = np.arange(1, int(size**0.5) + 1)
    small = small[size % small == 0]
    widths = np.unique(np.concatenate([small, size // small]))
    plausible = widths[(widths <= _MAX_ASPECT * (size // widths)) & (size // widths <= _MAX_ASPECT * widths)]
    options = (plausible if len(plausible) else widths).tolist()
    values = pixels.astype(np.float32)
    cost = {w: float(np.abs(values[w:] - values[:-w]).mean()) if w < size else np.inf for w in options}
    cols = min(options, key=lambda w: (cost[w], abs(w - size // w), -w))
    is_guess = sum(c <= cost[cols] for c in cost.values()) > 1
    return size // cols, cols, is_guess


def _timing(counts: NDArray[np.int64], stamps: NDArray[np.uint64]) -> Timing:
    """Timing by the counters; frames count as dropped where frame counts and time stamps both say so."""
    steps = np.diff(counts) % 2**32
    micros = int(stamps[-1]) - int(stamps[0])
    if not len(steps):
        return Timing(1)
    unit = max(1, int(steps.min()))
    samples = np.append(0, np.cumsum(steps // unit))
    expected = samples * (micros / max(1, int(samples[-1])))
    regular = (
        np.abs((stamps - stamps[0]).astype(np.float64) - expected) < micros / max(1, int(samples[-1])) / 2
    )
    if (steps % unit).any() or not steps.all() or not regular.all():
        samples = np.arange(len(counts))
    total = int(samples[-1])
    dropped = np.setdiff1d(np.arange(total + 1), samples) if total >= len(counts) else ()
    period = Duration.from_ratio(micros, total * 1_000_000) if micros < 2**63 else None
    return Timing(total + 1, period, dropped=dropped)
