"""A short soak ends with nothing wrong, and what would be wrong is noticed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dedup_app.ports.image_status import PROCESSING
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.messages import VerifyMessage, VerifyTarget
from dedup_core.paths import ImagePath
from dedup_storage.tables.rows import Entity
from tests.app.world import World
from tests.azurite import Account
from tests.e2e.app import CONTAINER
from tests.memory import MemoryImages
from tests.remembered import remember
from tests.soak.check import DOUBLE, FALSE, GHOSTS, LEDGER, STATISTICS, WITHOUT_ANSWER, WITHOUT_VERDICT, Check
from tests.soak.counted import Line, ProcessWitness
from tests.soak.plan import Deed, Plan, picture
from tests.soak.run import Options, soak
from tests.soak.truth import Truth
from tests.soak.witness import watching

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


def compare(world: World, left: str, right: str) -> None:
    message = VerifyMessage(path_of(left), (VerifyTarget(path_of(right)),))
    world.services.verify.handle_message(message.to_json(), "a message")


@pytest.fixture
def lines() -> list[Line]:
    """What the only process is seen to do."""
    return []


@pytest.fixture
def taken_in(lines: list[Line], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    remember(monkeypatch)
    world = World()

    def tell(what: str, **more: object) -> None:
        lines.append({"thread": 1, "what": what, **more})

    with watching(tell, MemoryImages):
        for name, data in BLOBS.items():
            world.upload_and_ingest(name, data)
        world.images.delete(path_of("c"))
        world.verify_all()
        compare(world, "a", "c")
        world.upload_and_ingest("c", BLOBS["c"])
        world.verify_all()
        compare(world, "a", "garbage")
        yield world


def wrong(world: World, truth: Truth, lines: list[Line]) -> set[str]:
    services = world.start_process("who looks")
    etags = {path.name: world.images.etag(path) or "" for path in map(path_of, BLOBS)}
    findings = Check(services, truth, etags, [ProcessWitness([*lines, {"thread": 1, "what": "ended"}])]).run()
    return {kind for kind, found in findings.wrong.items() if found}


def test_the_truth_has_the_pairs_that_were_made(truth: Truth):
    assert truth.found_by_both == {frozenset(pair) for pair in ("ab", "ad", "bd")}
    assert truth.refused == {"garbage": "unsupported-format"}
    assert truth.is_right(frozenset("ad"), VerdictKind.IDENTICAL)
    assert truth.is_right(frozenset("ab"), VerdictKind.DUPLICATE)
    assert not truth.is_right(frozenset("ac"), VerdictKind.DUPLICATE)


def test_where_all_is_right_nothing_is_found(taken_in: World, truth: Truth, lines: list[Line]):
    assert wrong(taken_in, truth, lines) == set()
    done = ProcessWitness(lines).done()
    assert done.images_downloaded > done.comparisons_performed > 1  # one of them of files with the same bytes
    assert (done.download_failures, done.decode_failures, done.comparisons_failed) == (1, 1, 2)


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


def totals_row(world: World) -> Entity:
    (entity,) = world.stats.entities.query()
    return entity


def go_back_to_old_totals(world: World) -> None:
    row = totals_row(world)
    world.stats.entities.upsert({**row, "comparisons_performed": 1}, keep_other_columns=False)


def count_what_did_not_happen(world: World) -> None:
    world.services.loader.count_failed_comparisons(1)
    compare(world, "a", "b")


def count_nothing_of_it(world: World) -> None:
    world.services.loader.load(path_of("a"))
    world.services.loader.reset_stats()
    compare(world, "a", "b")


def lose_the_totals(world: World) -> None:
    row = totals_row(world)
    world.stats.entities.delete(row["PartitionKey"], row["RowKey"])


def count_for_another(world: World) -> None:
    world.stats.entities.upsert({**totals_row(world), "RowKey": "nobody"}, keep_other_columns=False)


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
        (go_back_to_old_totals, STATISTICS),
        (count_what_did_not_happen, STATISTICS),
        (count_nothing_of_it, STATISTICS),
        (lose_the_totals, STATISTICS),
        (count_for_another, STATISTICS),
    ],
)
def test_what_is_wrong_is_noticed(taken_in: World, truth: Truth, lines: list[Line], damage, kind):
    damage(taken_in)
    assert kind in wrong(taken_in, truth, lines)
