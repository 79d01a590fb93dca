"""`dedup tune` on pictures whose truth a script knows: what it proposes, and whether that holds on pairs it never saw.

    python -m benchmarks.tune --domains DOMAINS.PY --photos FOLDER [--in-app] [--pairs FILE] [--json FILE]

DOMAINS.PY draws kinds of pictures that are no photographs (`DOMAINS[name](seed)`): different seeds of one kind are
different things that look alike. Pairs of them are mixed with copies of them and of photographs. One half is decided
about: those that would tell most, as the page asks for them, by the truth, and by a coin. The other half is held back.
Today's policy is each preset, and two that somebody has set amiss: one lets details differ by far too much, the other
takes noise and compression for another picture. With --pairs what was measured is kept there for another run.
With --in-app an app takes the pictures in, and the decisions are made as on its page (`tune_in_app`).
"""

import argparse
import importlib.util
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import track

from benchmarks.tune_in_app import tried_in_app
from dedup_app.feedback.dial import dial
from dedup_app.feedback.informative_pairs import PLACES
from dedup_app.tune.choice import Chooser
from dedup_app.tune.evidence import Judgment
from dedup_app.tune.moves import changed
from dedup_changes.transforms import TRANSFORMS
from dedup_core import decide, measure_images
from dedup_core.comparison.measurement import PairMeasurement
from dedup_core.decoding.given import working_image_of
from dedup_core.policy import LOOSE, PRESETS, STRICT, Policy

CHANGES = ("jpeg-50", "resize-0.5", "gamma-0.75", "crop-random-85", "noise-0.05", "rotate-2", "saturation-0.6")
SAME = {"identical", "duplicate"}
AMISS = {
    "details loosened": replace(LOOSE, max_detail_difference=0.9, max_clean_difference=0.6),
    "details tightened": replace(STRICT, max_detail_difference=0.03, max_clean_difference=0.01),
}
TODAY = PRESETS | AMISS
DECISIONS = 60
PLAUSIBLE_STRUCTURE = 0.4  # strangers that are less alike are no question to anybody


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domains", type=Path, required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--kinds", type=int, default=40, help="so many kinds, spread over all")
    parser.add_argument("--seeds", type=int, default=4, help="pictures of each kind")
    parser.add_argument("--photo-count", type=int, default=20)
    parser.add_argument("--pairs", type=Path, help="where what was measured is kept")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--in-app", action="store_true", help="let an app over Azurite take them in")
    options = parser.parse_args()
    if options.in_app:
        told(tried_in_app(dict(pictures(options)), CHANGES, TODAY, DECISIONS), options.json)
        return
    judgments = kept(options.pairs) or list(pairs(options))
    if options.pairs:
        keep(options.pairs, judgments)
    copies = sum(it.is_copy for it in judgments)
    print(f"{len(judgments)} pairs: {copies} copies, {len(judgments) - copies} others that look alike")
    found = {name: tried(judgments, policy) for name, policy in TODAY.items()}
    told({"pairs": len(judgments), "copies": copies, "today": found}, options.json)


def told(found: dict[str, Any], file: Path | None) -> None:
    print(json.dumps(found, indent=1))
    if file:
        file.write_text(json.dumps(found, indent=1) + "\n")


def pictures(options: argparse.Namespace) -> Iterator[tuple[str, Image.Image]]:
    """Pictures that all differ, named THING/NUMBER: drawn ones, of which those of one kind look alike, and photos."""
    drawn = list(domains(options.domains).items())
    step = max(1, len(drawn) // options.kinds)
    for name, draw in track(drawn[::step][: options.kinds], "kinds", transient=True):
        yield from ((f"{name}/{seed}", draw(seed).convert("RGB")) for seed in range(options.seeds))
    files = sorted(options.photos.glob("*.jpg"))
    step = max(1, len(files) // options.photo_count)
    for path in track(files[::step][: options.photo_count], "photos", transient=True):
        with Image.open(path) as picture:
            picture.thumbnail((512, 512))
            yield f"{path.stem}/0", picture.convert("RGB")


def pairs(options: argparse.Namespace) -> Iterator[Judgment]:
    for thing, group in groupby(pictures(options), lambda it: thing_of(it[0])):
        those = dict(group)
        working = {name: working_image_of(picture) for name, picture in those.items()}
        for (name, left), (other, right) in combinations(working.items(), 2):
            measured = measure_images(left, right)
            if not measured.same_when_small and measured.structure >= PLAUSIBLE_STRUCTURE:
                yield Judgment(name, other, measured, is_copy=False)
        first = f"{thing}/0"
        yield from copies_of(those[first], first, CHANGES if len(those) == 1 else CHANGES[:3])


def thing_of(name: str) -> str:
    return name.partition("/")[0]


def copies_of(picture: Image.Image, name: str, changes: Sequence[str]) -> Iterator[Judgment]:
    original = working_image_of(picture)
    for change in changes:
        copy = working_image_of(TRANSFORMS[change].copy_of(picture, name))
        yield Judgment(name, f"{name}/{change}", measure_images(copy, original), is_copy=True)


def keep(file: Path, judgments: Sequence[Judgment]) -> None:
    lines = ([it.left, it.right, it.is_copy, it.measurement.as_dict()] for it in judgments)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def kept(file: Path | None) -> list[Judgment]:
    lines = map(json.loads, file.read_text().splitlines()) if file and file.exists() else ()
    found = ((left, right, PairMeasurement.from_dict(stored), said) for left, right, said, stored in lines)
    return [Judgment(left, right, it, said) for left, right, it, said in found if it is not None]


def domains(path: Path) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location("domains", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.DOMAINS)


def tried(judgments: list[Judgment], today: Policy) -> dict[str, Any]:
    """Choices by 10, 60 and all informative decisions of one half, by truth and by a coin; judged on the other half."""
    order = sorted(judgments, key=lambda it: (it.left, it.right))
    random.Random(1).shuffle(order)
    # Pairs of one thing are in one half.
    side = {thing: place % 2 for place, thing in enumerate(dict.fromkeys(thing_of(it.left) for it in order))}
    first, held_back = ([it for it in order if side[thing_of(it.left)] == half] for half in (0, 1))
    informative = sorted(first, key=lambda it: (distance(it.measurement, today), it.left, it.right))
    found: dict[str, Any] = {"first_half": len(first), "held_back": len(held_back)}
    for name, decisions in {
        f"{DECISIONS} by the truth": balanced(informative, DECISIONS),
        "all by the truth": informative,
        f"{DECISIONS} by a coin": coined(balanced(informative, DECISIONS)),
    }.items():
        choice = Chooser(decisions, today, lambda _policy: True).choose()
        better = choice.is_better(today)
        found[name] = {
            "decisions": len(decisions),
            "contradicted_today": choice.wrong_today,
            "contradicted_unseen": choice.wrong_unseen,
            "chance": round(choice.chance, 4),
            "proposed": changed(today, choice.policy) if better else {},
            "held_back_wrong_today": wrong(held_back, today),
            "held_back_wrong_proposed": wrong(held_back, choice.policy if better else today),
        }
    return found


def balanced(informative: list[Judgment], most: int) -> list[Judgment]:
    """As many copies as others, those that tell most of either."""
    halves = [[it for it in informative if it.is_copy is said][: most // 2] for said in (True, False)]
    return [*halves[0], *halves[1]]


def coined(decisions: list[Judgment]) -> list[Judgment]:
    coin = random.Random(2)
    return [Judgment(it.left, it.right, it.measurement, coin.random() < 0.5) for it in decisions]


def distance(measurement: PairMeasurement, today: Policy) -> float:
    now = decide(measurement, today).kind
    turned = (near for near in PLACES for place in (-near, near) if decide(measurement, dial(place)).kind is not now)
    return next(turned, 2.0)


def wrong(judgments: list[Judgment], policy: Policy) -> dict[str, int]:
    said = np.array([it.is_copy for it in judgments])
    called = np.array([decide(it.measurement, policy).kind.value in SAME for it in judgments])
    return {"missed": int((said & ~called).sum()), "accused": int((~said & called).sum())}


if __name__ == "__main__":
    main()
