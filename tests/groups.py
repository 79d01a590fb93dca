"""Groups as sets of names, to compare those of the verdict log, which readers see, with what the tables say."""

from collections.abc import Iterable

from dedup_app.ports.features import ImageSummary
from dedup_app.ports.pairs import PairRow
from dedup_app.records.group_records import facts_of, link_of
from dedup_app.services import Services
from dedup_core.groups.columns import Records
from dedup_core.groups.facts import Family
from dedup_core.groups.group import Group
from dedup_core.groups.projection import GroupProjection

type Names = set[frozenset[str]]


def groups_of_log(services: Services) -> Names:
    """The groups of every family, by the verdict log alone."""
    return _names(services.groups.groups(frozenset(Family)))


def groups_of_tables(services: Services, rows: Iterable[ImageSummary], pairs: Iterable[PairRow]) -> Names:
    """What they should be: the groups that follow from these rows of the tables."""
    projection = GroupProjection(services.settings.keeper_policy)
    links = [link_of(pair, pair.verdict) for pair in pairs if pair.verdict is not None]
    projection.add(Records.of([*map(facts_of, rows), *links]))
    return _names(projection.groups())


def _names(groups: Iterable[Group]) -> Names:
    return {frozenset({f"({group.family})", *(image.path for image in group.images)}) for group in groups}
