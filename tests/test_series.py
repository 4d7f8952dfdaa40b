from __future__ import annotations

import numpy as np
import pytest

import isx
from isx._internal import IsxRatio
from isx.errors import IsxSeriesError
from openisx._series import (
    Member,
    cell_set_order,
    event_set_order,
    gpio_set_order,
    movie_order,
    vessel_set_order,
)

OVERLAP = "Unable to insert data that temporally overlaps with other parts of the series."


def timing(start, count=10, num=100, den=1000, utc=0):
    """`start` in milliseconds; 100 ms period, so 10 samples last 1 s."""
    begin = isx.Time._from_secs_since_epoch(isx.Duration.from_msecs(start), utc)
    return isx.Timing(count, isx.Duration._from_num_den(num, den), begin)


def spacing(rows=3, cols=4, width=(3, 1), left=(0, 1)):
    made = isx.Spacing((rows, cols))
    made._impl.pixel_width = IsxRatio(*width)
    made._impl.left = IsxRatio(*left)
    return made


def movie(start, dtype=np.uint16, path=None, count=10, **space):
    return Member(
        path or f"{start}.isxd", timing(start, count), spacing=spacing(**space), data_type=np.dtype(dtype)
    )


def test_order_is_by_exact_start():
    third = timing(0)
    third._impl.start.secs_since_epoch = IsxRatio(10**18 + 1, 10**15)
    second = timing(0)
    second._impl.start.secs_since_epoch = IsxRatio(10**18, 10**15)
    second._impl.num_samples = 0
    members = [Member("c", third), Member("a", timing(0)), Member("b", second)]
    assert event_set_order(members) == [1, 2, 0]
    assert event_set_order([Member("x", timing(0))]) == [0]
    assert event_set_order([]) == []


def test_utc_offset_does_not_count():
    members = [Member("b", timing(2000, utc=-7200)), Member("a", timing(0, utc=7200))]
    assert event_set_order(members) == [1, 0]


def test_touching_files_and_empty_files_at_the_same_start_are_fine():
    assert movie_order([movie(1000), movie(0)]) == [1, 0]
    assert movie_order([movie(0), movie(0, path="empty", count=0)]) == [1, 0]


def test_overlap():
    with pytest.raises(IsxSeriesError, match=OVERLAP) as caught:
        movie_order([movie(0), movie(999)])
    assert "999.isxd does not fit behind 0.isxd: they share 0.001 s" in str(caught.value)
    assert isinstance(caught.value, (ValueError, isx.IsxError))


def test_data_type():
    text = "Unable to add data of type float to a series with data of type uint16."
    with pytest.raises(IsxSeriesError, match=text):
        movie_order([movie(0), movie(5000, np.float32)])
    text = "Unable to add data of type uint16 to a series with data of type uint8."
    with pytest.raises(IsxSeriesError, match=text):
        movie_order([movie(5000), movie(0, np.uint8)])


def test_first_failing_rule_names_the_error():
    with pytest.raises(IsxSeriesError, match=r"data type|data of type"):
        movie_order([movie(0), movie(0, np.float32, rows=9)])
    with pytest.raises(IsxSeriesError, match="different spacing information"):
        movie_order([movie(0), movie(0, rows=9)])


def test_pixel_size_is_compared_as_a_rational():
    assert movie_order([movie(0, width=(6, 2)), movie(5000, width=(3, 1))]) == [0, 1]
    with pytest.raises(
        IsxSeriesError, match=r"different pixel size than the rest of the series. If this data"
    ):
        movie_order([movie(0, width=(7, 2)), movie(5000, width=(3, 1))])


@pytest.mark.parametrize("other", [{"rows": 4}, {"cols": 3}, {"left": (3, 1)}])
def test_spacing(other):
    text = "The new data set has different spacing information than the rest of the series."
    with pytest.raises(IsxSeriesError, match=text):
        movie_order([movie(0), movie(5000, **other)])


def test_only_neighbours_are_compared():
    with pytest.raises(IsxSeriesError, match=r"c.isxd does not fit behind b.isxd"):
        event_set_order(
            [
                Member("c.isxd", timing(6000), names=("A",)),
                Member("a.isxd", timing(0), names=("B",)),
                Member("b.isxd", timing(3000), names=("B",)),
            ]
        )


def test_cell_sets():
    sets = [
        Member("a", timing(5000), spacing=spacing(), count=3),
        Member("b", timing(0), spacing=spacing(), count=3),
    ]
    assert cell_set_order(sets) == [1, 0]
    with pytest.raises(IsxSeriesError, match=r"CellSet series member with mismatching number of cells."):
        cell_set_order([*sets, Member("c", timing(9000), spacing=spacing(rows=1), count=4)])
    with pytest.raises(IsxSeriesError, match="different spacing information"):
        cell_set_order([*sets, Member("c", timing(9000), spacing=spacing(rows=1), count=3)])


def test_vessel_sets():
    sets = [
        Member("a", timing(5000), spacing=spacing(), count=1, traits=("velocity",)),
        Member("b", timing(0), spacing=spacing(), count=1, traits=("velocity",)),
    ]
    assert vessel_set_order(sets) == [1, 0]
    with pytest.raises(IsxSeriesError, match=r"VesselSet series member with mismatching number of vessels."):
        vessel_set_order([*sets, Member("c", timing(9000), spacing=spacing(), count=2)])
    with pytest.raises(IsxSeriesError, match="another type of vessel set"):
        vessel_set_order([*sets, Member("c", timing(9000), spacing=spacing(), count=1, traits=("x",))])


def test_event_sets():
    text = "Events series member with mismatching channels."
    first = Member("a", timing(0), names=("A", "B"))
    for names, detail in ((("B", "A"), "name 0 is 'B' instead of 'A'"), (("A",), "1 names instead of 2")):
        with pytest.raises(IsxSeriesError, match=text) as caught:
            event_set_order([first, Member("b", timing(0), names=names)])
        assert detail in str(caught.value)
    with pytest.raises(IsxSeriesError, match=OVERLAP):
        event_set_order([first, Member("b", timing(500), names=("A", "B"))])


def gpio(start, traits=(True, False), names=("G1", "G2"), starts=None):
    channels = tuple(timing(s) for s in (starts or (start, start)))
    return Member(f"{start}", timing(start), names=names, traits=traits, channel_timings=channels)


def test_gpio_sets_are_checked_in_the_order_given_and_then_sorted():
    assert gpio_set_order([gpio(5000), gpio(0), gpio(9000)]) == [1, 0, 2]
    with pytest.raises(IsxSeriesError, match=r"GPIO series member with mismatching channels."):
        gpio_set_order([gpio(5000), gpio(0, names=("G1", "G3"))])
    with pytest.raises(IsxSeriesError, match=r"GPIO series member with mismatching data types."):
        gpio_set_order([gpio(5000), gpio(0, traits=(True, True))])
    with pytest.raises(IsxSeriesError, match=OVERLAP):
        gpio_set_order([gpio(0), gpio(5000, starts=(5000, 500))])


def test_zero_denominators_are_errors():
    broken = timing(0)
    broken._impl.step = IsxRatio(1, 0)
    with pytest.raises(isx.IsxError, match="denominator 0"):
        event_set_order([Member("a", timing(0)), Member("b", broken)])
