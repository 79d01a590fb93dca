"""The review application over an app in memory with real photographs, served on a free port."""

import io
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

import uvicorn
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from dedup_app.ports.findings import PREFIXES, FindingKind, SliceReport
from dedup_app.records.group_records import id_of, microseconds
from dedup_core.comparison.sides import ALIKE
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.facts import Decided, Decision, ImageFacts, Link
from dedup_core.loading.stats import LoaderStats
from dedup_core.paths import ImagePath
from dedup_web.app import create_app
from demo import photographs
from tests.app.world import NOON, World
from tests.core.pictures import hue_shifted

KEY = "a key of the tests"
KINDS = (VerdictKind.IDENTICAL, VerdictKind.DUPLICATE, VerdictKind.ALTERED, VerdictKind.COLOR_VARIANT)
HOSTILE = "<img src=x onerror=alert(1)>.jpg"


@cache
def photograph(name: str, side: int = 512) -> Image.Image:
    """A photograph that a package ships, at most `side` pixels a side."""
    with Image.open(io.BytesIO(photographs.photograph(name))) as picture:
        picture.thumbnail((side, side))
        return picture.convert("RGB")


def encoded(picture: Image.Image, kind: str = "JPEG", quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({} if kind == "PNG" else {"quality": quality}))
    return buffer.getvalue()


def with_letters(picture: Image.Image, letters: str = "SAMPLE") -> Image.Image:
    picture = picture.copy()
    place = (picture.width * 0.05, picture.height * 0.8)
    ImageDraw.Draw(picture).text(place, letters, font=ImageFont.load_default(picture.height // 7), fill="white")
    return picture


def photographs_world(**settings: Any) -> World:
    """Copies, identical files, another color, a file that is none, and a name that would be markup.

    Taken in and verified once a process; each call gives an app of its own that begins there.
    """
    made, world = _taken_in(), World(**settings)
    world.images._blobs.update(made.images._blobs)
    for ours, theirs in ((world.features, made.features), (world.pairs, made.pairs)):
        ours.entities._entities.update(theirs.entities._entities)
    world.stats._table._entities.update(made.stats._table._entities)  # type: ignore[attr-defined]
    for ours, theirs in ((world.segments, made.segments), (world.verdict_segments, made.verdict_segments)):
        ours._segments.extend(map(list, theirs._segments))
        ours._generation.extend(theirs._generation)
    return world


@cache
def _taken_in() -> World:
    cat, coffee, rocket = photograph("chelsea.png"), photograph("coffee.png"), photograph("rocket.jpg")
    astronaut = photograph("astronaut.png")
    half = astronaut.resize((astronaut.width // 2, astronaut.height // 2))
    files = {
        "catalog/cat.jpg": encoded(cat, quality=93),
        "uploads/cat-small.jpg": encoded(cat.resize((cat.width // 2, cat.height // 2)), quality=85),
        "uploads/cat-sample.jpg": encoded(with_letters(cat)),
        "catalog/coffee.jpg": encoded(coffee, quality=92),
        "uploads/coffee again.jpg": encoded(coffee, quality=92),
        "uploads/coffee-blue.jpg": encoded(hue_shifted(coffee, 120)),
        "catalog/rocket.jpg": encoded(rocket, quality=92),
        "uploads/rocket-framed.jpg": encoded(ImageOps.expand(with_letters(rocket), 30, "white")),
        "catalog/astronaut.png": encoded(astronaut, "PNG"),
        HOSTILE: encoded(half),
        "uploads/notes.jpg": b"this is no picture",
    }
    return _holding(files)


def shop_world() -> World:
    """What the pictures of the docs show: a shop whose sellers send the same photographs again, in their own ways."""
    cup, flower = photograph("coffee.png", 600), photograph("flower.jpg", 640)
    cat = photograph("chelsea.png")
    mirrored = ImageOps.mirror(cup).crop((18, 10, cup.width - 30, cup.height - 22))
    framed = ImageOps.expand(cup.resize((cup.width // 2, cup.height // 2)), 16, "white")
    files = {
        "catalog/coffee-cup.jpg": encoded(cup, quality=94),
        "sellers/anna/IMG_2041.jpg": encoded(ImageEnhance.Brightness(mirrored).enhance(1.12), quality=82),
        "sellers/bistro/cup.webp": encoded(framed, "WEBP", quality=80),
        "sellers/bistro/cup-sale.jpg": encoded(with_letters(cup, "SALE -20 %")),
        "catalog/coffee-cup-green.jpg": encoded(hue_shifted(cup, 120)),
        "catalog/flower.jpg": encoded(flower, quality=95),
        "sellers/anna/flower.jpg": encoded(flower.resize((320, 214)), quality=80),
        "catalog/cat.jpg": encoded(cat, quality=93),
        "catalog/cat (1).jpg": encoded(cat, quality=93),
    }
    return _holding(files)


def _holding(files: Mapping[str, bytes]) -> World:
    """An app that has taken in these files, one after the other, and verified their pairs."""
    world = World()
    for name, data in files.items():
        world.upload_and_ingest(name, data)
    world.verify_all()
    return world


def with_history(world: World) -> World:
    """The same with thirty days behind it: rows, verdicts, decisions and counters as an app leaves them."""
    dice = random.Random(7)
    [row] = [it for it in world.features.all() if it.path.name == "catalog/cat.jpg"]
    records: list[ImageFacts | Link | Decided] = []
    for back in range(1, 30):
        moment = NOON - timedelta(days=back)
        busy = 0 if back % 7 in {0, 1} else dice.randrange(20, 60)
        for number in range(busy):
            path = ImagePath("images", f"2026/{back:02}/{number}.jpg")
            world.features.put(replace(row, path=path, tag="", added_at=moment))
            if number % 3 == 0:
                other = ImagePath("images", f"2026/{back:02}/{number}-small.jpg")
                pair = ImageFacts(id_of(path), str(path)), ImageFacts(id_of(other), str(other))
                kind = dice.choices(KINDS, (2, 5, 1, 1))[0]
                records.append(Link.of(*pair, kind, microseconds(moment), "upright", ALIKE))
                if number % 4 == 0:
                    decision = dice.choices((Decision.DUPLICATE, Decision.NOT_DUPLICATE), (12, 1))[0]
                    records += [*pair, Decided.of(*pair, decision, by="ann", at=microseconds(moment))]
        failures = {"corrupt": busy // 9, "truncated": busy // 20, "too-many-pixels": busy // 40}
        counted = LoaderStats(2 * busy, 10**6 * busy, 0, 0, busy, sum(failures.values()), failures_by_reason=failures)
        world.stats.put(moment.date().isoformat(), "an instance", counted)
    world.services.verdict_log.append(records)
    images = Counter(row.path.image_id[:2] for row in world.features.all())
    for prefix in PREFIXES:
        found = {FindingKind.PAIR_WAITING: 1} if images[prefix] > 6 else {}
        report = SliceReport(prefix, images[prefix], images[prefix] - len(found), len(found), found, 0, NOON)
        world.reports.put_ledger(report)
    return world


@dataclass(frozen=True)
class Served:
    """Where the application answers, and the app behind it."""

    address: str
    world: World

    @property
    def page(self) -> str:
        return f"{self.address}/api/review?code={KEY.replace(' ', '%20')}"


@contextmanager
def served(world: World) -> Iterator[Served]:
    """Serve on a free port until the block ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = create_app(world.services, who="ann", key=KEY, hosts=frozenset({f"127.0.0.1:{port}"}))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server ended while it started"
            time.sleep(0.01)
        try:
            yield Served(f"http://127.0.0.1:{port}", world)
        finally:
            server.should_exit = True
            thread.join(10)
