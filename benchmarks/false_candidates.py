"""Candidates by chance: strangers that stored features do not tell from copies, and copies that they lose.

    python -m benchmarks.false_candidates FOLDER [--photos 60] [--json FILE]

Every photograph, and every copy of some of them by the transforms of the quality benchmark, asks among all the others.
Half of what is held has the frame of a page, a circle or a turn, so strangers look more alike than where most are
originals. Pairs that share a companion or a sticker are left out. Copies are kept in --cache.
"""

import argparse
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.quality_eval.pictures import ORIGINAL, USUAL_CACHE, Cache, Photo, Picture, photos_in
from benchmarks.quality_eval.workers import Workers
from dedup_changes.transforms import TRANSFORMS
from dedup_core import FingerprintIndex, Fingerprints
from dedup_core.search.second_look import is_plausible

WITH_A_COMPANION = ("collage", "sticker")  # of which there are a few for all photographs


@dataclass
class Counts:
    """Pairs of strangers and of copies: how many there are, a search brings up, and are left to be verified.

    `original_pairs` are those of the strangers in which an original is found.
    """

    stranger_pairs: int = 0
    strangers_found: int = 0
    strangers_left: int = 0
    original_pairs: int = 0
    originals_found: int = 0
    originals_left: int = 0
    copies: int = 0
    copies_found: int = 0
    copies_left: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="photographs of which no two are alike")
    parser.add_argument("--photos", type=int, default=60, help="how many of them are copied (60), evenly spaced")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--cache", type=Path, default=USUAL_CACHE, help="where copies and features are kept")
    given = parser.parse_args()
    pictures: list[Picture] = [(photo, ORIGINAL) for photo in photos_in(given.folder)]
    pictures += [(photo, name) for photo in photos_in(given.folder, given.photos) for name in TRANSFORMS]
    with Workers(Cache(given.cache), given.jobs, _silent) as workers:
        found = workers.features(pictures)
    counts = count({picture: features.fingerprints for picture, features in found.items()})
    told = asdict(counts) | {
        "rows_per_million_pairs": counts.originals_found / counts.original_pairs * 1e6,
        "false_candidates_per_million_pairs": counts.strangers_left / counts.stranger_pairs * 1e6,
    }
    print(json.dumps(told, indent=1))
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def count(fingerprints: dict[Picture, Fingerprints]) -> Counts:
    """What every picture finds among the others."""
    index, held = FingerprintIndex(), dict[str, Picture]()
    for picture, known in fingerprints.items():
        image_id = _id_of(*picture)
        held[image_id] = picture
        index.add(image_id, known)
    of_each, of_photo = (Counter(picture[at] for picture in fingerprints) for at in (1, 0))
    counts = Counts()
    for picture, asked in fingerprints.items():
        companions = of_each[picture[1]] - 1 if picture[1] in WITH_A_COMPANION else 0
        counts.stranger_pairs += len(fingerprints) - of_photo[picture[0]] - companions
        counts.original_pairs += of_each[ORIGINAL] - 1
        counts.copies += picture[1] != ORIGINAL
        for hit in index.search(asked):
            other = held[hit.image_id]
            is_left = is_plausible(asked, fingerprints[other], hit)
            if _are_strangers(picture, other):
                counts.strangers_found += 1
                counts.strangers_left += is_left
                counts.originals_found += other[1] == ORIGINAL
                counts.originals_left += is_left and other[1] == ORIGINAL
            elif other == (picture[0], ORIGINAL) != picture:
                counts.copies_found += 1
                counts.copies_left += is_left
    return counts


def _are_strangers(picture: Picture, other: Picture) -> bool:
    if picture[0] == other[0]:
        return False
    return not (picture[1] == other[1] and picture[1] in WITH_A_COMPANION)


def _id_of(photo: Photo, transform: str) -> str:
    return hashlib.sha256(f"{photo.name} {transform}".encode()).hexdigest()[:32]


def _silent[T](work: Iterable[T], _total: int, _title: str, /) -> Iterable[T]:
    return work


if __name__ == "__main__":
    main()
