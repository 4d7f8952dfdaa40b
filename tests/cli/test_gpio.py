"""GPIO and IMU sets on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import isx

DATA = Path(__file__).parents[1] / "data" / "gpio"


def test_info(run):
    status, out, err = run("info", DATA / "nv3_dual_color.gpio")
    assert (status, err) == (0, "")
    assert "EX-LED2" in out
    assert "mW/mm^2" in out
    status, out, _ = run("info", "--json", DATA / "nv3_lost.gpio")
    (facts,) = json.loads(out)["files"]
    assert facts["signals"]["channels"] == 26
    assert facts["packets"]["lost"] == 15
    assert "15 packets lost in 7 gaps" in facts["warnings"][0]
    (row,) = (row for row in facts["signals"]["list"] if row["name"] == "EX-LED")
    assert row | {"lowest": 0} == {
        "name": "EX-LED",
        "kind": "analog",
        "points": 21,
        "lowest": 0,
        "highest": row["highest"],
        "unit": "mW/mm^2",
    }


def test_info_knows_an_imu_set_by_its_metadata(run, tmp_path):
    isx.export_gpio_to_isxd(DATA / "imu_basic.imu", tmp_path)
    for path in (DATA / "imu_basic.imu", tmp_path / "imu_basic_imu.isxd"):
        (facts,) = json.loads(run("info", "--json", path)[1])["files"]
        assert facts["signals"]["kind"] == "IMU"
        assert facts["signals"]["list"][0]["unit"] == "g"
        assert facts["signals"]["list"][0]["highest"] < 2


def test_info_counts_packets_only_where_there_are_some(run):
    units = {}
    for name in ("imu_basic.imu", "nv3_dual_color.gpio"):
        (facts,) = json.loads(run("info", "--json", DATA / name)[1])["files"]
        units[name] = [title for title in ("packets", "records") if facts.get(title, {}).get(title)]
    assert units == {"imu_basic.imu": ["records"], "nv3_dual_color.gpio": ["packets"]}


def test_no_line_ends_in_blanks(run):
    out = run("info", DATA / "nv3_dual_color.gpio")[1]
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
    heading = next(line for line in out.splitlines() if line.split()[:2] == ["name", "kind"])
    assert heading.startswith("      name ")


def test_export(run, tmp_path):
    source = tmp_path / "x.gpio"
    shutil.copy(DATA / "nv3_all_kinds.gpio", source)
    assert run("export", source, "-o", tmp_path / "x.csv", "--time-ref", "unix")[0] == 0
    assert (tmp_path / "x.csv").read_bytes() == (DATA / "nv3_all_kinds.unix.csv").read_bytes()
    assert run("export", source, "-o", tmp_path / "any name.isxd")[0] == 0
    assert run("export", tmp_path / "any name.isxd", "-o", tmp_path / "y.csv")[0] == 0
    assert (tmp_path / "y.csv").read_bytes() == (DATA / "nv3_all_kinds.start.csv").read_bytes()
    status, _, err = run("export", tmp_path / "any name.isxd", "-o", tmp_path / "again.isxd")
    assert (status, "already" in err) == (1, True)
