"""What two pictures drawn in a test are to each other."""

from PIL import Image

from dedup_core import VerdictKind, decide, measure_images
from tests.core.pictures import working


def kind_of(left: Image.Image, right: Image.Image) -> VerdictKind:
    """The kind of their verdict by the usual policy, compared as they are, without the detour of a file."""
    return decide(measure_images(working(left), working(right))).kind
