"""``isx nwb``, and the sessions that ``isx info`` shows of a folder."""

import os

import pytest

import isx
from openisx import synthetic

pynwb = pytest.importorskip("pynwb")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording")
    scene = synthetic.Scene(seed=3, num_frames=300, shape=(40, 60), num_neurons=3)
    synthetic.write(path, scene, ["movie", "gpio", "cells", "events", "planes"])
    return path


def test_one_file(run, folder, tmp_path):
    out = tmp_path / "o.nwb"
    files = [
        folder / f"2024-03-12-10-15-30{name}"
        for name in ("_video.isxd", ".gpio", "_cells.isxd", "_events.isxd")
    ]
    options = ["--species", "Rattus norvegicus", "--location", "CA1", "--excitation", 475, "--emission", 535, "--lab", "L",
               "--experimenter", "A, B", "--experimenter", "C, D", "--keyword", "k", "--compression", 0]  # fmt: skip
    status, printed, errors = run("nwb", *files, "-o", out, *options)
    assert (status, errors) == (0, "")
    assert printed.startswith(f"wrote {out}: 1 movie, 1 gpio, 1 cells, 1 events, ")
    with pynwb.NWBHDF5IO(str(out), "r") as io:
        nwb = io.read()
        assert nwb.subject.species == "Rattus norvegicus"
        assert list(nwb.experimenter) == ["A, B", "C, D"]
        plane = nwb.imaging_planes["ImagingPlane"]
        assert (plane.location, plane.excitation_lambda, plane.optical_channel[0].emission_lambda) == (
            "CA1",
            475,
            535,
        )
        assert nwb.acquisition["OnePhotonSeries"].data.compression is None
    assert run("nwb", *files, "-o", out)[0] == 1
    assert run("nwb", *files, "-o", out, "--overwrite")[0] == 0


def test_a_folder_of_sessions(run, folder, tmp_path):
    out = f"{tmp_path / 'out'}{os.sep}"
    status, printed, _ = run("nwb", folder, "-o", out)
    assert status == 0
    assert sorted(os.listdir(out)) == [
        "sub-M-0417_ses-2024-03-12-10-15-30-open-field.nwb", "sub-M-0417_ses-2024-03-12-11-15-30-open-field.nwb",
    ]  # fmt: skip
    assert printed.count("wrote") == 2
    status, _, errors = run("nwb", folder, "-o", tmp_path / "one.nwb")
    assert status == 1
    assert "these are 2 sessions" in errors


def test_template_and_metadata(run, folder, tmp_path):
    movie = folder / "2024-03-12-10-15-30_video.isxd"
    status, printed, _ = run("nwb", movie, "--template")
    assert status == 0
    assert "subject_id: M-0417" in printed
    (tmp_path / "meta.yaml").write_text(printed.replace("lab:", "lab: from a file"))
    assert (
        run(
            "nwb", movie, "-o", tmp_path / "o.nwb", "--metadata", tmp_path / "meta.yaml", "--institution", "I"
        )[0]
        == 0
    )
    with pynwb.NWBHDF5IO(str(tmp_path / "o.nwb"), "r") as io:
        nwb = io.read()
        assert (nwb.lab, nwb.institution) == ("from a file", "I")


def test_check(run, folder, tmp_path):
    status, _, errors = run(
        "nwb", folder / "2024-03-12-10-15-30_video.isxd", "-o", tmp_path / "o.nwb", "--check"
    )
    assert status == 0
    assert "nwbinspector is not installed" in errors


def test_refusals(run, folder, tmp_path):
    movie = folder / "2024-03-12-10-15-30_video.isxd"
    assert run("nwb", movie)[0] == 2
    assert run("nwb", movie, "-o", tmp_path / "o.nwb", "--compression", 10)[0] == 2
    status, _, errors = run("nwb", movie, "-o", tmp_path / "o.nwb", "--species", "mouse")
    assert status == 1
    assert "species must be a Latin name" in errors
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["_video.isxd", ".gpio", "_cells.isxd", "_events.isxd"])
@pytest.mark.filterwarnings("ignore")
def test_export(run, folder, tmp_path, name):
    assert run("export", folder / f"2024-03-12-10-15-30{name}", "-o", tmp_path / "o.nwb")[0] == 0
    assert pynwb.validate(path=str(tmp_path / "o.nwb")) == []


def test_info_of_a_folder(run, folder):
    status, printed, _ = run("info", folder)
    assert status == 0
    sessions = printed.split("\n\n")[1:]
    assert len(sessions) == 2
    assert sum("===" in line for line in sessions[0].splitlines()) == 4
    assert "frames of 2024-03-12-10-15-30_video.isxd" in sessions[0]
    assert "efocus_0450" in sessions[1]
    assert [len(found) for found in isx.find_sessions(folder)] == [4, 3]
