"""The last lines of a picture are compared as the first ones are: there was no block where cameras print the date."""

import pytest
from PIL import Image, ImageDraw

from dedup_core import VerdictKind
from tests.core.pictures import jpeg
from tests.core.test_provenance import photograph
from tests.core.verdicts import kind_of


def sized(number: int, rest: int) -> Image.Image:
    """A photograph of which blocks of eight pixels leave so many lines below and columns at the right."""
    side = 250 + rest  # the outermost pixels on either side are not compared
    return photograph(number).crop((0, 30, 480, 390)).resize((side + 80, side), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("number", [3, 5])
@pytest.mark.parametrize("rest", [4, 5, 6, 7])
def test_a_date_in_the_lowest_lines_is_a_change(number: int, rest: int):
    picture = sized(number, rest)
    dated = picture.copy()
    ImageDraw.Draw(dated).text((200, dated.height), "12.03.2024", "#ff9a20", font_size=9, anchor="lb")
    assert kind_of(picture, jpeg(dated, 85)) is VerdictKind.ALTERED
    assert kind_of(picture, jpeg(picture, 85)) is VerdictKind.DUPLICATE


@pytest.mark.parametrize("number", [3, 5])
def test_a_mark_in_the_last_columns_is_a_change(number: int):
    picture = sized(number, 7)
    marked = picture.copy()
    for row in range(60, 120, 12):
        ImageDraw.Draw(marked).rectangle((marked.width - 6, row, marked.width, row + 6), "white", "black")
    assert kind_of(picture, jpeg(marked, 85)) is VerdictKind.ALTERED


@pytest.mark.parametrize("number", [3, 5])
@pytest.mark.parametrize("rest", range(8))
def test_copies_of_any_size_stay_copies(number: int, rest: int):
    picture = sized(number, rest)
    smaller = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.BICUBIC)
    assert kind_of(picture, jpeg(smaller, 70)) is VerdictKind.DUPLICATE
    assert kind_of(picture, jpeg(picture.crop((5, 3, picture.width - 9, picture.height - 6)), 75)) is (
        VerdictKind.DUPLICATE
    )
