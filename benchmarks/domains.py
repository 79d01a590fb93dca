"""What is said of pictures that are no photographs: forms, slides, labels, codes, icons, charts, marks.

    python benchmarks/domains.py FOLDER                            every kind, 12 things of each (long)
    python benchmarks/domains.py FOLDER --seeds 4 --only form --only qr
    python benchmarks/domains.py FOLDER --json domains.json
    python benchmarks/domains.py FOLDER --only black_noise --alike docs/img/alike.png
    python benchmarks/domains.py FOLDER --seeds 2 --draw DRAWN     files for quality.py --photos

FOLDER holds a `domains.py` with a dict `DOMAINS`: the name of a kind and a function that draws thing number `seed` of
it as a Pillow picture. Different seeds are different things that look alike: other values in one form, another time on
one clock; kinds of which a person cannot tell two apart are named, and counted apart. All of them, as PNG, are put into
one index; each search's hits are thinned, measured and judged as the app does. Then a copy of each at half size as JPEG
quality 75 is looked up among them.
"""

import argparse
import importlib.util
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from PIL import Image  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.quality_eval.markdown import write_between  # noqa: E402
from dedup_core import FingerprintIndex, Hit, ImageFeatures, WorkingImage, decide, extract_features, measure_images  # noqa: E402
from dedup_core.decoding.decoder import decode  # noqa: E402
from dedup_core.decoding.pixels.ground import on_a_ground  # noqa: E402
from dedup_core.limits import WORKING_SIZE  # noqa: E402
from dedup_core.search.second_look import is_plausible, likeliest_of_crowd  # noqa: E402

MAX_CANDIDATES = 100  # the setting's default
BEGIN, END = "<!-- domains: written by benchmarks/domains.py -->", "<!-- end of domains -->"
ALIKE = {"black_noise"}  # docs/quality.md#pictures-that-are-no-photographs
FOUND = {"identical", "duplicate", "altered", "color_variant"}


class Thing(NamedTuple):
    """One picture: its kind, its number, and whether it is the smaller copy."""

    kind: str
    seed: int
    is_copy: bool = False

    @property
    def image_id(self) -> str:
        return f"{self.kind.encode().hex()[:24]:0<24}{self.seed:08x}"


@dataclass
class Outcome:
    """Verdicts between different things of a kind (`found` by the search), and on the smaller copies."""

    different: Counter[str] = field(default_factory=Counter)
    copies: Counter[str] = field(default_factory=Counter)
    things: int = 0
    copies_first: int = 0
    candidates: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--only", action="append", metavar="PART", help="only kinds with this in their name")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path, help="write a table into this Markdown page, between its marks")
    parser.add_argument("--alike", type=Path, metavar="PNG", help="draw two things of each kind, and measure nothing")
    parser.add_argument(
        "--draw", type=Path, metavar="DRAWN", help="write the things to this folder, and measure nothing"
    )
    options = parser.parse_args()
    kinds = [kind for kind in makers(options.folder) if any(part in kind for part in options.only or [""])]
    if options.alike:
        drawn_alike(options.folder, kinds).save(options.alike)
        return
    if options.draw:
        write_things(options.folder, kinds, options.seeds, options.draw)
        return
    outcomes = evaluate(options.folder, kinds, options.seeds, options.jobs)
    show(outcomes)
    if options.json:
        options.json.write_text(json.dumps({kind: vars(it) for kind, it in outcomes.items()}, indent=1) + "\n")
    if options.page:
        write_between(options.page, BEGIN, END, page_table(outcomes, options.seeds))


def evaluate(folder: Path, kinds: list[str], seeds: int, jobs: int) -> dict[str, Outcome]:
    things = [Thing(kind, seed) for kind in kinds for seed in range(seeds)]
    everything = [*things, *(thing._replace(is_copy=True) for thing in things)]
    with ProcessPoolExecutor(jobs, initializer=_use, initargs=(folder,)) as pool:
        features = dict(zip(everything, pool.map(_features, everything, chunksize=8), strict=True))
        index = FingerprintIndex()
        by_id = {thing.image_id: thing for thing in things}
        tasks = []
        for asking in everything:  # each original in turn, so that it is asked about those that came before it
            asked = features[asking].fingerprints
            hits = [(by_id[hit.image_id], hit) for hit in index.search(asked)]
            plausible = [it for it in hits if is_plausible(asked, features[it[0]].fingerprints, it[1])][:MAX_CANDIDATES]
            known = [(hit, features[thing].fingerprints) for thing, hit in plausible]
            tasks.append((asking, [plausible[place] for place in likeliest_of_crowd(asked, known)]))
            if not asking.is_copy:
                index.add(asking.image_id, asked)
        judged = list(pool.map(_judged, tasks, chunksize=4))
    outcomes = {kind: Outcome(things=seeds) for kind in kinds}
    for (asking, candidates), kinds_of in zip(tasks, judged, strict=True):
        outcome = outcomes[asking.kind]
        others = [(thing, said) for (thing, _), said in zip(candidates, kinds_of, strict=True)]
        own = [said for thing, said in others if thing == asking._replace(is_copy=False)]
        if asking.is_copy:
            outcome.copies[own[0] if own else "not found"] += 1
            outcome.copies_first += (
                bool(others) and others[0][0].seed == asking.seed and others[0][0].kind == asking.kind
            )
            outcome.candidates += len(others)
        for thing, said in others:
            is_other = thing != asking._replace(is_copy=False)
            if is_other and features[thing].sha256 != features[asking._replace(is_copy=False)].sha256:
                outcome.different[said] += 1
    return outcomes


def show(outcomes: dict[str, Outcome]) -> None:
    table = Table()
    for column in (
        "kind",
        "copies found",
        "and first",
        "candidates a copy",
        "said of copies",
        "said of different things",
    ):
        table.add_column(column)
    for kind, outcome in (*outcomes.items(), *_totals(outcomes)):
        table.add_row(*_cells(kind, outcome))
    Console(width=None if sys.stdout.isatty() else 170).print(table)


def _totals(outcomes: dict[str, Outcome]) -> list[tuple[str, Outcome]]:
    """Of all kinds, and of those of which a person tells two things apart."""
    told = {kind: outcome for kind, outcome in outcomes.items() if kind not in ALIKE}
    totals = [("all", total_of(outcomes))]
    return totals if len(told) in (0, len(outcomes)) else [*totals, ("all that a person tells apart", total_of(told))]


def drawn_alike(folder: Path, kinds: list[str]) -> Image.Image:
    """Two things of each kind side by side, each as large as the app looks at it."""
    side, gap = WORKING_SIZE, 8
    sheet = Image.new("RGB", (2 * side + gap, len(kinds) * (side + gap) - gap), "white")
    lowest = 0
    for row, kind in enumerate(kinds):
        for seed in range(2):
            picture = makers(folder)[kind](seed).convert("RGB")
            picture.thumbnail((side, side))
            sheet.paste(picture, (seed * (side + gap), row * (side + gap)))
            lowest = row * (side + gap) + picture.height
    return sheet.crop((0, 0, sheet.width, lowest))


def write_things(folder: Path, kinds: list[str], seeds: int, drawn: Path) -> None:
    """As PNG, of the kinds that a person tells apart; not what is drawn on nothing, as no ground shows it in a copy."""
    drawn.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        for seed in range(seeds if kind not in ALIKE else 0):
            picture = makers(folder)[kind](seed)
            if picture.mode != "RGBA":
                picture.save(drawn / f"{kind}-{seed}.png")


def total_of(outcomes: dict[str, Outcome]) -> Outcome:
    total = Outcome()
    for outcome in outcomes.values():
        total.different += outcome.different
        total.copies += outcome.copies
        total.things += outcome.things
        total.copies_first += outcome.copies_first
        total.candidates += outcome.candidates
    return total


def page_table(outcomes: dict[str, Outcome], seeds: int) -> str:
    """All kinds together, and those of which copies are no `duplicate` or different things anything but apart."""
    unusual = {
        kind: outcome
        for kind, outcome in outcomes.items()
        if set(outcome.copies) != {"duplicate"} or not set(outcome.different) <= {"altered", "distinct"}
    }
    totals = [(f"**{name}**", outcome) for name, outcome in _totals(outcomes)]
    rows = [_cells(kind, outcome) for kind, outcome in (*unusual.items(), *totals)]
    head = ("kind", "copies found", "first", "candidates a copy", "said of copies", "said of different things")
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    said = f"{len(outcomes)} kinds, {seeds} things of each. All the other kinds stand in the totals only."
    return "\n".join((said, "", *lines)) + "\n"


def _cells(kind: str, outcome: Outcome) -> tuple[str, ...]:
    found = sum(count for said, count in outcome.copies.items() if said in FOUND)
    shares = (f"{found / outcome.things:.3f}", f"{outcome.copies_first / outcome.things:.3f}")
    said = (
        ", ".join(f"{kind} {count}" for kind, count in sorted(it.items())) or "none"
        for it in (outcome.copies, outcome.different)
    )
    return kind, *shares, f"{outcome.candidates / outcome.things:.1f}", *said


@lru_cache
def makers(folder: Path) -> dict[str, Callable[[int], Image.Image]]:
    specification = importlib.util.spec_from_file_location("drawn_domains", folder / "domains.py")
    if specification is None or specification.loader is None:
        sys.exit(f"there is no domains.py in {folder}")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    found: dict[str, Callable[[int], Image.Image]] = module.DOMAINS
    return found


_folder: list[Path] = []


def _use(folder: Path) -> None:
    """Once in each worker process."""
    _folder[:] = [folder]


@lru_cache(64)
def _bytes(thing: Thing) -> bytes:
    picture = makers(_folder[0])[thing.kind](thing.seed)
    if thing.is_copy:
        return smaller_copy(picture)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def smaller_copy(picture: Image.Image) -> bytes:
    """A JPEG file of half the size; transparent pictures lie on the ground that shows them."""
    stream, size = io.BytesIO(), (max(1, picture.width // 2), max(1, picture.height // 2))
    opaque = on_a_ground(picture) if picture.mode == "RGBA" else picture.convert("RGB")
    opaque.resize(size, Image.Resampling.LANCZOS).save(stream, "JPEG", quality=75)
    return stream.getvalue()


@lru_cache(64)
def _decoded(thing: Thing) -> WorkingImage:
    return decode(_bytes(thing))


def _features(thing: Thing) -> ImageFeatures:
    return extract_features(_bytes(thing))


def _judged(task: tuple[Thing, list[tuple[Thing, Hit]]]) -> list[str]:
    return list(_verdicts(*task))


def _verdicts(asking: Thing, candidates: list[tuple[Thing, Hit]]) -> Iterator[str]:
    for thing, hit in candidates:
        if thing == asking:
            yield "itself"
        else:
            same = _bytes(asking) == _bytes(thing)
            yield decide(measure_images(_decoded(asking), _decoded(thing), hit.view), same_bytes=same).kind.value


if __name__ == "__main__":
    main()
