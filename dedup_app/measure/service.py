"""Measure: copies of a sample of the stored images are made, looked up and compared as if they had been uploaded.

It only reads: an image once, the tables and the index as the app does. What comes of it is handed out image by image.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from functools import lru_cache
from itertools import batched, islice
from threading import Event

from dedup_app.measure.copies import CopyMaker, MadeCopy, PictureStore
from dedup_app.measure.results import CopyResult, ImageResult, Outcome, StrangerPair
from dedup_app.measure.sample import Sample, draw
from dedup_app.measure.stages import Stage, stage_of_search
from dedup_app.measure.strangers import NearPair, Strangers, strangers_among
from dedup_app.pipeline.candidates import confirmed, likeliest
from dedup_app.ports.decoders import Decoders
from dedup_app.ports.features import FeaturesRow, FeaturesTable, ImageSummary
from dedup_app.ports.image_status import INDEXED
from dedup_app.ports.images import Images
from dedup_app.ports.index import NOBODY, CandidateIndex
from dedup_app.records.group_book import GroupBook
from dedup_app.records.group_records import id_of
from dedup_core.decoding.working_image import WorkingImage
from dedup_core.errors import ImageNotFound, PermanentError
from dedup_core.groups.facts import Decision, Family
from dedup_core.loading.budget import LoadBudgets

NO_GROUP = "none"
COPIES_AT_ONCE = 6  # of one image: few enough that all threads together hold little
ROWS_HELD = 4096  # features rows of candidates, about 6 KB each
_STRENGTH = (Family.SAME, Family.ALTERED, Family.COLOR, Family.APART)  # which group of several an image is told by


class MeasureService:
    """Every method reads only. `threads` images are worked on at a time."""

    def __init__(
        self,
        *,
        images: Images,
        features: FeaturesTable,
        index: CandidateIndex,
        book: GroupBook,
        decoders: Decoders,
        copy_maker: CopyMaker,
        budgets: LoadBudgets,
        max_candidates: int,
        threads: int,
    ) -> None:
        self._images = images
        self._features = features
        self._index = index
        self._book = book
        self._decoders = decoders
        self._copy_maker = copy_maker
        self._budgets = budgets
        self._max_candidates = max_candidates
        self._threads = threads
        self._row_of = lru_cache(ROWS_HELD)(features.get)

    def sample(self, prefix: str, most: int, seed: int) -> Sample:
        """A sample of the images whose names begin with `prefix`; the tables are read for it, and no image."""
        groups = self._groups_by_image()
        known = (
            row
            for row in self._features.all_summaries()
            if row.status == INDEXED and row.path.begins_with(prefix) and not row.path.is_generated
        )
        return draw(known, lambda row: groups.get(id_of(row.path), NO_GROUP), most, seed)

    def run(self, images: Sequence[ImageSummary], pictures: PictureStore) -> Iterator[ImageResult]:
        """What became of each image, as they are done. Raises `TemporaryError` where storage is busy for good.

        Once nobody waits for more, as after Ctrl-C, images that were begun are left at their next copy.
        """
        self._index.catch_up()
        left_off = Event()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="measure") as threads:
            try:
                yield from _as_done(
                    threads, 2 * self._threads, lambda image: self._measured(image, pictures, left_off), images
                )
            finally:
                left_off.set()

    def strangers(self, images: Sequence[ImageSummary], most: int) -> tuple[list[FeaturesRow], Strangers]:
        """The rows of these images, and their pairs that are no copies by content or by what people decided."""
        rows = [row for row in map(self._row_of, (it.path.image_id for it in images)) if row is not None]
        rows = [row for row in rows if row.features is not None]
        with self._book.current() as known:
            decided = {
                key: found.decision
                for place, left in enumerate(rows)
                for right in rows[place + 1 :]
                if (found := known.decided(*(key := (id_of(left.path), id_of(right.path))))) is not None
            }

        def are_copies(left: FeaturesRow, right: FeaturesRow) -> bool:
            ids = id_of(left.path), id_of(right.path)
            said = decided.get(ids) or decided.get(ids[::-1])
            if said is not None:
                return said is not Decision.NOT_DUPLICATE
            return left.summary.sha256 == right.summary.sha256

        return rows, strangers_among(rows, are_copies, most)

    def compared(
        self, rows: Sequence[FeaturesRow], near: Sequence[NearPair], pictures: PictureStore
    ) -> Iterator[StrangerPair]:
        """What is measured of pairs of images that were read before; those without a picture are left out."""
        with ThreadPoolExecutor(self._threads, thread_name_prefix="strangers") as threads:
            for part in batched(near, 4 * self._threads, strict=False):
                found = threads.map(lambda pair: self._stranger(rows, pair, pictures), part)
                yield from (pair for pair in found if pair is not None)

    def _groups_by_image(self) -> dict[bytes, str]:
        groups = self._book.groups(frozenset(Family))
        order = sorted(groups, key=lambda group: -_STRENGTH.index(group.family))
        return {image.image_id: group.family.value for group in order for image in group.images}

    def _measured(self, image: ImageSummary, pictures: PictureStore, left_off: Event) -> ImageResult:
        row = self._row_of(image.path.image_id)
        if row is None or row.version != image.version or row.features is None:
            return ImageResult(str(image.path), Outcome.VANISHED if row is None else Outcome.CHANGED)
        try:
            with self._budgets.file() as room:
                source = self._images.read(image.path)
                if source is None or source.etag != row.etag:
                    return ImageResult(str(image.path), Outcome.CHANGED, len(source.data) if source else 0)
                with room.picture(source.data) as header:
                    picture = self._decoders.decode(source.data, header)
        except ImageNotFound:
            return ImageResult(str(image.path), Outcome.VANISHED)
        except PermanentError:
            return ImageResult(str(image.path), Outcome.UNREADABLE)
        pictures.put(image.path.image_id, picture)
        copies = tuple(self._copies(row, picture, left_off))
        return ImageResult(str(image.path), Outcome.MEASURED, len(source.data), copies)

    def _copies(self, row: FeaturesRow, picture: WorkingImage, left_off: Event) -> Iterator[CopyResult]:
        names = [change.name for change in self._copy_maker.changes]
        for part in batched(names, COPIES_AT_ONCE, strict=False):
            for made in self._copy_maker.copies(picture, row.path.name, part):
                if left_off.is_set():
                    raise CancelledError
                yield self._looked_up(row, picture, made)

    def _looked_up(self, original: FeaturesRow, picture: WorkingImage, made: MadeCopy) -> CopyResult:
        """As ingest does it: searched, borne out by the rows, thinned where there is a crowd; then compared."""
        asked = made.fingerprints
        hits = self._index.search(NOBODY, 0, asked)
        passed = list(confirmed(asked, hits, self._row_of, self._max_candidates))
        candidates = likeliest(asked, passed)
        own = next((it for it in candidates if it.row.path == original.path), None)
        found = Stage.FOUND if own else stage_of_search(original, asked, hits, passed, self._max_candidates)
        rank = next((place for place, hit in enumerate(hits, 1) if hit.image_id == original.path.image_id), 0)
        measurement = self._copy_maker.measure(made.picture, picture, own.hit.view if own else None)
        return CopyResult(made.change, found, rank, len(candidates) - (own is not None), measurement)

    def _stranger(self, rows: Sequence[FeaturesRow], pair: NearPair, pictures: PictureStore) -> StrangerPair | None:
        left, right = rows[pair.left].path, rows[pair.right].path
        ours, theirs = pictures.get(left.image_id), pictures.get(right.image_id)
        if ours is None or theirs is None:
            return None
        measurement = self._copy_maker.measure(ours, theirs, pair.view)
        return StrangerPair(str(left), str(right), pair.distance_bits, pair.candidate, measurement)


def _as_done[T, R](
    threads: ThreadPoolExecutor, ahead: int, handle: Callable[[T], R], items: Iterable[T]
) -> Iterator[R]:
    """What came of the items, in the order in which they are done, with at most so many begun `ahead`.

    After a failure no other item is begun; it is raised when those that were begun are done.
    """
    left, failure = iter(items), None
    waiting: set[Future[R]] = set()
    try:
        while waiting := waiting | {threads.submit(handle, item) for item in islice(left, ahead - len(waiting))}:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                if (raised := future.exception()) is None:
                    yield future.result()
                else:
                    failure, left = failure or raised, iter(())
                    waiting = {it for it in waiting if not it.cancel()}
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
    if failure is not None:
        raise failure


def without(images: Sequence[ImageSummary], done: Collection[str]) -> list[ImageSummary]:
    """The images that are still to be measured."""
    return [image for image in images if str(image.path) not in done]
