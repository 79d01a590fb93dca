"""What the library takes and refuses: bytes, Pillow images, arrays, names of presets, ids of any kind."""

import io
import pickle
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dedup_core
from dedup_core import FingerprintIndex, Hit, VerdictKind, View, compare, decide, extract_features, measure_pair
from dedup_core.errors import ImageTooLarge, UnreadableImage
from dedup_core.limits import DecodeLimits
from dedup_core.search.array_stream import ArrayWriter
from tests.core.pictures import encoded, scene

PICTURE = scene(1, (240, 180))
FILE = encoded(PICTURE)
COPY = encoded(PICTURE, "JPEG", quality=80)


@pytest.mark.parametrize("given", [FILE, bytearray(FILE), memoryview(FILE), PICTURE, np.asarray(PICTURE)])
def test_a_picture_is_compared_in_whichever_form_it_is_at_hand(given):
    assert compare(given, COPY).kind is VerdictKind.DUPLICATE
    assert compare(COPY, given).kind is VerdictKind.DUPLICATE
    assert compare(given, FILE).kind is VerdictKind.IDENTICAL
    assert measure_pair(given, COPY) == measure_pair(FILE, COPY)


@pytest.mark.parametrize("kind", ["b", "c", "B"])
def test_the_same_bytes_are_identical_whatever_a_memory_view_takes_them_for(kind):
    large = encoded(scene(1, (640, 480)))  # of which the same pixels alone do not make a pair identical
    assert compare(memoryview(large).cast(kind), large).kind is VerdictKind.IDENTICAL
    assert compare(large, memoryview(large).cast(kind)).kind is VerdictKind.IDENTICAL


def test_an_image_of_pillow_is_seen_as_it_is_shown():
    sideways = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    PICTURE.transpose(Image.Transpose.ROTATE_90).save(sideways, "PNG", exif=exif)
    opened = Image.open(sideways)
    assert compare(opened, FILE).view == View.UPRIGHT
    assert compare(opened, sideways.getvalue()).kind is VerdictKind.IDENTICAL
    transparent = PICTURE.convert("RGBA")
    transparent.putalpha(0)
    unseen = compare(transparent, Image.new("RGB", PICTURE.size, "white"))
    assert (unseen.kind, unseen.metrics.pixel_difference) == (VerdictKind.DUPLICATE, 0.0)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize("is_loaded", [False, True])
def test_an_image_that_pillow_has_opened_and_not_loaded_is_turned_once(file_format: str, *, is_loaded: bool):
    """Pillow turns a TIFF while it loads it; that was turned back or on."""
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = Image.open(io.BytesIO(encoded(PICTURE.transpose(Image.Transpose.ROTATE_90), file_format, exif=exif)))
    if is_loaded:
        opened.load()
    assert compare(opened, FILE).kind is VerdictKind.IDENTICAL


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_an_image_without_pixels_is_refused(size: tuple[int, int]):
    with pytest.raises(UnreadableImage, match=rf"has {size[0]} x {size[1]} pixels"):
        compare(Image.new("RGB", size), FILE)


@pytest.mark.parametrize("path", ["a.jpg", Path("a.jpg")])
@pytest.mark.parametrize(
    "take", [extract_features, dedup_core.decode, lambda it: compare(it, FILE), lambda it: measure_pair(FILE, it)]
)
def test_a_path_is_refused_with_what_to_hand_over_in_its_place(path, take):
    with pytest.raises(TypeError, match=r"not a path: hand over pathlib\.Path\('a\.jpg'\)\.read_bytes\(\)"):
        take(path)


def test_features_are_those_of_a_file():
    assert extract_features(bytearray(FILE)) == extract_features(memoryview(FILE)) == extract_features(FILE)
    with pytest.raises(TypeError, match="save the picture losslessly"):
        extract_features(PICTURE)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not NoneType"):
        extract_features(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("pixels", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)])
def test_another_array_is_refused_with_its_shape_and_type(pixels):
    with pytest.raises(ValueError, match=r"is \(height, width, 3\) of uint8 in sRGB, not \("):
        compare(pixels, FILE)


def test_limits_and_damage_are_told_of_pillow_images_too():
    with pytest.raises(ImageTooLarge, match="the limit is 100"):
        compare(PICTURE, FILE, limits=DecodeLimits(max_pixels=100))
    with pytest.raises(UnreadableImage):
        compare(Image.open(io.BytesIO(COPY[: len(COPY) // 2])), FILE)


def test_a_policy_goes_by_its_name():
    measured = dedup_core.measure_images(dedup_core.decode(FILE), dedup_core.decode(COPY))
    for name, policy in dedup_core.PRESETS.items():
        assert compare(FILE, COPY, name) == compare(FILE, COPY, policy)
        assert decide(measured, name) == decide(measured, policy)
    with pytest.raises(ValueError, match=r"policy is 'stirct'; it takes 'strict', 'balanced', 'loose' or a Policy"):
        compare(FILE, COPY, policy="stirct")


def test_anything_hashable_names_an_image_in_the_index():
    index = FingerprintIndex[object]()
    features = extract_features(FILE).fingerprints
    ids = [Path("photos/a.png"), ("shop", 7), "a.png", 7, "f" * 32]
    for name in ids:
        index.add(name, features)
        index.add(name, features)
    assert len(index) == len(ids)
    assert {hit.image_id for hit in index.search(features)} == set(ids)
    index.remove(7)
    index.remove("never held")
    assert {hit.image_id for hit in index.search(features)} == {*ids} - {7}
    index.add(7, features)
    assert Hit(7, 0, View.UPRIGHT) in index.search(features)


def test_an_index_is_kept_in_a_pickle_with_the_names_that_it_was_given():
    index, features = FingerprintIndex[object](), extract_features(FILE).fingerprints
    index.add(Path("a.png"), features)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Python 3.14 pickles no iterator that counts
        again = pickle.loads(pickle.dumps(index))  # noqa: S301 - our own
    again.add("b.png", features)
    assert {hit.image_id for hit in again.search(features)} == {Path("a.png"), "b.png"}


def test_an_image_that_a_late_removal_leaves_is_found_by_its_own_name():
    index, features = FingerprintIndex[object](), extract_features(FILE).fingerprints
    index.add("a.png", features, version=5)
    index.remove("a.png", version=3)
    assert ([hit.image_id for hit in index.search(features)], index.version("a.png")) == (["a.png"], 5)
    index.remove("a.png", version=7)
    index.add("a.png", features, version=6)
    assert (index.search(features), index.version("a.png")) == ([], 7)


def test_who_asks_for_the_version_of_an_unknown_image_adds_nothing():
    index = FingerprintIndex()
    assert index.version("never held") == -1
    index.write_to(ArrayWriter(bytearray().extend))


def test_the_version_is_that_of_the_package():
    project = tomllib.loads((Path(__file__).parent.parent.parent / "pyproject.toml").read_text())["project"]
    assert dedup_core.__version__ == project["version"]


def test_what_was_not_decoded_is_refused_with_what_to_do():
    image = dedup_core.decode(FILE)
    measured = dedup_core.measure_images(image, image)
    with pytest.raises(TypeError, match=r"what decode\(data\) gave, not bytes: decode the file first"):
        dedup_core.measure_images(FILE, image)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="decode the file first"):
        dedup_core.explain_png(image, FILE, measured, dedup_core.decide(measured))  # type: ignore[arg-type]


def test_features_in_place_of_their_fingerprints_are_refused_by_an_index():
    features = extract_features(FILE)
    index = dedup_core.FingerprintIndex()
    for take in (index.search, lambda it: index.add("a", it)):
        with pytest.raises(TypeError, match=r"not ImageFeatures: hand over extract_features\(data\)\.fingerprints"):
            take(features)
    assert len(index) == 0


def test_a_verdict_in_place_of_its_kind_makes_no_empty_list_of_groups():
    left, right = (dedup_core.ImagePath.parse(f"photos/{name}.jpg") for name in "ab")
    verdict = compare(FILE, COPY)
    with pytest.raises(TypeError, match=r"not Verdict: use verdict\.kind"):
        dedup_core.group_pairs([(left, right, verdict)])  # type: ignore[list-item]
    assert dedup_core.group_pairs([(left, right, verdict.kind)]) == [(left, right)]


def test_files_are_grouped_by_the_paths_that_they_have():
    """A blob's path takes `/photos/a.jpg` for a container and forgets the slash."""
    a, b, c = (Path("/photos", name) for name in "abc")
    pairs = [(b, a, VerdictKind.DUPLICATE), (b, c, VerdictKind.IDENTICAL)]
    assert dedup_core.group_pairs(pairs) == [(a, b, c)]
    copies = [dedup_core.ImageCopy(a, 20, 10), dedup_core.ImageCopy(b, 40, 20), dedup_core.ImageCopy(c, 40, 20)]
    assert dedup_core.best_copy(copies).path == b


def test_a_kind_that_is_none_makes_no_empty_list_of_groups():
    with pytest.raises(ValueError, match="'copy' is not a valid VerdictKind"):
        dedup_core.group_pairs([("a", "b", "copy")])  # type: ignore[list-item]


def test_what_was_decoded_is_equal_when_all_of_it_is():
    image = dedup_core.decode(FILE)
    assert image == dedup_core.decode(FILE)
    assert len({image, dedup_core.decode(FILE), dedup_core.decode(COPY)}) == 2
    assert image != dedup_core.decode(encoded(scene(2, (240, 180))))
    assert image != FILE


def test_an_open_file_is_refused_with_what_to_hand_over_in_its_place():
    for take in (extract_features, lambda it: compare(it, FILE)):
        with pytest.raises(TypeError, match=r"not an open file: hand over what its read\(\) gives"):
            take(io.BytesIO(FILE))


def test_of_no_copies_none_is_the_best():
    with pytest.raises(ValueError, match="hand over one or more"):
        dedup_core.best_copy([])


@pytest.mark.parametrize("policy", ["Strict", None, {"min_structure": 0.5}])
def test_what_is_no_policy_is_refused_with_those_there_are(policy):
    with pytest.raises(ValueError, match="'balanced', 'loose' or a Policy"):
        compare(FILE, COPY, policy)


@pytest.mark.parametrize("value", ["0.8", None])
def test_a_threshold_that_is_no_number_is_refused_by_its_name(value):
    with pytest.raises(TypeError, match=r"min_structure is .+; it takes a number"):
        dedup_core.Policy(min_structure=value)
    assert dedup_core.Policy(min_structure=np.float32(0.5)).min_structure == 0.5


@pytest.mark.parametrize("formats", ["JPEG", frozenset({"jpg"})])
def test_formats_that_are_none_are_refused_with_those_there_are(formats):
    with pytest.raises(ValueError, match="it takes a set of AVIF, BMP, GIF, HEIC, JPEG, JPEG2000, PNG"):
        DecodeLimits(formats=formats)
