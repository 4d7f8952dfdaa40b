"""Spacing: size, pixel pitch and position of an image."""

from __future__ import annotations

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
