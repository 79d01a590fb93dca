"""Margins are looked at where they have about one color, in whatever order they are given."""

import itertools

import numpy as np
import pytest

from dedup_core.comparison.margins import are_alike


@pytest.mark.parametrize("grays", list(itertools.permutations((40, 100, 160))))
def test_margins_of_which_two_are_far_apart_are_not_alike_in_any_order(grays):
    assert not are_alike([np.full((5, 3), gray, np.uint8) for gray in grays])


@pytest.mark.parametrize("grays", list(itertools.permutations((100, 130, 160))))
def test_margins_of_one_paper_in_another_light_are_alike_and_empty_ones_say_nothing(grays):
    empty = np.empty((0, 3), np.uint8)
    assert are_alike([empty, *(np.full((5, 3), gray, np.uint8) for gray in grays)])
    assert are_alike([empty, empty])
