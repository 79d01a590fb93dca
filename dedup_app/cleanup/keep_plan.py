"""Plans what could go: groups as they are now, with the etags of the bytes that were compared."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import batched

from dedup_app.configuration.settings import Settings
from dedup_app.ports.features import FeaturesTable
from dedup_app.records.group_book import SAME, GroupBook
from dedup_core.groups.group import Group
from dedup_core.groups.plan import KeepPlan, PlannedImage, Wanted, plan_groups
from dedup_core.paths import ImagePath

IMAGES_AT_ONCE = 500  # whose rows are asked for, and held, together


class KeepPlanService:
    """Reads the group book and the features rows of the images in it, and no image."""

    def __init__(
        self, *, book: GroupBook, features: FeaturesTable, settings: Settings, now: Callable[[], datetime]
    ) -> None:
        self._book = book
        self._features = features
        self._account = settings.account
        self._containers = settings.containers
        self._now = now

    def plan(self, wanted: Wanted) -> KeepPlan:
        """What would go now, and why. Of groups with an image that the app does not watch any more nothing does."""
        groups = [group for group in self._book.groups(SAME) if self._watches(group)]
        made_at = self._now().isoformat(timespec="seconds")
        planned, left_out = plan_groups(groups, dict(self._known(groups)), wanted)
        return KeepPlan(self._account, wanted.keep, made_at, planned, left_out)

    def _watches(self, group: Group) -> bool:
        return all(ImagePath.parse(image.path).container in self._containers for image in group.images)

    def _known(self, groups: list[Group]) -> Iterator[tuple[bytes, PlannedImage]]:
        """The images whose rows are of the version that was compared."""
        # In the order of the rows: those that lie close together are read together.
        images = sorted((image for group in groups for image in group.images), key=lambda image: image.image_id)
        for part in batched(images, IMAGES_AT_ONCE, strict=False):
            rows = self._features.summaries([image.image_id.hex() for image in part])
            for image in part:
                row = rows.get(image.image_id.hex())
                if row is not None and row.is_alive and row.version == image.version and row.etag and row.sha256:
                    yield image.image_id, PlannedImage(row.path, row.etag, row.sha256, row.byte_size)
