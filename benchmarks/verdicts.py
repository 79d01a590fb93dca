"""What the verdict says, without any search: copies by transform, and different things of one kind by kind.

    python benchmarks/verdicts.py --photos DIR --limit 8                           # photographs and their copies
    python benchmarks/verdicts.py --domains FILE --seeds 12                        # pictures that are no photographs
    python benchmarks/verdicts.py --products DIR --strangers 400 --keep out.pickle # all pairs of one set; keep numbers
    python benchmarks/verdicts.py --from out.pickle --policy strict                # judge again what was kept

`--photos` is a folder of different pictures, `--products` one with a `sources.tsv` that names sets, `--domains` a
Python file whose `DOMAINS` maps names to functions from a seed to a picture. Each row
counts the pairs that got each verdict.
"""

import argparse
import importlib.util
import io
import os
import pickle
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a script as well as with -m
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from PIL import Image  # noqa: E402

from benchmarks.quality_eval.known_pairs import product_pairs  # noqa: E402
from benchmarks.quality_eval.pictures import photos_in  # noqa: E402
from dedup_changes.transforms import TRANSFORMS  # noqa: E402
from dedup_core import PRESETS, PairMeasurement, Policy, VerdictKind, decide, measure_images  # noqa: E402
from dedup_core.decoding.decoder import decode  # noqa: E402
from dedup_core.decoding.working_image import WorkingImage  # noqa: E402

COPY_QUALITY = 75
SHOWN = [kind for kind in VerdictKind if kind is not VerdictKind.UNVERIFIABLE]


class Source(NamedTuple):
    """A picture: a file, a file changed by a transform, or a seed of a domain, whole or as a half-size JPEG."""

    where: str
    name: str
    change: str = ""


class Job(NamedTuple):
    """One pair and the row of the table that it counts in."""

    part: str
    row: str
    left: Source
    right: Source


def main() -> None:
    options = parse_arguments()
    if options.kept:
        with options.kept.open("rb") as file:
            results = pickle.load(file)  # noqa: S301 (our own file)
    else:
        jobs = [*photo_jobs(options), *stranger_jobs(options), *domain_jobs(options), *product_jobs(options)]
        with Pool(options.jobs) as pool:
            results = pool.map(measured, jobs, chunksize=4)
    if options.keep:
        with options.keep.open("wb") as file:
            pickle.dump(results, file)
    show(results, PRESETS[options.policy], told=options.tell)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--limit", type=int, default=8, help="photos that are copied by every transform")
    parser.add_argument("--transforms", nargs="*", help="only these")
    parser.add_argument("--strangers", type=int, default=0, help="random pairs of different photos")
    parser.add_argument("--products", type=Path)
    parser.add_argument("--product-pairs", type=int, help="at most so many of each relation")
    parser.add_argument("--domains", type=Path)
    parser.add_argument("--kinds", nargs="*", help="only these")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--policy", choices=PRESETS, default="balanced")
    parser.add_argument("--keep", type=Path, help="write all measurements to this file")
    parser.add_argument("--from", type=Path, dest="kept", help="judge what such a file holds")
    parser.add_argument("--tell", nargs="*", default=(), help="name the pairs with these verdicts, or of these rows")
    return parser.parse_args()


def photo_jobs(options: argparse.Namespace) -> Iterator[Job]:
    if options.photos:
        photos = [photo.path for photo in photos_in(options.photos)]
        step = max(1, len(photos) // options.limit)
        for photo in photos[::step][: options.limit]:
            for name in options.transforms or TRANSFORMS:
                yield Job("copies", name, Source("file", str(photo)), Source("file", str(photo), name))


def stranger_jobs(options: argparse.Namespace) -> Iterator[Job]:
    if options.photos and options.strangers:
        photos = [photo.path for photo in photos_in(options.photos)]
        chance = random.Random(0)
        for _ in range(options.strangers):
            left, right = chance.sample(photos, 2)
            yield Job("different", "photos", Source("file", str(left)), Source("file", str(right)))


def domain_jobs(options: argparse.Namespace) -> Iterator[Job]:
    if options.domains:
        for kind in options.kinds or domains_of(options.domains):
            things = [Source(str(options.domains), f"{kind} {seed}") for seed in range(options.seeds)]
            for left, right in combinations(things, 2):
                yield Job("different", kind, left, right)
                yield Job("different, half", kind, left, right._replace(change="half"))
            for thing in things:
                yield Job("half-size copies", kind, thing, thing._replace(change="half"))


def product_jobs(options: argparse.Namespace) -> Iterator[Job]:
    if options.products:
        by_relation = defaultdict(list)
        for pair in product_pairs(options.products):
            by_relation[pair.relation].append(pair)
        for relation, pairs in by_relation.items():
            step = max(1, len(pairs) // options.product_pairs) if options.product_pairs else 1
            for pair in pairs[::step]:
                yield Job("products", relation, Source("file", str(pair.left)), Source("file", str(pair.right)))


def measured(job: Job) -> tuple[Job, bool, PairMeasurement]:
    left, right = data_of(job.left), data_of(job.right)
    return job, left == right, measure_images(decoded(job.left), decoded(job.right))


@lru_cache(maxsize=16)
def decoded(source: Source) -> WorkingImage:
    return decode(data_of(source))


@lru_cache(maxsize=16)
def data_of(source: Source) -> bytes:
    if source.where == "file":
        data = Path(source.name).read_bytes()
        return TRANSFORMS[source.change].apply(data, Path(source.name).name) if source.change else data
    kind, seed = source.name.split()
    picture = domains_of(Path(source.where))[kind](int(seed))
    stream = io.BytesIO()
    if source.change:
        small = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
        small.convert("RGB").save(stream, "JPEG", quality=COPY_QUALITY)
    else:
        picture.save(stream, "PNG")
    return stream.getvalue()


@lru_cache
def domains_of(file: Path) -> dict:
    spec = importlib.util.spec_from_file_location("domains", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.DOMAINS


def show(results: list[tuple[Job, bool, PairMeasurement]], policy: Policy, told: list[str]) -> None:
    counts: dict[tuple[str, str], Counter[VerdictKind]] = defaultdict(Counter)
    for job, same_bytes, measurement in results:
        if same_bytes and job.part.startswith("different"):
            continue  # two seeds that happen to draw the same picture
        verdict = decide(measurement, policy, same_bytes=same_bytes)
        counts[job.part, job.row][verdict.kind] += 1
        counts[job.part, "ALL"][verdict.kind] += 1
        if verdict.kind in told or job.row in told:
            print(job.part, job.row, job.left.name, "|", job.right.name, verdict.kind.value, "; ".join(verdict.reasons))
    print(f"{'':45}" + "".join(f"{kind.value:>14}" for kind in SHOWN))
    for (part, row), found in sorted(counts.items()):
        print(f"{part + ': ' + row:45.45}" + "".join(f"{found[kind] or '':>14}" for kind in SHOWN))


if __name__ == "__main__":
    main()
