"""One blob has one path, whatever spelling it came in."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dedup_core.errors import InvalidPath
from dedup_core.paths import ImagePath, redact_signatures

SAME_BLOB = ImagePath("images", "shirts/a b.jpg")
SAS = "sv=2024-11-04&se=2026-01-01T00%3A00%3A00Z&sr=b&sp=r&sig=c2VjcmV0%2Fkey%3D"

names = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("%/\\?#& =sig25Ff."), min_size=1, max_size=40
).filter(lambda name: {".", ".."}.isdisjoint(name.replace("\\", "/").split("/")))


@pytest.mark.parametrize(
    "spelling",
    [
        "images/shirts/a b.jpg",
        "/images/shirts/a b.jpg",
        "  images/shirts/a b.jpg\n",
        "images/shirts/a%20b.jpg",
        "images%2Fshirts%2Fa%20b.jpg",
        "images\\shirts\\a b.jpg",
        f"images/shirts/a b.jpg?{SAS}",
        "https://account.blob.core.windows.net/images/shirts/a%20b.jpg",
        f"https://account.blob.core.windows.net/images/shirts/a%20b.jpg?{SAS}",
        "HTTPS://account.blob.core.windows.net/images/shirts/a b.jpg#top",
        "https://account.dfs.core.windows.net/images/shirts/a%20b.jpg",
        "https://account.dfs.core.windows.net:443/images/shirts/a%20b.jpg",
        "https://pictures.example.com/images/shirts/a%20b.jpg",
        f"http://127.0.0.1:10000/devstoreaccount1/images/shirts/a%20b.jpg?{SAS}",
        "http://localhost:10000/devstoreaccount1/images/shirts/a%20b.jpg",
        "http://azurite/devstoreaccount1/images/shirts/a%20b.jpg",
        "http://[::1]:10000/devstoreaccount1/images/shirts/a%20b.jpg",
        "http://devstoreaccount1.blob.localhost:10000/images/shirts/a%20b.jpg",
    ],
)
def test_every_spelling_of_a_blob_is_the_same_path(spelling):
    assert ImagePath.parse(spelling) == SAME_BLOB


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("images/Größe/写真.jpg", "Größe/写真.jpg"),
        ("images/Gr%C3%B6%C3%9Fe.jpg", "Größe.jpg"),
        ("images/A.JPG", "A.JPG"),
        ("images/a#1.jpg", "a#1.jpg"),
        ("images/why?.jpg", "why?.jpg"),
        ("images/100%.jpg", "100%.jpg"),
        ("images/50%25 off.jpg", "50% off.jpg"),
        ("images/a+b.jpg", "a+b.jpg"),
        ("images//a.jpg", "/a.jpg"),
        ("images/folder//a.jpg", "folder//a.jpg"),
        ("images/...jpg", "...jpg"),
        ("images/C:\\photos\\a.jpg", "C:/photos/a.jpg"),
        ("https://account.blob.core.windows.net/images/a%231.jpg#fragment", "a#1.jpg"),
        ("https://account.blob.core.windows.net/images/why%3F.jpg?x=1", "why?.jpg"),
    ],
)
def test_characters_with_a_meaning_elsewhere_belong_to_the_name(spelling, name):
    assert ImagePath.parse(spelling) == ImagePath("images", name)


@pytest.mark.parametrize("spelling", ["images/latest.jpg", "images/test.jpg", "images/test/a.jpg", "test-images/a.jpg"])
def test_letters_that_spell_test_make_no_test_image(spelling):
    assert not ImagePath.parse(spelling).is_generated


def test_composed_and_decomposed_letters_are_different_blobs():
    composed, decomposed = ImagePath.parse("images/\u00e9.jpg"), ImagePath.parse("images/e\u0301.jpg")
    assert composed != decomposed
    assert composed.image_id != decomposed.image_id


@given(names)
@example("100%25.jpg")
@example("%2%41")
@example("a.jpg?sv=1&sig=secret")
@example("a.jpg?sig=x%3Fsig=y ")
@example("back\\slash ")
@example(" ")
@example("/")
def test_the_text_of_any_path_reads_back_as_the_same_path(name):
    path = ImagePath("images", name)
    assert ImagePath.parse(str(path)) == path
    assert ImagePath.parse(f"/{path}") == path


@given(st.text(max_size=40) | st.text("test:/?&=%.a1\\ ", max_size=30) | names.map("images/{}".format))
def test_any_text_is_a_path_that_stays_itself_or_a_clear_error(text):
    try:
        path = ImagePath.parse(text)
    except InvalidPath:
        return
    assert ImagePath.parse(str(path)) == path


@given(st.text("abcABC012 %#?.ü/", min_size=1, max_size=30).filter(lambda it: {".", ".."}.isdisjoint(it.split("/"))))
def test_ordinary_names_stay_as_people_know_them(name):
    if not any(name[at + 1 : at + 3].isalnum() for at, letter in enumerate(name) if letter == "%"):
        assert str(ImagePath("images", name.rstrip() + "!")) == f"images/{name.rstrip()}!"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("images", "names no blob"),
        ("images/", "names no blob"),
        ("a.jpg", "names no blob"),
        ("https://account.blob.core.windows.net/a.jpg", "names no blob"),
        ("https://account.dfs.core.windows.net/a.jpg", "names no blob"),
        ("http://127.0.0.1:10000/devstoreaccount1/images", "names no blob"),
        ("Images/a.jpg", "did you mean 'images'"),
        ("im/a.jpg", "not a container name"),
        ("im--ages/a.jpg", "not a container name"),
        ("C:\\photos\\a.jpg", "not a container name"),
        ("images/../secrets/a.jpg", "'..' segment"),
        ("images/%2E%2E/a.jpg", "'..' segment"),
        ("images/./a.jpg", "'..' segment"),
        ("images/a\x00.jpg", "U+0000"),
        ("images/a%0Ab.jpg", "U+000A"),
        ("images/\ud800.jpg", "surrogate"),
        ("images/%FF.jpg", "%25"),
        ("images/" + "a" * 1025, "at most 1024"),
        ("s3://images/a.jpg", "s3://"),
        ("file:///images/a.jpg", "file://"),
        ("http://[::1/images/a.jpg", "not a URL"),
        ("https://account.blob.core.windows.net/images/a.jpg?snapshot=2026-01-01T00:00:00Z", "snapshot"),
        ("test://", "test pattern"),
        ("test://solid?color", "name=value"),
        (f"test://solid?color={'a' * 1024}", "at most 1024"),
        ("test://solid?color=red&color=blue", "once"),
    ],
)
def test_nonsense_is_refused_with_what_is_wrong_about_it(text, complaint):
    with pytest.raises(InvalidPath, match=re.escape(complaint)):
        ImagePath.parse(text)


def test_containers_that_are_not_configured_are_refused_by_name():
    with pytest.raises(InvalidPath, match=r"'private'.*configured: images, photos"):
        ImagePath.parse("private/a.jpg", containers={"images", "photos"})
    assert ImagePath.parse("photos/a.jpg", containers={"images", "photos"}).container == "photos"


@pytest.mark.parametrize(
    "url",
    [
        "https://theirs.blob.core.windows.net/images/a.jpg",
        "https://theirs.dfs.core.windows.net/images/a.jpg",
        "https://theirs.z01.blob.storage.azure.net/images/a.jpg",
        "http://127.0.0.1:10000/theirs/images/a.jpg",
        "https://theirs.blob.core.windows.net\\images\\a.jpg",
    ],
)
def test_a_url_of_another_account_is_refused_by_name(url):
    for read in (ImagePath.parse, ImagePath.readings, ImagePath.of_event):
        with pytest.raises(InvalidPath, match=r"'theirs'.*reads 'ours'"):
            read(url, account="ours")
    subject = "/blobServices/default/containers/images/blobs/a.jpg"
    with pytest.raises(InvalidPath, match="'theirs'"):
        ImagePath.of_event(url, subject, account="ours")
    assert ImagePath.parse(url) == ImagePath("images", "a.jpg")


@pytest.mark.parametrize(
    "text",
    [
        "https://ours.blob.core.windows.net/images/a.jpg",
        "https://OURS.blob.core.windows.net/images/a.jpg",
        "https://ours-secondary.blob.core.windows.net/images/a.jpg",
        "https://ours.privatelink.blob.core.windows.net/images/a.jpg",
        "http://localhost:10000/ours/images/a.jpg",
        "https://pictures.example.com/images/a.jpg",
        "images/a.jpg",
    ],
)
def test_our_account_a_custom_domain_and_a_plain_path_are_read_whatever_the_account(text):
    assert ImagePath.parse(text, account="ours") == ImagePath("images", "a.jpg")


def test_a_signature_is_neither_kept_nor_shown():
    url = f"https://account.blob.core.windows.net/images/a.jpg?{SAS}"
    assert "sig" not in str(ImagePath.parse(url))
    with pytest.raises(InvalidPath) as failure:
        ImagePath.parse(url, containers={"photos"})
    assert "c2VjcmV0" not in str(failure.value)
    assert redact_signatures(f'{{"left": "{url}"}}').count("c2VjcmV0") == 0


def test_a_test_image_has_one_spelling():
    spellings = [
        "test://circle?size=64&color=red",
        "TEST://Circle?Color=red&size=64",
        "test://circle/?color=r%65d&size=64",
    ]
    assert {str(ImagePath.parse(it)) for it in spellings} == {"test://circle?color=red&size=64"}
    path = ImagePath.test("circle", size=64, color="red")
    assert path == ImagePath.parse(spellings[0])
    assert (path.pattern, path.parameters) == ("circle", {"color": "red", "size": "64"})
    assert path.is_generated


@given(
    st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True),
    st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True),
        st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8),
        max_size=3,
    ),
)
def test_any_test_image_reads_back_with_its_parameters(pattern, parameters):
    path = ImagePath.test(pattern, **parameters)
    assert ImagePath.parse(str(path)) == path
    assert path.parameters == parameters


def test_only_the_canonical_name_makes_a_test_image_by_hand():
    with pytest.raises(InvalidPath, match="canonical"):
        ImagePath("test:", "/solid?size=3&color=red")


def test_the_image_id_is_fixed_because_it_is_stored():
    assert ImagePath("images", "a b.jpg").image_id == "e536f71b01a96a7753387db48c295682"
    assert ImagePath.test("solid", color="red").image_id != ImagePath.test("solid", color="blue").image_id


@pytest.mark.parametrize("name", ["n/a#b.png", "a?b.png", "a%2Bb.png", "a b.png", "ä.png"])
def test_the_subject_of_an_event_names_its_blob_as_it_is(name):
    url = f"https://account.blob.core.windows.net/images/{name}"
    subject = f"/blobServices/default/containers/images/blobs/{name}"
    assert ImagePath.of_event(url, subject) == ImagePath("images", name)


def test_an_event_without_a_subject_of_blobs_goes_by_its_url():
    url = "https://account.blob.core.windows.net/images/a%20b.png"
    for subject in ("", "mine", "/blobServices/default/containers/images"):
        assert ImagePath.of_event(url, subject) == ImagePath("images", "a b.png")


def test_a_path_with_escapes_may_mean_the_blob_of_just_that_name():
    assert ImagePath.readings("images/n/a%2Bb.png") == (
        ImagePath("images", "n/a%2Bb.png"),
        ImagePath("images", "n/a+b.png"),
    )
    for text in (
        "images/n/a+b.png",
        "https://account.blob.core.windows.net/images/a%2Bb.png",
        "test://circle?color=%23f00",
    ):
        assert ImagePath.readings(text) == (ImagePath.parse(text),)
