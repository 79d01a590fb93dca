"""Verdicts on pictures in which something was edited: how often an edit that can be seen is told, and copies are not.

python -m benchmarks.edited --pictures NAME=FOLDER [--pictures …] [--limit 80] --json benchmarks/results/edited.json

Each picture gets four random edits (a bar, a word, a line, a ring, a place erased, blurred or pasted over), and each of
these is saved in two of eight ways in which pictures travel. An edit counts where at 512 pixels it changes at least 40
of them by more than 40 levels. Beside it the same picture is compared with its unedited copy, saved in the same way.
"""

import argparse
import io
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a script as well as with -m
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter  # noqa: E402

from benchmarks.quality_eval.pictures import photos_in  # noqa: E402
from dedup_core import SAME_PICTURE, VerdictKind, compare  # noqa: E402
from dedup_core.limits import WORKING_SIZE  # noqa: E402

SIDE = 1000  # pixels of the longer side, before anything is edited
EDITS = 4
WAYS_EACH = 2
LEAST_PIXELS, LEAST_LEVELS = 40, 40
WORDS = ("VOID", "COPY 7", "2031-05", "Nr. 48", "SOLD")
type Box = tuple[int, int, int, int]
type Copy = Callable[[Image.Image], bytes]


def jpeg(picture: Image.Image, quality: int = 85) -> bytes:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def half(picture: Image.Image) -> bytes:
    size = max(1, picture.width // 2), max(1, picture.height // 2)
    return jpeg(picture.resize(size, Image.Resampling.LANCZOS), 75)


def scanned(picture: Image.Image) -> bytes:
    askew = picture.rotate(0.7, Image.Resampling.BICUBIC, fillcolor=(250, 250, 248))
    blurred = np.asarray(askew.filter(ImageFilter.GaussianBlur(0.6)), np.float32)
    noise = np.random.default_rng(1).normal(0, 3, (*blurred.shape[:2], 1)).astype(np.float32)
    return jpeg(Image.fromarray((blurred * np.float32(0.94) + 6 + noise).clip(0, 255).astype(np.uint8)), 80)


def cropped(picture: Image.Image) -> bytes:
    shares = zip((0.03, 0.02, 0.98, 0.97), picture.size * 2, strict=True)
    left, top, right, bottom = (int(share * side) for share, side in shares)
    return jpeg(picture.crop((left, top, right, bottom)))


WAYS: dict[str, Copy] = {
    "PNG": png,
    "JPEG 60": partial(jpeg, quality=60),
    "half the size": half,
    "scanned askew": scanned,
    "cropped": cropped,
    "brighter": lambda picture: jpeg(ImageEnhance.Brightness(picture).enhance(1.25)),
    "more contrast": lambda picture: jpeg(ImageEnhance.Contrast(picture).enhance(1.4)),
    "gray": lambda picture: jpeg(picture.convert("L")),
}


def bar(picture: Image.Image, box: Box, chance: random.Random) -> None:
    color = chance.choice(["black", "white", tuple(chance.randint(0, 255) for _ in range(3))])
    ImageDraw.Draw(picture).rectangle(box, fill=color)


def word(picture: Image.Image, box: Box, chance: random.Random) -> None:
    size = max(10, int(chance.uniform(0.03, 0.05) * max(picture.size)))
    ImageDraw.Draw(picture).text(box[:2], chance.choice(WORDS), fill=chance.choice(["black", "white"]), font_size=size)


def line(picture: Image.Image, box: Box, chance: random.Random) -> None:
    end = box[2], chance.randint(box[1], box[3])
    color, width = chance.choice(["black", "white", "red", "blue"]), max(2, max(picture.size) // 160)
    ImageDraw.Draw(picture).line((*box[:2], *end), fill=color, width=width)


def ring(picture: Image.Image, box: Box, chance: random.Random) -> None:
    across = 2 * int(chance.uniform(0.015, 0.04) * max(picture.size))
    color, width = chance.choice(["red", "black", "white", "green"]), max(2, max(picture.size) // 150)
    ends = box[0], box[1], box[0] + across, box[1] + across
    ImageDraw.Draw(picture).ellipse(ends, outline=color, width=width)


def erased(picture: Image.Image, box: Box, _: random.Random) -> None:
    picture.paste(picture.getpixel(box[:2]), box)


def blurred(picture: Image.Image, box: Box, _: random.Random) -> None:
    picture.paste(picture.crop(box).filter(ImageFilter.GaussianBlur(max(picture.size) / 60)), box)


def pasted_over(picture: Image.Image, box: Box, chance: random.Random) -> None:
    wide, high = box[2] - box[0], box[3] - box[1]
    left, top = chance.randint(0, picture.width - wide), chance.randint(0, picture.height - high)
    picture.paste(picture.crop((left, top, left + wide, top + high)), box)


KINDS = {
    "a bar": bar,
    "a word": word,
    "a line": line,
    "a ring": ring,
    "a place erased": erased,
    "a place blurred": blurred,
    "a place pasted over": pasted_over,
}


class Outcome(NamedTuple):
    """An edit, or the unedited copy beside it; how it was saved, and what it was called beside the picture before."""

    edit: str
    is_edited: bool
    way: str
    kind: VerdictKind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--limit", type=int, default=80, help="pictures of each folder, spread evenly over it")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    counts = {}
    with Pool() as pool:
        for name, _, folder in (it.partition("=") for it in options.pictures):
            paths = [photo.path for photo in photos_in(Path(folder), options.limit)]
            outcomes = [it for found in pool.imap(outcomes_of, paths) for it in found]
            counts[name] = {part: counted(outcomes, part) for part in ("edit", "way")}
    for name, parts in counts.items():
        for part in parts.values():
            for what, (count, missed, alarms) in part.items():
                print(f"{name}, {what}: {missed} of {count} edits not told; {alarms} unedited copies called edited")
    if options.json:
        options.json.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


def counted(outcomes: list[Outcome], part: str) -> dict[str, tuple[int, int, int]]:
    """By edit or by way: how many edits there were, how many were not told, and how many copies were called edited."""
    edits, missed, alarms = Counter[str](), Counter[str](), Counter[str]()
    for outcome in outcomes:
        name = outcome.edit if part == "edit" else outcome.way
        is_copy = outcome.kind in SAME_PICTURE | {VerdictKind.COLOR_VARIANT}
        edits[name] += outcome.is_edited
        missed[name] += outcome.is_edited and is_copy
        alarms[name] += not outcome.is_edited and not is_copy
    return {name: (edits[name], missed[name], alarms[name]) for name in edits}


def outcomes_of(path: Path) -> list[Outcome]:
    return list(_outcomes(path))


def _outcomes(path: Path) -> Iterator[Outcome]:
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    chance, before = random.Random(path.name), png(picture)
    for _ in range(EDITS):
        edit = chance.choice(list(KINDS))
        changed = picture.copy()
        KINDS[edit](changed, _box(picture, chance), chance)
        for way in chance.sample(list(WAYS), WAYS_EACH):
            if not _can_be_seen(picture, changed, in_gray=way == "gray"):
                continue
            for shown in (changed, picture):
                yield Outcome(edit, shown is changed, way, compare(before, WAYS[way](shown)).kind)


def _box(picture: Image.Image, chance: random.Random) -> Box:
    longer = max(picture.size)
    wide = min(picture.width, int(chance.uniform(0.04, 0.14) * longer))
    high = min(picture.height, int(chance.uniform(0.015, 0.05) * longer))
    left, top = chance.randint(0, picture.width - wide), chance.randint(0, picture.height - high)
    return left, top, left + wide, top + high


def _can_be_seen(picture: Image.Image, changed: Image.Image, *, in_gray: bool) -> bool:
    scale = WORKING_SIZE / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    small = [it.convert("L" if in_gray else "RGB").resize(size, Image.Resampling.BOX) for it in (picture, changed)]
    ours, theirs = (np.asarray(it.filter(ImageFilter.GaussianBlur(0.7)), np.int16) for it in small)
    apart = np.abs(ours - theirs).reshape(size[1], size[0], -1).max(axis=2)
    return int((apart > LEAST_LEVELS).sum()) >= LEAST_PIXELS


if __name__ == "__main__":
    main()
