"""What is told of a pair in words: what differs, and how one is framed beside the other."""

from typing import Final

from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.comparison.regions import RegionKind, changed, in_words
from dedup_core.comparison.rules.doubts import WHOLE_FRAME
from dedup_core.views import View

_ONE_PLACE: Final = 0.01  # of a side: what an alignment may be off
_LEAST_TOLD: Final = 0.005  # less would be told as 0 %
# Without a direction, because a pair is stored under both of its images with the same reasons.
_VIEW_WORDS: Final = {
    View.MIRRORED: "mirrored",
    View.FLIPPED: "flipped upside down",
    View.TURNED_90: "turned by 90 degrees",
    View.TURNED_180: "turned by 180 degrees",
    View.TURNED_270: "turned by 90 degrees",
    View.TRANSPOSED: "mirrored and turned by 90 degrees",
    View.TRANSVERSED: "mirrored and turned by 90 degrees",
}


def what_differs(measurement: PairMeasurement) -> str:
    """One sentence about the parts that differ: how much of the picture they are, and where the large ones are."""
    differing = changed(measurement.regions)
    if not differing:
        return "small parts show something else"
    share = min(1.0, sum(max(region.left.area, region.right.area) for region in differing))
    told = f"{share:.0%}" if share >= _LEAST_TOLD else "less than 1%"
    return f"something else is shown in {told} of it, {in_words([region.left for region in differing])}"


def framing(measurement: PairMeasurement) -> tuple[str, ...]:
    """The sentences about a palette, another view, and another frame; none where these are the same."""
    sentences = []
    if measurement.colors:
        sentences.append(f"one picture has no more than {measurement.colors} colors; the other was given the same ones")
    if measurement.view is not View.UPRIGHT:
        sentences.append(f"one picture is {_VIEW_WORDS[measurement.view]} against the other")
    if measurement.coverage < WHOLE_FRAME and not _is_in_one_place(measurement):
        sentences.append(f"framed differently ({measurement.coverage:.0%} of the larger one is shown by both)")
    return tuple(sentences)


def _is_in_one_place(measurement: PairMeasurement) -> bool:
    """Whether what both show lies where it lies in the other: one of them shows more on the ground around it."""
    shared = [region for region in measurement.regions if region.kind is RegionKind.SHARED]
    return measurement.view is View.UPRIGHT and any(
        all(abs(ours - theirs) <= _ONE_PLACE for ours, theirs in zip(it.left.corners, it.right.corners, strict=True))
        for it in shared
    )
