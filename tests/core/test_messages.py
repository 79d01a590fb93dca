"""Messages are read in every form that people and programs send, and refused with what is wrong."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup_core.errors import InvalidMessage
from dedup_core.messages import (
    MAX_MESSAGE_BYTES,
    MAX_TARGETS,
    METADATA_KEYS,
    IngestMessage,
    VerifyMessage,
    VerifyTarget,
    message_excerpt,
)
from dedup_core.paths import ImagePath
from dedup_core.views import View

A, B, C = (ImagePath("images", name) for name in ("a.jpg", "b ü.jpg", "c%20.jpg"))
BY_HAND = '{"left": "images/a.jpg", "right": "images/b ü.jpg"}'
FULL = VerifyMessage(
    left=A,
    rights=(VerifyTarget(B, "0x8D2", View.MIRRORED, 12), VerifyTarget(C)),
    left_etag="0x8D1",
    origin="candidate",
)


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "body",
    [
        BY_HAND,
        BY_HAND.encode(),
        "\ufeff" + BY_HAND + "\r\n",
        encode(BY_HAND),
        encode(BY_HAND).encode(),
        base64.encodebytes(BY_HAND.encode()),
        '{"version": 1, "left": {"path": "/images/a.jpg"}, "right": {"path": "images/b%20%C3%BC.jpg", "etag": null}}',
        '{"left": "images\\\\a.jpg", "rights": ["images/b ü.jpg"], "origin": "manual"}',
        '{"left": "https://x.blob.core.windows.net/images/a.jpg?sig=s", "right": "images/b ü.jpg"}',
        '{"left": "images/a.jpg", "rights": ["images/b ü.jpg", {"path": "/images/b ü.jpg", "distance": 3}]}',
    ],
)
def test_every_form_of_a_message_says_the_same(body):
    assert VerifyMessage.parse(body) == VerifyMessage(A, (VerifyTarget(B),))


def test_a_message_that_was_written_reads_back_whole():
    assert VerifyMessage.parse(FULL.to_json()) == FULL
    assert VerifyMessage.parse(encode(FULL.to_json())) == FULL
    assert IngestMessage.parse(IngestMessage(B).to_json()) == IngestMessage(B)


def test_a_written_message_looks_as_documented():
    assert json.loads(FULL.to_json()) == {
        "version": 1,
        "left": {"path": "images/a.jpg", "etag": "0x8D1"},
        "rights": [
            {"path": "images/b ü.jpg", "etag": "0x8D2", "view": "mirrored", "distance": 12},
            {"path": "images/c%2520.jpg", "etag": ""},
        ],
        "origin": "candidate",
    }
    assert FULL.to_json().isascii()


def test_no_written_message_uses_a_key_that_the_host_would_merge_into_its_metadata():
    for text in (FULL.to_json(), IngestMessage(A).to_json()):
        assert not {key.lower() for key in json.loads(text)} & METADATA_KEYS


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("", "empty"),
        ("   ", "empty"),
        (b"\xff\xfe", "not UTF-8"),
        ("hello", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "not a list"),
        ('"images/a.jpg"', "not a text"),
        (encode("[1]"), "not a list"),
        ('{"version": 2, "left": "images/a.jpg", "right": "images/b.jpg"}', "Version 2"),
        ('{"version": true, "left": "images/a.jpg", "right": "images/b.jpg"}', "Version true"),
        ('{"version": "1", "left": "images/a.jpg", "right": "images/b.jpg"}', 'Version "1"'),
        ('{"left": "images/a.jpg"}', "either 'right'"),
        ('{"left": "images/a.jpg", "right": "images/b.jpg", "rights": []}', "either 'right'"),
        ('{"left": "images/a.jpg", "rights": []}', "at least one image, not an empty one"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "version": 9223372036854775808}}', "whole number"),
        ('{"left": "images/a.jpg", "rights": "images/b.jpg"}', "not a text"),
        ('{"right": "images/b.jpg"}', "'left' must name an image"),
        ('{"left": 7, "right": "images/b.jpg"}', "not a number"),
        ('{"left": "images/a.jpg", "right": {"etag": "1"}}', "'right' must name an image"),
        ('{"left": "images/a.jpg", "rights": ["images/b.jpg", null]}', "'rights[1]'"),
        ('{"left": "a.jpg", "right": "images/b.jpg"}', "'left' is no image"),
        ('{"left": "images/\\ud800", "right": "images/b.jpg"}', "surrogate"),
        ('{"left": "images/a.jpg", "right": "/images/a.jpg"}', "against itself"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "view": "sideways"}}', "mirrored"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "view": []}}', "mirrored"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "distance": -1}}', "0 to 256"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "distance": 1.5}}', "0 to 256"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "etag": 5}}', "etag of 'right'"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "tag": "\u20ac"}}', "tag of 'right' is none"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "tag": "0x1\\r\\nA: b"}}', "none that storage"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "tag": "0x1"}}', 'storage gives: "0x1"; leave it'),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "tag": "*"}}', "none that storage"),
        ('{"left": {"path": "images/a.jpg", "etag": "0x1 "}, "right": "images/b.jpg"}', "etag of 'left' is none"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "tag": "%s"}}' % ("x" * 300), "none that storage"),
        ('{"left": "images/a.jpg", "right": {"path": "images/b.jpg", "color": "5"}}', 'unknown key "color"'),
        ('{"left": "images/a.jpg", "wright": "images/b.jpg", "right": "images/b.jpg"}', 'unknown key "wright"'),
        ('{"left": "images/a.jpg", "right": "images/b.jpg", "origin": "elsewhere"}', "candidate, manual"),
        ('{"id": 1, "left": "images/a.jpg", "right": "images/b.jpg"}', "'id'"),
        ('{"DequeueCount": 1, "left": "images/a.jpg", "right": "images/b.jpg"}', "'DequeueCount'"),
    ],
)
def test_a_message_that_makes_no_sense_is_refused_with_the_reason(body, complaint):
    with pytest.raises(InvalidMessage) as failure:
        VerifyMessage.parse(body)
    assert complaint in str(failure.value)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{}", "'path' must name an image"),
        ('{"path": "images"}', "names no blob"),
        ('{"path": "test://solid"}', "no blob to ingest"),
        ('{"path": "images/a.jpg", "right": "images/b.jpg"}', 'unknown key "right"'),
    ],
)
def test_an_ingest_message_without_a_blob_is_refused(body, complaint):
    with pytest.raises(InvalidMessage) as failure:
        IngestMessage.parse(body)
    assert complaint in str(failure.value)


def test_images_of_other_containers_are_refused_but_test_images_are_not():
    with pytest.raises(InvalidMessage, match="'private'"):
        VerifyMessage.parse('{"left": "images/a.jpg", "right": "private/b.jpg"}', containers={"images"})
    with pytest.raises(InvalidMessage, match="'private'"):
        IngestMessage.parse('{"path": "private/b.jpg"}', containers={"images"})
    message = VerifyMessage.parse('{"left": "test://solid", "right": "test://circle"}', containers={"images"})
    assert message.left.is_generated


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_garbage_is_refused_and_raises_nothing_else(body):
    with pytest.raises(InvalidMessage):
        VerifyMessage.parse(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("version", "left", "right", "rights", "origin"), json_values)))
def test_any_json_of_the_right_shape_and_wrong_content_is_refused(fields):
    with pytest.raises(InvalidMessage):
        VerifyMessage.parse(json.dumps(fields))


def test_more_candidates_than_fit_make_more_messages():
    long_names = tuple(
        VerifyTarget(ImagePath("images", f"{'ü' * 1000}{number}"), "0x8D", View.FLIPPED, 9) for number in range(40)
    )
    message = VerifyMessage(A, long_names, "0x8D1", "candidate")
    parts = list(message.split())
    assert len(parts) == 5
    assert all(len(part.to_json().encode()) <= MAX_MESSAGE_BYTES for part in parts)
    assert sum((part.rights for part in parts), ()) == long_names
    assert {(part.left, part.left_etag, part.origin) for part in parts} == {(A, "0x8D1", "candidate")}


def test_candidates_that_fit_stay_in_one_message():
    assert list(FULL.split()) == [FULL]
    assert list(VerifyMessage(A, ()).split()) == []


def test_the_largest_pair_fits_into_one_message():
    left, right = (ImagePath("images", side * 1024) for side in ("\U0001f5bc", "\U0001f5bd"))
    (message,) = VerifyMessage(left, (VerifyTarget(right),)).split()
    assert len(message.to_json()) <= MAX_MESSAGE_BYTES


def test_an_excerpt_is_readable_short_and_without_signatures():
    body = '{"left": "https://x.blob.core.windows.net/images/a.jpg?sv=1&sig=c2VjcmV0&se=2"}'
    assert message_excerpt(encode(body)) == message_excerpt(body) == body.replace("c2VjcmV0", "...")
    assert len(message_excerpt("x" * 10_000)) < 500
    assert message_excerpt(b"\xff\xfe") == "\\xff\\xfe"


def test_a_message_asks_for_no_more_work_than_fits_into_the_time_of_a_function():
    rights = tuple(VerifyTarget(ImagePath("images", f"{number}.jpg")) for number in range(2 * MAX_TARGETS + 1))
    parts = list(VerifyMessage(ImagePath("images", "left.jpg"), rights).split())
    assert [len(part.rights) for part in parts] == [MAX_TARGETS, MAX_TARGETS, 1]
    assert tuple(target for part in parts for target in part.rights) == rights


def test_a_message_names_so_many_images_and_no_more():
    entries = [f"images/{number}.jpg" for number in range(101)]
    body = json.dumps({"left": "images/a.jpg", "rights": entries})
    with pytest.raises(InvalidMessage, match="holds 101 images: a message may name up to 100"):
        VerifyMessage.parse(body)
    body = json.dumps({"left": "images/a.jpg", "rights": entries[:100]})
    assert len(VerifyMessage.parse(body).rights) == 100


@pytest.mark.parametrize("parse", [VerifyMessage.parse, IngestMessage.parse])
def test_images_of_other_accounts_are_refused(parse):
    url = "https://theirs.blob.core.windows.net/images/a.jpg"
    body = {"left": {"path": url}, "right": "images/b.jpg"} if parse == VerifyMessage.parse else {"path": url}
    with pytest.raises(InvalidMessage, match="'theirs'"):
        parse(json.dumps(body), account="ours")
    assert parse(json.dumps(body), account="theirs")


def test_a_message_that_was_encoded_in_another_way_is_told_how():
    text = '{"left": "images/a.jpg", "right": "images/b.jpg"}'
    for body, told in (
        (base64.b64encode(base64.b64encode(text.encode())), "base64 within base64: encode it once, or not at all"),
        (base64.b64encode(text.encode("utf-16")), "base64 of UTF-16: encode the text as UTF-8"),
        (b"nonsense", "not valid JSON: Expecting value"),
    ):
        with pytest.raises(InvalidMessage, match=told):
            VerifyMessage.parse(body)
