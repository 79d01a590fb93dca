"""A namespace belongs to one app: the same after restarts and on every instance, and no other takes its messages."""

import pytest

from dedup_app.configuration.ownership import NamespaceTaken, OwnershipService
from dedup_app.configuration.settings import Settings
from tests.app.world import NOON
from tests.memory import MemoryReportsTable


@pytest.fixture
def record():
    return MemoryReportsTable()


def app(record, container="images", site=""):
    """A process that starts."""
    settings = Settings(image_container=container, site_name=site)
    return OwnershipService(record=record, settings=settings, now=lambda: NOON)


def test_the_first_app_to_start_owns_the_namespace_and_starts_again_wherever_it_runs(record):
    app(record, site="func-a").require()
    for site in ("func-a", "func-a", ""):  # another instance, a deployment, a run on someone's machine
        app(record, site=site).require()
    owner = record.owner()
    assert (owner.container, owner.site, owner.since) == ("images", "func-a", NOON)


def test_a_site_puts_its_name_to_what_was_begun_without_one(record):
    app(record).require()
    app(record, site="func-a").require()
    assert record.owner().site == "func-a"
    with pytest.raises(NamespaceTaken):
        app(record, site="func-b").require()


@pytest.mark.parametrize(("container", "site"), [("catalog", "func-a"), ("catalog", ""), ("images", "func-b")])
def test_another_app_is_told_both_names_and_what_to_do(record, container, site):
    app(record, site="func-a").require()
    with pytest.raises(NamespaceTaken) as refused:
        app(record, container, site).require()
    text = str(refused.value)
    for part in ("func-a that watches the container images", f"watches the container {container}.", "verify-pairs"):
        assert part in text
    assert "DEDUP_NAMESPACE" in text
    assert ("take-over --site func-b" in text) == (site == "func-b")


def test_of_two_that_start_at_once_both_agree_on_one(record):
    other = app(record, "catalog")
    create = record.create_owner

    def overtaken(owner):
        record.create_owner = create
        other.require()
        return create(owner)

    record.create_owner = overtaken
    with pytest.raises(NamespaceTaken):
        app(record).require()
    assert record.owner().container == "catalog"


def test_an_app_that_was_refused_goes_on_once_it_has_taken_over_and_the_former_one_stops_at_its_timer(record):
    former, new = app(record, site="func-a"), app(record, "catalog", "func-b")
    former.require()
    with pytest.raises(NamespaceTaken):
        new.require()
    app(record, "catalog").take_over("Func-B")
    new.require()
    former.require()  # asked once a process
    with pytest.raises(NamespaceTaken):
        former.require_anew()
    with pytest.raises(NamespaceTaken):
        former.require()


def test_a_look_writes_nothing(record):
    app(record).check()
    assert record.owner() is None
    app(record, site="func-a").require()
    app(record).check()
    with pytest.raises(NamespaceTaken):
        app(record, "catalog").check()
