"""The demo's pictures are what their names promise."""

import sys
from io import BytesIO
from subprocess import run

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from demo import variants
from demo.photographs import FILES, MissingPhotographError, photograph
from demo.pictures import Picture, allowed_verdicts, is_to_be_found
from tests.demo.outcomes import every_picture


@pytest.fixture(scope="module")
def by_name() -> dict[str, Picture]:
    return {picture.name: picture for picture in every_picture()}


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def difference(left: Image.Image, right: Image.Image) -> float:
    """Mean absolute difference in levels."""
    channels = ImageStat.Stat(ImageChops.difference(left.convert("RGB"), right.convert("RGB"))).mean
    return sum(channels) / len(channels)


def test_every_photograph_is_read_without_importing_the_package_that_ships_it():
    program = (
        "import sys; from demo.photographs import FILES, photograph; [photograph(name) for name in FILES]; "
        "sys.exit(any(name.split('.')[0] in ('skimage', 'sklearn', 'scipy') for name in sys.modules))"
    )
    assert run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_missing_photograph_names_the_package_and_the_remedy(monkeypatch):
    monkeypatch.setitem(FILES, "gone.jpg", ("scikit-image", "skimage/data/gone.jpg"))
    with pytest.raises(MissingPhotographError, match=r"gone\.jpg is missing from scikit-image: run `make setup`"):
        photograph("gone.jpg")


def test_names_are_unique_and_every_original_is_uploaded_too(by_name):
    assert len(by_name) == len(every_picture())
    assert {picture.original for picture in by_name.values()} <= set(by_name)


def test_the_copy_has_the_same_bytes(by_name):
    assert by_name["china-copy.jpg"].data == by_name["china.jpg"].data


def test_the_exif_variant_holds_the_same_coded_pixels_and_is_shown_turned(by_name):
    stored, turned = opened(by_name["china.jpg"].data), opened(by_name["china-exif-turned.jpg"].data)
    assert stored.tobytes() == turned.tobytes()
    assert ImageOps.exif_transpose(turned).tobytes() == stored.transpose(Image.Transpose.ROTATE_90).tobytes()


def test_the_turned_variant_has_turned_pixels_and_no_exif(by_name):
    original, turned = opened(by_name["coffee.png"].data), opened(by_name["coffee-turned.jpg"].data)
    assert not turned.getexif()
    assert difference(turned, original.transpose(Image.Transpose.ROTATE_90)) < 3


def test_the_brighter_variant_is_twelve_levels_brighter():
    grey = BytesIO()
    Image.new("RGB", (64, 64), (100, 100, 100)).save(grey, "PNG")
    assert opened(variants.brighter(grey.getvalue())).getpixel((30, 30)) == (112, 112, 112)


def test_the_watermark_changes_a_small_part_only(by_name):
    original, marked = opened(by_name["china.jpg"].data), opened(by_name["china-watermark.jpg"].data)
    changed = ImageChops.difference(original, marked).convert("L").point(lambda level: 255 if level > 60 else 0)
    left, top, *_ = changed.getbbox()
    assert left > marked.width / 2
    assert top > marked.height * 0.85
    assert 0.001 < ImageStat.Stat(changed).mean[0] / 255 < 0.02


def test_the_hue_shifted_variant_keeps_lightness_apart_from_color(by_name):
    red, green, _ = opened(by_name["coffee.png"].data).getpixel((300, 300))
    shifted_red, shifted_green, _ = opened(by_name["coffee-hue.jpg"].data).getpixel((300, 300))
    assert red > green
    assert shifted_green > shifted_red


def test_the_grey_variant_has_no_color(by_name):
    assert opened(by_name["coffee-grey.jpg"].data).mode == "L"


def test_the_round_corners_are_transparent(by_name):
    picture = opened(by_name["chelsea-corners.png"].data)
    assert picture.getpixel((0, 0))[3] == 0
    assert picture.getpixel((225, 150))[3] == 255


def test_the_large_photograph_has_twelve_megapixels_and_its_web_version_the_same_frame(by_name):
    large, web = opened(by_name["flower-12mp.jpg"].data), opened(by_name["flower-web.jpg"].data)
    assert large.size == (4000, 3000)
    assert difference(large.resize(web.size), web) < 4


@pytest.mark.parametrize("name", ["broken.jpg", "letter.jpg"])
def test_the_broken_files_cannot_be_opened(by_name, name):
    with pytest.raises(OSError, match=r"cannot identify|Truncated"):
        opened(by_name[name].data).load()


def test_a_variant_in_other_colors_must_be_a_color_variant_of_each_of_its_family(by_name):
    grey, hue, original = by_name["coffee-grey.jpg"], by_name["coffee-hue.jpg"], by_name["coffee.png"]
    assert allowed_verdicts(original, grey) == allowed_verdicts(grey, hue) == {"color_variant"}
    assert allowed_verdicts(original, by_name["coffee-turned.jpg"]) == {"identical", "duplicate"}
    assert allowed_verdicts(original, by_name["rocket.jpg"]) == {"distinct"}
    assert allowed_verdicts(by_name["china.jpg"], by_name["china-copy.jpg"]) == {"identical"}


def test_only_pairs_with_the_original_have_to_be_found(by_name):
    original, mirrored, turned = (by_name[f"coffee{end}"] for end in (".png", "-mirrored.jpg", "-turned.jpg"))
    assert is_to_be_found(original, mirrored)
    assert not is_to_be_found(mirrored, turned)
    assert not is_to_be_found(original, by_name["rocket.jpg"])
