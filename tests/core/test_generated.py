"""Test images are drawn the same way every time, and only as they were asked for."""

import tracemalloc
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dedup_core.errors import InvalidPath
from dedup_core.loading.generated import PATTERNS, draw_generated_image
from dedup_core.paths import ImagePath


def draw(text: str) -> Image.Image:
    return Image.open(BytesIO(draw_generated_image(ImagePath.parse(text))))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_has_the_size_it_was_asked_for_and_the_same_bytes_again(pattern):
    path = ImagePath.test(pattern, width=40, height=30)
    assert draw(str(path)).size == (40, 30)
    assert draw_generated_image(path) == draw_generated_image(path)


@pytest.mark.parametrize("color", ["blue", "0000ff", "%230000ff", "0,0,255", "00f"])
def test_a_color_may_be_written_in_many_ways(color):
    assert draw(f"test://solid?color={color}&size=2").getpixel((1, 1)) == (0, 0, 255)


def test_a_circle_stands_in_the_middle_of_its_background():
    circle = draw("test://circle?color=red&background=yellow&size=100")
    assert circle.getpixel((50, 50)) == (255, 0, 0)
    assert circle.getpixel((22, 22)) == circle.getpixel((2, 2)) == (255, 255, 0)
    assert draw("test://rectangle?color=red&background=yellow&size=100").getpixel((22, 22)) == (255, 0, 0)


def test_a_gradient_runs_from_the_background_to_the_color():
    gradient = np.asarray(draw("test://gradient?color=black&background=white&size=64"))
    assert gradient[5, 0].tolist() == [255, 255, 255]
    assert gradient[5, -1].tolist() == [0, 0, 0]
    assert (np.diff(gradient[5, :, 0].astype(int)) <= 0).all()


def test_a_checker_board_has_as_many_cells_as_asked_for():
    board = np.asarray(draw("test://checker?color=black&background=white&size=40&cells=4").convert("L"))
    assert np.count_nonzero(np.diff(board[0].astype(int))) == 3
    assert board[0, 0] != board[0, 10]
    assert board[0, 0] == board[10, 10]


def test_a_checker_board_takes_no_more_memory_than_a_few_times_its_pixels():
    side = 1000
    tracemalloc.start()
    try:
        draw_generated_image(ImagePath.test("checker", size=side))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 3 * side * side


def test_another_seed_is_another_picture_and_the_first_one_never_changes():
    first, second = (np.asarray(draw(f"test://noise?seed={seed}&cells=2&size=2")) for seed in (1, 2))
    assert not np.array_equal(first, second)
    assert first.tolist() == [[[131, 243, 36], [242, 79, 108]], [[211, 104, 140], [7, 192, 137]]]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("test://unicorn", "test://solid, test://gradient"),
        ("images/a.png", "no test image"),
        ("test://solid?shade=red", "no parameter 'shade'"),
        ("test://solid?color=reddish", "color must be"),
        ("test://solid?color=1,2,999", "color must be"),
        ("test://solid?size=0", "from 1 to 4096"),
        ("test://solid?size=5000", "from 1 to 4096"),
        ("test://solid?width=-3", "from 1 to 4096"),
        ("test://noise?seed=1.5", "seed must be"),
        ("test://checker?cells=" + "9" * 99, "from 1 to 256"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_can(text, complaint):
    with pytest.raises(InvalidPath) as failure:
        draw_generated_image(ImagePath.parse(text))
    assert complaint in str(failure.value)
