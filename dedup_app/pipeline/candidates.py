"""Candidates: which hits of a search the app looks at more closely, going by what is stored of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from dedup_app.ports.features import FeaturesRow
from dedup_core.fingerprinting.record import Fingerprints
from dedup_core.messages import VerifyTarget
from dedup_core.search.hit import Hit
from dedup_core.search.second_look import is_plausible, likeliest_of_crowd


@dataclass(frozen=True, slots=True)
class Candidate:
    """A hit that its features row confirms."""

    row: FeaturesRow
    hit: Hit

    @property
    def target(self) -> VerifyTarget:
        row, hit = self.row, self.hit
        return VerifyTarget(row.path, row.etag, hit.view, hit.distance_bits, row.version)


def confirmed(
    asked: Fingerprints | None, hits: Iterable[Hit], row_of: Callable[[str], FeaturesRow | None], most: int
) -> Iterator[Candidate]:
    """The nearest `most` hits that the features table bears out; the index may hold images that are gone or refused.

    A hit on another version than that of the row is none: whoever appends the row's version searches after that. Were
    its pair opened as one with what the row is about now, a repetition would not find it again to finish it.
    """
    found = 0
    for hit in hits:
        row = row_of(hit.image_id)
        if row is not None and row.version == hit.version and is_there(row) and is_borne_out(asked, row, hit):
            yield Candidate(row, hit)
            found += 1
            if found == most:
                return


def is_there(row: FeaturesRow) -> bool:
    """Whether there is an image to compare. One that is claimed has lost its row: it comes to the index once more."""
    return row.summary.is_alive and not row.is_claimed


def is_borne_out(asked: Fingerprints | None, found: FeaturesRow, hit: Hit) -> bool:
    """Whether both fingerprints speak for the hit; of a row of an older scheme the images will tell."""
    if asked is None or found.features is None:
        return True
    return is_plausible(asked, found.features.fingerprints, hit)


def likeliest(asked: Fingerprints | None, candidates: Sequence[Candidate]) -> list[Candidate]:
    """All of them, or of a crowd of look-alikes those that what is stored does not tell apart from the image."""
    known = [(it.hit, it.row.features.fingerprints) for it in candidates if it.row.features]
    if asked is None or len(known) < len(candidates):
        return list(candidates)
    return [candidates[place] for place in likeliest_of_crowd(asked, known)]
