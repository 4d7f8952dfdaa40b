"""EthoVision tables with the time stamps of their movie."""

from __future__ import annotations

import csv
import sys

import pytest

import isx
from builders.paired import behavior, gpio, microscope

pytest.importorskip("pandas")
openpyxl = pytest.importorskip("openpyxl")

HEAD = [
    ["Number of header lines:", "5", "", ""],
    ["Experiment", "x", "", ""],
    [],
    ["Time", "X", "Zone", "Who"],
]
UNITS = ["s", "cm", "", ""]
ROWS = [["0.000000", "1.50", "-", "a,b"], ["0.050000", "-", "1", ""], ["0.100000", "2.25", "-", "c"]]
export = isx.export_ethovision_data_with_isxb_timestamps


def table_csv(path, rows=ROWS, head=HEAD, units=UNITS, encoding="utf-8", **options):
    with open(path, "w", newline="", encoding=encoding) as file:
        csv.writer(file, **options).writerows([*head, units, *rows])
    return path


def table_xlsx(path, rows):
    book = openpyxl.Workbook()
    for row in [*HEAD, UNITS, *rows]:
        book.active.append(row)
    book.save(path)
    return path


@pytest.fixture
def movie(tmp_path):
    return behavior(tmp_path / "b.isxb", [2_000_000, 2_050_000, 2_100_000])


def written(tmp_path):
    return (tmp_path / "o.csv").read_text(encoding="utf-8").split("\n")[:-1]


def test_csv(tmp_path, movie):
    table = table_csv(tmp_path / "t.csv")
    assert export(table, movie, tmp_path / "o.csv", time_ref="tsc") is None
    assert written(tmp_path) == [
        "isxb Frame Timestamp (us),Time,X,Zone,Who",
        '2000000,0.0,1.50,,"a,b"',
        "2050000,0.05,,1,",
        "2100000,0.1,2.25,,c",
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings(tmp_path, movie, encoding):
    rows = [[*row[:3], "Größe"] for row in ROWS]
    table = table_csv(tmp_path / "T.CSV", rows, encoding=encoding)
    export(table, movie, tmp_path / "o.csv", time_ref="tsc")
    assert written(tmp_path)[1] == "2000000,0.0,1.50,,Größe"


def test_xlsx(tmp_path, movie):
    table = table_xlsx(
        tmp_path / "t.xlsx", [[0.0, 1.5, "-", "a,b"], [0.05, "-", 1, None], [0.1, 2.25, "-", "c"]]
    )
    export(table, movie, tmp_path / "o.csv", time_ref="tsc")
    assert written(tmp_path) == [
        "isxb Frame Timestamp (us),Time,X,Zone,Who",
        '2000000,0.0,1.5,,"a,b"',
        "2050000,0.05,,1,",
        "2100000,0.1,2.25,,c",
    ]


def test_times_from_a_reference(tmp_path, movie):
    table = table_csv(tmp_path / "t.csv")
    # more points than the movie has frames; the vendor refuses that
    reference = gpio(tmp_path / "g.isxd", 1_999_000, points=[(0, k, 1.0) for k in range(9)])
    before = movie.read_bytes()
    export(table, movie, tmp_path / "o.csv", reference)
    assert [row.split(",")[0] for row in written(tmp_path)] == [
        "isxb Frame Timestamp (s)",
        "0.001",
        "0.051",
        "0.101",
    ]
    (tmp_path / "o.csv").unlink()
    export(table, movie, tmp_path / "o.csv", reference, "unix")
    assert [row.split(",")[0] for row in written(tmp_path)] == [
        "isxb Frame Timestamp (s)",
        "1600000000.001",
        "1600000000.051",
        "1600000000.101",
    ]
    assert movie.read_bytes() == before
    (tmp_path / "o.csv").unlink()
    export(table, movie, tmp_path / "o.csv", reference, "unix", rewrite_start_time=True)
    assert movie.read_bytes() != before
    assert str(isx.Movie.read(movie).timing.start) == "2020-09-13 05:26:40.001000"


@pytest.mark.parametrize("time_ref", ["start", "unix", "tsc"])
def test_dropped_frames_are_empty(tmp_path, time_ref):
    movie = behavior(tmp_path / "b.isxb", [2_000_000, 2_100_000], dropped=(1,))
    reference = microscope(tmp_path / "m.isxd", [1_000_000, 1_050_000])
    export(table_csv(tmp_path / "t.csv"), movie, tmp_path / "o.csv", reference, time_ref)
    first = {"start": ["1.0", "", "1.1"], "tsc": ["2000000.0", "", "2100000.0"]}
    expected = first.get(time_ref, ["1600000001.0", "", "1600000001.1"])
    assert [row.split(",")[0] for row in written(tmp_path)[1:]] == expected


def test_one_row_less(tmp_path, movie):
    table = table_csv(tmp_path / "t.csv", ROWS[:2])
    with pytest.warns(
        UserWarning, match="Your Ethovision data file is one element shorter than the number of"
    ):
        export(table, movie, tmp_path / "o.csv", time_ref="tsc")
    assert [row.split(",")[0] for row in written(tmp_path)[1:]] == ["2050000", "2100000"]


@pytest.mark.parametrize("rows", [ROWS[:1], [*ROWS, ROWS[0]], []])
def test_other_lengths(tmp_path, movie, rows):
    table = table_csv(tmp_path / "t.csv", rows)
    text = (
        rf"Length of timestamps array \(3\) is not the same as \(or within one\) of .* table \({len(rows)}\)"
    )
    with pytest.raises(ValueError, match=text):
        export(table, movie, tmp_path / "o.csv", time_ref="tsc")
    assert not (tmp_path / "o.csv").exists()


def test_arguments(tmp_path, movie):
    table = table_csv(tmp_path / "t.csv")
    (tmp_path / "there.csv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"File already exists: .*there.csv"):
        export(table, movie, tmp_path / "there.csv")
    for time_ref in ("start", "unix"):
        with pytest.raises(ValueError, match="An input reference file is required for time_ref = 'start' or"):
            export(table, movie, tmp_path / "o.csv", time_ref=time_ref)
    with pytest.raises(ValueError, match="Unknown time_ref 'x'"):
        export(table, movie, tmp_path / "o.csv", movie, "x")
    for name in ("t.txt", "t", "t.xls"):
        with pytest.raises(ValueError, match=r"Only \.csv or \.xlsx file formats are accepted"):
            export(tmp_path / name, movie, tmp_path / "o.csv", time_ref="tsc")
    with pytest.raises(FileNotFoundError, match=r"File does not exist: .*x.csv"):
        export(tmp_path / "x.csv", movie, tmp_path / "o.csv", time_ref="tsc")
    with pytest.raises(FileNotFoundError, match=r"File does not exist: .*x.isxb"):
        export(table, tmp_path / "x.isxb", tmp_path / "o.csv", time_ref="tsc")
    with pytest.raises(isx.IsxError, match="not paired"):
        export(table, movie, tmp_path / "o.csv", microscope(tmp_path / "q.isxd", [1, 2], uuid="q"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "has no cell 'Number of header lines:'"),
        (b"a,b\n1,2\n", "has no cell 'Number of header lines:'"),
        (b"Number of header lines:;5\n", "has no cell 'Number of header lines:'"),
        (b"Number of header lines:\n", "should be the number of header lines, not ''"),
        (b"Number of header lines:,many\n", "should be the number of header lines, not 'many'"),
        (b"Number of header lines:,-3\n", "should be the number of header lines, not '-3'"),
        (b"Number of header lines:,1\n", "should be the number of header lines, not '1'"),
        (b"Number of header lines:,999999999999\n", "should be the number of header lines"),
        (b"Number of header lines:,50\nx\n", "announces 50 header lines but has only 2 lines"),
        (b"Number of header lines:,3\na\n\xff\xfe\x80\n", "cannot be read as an EthoVision table"),
        (b'Number of header lines:,3\na,b\nu,u\n1,2\n"3,4\n', "cannot be read|Length of timestamps"),
    ],
)
def test_bad_csv(tmp_path, movie, content, match):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match=match):
        export(tmp_path / "t.csv", movie, tmp_path / "o.csv", time_ref="tsc")
    assert not (tmp_path / "o.csv").exists()


def test_bad_xlsx(tmp_path, movie):
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    with pytest.raises(isx.IsxFormatError, match="cannot be read as an EthoVision table"):
        export(tmp_path / "t.xlsx", movie, tmp_path / "o.csv", time_ref="tsc")
    book = openpyxl.Workbook()
    book.save(tmp_path / "e.xlsx")
    with pytest.raises(isx.IsxFormatError, match="has no cell 'Number of header lines:'"):
        export(tmp_path / "e.xlsx", movie, tmp_path / "o.csv", time_ref="tsc")


def test_without_pandas(tmp_path, movie, monkeypatch):
    table = table_csv(tmp_path / "t.csv")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(isx.IsxImportError, match=r"openisx\[tables\]"):
        export(table, movie, tmp_path / "o.csv", time_ref="tsc")
