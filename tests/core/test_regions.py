"""Regions say where, in the coordinates of both pictures."""

import pytest

from dedup_core.comparison.regions import Box, Region, RegionKind, in_words, swapped

REGION = Region(RegionKind.CHANGED, Box(0.1, 0.2, 0.3, 0.4), Box(0.5, 0.6, 0.7, 0.8))


def test_a_region_survives_being_stored():
    assert Region.from_dict(REGION.as_dict()) == REGION


@pytest.mark.parametrize("stored", [{}, {"kind": "changed", "left": [0, 0, 1], "right": [0, 0, 1, 1]}])
def test_a_stored_region_without_two_boxes_is_refused(stored):
    with pytest.raises(ValueError, match="two boxes"):
        Region.from_dict(stored)


def test_the_other_way_round_the_boxes_change_places():
    assert swapped([REGION])[0].left == REGION.right
    assert swapped(swapped([REGION])) == (REGION,)


def test_a_box_around_points_stays_inside_the_picture():
    box = Box.around([(-0.1, 0.25), (0.5, 1.4)])
    assert box.corners == (0.0, 0.25, 0.5, 1.0)
    assert box.area == pytest.approx(0.375)


CORNERS = [Box(x, y, x + 0.2, y + 0.2) for y in (0.0, 0.8) for x in (0.0, 0.8)]


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ([Box(0.4, 0.4, 0.6, 0.6)], "in the middle"),
        ([CORNERS[0], Box(0.8, 0.8, 0.9, 0.9)], "top left"),
        ([CORNERS[3], CORNERS[1]], "bottom right and top right"),
        ([CORNERS[3], Box(0.75, 0.8, 0.95, 1.0)], "bottom right"),
        (CORNERS, "in several places"),
    ],
)
def test_the_places_of_the_large_ones_are_told(boxes, words):
    assert in_words(boxes) == words
