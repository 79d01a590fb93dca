"""Alerts and the workbook look for what the app and the host really log, and at what really happens."""

import json
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest

from dedup_app.configuration.settings import Settings
from dedup_core.loading.stats import LoaderStats
from local_host.timers.schedule import parse_schedule
from tests.app.world import World
from tests.infra.deployments import INFRA, ROOT, WAYS, way

QUERIES = {it.stem: it.read_text() for it in (INFRA / "queries").glob("*.kql")}
WORKBOOK = json.loads((INFRA / "workbook.json").read_text())


@pytest.fixture
def reported(caplog: pytest.LogCaptureFixture) -> dict:
    """The line of a report, as Application Insights gets it."""
    world = World()
    with caplog.at_level(logging.INFO):
        world.services.reporting.report()
    (line,) = [it.getMessage() for it in caplog.records if "loader_stats" in it.getMessage()]
    return json.loads(line)


def test_every_query_is_an_alert_and_every_alert_has_its_query():
    rules = way("own numbers").of_type("Microsoft.Insights/scheduledQueryRules")
    asked = {it.properties["displayName"].removeprefix("dedup: "): it for it in rules}
    assert set(asked) == set(QUERIES)
    for name, rule in asked.items():
        (criterion,) = rule.properties["criteria"]["allOf"]
        assert criterion["query"] == QUERIES[name]
        assert rule.properties["scopes"] == ["rg-example/Microsoft.Insights/components/appi-dedup-abc123"]
        assert len(rule.properties["actions"]["actionGroups"]) == 1


@pytest.mark.parametrize("name", ["coverage", "stalled-statistics"])
def test_the_queries_of_statistics_find_the_line_of_a_report(name: str, reported: dict):
    query = QUERIES[name]
    assert f'message has "{reported["event"]}"' in query
    assert f'event == "{reported["event"]}"' in query


def test_nothing_that_alerts_count_is_sampled():
    host = json.loads((ROOT / "host.json").read_text())
    kept = set(host["logging"]["applicationInsights"]["samplingSettings"]["excludedTypes"].split(";"))
    counted = {query.split("\n| ")[0].rpartition("\n")[2].strip() for query in QUERIES.values()}
    assert counted == {"traces"}
    assert {"Trace", "Request", "Exception"} <= kept


def test_queries_and_workbook_use_only_fields_that_a_report_has(reported: dict):
    texts = [*QUERIES.values(), *(it["content"].get("query", "") for it in WORKBOOK["items"])]
    used = {field for text in texts for field in re.findall(r"stats\.(\w+)", text)}
    assert {"success_rate", "comparisons_failed", "reads_saved", "failures_by_reason"} <= used
    assert used <= set(reported)


def test_full_coverage_is_silent_and_a_failed_comparison_is_not():
    (limit,) = re.findall(r"success_rate\) < ([\d.]+)", QUERIES["coverage"])
    assert not LoaderStats(comparisons_performed=10).success_rate < float(limit)
    assert not LoaderStats().success_rate < float(limit)
    assert LoaderStats(comparisons_performed=10_000, comparisons_failed=1).success_rate < float(limit)


def test_the_query_of_the_ledger_uses_what_its_line_has(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        World().services.reconcile.run_slices()
    (line,) = [json.loads(it.getMessage()) for it in caplog.records if '"ledger"' in it.getMessage()]
    assert set(re.findall(r"ledger\.(\w+)", QUERIES["incomplete-ledger"])) <= set(line)
    (rule,) = (
        it
        for it in way().of_type("Microsoft.Insights/scheduledQueryRules")
        if it.properties["displayName"].endswith("incomplete-ledger")
    )
    assert rule.properties["windowSize"] == "PT1H"


def test_statistics_count_as_stalled_only_after_several_were_due():
    (rule,) = (
        it
        for it in way().of_type("Microsoft.Insights/scheduledQueryRules")
        if it.properties["displayName"].endswith("stalled-statistics")
    )
    window = timedelta(minutes=int(rule.properties["windowSize"].removeprefix("PT").removesuffix("M")))
    for every in (Settings().stats_schedule, "0 */10 * * * *"):  # the rarest that docs/settings.md names
        schedule = parse_schedule(every, {})
        start = moment = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
        due = [moment := schedule.next_after(moment) for _ in range(3)]
        assert due[-1] - start <= window
    (criterion,) = rule.properties["criteria"]["allOf"]
    assert (criterion["operator"], criterion["threshold"]) == ("LessThan", 1)


def test_the_storage_of_the_index_server_is_watched_where_there_is_one():
    """It does not grow by itself, and full it takes no writes."""
    for name in WAYS:
        servers = way(name).of_type("Microsoft.DBforPostgreSQL/flexibleServers")
        found = [
            (it.properties["scopes"], it.properties["criteria"]["allOf"][0])
            for it in way(name).of_type("Microsoft.Insights/metricAlerts")
            if it.name.startswith("dedup-index-storage-")
        ]
        assert [scopes for scopes, _ in found] == [[server.id] for server in servers]
        assert {server.properties["storage"]["autoGrow"] for server in servers} <= {"Disabled"}
        for _, criterion in found:
            assert (criterion["metricName"], criterion["operator"]) == ("storage_percent", "GreaterThan")
            # Azure makes a server read-only at 95 %, or with less than 5 GiB left; the smallest one has 32.
            assert criterion["threshold"] / 100 < min(0.95, (32 - 5) / 32)


def test_undelivered_events_are_watched_at_the_topic():
    alerts = way().of_type("Microsoft.Insights/metricAlerts")
    metrics = {it.properties["criteria"]["allOf"][0]["metricName"] for it in alerts}
    assert metrics == {"DeadLetteredCount", "DroppedEventCount"}
    assert {tuple(it.properties["scopes"]) for it in alerts} == {
        ("rg-example/Microsoft.EventGrid/systemTopics/evgt-images-abc123",)
    }


def test_without_an_address_alerts_are_there_and_tell_nobody():
    assert way().of_type("Microsoft.Insights/actionGroups") == []
    rules = way().of_type("Microsoft.Insights/scheduledQueryRules")
    assert len(rules) == len(QUERIES)
    assert all(it.properties["actions"]["actionGroups"] == [] for it in rules)


def test_the_workbook_is_one_that_the_portal_reads():
    (workbook,) = way().of_type("Microsoft.Insights/workbooks")
    assert json.loads(workbook.properties["serializedData"]) == WORKBOOK
    assert WORKBOOK["version"] == "Notebook/1.0"
    names = [it["name"] for it in WORKBOOK["items"]]
    assert len(set(names)) == len(names)
    for item in WORKBOOK["items"]:
        if item["type"] == 3:
            assert item["content"]["version"] == "KqlItem/1.0"
            assert item["content"]["resourceType"] == "microsoft.insights/components"
