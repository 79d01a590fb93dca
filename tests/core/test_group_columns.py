"""Whatever the log says and however it is cut, the columns give the groups that single values give."""

from random import Random

import pytest

from dedup_core.comparison.sides import ALIKE, Side, Sides
from dedup_core.comparison.verdict import VerdictKind
from dedup_core.groups.columns import Records
from dedup_core.groups.facts import Decided, Decision, ImageFacts, Link
from dedup_core.groups.keeper import KeeperPolicy, KeeperStep
from dedup_core.groups.projection import GroupProjection
from tests.core.plain_groups import PlainGroup, PlainGroups, Record

POLICIES = (
    KeeperPolicy(),
    KeeperPolicy(protected_prefixes=("catalog/", "u/")),
    KeeperPolicy(steps=(KeeperStep.EARLIER, KeeperStep.SCENE, KeeperStep.UPRIGHT, KeeperStep.PERSON)),
)


def random_image(chance: Random, number: int) -> ImageFacts:
    """One of a few versions, contents and places of an image."""
    folder = ("catalog", "u", "x")[number % 3]
    version = chance.randint(1, 2)
    return ImageFacts(
        bytes([number * 37 % 256]) * 16,  # their ids are in another order than their names
        f"images/{folder}/{number:03}.jpg",
        version,
        bytes([version, number % 2]) * 8,
        chance.choice((200, 400, 401)),
        300,
        1000 + number,
        chance.choice(("JPEG", "PNG", "WEBP")),
        chance.choice((60, 85, 86, 95, 100)),
        chance.random() < 0.2,
        chance.choice((0, 150, 200, 400)) if number % 5 == 0 else 200,
        chance.random() < 0.2,
        chance.random() < 0.2,
        chance.choice((0, 5, 6)) if number % 7 == 0 else 5,
        chance.random() < 0.95,
    )


def random_log(seed: int, images: int = 24, records: int = 90) -> list[Record]:
    """Verdicts, decisions and images in any order, with doubles, replays, older and newer ones."""
    chance = Random(seed)
    known = [random_image(chance, number) for number in range(images)]
    log: list[Record] = list(known)
    for _ in range(records):
        left, right = chance.sample(known[: chance.choice((6, 12, images))], 2)
        sides = ALIKE
        if chance.random() < 0.4:
            sides = Sides(
                *(Side(chance.choice((1.0, 0.97, 0.6)), *chance.choices((True, False), (1, 4), k=2)) for _ in "lr")
            )
        kinds = (*[VerdictKind.DUPLICATE] * 6, *VerdictKind)
        view = chance.choice(("upright", "upright", "mirrored"))
        log.append(Link.of(left, right, chance.choice(kinds), chance.randint(0, 9), view, sides))
        if chance.random() < 0.25:
            decision = chance.choice((None, *Decision))
            keeper = chance.choice((b"", left.image_id))
            log.append(Decided.of(left, right, decision, keeper=keeper, by="ann", at=chance.randint(1, 9)))
        if chance.random() < 0.1:
            log.append(random_image(chance, chance.randrange(images)))
    chance.shuffle(log)
    return log


def told(projection: GroupProjection) -> list[PlainGroup]:
    return [PlainGroup.of(group) for group in projection.groups()]


@pytest.mark.parametrize("policy", POLICIES, ids=["usual", "prefixes", "few steps"])
@pytest.mark.parametrize("seed", range(12))
def test_columns_and_single_values_give_the_same_groups(seed: int, policy: KeeperPolicy):
    log = random_log(seed)
    plain = PlainGroups(log, policy)
    expected = plain.groups()
    assert len(expected) > 1
    at_once, bit_by_bit = GroupProjection(policy), GroupProjection(policy)
    at_once.add(Records.of(log))
    assert told(at_once) == expected
    for start in range(0, len(log), 7):  # asked in between, so that only what changed is made anew
        bit_by_bit.add(Records.of(log[start : start + 7]))
        bit_by_bit.groups()
    assert told(bit_by_bit) == expected
    for group in bit_by_bit.groups():
        assert {bit_by_bit.group_of(image.image_id, group.family) for image in group.images} == {group}
        assert list(group.paths) == [image.path for image in group.images]
    for first, second in plain.links:
        assert at_once.link(second, first) == plain.links[first, second]
