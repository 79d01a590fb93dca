"""Features of an image: taken from its bytes alone, and the same again after a trip through table columns."""

import hashlib

import pytest
from PIL import Image

from dedup_core.errors import ImageTooLarge, UnreadableImage
from dedup_core.extraction import extract_features
from dedup_core.features import ImageFeatures
from dedup_core.fingerprinting.record import SCHEME
from dedup_core.limits import DecodeLimits
from tests.core.drawings import drawn, photo_bytes
from tests.core.pictures import encoded


def test_features_survive_the_trip_through_table_columns():
    features = extract_features(photo_bytes("coffee.png"))
    columns = features.to_columns()
    assert {type(value) for value in columns.values()} == {int, str, bytes}
    assert all(len(value) < 64 * 1024 for value in columns.values() if isinstance(value, bytes))
    again = ImageFeatures.from_columns(columns | {"path": "images/coffee.png"})
    assert again == features
    assert (again.palette == features.palette).all()
    assert (again.histogram == features.histogram).all()
    assert (again.layout == features.layout).all()


def test_features_name_the_file_and_its_upright_size():
    data = encoded(drawn(1, 300, 200), "JPEG")
    features = extract_features(data)
    assert (features.width, features.height, features.format) == (300, 200, "JPEG")
    assert features.sha256 == hashlib.sha256(data).hexdigest()
    assert features.fingerprints.content == hashlib.sha256(data).digest()[:8]
    assert (features.byte_size, features.scheme) == (len(data), SCHEME)
    assert 0 < features.quality <= 100


def test_equal_bytes_have_equal_features_and_others_do_not():
    left, right = encoded(drawn(1)), encoded(drawn(2))
    assert extract_features(left) == extract_features(left)
    assert hash(extract_features(left)) == hash(extract_features(left))
    assert extract_features(left) != extract_features(right)


def test_a_single_pixel_has_features_but_no_hash():
    features = extract_features(encoded(Image.new("RGB", (1, 1), "red")))
    assert features.fingerprints.is_flat
    assert features.quality == 0
    assert ImageFeatures.from_columns(features.to_columns()) == features


def test_bytes_that_are_no_image_and_images_over_the_limit_are_refused():
    with pytest.raises(UnreadableImage):
        extract_features(b"no picture at all")
    with pytest.raises(ImageTooLarge):
        extract_features(encoded(drawn(1)), DecodeLimits(max_pixels=1000))


def test_columns_of_another_scheme_or_with_a_gap_are_refused():
    columns = extract_features(encoded(drawn(1))).to_columns()
    with pytest.raises(ValueError, match="scheme 99"):
        ImageFeatures.from_columns(columns | {"scheme": 99})
    with pytest.raises(ValueError, match="'palette' is missing"):
        ImageFeatures.from_columns({name: value for name, value in columns.items() if name != "palette"})
    with pytest.raises(ValueError, match="'width' holds no number"):
        ImageFeatures.from_columns(columns | {"width": "wide"})
