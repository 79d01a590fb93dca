"""`dedup tune` by way of the app: an account of pictures whose names tell the truth, decided about by a script.

Pictures are taken in and compared by the app's own services over Azurite, and decided about in the order in which the
review page asks. A half of the things is held back: about none of its pairs is decided.
"""

import io
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient
from PIL import Image

from benchmarks.measure import verify_all
from dedup_app.configuration.settings import Settings
from dedup_app.feedback.decisions import Act
from dedup_app.ports.pairs import PairRow
from dedup_app.services import Services
from dedup_app.tune.service import TooFewDecisions
from dedup_changes.transforms import TRANSFORMS
from dedup_cli.quality.tune import settings_lines
from dedup_core import decide
from dedup_core.comparison.verdict import NO_MATTER_OF_POLICY, SAME_PICTURE
from dedup_core.paths import ImagePath
from dedup_core.policy import Policy
from dedup_storage.connect import connect
from local_host.azurite import Azurite

CONTAINER = "images"

type Says = Callable[[PairRow], bool]
"""Whether somebody says of a pair that it is one of copies."""


def tried_in_app(
    pictures: Mapping[str, Image.Image], changes: Sequence[str], today: Mapping[str, Policy], most: int
) -> dict[str, Any]:
    """What `tune` proposes by 10 decisions, by `most` and by a coin, for each policy of today.

    Pictures are named THING/NUMBER. Each is another picture; of number 0 there are copies by the changes besides.
    """
    with tempfile.TemporaryDirectory() as folder:
        undecided = Path(folder, "undecided")
        undecided.mkdir()
        with Azurite(undecided) as azurite:
            found: dict[str, Any] = {"images": take_in(pictures, changes, _environment(azurite))}
        for place, (name, policy) in enumerate(today.items()):
            settings = dict(line.split("=", 1) for line in settings_lines(policy))
            with Azurite(Path(shutil.copytree(undecided, Path(folder, str(place))))) as azurite:
                found[name] = tried(connect(Settings.from_environment(_environment(azurite) | settings)), most)
    return found


def _environment(azurite: Azurite) -> dict[str, str]:
    return {"ImageStorage": azurite.connection_string, "IMAGE_CONTAINER": CONTAINER}


def take_in(pictures: Mapping[str, Image.Image], changes: Sequence[str], environment: dict[str, str]) -> int:
    """Upload, ingest and compare the pictures and their copies; how many images there are."""
    services, taken = connect(Settings.from_environment(environment)), 0
    with BlobServiceClient.from_connection_string(environment["ImageStorage"]) as blobs:
        container = blobs.create_container(CONTAINER)
        for name, data in files_of(pictures, changes):
            container.upload_blob(name, data)
            services.ingest.ingest(ImagePath(CONTAINER, name))
            taken += 1
    verify_all(services, environment["ImageStorage"])
    services.decoders.close()
    return taken


def files_of(pictures: Mapping[str, Image.Image], changes: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Every picture, and of the first of each thing its copies, with a name that tells what it is of."""
    for name, picture in pictures.items():
        stream = io.BytesIO()
        picture.save(stream, "PNG")
        yield f"{name}/original.png", stream.getvalue()
        thing, _, number = name.partition("/")
        if number == "0":
            made = changes[:3] if f"{thing}/1" in pictures else changes  # of drawings there are other pairs enough
            yield from ((f"{name}/{change}.jpg", TRANSFORMS[change].copy_of(picture, name)) for change in made)


def tried(services: Services, most: int) -> dict[str, Any]:
    """Decided about by the truth and by a coin, one after the other in the same account."""
    pairs = [it for it in services.pairs.all() if it.measurement and it.verdict]
    pairs = [it for it in pairs if it.verdict and it.verdict.kind not in NO_MATTER_OF_POLICY]
    things = sorted({_thing(it.left) for it in pairs})
    random.Random(1).shuffle(things)
    first = set(things[::2])
    held_back = [it for it in pairs if not {_thing(it.left), _thing(it.right)} & first]
    asked = _balanced(_most_informative_first(services, pairs), first, most)
    told: dict[str, Any] = {"pairs": len(pairs), "held_back": len(held_back), "decisions": len(asked)}
    coin = random.Random(2)
    few = _balanced(asked, first, 10)
    for name, decided, says in (
        (f"{len(few)} by the truth", few, is_copy),
        (f"{len(asked)} by the truth", asked, is_copy),
        (f"{len(asked)} by a coin", asked, lambda _: coin.random() < 0.5),
    ):
        decide_all(services, decided, says)
        told[name] = _proposed(services, held_back)
    return told


def is_copy(pair: PairRow) -> bool:
    """What the names tell: both are of one picture."""
    return _picture(pair.left) == _picture(pair.right)


def decide_all(services: Services, pairs: Sequence[PairRow], says: Says) -> None:
    for pair in pairs:
        act = Act.DUPLICATE if says(pair) else Act.NOT_DUPLICATE
        services.decisions.decide_pair(pair.left, pair.right, act, "script")


def _most_informative_first(services: Services, pairs: Sequence[PairRow]) -> list[PairRow]:
    """As the page asks for them, and then the others."""
    first = [it.pair for it in services.informative_pairs.most_informative(len(pairs), seed=0) if it.pair]
    asked = {(it.left, it.right) for it in first}
    return [*first, *(it for it in pairs if (it.left, it.right) not in asked)]


def _balanced(pairs: Sequence[PairRow], things: set[str], most: int) -> list[PairRow]:
    """The first pairs of these things, as many of copies as of others."""
    known = [it for it in pairs if {_thing(it.left), _thing(it.right)} <= things]
    halves = [[it for it in known if is_copy(it) is said][: most // 2] for said in (True, False)]
    return [*halves[0], *halves[1]]


def _proposed(services: Services, held_back: Sequence[PairRow]) -> dict[str, Any]:
    try:
        report = services.tune.tune()
    except TooFewDecisions as refusal:
        return {"refused": str(refusal)}
    today = services.settings.policy
    return {
        "proposed": report.settings,
        "chance": round(report.choice.chance, 4),
        "held_back_wrong_today": _wrong(held_back, today),
        "held_back_wrong_proposed": _wrong(held_back, replace(today, **report.settings)),
    }


def _wrong(pairs: Sequence[PairRow], policy: Policy) -> dict[str, int]:
    called = [(is_copy(it), decide(it.measurement, policy).kind in SAME_PICTURE) for it in pairs if it.measurement]
    return {
        "missed": sum(copy and not same for copy, same in called),
        "accused": sum(same and not copy for copy, same in called),
    }


def _thing(path: ImagePath) -> str:
    return path.name.partition("/")[0]


def _picture(path: ImagePath) -> str:
    return path.name.rpartition("/")[0]
