from __future__ import annotations

import csv
import json
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isx
from builders import sets as make
from isx import export_event_set_to_csv
from isx.errors import IsxFileExistsError, IsxFileNotFoundError, IsxFormatError, IsxSeriesError
from openisx.export.csv import events as events_csv

DATA = Path(__file__).parent.parent.parent / "data" / "csv"
CASES = [
    case
    for case in json.loads((DATA / "cases.json").read_text(encoding="utf-8"))
    if case["fn"] == "export_event_set_to_csv"
]

#: Where this package writes something else on purpose (docs/differences.md): names that would break the columns
#: are quoted, and an event that shares a sample does not hide the later ones.
QUOTED = ('n,"q"', '"n,""q"""')
ALL_PLACED = {"events_two_in_bin_table": ("0.3, 0, 0\n", "0.3, 3.5, 0\n")}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_golden(case, tmp_path):
    def path(name):
        return str(tmp_path / name) if name in ("OUT", "PROPS") else str(DATA / name)

    kwargs = dict(case["kwargs"])
    if "output_props_file" in kwargs:
        kwargs["output_props_file"] = path(kwargs["output_props_file"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        export_event_set_to_csv([path(name) for name in case["args"][0]], path(case["args"][1]), **kwargs)
    assert len(caught) == (case["name"] in ALL_PLACED)
    for name, expected_name in case["outputs"].items():
        expected = (DATA / expected_name).read_bytes().decode().replace(*QUOTED)
        assert (tmp_path / name).read_bytes().decode() == expected.replace(
            *ALL_PLACED.get(case["name"], ("", ""))
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(case["outputs"])


def event_file(
    path, events, *, start=(1_600_000_000_123, 1000), end=None, steps=((50, 1000),), metrics=None, types=None
):
    """An event set byte by byte: `events` maps names (or is a list of pairs) to lists of (offset, value)."""
    pairs = list(events.items()) if isinstance(events, dict) else events
    body = b"".join(
        struct.pack("<QQf", offset, channel, value)
        for channel, (_, points) in enumerate(pairs)
        for offset, value in points
    )
    steps = [steps[min(i, len(steps) - 1)] for i in range(len(pairs))]
    end = end or (start[0] + 500, start[1])

    return make.events(
        path,
        [name for name, _ in pairs],
        body,
        **{"global times": [make.instant(*start), make.instant(*end)]},
        signalSteps=[make.ratio(*step) for step in steps],
        signalTypes=types or [0] * len(pairs),
        numSamples=[len(points) for _, points in pairs],
        metrics=metrics,
    )


def export(tmp_path, *files, **kwargs):
    out = tmp_path / f"out{len(list(tmp_path.iterdir()))}.csv"
    export_event_set_to_csv(list(files), out, **kwargs)
    return out.read_bytes().decode()


def table_of(text):
    rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
    return rows[0], np.array(rows[1:], dtype=float)


def test_an_event_half_way_belongs_to_the_earlier_sample(tmp_path):
    path = event_file(
        tmp_path / "e.isxd", {"A": [(25_000, 1), (75_000, 2), (125_001, 3)], "B": [(475_000, 4)]}
    )
    _, rows = table_of(export(tmp_path, path))
    assert rows[:, 1].tolist() == [1, 2, 0, 3, 0, 0, 0, 0, 0, 0]
    assert np.flatnonzero(rows[:, 2]).tolist() == [9]


def test_events_beyond_the_end_are_listed_but_not_in_the_table(tmp_path):
    path = event_file(tmp_path / "e.isxd", {"A": [(475_001, 1), (2**62, 2), (100_000, 3)]})
    _, rows = table_of(export(tmp_path, path))
    np.testing.assert_array_equal(np.flatnonzero(rows[:, 1]), [2])
    listed = export(tmp_path, path, sparse_output=False)
    assert listed == "Time (s), Cell Name, Value\n0.1, A, 3\n0.475001, A, 1\n4611686018427.388, A, 2\n"


def test_later_events_are_not_lost_behind_one_that_shares_a_sample(tmp_path):
    events = {
        "A": [(100_000, 1), (100_001, 2), (110_000, 3), (200_000, 4)],
        "B": [(0, 5), (1, 6), (450_000, 7)],
    }
    path = event_file(tmp_path / "e.isxd", events)
    with pytest.warns(UserWarning, match="^3 events share a sample with an earlier event") as caught:
        _, rows = table_of(export(tmp_path, path))
    assert len(caught) == 1
    assert rows[[2, 4], 1].tolist() == [1, 4]
    assert rows[[0, 9], 2].tolist() == [5, 7]
    assert np.count_nonzero(rows[:, 1:]) == 4


def test_equal_times_keep_the_last_packet(tmp_path):
    path = event_file(tmp_path / "e.isxd", {"A": [(100_000, 1), (50_000, 2), (100_000, 3)]})
    assert export(tmp_path, path, sparse_output=False).splitlines()[1:] == ["0.05, A, 2", "0.1, A, 3"]


def test_one_per_event_whatever_the_chunks(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    events = {
        name: [
            (int(o), float(v))
            for o, v in zip(rng.choice(500_000, 40, False), rng.normal(size=40), strict=True)
        ]
        for name in "ABC"
    }
    path = event_file(tmp_path / "e.isxd", events, steps=((1, 1000),))
    for sparse in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = export(tmp_path, path, sparse_output=sparse)
            monkeypatch.setattr(events_csv, "_CHUNK", 7)
            assert export(tmp_path, path, sparse_output=sparse) == whole
            monkeypatch.undo()


def test_steps_of_other_cells_do_not_matter(tmp_path):
    path = event_file(
        tmp_path / "e.isxd", {"A": [(200_000, 1)], "B": [(300_000, 2)]}, steps=((100, 1000), (50, 1000))
    )
    _, rows = table_of(export(tmp_path, path))
    np.testing.assert_array_equal(rows[:, 0], [0, 0.1, 0.2, 0.3, 0.4])
    assert (rows[2, 1], rows[3, 2]) == (1, 2)


def test_dense_first_cell_sets_the_number_of_rows(tmp_path):
    path = event_file(tmp_path / "e.isxd", {"A": [(0, 1), (50_000, 2), (100_000, 3)]}, types=[1])
    assert table_of(export(tmp_path, path))[1][:, 1].tolist() == [1, 2, 3]


def test_cells_are_matched_by_name_and_repeated_names_in_turn(tmp_path):
    a = event_file(tmp_path / "a.isxd", [("X", [(0, 1)]), ("Y", [(0, 2)]), ("X", [(0, 3)])])
    b = event_file(
        tmp_path / "b.isxd",
        [("new", [(0, 9)]), ("X", [(0, 4)]), ("X", [(0, 5)]), ("Y", [(0, 6)])],
        start=(1_600_000_001_123, 1000),
    )
    listed = export(tmp_path, a, b, sparse_output=False).splitlines()[1:]
    assert listed == ["0, X, 1", "1, X, 4", "0, Y, 2", "1, Y, 6", "0, X, 3", "1, X, 5"]
    header, rows = table_of(export(tmp_path, a, b))
    assert header == ["Time (s)", "X", "Y", "X"]
    assert rows[[0, 10], 1:].tolist() == [[1, 2, 3], [4, 6, 5]]


def test_a_missing_cell_is_an_error(tmp_path):
    a = event_file(tmp_path / "a.isxd", {"A": [], "B": []})
    b = event_file(tmp_path / "b.isxd", {"A": []})
    with pytest.raises(isx.IsxError, match=r"b.isxd lacks the cell 'B' of the first file, .*a.isxd"):
        export(tmp_path, a, b)


def test_no_cells_no_samples_no_events(tmp_path):
    empty = event_file(tmp_path / "a.isxd", {})
    with pytest.raises(isx.IsxError, match="holds no cells"):
        export(tmp_path, empty)
    short = event_file(tmp_path / "b.isxd", {"A": [(0, 1)]}, end=(1_600_000_000_123, 1000))
    assert export(tmp_path, short) == "Time (s), A\n"
    assert export(tmp_path, short, sparse_output=False) == "Time (s), Cell Name, Value\n0, A, 1\n"
    silent = event_file(tmp_path / "c.isxd", {"A": [], "B": []}, end=(1_600_000_000_223, 1000))
    assert export(tmp_path, silent) == "Time (s), A, B\n0, 0, 0\n0.05, 0, 0\n"
    assert export(tmp_path, silent, sparse_output=False, write_amplitude=False) == "Time (s), Cell Name\n"


# -- properties ----------------------------------------------------------------------------------------


def nine(snr, rate):
    return [snr, 0, rate, 0, 0, 0, 0, 0, 0]


def properties(tmp_path, *files):
    props = tmp_path / "props.csv"
    out = tmp_path / "props-main.csv"
    export_event_set_to_csv(list(files), out, output_props_file=props)
    text = props.read_text()
    props.unlink()
    out.unlink()
    return text


def test_properties_without_metrics(tmp_path):
    path = event_file(tmp_path / "a.isxd", {"A": [], "B,C": []})
    assert properties(tmp_path, path) == 'Name\nA\n"B,C"\n'


def test_properties_are_means_weighted_by_duration(tmp_path):
    first = {"start": (10_000, 1000), "end": (10_400, 1000)}
    second = {"start": (20_000, 1000), "end": (21_200, 1000)}
    a = event_file(tmp_path / "a.isxd", {"A": []}, metrics=[nine(1, 3)], **first)
    b = event_file(tmp_path / "b.isxd", {"A": []}, metrics=[nine(5, 7)], **second)
    assert properties(tmp_path, b, a) == "Name,SNR,EventRate(Hz)\nA,4,6\n"
    none: list[Any] = [None, [{}]]
    for metrics in none:
        b = event_file(tmp_path / "b.isxd", {"A": []}, metrics=metrics, **second)
        assert properties(tmp_path, a, b) == "Name,SNR,EventRate(Hz)\nA,0.25,0.75\n"
    a = event_file(tmp_path / "a.isxd", {"A": []}, metrics=None, **first)
    b = event_file(tmp_path / "b.isxd", {"A": []}, metrics=[nine(5, 7)], **second)
    assert properties(tmp_path, a, b) == "Name\nA\n"


def test_properties_of_cells_without_metrics_and_not_a_number(tmp_path):
    path = event_file(
        tmp_path / "a.isxd", {"A": [], "B": [], "C": []}, metrics=[{}, nine(None, 1.5), nine(1234567, 1e-7)]
    )
    assert properties(tmp_path, path) == "Name,SNR,EventRate(Hz)\nA,0,0\nB,nan,1.5\nC,1.23457e+06,1e-07\n"


@pytest.mark.parametrize("metrics", [[[1, 2]], ["text"], [7], [nine(1, 2)] * 2, {"a": 1}, [[["x"]] * 9]])
def test_damaged_metrics(tmp_path, metrics):
    path = event_file(tmp_path / "a.isxd", {"A": []}, metrics=metrics)
    with pytest.raises(IsxFormatError, match=r"a.isxd: metrics"):
        properties(tmp_path, path)


@pytest.mark.parametrize(
    ("second", "text"),
    [
        ({"events": {"B": []}, "start": (90_000, 1000)}, "Events series member with mismatching channels."),
        ({"events": {"A": []}, "start": (10_400, 1000)}, "Unable to insert data that temporally overlaps"),
    ],
)
def test_properties_need_a_series_and_nothing_is_left(tmp_path, second, text):
    a = event_file(tmp_path / "a.isxd", {"A": [], "B": []} if "B" in second["events"] else {"A": []})
    a = event_file(a, {"A": []}, start=(10_000, 1000)) if "A" in second["events"] else a
    b = event_file(tmp_path / "b.isxd", second["events"], start=second["start"])
    folder = tmp_path / "out"
    folder.mkdir()
    first, last = (b, a) if "B" in second["events"] else (a, b)
    with pytest.raises(IsxSeriesError, match=text):
        export_event_set_to_csv([first, last], folder / "o.csv", output_props_file=folder / "p.csv")
    assert not list(folder.iterdir())
    if "A" in second["events"]:  # without properties such files are taken
        export_event_set_to_csv([first, last], folder / "o.csv")


# -- arguments and failures ----------------------------------------------------------------------------


@pytest.fixture
def events(tmp_path):
    return event_file(tmp_path / "e.isxd", {"A": [(100_000, 1), (200_000, 2)]})


def test_time_refs(events, tmp_path):
    assert export(tmp_path, events, time_ref="unix", sparse_output=False).splitlines()[1] == (
        "1600000000.223, A, 1"
    )
    with pytest.raises(ValueError, match=r"Unknown time_ref 'utc'. Options are start, unix, tsc."):
        export_event_set_to_csv(tmp_path / "missing.isxd", tmp_path / "o.csv", "utc")
    with pytest.raises(ValueError, match="Invalid setting for writeTimeRelativeTo"):
        export_event_set_to_csv(events, tmp_path / "o.csv", time_ref="tsc")
    assert not (tmp_path / "o.csv").exists()


def test_one_path_of_any_type(events, tmp_path):
    export_event_set_to_csv(str(events), str(tmp_path / "a.csv"))
    export_event_set_to_csv((events,), tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    with pytest.raises(ValueError, match="no input files"):
        export_event_set_to_csv([], tmp_path / "c.csv")


def test_existing_outputs_are_kept(events, tmp_path):
    for name in ("out.csv", "props.csv"):
        (tmp_path / name).write_text("precious")
        with pytest.raises(IsxFileExistsError, match=f"File already exists: .*{name}"):
            export_event_set_to_csv(events, tmp_path / "out.csv", output_props_file=tmp_path / "props.csv")
        assert (tmp_path / name).read_text() == "precious"
        (tmp_path / name).unlink()
    with pytest.raises(IsxFileExistsError):
        export_event_set_to_csv(events, tmp_path / "same.csv", output_props_file=tmp_path / "same.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.isxd"]


@pytest.mark.parametrize("output", ["", "no/such/folder/out.csv"])
def test_unwritable_outputs(events, tmp_path, output, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(isx.IsxFileError, match=r"Error writing to output file\."):
        export_event_set_to_csv(events, output)
    if output:
        with pytest.raises(isx.IsxFileError, match=r"Error writing to output file\."):
            export_event_set_to_csv(events, "out.csv", output_props_file=output)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.isxd"]


def test_wrong_inputs(events, tmp_path):
    with pytest.raises(IsxFileNotFoundError, match=r"File does not exist: .*missing.isxd"):
        export(tmp_path, events, tmp_path / "missing.isxd")
    text = "Expected data set to be of type: Event Set. Instead it is of type: GPIO. "
    with pytest.raises(IsxFormatError, match=text):
        export(tmp_path, events, DATA / "gpio.isxd")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.isxd"]


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing(events, tmp_path, sparse, error):
    def progress(done, total):
        raise error

    with pytest.raises(error):
        export_event_set_to_csv(
            events,
            tmp_path / "o.csv",
            output_props_file=tmp_path / "p.csv",
            sparse_output=sparse,
            progress=progress,
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.isxd"]


def test_progress_ends_at_the_total(events, tmp_path):
    seen = []
    export(tmp_path, events, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (10, 10)
    export(tmp_path, events, sparse_output=False, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2, 2)


def test_absurd_numbers_of_samples_do_not_fill_the_disk(tmp_path):
    path = event_file(
        tmp_path / "e.isxd",
        {f"C{i}": [] for i in range(900)},
        end=(1_600_000_000_123 + 4_000_000_000, 1000),
        steps=((1, 1000),),
    )
    with pytest.raises(isx.IsxFileError, match="MB are needed"):
        export(tmp_path, path)
