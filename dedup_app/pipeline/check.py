"""Check: is this picture here already? Looked up and compared like one that lands, and nothing of it is stored."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import batched, islice

from dedup_app.ports.decoders import Decoders
from dedup_app.ports.features import FeaturesTable, ImageSummary
from dedup_app.ports.index import NOBODY, CandidateIndex
from dedup_core.comparison.alignment.seen_image import SeenImage
from dedup_core.comparison.verdict import SAME_PICTURE, Verdict, decide
from dedup_core.errors import ImageNotFound, PermanentError
from dedup_core.features import ImageFeatures
from dedup_core.groups.facts import FAMILIES
from dedup_core.loading.budget import LoadBudgets
from dedup_core.loading.loader import MemoryEfficientImageLoader
from dedup_core.loading.source import SourceImage
from dedup_core.paths import ImagePath
from dedup_core.policy import Policy

MOST_TRIED = 100  # hits, of which some may be gone


@dataclass(frozen=True, slots=True)
class CheckHit:
    """An image that looks like the one that was asked about, and what was measured."""

    path: ImagePath
    verdict: Verdict

    @property
    def is_same_picture(self) -> bool:
        return self.verdict.kind in SAME_PICTURE


class CheckService:
    """Reads the index and the candidates."""

    def __init__(
        self,
        *,
        read: Callable[[ImagePath], SourceImage],
        features: FeaturesTable,
        index: CandidateIndex,
        decoders: Decoders,
        loader: MemoryEfficientImageLoader,
        budgets: LoadBudgets,
        policy: Policy,
        containers: Collection[str],
    ) -> None:
        self._read = read
        self._features = features
        self._index = index
        self._decoders = decoders
        self._loader = loader
        self._budgets = budgets
        self._policy = policy
        self._containers = containers

    def look_up_image(self, path: ImagePath, most: int) -> list[CheckHit]:
        """As `look_up` for an image of the container, whether or not it was taken in. Raises `ImageNotFound`, too."""
        if path.is_generated:
            raise ImageNotFound(f"{path} is drawn by a test and no blob")
        return self.look_up(lambda: self._read(path).data, most, besides=path)

    def look_up(self, read: Callable[[], bytes], most: int, besides: ImagePath | None = None) -> list[CheckHit]:
        """Images that are like the file that `read` gives once there is room for it, the nearest first.

        Raises `PermanentError` if it is no readable image.
        """
        features, asked = self._asked(read)
        self._index.catch_up()
        hits = self._index.search(NOBODY, 0, features.fingerprints)
        ids = (hit.image_id for hit in hits if besides is None or hit.image_id != besides.image_id)
        compared, found = 0, list[CheckHit]()
        for row in self._alive(islice(ids, MOST_TRIED), most):
            try:
                other = self._loader.load(row.path)
            except PermanentError:  # gone or another file since; the app has not heard of it yet
                continue
            compared += 1
            measurement = self._loader.measure_pictures(asked, other.seen)
            verdict = decide(measurement, self._policy, same_bytes=other.sha256 == features.sha256)
            if verdict.kind in FAMILIES:
                found.append(CheckHit(row.path, verdict))
            if compared == most:
                break
        return found

    def _asked(self, read: Callable[[], bytes]) -> tuple[ImageFeatures, SeenImage]:
        """What is made of the file. Its bytes and room are gone when it returns: candidates take room of their own."""
        with self._budgets.file() as room:
            data = read()
            with room.picture(data) as header:
                features, picture = self._decoders.features_and_picture(data, header)
        return features, SeenImage(picture)

    def _alive(self, ids: Iterable[str], at_once: int) -> Iterator[ImageSummary]:
        for part in batched(ids, at_once, strict=False):
            rows = self._features.summaries(part)
            yield from (rows[it] for it in part if it in rows and self._is_there(rows[it]))

    def _is_there(self, row: ImageSummary) -> bool:
        return row.is_alive and row.path.container in self._containers
