"""Pages are compared at a larger size, too: one digit of a dense page makes it another one, and copies stay copies."""

import random
from functools import cache
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from dedup_core import compare
from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.regions import RegionKind
from dedup_core.comparison.verdict import VerdictKind, decide
from dedup_core.decoding.decoder import decode
from dedup_core.decoding.given import working_image_of
from dedup_core.limits import FINE_SIZE
from dedup_core.policy import BALANCED
from dedup_core.views import View
from tests.core.drawings import photo
from tests.core.pictures import in_perspective

PAGE = (1240, 1754)  # A4 at 150 dots an inch
PRINT = 23  # pixels: 11 points there
LINE = 14
WORDS = ("agreement", "party", "invoice", "amount", "shall", "be", "paid", "within", "thirty", "days", "of", "goods")


def lines(seed: int) -> list[str]:
    chance = random.Random(seed)
    return [
        " ".join(chance.choice(WORDS) if chance.random() < 0.8 else str(chance.randint(100, 99999)) for _ in range(13))
        for _ in range(40)
    ]


def page(text: list[str]) -> Image.Image:
    return page_of(tuple(text)).copy()


@cache
def page_of(text: tuple[str, ...]) -> Image.Image:
    sheet = Image.new("RGB", PAGE, "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=PRINT)
    for number, line in enumerate(text):
        pen.text((110, 130 + number * 1.6 * PRINT), line, fill="black", font=font)
    return sheet


def with_another_digit(text: list[str], step: int = 4) -> list[str]:
    """The first digit of a line in the middle is so many more."""
    place, digit = next((at, it) for at, it in enumerate(text[LINE]) if it.isdigit())
    changed = text[LINE][:place] + str((int(digit) + step) % 10) + text[LINE][place + 1 :]
    return [*text[:LINE], changed, *text[LINE + 1 :]]


def encoded(picture: Image.Image, quality: int = 85, scale: float = 1.0) -> bytes:
    file = BytesIO()
    size = round(picture.width * scale), round(picture.height * scale)
    picture.resize(size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=quality)
    return file.getvalue()


def short_letter(text: list[str]) -> Image.Image:
    """A page that is mostly margins: even at a larger size its text takes no more pixels than a working image."""
    return page([line[:34] for line in text[: LINE + 4]])


COPIES = {
    "saved again at 40": lambda it: encoded(it, 40),
    "at three quarters": lambda it: encoded(it, 75, 0.75),
    "at half": lambda it: encoded(it, 75, 0.5),
    "at a quarter": lambda it: encoded(it, 75, 0.25),
    "askew": lambda it: encoded(it.rotate(1.5, Image.Resampling.BICUBIC, fillcolor="white")),
    "upside down": lambda it: encoded(it.transpose(Image.Transpose.ROTATE_180)),
    "without its margins": lambda it: encoded(it.crop((90, 100, PAGE[0] - 60, PAGE[1] - 90))),
    "darker": lambda it: encoded(it.point(lambda value: int(0.8 * value))),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_a_dense_page_is_a_duplicate(how):
    verdict = compare(encoded(page(lines(1))), COPIES[how](page(lines(1))))
    assert verdict.kind is VerdictKind.DUPLICATE, verdict.reasons


@pytest.mark.parametrize("how", ["saved again at 40", "at half", "upside down", "without its margins", "darker"])
def test_a_page_with_another_digit_is_altered(how):
    verdict = compare(encoded(page(lines(1))), COPIES[how](page(with_another_digit(lines(1)))))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons


@pytest.mark.parametrize("step", [3, 4, 5, 8])
def test_a_short_letter_with_another_digit_between_wide_margins_is_altered(step):
    verdict = compare(short_letter(lines(1)), short_letter(with_another_digit(lines(1), step)))
    assert verdict.kind is VerdictKind.ALTERED, verdict.reasons


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_a_short_letter_between_wide_margins_is_a_duplicate(how):
    verdict = compare(encoded(short_letter(lines(1))), COPIES[how](short_letter(lines(1))))
    assert verdict.kind is VerdictKind.DUPLICATE, verdict.reasons


def test_a_digit_that_shows_at_a_larger_size_only_is_told_so():
    reasons = compare(encoded(page(lines(1))), encoded(page(with_another_digit(lines(1), 5)), 75, 0.5)).reasons
    assert reasons[0].startswith("a detail too small for 512 pixels differs, middle left (")


def test_the_place_of_the_digit_is_told_in_both_pages():
    left, right = page(lines(1)), page(with_another_digit(lines(1)))
    differs = np.argwhere(np.asarray(left.convert("L")) != np.asarray(right.convert("L")))
    (top, start), (bottom, end) = differs.min(axis=0), differs.max(axis=0)
    middle = (start + end) / 2 / PAGE[0], (top + bottom) / 2 / PAGE[1]
    regions = compare(encoded(left), encoded(right)).regions
    [changed] = [region for region in regions if region.kind is RegionKind.CHANGED]
    for box in (changed.left, changed.right):
        assert box.left < middle[0] < box.right
        assert box.top < middle[1] < box.bottom
        assert box.area < 0.01


def test_it_is_the_same_from_either_side_and_after_it_was_stored():
    left, right = (decode(encoded(page(text))) for text in (lines(1), with_another_digit(lines(1))))
    there, back = measure_images(left, right), measure_images(right, left)
    assert there.fine == back.fine
    assert there.fine is not None
    assert PairMeasurement.from_dict(there.as_dict(), there.regions, there.sides) == there
    assert decide(there).kind is decide(back).kind is VerdictKind.ALTERED


def test_pages_that_plainly_differ_when_they_are_small_are_not_looked_at_again():
    form, other = page(lines(1)), page(lines(1))
    ImageDraw.Draw(other).text((500, 1400), "PAID IN FULL", fill="black", font=ImageFont.load_default(size=60))
    measured = measure_images(working_image_of(form), working_image_of(other))
    assert decide(measured).kind is VerdictKind.ALTERED
    assert measured.fine is None
    assert measured.regions


def test_a_page_that_is_equal_when_it_is_small_is_looked_at_all_the_same():
    left = decode(encoded(page(lines(1))))
    right = decode(encoded(page(with_another_digit(lines(1)))))
    pretended = type(right)(left.pixels, right.format, right.width, right.height, right.decoded_bytes, fine=right.fine)
    assert decide(measure_images(left, pretended)).kind is VerdictKind.ALTERED


@pytest.mark.parametrize(("mode", "has_fine"), [("L", True), ("1", True), ("P", True), ("RGBA", True), ("LA", False)])
def test_any_opaque_page_of_8_bits_has_its_fine_luma(mode, has_fine):
    fine = working_image_of(page(lines(1)).convert(mode)).fine
    assert (fine is not None) is has_fine
    assert fine is None or max(fine.shape) == -(-PAGE[1] // 2)


def test_a_page_that_is_turned_by_its_file_has_its_luma_turned_too():
    file = BytesIO()
    sheet = page(lines(1)).resize((620, 877))
    exif = Image.Exif()
    exif[0x0112] = 6
    sheet.save(file, "JPEG", exif=exif)
    working = decode(file.getvalue())
    assert working.fine is not None
    assert working.fine.shape == (620, 877)
    assert working.pixels.shape[0] < working.pixels.shape[1]


def test_photographs_and_small_pages_have_none():
    assert working_image_of(photo("chelsea.png").resize((1200, 800))).fine is None
    assert working_image_of(page(lines(1)).resize((440, 620))).fine is None


@pytest.mark.parametrize("side", [FINE_SIZE - 1, FINE_SIZE, FINE_SIZE + 1, 3 * FINE_SIZE + 1])
def test_the_fine_luma_is_never_larger_than_its_limit(side):
    fine = working_image_of(Image.new("L", (side, 40), 255)).fine
    assert fine is not None
    assert FINE_SIZE / 2 <= fine.shape[1] <= FINE_SIZE
    assert (fine == 255).all()


def music(moved: int = 0) -> Image.Image:
    """A sheet of notes, of which one may lie some pixels lower."""
    chance = random.Random(1)
    sheet = Image.new("RGB", (1200, 1500), "white")
    pen = ImageDraw.Draw(sheet)
    for system in range(8):
        top = 120 + system * 165
        for line in range(5):
            pen.line((80, top + line * 16, 1120, top + line * 16), fill="black", width=2)
        for bar in range(5):
            pen.line((80 + bar * 260, top, 80 + bar * 260, top + 64), fill="black", width=2)
        for note in range(16):
            x, y = 120 + note * 62, top + 64 - 8 * chance.randint(0, 8)
            y += moved if (system, note) == (3, 6) else 0
            pen.ellipse((x, y - 8, x + 20, y + 8), fill="black")
            pen.line((x + 19, y, x + 19, y - 50), fill="black", width=2)
    return sheet


def photographed(sheet: Image.Image) -> bytes:
    """A little from the side, on a brown desk, of which a narrow strip is to be seen along each edge."""
    width, height = sheet.size
    seen = [(0.03 * width, 0.015 * height), (0.991 * width, 0), (width, 0.97 * height), (0.012 * width, height)]
    return encoded(in_perspective(sheet, seen, sheet.size, (90, 80, 70)), 88)


def on_a_desk(sheet: Image.Image, *corners: tuple[int, int]) -> bytes:
    """Photographed from a little aside: where its corners lie, clockwise from the top left."""
    return encoded(in_perspective(sheet, corners, (sheet.width + 60, sheet.height + 60), (120, 90, 60)))


def small(sheet: Image.Image) -> Image.Image:
    return sheet.resize((PAGE[0] // 2, PAGE[1] // 2), Image.Resampling.LANCZOS)


TAKEN = [
    ((35, 21), (632, 11), (663, 924), (34, 916)),
    ((13, 19), (662, 33), (634, 904), (29, 893)),
    ((42, 42), (651, 21), (632, 902), (26, 889)),
]


@pytest.mark.parametrize("corners", TAKEN)
def test_a_short_letter_that_a_phone_took_is_laid_by_the_edges_of_its_sheet(corners):
    """Lines of text fit in many places; it was distinct."""
    letter, other = small(short_letter(lines(1))), small(short_letter([*lines(1)[:7], *lines(2)[7:]]))
    assert compare(encoded(letter), on_a_desk(letter, *corners)).kind is VerdictKind.DUPLICATE
    assert compare(encoded(letter), on_a_desk(other, *corners)).kind is VerdictKind.ALTERED


@pytest.mark.parametrize("hint", [View.TURNED_90, None])
def test_a_sheet_is_also_laid_by_its_edges_where_the_phone_lay_on_its_side(hint):
    letter = small(short_letter(lines(1)))
    taken = Image.open(BytesIO(on_a_desk(letter, *TAKEN[0]))).transpose(Image.Transpose.ROTATE_90)
    measured = measure_images(working_image_of(encoded(letter)), working_image_of(encoded(taken)), hint)
    assert (measured.view, measured.structure > BALANCED.min_structure) == (View.TURNED_90, True)


@pytest.mark.parametrize(
    ("seed", "corners"),
    [
        (0, ((25, 37), (651, 27), (658, 892), (38, 921))),
        (4, ((20, 42), (659, 12), (643, 897), (33, 922))),
        (10, ((43, 34), (642, 12), (669, 911), (42, 923))),
    ],
)
def test_the_desk_beside_a_page_is_no_part_of_it_though_its_edges_are_a_little_off(seed, corners):
    sheet = small(page([line[:60] for line in lines(seed)[:30]]))
    assert compare(encoded(sheet), on_a_desk(sheet, *corners)).kind is VerdictKind.DUPLICATE


def test_the_desk_along_the_edges_of_a_page_that_lies_askew_is_no_fine_print():
    assert compare(encoded(music()), photographed(music())).kind is VerdictKind.DUPLICATE


def test_a_note_on_such_a_page_that_lies_lower_is_seen():
    assert compare(encoded(music()), photographed(music(moved=8))).kind is VerdictKind.ALTERED


def chat(hour: str) -> Image.Image:
    """Messages in green and white, each with its small time, that of one of them `hour`."""
    chance = random.Random(1)
    screen = Image.new("RGB", (720, 1280), (235, 229, 221))
    pen, font, small = ImageDraw.Draw(screen), ImageFont.load_default(size=24), ImageFont.load_default(size=17)
    for number in range(11):
        x, y = 30 + number % 2 * 230, 60 + number * 104
        pen.rounded_rectangle((x, y, x + 420, y + 84), 16, fill=(220, 248, 198) if number % 2 else "white")
        pen.text((x + 20, y + 12), " ".join(chance.choices(WORDS, k=3)), fill=(20, 20, 20), font=font)
        time = hour if number == 7 else f"12:{number * 4 + 3:02}"
        pen.text((x + 350, y + 56), time, fill=(130, 130, 130), font=small)
    return screen


def test_fine_print_is_read_in_a_copy_in_gray_too():
    assert compare(encoded(chat("12:31")), encoded(chat("12:31").convert("L"))).kind is VerdictKind.COLOR_VARIANT
    assert compare(encoded(chat("12:31")), encoded(chat("12:37").convert("L"))).kind is VerdictKind.ALTERED
