"""The pictures of the demo: photographs, variants of them, and what each pair of them must be called."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

from dedup_core.comparison.verdict import VerdictKind
from demo import variants
from demo.photographs import photograph

FOLDER = "demo"

COPY = frozenset({VerdictKind.IDENTICAL, VerdictKind.DUPLICATE})
ALTERED = frozenset({VerdictKind.ALTERED})
RECOLORED = frozenset({VerdictKind.COLOR_VARIANT})
STRANGERS = frozenset({VerdictKind.DISTINCT})


@dataclass(frozen=True, slots=True)
class Picture:
    """One file to upload.

    `original` names the picture that it shows too (itself, if it is one); `tint` says how its colors were changed, so
    that pictures of one original and one tint are copies; `altered` that a part of it shows something else; `readable`
    is False for a file that is no image.
    """

    name: str
    data: bytes = field(repr=False)
    about: str
    original: str
    tint: str = ""
    altered: bool = False
    readable: bool = True


def pictures() -> list[Picture]:
    """Every file of the demo, the originals before their variants."""
    return [*_china(), *_coffee(), *_chelsea(), *_flower(), *_astronaut(), *_strangers(), *_broken()]


def allowed_verdicts(left: Picture, right: Picture) -> frozenset[VerdictKind]:
    """What the app may call this pair, if it finds it at all."""
    if left.original != right.original:
        return STRANGERS
    if left.tint != right.tint:
        return RECOLORED
    if left.altered != right.altered:
        return ALTERED
    return frozenset({VerdictKind.IDENTICAL}) if left.data == right.data else COPY


def is_to_be_found(left: Picture, right: Picture) -> bool:
    """Each variant must be found next to its original, which is the least that a person expects."""
    return left.original == right.original and left.original in (left.name, right.name)


def readable_pairs(all_pictures: list[Picture]) -> Iterator[tuple[Picture, Picture]]:
    return combinations((picture for picture in all_pictures if picture.readable), 2)


def _china() -> list[Picture]:
    make = _Family("china.jpg", "a tower in Beijing")
    return [
        make.original(),
        make.variant("china-copy.jpg", "the same bytes again", bytes),
        make.variant("china-q60.jpg", "saved as JPEG at quality 60", variants.recompressed),
        make.variant("china-half.jpg", "half as wide and high", variants.half_size),
        make.variant("china-brighter.jpg", "brighter by 12 levels", variants.brighter),
        make.variant("china-watermark.jpg", "a small text in the corner", variants.watermarked, altered=True),
        make.variant("china-exif-turned.jpg", "turned by EXIF alone", variants.turned_by_exif),
    ]


def _coffee() -> list[Picture]:
    make = _Family("coffee.png", "a cup of coffee")
    return [
        make.original(),
        make.variant("coffee-mirrored.jpg", "mirrored", variants.mirrored),
        make.variant("coffee-turned.jpg", "pixels turned by 90 degrees", variants.turned),
        make.variant("coffee-hue.jpg", "hues shifted by 120 degrees", variants.hue_shifted, tint="hue"),
        make.variant("coffee-grey.jpg", "without color", variants.in_grey, tint="grey"),
    ]


def _chelsea() -> list[Picture]:
    make = _Family("chelsea.png", "a cat")
    return [
        make.original(),
        make.variant("chelsea-corners.png", "transparent round corners", variants.with_round_corners),
        make.variant("chelsea.webp", "saved as WebP", variants.as_webp),
        make.variant("chelsea-cropped.jpg", "without 5 % on each side", variants.cropped),
        make.variant("chelsea-framed.jpg", "with a white frame", variants.framed),
    ]


def _flower() -> list[Picture]:
    make = _Family("flower-12mp.jpg", "4000 x 3000 pixels", variants.at_twelve_megapixels, "flower.jpg")
    return [make.original(), make.variant("flower-web.jpg", "the same at 800 x 600", variants.at_web_size)]


def _astronaut() -> list[Picture]:
    make = _Family("astronaut.png", "a cut-out portrait", variants.cut_out)
    return [make.original(), make.variant("astronaut-white.jpg", "the same portrait on white", variants.on_white)]


def _strangers() -> list[Picture]:
    abouts = {
        "rocket.jpg": "a rocket at take-off",
        "hubble.jpg": "galaxies",
        "retina.jpg": "the back of an eye",
        "camera.png": "a man behind a camera, in grey",
    }
    return [Picture(name, photograph(name), about, original=name) for name, about in abouts.items()]


def _broken() -> list[Picture]:
    files = {
        "broken.jpg": ("a JPEG whose upload broke off", variants.cut_short(photograph("china.jpg"))),
        "letter.jpg": ("a letter named like a picture", "Dear Sir or Madam,\nplease find enclosed …\n".encode() * 40),
    }
    return [Picture(name, data, about, original=name, readable=False) for name, (about, data) in files.items()]


class _Family:
    """Makes the original and the variants of one photograph."""

    def __init__(
        self, name: str, about: str, make: Callable[[bytes], bytes] = bytes, photograph_name: str | None = None
    ) -> None:
        self._name = name
        self._about = about
        self._photograph = photograph(photograph_name or name)
        self._data = make(self._photograph)

    def original(self) -> Picture:
        return Picture(self._name, self._data, self._about, original=self._name)

    def variant(
        self, name: str, about: str, make: Callable[[bytes], bytes], tint: str = "", *, altered: bool = False
    ) -> Picture:
        return Picture(name, make(self._photograph), about, original=self._name, tint=tint, altered=altered)
