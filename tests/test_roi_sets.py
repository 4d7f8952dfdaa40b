"""What holds for cell sets and vessel sets alike: growing in sight of others, editing together, single ROIs."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import isx
import openisx
from builders import sets as make
from builders.isxd import metadata_of
from openisx._formats.isxd import container, editing, journal

SOURCE = str(Path(openisx.__file__).parent.parent)
SHAPE, SAMPLES = (4, 6), 5
IMAGE, TRACE = np.ones(SHAPE, np.float32), np.arange(SAMPLES, dtype=np.float32)
LINE = np.array([[0, 0], [1, 1]])


class Cells:
    """How a cell set is used."""

    noun = "cell"
    read = isx.CellSet.read

    @staticmethod
    def write(path):
        return isx.CellSet.write(path, isx.Timing(num_samples=SAMPLES), isx.Spacing(num_pixels=SHAPE))

    @staticmethod
    def put(rois, index, value, name=None):
        rois.set_cell_data(index, IMAGE * value, TRACE + value, name)

    @staticmethod
    def set_status(rois, index, status):
        rois.set_cell_status(index, status)


class Vessels:
    """How a vessel set is used."""

    noun = "vessel"
    read = isx.VesselSet.read

    @staticmethod
    def write(path):
        spacing = isx.Spacing(num_pixels=SHAPE)
        return isx.VesselSet.write(path, isx.Timing(num_samples=SAMPLES), spacing, "vessel diameter")

    @staticmethod
    def put(rois, index, value, name=None):
        rois.set_vessel_diameter_data(index, IMAGE, LINE + int(value), TRACE + value, TRACE - value, name)

    @staticmethod
    def set_status(rois, index, status):
        rois.set_vessel_status(index, status)


@pytest.fixture(params=[Cells, Vessels])
def kind(request):
    return request.param


def content(rois):
    """Second sample of each trace, and the statuses: what a reader sees."""
    return rois.traces[:, 1].tolist(), rois.statuses


class TestGrowing:
    """A set is complete for everyone from its first status on, although its writer lives on."""

    def test_a_status_makes_the_file_readable(self, kind, tmp_path):
        path = tmp_path / "s.isxd"
        rois = kind.write(path)
        for i in range(3):
            kind.put(rois, i, i)
        assert not path.exists()
        kind.set_status(rois, 1, "accepted")
        assert content(kind.read(path)) == ([1.0, 2.0, 3.0], ["undecided", "accepted", "undecided"])
        kind.set_status(rois, 2, "rejected")
        assert (
            content(kind.read(path))
            == content(rois)
            == (
                [1.0, 2.0, 3.0],
                ["undecided", "accepted", "rejected"],
            )
        )

    def test_more_come_afterwards(self, kind, tmp_path):
        path = tmp_path / "s.isxd"
        rois = kind.write(path)
        early = None
        for i in range(12):
            kind.put(rois, i, i, "")
            if early is not None:
                assert kind.read(path).statuses[i] == "undecided"
            kind.set_status(rois, i, "accepted")
            early = early or kind.read(path)
            assert (
                content(kind.read(path))
                == content(rois)
                == (
                    [1.0 + k for k in range(i + 1)],
                    ["accepted"] * (i + 1),
                )
            )
        kind.put(rois, 2, 50, "again")
        rois.flush()
        rois.flush()
        with pytest.raises(isx.IsxStateError, match="closed for writing"):
            kind.put(rois, 12, 0)
        assert content(early) == ([1.0], ["accepted"])  # who opened the file earlier sees what it was
        assert kind.read(path).names[2] == "again"
        assert kind.read(path).statuses[2] == "undecided"
        assert content(kind.read(path))[0][2] == 51.0
        assert os.listdir(tmp_path) == ["s.isxd"]

    def test_the_bytes_are_those_of_a_set_flushed_at_once(self, kind, tmp_path):
        paths = [tmp_path / "a.isxd", tmp_path / "b.isxd"]
        for path, alternating in zip(paths, (True, False), strict=True):
            with kind.write(path) as rois:
                for i in range(5):
                    kind.put(rois, i, i)
                    if alternating:
                        kind.set_status(rois, i, "rejected")
                if not alternating:
                    for i in range(5):
                        kind.set_status(rois, i, "rejected")
        assert paths[0].read_bytes() == paths[1].read_bytes()

    def test_what_was_published_outlives_an_exception(self, kind, tmp_path):
        with pytest.raises(ZeroDivisionError), kind.write(tmp_path / "s.isxd") as rois:
            kind.put(rois, 0, 0)
            kind.set_status(rois, 0, "accepted")
            raise ZeroDivisionError
        assert content(kind.read(tmp_path / "s.isxd")) == ([1.0], ["accepted"])

    def test_a_file_of_that_name_is_never_replaced(self, kind, tmp_path):
        rois = kind.write(tmp_path / "s.isxd")
        kind.put(rois, 0, 0)
        (tmp_path / "s.isxd").write_bytes(b"precious")
        with pytest.raises(isx.IsxFileExistsError):
            kind.set_status(rois, 0, "accepted")
        assert (tmp_path / "s.isxd").read_bytes() == b"precious"


def finished(kind, path, count):
    with kind.write(path) as rois:
        for i in range(count):
            kind.put(rois, i, i)
    return path


EDITOR = """
import sys
sys.path[:0] = [{source!r}, {tests!r}]
from test_roi_sets import {kind}
rois = {kind}.read({path!r}, read_only=False)
print("ready", flush=True)
sys.stdin.readline()
for i in range({first}, {first} + {count}):
    {kind}.set_status(rois, i, "accepted")
    if i % 3 == 0:
        {kind}.put(rois, i, 100 + i, f"new {{i}}")
rois.flush()
"""


def start(code, **values):
    values = {"source": SOURCE, "tests": str(Path(__file__).parent)} | values
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code).format(**values)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no advisory locks")
class TestTogether:
    def test_two_processes(self, kind, tmp_path):
        """Each changes its half, both at the same time; nothing of either is lost."""
        path = finished(kind, tmp_path / "s.isxd", 60)
        values = {"kind": kind.__name__, "path": str(path), "count": 30}
        processes = [start(EDITOR, first=first, **values) for first in (0, 30)]
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            process.communicate()
            assert process.returncode == 0
        traces, statuses = content(kind.read(path))
        assert statuses == ["undecided" if i % 3 == 0 else "accepted" for i in range(60)]
        assert traces == [1.0 + i + 100 * (i % 3 == 0) for i in range(60)]
        assert os.listdir(tmp_path) == ["s.isxd"]

    def test_two_objects(self, kind, tmp_path):
        path = finished(kind, tmp_path / "s.isxd", 3)
        one, other = kind.read(path, read_only=False), kind.read(path, read_only=False)
        kind.set_status(one, 0, "accepted")
        kind.set_status(other, 1, "rejected")
        kind.put(one, 2, 7, "renamed")
        kind.set_status(other, 2, "accepted")
        assert content(kind.read(path)) == ([1.0, 2.0, 8.0], ["accepted", "rejected", "accepted"])
        assert kind.read(path).names[2] == other.names[2] == "renamed"

    def test_a_writer_and_an_editor(self, kind, tmp_path):
        path = tmp_path / "s.isxd"
        writer = kind.write(path)
        kind.put(writer, 0, 0)
        kind.set_status(writer, 0, "accepted")
        editor = kind.read(path, read_only=False)
        kind.set_status(editor, 0, "rejected")
        kind.put(writer, 1, 1)
        kind.set_status(editor, 0, "accepted")
        kind.set_status(editor, 1, "rejected")  # the cell that the other added
        writer.close()
        assert content(kind.read(path)) == ([1.0, 2.0], ["accepted", "rejected"])

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_forked_processes_keep_no_claim(self, kind, tmp_path):
        """A process that was forked while the set was written lives on, and nobody has to wait for it."""
        path = tmp_path / "s.isxd"
        writer = kind.write(path)
        kind.put(writer, 0, 0)
        wait, go = os.pipe()
        child = os.fork()
        if not child:
            os.close(go)
            os.read(wait, 1)
            os._exit(0)
        try:
            kind.set_status(writer, 0, "accepted")
            editor = kind.read(path, read_only=False)
            kind.set_status(editor, 0, "rejected")
            assert content(kind.read(path)) == ([1.0], ["rejected"])
        finally:
            os.close(go)
            os.close(wait)
            os.waitpid(child, 0)

    def test_many_threads(self, kind, tmp_path):
        path = finished(kind, tmp_path / "s.isxd", 32)
        rois = kind.read(path, read_only=False)

        def edit(i):
            kind.set_status(rois, i, "rejected")
            if i % 4 == 0:
                kind.put(rois, i, 200 + i)
                kind.set_status(rois, i, "accepted")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(edit, range(32)))
        expected = ["accepted" if i % 4 == 0 else "rejected" for i in range(32)]
        assert content(rois) == content(kind.read(path))
        assert content(rois) == ([1.0 + i + 200 * (i % 4 == 0) for i in range(32)], expected)

    def test_alignment_and_an_editor(self, tmp_path):
        """Metadata changed by another function of this package are kept as well."""
        from openisx._formats.isxd.editing import edit_metadata

        path = finished(Cells, tmp_path / "s.isxd", 2)
        cells = isx.CellSet.read(path, read_only=False)
        cells.set_cell_status(0, "accepted")
        edit_metadata(str(path), lambda metadata: metadata | {"note": "mine"})
        cells.set_cell_status(1, "rejected")
        assert metadata_of(path)["note"] == "mine"
        assert metadata_of(path)["CellStatuses"] == [0, 2]


class Mortal:
    """Stands in for ``open``, ``unlink`` and ``fsync``: the process dies at change number `stop`, after half of a write."""

    def __init__(self, stop):
        self.left = stop

    def live(self):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def open(self, name, mode="r", **kwargs):
        if mode == "wb":
            self.live()
        return MortalFile(self, name, mode)

    def unlink(self, name):
        self.live()
        os.remove(name)


class MortalFile(io.FileIO):
    """A file whose writer may die in the middle."""

    def __init__(self, mortal, name, mode):
        super().__init__(name, mode)
        self.mortal = mortal

    def write(self, data):
        if self.mortal.left == 0:
            super().write(memoryview(data)[: len(data) // 2])
        self.mortal.live()
        return super().write(data)

    def truncate(self, *args):
        self.mortal.live()
        return super().truncate(*args)


def killed(stop, change):
    """Whether a process of its own was killed at change number `stop` of what `change` does."""
    process = os.fork()
    if not process:
        try:
            mortal = Mortal(stop)
            for module in (editing, journal):
                module.open = mortal.open  # type: ignore[attr-defined]
                module.unlink = mortal.unlink  # type: ignore[attr-defined]
            change()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
@pytest.mark.filterwarnings("ignore::isx.IsxWarning", "ignore:.*fork:DeprecationWarning")
class TestKilled:
    """Killed at any change it makes in the file system, an edit is done or not done."""

    def test_replacing(self, kind, tmp_path):
        states = set()
        for stop in range(20):
            path = finished(kind, tmp_path / f"{stop}.isxd", 3)

            def change(path=path):
                kind.put(kind.read(path, read_only=False), 1, 50, "new")

            died = killed(stop, change)
            rois = kind.read(path)
            roi = rois[1]
            value = float(roi.trace[0])
            assert (value, roi.name) in ((1.0, f"{kind.noun[0].upper()}1"), (50.0, "new"))
            if kind is Cells:
                np.testing.assert_array_equal(roi.footprint, IMAGE * value)
            else:
                np.testing.assert_array_equal(roi.line, LINE + int(value))
            np.testing.assert_array_equal(roi.trace, TRACE + value)
            assert rois.traces[[0, 2], 0].tolist() == [0.0, 2.0]
            states.add((died, value))
            kind.set_status(kind.read(path, read_only=False), 1, "rejected")  # goes on where it was left
            assert kind.read(path).statuses[1] == "rejected"
            assert not list(tmp_path.glob(".*"))
            if not died:
                break
        assert states == {(True, 1.0), (True, 50.0), (False, 50.0)}

    def test_adding(self, kind, tmp_path):
        states = set()
        for stop in range(20):
            path = tmp_path / f"{stop}.isxd"

            def change(path=path):
                rois = kind.write(path)
                kind.put(rois, 0, 0)
                kind.set_status(rois, 0, "accepted")
                kind.put(rois, 1, 1)

            died = killed(stop, change)
            traces, statuses = content(kind.read(path))
            assert (traces, statuses) in (([1.0], ["accepted"]), ([1.0, 2.0], ["accepted", "undecided"]))
            states.add((died, len(traces)))
            if not died:
                break
        assert states == {(True, 1), (True, 2), (False, 2)}

    def test_a_file_that_cannot_be_repaired_says_so(self, tmp_path, monkeypatch):
        path = finished(Cells, tmp_path / "s.isxd", 3)
        assert killed(4, lambda: Cells.put(Cells.read(path, read_only=False), 1, 50))

        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        with monkeypatch.context() as patch:
            patch.setattr(container, "open", refuse, raising=False)
            with pytest.raises(isx.IsxFormatError, match="was interrupted, and finishing it failed"):
                Cells.read(path)
        assert Cells.read(path)[1].trace[0] == 50


class TestOneByOne:
    def test_cells(self, tmp_path):
        images, traces = np.random.default_rng(1).random((3, *SHAPE)), np.ones((3, SAMPLES))
        row = [2, {"x": 3, "y": 4}, {"x": 1, "y": 2}, 0.5, 1, 1.5, 0.0]
        cells = isx.CellSet.read(
            make.cells(tmp_path / "c.isxd", images, traces, cellMetrics=[{}, row, {}], CellColors=[1, 2, 3])
        )
        assert len(cells) == 3
        assert [cell.name for cell in cells] == ["C0", "C1", "C2"]
        cell = cells["C1"]
        assert (cell.index, cell.status, cell.active, cell.color) == (1, "undecided", True, 2)
        np.testing.assert_array_equal(cell.footprint, images[1].astype(np.float32))
        np.testing.assert_array_equal(cell.trace, traces[1])
        assert cell.metrics == cells.metrics[1]
        assert cells[0].metrics is None
        assert "C2" in cells
        assert "C9" not in cells
        assert repr(cell) == "<Cell 1 'C1': undecided>"

    def test_vessels(self, tmp_path):
        vessels = Vessels.read(finished(Vessels, tmp_path / "v.isxd", 2))
        assert [vessel.name for vessel in vessels] == ["V0", "V1"]
        vessel = vessels["V1"]
        np.testing.assert_array_equal(vessel.line, LINE + 1)
        np.testing.assert_array_equal(vessel.trace, TRACE + 1)
        np.testing.assert_array_equal(vessel.center_trace, TRACE - 1)
        np.testing.assert_array_equal(vessel.image, IMAGE)
        with pytest.raises(isx.IsxError, match="Reading direction for diameter vessel set"):
            vessel.direction_trace  # noqa: B018

    def test_what_is_not_there(self, kind, tmp_path):
        rois = kind.read(finished(kind, tmp_path / "s.isxd", 2))
        for index in (2, -1):
            with pytest.raises(isx.IsxIndexError, match=r"is too large. There are only 2"):
                rois[index]
        with pytest.raises(KeyError, match=f'{kind.noun.capitalize()} with name "x" does not exist'):
            rois["x"]

    def test_while_writing(self, kind, tmp_path):
        rois = kind.write(tmp_path / "s.isxd")
        kind.put(rois, 0, 4, "first")
        assert [roi.name for roi in rois] == ["first"]
        np.testing.assert_array_equal(rois["first"].trace, TRACE + 4)
