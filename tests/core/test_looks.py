"""Of two looks at one pair, the one that fits better counts, with everything that is told by where it was taken."""

import pytest
from PIL import Image, ImageDraw

from dedup_core import measure_images
from dedup_core.comparison.detail.closer_look import NOT_LOOKED, Look
from dedup_core.comparison.measurement import Detail
from dedup_core.comparison.regions import RegionKind
from tests.core.pictures import jpeg, scene, working


def look(*, usual: float, blocks: int) -> Look:
    detail = Detail(worst=usual, usual=usual, altered_share=0.0, lost_share=0.0, reshaped_share=0.0, blocks=blocks)
    return Look(detail, (), NOT_LOOKED.unchanged)


def test_a_look_that_shows_nothing_is_no_better_than_one_that_shows_something():
    shows, empty = look(usual=0.2, blocks=300), look(usual=0.0, blocks=0)
    assert shows.or_better(empty) is shows
    assert empty.or_better(shows) is shows


def test_the_look_that_fits_better_is_taken():
    near, far = look(usual=0.01, blocks=300), look(usual=0.02, blocks=290)
    assert near.or_better(far) is near
    assert far.or_better(near) is near
    assert NOT_LOOKED.or_better(near) is near.or_better(NOT_LOOKED) is near


def captioned(line: str, spot: str) -> Image.Image:
    """A picture with a line below it, which is as wide as the page that is left once plain borders are trimmed."""
    image = Image.new("RGB", (480, 480), "white")
    image.paste(scene(3, (420, 320)), (30, 30))
    draw = ImageDraw.Draw(image)
    draw.rectangle((200, 150, 280, 200), fill=spot)
    draw.text((40, 400), line, fill="black", font_size=40)
    return image


def test_the_shared_part_is_told_by_where_the_look_was_taken():
    """Both keep their frame, so the part that both show lies exactly at one place of both."""
    half = captioned("another", "yellow").resize((240, 240), Image.Resampling.LANCZOS)
    regions = measure_images(working(captioned("a line", "red")), working(jpeg(half, 80))).regions
    (shared,) = (region for region in regions if region.kind is RegionKind.SHARED)
    assert shared.left.corners == pytest.approx(shared.right.corners, abs=1e-9)


def test_a_plain_sky_that_both_show_is_within_the_shared_part():
    """It is trimmed before the two are laid on each other."""
    picture = Image.new("RGB", (480, 480), (120, 160, 220))
    picture.paste(scene(5, (480, 340)), (0, 140))
    regions = measure_images(working(picture), working(jpeg(picture.crop((0, 0, 380, 480)), 85))).regions
    (shared,) = (region for region in regions if region.kind is RegionKind.SHARED)
    assert shared.left.corners == pytest.approx((0.0, 0.0, 380 / 480, 1.0), abs=0.01)
    assert shared.right.corners == pytest.approx((0.0, 0.0, 1.0, 1.0), abs=0.01)
