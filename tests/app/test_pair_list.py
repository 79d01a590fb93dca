"""Pairs of one image take one look at it; those for programs are read as they are asked for, and never all held."""

from collections.abc import Iterator

import pytest

from dedup_app.ports.pairs import PairRow
from dedup_app.queries import pair_list
from dedup_app.queries.pair_list import PairFilter
from tests.app.world import World
from tests.storage.examples import features_row, verified


def test_only_some_pairs_are_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    world, read = World(), []
    monkeypatch.setattr(pair_list, "PAIRS_AT_ONCE", 3)
    world.features.put(features_row("a"))
    for number in range(10):
        world.features.put(features_row(f"b{number}", etag="0x2"))
        world.pairs.put_verdict(verified("a", f"b{number}"))
    rows = world.pairs.all

    def counted(after: tuple[str, str] | None = None) -> Iterator[PairRow]:
        for row in rows(after):
            read.append(row)
            yield row

    monkeypatch.setattr(world.pairs, "all", counted)
    each = world.services.pair_list.each(PairFilter())
    next(each)
    assert len(read) == 3
    assert len(list(each)) == 9


@pytest.mark.parametrize("of_gone_images", [False, True])
def test_the_pairs_of_an_image_take_one_look_at_its_row(of_gone_images: bool) -> None:
    world = World()
    world.features.put(features_row("a"))
    world.pairs.put_verdict(verified("a", "b"))
    world.calls.clear()
    path = features_row("a").path
    assert not world.services.pair_list.pairs(path, PairFilter(of_gone_images=of_gone_images)).is_too_plain
    assert world.calls.count("features.get") == 1
