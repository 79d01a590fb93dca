"""The status of an image says whether there is an image to compare, or why not."""

import pytest

from dedup_app.ports.image_status import DELETED, INDEXED, PROCESSING, ImageStatus


@pytest.mark.parametrize(
    "text", ["processing", "indexed", "deleted", "rejected:corrupt", "rejected:", "of-a-newer-app"]
)
def test_a_status_is_stored_as_text_and_read_back(text):
    assert str(ImageStatus.parse(text)) == text


def test_only_a_rejected_image_is_rejected_and_says_why():
    corrupt = ImageStatus.parse("rejected:corrupt")
    assert corrupt == ImageStatus.rejected("corrupt")
    assert (corrupt.is_rejected, corrupt.reason) == (True, "corrupt")
    assert not any(status.is_rejected for status in (PROCESSING, INDEXED, DELETED, ImageStatus.parse("rejected-not")))


def test_there_is_an_image_to_compare_while_it_is_processed_and_once_it_is_indexed():
    statuses = (PROCESSING, INDEXED, DELETED, ImageStatus.rejected("corrupt"), ImageStatus.parse("of-a-newer-app"))
    assert [status.is_alive for status in statuses] == [True, True, False, False, False]
