"""This project's own detection on copies and strangers: candidate search, then the verdict of every candidate."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from benchmarks.quality_eval.pictures import ORIGINAL, Cache, Photo, Progress
from dedup_core import (
    FingerprintIndex,
    Hit,
    ImageFeatures,
    PairMeasurement,
    Policy,
    Verdict,
    View,
    WorkingImage,
    decide,
    extract_features,
    measure_images,
)
from dedup_core.decode import decode

type Picture = tuple[Photo, str]
"""A photo and the name of the transform that made a copy of it, or `original`."""

ANY_DISTANCE_BITS = 256


@dataclass(frozen=True, slots=True)
class Judged:
    """A copy (or an original) against an original: how near, whether the search brings it up, and the verdict."""

    transform: str
    left: str
    right: str
    distance_bits: int
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


@dataclass(frozen=True, slots=True)
class Task:
    """Verify `left` against some originals, each with the view in which the search found it, if it did."""

    left: Picture
    rights: tuple[tuple[Photo, View | None], ...]


def evaluate(
    photos: list[Photo], transforms: list[str], policy: Policy, cache: Cache, jobs: int, progress: Progress
) -> Evaluation:
    """Search for every copy among all originals and verify what is found, and every copy with its own original."""
    names = [ORIGINAL, *transforms]
    pictures = [(photo, name) for photo in photos for name in names]
    with ProcessPoolExecutor(jobs, initializer=_use_cache, initargs=(cache,)) as pool:
        batches = [pictures[start : start + len(names)] for start in range(0, len(pictures), len(names))]
        found = progress(pool.map(_features, batches), len(batches), "features")
        features = dict(zip(pictures, (item for batch in found for item in batch), strict=True))
        search = Search.over({photo: features[photo, ORIGINAL] for photo in photos})
        tasks = [Task(picture, search.to_verify(picture, features[picture])) for picture in pictures]
        tasks = [task for task in tasks if task.rights]
        measured = progress(pool.map(_measure, tasks, chunksize=16), len(tasks), "verdicts")
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
            index.add(image_id(photo), features.fingerprints)
        return cls(index, {image_id(photo): photo for photo in originals})

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
            yield Judged(transform, photo.name, right.name, distance, hit is not None, measurement, verdict)

    def pair_distances(self, features: dict[Picture, ImageFeatures]) -> dict[tuple[str, str], int]:
        names = sorted(photo.name for photo in self.photos.values())
        distances = {(a, b): ANY_DISTANCE_BITS for place, a in enumerate(names) for b in names[place + 1 :]}
        for photo in self.photos.values():
            for hit in self.index.search(features[photo, ORIGINAL].fingerprints, ANY_DISTANCE_BITS):
                pair = (photo.name, self.photos[hit.image_id].name)
                if pair in distances:
                    distances[pair] = hit.distance_bits
        return distances


def image_id(photo: Photo) -> str:
    return hashlib.sha256(photo.name.encode()).hexdigest()[:32]


def _distance(left: ImageFeatures, right: ImageFeatures) -> int:
    index = FingerprintIndex()
    index.add("0" * 32, right.fingerprints)
    hits = index.search(left.fingerprints, ANY_DISTANCE_BITS)
    return hits[0].distance_bits if hits else ANY_DISTANCE_BITS


_cache: list[Cache] = []


def _use_cache(cache: Cache) -> None:
    """Once in each worker process."""
    _cache[:] = [cache]


def _features(pictures: list[Picture]) -> list[ImageFeatures]:
    return [extract_features(_cache[0].copy_of(*picture)) for picture in pictures]


def _measure(task: Task) -> list[PairMeasurement]:
    left = decode(_cache[0].copy_of(*task.left))
    return [measure_images(left, _original(right), view) for right, view in task.rights]


@lru_cache(32)
def _original(photo: Photo) -> WorkingImage:
    return decode(photo.read())
