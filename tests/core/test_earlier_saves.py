"""What was a JPEG before shows it after its tones were changed, and after it was mirrored, cropped or sharpened."""

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from dedup_core.decoding.history.block_grid import NO_GRID, block_grid
from tests.core.pictures import encoded
from tests.core.test_provenance import photograph, provenance, saved


def pale(side: int = 480) -> Image.Image:
    """A photograph with a fourth of the contrast: as smooth as most are."""
    return photograph(side=side).point([96 + tone // 4 for tone in range(256)] * 3)


def powered(picture: Image.Image, power: float) -> Image.Image:
    return picture.point([round(255 * (tone / 255) ** power) for tone in range(256)] * 3)


@pytest.mark.parametrize("power", [0.5, 0.6, 0.8, 1.3, 1.8])
def test_tones_that_were_changed_along_a_curve_do_not_hide_an_earlier_save(power: float):
    found = provenance(encoded(powered(saved(photograph(), 88), power), "PNG"))
    assert found.saved_again
    assert 80 <= found.quality <= 90


@pytest.mark.parametrize("power", [0.6, 1.3])
def test_changed_tones_make_no_jpeg_of_what_was_none(power: float):
    found = provenance(encoded(powered(photograph(), power), "PNG"))
    assert (found.quality, found.saved_again) == (100, False)


@pytest.mark.parametrize(
    "change",
    [ImageOps.mirror, ImageOps.flip, lambda it: it.crop((3, 5, 470, 475)), lambda it: ImageOps.expand(it, 5, "white")],
    ids=["mirrored", "flipped", "cropped", "framed"],
)
def test_an_earlier_save_is_seen_where_its_blocks_begin_elsewhere_now(change):
    of_odd_size = pale(477)
    found = provenance(encoded(change(saved(of_odd_size, 80)), "PNG"))
    assert (abs(found.quality - 80) <= 2, found.saved_again) == (True, True)
    found = provenance(encoded(change(of_odd_size), "PNG"))
    assert (found.quality, found.saved_again) == (100, False)


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.FLIP_LEFT_RIGHT])
def test_a_turned_copy_that_is_a_jpeg_again_shows_the_earlier_save_though_its_own_blocks_are_clearer(turn):
    of_odd_size = pale(477)
    found = provenance(encoded(saved(of_odd_size, 88).transpose(turn), "JPEG", quality=95))
    assert (abs(found.quality - 88) <= 2, found.saved_again) == (True, True)
    found = provenance(encoded(of_odd_size.transpose(turn), "JPEG", quality=95))
    assert (found.quality, found.saved_again) == (95, False)


def test_a_sharpened_jpeg_has_about_the_quality_that_it_had():
    sharper = ImageFilter.UnsharpMask(2, 80)
    found = provenance(encoded(saved(pale(), 88).filter(sharper), "PNG"))
    assert found.saved_again
    assert 70 <= found.quality <= 92
    assert not provenance(encoded(pale().filter(sharper), "PNG")).saved_again


def test_a_drawing_on_a_grid_of_eight_pixels_is_no_jpeg():
    cells = np.random.default_rng(1).integers(0, 6, (60, 60)).repeat(8, axis=0).repeat(8, axis=1)
    colors = np.random.default_rng(2).integers(0, 255, (6, 3)).astype(np.uint8)
    found = provenance(encoded(Image.fromarray(colors[cells]), "PNG"))
    assert (found.quality, found.saved_again) == (100, False)


def test_the_grid_tells_where_the_blocks_begin():
    luma = np.asarray(ImageOps.grayscale(saved(pale(), 80)), np.float32)
    assert block_grid(luma).place == (0, 0)
    assert block_grid(luma[3:, 6:]).place == (5, 2)
    assert block_grid(luma[:40]) is NO_GRID


@pytest.mark.parametrize(("first", "second"), [(88, 97), (75, 92)])
def test_an_earlier_save_is_seen_of_a_jpeg_that_is_halved_while_it_is_decoded(first: int, second: int):
    large = photograph(side=800).resize((1600, 1600), Image.Resampling.BICUBIC)
    found = provenance(encoded(saved(large, first), "JPEG", quality=second))
    assert (abs(found.quality - first) <= 2, found.saved_again) == (True, True)
    found = provenance(encoded(large, "JPEG", quality=second))
    assert (abs(found.quality - second) <= 1, found.saved_again) == (True, False)
