"""Time stamps of several devices side by side."""

from __future__ import annotations

import numpy as np
import pytest

import isx
from builders.movie import UUID, isxd_movie
from builders.paired import behavior, gpio, microscope

POINTS = [(0, 500_000, 1.0), (2, 250_000, 1.0), (0, 100_000, 0.0), (2, 250_000, 5.0)]


def lines(path):
    return path.read_text(encoding="utf-8").split("\n")[:-1]


@pytest.fixture
def files(tmp_path):
    return {
        "g": gpio(tmp_path / "g.isxd", 10_000_000, points=POINTS),
        "m": microscope(tmp_path / "m.isxd", [9_950_000, 10_050_000], num_samples=3, dropped=[1]),
        "b": behavior(tmp_path / "b.isxb", [10_000_000 + k * 50_000 for k in range(5)]),
    }


def test_table(tmp_path, files):
    isx.export_aligned_timestamps(
        files["g"], [files["m"], str(files["b"])], "ref", ("m", "b"), tmp_path / "o.csv"
    )
    assert lines(tmp_path / "o.csv") == [
        "ref Timestamp (s),ref Channel,m Timestamp (s),b Timestamp (s)",
        "0.100000,A,-0.050000,0.000000",
        "0.500000,A,,0.050000",
        "0.250000,C,0.050000,0.100000",
        ",,,0.150000",
        ",,,0.200000",
    ]


def test_gpio_to_align_and_other_references(tmp_path, files):
    isx.export_aligned_timestamps(files["m"], files["g"], "m", "g", tmp_path / "o.csv", "tsc")
    assert lines(tmp_path / "o.csv") == [
        "m Timestamp (s),g Timestamp (s),g Channel",
        "9950000,10100000,A",
        ",10500000,A",
        "10050000,10250000,C",
    ]
    isx.export_aligned_timestamps(files["m"], files["b"], "m", "b", tmp_path / "o.csv", "unix")
    assert lines(tmp_path / "o.csv")[1:3] == [
        "1600000000.000000,1600000000.050000",
        ",1600000000.100000",
    ]


def test_a_reference_whose_first_frame_is_missing(tmp_path):
    reference = behavior(tmp_path / "r.isxb", [1_050_000, 1_100_000], dropped=(0,))
    isx.export_aligned_timestamps(reference, [], "r", [], tmp_path / "o.csv")
    assert lines(tmp_path / "o.csv") == ["r Timestamp (s)", "", "0.050000", "0.100000"]


def test_names_are_quoted_where_needed(tmp_path, files):
    reference = gpio(tmp_path / "h.isxd", points=[(1, 5, 1.0)])
    isx.export_aligned_timestamps(reference, [files["b"]], 'my "box"', ["b,1"], tmp_path / "o.csv")
    assert lines(tmp_path / "o.csv")[:2] == [
        '"my ""box"" Timestamp (s)","my ""box"" Channel","b,1 Timestamp (s)"',
        '0.000005,"B,x",0.000000',
    ]


def test_an_existing_output_is_replaced_when_all_is_well(tmp_path, files):
    output = tmp_path / "o.csv"
    output.write_text("old")
    isx.export_aligned_timestamps(files["m"], [], "m", [], output)
    assert lines(output)[0] == "m Timestamp (s)"
    good = output.read_text()
    other = microscope(tmp_path / "x.isxd", [1, 2], uuid="other")
    with pytest.raises(isx.IsxError, match="not paired"):
        isx.export_aligned_timestamps(files["m"], other, "m", "x", output)
    assert output.read_text() == good


def test_the_same_file_may_come_twice(tmp_path, files):
    isx.export_aligned_timestamps(files["m"], [files["m"]] * 2, "a", ["b", "c"], tmp_path / "o.csv")
    assert lines(tmp_path / "o.csv")[1] == "0.000000,0.000000,0.000000"


def test_blocks_join(tmp_path, files, monkeypatch):
    from openisx.export.csv import aligned_timestamps as aligned_csv

    arguments = (files["g"], [files["m"], files["b"]], "ref", ["m", "b"])
    isx.export_aligned_timestamps(*arguments, tmp_path / "a.csv")
    monkeypatch.setattr(aligned_csv, "_ROWS_AT_ONCE", 2)
    calls = []
    isx.export_aligned_timestamps(*arguments, tmp_path / "b.csv", progress=lambda *c: calls.append(c))
    assert lines(tmp_path / "b.csv") == lines(tmp_path / "a.csv")
    assert calls == [(2, 5), (4, 5), (5, 5)]


# -- errors ------------------------------------------------------------------------------------------


def test_bad_input(tmp_path, files):
    def refused(error, match, *args):
        with pytest.raises(error, match=match):
            isx.export_aligned_timestamps(*args)
        assert not (tmp_path / "o.csv").exists()

    output = tmp_path / "o.csv"
    for names in ([], ["a", "b"], ["a", "b", "c"]):
        refused(ValueError, "1 files to align need as many names", files["g"], files["m"], "g", names, output)
    refused(ValueError, "Unknown time_ref", files["g"], files["m"], "g", "m", output, "x")
    refused(ValueError, "is one of the inputs", files["g"], files["m"], "g", "m", files["m"])
    refused(ValueError, "is one of the inputs", files["g"], files["m"], "g", "m", files["g"])
    refused(FileNotFoundError, "does not exist", tmp_path / "x.gpio", files["m"], "g", "m", output)
    image = isxd_movie(tmp_path / "i.isxd", np.zeros((1, 2, 3), np.uint16), kind=4)
    refused(isx.IsxFormatError, "as a timing reference", image, files["m"], "g", "m", output)
    refused(isx.IsxFormatError, "as input files to align", files["g"], image, "g", "m", output)
    plain = isxd_movie(tmp_path / "p.isxd", np.zeros((2, 2, 3), np.uint16))
    refused(isx.IsxError, "No frame timestamps stored in movie file", files["g"], plain, "g", "m", output)
    silent = gpio(tmp_path / "s.isxd", None)
    refused(isx.IsxError, "GPIO first tsc not stored", silent, files["m"], "g", "m", output)
    refused(isx.IsxError, "GPIO first tsc not stored", files["m"], silent, "g", "m", output)
    other = microscope(tmp_path / "q.isxd", [1, 2], uuid="Q")
    refused(isx.IsxError, rf"\(Q\) does not match .* \({UUID}\)", files["g"], other, "g", "m", output)
    refused(isx.IsxFileError, "Unable to open", files["g"], files["m"], "g", "m", tmp_path / "no" / "o.csv")
