"""``isx info``: what is in a file. Each public class has its own :func:`describe`."""

from __future__ import annotations

import functools
import json
import os
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import numpy as np
import typer
from rich.markup import escape

import openisx as isx
from openisx._cli.info_behavior import tracking_section, video_section
from openisx._cli.series import member_of, summary
from openisx._cli.terminal import close_if_open, columns, one_line, print_error, stdout
from openisx._cli.values import Sections, Shown, for_json, length_text, size_fact, size_text, value_text
from openisx._files.paths import extension
from openisx._formats.kinds import DataKind
from openisx._formats.legacy.plain import PlainSource
from openisx.errors import IsxWarning

if TYPE_CHECKING:
    from rich.console import Console

    from openisx._gpio_channel import GpioChannel
    from openisx._series import Member

__all__ = [
    "NAME",
    "command",
    "describe",
    "session_section",
    "show",
    "spacing_facts",
    "timing_section",
]

NAME = "info"

_LISTED = 12  # indices of missing samples that are shown one by one

# -- what there is to say ------------------------------------------------------------------------


@functools.singledispatch
def describe(obj: Any) -> Sections:
    """Everything a person wants to know about what :func:`isx.open` gave.

    Register one function per public class with ``@describe.register``; empty sections are left out. What has
    none of its own tells at least its timing and session.
    """
    timing = getattr(obj, "timing", None)
    return {
        "timing": {} if timing is None else timing_section(timing),
        "session": session_section(obj) if hasattr(obj, "get_acquisition_info") else {},
    }


@describe.register
def _movie(movie: isx.Movie) -> Sections:
    frames, rows, columns = movie.shape
    assert movie.timing is not None
    assert movie.spacing is not None
    picture: dict[str, Any] = {
        "size": size_fact(rows, columns),
        "pixel type": movie.dtype.name,
    }
    if movie._open_source().kind is not DataKind.NVISION_MOVIE:  # whose pixels have no known size
        picture |= spacing_facts(movie.spacing)
    return {
        "picture": picture,
        "video": video_section(movie) if frames else {},
        "timing": timing_section(movie.timing, "frames") | _assumed(movie),
        "hardware": _hardware(movie) if frames else {},
        "tracking": tracking_section(movie),
        "session": session_section(movie),
    }


def _assumed(movie: isx.Movie) -> dict[str, Any]:
    """Which of the times shown are not in the file."""
    source = movie._open_source()
    names = source.assumed if isinstance(source, PlainSource) else ()
    return {"assumed": Shown(names, f"{' and '.join(names)}, which the file does not tell")} if names else {}


def _hardware(movie: isx.Movie) -> dict[str, Any]:
    """Counter of the acquisition box, and what the header of the first frame says."""
    source = movie._open_source()
    if not source.num_stored:
        return {}
    facts: dict[str, Any] = {}
    samples = source.timing.samples
    if source.has_timestamps:
        first, last = source.timestamp(0), source.timestamp(source.num_stored - 1)
        facts["first time stamp"] = Shown(first, f"{first} us")
        facts["last time stamp"] = Shown(last, f"{last} us")
    header = movie.get_frame_header(samples.sample(0))
    if header is not None:
        facts["electronic focus"] = header.efocus
        facts["led powers"] = Shown(
            [header.led1_power, header.led2_power], f"{header.led1_power}, {header.led2_power} (raw values)"
        )
        facts["color id"] = header.color_id
    return facts


@describe.register
def _image(image: isx.Image) -> Sections:
    data, spacing = image.get_data(), image.spacing
    assert data is not None
    assert spacing is not None
    facts: dict[str, Any] = {
        "size": size_fact(*data.shape),
        "pixel type": data.dtype.name,
        **spacing_facts(spacing),
    }
    finite = data[np.isfinite(data)]
    if finite.size:
        facts["darkest"], facts["brightest"] = finite.min().item(), finite.max().item()
        facts["mean"] = Shown(float(finite.mean(dtype=np.float64)), f"{finite.mean(dtype=np.float64):.6g}")
    return {"picture": facts}


@describe.register
def _gpio_set(gpio: isx.GpioSet) -> Sections:
    channels = [gpio[i] for i in range(len(gpio))]
    assert gpio.timing is not None
    facts: dict[str, Any] = {"kind": "IMU" if gpio.is_imu else "GPIO", "channels": len(channels)}
    if gpio.first_timestamp is not None:
        facts["first time stamp"] = Shown(gpio.first_timestamp, f"{gpio.first_timestamp} us")
    if channels:
        facts["list"] = [_channel_row(channel) for channel in channels]
    statistics = gpio.statistics
    counts = {} if statistics is None else statistics.as_dict()
    unit = "packets" if extension(gpio.file_path or "") in ("gpio", "raw") else "records"
    counts = {unit: counts.pop("packets", 0), **counts}
    return {
        "signals": facts,
        "timing": timing_section(gpio.timing),
        unit: {name.replace("_", " "): count for name, count in counts.items() if count},
        "session": session_section(gpio),
    }


def _channel_row(channel: GpioChannel) -> dict[str, Any]:
    low, high = channel.range or (None, None)
    return {
        "name": channel.name,
        "kind": channel.kind,
        "points": channel.num_points,
        "lowest": low,
        "highest": high,
        "unit": channel.unit,
    }


def spacing_facts(spacing: isx.Spacing) -> dict[str, Any]:
    """Pixel size and position on the sensor."""
    (height, width), (top, left) = spacing.pixel_size, spacing.top_left
    facts: dict[str, Any] = {
        "pixel size": Shown([height, width], f"{height:g} x {width:g} um on the sensor"),
    }
    if left or top:
        facts["corner"] = Shown([top, left], f"row {top:g} um, column {left:g} um on the sensor")
    return facts


def timing_section(timing: isx.Timing, what: str = "samples") -> dict[str, Any]:
    """Start, length, rate and missing samples; `what` the samples are called."""
    period = timing.period.secs_float
    count = timing.num_samples
    facts: dict[str, Any] = {
        "start": _instant(timing.start),
        "duration": Shown(count * period, length_text(count * period)),
        what: count,
        "period": Shown(period, f"{period * 1000:.6g} ms ({1 / period:.6g} Hz)" if period > 0 else "0"),
    }
    for name in ("dropped", "blank"):
        indices = getattr(timing, name)
        if indices:
            more = f", ... {indices[-1]}" if len(indices) > _LISTED else ""
            facts[name] = Shown(indices, f"{len(indices)}: {', '.join(map(str, indices[:_LISTED]))}{more}")
    if timing.cropped:
        ranges = [f"{a}-{b}" if a < b else str(a) for a, b in timing.cropped]
        more = f", ... {ranges[-1]}" if len(ranges) > _LISTED else ""
        total = sum(b - a + 1 for a, b in timing.cropped)
        facts["cropped"] = Shown(timing.cropped, f"{total}: {', '.join(ranges[:_LISTED])}{more}")
    return facts


def _instant(time: isx.Time) -> Shown:
    offset = timedelta(seconds=time.utc_offset)
    try:
        text = time.to_datetime().isoformat(" ", "milliseconds")
    except ValueError:  # beyond the years datetime knows
        return Shown(None, f"{time.secs_since_epoch.secs_float:.15g} s after 1970")
    try:
        zone = datetime(2000, 1, 1, tzinfo=timezone(offset)).strftime("%z")
    except ValueError:
        zone = f" (local time is UTC {offset.total_seconds():+g} s)"
    else:
        zone = f" {zone[:3]}:{zone[3:5]}" if offset else " UTC"
    return Shown(text.replace(" ", "T") + zone.strip().replace("UTC", "Z"), text + zone)


def session_section(obj: Any) -> dict[str, Any]:
    """The acquisition info of any object that has some."""
    return dict(obj.get_acquisition_info() or {})


# -- how it is said ------------------------------------------------------------------------------


class _File(NamedTuple):
    """What became of looking into one file."""

    path: str
    kind: str | None
    size: int
    sections: Sections
    warnings: list[str]
    error: Exception | None
    member: tuple[type[Any], Member] | None


def _look_into(path: str) -> _File:
    size, kind, sections, opened, member = 0, None, {}, None, None
    failure: Exception | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", IsxWarning)
        try:
            size = os.stat(path).st_size
            opened = isx.open(path)
            kind = (
                opened._open_source().kind.label if isinstance(opened, isx.Movie) else type(opened).__name__
            )
            sections = {title: facts for title, facts in describe(opened).items() if facts}
            member = member_of(opened)
        except FileNotFoundError:
            failure = isx.IsxFileNotFoundError(f"File does not exist: {path}")
        except (isx.IsxError, OSError, ValueError) as error:
            failure = error
        finally:
            close_if_open(opened)
    notes = list(dict.fromkeys(one_line(w.message) for w in caught if issubclass(w.category, UserWarning)))
    return _File(path, kind, size, sections, notes, failure, member)


def command(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Files of any kind.", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show what is in files of any kind.

    Several files of one recording are also summed up as a series: their order, gaps, and what keeps them from
    fitting together. The status is 1 if any of the files cannot be read.
    """
    seen = []
    for path in files:
        file = _look_into(path)
        seen.append(file)
        if not as_json:
            _show(file, stdout())
    series = summary([file.member for file in seen if file.error is None])
    if as_json:
        document = {"files": [_document(file) for file in seen], "series": for_json(series) or None}
        stdout().out(json.dumps(document, indent=2))
    elif series:
        console = stdout()
        console.print(f"[bold]Series of {len(series['files'])} files[/]")
        _show_facts({k: v for k, v in series.items() if k != "files"}, console)
    if any(file.error for file in seen):
        raise typer.Exit(1)


def show(path: str, *, session: bool = True) -> None:
    """Print what is in one file, or what is wrong with it."""
    file = _look_into(path)
    if not session:
        file.sections.pop("session", None)
    _show(file, stdout())


def _document(file: _File) -> dict[str, Any]:
    if file.error is not None:
        return {"path": file.path, "error": one_line(file.error)}
    facts = {"path": file.path, "kind": file.kind, "bytes": file.size, **for_json(file.sections)}
    return {**facts, "warnings": file.warnings} if file.warnings else facts


def _show(file: _File, console: Console) -> None:
    if file.error is not None:
        print_error(file.error, file.path)
        return
    console.print(f"[bold]{escape(file.path)}[/]  [cyan]{file.kind}[/], {size_text(file.size)}")
    for note in file.warnings:
        console.print(f"  [yellow]warning:[/] {escape(note)}")
    for title, facts in file.sections.items():
        console.print(f"  [bold blue]{escape(title)}[/]")
        _show_facts(facts, console)
    console.print()


def _show_facts(facts: Mapping[str, Any], console: Console) -> None:
    width = max((len(label) for label, value in facts.items() if not _is_table(value)), default=0)
    for label, value in facts.items():
        if _is_table(value):
            _show_table(label, value, console)
        else:
            console.print(f"    [dim]{escape(f'{label:<{width}}')}[/]  {escape(value_text(value))}")


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _show_table(label: str, rows: list[Mapping[str, Any]], console: Console) -> None:
    """Rows whose keys, those of the first row, are the headings."""
    if label:
        console.print(f"    [dim]{escape(label)}[/]")
    texts = [[f"[dim]{escape(heading)}[/]" for heading in rows[0]]]
    texts += [[escape(value_text(row.get(heading))) for heading in rows[0]] for row in rows]
    for line in columns(texts, right=[_is_number(value) for value in rows[0].values()]):
        line.pad_left(6)
        console.print(line)


def _is_number(value: Any) -> bool:
    raw = value.value if isinstance(value, Shown) else value
    return isinstance(raw, (int, float)) and not isinstance(raw, bool)
