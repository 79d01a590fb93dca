"""A container with copies to clear up, and a manifest that outlives the process that writes it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from dedup_app.cleanup.apply import ApplyService
from dedup_app.cleanup.outcome import Outcome
from dedup_app.cleanup.ports import Blob
from dedup_app.cleanup.purge import PurgeService
from dedup_app.cleanup.undo import UndoService
from dedup_app.ports.features import FeaturesRow
from dedup_app.ports.image_status import INDEXED
from dedup_app.ports.pairs import PairRow
from dedup_app.records.group_records import facts_of, records_of
from dedup_app.services import Services
from dedup_core.comparison.sides import Side, Sides
from dedup_core.comparison.verdict import Verdict, VerdictKind
from dedup_core.groups.plan import KeepPlan, Wanted
from dedup_core.paths import ImagePath
from tests.app.world import Crash, World
from tests.decisions import decided
from tests.storage.examples import some_features

FEATURES = some_features()
NOW = datetime(2026, 5, 31, 12, 0, tzinfo=UTC)
ODD = "odd #?%2Fä/<img src=x onerror=alert(1)> .jpg "


class MemoryManifest:
    """Entries in a list; whoever dies leaves it behind."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.place = f"memory at {id(self)}"

    def entries(self) -> Sequence[Mapping[str, Any]]:
        return list(self.lines)

    def append(self, entry: Mapping[str, Any]) -> None:
        self.lines.append(dict(entry))

    def steps(self, path: ImagePath) -> list[str]:
        return [line["step"] for line in self.lines if line.get("image") == str(path)]


@dataclass
class Scene:
    """Images `best.jpg` with two copies, one oddly named and without a stored hash, and another pair."""

    world: World
    manifest: MemoryManifest
    plan: KeepPlan
    before: dict[ImagePath, tuple[bytes, Blob]]

    def apply(self, services: Services | None = None, manifest: MemoryManifest | None = None) -> list[Outcome]:
        return list(self.applying(services).apply(self.plan, manifest or self.manifest))

    def applying(self, services: Services | None = None) -> ApplyService:
        at = services or self.world.services
        return ApplyService(
            blobs=at.movable_blobs,
            book=at.groups,
            ingest_queue=at.ingest_queue,
            settings=at.settings,
            now=at.now,
            at_once=1,
        )

    def undo(self, services: Services | None = None) -> list[Outcome]:
        at = services or self.world.services
        undoing = UndoService(
            blobs=at.movable_blobs, ingest_queue=at.ingest_queue, settings=at.settings, now=at.now, at_once=1
        )
        return list(undoing.undo(self.manifest))

    def purge(self, older_than: Any, services: Services | None = None, *, is_dry: bool = False) -> list[Outcome]:
        at = services or self.world.services
        purging = PurgeService(blobs=at.movable_blobs, book=at.groups, settings=at.settings, now=at.now, at_once=1)
        return list(purging.purge(self.manifest, older_than, is_dry=is_dry))

    def now_at(self, path: ImagePath) -> tuple[bytes, Blob] | None:
        found = self.world.blobs.look(path)
        return None if found is None else (self.world.blobs.data(path), found)

    @property
    def going(self) -> list[ImagePath]:
        return [copy.image.path for copy in self.plan.copies]

    @property
    def quarantined(self) -> dict[ImagePath, Blob]:
        found = {path: self.world.blobs.look(path) for path in self.world.images.paths()}
        return {path: blob for path, blob in found.items() if blob and path.container == "dedup-quarantine"}


def scene() -> Scene:
    """A fresh one."""
    world = World(plain_index=True)
    names = {
        "best.jpg": 900,
        "copies/a.jpg": 300,
        ODD: 200,
        "other.jpg": 800,
        "copies/c.jpg": 100,
    }
    for name, width in names.items():
        put_image(world, name, width)
    pair(world, "best.jpg", "copies/a.jpg")
    pair(world, "best.jpg", ODD, VerdictKind.IDENTICAL)
    pair(world, "other.jpg", "copies/c.jpg", VerdictKind.ALTERED, "duplicate")
    return of_world(world)


def of_world(world: World) -> Scene:
    plan = world.services.keep_plan.plan(Wanted())
    before = {path: (world.blobs.data(path), blob) for path in world.images.paths() if (blob := world.blobs.look(path))}
    return Scene(world, MemoryManifest(), plan, before)


def put_image(world: World, name: str, width: int) -> ImagePath:
    """An indexed image with headers, metadata, tags and a tier of its own."""
    path = ImagePath("images", name)
    data = f"the bytes of {name}".encode()
    more: dict[str, Any] = {"md5": ""} if name == ODD else {}
    blob = world.blobs.put(
        path,
        data,
        headers={"content_type": "image/jpeg", "cache_control": f"max-age={width}"},
        metadata={"who": name.encode().hex()},
        tags={"shop": str(width)},
        tier="Cool",
        **more,
    )
    sha256 = hashlib.sha256(data).hexdigest()
    features = replace(FEATURES, sha256=sha256, width=width, height=width, byte_size=len(data))
    world.services.features.put(FeaturesRow(path, blob.etag, INDEXED, features, "", NOW, version=1, added_at=NOW))
    return path


def pair(
    world: World, left: str, right: str, kind: VerdictKind = VerdictKind.DUPLICATE, decision: str | None = None
) -> None:
    """A verdict on two images, and what a person decided about it. Something lies over the right one if altered."""
    paths = ImagePath("images", left), ImagePath("images", right)
    sides = Sides(Side(), Side(is_overlaid=kind is VerdictKind.ALTERED))
    verdict = Verdict(kind, (), None, 4, "upright", sides=sides)
    row = PairRow(*paths, "", "", verdict, 4, "upright", NOW, left_version=1, right_version=1)
    world.pairs.put_verdict(row)
    if decision:
        row = world.pairs.decide(decided(row, decision), None)
    rows = world.services.features.summaries([path.image_id for path in paths])
    world.services.verdict_log.append([*map(facts_of, rows.values()), *records_of(row)])


@contextmanager
def dying(world: World, number: int, *, after: bool) -> Iterator[list[bool]]:
    """The process dies before, or right after, its call of this number; says whether it came to that."""
    died = [False]

    def die(at: int, _step: str) -> None:
        if at == number:
            died[0] = True
            raise Crash

    world.calls.clear()
    world.before, world.after = (_never, die) if after else (die, _never)
    try:
        yield died
    except Crash:
        pass
    finally:
        world.before = world.after = _never


def _never(_number: int, _step: str) -> None:
    pass
