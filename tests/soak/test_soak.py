"""A short soak ends with nothing wrong, and what would be wrong is noticed."""

from dataclasses import replace

import pytest

from dedup_app.image_status import PROCESSING
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.paths import ImagePath
from tests.app.world import World
from tests.azurite import Account
from tests.e2e.app import CONTAINER
from tests.soak.check import DOUBLE, FALSE, GHOSTS, LEDGER, WITHOUT_ANSWER, WITHOUT_VERDICT, Check
from tests.soak.plan import Deed, Plan, picture
from tests.soak.run import Options, soak
from tests.soak.truth import Truth

SHORT = Options(uploads=10, overwrites=2, deletions=2, again=2, hosts=2, kills=1, spells=0, limit_seconds=240)
BLOBS = {
    "a": picture(1, 0),
    "b": picture(1, 1),
    "c": picture(2, 0),
    "d": picture(1, 0),
    "garbage": b"Dear Sir or Madam",
}


def test_a_short_soak_leaves_nothing_undone_stale_false_or_double(account: Account):
    report = soak(account, SHORT)
    assert report.findings.wrong == {kind: [] for kind in report.findings.wrong}
    assert report.happened["kills"] == 1
    assert sum(report.faults.values()) > 20


def test_the_same_seed_throws_the_same_changes():
    counts = dict.fromkeys(Deed, 20)
    first, second = (Plan(7, dict(counts)) for _ in range(2))
    assert list(first.changes()) == list(second.changes())
    assert first.blobs == second.blobs
    assert len(first.blobs) < 20 + 1


def path_of(name: str) -> ImagePath:
    return ImagePath(CONTAINER, name)


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth.of(BLOBS)


@pytest.fixture
def taken_in() -> World:
    world = World()
    for name, data in BLOBS.items():
        world.upload_and_ingest(name, data)
    world.verify_all()
    return world


def wrong(world: World, truth: Truth) -> set[str]:
    services = world.start_process("who looks")
    etags = {path.name: world.images.etag(path) or "" for path in map(path_of, BLOBS)}
    findings = Check(services, truth, etags).run()
    return {kind for kind, found in findings.wrong.items() if found}


def test_the_truth_has_the_pairs_that_were_made(truth: Truth):
    assert truth.found_by_both == {frozenset(pair) for pair in ("ab", "ad", "bd")}
    assert truth.refused == {"garbage": "unsupported-format"}
    assert truth.is_right(frozenset("ad"), VerdictKind.IDENTICAL)
    assert truth.is_right(frozenset("ab"), VerdictKind.DUPLICATE)
    assert not truth.is_right(frozenset("ac"), VerdictKind.DUPLICATE)


def test_where_all_is_right_nothing_is_found(taken_in: World, truth: Truth):
    assert wrong(taken_in, truth) == set()


def lose_a_row(world: World) -> None:
    path = path_of("c")
    world.features.entities.delete(path.image_id[:2], path.image_id)


def never_finish(world: World) -> None:
    world.set_status(path_of("c"), PROCESSING)


def keep_what_is_gone(world: World) -> None:
    world.upload_and_ingest("ghost", picture(3, 0))
    world.images.delete(path_of("ghost"))


def lose_a_pair(world: World) -> None:
    a, b = sorted((path_of("a"), path_of("b")), key=lambda path: path.image_id)
    world.pairs.entities.delete(a.image_id, b.image_id)


def call_it_another(world: World) -> None:
    pair = world.pair(path_of("a"), path_of("b"))
    assert pair.verdict is not None
    world.pairs.put_verdict(replace(pair, verdict=replace(pair.verdict, kind=VerdictKind.DISTINCT), tag=""))


def forget_one_side(world: World) -> None:
    a, b = sorted((path_of("a"), path_of("b")), key=lambda path: path.image_id)
    world.pairs.entities.delete(b.image_id, a.image_id)


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lose_a_row, WITHOUT_ANSWER),
        (never_finish, WITHOUT_ANSWER),
        (keep_what_is_gone, GHOSTS),
        (lose_a_pair, WITHOUT_VERDICT),
        (call_it_another, FALSE),
        (forget_one_side, DOUBLE),
        (never_finish, LEDGER),
    ],
)
def test_what_is_wrong_is_noticed(taken_in: World, truth: Truth, damage, kind):
    damage(taken_in)
    assert kind in wrong(taken_in, truth)
