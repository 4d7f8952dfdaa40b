"""Time stamps, tracking, aligned and EthoVision tables against the vendor's files, all of them.

Where the vendor's text is wrong, the expected text is corrected here first, by the rules in docs/differences.md.
"""

from __future__ import annotations

import json
import shutil
import struct
import warnings
from pathlib import Path

import pytest

import isx

DATA = Path(__file__).parent.parents[1] / "data"
CSV, ISXB = DATA / "csv", DATA / "isxb"
CASES = {case["name"]: case for case in json.loads((CSV / "cases.json").read_text())}
OURS = ("timestamps", "tracking", "zones", "aligned", "ethovision")

#: What is quoted or left out on purpose: (text of the vendor, ours).
CORRECTED = {
    "tracking": [('"Zone A,Z,B "q""', '"Zone A,Z,B ""q"""')],
    "zones": [('2,0,a,b,d "x",polygon', '2,0,"a,b","d ""x""",polygon')],
    "aligned_start": [("GPIO-1,-459472.480691,-459472.480691\n", "GPIO-1,,\n")],
    "aligned_unix": [("GPIO-1,1654272949.355309,1654272949.355309\n", "GPIO-1,,\n")],
    "aligned_tsc": [("GPIO-1,0,0\n", "GPIO-1,,\n")],
    "aligned_short_gpio": [("D1,-459472.480691\n", "D1,\n"), ("\n,", "\n,,")],
    "ethovision_short_start": [("\n-459472.532973,", "\n,")],
}


def corrected(name, text):
    for key, changes in CORRECTED.items():
        if name.startswith(key):
            for vendors, ours in changes:
                assert vendors in text
                text = text.replace(vendors, ours)
    return text


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(OURS)])
def test_golden(tmp_path, name):
    case = CASES[name]
    for path in CSV.iterdir():
        if path.suffix in (".isxd", ".isxb") or path.name.startswith("ethovision_1"):
            shutil.copy(path, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def located(value):
        if isinstance(value, list):
            return [located(v) for v in value]
        return str(tmp_path / value) if value == "OUT" or "." in value else value

    options = {key: located(value) for key, value in case["kwargs"].items()}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert getattr(isx, case["fn"])(*located(case["args"]), **options) is None
    told = [str(w.message) for w in caught]
    assert [text.startswith("Your Ethovision data file is one element shorter") for text in told] == (
        [True] if name == "ethovision_short_start" else []
    )
    written = (tmp_path / "OUT").read_bytes().decode()
    assert written == corrected(name, (CSV / case["outputs"]["OUT"]).read_text())
    # inputs are never rewritten, not even where the vendor does so on the side
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name != "OUT"} == before


def test_ethovision_rewrites_the_start_when_asked(tmp_path):
    case = CASES["ethovision_unix"]
    for name in ("ethovision_15.csv", "behavior.isxb", "movie.isxd"):
        shutil.copy(CSV / name, tmp_path)
    isx.export_ethovision_data_with_isxb_timestamps(
        tmp_path / "ethovision_15.csv",
        tmp_path / "behavior.isxb",
        tmp_path / "o.csv",
        tmp_path / "movie.isxd",
        "unix",
        rewrite_start_time=True,
    )
    assert (tmp_path / "o.csv").read_bytes() == (CSV / "ethovision_unix.expected.csv").read_bytes()
    header = struct.unpack("<Qq", (tmp_path / "behavior.isxb").read_bytes()[16:32])
    assert list(header) == case["changed_files"]["behavior.isxb"]["epoch_ms_and_utc_min"]


@pytest.mark.parametrize("time_ref", ["start", "unix", "tsc"])
@pytest.mark.parametrize("name", ["tracking", "tracking_dropped"])
def test_golden_tracking(tmp_path, name, time_ref):
    output = tmp_path / "o.csv"
    isx.export_nvision_movie_tracking_frame_data_to_csv(ISXB / f"{name}.isxb", output, time_ref)
    assert output.read_bytes() == (ISXB / f"{name}.frames-{time_ref}.csv").read_bytes()


@pytest.mark.parametrize("name", ["tracking", "tracking_dropped"])
def test_golden_zones(tmp_path, name):
    isx.export_nvision_movie_tracking_zone_data_to_csv(str(ISXB / f"{name}.isxb"), str(tmp_path / "o.csv"))
    assert (tmp_path / "o.csv").read_bytes() == (ISXB / f"{name}.zones.csv").read_bytes()
