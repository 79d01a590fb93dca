"""Of a pair it is told which picture has something over it or around it, or shows less."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.overlap.other_frame import within_the_other
from dedup_core.comparison.overlap.which_side import side_of, sides_of
from dedup_core.comparison.sides import ALIKE, Side, Sides
from dedup_core.decoding.decoder import decode
from tests.core.pictures import encoded, scene
from tests.core.test_provenance import photograph


def with_letters(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    ImageDraw.Draw(picture).text((40, 380), "SAMPLE", font=ImageFont.load_default(80), fill="white")
    return picture


def with_badge(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    ImageDraw.Draw(picture).rectangle((290, 370, 460, 440), fill=(200, 20, 40))
    return picture


def with_banner(
    picture: Image.Image, text: str = "NEW SEASON", ink: str = "white", ground: str = "#141414"
) -> Image.Image:
    picture = picture.copy()
    ImageDraw.Draw(picture).rectangle((0, 400, 480, 480), fill=ground)
    ImageDraw.Draw(picture).text((20, 415), text, font=ImageFont.load_default(44), fill=ink)
    return picture


CHANGES = {
    "badge": (with_badge, "is_overlaid"),
    "banner": (with_banner, "is_overlaid"),
    "letters": (with_letters, "is_overlaid"),
    "frame": (lambda it: ImageOps.expand(it, 30, (250, 250, 245)), "is_framed"),
}


def sides(left: Image.Image, right: Image.Image) -> Sides:
    return measure_images(decode(encoded(left, "JPEG")), decode(encoded(right, "JPEG"))).sides


@pytest.mark.parametrize("change", CHANGES)
def test_the_copy_is_marked_whichever_side_it_is_on(change):
    make, mark = CHANGES[change]
    found = sides(photograph(), make(photograph()))
    assert (getattr(found.left, mark), getattr(found.right, mark)) == (False, True)
    turned = sides(make(photograph()), photograph())
    assert (getattr(turned.left, mark), getattr(turned.right, mark)) == (True, False)


def test_a_badge_is_seen_on_rough_ground_that_is_as_light_as_itself():
    """In gray there is less of it to see than of what it covers, and its letters look like more of that."""
    ground = photograph().filter(ImageFilter.GaussianBlur(4))
    ground.paste(photograph().crop((0, 320, 480, 480)), (0, 320))
    covered = ground.copy()
    mean = round(np.asarray(ground)[370:440, 250:460].mean())
    ImageDraw.Draw(covered).rectangle((250, 370, 460, 440), fill=(mean + 90, mean - 60, mean - 30))
    ImageDraw.Draw(covered).text((262, 385), "SALE -20%", font=ImageFont.load_default(38), fill="white")
    found = sides(ground, covered)
    assert (found.left.is_overlaid, found.right.is_overlaid) == (False, True)


def test_of_a_banner_over_a_banner_nobody_can_tell():
    found = sides(
        with_banner(photograph(), "NEW SEASON NOW"), with_banner(photograph(), "LAST DAYS OF IT", "black", "linen")
    )
    assert (found.left.is_overlaid, found.right.is_overlaid) == (False, False)


def test_a_strip_over_a_dark_scene_does_not_make_the_original_look_covered():
    """Only the lamps changed, and their outlines are in the original."""
    scene, chance = photograph(), np.random.default_rng(0)
    dark = chance.normal(10, 3, (160, 480, 1)).clip(0, 255).astype(np.uint8).repeat(3, axis=2)
    scene.paste(Image.fromarray(dark), (0, 320))
    for x in range(30, 450, 70):
        ImageDraw.Draw(scene).ellipse((x, 410, x + 40, 428), fill=(230, 180, 90))
    covered = scene.copy()
    ImageDraw.Draw(covered).rectangle((0, 384, 480, 480), fill="black")
    assert not sides(scene, covered).left.is_overlaid
    assert not sides(covered, scene).right.is_overlaid


def test_what_lies_in_a_part_that_the_alignment_cut_off_is_seen():
    """The plain margins of both are trimmed before they are laid on each other, and a stamp is on one of them."""
    white = Image.new("RGB", (480, 480), "white")
    white.paste(photograph().resize((480, 300)), (0, 0))
    stamped = white.copy()
    ImageDraw.Draw(stamped).ellipse((300, 340, 420, 460), fill=(200, 20, 40))
    wholes = np.asarray(white.resize((192, 192))), np.asarray(stamped.resize((192, 192)))
    inner = (0.0, 0.0, 1.0, 0.625)
    found = sides_of(wholes, (wholes[0][:120], wholes[1][:120]), (inner, inner), 192)
    assert (found.left.is_overlaid, found.right.is_overlaid) == (False, True)


def test_a_crop_shows_less():
    found = sides(photograph(), photograph().crop((40, 60, 400, 420)))
    assert found.left.shared < 0.7
    assert found.right.shared > 0.95
    assert not found.left.is_framed


def test_saving_again_marks_nobody():
    again = measure_images(decode(encoded(photograph(), "PNG")), decode(encoded(photograph(), "JPEG", quality=50)))
    assert again.sides == ALIKE


def test_what_is_stored_comes_back():
    for some in (ALIKE, Sides(Side(0.62, is_framed=True), Side(is_overlaid=True))):
        assert Sides.from_text(some.as_text()) == some


@pytest.mark.parametrize(("around", "is_framed"), [("white", True), (None, False)])
def test_one_color_all_around_is_a_frame_where_any_edge_of_it_shows(around, is_framed):
    picture = photograph(side=192)
    light = Image.eval(picture, lambda value: 250 + value // 52)
    whole = light.copy() if around is None else Image.new("RGB", (192, 192), around)
    whole.paste(light.crop((20, 20, 172, 172)), (20, 20))
    whole.paste(picture.crop((60, 60, 172, 172)), (60, 60))  # light at two sides: nothing shows where the frame ends
    assert side_of(np.asarray(whole), 1.0, (20 / 192, 20 / 192, 172 / 192, 172 / 192), False).is_framed == is_framed


def test_a_thing_cut_out_of_its_plain_ground_makes_the_ground_no_frame():
    whole = Image.new("RGB", (480, 480), "white")
    whole.paste(photograph().resize((240, 240)), (120, 120))
    assert not sides(whole, whole.crop((60, 60, 420, 420))).left.is_framed


def packshot() -> Image.Image:
    """A carton with straight sides before white, as a shop shows it."""
    whole = Image.new("RGB", (480, 480), "white")
    whole.paste(photograph().resize((170, 380)), (160, 40))
    return whole


def test_a_packshot_is_kept_over_a_crop_of_it_though_the_sides_of_the_thing_look_like_a_frame():
    found = sides(packshot(), packshot().crop((30, 70, 450, 470)))
    assert not found.left.is_framed
    assert not found.right.is_framed
    assert found.left.shared < 0.8
    assert found.right.shared > 0.95


@pytest.mark.parametrize("color", ["black", (200, 180, 140)])
def test_a_frame_around_a_packshot_counts_against_the_copy_that_has_it(color):
    """Both have white around the thing, and it alone is what was laid on each other."""
    found = sides(packshot(), ImageOps.expand(packshot(), 40, color))
    assert (found.left.is_framed, found.right.is_framed) == (False, True)


def test_a_picture_with_bars_of_its_own_shows_a_frame_around_them():
    barred = Image.new("RGB", (480, 480))
    barred.paste(photograph().resize((480, 320)), (0, 80))
    found = sides(barred, ImageOps.expand(barred, 30, "black"))
    assert (found.left.is_framed, found.right.is_framed) == (False, True)


def cut(picture: Image.Image) -> Image.Image:
    return picture.crop((30, 20, 450, 440))


def with_shadow(picture: Image.Image) -> Image.Image:
    whole = Image.new("RGB", (picture.width + 80, picture.height + 80), "white")
    whole.paste((150, 150, 150), (52, 52, whole.width - 28, whole.height - 28))
    whole = whole.filter(ImageFilter.GaussianBlur(10))
    whole.paste(picture, (40, 40))
    return whole


def with_bar(picture: Image.Image) -> Image.Image:
    whole = Image.new("RGB", (picture.width + 80, picture.height), "#222")
    whole.paste(picture, (0, 0))
    return whole


def with_round_corners(picture: Image.Image) -> Image.Image:
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, *picture.size), 40, fill=255)
    return Image.composite(picture, Image.new("RGB", picture.size, "white"), mask)


@pytest.mark.parametrize("change", [lambda it: ImageOps.expand(it, 36, "white"), with_bar], ids=["frame", "one bar"])
def test_a_framed_crop_shows_less_than_its_original(change):
    """What was put around the crop stands where the scene goes on, and is no margin that both have."""
    found = sides(photograph(), change(cut(photograph())))
    assert found.left.shared < 0.85
    assert (found.left.is_framed, found.right.is_framed) == (False, True)


@pytest.mark.parametrize("change", [with_shadow, with_bar, with_round_corners])
def test_what_a_page_puts_around_a_picture_counts_against_it(change):
    found = sides(photograph(), change(photograph()))
    assert (found.left.is_framed, found.right.is_framed) == (False, True)


def test_a_wall_beside_a_scene_is_no_bar():
    scenery = photograph()
    ImageDraw.Draw(scenery).rectangle((380, 0, 480, 480), fill=(120, 118, 115))
    rough = np.random.default_rng(1).normal(0, 2, (480, 100, 1))
    wall = np.asarray(scenery).astype(float)
    wall[:, 380:] += rough
    whole = Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))
    assert not sides(whole, whole.crop((0, 0, 380, 480))).left.is_framed


@pytest.mark.filterwarnings("error")
def test_a_part_beyond_the_last_row_and_column_is_that_row_and_column():
    side = side_of(np.asarray(scene(1, (40, 30))), 1.0, (1.0, 1.0, 1.0, 1.0), is_overlaid=False)
    assert side.shared == 0.0


@pytest.mark.parametrize("left", [0.0, -0.01, -0.05])
def test_a_picture_that_lies_a_little_beyond_a_collage_is_one_of_its_pictures(left):
    collage = np.concatenate([np.asarray(scene(number, (300, 300))) for number in (3, 4)], axis=1)
    side = side_of(collage, 1.0, (left, 0.0, 0.5, 1.0), is_overlaid=False)
    assert (side.is_framed, side.is_written) == (True, True)


@pytest.mark.parametrize("side", range(4))
def test_a_part_that_reaches_beyond_the_other_picture_ends_with_its_frame(side):
    theirs = [0.0, 0.0, 1.0, 1.0]
    theirs[side] += -0.06 if side < 2 else 0.06
    wholes = np.asarray(scene(1, (120, 90))), np.asarray(scene(2, (120, 90)))
    found = within_the_other((0.2, 0.2, 0.8, 0.8), tuple(theirs), wholes)
    assert abs(found[side] - (0.2, 0.2, 0.8, 0.8)[side]) == pytest.approx(0.06 * 0.6 / 1.06)
