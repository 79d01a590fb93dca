"""Which verdict a pair gets, from the pictures to the sentence."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from dedup_core import (
    BALANCED,
    LOOSE,
    STRICT,
    ColorMetrics,
    PairMeasurement,
    Policy,
    VerdictKind,
    View,
    compare,
    decide,
    measure_images,
    unverifiable,
)
from dedup_core import policy as policy_module
from dedup_core.comparison.measurement import Detail, Tones
from dedup_core.comparison.regions import RegionKind
from tests.core.pictures import brighter, cropped, encoded, hue_shifted, jpeg, padded, scene, working
from tests.core.verdicts import kind_of


def watermarked(image: Image.Image) -> Image.Image:
    marked = image.copy()
    ImageDraw.Draw(marked).text((image.width * 0.6, image.height * 0.9), "example.com", fill="white", font_size=20)
    return marked


COPIES = {
    "jpeg": lambda image: jpeg(image, 40),
    "half_size": lambda image: image.resize((240, 180)),
    "brightness_12": lambda image: brighter(image, 12),
    "darker": lambda image: brighter(image, -40),
    "gamma": lambda image: image.point([round(255 * (value / 255) ** 1.8) for value in range(256)] * 3),
    "warmer": lambda image: image.point(
        [round(min(255, value * gain)) for gain in (1.08, 1.0, 0.9) for value in range(256)]
    ),
    "mirrored": ImageOps.mirror,
    "turned_90": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned_180": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "crop_5": lambda image: cropped(image, 0.05, 0.05, 0.95, 0.95),
    "crop_one_side": lambda image: cropped(image, 0.1, 0.0, 1.0, 1.0),
    "crop_70": lambda image: cropped(image, 0.1, 0.25, 0.8, 0.95),
    "white_padding": lambda image: padded(image, 0.2, "white"),
    "black_padding": lambda image: padded(image, 0.2, "black"),
    "rotated_4": lambda image: image.rotate(4, Image.Resampling.BICUBIC),
    "chain": lambda image: jpeg(padded(ImageOps.mirror(image).resize((300, 225)), 0.1, "white"), 50),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES.keys())
def test_a_changed_copy_is_a_duplicate(change):
    assert kind_of(scene(1), change(scene(1))) is VerdictKind.DUPLICATE


def test_a_watermark_makes_an_altered_copy_and_is_found_where_it_is():
    verdict = decide(measure_images(working(scene(1)), working(watermarked(scene(1)))))
    assert verdict.kind is VerdictKind.ALTERED
    assert verdict.reasons[0].endswith("bottom right")
    assert all(region.left.left > 0.5 and region.left.top > 0.8 for region in verdict.regions)


def packshot() -> Image.Image:
    """A striped and dotted box before white, with a shadow."""
    image = Image.new("RGB", (480, 360), "white")
    canvas = ImageDraw.Draw(image)
    canvas.ellipse((120, 300, 380, 340), fill=(225, 225, 225))
    canvas.rectangle((150, 40, 330, 320), fill=(196, 120, 60), outline=(60, 40, 20), width=4)
    for row in range(60, 310, 20):
        canvas.line((155, row, 325, row + 14), fill=(120, 60 + row // 3, 40), width=5)
        canvas.ellipse((170 + row % 130, row, 184 + row % 130, row + 14), fill=(240, 220, 120))
    return image


def lettered(image: Image.Image) -> Image.Image:
    """With large half transparent letters across the middle."""
    ink = Image.new("L", image.size)
    ImageDraw.Draw(ink).text((30, 130), "SAMPLE", fill=140, font_size=90)
    marked = image.copy()
    marked.paste((0, 0, 0), (0, 0), ink)
    return marked


def test_large_letters_over_a_packshot_make_it_an_altered_one_with_their_place_in_both_pictures():
    measured = measure_images(working(packshot()), working(lettered(packshot())))
    verdict = decide(measured)
    assert (measured.plain_share > BALANCED.max_plain_share, verdict.kind) == (True, VerdictKind.ALTERED)
    assert verdict.reasons[0].startswith("something else is shown in")
    assert verdict.regions
    for region in verdict.regions:
        assert region.kind is RegionKind.CHANGED
        assert region.left.corners == pytest.approx(region.right.corners, abs=0.01)  # one frame on the other
        assert 0.25 < region.left.top < region.left.bottom < 0.75


def form(*, seed: int) -> Image.Image:
    """A page of an application: the same frame and menu for every seed, other contents."""
    image = Image.new("RGB", (480, 360), "white")
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((0, 0, 480, 30), fill=(40, 60, 120))
    for row in range(45, 350, 26):
        canvas.text((8, row), "menu entry", fill=(90, 90, 90), font_size=14)
    chance = np.random.default_rng(seed)
    for row in range(45, 340, 30):
        canvas.rectangle((120, row, 140 + int(chance.integers(60, 320)), row + 16), fill=(150, 160, 175))
        canvas.ellipse(
            (int(chance.integers(120, 440)), row, int(chance.integers(442, 470)), row + 20), fill=(70, 80, 90)
        )
    return image


@pytest.mark.parametrize("seed", range(1, 5))
def test_two_pages_of_one_application_are_no_duplicates_although_their_frame_is_the_same(seed):
    assert kind_of(form(seed=0), form(seed=seed)) not in {VerdictKind.DUPLICATE, VerdictKind.IDENTICAL}


def striped(*colors: str, upright: bool) -> Image.Image:
    """A flag of three stripes."""
    image = Image.new("RGB", (300, 200))
    for number, color in enumerate(colors):
        box = (100 * number, 0, 100 * number + 99, 199) if upright else (0, 67 * number, 299, 67 * number + 66)
        ImageDraw.Draw(image).rectangle(box, fill=color)
    return image


def test_two_flags_are_no_duplicates_although_one_is_the_other_turned():
    left = striped("#21468b", "white", "#ae1c28", upright=True)
    right = striped("#ae1c28", "white", "#21468b", upright=False)
    assert kind_of(left, right) in {VerdictKind.ALTERED, VerdictKind.DISTINCT}


@pytest.mark.parametrize("seed", range(5))
def test_two_different_pictures_are_distinct(seed):
    assert kind_of(scene(seed), scene(seed + 100)) is VerdictKind.DISTINCT


@pytest.mark.parametrize("degrees", [60, 120, 180])
def test_a_hue_shifted_copy_is_a_color_variant(degrees):
    assert kind_of(scene(1), hue_shifted(scene(1), degrees)) is VerdictKind.COLOR_VARIANT


def test_a_gray_copy_is_a_color_variant():
    assert kind_of(scene(1), scene(1).convert("L").convert("RGB")) is VerdictKind.COLOR_VARIANT


def test_the_same_file_is_identical():
    data = encoded(scene(1), "JPEG")
    assert compare(data, data).kind is VerdictKind.IDENTICAL


def test_the_same_pixels_in_another_format_are_identical():
    verdict = compare(encoded(scene(1), "PNG"), encoded(scene(1), "TIFF"))
    assert verdict.kind is VerdictKind.IDENTICAL
    assert "every pixel" in verdict.reasons[0]


@pytest.mark.parametrize("change", [0, 8])
def test_large_pictures_are_never_identical_by_their_pixels_because_they_were_shrunk(change):
    left = np.asarray(scene(1).resize((1200, 900)))
    right = left.copy()
    right[450, 600] += np.uint8(change)
    verdict = compare(encoded(Image.fromarray(left), "PNG"), encoded(Image.fromarray(right), "BMP"))
    assert verdict.kind is VerdictKind.DUPLICATE


def test_one_changed_pixel_of_many_that_a_shrunk_picture_hides_does_not_make_two_files_identical():
    left = np.full((1024, 1024, 3), 120, np.uint8)
    right = left.copy()
    right[500, 500] = 121
    verdict = compare(encoded(Image.fromarray(left)), encoded(Image.fromarray(right)))
    assert (verdict.kind, len(verdict.reasons)) == (VerdictKind.DUPLICATE, 1)
    assert "no difference is visible at 512 pixels" in verdict.reasons[0]


def test_the_largest_picture_that_is_not_shrunk_can_be_identical_by_its_pixels():
    image = scene(1).resize((512, 384))
    assert compare(encoded(image, "PNG"), encoded(image, "BMP")).kind is VerdictKind.IDENTICAL


def test_the_same_pixels_mirrored_are_a_duplicate_and_not_identical():
    assert compare(encoded(scene(1)), encoded(ImageOps.mirror(scene(1)))).kind is VerdictKind.DUPLICATE


def test_a_red_circle_and_a_blue_rectangle_on_white_are_distinct():
    left, right = Image.new("RGB", (200, 200), "white"), Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(left).ellipse((60, 60, 140, 140), fill="red")
    ImageDraw.Draw(right).rectangle((50, 70, 150, 130), fill="blue")
    assert kind_of(left, right) not in {VerdictKind.DUPLICATE, VerdictKind.IDENTICAL}


def test_one_red_pixel_and_one_blue_pixel_are_distinct():
    assert kind_of(Image.new("RGB", (1, 1), "red"), Image.new("RGB", (1, 1), "blue")) is VerdictKind.DISTINCT


def test_a_verdict_says_why_with_its_numbers():
    verdict = compare(encoded(scene(1)), encoded(hue_shifted(scene(1), 120)))
    assert verdict.reasons[0].startswith("structure matches")
    assert any("colors differ" in reason and ">" in reason for reason in verdict.reasons)
    assert verdict.metrics is not None
    assert verdict.distance_bits is not None


def test_an_unverifiable_pair_has_a_reason_and_no_numbers():
    verdict = unverifiable("images/b.jpg is not an image")
    assert verdict.kind is VerdictKind.UNVERIFIABLE
    assert verdict.reasons == ("images/b.jpg is not an image",)
    assert verdict.metrics is None


def test_the_view_found_is_told():
    left = scene(1)
    verdict = compare(encoded(left), encoded(left.transpose(Image.Transpose.ROTATE_90)))
    assert verdict.view == "turned_90"
    assert "one picture is turned by 90 degrees against the other" in verdict.reasons  # true from both sides


def test_identical_flat_pictures_of_different_files_are_identical_by_their_pixels():
    flat = Image.fromarray(np.full((50, 50, 3), 120, np.uint8))
    assert compare(encoded(flat, "PNG"), encoded(flat, "BMP")).kind is VerdictKind.IDENTICAL


def tones(**changes: float) -> Tones:
    usual = Tones(hue=0.5, light=0.5, channels=9.0, most_color=5.0, least_color=4.0, tint=1.0)
    return dataclasses.replace(usual, **changes)


TINTED_PAGE = tones(least_color=0.1, most_color=0.3, tint=14.0, cast=1.14, off_cast=3.5)


def leveled(**changes: float) -> Tones:
    """What automatic levels leave of a card."""
    return tones(**({"hue": 4.0, "channels": 1.0} | changes))


def measurement(**changes: float | bool) -> PairMeasurement:
    usual = PairMeasurement(
        metrics=ColorMetrics(1.0, 1.0, 0.99),
        view=View.UPRIGHT,
        distance_bits=4,
        same_pixels=False,
        same_when_small=False,
        frame_difference=0.0,
        structure=0.98,
        changed_share=0.01,
        texture=0.9,
        coverage=1.0,
        inner_coverage=1.0,
        plain_share=0.0,
        color_residual=0.5,
        detail=Detail(
            worst=0.1,
            usual=0.02,
            altered_share=0.0,
            lost_share=0.0,
            reshaped_share=0.0,
            blocks=900,
            places=1000,
            calm=0.01,
        ),
    )
    detail = dataclasses.replace(
        usual.detail, **{name: value for name, value in changes.items() if name in Detail.__slots__}
    )
    others = {name: value for name, value in changes.items() if name not in Detail.__slots__}
    return dataclasses.replace(usual, **({"detail": detail} | others))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, VerdictKind.DUPLICATE),
        ({"same_pixels": True}, VerdictKind.IDENTICAL),
        ({"same_when_small": True, "structure": 0.0}, VerdictKind.DUPLICATE),
        ({"color_residual": 3.9}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.0, "tones": tones(hue=1.9, light=4.9)}, VerdictKind.DUPLICATE),
        ({"color_residual": 9.0, "tones": tones(hue=2.2)}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.0, "tones": tones(light=5.1)}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.0, "tones": tones(hue=9.0, channels=2.9)}, VerdictKind.DUPLICATE),
        ({"color_residual": 9.0, "plain_share": 0.5, "tones": tones(hue=1.3)}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.0, "plain_share": 0.5, "tones": tones(hue=1.1, light=1.1)}, VerdictKind.DUPLICATE),
        ({"tones": tones(least_color=0.1)}, VerdictKind.COLOR_VARIANT),
        ({"tones": tones(least_color=0.1, most_color=0.5, tint=5.9)}, VerdictKind.DUPLICATE),
        ({"tones": tones(least_color=0.1, most_color=0.5, tint=6.1)}, VerdictKind.COLOR_VARIANT),
        (
            {"color_residual": 9.0, "tones": tones(hue=9.0, channels=1.3, least_color=0.6, most_color=1.9, tint=12.1)},
            VerdictKind.COLOR_VARIANT,
        ),
        (
            {"color_residual": 9.0, "tones": tones(hue=9.0, channels=1.3, least_color=0.6, most_color=1.9, tint=11.9)},
            VerdictKind.DUPLICATE,
        ),
        ({"worst": 0.6, "reshaped_share": 0.1, "color_residual": 9.0, "tones": tones()}, VerdictKind.ALTERED),
        ({"worst": 0.38, "tones": tones(light=3.0)}, VerdictKind.DUPLICATE),
        ({"worst": 0.40, "tones": tones(light=3.0)}, VerdictKind.ALTERED),
        ({"worst": 0.09, "altered_share": 0.04}, VerdictKind.ALTERED),
        ({"color_residual": 9.0, "tones": tones(hue=9.0, spread=8.4)}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.0, "tones": tones(hue=9.0, spread=8.6)}, VerdictKind.ALTERED),
        ({"color_residual": 19.0, "tones": tones(hue=9.0, spread=8.6)}, VerdictKind.DISTINCT),
        ({"color_residual": 9.0, "tones": tones(hue=9.0, kept=0.56)}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.0, "tones": tones(hue=9.0, kept=0.58)}, VerdictKind.ALTERED),
        ({"color_residual": 9.0, "tones": tones(kept=0.56)}, VerdictKind.DUPLICATE),
        ({"color_residual": 9.0, "tones": tones(kept=0.58)}, VerdictKind.ALTERED),
        ({"color_residual": 3.0, "tones": tones(kept=0.9)}, VerdictKind.DUPLICATE),
        ({"color_residual": 9.0, "reshaped": 0.23, "tones": tones(hue=9.0)}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.5, "reshaped": 0.25, "tones": tones(hue=9.0), "texture": 0.8}, VerdictKind.DISTINCT),
        ({"color_residual": 9.5, "reshaped": 0.25, "tones": tones(hue=9.0)}, VerdictKind.ALTERED),
        ({"color_residual": 9.5, "reshaped": 0.25, "tones": tones(hue=9.0), "usual": 0.04}, VerdictKind.DISTINCT),
        (
            {"color_residual": 9.5, "altered_share": 0.04, "reshaped": 0.25, "tones": tones(hue=9.0, light=2.6)},
            VerdictKind.DISTINCT,
        ),
        ({"color_residual": 9.5, "reshaped": 0.25, "tones": tones(hue=9.0), "structure": 0.59}, VerdictKind.DISTINCT),
        (
            {"color_residual": 3.0, "plain_share": 0.5, "tones": tones(light=2.0, most_color=0.2, tint=0.2)},
            VerdictKind.DUPLICATE,
        ),
        ({"color_residual": 3.0, "plain_share": 0.5, "tones": tones(light=2.0)}, VerdictKind.COLOR_VARIANT),
        ({"plain_share": 0.5, "texture": 0.4, "turn": 7.0}, VerdictKind.DUPLICATE),
        ({"plain_share": 0.5, "texture": 0.4, "turn": 9.0}, VerdictKind.ALTERED),
        ({"plain_share": 0.5, "turn": 9.0}, VerdictKind.DUPLICATE),
        ({"blocks": 190, "turn": 9.0}, VerdictKind.ALTERED),
        ({"blocks": 190, "places": 2000, "turn": 9.0}, VerdictKind.ALTERED),
        ({"blocks": 190, "places": 200, "turn": 9.0}, VerdictKind.DUPLICATE),
        (
            {
                "plain_share": 0.5,
                "texture": 0.4,
                "turn": 9.0,
                "color_residual": 9.0,
                "tones": tones(hue=1.1, light=1.1),
            },
            VerdictKind.DISTINCT,
        ),
        ({"coverage": 0.2, "worst": 0.45, "structure": 0.95, "blocks": 120}, VerdictKind.ALTERED),
        ({"coverage": 0.2, "worst": 0.45, "structure": 0.95, "blocks": 99}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "worst": 0.45, "structure": 0.93, "blocks": 120}, VerdictKind.DISTINCT),
        (
            {"coverage": 0.2, "worst": 0.45, "structure": 0.95, "blocks": 120, "altered_share": 0.04},
            VerdictKind.DISTINCT,
        ),
        (
            {"coverage": 0.2, "worst": 0.45, "structure": 0.93, "blocks": 200, "altered_share": 0.04},
            VerdictKind.ALTERED,
        ),
        ({"color_residual": 2.6}, VerdictKind.DUPLICATE),
        ({"color_residual": 2.6, "plain_share": 0.5}, VerdictKind.COLOR_VARIANT),
        ({"structure": 0.35, "detail": None}, VerdictKind.DISTINCT),
        ({"worst": 0.6}, VerdictKind.ALTERED),
        ({"worst": 0.6, "altered_share": 0.39, "lost_share": 0.9}, VerdictKind.ALTERED),
        ({"worst": 0.6, "altered_share": 0.41}, VerdictKind.DISTINCT),
        ({"worst": 0.6, "altered_share": 0.26, "starkness": 0.07}, VerdictKind.DISTINCT),
        ({"worst": 0.6, "altered_share": 0.26, "usual": 0.05}, VerdictKind.DISTINCT),
        ({"worst": 0.6, "altered_share": 0.16, "plain_share": 0.5, "texture": 0.3}, VerdictKind.DISTINCT),
        ({"worst": 0.6, "altered_share": 0.16, "plain_share": 0.5, "usual": 0.05}, VerdictKind.DISTINCT),
        ({"worst": 0.6, "altered_share": 0.16, "plain_share": 0.5}, VerdictKind.ALTERED),
        ({"worst": 0.6, "altered_share": 0.26, "plain_share": 0.5}, VerdictKind.DISTINCT),
        ({"worst": 0.6, "altered_share": 0.02, "starkness": 0.5}, VerdictKind.ALTERED),
        ({"worst": 0.6, "altered_share": 0.03, "starkness": 0.5}, VerdictKind.DISTINCT),
        ({"worst": 0.6, "usual": 0.26}, VerdictKind.DISTINCT),
        ({"worst": 0.6, "reshaped_share": 0.1, "color_residual": 4.6, "texture": 0.8}, VerdictKind.DISTINCT),
        ({"worst": 0.6, "reshaped_share": 0.1, "color_residual": 8.9}, VerdictKind.ALTERED),
        ({"worst": 0.6, "reshaped_share": 0.1, "color_residual": 9.1}, VerdictKind.DISTINCT),
        ({"worst": 0.19, "calm": 0.02}, VerdictKind.DUPLICATE),
        ({"worst": 0.19, "calm": 0.02, "blocks": 99}, VerdictKind.ALTERED),
        ({"worst": 0.21, "calm": 0.02}, VerdictKind.ALTERED),
        ({"worst": 0.6, "reshaped_share": 0.005, "color_residual": 9.0, "retoned": 1.1}, VerdictKind.COLOR_VARIANT),
        ({"worst": 0.6, "reshaped_share": 0.005, "color_residual": 9.0, "retoned": 1.0}, VerdictKind.ALTERED),
        ({"worst": 0.11, "calm": 0.0}, VerdictKind.ALTERED),
        ({"worst": 0.09, "calm": 0.0}, VerdictKind.DUPLICATE),
        ({"worst": 0.26, "grain": 1.0}, VerdictKind.DUPLICATE),
        ({"worst": 0.28, "grain": 1.0}, VerdictKind.ALTERED),
        ({"worst": 0.08, "outlier": 0.95, "texture": 0.8}, VerdictKind.DUPLICATE),
        ({"worst": 0.08, "outlier": 1.05, "texture": 0.8}, VerdictKind.ALTERED),
        ({"worst": 0.04, "outlier": 1.35, "texture": 0.8}, VerdictKind.DUPLICATE),
        ({"worst": 0.04, "outlier": 1.45, "texture": 0.8}, VerdictKind.ALTERED),
        ({"worst": 0.05, "outlier": 1.35}, VerdictKind.DUPLICATE),
        ({"worst": 0.05, "outlier": 1.45}, VerdictKind.ALTERED),
        ({"worst": 0.05, "outlier": 1.35, "starkness": 0.2}, VerdictKind.ALTERED),
        ({"worst": 0.05, "usual": 0.0005, "outlier": 1.05}, VerdictKind.ALTERED),
        ({"worst": 0.05, "usual": 0.0005, "outlier": 0.95}, VerdictKind.DUPLICATE),
        ({"color_residual": 12.0, "reshaped": 0.25, "tones": tones(hue=9.0, light=4.9)}, VerdictKind.ALTERED),
        ({"color_residual": 12.0, "reshaped": 0.25, "tones": tones(hue=9.0, light=5.1)}, VerdictKind.DISTINCT),
        (
            {"color_residual": 12.0, "plain_share": 0.5, "reshaped": 0.25, "tones": tones(hue=2.1, light=4.9)},
            VerdictKind.ALTERED,
        ),
        (
            {"color_residual": 12.0, "plain_share": 0.5, "reshaped": 0.25, "tones": tones(hue=2.2, light=4.9)},
            VerdictKind.DISTINCT,
        ),
        ({"worst": 0.05, "outlier": 1.6, "retoned": 5.1}, VerdictKind.DUPLICATE),
        ({"worst": 0.05, "outlier": 1.8, "retoned": 5.1}, VerdictKind.ALTERED),
        ({"worst": 0.39, "retoned": 5.1}, VerdictKind.DUPLICATE),
        ({"worst": 0.41, "retoned": 5.1}, VerdictKind.ALTERED),
        ({"worst": 0.39, "retoned": 4.9}, VerdictKind.ALTERED),
        ({"structure": 0.5, "worst": 0.6}, VerdictKind.ALTERED),
        ({"structure": 0.44, "worst": 0.6}, VerdictKind.DISTINCT),
        ({"structure": 0.7}, VerdictKind.DUPLICATE),
        ({"structure": 0.7, "blocks": 99}, VerdictKind.ALTERED),
        ({"structure": 0.7, "calm": 0.05, "worst": 0.34}, VerdictKind.DUPLICATE),
        ({"structure": 0.7, "calm": 0.05, "worst": 0.34, "plain_share": 0.6}, VerdictKind.ALTERED),
        ({"structure": 0.85, "calm": 0.05, "worst": 0.34, "plain_share": 0.6}, VerdictKind.DUPLICATE),
        ({"coverage": 0.2}, VerdictKind.ALTERED),
        ({"coverage": 0.2, "inner_coverage": 0.7}, VerdictKind.ALTERED),
        ({"coverage": 0.2, "inner_coverage": 0.49}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "inner_coverage": 0.7, "blocks": 199}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "inner_coverage": 0.7, "worst": 0.4}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "inner_coverage": 0.7, "structure": 0.79}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "inner_coverage": 0.7, "color_residual": 9.0}, VerdictKind.DISTINCT),
        ({"coverage": 0.06}, VerdictKind.ALTERED),
        ({"coverage": 0.06, "blocks": 199}, VerdictKind.DISTINCT),
        ({"coverage": 0.04}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "structure": 0.61, "worst": 0.6}, VerdictKind.ALTERED),
        ({"coverage": 0.2, "structure": 0.59, "worst": 0.6}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "blocks": 199, "worst": 0.6, "structure": 0.9}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "structure": 0.79, "color_residual": 3.9}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "structure": 0.79, "retoned": 5.1}, VerdictKind.DISTINCT),
        ({"coverage": 0.2, "structure": 0.79, "retoned": 4.9}, VerdictKind.ALTERED),
        ({"coverage": 0.2, "structure": 0.81, "retoned": 5.1}, VerdictKind.ALTERED),
        ({"coverage": 0.4, "structure": 0.79, "retoned": 5.1}, VerdictKind.DUPLICATE),
        ({"coverage": 0.2, "worst": 0.6, "reshaped": 0.3, "color_residual": 8.0}, VerdictKind.DISTINCT),
        ({"coverage": 0.4, "worst": 0.6, "reshaped": 0.3, "color_residual": 8.0}, VerdictKind.ALTERED),
        ({"coverage": 0.5, "inner_coverage": 0.79}, VerdictKind.ALTERED),
        ({"coverage": 0.5, "inner_coverage": 0.81}, VerdictKind.DUPLICATE),
        ({"coverage": 0.9, "inner_coverage": 0.9, "blocks": 99}, VerdictKind.ALTERED),
        ({"coverage": 0.9, "inner_coverage": 0.9, "blocks": 0}, VerdictKind.ALTERED),
        ({"coverage": 0.9, "inner_coverage": 0.9, "blocks": 99, "color_residual": 9.0}, VerdictKind.DISTINCT),
        ({"coverage": 0.3, "inner_coverage": 1.0, "blocks": 99, "color_residual": 9.0}, VerdictKind.DISTINCT),
        ({"coverage": 0.3, "inner_coverage": 1.0, "blocks": 101, "color_residual": 9.0}, VerdictKind.COLOR_VARIANT),
        ({"coverage": 0.4, "inner_coverage": 1.0, "blocks": 99, "color_residual": 9.0}, VerdictKind.COLOR_VARIANT),
        ({"coverage": 0.9, "blocks": 29}, VerdictKind.DUPLICATE),
        ({"coverage": 0.98, "blocks": 29}, VerdictKind.DUPLICATE),
        ({"frame_difference": 8.1}, VerdictKind.ALTERED),
        ({"view": View.TURNED_90}, VerdictKind.DUPLICATE),
        ({"view": View.TURNED_90, "plain_share": 0.5, "texture": 0.4}, VerdictKind.ALTERED),
        ({"view": View.MIRRORED, "texture": 0.2}, VerdictKind.ALTERED),
        ({"frame_difference": 8.1, "same_when_small": True}, VerdictKind.ALTERED),
        ({"texture": 0.0, "structure": 0.0, "worst": 0.04}, VerdictKind.DUPLICATE),
        ({"texture": 0.0, "structure": 0.0, "worst": 0.06}, VerdictKind.ALTERED),
        ({"texture": 0.0, "structure": 0.0, "worst": 1.0}, VerdictKind.ALTERED),
        ({"texture": 0.0, "structure": 0.0, "worst": 1.0, "altered_share": 1.0}, VerdictKind.DISTINCT),
        ({"tones": tones(mark=0.9)}, VerdictKind.DUPLICATE),
        ({"tones": tones(mark=1.1)}, VerdictKind.ALTERED),
        ({"tones": tones(mark=1.9), "retoned": 6.0}, VerdictKind.DUPLICATE),
        ({"tones": tones(mark=2.1), "retoned": 6.0}, VerdictKind.ALTERED),
        ({"tones": tones(mark=1.9, color_off=3.1)}, VerdictKind.DUPLICATE),
        ({"tones": tones(mark=1.9, mark_in_tones=1.1), "retoned": 6.0}, VerdictKind.DUPLICATE),
        ({"tones": tones(mark=1.9, mark_in_tones=1.3), "retoned": 6.0}, VerdictKind.ALTERED),
        ({"tones": tones(mark=1.9, clear_mark=1.1, kept_in_tone=0.95), "retoned": 6.0}, VerdictKind.ALTERED),
        ({"tones": tones(mark=1.9, clear_mark=1.1, kept_in_tone=0.85), "retoned": 6.0}, VerdictKind.DUPLICATE),
        ({"tones": tones(mark=1.9, clear_mark=0.9, kept_in_tone=0.95), "retoned": 6.0}, VerdictKind.DUPLICATE),
        ({"tones": tones(spot=7.1, off_in_tone=7.1, kept_in_tone=0.95)}, VerdictKind.ALTERED),
        ({"tones": tones(spot=6.9, off_in_tone=9.0, kept_in_tone=0.95)}, VerdictKind.DUPLICATE),
        ({"tones": tones(spot=9.0, off_in_tone=6.9, kept_in_tone=0.95)}, VerdictKind.DUPLICATE),
        ({"tones": tones(spot=9.0, off_in_tone=9.0, kept_in_tone=0.85)}, VerdictKind.DUPLICATE),
        ({"tones": tones(mark=1.1, color_off=2.9)}, VerdictKind.ALTERED),
        ({"tones": tones(mark=2.1, color_off=3.1), "retoned": 6.0}, VerdictKind.ALTERED),
        ({"tones": dataclasses.replace(TINTED_PAGE, off_balance=1.1)}, VerdictKind.DUPLICATE),
        ({"tones": dataclasses.replace(TINTED_PAGE, off_balance=1.1, ground=9.0)}, VerdictKind.DUPLICATE),
        ({"tones": dataclasses.replace(TINTED_PAGE, off_balance=1.3)}, VerdictKind.COLOR_VARIANT),
        ({"tones": dataclasses.replace(TINTED_PAGE, off_balance=1.1, ground=0.5)}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.0, "tones": tones(hue=9.0, off_balance=1.1)}, VerdictKind.DUPLICATE),
        ({"color_residual": 9.0, "tones": tones(hue=9.0, off_balance=1.3)}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.0, "plain_share": 0.5, "tones": leveled(ground=9.0)}, VerdictKind.DUPLICATE),
        ({"color_residual": 9.0, "plain_share": 0.5, "tones": leveled(ground=0.5)}, VerdictKind.COLOR_VARIANT),
        ({"color_residual": 9.0, "plain_share": 0.5, "tones": leveled()}, VerdictKind.COLOR_VARIANT),
        (
            {"color_residual": 9.0, "plain_share": 0.5, "tones": leveled(ground=9.0, channels=1.1)},
            VerdictKind.COLOR_VARIANT,
        ),
        ({"tones": tones(spot=11.9)}, VerdictKind.DUPLICATE),
        ({"tones": tones(spot=12.1)}, VerdictKind.ALTERED),
        ({"tones": tones(spot=9.5, kept=0.6)}, VerdictKind.DUPLICATE),
        ({"tones": tones(spot=9.7, kept=0.6)}, VerdictKind.ALTERED),
        ({"texture": 0.0, "blocks": 12, "metrics": ColorMetrics(9.0, 9.0, 0.5)}, VerdictKind.DISTINCT),
        ({"texture": 0.0, "blocks": 120, "metrics": ColorMetrics(9.0, 9.0, 0.5)}, VerdictKind.DUPLICATE),
    ],
)
def test_each_threshold_decides(changes, kind):
    assert decide(measurement(**changes)).kind is kind


def test_a_measurement_is_judged_alike_after_it_was_stored():
    found = measure_images(working(packshot()), working(lettered(packshot())))
    again = PairMeasurement.from_dict(json.loads(json.dumps(found.as_dict())), found.regions, found.sides)
    assert again == found
    assert PairMeasurement.from_dict(found.as_dict() | {"version": 1}) is None


@pytest.mark.parametrize(
    ("changes", "colors"),
    [
        ({}, "the rest has the same colors (0.5)"),
        ({"color_residual": 4.2}, "colors differ beyond exposure and white balance (4.2 > 3.8)"),
        ({"color_residual": 9.0, "tones": tones()}, "only the tone differs (hue 0.5, light 0.5)"),
        (
            {"color_residual": 9.0, "tones": tones(hue=9.0, channels=1.0)},
            "only the tone differs (a curve for each channel leaves 1.0)",
        ),
        ({"color_residual": 9.0, "tones": tones(hue=9.0, kept=0.7)}, "a part has other colors, and 70% has the same"),
        (
            {"tones": tones(least_color=0.1)},
            "one of them has lost its colors or was toned (0.1 beside 5.0, tint 1.0)",
        ),
    ],
)
def test_an_altered_picture_is_said_to_have_the_same_colors_only_where_it_has(changes, colors):
    verdict = decide(measurement(worst=0.6, reshaped=0.5, reshaped_share=0.1, altered_share=0.05, **changes))
    assert (verdict.kind, verdict.reasons[1]) == (VerdictKind.ALTERED, colors)


def test_letters_on_the_ground_beside_a_thing_do_not_make_its_picture_framed_differently():
    """The ground was trimmed of both, and that of the lettered one reaches farther."""
    marked = packshot()
    ImageDraw.Draw(marked).text((10, 250), "SAMPLE", fill=(200, 60, 60), font_size=30)
    measured = measure_images(working(packshot()), working(marked))
    assert measured.coverage < 0.97
    assert not [reason for reason in decide(measured).reasons if "framed" in reason]


def test_the_same_bytes_are_identical_whatever_was_measured():
    assert decide(measurement(structure=0.0), same_bytes=True).kind is VerdictKind.IDENTICAL


def test_whatever_strict_calls_a_duplicate_balanced_and_loose_do_too():
    random = np.random.default_rng(1)
    for _ in range(500):
        drawn = measurement(
            structure=random.random(),
            color_residual=random.random() * 6,
            coverage=random.random(),
            plain_share=random.random(),
        )
        kinds = [decide(drawn, policy).kind is VerdictKind.DUPLICATE for policy in (STRICT, BALANCED, LOOSE)]
        assert kinds == sorted(kinds)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_structure": 1.2},
        {"min_coverage": -0.1},
        {"max_color_residual": 300.0},
        {"min_altered_structure": 0.9},
    ],
)
def test_a_threshold_out_of_range_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Policy(**wrong)


def test_every_threshold_has_its_place_in_the_documentation():
    source = Path(policy_module.__file__).read_text(encoding="utf-8")
    page = (Path(__file__).parents[2] / "docs" / "thresholds.md").read_text(encoding="utf-8")
    headings = {line.strip("# ").lower().replace(" ", "-") for line in page.splitlines() if line.startswith("#")}
    anchors = re.findall(r"# docs/thresholds\.md#([a-z-]+)", source)
    assert len(anchors) == len(dataclasses.fields(Policy))
    assert set(anchors) <= headings


def test_a_value_and_its_limit_are_told_with_as_many_digits_as_it_takes():
    assert decide(measurement(color_residual=3.804)).reasons[1].endswith("(3.804 > 3.800)")
    assert decide(measurement(color_residual=9.04)).reasons[1].endswith("(9.0 > 3.8)")
