"""Memory and time of the candidate index, as multiples of a bare XOR-and-popcount pass over as many 256-bit values.

    python -m benchmarks.index                       # one million images
    python -m benchmarks.index --millions 1 3 10 --json index.json

The keypoints of the images held are drawn from those of real photographs (crops of what scikit-image ships, or of a
folder given with `--photos`), each bit changed with a probability of 15 %, so that their words crowd as real ones do.
Bare pass and search take turns, so that whatever else the machine does meets both alike.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dedup_core.decode import WorkingImage
from dedup_core.fingerprint import CONTENT_BYTES, FINGERPRINTS_BYTES, HASH_BYTES, WINDOWS, Fingerprints, fingerprints_of
from dedup_core.index import FingerprintIndex
from dedup_core.keypoints import BUCKET_BITS, KEYPOINT_BYTES, MAX_KEYPOINTS, WORD_BITS

BATCH = 50_000
SHIPPED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg", "hubble_deep_field.jpg")
CHANGED_BITS = 0.15

type Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Measured:
    """Numbers of one size of the index."""

    images: int
    bytes_an_image: float
    bare_pass_ms: float
    search_ms: float
    search_in_passes: float
    first_search_ms: float
    add_microseconds: float
    found: int
    asked: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1.0])
    parser.add_argument("--queries", type=int, default=15)
    parser.add_argument("--photos", type=Path, help="a folder of photographs to take keypoints from")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    known = real_fingerprints(pictures(arguments.photos), np.random.default_rng(1))
    results = [measure(round(size * 1_000_000), known, arguments.queries) for size in arguments.millions]
    print_table(results)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")


def measure(images: int, known: list[Fingerprints], queries: int) -> Measured:
    random = np.random.default_rng(2)
    index = FingerprintIndex()
    adding = 0.0
    for start in range(0, images, BATCH):
        count = min(BATCH, images - start)
        ids, records = random.integers(0, 256, (count, 16), np.uint8), made_up(known, count, random)
        adding += seconds(lambda ids=ids, records=records: index.add_many(ids, records))
    for number, fingerprints in enumerate(known[:queries]):
        index.add(f"{number:032x}", fingerprints)
    first_search = seconds(lambda: index.search(known[0]))
    columns = random.integers(0, 2**63, (4, images), np.uint64)
    passes, searches, found = [], [], 0
    for number, fingerprints in enumerate(known[:queries]):
        passes.append(seconds(lambda: bare_pass(columns)))
        searches.append(seconds(lambda fingerprints=fingerprints: index.search(fingerprints)))
        found += any(hit.image_id == f"{number:032x}" for hit in index.search(fingerprints))
    bare, search = float(np.median(passes)), float(np.median(searches))
    return Measured(
        images=images,
        bytes_an_image=round(index.memory_bytes / images, 1),
        bare_pass_ms=round(bare * 1e3, 2),
        search_ms=round(search * 1e3, 2),
        search_in_passes=round(search / bare, 2),
        first_search_ms=round(first_search * 1e3, 1),
        add_microseconds=round(adding / images * 1e6, 2),
        found=found,
        asked=queries,
    )


def bare_pass(columns: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """The distances of one 256-bit value to as many as there are, in the quickest way that plain NumPy has."""
    distances = np.bitwise_count(columns[0] ^ np.uint64(0x0F1E2D3C4B5A6978)).astype(np.uint16)
    for column in columns[1:]:
        distances += np.bitwise_count(column ^ np.uint64(0x0F1E2D3C4B5A6978))
    return distances


def pictures(folder: Path | None) -> list[Image.Image]:
    if folder is None:
        sources = [files("skimage").joinpath("data", name).read_bytes() for name in SHIPPED]
    else:
        sources = [path.read_bytes() for path in sorted(folder.glob("*.jp*g"))[:200]]
    opened = [Image.open(BytesIO(source)).convert("RGB") for source in sources]
    for picture in opened:
        picture.thumbnail((1024, 1024))
    return opened


def real_fingerprints(photos: list[Image.Image], random: np.random.Generator, count: int = 300) -> list[Fingerprints]:
    """Fingerprints of random crops of the photographs."""
    known: list[Fingerprints] = []
    while len(known) < count:
        photo = photos[len(known) % len(photos)]
        share = random.uniform(0.4, 1.0)
        left, top = random.uniform(0, 1 - share, 2) * photo.size
        crop = photo.crop((int(left), int(top), int(left + share * photo.width), int(top + share * photo.height)))
        crop.thumbnail((512, 512))
        working = WorkingImage(np.array(crop), "PNG", crop.width, crop.height, 0)
        known.append(fingerprints_of(working, random.bytes(CONTENT_BYTES)))
    return known


def made_up(known: list[Fingerprints], count: int, random: np.random.Generator) -> Bytes:
    """Records of images that do not exist: random hashes, the words of real keypoints with some bits changed."""
    records = random.integers(0, 256, (count, FINGERPRINTS_BYTES), np.uint8)
    for window in range(len(WINDOWS)):
        records[:, CONTENT_BYTES + window * HASH_BYTES] &= 0xFE  # the DC bit
    packed = np.frombuffer(b"".join(one.keypoints.to_bytes() for one in known), np.uint8).reshape(-1, KEYPOINT_BYTES)
    packed = packed[packed[:, -1] > 0]
    chosen = packed[random.integers(0, len(packed), count * MAX_KEYPOINTS)]
    words = np.ascontiguousarray(chosen[:, :4]).view("<u4")[:, 0]
    for bit in range(WORD_BITS):
        words ^= (random.random(len(words)) < CHANGED_BITS).astype(np.uint32) << np.uint32(bit)
    chosen[:, :4] = words[:, None].view(np.uint8)
    chosen[:, 7:9] = random.integers(0, 256, (len(words), 2), np.uint8)
    records[:, -MAX_KEYPOINTS * KEYPOINT_BYTES :] = chosen.reshape(count, -1)
    return records


def seconds(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def print_table(results: list[Measured]) -> None:
    heads = ("images", "bytes/image", "bare pass", "search", "in passes", "add, us", "found")
    print("".join(f"{head:>13}" for head in heads))
    for result in results:
        cells = (
            f"{result.images:,}",
            f"{result.bytes_an_image}",
            f"{result.bare_pass_ms} ms",
            f"{result.search_ms} ms",
            f"{result.search_in_passes}",
            f"{result.add_microseconds}",
            f"{result.found}/{result.asked}",
        )
        print("".join(f"{cell:>13}" for cell in cells))
    print(f"A bucket of keypoints is one of {1 << BUCKET_BITS:,}; a search looks at all eight views of the query.")


if __name__ == "__main__":
    main()
