"""Two pictures -> Verdict, in one call."""

from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.verdict import Verdict, decide
from dedup_core.decoding.file_bytes import file_bytes
from dedup_core.decoding.given import Picture, working_image_of
from dedup_core.limits import DEFAULT_LIMITS, DecodeLimits
from dedup_core.policy import BALANCED, Policy, policy_of


def compare(
    left: Picture, right: Picture, policy: Policy | str = BALANCED, limits: DecodeLimits = DEFAULT_LIMITS
) -> Verdict:
    """The verdict on two pictures: bytes of files, Pillow images or arrays (h, w, 3) of uint8 sRGB.

    `policy` is a `Policy` or the name of a preset: "strict", "balanced", "loose". Raises `UnreadableImage` or
    `ImageTooLarge`, and `TypeError` or `ValueError` with what to do for what is none of these (a path, say).
    """
    thresholds = policy_of(policy)
    measurement = measure_images(working_image_of(left, limits), working_image_of(right, limits))
    return decide(measurement, thresholds, same_bytes=_are_same_bytes(left, right))


def _are_same_bytes(left: Picture, right: Picture) -> bool:
    """Whether both are files of the same bytes; a memory view may take its own for numbers of another size or sign."""
    if not isinstance(left, bytes | bytearray | memoryview) or not isinstance(right, bytes | bytearray | memoryview):
        return False
    return file_bytes(left) == file_bytes(right)
