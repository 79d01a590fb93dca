"""Parts displaced against each other show another point of view; what bends or shifts the whole does not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from dedup_core import VerdictKind, decide, measure_images
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.detail.block_planes import BlockPlanes
from dedup_core.comparison.detail.displacement import displacement
from dedup_core.policy import BALANCED, LOOSE, STRICT
from dedup_core.views import View
from tests.core.pictures import bent, jpeg, scene, working

SIZE = (512, 384)
STILL = 0.2  # pixels


def displaced(left: Image.Image, right: Image.Image) -> float:
    placed = Placed.stretched(np.asarray(left), np.asarray(right), View.UPRIGHT)
    cut = placed.cut(1.0, "L", Image.Resampling.BICUBIC)
    return displacement(BlockPlanes.of(cut, (0, 0, *left.size))).pixels


def with_a_part_moved(image: Image.Image, pixels: float) -> Image.Image:
    """A round part of a tenth of the picture, moved to the right."""
    moved = image.transform(image.size, Image.Transform.AFFINE, (1, 0, -pixels, 0, 1, 0), Image.Resampling.BICUBIC)
    part = Image.new("L", image.size)
    ImageDraw.Draw(part).ellipse((180, 120, 340, 270), fill=255)
    return Image.composite(moved, image, part.filter(ImageFilter.GaussianBlur(2)))


@pytest.mark.parametrize("pixels", [1.5, 2.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_part_that_moved_is_displaced_by_about_as_much(seed, pixels):
    image = scene(seed, SIZE)
    assert 0.6 * pixels < displaced(image, with_a_part_moved(image, pixels)) < 1.4 * pixels


WHOLE = {
    "a shift": lambda _x, _y: (1.4, -0.8),
    "another zoom": lambda x, y: (1.5 * x, 1.5 * y),
    "a lens": lambda x, y: (1.5 * x * (x * x + y * y), 1.5 * y * (x * x + y * y)),
    "bent paper": lambda x, _y: (0.0, 3 * x * x),
}


@pytest.mark.parametrize("what", WHOLE)
def test_what_bends_the_whole_displaces_no_part(what):
    image = scene(3, SIZE)
    assert displaced(image, bent(image, WHOLE[what])) < STILL


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda it: it.resize((256, 192), Image.Resampling.LANCZOS).resize(SIZE, Image.Resampling.BICUBIC),
    "brighter": lambda it: it.point(lambda value: min(255, round(value * 1.2))),
    "softer": lambda it: it.filter(ImageFilter.GaussianBlur(2)),
    "with grain": lambda it: Image.blend(it, Image.effect_noise(it.size, 60).convert("RGB"), 0.15),
}


@pytest.mark.parametrize("change", COPIES)
def test_copies_lie_where_they_were(change):
    image = scene(4, SIZE)
    assert displaced(image, COPIES[change](image)) < STILL


def test_in_other_tones_the_edges_of_soft_shades_are_no_displacement():
    image = scene(5, SIZE).filter(ImageFilter.GaussianBlur(3))
    lifted = image.point(lambda value: round(255 * (value / 255) ** 0.4))
    assert decide(measure_images(working(image), working(lifted))).kind is VerdictKind.DUPLICATE


def test_nothing_is_told_of_what_shows_next_to_nothing():
    empty = Image.new("RGB", SIZE, "white")
    assert displaced(empty, empty) == 0


@pytest.mark.parametrize(("pixels", "policies"), [(0.5, ()), (0.7, (STRICT,)), (1.0, (STRICT, BALANCED))])
def test_presets_take_more_or_less_for_displaced(pixels, policies):
    image = scene(1, SIZE)
    measured = measure_images(working(image), working(jpeg(image, 90)))
    assert measured.detail is not None
    measured = replace(measured, detail=replace(measured.detail, displacement=pixels))
    altered = tuple(it for it in (STRICT, BALANCED, LOOSE) if decide(measured, it).kind is VerdictKind.ALTERED)
    assert altered == policies


def test_the_reasons_say_so_and_the_regions_where():
    image = scene(1, SIZE)
    verdict = decide(measure_images(working(image), working(jpeg(with_a_part_moved(image, 1.7), 90))))
    assert "displaced against each other" in verdict.reasons[0]
    assert verdict.regions
    assert all(0.25 < (box.left + box.right) / 2 < 0.8 for box in (region.left for region in verdict.regions))


def test_a_part_that_is_the_negative_of_the_other_is_no_obstacle():
    """The mean of both is one gray there, of which no slope tells anything."""
    image = scene(1, SIZE)
    partly = image.copy()
    partly.paste(ImageOps.invert(image.crop((100, 100, 228, 228))), (100, 100))
    assert displaced(image, partly) < STILL
