"""The costly steps of our detection in worker processes, their results kept until the code beneath them changes."""

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.quality_eval.core_version import core_version
from benchmarks.quality_eval.pictures import ORIGINAL, Cache, Photo, Picture, Progress
from dedup_core import ImageFeatures, PairMeasurement, View, WorkingImage, extract_features, measure_images
from dedup_core.decoding.decoder import decode

# Taken at import, when the files are the code that was just loaded; later somebody may have changed them.
OF_FEATURES, OF_MEASUREMENTS = "extraction", "comparison.measure"
FEATURES = f"features-{core_version(OF_FEATURES)}"
MEASURED = f"measured-{core_version(OF_MEASUREMENTS)}"


class Task(NamedTuple):
    """Measure `left` against some originals, each with the view in which the search found it, if it did."""

    left: Picture
    rights: tuple[tuple[Photo, View | None], ...]


class Workers:
    """A pool of processes that share the cache; use it as a context."""

    def __init__(self, cache: Cache, jobs: int, progress: Progress) -> None:
        self._pool = ProcessPoolExecutor(jobs, initializer=_use_cache, initargs=(cache,))
        self._progress = progress

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def told[T](self, work: list[T], title: str) -> Iterable[T]:
        """The same work, with its progress shown."""
        return self._progress(work, len(work), title)

    def features(self, pictures: list[Picture]) -> dict[Picture, ImageFeatures]:
        found = self._progress(self._pool.map(_features, pictures, chunksize=16), len(pictures), "features")
        return dict(zip(pictures, found, strict=True))

    def measurements(self, tasks: list[Task]) -> list[list[PairMeasurement]]:
        return list(self._progress(self._pool.map(_measurements, tasks, chunksize=8), len(tasks), "measurements"))


_cache: list[Cache] = []


def _use_cache(cache: Cache) -> None:
    """Once in each worker process."""
    _cache[:] = [cache]


def _features(picture: Picture) -> ImageFeatures:
    photo, name = picture
    place = Path(FEATURES, name)
    return _cache[0].remembered(place, photo, partial(_extract, picture))


def _extract(picture: Picture) -> ImageFeatures:
    return extract_features(_cache[0].copy_of(*picture))


def _measurements(task: Task) -> list[PairMeasurement]:
    photo, name = task.left
    place = Path(MEASURED, name)
    return [
        _cache[0].remembered(
            place / f"{view}-{right.path.stem}", photo, partial(_measure, task.left, (right, ORIGINAL), view)
        )
        for right, view in task.rights
    ]


def _measure(left: Picture, right: Picture, view: View | None) -> PairMeasurement:
    return measure_images(_decoded(*left), _decoded(*right), view)


@lru_cache(16)
def _decoded(photo: Photo, name: str) -> WorkingImage:
    return decode(_cache[0].copy_of(photo, name))
