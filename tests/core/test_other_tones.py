"""Tones that differ because other things are shown, and not by a change of light."""

import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from dedup_changes.tones import half_darkened
from dedup_core import BALANCED, PairMeasurement, VerdictKind, decide, measure_images
from dedup_core.comparison.rules.doubts import other_shapes, other_tones
from tests.core.pictures import working


def chest(seed: int) -> Image.Image:
    """Soft lungs, ribs and a heart, light on dark, as an X-ray shows them: of each seed another person."""
    chance = np.random.default_rng(seed)
    image = Image.new("L", (512, 512), 8)
    canvas = ImageDraw.Draw(image)
    canvas.ellipse((40, 20, 472, 560), fill=150)
    for side in (-1, 1):
        x, y = 256 + side * chance.integers(85, 115), chance.integers(215, 255)
        wide, high = chance.integers(60, 85), chance.integers(130, 165)
        canvas.ellipse((x - wide, y - high, x + wide, y + high), fill=int(chance.integers(45, 75)))
        for rib in range(7):
            top = 90 + rib * 46 + int(chance.integers(-8, 9))
            canvas.arc((x - 100, top, x + 100, top + 90), 200, 340, fill=int(chance.integers(110, 150)), width=9)
    x, y = chance.integers(270, 300), chance.integers(290, 330)
    canvas.ellipse((x - 70, y - 85, x + 70, y + 85), fill=185)
    canvas.rectangle((244, 30, 268, 512), fill=200)
    return image.filter(ImageFilter.GaussianBlur(5)).convert("RGB")


@pytest.fixture(scope="module")
def two_patients() -> PairMeasurement:
    return measure_images(working(half_darkened(chest(2), random.Random(0))), working(chest(1)))


def test_x_rays_of_two_patients_are_no_copies_where_one_is_half_darkened(two_patients):
    verdict = decide(two_patients)
    assert verdict.kind is VerdictKind.ALTERED
    assert verdict.reasons[0].startswith("tones differ as no change of light makes them (")


def test_tones_are_no_doubt_where_anything_else_agrees(two_patients):
    detail, tones = two_patients.detail, two_patients.tones
    assert detail is not None
    assert tones is not None
    agreeing = {
        "shapes": replace(two_patients, structure=0.9),
        "the usual block": replace(two_patients, detail=replace(detail, usual=0.01)),
        "the worst place": replace(two_patients, structure=0.8, detail=replace(detail, worst=0.25)),
        "light": replace(two_patients, tones=replace(tones, light=0.07 * detail.retoned)),
        "tones": replace(two_patients, detail=replace(detail, retoned=5.0)),
        "no closer look": replace(two_patients, detail=None),
    }
    assert other_tones(two_patients, BALANCED)
    assert {name: other_tones(it, BALANCED) for name, it in agreeing.items()} == dict.fromkeys(agreeing, "")


def test_other_tones_in_another_frame_want_edges_that_agree(two_patients):
    detail = two_patients.detail
    assert detail is not None
    soft = replace(two_patients, structure=0.5, coverage=0.9, detail=replace(detail, usual=0.0, retoned=6.0))
    whole, agreeing = replace(soft, coverage=0.98), replace(soft, structure=0.85)
    assert other_tones(soft, BALANCED).startswith("tones and frame differ")
    assert [other_tones(it, BALANCED) for it in (whole, agreeing)] == ["", ""]


JARS = {
    "PEPPER": "#3c3228",
    "CUMIN": "#aa783c",
    "CURRY": "#dca028",
    "THYME": "#5a6e3c",
    "CHILI": "#be321e",
    "DILL": "#507830",
}
OTHERS = {"SALT": "#ebebe6", "MACE": "#b46432"}


def shelf(*names: str) -> Image.Image:
    """Jars with labels before a wall of rough wood."""
    wood = np.array([120, 80, 50]) + np.random.default_rng(5).normal(0, 14, (60, 150, 3))
    image = Image.fromarray(wood.clip(0, 255).astype(np.uint8)).resize((1500, 600), Image.Resampling.BICUBIC)
    canvas, font = ImageDraw.Draw(image), ImageFont.load_default(34)
    for place, name in enumerate(names):
        x = 40 + place * 240
        canvas.rounded_rectangle((x, 150, x + 190, 520), 26, fill=(JARS | OTHERS)[name])
        canvas.rectangle((x + 12, 90, x + 178, 160), fill="#232326")
        canvas.rectangle((x, 250, x + 190, 400), fill="#f0e8d2")
        canvas.text((x + 95, 325), name, fill="#281e14", font=font, anchor="mm")
    return image.filter(ImageFilter.GaussianBlur(0.8))


@pytest.fixture(scope="module")
def darker_shelves() -> dict[str, PairMeasurement]:
    """A shelf beside a darker photograph of it, and beside one on which two jars are others."""
    first, second, *rest = JARS
    shown = working(shelf(first, second, *rest))
    return {
        name: measure_images(shown, working(ImageEnhance.Brightness(shelf(*jars, *rest)).enhance(0.84)))
        for name, jars in (("the same", (first, second)), ("others", tuple(OTHERS)))
    }


def test_other_jars_on_a_shelf_that_is_darker_are_no_other_tone(darker_shelves):
    verdict = decide(darker_shelves["others"])
    assert (verdict.kind, decide(darker_shelves["the same"]).kind) == (VerdictKind.ALTERED, VerdictKind.DUPLICATE)
    assert other_shapes(darker_shelves["others"]).endswith("shows other shapes, and the rest only other tones")


def test_other_shapes_are_no_doubt_in_specks_or_where_all_differs_a_little(darker_shelves):
    others = darker_shelves["others"]
    assert others.detail is not None
    agreeing = [
        replace(others, detail=replace(others.detail, **known))
        for known in ({"reshaped": 0.24}, {"reshaped_share": 0.004}, {"usual": 0.006}, {"retoned": 5.0})
    ]
    assert [other_shapes(it) for it in (*agreeing, replace(others, detail=None))] == [""] * 5
