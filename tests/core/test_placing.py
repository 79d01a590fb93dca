"""Pictures laid on each other: exactly where both keep their frame, and shrunk without moving what they show."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from dedup_core import VerdictKind, decide, measure_images
from dedup_core.comparison.alignment import align as align_module
from dedup_core.comparison.alignment.placing import Placed
from dedup_core.comparison.alignment.warp import farthest_apart, is_straight, shrunk, straightened
from dedup_core.comparison.overlap import pair_look
from dedup_core.views import View
from tests.core.pictures import cropped, jpeg, scene, working
from tests.core.test_provenance import photograph


def of_size(image: Image.Image, share: float) -> Image.Image:
    size = round(image.width * share), round(image.height * share)
    return jpeg(image.resize(size, Image.Resampling.LANCZOS), 80)


def page() -> Image.Image:
    """A picture on a white page with wide margins, which are trimmed before it is aligned."""
    image = Image.new("RGB", (480, 640), "white")
    image.paste(scene(3, (300, 400)), (90, 120))
    return image


def placed(left: Image.Image, right: Image.Image) -> Placed:
    return Placed.aligned(working(left).pixels, working(right).pixels, None)


@pytest.mark.parametrize("share", [0.31, 0.62, 0.8])
def test_what_is_shrunk_stays_in_its_place(share):
    for at in range(20, 60):
        pixels = np.zeros((100, 100, 3), np.uint8)
        pixels[40:44, at : at + 4] = 255
        small = np.asarray(shrunk(pixels, share, "L"), dtype=np.float64)
        center = (small.sum(axis=0) * (np.arange(small.shape[1]) + 0.5)).sum() / small.sum() / small.shape[1]
        assert center == pytest.approx((at + 2) / 100, abs=0.08 / small.shape[1])


@pytest.mark.parametrize("share", [0.4, 0.5, 0.77])
@pytest.mark.parametrize("picture", [scene(2), page()], ids=["scene", "page"])
def test_a_copy_of_another_size_lies_exactly_in_its_frame(picture, share):
    found = placed(picture, of_size(picture, share))
    assert found.keeps_frame
    assert found.view is View.UPRIGHT


def test_a_mirrored_copy_keeps_its_frame_and_one_that_lost_a_hundredth_does_not():
    picture = scene(2)
    assert placed(picture, picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)).keeps_frame
    assert not placed(picture, cropped(picture, 0.01, 0.0, 1.0, 1.0)).keeps_frame


def test_a_copy_of_another_size_differs_by_next_to_nothing():
    for share in (0.4, 0.5, 0.77):
        detail = measure_images(working(scene(2, (640, 480))), working(of_size(scene(2, (640, 480)), share))).detail
        assert detail.worst < 0.05
        assert detail.usual < 0.005


def test_a_weave_too_fine_to_be_seen_when_small_is_a_copy_by_what_it_shows():
    down, across = np.mgrid[0:400, 0:400]
    noise = np.random.default_rng(2).normal(0, 8, (400, 400))
    threads = 120 + 40 * np.sin(across * 2 * np.pi / 12) * np.sin(down * 2 * np.pi / 9) + noise
    weave = Image.fromarray(np.clip(threads[..., None] * (1.1, 0.8, 0.7), 0, 255).astype(np.uint8))
    for share in (0.5, 0.62):
        verdict = decide(measure_images(working(weave), working(of_size(weave, share))))
        assert verdict.kind is VerdictKind.DUPLICATE


def stripe(ground: str) -> Image.Image:
    """Noise four pixels high in a plain border: without the lines in which the border shows, nothing is left of it."""
    image = Image.new("RGB", (60, 16), ground)
    noise = np.random.default_rng(3).integers(0, 256, (4, 60, 3), dtype=np.uint8)
    image.paste(Image.fromarray(noise), (0, 6))
    return image


@pytest.mark.parametrize("other", [stripe("black"), stripe("white").resize((120, 32)), scene(2, (60, 16))])
def test_what_is_as_thin_as_the_edges_of_its_border_is_compared(other):
    ours, theirs = working(stripe("white")), working(other)
    assert decide(measure_images(ours, theirs)).kind is decide(measure_images(theirs, ours)).kind


def test_a_crop_is_only_scaled_and_shifted_and_a_turned_copy_is_turned():
    picture = scene(2, (640, 480))
    assert placed(picture, jpeg(cropped(picture, 0.05, 0.1, 0.9, 1.0), 85)).is_straight
    assert not placed(picture, picture.rotate(1, Image.Resampling.BICUBIC)).is_straight


def test_a_crop_that_lies_well_is_not_laid_anew(monkeypatch):
    monkeypatch.setattr(Placed, "refined", lambda *_, **__: pytest.fail("it was"))
    for box in ((0.1, 0.2, 0.8, 0.9), (0.25, 0.0, 0.75, 1.0), (0.05, 0.05, 0.95, 0.95)):
        verdict = decide(measure_images(working(photograph()), working(jpeg(cropped(photograph(), *box), 85))))
        assert verdict.kind is VerdictKind.DUPLICATE


def test_what_lies_where_it_lay_when_it_is_laid_finely_is_not_looked_at_twice(monkeypatch):
    form, other = page(), page()
    ImageDraw.Draw(other).rectangle((200, 300, 260, 330), fill="black")
    look_closer, looks = pair_look.look_closer, []
    monkeypatch.setattr(pair_look, "look_closer", lambda it, **how: looks.append(it) or look_closer(it, **how))
    assert decide(measure_images(working(form), working(other))).kind is VerdictKind.ALTERED
    assert looks[0].refined(rough=False).shows_the_same_as(looks[0])
    assert [it.left.shape for it in looks].count(looks[0].left.shape) == 1


def test_a_copy_in_its_frame_is_not_searched_for_and_one_that_lost_a_fiftieth_is(monkeypatch):
    refined, searches = align_module._refined, []
    monkeypatch.setattr(align_module, "_refined", lambda *given: searches.append(given) or refined(*given))
    assert placed(photograph(1024), of_size(photograph(1024), 0.6)).keeps_frame
    assert not searches
    assert not placed(photograph(1024), cropped(photograph(1024), 0.02, 0.0, 1.0, 1.0)).keeps_frame
    assert searches


def shirt(period: int) -> Image.Image:
    """A striped shirt before white."""
    stripes = np.where((np.arange(700) % period) < period / 2, 230, 60).astype(np.uint8)
    outline = [(120, 120), (260, 60), (440, 60), (580, 120), (640, 260), (540, 300), (520, 740), (180, 740), (160, 300)]
    cut = Image.new("L", (700, 788))
    ImageDraw.Draw(cut).polygon([*outline, (60, 260)], fill=255)
    image = Image.new("RGB", cut.size, "white")
    image.paste(Image.fromarray(np.broadcast_to(stripes[None, :, None], (788, 700, 3)).copy()), mask=cut)
    return image


@pytest.mark.parametrize(("period", "share"), [(15, 0.5), (17, 0.5), (23, 0.5), (23, 0.9), (25, 0.4)])
def test_stripes_do_not_slide_out_of_their_frame(period, share):
    found = placed(shirt(period), of_size(shirt(period), share))
    assert found.keeps_frame


@pytest.mark.parametrize("border", [3, 5, 8])
@pytest.mark.parametrize("size", [(47, 61), (50, 46), (40, 28)])
def test_all_of_a_small_picture_in_a_border_is_shown_by_both(size, border):
    small = scene(2, size)
    found = measure_images(working(small), working(jpeg(ImageOps.expand(small, border, "white"), 90)))
    assert decide(found).kind is VerdictKind.DUPLICATE
    assert found.inner_coverage > 0.99
    assert (found.sides.left.shared, found.sides.right.shared) == (1.0, 1.0)


def test_a_turn_too_small_to_matter_is_left_out_about_the_middle():
    left, turn = np.zeros((384, 512, 3), np.uint8), np.radians(0.05)
    cos, sin = np.cos(turn), np.sin(turn)
    homography = np.array([[cos, -sin, 0.1], [sin, cos, -0.2], [0.0, 0.0, 1.0]])
    straight = straightened(homography, left, 1 / 512)
    assert is_straight(straight)
    assert farthest_apart(homography, straight, left) < 0.25 / 512
    assert straightened(homography, left, 0.2 / 512) is homography
