"""A picture that was enlarged by less than two has the true pixels that it had, whatever the filter was."""

import pytest
from PIL import Image

from tests.core.pictures import encoded
from tests.core.test_provenance import photograph, provenance


def scaled(picture: Image.Image, factor: float, resampling: Image.Resampling) -> Image.Image:
    size = round(picture.width * factor), round(picture.height * factor)
    return picture.resize(size, resampling)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 95})])
@pytest.mark.parametrize("factor", [1.3, 1.5, 1.7])
@pytest.mark.parametrize("resampling", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC], ids=lambda it: it.name)
def test_an_enlargement_by_less_than_two_is_seen(kind, options, factor, resampling):
    found = provenance(encoded(scaled(photograph(), factor, resampling), kind, **options))
    assert 480 / 1.5 <= found.detail_side <= 480 * 1.21


@pytest.mark.parametrize("factor", [0.6, 2 / 3, 0.75, 0.8, 0.9])
def test_a_picture_that_was_made_smaller_has_all_its_pixels(factor):
    smaller = scaled(photograph(), factor, Image.Resampling.BICUBIC)
    assert provenance(encoded(smaller, "PNG")).detail_side == smaller.width
