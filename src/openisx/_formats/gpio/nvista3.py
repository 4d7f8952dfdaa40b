"""GPIO recordings of nVista 3 and nVoke 2: header and session metadata (docs/formats/gpio.md, `.gpio`)."""

from __future__ import annotations

import contextlib
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openisx._formats.gpio.packets import CHANNEL_NAMES, EX_LED, SYNC, digital_input
from openisx._formats.gpio.points import Decoder
from openisx._formats.gpio.recording import NO_SYNC, RecordedChannel, RecordedSignals, end_time
from openisx._formats.gpio.session_metadata import read_session
from openisx._formats.kinds import DataKind
from openisx.core._records import IsxRatio
from openisx.core.timing import Duration, Time
from openisx.errors import IsxFormatError

if TYPE_CHECKING:
    from openisx._files.source import ByteSource

__all__ = ["read_nvista3"]

_HEADER = struct.Struct("<QQiIQ")
_EXTENSION = struct.Struct("<QQ")
_CLOSED_LOOP = 240


@dataclass(frozen=True)
class _Header:
    start: Time
    packets_at: int
    file_format: int
    session_at: int


def _read_header(file: ByteSource) -> _Header:
    head = file.read(0, min(file.size, _HEADER.size + _EXTENSION.size))
    if len(head) >= 4 and int.from_bytes(head[:4], "little") == SYNC:
        return _Header(Time(), 0, 0, 0)
    if len(head) < _HEADER.size:
        raise IsxFormatError(
            f"{NO_SYNC} {file.given_path} has {file.size} bytes, fewer than its header needs; it is incomplete."
        )
    num, den, utc_offset, packets_at, _ = _HEADER.unpack_from(head)
    if den == 0:
        raise IsxFormatError(f"Division by zero. The start time of {file.given_path} has the denominator 0.")
    if max(num, den) >= 2**63:
        raise IsxFormatError(f"{file.given_path}: the start time {num}/{den} in its header cannot be right.")
    extension = head[_HEADER.size :]
    if len(extension) < _EXTENSION.size or int.from_bytes(extension[:4], "little") == SYNC:
        file_format, session_at = 0, 0
    else:
        file_format, session_at = _EXTENSION.unpack(extension)
    start = Time.from_secs_since_epoch(Duration.from_ratio(num, den), utc_offset)
    return _Header(start, packets_at, file_format, session_at)


def _clock_and_names(session: dict[str, Any], file_format: int) -> tuple[int, list[str]]:
    """Resolution in Hz and channel names by code.

    One step that fails ends the rest (docs/formats/gpio.md, From packets to points).
    """
    clock, names = 1000, list(CHANNEL_NAMES)
    try:
        clock = _clock(session)
        microscope = session.get("microscope")
        dual = _member(microscope, "dualColor")
        if dual is not None and _boolean(dual["enabled"]):
            names[EX_LED : EX_LED + 2] = ["EX-LED1", "EX-LED2"]
        if file_format == _CLOSED_LOOP:
            names[digital_input(4) : digital_input(8)] = [f"SoftTrig-{i}" for i in range(1, 5)]
    except (LookupError, TypeError):
        pass  # what the steps before have set stays
    return clock, names


def _member(section: Any, key: str) -> Any:
    if section is None:
        return None
    if not isinstance(section, dict):
        raise TypeError(key)
    return section.get(key)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _clock(session: dict[str, Any]) -> int:
    if "adMode" in session:
        clock = session[session["adMode"]]["clock"]
    elif "ad" in session:
        clock = session["ad"]["clock"]
    elif "autoAd" in session:
        clock = session["autoAd"]["clock"]
    else:
        return 1000
    if isinstance(clock, bool) or not isinstance(clock, (int, float)):
        raise TypeError
    return int(clock)


def read_nvista3(file: ByteSource) -> RecordedSignals:
    """Decode a `.gpio` file, and close it.

    Raises
    ------
    IsxFormatError
        The file holds no packets, or a number in it cannot be right.
    """
    with contextlib.closing(file):
        return _converted(file, _read_header(file))


def _converted(file: ByteSource, header: _Header) -> RecordedSignals:
    has_session = header.session_at > 0
    decoder = Decoder(
        file,
        header.packets_at,
        closed_loop=header.file_format == _CLOSED_LOOP,
        session_at=header.session_at if has_session else None,
    )
    decoder.run()
    first, last, points = decoder.finish()
    statistics = decoder.statistics
    session, clock, names, problem = None, 1000, list(CHANNEL_NAMES), ""
    if has_session:
        try:
            session = read_session(file, header.session_at)
            session = {} if session is None else session
            if not isinstance(session, dict):
                raise IsxFormatError("they are not an object")
            session["firstTsc"] = first
            clock, names = _clock_and_names(session, header.file_format)
        except IsxFormatError as error:
            session, problem = None, f"the session metadata cannot be read ({error})"
    if not 0 < clock < 2**62:
        raise IsxFormatError(
            f"{'Division by zero. ' if clock == 0 else ''}The session metadata of {file.given_path} give a clock of "
            f"{clock} Hz."
        )
    step = IsxRatio(1, clock)
    count = math.ceil(((last - first + 1) / 1e6) / (1.0 / clock))
    recorded = RecordedSignals(
        file,
        DataKind.GPIO,
        (header.start, end_time(header.start, IsxRatio(count, clock))),
        [RecordedChannel(names[code], False, step, found) for code, found in points.items()],
        statistics,
        session,
    )
    recorded.warn_of_damage(problem)
    return recorded
