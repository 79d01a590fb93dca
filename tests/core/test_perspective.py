"""A picture seen at an angle, as one on a screen or a print is, shows all that the picture does."""

import pytest
from PIL import Image

from dedup_core import VerdictKind, decide, measure_images
from tests.core.pictures import in_perspective, jpeg, scene, working

LEAN = 0.12  # of a side, by which the farthest corner is drawn in


def seen_at_an_angle(image: Image.Image, lean: float) -> Image.Image:
    """The picture on a table: each corner drawn in by another share of the sides."""
    width, height = image.size
    seen = [(lean * width, 0), (width, 0.6 * lean * height)]
    seen += [(width * (1 - lean / 2), height), (0, height * (1 - 0.4 * lean))]
    return in_perspective(image, seen, image.size, (120, 110, 100))


@pytest.mark.parametrize("seed", [1, 3, 7])
def test_it_is_a_duplicate_and_every_part_and_color_lies_where_it_belongs(seed):
    image = scene(seed, (900, 640))
    measured = measure_images(working(image), working(jpeg(seen_at_an_angle(image, LEAN), 85)))
    assert decide(measured).kind is VerdictKind.DUPLICATE
    assert measured.detail is not None
    assert measured.detail.usual < 0.003  # 0.006 to 0.009 after two steps, which leave corners a pixel off


def test_another_mark_on_it_is_seen():
    image = scene(1, (900, 640))
    marked = image.copy()
    marked.paste((250, 250, 250), (400, 300, 440, 330))
    seen = working(jpeg(seen_at_an_angle(marked, LEAN), 85))
    assert decide(measure_images(working(image), seen)).kind is VerdictKind.ALTERED
