"""Vessel sets of both types: read, written and edited in place."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

import isx
from builders import sets as make
from builders.isxd import metadata_of

RNG = np.random.default_rng(5)
IMAGE = RNG.normal(size=(3, 5)).astype(np.float32)
SPACING = isx.Spacing((3, 5))
T = 4
TYPES = isx.VesselSet.VesselSetType


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def line(points):
    return RNG.integers(-9, 500, (points, 2))


DIAMETER = [(line(2), floats(T), floats(T)) for _ in range(3)]
VELOCITY = [(line(4), floats(T), floats(T)) for _ in range(3)]
SIZES = [(2, 3), (1, 1), (4, 2)]  # height, width
MAPPED = [(*part, floats(T, 3, *size)) for part, size in zip(VELOCITY, SIZES, strict=True)]
STATUSES = ["accepted", "undecided", "rejected"]


@pytest.fixture
def diameter(tmp_path):
    return make.vessels(tmp_path / "d.isxd", IMAGE, DIAMETER, VesselCenterSaved=True)


@pytest.fixture
def velocity(tmp_path):
    return mapped(tmp_path / "v.isxd", [[width, height] for height, width in SIZES])


def mapped(path, sizes):
    """A velocity set with heat maps whose metadata say they have these `sizes`."""
    changes = {"VesselDirectionSaved": True, "VesselCorrelationSizes": sizes}
    return make.vessels(path, IMAGE, MAPPED, velocity=True, **changes)


def assert_vessels(vessels, parts, image=IMAGE):
    is_diameter = vessels.get_vessel_set_type() is TYPES.VESSEL_DIAMETER
    assert vessels.num_vessels == len(parts)
    for i, (points, trace, *rest) in enumerate(parts):
        np.testing.assert_array_equal(vessels.get_vessel_image_data(i), image)
        np.testing.assert_array_equal(vessels.get_vessel_line_data(i), points)
        np.testing.assert_array_equal(vessels.get_vessel_trace_data(i), trace)
        if rest:
            second = (
                vessels.get_vessel_center_trace_data(i)
                if is_diameter
                else vessels.get_vessel_direction_trace_data(i)
            )
            np.testing.assert_array_equal(second, rest[0])
        if rest[1:]:
            np.testing.assert_array_equal(vessels.correlation_heatmaps(i), rest[1])
            for frame in range(T):
                maps = vessels.get_vessel_correlations_data(i, frame)
                assert maps.dtype == np.float32
                np.testing.assert_array_equal(maps, rest[1][frame])
    if parts:
        np.testing.assert_array_equal(vessels.image, image)
        np.testing.assert_array_equal(vessels.lines, [part[0] for part in parts])
        np.testing.assert_array_equal(vessels.traces, [part[1] for part in parts])
    assert vessels.has_correlation_heatmaps() == bool(parts and parts[0][3:])


class TestReading:
    def test_diameter(self, diameter):
        vessels = isx.VesselSet.read(diameter)
        assert_vessels(vessels, DIAMETER)
        assert (vessels.mode, vessels.file_path) == ("r", os.path.realpath(diameter))
        assert vessels.names == ["V0", "V1", "V2"]
        assert vessels.statuses == STATUSES
        np.testing.assert_array_equal(vessels.center_traces, [part[2] for part in DIAMETER])
        for call in (
            lambda: vessels.get_vessel_direction_trace_data(0),
            lambda: vessels.direction_traces,
        ):
            with pytest.raises(isx.IsxError, match="Reading direction for diameter vessel set"):
                call()
        for call in (
            lambda: vessels.get_vessel_correlations_data(0, 0),
            lambda: vessels.correlation_heatmaps(0),
        ):
            with pytest.raises(isx.IsxError, match=r"No correlation heatmaps saved to vessel set file."):
                call()

    def test_velocity(self, velocity):
        vessels = isx.VesselSet.read(velocity)
        assert_vessels(vessels, MAPPED)
        np.testing.assert_array_equal(vessels.direction_traces, [part[2] for part in MAPPED])
        with pytest.raises(isx.IsxError, match="Model center can only be read from vessel diameter set"):
            vessels.get_vessel_center_trace_data(0)

    def test_views_where_vessels_are_equally_large(self, diameter):
        vessels = isx.VesselSet.read(diameter)
        for values in (vessels.traces, vessels.lines, vessels.center_traces):
            assert values.strides[0] == 32 + 8 * T
            assert not values.flags.writeable

    @pytest.mark.parametrize("velocity", [False, True])
    def test_older_files_without_second_traces(self, tmp_path, velocity):
        parts = [part[:2] for part in (VELOCITY if velocity else DIAMETER)]
        vessels = isx.VesselSet.read(make.vessels(tmp_path / "v.isxd", IMAGE, parts, velocity=velocity))
        assert_vessels(vessels, parts)
        with pytest.raises(
            isx.IsxError, match=r"No (center point|direction) traces saved to vessel set file."
        ):
            (vessels.get_vessel_direction_trace_data if velocity else vessels.get_vessel_center_trace_data)(0)

    def test_heat_maps_without_directions(self, tmp_path):
        """The vendor reads the maps of such files at the wrong place."""
        parts = [(part[0], part[1], part[3]) for part in MAPPED]
        path = make.vessels(
            tmp_path / "v.isxd",
            IMAGE,
            parts,
            velocity=True,
            VesselCorrelationSizes=[[width, height] for height, width in SIZES],
        )
        vessels = isx.VesselSet.read(path)
        for i, part in enumerate(parts):
            np.testing.assert_array_equal(vessels.correlation_heatmaps(i), part[2])
            np.testing.assert_array_equal(vessels.get_vessel_trace_data(i), part[1])

    def test_presence_counts_not_the_value(self, tmp_path):
        path = make.vessels(tmp_path / "d.isxd", IMAGE, DIAMETER, VesselCenterSaved=False)
        assert_vessels(isx.VesselSet.read(path), DIAMETER)

    def test_unknown_types_are_diameters(self, tmp_path):
        extra = {"idps": {"vesselset": {"type": "something"}}}
        path = make.vessels(
            tmp_path / "d.isxd", IMAGE, DIAMETER, VesselCenterSaved=True, extraProperties=extra
        )
        assert isx.VesselSet.read(path).get_vessel_set_type() is TYPES.VESSEL_DIAMETER

    def test_no_vessels(self, tmp_path):
        vessels = isx.VesselSet.read(make.vessels(tmp_path / "v.isxd", IMAGE, []))
        assert_vessels(vessels, [])
        assert vessels.image is None
        assert vessels.traces.shape == (0, T)
        assert vessels.lines.shape == (0, 2, 2)
        with pytest.raises(
            isx.IsxIndexError, match=r"Vessel index 0 is too large. There are only 0 vessels."
        ):
            vessels.get_vessel_image_data(0)

    def test_labels(self, tmp_path):
        path = make.vessels(
            tmp_path / "d.isxd",
            IMAGE,
            DIAMETER,
            VesselCenterSaved=True,
            VesselColors=[1],
            VesselActivity=[],
        )
        vessels = isx.VesselSet.read(path)
        assert vessels.colors.tolist() == [1, make.WHITE, make.WHITE]
        assert vessels.active.tolist() == [True] * 3

    def test_session(self, diameter):
        info = isx.VesselSet.read(diameter).get_acquisition_info()
        assert info == {
            "Vessel Set Type": "vessel diameter",
            "Vessels with Clipping Error": "{}",
            "Vessels with Direction Change Error": "{}",
            "Vessels with No Significant Pixels Error": "{}",
        }

    @pytest.mark.parametrize("frame", [-1, T, 2**64])
    def test_frame_out_of_range(self, velocity, frame):
        with pytest.raises(isx.IsxIndexError, match="out of range"):
            isx.VesselSet.read(velocity).get_vessel_correlations_data(2, frame)

    @pytest.mark.parametrize("index", [3, -1, 2**64])
    def test_index_out_of_range(self, velocity, index):
        vessels = isx.VesselSet.read(velocity)
        shown = 2**64 - 1 if index == -1 else index
        for call in (
            vessels.get_vessel_name,
            vessels.get_vessel_status,
            vessels.get_vessel_image_data,
            vessels.get_vessel_line_data,
            vessels.get_vessel_trace_data,
            vessels.get_vessel_direction_trace_data,
            lambda i: vessels.get_vessel_correlations_data(i, 0),
        ):
            with pytest.raises(
                isx.IsxIndexError, match=f"Vessel index {shown} is too large. There are only 3"
            ):
                call(index)

    @pytest.mark.parametrize("gap", [0, 16, 31, 33, 64])
    def test_gap(self, tmp_path, gap):
        path = make.vessels(tmp_path / "d.isxd", IMAGE, DIAMETER, VesselCenterSaved=True, gap=gap)
        with pytest.raises(
            isx.IsxFormatError, match=r"Number of vessels in header does not match number of vessels in file."
        ):
            isx.VesselSet.read(path)

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"VesselNames": ["a"]}, "do not fit together"),
            ({"VesselNames": list("abcd"), "VesselStatuses": [0] * 4}, "Number of vessels in header"),
            ({"VesselStatuses": [0]}, "do not fit together"),
            ({"VesselNames": "absent"}, "VesselNames is missing"),
            ({"extraProperties": None}, "extraProperties should be an object"),
            ({"extraProperties": {"idps": {}}}, "vesselset is missing"),
            ({"timingInfo": make.timing(2**31)}, "Number of vessels in header"),
            ({"spacingInfo": make.spacing(2**31, 2**31)}, "cannot be"),
            ({"type": 1}, "Expected data set to be of type: Vessel Set. Instead it is of type: Cell Set. "),
        ],
    )
    def test_metadata(self, tmp_path, changes, text):
        path = make.vessels(tmp_path / "d.isxd", IMAGE, DIAMETER, **{"VesselCenterSaved": True} | changes)
        with pytest.raises(isx.IsxFormatError, match=text):
            isx.VesselSet.read(path)

    @pytest.mark.parametrize(
        ("sizes", "text"),
        [
            ([[3, 2]], "do not fit together"),
            ([[3, 2], [1, 1], [2]], r"should be \[width, height\]"),
            ([[3, 2], [1, 1], [2, 2**40]], "list of integers from 0 to"),
            ([[3, 2], [1, 1], 5], "should be a list"),
            ([[3, 2], [1, 1], [2, 5]], "Number of vessels in header"),
        ],
    )
    def test_sizes_of_heat_maps(self, tmp_path, sizes, text):
        path = mapped(tmp_path / "v.isxd", sizes)
        with pytest.raises(isx.IsxFormatError, match=text):
            isx.VesselSet.read(path)

    def test_text(self, diameter):
        lines = str(isx.VesselSet.read(diameter)).split("\n")
        assert lines[0] == "VesselSet"
        assert lines[-1] == "    num_vessels: 3        "


def write(path, kind, **changes):
    return isx.VesselSet.write(path, changes.pop("timing", isx.Timing(T)), SPACING, kind, **changes)


def put(vessels, index, part, name=None, image=IMAGE):
    if vessels.get_vessel_set_type() is TYPES.VESSEL_DIAMETER:
        vessels.set_vessel_diameter_data(index, image, *part, name)
    else:
        vessels.set_rbc_velocity_data(index, image, *part, *[None] * (4 - len(part)), name)


class TestWriting:
    @pytest.mark.parametrize(
        ("kind", "parts"),
        [
            ("vessel diameter", DIAMETER),
            ("rbc velocity", VELOCITY),
            ("rbc velocity", MAPPED),
            ("rbc velocity", []),
        ],
    )
    def test_reading_back_while_writing_and_after(self, tmp_path, kind, parts):
        vessels = write(tmp_path / "v.isxd", kind)
        assert (vessels.mode, vessels.num_vessels) == ("w", 0)
        for i, part in enumerate(parts):
            put(vessels, i, part)
            assert_vessels(vessels, parts[: i + 1])
        vessels.flush()
        vessels.flush()
        assert_vessels(vessels, parts)
        assert_vessels(isx.VesselSet.read(tmp_path / "v.isxd"), parts)
        assert vessels.names == [f"V{i}" for i in range(len(parts))]
        assert os.listdir(tmp_path) == ["v.isxd"]

    def test_bytes(self, tmp_path):
        path = tmp_path / "v.isxd"
        with write(path, "rbc velocity", timing=isx.Timing(T, dropped=[1])) as vessels:
            for i, part in enumerate(MAPPED):
                put(vessels, i, part, "" if i else "é")
            assert vessels.get_acquisition_info()["Vessel Set Type"] == "red blood cell velocity"
        stored = []
        for points, trace, direction, maps in MAPPED:
            trace, direction = trace.copy(), direction.copy()
            trace[1] = direction[1] = np.nan
            stored.append((points, trace, direction, maps))
        timing = make.timing(T, dropped=[1], cropped=[], blank=[])
        timing["start"] = {"secsSinceEpoch": make.ratio(0, 1), "utcOffset": 0}
        expected = make.vessels(
            tmp_path / "expected.isxd",
            IMAGE,
            stored,
            velocity=True,
            VesselCorrelationSizes=[[width, height] for height, width in SIZES],
            VesselDirectionSaved=True,
            VesselNames=["é", "V1", "V2"],
            VesselStatuses=[1, 1, 1],
            timingInfo=timing,
        )
        members = metadata_of(path)
        assert members.pop("producer")["name"] == "isx"
        assert members == metadata_of(expected)
        end = expected.read_bytes().index(b"{")
        assert path.read_bytes()[: end + 1] == expected.read_bytes()[: end + 1]

    @pytest.mark.parametrize("again", [0, 1, 2])
    def test_replacing_a_vessel(self, tmp_path, again):
        part = (MAPPED[again][0] + 1, *(values + 1 for values in MAPPED[again][1:]))
        image = IMAGE + 1 if again == 0 else IMAGE
        with write(tmp_path / "v.isxd", "rbc velocity") as vessels:
            for i in range(3):
                put(vessels, i, MAPPED[i])
                vessels.set_vessel_status(i, "accepted")
            put(vessels, again, part, "new", IMAGE + 1)
        vessels = isx.VesselSet.read(tmp_path / "v.isxd")
        assert_vessels(vessels, [part if i == again else MAPPED[i] for i in range(3)], image)
        assert vessels.statuses == ["undecided" if i == again else "accepted" for i in range(3)]
        assert vessels.names[again] == "new"

    def test_the_last_vessel_may_change_its_size(self, tmp_path):
        small = (*VELOCITY[1], floats(T, 3, 1, 1))
        with write(tmp_path / "v.isxd", "rbc velocity") as vessels:
            put(vessels, 0, MAPPED[0])
            put(vessels, 1, MAPPED[2])
            put(vessels, 1, small)
            with pytest.raises(ValueError, match="cannot be replaced by one with heat maps of another size"):
                put(vessels, 0, small)
        assert_vessels(isx.VesselSet.read(tmp_path / "v.isxd"), [MAPPED[0], small])
        with write(tmp_path / "w.isxd", "rbc velocity") as vessels:
            put(vessels, 0, MAPPED[0])
            put(vessels, 0, VELOCITY[0])
            put(vessels, 1, VELOCITY[1])
        assert_vessels(isx.VesselSet.read(tmp_path / "w.isxd"), VELOCITY[:2])

    def test_conversion_and_layout_of_arrays(self, tmp_path):
        points = np.array([[1.9, -2.9], [3, 4]])
        with write(tmp_path / "v.isxd", "vessel diameter") as vessels:
            with pytest.warns(UserWarning, match="Converting") as caught:
                vessels.set_vessel_diameter_data(
                    0, IMAGE.astype("f8"), points, np.arange(T), np.zeros(T, bool)
                )
            put(
                vessels,
                1,
                (np.asfortranarray(DIAMETER[1][0]), np.repeat(DIAMETER[1][1], 2)[::2], DIAMETER[1][2]),
            )
            put(vessels, 2, (DIAMETER[2][0].ravel(), *DIAMETER[2][1:]))
        assert [str(w.message) for w in caught] == [
            "Converting from float64 to float32.",
            "Converting from float64 to int64.",
            "Converting from int64 to float32.",
            "Converting from bool to float32.",
        ]
        assert {w.filename for w in caught} == {__file__}
        first = (np.array([[1, -2], [3, 4]]), np.arange(T), np.zeros(T))
        assert_vessels(isx.VesselSet.read(tmp_path / "v.isxd"), [first, *DIAMETER[1:]])

    @pytest.mark.parametrize(
        ("change", "error", "text"),
        [
            ({"index": 1}, ValueError, "Writing vessel indexes out of order is unsupported."),
            ({"index": -1}, ValueError, "Writing vessel indexes out of order is unsupported."),
            ({"index": 0.0}, TypeError, "integer"),
            ({"image": IMAGE[:2]}, ValueError, "cannot reshape"),
            ({"line": np.zeros((2, 2), int)}, ValueError, r"line should be 4 points \(x, y\)"),
            ({"line": np.zeros((2, 4), int)}, ValueError, r"line should be 4 points \(x, y\)"),
            ({"trace": floats(T + 1)}, ValueError, "trace has 5 values; the set has 4 samples"),
            ({"direction_trace": floats(1)}, ValueError, "direction_trace has 1 values"),
            ({"correlations_trace": floats(T, 3, 2)}, ValueError, "correlations_trace should have the shape"),
            (
                {"correlations_trace": floats(T, 2, 2, 2)},
                ValueError,
                "correlations_trace should have the shape",
            ),
            (
                {"correlations_trace": floats(1, 3, 2, 2)},
                ValueError,
                "correlations_trace should have the shape",
            ),
            ({"name": b"x"}, TypeError, "name must be text"),
        ],
    )
    def test_refused_vessels_leave_no_trace(self, tmp_path, change, error, text):
        points, trace, direction = VELOCITY[0]
        arguments = {
            "index": 0,
            "image": IMAGE,
            "line": points,
            "trace": trace,
            "direction_trace": direction,
        }
        with write(tmp_path / "v.isxd", "rbc velocity") as vessels:
            with pytest.raises(error, match=text):
                vessels.set_rbc_velocity_data(**arguments | change)
            assert vessels.num_vessels == 0
        assert_vessels(isx.VesselSet.read(tmp_path / "v.isxd"), [])

    @pytest.mark.parametrize("first", [0, 1])
    def test_all_vessels_have_heat_maps_or_none(self, tmp_path, first):
        parts = [VELOCITY[0], MAPPED[1]][:: 1 - 2 * first]
        with write(tmp_path / "v.isxd", "rbc velocity") as vessels:
            put(vessels, 0, parts[0])
            with pytest.raises(
                ValueError, match="Either all vessels of a set have correlation heat maps, or none"
            ):
                put(vessels, 1, parts[1])
        assert_vessels(isx.VesselSet.read(tmp_path / "v.isxd"), parts[:1])

    def test_the_other_type(self, tmp_path):
        velocity = write(tmp_path / "v.isxd", "rbc velocity")
        with pytest.raises(isx.IsxStateError, match="use set_rbc_velocity_data"):
            velocity.set_vessel_diameter_data(0, IMAGE, *DIAMETER[0])
        diameter = write(tmp_path / "d.isxd", "vessel diameter")
        with pytest.raises(isx.IsxStateError, match="use set_vessel_diameter_data"):
            diameter.set_rbc_velocity_data(0, IMAGE, *VELOCITY[0])

    def test_types(self, tmp_path):
        assert TYPES.from_str("rbc velocity") is TYPES.from_str(TYPES.RBC_VELOCITY) is TYPES.RBC_VELOCITY
        assert TYPES.from_str("vessel diameter") is TYPES.VESSEL_DIAMETER
        assert [member.value for member in TYPES] == [0, 1]
        for wrong in ("RBC Velocity", "diameter", 0, None):
            with pytest.raises(ValueError, match="Unknown vessel_type"):
                write(tmp_path / "v.isxd", wrong)
        assert os.listdir(tmp_path) == []

    def test_refused_sets(self, diameter, tmp_path):
        with pytest.raises(TypeError, match="timing must be a Timing object"):
            isx.VesselSet.write(tmp_path / "n.isxd", 5, SPACING, "rbc velocity")
        with pytest.raises(ValueError, match="spacing must be a Spacing object"):
            isx.VesselSet.write(tmp_path / "n.isxd", isx.Timing(5), (2, 4), "rbc velocity")
        with pytest.raises(ValueError, match="Expected extension: isxd"):
            write(tmp_path / "n.dat", "rbc velocity")
        with pytest.raises(isx.IsxFileExistsError, match="File already exists"):
            write(diameter, "rbc velocity")
        with pytest.raises(isx.IsxFileError, match="Failed to open vessel set file for read/write"):
            write(tmp_path / "none" / "n.isxd", "rbc velocity")
        assert os.listdir(tmp_path) == ["d.isxd"]

    def test_session(self, tmp_path):
        extra = {"idps": {"efocus": 5, "vesselset": {"units": "microns"}}}
        write(tmp_path / "v.isxd", "vessel diameter", extra_properties=extra).flush()
        info = isx.VesselSet.read(tmp_path / "v.isxd").get_acquisition_info()
        assert (info["Trace Units"], info["Vessel Set Type"], info["efocus"]) == (
            "microns",
            "vessel diameter",
            5,
        )

    def test_dropped_objects_are_complete(self, tmp_path):
        vessels = write(tmp_path / "v.isxd", "rbc velocity")
        put(vessels, 0, MAPPED[0])
        del vessels
        assert_vessels(isx.VesselSet.read(tmp_path / "v.isxd"), MAPPED[:1])


class TestEditing:
    def test_statuses(self, velocity):
        body = velocity.read_bytes()
        body = body[: body.index(b"{")]
        with isx.VesselSet.read(velocity, read_only=False) as vessels:
            for i, status in enumerate(STATUSES[::-1]):
                vessels.set_vessel_status(i, status)
                assert isx.VesselSet.read(velocity).get_vessel_status(i) == status
            vessels.set_vessel_statuses({0: "undecided"})
        data = velocity.read_bytes()
        assert data[: data.index(b"{")] == body
        assert isx.VesselSet.read(velocity).statuses == ["undecided", *STATUSES[1::-1]]
        assert_vessels(isx.VesselSet.read(velocity), MAPPED)

    def test_what_is_not_known_stays(self, tmp_path):
        extra = {"idps": {"vesselset": {"type": "something", "theirs": 1}}}
        path = make.vessels(
            tmp_path / "d.isxd",
            IMAGE,
            [part[:2] for part in DIAMETER],
            extraProperties=extra,
            efocusValues="absent",
            SizeGlobalVS="absent",
            more=[1],
        )
        with isx.VesselSet.read(path, read_only=False) as vessels:
            vessels.set_vessel_status(0, "rejected")
        members = metadata_of(path)
        assert members["extraProperties"] == extra
        assert members["more"] == [1]
        assert members["efocusValues"] == [0]
        assert "VesselCenterSaved" not in members
        assert_vessels(isx.VesselSet.read(path), [part[:2] for part in DIAMETER])

    def test_empty_sets(self, tmp_path):
        path = make.vessels(tmp_path / "v.isxd", IMAGE, [])
        with isx.VesselSet.read(path, read_only=False) as vessels:
            vessels.set_vessel_statuses([])
        assert_vessels(isx.VesselSet.read(path), [])

    @pytest.mark.parametrize("index", range(3))
    def test_replacing_a_vessel(self, velocity, index):
        part = (MAPPED[index][0] + 1, *(values + 1 for values in MAPPED[index][1:]))
        with isx.VesselSet.read(velocity, read_only=False) as vessels:
            put(vessels, index, part, "new", IMAGE + 1)
            with pytest.raises(ValueError, match="another size"):
                put(vessels, 0, MAPPED[1])
            with pytest.raises(ValueError, match="none added"):
                put(vessels, 3, part)
        vessels = isx.VesselSet.read(velocity)
        parts = [part if i == index else MAPPED[i] for i in range(3)]
        assert_vessels(vessels, parts, IMAGE + 1 if index == 0 else IMAGE)
        assert (vessels.names[index], vessels.statuses[index]) == ("new", "undecided")

    def test_refusals(self, diameter):
        reading = isx.VesselSet.read(diameter)
        with pytest.raises(isx.IsxStateError, match="Cannot set vessel status in read-only mode"):
            reading.set_vessel_status(9, "bogus")
        with pytest.raises(isx.IsxStateError, match="Cannot set vessel data in read-only mode"):
            put(reading, 9, DIAMETER[0])
        vessels = isx.VesselSet.read(diameter, read_only=False)
        with pytest.raises(
            ValueError, match=r"Unknown vessel_status 'bogus'. Options are accepted, undecided, rejected."
        ):
            vessels.set_vessel_status(0, "bogus")
        vessels.flush()
        with pytest.raises(isx.IsxStateError, match="Writing data after file was closed for writing"):
            put(vessels, 0, DIAMETER[0])


def test_tables(diameter, velocity):
    frame = isx.VesselSet.read(diameter).to_dataframe()
    assert list(frame.columns) == ["V0", "V1", "V2"]
    np.testing.assert_array_equal(frame.to_numpy().T, [part[1] for part in DIAMETER])
    centers = isx.VesselSet.read(diameter).to_dataframe("centers")
    np.testing.assert_array_equal(centers.to_numpy().T, [part[2] for part in DIAMETER])
    directions = isx.VesselSet.read(velocity).to_dataframe("directions")
    np.testing.assert_array_equal(directions.to_numpy().T, [part[2] for part in VELOCITY])
    with pytest.raises(isx.IsxError, match="direction"):
        isx.VesselSet.read(diameter).to_dataframe("directions")
    with pytest.raises(ValueError, match="Unknown table"):
        isx.VesselSet.read(diameter).to_dataframe("cells")
    table = isx.VesselSet.read(velocity).to_dataframe("vessels")
    assert list(table["status"]) == STATUSES
    assert table["y3"].tolist() == [part[0][3, 1] for part in VELOCITY]


def test_constructor_alone():
    vessels = isx.VesselSet()
    assert (vessels.file_path, vessels.mode, vessels.timing, vessels.spacing, vessels.num_vessels) == (
        None,
    ) * 5
    for call in (
        lambda: vessels.get_vessel_name(0),
        vessels.get_vessel_set_type,
        vessels.has_correlation_heatmaps,
        lambda: vessels.set_vessel_diameter_data(0, IMAGE, *DIAMETER[0]),
        vessels.flush,
    ):
        with pytest.raises(isx.IsxStateError, match="Underlying pointer is null"):
            call()


def test_pickle_and_open(velocity):
    assert_vessels(pickle.loads(pickle.dumps(isx.VesselSet.read(velocity))), MAPPED)
    assert isinstance(isx.open(velocity), isx.VesselSet)
