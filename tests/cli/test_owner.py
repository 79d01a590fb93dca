"""`dedup owner`, and what every other command says in another app's namespace."""

import json

from dedup_app.configuration.ownership import OwnershipService
from dedup_app.configuration.settings import Settings
from dedup_core.paths import ImagePath
from tests.cli.conftest import NOW


def claim(services, container: str, site: str = "") -> None:
    settings = Settings(image_container=container, site_name=site)
    OwnershipService(record=services.reports, settings=settings, now=lambda: NOW).require()


def test_nobody_owns_what_no_app_has_started_in_and_no_command_claims_it(dedup, services):
    assert "nobody's yet" in dedup("owner", "show").output
    assert dedup("status").exit_code == 0
    assert json.loads(dedup("owner", "show", "--json").output) is None


def test_the_owner_is_shown(dedup, services):
    claim(services, "images", "func-a")
    assert "the app func-a that watches the container images" in dedup("owner", "show").output
    told = json.loads(dedup("owner", "show", "--json").output)
    assert told == {"container": "images", "site": "func-a", "since": NOW.isoformat()}


def test_a_command_with_the_settings_of_another_app_is_refused_until_it_takes_over(dedup, services):
    claim(services, "catalog", "func-a")
    services.images.put(ImagePath("images", "a.jpg"), b"an image")
    refused = dedup("ingest", "images/a.jpg")
    assert (refused.exit_code, "IMAGE_CONTAINER" in refused.stderr) == (3, False)
    assert "func-a that watches the container catalog" in refused.stderr
    assert services.ingest_queue.messages == []
    assert dedup("owner", "take-over", "--site", "func-b").exit_code == 0
    assert dedup("ingest", "images/a.jpg").exit_code == 0
    owner = services.reports.owner()
    assert (owner.container, owner.site) == ("images", "func-b")


def test_a_site_says_nothing_where_nothing_is_handed_over(dedup):
    assert dedup("owner", "show", "--site", "x").exit_code == 2


def test_who_takes_over_is_told_so_in_words_alone(dedup, services, caplog):
    told = dedup("owner", "take-over")
    assert (told.exit_code, told.stderr, caplog.records) == (0, "", [])
