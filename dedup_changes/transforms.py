"""The seeded transforms: the bytes of a picture -> the encoded bytes of a copy, the same every time."""

import io
import random
from dataclasses import dataclass

from PIL import Image, ImageOps

from dedup_changes import frames, tones
from dedup_changes.edits import (
    BLACK,
    WHITE,
    Edit,
    blur,
    brightness,
    contrast,
    crop_one_side,
    crop_random,
    crop_sides,
    few_colors,
    gamma,
    grey,
    hue,
    noise,
    pad,
    pad_blurred,
    resize,
    rotate,
    screen_bars,
    turn,
    vignette,
    watermark_large,
    watermark_small,
    white_balance,
)

COPY = frozenset({"identical", "duplicate"})
SAME = COPY | {"altered"}
RECOLORED = frozenset({"color_variant"})


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a copy is written."""

    format: str = "JPEG"
    quality: int = 90

    def write(self, picture: Image.Image) -> bytes:
        stream = io.BytesIO()
        speed = {"speed": 9} if self.format == "AVIF" else {}
        picture.save(stream, self.format, quality=self.quality, **speed)
        return stream.getvalue()


@dataclass(frozen=True, slots=True)
class Transform:
    """One way of making a copy, and the verdicts that are right for it.

    `part` is the part of the evaluation that it belongs to: what was there first, framing, chained, turning, tone,
    color or palette. `takes_color`: it is no change of a picture that has none.
    """

    name: str
    edits: tuple[Edit, ...] = ()
    encoding: Encoding = Encoding()
    right: frozenset[str] = SAME
    part: str = "first"
    takes_color: bool = False

    def changes(self, picture: Image.Image) -> bool:
        """Whether a copy of this RGB picture is what the verdicts are right for."""
        return not self.takes_color or tones.has_color(picture)

    def apply(self, data: bytes, photo: str) -> bytes:
        """The bytes of a copy of this file, which is opened in this process: not for files of strangers."""
        with Image.open(io.BytesIO(data)) as source:
            return self.copy_of(ImageOps.exif_transpose(source).convert("RGB"), photo)

    def copy_of(self, picture: Image.Image, photo: str) -> bytes:
        """The bytes of a copy of an RGB picture. What is random depends on the names of transform and photo only."""
        chance = random.Random(f"{self.name}/{photo}")
        for edit in self.edits:
            picture = edit(picture, chance)
        return self.encoding.write(picture)


ALL_TRANSFORMS = (
    Transform("jpeg-95", encoding=Encoding(quality=95)),
    Transform("jpeg-50", encoding=Encoding(quality=50)),
    Transform("jpeg-10", encoding=Encoding(quality=10)),
    Transform("webp", encoding=Encoding("WEBP", 75)),
    Transform("avif", encoding=Encoding("AVIF", 60)),
    Transform("resize-0.5", (resize(0.5),)),
    Transform("resize-0.2", (resize(0.2),)),
    Transform("resize-2", (resize(2),)),
    Transform("gamma-0.5", (gamma(0.5),)),
    Transform("gamma-0.75", (gamma(0.75),)),
    Transform("gamma-1.4", (gamma(1.4),)),
    Transform("gamma-2", (gamma(2),)),
    Transform("brighter", (brightness(1.35),)),
    Transform("darker", (brightness(0.65),)),
    Transform("contrast-up", (contrast(1.5),)),
    Transform("contrast-down", (contrast(0.6),)),
    Transform("white-balance", (white_balance,)),
    Transform("blur", (blur,)),
    Transform("noise-0.05", (noise(0.05),)),
    Transform("noise-0.2", (noise(0.2),)),
    Transform("vignette", (vignette,)),
    Transform("watermark-small", (watermark_small,)),
    Transform("watermark-large", (watermark_large,)),
    Transform("crop-5-each-side", (crop_sides(0.05),)),
    Transform("crop-10-one-side", (crop_one_side(0.10),)),
    Transform("crop-random-85", (crop_random(0.85),)),
    Transform("crop-random-70", (crop_random(0.70),)),
    Transform("pad-20-white", (pad(WHITE),)),
    Transform("pad-20-black", (pad(BLACK),)),
    Transform("pad-20-blurred", (pad_blurred,)),
    Transform("rotate-2", (rotate(2, expand=False),)),
    Transform("rotate-2-expand", (rotate(2, expand=True),)),
    Transform("rotate-4", (rotate(4, expand=False),)),
    Transform("rotate-4-expand", (rotate(4, expand=True),)),
    Transform("mirrored", (turn(Image.Transpose.FLIP_LEFT_RIGHT),)),
    Transform("turned-90", (turn(Image.Transpose.ROTATE_90),)),
    Transform("turned-180", (turn(Image.Transpose.ROTATE_180),)),
    Transform("turned-270", (turn(Image.Transpose.ROTATE_270),)),
    Transform("grey", (grey,), right=SAME | RECOLORED),
    Transform("hue-shift", (hue,), right=SAME | RECOLORED),
    Transform("chain-screenshot", (resize(0.6), screen_bars), Encoding(quality=70)),
    Transform("chain-repost", (resize(0.5), watermark_small), Encoding(quality=50)),
    Transform("chain-filter", (crop_sides(0.03), contrast(1.25), white_balance), Encoding("WEBP", 70)),
    *(Transform(name, (edit,), Encoding(quality=85), part="framing") for name, edit in frames.EDITS.items()),
    Transform("crop-framed", (crop_sides(0.05), pad(WHITE)), Encoding(quality=85), COPY, part="chained"),
    Transform("crop-bars", (crop_sides(0.05), screen_bars), Encoding(quality=85), COPY, part="chained"),
    Transform("crop-turned", (crop_sides(0.05), rotate(3, expand=False)), Encoding(quality=85), COPY, part="chained"),
    *(Transform(f"rotate-{degrees}", (rotate(degrees, expand=False),), part="turning") for degrees in (7, 10, 20)),
    *(Transform(f"rotate-{degrees}-expand", (rotate(degrees, expand=True),), part="turning") for degrees in (20, 45)),
    *(Transform(name, (edit,), part="tone") for name, edit in tones.TONES.items()),
    *(
        Transform(name, (edit,), right=RECOLORED, part="color", takes_color=name == "gray-contrast")
        for name, edit in tones.COLORS.items()
    ),
    Transform("inverted", (tones.inverted,), right=SAME | RECOLORED, part="color"),
    Transform("gif", encoding=Encoding("GIF"), right=COPY, part="palette"),
    Transform("png-8", (few_colors(128),), Encoding("PNG"), COPY, part="palette"),
)

TRANSFORMS = {transform.name: transform for transform in ALL_TRANSFORMS}
