"""Copies with more or less saturation, as editors make it, and local contrast: only what they clip differs besides."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from dedup_core import VerdictKind
from dedup_core.comparison.detail.color_marks import color_outlier
from dedup_core.comparison.measurement import STANDS_OUT
from dedup_core.comparison.tones.exposure import Blocks
from dedup_core.comparison.tones.saturation import off_saturation
from tests.core.pictures import hue_shifted, jpeg, scene
from tests.core.test_one_tone import lights
from tests.core.verdicts import kind_of

type Change = Callable[[Image.Image], Image.Image]


def thing_in_gray(seed: int) -> Image.Image:
    """A blue thing in a picture that has no color elsewhere."""
    gray, mask = scene(seed).convert("L").convert("RGB"), Image.new("L", scene(seed).size)
    ImageDraw.Draw(mask).ellipse((150, 60, 330, 330), fill=255)
    blue = Image.blend(scene(seed + 50), Image.new("RGB", gray.size, (40, 70, 190)), 0.75)
    return Image.composite(blue, gray, mask.filter(ImageFilter.GaussianBlur(2)))


def of_luma(times: float) -> Change:
    return lambda image: ImageEnhance.Color(image).enhance(times)


def of_value(times: float) -> Change:
    """The saturation of HSV."""

    def change(image: Image.Image) -> Image.Image:
        pixels = np.asarray(image).astype(np.float32)
        most = pixels.max(axis=2, keepdims=True)
        return Image.fromarray((most + times * (pixels - most)).clip(0, 255).round().astype(np.uint8))

    return change


def of_lightness(times: float) -> Change:
    """The saturation of HSL, at most 1."""

    def change(image: Image.Image) -> Image.Image:
        pixels = np.asarray(image).astype(np.float32)
        most, least = pixels.max(axis=2, keepdims=True), pixels.min(axis=2, keepdims=True)
        middle = (most + least) / 2
        room = 2 * np.minimum(middle, 255 - middle) / np.maximum(most - least, 1e-3)
        more = np.minimum(times, np.maximum(room, 1.0)) if times > 1 else times
        return Image.fromarray((middle + more * (pixels - middle)).clip(0, 255).round().astype(np.uint8))

    return change


def vivid(seed: int) -> Image.Image:
    pixels = np.asarray(scene(seed)).astype(float)
    gray = pixels.mean(axis=2, keepdims=True)
    return Image.fromarray((gray + 1.6 * (pixels - gray)).clip(0, 255).astype(np.uint8))


def colored_in_otherwise(seed: int) -> Image.Image:
    """The luma of one scene and the strong colors of another: edges of color that gray does not show."""
    luma, (_, blue, red) = scene(seed).convert("YCbCr").getchannel(0), vivid(seed + 20).convert("YCbCr").split()
    return Image.merge("YCbCr", (luma, blue, red)).convert("RGB")


def test_scene_is_a_duplicate_where_only_its_one_color_is_stronger_or_paler() -> None:
    changes = {"paler": of_luma(0.5), "of value": of_value(0.6), "of lightness": of_lightness(0.6)}
    kinds = {
        (name, seed): kind_of(thing_in_gray(seed), jpeg(change(thing_in_gray(seed)), 90))
        for name, change in changes.items()
        for seed in (1, 2, 3)
    }
    assert set(kinds.values()) == {VerdictKind.DUPLICATE}, kinds


@pytest.mark.parametrize(
    ("picture", "change"),
    [(scene(7), of_luma(1.8)), (colored_in_otherwise(13), of_lightness(0.6)), (lights(), of_value(0.6))],
    ids=["channels are clipped", "gray values change", "small lamps"],
)
def test_saturated_copy_is_a_duplicate(picture: Image.Image, change: Change) -> None:
    assert kind_of(picture, jpeg(change(picture), 90)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("degrees", [60, 180])
def test_thing_of_another_hue_in_a_gray_picture_is_no_duplicate(degrees: int) -> None:
    picture = thing_in_gray(1)
    assert kind_of(picture, jpeg(hue_shifted(picture, degrees), 90)) is not VerdictKind.DUPLICATE


def test_gray_copy_of_a_picture_of_one_color_is_no_duplicate() -> None:
    picture = thing_in_gray(2)
    assert kind_of(picture, picture.convert("L").convert("RGB")) is not VerdictKind.DUPLICATE


def test_other_thing_in_a_saturated_copy_is_seen() -> None:
    picture = colored_in_otherwise(13)
    edited = picture.copy()
    edited.paste(picture.crop((40, 40, 90, 80)), (300, 200))
    assert kind_of(picture, jpeg(of_lightness(0.6)(edited), 90)) is VerdictKind.ALTERED


def blocks_of(left: Image.Image, right: Image.Image) -> Blocks:
    ours, theirs = (np.asarray(it.resize((192, 144))) for it in (left, right))
    return Blocks.of(ours, theirs, np.ones(ours.shape[:2], dtype=np.float32))


def test_one_saturation_explains_either_of_two_pictures_and_no_other_hue() -> None:
    picture = scene(4)
    there, back = (off_saturation(blocks_of(*pair)) for pair in ((picture, of_luma(1.6)(picture)),) * 2)
    assert there is not None
    assert there < 0.5
    assert back == there
    assert off_saturation(blocks_of(picture, hue_shifted(picture, 60))) is None
    assert off_saturation(blocks_of(picture, of_luma(0.2)(picture))) is None, "next to gray"
    assert off_saturation(blocks_of(picture.convert("L").convert("RGB"), picture.convert("L").convert("RGB"))) is None


def local_light(image: Image.Image) -> Image.Image:
    """Every other square darker by so much that strong colors are clipped, as local contrast does it to luma."""
    squares = np.indices((image.height, image.width)).sum(axis=0) // 60 % 2
    return Image.fromarray((np.asarray(image).astype(int) - 70 * squares[..., None]).clip(0, 255).astype(np.uint8))


def ringed(image: Image.Image) -> Image.Image:
    copy = image.copy()
    ImageDraw.Draw(copy).ellipse((200, 140, 260, 200), outline=(200, 30, 40), width=6)
    return copy


def test_colors_that_local_contrast_clips_are_no_mark_and_a_ring_is() -> None:
    picture = vivid(5)
    left, lit, marked = (np.asarray(it) for it in (picture, local_light(picture), local_light(ringed(picture))))
    assert color_outlier(left, lit, 480).times <= STANDS_OUT
    assert color_outlier(left, marked, 480).times > STANDS_OUT
