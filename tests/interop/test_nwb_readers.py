"""Validators and readers of NWB files, in an environment of their own that ``ISX_NWB_PYTHON`` names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import isx
import isx.synthetic

pytest.importorskip("pynwb")
PYTHON = os.environ.get("ISX_NWB_PYTHON", "")
pytestmark = pytest.mark.skipif(
    not PYTHON, reason="ISX_NWB_PYTHON does not name an interpreter with nwbinspector and roiextractors"
)

LAB = {
    "NWBFile": {"lab": "L", "institution": "I", "experimenter": ["Last, First"], "experiment_description": "E"},
    "Ophys": {"ImagingPlanes": {"*": {"location": "CA1", "indicator": "GCaMP6f", "excitation_lambda": 475,
                                      "optical_channel": [{"emission_lambda": 535}]}}},
}  # fmt: skip
INSPECT = """
import json, sys
from nwbinspector import inspect_nwbfile, load_config
messages = inspect_nwbfile(nwbfile_path=sys.argv[1], config=load_config("dandi") if sys.argv[2:] else None)
print(json.dumps([[m.importance.name, m.check_function_name, m.message] for m in messages]))
"""
EXTRACT = """
import sys, numpy as np
from roiextractors import NwbImagingExtractor, NwbSegmentationExtractor
imaging = NwbImagingExtractor(sys.argv[1], "OnePhotonSeries")
cells = NwbSegmentationExtractor(sys.argv[1])
np.savez(sys.argv[2], frames=imaging.get_series(), traces=cells.get_traces(name="dff"), masks=cells.get_roi_image_masks())
"""


def ran(code: str, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [PYTHON, "-W", "ignore", "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("nwb")
    names = ["movie", "behavior", "gpio", "imu", "cells", "events", "diameters", "velocities"]
    files = isx.synthetic.write(folder / "in", isx.synthetic.Scene(num_frames=600), names)
    isx.export_session_to_nwb(list(files.values()), folder / "session.nwb", LAB)
    return folder / "session.nwb", files


def test_nothing_for_the_inspector(written):
    path, _ = written
    assert json.loads(ran(INSPECT, str(path), "dandi").splitlines()[-1]) == []


def test_roiextractors(written, tmp_path):
    path, files = written
    ran(EXTRACT, str(path), str(tmp_path / "read.npz"))
    read = np.load(tmp_path / "read.npz")
    with isx.Movie.read(files["movie"]) as movie, isx.CellSet.read(files["cells"]) as cells:
        valid = movie.timing.get_valid_samples()
        np.testing.assert_array_equal(read["frames"], movie[valid])
        np.testing.assert_array_equal(read["traces"], cells.traces.T[valid])
        masks = read["masks"]
        np.testing.assert_array_equal(
            masks.transpose(2, 0, 1) if masks.shape[-1] == len(cells) else masks, cells.footprints
        )


def test_dandi_takes_it(written, tmp_path):
    dandi = Path(PYTHON).with_name("dandi")
    if not dandi.exists():
        pytest.skip("dandi is not installed there")
    path, _ = written
    shutil.copy(path, tmp_path)
    done = subprocess.run(
        [str(dandi), "validate", "--ignore", "DANDI.NO_DANDISET_FOUND", str(tmp_path / path.name)],
        capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"DANDI_NO_ET": "1"},
    )  # fmt: skip
    severe = [line for line in done.stdout.splitlines() if "ERROR" in line and "DANDISET" not in line]
    assert not severe, done.stdout


@pytest.mark.parametrize(
    "name",
    ["multiplane_movie.isxd", "movie_u8.isxd", "movie_part3.isxd", "cellset_series_part1.isxd", "sample_eventset_msr_1.isxd",
     "cellset_accepted_undecided_and_rejected_cells.isxd", "Group-20240111-080531_2024-01-12-08-55-21_sched_0.isxb"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::isx.IsxWarning")
def test_real_recordings(name, tmp_path):
    import pynwb

    folder = os.environ.get("ISX_REAL_RECORDINGS")
    if not folder:
        pytest.skip("ISX_REAL_RECORDINGS does not name a folder of real recordings")
    isx.export_session_to_nwb(Path(folder, name), tmp_path / "o.nwb")
    assert pynwb.validate(path=str(tmp_path / "o.nwb")) == []
    allowed = {"check_data_orientation"} | {
        f"check_subject_{what}" for what in ("exists", "age", "species_exists", "id_exists")
    }
    allowed |= {"check_imaging_plane_location_allen_ccf"}
    messages = json.loads(ran(INSPECT, str(tmp_path / "o.nwb")).splitlines()[-1])
    severe = [
        m
        for m in messages
        if m[0] in ("CRITICAL", "BEST_PRACTICE_VIOLATION", "PYNWB_VALIDATION", "ERROR")
        and m[1] not in allowed
    ]
    assert severe == []
    if name.startswith("multiplane"):
        with pynwb.NWBHDF5IO(str(tmp_path / "o.nwb"), "r") as io:
            assert len(io.read().acquisition) == 3
