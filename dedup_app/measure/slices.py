"""Whether copies of some images are found less often than of others: by format, by size, by what is known of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dedup_app.intervals import Share
from dedup_app.measure.results import ImageResult
from dedup_app.measure.sample import size_of
from dedup_app.measure.stages import is_found
from dedup_app.ports.features import ImageSummary
from dedup_core.policy import Policy

FORMAT, SIZE = "format", "size"


@dataclass(frozen=True, slots=True)
class Slice:
    """Images of the sample that have something in common, and how many of their copies are found."""

    by: str
    name: str
    images: int
    found: Share


def slices_of(
    results: Iterable[ImageResult],
    images: Iterable[ImageSummary],
    right: Mapping[str, frozenset[str]],
    policy: Policy,
) -> tuple[Slice, ...]:
    """The slices by format and by size, each kind by its name; `right` are the verdicts that are right for a change."""
    known = {str(image.path): ((FORMAT, image.format), (SIZE, size_of(image))) for image in images}
    found: defaultdict[tuple[str, str], list[Share]] = defaultdict(list)
    for result in results:
        if result.copies:
            count = sum(is_found(copy.search, copy.measurement, policy, right[copy.change]) for copy in result.copies)
            for kind in known.get(result.path, ()):
                found[kind].append(Share(count, len(result.copies)))
    return tuple(
        Slice(by, name, len(shares), Share(sum(it.count for it in shares), sum(it.of for it in shares)))
        for (by, name), shares in sorted(found.items())
    )
