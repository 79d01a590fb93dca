"""A transparent picture is looked at on a ground that shows it, and found again as people flatten it."""

from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFont

from dedup_core import FingerprintIndex, compare, extract_features
from dedup_core.decoding.decoder import decode
from tests.core.pictures import encoded


def logo(word, color):
    picture = Image.new("RGBA", (400, 200))
    ImageDraw.Draw(picture).text((20, 50), word, color, ImageFont.load_default(90))
    return picture


def flattened(picture, ground):
    below = Image.new("RGBA", picture.size, ground)
    buffer = BytesIO()
    Image.alpha_composite(below, picture).convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


@pytest.mark.parametrize(("color", "level"), [("black", 255), ("crimson", 255), ("white", 0), ("#fafafa", 0)])
def test_the_ground_is_white_unless_that_hides_the_ink(color, level):
    assert decode(encoded(logo("maple", color))).pixels[0, 0].tolist() == [level] * 3


def test_black_ink_beside_white_ink_lies_on_gray():
    both = Image.alpha_composite(logo("black", "black"), logo("           white", "white"))
    assert decode(encoded(both)).pixels[0, 0].tolist() == [128] * 3


def white_bag(shade):
    """A packshot of something nearly white, cut out: shades along its outline, a highlight in the middle."""
    picture = Image.new("RGBA", (300, 400))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((50, 80, 250, 370), 40, (shade, shade, shade, 255))
    pen.rounded_rectangle((58, 90, 242, 360), 36, (252, 252, 252, 255))
    pen.arc((100, 30, 200, 140), 180, 360, (shade, shade, shade, 255), 8)
    pen.text((90, 200), "linen", (150, 150, 160, 255), ImageFont.load_default(50))
    return picture


def test_what_is_nearly_white_lies_on_white_if_its_shades_show_it():
    assert decode(encoded(white_bag(222))).pixels[0, 0].tolist() == [255] * 3
    assert decode(encoded(white_bag(248))).pixels[0, 0].tolist() == [0] * 3


def test_a_white_packshot_is_a_duplicate_of_its_copy_on_white():
    assert compare(encoded(white_bag(222)), flattened(white_bag(222), "white")).kind == "duplicate"


def test_a_small_white_name_beside_a_large_mark_is_not_lost():
    mark = logo("", "black")
    ImageDraw.Draw(mark).ellipse((20, 20, 180, 180), "black")
    ImageDraw.Draw(mark).text((230, 90), "co.", "white", ImageFont.load_default(50))
    assert decode(encoded(mark)).pixels[0, 0].tolist() == [128] * 3


def test_an_opaque_picture_with_an_alpha_channel_is_what_it_is_without():
    white = Image.new("RGBA", (60, 40), "white")
    assert decode(encoded(white)).pixels.min() == 255


@pytest.mark.parametrize("ground", ["black", "gray", "navy"])
def test_a_white_logo_is_found_again_on_any_ground_that_shows_it(ground):
    index = FingerprintIndex()
    for number, word in enumerate(("maple", "birch")):
        index.add(f"{number:032x}", extract_features(encoded(logo(word, "white"))).fingerprints)
    hits = index.search(extract_features(flattened(logo("birch", "white"), ground)).fingerprints)
    assert hits[0].image_id == f"{1:032x}"


def test_a_colored_logo_is_found_again_on_black():
    index = FingerprintIndex()
    index.add("0" * 32, extract_features(encoded(logo("linden", "orange"))).fingerprints)
    assert index.search(extract_features(flattened(logo("linden", "orange"), "black")).fingerprints)
