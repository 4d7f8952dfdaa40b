from __future__ import annotations

import numpy as np
import pytest

import isx
from isx._internal import IsxRatio
from isx.errors import IsxSeriesError
from openisx._series import Part, sorted_by_time, time_order

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
    name = path or f"{start} {np.dtype(dtype)} {space}.isxd"
    return Part("movie", name, timing(start, count), spacing(**space), np.dtype(dtype))


def events(path, start=0, names=(), count=10, **options):
    return Part("event set", path, timing(start, count), names=names, **options)


def cells(path, start=0, count=3, **space):
    return Part("cell set", path, timing(start), spacing(**space), count=count)


def test_order_is_by_exact_start():
    third = timing(0)
    third._impl.start.secs_since_epoch = IsxRatio(10**18 + 1, 10**15)
    second = timing(0)
    second._impl.start.secs_since_epoch = IsxRatio(10**18, 10**15)
    second._impl.num_samples = 0
    parts = [Part("event set", "c", third), events("a"), Part("event set", "b", second)]
    assert time_order(parts) == [1, 2, 0]
    assert time_order(parts[:1]) == [0]
    assert time_order([]) == []


def test_utc_offset_does_not_count():
    parts = [
        Part("event set", "b", timing(2000, utc=-7200)),
        Part("event set", "a", timing(0, utc=7200)),
    ]
    assert time_order(parts) == [1, 0]


def test_touching_files_and_empty_files_at_the_same_start_are_fine():
    assert time_order([movie(1000), movie(0)]) == [1, 0]
    assert time_order([movie(0), movie(0, path="empty", count=0)]) == [1, 0]


def test_overlap():
    with pytest.raises(IsxSeriesError, match=OVERLAP) as caught:
        time_order([movie(0, path="0.isxd"), movie(999, path="999.isxd")])
    assert "999.isxd does not fit behind 0.isxd: they share 0.001 s" in str(caught.value)
    assert isinstance(caught.value, (ValueError, isx.IsxError))


def test_data_type():
    text = "Unable to add data of type float to a series with data of type uint16."
    with pytest.raises(IsxSeriesError, match=text):
        time_order([movie(0), movie(5000, np.float32)])
    text = "Unable to add data of type uint16 to a series with data of type uint8."
    with pytest.raises(IsxSeriesError, match=text):
        time_order([movie(5000), movie(0, np.uint8)])


def test_first_failing_rule_names_the_error():
    with pytest.raises(IsxSeriesError, match=r"data type|data of type"):
        time_order([movie(0), movie(0, np.float32, rows=9)])
    with pytest.raises(IsxSeriesError, match="different spacing information"):
        time_order([movie(0), movie(0, rows=9)])


def test_pixel_size_is_compared_as_a_rational():
    assert time_order([movie(0, width=(6, 2)), movie(5000, width=(3, 1))]) == [0, 1]
    with pytest.raises(
        IsxSeriesError, match=r"different pixel size than the rest of the series. If this data"
    ):
        time_order([movie(0, width=(7, 2)), movie(5000, width=(3, 1))])


@pytest.mark.parametrize("other", [{"rows": 4}, {"cols": 3}, {"left": (3, 1)}])
def test_spacing(other):
    text = "The new data set has different spacing information than the rest of the series."
    with pytest.raises(IsxSeriesError, match=text):
        time_order([movie(0), movie(5000, **other)])


def test_only_neighbours_are_compared():
    with pytest.raises(IsxSeriesError, match=r"c.isxd does not fit behind b.isxd"):
        time_order(
            [events("c.isxd", 6000, ("A",)), events("a.isxd", 0, ("B",)), events("b.isxd", 3000, ("B",))]
        )


def test_cell_sets():
    sets = [cells("a", 5000), cells("b")]
    assert time_order(sets) == [1, 0]
    with pytest.raises(IsxSeriesError, match=r"CellSet series member with mismatching number of cells."):
        time_order([*sets, cells("c", 9000, count=4, rows=1)])
    with pytest.raises(IsxSeriesError, match="different spacing information"):
        time_order([*sets, cells("c", 9000, rows=1)])


def vessels(path, start=0, count=1, content=("velocity",)):
    return Part("vessel set", path, timing(start), spacing(), count=count, content=content)


def test_vessel_sets():
    sets = [vessels("a", 5000), vessels("b")]
    assert time_order(sets) == [1, 0]
    with pytest.raises(IsxSeriesError, match=r"VesselSet series member with mismatching number of vessels."):
        time_order([*sets, vessels("c", 9000, count=2)])
    with pytest.raises(IsxSeriesError, match="another type of vessel set"):
        time_order([*sets, vessels("c", 9000, content=("x",))])


def test_event_sets():
    text = "Events series member with mismatching channels."
    first = events("a", 0, ("A", "B"))
    for names, detail in ((("B", "A"), "name 0 is 'B' instead of 'A'"), (("A",), "1 names instead of 2")):
        with pytest.raises(IsxSeriesError, match=text) as caught:
            time_order([first, events("b", 0, names)])
        assert detail in str(caught.value)
    with pytest.raises(IsxSeriesError, match=OVERLAP):
        time_order([first, events("b", 500, ("A", "B"))])


def test_gpio_sets():
    def gpio(start, names=("G1", "G2")):
        return Part("GPIO set", f"{start}", timing(start), names=names)

    assert time_order([gpio(5000), gpio(0), gpio(9000)]) == [1, 0, 2]
    with pytest.raises(IsxSeriesError, match=r"GPIO series member with mismatching channels."):
        time_order([gpio(5000), gpio(0, names=("G1", "G3"))])
    with pytest.raises(IsxSeriesError, match=OVERLAP):
        time_order([gpio(9000), gpio(0), gpio(9500)])


def test_the_same_file_twice(tmp_path):
    (tmp_path / "link.isxd").symlink_to(tmp_path / "a.isxd")
    parts = [events(str(tmp_path / name), start) for name, start in (("a.isxd", 0), ("b.isxd", 5000))]
    with pytest.raises(IsxSeriesError, match=rf"{OVERLAP}(?s:.)*link.isxd is given twice"):
        time_order([*parts, events(str(tmp_path / "link.isxd"), 0)])


def test_files_that_do_not_tell_their_start_stay_in_the_order_given():
    assert time_order([events("b", 5000, knows_start=False), events("a", 0)]) == [0, 1]
    with pytest.raises(IsxSeriesError, match="is given twice"):
        time_order([events(name, knows_start=False) for name in ("a", "b", "a")])


def test_zero_denominators_are_errors():
    broken = timing(0)
    broken._impl.step = IsxRatio(1, 0)
    with pytest.raises(isx.IsxError, match="denominator"):
        time_order([events("a"), Part("event set", "b", broken)])


def write_movie(path, start, shape=(2, 3)):
    movie = isx.Movie.write(path, timing(start, 2), isx.Spacing(shape), np.uint16)
    for i in range(2):
        movie.set_frame_data(i, np.full(shape, i, np.uint16))
    movie.close()
    return str(path)


def test_sorting_files(tmp_path):
    paths = [
        write_movie(tmp_path / f"part{number}.isxd", start) for number, start in ((1, 0), (10, 900), (2, 300))
    ]
    assert sorted_by_time(paths) == [paths[0], paths[2], paths[1]]
    assert sorted_by_time(paths[1:2]) == paths[1:2]
    with pytest.raises(IsxSeriesError, match="is given twice"):
        sorted_by_time([paths[0], *paths])
    other = write_movie(tmp_path / "other.isxd", 5000, shape=(4, 3))
    with pytest.raises(
        IsxSeriesError, match=r"other.isxd does not fit behind .*part10.isxd: 4 x 3 pixels instead of 2 x 3"
    ):
        sorted_by_time([other, *paths])
    cells = str(tmp_path / "cells.isxd")
    isx.CellSet.write(cells, isx.Timing(num_samples=4), isx.Spacing((2, 3))).close()
    with pytest.raises(ValueError, match=r"cells.isxd and .*part1.isxd are of different kinds"):
        sorted_by_time([paths[0], cells])
    with pytest.raises(isx.IsxFileNotFoundError):
        sorted_by_time([paths[0], str(tmp_path / "missing.isxd")])


def test_images_are_no_series(tmp_path):
    path = tmp_path / "image.isxd"
    isx.Image.write(path, isx.Spacing((2, 3)), np.uint16, np.zeros((2, 3), np.uint16))
    assert sorted_by_time([str(path)]) == [str(path)]
    with pytest.raises(ValueError, match=r"image.isxd is an image"):
        sorted_by_time([str(path), write_movie(tmp_path / "m.isxd", 0)])
