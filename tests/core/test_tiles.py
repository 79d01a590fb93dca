"""A picture that was cropped for the tile of a collage is found there, told as a part, and its tile is told exactly."""

import pytest
from PIL import Image, ImageOps

from dedup_core import Verdict, VerdictKind, decide, measure_images
from dedup_core.comparison.regions import RegionKind
from dedup_core.policy import LOOSE, STRICT
from tests.core.pictures import half, hue_shifted, jpeg, scene, working
from tests.core.verdicts import kind_of

TILE = 320


def collage(*pictures: Image.Image, across: int) -> Image.Image:
    """Square tiles, each the middle of a picture, without a gap between them."""
    rows = -(-len(pictures) // across)
    sheet = Image.new("RGB", (TILE * across, TILE * rows), "white")
    for number, picture in enumerate(pictures):
        tile = ImageOps.fit(picture, (TILE, TILE))
        sheet.paste(tile, (number % across * TILE, number // across * TILE))
    return sheet


def of_four(picture: Image.Image) -> Image.Image:
    return collage(scene(71), scene(72), picture, scene(73), across=2)


def verdict_on(left: Image.Image, right: Image.Image) -> Verdict:
    return decide(measure_images(working(left), working(right)))


@pytest.mark.parametrize("size", [(480, 360), (360, 540), (640, 360)])
def test_a_picture_cropped_for_one_of_four_tiles_is_found_in_the_collage(size):
    picture = scene(70, size)
    verdict = verdict_on(picture, jpeg(of_four(picture), 85))
    assert verdict.kind is VerdictKind.ALTERED
    assert "of one is shown inside the other" in verdict.reasons[0]
    [shared] = verdict.regions
    assert shared.kind is RegionKind.SHARED
    assert shared.right.corners == pytest.approx((0.0, 0.5, 0.5, 1.0), abs=0.05)
    width, height = size
    across, down = min(1.0, height / width), min(1.0, width / height)
    middle = ((1 - across) / 2, (1 - down) / 2, (1 + across) / 2, (1 + down) / 2)
    assert shared.left.corners == pytest.approx(middle, abs=0.06)
    ours, collage_of_it = verdict.sides.left, verdict.sides.right
    assert ours.shared < 1.0
    assert collage_of_it.is_framed or collage_of_it.shared < ours.shared


def test_it_is_found_whichever_of_the_two_is_asked_about():
    picture = scene(70)
    assert verdict_on(of_four(picture), picture).kind is VerdictKind.ALTERED
    assert verdict_on(half(picture), of_four(picture)).kind is VerdictKind.ALTERED


@pytest.mark.parametrize("policy", [STRICT, LOOSE])
def test_other_presets_find_it_too(policy):
    picture = scene(70)
    assert decide(measure_images(working(picture), working(of_four(picture))), policy).kind is VerdictKind.ALTERED


def test_another_color_in_a_tile_is_no_copy_in_another_color():
    picture = scene(70)
    assert kind_of(picture, of_four(hue_shifted(picture, 90))) is not VerdictKind.COLOR_VARIANT


def test_what_differs_in_the_tile_is_told():
    picture = scene(70)
    changed = picture.copy()
    changed.paste((250, 250, 250), (200, 120, 280, 220))
    verdict = verdict_on(picture, of_four(changed))
    assert verdict.kind in (VerdictKind.ALTERED, VerdictKind.DISTINCT)
    assert not any("no difference" in reason for reason in verdict.reasons)


def test_two_collages_that_share_one_tile_are_none_inside_the_other():
    picture = scene(70)
    other = collage(picture, scene(81), scene(82), scene(83), across=2)
    verdict = verdict_on(of_four(picture), other)
    assert verdict.kind in (VerdictKind.ALTERED, VerdictKind.DISTINCT)
    assert not any("inside the other" in reason for reason in verdict.reasons)
