"""A picture beside other ones, and strips so low that a block hardly finds room on them."""

from itertools import permutations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core import VerdictKind, compare, decide, measure_images
from dedup_core.comparison.overlap.shown_again import is_shown_again
from tests.core.drawings import photo
from tests.core.pictures import cropped, encoded, jpeg, scene, working

TURN, BACK = Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270  # what is beside is below, once it is turned back


def beside(picture: Image.Image, other: Image.Image, gap: int) -> Image.Image:
    sheet = Image.new("RGB", (picture.width + gap + other.width, picture.height), "white")
    sheet.paste(picture, (0, 0))
    sheet.paste(other, (picture.width + gap, 0))
    return jpeg(sheet, 85)


def in_window(picture: Image.Image) -> Image.Image:
    """An app that shows a picture between its buttons and sliders, in a bit more than a third of its window."""
    sheet = Image.new("RGB", (picture.width + 40, 2 * picture.height + 60), (236, 233, 226))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 0, sheet.width, 34), fill=(60, 98, 160))
    pen.text((14, 8), "Despeckle", fill="white", font_size=18)
    sheet.paste(picture, (20, 50))
    for row in range(9):
        y = picture.height + 70 + 38 * row
        pen.text((24, y), f"Radius of step {row}", fill="black", font_size=18)
        pen.rectangle((230, y + 8, 430, y + 14), outline=(90, 90, 90))
        pen.rectangle((240 + 18 * row, y, 252 + 18 * row, y + 22), fill=(120, 150, 210), outline="black")
    return jpeg(sheet, 85)


def toolbar(words: str, width: int) -> Image.Image:
    strip = Image.new("RGB", (width, 26), (225, 225, 222))
    pen = ImageDraw.Draw(strip)
    pen.line((0, 25, width, 25), fill=(120, 120, 120))
    for number, word in enumerate(words.split()):
        pen.text((10 + number * width // 5, 6), word, fill=(30, 30, 30), font_size=13)
    return strip


@pytest.mark.parametrize("gap", [0, 12])
@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_picture_beside_another_one_is_no_copy_of_the_two(seed: int, gap: int) -> None:
    verdict = decide(measure_images(working(scene(3)), working(beside(scene(3), scene(seed), gap))))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons


@pytest.mark.parametrize(("shown", "other"), [(1, 2), (4, 6), (5, 4)])
def test_a_picture_that_ends_without_a_line_where_another_one_begins_is_no_copy_of_the_two(shown, other) -> None:
    both = beside(scene(shown, (480, 360)), scene(other, (480, 360)), gap=0)
    verdict = decide(measure_images(working(scene(shown, (480, 360))), working(both)))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons


def retouched(picture: Image.Image) -> Image.Image:
    """The same with a lamp over a part of it."""
    after = picture.copy()
    ImageDraw.Draw(after).ellipse((300, 60, 390, 170), fill=(240, 225, 180))
    return after


@pytest.mark.parametrize(("before", "gap", "turn"), [(1, 0, None), (1, 16, TURN), (2, 16, None), (5, 0, TURN)])
def test_a_picture_beside_what_it_became_is_no_copy_of_the_two(before: int, gap: int, turn) -> None:
    """Beside or above it: as a crop a plan could send away the picture, or the one that it became."""
    picture = scene(before)
    both = beside(*(it if turn is None else it.transpose(turn) for it in (picture, retouched(picture))), gap)
    verdict = decide(measure_images(working(picture), working(both if turn is None else both.transpose(BACK))))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons
    assert "the whole of one is shown inside the other" in verdict.reasons[0]


@pytest.mark.parametrize("half", [(0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 0.5)])
def test_half_of_a_wall_of_equal_windows_is_a_crop(half: tuple[float, float, float, float]) -> None:
    wall = Image.new("RGB", (480, 480), (178, 120, 92))
    pen = ImageDraw.Draw(wall)
    for x in range(12, 480, 60):
        for y in range(12, 480, 60):
            pen.rectangle((x, y, x + 36, y + 36), fill=(40, 52, 70), outline=(235, 235, 228), width=3)
    wall = Image.blend(wall, scene(2, wall.size), 0.15)
    left, top, right, bottom = (int(share * 480) for share in half)
    assert not shown_again(wall, slice(top, bottom), slice(left, right))


@pytest.mark.parametrize("names", list(permutations(["astronaut.png", "chelsea.png", "coffee.png"], 2)))
def test_what_has_little_of_a_picture_or_only_a_half_does_not_show_it_again(names: tuple[str, str]) -> None:
    picture, other = (photo(name).resize((96, 96)) for name in names)
    for beside_it in (other, Image.blend(other, picture, 0.3)):
        assert not shown_again(beside(picture, beside_it, 0), slice(0, 96), slice(0, 96))
    assert not shown_again(beside(picture, picture.crop((0, 0, 48, 96)), 0), slice(0, 96), slice(0, 96))
    assert shown_again(beside(picture, picture, 0), slice(0, 96), slice(0, 96))


def shown_again(image: Image.Image, rows: slice, columns: slice) -> bool:
    return is_shown_again(np.asarray(image.convert("L"), np.float32), rows, columns)


def test_a_picture_in_the_window_of_an_app_is_altered() -> None:
    verdict = decide(measure_images(working(scene(3)), working(in_window(scene(3)))))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons


@pytest.mark.parametrize("box", [(0.0, 0.0, 0.5, 1.0), (0.0, 0.1, 1.0, 1.0), (0.2, 0.1, 0.95, 0.9)])
@pytest.mark.parametrize("seed", [3, 5, 6])
def test_a_crop_is_a_copy(seed: int, box: tuple[float, float, float, float]) -> None:
    verdict = decide(measure_images(working(scene(seed)), working(cropped(scene(seed), *box))))
    assert verdict.kind is VerdictKind.DUPLICATE, verdict.reasons


def test_half_of_a_chessboard_goes_on_in_the_other_one() -> None:
    board = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((60, 60)))[..., None]
    drawn = Image.fromarray((board * (100, 85, 60) + (120, 80, 45)).astype(np.uint8))
    pen = ImageDraw.Draw(drawn)
    for number in range(20):
        x, y = 60 * (number * 5 % 8) + 30, 60 * (number * 3 % 8) + 30
        pen.regular_polygon((x, y, 20), 3 + number % 4, fill="white" if number % 2 else "black")
    verdict = decide(measure_images(working(drawn), working(drawn.crop((0, 240, 480, 480)))))
    assert not verdict.sides.left.is_written


@pytest.mark.parametrize("width", [250, 1000])
def test_a_toolbar_in_another_language_is_no_copy(width: int) -> None:
    one, other = toolbar("File Edit View Layer Help", width), toolbar("Datei Bearb. Ansicht Ebene Hilfe", width)
    assert compare(one, encoded(other, "PNG")).kind in {VerdictKind.ALTERED, VerdictKind.DISTINCT}


def test_a_toolbar_that_was_saved_again_is_a_copy() -> None:
    bar = toolbar("File Edit View Layer Help", 250)
    assert compare(bar, encoded(bar, "JPEG", quality=85)).kind is VerdictKind.DUPLICATE


def test_what_is_too_narrow_to_look_at_is_no_sure_copy() -> None:
    bar = toolbar("File Edit View Layer Help", 1000)
    verdict = compare(bar, encoded(bar, "JPEG", quality=85))
    assert verdict.kind is VerdictKind.ALTERED
    assert "too narrow" in verdict.reasons[0]
