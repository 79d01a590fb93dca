"""A stratified sample of the stored images: by format, size and verdict so far, the same one for the same seed."""

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dedup_app.ports.features import ImageSummary

LEAST_SIDE = 32  # pixels: of fewer a change leaves nothing that could be told apart
SIZES = ((500_000, "under 0.5 MP"), (2_000_000, "0.5 to 2 MP"), (8_000_000, "2 to 8 MP"))
LARGEST = "over 8 MP"


@dataclass(frozen=True, slots=True)
class Stratum:
    """Images of one kind; `verdict` is that of the groups they are in, `none` where they are in none."""

    format: str
    size: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The images that were drawn, of so many; `too_small` were left out. Counts of strata are (drawn, there are)."""

    images: tuple[ImageSummary, ...]
    total: int
    too_small: int
    strata: dict[Stratum, tuple[int, int]]

    @property
    def bytes(self) -> int:
        return sum(image.byte_size for image in self.images)


def draw(images: Iterable[ImageSummary], verdict_of: Callable[[ImageSummary], str], most: int, seed: int = 0) -> Sample:
    """Up to `most` of the images, each stratum by its share and every one by at least one as long as there is room."""
    counts: Counter[Stratum] = Counter()
    kept: defaultdict[Stratum, list[tuple[int, str, ImageSummary]]] = defaultdict(list)
    too_small = 0
    for image in images:
        if min(image.width, image.height) < LEAST_SIDE:
            too_small += 1
            continue
        stratum = Stratum(image.format, size_of(image), verdict_of(image))
        counts[stratum] += 1
        entry = (-_rank(seed, image), image.path.image_id, image)  # the largest rank is at the root of the heap
        (heapq.heappush if len(kept[stratum]) < most else heapq.heappushpop)(kept[stratum], entry)
    shares = _shares(counts, most)
    drawn = [image for stratum, share in shares.items() for _, _, image in heapq.nlargest(share, kept[stratum])]
    order = sorted(drawn, key=lambda image: _rank(seed, image))
    strata = {stratum: (shares[stratum], counts[stratum]) for stratum in sorted(counts, key=str)}
    return Sample(tuple(order), sum(counts.values()), too_small, strata)


def _shares(counts: Counter[Stratum], most: int) -> dict[Stratum, int]:
    """How many of each: all if there are no more; else one of each, the largest first, and the rest by largest lack."""
    total = sum(counts.values())
    if total <= most:
        return dict(counts)
    order = sorted(counts, key=lambda it: (-counts[it], str(it)))
    shares = {stratum: int(place < most) for place, stratum in enumerate(order)}
    for _ in range(most - sum(shares.values())):
        lacking = max(
            (stratum for stratum in order if shares[stratum] < counts[stratum]),
            key=lambda it: (most * counts[it] / total - shares[it], counts[it], str(it)),
        )
        shares[lacking] += 1
    return shares


def _rank(seed: int, image: ImageSummary) -> int:
    """A number by chance that is the same in whatever order images come."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{image.path.image_id}".encode(), digest_size=8).digest())


def size_of(image: ImageSummary) -> str:
    """How large the picture is, in words."""
    pixels = image.width * image.height
    return next((name for limit, name in SIZES if pixels < limit), LARGEST)
