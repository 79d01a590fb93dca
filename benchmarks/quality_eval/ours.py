"""This project's own detection on copies and strangers: candidate search, then the verdict of every candidate."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.quality_eval.pictures import ORIGINAL, Photo, Picture
from benchmarks.quality_eval.workers import Task, Workers
from dedup_core import (
    FingerprintIndex,
    Hit,
    ImageFeatures,
    PairMeasurement,
    Policy,
    Verdict,
    View,
    decide,
)

ANY_DISTANCE_BITS = 256


@dataclass(frozen=True, slots=True)
class Judged:
    """A copy (or an original) against an original: how near, whether the search brings it up, and the verdict.

    `distance_bits` is that of the whole pictures; `shared_keypoints` is what brought a candidate up that is not near.
    """

    transform: str
    left: str
    right: str
    distance_bits: int
    shared_keypoints: int
    candidate: bool
    measurement: PairMeasurement
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found of every copy (`copies`), and of strangers that the search brought up (`strangers`)."""

    copies: list[Judged]
    strangers: list[Judged]
    pair_distances: dict[tuple[str, str], int]
    """Distance of every pair of different originals, ANY_DISTANCE_BITS where one of them is flat."""


def evaluate(photos: list[Photo], transforms: list[str], policy: Policy, workers: Workers) -> Evaluation:
    """Search for every copy among all originals and verify what is found, and every copy with its own original."""
    names = [ORIGINAL, *transforms]
    pictures = [(photo, name) for photo in photos for name in names]
    features = workers.features(pictures)
    search = Search.over({photo: features[photo, ORIGINAL] for photo in photos})
    tasks = [Task(picture, search.to_verify(picture, features[picture])) for picture in pictures]
    tasks = [task for task in tasks if task.rights]
    measured = workers.measurements(tasks)
    judged = [
        item
        for task, measurements in zip(tasks, measured, strict=True)
        for item in search.judged(task, features, measurements, policy)
    ]
    return Evaluation(
        copies=[item for item in judged if item.transform != ORIGINAL and item.left == item.right],
        strangers=[item for item in judged if item.left != item.right],
        pair_distances=search.pair_distances(features),
    )


@dataclass(frozen=True, slots=True)
class Search:
    """The index of all originals."""

    index: FingerprintIndex
    photos: dict[str, Photo]

    @classmethod
    def over(cls, originals: dict[Photo, ImageFeatures]) -> "Search":
        index = FingerprintIndex()
        for photo, features in originals.items():
            index.add(photo.image_id, features.fingerprints)
        return cls(index, {photo.image_id: photo for photo in originals})

    def candidates(self, features: ImageFeatures) -> dict[Photo, Hit]:
        return {self.photos[hit.image_id]: hit for hit in self.index.search(features.fingerprints)}

    def to_verify(self, picture: Picture, features: ImageFeatures) -> tuple[tuple[Photo, View | None], ...]:
        """The candidates and, of a copy, its own original in any case; each pair of originals once."""
        photo, transform = picture
        views: dict[Photo, View | None] = {other: hit.view for other, hit in self.candidates(features).items()}
        if transform == ORIGINAL:
            return tuple((other, view) for other, view in views.items() if other.name > photo.name)
        return tuple(({photo: None} | views).items())

    def judged(
        self, task: Task, features: dict[Picture, ImageFeatures], measured: list[PairMeasurement], policy: Policy
    ) -> Iterator[Judged]:
        photo, transform = task.left
        left = features[task.left]
        found = self.candidates(left)
        for (right, _), measurement in zip(task.rights, measured, strict=True):
            original = features[right, ORIGINAL]
            hit = found.get(right)
            distance = hit.distance_bits if hit else _distance(left, original)
            verdict = decide(measurement, policy, same_bytes=left.sha256 == original.sha256)
            shared = hit.shared_keypoints if hit else 0
            is_candidate = hit is not None
            yield Judged(transform, photo.name, right.name, distance, shared, is_candidate, measurement, verdict)

    def pair_distances(self, features: dict[Picture, ImageFeatures]) -> dict[tuple[str, str], int]:
        names = sorted(photo.name for photo in self.photos.values())
        distances = {(a, b): ANY_DISTANCE_BITS for place, a in enumerate(names) for b in names[place + 1 :]}
        for photo in self.photos.values():
            for hit in self.index.search(features[photo, ORIGINAL].fingerprints, ANY_DISTANCE_BITS):
                pair = (photo.name, self.photos[hit.image_id].name)
                if pair in distances:
                    distances[pair] = hit.distance_bits
        return distances


def _distance(left: ImageFeatures, right: ImageFeatures) -> int:
    index = FingerprintIndex()
    index.add("0" * 32, right.fingerprints)
    hits = index.search(left.fingerprints, ANY_DISTANCE_BITS)
    return hits[0].distance_bits if hits else ANY_DISTANCE_BITS
