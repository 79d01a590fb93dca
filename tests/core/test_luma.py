"""Plain borders are cut off and stripes are not; the largest block on a plain ground is found beside other things."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core.extraction import extract_features
from dedup_core.fingerprinting.borders import content_of, halves_of
from dedup_core.fingerprinting.hashes import hash_distance
from dedup_core.views import View
from tests.core.drawings import drawn, photo
from tests.core.pictures import encoded


def jpeg_bytes(picture, quality):
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def content(picture):
    return content_of(picture.convert("L"))


@pytest.mark.parametrize("seed", range(8))
def test_a_noisy_border_is_cut_off_to_the_pixel_wherever_it_is(seed):
    random = np.random.default_rng(seed)
    left, top, right, bottom = random.integers(5, 90, 4).tolist()
    border = random.normal(120, 1.5, (240 + top + bottom, 320 + left + right)).clip(0, 255).astype(np.uint8)
    padded = Image.fromarray(border).convert("RGB")
    padded.paste(drawn(seed, 320, 240), (left, top))
    padded.putpixel((2, 2), (255, 255, 255))  # dust
    assert content(padded).frame == pytest.approx((left, top, left + 320, top + 240), abs=1)


def test_halves_lie_along_the_longer_side_and_are_never_empty():
    assert halves_of((10, 0, 110, 50)) == ((10, 0, 60, 50), (60, 0, 110, 50))
    assert halves_of((0, 5, 40, 106)) == ((0, 5, 40, 56), (0, 55, 40, 106))
    assert halves_of((0, 0, 1, 1)) == ((0, 0, 1, 1), (0, 0, 1, 1))


def test_a_picture_without_borders_is_taken_whole():
    for picture in (photo("coffee.png"), Image.new("RGB", (90, 60), "white")):
        whole = (0, 0, *picture.size)
        assert (content(picture).frame, content(picture).blocks) == (whole, (whole,))


@pytest.mark.parametrize(
    "colors",
    [
        *(("#002654", "white", "#ed2939"), ("#ae1c28", "white", "#21468b"), ("#ed2939", "white", "#ed2939")),
        *(("black", "#dd0000", "#ffce00"), ("white", "white", "crimson")),
    ],
)
@pytest.mark.parametrize("upright", [True, False])
def test_stripes_of_a_flag_are_no_borders_and_small_copies_of_it_are_found(colors, upright):
    flag = Image.new("RGB", (600, 400))
    for place, color in enumerate(colors):
        flag.paste(color, (200 * place, 0, 200 * place + 200, 400))
    flag = flag if upright else flag.transpose(Image.Transpose.ROTATE_90)
    assert content(flag).frame == (0, 0, *flag.size)
    copy = extract_features(jpeg_bytes(flag.resize((flag.width // 2, flag.height // 2), Image.Resampling.LANCZOS), 75))
    whole = extract_features(encoded(flag)).fingerprints
    assert hash_distance(copy.fingerprints.hashes, whole.hashes, View.UPRIGHT) <= 8


def test_a_status_bar_does_not_stop_the_cut():
    screen = Image.new("RGB", (270, 585), "black")
    screen.paste(photo("coffee.png").resize((270, 180)), (0, 200))
    ImageDraw.Draw(screen).text((12, 6), "12:40", "white")
    assert content(screen).blocks[0] == pytest.approx((0, 200, 270, 380), abs=1)


def test_a_collage_has_a_block_for_each_picture():
    board = Image.new("RGB", (460, 340), "white")
    places = [(10, 10), (235, 10), (10, 175), (235, 175)]
    for seed, place in enumerate(places):
        board.paste(drawn(seed, 215, 155), place)
    assert content(board).blocks == tuple((x, y, x + 215, y + 155) for x, y in places)


def test_a_page_of_text_is_one_block():
    page = Image.new("RGB", (400, 500), "white")
    for line in range(20):
        page.paste("black", (40, 40 + 20 * line, 360 - 7 * line, 50 + 20 * line))
    found = content(page)
    assert found.blocks[0] == found.frame == pytest.approx((40, 40, 360, 430), abs=1)


def written_page(lines: int = 14) -> Image.Image:
    """Lines of text on white, of which no part is a large block, with margins."""
    page = Image.new("RGB", (300, 380), "white")
    for line in range(lines):
        page.paste("black", (30, 40 + 20 * line, 270 - 37 * line % 90, 50 + 20 * line))
    return page


def test_the_block_of_a_page_is_what_it_is_below_a_status_bar_and_above_its_number():
    page, screen = written_page(), Image.new("RGB", (300, 640), "white")
    screen.paste(page, (0, 180))
    screen.paste("black", (10, 8, 60, 20))
    screen.paste("black", (250, 8, 290, 20))
    screen.paste("black", (145, 540, 160, 550))  # a page number
    assert content(screen).frame == (10, 8, 290, 550)
    (left, top, right, bottom), *_ = content(page).blocks
    assert content(screen).blocks == ((left, top + 180, right, bottom + 180),)
    assert content(page).blocks == (content(page).frame,) == ((30, 40, 270, 310),)


def test_lines_as_far_apart_as_those_of_the_page_are_of_it():
    page = written_page()
    page.paste("black", (30, 320, 90, 330))
    assert content(page).blocks == ((30, 40, 270, 330),)


def test_a_page_number_alone_is_no_content():
    page = Image.new("RGB", (400, 500), "white")
    ImageDraw.Draw(page).text((195, 480), "17", "black")
    assert content(page).frame == (0, 0, 400, 500)
    assert extract_features(encoded(page)).fingerprints.is_flat
