"""A file tells how far it is from its camera: true pixels, earlier saves, EXIF."""

import io
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from dedup_core.decoding.history.jpeg_tables import quality_seen_later
from dedup_core.decoding.history.provenance import LOSSLESS, REDUCED
from dedup_core.extraction import extract_features
from tests.core.drawings import photo_bytes, plan
from tests.core.pictures import encoded, scene


def photograph(seed: int = 3, side: int = 480) -> Image.Image:
    """A picture with the spectrum of a photograph, and with noise as a sensor makes it."""
    return _photograph(seed, side).copy()


@cache
def _photograph(seed: int, side: int) -> Image.Image:
    chance = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    waves = np.fft.fft2(chance.normal(size=(side, side))) / np.maximum(frequency, 1 / side)
    plane = np.real(np.fft.ifft2(waves))
    plane = 128 + 45 * (plane - plane.mean()) / plane.std() + chance.normal(0, 2, plane.shape)
    colors = np.stack([plane, plane * 0.9 + 8, plane * 0.8 + 20], axis=2)
    return Image.fromarray(colors.clip(0, 255).astype(np.uint8))


def provenance(data: bytes):
    return extract_features(data).provenance


def saved(picture: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encoded(picture, "JPEG", quality=quality))).convert("RGB")


def test_what_was_never_a_jpeg_is_lossless_and_sharp():
    found = provenance(encoded(photograph(), "PNG"))
    assert (found.quality, found.saved_again, found.detail_side) == (100, False, 480)


@pytest.mark.parametrize("quality", [60, 80, 90])
def test_blocks_of_another_codec_are_no_grid_of_a_jpeg(quality):
    small = Image.open(io.BytesIO(photo_bytes("astronaut.png"))).resize((256, 256))
    assert not provenance(encoded(small, "WEBP", quality=quality)).saved_again


@pytest.mark.parametrize("quality", [60, 75, 85])
def test_a_jpeg_has_the_quality_of_its_tables(quality):
    found = provenance(encoded(photograph(), "JPEG", quality=quality))
    assert abs(found.quality - quality) <= 2
    assert not found.saved_again


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 96})])
def test_saving_again_brings_nothing_back(kind, options):
    found = provenance(encoded(saved(photograph(), 75), kind, **options))
    assert abs(found.quality - 75) <= 2
    assert found.saved_again


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_enlarged_picture_has_the_true_pixels_that_it_had(factor, kind):
    small = photograph().resize((480 // factor, 480 // factor), Image.Resampling.LANCZOS)
    found = provenance(encoded(small.resize((480, 480), Image.Resampling.BICUBIC), kind))
    assert 480 / factor / 1.2 <= found.detail_side <= 480 / factor * 1.2


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [(2, 300), (300, 2), (1, 300)])
def test_a_picture_two_pixels_wide_shows_nothing_of_what_it_was_made_from(size):
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
    assert provenance(encoded(Image.fromarray(noise), "PNG")).detail_side == 300


def test_a_camera_is_named_in_exif():
    exif = Image.Exif()
    assert not provenance(encoded(scene(1), "JPEG", exif=exif)).has_camera_data
    exif[271] = "Canon"
    for kind in ("JPEG", "PNG", "WEBP"):
        assert provenance(encoded(scene(1), kind, exif=exif)).has_camera_data


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 30}), ("WEBP", {"quality": 60})])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_without_colors_is_gray_however_it_is_stored(kind, options, mode):
    gray = ImageOps.grayscale(photograph()).convert(mode)
    assert provenance(encoded(gray, kind, **options)).is_gray
    assert not provenance(encoded(photograph(), kind, **options)).is_gray


def test_one_stamp_in_color_makes_a_page_no_gray_picture():
    page = Image.new("RGB", (900, 1200), "white")
    page.paste((200, 20, 40), (700, 1000, 760, 1060))
    assert not provenance(encoded(page, "PNG")).is_gray


def test_a_plain_picture_counts_with_all_its_pixels():
    assert provenance(encoded(Image.new("RGB", (300, 200), "navy"), "PNG")).detail_side == 300


@pytest.mark.parametrize("seed", range(5))
def test_a_fine_comb_that_noise_hides_is_seen_where_many_values_lie_on_it(seed: int):
    again = provenance(encoded(saved(photograph(seed), 88), "JPEG", quality=97))
    assert (abs(again.quality - 88) <= 2, again.saved_again) == (True, True)
    first = provenance(encoded(photograph(seed), "JPEG", quality=88))
    assert (first.quality, first.saved_again) == (88, False)
    off_the_grid = provenance(encoded(saved(photograph(seed), 88).crop((3, 5, 480, 480)), "PNG"))
    assert (abs(off_the_grid.quality - 88) <= 2, off_the_grid.saved_again) == (True, True)
    raw = provenance(encoded(photograph(seed).crop((3, 5, 480, 480)), "PNG"))
    assert (raw.quality, raw.saved_again) == (100, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda it: ImageEnhance.Brightness(it).enhance(0.8),
        lambda it: ImageEnhance.Contrast(it).enhance(1.3),
        ImageOps.mirror,
        lambda it: it.transpose(Image.Transpose.ROTATE_90),
    ],
    ids=["darker", "more contrast", "mirrored", "turned"],
)
def test_what_was_changed_and_saved_better_shows_that_it_was_a_jpeg_before(change):
    found = provenance(encoded(change(saved(photograph(), 80)), "JPEG", quality=94))
    assert found.saved_again
    assert found.quality <= 82
    assert not provenance(encoded(change(photograph()), "JPEG", quality=94)).saved_again


@pytest.mark.parametrize(("saved_with", "seen"), [(74, 75), (75, 75), (80, 80), (95, 96), (20, 20), (100, 100)])
def test_of_qualities_with_the_same_steps_the_best_one_is_seen_later(saved_with, seen):
    assert quality_seen_later(saved_with) == seen


def test_an_earlier_save_with_tables_of_a_camera_is_seen():
    file = io.BytesIO()
    tables = [[6 + 3 * (place % 5) + place // 8 for place in range(64)]] * 2
    photograph().save(file, "JPEG", qtables=tables)
    assert not provenance(file.getvalue()).saved_again
    again = provenance(encoded(Image.open(file).convert("RGB"), "PNG"))
    assert again.saved_again
    assert 60 <= again.quality <= 90


def test_a_soft_picture_has_all_its_pixels():
    soft = photograph().resize((240, 240), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.6))
    assert provenance(encoded(soft, "PNG")).detail_side == 240


@pytest.mark.parametrize("corner", [(0, 0), (352, 352)])
def test_what_is_out_of_focus_in_its_middle_alone_has_all_its_pixels(corner):
    picture = photograph()
    soft = picture.filter(ImageFilter.GaussianBlur(4))
    assert provenance(encoded(soft, "PNG")).detail_side < 300
    soft.paste(picture.crop((*corner, corner[0] + 128, corner[1] + 128)), corner)
    assert provenance(encoded(soft, "PNG")).detail_side == 480


def out_of_focus(parts: int) -> Image.Image:
    """A soft picture, but for some small places between its middle and its corners: a number plate, a road sign."""
    soft = Image.new("RGB", (1280, 960))
    soft.paste(photograph().resize((1280, 960)).filter(ImageFilter.GaussianBlur(4)))
    places = [(260, 170), (760, 640), (900, 160), (300, 700), (780, 330)]
    for place in places[:parts]:
        soft.paste(photograph().resize((300, 300)).crop((60, 60, 220, 220)), place)
    return soft


def test_sharp_places_in_a_picture_that_is_out_of_focus_keep_all_its_pixels():
    assert provenance(encoded(out_of_focus(0), "JPEG", quality=90)).detail_side < 700
    assert provenance(encoded(out_of_focus(5), "JPEG", quality=90)).detail_side == 1280


@pytest.mark.parametrize("colors", [64, 256])
@pytest.mark.parametrize("dither", [Image.Dither.NONE, Image.Dither.FLOYDSTEINBERG])
def test_a_photograph_reduced_to_a_palette_has_lost_more_than_any_jpeg(colors, dither):
    reduced = photograph().quantize(colors, dither=dither)
    assert provenance(encoded(reduced, "PNG")).quality == REDUCED


@pytest.mark.parametrize(
    "drawn",
    [
        pytest.param(Image.linear_gradient("L").convert("P"), id="grays"),
        pytest.param(plan(3).quantize(256, dither=Image.Dither.NONE), id="a plan"),
        pytest.param(photograph().quantize(8, dither=Image.Dither.NONE), id="a poster of eight colors"),
    ],
)
def test_what_a_palette_holds_whole_has_lost_nothing(drawn):
    assert provenance(encoded(drawn, "PNG")).quality == LOSSLESS
