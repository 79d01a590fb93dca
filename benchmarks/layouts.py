"""Measure whether stored layouts tell copies from strangers among what the hash brings up: docs/decisions/0005.

python -m benchmarks.layouts --limit 118
"""

import argparse
import os
import sys
from collections import defaultdict
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a script as well as with -m
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from benchmarks.quality_eval.known_pairs import product_pairs  # noqa: E402
from benchmarks.quality_eval.pictures import ORIGINAL, USUAL_CACHE, Cache, Photo, Picture, photos_in  # noqa: E402
from dedup_changes.transforms import TRANSFORMS  # noqa: E402
from dedup_core import FingerprintIndex, Hit, ImageFeatures, extract_features  # noqa: E402
from dedup_core.color.lab import srgb_to_lab  # noqa: E402
from dedup_core.search.hit import MAX_DISTANCE_BITS  # noqa: E402
from dedup_core.views import turned  # noqa: E402

CACHE = Cache(USUAL_CACHE)
type Distances = list[tuple[float, float]]
"""Of one pair each: correlation of the layouts' lightness, and their mean CIELAB distance."""


def main() -> None:
    data = ROOT.parent / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=data / "photos")
    parser.add_argument("--products", type=Path, default=data / "product")
    parser.add_argument("--limit", type=int, default=118, help="photos, spread evenly over the folder")
    options = parser.parse_args()
    photos = photos_in(options.photos, options.limit)
    relations = {frozenset((pair.left, pair.right)): pair.relation for pair in product_pairs(options.products)}
    products = sorted({Photo(path) for pair in relations for path in pair}, key=lambda photo: photo.path)
    pictures = [(photo, name) for photo in photos for name in (ORIGINAL, *TRANSFORMS)]
    with Pool() as pool:
        copies = dict(zip(pictures, pool.map(features_of, pictures, chunksize=16), strict=True))
        shots = dict(zip(products, pool.map(features_of, [(it, ORIGINAL) for it in products]), strict=True))
    print("| pairs that the hash brings up | pairs | correlation: least, 5 %, median | CIELAB distance: 95 %, most |")
    print("|---|---|---|---|")
    for name, distances in copies_found(photos, copies).items():
        show(name, distances)
    show("different products", strangers_found(shots, relations))


def features_of(picture: Picture) -> ImageFeatures:
    return extract_features(CACHE.copy_of(*picture))


def copies_found(photos: list[Photo], features: dict[Picture, ImageFeatures]) -> dict[str, Distances]:
    originals = {photo: features[photo, ORIGINAL] for photo in photos}
    search = Search(originals)
    found: dict[str, Distances] = defaultdict(list)
    for name in TRANSFORMS:
        for photo in photos:
            for other, hit in search.ask(features[photo, name]):
                if other == photo:
                    found[name].append(distances_of(features[photo, name], originals[photo], hit))
    return found


def strangers_found(shots: dict[Photo, ImageFeatures], relations: dict[frozenset[Path], str]) -> Distances:
    search = Search(shots)
    return [
        distances_of(asked, shots[other], hit)
        for photo, asked in shots.items()
        for other, hit in search.ask(asked)
        if "different things" in relations.get(frozenset((photo.path, other.path)), "")
    ]


class Search:
    """All of a collection that the hash brings up.

    Keypoints alone say that one picture is a part of the other, and then nobody expects layouts to be alike.
    """

    def __init__(self, held: dict[Photo, ImageFeatures]) -> None:
        self._photos = {photo.image_id: photo for photo in held}
        self._index = FingerprintIndex()
        for photo, features in held.items():
            self._index.add(photo.image_id, features.fingerprints)

    def ask(self, asked: ImageFeatures) -> list[tuple[Photo, Hit]]:
        hits = self._index.search(asked.fingerprints)
        return [(self._photos[hit.image_id], hit) for hit in hits if hit.distance_bits <= MAX_DISTANCE_BITS]


def distances_of(asked: ImageFeatures, found: ImageFeatures, hit: Hit) -> tuple[float, float]:
    left, right = turned(srgb_to_lab(asked.layout), hit.view), srgb_to_lab(found.layout)
    correlation = np.corrcoef(left[..., 0].ravel(), right[..., 0].ravel())[0, 1]
    return float(correlation), float(np.linalg.norm(left - right, axis=2).mean())


def show(name: str, distances: Distances) -> None:
    if distances:
        correlations, lengths = np.array(distances).T
        low, high = np.percentile(correlations, [0, 5, 50]), np.percentile(lengths, [95, 100])
        print(f"| {name} | {len(distances)} | {', '.join(f'{it:.2f}' for it in low)} | {high[0]:.0f}, {high[1]:.0f} |")


if __name__ == "__main__":
    main()
