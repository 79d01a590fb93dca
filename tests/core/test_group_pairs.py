"""Pairs that hold together are one group, and the best copy of it is the one to keep."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.pairs import SAME_SHAPE, ImageCopy, best_copy, group_pairs
from dedup_core.paths import ImagePath

A, B, C, D, E = (ImagePath("images", f"{name}.jpg") for name in "abcde")


def test_a_chain_of_copies_is_one_group():
    pairs = [(A, B, VerdictKind.IDENTICAL), (C, D, VerdictKind.DUPLICATE), (C, B, VerdictKind.DUPLICATE)]
    for order in permutations(pairs):
        assert group_pairs(order) == [(A, B, C, D)]


def test_groups_that_nothing_links_stay_apart():
    pairs = [(D, C, VerdictKind.DUPLICATE), (B, A, VerdictKind.DUPLICATE), (B, C, VerdictKind.DISTINCT)]
    assert group_pairs(pairs) == [(A, B), (C, D)]


def test_pairs_that_are_not_the_same_picture_make_no_group():
    kinds = (VerdictKind.DISTINCT, VerdictKind.UNVERIFIABLE, VerdictKind.COLOR_VARIANT)
    assert group_pairs((A, B, kind) for kind in kinds) == []


def test_other_colors_join_the_group_on_demand():
    pairs = [(A, B, VerdictKind.DUPLICATE), (B, C, VerdictKind.COLOR_VARIANT), (D, E, VerdictKind.DISTINCT)]
    assert group_pairs(pairs) == [(A, B)]
    assert group_pairs(pairs, linking=SAME_SHAPE) == [(A, B, C)]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_two_images_share_a_group_exactly_when_a_path_of_pairs_joins_them(edges):
    images = [ImagePath("images", f"{number:02}") for number in range(13)]
    joined = {number: {number} for number in range(13)}
    for left, right in edges:
        merged = joined[left] | joined[right]
        for number in merged:
            joined[number] = merged
    expected = sorted({tuple(sorted(images[n] for n in members)) for members in joined.values() if len(members) > 1})
    assert group_pairs((images[left], images[right], VerdictKind.DUPLICATE) for left, right in edges) == expected


def test_the_best_copy_has_most_pixels_then_most_bytes_then_the_first_path():
    small = ImageCopy(A, 100, 100, 9_000)
    large = ImageCopy(D, 400, 300, 5_000)
    large_and_crisp = ImageCopy(C, 300, 400, 8_000)
    the_same_elsewhere = ImageCopy(B, 300, 400, 8_000)
    for order in permutations([small, large, large_and_crisp, the_same_elsewhere]):
        assert best_copy(order) == the_same_elsewhere
    assert best_copy([small, large]) == large
    assert best_copy([large, large_and_crisp]) == large_and_crisp
