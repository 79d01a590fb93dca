"""The review application over an app in memory with real photographs, served on a free port."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import uvicorn
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dedup_web.app import create_app
from tests.app.world import World
from tests.core.pictures import hue_shifted

KEY = "a key of the tests"
HOSTILE = "<img src=x onerror=alert(1)>.jpg"


@cache
def photograph(name: str) -> Image.Image:
    """A photograph that scikit-image ships (CC0 or public domain), at most 512 pixels a side."""
    with Image.open(io.BytesIO((files("skimage") / "data" / name).read_bytes())) as picture:
        picture.thumbnail((512, 512))
        return picture.convert("RGB")


def encoded(picture: Image.Image, kind: str = "JPEG", quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({} if kind == "PNG" else {"quality": quality}))
    return buffer.getvalue()


def with_letters(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    place = (picture.width * 0.05, picture.height * 0.8)
    ImageDraw.Draw(picture).text(place, "SAMPLE", font=ImageFont.load_default(picture.height // 7), fill="white")
    return picture


def photographs_world(**settings: Any) -> World:
    """Copies, identical files, another color, a file that is none, and a name that would be markup.

    Taken in and verified once a process; each call gives an app of its own that begins there.
    """
    made, world = _taken_in(), World(**settings)
    world.images._blobs.update(made.images._blobs)
    for ours, theirs in ((world.features, made.features), (world.pairs, made.pairs)):
        ours.entities._entities.update(theirs.entities._entities)
    for ours, theirs in ((world.segments, made.segments), (world.verdict_segments, made.verdict_segments)):
        ours._segments.extend(map(list, theirs._segments))
        ours._generation.extend(theirs._generation)
    return world


@cache
def _taken_in() -> World:
    world = World()
    cat, coffee, rocket = photograph("chelsea.png"), photograph("coffee.png"), photograph("rocket.jpg")
    astronaut = photograph("astronaut.png")
    half = astronaut.resize((astronaut.width // 2, astronaut.height // 2))
    for name, data in {
        "catalog/cat.jpg": encoded(cat, quality=93),
        "uploads/cat-small.jpg": encoded(cat.resize((cat.width // 2, cat.height // 2)), quality=85),
        "uploads/cat-sample.jpg": encoded(with_letters(cat)),
        "catalog/coffee.jpg": encoded(coffee, quality=92),
        "uploads/coffee again.jpg": encoded(coffee, quality=92),
        "uploads/coffee-blue.jpg": encoded(hue_shifted(coffee, 120)),
        "catalog/rocket.jpg": encoded(rocket, quality=92),
        "uploads/rocket-framed.jpg": encoded(ImageOps.expand(rocket, 30, "white")),
        "catalog/astronaut.png": encoded(astronaut, "PNG"),
        HOSTILE: encoded(half),
        "uploads/notes.jpg": b"this is no picture",
    }.items():
        world.upload_and_ingest(name, data)
    world.verify_all()
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
            time.sleep(0.01)
        try:
            yield Served(f"http://127.0.0.1:{port}", world)
        finally:
            server.should_exit = True
            thread.join(10)
