"""Event sets: both layouts read, the second one written."""

from __future__ import annotations

import math
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import isx
from builders import sets as make
from builders.isxd import metadata_of


def assert_events(events, expected):
    for i, (offsets, amplitudes) in enumerate(expected):
        got = events.get_cell_data(i)
        assert got[0].dtype == np.uint64
        assert got[1].dtype == np.float32
        np.testing.assert_array_equal(got[0], offsets)
        np.testing.assert_array_equal(got[1], np.array(amplitudes, np.float32))


@pytest.fixture
def path(tmp_path):
    """Two cells mixed, out of order, with a repeated time; offsets that the vendor returns one too low."""
    body = make.packets(
        (1, 249, 1), (0, 4100000, 2), (1, 251, 3), (0, 50000, 4), (0, 50000, 5), (1, 0, math.nan)
    )
    return make.events(tmp_path / "e.isxd", ["a", "b", "none"], body)


EXPECTED = [([50000, 4100000], [5, 2]), ([0, 249, 251], [math.nan, 1, 3]), ([], [])]


class TestReading:
    def test_values_in_order_of_time_and_exact(self, path):
        events = isx.EventSet.read(path)
        assert_events(events, EXPECTED)
        assert (events.num_cells, events.mode, events.file_path) == (3, "r", os.path.realpath(path))
        assert events.names == ["a", "b", "none"]
        assert events.cell_dict == {"a": 0, "b": 1, "none": 2}
        assert events.get_cell_index("b") == 1
        assert events.timing == isx.Timing(40, start=events.timing.start)
        assert events.timing.start._impl.utc_offset == -60

    def test_answers_belong_to_the_caller(self, path):
        events = isx.EventSet.read(path)
        events.get_cell_data(0)[0][:] = 7
        assert_events(events, EXPECTED)

    def test_text(self, path):
        lines = str(isx.EventSet.read(path)).split("\n")
        assert lines[0] == "EventSet"
        assert [line.split(":")[0] for line in lines[1:]] == [
            "    file_path",
            "    mode",
            "    timing",
            "    num_cells",
        ]
        assert lines[-1] == "    num_cells: 3        "

    @pytest.mark.parametrize("index", [3, -1, 2**64 - 1, 2**64])
    def test_index_out_of_range(self, path, index):
        events = isx.EventSet.read(path)
        shown = 2**64 - 1 if index == -1 else index
        for call in (events.get_cell_name, events.get_cell_data):
            with pytest.raises(
                isx.IsxIndexError, match=f"Cell index {shown} is too large. There are only 3 cells."
            ):
                call(index)

    @pytest.mark.parametrize("index", [1.0, "1", None, [1]])
    def test_index_of_another_type(self, path, index):
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            isx.EventSet.read(path).get_cell_data(index)

    def test_integers_of_numpy(self, path):
        events = isx.EventSet.read(path)
        assert events.get_cell_name(np.uint8(1)) == events.get_cell_name(np.array(1)) == "b"

    def test_unknown_name(self, path):
        with pytest.raises(KeyError, match=r'Cell with name "zz" does not exist.'):
            isx.EventSet.read(path).get_cell_index("zz")

    def test_repeated_names_are_told_apart_by_index(self, tmp_path):
        path = make.events(tmp_path / "e.isxd", ["x", "x"], make.packets((0, 1, 1), (1, 2, 2)))
        events = isx.EventSet.read(path)
        assert_events(events, [([1], [1]), ([2], [2])])
        assert events.cell_dict == {"x": 1}

    def test_long_names_are_whole(self, tmp_path):
        name = "é" * 500
        events = isx.EventSet.read(make.events(tmp_path / "e.isxd", [name], make.packets((0, 1, 1))))
        assert events.get_cell_name(0) == name
        assert_events(events, [([1], [1])])

    def test_times_beyond_the_end_stay(self, tmp_path):
        events = isx.EventSet.read(make.events(tmp_path / "e.isxd", ["x"], make.packets((0, 2**62, 1))))
        assert_events(events, [([2**62], [1])])

    def test_many_channels_with_large_times(self, tmp_path):
        """Channel and time do not fit into one 64-bit key together."""
        rows = [(i % 5, 2**62 + (7 * i) % 31, i) for i in range(40)]
        events = isx.EventSet.read(make.events(tmp_path / "e.isxd", list("abcde"), make.packets(*rows)))
        expected = []
        for cell in range(5):
            last = {offset: value for channel, offset, value in rows if channel == cell}
            expected.append((sorted(last), [last[offset] for offset in sorted(last)]))
        assert_events(events, expected)

    @pytest.mark.parametrize(
        ("steps", "period", "count"),
        [
            ([(50, 1000), (25, 1000)], (25, 1000), 80),
            ([(50, 1000), (0, 1)], (50, 1000), 40),
            ([(0, 1), (50, 1000)], (1, 1000), 2000),
            ([(3, 10), (3, 10)], (3, 10), 7),
            ([], (1, 1000), 2000),
        ],
    )
    def test_period(self, tmp_path, steps, period, count):
        steps = [make.ratio(*step) for step in steps]
        timing = isx.EventSet.read(make.events(tmp_path / "e.isxd", ["x"], b"", signalSteps=steps)).timing
        assert (timing._impl.step.num, timing._impl.step.den) == period
        assert timing.num_samples == count

    def test_metrics(self, tmp_path):
        path = make.events(
            tmp_path / "e.isxd", ["a", "b"], b"", metrics=[{}, [1.5, None, 3, 4, 5, 6, 7, 8, 9]]
        )
        none, found = isx.EventSet.read(path).metrics  # type: ignore[misc]
        assert none is None
        assert (found.snr, found.event_rate, found.decay_sd) == (1.5, 3.0, 9.0)
        assert math.isnan(found.mad)
        assert isx.EventSet.read(make.events(tmp_path / "f.isxd", ["a"], b"")).metrics is None

    def test_session(self, tmp_path):
        extra = {"animal": {"id": "m1"}, "idps": {"efocus": 5}}
        events = isx.EventSet.read(make.events(tmp_path / "e.isxd", ["a"], b"", extraProperties=extra))
        assert events.get_acquisition_info() == {"Animal ID": "m1", "efocus": 5}
        assert events.metadata["extraProperties"] == extra


class TestFirstLayout:
    def test_values(self, tmp_path):
        blocks = {
            "b": make.old_block("b", [(1_500_000, 0, 1), (1_250_000, 2.5, 1), (1_250_001, 2.5, 0)]),
            "a": make.old_block("a", [(1_000_249, 0, 0), (1_000_249, 1.5, 1)]),
            "é": make.old_block("é", []),
        }
        events = isx.EventSet.read(make.old_events(tmp_path / "e.isxd", blocks))
        assert events.names == ["a", "b", "é"]
        assert_events(events, [([249], [1.5]), ([250000, 250001, 500000], [2.5, 0, 1]), ([], [])])
        assert events.timing.num_samples == 30
        assert events.timing.dropped == [2]
        assert events.get_acquisition_info() is None
        assert events.metrics is None

    def test_analog(self, tmp_path):
        block = make.old_block("GPIO4_AI", [(1_000_001, 2.5, 0), (1_000_000, 1, 1)], count=0)
        for changes in ({"analog": True}, {"analog": "absent", "fileVersion": 0}):
            path = make.old_events(tmp_path / "e.isxd", {"GPIO4_AI": block}, **changes)
            assert_events(isx.EventSet.read(path), [([0, 1], [1, 2.5])])

    def test_start_between_microseconds(self, tmp_path):
        start = {"secsSinceEpoch": make.ratio(1, 3), "utcOffset": 0}
        path = make.old_events(
            tmp_path / "e.isxd",
            {"a": make.old_block("a", [(333_334, 1, 1), (400_000, 1, 1)])},
            **{"timing info": make.timing(3, start=start)},
        )
        assert_events(isx.EventSet.read(path), [([0, 66666], [1, 1])])

    def test_start_before_1970(self, tmp_path):
        start = {"secsSinceEpoch": make.ratio(-2, 1), "utcOffset": 0}
        path = make.old_events(
            tmp_path / "e.isxd",
            {"a": make.old_block("a", [(5, 1, 1)])},
            **{"timing info": make.timing(3, start=start)},
        )
        assert_events(isx.EventSet.read(path), [([2_000_005], [1])])

    def test_time_before_the_start(self, tmp_path):
        blocks = {"a": make.old_block("a", [(1_000_000, 1, 1), (999_999, 1, 1)])}
        events = isx.EventSet.read(make.old_events(tmp_path / "e.isxd", blocks))
        with pytest.raises(isx.IsxFormatError, match="negative offset for event 1"):
            events.get_cell_data(0)

    def test_more_packets_announced_than_there_is_room(self, tmp_path):
        blocks = {"a": make.old_block("a", [(1_000_000, 1, 1)], count=2), "b": make.old_block("b", [])}
        with pytest.raises(isx.IsxFormatError, match="2 packets are announced, but there is room for"):
            isx.EventSet.read(make.old_events(tmp_path / "e.isxd", blocks))

    def test_no_channels(self, tmp_path):
        assert isx.EventSet.read(make.old_events(tmp_path / "e.isxd", {})).num_cells == 0


class TestDamage:
    def test_unknown_channel(self, tmp_path):
        path = make.events(tmp_path / "e.isxd", ["a"], make.packets((0, 1, 1), (1, 1, 1)))
        events = isx.EventSet.read(path)
        with pytest.raises(isx.IsxFormatError, match="packet 1 at byte 20 belongs to channel 1"):
            events.get_cell_data(0)

    def test_time_that_wrapped(self, tmp_path):
        events = isx.EventSet.read(make.events(tmp_path / "e.isxd", ["a"], make.packets((0, 2**64 - 5, 1))))
        with pytest.raises(isx.IsxFormatError, match="Found negative offset for event 0"):
            events.get_cell_data(0)

    def test_part_of_a_packet(self, tmp_path):
        path = make.events(tmp_path / "e.isxd", ["a"], make.packets((0, 1, 1))[:-1])
        with pytest.raises(isx.IsxFormatError, match="not whole packets"):
            isx.EventSet.read(path)

    @pytest.mark.parametrize(
        ("changes", "text"),
        [
            ({"fileType": 2}, "not a valid events file"),
            ({"fileVersion": 0}, "Version 0 of the new type of events file is not supported"),
            ({"signalSteps": "absent"}, "signalSteps is missing"),
            ({"numSamples": "absent"}, "numSamples is missing"),
            ({"channel list": ["a", 1]}, "channel list should be a list of text"),
            ({"global times": []}, "should be the start and the end"),
            ({"signalSteps": [make.ratio(1, 10**12)]}, "samples"),
            ({"type": 1}, "Expected data set to be of type: Event Set. Instead it is of type: Cell Set. "),
        ],
    )
    def test_metadata(self, tmp_path, changes, text):
        with pytest.raises(isx.IsxFormatError, match=text):
            isx.EventSet.read(make.events(tmp_path / "e.isxd", ["a"], b"", **changes))

    def test_wrong_files(self, tmp_path):
        with pytest.raises(isx.IsxFileNotFoundError, match=r"File does not exist: nowhere.isxd"):
            isx.EventSet.read("nowhere.isxd")
        for name, text in {
            "e.dat": "extension not supported: dat",
            "e.gpio": "Instead it is of type: GPIO",
        }.items():
            (tmp_path / name).write_bytes(b"x")
            with pytest.raises(isx.IsxFileError, match=text):
                isx.EventSet.read(tmp_path / name)


def arrays(offsets, amplitudes):
    return np.array(offsets, np.uint64), np.array(amplitudes, np.float32)


class TestWriting:
    def test_bytes(self, tmp_path):
        path = tmp_path / "e.isxd"
        start = isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(1234567, 1000), 3600)
        timing = isx.Timing(10, isx.Duration._from_num_den(33333, 1000000), start, dropped=[3])
        events = isx.EventSet.write(path, timing, ("b", "a", ""))
        events.set_cell_data(1, *arrays([7, 3], [0.5, 1.5]))
        events.set_cell_data(0, *arrays([9], [-1]))
        events.set_cell_data(1, *arrays([1], [2]))
        assert not path.exists()
        events.flush()
        packets = make.packets((1, 7, 0.5), (1, 3, 1.5), (0, 9, -1), (1, 1, 2))
        assert path.read_bytes()[:80] == packets
        members = metadata_of(path)
        assert members.pop("producer")["name"] == "isx"
        assert members == {
            "channel list": ["b", "a", ""],
            "extraProperties": None,
            "fileType": 1,
            "fileVersion": 2,
            "global times": [
                {"secsSinceEpoch": make.ratio(1234567, 1000), "utcOffset": 3600},
                {"secsSinceEpoch": make.ratio(1234900, 1000), "utcOffset": 3600},
            ],
            "metrics": None,
            "numSamples": [1, 3, 0],
            "signalSteps": [make.ratio(33333, 1000000)] * 3,
            "signalTypes": [0, 0, 0],
            "startOffsets": [9, 7, 0],
            "type": 5,
        }
        assert os.listdir(tmp_path) == ["e.isxd"]

    def test_reading_back_while_writing_and_after(self, tmp_path):
        events = isx.EventSet.write(tmp_path / "e.isxd", isx.Timing(40), ["a", "b"])
        assert (events.mode, events.num_cells, events.get_cell_name(1)) == ("w", 2, "b")
        assert_events(events, [([], []), ([], [])])
        events.set_cell_data(0, *arrays([5, 2], [1, 2]))
        assert_events(events, [([2, 5], [2, 1]), ([], [])])
        events.set_cell_data(1, *arrays([3], [4]))
        events.set_cell_data(0, *arrays([5], [9]))
        expected = [([2, 5], [2, 9]), ([3], [4])]
        assert_events(events, expected)
        events.flush()
        events.flush()
        assert_events(events, expected)
        assert events.mode == "w"
        assert_events(isx.EventSet.read(tmp_path / "e.isxd"), expected)

    def test_reading_back_only_after_flush(self, tmp_path):
        events = isx.EventSet.write(tmp_path / "e.isxd", isx.Timing(40), ["a"])
        events.set_cell_data(0, *arrays([5, 2], [1, 2]))
        events.flush()
        assert events.metadata["numSamples"] == [2]
        assert_events(events, [([2, 5], [2, 1])])
        assert_events(pickle.loads(pickle.dumps(events)), [([2, 5], [2, 1])])
        events.close()
        with pytest.raises(isx.IsxStateError, match="is closed"):
            events.get_cell_data(0)

    def test_conversion(self, tmp_path):
        events = isx.EventSet.write(tmp_path / "e.isxd", isx.Timing(40), ["a"])
        with pytest.warns(UserWarning, match="Converting") as caught:
            events.set_cell_data(0, np.array([1.9, 2.0]), np.array([1, 2]))
        assert [str(w.message) for w in caught] == [
            "Converting from int64 to float32.",
            "Converting from float64 to uint64.",
        ]
        assert {w.filename for w in caught} == {__file__}
        assert_events(events, [([1, 2], [1, 2])])

    def test_strided_arrays(self, tmp_path):
        events = isx.EventSet.write(tmp_path / "e.isxd", isx.Timing(40), ["a"])
        events.set_cell_data(0, np.arange(10, dtype=np.uint64)[::2], np.arange(10, dtype=np.float32)[::-2])
        assert_events(events, [([0, 2, 4, 6, 8], [9, 7, 5, 3, 1])])

    @pytest.mark.parametrize("shape", [(3, 1), (1, 3), (1, 3, 1)])
    def test_axes_of_length_1_do_not_count(self, tmp_path, shape):
        with isx.EventSet.write(tmp_path / "e.isxd", isx.Timing(40), ["a", "b", "c"]) as events:
            offsets, amplitudes = arrays([5, 2, 9], [1, 2, 3])
            events.set_cell_data(0, offsets.reshape(shape), amplitudes)
            events.set_cell_data(1, offsets, amplitudes.reshape(shape))
            events.set_cell_data(2, offsets.reshape(shape), amplitudes.reshape(shape))
            events.set_cell_data(2, np.zeros((0, 1), np.uint64), np.zeros((1, 0), np.float32))
        assert_events(isx.EventSet.read(tmp_path / "e.isxd"), [([2, 5, 9], [2, 1, 3])] * 3)

    @pytest.mark.parametrize(
        ("index", "offsets", "amplitudes", "error", "text"),
        [
            (0, [1], [1, 2], TypeError, "Number of events must be the same as the number of timestamps."),
            (1, [1], [1], IndexError, "Cell index 1 is too large. There are only 1 cells."),
            (0.0, [1], [1], TypeError, "integer"),
            (0, [-1], [1], ValueError, "offsets must be microseconds"),
            (0, [math.nan], [1], ValueError, "offsets must be microseconds"),
            (0, [2**63], [1], ValueError, "offsets must be microseconds"),
            (0, [[1, 2]] * 2, [1], ValueError, "one-dimensional"),
            (0, np.zeros((0, 3)), [], ValueError, "one-dimensional"),
            (0, 1, 1, ValueError, "one-dimensional"),
        ],
    )
    def test_refused_events_leave_no_trace(self, tmp_path, index, offsets, amplitudes, error, text):
        events = isx.EventSet.write(tmp_path / "e.isxd", isx.Timing(40), ["a"])
        with pytest.raises(error, match=text):
            events.set_cell_data(index, np.array(offsets), np.array(amplitudes, np.float32))
        events.flush()
        assert_events(isx.EventSet.read(tmp_path / "e.isxd"), [([], [])])

    @pytest.mark.parametrize(
        ("name", "timing", "names", "error", "text"),
        [
            ("e.isxd", 40, ["a"], TypeError, "timing must be a Timing object"),
            ("e.isxd", isx.Timing(4), [], ValueError, "cell_names must not be empty"),
            ("e.isxd", isx.Timing(4), "ab", TypeError, "Input must be contained in a list."),
            ("e.isxd", isx.Timing(4), [1], TypeError, "cell_names must be text"),
            ("e.dat", isx.Timing(4), ["a"], ValueError, "Expected extension: isxd"),
            ("none/e.isxd", isx.Timing(4), ["a"], isx.IsxFileError, "Failed to open events file for writing"),
        ],
    )
    def test_refused_sets(self, tmp_path, name, timing, names, error, text):
        with pytest.raises(error, match=text):
            isx.EventSet.write(tmp_path / name, timing, names)
        assert os.listdir(tmp_path) == []

    def test_existing_file(self, path):
        before = path.read_bytes()
        with pytest.raises(isx.IsxFileExistsError, match="File already exists"):
            isx.EventSet.write(path, isx.Timing(4), ["a"])
        assert path.read_bytes() == before

    def test_after_flush_and_when_read(self, path, tmp_path):
        events = isx.EventSet.write(tmp_path / "new.isxd", isx.Timing(4), ["a"])
        events.flush()
        with pytest.raises(isx.IsxStateError, match="Writing data after file was closed for writing"):
            events.set_cell_data(0, *arrays([1], [1]))
        with pytest.raises(isx.IsxStateError, match="read-only"):
            isx.EventSet.read(path).set_cell_data(0, *arrays([1], [1]))

    def test_dropped_objects_are_complete(self, tmp_path):
        events = isx.EventSet.write(tmp_path / "e.isxd", isx.Timing(4), ["a"])
        events.set_cell_data(0, *arrays([1], [1]))
        del events
        assert_events(isx.EventSet.read(tmp_path / "e.isxd"), [([1], [1])])

    def test_an_exception_leaves_nothing(self, tmp_path):
        with pytest.raises(ZeroDivisionError), isx.EventSet.write(tmp_path / "e.isxd", isx.Timing(4), ["a"]):
            raise ZeroDivisionError
        assert os.listdir(tmp_path) == []

    def test_session(self, tmp_path):
        extra = {"animal": {"id": "m1"}}
        path = tmp_path / "e.isxd"
        with isx.EventSet.write(path, isx.Timing(4), ["a"], extra_properties=extra) as events:
            assert events.get_acquisition_info() == {"Animal ID": "m1"}
        assert isx.EventSet.read(path).get_acquisition_info() == {"Animal ID": "m1"}


class TestTables:
    def test_one_array(self, path):
        table = isx.EventSet.read(path).events
        assert table["cell"].tolist() == [0, 0, 1, 1, 1]
        assert table["offset"].tolist() == [50000, 4100000, 0, 249, 251]
        assert table["amplitude"].tolist()[:2] == [5, 2]

    def test_dataframe(self, path):
        frame = isx.EventSet.read(path).to_dataframe()
        assert list(frame.columns) == ["cell", "time", "amplitude"]
        assert list(frame["cell"]) == ["a", "a", "b", "b", "b"]
        assert list(frame["cell"].cat.categories) == ["a", "b", "none"]
        assert frame["time"].tolist() == [0.05, 4.1, 0.0, 0.000249, 0.000251]
        assert frame["amplitude"].dtype == np.float32

    def test_dataframe_of_repeated_names(self, tmp_path):
        path = make.events(
            tmp_path / "e.isxd", ["x", "y", "x"], make.packets((0, 1, 1), (2, 2, 2), (1, 3, 3))
        )
        assert list(isx.EventSet.read(path).to_dataframe()["cell"]) == ["x", "y", "x"]

    def test_bins(self, tmp_path):
        rows = [
            (0, 0, 1),
            (0, 24_999, 2),
            (0, 25_000, 4),
            (0, 25_001, 8),
            (1, 125_000, -3),
            (1, 2_000_000, 9),
        ]
        events = isx.EventSet.read(make.events(tmp_path / "e.isxd", ["a", "b"], make.packets(*rows)))
        summed = events.binned()
        assert summed.shape == (2, 40)
        assert summed.dtype == np.float32
        assert summed[0, :3].tolist() == [7, 8, 0]
        assert np.flatnonzero(summed[1]).tolist() == [
            2
        ]  # half way between 0.1 and 0.15 s; the last is outside
        assert events.binned(how="max")[0, :3].tolist() == [4, 8, 0]
        assert events.binned(how="max")[1, 2] == -3
        assert events.binned(how="count")[0, :3].tolist() == [3, 1, 0]
        with pytest.raises(ValueError, match="Unknown how"):
            events.binned(how="mean")

    def test_bins_of_another_recording(self, tmp_path):
        path = make.events(tmp_path / "e.isxd", ["a"], make.packets((0, 0, 1), (0, 700_000, 2)))
        start = isx.Time._from_secs_since_epoch(isx.Duration._from_num_den(2, 1))
        timing = isx.Timing(5, isx.Duration._from_num_den(1, 10), start, dropped=[4])
        binned = isx.EventSet.read(path).binned(timing)
        np.testing.assert_array_equal(binned, [[0, 0, 2, 0, np.nan]])

    @pytest.mark.parametrize("den", [12074000000, 12073999999])
    def test_times_rounded_to_microseconds_find_their_sample(self, tmp_path, den):
        """Detected events lie on samples, but files hold whole microseconds."""
        num, count = 603240466, 300
        offsets = [round(i * num * 10**6 / den) for i in range(count)]
        path = make.events(
            tmp_path / "e.isxd",
            ["a"],
            make.packets(*((0, offset, i + 1) for i, offset in enumerate(offsets))),
        )
        timing = isx.Timing(count, isx.Duration._from_num_den(num, den), isx.EventSet.read(path).timing.start)
        assert isx.EventSet.read(path).binned(timing)[0].tolist() == list(range(1, count + 1))


def test_constructor_alone():
    events = isx.EventSet()
    assert (events.file_path, events.mode, events.timing, events.num_cells) == (None,) * 4
    assert events.cell_dict == {}
    assert "num_cells: None" in str(events)
    for call in (
        lambda: events.get_cell_name(0),
        lambda: events.get_cell_data(0),
        lambda: events.set_cell_data(0, [], []),
        events.flush,
        events.get_acquisition_info,
    ):
        with pytest.raises(isx.IsxStateError, match="Underlying pointer is null"):
            call()
    with pytest.raises(KeyError):
        events.get_cell_index("a")
    events.close()


def test_plain_times(path):
    events = isx.EventSet.read(path)
    assert events.seconds("b").tolist() == events.seconds(1).tolist() == [0, 0.000249, 0.000251]
    dates = np.array(["1970-01-01T00:00:01.55", "1970-01-01T00:00:05.60"], "datetime64[us]")
    np.testing.assert_array_equal(events.datetimes("a", utc=True), dates)
    assert events.datetimes(0)[0] == dates[0] - np.timedelta64(60, "s")
    assert len(events.datetimes("none")) == len(events.seconds(2)) == 0


def test_cells_by_name_and_one_by_one(path):
    events = isx.EventSet.read(path)
    assert len(events) == 3
    assert [(cell.name, cell.index, cell.num_events) for cell in events] == [
        ("a", 0, 2),
        ("b", 1, 3),
        ("none", 2, 0),
    ]
    assert events["a"].offsets.tolist() == events[0].offsets.tolist() == [50000, 4100000]
    assert events["a"].amplitudes.tolist() == [5, 2]
    assert "b" in events
    assert "c" not in events
    with pytest.raises(KeyError, match='Cell with name "c" does not exist'):
        events["c"]
    with pytest.raises(isx.IsxIndexError):
        events[3]
    with pytest.raises(ValueError, match="read-only"):
        events["a"].offsets[0] = 1
    assert events.get_cell_data(0)[0].flags.writeable


def test_pickle_and_copies(path):
    events = pickle.loads(pickle.dumps(isx.EventSet.read(path)))
    assert_events(events, EXPECTED)
    writing = isx.EventSet.write(path.with_name("new.isxd"), isx.Timing(1), ["a"])
    with pytest.raises(isx.IsxStateError, match="being written"):
        pickle.dumps(writing)


def test_closed(path):
    with isx.EventSet.read(path) as unread:
        pass
    with pytest.raises(isx.IsxStateError, match="closed"):
        unread.get_cell_data(0)


def test_many_threads(path):
    events = isx.EventSet.read(path)
    with ThreadPoolExecutor(8) as pool:
        for offsets, _ in pool.map(lambda _: events.get_cell_data(1), range(64)):
            assert offsets.tolist() == [0, 249, 251]


def test_open(path):
    assert isinstance(isx.open(path), isx.EventSet)
