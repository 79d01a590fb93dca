"""Edits that put a picture into another frame, or something over it: screenshots, collages, pages, stickers, prints."""

import random
from functools import cache
from importlib.resources import files
from io import BytesIO
from itertools import product

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from dedup_changes.edits import Edit, picture_of
from dedup_core.fingerprinting.perspective import perspective

type Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
WORDS = tuple(
    """river window paper garden copper market engine harbor winter candle report signal planet bridge camera forest
    ticket basket mirror island ladder carbon valley museum doctor kitchen needle statue velvet butter cinema""".split()  # noqa: SIM905
)
SHIPPED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
PHONE = (540, 1170)
PAGE = (850, 1100)


def phone_screenshot(picture: Image.Image, chance: random.Random) -> Image.Image:
    """The picture at full width in an app on a phone: status bar, title, buttons and a caption in light or dark."""
    ground, ink = chance.choice([((255, 255, 255), (20, 20, 20)), ((18, 18, 18), (235, 235, 235))])
    screen, pen = _sheet(PHONE, ground)
    width, height = PHONE
    _status_bar(pen, width, ink, chance)
    pen.text((24, 60), chance.choice(WORDS).title(), ink, _font(26))
    pen.ellipse((width - 60, 58, width - 28, 90), outline=ink, width=3)
    shown = _fitted(picture, width, round(0.72 * height))
    top = chance.randint(110, max(111, (height - shown.height) // 2))
    screen.paste(shown, ((width - shown.width) // 2, top))
    below = top + shown.height + 16
    for place in range(3):
        pen.ellipse((24 + 60 * place, below, 56 + 60 * place, below + 32), outline=ink, width=3)
    _lines(pen, (24, below + 50, width - 24, height - 70), 18, ink, chance)
    pen.rounded_rectangle((width // 3, height - 18, 2 * width // 3, height - 10), 4, fill=ink)
    return screen


def letterbox(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A phone's viewer: nothing but the picture and a status bar."""
    ground, ink = chance.choice([((0, 0, 0), (235, 235, 235)), ((255, 255, 255), (20, 20, 20))])
    screen, pen = _sheet(PHONE, ground)
    _status_bar(pen, PHONE[0], ink, chance)
    shown = _fitted(picture, PHONE[0], PHONE[1] - 60)
    screen.paste(shown, ((PHONE[0] - shown.width) // 2, 50 + (PHONE[1] - 50 - shown.height) // 2))
    return screen


def collage(picture: Image.Image, chance: random.Random) -> Image.Image:
    """One half of a collage; the other half is a photograph that scikit-image ships."""
    other = _shipped(chance.choice(SHIPPED))
    gap = chance.choice([0, 8, 16])
    beside = picture.width < 1.2 * picture.height  # what is upright stands side by side, what is wide one on the other
    if beside:
        pair = [_to_height(it, 560) for it in (picture, other)]
        size = (sum(it.width for it in pair) + 3 * gap, 560 + 2 * gap)
    else:
        pair = [_to_width(it, 720) for it in (picture, other)]
        size = (720 + 2 * gap, sum(it.height for it in pair) + 3 * gap)
    if chance.random() < 0.5:
        pair.reverse()
    board = Image.new("RGB", size, WHITE)
    place = gap
    for it in pair:
        board.paste(it, (place, gap) if beside else (gap, place))
        place += gap + (it.width if beside else it.height)
    return board


def page(picture: Image.Image, chance: random.Random) -> Image.Image:
    """An illustration at 60 % of the width of a page with text above and below."""
    sheet, pen = _sheet(PAGE, WHITE)
    shown = _fitted(picture, round(0.6 * PAGE[0]), round(0.6 * PAGE[1]))
    top = chance.randint(150, PAGE[1] - shown.height - 150)
    left = chance.choice([60, (PAGE[0] - shown.width) // 2, PAGE[0] - 60 - shown.width])
    sheet.paste(shown, (left, top))
    ink = (20, 20, 20)
    _lines(pen, (60, 60, PAGE[0] - 60, top - 20), 18, ink, chance)
    _lines(pen, (60, top + shown.height + 20, PAGE[0] - 60, PAGE[1] - 80), 18, ink, chance)
    pen.text((PAGE[0] // 2, PAGE[1] - 50), str(chance.randint(2, 300)), ink, _font(16))
    return sheet


def square_crop(picture: Image.Image, _: random.Random) -> Image.Image:
    side = min(picture.size)
    return ImageOps.fit(picture, (side, side))


def half_crop(picture: Image.Image, chance: random.Random) -> Image.Image:
    """One half, cut along the shorter side."""
    width, height = picture.size
    second = chance.random() < 0.5
    if width >= height:
        return picture.crop((width // 2 * second, 0, width // 2 * (1 + second), height))
    return picture.crop((0, height // 2 * second, width, height // 2 * (1 + second)))


def avatar(picture: Image.Image, chance: random.Random) -> Image.Image:
    """The middle as a circle with white corners."""
    return _masked(square_crop(picture, chance), 0.5)


def rounded(picture: Image.Image, _: random.Random) -> Image.Image:
    return _masked(picture, 0.12)


def caption(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Two lines in large outlined letters across the picture, as people write over pictures to share."""
    marked = picture.copy()
    pen, size = ImageDraw.Draw(marked), max(12, round(0.11 * picture.width))
    for top in (0.03, 0.85):
        text = _filling(f"{chance.choice(WORDS)} ", 0.75 * picture.width, size, chance).upper()
        place = (picture.width // 2, round(top * picture.height))
        pen.text(place, text, WHITE, _font(size), "ma", stroke_width=size // 10, stroke_fill=(0, 0, 0))
    return marked


def tiled_mark(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A translucent name over and over at a slant, as photo agencies print it."""
    size = max(10, picture.width // 22)
    text, side = f"{chance.choice(WORDS)}.com", 2 * max(picture.size)
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    step = (round(_font(size).getlength(text) * 1.5), round(size * 4.5))
    for x, y in product(range(0, side, step[0]), range(0, side, step[1])):
        pen.text((x + (y // step[1] % 2) * step[0] // 2, y), text, 110, _font(size))
    mask = mask.rotate(30, Image.Resampling.BILINEAR)
    left, top = (side - picture.width) // 2, (side - picture.height) // 2
    marked = picture.copy()
    marked.paste(WHITE, (0, 0), mask.crop((left, top, left + picture.width, top + picture.height)))
    return marked


def sticker(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A face of bright yellow over a tenth of the picture, anywhere."""
    side = round((0.13 * picture.width * picture.height) ** 0.5)
    face = Image.new("RGBA", (200, 200))
    pen = ImageDraw.Draw(face)
    pen.ellipse((4, 4, 196, 196), (255, 205, 40), (120, 70, 0), 6)
    for x in (60, 120):
        pen.ellipse((x, 60, x + 22, 92), (60, 30, 0))
    pen.chord((50, 90, 150, 165), 10, 170, (160, 30, 30))
    face = face.resize((side, side), Image.Resampling.LANCZOS)
    place = tuple(chance.randint(0, max(0, length - side)) for length in picture.size)
    marked = picture.copy()
    marked.paste(face, (place[0], place[1]), face)
    return marked


def polaroid(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A white frame with a line of handwriting below."""
    edge = max(1, round(0.06 * min(picture.size)))
    framed = ImageOps.expand(picture, (edge, edge, edge, 4 * edge), (250, 248, 244))
    text = " ".join(chance.choices(WORDS, k=3))
    ImageDraw.Draw(framed).text(
        (framed.width // 2, framed.height - 3 * edge), text, (60, 60, 80), _font(2 * edge), "ma"
    )
    return framed


def print_photographed(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A print on a desk, photographed at a slant: corners moved by up to 8 %, light from one side, soft and noisy."""
    generator = np.random.default_rng(chance.getrandbits(64))
    width, height = picture.size
    margin = round(0.09 * max(picture.size))
    desk = np.full((height + 2 * margin, width + 2 * margin, 3), (126, 92, 62), np.float32)
    desk += generator.normal(0, 9, (1, desk.shape[1], 1)) + generator.normal(0, 3, desk.shape)  # the grain of wood
    corners = [(0, 0), (0, height), (width, height), (width, 0)]
    moved = [
        (x + margin + chance.uniform(-0.08, 0.08) * width, y + margin + chance.uniform(-0.08, 0.08) * height)
        for x, y in corners
    ]
    size = (desk.shape[1], desk.shape[0])
    coefficients = perspective(moved, corners)
    laid = picture.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    ones = Image.new("L", picture.size, 255)
    inside = ones.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
    photo = Image.composite(laid, picture_of(desk), inside).filter(ImageFilter.GaussianBlur(max(size) / 800))
    pixels = np.asarray(photo, np.float32)
    light = np.linspace(0.86, 1.08, size[0], dtype=np.float32)[None, :, None]
    return picture_of(pixels * light * np.array([1.03, 1.0, 0.94], np.float32) + generator.normal(0, 3, pixels.shape))


def skew(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A shear by 10 % to the left or to the right."""
    shear = chance.choice([-0.1, 0.1])
    shift = -shear * picture.height / 2
    coefficients = (1, shear, shift, 0, 1, 0)
    return picture.transform(picture.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)


EDITS: dict[str, Edit] = {
    "phone-screenshot": phone_screenshot,
    "letterbox": letterbox,
    "collage": collage,
    "page": page,
    "square-crop": square_crop,
    "half-crop": half_crop,
    "avatar": avatar,
    "rounded-corners": rounded,
    "caption": caption,
    "tiled-mark": tiled_mark,
    "sticker": sticker,
    "polaroid": polaroid,
    "print-photographed": print_photographed,
    "skew": skew,
}


def _status_bar(pen: ImageDraw.ImageDraw, width: int, ink: Color, chance: random.Random) -> None:
    pen.text((28, 14), f"{chance.randint(0, 23)}:{chance.randint(0, 59):02}", ink, _font(20))
    for place in range(4):
        pen.rectangle((width - 120 + 10 * place, 32 - 4 * place, width - 114 + 10 * place, 36), fill=ink)
    pen.rounded_rectangle((width - 66, 18, width - 26, 36), 4, outline=ink, width=2)
    pen.rectangle((width - 62, 22, width - 62 + chance.randint(8, 32), 32), fill=ink)


def _lines(
    pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], size: int, ink: Color, chance: random.Random
) -> None:
    left, top, right, bottom = box
    for y in range(top, bottom - size, round(1.4 * size)):
        text = _filling("", (right - left) * chance.choice([1.0, 1.0, 0.97, 0.6]), size, chance)
        pen.text((left, y), text, ink, _font(size))


def _filling(text: str, width: float, size: int, chance: random.Random) -> str:
    while _font(size).getlength(longer := f"{text}{chance.choice(WORDS)} ") < width:
        text = longer
    return text.strip()


def _masked(picture: Image.Image, radius: float) -> Image.Image:
    mask = Image.new("L", (4 * picture.width, 4 * picture.height))
    radius *= 4 * min(picture.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width, mask.height), radius, fill=255)
    return Image.composite(picture, Image.new("RGB", picture.size, WHITE), mask.resize(picture.size))


def _sheet(size: tuple[int, int], ground: Color) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    sheet = Image.new("RGB", size, ground)
    return sheet, ImageDraw.Draw(sheet)


def _fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    return ImageOps.contain(picture, (width, height), Image.Resampling.LANCZOS)


def _to_height(picture: Image.Image, height: int) -> Image.Image:
    return picture.resize((round(height * picture.width / picture.height), height), Image.Resampling.LANCZOS)


def _to_width(picture: Image.Image, width: int) -> Image.Image:
    return picture.resize((width, round(width * picture.height / picture.width)), Image.Resampling.LANCZOS)


@cache
def _shipped(name: str) -> Image.Image:
    return Image.open(BytesIO(files("skimage").joinpath("data", name).read_bytes())).convert("RGB")


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("this Pillow was built without FreeType, and letters of any size need it")
    return font
