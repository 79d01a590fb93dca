"""Tones that differ because other things are shown, and not by a change of light."""

import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from dedup_changes.tones import half_darkened
from dedup_core import BALANCED, PairMeasurement, VerdictKind, decide, measure_images
from dedup_core.comparison.doubts import other_tones
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
