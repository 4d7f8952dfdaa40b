"""Spacing: size, pixel pitch and position of an image."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import isx
from isx._internal import IsxRatio


def test_sizes():
    assert isx.Spacing().num_pixels == (0, 0)
    for given in ((3, 4), [3, 4], np.array([3, 4]), (np.int64(3), np.uint8(4))):
        spacing = isx.Spacing(num_pixels=given)
        assert spacing.num_pixels == (3, 4)
        assert {type(n) for n in spacing.num_pixels} == {int}
    assert str(spacing) == "Spacing(num_pixels=(3, 4))"
    assert repr(spacing._impl) == (
        "IsxSpacingInfo(4, 3, IsxRatio(3, 1), IsxRatio(3, 1), IsxRatio(0, 1), IsxRatio(0, 1))"
    )


@pytest.mark.parametrize(
    ("given", "error"),
    [((1, 2, 3), ValueError), ((), ValueError), (5, TypeError), ((1.0, 2), TypeError), ((-1, 2), ValueError)],
)
def test_refused_sizes(given, error):
    with pytest.raises(error):
        isx.Spacing(given)


def test_equality_sees_everything():
    assert isx.Spacing((3, 4)) == isx.Spacing((3, 4))
    assert isx.Spacing((3, 4)) != isx.Spacing((4, 3))
    assert isx.Spacing((3, 4)) != (3, 4)
    for name in ("pixel_width", "pixel_height", "left", "top"):
        spacing = isx.Spacing((3, 4))
        setattr(spacing._impl, name, IsxRatio(22, 10))
        assert spacing != isx.Spacing((3, 4))
    spacing = isx.Spacing((3, 4))
    spacing._impl.pixel_width = IsxRatio(6, 2)
    assert spacing == isx.Spacing((3, 4))
    with pytest.raises(TypeError, match="unhashable"):
        hash(spacing)


def test_pixel_coordinates():
    spacing = isx.Spacing((3, 4))
    spacing._impl.pixel_width = IsxRatio(6, 1)
    spacing._impl.left = IsxRatio(15, 1)
    spacing._impl.top = IsxRatio(-21, 2)
    coordinates = spacing._pixel_coordinates
    assert coordinates.dtype == np.int64
    assert coordinates.tolist() == [2, -4, 4, 3]


def test_copies_share_nothing():
    spacing = isx.Spacing((3, 4))
    other = spacing.copy()
    other._impl.left.num = 5
    other._impl.num_rows = 7
    assert spacing == isx.Spacing((3, 4))


def test_sizes_and_corner_of_the_pixels():
    spacing = isx.Spacing((3, 4), pixel_size=(2.2, Fraction(9, 4)), top_left=(-7, IsxRatio(6, 4)))
    assert (spacing.pixel_size, spacing.top_left) == ((2.2, 2.25), (-7.0, 1.5))
    assert repr(spacing.pixel_size_ratios) == "(IsxRatio(11, 5), IsxRatio(9, 4))"
    assert repr(spacing.top_left_ratios) == "(IsxRatio(-7, 1), IsxRatio(6, 4))"
    assert [ratio.fraction for ratio in spacing.top_left_ratios] == [-7, Fraction(3, 2)]
    spacing.pixel_size_ratios[0].num = 5
    assert spacing.pixel_size == (2.2, 2.25)
    assert isx.Spacing((3, 4)).pixel_size == (3.0, 3.0)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ((1,), ValueError),
        (("x", 1), ValueError),
        ((float("nan"), 1), ValueError),
        ((2**63, 1), ValueError),
        (5, TypeError),
        ((None, 1), TypeError),
    ],
)
def test_refused_lengths(bad, error):
    for name in ("pixel_size", "top_left"):
        with pytest.raises(error):
            isx.Spacing((3, 4), **{name: bad})
