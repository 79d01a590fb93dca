"""What reaches Application Insights once its setting is on: lines with their trace, the loader's numbers, no paths."""

import json
import re
from typing import Any

from tests.azurite import Account
from tests.conftest import NewIndex
from tests.core.drawings import drawn
from tests.core.pictures import encoded
from tests.e2e.app import app_on
from tests.e2e.ingestion import Ingestion, run_ingestion

SECRET = "geheim"


def test_lines_and_numbers_arrive_and_no_path_of_an_image_does(account: Account, new_index: NewIndex) -> None:
    with (
        run_ingestion() as ingestion,
        app_on(account, STATS_SCHEDULE="* * * * * *", **ingestion.settings, **new_index()) as app,
    ):
        app.upload(
            {
                f"{SECRET}/a b.png": encoded(drawn(1)),
                f"{SECRET}/b.jpg": encoded(drawn(1), "JPEG"),
                f"{SECRET}/letter.jpg": b"Dear Sir or Madam",
            }
        )
        app.put_message(json.dumps({"left": f"images/{SECRET}/a b.png"}))
        with app.host():
            app.wait_until_idle(3)
            # Not before: an image that is taken in meanwhile is looked at twice, and what fails counts twice.
            app.put_message(json.dumps({"left": f"images/{SECRET}/a b.png", "right": f"images/{SECRET}/lost.png"}))
            for kind in ("performed", "failed"):  # of two messages, whichever comes first
                app.wait_for(lambda it=kind: ingestion.metrics().get(f"dedup.comparisons/{it}"), f"the {kind} ones")
            app.wait_for(lambda: "pairs_verified" in events_of(ingestion), "the lines")
            app.wait_for(lambda: "dedup.coverage" in ingestion.metrics(), "the coverage")
    metrics = ingestion.metrics()
    assert metrics["dedup.comparisons/performed"] == 1
    assert metrics["dedup.comparisons/failed"] == 1
    assert metrics["dedup.failures/not-found"] == 1
    assert metrics["dedup.images_downloaded"] >= 2
    assert metrics["dedup.bytes_downloaded"] > 1000
    lines = events_of(ingestion)
    assert {"image_ingested", "image_rejected", "message_refused", "pairs_verified", "loader_stats"} <= set(lines)
    for data in ingestion.of_kind("MessageData"):
        if data["message"].startswith('{"event": "image_ingested"'):
            assert len(data["tags"]["ai.operation.id"]) == 32
            assert len(json.loads(data["message"])["invocation"]) == 36
    assert [data for data in of_the_app(ingestion) if SECRET in json.dumps(data, ensure_ascii=False)] == []


def events_of(ingestion: Ingestion) -> list[str]:
    messages = [data["message"] for data in ingestion.of_kind("MessageData")]
    return [json.loads(message)["event"] for message in messages if message.startswith('{"event"')]


def of_the_app(ingestion: Ingestion) -> list[dict[str, Any]]:
    """Everything but what the local host adds, which shares the process: its lines, its container, its looks at blobs.

    In Azure the host's line at the start of a function, which names the blob, is held back by host.json.
    """
    return [
        data
        for data in (it["data"]["baseData"] for it in ingestion.envelopes)
        if data.get("properties", {}).get("logger_name") != "local_host.functions"
        and not re.match(r"HEAD|\w+ \S*/azure-webjobs-", data.get("name", ""))
    ]
