"""This project's own detection on copies and strangers: candidate search, then the verdict of every candidate."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.quality_eval.pictures import ORIGINAL, Photo, Picture
from benchmarks.quality_eval.workers import Task, Workers
from dedup_core import (
    FingerprintIndex,
    Fingerprints,
    Hit,
    ImageFeatures,
    PairMeasurement,
    Policy,
    Verdict,
    View,
    decide,
)
from dedup_core.search.second_look import is_plausible

ANY_DISTANCE_BITS = 256
NO_KEYPOINTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Judged:
    """A copy (or an original) against an original: how near, whether the search brings it up, and the verdict.

    `found`: the search brings it up. `candidate`: it is besides plausible by what is stored, so that it is verified.
    """

    transform: str
    left: str
    right: str
    distance_bits: int
    shared_keypoints: int
    found: bool
    candidate: bool
    measurement: PairMeasurement
    verdict: Verdict


class Stranger(NamedTuple):
    """Another photo's original that the search brought up for a picture, plausible or not."""

    transform: str
    left: str
    right: str
    hit: Hit


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What became of every copy and of strangers; `strangers_found` are all that the search brought up."""

    copies: list[Judged]
    strangers: list[Judged]
    strangers_found: list[Stranger]
    pair_distances: dict[tuple[str, str], int]
    """Distance of every pair of different originals, ANY_DISTANCE_BITS where one of them is flat."""


def evaluate(
    photos: list[Photo], copied: list[Photo], transforms: list[str], policy: Policy, workers: Workers
) -> Evaluation:
    """Search for every copy among all originals and verify what is found, and every copy with its own original.

    `copied` are those of the photos of which copies are made.
    """
    copies = [(photo, name) for photo in copied for name in transforms if photo.is_changed_by(name)]
    pictures = [(photo, ORIGINAL) for photo in photos] + copies
    features = workers.features(pictures)
    search = Search.over({photo: features[photo, ORIGINAL] for photo in photos})
    searched = {picture: search.ask(features[picture]) for picture in workers.told(pictures, "searches")}
    tasks = [Task(picture, _to_verify(picture, searched[picture])) for picture in pictures]
    tasks = [task for task in tasks if task.rights]
    judged: list[Judged] = []
    for task, measurements in zip(tasks, workers.measurements(tasks), strict=True):
        judged += _judged(task, searched[task.left], measurements, features, policy)
    return Evaluation(
        copies=[item for item in judged if item.transform != ORIGINAL and item.left == item.right],
        strangers=[item for item in judged if item.left != item.right],
        strangers_found=[item for picture in pictures for item in _strangers(picture, searched[picture])],
        pair_distances=search.pair_distances(features),
    )


class Answer(NamedTuple):
    """Every hit of one search, and those of them that are plausible by what is stored and so are verified."""

    found: dict[Photo, Hit]
    candidates: dict[Photo, Hit]


@dataclass(frozen=True, slots=True)
class Search:
    """The index of all originals, and what the app would look at of them again before it verifies."""

    index: FingerprintIndex
    photos: dict[str, Photo]
    fingerprints: dict[Photo, Fingerprints]

    @classmethod
    def over(cls, originals: dict[Photo, ImageFeatures]) -> "Search":
        index = FingerprintIndex()
        for photo, features in originals.items():
            index.add(photo.image_id, features.fingerprints)
        fingerprints = {photo: features.fingerprints for photo, features in originals.items()}
        return cls(index, {photo.image_id: photo for photo in originals}, fingerprints)

    def ask(self, features: ImageFeatures) -> Answer:
        asked = features.fingerprints
        found = {self.photos[hit.image_id]: hit for hit in self.index.search(asked)}
        plausible = {photo: hit for photo, hit in found.items() if is_plausible(asked, self.fingerprints[photo], hit)}
        return Answer(found, plausible)

    def pair_distances(self, features: dict[Picture, ImageFeatures]) -> dict[tuple[str, str], int]:
        """Distances of the nearest windows in the nearest view; keypoints play no part."""
        names = sorted(photo.name for photo in self.photos.values())
        distances = {(a, b): ANY_DISTANCE_BITS for place, a in enumerate(names) for b in names[place + 1 :]}
        for photo in self.photos.values():
            asked = features[photo, ORIGINAL].fingerprints
            for hit in self.index.search(asked, ANY_DISTANCE_BITS, NO_KEYPOINTS):
                pair = (photo.name, self.photos[hit.image_id].name)
                if pair in distances:
                    distances[pair] = hit.distance_bits
        return distances


def _to_verify(picture: Picture, answer: Answer) -> tuple[tuple[Photo, View | None], ...]:
    """The candidates and, of a copy, its own original in any case; each pair of originals once."""
    photo, transform = picture
    views: dict[Photo, View | None] = {other: hit.view for other, hit in answer.candidates.items()}
    if transform == ORIGINAL:
        return tuple((other, view) for other, view in views.items() if other.name > photo.name)
    return tuple(({photo: None} | views).items())


def _strangers(picture: Picture, answer: Answer) -> Iterator[Stranger]:
    photo, transform = picture
    for other, hit in answer.found.items():
        if other != photo and (transform != ORIGINAL or other.name > photo.name):
            yield Stranger(transform, photo.name, other.name, hit)


def _judged(
    task: Task,
    answer: Answer,
    measured: list[PairMeasurement],
    features: dict[Picture, ImageFeatures],
    policy: Policy,
) -> Iterator[Judged]:
    photo, transform = task.left
    left = features[task.left]
    for (right, _), measurement in zip(task.rights, measured, strict=True):
        original = features[right, ORIGINAL]
        hit = answer.found.get(right)
        distance = hit.distance_bits if hit else _distance(left, original)
        shared = hit.shared_keypoints if hit else 0
        near = (distance, shared, hit is not None, right in answer.candidates)
        verdict = decide(measurement, policy, same_bytes=left.sha256 == original.sha256)
        yield Judged(transform, photo.name, right.name, *near, measurement, verdict)


def _distance(left: ImageFeatures, right: ImageFeatures) -> int:
    index = FingerprintIndex()
    index.add("0" * 32, right.fingerprints)
    hits = index.search(left.fingerprints, ANY_DISTANCE_BITS, NO_KEYPOINTS)
    return hits[0].distance_bits if hits else ANY_DISTANCE_BITS
