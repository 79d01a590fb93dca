"""Copies made and compared in processes of their own, one a core: nothing but pictures that were decoded goes there."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple, Self

from PIL import Image

from dedup_changes.transforms import ALL_TRANSFORMS, TRANSFORMS, Transform
from dedup_core.comparison.measure import measure_images
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.decoding.decoder import decode
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.fingerprinting.hashes import fingerprints_of
from dedup_core.fingerprinting.record import CONTENT_BYTES, Fingerprints
from dedup_core.views import View


class MadeCopy(NamedTuple):
    """A copy as the app would see it, had somebody uploaded it."""

    change: str
    fingerprints: Fingerprints
    picture: WorkingImage


def make_copies(picture: WorkingImage, name: str, changes: Sequence[str]) -> list[MadeCopy]:
    """Copies of the picture as it was decoded, each written by real encoders and decoded again.

    None by changes that change nothing of it.
    """
    image = Image.fromarray(picture.pixels)
    made = []
    for change in changes:
        if not TRANSFORMS[change].changes(image):
            continue
        data = TRANSFORMS[change].copy_of(image, name)
        small = decode(data)
        made.append(MadeCopy(change, fingerprints_of(small, hashlib.sha256(data).digest()[:CONTENT_BYTES]), small))
    return made


class CopyMaker:
    """A pool of processes; a context. Nothing is started before the first copy. `prepare` is called in each process."""

    def __init__(
        self,
        processes: int | None = None,
        changes: Sequence[Transform] = ALL_TRANSFORMS,
        prepare: Callable[[], object] | None = None,
    ) -> None:
        self.changes = tuple(changes)
        # Matrices of 64 x 64 gain nothing from threads, and on a busy machine their waiting takes ten times the work.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self._processes = processes or os.process_cpu_count() or 1
        self._prepare = prepare
        self._pool = self._pool_of_processes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def rest(self) -> None:
        """End the processes, whose memory others want; the next copy starts new ones."""
        self._pool.shutdown()
        self._pool = self._pool_of_processes()

    def copies(self, picture: WorkingImage, name: str, changes: Sequence[str]) -> list[MadeCopy]:
        return self._pool.submit(make_copies, picture, name, changes).result()

    def measure(self, left: WorkingImage, right: WorkingImage, hint: View | None) -> PairMeasurement:
        return self._pool.submit(measure_images, left, right, hint).result()

    def _pool_of_processes(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._processes, get_context("spawn"), self._prepare)
