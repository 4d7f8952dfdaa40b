"""Time stamps of movies as a table."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from builders.movie import isxd_movie
from builders.paired import behavior, gpio, microscope

HEADER = "Global Frame Number,Movie Number,Local Frame Number,Frame Timestamp (s)"


def export(paths, output, *args, **options):
    isx.export_movie_timestamps_to_csv(paths, output, *args, **options)
    return output.read_text().split("\n")[:-1]


def test_one_movie(tmp_path):
    path = microscope(
        tmp_path / "m.isxd", [1_000_000, 1_100_000, 2_150_001], num_samples=5, dropped=[1], blank=[3]
    )
    assert export(path, tmp_path / "o.csv") == [
        HEADER,
        "0,0,0,0.000000",
        "1,0,1,NaN",
        "2,0,2,0.100000",
        "3,0,3,NaN",
        "4,0,4,1.150001",
    ]
    assert export(path, tmp_path / "p.csv", "tsc") == [
        HEADER.replace("(s)", "(us)"),
        "0,0,0,1000000",
        "1,0,1,NaN",
        "2,0,2,1100000",
        "3,0,3,NaN",
        "4,0,4,2150001",
    ]


def test_a_series_in_any_order(tmp_path):
    a = microscope(tmp_path / "a.isxd", [1_000_000, 1_050_000])
    b = microscope(tmp_path / "b.isxd", [9_000_000, 9_050_000], start=(1_600_000_008_000, 1000))
    rows = export((str(b), a), tmp_path / "o.csv", "unix")
    assert rows[1:] == [
        "0,0,0,1600000000.000000",
        "1,0,1,1600000000.050000",
        "2,1,0,1600000008.000000",
        "3,1,1,1600000008.050000",
    ]


def test_counters_that_go_back_are_negative(tmp_path):
    a = microscope(tmp_path / "a.isxd", [1_000_000, 1_050_000])
    b = microscope(tmp_path / "b.isxd", [500_000, 400_000], start=(1_600_000_008_000, 1000))
    assert [row.split(",")[3] for row in export([a, b], tmp_path / "o.csv")[1:]] == [
        "0.000000",
        "0.050000",
        "-0.500000",
        "-0.600000",
    ]


def test_starts_in_other_units(tmp_path):
    for k, start in enumerate([(1_600_000_000, 1), (1_600_000_000_000_000, 1_000_000)]):
        path = microscope(tmp_path / f"{k}.isxd", [1_000_000, 1_050_000], start=start)
        rows = export(path, tmp_path / f"{k}.csv", "unix")
        assert rows[1:] == ["0,0,0,1600000000.000000", "1,0,1,1600000000.050000"]


def test_a_missing_first_frame(tmp_path):
    path = behavior(tmp_path / "b.isxb", [1_050_000, 1_100_000, 1_150_000], dropped=(0,))
    assert [row.split(",")[3] for row in export(path, tmp_path / "o.csv")[1:]] == [
        "NaN",
        "0.050000",
        "0.100000",
        "0.150000",
    ]


def test_blocks_join(tmp_path, monkeypatch):
    from openisx.export.csv import timestamps as timestamps_csv

    counters = (10**6 + np.arange(17) * 50_000).tolist()
    path = microscope(tmp_path / "m.isxd", counters, num_samples=20, dropped=[4, 5, 19])
    whole = export([path], tmp_path / "a.csv")
    monkeypatch.setattr(timestamps_csv, "_ROWS_AT_ONCE", 3)
    calls = []
    assert export([path], tmp_path / "b.csv", progress=lambda *c: calls.append(c)) == whole
    assert calls == [(n, 20) for n in (3, 6, 9, 12, 15, 18, 20)]


def test_frames_that_a_cut_file_lost(tmp_path):
    path = microscope(tmp_path / "m.isxd", [1_000_000, 1_050_000], num_samples=4)
    with pytest.warns(isx.IsxWarning, match="announces 4 frames"):
        rows = export(path, tmp_path / "o.csv")
    assert [row.split(",")[3] for row in rows[1:]] == ["0.000000", "0.050000", "NaN", "NaN"]


# -- errors ------------------------------------------------------------------------------------------


def refused(tmp_path, paths, error, match, *args):
    with pytest.raises(error, match=match):
        isx.export_movie_timestamps_to_csv(paths, tmp_path / "o.csv", *args)
    assert not [p for p in tmp_path.iterdir() if p.suffix not in (".isxd", ".isxb", ".avi")]


def test_bad_input(tmp_path):
    good = microscope(tmp_path / "a.isxd", [1_000_000, 1_050_000])
    missing = tmp_path / "x.isxd"
    refused(tmp_path, missing, ValueError, "Unknown time_ref 'utc'. Options are start, unix, tsc", "utc")
    refused(tmp_path, [], ValueError, "no input files")
    refused(tmp_path, missing, FileNotFoundError, "File does not exist: .*x.isxd")
    image = isxd_movie(tmp_path / "i.isxd", np.zeros((1, 2, 3), np.uint16), kind=4)
    text = r"Expected data set to be of type: Movie or nVision Movie\. Instead it is of type: {}\. "
    refused(tmp_path, image, isx.IsxFormatError, text.format("Image"))
    refused(tmp_path, gpio(tmp_path / "g.isxd"), isx.IsxFormatError, text.format("GPIO"))
    plain = isxd_movie(tmp_path / "p.isxd", np.zeros((2, 2, 3), np.uint16), start=(1, 1))
    text = r"Input movie does not have frame timestamps stored in file\."
    refused(tmp_path, plain, isx.IsxError, text)
    refused(tmp_path, [plain, good], isx.IsxError, text)
    old = microscope(tmp_path / "o.isxd", [1_000_000, 1_050_000], version="1.1.0")
    refused(tmp_path, old, isx.IsxError, text)
    empty = microscope(tmp_path / "e.isxd", [], num_samples=2, dropped=[0, 1])
    refused(tmp_path, empty, isx.IsxError, "Failed to find index of first valid frame in isxb file.")


def test_files_that_are_no_series(tmp_path):
    a = microscope(tmp_path / "a.isxd", [1_000_000, 1_050_000])
    overlapping = microscope(tmp_path / "b.isxd", [1_050_000, 1_100_000], start=(1_600_000_000_050, 1000))
    refused(tmp_path, [a, overlapping], isx.IsxSeriesError, "temporally overlaps")
    later = (1_700_000_000_000, 1000)
    other = isxd_movie(tmp_path / "c.isxd", np.zeros((2, 2, 3), np.uint8), counters=[1, 50_001], start=later)
    refused(tmp_path, [other, a], isx.IsxSeriesError, "Unable to add data of type uint8 to a series")
    wide = isxd_movie(tmp_path / "d.isxd", np.zeros((2, 2, 4), np.uint16), counters=[1, 50_001], start=later)
    refused(tmp_path, [wide, a], isx.IsxSeriesError, "different spacing information")


def test_outputs(tmp_path):
    good = microscope(tmp_path / "a.isxd", [1_000_000, 1_050_000])
    (tmp_path / "o.csv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"File already exists: .*o.csv"):
        isx.export_movie_timestamps_to_csv(good, tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_text() == "mine"
    with pytest.raises(isx.IsxFileError, match=r"Failed to open movie file for write: .*o.csv"):
        isx.export_movie_timestamps_to_csv(good, tmp_path / "no" / "o.csv")


def test_stopping(tmp_path):
    def stop(_done, _total):
        raise KeyboardInterrupt

    good = microscope(tmp_path / "a.isxd", [1_000_000, 1_050_000])
    with pytest.raises(KeyboardInterrupt):
        isx.export_movie_timestamps_to_csv(good, tmp_path / "o.csv", progress=stop)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.isxd"]


def test_times_of_samples(tmp_path):
    """Of movies without hardware time stamps; missing samples have none."""
    timing = {"period": isx.Duration.from_ratio(1, 30), "dropped": [1]}
    for name, start, count in (("late", 1_600_000_002, 2), ("early", 1_600_000_000, 4)):
        when = isx.Time._from_secs_since_epoch(isx.Duration.from_secs(start))
        movie = isx.Movie.write(
            tmp_path / f"{name}.isxd",
            isx.Timing(num_samples=count, start=when, **timing),
            isx.Spacing((2, 3)),
            np.float32,
        )
        with movie:
            for i in movie.timing.get_valid_samples():
                movie.set_frame_data(int(i), np.zeros((2, 3), np.float32))
    paths = [tmp_path / "late.isxd", tmp_path / "early.isxd"]
    header = HEADER.replace("Timestamp", "Time")
    assert export(paths, tmp_path / "o.csv", sample_times=True) == [
        header,
        "0,0,0,0.000000",
        "1,0,1,NaN",
        "2,0,2,0.066667",
        "3,0,3,0.100000",
        "4,1,0,2.000000",
        "5,1,1,NaN",
    ]
    assert export(paths[0], tmp_path / "u.csv", "unix", sample_times=True) == [
        header,
        "0,0,0,1600000002.000000",
        "1,0,1,NaN",
    ]
    with pytest.raises(ValueError, match="'tsc' counts exist for"):
        export(paths, tmp_path / "t.csv", "tsc", sample_times=True)
    with pytest.raises(isx.IsxError, match="does not have frame timestamps"):
        export(paths, tmp_path / "t.csv")
