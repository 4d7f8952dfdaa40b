"""Cell sets: every file version read, written and edited in place."""

from __future__ import annotations

import math
import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import isx
from builders import sets as make
from builders.isxd import metadata_of
from openisx.structures import CellMetrics

RNG = np.random.default_rng(3)
IMAGES = RNG.normal(size=(3, 2, 4)).astype(np.float32)
TRACES = RNG.normal(size=(3, 5)).astype(np.float32)
SPACING = isx.Spacing((2, 4))
STATUSES = ["accepted", "undecided", "rejected"]


@pytest.fixture
def path(tmp_path):
    return make.cells(tmp_path / "c.isxd", IMAGES, TRACES)


def assert_cells(cells, images=IMAGES, traces=TRACES):
    assert cells.num_cells == len(images)
    for i in range(len(images)):
        np.testing.assert_array_equal(cells.get_cell_image_data(i), images[i])
        np.testing.assert_array_equal(cells.get_cell_trace_data(i), traces[i])
    np.testing.assert_array_equal(cells.footprints, images)
    np.testing.assert_array_equal(cells.traces, traces)


class TestReading:
    def test_values(self, path):
        cells = isx.CellSet.read(path)
        assert_cells(cells)
        assert (cells.mode, cells.file_path) == ("r", os.path.realpath(path))
        assert cells.names == ["C0", "C1", "C2"]
        assert cells.statuses == STATUSES == [cells.get_cell_status(i) for i in range(3)]
        assert cells.spacing == SPACING
        assert cells.timing.num_samples == 5
        assert cells.get_acquisition_info() is None

    def test_views_cost_nothing_and_answers_belong_to_the_caller(self, path):
        cells = isx.CellSet.read(path)
        assert cells.traces.strides == (4 * (8 + 5), 4)
        assert cells.footprints.strides == (4 * (8 + 5), 16, 4)
        assert not cells.traces.flags.writeable
        for get in (cells.get_cell_image_data, cells.get_cell_trace_data):
            values = get(0)
            assert values.dtype == np.float32
            assert values.flags.c_contiguous
            values[:] = 9
        assert_cells(cells)

    def test_views_outlive_the_set(self, path):
        with isx.CellSet.read(path) as cells:
            traces = cells.traces
        np.testing.assert_array_equal(traces, TRACES)
        with pytest.raises(isx.IsxStateError, match="closed"):
            cells.get_cell_trace_data(0)

    def test_text(self, path):
        lines = str(isx.CellSet.read(path)).split("\n")
        assert lines[0] == "CellSet"
        names = ["file_path", "mode", "timing", "spacing", "num_cells"]
        assert [line.split(":")[0] for line in lines[1:]] == [f"    {name}" for name in names]
        assert lines[-1] == "    num_cells: 3        "

    @pytest.mark.parametrize("index", [3, -1, 2**64 - 1, 2**64])
    def test_index_out_of_range(self, path, index):
        cells = isx.CellSet.read(path)
        shown = 2**64 - 1 if index == -1 else index
        for call in (
            cells.get_cell_name,
            cells.get_cell_status,
            cells.get_cell_trace_data,
            cells.get_cell_image_data,
        ):
            with pytest.raises(
                isx.IsxIndexError, match=f"Cell index {shown} is too large. There are only 3 cells."
            ):
                call(index)
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            cells.get_cell_name(1.0)

    def test_names_of_any_kind(self, tmp_path):
        names = ["é" * 300, "nul\0inside", "a,\"b'\n"]
        cells = isx.CellSet.read(make.cells(tmp_path / "c.isxd", IMAGES, TRACES, CellNames=names))
        assert cells.names == names == [cells.get_cell_name(i) for i in range(3)]

    def test_labels(self, tmp_path):
        path = make.cells(
            tmp_path / "c.isxd",
            IMAGES,
            TRACES,
            CellColors=[0, 0xFF00FF00, make.WHITE],
            CellActivity=[True, False],
        )
        cells = isx.CellSet.read(path)
        assert cells.colors.dtype == np.uint32
        assert cells.colors.tolist() == [0, 0xFF00FF00, make.WHITE]
        assert cells.active.tolist() == [True, False, True]

    @pytest.mark.parametrize("version", range(7))
    def test_versions(self, tmp_path, version):
        since = {
            "CellActivity": 1,
            "CellColors": 2,
            "CentroidDistances": 3,
            "Matches": 3,
            "PairScores": 3,
            "SizeGlobalCS": 3,
        }
        newer = {key: "absent" for key, first in since.items() if version < first}
        path = make.cells(
            tmp_path / "c.isxd",
            IMAGES,
            TRACES,
            fileVersion=version,
            cellMetrics="absent",
            efocusValues="absent",
            extraProperties={"idps": {"efocus": 7}},
            **newer,
        )
        cells = isx.CellSet.read(path)
        assert_cells(cells)
        assert cells.colors.tolist() == [make.WHITE] * 3
        assert cells.active.all()
        assert cells.get_acquisition_info() == ({"efocus": 7} if version >= 5 else None)
        for key, first in since.items():
            if version >= first:
                make.cells(path, IMAGES, TRACES, fileVersion=version, **newer, **{key: "absent"})
                with pytest.raises(isx.IsxFormatError, match=f"{key} is missing"):
                    isx.CellSet.read(path)

    def test_metrics(self, tmp_path):
        row = [2, {"x": 3, "y": -(2**63)}, {"x": 1, "y": 2}, 0.5, 1, 1.41421353816986, 0.0]
        path = make.cells(tmp_path / "c.isxd", IMAGES, TRACES, cellMetrics=[{}, row, {}])
        cells = isx.CellSet.read(path)
        assert cells.metrics == [
            None,
            CellMetrics(2, (3, -(2**63)), (1, 2), 0.5, 1.0, 1.41421353816986, 0.0),
            None,
        ]
        assert isx.CellSet.read(make.cells(path, IMAGES, TRACES)).metrics is None

    @pytest.mark.parametrize("metrics", [{}, [{}], [{}, {}, [1]], [{}, {}, [1, {}, {}, 1, 1, 1, None]], "x"])
    def test_damaged_metrics_cost_nothing_else(self, tmp_path, metrics):
        cells = isx.CellSet.read(make.cells(tmp_path / "c.isxd", IMAGES, TRACES, cellMetrics=metrics))
        assert_cells(cells)
        with pytest.raises(isx.IsxFormatError, match="cellMetrics"):
            cells.metrics  # noqa: B018

    def test_status_that_does_not_exist(self, tmp_path):
        cells = isx.CellSet.read(make.cells(tmp_path / "c.isxd", IMAGES, TRACES, CellStatuses=[0, 7, 2]))
        assert cells.get_cell_status(2) == "rejected"
        with pytest.raises(isx.IsxFormatError, match="status 7 of cell 1"):
            cells.get_cell_status(1)

    def test_stray_bytes_behind_the_cells(self, tmp_path):
        assert_cells(isx.CellSet.read(make.cells(tmp_path / "c.isxd", IMAGES, TRACES, stray=b"x" * 51)))

    def test_no_cells(self, tmp_path):
        for stray in (b"", b'{"an": "older footer"}\0' * 50):
            path = make.cells(tmp_path / "c.isxd", IMAGES[:0], TRACES[:0], stray=stray)
            cells = isx.CellSet.read(path)
            assert cells.num_cells == 0
            assert cells.names == cells.statuses == []
            assert cells.traces.shape == (0, 5)
            assert cells.footprints.shape == (0, 2, 4)

    def test_no_pixels_and_no_samples(self, tmp_path):
        empty = np.zeros((3, 0, 0), np.float32), np.zeros((3, 0), np.float32)
        cells = isx.CellSet.read(make.cells(tmp_path / "c.isxd", *empty))
        assert_cells(cells, *empty)

    @pytest.mark.parametrize(
        "changes",
        [
            {"CellNames": ["a", "b"]},
            {"CellNames": ["a", "b", "c", "d"]},
            {"CellStatuses": [0]},
            {"CellColors": [0]},
            {"timingInfo": make.timing(4000)},
            {"spacingInfo": make.spacing(2000, 2000)},
        ],
    )
    def test_counts_that_do_not_fit(self, tmp_path, changes):
        with pytest.raises(
            isx.IsxFormatError, match="Number of cells in header does not match number of cells"
        ):
            isx.CellSet.read(make.cells(tmp_path / "c.isxd", IMAGES, TRACES, **changes))

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"CellNames": "absent"}, "CellNames is missing"),
            ({"CellNames": [1, 2, 3]}, "CellNames should be a list of text"),
            ({"CellStatuses": [True, 0, 0]}, "CellStatuses should be a list of integers"),
            ({"isRoiSet": 1}, "isRoiSet should be true or false"),
            ({"dataType": 1}, "dataType should be text"),
            ({"spacingInfo": None}, "spacingInfo should be an object"),
            ({"timingInfo": make.timing(-5)}, "numTimes should be an integer from 0"),
            ({"spacingInfo": make.spacing(2**31, 2**31)}, "cannot be"),
            ({"type": 0}, "Expected data set to be of type: Cell Set. Instead it is of type: Movie. "),
        ],
    )
    def test_metadata(self, tmp_path, changes, text):
        with pytest.raises(isx.IsxFormatError, match=text):
            isx.CellSet.read(make.cells(tmp_path / "c.isxd", IMAGES, TRACES, **changes))

    def test_wrong_files(self, tmp_path):
        with pytest.raises(isx.IsxFileNotFoundError, match=r"File does not exist: nowhere.isxd"):
            isx.CellSet.read("nowhere.isxd")
        for name, text in {
            "c.dat": "extension not supported: dat",
            "c.tif": "Instead it is of type: Movie",
        }.items():
            (tmp_path / name).write_bytes(b"x")
            with pytest.raises(isx.IsxFileError, match=text):
                isx.CellSet.read(tmp_path / name)


def write(path, **changes):
    return isx.CellSet.write(path, changes.pop("timing", isx.Timing(5)), SPACING, **changes)


class TestWriting:
    def test_bytes(self, tmp_path):
        path = tmp_path / "c.isxd"
        cells = write(path, timing=isx.Timing(5, dropped=[3], cropped=[(0, 1)], blank=[4]))
        for i in range(3):
            cells.set_cell_data(i, IMAGES[i], TRACES[i], ["é", None, ""][i])
        assert not path.exists()
        cells.set_cell_status(1, "rejected")
        assert path.exists()
        cells.flush()
        stored = TRACES.copy()
        stored[:, [0, 1, 3, 4]] = np.float32(np.nan)
        body = b"".join(i.tobytes() + t.tobytes() for i, t in zip(IMAGES, stored, strict=True))
        assert path.read_bytes()[: len(body)] == body
        assert body[32:36] == b"\0\0\xc0\x7f"
        members = metadata_of(path)
        assert members.pop("producer")["name"] == "isx"
        timing = make.timing(5, dropped=[3], cropped=["0 - 1"], blank=[4])
        timing["start"] = {"secsSinceEpoch": make.ratio(0, 1), "utcOffset": 0}
        assert members == make.cell_members(
            3, (2, 4), 5, CellNames=["é", "C1", "C2"], CellStatuses=[1, 2, 1], timingInfo=timing
        )
        assert os.listdir(tmp_path) == ["c.isxd"]

    @pytest.mark.parametrize(
        ("count", "first"), [(1, "C0"), (10, "C0"), (11, "C00"), (12, "C00"), (101, "C000")]
    )
    def test_default_names(self, tmp_path, count, first):
        with write(tmp_path / "c.isxd") as cells:
            for i in range(count):
                cells.set_cell_data(i, IMAGES[0], TRACES[0], "")
            assert cells.get_cell_name(0) == ""
        names = isx.CellSet.read(tmp_path / "c.isxd").names
        assert names[0] == first
        assert names[-1] == f"C{count - 1}"

    def test_reading_back_while_writing_and_after(self, tmp_path):
        cells = write(tmp_path / "c.isxd")
        assert (cells.mode, cells.num_cells, cells.names) == ("w", 0, [])
        assert cells.traces.shape == (0, 5)
        assert cells.footprints.shape == (0, 2, 4)
        for i in range(3):
            cells.set_cell_data(i, IMAGES[i], TRACES[i], None)
            assert_cells(cells, IMAGES[: i + 1], TRACES[: i + 1])
        assert cells.get_acquisition_info() is None
        assert cells.metrics is None
        cells.flush()
        cells.flush()
        assert_cells(cells)
        assert cells.mode == "w"
        assert_cells(isx.CellSet.read(tmp_path / "c.isxd"))

    @pytest.mark.parametrize("again", [0, 1, 2])
    def test_replacing_an_earlier_cell(self, tmp_path, again):
        images, traces = IMAGES.copy(), TRACES.copy()
        with write(tmp_path / "c.isxd") as cells:
            for i in range(3):
                cells.set_cell_data(i, IMAGES[i], TRACES[i], None)
                cells.set_cell_status(i, "accepted")
            cells.set_cell_data(again, -IMAGES[again], -TRACES[again], "new")
        images[again] *= -1
        traces[again] *= -1
        cells = isx.CellSet.read(tmp_path / "c.isxd")
        assert_cells(cells, images, traces)
        assert cells.names[again] == "new"
        assert cells.statuses == ["undecided" if i == again else "accepted" for i in range(3)]

    def test_conversion_and_layout_of_arrays(self, tmp_path):
        with write(tmp_path / "c.isxd") as cells:
            with pytest.warns(UserWarning, match="Converting") as caught:
                cells.set_cell_data(0, np.ones((2, 4), ">u2"), np.arange(5.0), None)
            assert [str(w.message) for w in caught] == [
                "Converting from >u2 to float32.",
                "Converting from float64 to float32.",
            ]
            assert {w.filename for w in caught} == {__file__}
            cells.set_cell_data(1, np.asfortranarray(IMAGES[1]), np.repeat(TRACES[1], 2)[::2], None)
            cells.set_cell_data(2, IMAGES[2].ravel(), TRACES[2][None], None)
        images = np.stack([np.ones((2, 4), np.float32), *IMAGES[1:]])
        traces = np.stack([np.arange(5, dtype=np.float32), *TRACES[1:]])
        assert_cells(isx.CellSet.read(tmp_path / "c.isxd"), images, traces)

    @pytest.mark.parametrize(
        ("index", "image", "trace", "name", "error", "text"),
        [
            (1, IMAGES[0], TRACES[0], None, ValueError, "Writing cell indexes out of order is unsupported."),
            (-1, IMAGES[0], TRACES[0], None, ValueError, "Writing cell indexes out of order is unsupported."),
            (0.0, IMAGES[0], TRACES[0], None, TypeError, "integer"),
            (0, IMAGES[0][:1], TRACES[0], None, ValueError, "cannot reshape array of size 4"),
            (0, IMAGES[0], TRACES[0][:4], None, ValueError, "trace has 4 values; the set has 5 samples"),
            (0, IMAGES[0], np.zeros(6, np.float32), None, ValueError, "trace has 6 values"),
            (0, IMAGES[0], TRACES[0], 7, TypeError, "name must be text"),
        ],
    )
    def test_refused_cells_leave_no_trace(self, tmp_path, index, image, trace, name, error, text):
        with write(tmp_path / "c.isxd") as cells:
            with pytest.raises(error, match=text):
                cells.set_cell_data(index, image, trace, name)
            assert cells.num_cells == 0
        assert isx.CellSet.read(tmp_path / "c.isxd").num_cells == 0

    def test_refused_sets(self, path, tmp_path):
        before = path.read_bytes()
        with pytest.raises(TypeError, match="timing must be a Timing object"):
            isx.CellSet.write(tmp_path / "n.isxd", 5, SPACING)
        with pytest.raises(ValueError, match="spacing must be a Spacing object"):
            isx.CellSet.write(tmp_path / "n.isxd", isx.Timing(5), (2, 4))
        with pytest.raises(ValueError, match="Expected extension: isxd"):
            write(tmp_path / "n.dat")
        with pytest.raises(TypeError):
            write(tmp_path / "n.isxd", extra_properties={"x": object()})
        with pytest.raises(isx.IsxFileExistsError, match="File already exists"):
            write(path)
        with pytest.raises(
            isx.IsxFileError, match=r"Failed to open cell set file for reading .* No such file"
        ):
            write(tmp_path / "none" / "n.isxd")
        assert os.listdir(tmp_path) == ["c.isxd"]
        assert path.read_bytes() == before

    def test_after_flush(self, tmp_path):
        cells = write(tmp_path / "c.isxd")
        cells.set_cell_data(0, IMAGES[0], TRACES[0], None)
        cells.flush()
        text = f"Writing data after file was closed for writing.{tmp_path}"
        with pytest.raises(isx.IsxStateError, match=text):
            cells.set_cell_data(1, IMAGES[0], TRACES[0], None)
        with pytest.raises(isx.IsxStateError, match=text):
            cells.set_cell_status(0, "accepted")
        assert cells.get_cell_status(0) == "undecided"

    def test_dropped_objects_are_complete(self, tmp_path):
        for count in (0, 2):
            path = tmp_path / f"{count}.isxd"
            cells = write(path)
            for i in range(count):
                cells.set_cell_data(i, IMAGES[i], TRACES[i], None)
            del cells
            assert_cells(isx.CellSet.read(path), IMAGES[:count], TRACES[:count])

    def test_a_file_that_appeared_meanwhile_survives(self, tmp_path):
        cells = write(tmp_path / "c.isxd")
        (tmp_path / "c.isxd").write_bytes(b"precious")
        with pytest.raises(isx.IsxFileExistsError):
            cells.flush()
        assert (tmp_path / "c.isxd").read_bytes() == b"precious"

    def test_what_a_dropped_object_cannot_finish_is_told(self, tmp_path):
        cells = write(tmp_path / "c.isxd")
        cells.set_cell_data(0, IMAGES[0], TRACES[0], None)
        (tmp_path / "c.isxd").write_bytes(b"precious")
        with pytest.warns(isx.IsxWarning, match="could not be finished: File already exists"):
            del cells
        assert (tmp_path / "c.isxd").read_bytes() == b"precious"

    def test_an_exception_leaves_nothing(self, tmp_path):
        with pytest.raises(ZeroDivisionError), write(tmp_path / "c.isxd") as cells:
            cells.set_cell_data(0, IMAGES[0], TRACES[0], None)
            raise ZeroDivisionError
        assert os.listdir(tmp_path) == []
        with pytest.raises(isx.IsxStateError):
            cells.get_cell_trace_data(0)

    def test_session(self, tmp_path):
        extra = {"idps": {"cellset": {"method": "manual", "units": "dF"}}}
        with write(tmp_path / "c.isxd", extra_properties=extra) as cells:
            pass
        info = isx.CellSet.read(tmp_path / "c.isxd").get_acquisition_info()
        assert info == {"Cell Identification Method": "manual", "Trace Units": "dF"}
        assert cells.metadata["extraProperties"] == extra

    def test_time_and_space_are_kept_as_they_are(self, tmp_path):
        source = isx.CellSet.read(make.cells(tmp_path / "a.isxd", IMAGES, TRACES))
        with isx.CellSet.write(tmp_path / "b.isxd", source.timing, source.spacing) as copy:
            copy.set_cell_data(0, IMAGES[0], TRACES[0], None)
        for member in ("timingInfo", "spacingInfo"):
            old, new = (metadata_of(tmp_path / f"{name}.isxd")[member] for name in "ab")
            assert old.items() <= new.items()


class TestEditing:
    def test_statuses(self, path):
        body = path.read_bytes()[: 3 * 52]
        cells = isx.CellSet.read(path, read_only=False)
        assert cells.mode == "w"
        for i, status in enumerate(reversed(STATUSES)):
            cells.set_cell_status(i, status)
            assert isx.CellSet.read(path).get_cell_status(i) == status
        assert cells.statuses == isx.CellSet.read(path).statuses == STATUSES[::-1]
        assert cells.metadata["CellStatuses"] == [2, 1, 0]
        assert path.read_bytes()[: 3 * 52] == body
        assert_cells(cells)

    @pytest.mark.parametrize("count", [1, 9, 300])
    def test_many_changes_leave_the_file_as_one_would(self, tmp_path, count):
        rng = np.random.default_rng(count)
        images, traces = np.zeros((count, 1, 1), np.float32), np.zeros((count, 1), np.float32)
        one, other = (make.cells(tmp_path / name, images, traces) for name in ("a.isxd", "b.isxd"))
        goal = [STATUSES[i] for i in rng.integers(0, 3, count)]
        with isx.CellSet.read(one, read_only=False) as cells:
            for i in rng.permutation(count).tolist():
                cells.set_cell_status(i, "accepted")
            for i in rng.permutation(count).tolist():
                cells.set_cell_status(i, goal[i])
        with isx.CellSet.read(other, read_only=False) as cells:
            cells.set_cell_statuses(["undecided"] * count)
            cells.set_cell_statuses(dict(enumerate(goal)))
        assert one.read_bytes() == other.read_bytes()
        assert isx.CellSet.read(one).statuses == goal

    def test_only_one_byte_is_written_after_the_first_change(self, path):
        cells = isx.CellSet.read(path, read_only=False)
        cells.set_cell_status(0, "rejected")
        before = path.read_bytes()
        cells.set_cell_status(2, "accepted")
        after = path.read_bytes()
        assert len(before) == len(after)
        assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [(ord("2"), ord("0"))]

    def test_edits_of_others_are_noticed(self, path):
        first, second = (isx.CellSet.read(path, read_only=False) for _ in range(2))
        first.set_cell_status(0, "rejected")
        second.set_cell_data(2, IMAGES[2], TRACES[2], "a much longer name")
        first.set_cell_status(1, "accepted")
        assert isx.CellSet.read(path).statuses[:2] == ["rejected", "accepted"]

    def test_a_digit_that_changed_meanwhile_is_noticed(self, path):
        first, second = (isx.CellSet.read(path, read_only=False) for _ in range(2))
        first.set_cell_status(0, "rejected")
        second.set_cell_status(1, "rejected")  # writes what it knows: cell 0 is accepted
        first.set_cell_status(1, "accepted")
        assert isx.CellSet.read(path).statuses == ["rejected", "accepted", "rejected"]

    def test_statuses_that_do_not_exist_can_be_repaired(self, tmp_path):
        path = make.cells(tmp_path / "c.isxd", IMAGES, TRACES, CellStatuses=[0, -7, 12])
        with isx.CellSet.read(path, read_only=False) as cells:
            cells.set_cell_status(0, "rejected")
            assert metadata_of(path)["CellStatuses"] == [2, -7, 12]
            cells.set_cell_status(1, "accepted")
            cells.set_cell_status(2, "accepted")
            cells.set_cell_status(0, "accepted")
        assert isx.CellSet.read(path).statuses == ["accepted"] * 3

    def test_nothing_changed_nothing_written(self, path):
        before = path.read_bytes(), path.stat().st_mtime_ns
        with isx.CellSet.read(path, read_only=False) as cells:
            cells.set_cell_status(0, "accepted")
            cells.set_cell_statuses(STATUSES)
        assert (path.read_bytes(), path.stat().st_mtime_ns) == before

    def test_what_is_not_known_stays(self, tmp_path):
        timing = make.timing(5, theirs=1)
        path = make.cells(
            tmp_path / "c.isxd",
            IMAGES,
            TRACES,
            fileVersion=9,
            efocusValues=[70000, 3],
            Matches=[1, 2],
            isRoiSet=True,
            cellMetrics=[{}, {}, {}],
            extraProperties={"animal": {"id": "m"}},
            timingInfo=timing,
            ZZ={"new": [1.5]},
        )
        before = metadata_of(path)
        with isx.CellSet.read(path, read_only=False) as cells:
            cells.set_cell_status(0, "rejected")
        after = metadata_of(path)
        del after["producer"]
        before["timingInfo"] |= {"dropped": [], "cropped": [], "blank": []}
        assert after == before | {"CellStatuses": [2, 1, 2]}

    def test_an_old_version_becomes_the_newest(self, tmp_path):
        path = make.cells(
            tmp_path / "c.isxd",
            IMAGES,
            TRACES,
            fileVersion=0,
            CellNames=["", "b", ""],
            **dict.fromkeys(
                ["CellActivity", "CellColors", "CentroidDistances", "Matches", "PairScores", "SizeGlobalCS"],
                "absent",
            ),
            cellMetrics="absent",
            efocusValues="absent",
            extraProperties="absent",
        )
        with isx.CellSet.read(path, read_only=False) as cells:
            cells.set_cell_status(0, "rejected")
            assert cells.names == ["C0", "b", "C2"]
        members = metadata_of(path)
        members["timingInfo"] = make.timing(5)
        del members["producer"]
        assert members == make.cell_members(3, (2, 4), 5, CellStatuses=[2, 1, 2], CellNames=["C0", "b", "C2"])

    def test_stray_bytes_and_empty_sets(self, tmp_path):
        path = make.cells(tmp_path / "c.isxd", IMAGES, TRACES, stray=b"x" * 40)
        with isx.CellSet.read(path, read_only=False) as cells:
            cells.set_cell_status(0, "rejected")
        assert_cells(isx.CellSet.read(path))
        assert path.read_bytes()[3 * 52 : 3 * 52 + 1] == b"{"
        empty = make.cells(tmp_path / "e.isxd", IMAGES[:0], TRACES[:0])
        before = empty.read_bytes()
        with isx.CellSet.read(empty, read_only=False) as cells:
            cells.set_cell_statuses([])
        assert empty.read_bytes() == before

    @pytest.mark.parametrize("index", range(3))
    def test_replacing_a_cell(self, path, index):
        images, traces = IMAGES.copy(), TRACES.copy()
        images[index], traces[index] = 7, 8
        with isx.CellSet.read(path, read_only=False) as cells:
            cells.set_cell_status(0, "rejected")
            cells.set_cell_data(index, images[index], traces[index], "a new name")
            assert_cells(cells, images, traces)
            assert cells.names[index] == "a new name"
            assert cells.statuses[index] == "undecided"
            cells.set_cell_status(2, "accepted")
        cells = isx.CellSet.read(path)
        assert_cells(cells, images, traces)
        assert cells.statuses[2] == "accepted"
        assert cells.names[index] == "a new name"

    def test_finished_sets_do_not_grow(self, path):
        before = path.read_bytes()
        cells = isx.CellSet.read(path, read_only=False)
        with pytest.raises(
            ValueError, match=r"Writing cell indexes out of order is unsupported.* none added"
        ):
            cells.set_cell_data(3, IMAGES[0], TRACES[0], None)
        assert path.read_bytes() == before

    def test_refusals_change_nothing(self, path):
        before = path.read_bytes()
        cells = isx.CellSet.read(path, read_only=False)
        with pytest.raises(
            ValueError, match=r"Unknown cell_status 'bogus'. Options are accepted, undecided, rejected."
        ):
            cells.set_cell_status(0, "bogus")
        with pytest.raises(isx.IsxIndexError):
            cells.set_cell_status(3, "accepted")
        with pytest.raises(ValueError, match="Unknown cell_status"):
            cells.set_cell_statuses(["rejected", "rejected", "no"])
        with pytest.raises(isx.IsxIndexError):
            cells.set_cell_statuses({0: "rejected", 9: "rejected"})
        for wrong in (["rejected"], "rejected"):
            with pytest.raises(ValueError, match="one status for each of 3 cells"):
                cells.set_cell_statuses(wrong)
        cells.flush()
        for call in (lambda: cells.set_cell_status(0, "rejected"), lambda: cells.set_cell_statuses(STATUSES)):
            with pytest.raises(isx.IsxStateError, match="Writing data after file was closed for writing"):
                call()
        reading = isx.CellSet.read(path)
        with pytest.raises(isx.IsxStateError, match="Cannot set cell status in read-only mode"):
            reading.set_cell_status(9, "bogus")
        with pytest.raises(isx.IsxStateError, match="Cannot set cell data in read-only mode"):
            reading.set_cell_data(9, None, None, None)
        reading.flush()
        assert path.read_bytes() == before

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
    def test_write_protected(self, path):
        path.chmod(stat.S_IREAD)
        with pytest.raises(isx.IsxFileError, match="write-protected"):
            isx.CellSet.read(path, read_only=False)

    def test_a_file_that_went_away_while_it_was_edited(self, path):
        cells = isx.CellSet.read(path, read_only=False)
        cells.set_cell_status(0, "rejected")
        path.unlink()
        with pytest.raises(isx.IsxFileError, match="Cannot edit"):
            cells.set_cell_status(1, "rejected")
        with pytest.raises(isx.IsxFileError, match="Cannot edit"):
            cells.set_cell_data(1, IMAGES[0], TRACES[0], None)
        assert cells.statuses == ["rejected", "undecided", "rejected"]

    def test_a_file_that_went_away(self, path):
        cells = isx.CellSet.read(path, read_only=False)
        path.unlink()
        with pytest.raises(isx.IsxFileNotFoundError):
            cells.set_cell_status(0, "rejected")
        assert cells.get_cell_status(0) == "accepted"


class TestTables:
    def test_traces(self, path):
        with isx.CellSet.read(path) as cells:
            frame = cells.to_dataframe()
        assert list(frame.columns) == ["C0", "C1", "C2"]
        assert frame.index.name == "Time (s)"
        np.testing.assert_allclose(frame.index, [0, 0.05, 0.1, 0.15, 0.2])
        assert (frame.dtypes == np.float32).all()
        np.testing.assert_array_equal(frame.to_numpy().T, TRACES)

    def test_cells(self, tmp_path):
        row = [2, {"x": 3, "y": 4}, {"x": 1, "y": 2}, 0.5, 1, 1.5, 0.0]
        path = make.cells(tmp_path / "c.isxd", IMAGES, TRACES, cellMetrics=[{}, row, {}])
        frame = isx.CellSet.read(path).to_dataframe("cells")
        assert list(frame["name"]) == ["C0", "C1", "C2"]
        assert list(frame["status"]) == STATUSES
        assert list(frame["color"]) == ["#ffffffff"] * 3
        assert frame["overall_center"][1] == (3, 4)
        assert math.isnan(frame["overall_area"][0])
        without = isx.CellSet.read(make.cells(path, IMAGES, TRACES)).to_dataframe("cells")
        assert list(without.columns) == ["name", "status", "active", "color"]

    def test_unknown(self, path):
        with pytest.raises(ValueError, match="Unknown table"):
            isx.CellSet.read(path).to_dataframe("events")


def test_constructor_alone():
    cells = isx.CellSet()
    assert (cells.file_path, cells.mode, cells.timing, cells.spacing, cells.num_cells) == (None,) * 5
    assert "num_cells: None" in str(cells)
    calls = [
        lambda: cells.get_cell_name(0),
        lambda: cells.get_cell_trace_data(0),
        lambda: cells.set_cell_status(0, "accepted"),
        lambda: cells.set_cell_data(0, None, None, None),
        lambda: cells.names,
        cells.flush,
        cells.get_acquisition_info,
    ]
    for call in calls:
        with pytest.raises(isx.IsxStateError, match="Underlying pointer is null"):
            call()
    cells.close()
    assert isinstance(pickle.loads(pickle.dumps(cells)), isx.CellSet)


def test_pickle(path):
    assert_cells(pickle.loads(pickle.dumps(isx.CellSet.read(path))))
    with pytest.raises(isx.IsxStateError, match="being written"):
        pickle.dumps(isx.CellSet.read(path, read_only=False))


def test_many_threads(path):
    cells = isx.CellSet.read(path)
    with ThreadPoolExecutor(8) as pool:
        for i, trace in enumerate(pool.map(lambda i: cells.get_cell_trace_data(i % 3), range(96))):
            np.testing.assert_array_equal(trace, TRACES[i % 3])


def test_open(path):
    assert isinstance(isx.open(path), isx.CellSet)


def test_time_and_space_outlive_the_set(path):
    assert [isx.CellSet.read(f).timing.num_samples for f in [path]] == [5]
    assert isx.CellSet.read(path).spacing == SPACING
