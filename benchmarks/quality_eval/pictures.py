"""The photos under evaluation and the cache of their encoded copies."""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import PIL
from PIL import Image

from dedup_changes import edits, frames, tones, transforms

ORIGINAL = "original"
USUAL_CACHE = Path(tempfile.gettempdir(), "near-duplicate-quality")
SUFFIXES = {".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


class Progress(Protocol):
    """Passes on the items of some work while it shows how far it is."""

    def __call__[T](self, work: Iterable[T], total: int, title: str, /) -> Iterable[T]: ...


@dataclass(frozen=True, slots=True)
class Photo:
    """One original picture."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def image_id(self) -> str:
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:32]

    def read(self) -> bytes:
        return self.path.read_bytes()

    def is_changed_by(self, transform: str) -> bool:
        """Whether its copy is what the verdicts of the transform are right for."""
        change = transforms.TRANSFORMS[transform]
        if not change.takes_color:
            return True
        with Image.open(self.path) as picture:
            return change.changes(picture.convert("RGB"))


type Picture = tuple[Photo, str]
"""A photo and the name of the transform that made a copy of it, or `original`."""


@dataclass(frozen=True, slots=True)
class Cache:
    """Files made from photos: a run after a change of the core makes no copy twice."""

    folder: Path

    def copy_of(self, photo: Photo, transform: str) -> bytes:
        """The encoded bytes of a photo's copy, or of the photo itself for `original`."""
        data = photo.read()
        if transform == ORIGINAL:
            return data
        make = transforms.TRANSFORMS[transform].apply
        place = Path(
            f"copies-{_version(*(it.__file__ for it in (transforms, edits, frames, tones)), PIL.__version__)}",
            transform,
        )
        return self.made(place, photo, data, lambda: make(data, photo.name))

    def remembered[T](self, place: Path, photo: Photo, make: Callable[[], T]) -> T:
        """What `make` gives for this photo, whatever it is, from the cache where it was made before."""
        kept: T = pickle.loads(self.made(place, photo, photo.read(), lambda: pickle.dumps(make())))  # noqa: S301 - ours
        return kept

    def made(self, place: Path, photo: Photo, data: bytes, make: Callable[[], bytes]) -> bytes:
        """What `make` gives for this photo, from the cache where it was made before."""
        path = self.folder / place / f"{photo.path.stem}-{hashlib.sha256(data).hexdigest()[:12]}"
        if path.exists():
            return path.read_bytes()
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(made)
        os.replace(temporary, path)  # noqa: PTH105 - several runs may share the cache: no half-written file is ever seen
        return made


def photos_in(folder: Path, limit: int | None = None) -> list[Photo]:
    """The photos of a folder by name; with a limit, that many spread evenly over them."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if limit is not None and limit < len(paths):
        paths = [paths[place * len(paths) // limit] for place in range(limit)]
    return [Photo(path) for path in paths]


def source_version(files: Iterable[str]) -> str:
    """A short digest of some source files, part of a cache's name so that a change of code starts an empty one."""
    return _version(*files)


def _version(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(Path(part).read_bytes() if Path(part).is_file() else part.encode())
    return digest.hexdigest()[:10]
