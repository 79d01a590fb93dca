"""What should be known of the blobs that are left, computed by the pure core alone."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.verdict import VerdictKind, decide
from dedup_core.decoding.decoder import decode
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import PermanentError
from dedup_core.extraction import extract_features
from dedup_core.features import ImageFeatures
from dedup_core.search.fingerprint_index import FingerprintIndex
from dedup_core.search.second_look import is_plausible
from dedup_core.views import View, opposite

type Pair = frozenset[str]
MOST_DECODED = 400


@dataclass
class Truth:
    """The answers of the core.

    `candidates` holds each pair that either image finds, with the views in which the first of the two was found.
    Those in `found_by_both` must be found, whichever image lands last.
    """

    blobs: Mapping[str, bytes]
    features: dict[str, ImageFeatures] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    candidates: dict[Pair, set[View]] = field(default_factory=dict)
    found_by_both: set[Pair] = field(default_factory=set)

    @classmethod
    def of(cls, blobs: Mapping[str, bytes]) -> "Truth":
        truth = cls(blobs)
        contents = list(dict.fromkeys(blobs.values()))
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # most of the check
            known = dict(zip(contents, threads.map(_answer, contents), strict=True))
        index: FingerprintIndex[str] = FingerprintIndex()
        for name, data in blobs.items():
            found = known[data]
            if isinstance(found, PermanentError):
                truth.refused[name] = found.reason
            else:
                truth.features[name] = found
                index.add(name, found.fingerprints)
        truth._search(index)
        return truth

    def __post_init__(self) -> None:
        self._decoded: dict[bytes, WorkingImage] = {}
        self._kinds: dict[tuple[bytes, bytes, View | None], VerdictKind] = {}

    def is_right(self, pair: Pair, kind: VerdictKind) -> bool:
        """Whether this is a verdict on the pair; one that is found in several views is measured from any."""
        left, right = sorted(pair)
        if {left, right} & self.refused.keys():
            return kind is VerdictKind.UNVERIFIABLE
        views: list[View | None] = [*sorted(self.candidates.get(pair, ())), None]
        return any(self._kind(self.blobs[left], self.blobs[right], view) is kind for view in views)

    def _search(self, index: "FingerprintIndex[str]") -> None:
        seen: set[Pair] = set()
        for name, features in self.features.items():
            for hit in index.search(features.fingerprints):
                found = self.features[hit.image_id]
                if hit.image_id == name or not is_plausible(features.fingerprints, found.fingerprints, hit):
                    continue
                pair = frozenset((name, hit.image_id))
                self.candidates.setdefault(pair, set()).add(hit.view if name < hit.image_id else opposite(hit.view))
                (self.found_by_both if pair in seen else seen).add(pair)

    def _kind(self, left: bytes, right: bytes, view: View | None) -> VerdictKind:
        key = (left, right, view)
        if left == right:
            return VerdictKind.IDENTICAL
        if key not in self._kinds:
            self._kinds[key] = decide(measure_images(self._working(left), self._working(right), view)).kind
        return self._kinds[key]

    def _working(self, data: bytes) -> WorkingImage:
        if len(self._decoded) > MOST_DECODED:
            self._decoded.clear()
        if data not in self._decoded:
            self._decoded[data] = decode(data)
        return self._decoded[data]


def _answer(data: bytes) -> ImageFeatures | PermanentError:
    try:
        return extract_features(data)
    except PermanentError as error:
        return error
