"""Verdicts on photographs and what a camera that moved would have seen: docs/thresholds.md#displaced-parts.

python -m benchmarks.moved_camera --photos FOLDER --json benchmarks/results/moved-camera.json

Six things of each photograph stand nearer or farther than its ground, which recedes to the top; all of it is shifted by
how near it is. Each pair is the photograph and what the moved camera saw, without the edges.
"""

import argparse
import io
import json
import os
import sys
from collections import Counter
from dataclasses import replace
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a script as well as with -m
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from PIL import Image, ImageDraw, ImageFilter  # noqa: E402

from benchmarks.quality_eval.pictures import photos_in  # noqa: E402
from dedup_core import PairMeasurement, WorkingImage, decide, decode, measure_images  # noqa: E402
from dedup_core.arrays import Float32s  # noqa: E402
from dedup_core.policy import BALANCED  # noqa: E402

SHARES = (0.0, 0.003, 0.005, 0.01, 0.02, 0.04)
"""Of the width: by how much the nearest of all shifts against the farthest of all."""
POLICIES = {"balanced": BALANCED, "displacement not asked": replace(BALANCED, max_displacement=258.0)}
SIDE = 800
THINGS = 6
EDGE = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=60, help="photos, spread evenly over the folder")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    counts: dict[str, dict[str, Counter[str]]] = {of: {f"{share:g}": Counter() for share in SHARES} for of in POLICIES}
    with Pool() as pool:
        for seen in pool.imap(measurements_of, (photo.path for photo in photos_in(options.photos, options.limit))):
            for share, measurement in seen.items():
                for of, policy in POLICIES.items():
                    counts[of][f"{share:g}"][decide(measurement, policy).kind.value] += 1
    for of, shares in counts.items():
        for name, kinds in shares.items():
            print(f"{of}, {float(name):.1%} of the width: {dict(kinds)}")
    if options.json:
        options.json.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


def measurements_of(path: Path) -> dict[float, PairMeasurement]:
    """Of the photograph and what each moved camera saw, by the share of the width."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    photo.thumbnail((SIDE, SIDE))
    near = nearness(photo.size, np.random.default_rng(list(path.name.encode())))
    before = working(without_edge(photo))
    return {
        share: measure_images(before, working(without_edge(seen_from_beside(photo, near, share)))) for share in SHARES
    }


def nearness(size: tuple[int, int], random: np.random.Generator) -> Float32s:
    """(h, w) 0..1: a ground that recedes to the top, and things on it with soft edges of a few pixels."""
    width, height = size
    depth = Image.fromarray(np.repeat(np.linspace(0, 127, height)[:, None], width, axis=1).astype(np.uint8))
    for _ in range(THINGS):
        x, y = random.uniform(0.1, 0.9) * width, random.uniform(0.2, 0.9) * height
        radius = random.uniform(0.06, 0.2) * width
        tall = radius * random.uniform(0.6, 1.4)
        ImageDraw.Draw(depth).ellipse((x - radius, y - tall, x + radius, y + tall), fill=int(random.uniform(0, 255)))
    return np.asarray(depth.filter(ImageFilter.GaussianBlur(1.5)), dtype=np.float32) * np.float32(1 / 255)


def seen_from_beside(photo: Image.Image, near: Float32s, share: float) -> Image.Image:
    """The photo with every point shifted by its nearness times a share of the width."""
    pixels = np.asarray(photo, dtype=np.float32)
    height, width = near.shape
    across = np.clip(np.arange(width) + share * width * (near - near.mean()), 0, width - 1.001)
    first = across.astype(np.intp)
    part, rows = (across - first)[..., None], np.arange(height)[:, None]
    seen = (1 - part) * pixels[rows, first] + part * pixels[rows, first + 1]
    return Image.fromarray(seen.round().astype(np.uint8))


def without_edge(image: Image.Image) -> Image.Image:
    edge = round(EDGE * image.width)
    return image.crop((edge, edge, image.width - edge, image.height - edge))


def working(image: Image.Image) -> WorkingImage:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return decode(buffer.getvalue())


if __name__ == "__main__":
    main()
