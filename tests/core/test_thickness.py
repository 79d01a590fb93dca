"""Fabrics and sheets of one pattern in another size: each edge of a dot passes for one that lies a little off."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.verdict import VerdictKind, decide
from tests.core.pictures import half, jpeg, working
from tests.core.verdicts import kind_of


def dotted(radius: int) -> Image.Image:
    """Fabric with white dots in rows, in which each second one is moved by half a step."""
    fabric = Image.new("RGB", (1200, 1200), (30, 50, 110))
    pen = ImageDraw.Draw(fabric)
    for row in range(-1, 14):
        for column in range(-1, 14):
            x, y = column * 100 + row % 2 * 50, row * 100
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), "white")
    return woven(fabric)


def striped(width: int) -> Image.Image:
    """Fabric with blue stripes."""
    fabric = Image.new("RGB", (1200, 1200), (240, 238, 230))
    pen = ImageDraw.Draw(fabric)
    for left in range(0, 1200, 100):
        pen.rectangle((left, 0, left + width, 1200), (30, 60, 120))
    return woven(fabric)


def woven(fabric: Image.Image) -> Image.Image:
    """Half as large, with a weave."""
    threads = 5 * np.sin(np.add.outer(np.arange(600) * 1.5, np.arange(600) * 1.5))
    pixels = np.asarray(half(fabric)) + threads[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(("one", "other"), [(dotted(40), dotted(34)), (striped(50), striped(40))])
def test_a_pattern_of_another_size_is_no_change_of_tone(one, other):
    assert kind_of(one, jpeg(half(other), 80)) is VerdictKind.ALTERED


@pytest.mark.parametrize("gamma", [0.6, 1.7])
def test_a_pattern_in_another_tone_is_none_of_another_size(gamma):
    fabric = dotted(40)
    toned = fabric.point([round(255 * (level / 255) ** gamma) for level in range(256)] * 3)
    measured = measure_images(working(fabric), working(jpeg(half(toned), 80)))
    assert measured.detail.is_retoned
    assert measured.detail.thickened == 0.0


def test_where_edges_do_not_agree_most_blocks_have_to():
    measured = measure_images(working(dotted(28)), working(jpeg(half(dotted(46)), 75)))
    assert measured.structure < 0.8
    assert measured.detail.usual > 0.2
    assert decide(measured).kind is VerdictKind.DISTINCT
